"""What is decided by the bytes of a column alone is what reading its cells would say."""

import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import funnelnb as fn
from funnelnb.data.clean.as_of import on_days
from funnelnb.data.parse import values
from funnelnb.data.parse.cells import BLANKS
from funnelnb.data.parse.numbers import FEW, _few_groups, _only_point_groups
from funnelnb.data.read.scan import scan

CELLS = ["", " ", "Won", " Won", "North ", "NA", "Nan", "NULL", "N/A", "-", "--", "–", "无", "暂无", "(Blank)",
         "nancy", "nu", "\u3000赢单\u3000", "-5", "n", "x" * 40]  # fmt: skip


@pytest.mark.parametrize("blanks", [True, False])
def test_a_tidy_column_is_every_cell_trimmed_and_what_stands_for_nothing_missing(blanks):
    chance = random.Random(4)
    for size in (0, 1, 7, 60):
        cells = [chance.choice([*CELLS, None]) for _ in range(size)]
        column = pd.Series(cells, dtype="str", index=range(5, 5 + size))
        trimmed = [None if one is None else one.strip() for one in cells]
        nothing = BLANKS if blanks else ("",)
        wanted = [None if one is None or one.lower() in nothing else one for one in trimmed]
        for _ in range(2):  # the second time it is remembered
            found = values.as_text(column, blanks=blanks)
            assert found.astype(object).where(found.notna(), None).tolist() == wanted
            assert found.index.equals(column.index)


def test_a_remembered_column_is_forgotten_with_the_column():
    column = pd.Series([" a", "b"] * 50, dtype="str")
    before = len(values._TIDY)
    values.as_text(column)
    assert len(values._TIDY) == before + 1
    del column
    assert len(values._TIDY) == before


def test_a_part_of_a_column_is_not_taken_for_the_whole():
    column = pd.Series([" a", "", "c "], dtype="str")
    values.as_text(column)
    assert values.as_text(column.iloc[1:]).fillna("?").tolist() == ["?", "c"]
    assert values.as_text(column[[True, False, True]]).tolist() == ["a", "c"]


def test_points_counted_by_bytes_leave_out_only_columns_that_have_too_few_groups():
    chance = random.Random(5)
    for _ in range(200):
        cells = [
            chance.choice(["1.234", "12.5", "7", "", "999.000", "0.123", ".125", "1234.125"])
            for _ in range(8)
        ]
        array = pa.array(cells, pa.large_string())[chance.randrange(3) :]
        pointed = array.filter(pc.match_substring(array, "."))
        groups = pc.sum(pc.match_substring_regex(pointed, r"^[+-]?[1-9]\d{0,2}\.\d{3}$")).as_py() or 0
        if groups > FEW * (len(pointed) - groups):
            assert not _few_groups(array)
            assert _only_point_groups(array, values.Reading(), {})


def test_lines_are_counted_and_one_too_long_is_found_wherever_it_stands(tmp_path, monkeypatch):
    monkeypatch.setattr("funnelnb.data.read.scan.CHUNK", 64)
    monkeypatch.setattr("funnelnb.data.read.scan._PIECE", 16)
    chance = random.Random(6)
    for _ in range(60):
        lengths = [chance.choice([0, 3, 20, 39, 40, 41, 90]) for _ in range(9)]
        text = "\n".join("x" * one for one in lengths) + chance.choice(["", "\n"])
        path = tmp_path / "lines.csv"
        path.write_bytes(text.encode())
        found = scan(path, "utf-8", "\n", ",", '"', 40)
        first = next((place for place, one in enumerate(lengths, start=1) if one > 40), 0)
        assert (found.longest > 40) == bool(first)
        if not first:
            assert found.lines_n == len(text.splitlines())
        else:
            assert lengths[found.longest_line - 1] > 40


def test_whole_days_are_told_from_times():
    days = pd.Series(np.array(["2026-01-01", "NaT", "1965-03-02"], "datetime64[us]"))
    assert on_days(days)
    assert on_days(days.astype("datetime64[s]"))
    assert not on_days(days + pd.Timedelta(seconds=1))


def test_a_quotation_mark_that_is_not_ascii_is_looked_at_character_by_character(tmp_path):
    rows = "opportunity_id,stage,owner,created_at\n1,lead,»A, B»,2026-01-05\n2,won,C,2026-02-01\n"
    (tmp_path / "deals.csv").write_text(rows, encoding="utf-8")
    assert not scan(tmp_path / "deals.csv", "utf-8", "\n", ",", "»", 10**6).sound_quotes
    (tmp_path / "funnelnb.toml").write_text(
        'playbook = ["lead", "won"]\n[tables.opportunities]\nquote = "»"\n', encoding="utf-8"
    )
    book = fn.load(tmp_path)
    assert book.opportunities["owner"].tolist() == ["A, B", "C"]
