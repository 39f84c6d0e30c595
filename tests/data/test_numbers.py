"""Text to numbers: each way of writing, decided over the whole column, and asked about where it cannot be."""

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelnb.data.parse.cells import Reading
from funnelnb.data.parse.numbers import one_currency, parse_numbers, unit_of


def read(cells, kind="amount", **reading):
    return parse_numbers(
        pd.Series(cells, dtype="str"), kind, Reading(**reading), {"file": "f", "column": "c"}
    )


def numbers(cells, **reading):
    parsed = read(cells, **reading)
    assert not parsed.undecided
    assert not parsed.bad.any()
    return parsed.values.tolist()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1234.5", "7"], [1234.5, 7]),
        (["1,234.56", "7"], [1234.56, 7]),
        (["1.234,56", "7"], [1234.56, 7]),
        (["1 234,5", "12 345 678"], [1234.5, 12345678]),
        (["1\u00a0234,5"], [1234.5]),
        (["1'234.50", "1’000"], [1234.5, 1000]),
        (["12,5", "1,25"], [12.5, 1.25]),
        (["1,234", "12,345,678"], [1234, 12345678]),
        (["(1,234.50)", "-7", "7-", "−7"], [-1234.5, -7, -7, -7]),
        (["１２３４．５"], [1234.5]),
        (["€1,234.50", "1.5 €"], [1234.5, 1.5]),
        (["1.234,50 EUR", "EUR 2,5"], [1234.5, 2.5]),
        (["-$5.25", "$-5.25", "US$ 1"], [-5.25, -5.25, 1]),
        (["¥1,234.0", "1234元", "RMB 5"], [1234, 1234, 5]),
        (["680万", "3.2亿元", "5千", "1.5百万"], [6.8e6, 3.2e8, 5e3, 1.5e6]),
        (["5k", "1.2m", "2bn", "3 Mio. €"], [5e3, 1.2e6, 2e9, 3e6]),
        (["1e5", "2.5e3"], [1e5, 2.5e3]),
    ],
)
def test_ways_of_writing(cells, expected):
    assert numbers(cells) == pytest.approx(expected)


@pytest.mark.parametrize(
    "blank", ["", "-", "–", "n/a", "N/A", "#N/A", "null", "无", "暂无", "TBD", "nan", " "]
)
def test_accounting_blanks_are_missing(blank):
    assert math.isnan(numbers(["5", blank])[1])


@pytest.mark.parametrize(
    "bad", ["1,2,3", "1.2.3", "12,34,5", "abc", "5 apples", "--5", "(-5)", "5%", "inf", "1,23.4"]
)
def test_bad_numbers_are_marked(bad):
    parsed = read(["7.25", "8.5", bad])
    assert parsed.bad.tolist() == [False, False, True]
    assert math.isnan(parsed.values[2])


def test_thousands_alone_are_read_and_noted():
    parsed = read(["1,234", "850"])
    assert parsed.values.tolist() == [1234, 850]
    assert [note.code for note in parsed.notes] == ["thousands_assumed"]


@pytest.mark.parametrize(
    "cells",
    [
        ["1.234", "850"],  # thousands or three decimals?
        ["1.234", "2.345", "12.5"],  # one cell against two
        ["1,234", "2,345", "12,5"],
        ["1,234", "1.234"],
        ["1,234.5", "1.234,5"],
        ["1,234,567", "12,5"],
    ],
)
def test_undecidable_columns_are_asked_about(cells):
    parsed = read(cells)
    assert parsed.undecided == "decimal_unknown"
    assert parsed.example in cells


@pytest.mark.parametrize(("decimal", "expected"), [(",", [1234, 850]), (".", [1.234, 850])])
def test_the_setting_decides(decimal, expected):
    assert numbers(["1.234", "850"], decimal=decimal) == expected


def test_a_column_of_thousands_is_not_turned_by_one_slip():
    column = [f"{n},000" for n in range(1, 200)]
    assert read([*column, "12,5"]).undecided == "decimal_unknown"


def test_a_clear_column_marks_the_odd_cell():
    parsed = read([f"{n},000.50" for n in range(1, 100)] + ["3,5"])
    assert parsed.bad.tolist() == [False] * 99 + [True]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("万元", (1e4, "元")), ("千元", (1e3, "元")), ("k€", (1e3, "EUR")), ("Mio. EUR", (1e6, "EUR")),
     ("单位：万元", (1e4, "元")), ("USD", (1.0, "USD")), ("%", (0.01, "")), ("net", None), ("", None)],
)  # fmt: skip
def test_units(unit, expected):
    assert unit_of(unit) == expected


def test_unit_of_the_column_and_of_a_cell():
    parsed = read(["680", "5万", ""], unit="万元")
    assert parsed.values.tolist()[:2] == [6.8e6, 5e4]
    assert {note.code for note in parsed.notes} == {"unit_applied", "unit_in_cells"}
    assert parsed.currencies == ("元",)


def test_numbers_stay_numbers():
    parsed = parse_numbers(pd.Series([1.5, None, math.inf]), "amount", Reading(unit=1000), {})
    assert parsed.values.tolist()[0] == 1500
    assert parsed.bad.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("cells", "expected", "code"),
    [
        (["45%", "5%"], [0.45, 0.05], None),
        (["45", "5"], [0.45, 0.05], "per_cent_read"),
        (["0.45", "1"], [0.45, 1], None),
    ],
)
def test_shares(cells, expected, code):
    parsed = read(cells, kind="share")
    assert parsed.values.tolist() == pytest.approx(expected)
    assert [note.code for note in parsed.notes] == ([code] if code else [])


def test_shares_out_of_range_are_unknown():
    parsed = read(["1000", "50"], kind="share")
    assert math.isnan(parsed.values[0])
    assert parsed.values[1] == 0.5


def test_zero_can_mean_unknown():
    parsed = read(["0", "5"], zero_is_unknown=True)
    assert math.isnan(parsed.values[0])
    assert parsed.notes[0].values["n"] == 1


@pytest.mark.parametrize(
    ("found", "expected"),
    [([], ""), (["$", "USD"], "USD"), (["¥", "CNY"], "CNY"), (["¥"], "¥"), (["EUR", "USD"], None), (["$", "EUR"], None),
     (["¥", "USD"], None), (["元"], "CNY"), (["元", "¥"], "CNY"), (["元", "EUR"], "EUR"), (["人", "元"], None)],
)  # fmt: skip
def test_currencies_agree_or_not(found, expected):
    assert one_currency(found) == expected


STYLES = {
    "plain": lambda x: f"{x:.2f}",
    "english": lambda x: f"{x:,.2f}",
    "german": lambda x: f"{x:,.2f}".translate(str.maketrans(",.", ".,")),
    "french": lambda x: f"{x:,.2f}".translate(str.maketrans({",": "\u00a0", ".": ","})),
    "swiss": lambda x: f"{x:,.2f}".replace(",", "'"),
    "euro": lambda x: f"{x:,.2f} €".translate(str.maketrans(",.", ".,")),
    "brackets": lambda x: f"({-x:,.2f})" if x < 0 else f"{x:,.2f}",
    "full width": lambda x: f"{x:.2f}".translate({ord("0") + d: ord("０") + d for d in range(10)}),
}


@settings(max_examples=40, deadline=None)
@given(
    cents=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8),
    style=st.sampled_from(sorted(STYLES)),
)
def test_what_is_written_is_read(cents, style):
    values = [cent / 100 for cent in cents]
    assert numbers([STYLES[style](value) for value in values]) == pytest.approx(values)


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(st.text(alphabet="0123456789.,-() €$k万", max_size=8), min_size=1, max_size=6))
def test_no_text_breaks_the_reader_and_order_does_not_matter(cells):
    forth, back = read(cells), read(cells[::-1])
    assert forth.undecided == back.undecided
    if not forth.undecided:
        assert forth.bad.tolist() == back.bad.tolist()[::-1]
        assert forth.values.tolist() == pytest.approx(back.values.tolist()[::-1], nan_ok=True)
