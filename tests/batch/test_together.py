"""Two processes on one store, a report while its data file is replaced: right or refused, never mixed."""

import csv
import multiprocessing
import os
import re
import time

import pandas as pd
import pytest

from funnelnb.batch.run import run
from funnelnb.core.errors import FunnelError
from funnelnb.data.load import load
from funnelnb.data.snapshots import Store

from .conftest import PARAMETERS, Heard, write_company, write_notebook

DAYS = 3


def state(day):
    frame = pd.DataFrame({
        "opportunity_id": [str(k) for k in range(50)], "stage": "lead", "outcome": "open",
        "amount": [float(1000 * day + k) for k in range(50)], "created_at": "2026-01-05",
    })  # fmt: skip
    return load(frame, playbook=["lead", "won"], as_of=f"2026-02-{day:02}")


def append_all(path, books):
    """Append until the other one lets it: a store has one writer at a time and says so."""
    refused = 0
    for book in books:
        while True:
            try:
                Store(path).append(book)
                break
            except FunnelError:
                refused += 1
                time.sleep(0.002)
    os._exit(0 if refused >= 0 else 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked on Linux only")
def test_two_kernels_write_one_store_and_a_third_reads_it(tmp_path):
    books = [state(day) for day in range(1, 2 * DAYS + 1)]
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=append_all, args=(tmp_path / "s", books[place::2])) for place in (0, 1)]
    for one in writers:
        one.start()
    looks = 0
    while any(one.is_alive() for one in writers) or not looks:
        store = Store(tmp_path / "s")
        for date in store.dates[-2:]:
            amounts = store.at(date).opportunities["amount"]
            assert amounts.min() == 1000 * int(date[-2:])
            assert (len(amounts), amounts.max() - amounts.min()) == (50, 49)  # one state, whole
        looks += 1
    for one in writers:
        one.join()
        assert one.exitcode == 0
    assert Store(tmp_path / "s").dates == tuple(f"2026-02-{day:02}" for day in range(1, 2 * DAYS + 1))


def sums(data):
    with (data / "opportunities.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        name: sum(int(row["amount"]) for row in rows if row["region"] == name) for name in ("East", "West")
    }


def test_reports_speak_of_one_state_of_the_data_that_is_replaced_meanwhile(request_for, tmp_path):
    data = write_company(tmp_path / "export", {"East": 12, "West": 15})
    before = sums(data)
    file = data / "opportunities.csv"

    class Meddling(Heard):
        def begin(self, to_do_n, finished_n):
            super().begin(to_do_n, finished_n)
            write_company(tmp_path / "new", {"East": 40, "West": 2})
            (tmp_path / "new" / "opportunities.csv").replace(file)

    body = "import funnelnb as fn\nbook = fn.open_book(data, mapping=mapping, playbook=playbook, as_of=as_of)"
    body += "\nbook = fn.pick(book, by, value)"
    show = 'print("sum of", value, book.opportunities["amount"].sum())'
    notebook = write_notebook(tmp_path / "sums.ipynb", parameters=PARAMETERS, body=body, show=show)
    request = request_for(data=(str(data),), notebooks=(str(notebook),))
    assert run(request, Meddling()).outcome == "ok"
    for region, total in before.items():
        page = (request.out / f"{region}.html").read_text(encoding="utf-8")
        assert re.search(rf"sum of {region} {total}(?:\.0)?\b", page)
    manifest = (request.out / "manifest.json").read_text(encoding="utf-8")
    assert "East" in manifest
