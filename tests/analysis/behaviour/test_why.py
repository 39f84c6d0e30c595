"""Drivers: planted effects are found, null logs stay empty, later steps do not leak; paths by hand."""

import numpy as np

import funnelnb as fn
from tests.analysis.behaviour.made import log_of


def null_log(rng, n=300, effect=0.0):
    """Arrivals with five properties and a prior event, of which at most one property does anything."""
    rows = []
    for user in range(n):
        day = rng.uniform(0, 20)
        values = tuple(str(rng.integers(0, 3)) for _ in range(5))
        if rng.random() < 0.4:
            rows.append((user, "browse", day - 0.1, *values))
        rows.append((user, "visit", day, *values))
        if rng.random() < 0.3 + effect * (values[0] == "0"):
            rows.append((user, "pay", day + rng.uniform(0, 3), *values))
    rows.append((n, "other", 40.0, *("0",) * 5))
    return log_of(rows, properties=list("vwxyz"))


def test_null_logs_have_no_drivers():
    rng = np.random.default_rng(1)
    empty = sum(
        not fn.behaviour.drivers(null_log(rng, 150), ["visit", "pay"], within="7d").rows for _ in range(60)
    )
    assert empty / 60 >= 0.9


def test_a_planted_effect_is_found():
    result = fn.behaviour.drivers(
        null_log(np.random.default_rng(2), effect=0.35), ["visit", "pay"], within="7d"
    )
    assert {row.name for row in result.rows} == {"v"}
    first = next(row for row in result.rows if row.setting == "0")
    assert first.difference_ci_lower < 0.35 < first.difference_ci_upper


def test_steps_do_not_explain_themselves():
    rng = np.random.default_rng(3)
    rows = [(u, "visit", 0.0) for u in range(100)] + [(u, "cart", 0.5) for u in range(50)]
    rows += (
        [(u, "pay", 1.0) for u in range(50)] + [(u, "ad", 2.0) for u in range(50)] + [(100, "other", 30.0)]
    )
    log = log_of(rows)
    del rng
    result = fn.behaviour.drivers(log, ["visit", "cart", "pay"], within="7d", after="1d")
    assert "cart" not in {row.name for row in (*result.rows, *result.others)}
    assert "ad" not in {row.name for row in result.rows}  # it came after the landmark


def test_paths_by_hand():
    log = log_of([
        ("a", "cart", 0), ("a", "home", 0.1), ("a", "home", 0.2), ("a", "help", 0.3),
        ("b", "cart", 0), ("b", "home", 0.1), ("b", "help", 0.2),
        ("c", "cart", 0), ("d", "cart", 0), ("d", "pay", 0.5), ("z", "x", 30),
    ])  # fmt: skip
    result = fn.behaviour.paths(log, ["cart", "pay"], within="1d", length=2)
    assert [(row.path, row.n) for row in result.rows] == [(("cart", "home", "help"), 2), (("cart",), 1)]
    assert [(one.source, one.target, one.n) for one in result.links if one.place == 1] == [
        ("cart", "home", 2), ("cart", "", 1),
    ]  # fmt: skip
    before = fn.behaviour.paths(log, ["home", "pay"], side="before", who="reached", length=1, within="1d")
    assert [(row.path, row.n) for row in before.rows] == [(("cart", "home"), 2)]
