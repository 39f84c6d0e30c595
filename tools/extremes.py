"""Large and odd books through every public function and every notebook: an answer or a refusal of ours, nothing else.

``python tools/extremes.py [functions] [notebooks] [list] [book …]``; without a word functions and notebooks, of all
books. ``list`` prints the functions and the books of the short tier as a table for docs/quality.md.

Large books: 200,000 deals of 100,000 regions, a million deals, 1,000 stages. Notebooks run on these and on every odd
book of ``tests/test_extremes.py``.
"""

from __future__ import annotations

import datetime
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from funnelnb.core import errors  # noqa: E402
from funnelnb.core.errors import FunnelError  # noqa: E402
from tests.test_extremes import BOOKS, FUNCTIONS, MORE, OPTIONS, STAGES, company, made  # noqa: E402

MOST_S = 300


def many(n: int, regions_n: int, stages: list[str], seed: int = 1) -> pd.DataFrame:
    """Return n deals: a third won, a third lost, a third open, in this many regions."""
    dice = np.random.default_rng(seed)
    kind = dice.integers(0, 3, n)
    created = np.datetime64("2025-01-01") + dice.integers(0, 300, n).astype("m8[D]")
    closed = created + dice.integers(1, 60, n).astype("m8[D]")
    place = dice.integers(0, len(stages) - 1, n)
    return pd.DataFrame({
        "opportunity_id": np.char.add("K", np.arange(n).astype(str)),
        "stage": np.where(kind == 0, stages[-1], np.array(stages)[place]),
        "outcome": np.array(["won", "lost", "open"])[kind],
        "owner": np.char.add("P", (np.arange(n) % 50).astype(str)),
        "region": np.char.add("R", (np.arange(n) % regions_n).astype(str)),
        "amount": dice.integers(1, 10_000, n).astype(float),
        "created_at": created, "closed_at": pd.Series(closed).where(kind < 2),
    })  # fmt: skip


LARGE = {
    "100,000 groups": (lambda: many(200_000, 100_000, STAGES), STAGES),
    "a million deals": (lambda: many(1_000_000, 20, STAGES), STAGES),
    "1,000 stages": (lambda: many(5_000, 5, [f"s{k}" for k in range(1000)]), [f"s{k}" for k in range(1000)]),
}


def asked(name: str, book: Any, options: dict[str, Any]) -> tuple[str, float]:
    """Ask one question; return what came of it and the seconds of processor time."""
    began = time.process_time()
    with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("error")
        try:
            found = FUNCTIONS[name](book, **options)
            for said in ("text", "finding"):
                if hasattr(found, said):
                    getattr(found, said)("en")
        except FunnelError as error:
            return f"refused: {str(error).splitlines()[0][:80]}", time.process_time() - began
        except Exception as error:
            return f"FAULT {type(error).__name__}: {str(error)[:150]}", time.process_time() - began
    return "answered", time.process_time() - began


def functions(books: list[str]) -> int:
    """Ask the large books (all, or those named) everything; return how many faults there were."""
    faults = 0
    for label, (make, stages) in LARGE.items():
        if books and label not in books:
            continue
        began = time.process_time()
        book = made(label, make(), stages)
        print(f"{label}: loaded in {time.process_time() - began:.1f} s", flush=True)
        for name in FUNCTIONS:
            for options in (OPTIONS.get(name, {}), *MORE.get(name, ())):
                what, seconds = asked(name, book, options)
                bad = what.startswith("FAULT") or seconds > MOST_S
                faults += bad
                print(
                    f"{'FAULT' if bad else 'ok':5} {seconds:7.1f} s  {label}: {name} {options or ''} {what}",
                    flush=True,
                )
    return faults


def notebooks(books: list[str]) -> int:
    """Run every notebook on every odd book (all, or those named); return how many fail without a refusal of ours."""
    from funnelnb.batch.notebooks import notebooks as listed
    from funnelnb.batch.plan import Request
    from funnelnb.batch.run import run
    from tests.batch.conftest import Heard

    names = tuple(
        one.name for one in listed("en") if "data" in one.parameters and "steps" not in one.parameters
    )
    faults = 0
    every = {label: (make, STAGES) for label, make in BOOKS.items()} | LARGE
    for label, (make, stages) in every.items():
        if books and label not in books:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="extremes-") as folder:
            data = Path(folder) / "data"
            data.mkdir()
            for name, table in company(make(), stages).items():
                if name == "gates":  # criteria are told by a playbook of its own, not by a list of stages
                    continue
                dated = {
                    column: ["" if pd.isna(one) else str(one)[:10] for one in table[column]]
                    for column in ("created_at", "closed_at", "entered_at")
                    if column in table
                }
                table.assign(**dated).to_parquet(data / f"{name}.parquet")
            settings = [
                f"playbook = {json.dumps(stages)}", 'as_of = "2025-12-31"', 'as_of_reason = "made up"',
                'on_problem = "drop"', 'currency = "EUR"', "[problems]", 'bad_number = "keep"',
            ]  # fmt: skip
            (data / "funnelnb.toml").write_text("\n".join(settings), encoding="utf-8")
            request = Request(
                data=(str(data),), by="", whole=True, notebooks=names, out=Path(folder) / "out", lang="en"
            )
            try:
                summary = run(request, Heard())
            except FunnelError as error:
                print(f"ok    {label}: refused: {str(error).splitlines()[0][:100]}", flush=True)
                continue
            for name, failure in summary.failed.items():
                refused = issubclass(getattr(errors, failure.error, Exception), FunnelError)
                faults += not refused
                said = f"{label}: {name}, cell {failure.cell}: {failure.error}: {failure.message}"
                print(f"{'ok   ' if refused else 'FAULT'} {said[:300]}", flush=True)
                if not refused:
                    print(failure.details, flush=True)
            print(
                f"ok    {label}: {len(summary.made)} notebooks, {time.monotonic() - began:.0f} s", flush=True
            )
    return faults


def main() -> int:
    """Do what was asked for; 1 if there was a fault."""
    books = [one for one in sys.argv[1:] if one in LARGE or one in BOOKS]
    wanted = [one for one in sys.argv[1:] if one not in books] or ["functions", "notebooks"]
    if "list" in wanted:
        print("functions:", ", ".join(f"`{name}`" for name in FUNCTIONS))
        print("books:", ", ".join([*BOOKS, *LARGE]))
        return 0
    faults = functions(books) if "functions" in wanted else 0
    faults += notebooks(books) if "notebooks" in wanted else 0
    print(f"{datetime.date.today()}: {faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
