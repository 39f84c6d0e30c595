"""Files for spreadsheets: every number arrives, no name becomes a formula, nothing half-written stays."""

from __future__ import annotations

import csv
import math

import numpy as np
import openpyxl
import pandas as pd
import pytest

from funnelnb.core.errors import OutputError, ParameterError
from funnelnb.show.pages.export import safe_text, to_csv
from funnelnb.show.pages.workbook import to_excel
from tests.show import made

FORMULAS = (
    "=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1", " =1+1", "＝1+1", "＠x", "|cmd",
    "=HYPERLINK(\"http://x\",\"y\")", "%0A=1",
)  # fmt: skip
HARMLESS = ("East 华东", "a=b", "-12.5", "+3", "12 %", "x@y.de", "", "A&B", "'quoted'", "-")


@pytest.mark.parametrize("name", FORMULAS)
def test_what_could_be_a_formula_is_text_in_csv(name, tmp_path):
    path = to_csv(pd.DataFrame({"name": [name], "=head": [1.5]}), tmp_path / "x.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, row = list(csv.reader(file))
    assert head == ["name", "'=head"]
    assert row[0].startswith("'")
    assert row[0][1:].strip() == name.strip()
    assert row[1] == "1.5"


@pytest.mark.parametrize("name", HARMLESS)
def test_other_text_stays_as_it_is(name):
    assert safe_text(name) == ("'-" if name == "-" else name)


@pytest.mark.parametrize("name", FORMULAS)
def test_what_could_be_a_formula_is_text_in_excel(name, tmp_path):
    path = to_excel(pd.DataFrame({"name": [name]}), tmp_path / "x.xlsx")
    cell = openpyxl.load_workbook(path)["data"]["A2"]
    assert cell.data_type == "s"
    assert cell.quotePrefix
    assert str(cell.value).replace("_x000D_", "\r").strip() == name.strip()


def test_csv_holds_every_number_and_opens_in_a_spreadsheet(tmp_path):
    result = made.regions()
    path = to_csv(result, tmp_path / "conversion.csv")
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\r\n") == len(result.to_frame()) + 1
    back = pd.read_csv(path)
    want = result.to_frame()
    assert list(back.columns) == list(want.columns)
    for name in want.columns:
        if want[name].dtype.kind in "fi":
            assert np.array_equal(back[name].to_numpy(float), want[name].to_numpy(float), equal_nan=True)
    assert set(back["region"]) >= {"East 华东", "'=1+1", "<script>alert(1)</script>"}


def test_undefined_is_an_empty_cell(tmp_path):
    path = to_csv(made.weekly(), tmp_path / "x.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["by_day_rate"] for row in rows} == {""}


def test_dates_are_dates(tmp_path):
    back = pd.read_csv(to_csv(made.cohorts(), tmp_path / "x.csv"))
    assert back["trusted_from"][0] == str(made.cohorts().rows[0].trusted_from)


def test_characters_no_file_may_hold_are_taken_out(tmp_path):
    wild = pd.DataFrame({"name": pd.Series(["a\x00b\x1fc\ud800d", "x" * 40_000], dtype=object)})
    back = pd.read_csv(to_csv(wild, tmp_path / "x.csv"))
    assert back["name"][0] == "a b c d"
    assert len(openpyxl.load_workbook(to_excel(wild, tmp_path / "x.xlsx"))["data"]["A3"].value) < 32_768


def test_a_failed_write_leaves_the_old_file_and_no_trace(tmp_path, monkeypatch):
    path = tmp_path / "x.csv"
    path.write_text("old")

    def break_off(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", break_off)
    with pytest.raises(OutputError, match="No space left on device"):
        to_csv(made.weekly(), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("write", [to_csv, to_excel])
def test_a_folder_that_is_not_there_is_told(write, tmp_path):
    with pytest.raises(OutputError, match="cannot be written") as error:
        write(made.weekly(), tmp_path / "no" / f"x.{'csv' if write is to_csv else 'xlsx'}")
    assert "folder" in error.value.expected
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_no_trace(tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(openpyxl.Workbook, "save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        to_excel(made.weekly(), tmp_path / "x.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_result_is_told(tmp_path):
    with pytest.raises(ParameterError, match="a value of type list cannot be written"):
        to_csv([1, 2], tmp_path / "x.csv")
    with pytest.raises(ParameterError, match=r"\.xls'"):
        to_excel(made.weekly(), tmp_path / "x.xls")


def test_a_frame_is_left_unchanged(tmp_path):
    frame = pd.DataFrame({"name": ["=1"], "x": [math.pi]})
    to_csv(frame, tmp_path / "x.csv")
    to_excel(frame, tmp_path / "x.xlsx")
    assert frame.to_dict("list") == {"name": ["=1"], "x": [math.pi]}
