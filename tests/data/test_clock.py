"""One clock for all times, whatever the data came from: the zone asked for, else UTC."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import funnelnb as fn
from funnelnb.core.check import timestamp
from funnelnb.core.errors import MappingError, ParameterError

STAGES = ["lead", "offer", "won"]
UTC = dt.UTC
# the day boundary of Shanghai; both sides of the clock changes of Berlin 2026 (29 March, 25 October); midsummer
MOMENTS = [
    dt.datetime(2026, 3, 5, 23, 30, tzinfo=UTC),
    dt.datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
    dt.datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    dt.datetime(2026, 7, 15, 12, 0, tzinfo=UTC),
    dt.datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    dt.datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
]
BY_HAND = {
    "": ["2026-03-05 23:30:00", "2026-03-29 00:59:59", "2026-03-29 01:00:00", "2026-07-15 12:00:00",
         "2026-10-25 00:30:00", "2026-10-25 01:30:00"],
    "Asia/Shanghai": ["2026-03-06 07:30:00", "2026-03-29 08:59:59", "2026-03-29 09:00:00", "2026-07-15 20:00:00",
                      "2026-10-25 08:30:00", "2026-10-25 09:30:00"],
    "Europe/Berlin": ["2026-03-06 00:30:00", "2026-03-29 01:59:59", "2026-03-29 03:00:00", "2026-07-15 14:00:00",
                      "2026-10-25 02:30:00", "2026-10-25 02:30:00"],
}  # fmt: skip
ZONES = sorted(BY_HAND)


def table(created: Any) -> dict[str, Any]:
    return {"opportunity_id": [f"d{k}" for k in range(len(MOMENTS))], "outcome": ["open"] * len(MOMENTS),
            "stage": ["lead"] * len(MOMENTS), "created_at": created}  # fmt: skip


def in_text() -> Any:
    return pd.DataFrame(table([one.isoformat() for one in MOMENTS]))


def in_pandas(zone: Any = "America/New_York") -> Any:
    return pd.DataFrame(table(pd.DatetimeIndex(MOMENTS).tz_convert(zone)))


def in_objects() -> Any:
    offsets = [dt.timezone(dt.timedelta(hours=k)) for k in range(len(MOMENTS))]
    mixed = [one.astimezone(zone) for one, zone in zip(MOMENTS, offsets, strict=True)]
    return pd.DataFrame(table(pd.Series(mixed, dtype="object")))


def in_arrow() -> Any:
    return pa.table(table(pa.array(MOMENTS, pa.timestamp("ms", tz="America/New_York"))))


def in_arrow_dtype() -> Any:
    return in_arrow().to_pandas(types_mapper=pd.ArrowDtype)


def in_polars() -> Any:
    pl = pytest.importorskip("polars")
    return pl.from_arrow(in_arrow())


def in_lazy_polars() -> Any:
    return in_polars().lazy()


def in_duckdb() -> Any:
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'America/New_York'")
    return connection.from_arrow(in_arrow()).project("*")


def in_seconds() -> Any:
    return pd.DataFrame(table([int(one.timestamp()) for one in MOMENTS]))


def in_milliseconds_as_text() -> Any:
    return pd.DataFrame(table([str(int(one.timestamp() * 1000)) for one in MOMENTS]))


SOURCES = {
    made.__name__: made
    for made in (in_text, in_pandas, in_objects, in_arrow, in_arrow_dtype, in_polars, in_lazy_polars,
                 in_duckdb, in_seconds, in_milliseconds_as_text)
}  # fmt: skip


def read(book: fn.Book) -> list[str]:
    return book.opportunities["created_at"].astype("str").str.slice(0, 19).tolist()


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("source", SOURCES)
def test_every_source_is_told_on_the_same_clock(source: str, zone: str) -> None:
    book = fn.load(SOURCES[source](), playbook=STAGES, timezone=zone or None, name="x")
    assert read(book) == BY_HAND[zone]
    told = [note.values for note in book.notes if note.code == "times_converted"]
    assert [(one["column"], one["timezone"]) for one in told] == [("created_at", zone or "UTC")]
    assert book.timezone == book.describe()["timezone"] == zone


def test_the_hands_agree_with_the_time_zone_database() -> None:
    for zone, told in BY_HAND.items():
        here = ZoneInfo(zone or "UTC")
        assert [one.astimezone(here).strftime("%Y-%m-%d %H:%M:%S") for one in MOMENTS] == told


@pytest.mark.parametrize("zone", ZONES)
def test_files_are_told_on_the_same_clock(tmp_path: Any, zone: str) -> None:
    pq.write_table(in_arrow(), tmp_path / "deals.parquet")
    in_text().to_csv(tmp_path / "deals.csv", index=False)
    for name in ("deals.parquet", "deals.csv"):
        book = fn.load(tmp_path / name, playbook=STAGES, timezone=zone or None)
        assert read(book) == BY_HAND[zone], name


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("place", "in_engine"),
    [("in_arrow", None)]  # PyArrow has no window functions
    + [
        (place, in_engine)
        for place in ("in_pandas", "in_arrow_dtype", "in_polars", "in_lazy_polars", "in_duckdb")
        for in_engine in (None, True)
        if (place, in_engine) != ("in_arrow_dtype", True)  # pandas' Arrow columns know no remainder
    ],
)
def test_a_scan_tells_the_same_clock(place: str, zone: str, in_engine: bool | None) -> None:
    book = fn.load(SOURCES[place](), playbook=STAGES, timezone=zone or None, name="x")
    scan = fn.Scan(SOURCES[place](), playbook=book.playbook, as_of=book.as_of, timezone=zone or None,
                   in_engine=in_engine)  # fmt: skip
    wanted = [int(np.datetime64(one).astype("datetime64[s]").astype(int)) for one in BY_HAND[zone]]
    found = scan.time_counts(0, 2)
    ages = np.repeat(found.time_s, found.n)
    assert sorted(ages) == sorted(int(scan.as_of.astype(int)) - one for one in wanted)
    assert ("times_converted", zone or "UTC") in [
        (note.code, note.values.get("timezone")) for note in scan.notes
    ]


@pytest.mark.engine_spark
@pytest.mark.parametrize("session_zone", ["UTC", "America/New_York"])
def test_spark_tells_the_same_clock(spark: Any, session_zone: str) -> None:
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", session_zone)
    try:
        rows = ", ".join(
            f"('d{k}', 'open', 'lead', timestamp'{one:%Y-%m-%d %H:%M:%S}Z')" for k, one in enumerate(MOMENTS)
        )
        deals = spark.sql(f"select * from values {rows} as t(opportunity_id, outcome, stage, created_at)")
        for zone in ZONES if session_zone == "UTC" else ["Europe/Berlin"]:
            book = fn.load(deals, playbook=STAGES, timezone=zone or None, name="x")
            assert read(book) == BY_HAND[zone]
            scan = fn.Scan(deals, playbook=book.playbook, as_of=book.as_of, timezone=zone or None)
            ages = np.repeat(*(getattr(scan.time_counts(0, 2), name) for name in ("time_s", "n")))
            wanted = np.array(BY_HAND[zone], "datetime64[s]")
            assert sorted(ages) == sorted((scan.as_of - wanted).astype(int))
    finally:
        spark.conf.set("spark.sql.session.timeZone", before)


def test_times_without_a_zone_stand_as_they_are() -> None:
    naive = pd.DataFrame(table([one.replace(tzinfo=None) for one in MOMENTS]))
    book = fn.load(naive, playbook=STAGES, timezone="Asia/Shanghai", name="x")
    assert read(book) == BY_HAND[""]
    assert not [note for note in book.notes if note.code == "times_converted"]


@pytest.mark.parametrize("kind", ["text", "objects"])
def test_a_mixed_column_is_read_cell_by_cell(kind: str) -> None:
    cells: list[Any] = [
        MOMENTS[0],
        MOMENTS[0].replace(tzinfo=None),
        dt.date(2026, 3, 5),
        MOMENTS[3],
        None,
        None,
    ]
    if kind == "text":
        cells = ["" if one is None else str(one) for one in cells]
    frame = pd.DataFrame(table(pd.Series(cells, dtype="object")))
    book = fn.load(frame, playbook=STAGES, timezone="Asia/Shanghai", as_of="2026-12-31", name="x")
    assert book.opportunities["created_at"].astype("str").str.slice(0, 16).tolist()[:4] == [
        "2026-03-06 07:30", "2026-03-05 23:30", "2026-03-05 00:00", "2026-07-15 20:00"]  # fmt: skip


def test_the_day_of_the_zone_decides_what_counts() -> None:
    """23:30Z on 5 March is the next morning in Shanghai: a day too late for an as-of date of the 5th."""
    deals = pd.DataFrame({
        "opportunity_id": ["a", "b"], "stage": ["lead", "won"], "outcome": ["open", "won"],
        "created_at": ["2026-03-01T00:00Z", "2026-03-01T00:00Z"], "closed_at": ["", "2026-03-05T23:30Z"],
    })  # fmt: skip
    told = {zone: fn.load(deals, playbook=STAGES, timezone=zone, as_of="2026-03-05", name="x").describe()
            for zone in ("UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York")}  # fmt: skip
    assert {zone: one["won_n"] for zone, one in told.items()} == {
        "UTC": 1, "Asia/Shanghai": 0, "Europe/Berlin": 0, "America/New_York": 1}  # fmt: skip


def test_an_as_of_moment_is_told_on_the_same_clock() -> None:
    deals = in_text()
    moment = "2026-03-28T23:30Z"
    for wanted in (moment, dt.datetime.fromisoformat(moment), pd.Timestamp(moment)):
        book = fn.load(deals, playbook=STAGES, timezone="Asia/Shanghai", as_of=wanted, name="x")
        assert str(book.as_of) == "2026-03-29T07:30:00"
    scan = fn.Scan(in_pandas(), playbook=book.playbook, as_of=moment, observed_from="2026-01-01T00:00+08:00")
    assert (str(scan.as_of), str(scan.observed_from)) == ("2026-03-28T23:30:00", "2025-12-31T16:00:00")
    assert str(timestamp("as_of", "2026-03-28")) == "2026-03-28T00:00:00"


def test_durations_follow_the_wall_clock_across_a_clock_change() -> None:
    """Noon to noon over the night of 29 March is one day in Berlin, though only 23 hours passed; in UTC it is not."""
    deals = pd.DataFrame({
        "opportunity_id": ["a"], "stage": ["won"], "outcome": ["won"],
        "created_at": ["2026-03-28T12:00+01:00"], "closed_at": ["2026-03-29T12:00+02:00"],
    })  # fmt: skip
    hours = {}
    for zone in ("Europe/Berlin", "UTC"):
        ledger = fn.load(deals, playbook=STAGES, timezone=zone, name="x").ledger
        hours[zone] = (ledger.reached_s[0, ledger.won] - ledger.created_s[0]) / 3600
    assert hours == {"Europe/Berlin": 24, "UTC": 23}


def test_the_parameter_wins_over_the_settings() -> None:
    mapping = {"timezone": "Europe/Berlin"}
    assert read(fn.load(in_text(), playbook=STAGES, mapping=mapping, name="x")) == BY_HAND["Europe/Berlin"]
    other = fn.load(in_text(), playbook=STAGES, mapping=mapping, timezone="Asia/Shanghai", name="x")
    assert read(other) == BY_HAND["Asia/Shanghai"]
    plain = fn.load(in_text(), playbook=STAGES, mapping=mapping, timezone="", name="x")
    assert (read(plain), plain.timezone) == (BY_HAND[""], "")
    assert fn.data.check_data(in_text(), playbook=STAGES, timezone="Asia/Shanghai", name="x").ok


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"timezone = 'Asia/Shangai'") as told:
        fn.load(in_text(), playbook=STAGES, timezone="Asia/Shangai", name="x")
    assert "did you mean 'Asia/Shanghai'?" in str(told.value)
    for wrong in ("+08:00", 8, "Mars/Olympus", "../etc/passwd"):
        with pytest.raises(ParameterError, match="a time zone such as"):
            fn.load(in_text(), playbook=STAGES, timezone=wrong, name="x")
        with pytest.raises(ParameterError, match="a time zone such as"):
            fn.Scan(in_pandas(), playbook=fn.sample().playbook, as_of="2026-12-31", timezone=wrong)
    with pytest.raises(MappingError, match=r"timezone = 'Asia/Shangai'"):
        fn.load(in_text(), playbook=STAGES, mapping={"timezone": "Asia/Shangai"}, name="x")
