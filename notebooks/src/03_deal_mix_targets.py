# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-en"]
# # What does the target take: how many deals, how many leads, and how soon?
#
# **What you get:** the probability of reaching the target of a period, how many deals of which size it takes, from how
# many leads, and the day by which they must be there. Every number comes with its probability. Plain division gives only about
# one half; it is shown beside.

# %% [markdown] tags=["lang-zh"]
# # 达成目标需要多少单、多少线索，最迟何时？
#
# **本页内容：** 达成期间目标的概率，需要多少单、各多大，需要多少线索，最迟何时进入。每个数量都附有达成概率；
# 直接相除得到的数量只有约一半的概率，列在旁边对照。

# %% [markdown] tags=["lang-en", "notebook-only"]
# **What you need:** a CRM export with amounts. Leave the parameters empty to use the sample company.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# **所需数据：** 一份带金额的 CRM 导出数据。参数留空则使用示例公司。

# %% tags=["parameters", "lang-en"]
data: str = ""  # folder or file of the CRM export; empty: the sample company
mapping: str = ""  # settings file that maps the columns; empty: the one beside the data
playbook: str = ""  # stage model, by name or file; empty: the one in the settings
as_of: str = ""  # nothing after this date counts, such as 2026-06-30; empty: the latest date in the data
by: str = "region"  # attribute that reports are split by
value: str = ""  # the value of this report, such as one region; empty: the whole company
period: str = ""  # month, quarter or year of the target, such as 2026-Q4; empty: the next quarter
amount: float = 0.0  # target in the currency of the data; 0: the one in the table of targets
assurance: float = 0.8  # probability with which the target is to be reached
lang: str = "en"  # language of tables, charts and sentences: en or zh

# %% tags=["parameters", "lang-zh"]
data: str = ""  # CRM 导出数据的文件夹或文件；空：示例公司
mapping: str = ""  # 说明各列含义的设置文件；空：数据旁边的那一份
playbook: str = ""  # 阶段模型的名称或文件；空：设置中的模型
as_of: str = ""  # 数据截止日，此日之后不计，如 2026-06-30；空：数据中最新的日期
by: str = "region"  # 按哪个属性分别出报告
value: str = ""  # 本报告针对的取值，如某个区域；空：全公司
period: str = ""  # 目标所在的月、季度或年，如 2026-Q4；空：下一个季度
amount: float = 0.0  # 目标金额，币种与数据相同；0：取目标表中的数
assurance: float = 0.8  # 要求的达成概率
lang: str = "en"  # 表格、图表和文字的语言：en 或 zh

# %% tags=["setup"]
import funnelnb as fn

fn.options(lang=lang)
whole = fn.open_book(data, mapping=mapping, playbook=playbook, as_of=as_of)
book = fn.pick(whole, by, value)

# %% [markdown] tags=["lang-en"]
# ## In short

# %% [markdown] tags=["lang-zh"]
# ## 要点

# %%
goal = fn.attempt(fn.target, book, amount=amount or None, period=period, assurance=assurance)
fn.notebook.in_short(goal)

# %% [markdown] tags=["lang-en"]
# The curve shows how far chance can move the total. The dark part reaches the target.

# %% [markdown] tags=["lang-zh"]
# 曲线显示偶然波动会让合计偏离多少，深色部分达成目标。

# %% [markdown] tags=["lang-en"]
# ## The target

# %% [markdown] tags=["lang-zh"]
# ## 目标

# %%
fn.display(goal, picture=False)

# %% [markdown] tags=["lang-en"]
# What is won, what open deals are expected to bring, and what new deals are expected to bring add up. The last row says
# how far this is ahead of or short of the target.

# %% [markdown] tags=["lang-zh"]
# 已赢单、在途商机的预期和新商机的预期相加，最后一行说明超出目标还是距目标还差多少。

# %% tags=["check"]
print(goal.text(lang))

# %% [markdown] tags=["lang-en"]
# Read the rows from top to bottom: target, parts, difference.

# %% [markdown] tags=["lang-zh"]
# 自上而下：目标、各部分、差额。

# %% [markdown] tags=["lang-en"]
# ## Which mix of deals

# %% [markdown] tags=["lang-zh"]
# ## 怎样的单额组合

# %%
mix = fn.attempt(fn.deal_mix, book, amount=goal.target_amount, assurance=assurance)
fn.display(mix, chart="frontier")

# %% [markdown] tags=["lang-en"]
# Each point is a mix that no other beats in both effort and probability. A mix that reaches the target *on average*
# reaches it only about half the time. Your own limits (hours, largest share of a size, fewest deals of a size) go into
# `fn.deal_mix`.

# %% [markdown] tags=["lang-zh"]
# 每个点都是投入和概率不能同时再优的组合。*平均*能达标的组合，实际只有约一半的概率达标。自己的限制（工时、单档最大占比、
# 某档最少单数）可传给 `fn.deal_mix`。

# %% tags=["check"]
print(mix.text(lang))

# %% [markdown] tags=["lang-en"]
# Sizes inside the bands are those of won deals. The effort of a deal is the number of closed deals per won deal in its
# band.

# %% [markdown] tags=["lang-zh"]
# 各档的单额取自赢单。每单投入为该档每赢一单对应的已结案商机数。

# %% [markdown] tags=["lang-en"]
# ## Range of the total

# %% [markdown] tags=["lang-zh"]
# ## 合计的范围

# %%
fn.display(mix, chart="total", table=False, finding=False)

# %% [markdown] tags=["lang-en"]
# The dark part reaches the target.

# %% [markdown] tags=["lang-zh"]
# 深色部分达成目标。

# %% [markdown] tags=["lang-en"]
# ## How many leads, and how soon

# %% [markdown] tags=["lang-zh"]
# ## 需要多少线索，最迟何时

# %%
funnel = fn.attempt(
    fn.reverse_funnel, book, wins=mix.required_n, period=goal.period_name, assurance=assurance
)
fn.display(funnel)

# %% [markdown] tags=["lang-en"]
# Each row is complete in itself: that many deals in that stage, by that day, bring the wins with the probability wanted. The dark
# bar is plain division. "Too late" means that deals at the usual pace no longer make it; the number is then for deals that
# arrive today.

# %% [markdown] tags=["lang-zh"]
# 每行单独成立：该阶段有这么多单、在该日之前进入，就能以要求的概率带来目标赢单数。深色条为直接相除。“已来不及”表示
# 按平常的速度赶不上，此时的数字按今天进入计算。

# %% tags=["check"]
print(funnel.text(lang))

# %% [markdown] tags=["lang-en"]
# This counts all wins of the period, also those that open deals will bring. The first section says what is needed beyond
# them.

# %% [markdown] tags=["lang-zh"]
# 这里计的是整个期间的赢单，包括在途商机将带来的；第一节说明此外还需要多少。

# %% [markdown] tags=["lang-en"]
# ## Which lever

# %% [markdown] tags=["lang-zh"]
# ## 抓什么最有效

# %%
levers = fn.attempt(fn.levers, book, amount=goal.target_amount, period=goal.period_name)
fn.display(levers)

# %% [markdown] tags=["lang-en"]
# Each lever is changed alone by one tenth. If one costs more than another, say so with `effort=`.

# %% [markdown] tags=["lang-zh"]
# 每次只把一个因素变动一成。若各因素的代价不同，请用 `effort=` 给出。

# %% [markdown] tags=["lang-en"]
# ## Fair shares

# %% [markdown] tags=["lang-zh"]
# ## 目标分摊

# %%
fn.display(fn.attempt(fn.fair_shares, book, by="owner", amount=goal.target_amount, period=goal.period_name))

# %% [markdown] tags=["lang-en"]
# Shares follow each person's open deals and wins of last year, not last year's target.

# %% [markdown] tags=["lang-zh"]
# 分摊依据每人的在途商机和去年的赢单，而不是去年的目标。

# %% [markdown] tags=["lang-en"]
# ## Compared with the whole company; do stages fit their records?

# %% [markdown] tags=["lang-zh"]
# ## 与全公司对照；阶段与记录是否相符

# %%
fn.display(fn.attempt(fn.ideal_funnel, book, ideal=whole))
fn.display(fn.attempt(fn.integrity, book))

# %% [markdown] tags=["lang-en"]
# The ideal here is the whole company; your own shares can be given as a list. Deals in a wrong stage change the weighted
# pipeline: the table says by how much.

# %% [markdown] tags=["lang-zh"]
# 这里以全公司为理想，也可用列表给出自己的理想值。填报阶段有误会影响加权商机金额，表中给出影响多少。

# %% [markdown] tags=["lang-en", "notebook-only"]
# ## What if
#
# In JupyterLab the sliders redraw the answer. A report shows the state that was chosen.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# ## 假如……
#
# 在 JupyterLab 中，拖动滑块会立即重画；报告中显示选定的状态。

# %% tags=["notebook-only"]
fn.attempt(fn.target_simulator, book, amount=goal.target_amount)

# %% [markdown] tags=["lang-en"]
# ## What this does not show
#
# This does not show that so many leads, or deals of these sizes, can be found, or that rates and sizes stay the same with
# more of them. The market can change.
#
# ## Next question
#
# [Whom to call first, and which customers deserve the hours?](04_priorities.ipynb)

# %% [markdown] tags=["lang-zh"]
# ## 请注意
#
# 以上并不表明能找到这么多线索或这样的单额，也不表明增加之后转化率和单额不变。市场也可能变化。
#
# ## 下一个问题
#
# [先联系谁？哪些客户值得投入时间？](04_priorities.ipynb)
