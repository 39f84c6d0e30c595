"""What cells, places and files tell where no list holds the words: one small input for each, counted by hand."""

import json
import sqlite3

import openpyxl
import pandas as pd
import pytest

from funnelnb.data.load import load
from funnelnb.data.parse.dates import parse_dates
from funnelnb.data.parse.numbers import parse_numbers
from funnelnb.data.parse.values import Reading
from funnelnb.data.propose import propose
from funnelnb.data.read.tail import is_total
from funnelnb.data.recognise.lexicon import sense_of

CREATED = [f"2025-01-{day:02d}" for day in range(1, 16)]
ENDED = [f"2025-02-{day:02d}" for day in range(1, 9)] + [None] * 7
WORDS = ["gyozott"] * 5 + ["bukott"] * 3 + ["elso", "masodik"] * 3 + ["elso"]


def figures(source):
    """Deals, won, lost, open, amount won and first creation of a source read as proposed."""
    told = load(source, mapping=propose(source)).describe()
    return tuple(told[one] for one in ("deal_n", "won_n", "lost_n", "open_n", "won_amount", "first_created"))


def asked(source):
    return {one.code for one in propose(source).questions}


def book(path, **sheets):
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


def test_stage_and_close_are_found_by_each_other():
    made = pd.DataFrame({"ki": range(15), "mely": WORDS, "pip": CREATED, "pap": ENDED, "pup": [10.5] * 15})
    assert figures(made)[:4] == (15, 5, 3, 7)
    assert {"column_by_cells", "word_unclear"} <= asked(made)


def test_a_log_is_found_without_its_headers():
    rows = []
    for deal in range(14):
        steps = ["Lead", "Demo", "Won" if deal < 3 else "Lost" if deal < 5 else "Offer"]
        rows += [(f"K{deal}", step, f"2025-0{place + 1}-{deal + 1:02d}") for place, step in enumerate(steps)]
    made = pd.DataFrame(rows, columns=["aaa", "bbb", "ccc"])
    assert figures(made)[:4] == (14, 3, 2, 9)
    assert figures(made)[5] == "2025-01-01"
    assert figures(made.assign(ddd=[10 * (row // 3) for row in range(42)]))[:4] == (
        14,
        3,
        2,
        9,
    )  # an amount is no key


def test_months_side_by_side_are_a_history(tmp_path):
    file = book(
        tmp_path / "a.xlsx",
        Pipeline=[
            ["Deal", "Value €", "Jan-24", "Feb-24", "Mar-24", "Apr-24"],
            ["A", 10, "Lead", "Proposal", "Won", "Won"],
            ["B", 20, None, "Lead", "Lead", "Lost"],
            ["C", 30, None, None, "Lead", "Proposal"],
        ],
    )
    assert figures(file)[:5] == (3, 1, 1, 1, 10.0)
    assert len(load(file, mapping=propose(file)).tables["stage_history"]) >= 3


def test_sheets_called_after_outcomes_are_one_table(tmp_path):
    head = ["Company", "Rep", "Value", "Opened", "Closed"]
    ended = [["A", "Bo", 10, "2025-01-05", "2025-02-01"], ["B", "Bo", 20, "2025-01-06", "2025-02-02"]]
    still = [
        ["Company", "Rep", "Stage", "Value", "Opened"],
        ["C", "Al", "Offer", 5, "2025-01-07"],
        ["D", "Al", "Demo", 6, "2025-01-08"],
    ]
    file = book(
        tmp_path / "a.xlsx",
        Open=still,
        Won=[head, *ended],
        Lost=[head, ["E", "Bo", 9, "2025-01-09", "2025-03-01"]],
    )
    assert figures(file)[:5] == (5, 2, 1, 2, 30.0)


def test_a_board_of_lists_and_cards(tmp_path):
    lists = [
        {"id": f"l{k}", "name": name, "pos": k} for k, name in enumerate(["Leads", "Offer", "Won", "Lost"])
    ]
    cards = [
        {"id": f"c{k}", "name": f"Card {k}", "idList": f"l{at}", "closed": False}
        for k, at in enumerate([0, 1, 2, 2, 3, 1])
    ]
    file = tmp_path / "board.json"
    file.write_text(json.dumps({"name": "Sales", "lists": lists, "cards": cards}))
    assert figures(file)[:4] == (6, 2, 1, 3)
    assert propose(file).document["playbook"] == ["Leads", "Offer", "Won"]


def test_ids_of_stages_told_by_the_pipelines_beside_them(tmp_path):
    statuses = [
        {"id": 71, "name": "Primero", "sort": 10},
        {"id": 72, "name": "Segundo", "sort": 20},
        {"id": 142, "name": "Logrado con éxito", "sort": 30},
        {"id": 143, "name": "Ventas Perdidos", "sort": 40},
    ]
    pipelines = {
        "_embedded": {"pipelines": [{"id": 1, "name": "Ventas", "_embedded": {"statuses": statuses}}]}
    }
    leads = [
        {"id": k, "name": f"Lead Acme {k}", "price": 10, "status_id": at, "created_at": 1704705150 + k}
        for k, at in enumerate([71, 72, 142, 142, 143, 71])
    ]
    (tmp_path / "pipelines.json").write_text(json.dumps(pipelines))
    (tmp_path / "leads.json").write_text(json.dumps({"_embedded": {"leads": leads}}))
    assert figures(tmp_path)[:5] == (6, 2, 1, 3, 20.0)
    assert propose(tmp_path).document["stages"] == {"71": "Primero", "72": "Segundo"}


def test_a_database_alone_in_a_folder(tmp_path):
    base = sqlite3.connect(tmp_path / "crm.sqlite")
    base.execute("create table deals(id integer, stage_id int, price real, created_at text)")
    base.execute("create table deal_stage(id integer, name text, sort_order int)")
    base.executemany("insert into deal_stage values(?,?,?)", [(1, "Offer", 1), (2, "Won", 2), (3, "Lost", 3)])
    deals = [(k, at, 10.0, "2025-01-05") for k, at in enumerate([1, 2, 3, 3])]
    base.executemany("insert into deals values(?,?,?,?)", deals)
    base.commit()
    base.close()
    assert figures(tmp_path)[:5] == (4, 1, 2, 1, 10.0)


def stages_in_columns(**more):
    return pd.DataFrame(
        {
            "Fecha visita": CREATED,
            "Fecha cotización": ["2025-01-20"] * 12 + [None] * 3,
            "Fecha contrato firmado": ["2025-02-20"] * 5 + [None] * 10,
            **more,
        }
    )


def test_a_date_that_never_stands_beside_a_win_is_asked_to_be_the_loss():
    made = stages_in_columns(**{"Fecha xyz": [None] * 5 + ["2025-03-01"] * 4 + [None] * 6})
    assert figures(made)[1:4] == (5, 4, 6)
    assert figures(made)[5] == "2025-01-01"  # the first stage is the beginning
    assert "word_unclear" in asked(made)


def test_a_last_date_that_never_stands_beside_a_loss_is_asked_to_be_the_win():
    made = pd.DataFrame(
        {
            "Date prospection": CREATED,
            "Date devis": ["2025-01-20"] * 12 + [None] * 3,
            "Date xyz": ["2025-02-20"] * 5 + [None] * 10,
            "Date refus": [None] * 5 + ["2025-03-01"] * 4 + [None] * 6,
        }
    )
    assert figures(made)[1:4] == (5, 4, 6)
    assert "word_unclear" in asked(made)


@pytest.mark.parametrize(("word", "meaning"), [("Closed - sold", "won"), ("Closed - no sale", "lost")])
def test_closed_and_how(word, meaning):
    assert sense_of(word).meaning == meaning


def test_a_win_before_a_working_stage_is_a_step():
    made = pd.DataFrame(
        {
            "signed_up_at": CREATED,
            "activated_at": ["2025-01-20"] * 12 + [None] * 3,
            "demo_at": ["2025-01-25"] * 10 + [None] * 5,
            "paid_at": ["2025-02-20"] * 5 + [None] * 10,
            "cancelled_at": [None] * 12 + ["2025-02-25"] * 3,
        }
    )
    assert figures(made)[1:4] == (5, 3, 7)


def test_of_two_wins_the_one_that_agrees_with_the_outcome_counts():
    made = pd.DataFrame(
        {
            "Applied on": CREATED,
            "Offer made on": ["2025-01-20"] * 12 + [None] * 3,
            "Offer accepted on": ["2025-01-25"] * 9 + [None] * 6,
            "Enrolled on": ["2025-02-20"] * 5 + [None] * 10,
            "Status": ["Enrolled"] * 5 + ["Rejected"] * 3 + ["In process"] * 7,
        }
    )
    assert figures(made)[1:4] == (5, 3, 7)


def test_not_closed_with_a_date_of_close_is_lost():
    made = pd.DataFrame(
        {
            "商机编号": range(9),
            "阶段": ["成交"] * 3 + ["未成交"] * 3 + ["报价", "议价", "报价"],
            "创建日期": CREATED[:9],
            "结案日期": ["2025-03-01"] * 6 + [None] * 3,
        }
    )
    assert figures(made)[1:4] == (3, 3, 3)
    assert figures(made.drop(columns="结案日期"))[1:4] == (
        3,
        0,
        6,
    )  # without dates the word stays what it says


def test_two_columns_of_status_and_one_unknown_word():
    made = pd.DataFrame(
        {
            "id": range(8),
            "stage": ["Lead", "Offer"] * 4,
            "kind": ["x"] * 8,
            "shut": ["Won"] * 2 + ["Lost"] * 2 + ["jojo"] * 4,
            "amount": 1.0,
        }
    )
    assert figures(made)[:4] == (8, 2, 2, 4)


def test_names_that_begin_alike_are_no_stages():
    made = pd.DataFrame(
        {"id": range(6), "name": ["Lead Acme", "Lead Globex"] * 3, "status": ["Won", "Open"] * 3}
    )
    assert figures(made)[:4] == (6, 3, 0, 3)
    assert propose(made).deals.columns.source("stage") != "name"


def test_a_flag_for_closed_that_is_set_nowhere_tells_nothing():
    made = pd.DataFrame({"id": range(4), "stage": ["Won", "Lost", "Offer", "Won"], "closed": [False] * 4})
    assert figures(made)[1:4] == (2, 1, 1)


def test_a_point_in_amounts_is_asked_to_part_thousands():
    made = pd.DataFrame(
        {"id": range(3), "Stage": ["Won", "Lost", "Offer"], "Amount": ["€ 130.000", "€ 175.000", "€ 90.000"]}
    )
    assert figures(made)[4] == 130000.0
    assert "thousands_unclear" in asked(made)


def test_amounts_by_the_currency_in_the_header():
    made = pd.DataFrame(
        {"id": range(3), "Stage": ["Won", "Lost", "Offer"], "Annual premium £": [130, 175, 90]}
    )
    assert figures(made)[4] == 130.0


@pytest.mark.parametrize(("cell", "value"), [("CHF 12'500.–", 12500.0), ("450,-", 450.0), ("12.--", 12.0)])
def test_no_cents(cell, value):
    found = parse_numbers(pd.Series([cell], dtype="str"), "amount", Reading(), {})
    assert found.values.tolist() == [value]


@pytest.mark.parametrize("cell", ["15.03.2025.", "15.03.2025 г.", "15.3.2025. 10:30", "15.03.2025 р."])
def test_signs_behind_the_year(cell):
    found = parse_dates(pd.Series([cell], dtype="str"), Reading(), {"file": "f", "column": "c"})
    assert str(found.values.iloc[0])[:10] == "2025-03-15"


@pytest.mark.parametrize("word", ["Tổng cộng", "合計", "Összesen", "Ukupno", "المجموع", "총계", "Łącznie"])
def test_totals_in_more_languages(word):
    assert is_total(["", "", word, "1.200.000 ₫", ""], ["text", "text", "text", "text", "date"])
    assert is_total([word, "28,220,000円", "", "", ""], ["text", "text", "text", "text", "date"])


@pytest.mark.parametrize(
    ("won", "lost", "stage"),
    [
        ("Dobiveno", "Izgubljeno", "Ponuda poslana"),
        ("Спечелена", "Загубена", "Оферта"),
        ("Võidetud", "Kaotatud", "Pakkumine saadetud"),
        ("Laimėta", "Pralaimėta", "Pasiūlymas"),
        ("Deal wygrany", "Deal przegrany", "Oferta wysłana"),
        ("Угода успішна", "Угода провалена", "Нова"),
        ("已报名", "无意向", "已试听"),
        ("Akkoord", "Niet doorgegaan", "Offerte uit"),
        ("계약 완료", "계약 취소", "현장 방문"),
    ],
)
def test_words_of_yet_more_languages(won, lost, stage):
    assert [sense_of(one).meaning for one in (won, lost, stage)] == ["won", "lost", "stage"]


@pytest.mark.parametrize("word", ["未关闭", "Not closed", "尚未结束"])
def test_not_yet_closed_is_open(word):
    assert sense_of(word).meaning == "open"
