"""Five families fitted to censored times: funnelnb against SciPy and lifelines.

    python benchmarks/bench_lifetimes.py                   # the tables of benchmarks/README.md
    python benchmarks/bench_lifetimes.py --rows 100000

Every way runs in a process of its own with one thread on the same file; the ways take turns. What counts is
processor time, which other programs disturb least. All parameters must agree, or there is no table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve()
if str(HERE.parents[1]) not in sys.path:
    sys.path.insert(0, str(HERE.parents[1]))

from benchmarks import apart, fit_ways, measure  # noqa: E402

CLOSE = 1e-4
CONTINUOUS, WHOLE = 5, 100  # times faster than each other way


def generate(folder: Path, rows: int, *, seed: int = 20261123) -> dict[str, Path]:
    """Write the same times as they are, in whole days, and in whole days counted; 30 % are still open."""
    rng = np.random.default_rng(seed)
    needed, watched = 60 * rng.weibull(1.3, rows), rng.uniform(0, 180, rows)
    time, event = np.minimum(needed, watched), needed <= watched
    days = np.ceil(time)
    code, n = np.unique(2 * days + event, return_counts=True)
    tables = {
        "continuous": {"time": time, "event": event},
        "whole days": {"time": days, "event": event},
        "counted": {"time": code // 2, "event": code % 2 == 1, "n": n},
    }
    files = {name: folder / f"{name}.npz" for name in tables}
    for name, table in tables.items():
        np.savez(files[name], **table)
    return files


def entrants(others: Path | None) -> list[tuple[str, str, Path | None]]:
    """Return (times, way, Python) of everything that is measured; funnelnb first."""
    made: list[tuple[str, str, Path | None]] = []
    for times in ("continuous", "whole days", "counted"):
        ours = ("funnelnb", "funnelnb, four families")
        made += [(times, way, None) for way in (*ours, *(("scipy",) if times != "counted" else ()))]
        made += [(times, "lifelines", others)] if others else []
    return made


def must_agree(name: str, found: fit_ways.Parameters, reference: fit_ways.Parameters) -> None:
    """Refuse to go on when a parameter differs by more than 1e-4 of its size."""
    for family, values in found.items():
        if not np.allclose(values, reference[family], rtol=CLOSE, atol=0):
            raise SystemExit(f"{name}, {family}: {values} instead of {reference[family]}")


def compare(
    files: dict[str, Path], others: Path | None, rounds: int
) -> dict[tuple[str, str], dict[str, float]]:
    """Let the ways take turns, check that they agree, return medians."""
    runs: dict[tuple[str, str], list[dict[str, float]]] = {}
    reference: dict[str, fit_ways.Parameters] = {}
    for round_ in range(rounds):
        for times, way, python in entrants(others):
            found = apart.run("fit_ways.py", way, str(files[times]), python=python)
            parameters = found.pop("parameters")
            must_agree(f"{way} on {times}", parameters, reference.setdefault(times, parameters))
            runs.setdefault((times, way), []).append(found)
            print(f"round {round_ + 1}  {times:11s} {way:24s} {found['cpu_s']:.3f} s", file=sys.stderr)
    must_agree("counted", reference["counted"], reference["whole days"])
    return {entrant: measure.median(one) for entrant, one in runs.items()}


def report(rows: int, medians: dict[tuple[str, str], dict[str, float]]) -> bool:
    """Print the table and the targets; return whether all are met."""
    print(f"\n{rows:,} times\n\n| times | way | s | x of funnelnb | MB added |\n|---|---|---|---|---|")
    for (times, way), one in medians.items():
        ours = medians[times, _counterpart(way)]["cpu_s"]
        ratio = "" if way.startswith("funnelnb") else f"{one['cpu_s'] / ours:.1f}"
        print(f"| {times} | {way} | {one['cpu_s']:.3f} | {ratio} | {one['added_mb']:.0f} |")
    met = []
    for times, ours_on, factor in (
        ("continuous", "continuous", CONTINUOUS),
        ("whole days", "counted", WHOLE),
    ):
        for way in ("scipy", "lifelines"):
            if (times, way) not in medians:
                continue
            ratio = medians[times, way]["cpu_s"] / medians[ours_on, _counterpart(way)]["cpu_s"]
            met.append(ratio >= factor)
            verdict = "met " if met[-1] else "MISSED"
            print(f"{verdict} on {times} at least {factor} x faster than {way}: {ratio:.1f} x")
    return all(met)


def _counterpart(way: str) -> str:
    """Return our way that fits the same families as `way`."""
    return "funnelnb, four families" if way in ("lifelines", "funnelnb, four families") else "funnelnb"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument(
        "--rounds", type=int, default=3, help="of the smaller sizes; one from 500,000 rows on"
    )
    given = parser.parse_args()
    others, met = apart.others(), True
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as name:
            files = generate(Path(name), rows)
            met &= report(rows, compare(files, others, given.rounds if rows < 500_000 else 1))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
