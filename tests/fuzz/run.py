"""Load spoilt inputs by the thousand: each becomes a book or is refused by us, never half, never with a traceback.

``python -m tests.fuzz.run [number] [seed] [first]`` runs them in workers that are replaced when they hang or die.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from tests.fuzz.inputs import build

LIMIT_S = 10
ASKED = 20
ROOT = Path(__file__).resolve().parents[2]


def one(seed: int, number: int, folder: Path) -> tuple[str, str, str]:
    """Load one input.

    Returns
    -------
    tuple of str
        Form, verdict (``book``, ``refused`` or ``fault``) and, of a fault, where and what.
    """
    from funnelnb.core.errors import FunnelError

    form, source, options = build(seed, number, folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            n = opened(form, source, options, number)
    except FunnelError as error:
        hidden = ours(error.__cause__)
        return (form, "fault", f"hidden: {hidden}") if hidden else (form, "refused", type(error).__name__)
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        return form, "fault", ours(error, anywhere=True)
    return form, "book", str(n)


def opened(form: str, source: Any, options: dict[str, Any], number: int) -> int:
    """Open an input as what it is, ask every twentieth book a few questions, and return how much it holds."""
    from funnelnb.data.events.load import events
    from funnelnb.data.load import load
    from funnelnb.data.snapshots import Store

    if form == "events":
        return len(events(source))
    if form == "snapshots":
        store = Store(source)
        return sum(len(store.at(day).opportunities) for day in store.dates)
    book = load(source, **options)
    if number % ASKED == 0:
        analyse(book)
    return len(book.opportunities)


def analyse(book: Any) -> None:
    """Ask a book the commonest questions; a refusal is an answer."""
    import funnelnb as fn
    from funnelnb.core.errors import FunnelError

    for ask, options in ((fn.conversion, {}), (fn.duration, {}), (fn.segments, {"by": "region"})):
        try:
            ask(book, **options).text("en")
        except FunnelError:
            continue


def ours(error: BaseException | None, *, anywhere: bool = False) -> str:
    """Return where in our code an error arose; empty if it arose in a library and we turned it into our own."""
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or (not anywhere and type(error).__module__ != "builtins"):  # a library's own error
        return ""
    last = frames[-1]
    inside = [frame for frame in frames if "/funnelnb/" in frame.filename]
    if anywhere or "/funnelnb/" in last.filename:
        place = inside[-1] if inside else last
        return f"{type(error).__name__} at {place.filename.split('/funnelnb/')[-1]}:{place.lineno} {str(error)[:120]}"
    return ""


def work(seed: int, first: int, last: int) -> None:
    """Load a range of inputs, one line of JSON before and after each."""
    for number in range(first, last):
        print(json.dumps(["begin", number]), flush=True)
        folder = Path(tempfile.mkdtemp(prefix="spoilt-"))
        try:
            print(json.dumps(["end", number, *one(seed, number, folder)]), flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _answers(worker: subprocess.Popen[str], seconds: float) -> bool:
    """Whether a worker says something before it has used so many seconds of processor time."""
    begun, until = _used(worker.pid), time.monotonic() + 60 * seconds
    while time.monotonic() < until:
        if select.select([worker.stdout], [], [], seconds)[0]:
            return True
        if _used(worker.pid) - begun > 0.9 * seconds:
            return False
    return False


def _used(pid: int) -> float:
    """Return the processor time of a process; the time of day where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return time.monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(number: int, seed: int, first: int = 0) -> tuple[Counter[str], dict[str, list[int]]]:
    """Load `number` inputs in workers, and return verdicts by form and faults with their inputs."""
    verdicts: Counter[str] = Counter()
    faults: dict[str, list[int]] = {}
    place, stop = first, first + number
    while place < stop:
        command = [sys.executable, "-m", "tests.fuzz.run", "work", str(seed), str(place), str(stop)]
        worker = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
        )
        assert worker.stdout is not None
        place = stop
        current, began = -1, time.monotonic()
        while True:
            ready = _answers(worker, LIMIT_S + 20 * (current < 0))
            line = worker.stdout.readline() if ready else ""
            if not line:
                worker.kill()
                code = worker.wait()
                if current >= 0 and (not ready or code):
                    kind = f"hangs over {LIMIT_S} s" if not ready else f"worker died ({code})"
                    faults.setdefault(kind, []).append(current)
                    verdicts["fault"] += 1
                    print(f"input {current}: {kind}", flush=True)
                    place = current + 1
                break
            what, current, *rest = json.loads(line)
            if what == "end":
                form, verdict, told = rest
                verdicts[verdict] += 1
                verdicts[f"{form} {verdict}"] += 1
                if verdict == "fault":
                    faults.setdefault(told, []).append(current)
                    print(f"input {current} ({form}): {told}", flush=True)
                if time.monotonic() - began > 60:
                    began = time.monotonic()
                    shown = dict(verdicts.most_common(3))
                    print(f"{current + 1 - first:>7} inputs: {shown}, {len(faults)} faults", flush=True)
    return verdicts, faults


def main() -> int:
    """Run as told on the command line; 1 if there was a fault."""
    if sys.argv[1:2] == ["work"]:
        work(*(int(one) for one in sys.argv[2:5]))
        return 0
    numbers = [int(one) for one in sys.argv[1:4]]
    number, seed, first = [*numbers, *[100_000, 1, 0][len(numbers) :]]
    verdicts, faults = run(number, seed, first)
    total = sum(verdicts[one] for one in ("book", "refused", "fault"))
    print(f"{total} inputs, seed {seed}: {verdicts['book']} became a book ({verdicts['book'] / max(total, 1):.0%}), "
          f"{verdicts['refused']} were refused, {verdicts['fault']} faults of {len(faults)} kinds")  # fmt: skip
    for told, where in sorted(faults.items(), key=lambda item: -len(item[1])):
        print(f"{len(where):>6} × {told} (inputs {', '.join(map(str, where[:5]))})")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
