"""Batch runs in one process with a fault in every other one: is each report right or refused, and memory level?

Each pair of runs is a run into which something goes wrong (the data file is replaced, cut off or spoilt by settings, a
report fails, its kernel is killed, the output folder is removed, somebody presses Ctrl-C) and a run that is left alone.
Pages must hold the sums of the data that their run has read, whole; the second run must be right; nothing of a run may
be left in the temporary folder.

Usage: tools/soak_runs.py [--runs 500] [--seed 20261128]
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gc
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.batch.conftest import BODY, Heard, write_company, write_notebook  # noqa: E402
from tools.soak import resident_mb  # noqa: E402

REGIONS = ("East", "West", "华东")
FAULTS = ("replaced", "cut off", "settings", "boom", "kill", "folder removed", "ctrl-c", "another notebook")
SHOW = 'print("sum of", value, book.opportunities["amount"].sum())'
WARM, MOST_MB = 40, 40
RENEWED = 25
"""After so many pairs the server that kernels are forked from is ended and another one started."""


class Meddling(Heard):
    """Does something to the files of a run while it is under way."""

    def __init__(self, fault: str, data: Path, out: Path, dice: random.Random) -> None:
        super().__init__()
        self.fault, self.data, self.out, self.dice = fault, data, out, dice

    def begin(self, to_do_n: int, finished_n: int) -> None:
        """Replace the data while the first report is made."""
        super().begin(to_do_n, finished_n)
        if self.fault == "replaced":
            new = write_company(self.data.parent / "new", sizes(self.dice))
            (new / "opportunities.csv").replace(self.data / "opportunities.csv")

    def done(self, name: str, entry: object) -> None:
        """Remove the folder, or press Ctrl-C, when a report is finished."""
        super().done(name, entry)  # type: ignore[arg-type]
        if self.fault == "folder removed":
            shutil.rmtree(self.out, ignore_errors=True)
        elif self.fault == "ctrl-c":
            raise KeyboardInterrupt


def sizes(dice: random.Random) -> dict[str, int]:
    """Return a number of deals for each region."""
    return {name: dice.randint(3, 30) for name in REGIONS}


def sums(data: Path) -> dict[str, float]:
    """Return the amounts of each region, counted without our reader."""
    with (data / "opportunities.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: sum(float(row["amount"]) for row in rows if row["region"] == name) for name in REGIONS}


def wrong_pages(out: Path, right: dict[str, float], *, all_of: bool) -> list[str]:
    """Return the regions whose page says another sum, or (with `all_of`) is not there."""
    wrong = []
    for name, total in right.items():
        page = out / f"{name}.html"
        said = (
            re.findall(rf"sum of {name} ([\d.]+)", page.read_text(encoding="utf-8")) if page.exists() else []
        )
        if any(float(one) != total for one in said) or (all_of and not said):
            wrong.append(f"{name}: {said or 'nothing'} instead of {total}")
    return wrong


def spoil(fault: str, data: Path, notebook: Path, dice: random.Random) -> dict[str, str]:
    """Do what goes wrong before the run; return parameters of its notebook."""
    deals, settings = data / "opportunities.csv", data / "funnelnb.toml"
    if fault == "cut off":
        content = deals.read_bytes()
        deals.write_bytes(content[: dice.randrange(len(content))])
    elif fault == "settings":
        settings.write_text(
            dice.choice(["playbook = 3", "[[", "\x00", "limits = {columns = 0}"]), encoding="utf-8"
        )
    elif fault == "another notebook":
        notebook.write_bytes(notebook.read_bytes()[: dice.randrange(2000)])
    return {"mood": f"{fault} {dice.choice(REGIONS)}"} if fault in ("boom", "kill") else {}


def pair(folder: Path, fault: str, dice: random.Random) -> tuple[str, list[str]]:
    """Run once with a fault and once without; return how the first ended and what is wrong."""
    from funnelnb.batch.plan import Request
    from funnelnb.batch.run import run
    from funnelnb.core.errors import FunnelError

    data, out = write_company(folder / "data", sizes(dice)), folder / "out"
    notebook = write_notebook(folder / "own.ipynb", body=BODY, show=SHOW)
    whole, right = notebook.read_bytes(), sums(data)
    asked = {"data": (str(data),), "by": "region", "notebooks": (str(notebook),), "out": out, "lang": "en"}
    parameters = spoil(fault, data, notebook, dice)
    wrong: list[str] = []
    try:
        ended = run(Request(**asked, parameters=parameters), Meddling(fault, data, out, dice)).outcome
    except FunnelError as error:
        ended = type(error).__name__
    except KeyboardInterrupt:
        ended = "interrupted"
    except Exception as error:
        ended = "traceback"
        wrong.append(f"{fault}: {type(error).__name__}: {error}")
    if fault != "cut off":
        wrong += [f"{fault}: {one}" for one in wrong_pages(out, right, all_of=False)]
    write_company(data, {name: dice.randint(3, 30) for name in REGIONS})
    notebook.write_bytes(whole)
    try:
        second = run(Request(**asked), Heard()).outcome
    except FunnelError as error:
        second = f"{type(error).__name__}: {error}"
    if second != "ok":
        wrong.append(f"after {fault}: the second run ended with {second}")
    wrong += [f"after {fault}: {one}" for one in wrong_pages(out, sums(data), all_of=True)]
    return ended, wrong


def warm_up(server: contextlib.ExitStack, temporary: Path) -> None:
    """Start a server for the next runs; what it keeps in the temporary folder is its own."""
    from funnelnb.batch import forkserver

    os.environ.pop(forkserver.ADDRESS, None)
    held = server.enter_context(forkserver.started())
    os.environ[forkserver.ADDRESS] = getattr(held, "address", "")
    server.callback(os.environ.pop, forkserver.ADDRESS, None)
    OWN.update(one.name for one in temporary.iterdir())


OWN: set[str] = set()
"""What the server keeps in the temporary folder."""


def main() -> int:
    """Run all pairs and print what came out; 1 if anything was wrong or memory grew."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=20261128)
    given = parser.parse_args()
    dice = random.Random(given.seed)  # noqa: S311 - no secret
    ended: Counter[str] = Counter()
    faults, held = 0, 0.0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        temporary = Path(scratch) / "tmp"
        temporary.mkdir()
        tempfile.tempdir = os.environ["TMPDIR"] = str(temporary)
        server = contextlib.ExitStack()
        for number in range(given.runs // 2):
            if number % RENEWED == 0:  # between them, runs fork from one server, as under `funnelnb warm`
                server.close()
                warm_up(server, temporary)
            folder = Path(scratch) / f"pair{number}"
            fault = FAULTS[number % len(FAULTS)]
            how, wrong = pair(folder, fault, dice)
            left = [one.name for one in temporary.iterdir() if one.name not in OWN]
            wrong += [f"after {fault}: {', '.join(left)} is left in the temporary folder"] if left else []
            ended[f"{fault}: {how}"] += 1
            faults += bool(wrong)
            for line in wrong:
                print(f"pair {number + 1}: {line}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):
                for one in [one for one in temporary.iterdir() if one.name not in OWN]:
                    shutil.rmtree(one, ignore_errors=True)
            if number + 1 == max(min(WARM, given.runs // 2) // 2, 1):
                gc.collect()
                held = resident_mb()
            seconds = time.monotonic() - began
            state = f"{2 * number + 2:>4} runs, {faults} pairs wrong, {resident_mb():.0f} MB, {seconds:.0f} s"
            print(f"{state}: {fault}: {how}", flush=True)
        server.close()
    gc.collect()
    grown = resident_mb() - held
    for what, count in sorted(ended.items()):
        print(f"{count:>5} × {what}")
    print(
        f"seed {given.seed}: {given.runs} runs, {faults} pairs wrong; {held:.0f} MB warm, {grown:+.1f} MB since"
    )
    return int(faults > 0 or grown > MOST_MB)


if __name__ == "__main__":
    sys.exit(main())
