# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-en"]
# # How do deals convert, by stage and segment, and how sure is that?
#
# **What you get:** for each stage the share of deals that go on, for each segment the share that is won, and
# where money is lost. **What you need:** a CRM export, or nothing (the sample company is used).
# **How to read it:** every rate stands with the number of deals behind it and a 90 % interval; open deals are
# open, never counted as lost.

# %% [markdown] tags=["lang-zh"]
# # 各阶段、各细分的商机转化如何？这些数字有多可靠？
#
# **你会得到：** 每个阶段有多大比例的商机继续前进，每个细分有多大比例赢单，金额在哪里流失。
# **你需要：** 一份 CRM 导出数据；没有也可以（使用示例公司）。
# **怎么读：** 每个比率都附有商机数量和 90% 区间；在途商机就是在途，从不算作输单。

# %% tags=["parameters"]
data: str = ""  # folder or file of the CRM export; empty: the sample company
mapping: str = ""  # settings file that says which column is what; empty: the one beside the data
playbook: str = ""  # stage model, by name or file; empty: the one in the settings
as_of: str = ""  # date after which nothing counts, such as 2026-06-30; empty: the latest in the data
by: str = "region"  # attribute that reports are split by
value: str = ""  # the value this report is about; empty: the whole company
segment: str = ""  # attribute whose groups are compared; empty: chosen from the data
horizon_days: float = 180.0  # the headline rate is "won within this many days"
lang: str = "en"  # language of tables, charts and sentences: en or zh

# %% tags=["setup"]
import funnelnb as fn

fn.options(lang=lang)
whole = fn.open_book(data, mapping=mapping, playbook=playbook, as_of=as_of)
book = fn.pick(whole, by, value)

# %% [markdown] tags=["lang-en"]
# ## What is in the book

# %% [markdown] tags=["lang-zh"]
# ## 数据概况

# %%
overview = fn.attempt(fn.overview, book)
fn.display(overview)

# %% [markdown] tags=["lang-en"]
# The as-of date is the day the export was made: what happened later is not known here, and a deal that was still
# open on that day is *open*, however old it is. Where mean and median lie far apart, a few large deals make the mean.

# %% [markdown] tags=["lang-zh"]
# 截止日是数据导出的日期：之后发生的事这里都不知道；截止日仍未结束的商机就是*在途*，无论它有多老。
# 均值与中位数相差很大时，均值是由少数大单拉高的。

# %% tags=["check"]
print(overview.text(lang))

# %% [markdown] tags=["lang-en", "notebook-only"]
# The same as plain text, for copying into a message.

# %% [markdown] tags=["lang-en"]
# ## From stage to stage

# %% [markdown] tags=["lang-zh", "notebook-only"]
# 同样内容的纯文本形式，便于复制到消息里。

# %% [markdown] tags=["lang-zh"]
# ## 阶段之间的转化

# %%
conversion = fn.attempt(fn.conversion, book, horizon_days=horizon_days)
fn.display(conversion, chart="funnel")

# %% [markdown] tags=["lang-en"]
# Three rates answer three questions. **So far**: of all who reached the stage, how many have gone on by today — it
# is low only because young deals have not had time. **Decided**: of those no longer sitting there — it is too
# high while losses take longer than wins. **By day**: of deals that reach the stage, how many have gone on within
# the horizon, open deals counted as "not known yet" — that is the one to plan with.

# %% [markdown] tags=["lang-zh"]
# 三个比率回答三个问题。**迄今**：到达该阶段的商机里，至今已有多少继续前进——年轻的商机还没来得及，所以偏低。
# **已定**：在已离开该阶段的商机里有多少前进——如果输单比赢单慢，就会偏高。**按天数**：到达该阶段后，在期限内
# 前进的比例，在途商机按“尚不知道”处理——做计划请用这一个。

# %% tags=["check"]
print(conversion.text(lang))

# %% [markdown] tags=["lang-en"]
# Read a row from left to right: how many deals reached the stage, how many went on, are still there, or were lost
# from there. The last row is the whole way, counted directly and not multiplied from the steps.

# %% [markdown] tags=["lang-zh"]
# 从左往右读一行：多少商机到达该阶段，多少继续前进、仍在该阶段，或在此输单。最后一行是全程，直接数出，
# 不是由各步相乘而来。

# %% [markdown] tags=["lang-en"]
# ## Won, lost and still open, day by day

# %% [markdown] tags=["lang-zh"]
# ## 赢单、输单与在途：逐日变化

# %%
fn.display(conversion, chart="outcome", table=False, finding=False)

# %% [markdown] tags=["lang-en"]
# At every age the three shares add to one. Where few deals have been watched that long the picture is faded: it
# is an estimate there, not a measurement.

# %% [markdown] tags=["lang-zh"]
# 在任何天数上三个份额之和都是一。观察时间足够长的商机太少的部分颜色变淡：那里是估计，不是测量。

# %% [markdown] tags=["lang-en"]
# ## By segment

# %% [markdown] tags=["lang-zh"]
# ## 按细分比较

# %%
compared = fn.attempt(fn.comparison, book, segment, apart_from=by)
segments = fn.attempt(fn.segments, book, by=compared)
fn.display(segments, chart="forest", table=False)

# %% [markdown] tags=["lang-en"]
# A small group swings by chance. The filled mark is the group's rate pulled towards the whole as far as its size
# demands; the open mark is the raw rate. "Cannot be told apart" is an answer: do not rank what the data cannot rank.

# %% [markdown] tags=["lang-zh"]
# 小样本会随机摆动。实心标记是按样本量向总体收缩后的比率，空心标记是原始比率。“无法区分”本身就是答案：
# 数据分不出高低的，不要排名。

# %% tags=["check"]
print(segments.text(lang))

# %% [markdown] tags=["lang-en"]
# The verdict holds the false alarms of the whole list to one in ten, so a long list does not make a "finding" out of luck.

# %% [markdown] tags=["lang-zh"]
# 结论已把整张表的误报率控制在十分之一以内，所以长名单不会把运气当成“发现”。

# %% [markdown] tags=["lang-en"]
# ## Among the others

# %% [markdown] tags=["lang-zh"]
# ## 与其他单位比较

# %%
fn.display(fn.attempt(fn.segments, whole, by=by), chart="funnel_plot", table=False)

# %% [markdown] tags=["lang-en"]
# Points inside the inner lines differ from the whole by no more than chance explains; only a point outside the outer
# lines calls for an explanation.

# %% [markdown] tags=["lang-zh"]
# 落在内线以内的点与总体的差异不超过偶然所能解释的范围；只有落在外线以外的点才需要解释。

# %% [markdown] tags=["lang-en"]
# ## By quarter of creation

# %% [markdown] tags=["lang-zh"]
# ## 按创建季度

# %%
cohorts = fn.attempt(fn.cohort, book, period="quarter", horizon_days=horizon_days)
fn.display(cohorts, chart="trend", table=False)
fn.display(cohorts, chart="heat", table=False, finding=False)

# %% [markdown] tags=["lang-en"]
# Quarters are compared at equal age. An open symbol is a quarter that has not had the full time yet; the date tells
# from when it can be trusted. A fall at the right end is not a fall until then.

# %% [markdown] tags=["lang-zh"]
# 各季度在相同的天数上比较。空心符号表示该季度还没有走完全部时间；日期说明从何时起可以信赖。
# 在那之前，右端的下降并不是真正的下降。

# %% [markdown] tags=["lang-en"]
# ## Explore
#
# In JupyterLab the controls redraw the chart; a report shows the state that was chosen.

# %% [markdown] tags=["lang-zh"]
# ## 自己探索
#
# 在 JupyterLab 中，控件会立即重画图表；在报告中显示的是已选定的状态。

# %%
fn.explore(book, segment=compared, horizon_days=horizon_days)

# %% [markdown] tags=["lang-en"]
# ## What this does not say
#
# It does not say *why* deals are lost, nor that a segment that converts better would do so with more deals in it.
# It says nothing of deals that never came into the CRM.
#
# ## Next question
#
# How long does each stage really take, and which deals are stuck?

# %% [markdown] tags=["lang-zh"]
# ## 这里没有说明什么
#
# 它没有说明商机*为什么*输掉，也没有说明转化较好的细分在商机增多后仍会如此。从未录入 CRM 的商机，这里一无所知。
#
# ## 下一个问题
#
# 每个阶段究竟需要多长时间？哪些商机卡住了？
