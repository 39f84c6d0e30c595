"""What is counted where the data lies says the same as what is counted in memory."""

import polars as pl
import pytest

from funnelnb.analysis.conversion.cohort import cohort
from funnelnb.analysis.conversion.conversion import conversion
from funnelnb.analysis.conversion.segments import segments
from funnelnb.data.count.scan import Scan
from tests.analysis.floors import random_floor
from tests.analysis.oracle import same, values


def frames(engine: str, seed: int):
    floor = random_floor(seed, deal_n=150)
    book = floor.book()
    tables = [book.tables["opportunities"], book.tables["stage_history"]]
    if engine == "polars":
        tables = [pl.from_pandas(table).lazy() for table in tables]
    else:
        duckdb = pytest.importorskip("duckdb")
        tables = [duckdb.from_arrow(pl.from_pandas(table).to_arrow()) for table in tables]
    return book, Scan(*tables, playbook=book.playbook, as_of=book.as_of, currency="CNY")


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_same_answers_from_book_and_scan(engine):
    book, scan = frames(engine, 3)
    assert scan.in_engine
    for by in (None, "region", ("region", "size")):
        one, other = conversion(book, by=by), conversion(scan, by=by)
        assert one.horizon_days == other.horizon_days
        same(
            values(*one.steps, *one.overall, *one.loss_points),
            values(*other.steps, *other.overall, *other.loss_points),
        )
        assert [note.code for note in other.notes if note.code == "amount_unknown"] == ["amount_unknown"]
    for measure in ("decided", "by_day"):
        one, other = (segments(source, by="region", measure=measure) for source in (book, scan))
        same(values(*one.rows), values(*other.rows))
    one, other = (cohort(source, every="month", horizon_days=45) for source in (book, scan))
    same(values(*one.rows, *one.cells), values(*other.rows, *other.cells))


def test_cohorts_from_a_later_stage():
    book, scan = frames("polars", 4)
    one, other = (cohort(source, horizon_days=30, origin_stage="s2") for source in (book, scan))
    assert one.n == other.n == sum(row.deal_n for row in one.rows)
    same(values(*one.rows), values(*other.rows))
    assert one.n == conversion(book, origin_stage="s2").n
