"""Kaplan-Meier and Aalen-Johansen of a million times: funnelnb against one sort, SciPy, lifelines, scikit-survival.

    python benchmarks/bench_curves.py            # the table of benchmarks/README.md

Every package runs in a process of its own with one thread on the same file; the packages take turns. What
counts is processor time, which other programs disturb least. All curves must agree, or there is no table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve()
if str(HERE.parents[1]) not in sys.path:
    sys.path.insert(0, str(HERE.parents[1]))

from benchmarks import apart, curve_ways, measure  # noqa: E402

CLOSE, CLOSE_APART = 1e-9, 1e-5
MOST_SORTS = 3
OTHERS = ("lifelines", "scikit-survival")
TIES_APART = ("Aalen-Johansen", "lifelines")  # moves equal times apart at random


def generate(folder: Path, rows: int, *, seed: int = 20261123) -> dict[str, Path]:
    """Write the same times as fractions of a day, in whole seconds and in whole days; 30 % are still open."""
    rng = np.random.default_rng(seed)
    needed, watched = 60 * rng.weibull(1.3, rows), rng.uniform(0, 180, rows)
    time = np.minimum(needed, watched)
    outcome = np.where(needed <= watched, 1 + (rng.random(rows) < 0.4), 0)
    tables = {
        "fractions of a day": time,
        "whole seconds": (time * 86_400).astype(np.int64),
        "whole days": np.ceil(time).astype(np.int64),
    }
    files = {name: folder / f"{name}.npz" for name in tables}
    for name, column in tables.items():
        asked = np.unique(np.quantile(column, np.linspace(0.01, 0.9, 40)))
        np.savez(files[name], time=column, outcome=outcome, asked=asked)
    return files


def must_agree(name: str, values: curve_ways.Read, reference: curve_ways.Read, close: float) -> None:
    """Refuse to go on when a curve, or a bound of it, is another one."""
    for part, column in values.items():
        difference = np.max(np.abs(np.subtract(column, reference[part])))
        if not difference <= close:
            raise SystemExit(f"{name}: {part} differs by up to {difference:g}")


def compare(
    files: dict[str, Path], others: Path | None, rounds: int
) -> dict[tuple[str, str, str], dict[str, float]]:
    """Let the packages take turns, check that they agree, return medians by (times, curve, package)."""
    runs: dict[tuple[str, str, str], list[dict[str, float]]] = {}
    pythons = {"funnelnb": None, "scipy": None, **(dict.fromkeys(OTHERS, others) if others else {})}
    for round_ in range(rounds):
        for times, file in files.items():
            reference: dict[str, Any] = {}
            for package, python in pythons.items():
                found = apart.run(
                    "curve_ways.py", package, str(file), "5" if python is None else "1", python=python
                )
                for curve, one in found.items():
                    values = one.pop("values")
                    moved = (curve, package) == TIES_APART
                    if moved and times == "whole days":  # then it is another curve
                        continue
                    close = CLOSE_APART if moved else CLOSE
                    name, known = f"{package}, {curve}, {times}", reference.setdefault(curve, values)
                    must_agree(name, values, known, close)
                    runs.setdefault((times, curve, package), []).append(one)
                    line = f"round {round_ + 1}  {times:19s} {package:16s} {curve:15s} {one['cpu_s']:.3f} s"
                    print(line, file=sys.stderr)
    return {entrant: measure.median(one) for entrant, one in runs.items()}


def report(rows: int, medians: dict[tuple[str, str, str], dict[str, float]]) -> bool:
    """Print the table and the targets; return whether all are met."""
    print(f"\n{rows:,} times\n\n| times | curve | package | ms | x of a sort | x of funnelnb | MB added |")
    print("|---|---|---|---|---|---|---|")
    met, lines = [], []
    for (times, curve, package), one in medians.items():
        sorts = one["cpu_s"] / medians[times, "sort", "funnelnb"]["cpu_s"]
        ratio = one["cpu_s"] / medians[times, curve, "funnelnb"]["cpu_s"]
        cells = (times, curve, package if curve != "sort" else "NumPy", f"{1000 * one['cpu_s']:.0f}")
        print(
            f"| {' | '.join(cells)} | {sorts:.1f} | {'' if ratio == 1 else f'{ratio:.1f}'}"
            f" | {one['added_mb']:.0f} |"
        )
        if package == "funnelnb" and curve != "sort":
            met.append(sorts < MOST_SORTS)
            lines.append(f"{curve} on {times} in less than {MOST_SORTS} sorts: {sorts:.1f}")
        elif curve != "sort":
            met.append(ratio > 1)
            lines.append(f"{curve} on {times} faster than {package}: {ratio:.1f} x")
    for good, line in zip(met, lines, strict=True):
        print("met " if good else "MISSED", line)
    return all(met)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    others = apart.others()
    with tempfile.TemporaryDirectory() as name:
        files = generate(Path(name), given.rows)
        return 0 if report(given.rows, compare(files, others, given.rounds)) else 1


if __name__ == "__main__":
    sys.exit(main())
