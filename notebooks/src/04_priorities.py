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
# **What you get:** one ranked list of open deals with the reason of every rank, and behind it the field's own
# instruments: MAN, priority levels, the A–D quadrant, buyer roles, the honest funnel, the account sheet.
# **What you need:** open deals; the tables accounts, contacts, gates, assessments and activities add to it.
# **How to read it:** chances and times come from your own deals, never from a seller's guess.

# %% [markdown] tags=["lang-zh"]
# # 先联系谁？哪些客户值得投入时间？
#
# **你会得到：** 一份在途商机的排名清单，每个名次都有理由；背后是业内自己的工具：MAN、优先级、A–D 象限、
# 采购角色、诚实的漏斗、客户评估表。**你需要：** 在途商机；客户、联系人、判据、评估、活动各表能提供更多。
# **怎么读：** 可能性和时间来自你们自己的商机，从不靠销售的猜测。

# %% tags=["parameters"]
data: str = ""  # folder or file of the CRM export; empty: the sample company
mapping: str = ""  # settings file that says which column is what; empty: the one beside the data
playbook: str = ""  # stage model, by name or file; empty: the one in the settings
as_of: str = ""  # date after which nothing counts, such as 2026-06-30; empty: the latest in the data
by: str = "region"  # attribute that reports are split by
value: str = ""  # the value this report is about; empty: the whole company
horizon_days: float = 180.0  # chances are to be won within this many days
soon_days: float = 90.0  # a close within this many days is soon
hours_per_week: float = 2.0  # hours a week that carrying one deal takes
account: str = ""  # customer whose assessment sheet is shown; empty: the one with the largest open deals
earlier_days: float = 90.0  # priority levels are compared with those so many days before
lang: str = "en"  # language of tables, charts and sentences: en or zh

# %% tags=["setup"]
import funnelnb as fn

fn.options(lang=lang)
whole = fn.open_book(data, mapping=mapping, playbook=playbook, as_of=as_of)
book = fn.pick(whole, by, value)

# %% [markdown] tags=["lang-en"]
# ## The call list

# %% [markdown] tags=["lang-zh"]
# ## 拜访清单

# %%
calls = fn.attempt(fn.call_list, book, learn_from=whole, horizon_days=horizon_days, hours_per_week=hours_per_week)
fn.display(calls)

# %% [markdown] tags=["lang-en"]
# A rank is one product: amount × chance ÷ hours until the decision. All three stand in the row, so any rank can be
# explained. Who is missing and what to do next stand beside it and do not move a rank, because no history here
# tells what they are worth. `fn.to_excel(calls, "calls.xlsx")` writes the list for the road.

# %% [markdown] tags=["lang-zh"]
# 名次就是一个式子：金额 × 可能性 ÷ 到有结果为止的工时。三者都在行里，所以每个名次都能解释。缺谁、下一步做什么
# 列在旁边，但不影响名次，因为这里没有历史说明它们值多少。`fn.to_excel(calls, "calls.xlsx")` 可导出清单。

# %% tags=["check"]
print(calls.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Who really buys?

# %% [markdown] tags=["lang-zh"]
# ## 谁真的会买？

# %%
chance = fn.attempt(fn.propensity, whole, horizon_days=horizon_days)
fn.display(chance, table=False)

# %% [markdown] tags=["lang-en"]
# The model knows only what was known when a deal was entered, and was tested on deals created after it had learned.
# On the dashed line forecasts come true. If it says "no better than the base rate", believe it.

# %% [markdown] tags=["lang-zh"]
# 模型只知道商机录入时已知的情况，并用学习截止之后创建的商机检验。落在虚线上即预测成真。
# 如果它说“不比基准比率更好”，请相信它。

# %% tags=["check"]
print(chance.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## Size against time to close

# %% [markdown] tags=["lang-zh"]
# ## 机会大小与成交时间

# %%
quadrant = fn.attempt(fn.quadrant, book, soon_days=soon_days, learn_from=whole)
fn.display(quadrant, chart="quadrant")

# %% [markdown] tags=["lang-en"]
# A gets the hours, B little time, C an eye on change, D what is left. The time is that of deals that stood in the
# same stage for as long and were won afterwards.

# %% [markdown] tags=["lang-zh"]
# A 类投入时间，B 类限制时间，C 类关注变化，D 类放在最后。时间取自在同一阶段停留同样久、后来赢单的商机。

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
# A capital letter: the customer has it. "Not known" is an answer of its own and asks for a question, not for giving up.

# %% [markdown] tags=["lang-zh"]
# 大写表示具备。“未知”自成一类：需要的是去问，而不是放弃。

# %% tags=["check"]
print(man.text(lang))

# %% [markdown] tags=["lang-en", "notebook-only"]
# The same as plain text, for copying into a message.

# %% [markdown] tags=["lang-zh", "notebook-only"]
# 同样内容的纯文本形式，便于复制到消息里。

# %% [markdown] tags=["lang-en"]
# ## Priority levels, and who moved

# %% [markdown] tags=["lang-zh"]
# ## 优先级及其变动

# %%
moves = fn.attempt(fn.level_moves, earlier_days, book)
fn.display(moves, chart="flows")

# %% [markdown] tags=["lang-en"]
# Both dates are measured with one ruler. With one export only the open amount can have moved anybody; keep the
# export of each month, and need and intent are compared too.

# %% [markdown] tags=["lang-zh"]
# 两个日期用同一把尺子。只有一份导出时，只有在途金额能引起变动；每月保留一份导出，需求和意向也能比较。

# %% tags=["check"]
print(moves.finding(lang))

# %% [markdown] tags=["lang-en"]
# Weights and thresholds are a decision, and yours to make:

# %% [markdown] tags=["lang-zh"]
# 权重和界限是决定，由你们来做：

# %%
fn.attempt(fn.prioritise, book, soon_days=soon_days)

# %% [markdown] tags=["lang-en"]
# In JupyterLab the controls redraw levels and quadrant; a report shows the state that was chosen.

# %% [markdown] tags=["lang-zh"]
# 在 JupyterLab 中，控件会立即重画级别和象限；在报告中显示的是已选定的状态。

# %% [markdown] tags=["lang-en"]
# ## Who has not been met

# %% [markdown] tags=["lang-zh"]
# ## 还没有见过谁

# %%
roles = fn.attempt(fn.roles, book)
fn.display(roles, chart="coverage")

# %% [markdown] tags=["lang-en"]
# The technical gatekeeper can only say no, the decision maker gives the final yes: meet both before the offer.

# %% [markdown] tags=["lang-zh"]
# 技术把关者只能说不，决策者才能最后拍板：报价之前两者都要见。

# %% tags=["check"]
print(roles.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## The honest funnel

# %% [markdown] tags=["lang-zh"]
# ## 诚实的漏斗

# %%
honest = fn.attempt(fn.honest_funnel, book)
fn.display(honest, chart="honest")

# %% [markdown] tags=["lang-en"]
# If a purpose of an earlier stage is not met, the customer may only stay or fall back. The money between the two
# bars is shown in the CRM without evidence.

# %% [markdown] tags=["lang-zh"]
# 前面阶段的目的没有达到，客户就只能停留或退回。两条之间的差额，是 CRM 中没有证据的金额。

# %% tags=["check"]
print(honest.finding(lang))

# %% [markdown] tags=["lang-en"]
# ## The account assessment sheet

# %% [markdown] tags=["lang-zh"]
# ## 客户评估表

# %%
sheet = fn.attempt(fn.assessment_sheet, book, account)
sheet

# %% [markdown] tags=["lang-en"]
# Fill it in and save; `sheet.marks` is a table, `fn.assess(book, marks)` takes it back.

# %% [markdown] tags=["lang-zh"]
# 填写并保存；`sheet.marks` 是一张表，`fn.assess(book, marks)` 可以读回。

# %% tags=["check"]
print(fn.attempt(fn.assessment, book).finding(lang))

# %% [markdown] tags=["lang-en"]
# ## What this does not say
#
# It does not say that a call changes a chance, nor that deals with all roles met are won more often: that needs a
# comparison of like with like. Judgements in the CRM are taken as they stand.
#
# ## Next question
#
# Which mix of deals reaches the target, and how likely is that?

# %% [markdown] tags=["lang-zh"]
# ## 这里没有说明什么
#
# 它没有说明联系一次会改变可能性，也没有说明角色齐全的商机更常赢单：那需要同类相比。CRM 中的判断按原样采用。
#
# ## 下一个问题
#
# 怎样的商机组合能达到目标？可能性有多大？
