"""Reports are made in kernels of their own, forked or not, with the same outputs; nothing outlives its time."""

import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from funnelnb.batch import engine, forkserver, notebooks, workers
from funnelnb.batch.workers import Done, Work
from tests.conftest import wait_until

from .conftest import write_notebook

no_fork = pytest.mark.skipif(not forkserver.available(), reason="processes are forked on Linux only")
Runner = Callable[..., list[Done]]


@pytest.fixture(scope="module")
def server() -> Iterator[forkserver.Server | None]:
    with forkserver.started() as made:
        yield made


@pytest.fixture(params=["plain", pytest.param("forked", marks=no_fork)])
def run_cells(request: pytest.FixtureRequest, tmp_path: Path) -> Runner:
    """Run a notebook with one cell of code for each value; what came of it comes in the order of the values."""
    source = request.getfixturevalue("server") if request.param == "forked" else None

    def build(
        code: str, values: list[str], *, workers_n: int = 2, timeout: float = 60, **more: object
    ) -> list[Done]:
        return run_with(source, tmp_path, code, values, workers_n, timeout, **more)

    return build


def work(folder: Path, code: str, value: str, timeout: float = 60, **more: object) -> Work:
    path = write_notebook(folder / "cells.ipynb", parameters='value: str = ""', body=code, show="pass")
    blank = nbformat.writes(notebooks.open_notebook(path).blank())
    given = {
        "notebook": blank,
        "parameters": {"value": value},
        "folder": str(folder),
        "cell_timeout_s": timeout,
    }
    return Work(**{**given, **more})  # type: ignore[arg-type]


def run_with(
    server: forkserver.Server | None,
    folder: Path,
    code: str,
    values: list[str],
    workers_n: int = 2,
    timeout: float = 60,
    **more: object,
) -> list[Done]:
    before = os.environ.get(forkserver.OFF)
    if server is None:
        os.environ[forkserver.OFF] = "1"
    pool = workers.Workers(workers_n, server)
    try:
        futures = [pool.submit(workers.make, work(folder, code, one, timeout, **more)) for one in values]
        return [one.result(timeout=120) for one in futures]
    finally:
        pool.shutdown(cancel_futures=True)
        if before is None:
            os.environ.pop(forkserver.OFF, None)


def node(done: Done) -> nbformat.NotebookNode:
    return nbformat.reads(done.notebook, as_version=4)


def said(run: Done) -> str:
    assert run.failure is None, run.failure
    outputs = [one for cell in node(run).cells for one in cell.get("outputs", [])]
    return "".join(one.text for one in outputs if one.output_type == "stream")


def test_each_kernel_has_its_own_folder_value_and_world(run_cells: Runner, tmp_path: Path) -> None:
    code = "import os, sys; print(value, os.getcwd(), __name__, sys.executable, os.environ['HOME'])"
    values = ["华东", "b'\"\\"]
    for run, value in zip(run_cells(code, values), values, strict=True):
        assert said(run) == f"{value} {tmp_path} __main__ {sys.executable} {os.environ['HOME']}\n"
    assert Path.cwd() != tmp_path


def test_nothing_of_one_report_reaches_the_next(run_cells: Runner) -> None:
    code = "import os, json\nprint(hasattr(json, 'mark'), os.getpid())\njson.mark = 1"
    words = [said(run).split() for run in run_cells(code, ["a", "b", "c"], workers_n=1)]
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
    written = [run_with(one, tmp_path, code, ["a"])[0].notebook for one in (None, server)]
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
    bad, good = run_cells(code, ["bad", "good"], workers_n=1)
    assert bad.failure is not None
    assert (bad.failure.error, bad.failure.cell, bad.failure.kind) == ("DeadKernelError", 4, "killed")
    assert said(good) == "fine\n"


def test_a_cell_that_takes_too_long_is_stopped(run_cells: Runner) -> None:
    started = time.monotonic()
    (run,) = run_cells("import time\nwhile True: time.sleep(1)", ["a"], timeout=1)
    assert run.failure is not None
    assert run.failure.error == "CellTimeoutError"
    assert time.monotonic() - started < 50


def test_a_kernel_that_stands_still_is_ended_like_a_slow_one(run_cells: Runner) -> None:
    code = "import os, signal\nif value == 'held': os.kill(os.getpid(), signal.SIGSTOP)\nprint('fine')"
    held, good = run_cells(code, ["held", "good"], workers_n=1, timeout=1)
    assert held.failure is not None
    assert (held.failure.error, held.failure.kind) == ("CellTimeoutError", "time")
    assert said(good) == "fine\n"


def test_a_notebook_that_takes_too_long_as_a_whole_is_stopped(run_cells: Runner) -> None:
    (run,) = run_cells("import time\ntime.sleep(30)", ["a"], longest_s=1.0)
    assert run.failure is not None
    assert (run.failure.error, run.failure.kind) == ("TooLongError", "time")
    assert run.failure.message == "it took longer than 1 s and was stopped"


def test_a_kernel_that_cannot_start_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(forkserver.OFF, "1")
    monkeypatch.setattr(engine, "START", "import sys; sys.exit('no kernel today')")
    run = workers.make(work(tmp_path, "1", "a"))
    assert run.failure is not None
    assert (run.failure.message, run.failure.kind) == ("the kernel ended before it was ready", "killed")
    assert "no kernel today" in run.failure.details
    assert run.failure.cell == 0


@no_fork
def test_without_an_answer_processes_start_the_ordinary_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(forkserver.ADDRESS, "funnelnb-nobody-here")
    run = workers.make(work(tmp_path, "print('fine')", "a"))
    assert said(run) == "fine\n"


def test_forking_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(forkserver.OFF, "1")
    with forkserver.started() as server:
        assert server is None


# ---- executors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_any_executor_makes_the_same_report(
    kind: type, server: forkserver.Server | None, tmp_path: Path
) -> None:
    import multiprocessing

    code = "print('value', value)"
    expected = run_with(server, tmp_path, code, ["a", "b"])
    more = {"mp_context": multiprocessing.get_context("spawn")} if kind is ProcessPoolExecutor else {}
    with kind(2, **more) as pool:
        found = list(pool.map(workers.make, [work(tmp_path, code, one) for one in ("a", "b")]))
    assert [(one.notebook, one.inside, one.failure) for one in found] == [
        (one.notebook, one.inside, one.failure) for one in expected
    ]


def test_a_killed_worker_loses_its_own_job_only(server: forkserver.Server | None) -> None:
    pool = workers.Workers(2, server)
    try:
        slow = pool.submit(time.sleep, 30)
        other = pool.submit(time.sleep, 1.5)
        until = time.monotonic() + 30
        while len(pool.pids()) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.5)
        busy = pool.submit(os.getpid)
        other.result(timeout=30)
        good = busy.result(timeout=30)  # the worker that slept 1.5 s
        (victim,) = set(pool.pids()) - {good}
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(workers.WorkerLostError):
            slow.result(timeout=30)
        assert {pool.submit(os.getpid).result(timeout=30) for _ in range(4)} <= set(pool.pids())
    finally:
        pool.shutdown(cancel_futures=True)
    until = time.monotonic() + 5
    while any(map(alive, [good])) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(good)


def test_workers_that_came_early_and_were_killed_are_replaced(server: forkserver.Server | None) -> None:
    with workers.Workers(1, server, early=True) as early:
        wait_until(early.pids, "a worker that came early")
        killed = early.pids()[0]
        os.kill(killed, signal.SIGKILL)
        assert early.submit(os.getpid).result(120) not in {killed, os.getpid()}


def test_errors_of_a_job_reach_its_future(server: forkserver.Server | None) -> None:
    pool = workers.Workers(1, server)
    try:
        with pytest.raises(ValueError, match="seven"):
            pool.submit(int, "seven").result(timeout=30)
        with pytest.raises(RuntimeError, match="pickle"):
            pool.submit(eval, "lambda: 1").result(timeout=30)
        assert pool.submit(int, "7").result(timeout=30) == 7
    finally:
        pool.shutdown(cancel_futures=True)
    with pytest.raises(RuntimeError):
        pool.submit(int, "7")


@no_fork
def test_only_the_same_user_is_answered(server: forkserver.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(ConnectionError, match="another user"):
        forkserver.Line(server.address)


@no_fork
def test_many_may_wait_for_one_process_and_nobody_elses_file_is_closed(server: forkserver.Server) -> None:
    found = forkserver.line(server.address)
    assert found is not None
    ours, theirs = socket.socketpair()
    wish = {"folder": "/", "environment": dict(os.environ), "serve": f"{workers.__name__}:serve"}
    process = found.fork("worker", wish, theirs.fileno())
    theirs.close()
    with ThreadPoolExecutor(8) as pool:
        waits = [pool.submit(process.wait, 30) for _ in range(8)]
        ours.close()  # the worker has nobody to work for
        assert [one.result() for one in waits] == [0] * 8
    handle = process._handle
    process.kill()  # ended: nothing to signal
    assert "pidfd" in opened(handle)  # no wait closed it: it closes with the object, as below


@no_fork
def test_a_handle_is_closed_with_its_object() -> None:
    process = forkserver.Process(os.getpid(), os.pidfd_open(os.getpid()))
    closes = process._closes
    assert process.poll() is None
    assert closes.alive
    del process
    gc.collect()
    assert not closes.alive  # asked of the object: the number may mean another file by now


def opened(handle: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{handle}").readlink())
    except OSError:
        return ""


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def gone(pids: list[int], seconds: float) -> list[int]:
    """Wait until these processes have ended; return those that have not."""
    until = time.monotonic() + seconds
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)
    return [pid for pid in pids if alive(pid)]


@no_fork
@pytest.mark.parametrize("victim", ["run", "worker", "server"])
def test_whoever_is_killed_nobody_is_left(tmp_path: Path, victim: str) -> None:
    note, temporary = tmp_path / "pids", tmp_path / "temporary"
    temporary.mkdir()
    body = f"""import os, pathlib, time
pathlib.Path({str(note)!r} + ".part").write_text(f"{{os.getpid()}} {{os.getppid()}}")
os.rename({str(note)!r} + ".part", {str(note)!r})
time.sleep(60)"""
    given = work(tmp_path, body, "a")
    (tmp_path / "given.ipynb").write_text(given.notebook)
    program = f"""
import sys, time
from pathlib import Path
from funnelnb.batch import folder, forkserver, workers
with folder.scratch() as scratch, forkserver.started([scratch]) as server:
    pool = workers.Workers(1, server, scratch=scratch)
    job = workers.Work(notebook=Path({str(tmp_path / "given.ipynb")!r}).read_text(), parameters={{"value": "a"}})
    future = pool.submit(workers.make, job)
    while not pool.pids():
        time.sleep(0.01)
    print(pool.pids()[0], flush=True)
    try:
        future.result()
    except workers.WorkerLostError:
        print("lost", flush=True)
    pool.shutdown(cancel_futures=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(temporary), forkserver.ADDRESS: ""},  # a server of its own
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    until = time.monotonic() + 60
    while not note.exists() and time.monotonic() < until:
        time.sleep(0.02)
    kernel, server = (int(one) for one in note.read_text().split())
    assert process.pid not in (kernel, server)  # the kernel's parent is the server
    os.kill({"run": process.pid, "worker": worker, "server": server}[victim], signal.SIGKILL)
    if victim == "run":
        process.wait(timeout=10)
        assert gone([worker, kernel, server], 1.5) == []
    else:
        assert gone([kernel, worker], 1.5) == []
        assert process.stdout.read().strip() == "lost"
        assert process.wait(timeout=10) == 0
        assert gone([server], 1.5) == []
    process.stdout.close()
    until = time.monotonic() + 2
    while list(temporary.iterdir()) and time.monotonic() < until:
        time.sleep(0.02)
    assert list(temporary.iterdir()) == []


def test_the_next_run_clears_what_a_killed_one_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from funnelnb.batch import folder

    monkeypatch.setattr(folder.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(folder.tempfile, "tempdir", str(tmp_path))
    with folder.scratch() as living:
        dead = tmp_path / "funnelnb-dead"
        dead.mkdir()
        (dead / "owner.lock").write_bytes(b"")
        young = tmp_path / "funnelnb-young"
        young.mkdir()
        with folder.scratch():
            pass
        assert {one.name for one in tmp_path.iterdir()} == {living.name, "funnelnb-young"}


@no_fork
def test_the_server_only_imports() -> None:
    program = """
import sys, threading
sys.modules["rfc3987_syntax"] = sys.modules["debugpy"] = None
from funnelnb.batch import forkserver
forkserver._preload()
private = [name for name in forkserver.PRELOADED if any(part.startswith("_") for part in name.split("."))]
assert not private, private
wanted = {"pandas", "scipy.stats", "altair", "ipywidgets", "funnelnb.data.load", "papermill"}
print(wanted - set(sys.modules), {"vl_convert", "duckdb"} & set(sys.modules), threading.active_count())
"""
    words = [sys.executable, "-W", "ignore", "-c", program]
    shown = subprocess.run(words, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set() set() 1"
