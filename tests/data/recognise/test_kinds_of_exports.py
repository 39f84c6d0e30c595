"""Kinds of exports on which a proposal was wrong once: one tiny input for each, its figures counted by hand."""

import openpyxl
import pandas as pd
import pytest

from funnelnb.data.load import load
from funnelnb.data.parse.dates import parse_dates
from funnelnb.data.parse.numbers import parse_numbers
from funnelnb.data.parse.values import Reading
from funnelnb.data.propose import propose
from funnelnb.data.read.text import detect_encoding
from funnelnb.data.recognise.lexicon import header_scores, sense_of


def agreed(source):
    """The book of a source read as proposed: deals, won, lost or left, open, amount won."""
    told = load(source, mapping=propose(source)).describe()
    return tuple(told[one] for one in ("deal_n", "won_n", "lost_n", "left_n", "open_n", "won_amount"))


DAYS = ["2025-01-02", "2025-01-05", "2025-02-01", "2025-02-03", "2025-03-01", "2025-03-04"]
CLOSED = ["2025-02-02", "2025-03-05", None, None, "2025-04-01", None]
STAGES = ["Won", "Lost", "Proposal", "Lead", "Won", "Lead"]


def deals(**columns):
    return pd.DataFrame({"id": range(1, 7), "stage": STAGES, "created": DAYS, "closed": CLOSED, **columns})


@pytest.mark.parametrize(
    ("header", "cells", "won"),
    [
        ("Budget (Lakhs)", ["1.5", "2", "1", "3", "2.5", "4"], 400_000.0),
        ("예상금액(만원)", ["150", "20", "10", "30", "250", "40"], 4_000_000.0),
        ("amount_cents", ["15000", "2000", "1000", "3000", "25000", "4000"], 400.0),
        ("Сумма, тыс. руб.", ["15", "2", "1", "3", "25", "4"], 40_000.0),
        (
            "Nilai",
            ["Rp 1.500.000", "Rp 200.000", "Rp 100.000", "Rp 300.000", "Rp 2.500.000", "Rp 400.000"],
            4e6,
        ),
    ],
)
def test_units_and_currencies_of_other_countries(header, cells, won):
    assert agreed(deals(**{header: cells}))[5] == pytest.approx(won)


def test_a_credit_is_no_crore():
    assert parse_numbers(pd.Series(["5 Cr"]), "amount", Reading(), {}).bad.tolist() == [True]


def test_cents_told_by_the_amounts_beside_them():
    cents = [150000, 20000, 10000, 30000, 250000, 40000]
    shown = [f"${one / 100:,.2f}" for one in cents]
    assert agreed(deals(value=cents, value_formatted=shown))[5] == 4000.0
    assert agreed(deals(value=cents, value_formatted=[f"${one:,}" for one in cents]))[5] == 400000.0


@pytest.mark.parametrize(
    ("cells", "code", "first"),
    [
        (["114/03/05", "115/12/31", "113/02/29"], "years_minguo", "2025-03-05"),
        (["民國114年3月5日"], "years_minguo", "2025-03-05"),
        (["2568-03-05", "2569-01-02", "2567-11-30"], "years_buddhist", "2025-03-05"),
        (["2550-12-31", "2025-01-02", "2025-03-04"], "open_ended_dates", "NaT"),
    ],
)
def test_years_of_other_eras(cells, code, first):
    found = parse_dates(pd.Series(cells, dtype="str"), Reading(), {"file": "f", "column": "c"})
    assert str(found.values.iloc[0])[:10] == first
    assert [note.code for note in found.notes] == [code]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Předmět;Datum vytvoření;Výhra;12 500 Kč", "cp1250"),
        ("Lehetőség;Ügyfél;érték;ő", "cp1250"),
        ("Størrelse;Kunde;Beløb;på;å", "cp1252"),
        ("Número;opções;é;Düsseldorf", "cp1252"),
    ],
)
def test_central_european_text(tmp_path, text, encoding):
    file = tmp_path / "a.csv"
    file.write_bytes(text.encode(encoding))
    assert detect_encoding(file, file.read_bytes()) == encoding


def test_counts_are_no_amounts():
    assert not header_scores("calls_amount")
    assert "closed_at" not in header_scores("Abschlussgespräch")
    calls = deals(calls_amount=[3, 1, 2, 4, 5, 2], quote_price_monthly=["150", "20", "10", "30", "250", "40"])
    assert agreed(calls)[5] == 400.0


@pytest.mark.parametrize(
    ("won", "lost", "stage"),
    [
        ("נסגר בהצלחה", "אבד", "הצעת מחיר"),
        ("megnyert", "elvesztett", "ajánlat"),
        ("câștigat", "pierdut", "ofertă trimisă"),
        ("voitettu", "hävitty", "tarjous"),
        ("κερδισμένη", "χαμένη", "προσφορά"),
        ("ปิดการขายได้", "ปิดการขายไม่ได้", "เสนอราคา"),
        ("تم الفوز", "خسارة", "عرض سعر"),
    ],
)
def test_words_of_more_languages(won, lost, stage):
    assert [sense_of(one).meaning for one in (won, lost, stage)] == ["won", "lost", "stage"]


def test_one_unknown_word_beside_open_and_lost_is_asked_to_be_the_win():
    stages = ["Demo", "Proposal", "Demo", "Lead", "Proposal", "Lead"]
    status = ["Joepie", "Geweigerd", "Open", "Open", "Joepie", "Open"]
    made = deals(amount=[1, 2, 3, 4, 5, 6]).assign(stage=stages, status=status)
    assert agreed(made) == (6, 2, 1, 0, 3, 6.0)
    assert "word_unclear" in {one.code for one in propose(made).questions}


def test_parked_but_closed_is_left():
    made = deals(amount=1.0, is_closed=["yes", "yes", "no", "yes", "yes", "no"])
    made["stage"] = ["Won", "Lost", "Proposal", "Postponed", "Won", "Lead"]
    assert agreed(made) == (6, 2, 1, 1, 2, 2.0)


def test_a_stage_with_a_chance_of_its_own_is_no_win():
    made = pd.DataFrame(
        {"id": [1, 2], "stage": ["コンタクト", "評価"], "probability": [10, 20], "amount": [5, 6]}
    )
    assert agreed(made)[:5] == (2, 0, 0, 0, 2)


def test_the_date_of_a_row_is_not_that_of_the_deal():
    made = (
        deals(amount=1.0).rename(columns={"created": "create_date"}).assign(created_at="2025-06-30 10:00:00")
    )
    assert load(made, mapping=propose(made)).describe()["first_created"] == "2025-01-02"


def test_a_log_without_old_values_is_one_row_per_change():
    rows = [
        ("D1", "Lead", "2025-01-01"), ("D1", "Demo", "2025-01-03"), ("D1", "Won", "2025-02-01"),
        ("D2", "Lead", "2025-01-02"), ("D2", "Lost", "2025-01-09"), ("D3", "Lead", "2025-01-05"),
    ]  # fmt: skip
    log = pd.DataFrame(rows, columns=["deal", "to", "ts"])
    assert agreed(log)[:5] == (3, 1, 1, 0, 1)


def workbook(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_grouped_report_names_its_groups_once(tmp_path):
    rows = [
        ["Opportunities by Stage"], [], ["Stage  ↑", "Opportunity Name", "Amount", "Created Date", "Close Date"],
        ["Prospecting", "A", 10, "01/13/2025", "03/14/2025"], [None, "B", 20, "01/14/2025", "03/15/2025"],
        ["Subtotal", "Sum", 30], [None, "Count", 2],
        ["Closed Won", "C", 30, "01/15/2025", "02/20/2025"], [None, "D", 40, "01/16/2025", "02/21/2025"],
        ["Subtotal", "Sum", 70], [None, "Count", 2], ["Total", "Sum", 100], [None, "Count", 4],
    ]  # fmt: skip
    assert agreed(workbook(tmp_path / "report.xlsx", rows)) == (4, 2, 0, 0, 2, 70.0)


def test_sums_without_a_word_and_a_remark_below_the_total(tmp_path):
    head = ["Name", "Owner", "Stage", "Value", "Closed", "Created"]
    rows = [
        ["Deals"], [], ["Active"], head, ["A", "X", "New", 10, None, "2025-01-13"],
        ["B", "Y", "Proposal", 20, None, "2025-01-14"], [None, None, None, 30],
        [], ["Done"], head, ["C", "X", "Won", 30, "2025-02-20", "2025-01-15"],
        ["D", "Y", "Lost", 40, "2025-02-21", "2025-01-16"], [None, None, None, 70],
    ]  # fmt: skip
    assert agreed(workbook(tmp_path / "board.xlsx", rows)) == (4, 1, 1, 0, 2, 30.0)
    plain = [
        head,
        *rows[4:6],
        *rows[10:12],
        [None, None, "Summe", 100],
        ["Ansprechpartner: Frau Meier, Tel. 123"],
    ]
    assert agreed(workbook(tmp_path / "plain.xlsx", plain)) == (4, 1, 1, 0, 2, 30.0)
