# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-en"]
# # How long does each stage take, and which deals are stalled?
#
# **What you get:** days per stage and for the whole sales cycle, open deals that are slow or stalled, and the win chance
# by stage and time in it. Open deals count with their age so far: without them every time would look too short.

# %% [markdown] tags=["lang-zh"]
# # 每个阶段要多久？哪些商机停滞了？
#
# **本页内容：** 各阶段和整个销售周期的天数，偏慢或停滞的在途商机，以及不同阶段、不同停留天数的赢单概率。
# 在途商机按已停留天数计入；不计在途商机，时间会偏短。

# %% [markdown] tags=["lang-en", "notebook-only"]
# **What you need:** a CRM export with dates. Leave the parameters empty to use the sample company.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# **所需数据：** 一份带日期的 CRM 导出数据。参数留空则使用示例公司。

# %% tags=["parameters", "lang-en"]
data: str = ""  # folder or file of the CRM export; empty: the sample company
mapping: str = ""  # settings file that maps the columns; empty: the one beside the data
playbook: str = ""  # stage model, by name or file; empty: the one in the settings
as_of: str = ""  # nothing after this date counts, such as 2026-06-30; empty: the latest date in the data
by: str = "region"  # attribute that reports are split by
value: str = ""  # the value of this report, such as one region; empty: the whole company
period: str = ""  # quarter, month or year in which the deals entered, such as 2026-Q1; empty: all
segment: str = ""  # attribute whose groups are compared; empty: chosen from the data
false_alarm_rate: float = 0.10  # largest share of normal deals among those called stalled
calendar: str = ""  # which days count; empty: all days; business, a name in the settings, or CN, DE, DE-BY
lang: str = "en"  # language of tables, charts and sentences: en or zh

# %% tags=["parameters", "lang-zh"]
data: str = ""  # CRM 导出数据的文件夹或文件；空：示例公司
mapping: str = ""  # 说明各列含义的设置文件；空：数据旁边的那一份
playbook: str = ""  # 阶段模型的名称或文件；空：设置中的模型
as_of: str = ""  # 数据截止日，此日之后不计，如 2026-06-30；空：数据中最新的日期
by: str = "region"  # 按哪个属性分别出报告
value: str = ""  # 本报告针对的取值，如某个区域；空：全公司
period: str = ""  # 商机进入的季度、月份或年份，如 2026-Q1；空：全部
segment: str = ""  # 对比哪个属性的各组；留空则按数据选择
false_alarm_rate: float = 0.10  # 判定为停滞的商机中，正常商机最多占多大比例
calendar: str = ""  # 哪些天计入；空：自然日；也可填 business、设置中的名称，或 CN、DE、DE-BY
lang: str = "en"  # 表格、图表和文字的语言：en 或 zh

# %% tags=["setup"]
import funnelnb as fn

fn.options(lang=lang)
whole = fn.open_book(data, mapping=mapping, playbook=playbook, as_of=as_of)
book = fn.pick(whole, by, value, period=period)

# %% [markdown] tags=["lang-en"]
# ## In short

# %% [markdown] tags=["lang-zh"]
# ## 要点

# %%
durations = fn.attempt(fn.duration, book, calendar=calendar)
stuck = fn.attempt(fn.stuck, book, false_alarm_rate=false_alarm_rate, calendar=calendar)
fn.notebook.in_short(durations, stuck)

# %% [markdown] tags=["lang-en"]
# The pale bar covers the middle half of the deals. A long bar does not mean a slow stage: it means that times differ
# widely, and plans by averages go wrong there.

# %% [markdown] tags=["lang-zh"]
# 浅色条为中间一半的商机。条长不等于慢，而是各单用时差别大；按平均值做计划，容易在这里出错。

# %% [markdown] tags=["lang-en"]
# ## The sales cycle

# %% [markdown] tags=["lang-zh"]
# ## 销售周期

# %%
fn.display(durations)

# %% [markdown] tags=["lang-en"]
# The line shows the share of deals not finished by each day; the dot is the median. The cross is what finished deals
# alone would give: too short, because slow deals are still open. The broken line is a fitted distribution; where it is
# not reliable, the legend says so.

# %% [markdown] tags=["lang-zh"]
# 曲线为每天尚未结束的商机比例，圆点为中位数。叉为只看已结束商机的结果：偏短，因为慢的商机还在途。虚线为拟合的分布，
# 不可靠时图例会注明。

# %% tags=["check"]
print(durations.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Which distribution describes the days?

# %% [markdown] tags=["lang-zh"]
# ## 哪种分布符合停留天数？

# %%
described = fn.attempt(fn.distribution, book, calendar=calendar)
fn.display(described, chart="density", table=False)

# %% [markdown] tags=["lang-en"]
# Bars: observed. Line: the best distribution tried. Vertical lines: ages by which 10 to 90 % are finished. Where the
# bars do not follow the line, do not use it for quantiles or forecasts.

# %% [markdown] tags=["lang-zh"]
# 柱为实际值，线为最优分布，竖线为 10% 到 90% 的商机结束时的天数。柱与线不相符时，请勿用来算分位数或做预测。

# %% [markdown] tags=["lang-en", "notebook-only"]
# `fn.display(described)` adds parameters, quantiles and remaining times; `stage="..."` describes one stage;
# `chart="fit"` and `chart="quantiles"` draw the same fit in other ways.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# `fn.display(described)` 另有参数、分位数和剩余时间；`stage="..."` 可看单个阶段；`chart="fit"` 和 `chart="quantiles"`
# 是同一拟合的其他画法。

# %% tags=["check"]
print(described.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## By customer segment

# %% [markdown] tags=["lang-zh"]
# ## 按客群对比

# %%
compared = fn.attempt(fn.comparison, book, segment, apart_from=by)
segments = fn.attempt(fn.duration, book, by=compared, calendar=calendar)
fn.display(segments, table=False)

# %% [markdown] tags=["lang-en"]
# Compare the medians and their intervals, not the ends of the lines: few deals are left there.

# %% [markdown] tags=["lang-zh"]
# 请比较中位数及其区间，不要比较曲线末端：那里剩下的商机很少。

# %% [markdown] tags=["lang-en", "notebook-only"]
# ## Look at another stage, segment or distribution

# %% [markdown] tags=["lang-zh", "notebook-only"]
# ## 换一个阶段、客群或分布

# %% tags=["notebook-only"]
fn.explore_durations(book, calendar=calendar)

# %% [markdown] tags=["lang-en", "notebook-only"]
# With *moved on* or *lost* the other end competes. Where fewer than half ever move on, there is no median.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# 选“推进”或“输单”时，另一种结果与之竞争；最终推进的不足一半时，没有中位数。

# %% [markdown] tags=["lang-en"]
# ## Slow and stalled deals

# %% [markdown] tags=["lang-zh"]
# ## 偏慢与停滞的商机

# %%
fn.display(stuck)

# %% [markdown] tags=["lang-en"]
# There is no fixed limit of days: each deal is compared with the deals of its stage. A deal is called stalled only where
# the data show that deals of that age no longer leave. Otherwise the list ranks whom to ask first.

# %% [markdown] tags=["lang-zh"]
# 没有固定的天数界限：每单都与同阶段的商机比较。只有数据显示这么久的商机不再离开时，才判定为停滞；否则名单只表示
# 先过问谁。

# %% tags=["check"]
print(stuck.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Does the win chance fall with time in the stage?

# %% [markdown] tags=["lang-zh"]
# ## 停留越久，赢单概率越低吗？

# %%
ageing = fn.attempt(fn.ageing, book, calendar=calendar)
fn.display(ageing)

# %% [markdown] tags=["lang-en"]
# One row per stage, one column per number of days in it. Where a row stays level, an old deal deserves as much
# attention as a recent one.

# %% [markdown] tags=["lang-zh"]
# 每行一个阶段，每列一段停留天数。同一行数值不变的，老商机与新商机同样值得跟进。

# %% tags=["check"]
print(ageing.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## What this does not show
#
# This does not show why a deal is slow, or that hurrying wins it: deals that stay differ from those that leave. Days are
# calendar days, or business days where a calendar is chosen; the line under each table says which.
#
# ## Next question
#
# [What does the target take: how many deals, how many leads, and how soon?](03_deal_mix_targets.ipynb)

# %% [markdown] tags=["lang-zh"]
# ## 请注意
#
# 以上并不表明商机为什么慢，也不表明催促就能赢单：留下的商机与已离开的本来就不同。天数为自然日；选了日历时为工作日，
# 以表格下方的说明为准。
#
# ## 下一个问题
#
# [达成目标需要多少单、多少线索，最迟何时？](03_deal_mix_targets.ipynb)
