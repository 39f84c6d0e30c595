"""One report per region: `funnelnb report` against papermill's and nbconvert's command lines called per region.

The stock way runs in an environment of its own with stock packages. Both run the same notebook on the same data with the
same parameters, in turn; every report is made from nothing, and what the notebooks print must be the same for every
region, else nothing is shown. Prints seconds and the ratios: with the kernel server started by the run, and with
one that stands ready (`funnelnb warm`).

    python benchmarks/bench_reports.py [--only REGION ...] [--jobs N] [--no-stock]
    python benchmarks/bench_reports.py --many 10 30 100

`--many`: so many regions of 40 deals each × four notebooks; time and processor time per report, and the largest
memory (PSS) of the run with everything that it started, in each quarter of the run: it must neither grow with the number
of regions nor during the run.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import nbformat

from funnelnb.batch import forkserver, notebooks
from funnelnb.core import resources

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "requirements" / "run.txt"
REGIONS_N = 8


def stock() -> Path:
    """Return the Python of an environment with the pinned packages as their authors publish them, made on first use."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "funnelnb-benchmarks" / f"stock-{hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]}"
    python, done = folder / "bin" / "python", folder / "done"
    if not done.exists():
        print(f"making an environment of {PINS.name} in {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", PINS], check=True)
        subprocess.run(
            [*pip, "rfc3987-syntax"], check=True
        )  # left out of our pins: a second in every process
        done.touch()
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    (Path(site) / "funnelnb-checkout.pth").write_text(
        f"{ROOT}\n"
    )  # each time: another checkout may have made it
    return python


NOTEBOOKS = ("01_conversion_by_segment", "02_stage_durations", "04_priorities", "06_diagnosis")


def many(regions_n: int, folder: Path, jobs: int) -> tuple[float, float, list[float]]:
    """Make four reports of each of many regions; return seconds, processor seconds and MB held, twice a second."""
    import pandas as pd
    import psutil

    data = folder / "data"
    company(data)
    deals = pd.read_csv(data / "opportunities.csv", dtype=str, keep_default_na=False)
    wanted = deals.sample(40 * regions_n, replace=True, random_state=1)
    wanted["region"] = [f"R{k % regions_n:03d}" for k in range(len(wanted))]
    history = pd.read_csv(data / "stage_history.csv", dtype=str, keep_default_na=False)
    named = wanted.assign(new=[f"N{k:06d}" for k in range(len(wanted))])
    history = history.merge(named[["opportunity_id", "new"]], on="opportunity_id")
    for one in (named, history):
        one["opportunity_id"] = one.pop("new")
    for path in data.glob("*.csv"):
        if path.name not in ("accounts.csv", "contacts.csv"):
            path.unlink()
    named.to_csv(data / "opportunities.csv", index=False)
    history.to_csv(data / "stage_history.csv", index=False)
    words = ["report", str(data), "--by", "region", "--jobs", str(jobs), "--out", "many"]
    command = [sys.executable, "-m", "funnelnb", *words, "--notebook", *NOTEBOOKS]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    memory: list[float] = []
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as run:
        watched = psutil.Process(run.pid)
        while run.poll() is None:
            held = 0
            with contextlib.suppress(psutil.Error):
                for one in (watched, *watched.children(recursive=True)):
                    with contextlib.suppress(psutil.Error):
                        held += one.memory_full_info().pss
            memory.append(held / 2**20)
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(0.5)
        told = run.stderr.read() if run.stderr else ""
    took, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    made = len(list((folder / "many").glob("*.html"))) - 1
    if run.returncode or made != regions_n * len(NOTEBOOKS):
        raise SystemExit(f"{made} reports, exit code {run.returncode}: {told[-600:]}")
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, memory


def quarters(memory: list[float]) -> list[float]:
    """Return the largest of each quarter of `memory`."""
    size = max(1, -(-len(memory) // 4))
    return [max(memory[k : k + size]) for k in range(0, len(memory), size)]


def company(folder: Path) -> list[str]:
    """Write the sample company with eight regions instead of six; return them."""
    import pandas as pd

    source = resources.sample_folder()
    shutil.copytree(source, folder)
    deals = pd.read_csv(source / "opportunities.csv", dtype=str, keep_default_na=False)
    place = deals.groupby("region").cumcount()
    largest = deals["region"].value_counts().index[:2]
    for name in largest:
        deals.loc[(deals["region"] == name) & (place % 2 == 1), "region"] = f"{name} 2"
    deals.to_csv(folder / "opportunities.csv", index=False)
    return sorted(deals["region"].unique())


def timed(commands: list[list[str]], folder: Path, **more: str) -> tuple[float, float]:
    """Run `commands` one after the other; return seconds by the clock and of processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    for command in commands:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, **more})
    took = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def one_by_one(
    python: Path, notebook: notebooks.Notebook, data: Path, region: str, place: int
) -> list[list[str]]:
    """Return what makes one report with the stock command lines."""
    given = [
        word
        for pair in (("data", data), ("by", "region"), ("value", region))
        for word in ("-r", *map(str, pair))
    ]
    executed = f"region{place}.ipynb"
    papermill = [
        str(python),
        "-m",
        "papermill",
        str(notebook.path),
        executed,
        *given,
        "-p",
        "horizon_days",
        "180",
    ]
    return [papermill, [str(python), "-m", "jupyter", "nbconvert", "--to", "html", "--no-input", executed]]


def printed(path: Path) -> list[str]:
    """Return what a notebook printed, without the cells that only one of the ways runs."""
    node = nbformat.read(path, as_version=4)
    cells = [cell for cell in node.cells if notebooks.WHOLE_TAG not in cell.metadata.get("tags", ())]
    outputs = [one for cell in cells for one in cell.get("outputs", ())]
    return [one.text for one in outputs if one.output_type == "stream" and one.name == "stdout"]


def ready(address: str) -> None:
    """Wait until a kernel server has imported everything: it then answers."""
    import socket

    here, there = socket.socketpair()
    wish = {"folder": str(ROOT), "environment": dict(os.environ), "serve": "funnelnb.batch.workers:serve"}
    line = forkserver.Line(address)
    line.fork("worker", wish, there.fileno())
    line.close()
    here.close()
    there.close()


def main() -> None:
    """Run all ways and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], help="these regions only")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--no-stock", action="store_true", help="leave the slow way out")
    parser.add_argument("--many", nargs="+", type=int, default=[], metavar="N", help="so many regions")
    given = parser.parse_args()
    for regions_n in given.many:
        with tempfile.TemporaryDirectory() as scratch:
            wall, cpu, memory = many(regions_n, Path(scratch), given.jobs)
        n = regions_n * len(NOTEBOOKS)
        held = " ".join(f"{one:,.0f}" for one in quarters(memory))
        print(
            f"{n:5,} reports  {wall / n:6.2f} s each  {cpu / n:6.2f} s of processors each  MB {held}",
            flush=True,
        )
    if given.many:
        return
    notebook = notebooks.find(notebooks.default("en"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        data = folder / "data"
        regions = given.only or company(data)
        if given.only:
            company(data)
        words = ["report", str(data), "--by", "region", "--jobs", str(given.jobs), "--only", *regions]
        ours = [sys.executable, "-m", "funnelnb", *words]
        ways = {"funnelnb report": timed([[*ours, "--out", "cold"]], folder)}
        with forkserver.started() as server:
            if server is not None:
                ready(server.address)
                warm = {forkserver.ADDRESS: server.address}
                ways["funnelnb report, server ready"] = timed([[*ours, "--out", "warm"]], folder, **warm)
        if not given.no_stock:
            python = stock()
            commands = [
                command
                for place, region in enumerate(regions)
                for command in one_by_one(python, notebook, data, region, place)
            ]
            ways["papermill + nbconvert for each region"] = timed(commands, folder)
            for place, region in enumerate(regions):
                for way in ("cold", "warm"):
                    ours_said = printed(folder / way / f"{region}.ipynb")
                    if not ours_said or ours_said != printed(folder / f"region{place}.ipynb"):
                        raise SystemExit(f"{region}: the two ways do not print the same")
    print(f"{len(regions)} reports with index, {given.jobs} at a time, load {os.getloadavg()[0]:.1f}")
    slow, slow_cpu = ways.get("papermill + nbconvert for each region", (float("nan"),) * 2)
    for name, (wall, cpu) in ways.items():
        print(f"{name:40}{wall:7.1f} s{slow / wall:7.1f} ×   processors {cpu:6.1f} s{slow_cpu / cpu:7.1f} ×")


if __name__ == "__main__":
    main()
