# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-en"]
# # How long does each stage take, and which deals are stuck?
#
# **What you get:** days per stage and for the whole way with the open deals counted, the open deals whose age is
# unusual, and the chance to win by stage and age. **What you need:** a CRM export with dates, or nothing (the
# sample company is used). **How to read it:** an open deal says "longer than its age"; leaving it out makes
# every time too short.

# %% [markdown] tags=["lang-zh"]
# # 每个阶段要多久？哪些商机卡住了？
#
# **你会得到：** 计入在途商机的各阶段与全程天数，天数不寻常的在途商机，以及按阶段和天数的赢单概率。
# **你需要：** 一份带日期的 CRM 导出数据；没有也可以（使用示例公司）。
# **怎么读：** 在途商机说的是“比现在的天数更久”；把它们去掉，所有时长都会偏短。

# %% tags=["parameters"]
data: str = ""  # folder or file of the CRM export; empty: the sample company
mapping: str = ""  # settings file that says which column is what; empty: the one beside the data
playbook: str = ""  # stage model, by name or file; empty: the one in the settings
as_of: str = ""  # date after which nothing counts, such as 2026-06-30; empty: the latest in the data
by: str = "region"  # attribute that reports are split by
value: str = ""  # the value this report is about; empty: the whole company
segment: str = ""  # attribute whose groups are compared; empty: chosen from the data
false_alarm_rate: float = 0.10  # of the deals listed as stuck, at most this share may be ordinary
calendar: str = ""  # which days count: empty for all days; business, a name in the settings, or CN, DE, DE-BY
lang: str = "en"  # language of tables, charts and sentences: en or zh

# %% tags=["setup"]
import funnelnb as fn

fn.options(lang=lang)
whole = fn.open_book(data, mapping=mapping, playbook=playbook, as_of=as_of)
book = fn.pick(whole, by, value)

# %% [markdown] tags=["lang-en"]
# ## How long it takes

# %% [markdown] tags=["lang-zh"]
# ## 需要多久

# %%
durations = fn.attempt(fn.duration, book, calendar=calendar)
fn.display(durations)

# %% [markdown] tags=["lang-en"]
# The line is the share of deals that have not ended; the dot is the day by which half have. The cross is what
# finished deals alone would say: too short, because the slow ones are not finished yet. The broken line is a
# distribution fitted to the times; where it lies far from the observed line, the legend says not to trust it.

# %% [markdown] tags=["lang-zh"]
# 曲线是尚未结束的商机占比，圆点是半数结束的那一天。叉是只看已结束商机的结论：偏短，因为慢的还没结束。
# 虚线是对时长拟合的分布；与观察曲线相差太远时，图例会说明不可信。

# %% tags=["check"]
print(durations.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Stage by stage

# %% [markdown] tags=["lang-zh"]
# ## 逐个阶段

# %%
fn.display(durations, chart="box", table=False, finding=False)

# %% [markdown] tags=["lang-en"]
# The pale bar holds the middle half of the deals. A stage whose bar is long does not take long: it takes *differently*
# long, and that is where a plan by averages goes wrong.

# %% [markdown] tags=["lang-zh"]
# 浅色条是中间一半的商机。条很长的阶段不是“久”，而是*长短不一*：按平均值做计划，就错在这里。

# %% [markdown] tags=["lang-en"]
# ## Which distribution describes the days?

# %% [markdown] tags=["lang-zh"]
# ## 哪种分布能描述时长？

# %%
described = fn.attempt(fn.distribution, book, calendar=calendar)
fn.display(described, chart="density", table=False)

# %% [markdown] tags=["lang-en"]
# Bars are what was observed, the line is the best distribution tried; uprights are the ages by which 10 to 90 % have
# ended. Where the bars do not follow the line, it is not to be used for quantiles or forecasts, and the sentence above
# says so. `fn.display(described)` adds the parameters, quantiles and remaining times; `stage="..."` asks the same of one
# stage, `chart="fit"` and `chart="quantiles"` show the same fit otherwise.

# %% [markdown] tags=["lang-zh"]
# 柱是观察到的，线是尝试过的最佳分布；竖线是 10% 至 90% 的商机结束的天数。柱与线不相符时，就不能用它来算分位数或做预测，
# 上面那句话会说明。`fn.display(described)` 另有参数、分位数与剩余时间的表格；`stage="..."` 可对单个阶段问同样的问题，
# `chart="fit"` 与 `chart="quantiles"` 是同一拟合的其他画法。

# %% tags=["check"]
print(described.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## By segment

# %% [markdown] tags=["lang-zh"]
# ## 按细分

# %%
compared = fn.attempt(fn.comparison, book, segment, apart_from=by)
segments = fn.attempt(fn.duration, book, by=compared, calendar=calendar)
fn.display(segments, table=False)

# %% [markdown] tags=["lang-en"]
# Compare the dots and their intervals, not the ends of the lines: there few deals are left.

# %% [markdown] tags=["lang-zh"]
# 比较圆点及其区间，不要比较曲线末端：那里剩下的商机很少。

# %% [markdown] tags=["lang-en"]
# ## Look at another stage, segment or distribution

# %% [markdown] tags=["lang-zh"]
# ## 换一个阶段、细分或分布

# %%
fn.explore_durations(book, calendar=calendar)

# %% [markdown] tags=["lang-en"]
# With *moved on* or *lost* the other end competes: where fewer than half ever move on, no median is reached.

# %% [markdown] tags=["lang-zh"]
# 选“推进”或“输单”时，另一种结局与之竞争：推进的始终不到一半时，中位数就不会达到。

# %% [markdown] tags=["lang-en"]
# ## Which deals are stuck

# %% [markdown] tags=["lang-zh"]
# ## 哪些商机卡住了

# %%
stuck = fn.attempt(fn.stuck, book, false_alarm_rate=false_alarm_rate, calendar=calendar)
fn.display(stuck)

# %% [markdown] tags=["lang-en"]
# There is no fixed limit of days: each age is judged by how long deals of that stage stay. None is called stuck
# unless the data show that deals of that age no longer leave; the list is then a ranking of whom to ask first.

# %% [markdown] tags=["lang-zh"]
# 没有固定的天数界限：每个天数都按该阶段商机通常停留多久来判断。除非数据表明这样久的商机不再离开，否则没有
# 一个被判为卡住；此时名单只是先问谁的顺序。

# %% tags=["check"]
print(stuck.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Does the chance fall with age?

# %% [markdown] tags=["lang-zh"]
# ## 概率会随天数下降吗？

# %%
ageing = fn.attempt(fn.ageing, book, calendar=calendar)
fn.display(ageing)

# %% [markdown] tags=["lang-en"]
# One line per stage, one column per age. Read along a line: where it stays level, an old deal is worth as much
# attention as a young one.

# %% [markdown] tags=["lang-zh"]
# 每行一个阶段，每列一个天数段。沿着一行看：保持不变的，老商机与新商机同样值得关注。

# %% tags=["check"]
print(ageing.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## What this does not say
#
# It does not say why a deal is slow, nor that hurrying it would win it: deals that stay are others than those that
# leave. Days are what the lines under the tables say: calendar days, or the business days of the calendar that was
# chosen, on which nights count and days off do not.
#
# ## Next question
#
# Which deal mix reaches the target in the time that is left?

# %% [markdown] tags=["lang-zh"]
# ## 这里没有说明什么
#
# 它没有说明商机为何慢，也没有说明催促就能赢：留下的商机与离开的商机本就不同。天数以表格下方的说明为准：自然日，
# 或所选日历的工作日（工作日含夜间，休息日不计）。
#
# ## 下一个问题
#
# 在剩下的时间里，怎样的商机组合能达到目标？
