"""What is planted is there, is noted where it is, and nothing else is touched."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from funnelnb.core.errors import ParameterError
from funnelnb.simulate import DIRTY_KINDS, Dirty, Floor, dirty, simulate, texts, write_text_tables

if TYPE_CHECKING:
    from pathlib import Path

CELL_KINDS = [kind for kind in DIRTY_KINDS if kind not in ("duplicates", "header_unit")]


@pytest.fixture(scope="module")
def clean() -> dict[str, pd.DataFrame]:
    tables = simulate(Floor(deals_n=600, amount_missing_share=0.05), seed=11).tables
    names = pd.DataFrame({"account_id": ["A1", "A2", "A3", "A4"], "name": ["Alba", "Björk", "瑞禾", "Dal"]})
    return tables | {"accounts": names}


def changed(clean: dict[str, pd.DataFrame], spoilt: Dirty) -> set[tuple[str, int, str]]:
    """Cells that differ, as (table, spreadsheet row, column)."""
    found = set()
    for name, table in clean.items():
        before, after = texts(table), spoilt.tables[name].iloc[: len(table)]
        rows, columns = np.nonzero(before.to_numpy() != after.to_numpy())
        found |= {
            (name, int(row) + 2, before.columns[column]) for row, column in zip(rows, columns, strict=True)
        }
    return found


@pytest.mark.parametrize("kind", CELL_KINDS)
def test_exactly_the_cells_noted_are_changed(kind: str, clean: dict[str, pd.DataFrame]) -> None:
    spoilt = dirty(clean, [kind], seed=3)
    noted = {(one.table, one.row, one.column) for one in spoilt.planted}
    assert len(noted) == len(spoilt.planted) >= 3
    assert noted == changed(clean, spoilt)
    for one in spoilt.planted:
        assert one.row is not None
        assert spoilt.tables[one.table][one.column].iloc[one.row - 2] == one.value != one.original
        assert texts(clean[one.table])[one.column].iloc[one.row - 2] == one.original


def test_all_kinds_together_spoil_no_deal_twice(clean: dict[str, pd.DataFrame]) -> None:
    spoilt = dirty(clean, seed=4, share=0.02)
    assert {one.kind for one in spoilt.planted} == set(DIRTY_KINDS) - {"header_unit"}
    rows = [one.row for one in spoilt.planted if one.table == "opportunities"]
    assert len(rows) == len(set(rows))
    assert len(rows) >= 12 * (len(DIRTY_KINDS) - 1)


def test_the_same_seed_plants_the_same(clean: dict[str, pd.DataFrame]) -> None:
    first, second, other = dirty(clean, seed=5), dirty(clean, seed=5), dirty(clean, seed=6)
    assert first.planted == second.planted != other.planted
    for name in clean:
        pd.testing.assert_frame_equal(first.tables[name], second.tables[name])


def test_what_is_planted_means_what_it_says(clean: dict[str, pd.DataFrame]) -> None:
    spoilt = dirty(clean, seed=7)
    found: dict[str, list[tuple[str, str]]] = {}
    for one in spoilt.planted:
        found.setdefault(one.kind, []).append((one.value, one.original))
    for value, original in found["wan_units"]:
        assert float(value.removesuffix("万")) * 10_000 == pytest.approx(float(original))
    for value, original in found["full_width_digits"]:
        assert int(value) == int(original)  # Python reads full-width digits
        assert not value.isascii()
    for value, original in found["decimal_comma"]:
        assert re.fullmatch(r"\d{1,3}(\.\d{3})*,50", value)
        assert float(value.replace(".", "").replace(",", ".")) == float(original) + 0.5
    for value, original in found["currency_signs"]:
        assert float(value.strip("€ ").replace(",", "")) == float(original)
    styles = {"%d.%m.%Y", "%Y年%m月%d日", "%m/%d/%Y"}
    for value, original in found["mixed_dates"]:
        assert original in {reread(value, style) for style in styles}
    assert {value for value, _ in found["path_names"]} == {"../x", "华东/上海", "CON"}
    assert {"<script>alert('x')</script>", "=cmd|' /C calc'!A0"} <= {value for value, _ in found["markup"]}


def test_rows_that_contradict_themselves_do(clean: dict[str, pd.DataFrame]) -> None:
    spoilt = dirty(clean, seed=7)
    deals = spoilt.tables["opportunities"]
    for one in spoilt.planted:
        if one.kind == "closed_before_created" and one.row:
            assert one.value < deals["created_at"].iloc[one.row - 2]
        if one.kind == "won_without_date" and one.row:
            assert deals["outcome"].iloc[one.row - 2] == "won"
        if one.kind == "duplicates" and one.row:
            same = deals[deals["opportunity_id"] == one.value]
            assert len(same) == 2
            assert same.nunique().eq(1).all()
            assert same.index[-1] == one.row - 2


def reread(value: str, style: str) -> str:
    try:
        return datetime.datetime.strptime(value, style).date().isoformat()
    except ValueError:
        return ""


def test_header_unit_moves_the_unit_into_the_header(clean: dict[str, pd.DataFrame]) -> None:
    spoilt = dirty(clean, ["header_unit"], seed=1)
    deals = spoilt.tables["opportunities"]
    assert "amount" not in deals.columns
    shown = pd.to_numeric(deals["预计金额（万元）"])
    np.testing.assert_allclose(shown * 10_000, clean["opportunities"]["amount"])
    assert spoilt.planted[0].row is None


def test_csv_is_written_in_the_encoding_and_with_the_delimiter_asked_for(
    clean: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    spoilt = dirty(clean, seed=8)
    folder = spoilt.write(tmp_path / "out", encoding="gb18030", delimiter=";")
    assert sorted(path.name for path in folder.iterdir()) == [
        "accounts.csv",
        "opportunities.csv",
        "stage_history.csv",
    ]
    for name, table in spoilt.tables.items():
        back = pd.read_csv(
            folder / f"{name}.csv", sep=";", encoding="gb18030", dtype=str, keep_default_na=False
        )
        assert back.to_numpy().tolist() == table.to_numpy().tolist()
    assert "华东/上海".encode("gb18030") in (folder / "opportunities.csv").read_bytes()


def test_a_workbook_keeps_formulas_as_text(clean: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    path = dirty(clean, ["markup", "path_names"], seed=9).write(tmp_path, kind="xlsx")
    assert [one.name for one in tmp_path.iterdir()] == ["export.xlsx"]
    import openpyxl

    book = openpyxl.load_workbook(path)
    assert set(book.sheetnames) == set(clean)
    cells = [
        cell for row in book["accounts"].iter_rows() for cell in row if str(cell.value).startswith("=cmd")
    ]
    assert [cell.data_type for cell in cells] == ["s"]


def test_mistakes_are_named(clean: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="did you mean 'duplicates'"):
        dirty(clean, ["duplicate"])
    with pytest.raises(ParameterError, match="kind = 'parquet'"):
        write_text_tables(clean, tmp_path, kind="parquet")
    assert not list(tmp_path.iterdir())
