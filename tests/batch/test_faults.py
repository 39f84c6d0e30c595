"""A run that is held up, or that runs where the clock jumps and little of the system can be used."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from funnelnb.batch import forkserver

from .conftest import BODY, write_company, write_notebook

pytestmark = pytest.mark.skipif(not forkserver.available(), reason="processes are forked on Linux only")

ROOT = Path(__file__).resolve().parents[2]
REGIONS = {"East": 12, "West": 15}
SHOW = 'print("sum of", value, book.opportunities["amount"].sum())'
SUMS = {name: sum(100 + k for k in range(n)) for name, n in REGIONS.items()}

HOSTILE = """
import itertools, time
import _multiprocessing

def nothing_shared(*args, **kwargs):
    raise FileNotFoundError(2, "No such file or directory: /dev/shm")

_multiprocessing.SemLock = nothing_shared
_now, _jumps = time.time, itertools.cycle([0.0, 7_200.0, -86_400.0, 0.0])
time.time = lambda: _now() + next(_jumps)
"""


def begun(tmp_path: Path, body: str = BODY, **environment: str) -> tuple[subprocess.Popen[str], Path]:
    """Start ``funnelnb report`` with everything of it in `tmp_path`."""
    (tmp_path / "tmp").mkdir()
    data = write_company(tmp_path / "data", REGIONS)
    notebook = write_notebook(tmp_path / "sums.ipynb", body=body, show=SHOW)
    out = tmp_path / "out"
    words = ["report", str(data), "--by", "region", "--notebook", str(notebook), "--out", str(out)]
    given = {**os.environ, "TMPDIR": str(tmp_path / "tmp"), forkserver.ADDRESS: "", **environment}
    given["PYTHONPATH"] = os.pathsep.join([environment.get("PYTHONPATH", ""), str(ROOT)]).strip(os.pathsep)
    command = [sys.executable, "-m", "funnelnb", *words]
    return subprocess.Popen(
        command, env=given, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ), out


def finished(process: subprocess.Popen[str], out: Path, tmp_path: Path) -> None:
    """Every report is right and nothing is left."""
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    for region, total in SUMS.items():
        page = (out / f"{region}.html").read_text(encoding="utf-8")
        assert re.search(rf"sum of {region} {total}(?:\.0)?\b", page)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert [one.name for one in out.iterdir() if one.name.startswith(".")] == []


def test_a_run_that_is_held_up_goes_on_where_it_was(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    body = f"{BODY}\nopen({str(mark)!r}, 'a').close(); time.sleep(0.5)"
    process, out = begun(tmp_path, body)
    until = time.monotonic() + 60
    while not mark.exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    assert not list(out.glob("*.html"))  # it stood still
    process.send_signal(signal.SIGCONT)
    finished(process, out, tmp_path)


def test_neither_the_clock_nor_home_nor_shared_memory_is_needed(tmp_path: Path) -> None:
    (tmp_path / "hostile").mkdir()
    (tmp_path / "hostile" / "sitecustomize.py").write_text(HOSTILE)
    home = "/proc/nobody"  # can be neither read nor made
    process, out = begun(tmp_path, PYTHONPATH=str(tmp_path / "hostile"), HOME=home, XDG_CACHE_HOME=home)
    finished(process, out, tmp_path)
