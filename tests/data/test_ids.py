"""Rows find their deals: the hash join against Arrow's, for ids of every shape."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelnb.core.errors import FunnelError
from funnelnb.data.ledger import ids as module
from funnelnb.data.ledger.ids import deal_codes

SHAPES = {
    "same length": lambda k: f"006-{k:07d}",
    "any length": str,
    "long prefix": lambda k: f"urn:crm:eu-central-1:opportunity:{k}",
    "sixteen": lambda k: f"{k:016x}",
    "Chinese": lambda k: f"商机{k}",
    "over 64 bytes": lambda k: f"{k:070d}",
    "zero byte": lambda k: f"\0{k}",
    "number": int,
}


def by_arrow(ids: pa.Array, row_ids: pa.Array) -> list[int]:
    return pc.fill_null(pc.index_in(row_ids, value_set=ids), -1).to_pylist()


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_find_their_deals(shape: str, kind: pa.DataType) -> None:
    rng = np.random.default_rng(5)
    numbers = rng.choice(100_000, 3_000, replace=False)
    kind = pa.int64() if shape == "number" else kind
    ids = pa.array([SHAPES[shape](int(k)) for k in numbers[:2_500]], kind)
    row_ids = pa.array([SHAPES[shape](int(k)) for k in rng.choice(numbers, 20_000)], kind)
    found = deal_codes(ids, row_ids)
    assert found.tolist() == by_arrow(ids, row_ids)
    assert (found < 0).any()
    chunked = pa.chunked_array([row_ids.slice(0, 7), row_ids.slice(7, 0), row_ids.slice(7)])
    assert deal_codes(ids, chunked).tolist() == found.tolist()
    assert deal_codes(ids.slice(7, 900), row_ids.slice(11)).tolist() == by_arrow(
        ids.slice(7, 900), row_ids.slice(11)
    )


TEXT = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ["", "a", "aa", "\0a", "a" * 8, "a" * 9]
)


@settings(max_examples=200, deadline=None)
@given(ids=st.lists(TEXT, unique=True), row_ids=st.lists(TEXT | st.none()), seed=st.integers(0, 9))
def test_any_text(ids: list[str], row_ids: list[str | None], seed: int) -> None:
    row_ids = [*row_ids, *np.random.default_rng(seed).permutation(np.array(ids, dtype=object)).tolist()]
    place = {one: k for k, one in enumerate(ids)}
    found = deal_codes(pa.array(ids, pa.large_string()), pa.array(row_ids, pa.large_string()))
    assert found.tolist() == [-1 if one is None else place.get(one, -1) for one in row_ids]


@pytest.mark.parametrize("shape", SHAPES)
def test_two_deals_with_one_id(shape: str) -> None:
    ids = [SHAPES[shape](k) for k in [*range(100), 42]]
    with pytest.raises(FunnelError, match=rf"2 deals with the id '.*{str(ids[-1])[-2:]}'"):
        deal_codes(pa.array(ids), pa.array(ids[:0], pa.array(ids).type))


def test_numbers_and_text_meet() -> None:
    assert deal_codes(pa.array([7, 8]), pa.array(["8", "9", None])).tolist() == [1, -1, -1]
    assert deal_codes(pa.array([7, 8, 0]), pa.array([8, None, 9, 0])).tolist() == [1, -1, -1, 2]
    views = pa.array(["7", "8"], pa.string_view()), pa.array(["8", None], pa.string_view())
    assert deal_codes(*views).tolist() == [1, -1]


def test_crowded_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids that all want the same slot are still told apart."""
    monkeypatch.setattr(module, "_hash", lambda words, shift: np.zeros(len(words[0]), np.int64) + 15)
    ids = pa.array([f"x{k}" for k in range(200)])
    assert deal_codes(ids, pa.array(["x7", "x199", "y7", "x0"])).tolist() == [7, 199, -1, 0]


def test_long_columns_are_looked_up_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 3)
    ids = pa.array([f"d{k}" for k in range(9)])
    rows = pa.array([f"d{k % 10}" for k in range(7, 27)])
    wanted = by_arrow(ids, rows)
    assert deal_codes(ids, rows).tolist() == wanted
    assert deal_codes(ids, pa.chunked_array([rows.slice(0, 8), rows.slice(8)])).tolist() == wanted
