# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-en"]
# # Where is the funnel sick, what changed, and why do we lose?
#
# **What you get:** symptoms by rule and person, each with its evidence, the money at stake and a remedy; what changed
# between two periods, split into parts that sum exactly; why deals are lost; how they wander; sales over time; costs.

# %% [markdown] tags=["lang-zh"]
# # 漏斗病在哪里？什么变了？为什么输单？
#
# **本页内容：** 按规则和人员列出症状，每个都有依据、涉及金额和对策；两个期间之间的变化，拆成相加正好等于总变化的各部分；
# 输单原因；商机的路径；各期销售；成本。

# %% [markdown] tags=["lang-en", "notebook-only"]
# **What you need:** deals. Stage history, targets, activities and costs add to it; each rule says what it lacks. Leave the
# parameters empty to use the sample company.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# **所需数据：** 商机。另有阶段历史、目标、活动和成本时，内容更多；每条规则会说明缺少什么。参数留空则使用示例公司。

# %% tags=["parameters", "lang-en"]
data: str = ""  # folder or file of the CRM export; empty: the sample company
mapping: str = ""  # settings file that maps the columns; empty: the one beside the data
playbook: str = ""  # stage model, by name or file; empty: the one in the settings
as_of: str = ""  # nothing after this date counts, such as 2026-06-30; empty: the latest date in the data
by: str = "region"  # attribute that reports are split by
value: str = ""  # the value of this report, such as one region; empty: the whole company
people: str = "owner"  # whose symptoms: owner, team or region
measure: str = "bookings"  # what is compared between the periods: bookings, win_rate or cycle
before: str = ""  # earlier period, such as 2026-Q1; empty: the last whole quarter but one
after: str = ""  # later period; empty: the last whole quarter
trend_by: str = "product"  # attribute of the lines of sales
lang: str = "en"  # language of tables, charts and sentences: en or zh

# %% tags=["parameters", "lang-zh"]
data: str = ""  # CRM 导出数据的文件夹或文件；空：示例公司
mapping: str = ""  # 说明各列含义的设置文件；空：数据旁边的那一份
playbook: str = ""  # 阶段模型的名称或文件；空：设置中的模型
as_of: str = ""  # 数据截止日，此日之后不计，如 2026-06-30；空：数据中最新的日期
by: str = "region"  # 按哪个属性分别出报告
value: str = ""  # 本报告针对的取值，如某个区域；空：全公司
people: str = "owner"  # 诊断谁：owner、team 或 region
measure: str = "bookings"  # 两个期间比较什么：bookings、win_rate 或 cycle
before: str = ""  # 较早的期间，如 2026-Q1；空：倒数第二个完整季度
after: str = ""  # 较晚的期间；空：最近一个完整季度
trend_by: str = "product"  # 销售趋势按哪个属性分线
lang: str = "en"  # 表格、图表和文字的语言：en 或 zh

# %% tags=["setup"]
import funnelnb as fn

fn.options(lang=lang)
whole = fn.notebook.open_book(data, mapping=mapping, playbook=playbook, as_of=as_of)
book = fn.notebook.pick(whole, by, value)

# %% [markdown] tags=["lang-en"]
# ## In short

# %% [markdown] tags=["lang-zh"]
# ## 要点

# %%
found = fn.symptoms(book, by=people, learn_from=whole)
change = fn.notebook.attempt(
    fn.diagnosis.change, book, measure=measure, before=before or None, after=after or None
)
losses = fn.notebook.attempt(fn.diagnosis.why_lost, book)
fn.notebook.in_short(found, change, losses)

# %% [markdown] tags=["lang-en"]
# A filled triangle is clear with all rules and people counted; an empty one may be chance. An empty cell was not judged: too few cases, or a table is
# missing. Each rule tolerates ordinary differences between people, so a filled triangle is more than "different".

# %% [markdown] tags=["lang-zh"]
# 实心三角：计入所有规则和人员后仍然明确；空心三角：可能只是偶然；空格：案例太少或缺少数据，未判断。每条规则都容忍人与人之间的寻常差别，
# 所以实心三角不只是“不同”。

# %% [markdown] tags=["lang-en"]
# ## Symptoms

# %% [markdown] tags=["lang-zh"]
# ## 症状

# %%
fn.display(found, picture=False)

# %% [markdown] tags=["lang-en"]
# Each symptom has its evidence, the money at stake and a remedy; below is what each rule asks and tolerates.

# %% [markdown] tags=["lang-zh"]
# 每个症状都列出依据、涉及金额和对策；下表说明每条规则问什么、容忍到什么程度。

# %% tags=["check"]
print(found.finding(lang))

# %% [markdown] tags=["lang-en", "notebook-only"]
# ## Deals behind a symptom

# %% [markdown] tags=["lang-zh", "notebook-only"]
# ## 症状背后的商机

# %% tags=["notebook-only"]
fn.widgets.diagnose(found)

# %% [markdown] tags=["lang-en", "notebook-only"]
# Choose a symptom and a person: the deals behind it are listed, largest first.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# 选择症状和人员，即列出背后的商机，金额由大到小。

# %% [markdown] tags=["lang-en"]
# ## What changed, and why

# %% [markdown] tags=["lang-zh"]
# ## 什么变了，为什么

# %%
fn.display(change, chart="waterfall")

# %% [markdown] tags=["lang-en"]
# The parts sum to the change. Deals still open are counted as open in every part. A pale bar may be chance.

# %% [markdown] tags=["lang-zh"]
# 各部分之和等于总变化。仍在途的商机在每一部分都按在途计。浅色的部分可能只是偶然。

# %% tags=["check"]
print(change.text(lang))

# %% [markdown] tags=["lang-en"]
# ## Why deals are lost

# %% [markdown] tags=["lang-zh"]
# ## 为什么输单

# %%
fn.display(losses)

# %% [markdown] tags=["lang-en"]
# A customer who chose another asks for a better offer; one who stopped buying asks for need, budget and sponsor to be
# checked earlier.

# %% [markdown] tags=["lang-zh"]
# 客户选择他人，需要更好的方案；客户停止采购，则需要更早核实需求、预算和支持者。

# %% tags=["check"]
print(losses.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## How deals wander

# %% [markdown] tags=["lang-zh"]
# ## 商机怎样走过漏斗

# %%
paths = fn.notebook.attempt(fn.diagnosis.wander, book)
fn.display(paths)

# %% [markdown] tags=["lang-en"]
# What enters a stage equals what leaves it and what is still there, in number and in money.

# %% [markdown] tags=["lang-zh"]
# 进入某阶段的，等于离开的加仍在的，数量和金额都如此。

# %% tags=["check"]
print(paths.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Sales over time

# %% [markdown] tags=["lang-zh"]
# ## 各期销售

# %%
sales = fn.notebook.attempt(fn.diagnosis.sales_trend, book, by=trend_by)
fn.display(sales, chart="control", table=False)

# %% [markdown] tags=["lang-en"]
# The same by product, or by the attribute chosen:

# %% [markdown] tags=["lang-zh"]
# 同样的数字按产品（或所选属性）分列：

# %%
fn.display(sales, chart="bars", finding=False, table=False)

# %% [markdown] tags=["lang-en"]
# A month within the grey band needs no story. Outside it, ask: demand, marketing, competitors, prices, people?

# %% [markdown] tags=["lang-zh"]
# 灰色带之内的月份无需另找原因；带外则要问：需求、市场活动、竞争对手、价格还是人员？

# %% tags=["check"]
print(sales.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## What is typical

# %% [markdown] tags=["lang-zh"]
# ## 典型水平

# %%
typical = fn.notebook.attempt(fn.diagnosis.describe, book, by=trend_by)
fn.display(typical)

# %% [markdown] tags=["lang-en"]
# Where mean and median are far apart, take the median.

# %% [markdown] tags=["lang-zh"]
# 平均值与中位数相差很大时，请看中位数。

# %% tags=["check"]
print(typical.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## What an order costs

# %% [markdown] tags=["lang-zh"]
# ## 一单的成本

# %%
costs = fn.notebook.attempt(fn.diagnosis.costs, book)
fn.display(costs)

# %% [markdown] tags=["lang-en"]
# Compare sources, not single months: an order may stem from money spent long before.

# %% [markdown] tags=["lang-zh"]
# 请比较来源，而不是单个月份：一单可能来自很早以前的投入。

# %% tags=["check"]
print(costs.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## What this does not show
#
# A symptom is not a cause, and a remedy is not proven by being listed. Parts of a change say what goes with it, not why.
#
# ## Next question
#
# [What should this week's report say, and who does what next?](08_weekly_report.ipynb)

# %% [markdown] tags=["lang-zh"]
# ## 请注意
#
# 症状不等于原因，列出的对策也未经证明。变化的各部分只表明什么与之相伴，不表明为什么。
#
# ## 下一个问题
#
# [本周的周报该说什么，每个人下一步做什么？](08_weekly_report.ipynb)
