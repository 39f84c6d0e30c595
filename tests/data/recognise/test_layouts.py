"""Layouts in which systems write deals that were read wrongly once: a tiny input for each, figures counted by hand."""

import json

import openpyxl
import pandas as pd
import pytest

from funnelnb.cli import main
from funnelnb.data.load import load
from funnelnb.data.propose import propose
from funnelnb.data.recognise.evidence import _probability
from funnelnb.data.recognise.sources import gather
from funnelnb.show.pages.proposal import proposal_text

DAYS = ["2025-01-02", "2025-01-05", "2025-02-01", "2025-02-03", "2025-03-01", "2025-03-04"]
CLOSED = ["2025-02-02", "2025-03-05", None, None, "2025-04-01", None]
STAGES = ["Won", "Lost", "Proposal", "Lead", "Won", "Lead"]


def deals(**columns):
    return pd.DataFrame({"id": range(1, 7), "stage": STAGES, "created": DAYS, "closed": CLOSED, **columns})


def counted(source):
    """Deals, won, lost, left, open and the amount won of a source read as proposed."""
    told = load(source, mapping=propose(source)).describe()
    return tuple(told[one] for one in ("deal_n", "won_n", "lost_n", "left_n", "open_n", "won_amount"))


def workbook(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name.replace("_", " "))
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_grouped_report_behind_a_blank_column(tmp_path):
    head = [None, "Stage ↑", "Opportunity Name", "Amount", "Created Date"]
    groups = {"Lead": 3, "Closed Won": 2, "Closed Lost": 1}
    rows, n = [[None], [None, "Opportunities by Stage"], [None], head], 0
    for stage, size in groups.items():
        for k in range(size):
            n += 1
            rows.append([None, stage if not k else None, f"Deal {n}", 10 * n, pd.Timestamp("2025-01-01")])
        rows.append([None, "Subtotal", None, 99, None])
        rows.append([None, None, "Count", size, None])
    assert counted(workbook(tmp_path / "report.xlsx", Report=rows)) == (6, 2, 1, 0, 3, 90.0)


def test_a_group_named_once_in_a_text(tmp_path):
    frame = deals(amount=range(10, 70, 10))
    frame.insert(0, "Sales rep", ["Ann", "", "", "Bo", "", ""])
    frame.to_csv(tmp_path / "deals.csv", index=False)
    book = load(tmp_path, mapping=propose(tmp_path))
    assert book.opportunities["owner"].tolist() == ["Ann"] * 3 + ["Bo"] * 3
    frame["Sales rep"] = ["Ann", "", "Ann", "Bo", "", ""]  # a name twice: cells were left blank, no groups
    frame.to_csv(tmp_path / "deals.csv", index=False)
    assert load(tmp_path, mapping=propose(tmp_path)).opportunities["owner"].notna().sum() == 3


def test_few_open_deals_still_stand_at_stages():
    words = ["Won"] * 14 + ["Lost"] * 14 + ["Lead", "Proposal"]
    frame = pd.DataFrame({"id": range(30), "Status": words, "Created": ["2025-01-02"] * 30})
    assert propose(frame).document["playbook"] == ["Lead", "Proposal", "Won"]


def test_a_date_that_says_not_closed():
    made = deals()
    made["closed"] = ["02.02.2025", "05.03.2025", "не закрыта", "not closed", "01.04.2025", "未关闭"]
    found = propose(made)
    assert not found.repairs
    assert load(made, mapping=found).opportunities["closed_at"].notna().sum() == 3


def test_numbers_that_begin_again_in_every_sheet(tmp_path):
    head = ["No.", "Date received", "Customer", "Value", "Status"]
    january = [
        [1, "2025-01-02", "A", 10, "Won"],
        [2, "2025-01-05", "B", 20, "Lost"],
        [3, "2025-01-09", "C", 30, "Open"],
    ]
    march = [
        [1, "2025-03-02", "D", 40, "Won"],
        [2, "2025-03-05", "E", 50, "Won"],
        [3, "2025-03-06", "F", 60, "Open"],
    ]
    path = workbook(tmp_path / "quotes.xlsx", Jan_2025=[head, *january], Mar_2025=[head, *march])
    assert counted(path) == (6, 3, 1, 0, 2, 100.0)
    again = [
        [1, "2025-01-02", "A", 10, "Won"],
        [2, "2025-01-05", "B", 20, "Won"],
        [3, "2025-01-09", "C", 30, "Open"],
    ]
    path = workbook(tmp_path / "twice.xlsx", Deals=[head, *january], Copy=[head, *again])
    assert counted(path)[0] == 3  # the same records a day later are not added up


def test_deals_of_one_name_are_no_log():
    frame = pd.DataFrame(
        {
            "商机名称": ["甲采购", "甲采购", "乙采购", "乙采购", "乙采购", "丙采购"],
            "商机阶段": ["赢单", "输单", "需求分析", "赢单", "方案/报价", "输单"],
            "创建时间": DAYS,
            "更新时间": ["2025-04-0" + str(k) for k in range(1, 7)],
            "商机金额": [10, 20, 30, 40, 50, 60],
        }
    )
    assert counted(frame) == (6, 2, 2, 0, 2, 50.0)


def log(*rows):
    return pd.DataFrame(rows, columns=["object_id", "field_name", "old_value", "new_value", "changed_at"])


CHANGES = [
    ("O-1", "stage", "", "new", "2025-01-02"), ("O-1", "amount", "", "100", "2025-01-02"),
    ("O-1", "stage", "new", "quoted", "2025-01-09"), ("O-1", "amount", "100", "120", "2025-01-10"),
    ("O-1", "stage", "quoted", "won", "2025-02-01"), ("O-2", "stage", "", "new", "2025-01-05"),
    ("O-2", "amount", "", "70", "2025-01-05"), ("O-2", "stage", "new", "lost", "2025-01-20"),
    ("O-3", "stage", "", "new", "2025-02-05"), ("O-3", "amount", "", "50", "2025-02-05"),
]  # fmt: skip


def test_a_log_of_changes_of_several_fields():
    made = log(*CHANGES)
    assert counted(made) == (3, 1, 1, 0, 1, 120.0)
    assert propose(made).document["playbook"] == ["new", "quoted", "won"]  # no amount is a stage
    codes = {one.code for one in gather(made).sheets[0].raw.notes}
    assert {"stage_rows_read", "fields_beside"} <= codes


def test_a_logged_creation_is_the_first_stage():
    rows = [("O-1", "Created.", "", "", "1/2/2025"), ("O-1", "Stage", "Lead", "Quote", "1/20/2025"),
            ("O-1", "Stage", "Quote", "Closed Won", "2/1/2025"), ("O-2", "Created.", "", "", "1/15/2025"),
            ("O-2", "Stage", "Lead", "Closed Lost", "2/20/2025"), ("O-3", "Created.", "", "", "3/3/2025"),
            ("O-4", "Stage", "Lead", "Quote", "3/20/2025"), ("O-4", "Created.", "", "", "3/15/2025")]  # fmt: skip
    book = load(log(*rows), mapping=propose(log(*rows)))
    told = book.describe()
    assert (told["deal_n"], told["won_n"], told["lost_n"], told["first_created"]) == (4, 1, 1, "2025-01-02")
    still = book.opportunities.query("outcome == 'open'")
    assert still["stage"].tolist() == ["lead", "quote"]  # the third began as the others did


def test_an_event_log_with_ids_of_its_own():
    rows = [("d1", "Created", "01-02"), ("d1", "Quote Sent", "01-09"), ("d1", "Deal Won", "02-01"),
            ("d2", "Created", "01-05"), ("d2", "Deal Lost", "01-20"),
            ("d3", "Created", "02-05"), ("d3", "Quote Sent", "02-06")]  # fmt: skip
    frame = pd.DataFrame(
        {
            "message_id": [f"m{k}" for k in range(7)],
            "deal_id": [one[0] for one in rows],
            "event": [one[1] for one in rows],
            "original_timestamp": ["2025-" + one[2] for one in rows],
            "value": [10, 10, 10, 20, 20, 30, 30],
        }
    )
    assert counted(frame) == (3, 1, 1, 0, 1, 10.0)


def test_stages_in_several_languages_and_archived_deals(tmp_path):
    leads = pd.DataFrame(
        {"id": range(1, 7), "stage_id": [3, 1, 2, 1, 3, 2], "active": ["t", "f", "t", "t", "t", "f"],
         "probability": [100, 0, 40, 20, 100, 0], "create_date": DAYS, "expected_revenue": [10, 20, 30, 40, 50, 60]}
    )  # fmt: skip
    names = [json.dumps({"en_US": one, "de_DE": "x"}) for one in ("New", "Proposition", "Won")]
    stages = pd.DataFrame({"id": [1, 2, 3], "sequence": [0, 1, 2], "is_won": ["f", "f", "t"], "name": names})
    leads.to_csv(tmp_path / "crm_lead.csv", index=False)
    stages.to_csv(tmp_path / "crm_stage.csv", index=False)
    assert counted(tmp_path) == (6, 2, 2, 0, 2, 60.0)
    assert propose(tmp_path).labels == {"1": "New", "2": "Proposition", "3": "Won"}


def records():
    return deals(amount=range(10, 70, 10)).to_dict("records")


@pytest.mark.parametrize("kind", ["nested", "wrapped", "keyed", "columns", "airbyte"])
def test_deals_in_json(tmp_path, kind):
    rows = json.loads(deals(amount=range(10, 70, 10)).to_json(orient="records"))
    content = {
        "nested": [{"id": "lead_1", "status_label": "Qualified", "opportunities": rows[:4]},
                   {"id": "lead_2", "status_label": "Bad", "opportunities": rows[4:]},
                   {"id": "l3", "opportunities": []}],
        "wrapped": [{"Id": "a", "Opportunities": None, "opportunities": {"records": rows}}],
        "keyed": {"deals": {f"-N{k}x": {**row, "id": f"-N{k}x"} for k, row in enumerate(rows)}},
        "columns": {name: {str(k): row[name] for k, row in enumerate(rows)} for name in rows[0]},
        "airbyte": [{"_airbyte_raw_id": f"r{k}", "_airbyte_data": row} for k, row in enumerate(rows)],
    }[kind]  # fmt: skip
    (tmp_path / "deals.json").write_text(json.dumps(content), encoding="utf-8")
    assert counted(tmp_path / "deals.json") == (6, 2, 1, 0, 3, 60.0)


def test_a_record_with_records_inside_is_one_record(tmp_path):
    rows = [
        {**one, "owner": {"name": "Ann"}, "account": {"name": "A"}, "team": {"name": "X"}}
        for one in records()
    ]
    (tmp_path / "deals.json").write_text(json.dumps(rows), encoding="utf-8")
    assert counted(tmp_path / "deals.json")[0] == 6


def test_a_creation_that_only_the_id_tells():
    ids = [f"{int(pd.Timestamp(one).timestamp()):08x}{k:016x}" for k, one in enumerate(DAYS)]
    frame = deals(amount=range(6)).assign(id=ids).drop(columns="created")
    assert load(frame, mapping=propose(frame)).describe()["first_created"] == DAYS[0]


def test_a_creation_in_another_table_and_owners_by_name(tmp_path):
    frame = deals(owner_id=[7, 8, 7, 8, 7, 8]).rename(columns={"id": "potentialid"}).drop(columns="created")
    frame.to_csv(tmp_path / "potentials.csv", index=False)
    entity = pd.DataFrame({"crmid": range(1, 9), "createdtime": [*DAYS, "2020-01-01", "2020-01-01"]})
    entity.to_csv(tmp_path / "crmentity.csv", index=False)
    people = pd.DataFrame({"id": [7, 8], "first_name": ["Ann", "Bo"], "last_name": ["Lee", "Ray"]})
    people.to_csv(tmp_path / "users.csv", index=False)
    book = load(tmp_path, mapping=propose(tmp_path))
    assert book.describe()["first_created"] == DAYS[0]
    assert set(book.opportunities["owner"]) == {"Ann Lee", "Bo Ray"}


def test_closed_beside_a_loss_is_the_win_and_alone_is_neither():
    made = deals(Stage=["Closed", "Terminated", "Offer", "Lead", "Closed", "Lead"]).drop(
        columns=["stage", "closed"]
    )
    assert propose(made).document["outcomes"] == {"Closed": "won", "Terminated": "lost"}
    made["Stage"] = ["Closed", "Closed", "Offer", "Lead", "Closed", "Lead"]
    assert counted(made)[1:5] == (0, 0, 3, 3)


def test_a_status_that_is_always_open_says_nothing_beside_the_stage():
    assert counted(deals(Status=["Active"] * 6, amount=range(10, 70, 10))) == (6, 2, 1, 0, 3, 60.0)


def test_chances_of_won_and_lost_deals_do_not_order_stages():
    frame = pd.DataFrame(
        {
            "id": range(8),
            "stage": ["Alpha", "Alpha", "Beta", "Beta", "Gamma", "Gamma", "Gamma", "Delta"],
            "status": ["won", "lost", "open", "won", "lost", "lost", "open", "open"],
            "probability": [100, 0, 50, 100, 0, 0, 75, 90],
        }
    )
    found = _probability(gather(frame).sheets[0])
    assert found == {"Beta": 50.0, "Gamma": 75.0, "Delta": 90.0}


def test_an_unweighted_amount_is_taken_in_french():
    made = deals(**{"Montant pondéré": [1, 2, 3, 4, 5, 6], "Montant": [10, 20, 30, 40, 50, 60]})
    assert counted(made)[5] == 60.0


def test_amounts_in_millionths():
    assert (
        counted(deals(**{"amount.amountMicros": [one * 1_000_000 for one in range(10, 70, 10)]}))[5] == 60.0
    )


def test_what_is_shown_first_names_what_is_lacking():
    made = (
        deals(result=["won", "lost", None, None, "won", None])
        .drop(columns=["closed"])
        .rename(columns={"stage": "phase"})
    )
    made["phase"] = ["Proposal", "Lead", "Proposal", "Lead", "Proposal", "Lead"]
    text = proposal_text(propose(made))
    assert "No column found for: date of the close, amount, owner" in text
    assert "Outcomes, from result" in text
    assert "没有找到：" in proposal_text(propose(made), "zh")


def test_a_row_for_each_contact_of_a_deal():
    made = deals(amount=range(10, 70, 10)).rename(columns={"id": "Record ID"})
    twice = pd.concat([made, made.iloc[[0, 3]]], ignore_index=True)
    twice["Associated Contact IDs"] = range(100, 108)
    assert counted(twice) == (6, 2, 1, 0, 3, 60.0)


def test_amounts_converted_by_the_system(tmp_path):
    made = deals(**{"Amount Currency": ["EUR", "USD"] * 3, "Amount": [9, 20, 27, 40, 45, 60]})
    made["Amount (converted) Currency"], made["Amount (converted)"] = "USD", [10, 20, 30, 40, 50, 60]
    assert not propose(made).questions
    assert counted(made)[5] == 60.0
    nameless = made.drop(columns="Amount (converted) Currency")
    assert "converted_taken" in {one.code for one in propose(nameless).notes}
    assert counted(nameless)[5] == 60.0
    kept = made.drop(columns=["Amount (converted) Currency", "Amount (converted)"])
    kept.to_csv(tmp_path / "deals.csv", index=False)
    assert main(["import", str(tmp_path / "deals.csv"), "--yes", "--out", str(tmp_path / "kept")]) == 0
    assert load(tmp_path / "kept").describe()["won_amount"] == 54.0  # an import of an import loads


def test_a_flag_that_goes_with_the_date_of_the_win():
    made = pd.DataFrame(
        {"Intake ID": range(6), "Inquiry date": DAYS, "Engaged?": ["Yes", "No", "", "No", "Yes", ""],
         "Retainer signed": ["2025-02-02", "", "", "", "2025-04-01", ""]}
    )  # fmt: skip
    assert counted(made)[:5] == (6, 2, 2, 0, 2)
    assert "column_by_cells" in {one.code for one in propose(made).questions}


def test_codes_of_a_stage_group():
    made = deals(STAGE_SEMANTIC_ID=["S", "F", "P", "P", "S", "P"]).assign(
        stage=["A", "A", "B", "A", "B", "B"]
    )
    assert counted(made)[:5] == (6, 2, 1, 0, 3)


@pytest.mark.parametrize("kind", ["notion", "monday", "asana"])
def test_fields_with_a_type_or_a_name_beside_them(tmp_path, kind):
    rows = json.loads(deals(amount=range(10, 70, 10)).to_json(orient="records"))
    content = {
        "notion": {"object": "list", "results": [
            {"object": "page", "id": f"p{row['id']}", "created_time": row["created"], "properties": {
                "Deal": {"id": "t", "type": "title", "title": [{"type": "text", "plain_text": f"D{row['id']}"}]},
                "Stage": {"id": "a", "type": "select", "select": {"id": "x", "name": row["stage"]}},
                "Value": {"id": "b", "type": "number", "number": row["amount"]}}} for row in rows]},
        "monday": {"data": {"boards": [{"id": "1", "name": "Deals", "items_page": {"cursor": None, "items": [
            {"id": str(row["id"]), "name": "D", "created_at": row["created"], "column_values": [
                {"id": "s", "text": row["stage"], "column": {"title": "Stage"}},
                {"id": "v", "text": str(row["amount"]), "column": {"title": "Deal Value"}}]} for row in rows]}}]}},
        "asana": {"data": [
            {"gid": str(row["id"]), "name": "D", "created_at": row["created"],
             "memberships": [{"project": {"name": "Sales"}, "section": {"gid": "1", "name": row["stage"]}}],
             "custom_fields": [{"gid": "7", "name": "Deal value", "number_value": row["amount"]}]} for row in rows]},
    }[kind]  # fmt: skip
    (tmp_path / "deals.json").write_text(json.dumps(content), encoding="utf-8")
    assert counted(tmp_path / "deals.json") == (6, 2, 1, 0, 3, 60.0)


def test_a_stage_history_with_chances_is_no_list_of_stages(tmp_path):
    deals(amount=range(10, 70, 10)).rename(columns={"id": "Potential Id"}).to_csv(
        tmp_path / "Potentials.csv", index=False
    )
    rows = [(k, day, one, 20) for k, one, day in zip(range(1, 7), STAGES, DAYS, strict=True)]
    rows += [(k, "2024-12-0" + str(k), "Lead", 10) for k in range(1, 7)]
    history = pd.DataFrame(rows, columns=["Potential Id", "Modified Time", "Stage", "Probability"])
    history.insert(0, "Stage History Id", range(12))
    history.to_csv(tmp_path / "PotentialStageHistory.csv", index=False)
    found = propose(tmp_path)
    assert found.history is not None
    assert "Stage history, from PotentialStageHistory.csv" in proposal_text(found)


def test_two_exports_of_the_same_deals(tmp_path):
    deals().to_csv(tmp_path / "deals_b.csv", index=False)
    early = deals().assign(stage=["Lead"] * 6, closed="")
    early.to_csv(tmp_path / "deals_a.csv", index=False)
    found = propose(tmp_path)
    assert "deals_a.csv: the same deals once more, not read" in proposal_text(found)
    assert load(tmp_path, mapping=found).describe()["won_n"] == 2  # the one with more closes is the later one


def test_names_of_stages_where_some_ids_are_words(tmp_path):
    codes = {"Won": "closedwon", "Lost": "closedlost", "Proposal": "5901", "Lead": "appointmentscheduled"}
    deals().assign(stage=[codes[one] for one in STAGES]).to_csv(tmp_path / "deal.csv", index=False)
    names = ["Closed won", "Closed lost", "Proposal", "Appointment"]
    stages = pd.DataFrame({"stage_id": codes.values(), "label": names, "display_order": [3, 4, 2, 1]})
    stages.to_csv(tmp_path / "deal_pipeline_stage.csv", index=False)
    assert propose(tmp_path).labels["5901"] == "Proposal"


def test_a_close_that_is_yet_to_come_is_said():
    day = str(pd.Timestamp.today() + pd.Timedelta("30D"))[:10]
    ahead = deals(closed=[day, "2025-03-03", None, None, "2025-04-01", None])
    assert "recorded_ahead" in {one.code for one in propose(ahead).notes}
    assert "recorded_ahead" not in {one.code for one in propose(deals()).notes}


def test_headers_of_zoho_in_spanish():
    made = pd.DataFrame({
        "Nombre de Trato": list("abcdef"), "Nombre de Cuenta": list("uvwxyz"),
        "Propietario de Trato": ["Ana", "Luz"] * 3, "Fuente de Posible cliente": ["Web"] * 6,
        "Fase": ["Cerrado ganado", "Cerrado perdido"] + ["Propuesta"] * 4,
        "Hora de creación": DAYS, "Importe": range(10, 70, 10),
    })  # fmt: skip
    found = propose(made).table("opportunities")["columns"]
    assert found["account_id"] == "Nombre de Cuenta"
    assert (found["owner"], found["source"]) == ("Propietario de Trato", "Fuente de Posible cliente")
