"""The three endings: counts by hand, the sample against pandas, a model's own names, and what is refused."""

import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.core.errors import MissingDataError


def deals(*outcomes, **more):
    n = len(outcomes)
    return pd.DataFrame(
        {
            "opportunity_id": [f"d{k}" for k in range(n)],
            "outcome": outcomes,
            "stage": ["need_known" if one != "won" else "signed" for one in outcomes],
            "created_at": ["2026-01-01"] * n,
            "closed_at": [None if one == "open" else "2026-01-11" for one in outcomes],
            "amount": [10.0 * (k + 1) for k in range(n)],
            **more,
        }
    )


def book(frame, model="opportunity"):
    stages = fn.playbooks.load_playbook(model).stage_ids
    frame = frame.assign(stage=[stages[0] if one != "won" else stages[-1] for one in frame["outcome"]])
    return fn.load(frame, playbook=model, as_of="2026-02-01")


def test_by_hand() -> None:
    frame = deals(
        "won", "lost_competitor", "lost_competitor", "lost_no_decision", "lost", "open", "left",
        lost_reason=[None, "price", "price", "budget", None, None, None],
    )  # fmt: skip
    result = fn.customers.endings(book(frame))
    rows = {row.ending: row for row in result.rows}
    assert {name: row.deal_n for name, row in rows.items()} == {
        "won": 1, "lost_competitor": 2, "lost_no_decision": 1, "lost": 1,
    }  # fmt: skip
    assert (result.n, result.open_n, result.left_n) == (5, 1, 1)
    assert rows["lost_competitor"].deal_share == 0.4 and rows["lost_competitor"].deal_amount == 50.0
    assert rows["lost_competitor"].share_ci_lower < 0.4 < rows["lost_competitor"].share_ci_upper
    assert rows["lost_competitor"].reasons == "price" and rows["won"].last_stage == ""
    assert rows["won"].median_days == 10.0
    assert "endings_untold" in {note.code for note in result.notes}
    assert "Customer chose another" in result.text("en") and "客户停止采购" in result.text("zh")


def test_the_sample_against_pandas() -> None:
    sample = fn.sample()
    result = fn.customers.endings(sample, by="region")
    table = sample.opportunities
    closed = table[table["outcome"].isin(["won", "lost", "lost_competitor", "lost_no_decision"])]
    counts = closed.groupby(["region", "outcome"]).size()
    groups = [row for row in result.rows if row.group]
    assert groups and all(row.deal_n == counts[row.group[0], row.ending] for row in groups)
    for region, n in closed.groupby("region").size().items():
        mine = [row for row in groups if row.group == (region,)]
        assert sum(row.deal_share for row in mine) == pytest.approx(1) and mine[0].closed_n == n


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(MissingDataError, match="chose another or stopped buying"):
        fn.customers.endings(book(deals("won", "lost", "open")))
    with pytest.raises(MissingDataError, match="no deal has ended"):
        fn.customers.endings(book(deals("open", "open")))
    with pytest.raises(MissingDataError, match="regoin"):
        fn.customers.endings(fn.sample(), by="regoin")
