"""Counts of pieces are those of all deals together; deals whose stage is hidden are stood for as in one ledger."""

from dataclasses import fields, is_dataclass

import duckdb
import numpy as np
import pandas as pd
import pytest

from funnelnb.core.errors import FunnelError
from funnelnb.data.count import held, scan
from funnelnb.data.count.groups import Cohort
from funnelnb.data.count.scan import Scan
from funnelnb.playbooks import playbook_from_stages

MODEL = playbook_from_stages(["lead", "offer", "won"])


def deals(n: int, seed: int) -> pd.DataFrame:
    """Deals without a history: some ended without a stage, a date or an amount."""
    rng = np.random.default_rng(seed)
    outcome = rng.choice(["open", "won", "lost", "left"], n, p=[0.2, 0.25, 0.45, 0.1])
    stage = np.where(outcome == "won", "won", rng.choice(["lead", "offer"], n)).astype(object)
    stage[(outcome == "lost") & (rng.random(n) < 0.6)] = None
    created = pd.Series(np.datetime64("2024-01-01") + rng.integers(0, 700, n).astype("m8[D]")).astype(
        "datetime64[us]"
    )
    closed = (created + pd.to_timedelta(rng.integers(1, 300, n), unit="D")).where(outcome != "open")
    return pd.DataFrame({
        "opportunity_id": [f"d{k}" for k in rng.permutation(n)], "stage": pd.Series(stage, dtype="str"),
        "outcome": outcome,
        "created_at": created.mask(rng.random(n) < 0.03), "closed_at": closed.mask(rng.random(n) < 0.03),
        "amount": np.where(rng.random(n) < 0.1, np.nan, rng.integers(1, 900, n)),
        "region": rng.choice(["North", "South", ""], n), "product": rng.choice(["A", "B"], n),
    })  # fmt: skip


def assert_equal(one, other, name=""):
    """Counts are equal, sums of amounts and weights up to the order in which they were added."""
    if is_dataclass(one):
        assert type(one) is type(other), name
        for field in fields(one):
            assert_equal(getattr(one, field.name), getattr(other, field.name), field.name)
    elif isinstance(one, np.ndarray) and one.dtype.kind == "f":
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-9, err_msg=name)
    else:
        np.testing.assert_array_equal(one, other, err_msg=name)


@pytest.fixture
def small_memory(monkeypatch):
    monkeypatch.setattr(scan, "FEW_ROWS", 1)
    monkeypatch.setattr(scan, "free_bytes", lambda: 1)
    monkeypatch.setattr(held, "PIECE_ROWS", 500)
    monkeypatch.setattr(held, "PART_ROWS", 300)


@pytest.mark.parametrize("by", [(), "region", ("product", "region"), Cohort("quarter")])
@pytest.mark.parametrize("as_of", ["2026-12-31", "2025-06-30"])
def test_counts_of_pieces_are_those_of_all_deals_together(small_memory, by, as_of):
    frame = deals(9_000, 3)
    apart = Scan(duckdb.from_df(frame), playbook=MODEL, as_of=as_of)
    whole = Scan(frame, playbook=MODEL, as_of=as_of)
    assert apart.in_pieces
    assert not whole.in_pieces
    assert_equal(apart.stage_counts(by), whole.stage_counts(by))
    assert_equal(apart.stay_counts(by), whole.stay_counts(by))
    for step in ((0, 1), (0, 2), (1, 2)):
        assert_equal(apart.time_counts(*step, by), whole.time_counts(*step, by))
    assert whole.stage_counts(by).stands_for is not None
    assert whole.time_counts(0, 2, by).weight is not None
    assert {one.code: one.values for one in apart.notes} == {one.code: one.values for one in whole.notes}


def test_an_id_that_two_pieces_hold_is_refused(small_memory):
    frame = deals(2_000, 4)
    frame.loc[1_999, "opportunity_id"] = frame.loc[0, "opportunity_id"]
    with pytest.raises(FunnelError, match="2000 deals but 1999 different ids"):
        Scan(duckdb.from_df(frame), playbook=MODEL, as_of="2026-12-31").stage_counts()
