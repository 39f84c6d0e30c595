"""What would fill the memory is refused before it does, with what it takes, what there is, and what to do."""

import duckdb
import pandas as pd
import polars
import pytest

from funnelnb.core.errors import FunnelError, SourceError
from funnelnb.core.machine import free_bytes
from funnelnb.data.contract import limits
from funnelnb.data.count import scan
from funnelnb.data.load import load
from funnelnb.playbooks import playbook_from_stages
from funnelnb.show.text.errors import error_text
from funnelnb.show.text.words import words

STAGES = ["lead", "offer", "won"]


@pytest.fixture
def deals():
    return pd.DataFrame({
        "opportunity_id": ["a", "b"], "stage": ["offer", "won"], "outcome": ["open", "won"],
        "created_at": pd.to_datetime(["2026-01-05", "2026-01-07"]), "closed_at": pd.to_datetime([None, "2026-02-01"]),
    })  # fmt: skip


def test_the_machine_tells_what_is_free():
    assert free_bytes() > 10_000_000


def test_a_text_that_does_not_fit_is_refused_before_it_is_read_and_can_be_allowed(
    deals, tmp_path, monkeypatch
):
    path = tmp_path / "big.csv"
    deals.to_csv(path, index=False)
    size = path.stat().st_size
    monkeypatch.setattr(limits, "free_bytes", lambda: 4 * size - 1)
    assert len(load(path, playbook=STAGES)) == 2  # a small file is not looked at
    monkeypatch.setattr(limits, "_SMALL", size - 1)
    monkeypatch.setattr("funnelnb.data.read.text.read_delimited", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(
        SourceError, match=r"(?s)big.csv: 0 MB of text take about 0.0 GB .* memory_percent = 101"
    ) as said:
        load(path, playbook=STAGES)
    assert "GB 内存" in error_text(str(said.value), words("zh"))
    assert "funnelnb import big.csv 分批转存" in error_text(str(said.value), words("zh"))
    monkeypatch.undo()
    monkeypatch.setattr(limits, "_SMALL", size - 1)
    monkeypatch.setattr(limits, "free_bytes", lambda: 4 * size - 1)
    assert len(load(path, playbook=STAGES, mapping={"limits": {"memory_percent": 101}})) == 2


def test_deals_that_only_memory_can_count_are_refused_before_they_fill_it(deals, monkeypatch):
    monkeypatch.setattr(scan, "FEW_ROWS", 1)
    monkeypatch.setattr(scan, "free_bytes", lambda: 2 * scan.ROW_BYTES - 1)
    lying = duckdb.from_df(deals)
    options = {"playbook": playbook_from_stages(STAGES), "as_of": "2026-06-30"}
    assert scan.Scan(lying, **options).stage_counts().deal_n.tolist() == [
        2
    ]  # DuckDB gives them piece by piece
    lying = polars.from_pandas(deals).lazy()
    with pytest.raises(FunnelError, match="2 rows take about 0") as said:
        scan.Scan(lying, **options).stage_counts()
    assert "逐个推算" in error_text(str(said.value), words("zh"))
    lying = duckdb.from_df(deals)
    history = duckdb.from_df(pd.DataFrame({
        "opportunity_id": ["a", "a", "b", "b", "b"], "stage": ["lead", "offer", *STAGES],
        "entered_at": pd.to_datetime(["2026-01-05", "2026-01-09", "2026-01-07", "2026-01-08", "2026-02-01"]),
    }))  # fmt: skip
    assert scan.Scan(lying, history, **options).stage_counts().reached_n.tolist() == [[2, 2, 1]]
    assert scan.Scan(deals, **options).stage_counts().deal_n.tolist() == [2]  # what is in memory already fits
    monkeypatch.setattr(scan, "free_bytes", lambda: 2 * scan.ROW_BYTES)
    assert scan.Scan(lying, **options).stage_counts().deal_n.tolist() == [2]
