"""Twenty thousand owners are read at once, and each as if it were alone."""

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.analysis.shared import by_day
from funnelnb.simulate import Floor, simulate


@pytest.mark.parametrize("accounts", [False, True])
def test_groups_read_at_once_say_what_each_says_alone(
    accounts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor = simulate(Floor(deals_n=1500), seed=3)
    rng = np.random.default_rng(3)
    owner = rng.integers(0, 230, 1500)
    deals = (
        floor.tables["opportunities"].drop(columns="account_id").assign(owner=[f"p{one}" for one in owner])
    )
    if accounts:
        deals["account_id"] = [f"a{one}-{rng.integers(0, 3)}" for one in owner]
    tables = {"opportunities": deals, "stage_history": floor.tables["stage_history"]}
    book = fn.load(tables, playbook=floor.playbook, as_of=floor.as_of, currency=floor.currency)
    at_once = fn.conversion(book, by="owner", horizon_days=60)
    monkeypatch.setattr(by_day, "MANY_N", 10**9)
    alone = fn.conversion(book, by="owner", horizon_days=60)
    pd.testing.assert_frame_equal(at_once.to_frame(), alone.to_frame(), rtol=1e-12, atol=1e-13)
    assert at_once.notes == alone.notes
    np.testing.assert_array_equal(at_once.curves[5].won_rate, alone.curves[5].won_rate)
