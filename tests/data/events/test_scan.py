"""Counting where the log lies gives what counting in memory gives: Parquet in batches, DuckDB, Spark."""

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.core.errors import FunnelError
from funnelnb.data.events.counts import Cut, count
from funnelnb.data.events.definition import define, exclusion, step
from funnelnb.data.events.in_place import scan
from funnelnb.data.events.load import events

NAMES = np.array(list("ABCDX"))


def frame(seed=0, rows=2000, users=75, *, text=False):
    """A log full of ties and repeats."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, users, rows)
    second = rng.integers(0, 4000, rows)
    return pd.DataFrame({
        "user_id": np.array([f"user {k}" for k in who]) if text else who.astype(np.int64) * 7919 - 3,
        "event": rng.choice(NAMES, rows, p=[0.3, 0.25, 0.2, 0.15, 0.1]),
        "time": pd.Timestamp("2026-01-01") + pd.to_timedelta(second, unit="s"),
        "plan": rng.choice(["p", "q", ""], rows),
        "price": np.where(rng.random(rows) < 0.5, rng.integers(1, 9, rows), np.nan),
    })  # fmt: skip


MODES = {
    "plain": (["A", "B", "C"], {"within": "600s"}),
    "no window": (["A", "B", "C", "D"], {}),
    "one step": (["A"], {"within": "1h"}),
    "strict": (["A", "B", "C"], {"within": "600s", "order": "strict"}),
    "any": (["A", "B", "C"], {"within": "600s", "order": "any"}),
    "anchored": (["A", step("B", anchored=True), "C", "D"], {"within": "600s", "order": "any"}),
    "first ever": (["A", step("B", first_ever=True)], {"within": "2000s"}),
    "first ever strict": ([step("A", first_ever=True), "B"], {"within": "2000s", "order": "strict"}),
    "event twice": (["A", "B", "A"], {"within": "600s"}),
    "alternatives": ([["A", "B"], "C"], {"within": "600s"}),
    "excluded": (["A", "B", "C"], {"within": "900s", "exclude": [exclusion("X", after=1, before=2)]}),
    "optional": (["A", step("B", optional=True), "C"], {"within": "600s"}),
    "first": (["A", "B", "C"], {"within": "600s", "attempt": "first"}),
    "every": (["A", "B", "C"], {"within": "600s", "attempt": "every"}),
    "start": (["A", "B"], {"within": "600s", "attempt": "start"}),
    "after": (["A", "B", "C"], {"within": "600s", "ties": "after"}),
    "grace": (["A", "B", "C"], {"within": "600s", "grace": "30s"}),
    "held": (["A", "B"], {"within": "2000s", "hold": "plan"}),
    "per plan": (["A", "B"], {"within": "60s", "per": "plan", "attempt": "every"}),
    "filter": (["A", step("B", where={"price": (">", 4)})], {"within": "2000s"}),
    "gap": (["A", "B", "C"], {"gap": "300s", "edge": "out"}),
    "strict every": (["A", "B", "C"], {"within": "600s", "order": "strict", "attempt": "every"}),
    "strict nothing": (["A", "B", "C"], {"order": "strict", "between": "nothing", "ties": "after"}),
    "strict strangers": (["A", "B", "C"], {"within": "900s", "order": "strict", "between": "strangers"}),
    "strict excluded": (
        ["A", "B", "C"],
        {"within": "900s", "order": "strict", "exclude": ["X"], "repeats": "stop"},
    ),
    "strict gap": (["A", "B"], {"within": "600s", "gap": "60s", "order": "strict"}),
    "grain": (["A", "B"], {"within": "600s", "grain": "1min", "twins": "once"}),
}
CUTS = {"whole": Cut(), "groups": Cut(by=("plan",), value="price"), "trend": Cut(period="day", by=("plan",))}


def told(counts):
    """What two ways of counting must agree on."""
    by_group = dict(zip(counts.groups, range(len(counts.groups)), strict=True))
    found = {"void": counts.void_n}
    for group, g in sorted(by_group.items()):
        for name in ("reached_n", "advanced_n", "running_n", "dropped_n", "whole_n", "known_n"):
            found[group, name] = getattr(counts, name)[g].tolist()
        found[group, "amount"] = [round(one, 6) for one in counts.amount[g].tolist()]
        found[group, "design"] = [round(one, 9) for one in counts.design[g].tolist()]
        for number, spans in enumerate((*counts.steps, counts.whole)):
            mine = spans.of(g)
            found[group, "span", number] = list(
                zip(mine.days.round(12).tolist(), mine.done.tolist(), mine.n.tolist(), strict=False)
            )
    return found


def packable_in(log, definition):
    """Whether the ids, times and steps of a log fit into one key."""
    return log._packed(definition, Cut(), 1.0, None) is not None


@pytest.mark.parametrize("mode", MODES)
def test_parquet_in_batches_counts_as_memory(tmp_path, mode):
    steps, options = MODES[mode]
    definition = define(steps, **options)
    for text in (False, True):
        table = frame(len(mode), text=text)
        table.to_parquet(tmp_path / "log.parquet", row_group_size=333)
        log, held = scan(tmp_path / "log.parquet"), events(table)
        for cut in CUTS.values():
            assert told(count(log, definition, cut)) == told(count(held, definition, cut))
        assert log.reached(definition) == count(held, definition).reached_n.sum(axis=0).tolist()


def test_each_value_apart_counts_as_the_values_one_by_one(tmp_path):
    """Split by the value first: every group is what the log of that value alone gives, in memory and where it lies."""
    table = frame(6)
    table.to_parquet(tmp_path / "log.parquet", row_group_size=333)
    for options in ({"within": "2000s"}, {"order": "any"}, {"order": "strict", "attempt": "every"}):
        alone = {one: fn.funnel(events(table).where(plan=one), ["A", "B"], **options) for one in ("p", "q")}
        for log in (events(table), scan(tmp_path / "log.parquet")):
            found = fn.funnel(log, ["A", "B"], by="plan", credit="each", **options)
            for row in found.steps:
                (other,) = (one for one in alone[row.group[0]].steps if one.step == row.step)
                assert (row.reached_n, row.running_n) == (other.reached_n, other.running_n)
            assert "events_each" in {note.code for note in found.notes}
    with pytest.raises(FunnelError, match="without groups"):
        fn.funnel(events(table), ["A", "B"], credit="each")
    with pytest.raises(FunnelError, match="share nobody"):
        fn.behaviour.compare(events(table), ["A", "B"], by="plan", credit="each")


@pytest.mark.parametrize("mode", ["strict", "any", "excluded", "every"])
def test_ids_that_fill_the_key_are_counted_without_it(tmp_path, mode):
    """Whole-number ids from one end of 64 bits to the other leave no room for times."""
    steps, options = MODES[mode]
    definition = define(steps, **options)
    small = frame(11)
    spread = [(one * 0x9E3779B97F4A7C15) % 2**62 for one in small["user_id"].tolist()]
    wide = small.assign(user_id=np.array(spread, np.int64))
    wide.to_parquet(tmp_path / "wide.parquet")
    small.to_parquet(tmp_path / "small.parquet")
    assert not packable_in(scan(tmp_path / "wide.parquet"), definition)
    assert packable_in(scan(tmp_path / "small.parquet"), definition)
    assert told(count(scan(tmp_path / "wide.parquet"), definition)) == told(count(events(small), definition))


def test_ten_thousand_logs_full_of_ties_count_as_memory(tmp_path):
    """Six rows each on twelve instants: nothing but ties, repeats and breaks."""
    rng = np.random.default_rng(8)
    table = pd.DataFrame({
        "user_id": rng.permutation(np.repeat(np.arange(10_000), 6)),
        "event": rng.choice(NAMES, 60_000, p=[0.35, 0.25, 0.15, 0.1, 0.15]),
        "time": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 12, 60_000), unit="s"),
    })  # fmt: skip
    table.to_parquet(tmp_path / "log.parquet", row_group_size=20_000)
    log, held = scan(tmp_path / "log.parquet"), events(table)
    for order, more in {
        "strict": {}, "any": {}, "ordered": {"attempt": "every"},
        "strict ": {"between": "nothing", "attempt": "every"}, "ordered ": {"exclude": ["X"]},
    }.items():  # fmt: skip
        steps = ["A", step("B", anchored=True), "C"] if order == "any" else ["A", "B", "C"]
        definition = define(steps, within="7s", order=order.strip(), **more)
        assert packable_in(log, definition)
        assert told(count(log, definition)) == told(count(held, definition))


def test_a_log_larger_than_memory_is_read_several_times(tmp_path):
    table = frame(5, 20_000, 700)
    table.to_parquet(tmp_path / "log.parquet", row_group_size=1000)
    log = scan(tmp_path / "log.parquet", memory_mb=0.1)
    definition = define(["A", "B", "C"], within="600s", order="strict")
    assert told(count(log, definition)) == told(count(events(table), definition))


@pytest.mark.parametrize("mode", ["plain", "strict", "excluded", "held", "any"])
def test_a_duckdb_relation_counts_as_memory(mode):
    duckdb = pytest.importorskip("duckdb")
    table = frame(7)
    relation = duckdb.from_df(table)
    steps, options = MODES[mode]
    definition = define(steps, **options)
    for cut in CUTS.values():
        assert told(count(scan(relation), definition, cut)) == told(count(events(table), definition, cut))


def test_an_unknown_step_is_named_after_the_scan(tmp_path):
    frame().to_parquet(tmp_path / "log.parquet")
    with pytest.raises(Exception, match="no event is called 'Z'"):
        count(scan(tmp_path / "log.parquet"), define(["A", "Z"]))
    with pytest.raises(Exception, match="known to be the actor"):
        frame().rename(columns={"user_id": "whom"}).to_parquet(tmp_path / "other.parquet")
        scan(tmp_path / "other.parquet")


def test_hostile_names_stay_names(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    table = frame(3).replace({"event": {"A": "A' OR '1'='1", "B": 'x"; DROP TABLE y; --'}})
    table = table.rename(columns={"plan": 'pl"an'})
    definition = define(["A' OR '1'='1", 'x"; DROP TABLE y; --'], within="600s")
    cut = Cut(by=('pl"an',))
    assert told(count(scan(duckdb.from_df(table)), definition, cut)) == told(
        count(events(table), definition, cut)
    )
