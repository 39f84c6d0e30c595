"""The people behind the counts of a behaviour funnel: as many as the count says, and the right ones."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.batch import lists as page_lists
from funnelnb.core.options import LISTS
from funnelnb.show.pages.report import listed, named_lists
from funnelnb.show.tables import lists, people
from funnelnb.show.text.words import told_of, words, words_of
from tests.analysis.behaviour.made import arrivals, log_of


@pytest.fixture(autouse=True)
def _asked(monkeypatch):
    monkeypatch.setenv(LISTS, "1")
    monkeypatch.setattr(lists, "_PLACES", {})


def log():
    rows = [
        ("=cmd()", "visit", 0),
        ("=cmd()", "pay", 1),
        ("b", "visit", 0),
        ("c", "visit", 9),
        ("<d>", "visit", 1),
    ]
    frame = pd.DataFrame(rows, columns=["user_id", "event", "day"])
    frame["time"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(frame.pop("day"), unit="D")
    return fn.events(frame.assign(price=[5.0, 20.0, 1.0, 2.0, 3.0], kind=["p", "p", "q", "q", "q"]))


def sent(result, lang="en"):
    return listed(result, words_of(result, lang))[lists.DEALS]


def who(made, title):
    (one,) = (each for each in made["lists"] if each["title"] == title)
    assert one["n"] == len(lists.places_of(one["bits"]))
    return [made["deals"][place] for place in lists.places_of(one["bits"])]


def test_lists_by_hand():
    made = sent(fn.funnel(log(), ["visit", "pay"], within="3d", value="price"))
    assert {row[0] for row in who(made, "visit · Reached")} == {"=cmd()", "b", "c", "<d>"}
    (paid,) = who(made, "visit · Went on")
    assert paid == ["=cmd()", "", "2026-01-01", "pay", "got through", 9, 25.0, "", "=cmd()"]
    (waits,) = who(made, "visit · Under way")
    assert waits[:6] == ["c", "", "2026-01-10", "visit", "under way", 0]
    assert {row[0] for row in who(made, "visit · Dropped out")} == {"b", "<d>"}
    assert {row[0] for row in who(made, "Overall · Dropped out")} == {"b", "<d>"}


@pytest.mark.parametrize(
    "options", [{}, {"order": "any"}, {"attempt": "every"}, {"order": "strict", "by": "p"}]
)
def test_every_list_has_as_many_as_its_count_says(options):
    rng = np.random.default_rng(3)
    rows = [(*row, rng.choice(["x", "y"])) for row in arrivals(rng, 80)[0]]
    result = fn.funnel(log_of(rows, properties=["p"]), ["visit", "pay"], within="7d", **options)
    made, counts, named = sent(result), people.keys_of(result), named_lists(result)
    by_key = {one["key"]: one["n"] for one in made["lists"]}
    for row in (*result.steps, *result.overall):
        for name in ("reached_n", "advanced_n", "running_n", "dropped_n"):
            if getattr(row, name):
                assert by_key[counts[id(row), name]] == getattr(row, name)
                assert named(row, name) == counts[id(row), name]


def test_the_page_and_its_file_speak_of_people_and_open_safely():
    made = sent(fn.funnel(log(), ["visit", "pay"], within="3d", by="kind"), "zh")
    listed_ = [
        page_lists.List(key=one["key"], title=one["title"], places=tuple(lists.places_of(one["bits"])))
        for one in made["lists"]
    ]
    found = page_lists.Lists(deals=tuple(made["deals"]), lists=tuple(listed_))
    with told_of("people"):
        page = page_lists.on_page(found, "x.deals.csv", words("zh"))
        rows = list(csv.reader(io.StringIO(page_lists.as_csv(found, words("zh")).lstrip("\ufeff"))))
    assert "用户" in page["json"]
    assert "商机" not in page["json"] + page["title"] + page["all"]
    assert "<d>" not in page["json"]
    assert rows[0][:3] == ["用户", "备注", "进入时间"]
    assert {row[0] for row in rows[1:]} == {"'=cmd()", "b", "c", "<d>"}


def test_bars_lead_to_their_lists():
    result = fn.funnel(log(), ["visit", "pay"], within="3d")
    hrefs = set(re.findall(r"#(dp\d+-steps-\d+-\w+)", str(result.chart(lang="en").to_dict())))
    assert {key.partition("-")[2] for key in hrefs} == {
        "steps-0-advanced_n", "steps-0-running_n", "steps-0-dropped_n", "steps-1-reached_n",
    }  # fmt: skip


def test_nobody_travels_unasked(monkeypatch):
    monkeypatch.setenv(LISTS, "nameless")
    assert listed(fn.funnel(log(), ["visit", "pay"], within="3d"), words("en")) == {}
