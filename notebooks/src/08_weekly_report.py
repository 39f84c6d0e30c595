# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-en"]
# # The weekly report
#
# **What you get:** overview, problems ranked by money, remedies, outlook, next steps per person; for the company, a region,
# a team or a person; for a week, month, quarter or year. Written from the data, also from six typed numbers.

# %% [markdown] tags=["lang-zh"]
# # 销售周报
#
# **本页内容：** 概述、按金额排列的问题、对策、展望、每人的下一步；可针对公司、区域、团队或个人，按周、月、季或年。
# 由数据写成，也可由六个手填数字写成。

# %% [markdown] tags=["lang-en", "notebook-only"]
# **What you need:** deals; targets, activities and expected dates add to it. Leave the parameters empty to use the sample
# company. Without a CRM, type six counts into `counts`.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# **所需数据：** 商机；另有目标、活动和预计成交日时，内容更多。参数留空则使用示例公司。没有 CRM 时，把六个数字填入 `counts`。

# %% tags=["parameters", "lang-en"]
data: str = ""  # folder or file of the CRM export; empty: the sample company
mapping: str = ""  # settings file that maps the columns; empty: the one beside the data
playbook: str = ""  # stage model, by name or file; empty: the one in the settings
as_of: str = ""  # nothing after this date counts, such as 2026-06-30; empty: the latest date in the data
by: str = "region"  # attribute that reports are split by
value: str = ""  # the value of this report, such as one region or person; empty: the whole company
period: str = "week"  # week, month, quarter or year: the last whole one; or one by name, such as 2026-Q2
parts: str = ""  # what the sums are by: region, team, owner, customer_type, size; empty: the next level down
counts: list = [100, 80, 40, 20, 10, 5]  # six counts of the weekly report, for the example without a CRM
since: dict = {}  # what the last report kept, `report.kept()`; reports of a run get it from the run before
lang: str = "en"  # language of tables, charts and sentences: en or zh

# %% tags=["parameters", "lang-zh"]
data: str = ""  # CRM 导出数据的文件夹或文件；空：示例公司
mapping: str = ""  # 说明各列含义的设置文件；空：数据旁边的那一份
playbook: str = ""  # 阶段模型的名称或文件；空：设置中的模型
as_of: str = ""  # 数据截止日，此日之后不计，如 2026-06-30；空：数据中最新的日期
by: str = "region"  # 按哪个属性分别出报告
value: str = ""  # 本报告针对的取值，如某个区域或某人；空：全公司
period: str = "week"  # week、month、quarter 或 year：最近一个完整期间；也可写名称，如 2026-Q2
parts: str = ""  # 业绩按什么分列：region、team、owner、customer_type、size；空：下一级
counts: list = [100, 80, 40, 20, 10, 5]  # 周报的六个数字，用于没有 CRM 的例子
since: dict = {}  # 上次报告留下的数字，即 `report.kept()`；批量运行时自动取自上一次运行
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
report = fn.weekly_report(book, period=period, by=parts or None, since=since or None, learn_from=whole)
sales = fn.notebook.attempt(fn.diagnosis.sales_trend, book)
fn.notebook.in_short(report, sales)

# %% [markdown] tags=["lang-en"]
# The picture shows the orders of each month. A month within the grey band needs no story.

# %% [markdown] tags=["lang-zh"]
# 图中是各月的订单。灰色带之内的月份无需另找原因。

# %% [markdown] tags=["lang-en"]
# ## Report

# %% [markdown] tags=["lang-zh"]
# ## 报告

# %%
fn.display(report, finding=False)

# %% [markdown] tags=["lang-en"]
# The parts add up to the last row. A figure is called higher or lower only where chance would hardly explain it.
# "Not judged" names what the data lack.

# %% [markdown] tags=["lang-zh"]
# 各部分相加等于最后一行。只有难以用偶然解释时，才说某项上升或下降。“未能判断”说明数据缺少什么。

# %% tags=["check"]
print(report.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## To send

# %% [markdown] tags=["lang-zh"]
# ## 便于发送的版本

# %% tags=["check"]
print(fn.brief(report, lang))

# %% [markdown] tags=["lang-en"]
# Copy it into an e-mail or a chat. `fn.to_word(report, "report.docx")` writes the whole report for Word;
# `report.kept()` is what the next report compares with (`since=`).

# %% [markdown] tags=["lang-zh"]
# 可直接复制到邮件或聊天中。`fn.to_word(report, "report.docx")` 写出完整的 Word 报告；`report.kept()` 供下次报告比较（`since=`）。

# %% [markdown] tags=["lang-en"]
# ## Without a CRM: six typed numbers

# %% [markdown] tags=["lang-zh"]
# ## 没有 CRM：六个手填数字

# %%
typed = fn.weekly_report(counts)
fn.display(typed, finding=False)

# %% [markdown] tags=["lang-en"]
# The report says what the numbers say: the best step is not a problem, whatever is customary to write.

# %% [markdown] tags=["lang-zh"]
# 报告只说数字所说的：最好的一步不是问题，不管惯例怎么写。

# %% tags=["check"]
print(typed.text(lang))

# %% [markdown] tags=["lang-en"]
# ## What this does not show
#
# One period swings by chance. A problem is not a cause, and a next step is advice of the stage model, not a promise.
#
# ## Next question
#
# [Where exactly is the funnel sick, and which deals are behind it?](06_diagnosis.ipynb)

# %% [markdown] tags=["lang-zh"]
# ## 请注意
#
# 单个期间会偶然波动。问题不等于原因，下一步是阶段模型的建议，不是承诺。
#
# ## 下一个问题
#
# [漏斗究竟病在哪里，背后是哪些商机？](06_diagnosis.ipynb)
