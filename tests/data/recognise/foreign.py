# ruff: noqa: E501 - a row of an export stays one line
"""More exports, as far as possible from our own tables: other systems, languages, layouts and file forms.

As in :mod:`tests.data.recognise.corpus`, every shape writes the same 120 deals and says what must come out.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from tests.data.recognise.corpus import STAGES, Deal, Truth, day, deals, truth, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOREIGN: dict[str, Callable[[Path], Truth]] = {}


def foreign(function: Callable[[Path], Truth]) -> Callable[[Path], Truth]:
    """Register a shape under its name."""
    FOREIGN[function.__name__] = function
    return function


def named(d: Deal, names: tuple[str, ...], won: str = "", lost: str = "") -> str:
    """The stage of a deal in other words; with `won` and `lost` as systems write it that overwrite it at the end."""
    ends = {"won": won, "lost": lost}
    return ends.get(d.outcome) or names[STAGES.index(d.stage)]


def euro(amount: float, thousands: str = ".", decimal: str = ",", unit: str = " €") -> str:
    """An amount as people of that country write it."""
    return f"{amount:,.2f}".replace(",", "_").replace(".", decimal).replace("_", thousands) + unit


# ---- systems in their users' languages ----------------------------------------------------------------------


@foreign
def dynamics_german(folder: Path) -> Truth:
    names = ("1-Qualifizieren", "2-Entwickeln", "3-Vorschlagen", "4-Abschließen")
    status = {"won": "Gewonnen", "lost": "Verloren", "open": "Offen"}
    rows = deals()
    write(
        folder / "Meine Verkaufschancen.csv",
        ["(Nicht ändern) Verkaufschance", "(Nicht ändern) Zeilenprüfsumme", "(Nicht ändern) Geändert am", "Thema", "Potenzieller Kunde",
         "Gesch. Abschlussdatum", "Gesch. Umsatz", "Tats. Abschlussdatum", "Tats. Umsatz", "Status", "Statusgrund", "Vertriebsphase", "Erstellt am", "Besitzer", "Region"],
        [[f"{k:08x}-1111-ec11-8f8e-000d3ab{k:05x}", f"q{k}==", day(d.closed or d.created, "%d.%m.%Y %H:%M"), d.name, d.account, day(d.expected, "%d.%m.%Y"),
          euro(d.amount), day(d.closed, "%d.%m.%Y"), euro(d.amount) if d.outcome == "won" else "", status[d.outcome],
          {"won": "Gewonnen", "lost": "Storniert", "open": "In Bearbeitung"}[d.outcome], named(d, names), day(d.created, "%d.%m.%Y %H:%M"), d.owner, d.region]
         for k, d in enumerate(rows)],
        delimiter=";", encoding="cp1252",
    )  # fmt: skip
    return truth(
        rows,
        stages=names,
        regions={one: sum(d.region == one for d in rows) for one in ("North", "South", "West")},
    )


@foreign
def odoo_import_names(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "crm.lead.csv",
        ["id", "name", "partner_id/name", "user_id/name", "team_id/name", "stage_id/name", "active", "probability", "expected_revenue", "create_date", "date_closed", "lost_reason_id/name"],
        [[f"__export__.crm_lead_{k}_{k * 7919 % 65536:x}", d.name, d.account, d.owner, "Sales", named(d, ("New", "Qualified", "Proposition", "Negotiation"), won="Won"),
          "False" if d.outcome == "lost" else "True", {"won": "100.0", "lost": "0.0"}.get(d.outcome, "33.5"), f"{d.amount}.0", day(d.created, "%Y-%m-%d %H:%M:%S"),
          day(d.closed, "%Y-%m-%d %H:%M:%S"), d.reason] for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(rows, stages=("New", "Qualified", "Proposition", "Negotiation"))


@foreign
def pipedrive_spanish(folder: Path) -> Truth:
    names = ("Calificado", "Contacto realizado", "Propuesta hecha", "Negociaciones iniciadas")
    rows = deals()
    write(
        folder / "deals-12345-77.csv",
        ["Negocio - ID", "Negocio - Título", "Negocio - Organización", "Negocio - Valor", "Negocio - Moneda de Valor", "Negocio - Etapa", "Negocio - Estado",
         "Negocio - Negocio creado", "Negocio - Hora de ganado", "Negocio - Hora de perdido", "Negocio - Motivo de pérdida", "Negocio - Propietario", "Negocio - Fecha prevista de cierre"],
        [[k + 1, d.name, d.account, d.amount, "EUR", named(d, names), {"won": "Ganado", "lost": "Perdido", "open": "Abierto"}[d.outcome], day(d.created, "%Y-%m-%d %H:%M:%S"),
          day(d.closed, "%Y-%m-%d %H:%M:%S") if d.outcome == "won" else "", day(d.closed, "%Y-%m-%d %H:%M:%S") if d.outcome == "lost" else "", d.reason, d.owner, day(d.expected)]
         for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(rows, stages=names)


@foreign
def zoho_french(folder: Path) -> Truth:
    names = ("Qualification", "Analyse des besoins", "Proposition/devis", "Négociation/révision")
    rows = deals()
    write(
        folder / "Affaires.csv",
        ["Record Id", "Nom de l'affaire", "Nom du compte", "Propriétaire de Affaire", "Phase", "Montant", "Date de clôture", "Heure de création", "Source de la piste", "Raison de la perte"],
        [[f"zcrm_{4000000 + k}", d.name, d.account, d.owner, named(d, names, "Fermé (gagné)", "Fermé (perdu)"), euro(d.amount, "\u202f", ",", " €"),
          day(d.expected, "%d/%m/%Y"), day(d.created, "%d/%m/%Y %H:%M"), d.source, d.reason] for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(rows, stages=names)


@foreign
def rdstation_portuguese(folder: Path) -> Truth:
    names = ("Sem contato", "Contato feito", "Identificação do interesse", "Proposta enviada")
    rows = deals()
    write(
        folder / "negociacoes.csv",
        ["Nome", "Empresa", "Qualificação", "Funil de vendas", "Etapa", "Estado", "Motivo de Perda", "Valor Único", "Data de criação", "Hora de criação", "Data de fechamento", "Responsável"],
        [[d.name, d.account, "3", "Funil Padrão", named(d, names), {"won": "Vendida", "lost": "Perdida", "open": "Em andamento"}[d.outcome], d.reason, euro(d.amount, unit=""),
          day(d.created, "%d/%m/%Y"), day(d.created, "%H:%M"), day(d.closed, "%d/%m/%Y"), d.owner] for d in rows],
        delimiter=";",
    )  # fmt: skip
    return truth(rows, stages=names)


@foreign
def bitrix_russian(folder: Path) -> Truth:
    names = ("Новая", "Подготовка документов", "Счёт на предоплату", "В работе")
    rows = deals()
    write(
        folder / "DEAL_20260101.csv",
        ["ID", "Стадия сделки", "Название сделки", "Компания", "Сумма", "Валюта", "Ответственный", "Дата создания", "Дата завершения", "Сделка закрыта", "Источник"],
        [[k + 100, named(d, names, "Сделка успешна", "Сделка провалена"), d.name, d.account, f"{d.amount} руб.", "Российский рубль", d.owner, day(d.created, "%d.%m.%Y %H:%M:%S"),
          day(d.expected, "%d.%m.%Y"), "да" if d.closed else "нет", d.source] for k, d in enumerate(rows)],
        delimiter=";", encoding="cp1251",
    )  # fmt: skip
    return truth(rows, stages=names)


@foreign
def kintone_japanese(folder: Path) -> Truth:
    names = ("リード", "ヒアリング", "提案", "見積提出")
    rows = deals()
    write(
        folder / "案件管理.csv",
        ["レコード番号", "案件名", "会社名", "営業担当者", "フェーズ", "見込み金額", "作成日時", "受注日", "失注日", "失注理由"],
        [[k + 1, d.name, d.account, d.owner, named(d, names, "受注", "失注"), f"{d.amount:,}円", day(d.created, "%Y/%m/%d %H:%M"),
          day(d.closed, "%Y/%m/%d") if d.outcome == "won" else "", day(d.closed, "%Y/%m/%d") if d.outcome == "lost" else "", d.reason] for k, d in enumerate(rows)],
        encoding="cp932",
    )  # fmt: skip
    return truth(rows, stages=names)


@foreign
def dutch_spreadsheet(folder: Path) -> Truth:
    names = ("Nieuw", "Contact gelegd", "Offerte verstuurd", "Onderhandeling")
    rows = deals()
    write(
        folder / "verkoopkansen.csv",
        ["Nummer", "Klant", "Verkoper", "Fase", "Bedrag", "Aangemaakt op", "Gesloten op"],
        [[f"VK{k:04}", d.account, d.owner, named(d, names, "Gewonnen", "Verloren"), f"€ {euro(d.amount, unit='')}", day(d.created, "%d-%m-%Y"), day(d.closed, "%d-%m-%Y")] for k, d in enumerate(rows)],
        delimiter=";",
    )  # fmt: skip
    return truth(rows, stages=names)


@foreign
def polish_status(folder: Path) -> Truth:
    names = ("Nowy", "Analiza potrzeb", "Oferta", "Negocjacje")
    rows = deals()
    write(
        folder / "szanse.csv",
        ["Numer szansy", "Firma", "Handlowiec", "Etap", "Status", "Wartość", "Data utworzenia", "Data zamknięcia"],
        [[f"SZ/{k}/2025", d.account, d.owner, named(d, names), {"won": "Wygrana", "lost": "Przegrana", "open": "Otwarta"}[d.outcome], euro(d.amount, " ", ",", " zł"), day(d.created, "%d.%m.%Y"), day(d.closed, "%d.%m.%Y")] for k, d in enumerate(rows)],
        delimiter=";",
    )  # fmt: skip
    return truth(rows, stages=names)


@foreign
def turkish_and_italian_words(folder: Path) -> Truth:
    names = ("Nuovo", "Qualificato", "Offerta inviata", "Trattativa")
    rows = deals()
    write(
        folder / "opportunita.csv",
        ["Codice", "Cliente", "Agente", "Fase", "Esito", "Importo", "Data apertura", "Data chiusura"],
        [[f"OP-{k}", d.account, d.owner, named(d, names), {"won": "Vinta", "lost": "Persa", "open": "Aperta"}[d.outcome], euro(d.amount), day(d.created, "%d/%m/%Y"), day(d.closed, "%d/%m/%Y")] for k, d in enumerate(rows)],
        delimiter=";",
    )  # fmt: skip
    return truth(rows, stages=names)


@foreign
def kingdee_chinese(folder: Path) -> Truth:
    names = ("初步接洽", "需求确定", "方案/报价", "谈判审核")
    rows = deals()
    write(
        folder / "销售机会列表.csv",
        ["单据编号", "机会主题", "对应客户", "预计签单日期", "可能性", "金额", "阶段", "状态", "发现时间", "签单日期", "所有者", "失败原因"],
        [[f"XSJH{k:06}", d.name, d.account, day(d.expected, "%Y年%m月%d日"), "50%", f"{d.amount / 10000:g}万", named(d, names), {"won": "成功", "lost": "失败", "open": "跟踪"}[d.outcome],
          f"{d.created.year}年{d.created.month}月{d.created.day}日", day(d.closed, "%Y年%m月%d日"), d.owner, d.reason] for k, d in enumerate(rows)],
        encoding="gb18030",
    )  # fmt: skip
    return truth(rows, stages=names)


# ---- APIs and programs --------------------------------------------------------------------------------------


@foreign
def close_api(folder: Path) -> Truth:
    rows = deals()
    records = [
        {"id": f"oppo_{k:012x}", "lead_id": f"lead_{k % 50:06x}", "lead_name": d.account, "status_id": f"stat_{STAGES.index(d.stage)}", "status_label": d.word("Won", "Lost"),
         "status_type": {"open": "active"}.get(d.outcome, d.outcome), "confidence": 50, "note": "", "user_name": d.owner, "date_created": d.created.isoformat() + "+00:00",
         "date_won": day(d.closed) if d.outcome == "won" else None, "date_lost": (d.closed.isoformat() + "+00:00") if d.closed and d.outcome == "lost" else None,
         "date_updated": (d.closed or d.created).isoformat() + "+00:00", "value_formatted": f"${d.amount:,}", "value_currency": "USD"}
        for k, d in enumerate(rows)
    ]  # fmt: skip
    (folder / "opportunity.json").write_text(
        json.dumps({"has_more": False, "total_results": len(records), "data": records}), encoding="utf-8"
    )
    return truth(rows)


@foreign
def hubspot_api(folder: Path) -> Truth:
    names = ("appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "contractsent")
    rows = deals()
    records = [
        {"id": str(9000 + k), "properties": {"amount": str(d.amount), "closedate": d.expected.isoformat() + "Z", "createdate": d.created.isoformat() + ".120Z", "dealname": d.name,
         "dealstage": named(d, names, "closedwon", "closedlost"), "hs_lastmodifieddate": d.expected.isoformat() + "Z", "hs_object_id": str(9000 + k), "pipeline": "default", "region": d.region},
         "createdAt": d.created.isoformat() + ".120Z", "updatedAt": d.expected.isoformat() + "Z", "archived": False}
        for k, d in enumerate(rows)
    ]  # fmt: skip
    (folder / "deals.json").write_text(
        json.dumps({"results": records, "paging": {"next": {"after": "100"}}}), encoding="utf-8"
    )
    return truth(rows, stages=names)


@foreign
def hubspot_milliseconds(folder: Path) -> Truth:
    rows = deals()

    def epoch(at: dt.datetime | None) -> str:
        return str(int(at.replace(tzinfo=dt.UTC).timestamp() * 1000)) if at else ""

    write(
        folder / "deals.csv",
        ["dealId", "properties.dealname.value", "properties.dealstage.value", "properties.amount.value", "properties.createdate.value", "properties.closedate.value", "isDeleted"],
        [[k + 5000, d.name, named(d, STAGES, "closedwon", "closedlost"), d.amount, epoch(d.created), epoch(d.closed), "false"] for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(rows)


@foreign
def change_records(folder: Path) -> Truth:
    rows = deals()
    with (folder / "audit.jsonl").open("w", encoding="utf-8") as stream:
        for d in rows:
            before = None
            ends = [({"won": "Closed Won", "lost": "Closed Lost"}[d.outcome], d.closed)] if d.closed else []
            for stage, at in (*d.steps, *ends):
                stream.write(
                    json.dumps(
                        {
                            "key": d.id,
                            "field": "stage",
                            "old": before,
                            "new": stage,
                            "at": at.isoformat(),
                            "by": d.owner,
                        }
                    )
                    + "\n"
                )
                stream.write(
                    json.dumps(
                        {
                            "key": d.id,
                            "field": "next_step",
                            "old": "",
                            "new": "call",
                            "at": at.isoformat(),
                            "by": d.owner,
                        }
                    )
                    + "\n"
                )
                before = stage
    return truth(rows, won_amount=None, history=True, created=False)


@foreign
def insightly_states(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "Opportunities.csv",
        ["OpportunityId", "OpportunityName", "OpportunityState", "BidCurrency", "BidAmount", "BidType", "Probability", "ForecastCloseDate", "ActualCloseDate", "Category", "PipelineStage", "ResponsibleUser", "DateCreated"],
        [[k + 1, d.name, {"won": "WON", "lost": "LOST" if k % 2 else "ABANDONED", "open": "OPEN"}[d.outcome], "USD", d.amount, "Fixed Bid", 40, day(d.expected, "%m/%d/%Y"), day(d.closed, "%m/%d/%Y"), "", d.stage, d.owner, day(d.created, "%m/%d/%Y %I:%M %p")]
         for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(rows)


@foreign
def jira_issues(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "Jira Export.csv",
        ["Summary", "Issue key", "Issue id", "Issue Type", "Status", "Project key", "Project name", "Priority", "Resolution", "Assignee", "Created", "Resolved", "Custom field (Deal value)"],
        [[d.name, f"SALES-{k + 1}", 10000 + k, "Deal", d.stage if d.outcome == "open" else "Done", "SALES", "Sales", "Medium", {"won": "Won", "lost": "Lost"}.get(d.outcome, ""), d.owner, day(d.created, "%d/%b/%y %I:%M %p"), day(d.closed, "%d/%b/%y %I:%M %p"), float(d.amount)]
         for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(rows)


@foreign
def notion_database(folder: Path) -> Truth:
    names = ("🌱 Lead", "🔍 Qualified", "📄 Proposal", "🤝 Negotiation")
    rows = deals()
    write(
        folder / "Sales CRM 4f1c.csv",
        ["Name", "Status", "Deal value", "Account Owner", "Company", "Created time", "Closed on", "Tags"],
        [[d.name, named(d, names, "✅ Won", "❌ Lost"), f"${d.amount:,.2f}", d.owner, f"{d.account} (https://www.notion.so/{k:032x})", d.created.strftime("%B %-d, %Y %-I:%M %p"), d.closed.strftime("%B %-d, %Y") if d.closed else "", "a, b"] for k, d in enumerate(rows)],
        encoding="utf-8-sig",
    )  # fmt: skip
    return truth(rows, stages=names)


@foreign
def monday_board(folder: Path) -> Truth:
    """Title, then groups: a line with the name of each, its own header, its rows, a sum."""
    rows = deals()
    header = ["Name", "Owner", "Stage", "Deal Value", "Creation date", "Close date", "Item ID"]
    with (folder / "Deals_1767225600.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["Deals"])
        out.writerow(["Our deals, all regions"])
        out.writerow([])
        for title, outcome in (("Active Deals", "open"), ("Closed Won", "won"), ("Lost", "lost")):
            some = [(k, d) for k, d in enumerate(rows) if d.outcome == outcome]
            out.writerow([title])
            out.writerow(header)
            for k, d in some:
                out.writerow(
                    [
                        d.name,
                        d.owner,
                        named(d, STAGES, "Won", "Lost"),
                        d.amount,
                        day(d.created),
                        day(d.closed),
                        7000000 + k,
                    ]
                )
            out.writerow(["", "", "", sum(d.amount for _, d in some), "", "", ""])
            out.writerow([])
    return truth(rows)


# ---- layouts ------------------------------------------------------------------------------------------------


@foreign
def totals_above(folder: Path) -> Truth:
    rows = deals()
    total = sum(d.amount for d in rows)
    write(
        folder / "report1735900000.csv",
        ["Opportunity Owner", "Account Name", "Opportunity Name", "Stage", "Amount", "Created Date", "Close Date", "Opportunity ID"],
        [[d.owner, d.account, d.name, d.word(), d.amount, day(d.created, "%m/%d/%Y"), day(d.expected, "%m/%d/%Y"), f"006{k:012}AAA"] for k, d in enumerate(rows)],
        before=[["Pipeline report"], ["As of 2026-01-05 by Ann Lee"], ["Grand Total", "", "", f"{len(rows)} records", total, "", "", ""], []],
    )  # fmt: skip
    return truth(rows)


@foreign
def two_rows_of_header(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "pipeline.csv",
        ["No", "Customer", "Stage", "Value", "Created", "Closed"],
        [[k + 1, d.account, d.word("Won", "Lost"), d.amount, day(d.created), day(d.closed)] for k, d in enumerate(rows)],
        before=[["Deal", "", "", "Money", "Dates", ""]],
    )  # fmt: skip
    return truth(rows)


@foreign
def no_header(folder: Path) -> Truth:
    rows = deals()
    with (folder / "export.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [d.id, d.account, d.owner, d.word(), d.amount, day(d.created), day(d.closed)] for d in rows
        )
    return truth(rows)


@foreign
def several_models(folder: Path) -> Truth:
    """Two pipelines with stages of their own in one column."""
    first, second = (
        ("Discovery", "Solution", "Quote", "Legal"),
        ("Renewal due", "Contacted", "Offer sent", "Verbal yes"),
    )
    rows = deals()
    lines = []
    for k, d in enumerate(rows):
        stage = named(d, second if k % 3 == 0 else first, "Closed Won", "Closed Lost")
        lines.append(
            [
                d.id,
                "Renewals" if k % 3 == 0 else "New Business",
                stage,
                d.amount,
                day(d.created),
                day(d.closed),
                d.region,
            ]
        )
    write(
        folder / "all_deals.csv",
        ["Deal ID", "Pipeline", "Deal Stage", "Amount", "Create Date", "Close Date", "Region"],
        lines,
    )
    return truth(
        rows,
        stages=(),
        regions={one: sum(d.region == one for d in rows) for one in ("North", "South", "West")},
    )


@foreign
def two_date_styles_in_one_column(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "tracker.csv",
        ["Ref", "Client", "Status", "Fee", "Enquiry date", "Decision date"],
        [[f"Q-{k}", d.account, d.word("Accepted", "Declined"), f"£{d.amount:,}", day(d.created, "%Y-%m-%d" if k % 2 else "%d %b %Y"), day(d.closed, "%Y-%m-%d" if k % 3 else "%d %B %Y")] for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(rows)


@foreign
def spreadsheet_serial_dates(folder: Path) -> Truth:
    rows = deals()

    def serial(at: dt.datetime | None) -> str:
        return str((at - dt.datetime(1899, 12, 30)).days) if at else ""

    write(
        folder / "book1.csv",
        ["Deal no.", "Customer", "Sales stage", "Amount (USD)", "Date created", "Date closed"],
        [[k + 1, d.account, d.word(), d.amount, serial(d.created), serial(d.closed)] for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(rows)


@foreign
def unicode_text(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "Chancen.txt",
        ["Chancen-Nr.", "Kunde", "Betreuer", "Phase", "Volumen in T€", "Anlage", "Abschluss", "Ergebnis"],
        [[f"C{k:05}", d.account, d.owner, named(d, ("Erstkontakt", "Bedarfsanalyse", "Angebot", "Verhandlung")), f"{d.amount / 1000:.2f}".replace(".", ","), day(d.created, "%d.%m.%y"), day(d.closed, "%d.%m.%y"), {"won": "Auftrag", "lost": "Absage", "open": "offen"}[d.outcome]] for k, d in enumerate(rows)],
        delimiter="\t", encoding="utf-16",
    )  # fmt: skip
    return truth(rows, stages=("Erstkontakt", "Bedarfsanalyse", "Angebot", "Verhandlung"))


@foreign
def leads_and_orders_by_reference(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "enquiries.csv",
        ["Enquiry Ref", "Received", "Channel", "Region"],
        [[f"E{k:05}", day(d.created, "%Y-%m-%d %H:%M"), d.source, d.region] for k, d in enumerate(rows)],
    )
    write(
        folder / "bookings.csv",
        ["Booking No", "Enquiry Ref", "Booked on", "Net value"],
        [
            [f"B{k}", f"E{k:05}", day(d.closed, "%Y-%m-%d %H:%M"), d.amount]
            for k, d in enumerate(rows)
            if d.outcome == "won"
        ],
    )
    won = sum(d.outcome == "won" for d in rows)
    return truth(
        rows,
        lost=0,
        open=len(rows) - won,
        stages=(),
        regions={one: sum(d.region == one for d in rows) for one in ("North", "South", "West")},
    )


@foreign
def excel_serial_ids_and_blank_rows(folder: Path) -> Truth:
    """A workbook with a title, blank rows between groups, a total, and a second sheet of notes."""
    import openpyxl

    rows = deals()
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Pipeline 2025"
    sheet.append(["Sales pipeline", None, None, None, None, None])
    sheet.append([])
    sheet.append(["Opp #", "Customer", "Stage", "Rev. (k$)", "Opened", "Closed", "Sales Rep"])
    for k, d in enumerate(rows):
        if k % 40 == 39:
            sheet.append([])
        sheet.append(
            [1000 + k, d.account, d.word("WON", "LOST"), d.amount / 1000, d.created, d.closed, d.owner]
        )
    sheet.append(["Total", None, None, sum(d.amount for d in rows) / 1000, None, None, None])
    notes = book.create_sheet("Notes")
    notes.append(["Updated every Friday by sales operations"])
    book.save(folder / "pipeline FY25.xlsx")
    return truth(rows)


def _records(rows: list[Deal]) -> list[list[Any]]:
    return [
        [k + 1, d.name, d.account, d.word(), d.amount, day(d.created, "%Y-%m-%d %H:%M:%S"), day(d.closed)]
        for k, d in enumerate(rows)
    ]


@foreign
def html_named_xls(folder: Path) -> Truth:
    rows = deals()
    cells = "".join("<tr>" + "".join(f"<td>{one}</td>" for one in row) + "</tr>\n" for row in _records(rows))
    head = "".join(
        f"<th>{one}</th>"
        for one in (
            "Opportunity Id",
            "Opportunity Name",
            "Account Name",
            "Stage",
            "Amount",
            "Created Date",
            "Close Date",
        )
    )
    (folder / "report.xls").write_text(
        f'<html><head><meta http-equiv="Content-Type" content="text/html; charset=UTF-8"></head><body><table border="1"><tr>{head}</tr>\n{cells}</table></body></html>',
        encoding="utf-8",
    )
    return truth(rows)


@foreign
def sql_dump(folder: Path) -> Truth:
    rows = deals()
    values = ",\n".join(
        f"({k},'{d.name} O\\'Neill','{d.word()}',{d.amount},'{day(d.created, '%Y-%m-%d %H:%M:%S')}',{repr(day(d.closed)) if d.closed else 'NULL'},0)"
        for k, d in enumerate(rows, 1)
    )
    (folder / "crm_backup.sql").write_text(
        "-- MySQL dump 10.13  Distrib 8.0.36\n/*!40101 SET NAMES utf8 */;\nDROP TABLE IF EXISTS `opportunities`;\nCREATE TABLE `opportunities` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  `name` varchar(255) DEFAULT NULL,\n"
        "  `sales_stage` varchar(50) DEFAULT NULL,\n  `amount` decimal(10,2) DEFAULT NULL,\n  `date_entered` datetime DEFAULT NULL,\n  `date_closed` date DEFAULT NULL,\n  `deleted` tinyint(1) DEFAULT '0',\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB;\n"
        f"LOCK TABLES `opportunities` WRITE;\nINSERT INTO `opportunities` VALUES {values};\nUNLOCK TABLES;\n"
        "CREATE TABLE `notes` (\n  `id` int,\n  `text` varchar(10)\n);\nINSERT INTO `notes` (`id`, `text`) VALUES (1,'a;b');\n",
        encoding="utf-8",
    )
    return truth(rows)


@foreign
def xes_log(folder: Path) -> Truth:
    rows = deals()
    traces = []
    for d in rows:
        ends = [({"won": "Closed Won", "lost": "Closed Lost"}[d.outcome], d.closed)] if d.closed else []
        events = "".join(
            f'<event><string key="concept:name" value="{stage}"/><date key="time:timestamp" value="{at.isoformat()}.000+00:00"/><string key="lifecycle:transition" value="complete"/></event>'
            for stage, at in (*d.steps, *ends)
        )
        traces.append(
            f'<trace><string key="concept:name" value="{d.id}"/><float key="amount" value="{d.amount}"/><string key="region" value="{d.region}"/>{events}</trace>'
        )
    (folder / "sales.xes").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1.0" xmlns="http://www.xes-standard.org/">'
        + "\n".join(traces)
        + "</log>",
        encoding="utf-8",
    )
    return truth(rows, won_amount=None, history=True, created=False)


# ---- a second round: public data sets, raw tables of systems, templates ------------------------------------


@foreign
def win_loss_data_set(folder: Path) -> Truth:
    """No dates at all, the outcome last but one, lengths in days beside it."""
    rows = [d for d in deals() if d.outcome != "open"]
    write(
        folder / "WA_Sales-Win-Loss.csv",
        ["Opportunity Number", "Supplies Subgroup", "Supplies Group", "Region", "Route To Market", "Elapsed Days In Sales Stage", "Opportunity Result",
         "Sales Stage Change Count", "Total Days Identified Through Closing", "Opportunity Amount USD", "Client Size By Revenue", "Competitor Type", "Deal Size Category"],
        [[1641984 + k, "Exterior", "Car Accessories", d.region, d.source, k % 90, "Won" if d.outcome == "won" else "Loss", k % 7, k % 50, d.amount, k % 5 + 1, "Unknown", k % 7 + 1] for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(
        rows,
        stages=(),
        created=False,
        closed=False,
        regions={one: sum(d.region == one for d in rows) for one in ("North", "South", "West")},
    )


@foreign
def lead_scoring_data_set(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "Leads.csv",
        ["Prospect ID", "Lead Number", "Lead Origin", "Lead Source", "Do Not Email", "Converted", "TotalVisits", "Total Time Spent on Website", "Last Activity", "Country", "Specialization", "Tags", "Lead Quality", "City"],
        [[f"{k:08x}-aaaa-4bbb-8ccc-{k:012x}", 660000 + k, "API", d.source, "No", int(d.outcome == "won"), k % 12, k * 7 % 1500, "Email Opened", "India", "Select", "Ringing", "Might be", "Mumbai"] for k, d in enumerate(rows)],
    )  # fmt: skip
    won = sum(d.outcome == "won" for d in rows)
    return truth(rows, lost=0, open=len(rows) - won, won_amount=None, stages=(), created=False, closed=False)


@foreign
def dataverse_rows(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "opportunity.csv",
        ["opportunityid", "name", "_customerid_value", "statecode", "statuscode", "stepname", "estimatedvalue", "actualvalue", "createdon", "actualclosedate", "estimatedclosedate", "_ownerid_value", "versionnumber"],
        [[f"{k:08x}-0000-ec11-8f8e-000d3ab{k:05x}", d.name, f"{hash(d.account) % 9:08x}-0000-ec11-8f8e-000d3ab00000", {"open": 0, "won": 1, "lost": 2}[d.outcome], {"open": 1, "won": 3, "lost": 4}[d.outcome],
          f"{STAGES.index(d.stage) + 1}-{d.stage}", f"{d.amount}.0000", f"{d.amount}.0000" if d.outcome == "won" else "", day(d.created, "%Y-%m-%dT%H:%M:%SZ"), day(d.closed), day(d.expected), "u1", 9000 + k] for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(rows, stages=tuple(f"{k + 1}-{one}" for k, one in enumerate(STAGES)))


@foreign
def oracle_view(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "OPTY.csv",
        ["OPTY_NUMBER", "NAME", "TARGET_PARTY_NAME", "SALES_STAGE", "STATUS_CODE", "REVENUE", "CURRENCY_CODE", "WIN_PROB", "EFFECTIVE_DATE", "CREATION_DATE", "ACTUAL_CLOSE_DATE", "OWNER_NAME"],
        [[f"CDRM_{k}", d.name, d.account, f"0{STAGES.index(d.stage) + 1} - {d.stage}", {"open": "OPEN", "won": "WON", "lost": "LOST" if k % 3 else "NO_SALE"}[d.outcome], d.amount, "USD", 50, day(d.expected, "%d-%b-%y"), day(d.created, "%d-%b-%y"), day(d.closed, "%d-%b-%y"), d.owner] for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(rows, stages=tuple(f"0{k + 1} - {one}" for k, one in enumerate(STAGES)))


@foreign
def sap_phases(folder: Path) -> Truth:
    rows = deals()
    names = ("Identify opportunity", "Qualify opportunity", "Value proposition", "Decision")
    write(
        folder / "Opportunities_SAP.csv",
        ["ID", "Name", "Account", "Sales Phase", "Status", "Expected Value", "Chance of Success", "Start Date", "Close Date", "Owner", "Sales Territory"],
        [[f"{k:08}", d.name, d.account, named(d, names), {"open": "In Process", "won": "Won", "lost": "Stopped" if k % 4 == 0 else "Lost"}[d.outcome], f"{d.amount:,.2f} EUR", "50 %", day(d.created, "%d.%m.%Y"), day(d.expected, "%d.%m.%Y"), d.owner, d.region] for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(
        rows,
        stages=names,
        regions={one: sum(d.region == one for d in rows) for one in ("North", "South", "West")},
    )


@foreign
def zendesk_sell(folder: Path) -> Truth:
    names = ("Incoming", "Qualified", "Quote", "Closure")
    rows = deals()
    write(
        folder / "deals.0.csv",
        ["id", "name", "company_name", "owner", "value", "currency", "stage_name", "stage_category", "loss_reason", "source", "added_at", "last_stage_change_at", "estimated_close_date", "hot"],
        [[5000 + k, d.name, d.account, d.owner, d.amount, "EUR", named(d, names, "Won", "Lost"), {"open": "in_progress"}.get(d.outcome, d.outcome), d.reason, d.source, day(d.created, "%Y-%m-%d %H:%M:%S UTC"), day(d.closed or d.steps[-1][1], "%Y-%m-%d %H:%M:%S UTC"), "", "false"] for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(rows, stages=names, closed=False)


@foreign
def amocrm_list(folder: Path) -> Truth:
    names = ("Первичный контакт", "Переговоры", "Принимают решение", "Согласование договора")
    rows = deals()
    write(
        folder / "amocrm_export_leads_2026-01-05.csv",
        ["ID", "Название сделки", "Компания", "Бюджет ", "Ответственный", "Дата создания сделки", "Кем создана сделка", "Дата закрытия", "Теги сделки", "Этап сделки", "Воронка", "Источник"],
        [[k + 1, d.name, d.account, d.amount, d.owner, day(d.created, "%d.%m.%Y %H:%M:%S"), "Анна", day(d.closed, "%d.%m.%Y %H:%M:%S") or "не закрыта", "", named(d, names, "Успешно реализовано", "Закрыто и не реализовано"), "Основная", d.source] for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(rows, stages=names)


@foreign
def vtiger_potentials(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "Potentials.csv",
        ["potentialname", "potential_no", "amount", "related_to", "closingdate", "opportunity_type", "leadsource", "sales_stage", "assigned_user_id", "probability", "createdtime", "modifiedtime"],
        [[d.name, f"POT{k}", f"{d.amount}.00000000", f"Accounts::::{d.account}", day(d.expected), "New", d.source, d.word(), d.owner, "50.000", day(d.created, "%d-%m-%Y %H:%M:%S"), ""] for k, d in enumerate(rows)],
    )  # fmt: skip
    return truth(rows)


@foreign
def feishu_table(folder: Path) -> Truth:
    names = ("01-线索获取", "02-需求确认", "03-方案报价", "04-合同流程")
    rows = deals()
    write(
        folder / "销售跟进表_全部商机.csv",
        ["商机", "客户", "当前阶段", "预估金额（元）", "销售负责人", "录入时间", "实际签约/丢单日期", "输赢", "大区"],
        [[d.name, d.account, named(d, names), f"¥{d.amount:,.2f}", d.owner, day(d.created, "%Y/%m/%d %H:%M"), day(d.closed, "%Y/%m/%d"), {"open": "推进中", "won": "赢", "lost": "丢"}[d.outcome], d.region] for d in rows],
        encoding="utf-8-sig",
    )  # fmt: skip
    return truth(rows, stages=names)


@foreign
def korean_table(folder: Path) -> Truth:
    names = ("신규", "니즈파악", "제안", "협상")
    rows = deals()
    write(
        folder / "영업기회.csv",
        ["번호", "영업기회명", "고객사", "담당자", "단계", "예상금액", "등록일", "종료일", "실주사유"],
        [[k + 1, d.name, d.account, d.owner, named(d, names, "수주", "실주"), f"{d.amount:,}원", day(d.created, "%Y. %-m. %-d."), day(d.closed, "%Y. %-m. %-d."), d.reason] for k, d in enumerate(rows)],
        encoding="cp949",
    )  # fmt: skip
    return truth(rows, stages=names)


@foreign
def single_letters(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "suivi_affaires.csv",
        ["N°", "Client", "Commercial", "Montant HT", "Date ouverture", "Date clôture", "Étape", "G/P"],
        [[k + 1, d.account, d.owner, euro(d.amount, " ", ",", ""), day(d.created, "%d/%m/%y"), day(d.closed, "%d/%m/%y"), named(d, ("Prospection", "Qualification", "Devis", "Négociation")), {"won": "G", "lost": "P", "open": ""}[d.outcome]] for k, d in enumerate(rows)],
        delimiter=";", encoding="cp1252",
    )  # fmt: skip
    return truth(rows, stages=("Prospection", "Qualification", "Devis", "Négociation"))


@foreign
def two_checkboxes(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "Deals-Grid view.csv",
        ["Deal", "Account", "Stage", "Value", "Created", "Closed", "Won?", "Lost?"],
        [[d.name, d.account, d.stage, f"${d.amount:,}", day(d.created, "%-m/%-d/%Y"), day(d.closed, "%-m/%-d/%Y"), "checked" if d.outcome == "won" else "", "checked" if d.outcome == "lost" else ""] for d in rows],
    )  # fmt: skip
    return truth(rows)


@foreign
def dates_per_step_only(folder: Path) -> Truth:
    """A sheet of sign-ups: a date for each step and nothing else."""
    rows = deals()
    lines = []
    for k, d in enumerate(rows):
        at = dict(d.steps)
        lines.append(
            [
                f"u{k}",
                *(day(at.get(one), "%d %b %Y") for one in STAGES),
                day(d.closed, "%d %b %Y") if d.outcome == "won" else "",
                d.region,
            ]
        )
    write(
        folder / "signups.csv",
        ["user", "Applied On", "Phone Screen On", "Interview On", "Offer On", "Hired On", "Office"],
        lines,
    )
    won = sum(d.outcome == "won" for d in rows)
    return truth(
        rows,
        lost=0,
        open=len(rows) - won,
        won_amount=None,
        created=False,
        history=True,
        stages=("Applied", "Phone Screen", "Interview", "Offer"),
        closed=False,
    )


@foreign
def line_items(folder: Path) -> Truth:
    """Two lines for each deal with two products; amounts are of the line."""
    rows = deals()
    lines = []
    for k, d in enumerate(rows):
        parts = [("Base", d.amount)] if k % 2 else [("Base", d.amount - 200), ("Care", 200)]
        lines += [
            [d.id, d.account, product, price, d.word(), day(d.created), day(d.closed)]
            for product, price in parts
        ]
    write(
        folder / "opportunity_products.csv",
        ["Opportunity ID", "Account", "Product", "Total Price", "Stage", "Created Date", "Close Date"],
        lines,
    )
    return truth(rows)


@foreign
def weekdays_and_zones(folder: Path) -> Truth:
    rows = deals()
    write(
        folder / "deals_report.csv",
        ["Deal ID", "Deal Stage", "Deal Value", "Created At", "Closed At"],
        [[d.id, d.word(), d.amount, d.created.strftime("%a, %d %b %Y %H:%M:%S GMT"), d.closed.strftime("%A, %B %-d, %Y") if d.closed else ""] for d in rows],
    )  # fmt: skip
    return truth(rows)


@foreign
def months_in_words(folder: Path) -> Truth:
    months = (
        "janv.",
        "févr.",
        "mars",
        "avr.",
        "mai",
        "juin",
        "juil.",
        "août",
        "sept.",
        "oct.",
        "nov.",
        "déc.",
    )
    full = (
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    )
    rows = deals()
    write(
        folder / "export_mixte.csv",
        ["Référence", "Phase", "Montant", "Créé le", "Clôturé le"],
        [[d.id, d.word("Gagné", "Perdu"), f"{d.amount}", f"{d.created.day} {months[d.created.month - 1]} {d.created.year}", f"{d.closed.day} {full[d.closed.month - 1]} {d.closed.year} г." if d.closed else ""] for d in rows],
        delimiter=";",
    )  # fmt: skip
    return truth(rows)
