# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-en"]
# # How do deals convert, by stage and customer segment?
#
# **What you get:** the share of deals that moves on from each stage, the share that each segment wins, and where most
# deals and most money are lost. Every rate comes with its number of deals and a 90 % interval. Open deals never count
# as lost.

# %% [markdown] tags=["lang-zh"]
# # 各阶段、各客户细分的商机转化如何？
#
# **本页内容：** 每个阶段的推进率，各客户细分的赢单率，以及输单最多、输掉金额最多的阶段。每个比率都附有单数和
# 90% 区间。在途商机绝不算输单。

# %% [markdown] tags=["lang-en", "notebook-only"]
# **What you need:** a CRM export. Leave the parameters empty to use the sample company.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# **所需数据：** 一份 CRM 导出数据。参数留空则使用示例公司。

# %% tags=["parameters", "lang-en"]
data: str = ""  # folder or file of the CRM export; empty: the sample company
mapping: str = ""  # settings file that maps the columns; empty: the one beside the data
playbook: str = ""  # stage model, by name or file; empty: the one in the settings
as_of: str = ""  # nothing after this date counts, such as 2026-06-30; empty: the latest date in the data
by: str = "region"  # attribute that reports are split by
value: str = ""  # the value of this report, such as one region; empty: the whole company
period: str = ""  # quarter, month or year in which the deals entered, such as 2026-Q1; empty: all
segment: str = ""  # attribute whose groups are compared; empty: chosen from the data
horizon_days: float = 180.0  # the main rate is "won within this many days"
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
horizon_days: float = 180.0  # 观察期：主要指标为“多少天内赢单率”
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
days = fn.notebook.reach(book, horizon_days)
conversion = fn.attempt(fn.conversion, book, horizon_days=days)
losses = fn.attempt(fn.diagnosis.why_lost, book)
fn.notebook.in_short(conversion, losses, wanted_days=horizon_days)

# %% [markdown] tags=["lang-en"]
# Each bar shows the deals that reached a stage: moved on, open, lost, closed without a decision. The dot is the share that
# moves on within the days, the line its interval.

# %% [markdown] tags=["lang-zh"]
# 每条为进入该阶段的商机：已推进、在途、输单、未分胜负。圆点为在所设天数内的推进率，横线为其区间。

# %% [markdown] tags=["lang-en"]
# ## Overview

# %% [markdown] tags=["lang-zh"]
# ## 数据概况

# %%
overview = fn.attempt(fn.overview, book)
fn.display(overview)

# %% [markdown] tags=["lang-en"]
# The data end on the day of the export. A deal still open on that day is *open*, however old it is. Where mean and
# median differ widely, a few large deals raise the mean.

# %% [markdown] tags=["lang-zh"]
# 数据截至导出当天。当天仍未结案的商机就是*在途*，无论已有多久。平均值与中位数相差很大时，说明少数大单拉高了平均值。

# %% tags=["check"]
print(overview.text(lang))

# %% [markdown] tags=["lang-en", "notebook-only"]
# The same as plain text, to copy into a message.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# 同样内容的纯文本，便于复制到消息里。

# %% [markdown] tags=["lang-en"]
# ## Stage by stage

# %% [markdown] tags=["lang-zh"]
# ## 分阶段转化

# %%
fn.display(conversion, picture=False)

# %% [markdown] tags=["lang-en"]
# Plan with **within 180 days** (or your horizon): of the deals that reach a stage, the share that moves on within that
# time. Open deals count as not known yet. **So far** counts open deals as not moved on, so it is too low. **Without open
# deals** leaves them out, so it is too high while losses take longer than wins.

# %% [markdown] tags=["lang-zh"]
# 做计划请用**180 天内**（或所设的观察期）：进入该阶段的商机在这段时间内推进的比例，在途商机按结果未知计入。
# **截至目前**把在途商机算作未推进，数值偏低。**不含在途**把在途商机去掉，输单比赢单慢时数值偏高。

# %% tags=["check"]
print(conversion.text(lang))

# %% [markdown] tags=["lang-en"]
# Each row adds up: reached = moved on + open + lost + no decision; the first one also holds the deals that ended at an
# unknown stage, if there are any. The overall row runs from the first stage to won. It is counted directly, not
# multiplied from the steps.

# %% [markdown] tags=["lang-zh"]
# 每行都能加总：进入 = 已推进 + 在途 + 输单 + 未分胜负；第一行还包含结束阶段未知的商机（如有）。“全程”一行从第一阶段到赢单，直接统计得出，不是各阶段相乘。

# %% [markdown] tags=["lang-en"]
# ## Won, lost and open by age

# %% [markdown] tags=["lang-zh"]
# ## 不同天数的结果

# %%
fn.display(conversion, chart="outcome", table=False, finding=False)

# %% [markdown] tags=["lang-en"]
# At every age the three shares add up to 100 %. Where the picture is pale, few deals are that old: an estimate.

# %% [markdown] tags=["lang-zh"]
# 在任何天数，三项合计都是 100%。颜色浅的部分商机少，只是估计。

# %% [markdown] tags=["lang-en"]
# ## By customer segment

# %% [markdown] tags=["lang-zh"]
# ## 按客群对比

# %%
compared = fn.attempt(fn.comparison, book, segment, apart_from=by)
segments = fn.attempt(fn.segments, book, by=compared)
fn.display(segments, chart="forest", table=False)

# %% [markdown] tags=["lang-en"]
# Open mark: the rate of the group. Filled mark: the same rate adjusted for chance, the more so the smaller the group.
# Do not rank groups without a clear difference.

# %% [markdown] tags=["lang-zh"]
# 空心标记为该组的比率；实心标记为按样本多少调整后的比率，组越小调整越多。没有明显差异的组，不宜排名。

# %% tags=["check"]
print(segments.text(lang))

# %% [markdown] tags=["lang-en"]
# A clear difference is rarely a false alarm: at most one in ten over the whole table.

# %% [markdown] tags=["lang-zh"]
# “明显差异”很少是误报：全表的误报率不超过一成。

# %% [markdown] tags=["lang-en", "whole-only"]
# ## Compared with the others

# %% [markdown] tags=["lang-zh", "whole-only"]
# ## 与其他区域对比

# %% tags=["whole-only"]
fn.display(fn.attempt(fn.segments, whole, by=by), chart="funnel_plot", table=False)

# %% [markdown] tags=["lang-en", "whole-only"]
# Small groups vary more by chance, so the limits widen to the left. The colour is the verdict: clearly above or below
# the rest, or no clear difference.

# %% [markdown] tags=["lang-zh", "whole-only"]
# 样本小的组波动大，所以控制限在左侧较宽。颜色表示结论：明显高于或低于其余，或没有明显差异。

# %% [markdown] tags=["lang-en"]
# ## By quarter of creation

# %% [markdown] tags=["lang-zh"]
# ## 按新建季度

# %%
cohorts = fn.attempt(fn.cohort, book, period="quarter", horizon_days=days)
fn.display(cohorts, chart="trend", table=False)
fn.display(cohorts, chart="heat", table=False, finding=False)

# %% [markdown] tags=["lang-en"]
# Quarters are compared at equal age. An open mark is a quarter that has not had its full time yet: its rate can still
# change until the date shown.

# %% [markdown] tags=["lang-zh"]
# 各季度按相同天数比较。空心标记表示该季度尚未期满，在所示日期之前数字仍会变化。

# %% [markdown] tags=["lang-en", "notebook-only"]
# ## Explore
#
# In JupyterLab the controls redraw the chart. A report shows the state that was chosen.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# ## 自己探索
#
# 在 JupyterLab 中，改动控件会立即重画图表；报告中显示选定的状态。

# %% tags=["notebook-only"]
fn.explore(whole, by=compared, part_by=by, value=value, period=period, horizon_days=days)

# %% [markdown] tags=["lang-en"]
# ## What this does not show
#
# This does not show *why* deals are lost, or that a segment with a higher rate would keep it with more deals. Deals that
# never came into the CRM are not in these figures.
#
# ## Next question
#
# [How long does each stage take, and which deals are stalled?](02_stage_durations.ipynb)

# %% [markdown] tags=["lang-zh"]
# ## 请注意
#
# 以上并不表明商机*为什么*输掉，也不表明赢单率较高的客群在商机增多后仍能保持。从未录入 CRM 的商机不在统计之内。
#
# ## 下一个问题
#
# [每个阶段要多久？哪些商机停滞了？](02_stage_durations.ipynb)
