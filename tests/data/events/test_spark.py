"""On Spark the same counts come out, no events are collected, and random logs agree with the reference."""

import json

import numpy as np
import pandas as pd
import pytest

from funnelnb.data.events.counts import Cut, count
from funnelnb.data.events.definition import define
from funnelnb.data.events.in_place import scan
from funnelnb.data.events.load import events
from tests.data.events import reference
from tests.data.events.test_scan import CUTS, MODES, frame, told

pyspark = pytest.importorskip("pyspark")
pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")


def framed(spark, table):
    """A Spark frame of a pandas one, by way of Arrow."""
    import pyarrow as pa

    return spark.createDataFrame(pa.Table.from_pandas(table, preserve_index=False))


@pytest.mark.parametrize("mode", ["plain", "strict", "excluded", "any", "held"])
def test_spark_counts_as_memory(spark, mode):
    table = frame(11, 1500, 60)
    steps, options = MODES[mode]
    definition = define(steps, **options)
    log = scan(framed(spark, table))
    cut = CUTS["groups"] if mode in ("plain", "strict") else Cut()
    assert told(count(log, definition, cut)) == told(count(events(table), definition, cut))


def test_the_plan_collects_no_events(spark):
    log = scan(framed(spark, frame(12, 500, 30)), as_of="2026-01-02")
    plan = log.plan(define(["A", "B"], within="600s"))
    text = plan._jdf.queryExecution().toString()
    assert "FlatMapGroupsInArrow" in text
    assert plan.count() < 400  # counts: a few rows per part, not one per event


def test_ten_thousand_random_logs_agree_with_the_reference(spark):
    """All logs in one frame, one group each: heavy ties, against the row-by-row reference."""
    rng = np.random.default_rng(13)
    logs = 10_000
    size = rng.integers(1, 8, logs)
    who = np.repeat(np.arange(logs), size)
    letters, second = rng.choice(list("ABCX"), len(who)), rng.integers(0, 5, len(who))
    table = pd.DataFrame({
        "user_id": who, "event": letters, "time": pd.Timestamp("2026-01-01") + pd.to_timedelta(second, unit="s"),
        "log": [str(one) for one in who],
    })  # fmt: skip
    definition = define(["A", "B", "C"], within="3s", exclude=["X"])
    counted = count(scan(framed(spark, table), as_of="2026-01-02"), definition, Cut(by=("log",)))
    found = {group[0]: counted.reached_n[g].tolist() for g, group in enumerate(counted.groups)}
    code = {"A": (1, 0), "B": (2, 0), "C": (4, 0), "X": (0, 1)}
    start = 0
    for number, length in enumerate(size.tolist()):
        rows = sorted(
            zip(second[start : start + length], letters[start : start + length], strict=False),
            key=lambda one: one[0],
        )
        plain = [(int(at) * 1_000_000, *code[str(letter)]) for at, letter in rows]
        expected = reference.count({0: plain}, definition, 10**12)["reached"]
        assert found.get(str(number), [0, 0, 0]) == expected, json.dumps(plain)
        start += length
