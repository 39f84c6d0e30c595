"""One report per region: `funnelnb report` against papermill's and nbconvert's command lines called per region.

Both run the same notebook on the same data with the same parameters, one way after the other in one go; every
report is made from nothing. Prints seconds and the ratio.

    python benchmarks/bench_reports.py [--only REGION ...] [--jobs N]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import funnelnb as fn
from funnelnb.batch import notebooks
from funnelnb.core import resources


def timed(commands: list[list[str]], folder: Path) -> float:
    """Run `commands` one after the other; return the seconds."""
    started = time.perf_counter()
    for command in commands:
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - started


def one_by_one(notebook: notebooks.Notebook, data: Path, region: str, place: int) -> list[list[str]]:
    """Return what makes one report with the stock command lines."""
    values = {"data": str(data), "by": "region", "value": region, "horizon_days": "180"}
    given = [
        word
        for name, value in values.items()
        for word in ("-r" if name != "horizon_days" else "-p", name, value)
    ]
    executed = f"region{place}.ipynb"
    return [
        [sys.executable, "-m", "papermill", str(notebook.path), executed, *given],
        [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", "--no-input", executed],
    ]


def main() -> None:
    """Run both ways and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], help="these regions only")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    data = resources.sample_folder()
    notebook = notebooks.find(notebooks.default("en"))
    regions = given.only or [one for one in fn.load(data).split("region") if one]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        words = [
            "report",
            str(data),
            "--by",
            "region",
            "--out",
            "ours",
            "--jobs",
            str(given.jobs),
            "--only",
            *regions,
        ]
        ours = timed([[sys.executable, "-m", "funnelnb", *words]], folder)
        pages = [path for path in (folder / "ours").glob("*.html") if path.name != "index.html"]
        assert len(pages) == len(regions), pages
        stock = timed(
            [
                command
                for place, region in enumerate(regions)
                for command in one_by_one(notebook, data, region, place)
            ],
            folder,
        )
        assert len(list(folder.glob("region*.html"))) == len(regions)
    print(f"{len(regions)} reports with index, {given.jobs} at a time")
    print(f"funnelnb report                       {ours:6.1f} s")
    print(f"papermill + nbconvert for each region {stock:6.1f} s")
    print(f"ratio                                 {stock / ours:6.1f} times faster")


if __name__ == "__main__":
    main()
