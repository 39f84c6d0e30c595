"""Snapshots: each day's book comes back as it was, whatever happens to who writes."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funnelnb as fn
from funnelnb.core.errors import MissingDataError, OutputError, ParameterError, SourceError
from funnelnb.data.snapshots import Store
from funnelnb.data.store.delta import applied, arrow_of, difference
from funnelnb.data.store.files import FORMAT, StoreFiles, packed, unpacked

ROOT = Path(__file__).resolve().parents[3]


def deals(rows, as_of="2026-03-31", **columns):
    """A book of (id, stage, amount, outcome)."""
    frame = pd.DataFrame({
        "opportunity_id": [str(row[0]) for row in rows],
        "stage": [row[1] for row in rows],
        "amount": [float(row[2]) for row in rows],
        "outcome": [row[3] for row in rows],
        "created_at": ["2026-01-05"] * len(rows),
        "closed_at": ["2026-03-01" if row[3] != "open" else None for row in rows],
        **columns,
    })  # fmt: skip
    return fn.load(frame, playbook=["lead", "offer", "won"], as_of=as_of, name="small")


def same(one, other):
    assert set(one.tables) == set(other.tables)
    for name, frame in one.tables.items():
        keys = ["opportunity_id"] if name == "opportunities" else list(frame.columns)
        pd.testing.assert_frame_equal(
            *(f.tables[name].sort_values(keys).reset_index(drop=True) for f in (one, other)), check_like=True
        )
    assert (one.as_of, one.currency, one.observed_from) == (other.as_of, other.currency, other.observed_from)
    assert one.playbook.stage_ids == other.playbook.stage_ids


def test_every_day_comes_back_as_it_was_also_out_of_order(tmp_path):
    days = ("2025-12-31", "2026-03-31", "2026-06-30")
    books = {day: fn.sample(as_of=day) for day in days}
    store = Store(tmp_path)
    for day in ("2026-06-30", "2025-12-31", "2026-03-31"):
        assert store.append(books[day]).state == "added"
    assert store.dates == days
    for day in days:
        same(Store(tmp_path).at(day), books[day])


def test_the_same_export_twice_changes_nothing(tmp_path):
    store, book = Store(tmp_path), fn.sample()
    store.append(book)
    before = {
        path: path.stat().st_mtime_ns
        for path in tmp_path.rglob("*")
        if path.is_file() and path.name != "writer.lock"
    }
    assert store.append(replace(book, name="renamed.csv")).state == "same"
    after = {
        path: path.stat().st_mtime_ns
        for path in tmp_path.rglob("*")
        if path.is_file() and path.name != "writer.lock"
    }
    assert after == before


def test_another_content_of_the_same_day_is_refused_unless_wanted(tmp_path):
    store = Store(tmp_path)
    store.append(deals([("a", "lead", 10, "open")]))
    other = deals([("a", "lead", 20, "open")])
    with pytest.raises(ParameterError, match="another snapshot of 2026-03-31"):
        store.append(other)
    assert store.at("2026-03-31").opportunities["amount"].tolist() == [10]
    assert store.append(other, anew=True).state == "replaced"
    assert store.at("2026-03-31").opportunities["amount"].tolist() == [20]


def test_an_older_snapshot_with_other_columns_keeps_them(tmp_path):
    store = Store(tmp_path)
    first = deals([("a", "lead", 10, "open")], as_of="2026-03-30")
    second = deals([("a", "offer", 10, "open"), ("b", "lead", 5, "open")], region=["East", "West"])
    store.append(first)
    store.append(second)
    assert "region" not in store.at("2026-03-30").opportunities
    assert store.at("2026-03-31").opportunities["region"].tolist() == ["East", "West"]


def test_a_day_between_has_the_last_snapshot_and_says_so(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(MissingDataError, match="no snapshot"):
        store.at("2026-03-31")
    store.append(deals([("a", "lead", 10, "open")]))
    book = store.at("2026-04-07")
    assert book.notes[-1].code == "snapshot_older" and book.notes[-1].values["days"] == 7
    with pytest.raises(MissingDataError, match="the first snapshot is of 2026-03-31"):
        store.at("2026-03-30")


def test_calendars_and_links_of_the_settings_come_back_and_older_stores_stay_good(tmp_path):
    works = fn.Calendar(name="works", holidays=["2026-01-01"], workdays=["2026-01-04"], years=(2025, 2026))
    book = replace(
        deals([("a", "lead", 10, "open")]), calendars={"works": works}, deal_url="https://crm.example/{id}"
    )
    store = Store(tmp_path)
    store.append(book)
    found = Store(tmp_path).at("2026-03-31")
    assert dict(found.calendars) == {"works": works} and found.deal_url == book.deal_url
    assert store.append(book).state == "same"
    with pytest.raises(ParameterError, match="another snapshot"):
        store.append(replace(book, calendars={}))
    manifest = tmp_path / "manifest.json"
    facts = json.loads(manifest.read_text())
    for entry in facts["snapshots"]:
        del entry["calendars"], entry["deal_url"]
    del facts["sum"]
    manifest.write_text(json.dumps(facts))
    assert Store(tmp_path).at("2026-03-31").calendars == {}
    assert Store(tmp_path).append(book).state == "same"


def test_one_writer_at_a_time(tmp_path):
    store = Store(tmp_path)
    with StoreFiles(tmp_path).writing(), pytest.raises(OutputError, match="another process is writing"):
        store.append(deals([("a", "lead", 10, "open")]))


def test_what_cannot_be_read_is_named(tmp_path):
    store = Store(tmp_path)
    store.append(deals([("a", "lead", 10, "open")]))
    manifest = tmp_path / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text[: len(text) // 2])
    with pytest.raises(SourceError, match="cannot be read"):
        Store(tmp_path).dates  # noqa: B018
    manifest.write_text(text.replace(f'"format": {FORMAT}', '"format": 99'))
    with pytest.raises(SourceError, match="format 99"):
        Store(tmp_path).at("2026-03-31")
    manifest.unlink()
    with pytest.raises(SourceError, match="manifest of the store is missing"):
        Store(tmp_path).append(deals([("a", "lead", 10, "open")]))
    manifest.write_text(text)
    for file in (tmp_path / "rows").glob("*.parquet"):
        file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(SourceError, match="cannot be read"):
        Store(tmp_path).at("2026-03-31")


def test_a_single_changed_byte_is_noticed(tmp_path):
    """One byte of a manifest ended in a TypeError (seed 20261128, input 418); one of a file could change an amount."""
    store = Store(tmp_path)
    store.append(deals([("a", "lead", 10, "open"), ("b", "won", 20, "won")]))
    manifest, rows = tmp_path / "manifest.json", next((tmp_path / "rows").glob("*.parquet"))
    for file, places in ((manifest, range(20, 2000, 70)), (rows, range(0, rows.stat().st_size, 90))):
        whole = file.read_bytes()
        for place in [one for one in places if one < len(whole)]:
            changed = bytes([whole[place] ^ 1])
            file.write_bytes(whole[:place] + changed + whole[place + 1 :])
            with pytest.raises(SourceError):
                Store(tmp_path).at("2026-03-31")
        file.write_bytes(whole)
    assert len(Store(tmp_path).at("2026-03-31").opportunities) == 2


def test_a_damaged_manifest_of_an_earlier_version_is_named(tmp_path):
    Store(tmp_path).append(deals([("a", "lead", 10, "open")]))
    manifest = tmp_path / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text[: text.index('"sum"')].rstrip().rstrip(",").replace('"en"', '"\'en"') + "}")
    with pytest.raises(SourceError, match="the snapshot of 2026-03-31 is not as it was written: TypeError"):
        Store(tmp_path).at("2026-03-31")


FIELD = st.one_of(st.none(), st.sampled_from(["x", "y", "华东"]))
AMOUNT = st.one_of(st.none(), st.floats(-1e6, 1e6), st.integers(0, 10**6).map(lambda n: n / 100))
STATE = st.dictionaries(st.integers(0, 30), st.tuples(FIELD, AMOUNT), max_size=20)


def frame(state, key="opportunity_id"):
    made = pd.DataFrame(
        {
            key: [str(k) for k in state],
            "owner": [v[0] for v in state.values()],
            "amount": [v[1] for v in state.values()],
        }
    )
    return made.astype({key: "str", "owner": "str", "amount": "float64"})


@settings(max_examples=60, deadline=None)
@given(STATE, STATE, st.sampled_from(["opportunities", "stage_history"]))
def test_a_difference_applied_to_the_old_gives_the_new(before, after, table):
    old, new = (arrow_of(frame(one), table) for one in (before, after))
    found = difference(old, new, table)
    if found is not None:
        assert applied(old, *found, table).equals(new)
    assert unpacked(packed(new)).equals(new)


WRITER = """
import sys
sys.path.insert(0, {root!r})
import pandas as pd, funnelnb as fn
from funnelnb.data.snapshots import Store
frame = pd.DataFrame({{"opportunity_id": [str(k) for k in range(300)], "stage": "lead", "outcome": "open",
    "amount": [float(k) for k in range(300)], "created_at": "2026-01-05"}})
store = Store({store!r})
print("ready", flush=True)
for day in range(1, 28):
    frame["amount"] += 1
    store.append(fn.load(frame, playbook=["lead", "won"], as_of=f"2026-02-{{day:02d}}"), anew=True)
"""


def killed_appends(folder, kills, seed=20_260_630):
    """Kill a process that appends, again and again; after each every snapshot named is whole, and none is lost."""
    dice = np.random.default_rng(seed)
    seen: set[str] = set()
    for k in range(kills):
        store = folder / f"store{k // 20}"
        seen = seen if k % 20 else set()
        code = WRITER.format(root=str(ROOT), store=str(store))
        run = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert run.stdout.readline().strip() == b"ready"
        time.sleep(float(dice.uniform(0, 0.5)))
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        run.stdout.close()
        found = Store(store)
        dates = set(found.dates)
        assert seen <= dates, f"lost after kill {k}: {seen - dates}"
        for day in dates:
            amounts = found.at(day).opportunities["amount"].to_numpy()
            assert len(amounts) == 300 and len(set(amounts - np.sort(amounts)[0])) == 300
        seen = dates
    return kills


def test_kills_during_an_append_lose_nothing(tmp_path):
    """A few here; 200 in the long tier (tools/verify.d/store.sh)."""
    assert killed_appends(tmp_path, 3) == 3
