# ruff: noqa: E501 - a row of an export stays one line
"""Exports as foreign systems write them, made from one set of deals whose truth is known.

Every shape writes the same 120 deals as one system, spreadsheet or script would, and says what must come out. Values are
invented; headers and status words are those of the systems.
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import json
import random
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

STAGES = ("Qualification", "Needs Analysis", "Proposal", "Negotiation")
CHANCE = {"Qualification": 10, "Needs Analysis": 25, "Proposal": 50, "Negotiation": 75}


@dataclass(slots=True)
class Deal:
    """One deal with its whole truth."""

    id: str
    name: str
    account: str
    owner: str
    region: str
    source: str
    amount: int
    created: dt.datetime
    closed: dt.datetime | None
    stage: str
    outcome: str
    reason: str
    steps: list[tuple[str, dt.datetime]] = field(default_factory=list)

    @property
    def expected(self) -> dt.datetime:
        return self.closed or self.created + dt.timedelta(days=200)

    def word(self, won: str = "Closed Won", lost: str = "Closed Lost") -> str:
        """The stage as systems write it that overwrite it at the end."""
        return {"won": won, "lost": lost}.get(self.outcome, self.stage)


@dataclass(slots=True, kw_only=True)
class Truth:
    """What must come out."""

    n: int = 120
    won: int
    lost: int
    open: int
    won_amount: float | None
    stages: tuple[str, ...] = STAGES
    created: bool = True
    closed: bool = True
    regions: dict[str, int] | None = None
    history: bool = False
    left: int = 0


def deals(n: int = 120, seed: int = 7) -> list[Deal]:
    """The deals that every shape writes."""
    rng = random.Random(seed)
    made = []
    for k in range(n):
        created = dt.datetime(2025, 1, 3, 9, 0) + dt.timedelta(
            days=rng.randrange(280), hours=rng.randrange(8)
        )
        depth = rng.randrange(4)
        outcome = rng.choice(["won", "lost", "open"])
        depth = 3 if outcome == "won" else depth
        steps, at = [], created
        for stage in STAGES[: depth + 1]:
            steps.append((stage, at))
            at += dt.timedelta(days=rng.randrange(3, 20))
        closed = at if outcome != "open" else None
        amount = rng.choice([1200, 2500, 4800, 7350, 12500])
        made.append(
            Deal(
                f"D{k + 1:04}", f"Deal {k + 1}", rng.choice(["Acme Ltd", "Beta GmbH", "Gamma SA", "Delta Oy", "Omega Inc"]),
                rng.choice(["Ann Lee", "Bob Roy", "Cid Kim"]), rng.choice(["North", "South", "West"]), rng.choice(["Web", "Fair", "Referral"]),
                amount, created, closed, steps[-1][0], outcome, rng.choice(["Price", "No budget"]) if outcome == "lost" else "", steps,
            )
        )  # fmt: skip
    return made


def truth(rows: Sequence[Deal], **changes: Any) -> Truth:
    """Count the truth of these deals."""
    by = {one: sum(deal.outcome == one for deal in rows) for one in ("won", "lost", "open")}
    return Truth(**{
        "n": len(rows), **by, "won_amount": float(sum(one.amount for one in rows if one.outcome == "won")), **changes,
    })  # fmt: skip


SHAPES: dict[str, Callable[[Path], Truth]] = {}


def shape(function: Callable[[Path], Truth]) -> Callable[[Path], Truth]:
    """Register a shape under its name."""
    SHAPES[function.__name__] = function
    return function


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]], **options: Any) -> None:
    """Write a CSV as systems do."""
    encoding = options.pop("encoding", "utf-8")
    before = options.pop("before", ())
    after = options.pop("after", ())
    with path.open("w", newline="", encoding=encoding) as stream:
        out = csv.writer(stream, **options)
        for line in (*before, header, *rows, *after):
            out.writerow(line)


def day(at: dt.datetime | None, form: str = "%Y-%m-%d") -> str:
    """A date in some form, empty if there is none."""
    return at.strftime(form) if at else ""


# ---- CRMs -------------------------------------------------------------------------------------------------------------


@shape
def salesforce_report(folder: Path) -> Truth:
    rows = deals()
    write(folder / "report1700000000000.csv",
          ["Opportunity Owner", "Account Name", "Opportunity Name", "Stage", "Fiscal Period", "Amount", "Expected Revenue", "Probability (%)", "Age", "Close Date", "Created Date", "Next Step", "Lead Source", "Type"],
          [[d.owner, d.account, d.name, d.word(), "Q1-2025", d.amount, d.amount * 0.1, CHANCE[d.stage] if d.outcome == "open" else 100 * (d.outcome == "won"), 12, day(d.expected, "%m/%d/%Y"), day(d.created, "%m/%d/%Y"), "", d.source, "New Business"] for d in rows])  # fmt: skip
    return truth(rows)


@shape
def salesforce_report_with_footer(folder: Path) -> Truth:
    rows = deals()
    write(folder / "report.csv", ["Opportunity Name", "Stage", "Amount Currency", "Amount", "Close Date", "Created Date", "Opportunity ID"],
          [[d.name, d.word(), "EUR", d.amount, day(d.expected, "%d.%m.%Y"), day(d.created, "%d.%m.%Y"), f"0065g00000{d.id}AAA"] for d in rows],
          after=[[], ["Grand Totals (120 records)"], [], ["Opportunity Report"], ["Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."], ["Confidential Information - Do Not Distribute"]])  # fmt: skip
    return truth(rows)


@shape
def salesforce_object(folder: Path) -> Truth:
    rows = deals()
    write(folder / "Opportunity.csv", ["Id", "IsDeleted", "AccountId", "Name", "StageName", "Amount", "Probability", "ExpectedRevenue", "CloseDate", "Type", "LeadSource", "IsClosed", "IsWon", "OwnerId", "CreatedDate", "LastModifiedDate", "SystemModstamp", "Region__c"],
          [[d.id, "false", d.account, d.name, d.word(), d.amount, 100 if d.outcome == "won" else 0 if d.outcome == "lost" else CHANCE[d.stage], 1, day(d.expected), "", d.source, str(d.outcome != "open").lower(), str(d.outcome == "won").lower(), d.owner, day(d.created, "%Y-%m-%dT%H:%M:%S.000Z"), "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", d.region] for d in rows])  # fmt: skip
    return truth(
        rows, regions={one: sum(d.region == one for d in rows) for one in ("North", "South", "West")}
    )


@shape
def salesforce_field_history(folder: Path) -> Truth:
    rows = deals()
    salesforce_object(folder)
    log = []
    for d in rows:
        log.append([d.id, "created", "", "", day(d.created, "%Y-%m-%dT%H:%M:%S.000Z")])
        path = [*d.steps, *([(d.word(), d.closed)] if d.closed else [])]
        for (old, _), (new, at) in itertools.pairwise(path):
            log.append([d.id, "StageName", old, new, day(at, "%Y-%m-%dT%H:%M:%S.000Z")])
            log.append([d.id, "Amount", "1", "2", day(at, "%Y-%m-%dT%H:%M:%S.000Z")])
    write(
        folder / "OpportunityFieldHistory.csv",
        ["OpportunityId", "Field", "OldValue", "NewValue", "CreatedDate"],
        log,
    )
    return truth(rows, history=True)


@shape
def salesforce_opportunity_history(folder: Path) -> Truth:
    rows = deals()
    salesforce_object(folder)
    log = []
    for d in rows:
        for stage, at in [*d.steps, *([(d.word(), d.closed)] if d.closed else [])]:
            log.append(
                [
                    f"008{len(log):06}",
                    d.id,
                    stage,
                    d.amount,
                    CHANCE.get(stage, 0),
                    day(d.expected),
                    day(at, "%Y-%m-%dT%H:%M:%S.000Z"),
                ]
            )
    write(
        folder / "OpportunityHistory.csv",
        ["Id", "OpportunityId", "StageName", "Amount", "Probability", "CloseDate", "CreatedDate"],
        log,
    )
    return truth(rows, history=True)


@shape
def hubspot_deals(folder: Path) -> Truth:
    rows = deals()
    names = {
        "Qualification": "Appointment Scheduled",
        "Needs Analysis": "Qualified To Buy",
        "Proposal": "Presentation Scheduled",
        "Negotiation": "Contract Sent",
    }
    write(folder / "hubspot-crm-exports-all-deals-2026-01-01.csv", ["Record ID", "Deal Name", "Deal Stage", "Close Date", "Deal owner", "Amount", "Pipeline", "Create Date", "Associated Company", "Deal Type"],
          [[10000 + k, d.name, {"won": "Closed Won", "lost": "Closed Lost"}.get(d.outcome, names[d.stage]), day(d.expected, "%Y-%m-%d %H:%M"), d.owner, d.amount, "Sales Pipeline", day(d.created, "%Y-%m-%d %H:%M"), d.account, "newbusiness"] for k, d in enumerate(rows)])  # fmt: skip
    return truth(rows, stages=tuple(names.values()))


@shape
def hubspot_date_entered(folder: Path) -> Truth:
    rows = deals()
    head = [f'Date entered "{one} (Sales Pipeline)"' for one in (*STAGES, "Closed Won", "Closed Lost")]
    lines = []
    for k, d in enumerate(rows):
        at = dict(d.steps) | ({d.word(): d.closed} if d.closed else {})
        lines.append(
            [
                10000 + k,
                d.name,
                d.word(),
                d.amount,
                day(d.created, "%Y-%m-%d %H:%M"),
                day(d.closed, "%Y-%m-%d %H:%M"),
                d.owner,
                "Sales Pipeline",
                *(day(at.get(one), "%Y-%m-%d %H:%M") for one in (*STAGES, "Closed Won", "Closed Lost")),
            ]
        )
    write(
        folder / "deals.csv",
        [
            "Record ID",
            "Deal Name",
            "Deal Stage",
            "Amount",
            "Create Date",
            "Close Date",
            "Deal owner",
            "Pipeline",
            *head,
        ],
        lines,
    )
    return truth(rows, history=True)


@shape
def hubspot_api_names(folder: Path) -> Truth:
    rows = deals()
    names = {
        "Qualification": "appointmentscheduled",
        "Needs Analysis": "qualifiedtobuy",
        "Proposal": "presentationscheduled",
        "Negotiation": "contractsent",
    }
    write(folder / "deals.csv", ["hs_object_id", "dealname", "dealstage", "pipeline", "amount", "createdate", "closedate", "hs_lastmodifieddate", "hubspot_owner_id", "deal_currency_code"],
          [[k, d.name, {"won": "closedwon", "lost": "closedlost"}.get(d.outcome, names[d.stage]), "default", d.amount, day(d.created, "%Y-%m-%dT%H:%M:%S.123Z"), day(d.expected, "%Y-%m-%dT%H:%M:%S.123Z"), "2026-02-02T00:00:00Z", "7711", "EUR"] for k, d in enumerate(rows)])  # fmt: skip
    return truth(rows, stages=tuple(names.values()))


@shape
def pipedrive_list(folder: Path) -> Truth:
    rows = deals()
    write(folder / "deals-8211-11.csv", ["Deal - ID", "Deal - Title", "Deal - Owner", "Deal - Organization", "Deal - Value", "Deal - Currency of Value", "Deal - Stage", "Deal - Status", "Deal - Deal created", "Deal - Won time", "Deal - Lost time", "Deal - Deal closed on", "Deal - Expected close date", "Deal - Lost reason", "Deal - Pipeline"],
          [[k + 1, d.name, d.owner, d.account, d.amount, "EUR", d.stage, d.outcome.capitalize(), day(d.created, "%Y-%m-%d %H:%M:%S"), day(d.closed, "%Y-%m-%d %H:%M:%S") if d.outcome == "won" else "", day(d.closed, "%Y-%m-%d %H:%M:%S") if d.outcome == "lost" else "", day(d.closed, "%Y-%m-%d %H:%M:%S"), "", d.reason, "Pipeline"] for k, d in enumerate(rows)])  # fmt: skip
    return truth(rows)


@shape
def pipedrive_api(folder: Path) -> Truth:
    rows = deals()
    write(folder / "deals.csv", ["id", "title", "value", "currency", "stage_name", "status", "add_time", "update_time", "stage_change_time", "won_time", "lost_time", "close_time", "lost_reason", "owner_name", "org_name"],
          [[k + 1, d.name, d.amount, "EUR", d.stage, d.outcome, day(d.created, "%Y-%m-%d %H:%M:%S"), "2026-01-05 10:00:00", "", day(d.closed, "%Y-%m-%d %H:%M:%S") if d.outcome == "won" else "", day(d.closed, "%Y-%m-%d %H:%M:%S") if d.outcome == "lost" else "", day(d.closed, "%Y-%m-%d %H:%M:%S"), d.reason, d.owner, d.account] for k, d in enumerate(rows)])  # fmt: skip
    return truth(rows)


@shape
def won_and_lost_time(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "opportunities.csv",
        ["opportunity", "added", "stage", "value", "won_on", "lost_on"],
        [
            [
                d.name,
                day(d.created),
                d.stage,
                d.amount,
                day(d.closed) if d.outcome == "won" else "",
                day(d.closed) if d.outcome == "lost" else "",
            ]
            for d in rows
        ],
    )
    return truth(rows)


@shape
def zoho_potentials(folder: Path) -> Truth:
    rows = deals()
    write(folder / "Potentials_001.csv", ["Record Id", "Potential Owner", "Amount", "Potential Name", "Closing Date", "Account Name", "Stage", "Type", "Probability", "Expected Revenue", "Lead Source", "Created Time", "Modified Time", "Reason For Loss"],
          [[f"zcrm_{10**15 + k}", d.owner, f"€ {d.amount:,.2f}", d.name, day(d.expected, "%d/%m/%Y"), d.account, {"won": "Closed Won", "lost": "Closed-Lost to Competition"}.get(d.outcome, {"Proposal": "Proposal/Price Quote", "Negotiation": "Negotiation/Review"}.get(d.stage, d.stage)), "", 10, 1, d.source, day(d.created, "%d/%m/%Y %I:%M %p"), "01/02/2026 09:00 AM", d.reason] for k, d in enumerate(rows)])  # fmt: skip
    return truth(
        rows, stages=("Qualification", "Needs Analysis", "Proposal/Price Quote", "Negotiation/Review")
    )


@shape
def dynamics_view(folder: Path) -> Truth:
    rows = deals()
    phase = {
        "Qualification": "1-Qualify",
        "Needs Analysis": "2-Develop",
        "Proposal": "3-Propose",
        "Negotiation": "4-Close",
    }
    write(folder / "All Opportunities.csv", ["(Do Not Modify) Opportunity", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On", "Topic", "Potential Customer", "Est. close date", "Est. revenue", "Actual Revenue", "Actual Close Date", "Pipeline Phase", "Status", "Status Reason", "Created On", "Owner", "Opportunity ID"],
          [[str(uuid.UUID(int=k + 5)), "x", "2026-01-01 10:00", d.name, d.account, day(d.expected, "%Y-%m-%d"), d.amount, d.amount if d.outcome == "won" else "", day(d.closed), phase[d.stage], d.outcome.capitalize(), {"won": "Won", "lost": "Out-Sold", "open": "In Progress"}[d.outcome], day(d.created, "%Y-%m-%d %H:%M"), d.owner, f"OPP-{k:05}" if k % 7 else ""] for k, d in enumerate(rows)])  # fmt: skip
    return truth(rows, stages=tuple(phase.values()))


@shape
def odoo_archived(folder: Path) -> Truth:
    rows = deals()
    name = {
        "Qualification": "New",
        "Needs Analysis": "Qualified",
        "Proposal": "Proposition",
        "Negotiation": "Proposition",
    }
    write(folder / "Lead-Opportunity (crm.lead).csv", ["External ID", "Opportunity", "Salesperson", "Customer", "Expected Revenue", "Stage", "Created on", "Closed Date", "Active", "Probability", "Lost Reason", "Sales Team"],
          [[f"__export__.crm_lead_{k}", d.name, d.owner, d.account, f"{d.amount:.2f}", "Won" if d.outcome == "won" else name[d.stage], day(d.created, "%Y-%m-%d %H:%M:%S"), day(d.closed, "%Y-%m-%d %H:%M:%S"), "False" if d.outcome == "lost" else "True", {"won": "100.00", "lost": "0.00"}.get(d.outcome, "23.40"), d.reason, "Europe"] for k, d in enumerate(rows)])  # fmt: skip
    return truth(rows, stages=("New", "Qualified", "Proposition"))


@shape
def suitecrm(folder: Path) -> Truth:
    rows = deals()
    write(folder / "Opportunities.csv", ["Opportunity Name", "ID", "Type", "Lead Source", "Opportunity Amount", "Currency", "Expected Close Date", "Sales Stage", "Probability (%)", "Assigned To", "Account Name", "Date Created", "Date Modified", "Deleted"],
          [[d.name, str(uuid.UUID(int=k + 9)), "Existing Business", d.source, d.amount, "-99", day(d.expected, "%m/%d/%Y"), d.word(), 10, d.owner, d.account, day(d.created, "%m/%d/%Y %I:%M%p").lower(), "01/30/2026 02:15pm", "0"] for k, d in enumerate(rows)])  # fmt: skip
    return truth(rows)


@shape
def erpnext(folder: Path) -> Truth:
    rows = deals()
    status = {"won": "Converted", "lost": "Lost", "open": "Open"}
    write(folder / "Opportunity.csv", ["ID", "Opportunity From", "Party", "Customer Name", "Status", "Sales Stage", "Expected Closing Date", "Opportunity Amount", "Probability (%)", "Opportunity Owner", "Source", "Opportunity Date", "Territory"],
          [[f"CRM-OPP-2025-{k:05}", "Customer", d.account, d.account, status[d.outcome], d.stage, day(d.expected), d.amount, 50, d.owner, d.source, day(d.created), d.region] for k, d in enumerate(rows)])  # fmt: skip
    return truth(
        rows,
        closed=False,
        regions={one: sum(d.region == one for d in rows) for one in ("North", "South", "West")},
    )


@shape
def freshsales(folder: Path) -> Truth:
    rows = deals()
    write(folder / "deals.csv", ["Deal id", "Deal name", "Deal value", "Base currency", "Deal stage", "Lost reason", "Closed date", "Expected close date", "Sales owner", "Sales account", "Created at", "Updated at", "Pipeline"],
          [[7000 + k, d.name, d.amount, "USD", d.word("Won", "Lost"), d.reason, day(d.closed), day(d.expected), d.owner, d.account, day(d.created, "%Y-%m-%d %H:%M:%S +0000"), "2026-01-01", "Default Pipeline"] for k, d in enumerate(rows)])  # fmt: skip
    return truth(rows)


@shape
def copper(folder: Path) -> Truth:
    rows = deals()
    write(folder / "opportunities.csv", ["Opportunity Name", "Company", "Primary Contact", "Stage", "Status", "Pipeline", "Value", "Owner", "Source", "Loss Reason", "Win Probability", "Close Date", "Created At", "Copper ID"],
          [[d.name, d.account, "X", d.stage, {"won": "Won", "lost": "Lost", "open": "Open"}[d.outcome] if k % 9 or d.outcome != "lost" else "Abandoned", "Sales", f"${d.amount:,.2f}", d.owner, d.source, d.reason, 30, day(d.expected, "%m/%d/%Y"), day(d.created, "%m/%d/%Y"), 10**7 + k] for k, d in enumerate(rows)])  # fmt: skip
    return truth(rows)


@shape
def close_crm(folder: Path) -> Truth:
    rows = deals()
    write(folder / "opportunities.csv", ["id", "lead_name", "status_label", "status_type", "value", "value_period", "value_currency", "confidence", "user_name", "date_created", "date_won", "date_lost", "note"],
          [[f"oppo_{k:05}", d.account, d.word("Signed", "Dead"), {"open": "active"}.get(d.outcome, d.outcome), d.amount, "one_time", "USD", 50, d.owner, day(d.created, "%Y-%m-%dT%H:%M:%S.000000+00:00"), day(d.closed) if d.outcome == "won" else "", day(d.closed, "%Y-%m-%dT%H:%M:%S+00:00") if d.outcome == "lost" else "", ""] for k, d in enumerate(rows)])  # fmt: skip
    return truth(rows)


ZH = {
    "Qualification": "初步接触",
    "Needs Analysis": "需求确认",
    "Proposal": "方案报价",
    "Negotiation": "商务谈判",
}


@shape
def fxiaoke(folder: Path) -> Truth:
    rows = deals()
    write(folder / "商机2.0.csv", ["商机编号", "商机名称", "客户名称", "商机金额（元）", "销售流程", "商机阶段", "阶段状态", "预计成交日期", "实际成交日期", "负责人", "负责人主属部门", "创建时间", "输单原因", "业务类型"],
          [[d.id, d.name, d.account, d.amount, "标准流程", {"won": "赢单", "lost": "输单"}.get(d.outcome, ZH[d.stage]), {"won": "赢单", "lost": "输单"}.get(d.outcome, "进行中"), day(d.expected), day(d.closed), d.owner, "华东", day(d.created, "%Y-%m-%d %H:%M"), d.reason, "默认"] for d in rows], encoding="utf-8-sig")  # fmt: skip
    return truth(rows, stages=tuple(ZH.values()))


@shape
def xiaoshouyi(folder: Path) -> Truth:
    rows = deals()
    write(folder / "销售机会.csv", ["销售机会名称", "客户名称", "销售金额(元)", "销售阶段", "赢率", "结单日期", "销售机会所有人", "所属部门", "创建日期", "丢单原因", "机会来源"],
          [[d.name, d.account, d.amount, {"won": "赢单", "lost": "输单"}.get(d.outcome, ZH[d.stage]), f"{ {'won': 100, 'lost': 0}.get(d.outcome, CHANCE[d.stage]) }%", day(d.expected, "%Y/%m/%d"), d.owner, "华东大区", day(d.created, "%Y/%m/%d"), d.reason, d.source] for d in rows], encoding="gb18030")  # fmt: skip
    return truth(rows, stages=tuple(ZH.values()))


@shape
def wukong(folder: Path) -> Truth:
    rows = deals()
    write(folder / "商机导出.csv", ["商机名称", "客户名称", "商机金额", "预计成交日期", "商机状态组", "商机阶段", "商机状态", "负责人", "创建人", "创建时间", "更新时间", "备注"],
          [[d.name, d.account, d.amount, day(d.expected), "默认商机组", ZH[d.stage], {"won": "赢单", "lost": "输单", "open": "进行中"}[d.outcome], d.owner, d.owner, day(d.created, "%Y-%m-%d %H:%M:%S"), "2026-01-02 10:00:00", ""] for d in rows])  # fmt: skip
    return truth(rows, stages=tuple(ZH.values()), closed=False)


@shape
def yonyou(folder: Path) -> Truth:
    rows = deals()
    write(folder / "商机列表.csv", ["单据编号", "商机主题", "客户", "预计签约金额", "当前阶段", "结果", "业务员", "部门", "单据日期", "关闭日期", "丢单原因"],
          [[d.id, d.name, d.account, f"{d.amount:,}", ZH[d.stage], {"won": "成交", "lost": "丢单", "open": "跟踪中"}[d.outcome], d.owner, "销售一部", day(d.created), day(d.closed), d.reason] for d in rows])  # fmt: skip
    return truth(rows, stages=tuple(ZH.values()))


# ---- replicated tables and logs -----------------------------------------------------------------------------------------


@shape
def airbyte_hubspot(folder: Path) -> Truth:
    rows = deals()
    write(folder / "deals.csv", ["_airbyte_raw_id", "_airbyte_extracted_at", "id", "archived", "createdat", "updatedat", "properties_dealname", "properties_dealstage", "properties_amount", "properties_createdate", "properties_closedate", "properties_hs_is_closed", "properties_hs_is_closed_won"],
          [[str(uuid.UUID(int=k)), "2026-02-01", 900 + k, "false", day(d.created, "%Y-%m-%dT%H:%M:%SZ"), "2026-01-01T00:00:00Z", d.name, d.word("closedwon", "closedlost"), d.amount, day(d.created, "%Y-%m-%dT%H:%M:%SZ"), day(d.expected, "%Y-%m-%dT%H:%M:%SZ"), str(d.outcome != "open").lower(), str(d.outcome == "won").lower()] for k, d in enumerate(rows)])  # fmt: skip
    return truth(rows)


@shape
def fivetran_with_reference(folder: Path) -> Truth:
    rows = deals()
    ids = {one: str(4711000 + 31 * k % 97) for k, one in enumerate((*STAGES, "Closed Won", "Closed Lost"))}
    write(folder / "deal.csv", ["deal_id", "is_deleted", "deal_pipeline_id", "deal_pipeline_stage_id", "owner_id", "property_dealname", "property_amount", "property_closedate", "property_createdate", "_fivetran_synced"],
          [[100 + k, "false", "default", ids[d.word()], "7", d.name, d.amount, day(d.expected, "%Y-%m-%d %H:%M:%S"), day(d.created, "%Y-%m-%d %H:%M:%S"), "2026-01-01 00:00:00"] for k, d in enumerate(rows)])  # fmt: skip
    write(folder / "deal_pipeline_stage.csv", ["stage_id", "pipeline_id", "label", "display_order", "probability", "closed_won", "is_closed", "active"],
          [[ids[one], "default", one, k, CHANCE.get(one, 0) / 100, str(one == "Closed Won").lower(), str(one.startswith("Closed")).lower(), "true"] for k, one in enumerate((*STAGES, "Closed Won", "Closed Lost"))])  # fmt: skip
    return truth(rows)


@shape
def xes_csv(folder: Path) -> Truth:
    rows = deals()
    log = []
    for d in rows:
        for stage, at in [*d.steps, *([(d.word("Won", "Lost"), d.closed)] if d.closed else [])]:
            log.append(
                [d.id, stage, day(at, "%Y-%m-%dT%H:%M:%S.000+00:00"), "complete", d.owner, d.amount, d.region]
            )
    write(
        folder / "log.csv",
        [
            "case:concept:name",
            "concept:name",
            "time:timestamp",
            "lifecycle:transition",
            "org:resource",
            "case:amount",
            "case:region",
        ],
        log,
    )
    return truth(rows, history=True)


@shape
def event_log(folder: Path) -> Truth:
    rows = deals()
    log = []
    for d in rows:
        for stage, at in [*d.steps, *([(d.word("Won", "Lost"), d.closed)] if d.closed else [])]:
            log.append([day(at, "%d.%m.%Y %H:%M"), d.id, stage])
    random.Random(1).shuffle(log)
    write(folder / "export.csv", ["Timestamp", "Case ID", "Activity"], log, delimiter=";")
    return truth(rows, history=True, won_amount=None)


@shape
def change_log(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "deals.csv",
        ["key", "summary", "status", "amount", "created"],
        [[d.id, d.name, d.word("Won", "Lost"), d.amount, day(d.created, "%Y-%m-%d %H:%M")] for d in rows],
    )
    log = []
    for d in rows:
        path = [*d.steps, *([(d.word("Won", "Lost"), d.closed)] if d.closed else [])]
        log += [
            [d.id, old, new, day(at, "%Y-%m-%d %H:%M")] for (old, _), (new, at) in itertools.pairwise(path)
        ]
    write(folder / "changes.csv", ["key", "old", "new", "at"], log)
    return truth(rows, history=True)


@shape
def snapshots_with_history(folder: Path) -> Truth:
    rows = deals()
    log = []
    for d in rows:
        for stage, at in [*d.steps, *([(d.word(), d.closed)] if d.closed else [])]:
            log.append([d.id, d.name, d.amount, stage, day(at)])
    write(folder / "pipeline.csv", ["Deal ID", "Deal Name", "Amount", "Stage", "Stage Date"], log)
    return truth(rows, history=True)


# ---- tables kept by hand and published sets -----------------------------------------------------------------------------


@shape
def no_id_column(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "pipeline tracker.csv",
        ["Company", "Contact", "Sales Rep", "Status", "Deal Size", "Date Opened", "Date Closed"],
        [
            [
                d.account,
                "x",
                d.owner,
                d.word("Won", "Lost"),
                f"${d.amount:,}",
                day(d.created, "%d-%b-%Y"),
                day(d.closed, "%d-%b-%Y"),
            ]
            for d in rows
        ],
    )
    return truth(rows)


@shape
def outcome_column(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "sales.csv",
        ["lead_id", "created_date", "funnel_stage", "win_loss", "closed_date", "deal_value_usd", "territory"],
        [
            [
                d.id,
                day(d.created),
                d.stage,
                {"won": "Win", "lost": "Loss", "open": ""}[d.outcome],
                day(d.closed),
                d.amount,
                d.region,
            ]
            for d in rows
        ],
    )
    return truth(
        rows, regions={one: sum(d.region == one for d in rows) for one in ("North", "South", "West")}
    )


@shape
def outcome_only(folder: Path) -> Truth:
    rows = [one for one in deals() if one.outcome != "open"]
    write(
        folder / "opportunities.csv",
        [
            "Opportunity Number",
            "Supplies Group",
            "Region",
            "Route To Market",
            "Opportunity Amount USD",
            "Opportunity Result",
            "Opened",
            "Closed",
        ],
        [
            [
                1640000 + k,
                "Car",
                d.region,
                d.source,
                d.amount,
                {"won": "Won", "lost": "Loss"}[d.outcome],
                day(d.created),
                day(d.closed),
            ]
            for k, d in enumerate(rows)
        ],
    )
    return truth(rows, stages=())


@shape
def converted_flag(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "Leads.csv",
        [
            "Prospect ID",
            "Lead Number",
            "Lead Origin",
            "Lead Source",
            "Total Visits",
            "Converted",
            "Created",
            "Converted On",
        ],
        [
            [
                str(uuid.UUID(int=k + 3)),
                660000 + k,
                "API",
                d.source,
                3,
                int(d.outcome == "won"),
                day(d.created),
                day(d.closed) if d.outcome == "won" else "",
            ]
            for k, d in enumerate(rows)
        ],
    )
    base = truth(rows)
    return truth(rows, stages=(), lost=0, open=base.open + base.lost, won_amount=None)


@shape
def yes_no_won(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "deals.csv",
        ["deal_no", "opened", "closed", "stage", "amount", "won?"],
        [
            [
                k,
                day(d.created),
                day(d.closed),
                d.stage,
                d.amount,
                {"won": "Yes", "lost": "No", "open": ""}[d.outcome],
            ]
            for k, d in enumerate(rows)
        ],
    )
    return truth(rows)


@shape
def many_spellings(folder: Path) -> Truth:
    rows = deals()
    rng = random.Random(3)

    def spelled(word: str) -> str:
        if word in ("Closed Won", "Closed Lost"):
            bare = word.split()[1]
            return rng.choice(
                [
                    word,
                    word.lower(),
                    word.upper(),
                    word.replace(" ", "-"),
                    word.replace(" ", "_"),
                    f"{word} ",
                    bare,
                    bare.upper(),
                    word.replace(" ", "  "),
                ]
            )
        choice = [word] * 12 + [
            word.lower(),
            word.upper(),
            f" {word}",
            word.replace(" ", "_"),
            word.replace("ti", "t") if "ti" in word else word + "l",
        ]
        return rng.choice(choice)

    write(
        folder / "opps.csv",
        ["Opp ID", "Stage", "Amount", "Create Date", "Close Date"],
        [[d.id, spelled(d.word()), d.amount, day(d.created), day(d.closed)] for d in rows],
    )
    return truth(rows)


@shape
def stage_dates_without_stage(folder: Path) -> Truth:
    rows = deals()
    lines = []
    for d in rows:
        at = dict(d.steps)
        lines.append(
            [
                d.id,
                d.account,
                d.amount,
                *(day(at.get(one)) for one in STAGES),
                day(d.closed) if d.outcome == "won" else "",
                day(d.closed) if d.outcome == "lost" else "",
            ]
        )
    write(
        folder / "funnel.csv",
        [
            "id",
            "account",
            "amount",
            "qualification_date",
            "needs_analysis_date",
            "proposal_date",
            "negotiation_date",
            "won_date",
            "lost_date",
        ],
        lines,
    )
    return truth(
        rows,
        history=True,
        created=False,
        stages=("qualification", "needs analysis", "proposal", "negotiation"),
    )


@shape
def numbered_stages(folder: Path) -> Truth:
    rows = deals()
    name = dict(
        zip(STAGES, ("1. Kick-off", "2. Blue sheet", "3. Green sheet", "4. Paper chase"), strict=True)
    )
    write(
        folder / "opps.csv",
        ["Ref", "Title", "Phase", "Volume EUR", "Start", "End"],
        [
            [
                d.id,
                d.name,
                {"won": "5. Won", "lost": "6. Lost"}.get(d.outcome, name[d.stage]),
                d.amount,
                day(d.created),
                day(d.closed),
            ]
            for d in rows
        ],
    )
    return truth(rows, stages=tuple(name.values()), won_amount=None)


@shape
def percent_in_stage(folder: Path) -> Truth:
    rows = deals()
    name = dict(
        zip(STAGES, ("Suspicious (10%)", "Promising (30%)", "Serious (60%)", "Imminent (90%)"), strict=True)
    )
    write(
        folder / "forecast.csv",
        ["Opportunity", "Sales stage", "Amount", "Created", "Closed"],
        [
            [
                d.name,
                {"won": "Won (100%)", "lost": "Lost (0%)"}.get(d.outcome, name[d.stage]),
                d.amount,
                day(d.created),
                day(d.closed),
            ]
            for d in rows
        ],
    )
    return truth(rows, stages=tuple(name.values()))


@shape
def german(folder: Path) -> Truth:
    rows = deals()
    name = dict(zip(STAGES, ("Qualifizierung", "Bedarfsanalyse", "Angebot", "Verhandlung"), strict=True))
    write(folder / "Verkaufschancen.csv", ["Verkaufschance", "Firma", "Verantwortlich", "Verkaufsphase", "Umsatz (EUR)", "Erstellt am", "Abschlussdatum", "Wahrscheinlichkeit", "Gebiet"],
          [[d.name, d.account, d.owner, d.word("Gewonnen", "Verloren") if d.outcome != "open" else name[d.stage], f"{d.amount:,.2f}".replace(",", "X").replace(".", ",").replace("X", "."), day(d.created, "%d.%m.%Y"), day(d.expected, "%d.%m.%Y"), "50 %", d.region] for d in rows], delimiter=";", encoding="cp1252")  # fmt: skip
    return truth(
        rows,
        stages=tuple(name.values()),
        regions={one: sum(d.region == one for d in rows) for one in ("North", "South", "West")},
    )


@shape
def french(folder: Path) -> Truth:
    rows = deals()
    name = dict(
        zip(STAGES, ("Prospection", "Qualification", "Proposition commerciale", "Négociation"), strict=True)
    )
    write(folder / "opportunités.csv", ["Nom de l'opportunité", "Compte", "Propriétaire", "Étape", "Montant", "Date de création", "Date de clôture", "Raison de perte"],
          [[d.name, d.account, d.owner, {"won": "Fermée gagnée", "lost": "Fermée perdue"}.get(d.outcome, name[d.stage]), f"{d.amount:,} €".replace(",", " "), day(d.created, "%d/%m/%Y"), day(d.expected, "%d/%m/%Y"), d.reason] for d in rows], delimiter=";")  # fmt: skip
    return truth(rows, stages=tuple(name.values()))


@shape
def spanish(folder: Path) -> Truth:
    rows = deals()
    name = dict(zip(STAGES, ("Prospección", "Calificación", "Propuesta", "Negociación"), strict=True))
    write(folder / "oportunidades.csv", ["ID de la oportunidad", "Empresa", "Vendedor", "Etapa", "Estado", "Importe", "Fecha de creación", "Fecha de cierre"],
          [[d.id, d.account, d.owner, name[d.stage], {"won": "Ganada", "lost": "Perdida", "open": "Abierta"}[d.outcome], d.amount, day(d.created, "%d/%m/%Y"), day(d.closed, "%d/%m/%Y")] for d in rows])  # fmt: skip
    return truth(rows, stages=tuple(name.values()))


@shape
def portuguese(folder: Path) -> Truth:
    rows = deals()
    name = dict(zip(STAGES, ("Contato feito", "Diagnóstico", "Proposta enviada", "Negociação"), strict=True))
    write(folder / "negocios.csv", ["Negócio", "Empresa", "Responsável", "Etapa do funil", "Status", "Valor", "Criado em", "Fechado em", "Motivo da perda"],
          [[d.name, d.account, d.owner, name[d.stage], {"won": "Ganho", "lost": "Perdido", "open": "Em andamento"}[d.outcome], f"R$ {d.amount:,.2f}".replace(",", "X").replace(".", ",").replace("X", "."), day(d.created, "%d/%m/%Y"), day(d.closed, "%d/%m/%Y"), d.reason] for d in rows])  # fmt: skip
    return truth(rows, stages=tuple(name.values()))


@shape
def russian(folder: Path) -> Truth:
    rows = deals()
    name = dict(
        zip(
            STAGES,
            ("Первичный контакт", "Выявление потребностей", "Коммерческое предложение", "Переговоры"),
            strict=True,
        )
    )
    write(folder / "сделки.csv", ["ID", "Название сделки", "Компания", "Ответственный", "Этап сделки", "Бюджет", "Дата создания", "Дата закрытия"],
          [[k, d.name, d.account, d.owner, {"won": "Успешно реализовано", "lost": "Закрыто и не реализовано"}.get(d.outcome, name[d.stage]), d.amount, day(d.created, "%d.%m.%Y %H:%M:%S"), day(d.closed, "%d.%m.%Y %H:%M:%S")] for k, d in enumerate(rows)], delimiter=";", encoding="cp1251")  # fmt: skip
    return truth(rows, stages=tuple(name.values()))


@shape
def closed_beside_lost(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "deals.csv",
        ["Deal ID", "Stage", "Amount", "Created", "Closed"],
        [[d.id, d.word("Closed", "Lost"), d.amount, day(d.created), day(d.closed)] for d in rows],
    )
    return truth(rows)


@shape
def closed_with_flag(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "deals.csv",
        ["Deal ID", "Stage", "Result", "Amount", "Created", "Close Date"],
        [
            [
                d.id,
                d.word("Closed", "Closed"),
                {"won": "Success", "lost": "Failed", "open": ""}[d.outcome],
                d.amount,
                day(d.created),
                day(d.closed),
            ]
            for d in rows
        ],
    )
    return truth(rows)


@shape
def several_currencies(folder: Path) -> Truth:
    rows = deals()
    code = ["EUR", "EUR", "USD", "EUR"]
    write(
        folder / "deals.csv",
        ["Deal ID", "Stage", "Amount", "Currency", "Created", "Close Date"],
        [[d.id, d.word(), d.amount, code[k % 4], day(d.created), day(d.closed)] for k, d in enumerate(rows)],
    )
    return truth(
        rows,
        won_amount=float(
            sum(d.amount for k, d in enumerate(rows) if d.outcome == "won" and code[k % 4] == "EUR")
        ),
    )


@shape
def two_date_styles(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "deals.csv",
        ["Deal ID", "Stage", "Amount", "Created Date", "Closed Date"],
        [[d.id, d.word(), d.amount, day(d.created, "%Y-%m-%d"), day(d.closed, "%d/%m/%Y")] for d in rows],
    )
    return truth(rows)


@shape
def repeated_headers(folder: Path) -> Truth:
    rows = deals()
    head = ["Deal ID", "Stage", "Amount", "Created Date", "Closed Date"]
    lines = [[d.id, d.word(), d.amount, day(d.created), day(d.closed)] for d in rows]
    write(folder / "deals.csv", head, [*lines[:50], head, *lines[50:]])
    return truth(rows)


@shape
def guid_beside_custom_id(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "opportunities.csv",
        ["ID", "Opportunity ID", "Stage", "Amount", "Created Date", "Close Date"],
        [
            [str(uuid.UUID(int=k + 77)), f"OP-{k // 3}", d.word(), d.amount, day(d.created), day(d.closed)]
            for k, d in enumerate(rows)
        ],
    )
    return truth(rows)


@shape
def leads_and_bookings(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "leads.csv",
        ["lead_id", "first_contact_date", "origin"],
        [[d.id, day(d.created), d.source] for d in rows],
    )
    write(
        folder / "bookings.csv",
        ["lead_id", "booking_date", "booking_value"],
        [[d.id, day(d.closed), d.amount] for d in rows if d.outcome == "won"],
    )
    base = truth(rows)
    return truth(rows, stages=(), lost=0, open=base.open + base.lost)


@shape
def with_joinable_files(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "deals.csv",
        ["deal_id", "rep_id", "account_id", "stage", "amount", "created_at", "closed_at"],
        [
            [d.id, "R" + d.owner[0], d.account, d.word(), d.amount, day(d.created), day(d.closed)]
            for d in rows
        ],
    )
    write(
        folder / "reps.csv",
        ["rep_id", "rep_name", "region"],
        [["RA", "Ann Lee", "North"], ["RB", "Bob Roy", "South"], ["RC", "Cid Kim", "West"]],
    )
    home = {"Ann Lee": "North", "Bob Roy": "South", "Cid Kim": "West"}
    return truth(rows, regions={one: sum(home[d.owner] == one for d in rows) for one in home.values()})


@shape
def lead_status_words(folder: Path) -> Truth:
    rows = deals()
    name = dict(zip(STAGES, ("New", "Contacted", "Qualified", "Proposal Sent"), strict=True))
    write(
        folder / "crm_leads.csv",
        [
            "Lead ID",
            "Lead Name",
            "Source",
            "Lead Status",
            "Estimated Value",
            "Assigned To",
            "Lead Date",
            "Conversion Date",
        ],
        [
            [
                d.id,
                d.account,
                d.source,
                d.word("Converted", "Not Interested") if d.outcome != "open" else name[d.stage],
                d.amount,
                d.owner,
                day(d.created),
                day(d.closed),
            ]
            for d in rows
        ],
    )
    return truth(rows, stages=tuple(name.values()))


@shape
def unknown_stage_names(folder: Path) -> Truth:
    rows = deals()
    name = dict(zip(STAGES, ("Seed", "Sprout", "Bud", "Blossom"), strict=True))
    write(
        folder / "deals.csv",
        ["Deal", "Stage", "Probability", "Value", "Created", "Closed"],
        [
            [
                d.name,
                d.word("Harvest Won", "Withered Lost") if d.outcome != "open" else name[d.stage],
                {"won": 100, "lost": 0}.get(d.outcome, CHANCE[d.stage]),
                d.amount,
                day(d.created),
                day(d.closed),
            ]
            for d in rows
        ],
    )
    return truth(rows, stages=tuple(name.values()))


@shape
def won_by_probability(folder: Path) -> Truth:
    rows = deals()
    name = dict(zip(STAGES, ("Seed", "Sprout", "Bud", "Blossom"), strict=True))
    write(
        folder / "deals.csv",
        ["Deal", "Stage", "Probability %", "Value", "Created", "Closed"],
        [
            [
                d.name,
                d.word("Harvest", "Compost") if d.outcome != "open" else name[d.stage],
                {"won": 100, "lost": 0}.get(d.outcome, CHANCE[d.stage]),
                d.amount,
                day(d.created),
                day(d.closed),
            ]
            for d in rows
        ],
    )
    return truth(rows, stages=tuple(name.values()))


@shape
def upper_snake_database(folder: Path) -> Truth:
    rows = deals()
    write(folder / "T_OPPORTUNITY.csv", ["OPPORTUNITY_ID", "CUSTOMER_NAME", "STAGE_NAME", "IS_CLOSED", "IS_WON", "AMOUNT_USD", "CREATED_TS", "CLOSED_TS", "SALES_REP", "REGION_CODE"],
          [[k, d.account, d.stage, int(d.outcome != "open"), int(d.outcome == "won"), d.amount, day(d.created, "%Y-%m-%d %H:%M:%S"), day(d.closed, "%Y-%m-%d %H:%M:%S"), d.owner, d.region] for k, d in enumerate(rows)])  # fmt: skip
    return truth(rows)


@shape
def parked_and_junk(folder: Path) -> Truth:
    rows = deals()
    words = []
    for k, d in enumerate(rows):
        words.append(
            "On Hold"
            if d.outcome == "open" and k % 5 == 0
            else "Duplicate"
            if d.outcome == "lost" and k % 6 == 0
            else d.word()
        )
    write(
        folder / "deals.csv",
        ["Deal ID", "Stage", "Amount", "Created", "Closed"],
        [[d.id, word, d.amount, day(d.created), day(d.closed)] for d, word in zip(rows, words, strict=True)],
    )
    left = sum(word == "Duplicate" for word in words)
    base = truth(rows)
    return truth(rows, lost=base.lost - left, left=left)


@shape
def excel_workbook(folder: Path) -> Truth:
    import openpyxl

    rows = deals()
    book = openpyxl.Workbook()
    notes = book.active
    notes.title = "Read me"
    notes.append(["This workbook is updated weekly"])
    sheet = book.create_sheet("Pipeline 2025")
    sheet.append(["Deal #", "Client", "Owner", "Stage", "Value (k EUR)", "Opened", "Closed"])
    for d in rows:
        sheet.append([d.id, d.account, d.owner, d.word("Won", "Lost"), d.amount / 1000, d.created, d.closed])
    book.save(folder / "sales tracker.xlsx")
    return truth(rows)


@shape
def no_dates(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "sales-funnel.csv",
        ["Account", "Name", "Rep", "Manager", "Product", "Quantity", "Price", "Status"],
        [
            [
                k,
                d.account,
                d.owner,
                "Debra",
                "CPU",
                1,
                d.amount,
                {"won": "won", "lost": "declined", "open": "presented"}[d.outcome],
            ]
            for k, d in enumerate(rows)
        ],
    )
    return truth(rows, created=False, closed=False, stages=("presented",))


@shape
def json_dump(folder: Path) -> Truth:
    rows = deals()
    (folder / "deals.json").write_text(json.dumps({"data": [
        {"id": k, "title": d.name, "value": d.amount, "stage": {"id": STAGES.index(d.stage), "name": d.stage}, "status": d.outcome, "add_time": day(d.created, "%Y-%m-%d %H:%M:%S"), "close_time": day(d.closed, "%Y-%m-%d %H:%M:%S") or None, "owner": {"id": 3, "name": d.owner}}
        for k, d in enumerate(rows)]}), encoding="utf-8")  # fmt: skip
    return truth(rows)
