# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-en"]
# # How many deals, of which size, from how many leads, by when?
#
# **What you get:** the chance that the target of a period is reached, how many deals of which size it needs, from how
# many leads, and until when they must be in. **What you need:** a CRM export with amounts, or nothing (the sample
# company is used). **How to read it:** a number needed always stands with the chance it gives; a number got by plain
# division has a chance of about one half, and is shown beside it.

# %% [markdown] tags=["lang-zh"]
# # 需要多少单、多大的单、多少线索，最迟何时？
#
# **你会得到：** 期间目标达成的概率，需要多少单、各多大，需要多少线索，以及最迟何时进入。
# **你需要：** 一份带金额的 CRM 导出数据；没有也可以（使用示例公司）。
# **怎么读：** 所需数量总是与其达成概率一起给出；简单相除得到的数量只有约一半的把握，列在旁边对照。

# %% tags=["parameters"]
data: str = ""  # folder or file of the CRM export; empty: the sample company
mapping: str = ""  # settings file that says which column is what; empty: the one beside the data
playbook: str = ""  # stage model, by name or file; empty: the one in the settings
as_of: str = ""  # date after which nothing counts, such as 2026-06-30; empty: the latest in the data
by: str = "region"  # attribute that reports are split by
value: str = ""  # the value this report is about; empty: the whole company
period: str = ""  # month, quarter or year of the target, such as 2026-Q4; empty: the next quarter
amount: float = 0.0  # target in the currency of the data; 0: the one in the table targets
assurance: float = 0.8  # chance with which the target is to be reached
lang: str = "en"  # language of tables, charts and sentences: en or zh

# %% tags=["setup"]
import funnelnb as fn

fn.options(lang=lang)
whole = fn.open_book(data, mapping=mapping, playbook=playbook, as_of=as_of)
book = fn.pick(whole, by, value)

# %% [markdown] tags=["lang-en"]
# ## The target

# %% [markdown] tags=["lang-zh"]
# ## 目标

# %%
goal = fn.attempt(fn.target, book, amount=amount or None, period=period, assurance=assurance)
fn.display(goal, chart="total")

# %% [markdown] tags=["lang-en"]
# What is won, what open deals are expected to bring given their stage and how long they have stood there, and what
# comes from deals not yet entered add up; what is missing stands in the last row (negative: to spare). The curve shows
# how far chance can carry the total to either side.

# %% [markdown] tags=["lang-zh"]
# 已成交、未决商机（按阶段与停留时间）的预期，以及尚未录入商机的预期相加；最后一行是缺口（负数为富余）。
# 曲线显示偶然性会把合计带向两侧多远。

# %% tags=["check"]
print(goal.text(lang))

# %% [markdown] tags=["lang-en"]
# Read the rows from top to bottom: the target, its parts, the gap.

# %% [markdown] tags=["lang-zh"]
# 自上而下读：目标、各构成部分、缺口。

# %% [markdown] tags=["lang-en"]
# ## Which deals

# %% [markdown] tags=["lang-zh"]
# ## 哪些单子

# %%
mix = fn.attempt(fn.deal_mix, book, amount=goal.target_amount, assurance=assurance)
fn.display(mix, chart="frontier")

# %% [markdown] tags=["lang-en"]
# Each point is a mix that no other beats: less effort would mean less chance. A mix that reaches the target *on average*
# reaches it about every second time. Limits of your own (hours, the largest share of one size, fewest deals of a size)
# go into `fn.deal_mix`.

# %% [markdown] tags=["lang-zh"]
# 每个点都是无法被超越的组合：投入更少，概率就更低。*平均*能达到目标的组合，大约每两次只成功一次。
# 自己的限制（工时、单档最大占比、某档最少单数）可传给 `fn.deal_mix`。

# %% tags=["check"]
print(mix.text(lang))

# %% [markdown] tags=["lang-en"]
# The sizes inside the bands are those of the deals that were won; the effort of a deal is the number of decided deals
# per won one in its band.

# %% [markdown] tags=["lang-zh"]
# 各档的单额取自已成交的商机；每单的投入是该档每赢一单所对应的已决商机数。

# %% [markdown] tags=["lang-en"]
# ## How the total comes out

# %% [markdown] tags=["lang-zh"]
# ## 合计会怎样

# %%
fn.display(mix, chart="total", table=False, finding=False)

# %% [markdown] tags=["lang-en"]
# What reaches the target is dark.

# %% [markdown] tags=["lang-zh"]
# 达到目标的部分为深色。

# %% [markdown] tags=["lang-en"]
# ## From how many leads, until when

# %% [markdown] tags=["lang-zh"]
# ## 需要多少线索，最迟何时

# %%
funnel = fn.attempt(fn.reverse_funnel, book, wins=mix.required_n, period=goal.period_name, assurance=assurance)
fn.display(funnel)

# %% [markdown] tags=["lang-en"]
# Each row stands alone: so many deals at that stage, in by that day, give the wins with the chance wanted. The dark bar
# is what plain division gives. "Too late" means that deals of the usual pace no longer make it; the number then is for
# deals that come in today.

# %% [markdown] tags=["lang-zh"]
# 每一行独立成立：该阶段有这么多商机、在该日之前进入，就能以所需把握带来目标成交数。深色条是简单相除的结果。
# “已来不及”表示按平常的速度已赶不上；此时的数字按今天进入计算。

# %% tags=["check"]
print(funnel.text(lang))

# %% [markdown] tags=["lang-en"]
# All deals of the period are counted here, also those that open deals will bring; the first section says how many are
# missing beyond them.

# %% [markdown] tags=["lang-zh"]
# 这里计的是整个期间的成交，包括未决商机将带来的；第一节说明了除此之外还差多少。

# %% [markdown] tags=["lang-en"]
# ## Which lever

# %% [markdown] tags=["lang-zh"]
# ## 哪个杠杆

# %%
levers = fn.attempt(fn.levers, book, amount=goal.target_amount, period=goal.period_name)
fn.display(levers)

# %% [markdown] tags=["lang-en"]
# Each lever is moved alone by a tenth. Where moving one takes more effort than another, say so with `effort=`.

# %% [markdown] tags=["lang-zh"]
# 每次只把一个杠杆变动一成。若推动各杠杆的代价不同，请用 `effort=` 给出。

# %% [markdown] tags=["lang-en"]
# ## Fair parts

# %% [markdown] tags=["lang-zh"]
# ## 合理分摊

# %%
fn.display(fn.attempt(fn.fair_shares, book, by="owner", amount=goal.target_amount, period=goal.period_name))

# %% [markdown] tags=["lang-en"]
# Parts follow what each person's open deals and last year's wins make likely, not last year's target.

# %% [markdown] tags=["lang-zh"]
# 分摊依据的是每人的未决商机与去年的成交，而不是去年的目标。

# %% [markdown] tags=["lang-en"]
# ## Against the whole, and are the records honest?

# %% [markdown] tags=["lang-zh"]
# ## 与整体对照；记录是否如实？

# %%
fn.display(fn.attempt(fn.ideal_funnel, book, ideal=whole))
fn.display(fn.attempt(fn.integrity, book))

# %% [markdown] tags=["lang-en"]
# The ideal is the whole company here; give your own shares as a list. What the records do not show honestly moves the
# quota: the table says by how much.

# %% [markdown] tags=["lang-zh"]
# 这里以全公司为理想；也可用列表给出自己的理想值。记录不实会影响定额，表中给出影响多少。

# %% [markdown] tags=["lang-en"]
# ## What if
#
# In JupyterLab the sliders redraw the answer; a report shows the state that was chosen.

# %% [markdown] tags=["lang-zh"]
# ## 如果……
#
# 在 JupyterLab 中，拖动滑块会立即重画；在报告中显示的是已选定的状态。

# %%
fn.attempt(fn.target_simulator, book, amount=goal.target_amount)

# %% [markdown] tags=["lang-en"]
# ## What this does not say
#
# It does not say that so many leads or deals of such sizes can be had, nor that rates and sizes stay as they were when
# their number is raised. It does not know what the market will do.
#
# ## Next question
#
# Which deals deserve the next hour?

# %% [markdown] tags=["lang-zh"]
# ## 这里没有说明什么
#
# 它没有说明能否获得这么多线索或这么大的单子，也没有说明数量增加后转化率与单额是否不变。它不知道市场将会怎样。
#
# ## 下一个问题
#
# 下一个小时应该花在哪些商机上？
