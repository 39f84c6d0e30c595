"""The page that lists all regions, of deals that stay where they are: the engine counts, only counts travel.

For a PySpark frame, a DuckDB relation (Parquet files, an attached database) or a lazy frame, of any size. Reports of
single regions need their deals; the page that compares all of them does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from funnelnb.batch.index import index
from funnelnb.batch.pages import Headlines, compared
from funnelnb.batch.plan import Plan, Split
from funnelnb.core import check
from funnelnb.core.errors import MissingDataError
from funnelnb.core.options import language
from funnelnb.data.keep import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from funnelnb.core.note import Note
    from funnelnb.data.book import Book
    from funnelnb.data.count.scan import Scan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Elsewhere:
    """What the page says of data that nobody read."""

    name: str
    as_of: np.datetime64
    timezone: str
    fingerprint: str = ""
    notes: tuple[Note, ...] = field(default=())


def count_regions(
    source: Scan,
    out: str | Path,
    *,
    by: str | Sequence[str],
    horizon_days: float = 180.0,
    lang: str | None = None,
    name: str = "",
) -> Path:
    """How do deals convert, region by region, without a deal leaving its engine?

    Parameters
    ----------
    source : Scan
        ``fn.data.Scan(opportunities, stage_history, …)`` of PySpark frames, DuckDB relations or lazy frames.
    out : path
        Folder; ``index.html`` in it is written, or replaced where this function wrote it.
    by : str or sequence of str
        Attributes of the deals.
    horizon_days : float
        Of the rate that is compared.
    lang : {"en", "zh"}, optional
    name : str
        What the data are called.

    Returns
    -------
    pathlib.Path
        The page. It has the same figures as the index of ``funnelnb report`` on the same deals.

    Raises
    ------
    MissingDataError
        There is no such attribute, or the engine cannot count these deals: ends or histories are incomplete.

    Notes
    -----
    Where no deal at all is lost, or none is open, deals are read after all: whether such data can be judged hangs
    on the age of each.

    Checked against the index of the same deals in memory, in DuckDB and PySpark: ``tests/batch/test_counted.py``.

    Examples
    --------
    >>> import polars as pl, tempfile, funnelnb as fn
    >>> day = pl.col("created_at", "entered_at").str.to_date()
    >>> deals = pl.LazyFrame({"opportunity_id": [1, 2], "region": ["East", "West"], "outcome": ["open", "open"],
    ...     "created_at": ["2026-05-01", "2026-05-02"], "entered_at": ["2026-05-01", "2026-05-02"]}).with_columns(day)
    >>> model = fn.playbooks.load_playbook("six_step")
    >>> history = deals.select("opportunity_id", "entered_at", stage=pl.lit(model.stage_ids[0]))
    >>> source = fn.data.Scan(deals.drop("entered_at"), history, playbook=model, as_of="2026-06-30")
    >>> page = count_regions(source, tempfile.mkdtemp(), by="region")
    >>> page.name
    'index.html'
    """
    from funnelnb.analysis.conversion.conversion import conversion

    horizon = check.horizon_days(horizon_days)
    _must_count(source)
    names = [by] if isinstance(by, str) else list(by)
    whole = conversion(source, horizon_days=horizon)
    parts = {one: conversion(source, by=one, horizon_days=horizon) for one in names}
    figures = Headlines(
        whole=whole,
        parts=parts,
        compared={one: compared(cast("Book", source), one, horizon) for one in names},
    )
    plan = Plan(
        book=cast(
            "Book", _Elsewhere(name=name, as_of=source.as_of, timezone=source.timezone, notes=source.notes)
        ),
        splits=tuple(
            Split(by=one, values=tuple(row.group[0] for row in parts[one].overall)) for one in names
        ),
        lang=language(lang),
        horizon_days=horizon,
        jobs=(),
        hidden={},
    )
    nothing: dict[str, Any] = {"counts": {}, "rates": {}}
    page = index(plan, {}, figures, told={}, before={}, now=nothing)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "index.html", page, force=_ours(folder / "index.html"))
    return folder / "index.html"


def _must_count(source: Scan) -> None:
    if source.in_engine and not source.counts_there:
        raise MissingDataError(
            "the engine cannot count these deals: ends, histories or records are incomplete",
            expected="closed deals with their end, and a history for each deal",
            hint="book = fn.load(…), then funnelnb report; or complete the tables first",
        )


def _ours(path: Path) -> bool:
    """Whether a page was made by this package, and may be replaced."""
    return path.is_file() and "funnelnb" in path.read_text(encoding="utf-8", errors="replace")
