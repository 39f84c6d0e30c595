# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-en"]
# # Whom to call first, and which customers deserve the hours?
#
# **What you get:** one ranked call list of open deals with the reason for each rank; and behind it MAN, priority levels,
# the A–D quadrant, buyer roles, the evidence-backed funnel and the account assessment sheet. Win chances and times come
# from your own deals, not from estimates by sellers.

# %% [markdown] tags=["lang-zh"]
# # 先联系谁？哪些客户值得投入时间？
#
# **本页内容：** 在途商机的优先联系清单，每个名次都有理由；以及 MAN 法则、客户优先级、A–D 四象限、采购角色、核实后的漏斗和
# 客户评估表。赢单概率和时间来自贵公司自己的商机，不靠销售估计。

# %% [markdown] tags=["lang-en", "notebook-only"]
# **What you need:** open deals. The tables accounts, contacts, gates, assessments and activities add to it. Leave the
# parameters empty to use the sample company.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# **所需数据：** 在途商机；另有客户、联系人、推进标准、评估、活动各表时，内容更多。参数留空则使用示例公司。

# %% tags=["parameters", "lang-en"]
data: str = ""  # folder or file of the CRM export; empty: the sample company
mapping: str = ""  # settings file that maps the columns; empty: the one beside the data
playbook: str = ""  # stage model, by name or file; empty: the one in the settings
as_of: str = ""  # nothing after this date counts, such as 2026-06-30; empty: the latest date in the data
by: str = "region"  # attribute that reports are split by
value: str = ""  # the value of this report, such as one region; empty: the whole company
horizon_days: float = 180.0  # win chances are for this many days
soon_days: float = 90.0  # a close within this many days is soon
hours_per_week: float = 2.0  # hours of work per week that one deal takes
account: str = ""  # customer of the assessment sheet; empty: the one with the largest open deals
earlier_days: float = 90.0  # priority levels are compared with those so many days ago
lang: str = "en"  # language of tables, charts and sentences: en or zh

# %% tags=["parameters", "lang-zh"]
data: str = ""  # CRM 导出数据的文件夹或文件；空：示例公司
mapping: str = ""  # 说明各列含义的设置文件；空：数据旁边的那一份
playbook: str = ""  # 阶段模型的名称或文件；空：设置中的模型
as_of: str = ""  # 数据截止日，此日之后不计，如 2026-06-30；空：数据中最新的日期
by: str = "region"  # 按哪个属性分别出报告
value: str = ""  # 本报告针对的取值，如某个区域；空：全公司
horizon_days: float = 180.0  # 赢单概率涵盖的天数
soon_days: float = 90.0  # 多少天内成交算快
hours_per_week: float = 2.0  # 跟进一单每周所需的工时
account: str = ""  # 显示哪个客户的评估表；空：在途金额最大的客户
earlier_days: float = 90.0  # 客户优先级与多少天前比较
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
calls = fn.attempt(
    fn.call_list, book, learn_from=whole, horizon_days=horizon_days, hours_per_week=hours_per_week
)
quadrant = fn.attempt(fn.quadrant, book, soon_days=soon_days, learn_from=whole)
roles = fn.attempt(fn.roles, book)
fn.notebook.in_short(calls, quadrant, roles)

# %% [markdown] tags=["lang-en"]
# A gets the hours, B little time, C an eye on change, D what is left. Days to close are those of won deals that had been
# in the same stage as long.

# %% [markdown] tags=["lang-zh"]
# A 类全力投入，B 类限制时间，C 类关注变化，D 类放在最后。天数取自在同一阶段停留同样久、后来赢单的商机。

# %% [markdown] tags=["lang-en"]
# ## Call list

# %% [markdown] tags=["lang-zh"]
# ## 优先联系清单

# %%
fn.display(calls)

# %% [markdown] tags=["lang-en"]
# Rank = amount × win chance ÷ hours of work until the deal closes. All three are in the row, so each rank can be
# explained. Missing roles and next steps are shown beside and do not change the rank.

# %% [markdown] tags=["lang-zh"]
# 排名 = 金额 × 赢单概率 ÷ 到结案为止的工时。未接触的角色和下一步列在旁边，不影响名次。

# %% [markdown] tags=["lang-en", "notebook-only"]
# `fn.to_excel(calls, "calls.xlsx")` writes the list to take along.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# `fn.to_excel(calls, "calls.xlsx")` 可导出清单。

# %% tags=["check"]
print(calls.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Which deals are likely to be won?

# %% [markdown] tags=["lang-zh"]
# ## 哪些商机更可能赢？

# %%
chance = fn.attempt(fn.propensity, whole, horizon_days=horizon_days)
fn.display(chance, table=False)

# %% [markdown] tags=["lang-en"]
# The forecast uses only what was known when a deal was entered, and was tested on later deals. On the dashed line
# forecasts are exact. If it says "no better than the average", do not use it.

# %% [markdown] tags=["lang-zh"]
# 预测只用录入时已知的信息，并用之后新建的商机检验。落在虚线上表示预测准确。若显示“并不比平均赢单率更准”，请勿使用。

# %% tags=["check"]
print(chance.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Size against time to close

# %% [markdown] tags=["lang-zh"]
# ## 机会大小与成交时间

# %%
fn.display(quadrant, picture=False)

# %% [markdown] tags=["lang-en"]
# The picture is at the top. The table has the hours of each class, and every open deal in its class.

# %% [markdown] tags=["lang-zh"]
# 图见页首。表中有每一类的工时，以及每单在途商机所属的类别。

# %% tags=["check"]
print(quadrant.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Money, authority, need

# %% [markdown] tags=["lang-zh"]
# ## 资金、决策权、需求

# %%
man = fn.attempt(fn.man, book)
fn.display(man)

# %% [markdown] tags=["lang-en"]
# A capital letter means that the customer has it. "Not known" calls for a question, not for giving up.

# %% [markdown] tags=["lang-zh"]
# 大写表示具备。“未知”需要去问，而不是放弃。

# %% tags=["check"]
print(man.text(lang))

# %% [markdown] tags=["lang-en", "notebook-only"]
# The same as plain text, to copy into a message.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# 同样内容的纯文本，便于复制到消息里。

# %% [markdown] tags=["lang-en"]
# ## Customer priorities, and what changed

# %% [markdown] tags=["lang-zh"]
# ## 客户优先级及其变动

# %%
moves = fn.attempt(fn.level_moves, earlier_days, book)
fn.display(moves, chart="flows")

# %% [markdown] tags=["lang-en"]
# Both dates use the same weights and thresholds. With one export only the open amount can change a priority. Keep the
# export of each month to compare need and intent too.

# %% [markdown] tags=["lang-zh"]
# 两个日期采用同一口径。只有一份导出时，只有在途金额会引起变动；每月保留一份导出，需求和意向也能比较。

# %% tags=["check"]
print(moves.finding(lang))

# %% [markdown] tags=["lang-en", "notebook-only"]
# You set the weights and thresholds:

# %% [markdown] tags=["lang-zh", "notebook-only"]
# 权重和分级线由贵公司自定：

# %% tags=["notebook-only"]
fn.attempt(fn.prioritise, book, soon_days=soon_days)

# %% [markdown] tags=["lang-en", "notebook-only"]
# In JupyterLab the controls redraw levels and quadrant. A report shows the state that was chosen.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# 在 JupyterLab 中，改动控件会立即重画优先级和象限；报告中显示选定的状态。

# %% [markdown] tags=["lang-en"]
# ## Buyer roles not met

# %% [markdown] tags=["lang-zh"]
# ## 未接触的采购角色

# %%
fn.display(roles, chart="coverage")

# %% [markdown] tags=["lang-en"]
# The technical gatekeeper can only say no; the decision maker gives the final yes. Meet both before the offer.

# %% [markdown] tags=["lang-zh"]
# 技术把关者能否决但不能拍板，决策者最终拍板：报价之前两者都要接触。

# %% tags=["check"]
print(roles.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Evidence-backed funnel

# %% [markdown] tags=["lang-zh"]
# ## 核实后的漏斗

# %%
honest = fn.attempt(fn.honest_funnel, book)
fn.display(honest, chart="honest")

# %% [markdown] tags=["lang-en"]
# If a purpose of an earlier stage is not met, the customer can only stay or fall back. The difference between the two
# bars is money in the CRM without evidence.

# %% [markdown] tags=["lang-zh"]
# 前面阶段的目的没有达到，客户就只能停留或后退。两条之间的差额，是 CRM 中缺少证据的金额。

# %% tags=["check"]
print(honest.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Account assessment sheet

# %% [markdown] tags=["lang-zh"]
# ## 客户评估表

# %% tags=["notebook-only"]
sheet = fn.attempt(fn.assessment_sheet, book, account)
sheet

# %% [markdown] tags=["lang-en", "notebook-only"]
# Fill it in and save. `sheet.marks` is the table; `fn.assess(book, marks)` reads it back.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# 填写并保存。`sheet.marks` 为评分表，`fn.assess(book, marks)` 可以读回。

# %% tags=["check"]
print(fn.attempt(fn.assessment, book).finding(lang))

# %% [markdown] tags=["lang-en"]
# ## What this does not show
#
# This does not show that a call raises the win chance, or that deals with all roles met are won more often. Judgements in
# the CRM are used as they are.
#
# ## Next question
#
# [Where do we land this quarter, and how good have such forecasts been?](05_forecast.ipynb)

# %% [markdown] tags=["lang-zh"]
# ## 请注意
#
# 以上并不表明联系一次就能提高赢单概率，也不表明角色接触齐全就更容易赢单。CRM 中的判断按原样采用。
#
# ## 下一个问题
#
# [本季度能落到哪里，这样的预测以往准不准？](05_forecast.ipynb)
