"""A cell of fifty thousand characters costs time by its length, wherever it stands."""

import contextlib
import time

import pytest

from funnelnb.core.errors import FunnelError
from funnelnb.data.load import load

N = 50_000
CELLS = {"brackets": "(" * N, "open": "Won (" + " " * N + "x", "blanks": "2025-01-01" + " " * N + "x"}
HEAD = "id,stage,owner,created_at,amount\n" + "".join(
    f"D{k},lead,Ann,2025-01-0{k % 9 + 1},{k}\n" for k in range(9)
)


@pytest.mark.parametrize("place", ["stage", "created_at", "header"])
@pytest.mark.parametrize("sort", CELLS)
def test_a_long_cell_takes_time_by_its_length_only(tmp_path, sort, place):
    row = {"id": "X", "stage": "lead", "owner": "Ann", "created_at": "2025-01-02", "amount": "5"}
    cell = CELLS[sort]
    text = HEAD + ",".join({**row, place: cell}[name] for name in row) + "\n"
    (tmp_path / "deals.csv").write_text(HEAD.replace("owner", cell, 1) if place == "header" else text)
    began = time.process_time()
    with contextlib.suppress(FunnelError):
        load(tmp_path / "deals.csv", playbook=["lead", "won"], as_of="2025-12-31")
    assert time.process_time() - began < 3
