# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-en"]
# # Can the data be trusted, and what do their faults do to the numbers?
#
# **What you get:** every check of the data in plain words, the deals with a fault, what to do about each kind, and how far
# it moves win rate, sales cycle and pipeline.

# %% [markdown] tags=["lang-zh"]
# # 数据可信吗？数据中的问题对数字影响多大？
#
# **本页内容：** 逐项检查数据，列出有问题的商机和处理办法，以及每类问题对赢单率、销售周期和在途金额的影响。

# %% [markdown] tags=["lang-en", "notebook-only"]
# **What you need:** a CRM export. Leave the parameters empty to use the sample company. For an export that nobody has
# described, begin with `fn.mapper("export.xlsx")`: columns and stages are chosen there with mouse and keyboard.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# **所需数据：** 一份 CRM 导出数据。参数留空则使用示例公司。导出文件尚无设置时，请先用 `fn.mapper("export.xlsx")`
# 选定各列和各阶段的含义。

# %% tags=["parameters", "lang-en"]
data: str = ""  # folder or file of the CRM export; empty: the sample company
mapping: str = ""  # settings file that maps the columns; empty: the one beside the data
playbook: str = ""  # stage model, by name or file; empty: the one in the settings
as_of: str = ""  # nothing after this date counts, such as 2026-06-30; empty: the latest date in the data
by: str = "region"  # attribute that reports are split by
value: str = ""  # the value of this report, such as one region; empty: the whole company
horizon_days: float = 180.0  # day of the win rate by day
lang: str = "en"  # language of tables, charts and sentences: en or zh

# %% tags=["parameters", "lang-zh"]
data: str = ""  # CRM 导出数据的文件夹或文件；空：示例公司
mapping: str = ""  # 说明各列含义的设置文件；空：数据旁边的那一份
playbook: str = ""  # 阶段模型的名称或文件；空：设置中的模型
as_of: str = ""  # 数据截止日，此日之后不计，如 2026-06-30；空：数据中最新的日期
by: str = "region"  # 按哪个属性分别出报告
value: str = ""  # 本报告针对的取值，如某个区域；空：全公司
horizon_days: float = 180.0  # 按天的赢单率看多少天
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
harm = fn.notebook.attempt(fn.harm, book, horizon_days=horizon_days)
fn.notebook.in_short(harm)

# %% [markdown] tags=["lang-en"]
# Each line compares the win rate of closed deals without the fault and as it is. A line that crosses 0 may be chance.

# %% [markdown] tags=["lang-zh"]
# 每条线是去掉问题后的赢单率与目前赢单率之差。跨过 0 的可能只是偶然。

# %% [markdown] tags=["lang-en"]
# ## What is in the data

# %% [markdown] tags=["lang-zh"]
# ## 数据里有什么

# %%
overview = fn.overview(book)
fn.display(overview)

# %% [markdown] tags=["lang-en"]
# Open deals are neither won nor lost. A file without open deals, or without lost ones, leaves something out.

# %% [markdown] tags=["lang-zh"]
# 在途商机既不算赢也不算输。没有在途商机或没有输单的文件，一定漏了内容。

# %% tags=["check"]
print(overview.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Faults, and how far each moves the numbers

# %% [markdown] tags=["lang-zh"]
# ## 数据中的问题及其影响

# %%
fn.display(harm, picture=False)

# %% [markdown] tags=["lang-en"]
# The first table says what was found and what to do. The second compares each number with and without the fault; a shift
# whose interval includes 0 may be chance. Mend what moves the number you need, and leave the rest.

# %% [markdown] tags=["lang-zh"]
# 第一张表是发现的问题和处理办法。第二张表对比去掉问题前后的数字；区间含 0 的变化可能只是偶然。先处理影响您所需数字的问题，
# 其余可以放一放。

# %% tags=["check"]
print(harm.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## What this does not show
#
# This does not show which version is true: a fault is only suspected until somebody has looked at the deals. Deals that
# nobody ever entered cannot be found here. `funnelnb clean` lists what is in the data twice, row by row.
#
# ## Next question
#
# [How do deals convert?](01_conversion_by_segment.ipynb)

# %% [markdown] tags=["lang-zh"]
# ## 请注意
#
# 以上并不表明哪种算法才是真实情况：未经核实，问题只是疑似。从未录入的商机在这里查不到。`funnelnb clean` 会列出重复内容，
# 供逐条确认。
#
# ## 下一个问题
#
# [商机转化得怎么样？](01_conversion_by_segment.ipynb)
