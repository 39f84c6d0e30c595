"""The same plan on a Dask cluster whose scheduler and workers are processes of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from funnelnb.batch.run import run

from .conftest import MOOD, Heard, write_company, write_notebook

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a scheduler and two workers, unless ``.ci/run`` has (FUNNELNB_TEST_DASK)."""
    given = os.environ.get("FUNNELNB_TEST_DASK", "")
    if given:
        yield given, []
        return
    folder = tmp_path_factory.mktemp("dask")
    note = folder / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    quiet: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [
        subprocess.Popen(
            [*dask, "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(note)],
            **quiet,
        )
    ]
    try:
        until = time.monotonic() + 60
        while not note.exists() and time.monotonic() < until:
            time.sleep(0.1)
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(note)]
        more = ["--nthreads", "1", "--no-dashboard", "--no-nanny", "--memory-limit", "0"]
        started += [subprocess.Popen([*worker, *more], **quiet) for _ in range(2)]
        import json

        yield json.loads(note.read_text())["address"], started
    finally:
        for one in started:
            one.kill()
            one.wait()


def test_a_cluster_makes_the_same_reports_and_a_lost_worker_loses_nothing(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], request_for: Any, tmp_path: Path
) -> None:
    address, processes = cluster
    data = write_company(tmp_path / "four", {"East": 12, "West": 15, "North": 11, "South": 13})
    body = MOOD + "\nimport funnelnb as fn\nbook = fn.pick(fn.open_book(data), by, value)\ntime.sleep(1)"
    notebook = write_notebook(tmp_path / "own.ipynb", body=body, show="print(value, fn.overview(book).n)")
    request = request_for(data=(str(data),), notebooks=(str(notebook),), retries=2)
    here = run(request, Heard())
    assert here.outcome == "ok"
    before = {path.name: path.read_bytes() for path in request.out.glob("*.ipynb")}

    class Killing(Heard):
        def done(self, name: str, entry: Any) -> None:
            super().done(name, entry)
            if len(self.finished) == 1 and len(processes) == 3:
                processes[1].send_signal(signal.SIGKILL)

    from dataclasses import replace

    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        found = run(replace(request, out=tmp_path / "there"), Killing(), executor=client.get_executor())
    assert (found.outcome, len(found.made)) == ("ok", 4)
    after = {path.name: path.read_bytes() for path in (tmp_path / "there").glob("*.ipynb")}
    assert after == before
