"""One definition, five engines: counting where the rows lie gives the ledger's counts."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funnelnb as fn
from funnelnb.batch.counted import count_regions
from funnelnb.core.errors import FunnelError, MissingDataError, ParameterError
from funnelnb.data.count import held
from funnelnb.data.count.counts import StandingFor
from funnelnb.data.count.groups import Cohort
from funnelnb.data.count.scan import Scan
from funnelnb.data.count.tally import stage_counts, stay_counts, time_counts
from funnelnb.data.ledger.build import ledger_of
from funnelnb.data.ledger.codes import Codes
from tests.analysis.floors import random_floor
from tests.conftest import ROOT
from tests.data.floors import at, book, frames, messy_deals, messy_floor, playbook
from tests.data.reference import Recorded

if TYPE_CHECKING:
    from pathlib import Path

    from funnelnb.data.ledger.ledger import Ledger
    from funnelnb.playbooks.model import Playbook

MODELS = [playbook(3, 1), playbook(1, 0), playbook(4, 2)]
AMOUNT = 1e-9  # relative: engines add in another order

Place = Callable[..., list[Any]]


def in_pandas(*tables: pd.DataFrame) -> list[Any]:
    return list(tables)


def in_polars(*tables: pd.DataFrame) -> list[Any]:
    pl = pytest.importorskip("polars")
    return [pl.from_pandas(table) for table in tables]


def in_lazy_polars(*tables: pd.DataFrame) -> list[Any]:
    return [table.lazy() for table in in_polars(*tables)]


def in_pyarrow(*tables: pd.DataFrame) -> list[Any]:
    return [pa.Table.from_pandas(table, preserve_index=False) for table in tables]


def in_duckdb(*tables: pd.DataFrame) -> list[Any]:
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    return [connection.from_arrow(table) for table in in_pyarrow(*tables)]


ENGINES: dict[str, tuple[Place, bool | None]] = {
    "pandas": (in_pandas, None),
    "polars": (in_polars, None),
    "pyarrow": (in_pyarrow, None),
    "pandas expressions": (in_pandas, True),
    "polars expressions": (in_polars, True),
    "lazy polars": (in_lazy_polars, None),
    "duckdb": (in_duckdb, None),
}


def same(found: Any, wanted: Any) -> None:
    """Demand equal integers and texts, and amounts but for the order of summation."""
    for field in fields(wanted):
        one, other = getattr(found, field.name), getattr(wanted, field.name)
        if isinstance(other, np.ndarray) and other.dtype == np.float64:
            np.testing.assert_allclose(one, other, rtol=AMOUNT, atol=1e-6, err_msg=field.name)
        elif isinstance(other, np.ndarray):
            assert one.dtype == other.dtype, field.name
            assert one.tolist() == other.tolist(), field.name
        elif isinstance(other, StandingFor):
            same(one, other)
        else:
            assert one == other, field.name


def same_counts(scan: Scan, ledger: Ledger, model: Playbook, *, thorough: bool = True) -> None:
    last = len(model.stages) - 1
    for by in ((), ("region", "team"), (Cohort("month"),)) if thorough else (("region",), (Cohort("week"),)):
        same(scan.stage_counts(by), stage_counts(ledger, by))
        same(scan.stay_counts(by), stay_counts(ledger, by))
        same(scan.time_counts(0, model.won, by), time_counts(ledger, 0, model.won, by))
    if last > 1:
        same(
            scan.time_counts(1, last, Cohort("quarter", 1)),
            time_counts(ledger, 1, last, Cohort("quarter", 1)),
        )
    counted = {note.code: dict(note.values) | {"examples": ""} for note in scan.notes}
    wanted = {
        note.code: dict(note.values) | {"examples": ""} for note in ledger.notes if "of_n" in note.values
    }
    assert {code: facts for code, facts in counted.items() if "of_n" in facts} == wanted


def floor(seed: int, model: Playbook, deal_n: int = 400) -> tuple[list[Recorded], int, int | None]:
    """Return messy deals, an as-of date that cuts some of them (or none), and perhaps a late start."""
    deals = messy_floor(seed, deal_n, model=model, seconds=seed % 2 == 1)
    return deals, at(70 if seed % 3 else 400), at(20) if seed % 2 else None


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_counts_alike(engine: str, seed: int) -> None:
    model = MODELS[seed % len(MODELS)]
    deals, as_of, since = floor(seed, model)
    ledger = ledger_of(book(deals, model=model, as_of=as_of, observed_from=since))
    place, in_engine = ENGINES[engine]
    opportunities, history = place(*frames(deals, model))
    facts = {"playbook": model, "as_of": np.datetime64(as_of, "s"), "in_engine": in_engine}
    if since is not None:
        facts["observed_from"] = np.datetime64(since, "s")
    same_counts(Scan(opportunities, history, **facts), ledger, model, thorough=seed < 2)


def test_cut_into_parts_it_counts_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables that do not fit into memory are counted part by part: nothing is lost, nothing counted twice."""
    monkeypatch.setattr(held, "PART_ROWS", 300)
    floor = random_floor(3, deal_n=300).book()
    tables = [floor.tables[name] for name in ("opportunities", "stage_history")]
    facts = {"playbook": floor.playbook, "as_of": floor.as_of}
    scan = Scan(*in_duckdb(*tables), **facts)
    monkeypatch.setattr(Scan, "ledger", property(lambda _: pytest.fail("deals were pulled into memory")))
    assert len(scan._relations) > 2
    same(scan.stage_counts("region"), stage_counts(floor.ledger, "region"))
    same(scan.stay_counts(("size", Cohort("month"))), stay_counts(floor.ledger, ("size", Cohort("month"))))
    same(scan.time_counts(0, 2, "region"), time_counts(floor.ledger, 0, 2, "region"))
    twice = pd.concat([tables[0]] * 2)
    with pytest.raises(FunnelError, match=f"{2 * len(tables[0])} deals but {len(tables[0])} different ids"):
        Scan(*in_duckdb(twice), **facts).stage_counts()


@pytest.mark.engine_spark
@pytest.mark.parametrize("seed", [0, 1])
def test_spark_counts_alike(spark: Any, seed: int) -> None:
    model = MODELS[seed]
    deals, as_of, since = floor(seed, model)
    ledger = ledger_of(book(deals, model=model, as_of=as_of, observed_from=since))
    kind = "timestamp_ntz" if seed else "timestamp"
    opportunities, history = frames(deals, model)
    schemas = (
        f"opportunity_id string, created_at {kind}, closed_at {kind}, outcome string, stage string, amount double, "
        "region string, team string",
        f"opportunity_id string, stage string, entered_at {kind}",
    )
    placed = [
        spark.createDataFrame(plain(one), schema)
        for one, schema in zip((opportunities, history), schemas, strict=True)
    ]
    facts = {"playbook": model, "as_of": np.datetime64(as_of, "s")}
    if since is not None:
        facts["observed_from"] = np.datetime64(since, "s")
    same_counts(Scan(*placed, **facts), ledger, model, thorough=False)


@pytest.mark.engine_spark
def test_regions_counted_in_spark(spark: Any, tmp_path: Path) -> None:
    """The page of all regions says the same from PySpark as from a lazy frame, and no deal is collected."""
    pl = pytest.importorskip("polars")
    floor = random_floor(3, deal_n=300).book()
    tables = [floor.tables[name] for name in ("opportunities", "stage_history")]
    facts = {"playbook": floor.playbook, "as_of": floor.as_of}
    pages = [
        count_regions(Scan(*placed, **facts), tmp_path / name, by="region", horizon_days=60).read_text()
        for name, placed in {
            "spark": [
                spark.createDataFrame(pa.Table.from_pandas(one, preserve_index=False)) for one in tables
            ],
            "polars": [pl.from_pandas(one).lazy() for one in tables],
        }.items()
    ]
    assert pages[0] == pages[1]


@settings(max_examples=40, deadline=None)
@given(deals=messy_deals(positions=5), as_of=st.integers(-1, 10).map(at))
def test_expressions_and_arrays_agree_on_anything(deals: list[Recorded], as_of: int) -> None:
    model = playbook()
    ledger = ledger_of(book(deals, as_of=as_of))
    scan = Scan(
        *in_polars(*frames(deals, model)), playbook=model, as_of=np.datetime64(as_of, "s"), in_engine=True
    )
    same_counts(scan, ledger, model, thorough=False)


def tables(**columns: Any) -> pd.DataFrame:
    opportunities, _ = frames([Recorded(created=at(1)), Recorded(created=at(2), region="East")], playbook())
    return opportunities.assign(**columns)


@pytest.mark.parametrize("in_engine", [True, False])
def test_scan_refuses_what_loading_would_refuse(in_engine: bool) -> None:
    facts = {"playbook": playbook(), "as_of": "2026-06-30", "in_engine": in_engine}
    with pytest.raises(FunnelError, match="2 deals"):
        Scan(tables(opportunity_id="d0"), **facts).stage_counts()
    with pytest.raises(FunnelError, match=r"(?s)outcome 'wonn'.*did you mean 'won'"):
        Scan(tables(outcome=["open", "wonn"]), **facts).stage_counts()
    with pytest.raises(ParameterError, match=r"(?s)'regio'.*did you mean 'region'"):
        Scan(tables(), **facts).stay_counts("regio")
    with pytest.raises(ParameterError, match="origin = 3"):
        Scan(tables(), **facts).time_counts(3, 1)
    with pytest.raises(MissingDataError, match="opportunity_id"):
        Scan(tables().drop(columns="opportunity_id"), **facts)
    with pytest.raises(MissingDataError, match="'created_at'"):
        Scan(tables(created_at="yesterday"), **facts).stage_counts()


def alone(book: Any) -> Any:
    """The same deals without accounts and owners: an engine takes deals for independent, and says so of accounts."""
    deals = book.opportunities.drop(columns=["account_id", "owner"])
    return replace(book, tables={**book.tables, "opportunities": deals})


def test_a_scan_says_that_it_takes_deals_for_independent() -> None:
    sample = fn.sample()
    facts = {"playbook": sample.playbook, "as_of": sample.as_of}
    for one, said in ((sample, True), (alone(sample), False)):
        scan = Scan(*in_lazy_polars(one.opportunities, one.tables["stage_history"]), **facts)
        assert ("accounts_not_counted" in {note.code for note in scan.notes}) is said


@pytest.mark.parametrize("day", ["2026-03-31", "2025-10-15", "2024-12-01"])
def test_cut_at_load_or_while_counting(day: str) -> None:
    """Two as-of cuts written independently, that of loading and that of the ledger, leave the same deals."""
    whole = fn.sample()
    early = alone(fn.load(ROOT / "data/sample", playbook=whole.playbook, as_of=day))
    later = in_lazy_polars(whole.tables["opportunities"], whole.tables["stage_history"])
    scan = Scan(*later, playbook=whole.playbook, as_of=early.as_of)
    for found, wanted in [
        (scan.stage_counts("region"), stage_counts(early.ledger, "region")),
        (scan.stay_counts(), stay_counts(early.ledger)),
        (scan.time_counts(0, 5), time_counts(early.ledger, 0, 5)),
    ]:
        for field in fields(wanted):
            if field.name.endswith("_n") or field.name in ("n", "time_s", "outcome", "groups"):
                one, other = getattr(found, field.name), getattr(wanted, field.name)
                assert np.array_equal(one, other), field.name


def test_an_analysis_cannot_tell_a_scan_from_a_book() -> None:
    sample = alone(fn.sample())
    placed = in_duckdb(sample.tables["opportunities"], sample.tables["stage_history"])
    scan = Scan(*placed, playbook=sample.playbook, as_of=sample.as_of, currency=sample.currency)
    for question, arguments in (
        (fn.conversion, {"by": "region"}),
        (fn.cohort, {}),
        (fn.segments, {"by": "region", "adjust_for": None}),
    ):
        found, wanted = question(scan, **arguments).to_frame(), question(sample, **arguments).to_frame()
        pd.testing.assert_frame_equal(found, wanted, rtol=1e-9)


def test_codes_of_a_ledger_group_no_scan() -> None:
    own = Codes(codes=np.zeros(2, np.int32), labels=("all",), name="own")
    with pytest.raises(ParameterError, match="codes of a ledger"):
        Scan(*in_lazy_polars(tables()), playbook=playbook(), as_of="2026-06-30").stage_counts(own)


@pytest.mark.parametrize(
    "engine", ["pandas", "polars", "pyarrow", "polars expressions", "lazy polars", "duckdb"]
)
def test_other_types_of_the_same_facts(engine: str) -> None:
    """Ids as numbers, dates instead of times, zones, flags and categories: read alike in every engine."""
    deals = [
        Recorded(
            created=at(1),
            closed=at(9),
            outcome="won",
            rows=[(at(1), 0), (at(4), 1)],
            amount=5.0,
            region="West",
        ),
        Recorded(created=at(2), rows=[(at(2), 0)], amount=7.0, region="East"),
        Recorded(created=at(3), closed=at(5), outcome="lost", stage=1, region="East"),
    ]
    model = playbook()
    wanted = ledger_of(book(deals, as_of=at(30)))
    opportunities, history = frames(deals, model)
    table, rows = in_pyarrow(opportunities, history)
    place = {"d0": 10, "d1": 11, "d2": 12}
    table = table.set_column(0, "opportunity_id", pa.array([10, 11, 12]))
    rows = rows.set_column(0, "opportunity_id", pa.array([place[one] for one in history["opportunity_id"]]))
    table = table.set_column(1, "created_at", table["created_at"].cast(pa.date32()))
    table = table.set_column(6, "region", pa.array([True, False, False]))
    rows = rows.set_column(2, "entered_at", rows["entered_at"].cast(pa.timestamp("us", "UTC")))
    placed: list[Any] = [table, rows]
    if "polars" in engine:
        placed = [pytest.importorskip("polars").from_arrow(one) for one in placed]
        placed = [one.lazy() for one in placed] if engine == "lazy polars" else placed
    elif engine == "pandas":
        placed = [one.to_pandas() for one in placed]
    elif engine == "duckdb":
        connection = pytest.importorskip("duckdb").connect()
        connection.execute("SET TimeZone = 'UTC'")
        placed = [connection.from_arrow(one) for one in placed]
    scan = Scan(*placed, playbook=model, as_of="2026-01-31", in_engine=ENGINES[engine][1])
    found = scan.stage_counts("region")
    assert found.groups == (("false",), ("true",))
    assert found.reached_n.tolist() == stage_counts(wanted, "region").reached_n.tolist()
    same(scan.time_counts(0, 3), time_counts(wanted, 0, 3))
    same(scan.stay_counts(), stay_counts(wanted))


@pytest.mark.parametrize("engine", ["polars", "lazy polars", "duckdb"])
def test_ids_as_numbers_in_one_table_and_text_in_the_other(engine: str) -> None:
    model = playbook()
    deals = [Recorded(created=at(1), rows=[(at(2), 1)]), Recorded(created=at(1), rows=[(at(3), 2)])]
    opportunities, history = frames(deals, model)
    opportunities["opportunity_id"] = opportunities["opportunity_id"].str[1:].astype("int64")
    history["opportunity_id"] = history["opportunity_id"].str[1:]
    scan = Scan(*ENGINES[engine][0](opportunities, history), playbook=model, as_of="2026-06-30")
    assert scan.stage_counts().reached_n.tolist() == [[2, 2, 1, 0, 0]]


@pytest.mark.parametrize("engine", ["pandas", "pandas expressions", "lazy polars", "duckdb"])
def test_the_least_that_a_scan_needs(engine: str) -> None:
    place, in_engine = ENGINES[engine]
    scan = Scan(
        *place(tables()[["opportunity_id"]]), playbook=playbook(), as_of="2026-06-30", in_engine=in_engine
    )
    assert scan.stage_counts().reached_n.tolist() == [[2, 0, 0, 0, 0]]
    assert scan.stay_counts().still_n.tolist() == [[2, 0, 0, 0, 0]]
    assert scan.time_counts(0, 3).unknown_n.tolist() == [2]
    assert {note.code for note in scan.notes} == {
        "history_missing",
        "stage_unknown",
        "created_unknown",
        "amount_unknown",
    }
    assert scan.attributes == ()


def test_what_duckdb_held_goes_with_the_scan() -> None:
    connection = pytest.importorskip("duckdb").connect()
    scan = Scan(connection.from_arrow(in_pyarrow(tables())[0]), playbook=playbook(), as_of="2026-06-30")
    scan.stage_counts()
    count = "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'funnelnb_held%'"
    assert connection.execute(count).fetchall() == [(2,)]  # stays and moments
    del scan
    gc.collect()
    assert connection.execute(count).fetchall() == [(0,)]


def plain(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return rows of plain Python values, None where missing."""
    columns = []
    for name in frame:
        values = frame[name].dt.to_pydatetime() if frame[name].dtype.kind == "M" else frame[name]
        columns.append([None if pd.isna(value) else value for value in values])
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize(("lang", "word"), [("en", "takes them as independent"), ("zh", "数据库")])
def test_what_an_engine_does_not_count_stands_on_the_page(lang, word) -> None:
    """A reader of the page sees that intervals are too narrow where accounts have several deals."""
    sample = fn.sample()
    scan = Scan(
        *in_lazy_polars(sample.opportunities, sample.tables["stage_history"]),
        playbook=sample.playbook,
        as_of=sample.as_of,
    )
    result = fn.conversion(scan, horizon_days=90)
    assert word in result.text(lang)
