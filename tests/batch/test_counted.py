"""Regions counted where the deals lie: the same figures as the index of the same deals in memory, and no deal read."""

import re
from dataclasses import replace

import pytest

import funnelnb as fn
from funnelnb.batch import digest, index, pages, plan
from funnelnb.batch.counted import count_regions
from funnelnb.core.errors import MissingDataError
from funnelnb.data.count.scan import Scan
from tests.analysis.floors import random_floor

duckdb = pytest.importorskip("duckdb")


@pytest.fixture(scope="module")
def book():
    return random_floor(3, deal_n=400).book()


def scan_of(book, place):
    tables = [place(book.tables[name]) for name in ("opportunities", "stage_history")]
    return Scan(*tables, playbook=book.playbook, as_of=book.as_of, currency=book.currency)


def cells(page):
    """Every cell of the tables of regions, as a reader sees it."""
    tables = re.findall(r'<table class="regions".*?</table>', page, re.DOTALL)
    rows = re.findall(r"<tr.*?</tr>", "".join(tables), re.DOTALL)
    seen = [
        [re.sub(r"<[^>]+>", " ", one).split() for one in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)]
        for row in rows
    ]
    return [row[:3] for row in seen]  # the links to reports stand behind


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_the_figures_of_the_index(tmp_path, book, lang):
    made = count_regions(
        scan_of(book, duckdb.from_df), tmp_path, by=["region", "size"], horizon_days=60, lang=lang, name="crm"
    )
    splits = tuple(plan.Split(by=by, values=tuple(sorted(book.split(by)))) for by in ("region", "size"))
    whole = plan.Plan(book=book, splits=splits, lang=lang, horizon_days=60.0, jobs=(), hidden={})
    told = pages.headlines(whole)
    now = digest.figures(whole, told, {})
    expected = index.index(whole, {}, told, told={}, before={}, now=now)
    page = made.read_text(encoding="utf-8")
    assert sorted(map(str, cells(page))) == sorted(map(str, cells(expected)))
    assert len(cells(page)) > 4
    assert count_regions(scan_of(book, duckdb.from_df), tmp_path, by="region", lang=lang) == made  # replaced


def test_no_deal_is_read(tmp_path, book, monkeypatch):
    monkeypatch.setattr(Scan, "ledger", property(lambda _: pytest.fail("deals were pulled into memory")))
    count_regions(scan_of(book, duckdb.from_df), tmp_path, by="region", horizon_days=60)


def test_what_cannot_be_counted_there_is_refused(tmp_path, book):
    deals = book.tables["opportunities"].copy()
    deals.loc[deals["outcome"] != "open", "closed_at"] = None
    undated = replace(book, tables={**book.tables, "opportunities": deals})
    with pytest.raises(MissingDataError, match="cannot count these deals"):
        count_regions(scan_of(undated, duckdb.from_df), tmp_path, by="region")
    with pytest.raises(MissingDataError, match="regio"):
        count_regions(scan_of(book, duckdb.from_df), tmp_path, by="regio")
    assert not list(tmp_path.iterdir())


def test_a_page_of_somebody_else_is_not_written_over(tmp_path, book):
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(fn.core.errors.FunnelError):
        count_regions(scan_of(book, duckdb.from_df), tmp_path, by="region")
    assert (tmp_path / "index.html").read_text() == "mine"
