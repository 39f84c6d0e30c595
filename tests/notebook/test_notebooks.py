"""The notebooks keep their contract and hold what their checked cells say."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import notebooks as tool

SOURCES = sorted((ROOT / "notebooks" / "src").glob("*.py"))
EDITIONS = [(source, lang) for source in SOURCES for lang in tool.LANGUAGES]


@pytest.mark.parametrize(("source", "lang"), EDITIONS, ids=lambda value: getattr(value, "stem", value))
def test_contract_and_derivation(source: Path, lang: str) -> None:
    assert tool.problems_of(source, lang) + tool.stored_problems(source, lang) == []


@pytest.mark.parametrize(("source", "lang"), EDITIONS, ids=lambda value: getattr(value, "stem", value))
def test_checked_outputs_are_what_comes_out(source: Path, lang: str) -> None:
    """nbval, strict: every checked cell's stored text is compared with a fresh run."""
    path = ROOT / "notebooks" / lang / f"{source.stem}.ipynb"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "default",
        str(path),
    ]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]


def test_nbval_sees_a_changed_number(tmp_path: Path) -> None:
    """The comparison can fail: one digit changed in one stored output."""
    notebook = nbformat.read(ROOT / "notebooks" / "en" / f"{SOURCES[0].stem}.ipynb", as_version=4)
    cell = next(cell for cell in notebook.cells if "check" in cell.metadata.get("tags", []))
    text = cell.outputs[0].text
    digit = next(place for place, char in enumerate(text) if char.isdigit())
    cell.outputs[0].text = text[:digit] + str((int(text[digit]) + 1) % 10) + text[digit + 1 :]
    notebook.cells = notebook.cells[: notebook.cells.index(cell) + 1]
    path = tmp_path / "changed.ipynb"
    nbformat.write(notebook, path)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "default",
        str(path),
    ]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert run.returncode == 1
    assert "1 failed" in run.stdout


BAD = """# %% [markdown] tags=["lang-en", "lang-zh"]
# # One
#
# # Two

# %% tags=["parameters"]
horizon_days = 180

# %%
import pandas as pd

def rate(won, n):
    return won / n
"""


def test_the_contract_can_be_broken(tmp_path: Path) -> None:
    source = tmp_path / "99_bad.py"
    source.write_text(BAD, encoding="utf-8")
    found = "\n".join(tool.problems_of(source, "en"))
    for words in (
        "2 top-level headings",
        "lacks a type or a comment",
        "imports 'import pandas as pd'",
        "FunctionDef",
        "BinOp",
        "no text after it",
        "0 checked cells",
        "What this does not show",
    ):
        assert words in found
