# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-en"]
# # Where do we land, and how good have such forecasts been?
#
# **What you get:** what will be won by the end of the period, with its range and the probability of the target; the same
# forecast made again for every past quarter and compared with what came; whether probabilities and dates can be trusted.

# %% [markdown] tags=["lang-zh"]
# # 期末能落到哪里，这样的预测以往准不准？
#
# **本页内容：** 期末能赢下多少、区间和达成概率；对每个历史季度重新预测并与实际对照；概率和预计成交日是否可信。

# %% [markdown] tags=["lang-en", "notebook-only"]
# **What you need:** a CRM export with closed and open deals. Leave the parameters empty to use the sample company.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# **所需数据：** 一份含已结案和在途商机的 CRM 导出数据。参数留空则使用示例公司。

# %% tags=["parameters", "lang-en"]
data: str = ""  # folder or file of the CRM export; empty: the sample company
mapping: str = ""  # settings file that maps the columns; empty: the one beside the data
playbook: str = ""  # stage model, by name or file; empty: the one in the settings
as_of: str = ""  # nothing after this date counts, such as 2026-06-30; empty: the latest date in the data
by: str = "region"  # attribute that reports are split by
value: str = ""  # the value of this report, such as one region; empty: the whole company
period: str = ""  # month, quarter or year to forecast, such as 2026-Q3; empty: the quarter that runs or comes
amount: float = 0.0  # target in the currency of the data; 0: the one in the table of targets
lang: str = "en"  # language of tables, charts and sentences: en or zh

# %% tags=["parameters", "lang-zh"]
data: str = ""  # CRM 导出数据的文件夹或文件；空：示例公司
mapping: str = ""  # 说明各列含义的设置文件；空：数据旁边的那一份
playbook: str = ""  # 阶段模型的名称或文件；空：设置中的模型
as_of: str = ""  # 数据截止日，此日之后不计，如 2026-06-30；空：数据中最新的日期
by: str = "region"  # 按哪个属性分别出报告
value: str = ""  # 本报告针对的取值，如某个区域；空：全公司
period: str = ""  # 预测的月、季度或年，如 2026-Q3；空：当前或下一个季度
amount: float = 0.0  # 目标金额，币种与数据相同；0：取目标表中的数
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
landing = fn.attempt(fn.forecast, book, period=period, amount=amount or None)
fn.notebook.in_short(landing)

# %% [markdown] tags=["lang-en"]
# The forecast goes on from what past months showed; it is not a promise.

# %% [markdown] tags=["lang-zh"]
# 预测按以往月份的表现推算，并不是承诺。

# %% [markdown] tags=["lang-en"]
# ## The forecast

# %% [markdown] tags=["lang-zh"]
# ## 预测

# %%
fn.display(landing, picture=False)

# %% [markdown] tags=["lang-en"]
# The dark line is what is won so far, the bands are where the total goes from there. Won, open and new deals add up to the
# expected amount.

# %% [markdown] tags=["lang-zh"]
# 深色线为已赢单，色带为其后的走向。已赢单、在途商机和新增商机相加即预计金额。

# %% tags=["check"]
print(landing.finding(lang))

# %% [markdown] tags=["lang-en"]
# The range is set by how far past forecasts were off, not by how sure anybody feels.

# %% [markdown] tags=["lang-zh"]
# 区间取决于以往预测偏离多少，而不取决于谁的感觉。

# %% [markdown] tags=["lang-en"]
# ## Where it lands

# %% [markdown] tags=["lang-zh"]
# ## 落点分布

# %%
fn.display(landing, chart="landing", table=False, finding=False)

# %% [markdown] tags=["lang-en"]
# The dark part reaches the target. Where there is no target, all of it is dark.

# %% [markdown] tags=["lang-zh"]
# 深色部分达成目标；没有目标时全部为深色。

# %% [markdown] tags=["lang-en", "notebook-only"]
# ## Replay a quarter

# %% [markdown] tags=["lang-zh", "notebook-only"]
# ## 逐周回放

# %% tags=["notebook-only"]
fn.attempt(fn.widgets.explore_forecast, book, period=period, amount=amount)

# %% [markdown] tags=["lang-en", "notebook-only"]
# Choose a past quarter and move the day: the forecast is made with what was known then, the dashed line is what came.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# 选择一个历史季度并移动日期：预测只用当时已知的数据，虚线为实际。

# %% [markdown] tags=["lang-en"]
# ## The record

# %% [markdown] tags=["lang-zh"]
# ## 历史成绩

# %%
card = fn.attempt(fn.scorecard, book, "quarter")
fn.display(card, chart="strip")

# %% [markdown] tags=["lang-en"]
# A bar is a past forecast, the point what came, triangles what others would have said. "No clear difference" means that
# there are too few quarters to prefer one.

# %% [markdown] tags=["lang-zh"]
# 每条横线为一次历史预测，圆点为实际，三角为其他方法。“没有明显差异”表示季度太少，难分高下。

# %% tags=["check"]
print(card.text(lang))

# %% [markdown] tags=["lang-en"]
# Days ahead count to the day before the quarter begins.

# %% [markdown] tags=["lang-zh"]
# 提前天数计到季度开始的前一日。

# %% [markdown] tags=["lang-en"]
# ## Can the probabilities be trusted?

# %% [markdown] tags=["lang-zh"]
# ## 概率是否可信？

# %%
kept = fn.attempt(fn.forecasts.calibration, book)
fn.display(kept, chart="reliability")

# %% [markdown] tags=["lang-en"]
# On the dashed line a probability was kept. Stage weights speak of winning at all, so within 90 days they may lie above it.

# %% [markdown] tags=["lang-zh"]
# 落在虚线上的概率与实际相符。阶段权重指最终赢单，因此在 90 天内可能偏离虚线。

# %% [markdown] tags=["lang-en"]
# ## Coverage and velocity

# %% [markdown] tags=["lang-zh"]
# ## 覆盖率与速度

# %%
fn.display(fn.attempt(fn.forecasts.coverage, book, period, amount=amount or None), table=False)
fn.display(fn.attempt(fn.forecasts.velocity, book), table=False)

# %% [markdown] tags=["lang-en"]
# Both are rules of thumb, counted with the open deals; where there are too few quarters, that is said.

# %% [markdown] tags=["lang-zh"]
# 两者都是常用的经验指标，这里如实计算：在途商机按在途计，季度太少则直说。

# %% [markdown] tags=["lang-en"]
# ## What this does not show
#
# This does not show what a change of prices, staff or selling would bring: the forecast goes on as the data show it until
# now. Amounts, dates and owners of past days are those of this export unless snapshots are kept:
# `funnelnb snapshot EXPORT --store pipeline/` every week.
#
# ## Next question
#
# [Where is the funnel sick, what changed, and why do we lose?](06_diagnosis.ipynb)

# %% [markdown] tags=["lang-zh"]
# ## 请注意
#
# 以上并不表明价格、人员或打单方式改变后会怎样：预测假定一切照旧。除非每周保存快照
# （`funnelnb snapshot EXPORT --store pipeline/`），历史日期的金额、预计成交日和负责人均为本次导出时的值。
#
# ## 下一个问题
#
# [漏斗病在哪里，什么变了，为什么输单？](06_diagnosis.ipynb)
