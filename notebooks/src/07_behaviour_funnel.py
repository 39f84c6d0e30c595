# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-en"]
# # Where do people fall out on the way from the first page to the payment, and why?
#
# **What you get:** how many take each step, how many are still under way, where most drop out and what that costs; the trend
# with the changes it shows; groups compared; what goes with getting through, and what people do instead.
# Every rate comes with its number and a 90 % interval. Whoever's window has not closed is under way: neither through nor
# dropped out.

# %% [markdown] tags=["lang-zh"]
# # 从第一个页面到付款，人们在哪里流失？为什么？
#
# **您会得到：** 每一步有多少人完成、多少人仍在进行中，哪一步流失最多、折合多少金额；趋势以及其中的变化；分组比较；
# 哪些因素与完成相关，以及人们转而去做了什么。
# 每个比率都附有数量和 90% 区间。窗口尚未结束的人算进行中，既不算完成，也不算流失。

# %% [markdown] tags=["lang-en", "notebook-only"]
# **What you need:** an event log (who, what, when). Leave `data` empty to use the sample shop.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# **所需数据：** 一份事件日志（谁、做了什么、何时）。`data` 留空则使用示例网店。

# %% tags=["parameters"]
data: str = ""  # file, glob or folder of the event log; empty: the sample shop
steps: list = ["home", "search", "product", "cart", "payment", "purchase"]  # events in order
window: str = "7d"  # longest time from the first step to any other, such as 7d or 30min
by: str = "device"  # property that reports are split by and groups are made of
value: str = ""  # the value of it that this report is about; empty: everybody
group: str = "channel"  # property whose values are compared
amount: str = "price"  # property that is summed beside the count; empty: none
as_of: str = ""  # up to when the log was kept, such as 2026-06-30; empty: its last event
lang: str = "en"  # language of tables, charts and sentences: en or zh

# %% tags=["setup"]
import funnelnb as fn

fn.options(lang=lang)
log = fn.notebook.open_events(data, by=by, value=value, as_of=as_of)

# %% [markdown] tags=["lang-en"]
# ## In short

# %% [markdown] tags=["lang-zh"]
# ## 要点

# %%
funnel = fn.funnel(log, steps, within=window, value=amount)
fn.notebook.in_short(funnel)

# %% [markdown] tags=["lang-en"]
# Each bar shows how many did the step: gone on, under way, dropped out.

# %% [markdown] tags=["lang-zh"]
# 每条为完成该步的人数：已继续、进行中、流失。

# %% [markdown] tags=["lang-en"]
# ## Step by step

# %% [markdown] tags=["lang-zh"]
# ## 逐步转化

# %%
fn.display(funnel, picture=False)

# %% [markdown] tags=["lang-en"]
# Three rates answer three questions. **So far**: of all who did the step, how many have gone on. **Of those not under way**: it is
# too high while windows are open. **By time**: gone on within the window, those under way counted as far as they were
# followed. What dropping out costs is what they would have brought, had they gone on like those who took the next step.

# %% [markdown] tags=["lang-zh"]
# 三个比率回答三个问题。**截至目前**：完成该步的人中有多少已继续。**已有结果的**：窗口未结束时偏高。**限时**：在窗口之内
# 继续的占比，进行中的人按已观察的时间计入。流失折合的金额，是假如他们像走到下一步的人那样继续，本来会带来的金额。

# %% tags=["check"]
print(funnel.text(lang))

# %% [markdown] tags=["lang-en"]
# Read a row from left to right: how many did the step, how many went on, are under way, or dropped out. On the page of a report
# a number or a bar opens the people behind it; here `funnel.actors("cart", "dropped")` lists them.

# %% [markdown] tags=["lang-zh"]
# 从左往右读一行：多少人完成这一步，多少人继续、进行中或流失。在报告页面上，点数字或条形可列出背后的人；
# 在笔记本中用 `funnel.actors("cart", "dropped")`。

# %% [markdown] tags=["lang-en", "notebook-only"]
# ## Try it: steps, order, window, group

# %% [markdown] tags=["lang-zh", "notebook-only"]
# ## 动手试试：步骤、顺序、窗口、分组

# %% tags=["notebook-only"]
fn.widgets.explore_events(log, steps, within=window, by=by, lang=lang)

# %% [markdown] tags=["lang-en", "notebook-only"]
# "Directly one after the other" lets nothing lie between two steps; "in any order" counts how many of the steps were done. The
# rules, and how other tools count, are in docs/behaviour-rules.md.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# “紧接着发生”不允许两步之间有其他事件；“不分先后”统计完成了其中几步。计数规则以及其他工具的做法见
# docs/behaviour-rules.md。

# %% [markdown] tags=["lang-en"]
# ## Does it change?

# %% [markdown] tags=["lang-zh"]
# ## 有没有变化？

# %%
trend = fn.behaviour.trend(log, steps, within=window, every="week", step=1, by=by)
fn.display(trend, chart="trend", table=False)

# %% [markdown] tags=["lang-en"]
# A hollow mark has not had its full time yet. A dashed line is a change that the series itself shows, after allowing for
# having looked at every week. Ask next what was released on that day.

# %% [markdown] tags=["lang-zh"]
# 空心标记的时间未满。虚线表示序列自身显示出的变化，检验时已计入逐周查看。接着要问：那一天上线了什么？

# %% tags=["check"]
print(trend.finding(lang))

# %% [markdown] tags=["lang-en"]
# The date comes with its interval: the weeks between which the change lies with 90 % probability.

# %% [markdown] tags=["lang-zh"]
# 日期附有区间：变化以 90% 的概率落在这几周之间。

# %% [markdown] tags=["lang-en"]
# ## Who differs?

# %% [markdown] tags=["lang-zh"]
# ## 哪些分组不同？

# %%
groups = fn.behaviour.compare(log, steps, within=window, by=group)
fn.display(groups, chart="forest")

# %% [markdown] tags=["lang-en"]
# Each group is compared with everybody else, false alarms over all groups held down. For a before-and-after comparison give
# `at="2026-05-21"` instead of `by`.

# %% [markdown] tags=["lang-zh"]
# 每组与其余所有人比较，并控制全部分组的误报。要比较前后两段时间，用 `at="2026-05-21"` 代替 `by`。

# %% [markdown] tags=["lang-en"]
# ## What goes with getting through, and what do people do instead?

# %% [markdown] tags=["lang-zh"]
# ## 哪些因素与完成相关？人们转而去做什么？

# %%
drivers = fn.behaviour.drivers(log, steps, within=window)
fn.display(drivers, chart="drivers")

# %% [markdown] tags=["lang-en"]
# Only what was known at the arrival is compared, and only arrivals followed for the whole window: otherwise those who got
# through would have had more time to do everything else.

# %% [markdown] tags=["lang-zh"]
# 只比较到达时已知的因素，且只取观察满整个窗口的到达：否则走完的人有更多时间去做其他事。

# %%
paths = fn.behaviour.paths(log, steps, step=1, within="1d", most=6)
fn.display(paths, chart="paths", table=False)

# %% [markdown] tags=["lang-en"]
# What goes together is not yet a cause: newsletter readers may have come to buy. A test that is drawn by lot answers that.

# %% [markdown] tags=["lang-zh"]
# 同时出现不等于因果：看邮件来的人也许本来就想买。随机分组的试验才能回答。

# %% tags=["check"]
print(drivers.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Do they come back?

# %% [markdown] tags=["lang-zh"]
# ## 他们还会回来吗？

# %%
retention = fn.behaviour.retention(log, every="week", periods=6)
fn.display(retention, chart="triangle", table=False)

# %% [markdown] tags=["lang-en"]
# A pale cell is not over for its whole cohort. `fn.behaviour.aarrr` puts acquisition, activation, retention, revenue and referral
# beside each other.
#
# ## What this does not show
#
# Why people drop out, or what those still under way will do. Steps that were not recorded look like steps not taken. Groups that
# chose themselves differ in more than their name.
#
# ## Next question
#
# Which change at the weakest step is worth a test? Compare it by lot, and read the result with `fn.behaviour.compare`.

# %% [markdown] tags=["lang-zh"]
# 浅色的格子尚未对整个批次结束。`fn.behaviour.aarrr` 把获取、激活、留存、收入和推荐放在一起看。
#
# ## 请注意
#
# 以上并不表明人们为何流失，或进行中的人将来如何。没有记录的步骤看上去就像没有做。自行选择的分组，不同的不只是名字。
#
# ## 下一个问题
#
# 流失最多的一步，哪项改动值得试验？随机分组后，用 `fn.behaviour.compare` 读结果。
