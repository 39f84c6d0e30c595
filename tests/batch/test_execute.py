"""Kernels: forked or started the ordinary way, the same outputs; none outlives its time."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from funnelnb.batch import catalog, forkserver, provisioner
from funnelnb.batch.execute import Run, Task, execute
from tests.conftest import wait_until

from .conftest import write_notebook

no_fork = pytest.mark.skipif(not forkserver.available(), reason="kernels are forked on Linux only")
Runner = Callable[..., list[Run]]


@pytest.fixture(scope="module")
def server() -> Iterator[forkserver.Server | None]:
    with forkserver.started() as made:
        yield made


@pytest.fixture(params=["plain", pytest.param("forked", marks=no_fork)])
def run_cells(request: pytest.FixtureRequest, tmp_path: Path) -> Runner:
    """Run a notebook with one cell of code for each value; the runs come in the order of the values."""
    source = request.getfixturevalue("server") if request.param == "forked" else None

    def build(code: str, values: list[str], *, workers: int = 2, timeout: float = 60) -> list[Run]:
        return run_with(source, tmp_path, code, values, workers, timeout)

    return build


def run_with(
    server: forkserver.Server | None,
    folder: Path,
    code: str,
    values: list[str],
    workers: int = 2,
    timeout: float = 60,
) -> list[Run]:
    path = write_notebook(folder / "cells.ipynb", parameters='value: str = ""', body=code, show="pass")
    notebook = catalog.open_notebook(path)
    tasks = [Task(notebook=notebook, parameters={"value": one}) for one in values]
    found: dict[int, Run] = {}
    execute(tasks, found.__setitem__, workers=workers, cell_timeout_s=timeout, folder=folder, server=server)
    return [found[place] for place in range(len(values))]


def said(run: Run) -> str:
    assert run.failure is None, run.failure
    outputs = [one for cell in run.node.cells for one in cell.get("outputs", [])]
    return "".join(one.text for one in outputs if one.output_type == "stream")


def test_each_kernel_has_its_own_folder_value_and_world(run_cells: Runner, tmp_path: Path) -> None:
    code = "import os, sys; print(value, os.getcwd(), __name__, sys.executable, os.environ['HOME'])"
    values = ["华东", "b'\"\\"]
    for run, value in zip(run_cells(code, values), values, strict=True):
        assert said(run) == f"{value} {tmp_path} __main__ {sys.executable} {os.environ['HOME']}\n"
    assert Path.cwd() != tmp_path


def test_nothing_of_one_report_reaches_the_next(run_cells: Runner) -> None:
    code = "import os, json\nprint(hasattr(json, 'mark'), os.getpid())\njson.mark = 1"
    words = [said(run).split() for run in run_cells(code, ["a", "b", "c"], workers=1)]
    assert [one[0] for one in words] == ["False"] * 3
    assert len({one[1] for one in words}) == 3


def test_random_numbers_differ_between_reports(run_cells: Runner) -> None:
    code = """import random, uuid
import numpy as np
print(np.random.random(), random.random(), uuid.uuid4(), np.random.default_rng().random())"""
    for column in zip(*(said(run).split() for run in run_cells(code, ["a", "b", "c"])), strict=True):
        assert len(set(column)) == 3


@no_fork
def test_forked_and_ordinary_kernels_give_the_same_notebook(
    server: forkserver.Server, tmp_path: Path
) -> None:
    code = (
        "import pandas as pd, sys\nprint('out'); print('err', file=sys.stderr)\npd.DataFrame({'a': [1, 2]})"
    )
    written = [nbformat.writes(run_with(one, tmp_path, code, ["a"])[0].node) for one in (None, server)]
    assert written[0] == written[1]


def test_errors_say_cell_line_and_reason(run_cells: Runner) -> None:
    (run,) = run_cells("x = 1\n\nint('seven')", ["a"])
    assert run.failure is not None
    assert (run.failure.error, run.failure.cell, run.failure.source) == ("ValueError", 4, "x = 1")
    assert run.failure.message == "invalid literal for int() with base 10: 'seven'"
    assert "----> 3 int('seven')" in run.failure.details
    assert "\x1b" not in run.failure.details


def test_a_killed_kernel_is_a_failure_and_the_next_one_runs(run_cells: Runner) -> None:
    code = "import os\nif value == 'bad': os.kill(os.getpid(), 9)\nprint('fine')"
    bad, good = run_cells(code, ["bad", "good"], workers=1)
    assert bad.failure is not None
    assert (bad.failure.error, bad.failure.cell) == ("DeadKernelError", 4)
    assert said(good) == "fine\n"


def test_a_cell_that_takes_too_long_is_stopped(run_cells: Runner) -> None:
    (run,) = run_cells("import time\nwhile True: time.sleep(1)", ["a"], timeout=1)
    assert run.failure is not None
    assert run.failure.error == "CellTimeoutError"


def test_a_kernel_that_cannot_start_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioner, "START", "import sys; sys.exit('no kernel today')")
    (run,) = run_with(None, tmp_path, "1", ["a"])
    assert run.failure is not None
    assert run.failure.message == "the kernel ended before it was ready"
    assert "no kernel today" in run.failure.details
    assert run.failure.cell == 0


@no_fork
def test_without_an_answer_kernels_start_the_ordinary_way(tmp_path: Path) -> None:
    with forkserver.started() as gone:
        assert gone is not None
        gone.close()
        (run,) = run_with(gone, tmp_path, "print('fine')", ["a"])
    assert said(run) == "fine\n"


def test_forking_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(forkserver.OFF, "1")
    with forkserver.started() as server:
        assert server is None


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@no_fork
def test_a_killed_batch_takes_server_and_kernels_along(tmp_path: Path) -> None:
    note, scratch = tmp_path / "pids", tmp_path / "scratch"
    scratch.mkdir()
    body = f"""import os, pathlib, time
pathlib.Path({str(note)!r} + ".part").write_text(f"{{os.getpid()}} {{os.getppid()}}")
os.rename({str(note)!r} + ".part", {str(note)!r})
time.sleep(600)"""
    path = write_notebook(tmp_path / "cells.ipynb", parameters='value: str = ""', body=body, show="pass")
    program = f"""
from pathlib import Path
from funnelnb.batch import catalog, forkserver
from funnelnb.batch.execute import Task, execute
task = Task(notebook=catalog.open_notebook(Path({str(path)!r})), parameters={{"value": "a"}})
with forkserver.started() as server:
    execute([task], print, workers=1, server=server)
"""
    environment = {**os.environ, "TMPDIR": str(scratch)}
    process = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, env=environment)
    wait_until(note.exists, "the kernel's own word")
    pids = [int(one) for one in note.read_text().split()]
    assert process.pid not in pids  # the kernel's parent is the server
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=300)
    wait_until(lambda: not any(alive(pid) for pid in pids), "the end of the server and the kernel")


@no_fork
def test_the_server_only_imports() -> None:
    program = """
import sys, threading
sys.modules["rfc3987_syntax"] = sys.modules["debugpy"] = None
from funnelnb.batch import forkserver
forkserver._preload()
wanted = {"pandas", "scipy.stats", "altair", "ipywidgets", "funnelnb.data.load", "funnelnb.show.charts.funnel"}
print(wanted - set(sys.modules), {"vl_convert", "duckdb"} & set(sys.modules), threading.active_count())
"""
    words = [sys.executable, "-W", "ignore", "-c", program]
    shown = subprocess.run(words, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set() set() 1"
