"""A small company and a small notebook, so that a run of the batch takes seconds."""

import csv
import datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest

from funnelnb.batch import manifest
from funnelnb.batch.plan import Request

START = datetime.date(2026, 1, 1)
REGIONS = {"East": 40, "华东/上海": 30, "../x": 20, "<script>alert(1)</script>": 14, "Tiny": 3}
"""Deals per region of the small company; some names try to leave the folder or the page."""

PARAMETERS = """
data: str = ""  # the data
mapping: str = ""
playbook: str = ""
as_of: str = ""
by: str = "region"
value: str = ""  # region of this report
lang: str = "en"
horizon_days: float = 60.0  # days
segment: str = "segment"
mood: str = "calm"  # what the notebook does: calm, boom, kill, sleep
code_word: str = "007"
"""

MOOD = """
import os, time
if mood == f"boom {value}":
    raise ValueError(f"<b>bad</b> news\\nfor {value}")
if mood == f"kill {value}":
    os.kill(os.getpid(), 9)
if mood.startswith("sleep"):
    time.sleep(float(mood.split()[1]))
"""

BODY = f"""{MOOD}
import funnelnb as fn
book = fn.pick(fn.open_book(data, mapping=mapping, playbook=playbook, as_of=as_of), by, value)
"""

SHOW = """
conversion = fn.conversion(book, horizon_days=horizon_days)
print("reached", conversion.overall[0].reached_n, "code", repr(code_word))
from IPython.display import HTML, display
display(HTML("<table><tr><td>a table</td></tr></table>"))
"""


def write_company(folder: Path, regions: dict[str, int] = REGIONS) -> Path:
    """Write a folder with deals by region: a third won, a third lost, a third open."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for region, n in regions.items():
        for k in range(n):
            created = START + datetime.timedelta(days=k % 60)
            outcome = ("won", "lost", "open")[k % 3]
            closed = "" if outcome == "open" else created + datetime.timedelta(days=10 + k % 30)
            stage = {"won": "won", "lost": "offer", "open": "lead"}[outcome]
            rows.append(
                {
                    "opportunity_id": f"D{len(rows):04}",
                    "region": region,
                    "segment": "big" if k % 2 else "small",
                    "stage": stage,
                    "outcome": outcome,
                    "created_at": created,
                    "closed_at": closed,
                    "amount": 100 + k,
                }
            )
    with (folder / "opportunities.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    settings = 'playbook = ["lead", "offer", "won"]\nas_of = "2026-06-30"\ncurrency = "EUR"\n'
    settings += 'as_of_reason = "sales paused"\n'
    (folder / "funnelnb.toml").write_text(settings, encoding="utf-8")
    return folder


def write_notebook(path: Path, *, parameters: str = PARAMETERS, body: str = BODY, show: str = SHOW) -> Path:
    """Write a notebook that opens its book and shows a figure."""
    words = nbformat.v4.new_markdown_cell("# A small report\n\n## Figures\n\nread this")
    cells: list[Any] = [
        words,
        nbformat.v4.new_code_cell(parameters.strip(), metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(body.strip()),
        nbformat.v4.new_code_cell(show.strip()),
    ]
    for place, cell in enumerate(cells):
        cell["id"] = f"c{place}"
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


SECRET = "Fischer AG 883,096"
"""Stands in for the names and figures of another company, stored in a notebook by an earlier run."""


def stain(path: Path) -> Path:
    """Store outputs of other data in every code cell of a notebook, and in the state of its controls."""
    node = nbformat.read(path, as_version=4)
    output = nbformat.v4.new_output
    for cell in node.cells:
        if cell.cell_type == "code":
            cell.execution_count = 7
            cell.outputs = [
                output("stream", name="stdout", text=SECRET),
                output("display_data", {"text/html": f"<table><td>{SECRET}</td></table>"}),
                output("execute_result", {"text/plain": SECRET}, execution_count=7),
            ]
    model = {"model_name": "HTMLModel", "model_module": "m", "state": {"value": SECRET}}
    node.metadata["widgets"] = {
        "application/vnd.jupyter.widget-state+json": {
            "version_major": 2,
            "version_minor": 0,
            "state": {"a": model},
        }
    }
    nbformat.write(node, path)
    return path


class Heard:
    """Remembers what a run told of."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, int]] = []
        self.finished: list[tuple[str, str]] = []

    def begin(self, to_do_n: int, finished_n: int) -> None:
        self.begun.append((to_do_n, finished_n))

    def done(self, name: str, entry: manifest.Entry) -> None:
        self.finished.append((name, entry.status))

    def end(self) -> None:
        pass


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_company(tmp_path_factory.mktemp("company") / "export")


@pytest.fixture(scope="session")
def small_notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_notebook(tmp_path_factory.mktemp("notebook") / "small.ipynb")


@pytest.fixture(scope="session")
def quick_notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a notebook that opens nothing, for tests of what happens around it."""
    path = tmp_path_factory.mktemp("notebook") / "quick.ipynb"
    return write_notebook(path, body=MOOD, show="horizon_days=horizon_days")


@pytest.fixture
def request_for(company: Path, quick_notebook: Path, tmp_path: Path) -> Any:
    """Build a request on the small company with a quick notebook, writing to `tmp_path`."""

    def build(**changes: Any) -> Request:
        given: dict[str, Any] = {
            "data": (str(company),),
            "by": "region",
            "notebooks": (str(quick_notebook),),
            "out": tmp_path / "out",
            "jobs": 2,
            "cell_timeout_s": 120,
        }
        return Request(**{**given, **changes})

    return build


@pytest.fixture(autouse=True)
def _steady_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the package's own files count as unchanged while tests run beside an editor."""
    monkeypatch.setattr(manifest, "_code", lambda: "code")
