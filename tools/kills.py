"""Kill a run at random, again and again: is every report right at the end, and is nothing left behind?

Each round starts ``funnelnb report`` on a small company in a fresh folder and kills one process of it with SIGKILL at a
random time: the run itself, its kernel server, a worker or a kernel, each as often as the others. Then the same command
is run to its end. Every report must hold the figure that was counted from the data beforehand, no process of the round
may live a second later, and no file of it may lie in the output folder or the temporary folder.

Usage: tools/kills.py [--rounds 200] [--seed 20260630]
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.batch.conftest import write_company, write_notebook  # noqa: E402

REGIONS = {"East": 31, "West": 17, "North": 23, "华东": 29}
BODY = """
import time
import funnelnb as fn
book = fn.pick(fn.open_book(data, mapping=mapping, playbook=playbook, as_of=as_of), by, value)
time.sleep(0.2)
"""
SHOW = 'print("sum of", value, book.opportunities["amount"].sum())'
GONE_S = 1.0
VICTIMS = ("run", "server", "worker", "kernel")
BRIEF_S = 1.2
"""Workers and kernels are killed up to this long after the first of them is there."""


def children(pid: int) -> list[int]:
    """Return all living descendants of a process."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, level = [], [pid]
    while level:
        level = [child for one in level for child in parents.get(one, ())]
        found += level
    return found


def alive(pid: int, mark: str) -> bool:
    """Does a process live that belongs to this round?"""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" and mark.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def kind_of(pid: int, run: int) -> str:
    """Return what a process of a run is: the run, its server, a worker or a kernel."""
    if pid == run:
        return "run"
    try:
        open_files = [str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()]
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return "gone"
    if parent == run:
        return "server"
    return "kernel" if any(one.endswith("said.txt") for one in open_files) else "worker"


def one_round(
    folder: Path, dice: random.Random, longest: float, data: Path, notebook: Path, sums: dict[str, int]
) -> tuple[str, list[str]]:
    """Kill once, finish, and return what was killed and what is wrong."""
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
    out = folder / "out"
    mark = f"FUNNELNB_ROUND={folder.name}"
    environment = {**os.environ, "TMPDIR": str(temporary), "FUNNELNB_ROUND": folder.name}
    words = [
        "report",
        str(data),
        "--by",
        "region",
        "--notebook",
        str(notebook),
        "--out",
        str(out),
        "--jobs",
        "2",
    ]
    command = [sys.executable, "-m", "funnelnb", *words]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": ROOT}
    run = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
    wanted = dice.choice(VICTIMS)
    wait = dice.uniform(0.05, 0.9 * longest if wanted in {"run", "server"} else BRIEF_S)
    victim, seen = _struck(run, wanted, wait, dice)
    if victim != "run":
        while run.poll() is None:
            seen |= set(children(run.pid))
            time.sleep(0.05)
    run.wait()
    wrong = _left(seen, mark, temporary, out, killed=victim == "run")
    if run.returncode not in {0, 3, -signal.SIGKILL}:
        wrong.append(f"exit code {run.returncode} after {victim} was killed")
    finished = subprocess.run(command, check=False, **quiet)  # type: ignore[call-overload]
    if finished.returncode:
        wrong.append(f"the second run ended with {finished.returncode}")
    wrong += _left(set(), mark, temporary, out, killed=False)
    for region, total in sums.items():
        pages = [one.read_text(encoding="utf-8") for one in out.glob(f"{region}.html")]
        if not pages or not re.search(rf"sum of {region} {total}(?:\.0)?\b", pages[0]):
            wrong.append(f"the report of {region} does not say {total}")
    return victim, wrong


def _struck(
    run: subprocess.Popen[bytes], wanted: str, wait: float, dice: random.Random
) -> tuple[str, set[int]]:
    """Kill a process of the wanted kind some seconds after the first of it was there; return whom, and all seen."""
    seen: set[int] = set()
    since = 0.0
    while run.poll() is None:
        family = [run.pid, *children(run.pid)]
        seen |= set(family)
        there = [pid for pid in family if kind_of(pid, run.pid) == wanted]
        since = since or (time.monotonic() if there else 0.0)
        if there and time.monotonic() - since >= wait:
            os.kill(dice.choice(there), signal.SIGKILL)
            return wanted, seen
        time.sleep(0.01)
    return "nothing", seen


def undisturbed(folder: Path, data: Path, notebook: Path) -> float:
    """Run once to the end and return the seconds."""
    words = [
        "report",
        str(data),
        "--by",
        "region",
        "--notebook",
        str(notebook),
        "--out",
        str(folder),
        "--jobs",
        "2",
    ]
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "funnelnb", *words], check=True, cwd=ROOT, capture_output=True)
    return time.monotonic() - started


def _left(seen: set[int], mark: str, temporary: Path, out: Path, *, killed: bool) -> list[str]:
    until = time.monotonic() + GONE_S
    while any(alive(pid, mark) for pid in seen) and time.monotonic() < until:
        time.sleep(0.02)
    wrong = [f"process {pid} lives on" for pid in seen if alive(pid, mark)]
    until = time.monotonic() + GONE_S
    while list(temporary.iterdir()) and time.monotonic() < until:
        time.sleep(0.02)
    wrong += [f"{one.name} is left in the temporary folder" for one in temporary.iterdir()]
    if out.is_dir() and not killed:  # a killed run's own folder is cleared by its server or by the next run
        wrong += [f"{one.name} is left in the output" for one in out.iterdir() if one.name.startswith(".")]
    return wrong


def main() -> int:
    """Run all rounds and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20260630)
    given = parser.parse_args()
    dice = random.Random(given.seed)  # noqa: S311 - no secret
    killed: Counter[str] = Counter()
    faults = 0
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        data = write_company(place / "data", REGIONS)
        notebook = write_notebook(place / "kills.ipynb", body=BODY, show=SHOW)
        with (data / "opportunities.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        sums = {name: sum(int(row["amount"]) for row in rows if row["region"] == name) for name in REGIONS}
        longest = undisturbed(place / "first", data, notebook)
        print(f"a run that nobody disturbs takes {longest:.1f} s", flush=True)
        for k in range(given.rounds):
            folder = place / f"round{k}"
            victim, wrong = one_round(folder, dice, longest, data, notebook, sums)
            killed[victim] += 1
            faults += bool(wrong)
            for line in wrong:
                print(f"round {k + 1}, {victim} killed: {line}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            if (k + 1) % 10 == 0:
                print(f"{k + 1} rounds: {dict(sorted(killed.items()))}, {faults} with a fault", flush=True)
    print(
        f"seed {given.seed}: {given.rounds} kills {dict(sorted(killed.items()))}, {faults} rounds with a fault"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
