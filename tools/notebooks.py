"""Build the notebooks of each language from one source, or check that they follow it.

A source ``notebooks/src/NAME.py`` is a percent-format script: Markdown cells tagged ``lang-en`` or ``lang-zh`` go to
that edition only, everything else to both. The parameter ``lang`` gets the edition's language. Building executes the
notebook on the sample data and keeps the output of cells tagged ``check`` (small plain text, compared strictly by
nbval); ids and metadata are made from the content, so that a rebuild is byte-identical.

Usage: tools/notebooks.py write|check
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "notebooks" / "src"
LANGUAGES = ("en", "zh")
LINES_MAX = 8
BYTES_MAX = 600_000
FORBIDDEN = (
    ast.FunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.For,
    ast.While,
    ast.BinOp,
    ast.AugAssign,
    ast.ListComp,
    ast.If,
)


def edition(source: Path, lang: str) -> nbformat.NotebookNode:
    """Return the notebook of one language, not executed."""
    full = jupytext.read(source, fmt="py:percent")
    cells = []
    for cell in full.cells:
        tags = list(cell.metadata.get("tags", []))
        wanted = [tag[5:] for tag in tags if tag.startswith("lang-")]
        if wanted and lang not in wanted:
            continue
        tags = [tag for tag in tags if not tag.startswith("lang-")]
        if cell.cell_type == "code" and "check" not in tags and "parameters" not in tags:
            tags.append("nbval-ignore-output")
        if "parameters" in tags:
            cell.source = re.sub(r'^(lang: str = )"\w+"', rf'\1"{lang}"', cell.source, flags=re.M)
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        cells.append(cell)
    for place, cell in enumerate(cells):
        cell.id = hashlib.sha256(f"{place}\n{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata, nbformat=4, nbformat_minor=5)


def executed(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Run the notebook; keep the checked outputs, and of the others what a viewer without a kernel shows."""
    NotebookClient(notebook, timeout=300, kernel_name="python3", record_timing=False).execute(cwd=str(ROOT))
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if "check" not in cell.metadata.get("tags", []):
            cell.outputs = [kept for kept in map(_still, cell.outputs) if kept is not None]
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = nbformat.from_dict({"name": "python"})
    return notebook


def _still(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """Return an output as a viewer without a kernel shows it: its picture, else its words and tables; else None."""
    if output.output_type not in ("display_data", "execute_result"):
        return None
    form = next((one for one in ("image/svg+xml", "text/html") if one in output.data), None)
    if form is None:
        return None
    data = {form: output.data[form], "text/plain": output.data.get("text/plain", "")}
    return nbformat.v4.new_output("display_data", data=data)


def problems_of(source: Path, lang: str) -> list[str]:
    """Return what is wrong with one edition's form: the notebook contract (CONTRIBUTING.md)."""
    notebook = edition(source, lang)
    place = f"{source.name} ({lang})"
    found = []
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    titles = re.findall(r"^# ", text, re.M)
    if len(titles) != 1:
        found.append(f"{place}: {len(titles)} top-level headings; expected exactly one")
    ending = {"en": ("What this does not show", "Next question"), "zh": ("请注意", "下一个问题")}[lang]
    found += [f"{place}: no heading with {words!r}" for words in ending if words not in text]
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            found += code_problems(cell, f"{place}, cell {number}")
            follower = notebook.cells[number + 1] if number + 1 < len(notebook.cells) else None
            plumbing = {"parameters", "setup"} & set(cell.metadata.get("tags", []))
            if not plumbing and (follower is None or follower.cell_type != "markdown"):
                found.append(f"{place}, cell {number}: no text after it reads its output")
    checked = [cell for cell in notebook.cells if "check" in cell.metadata.get("tags", [])]
    if len(checked) < 2:
        found.append(f"{place}: {len(checked)} checked cells; expected at least two")
    return found


def code_problems(cell: Any, place: str) -> list[str]:
    """Return what a code cell does that a notebook leaves to the package."""
    found = []
    tags = cell.metadata.get("tags", [])
    lines = [line for line in cell.source.splitlines() if line.strip()]
    if len(lines) > LINES_MAX and "parameters" not in tags:
        found.append(f"{place}: {len(lines)} lines; expected at most {LINES_MAX}")
    tree = ast.parse(cell.source)
    for node in ast.walk(tree):
        if isinstance(node, FORBIDDEN):
            found.append(
                f"{place}: {type(node).__name__} on line {node.lineno}; logic belongs in the package"
            )
        if isinstance(node, ast.Import) and [alias.name for alias in node.names] != ["funnelnb"]:
            found.append(f"{place}: imports {ast.unparse(node)!r}; expected only funnelnb")
        if isinstance(node, ast.ImportFrom):
            found.append(f"{place}: {ast.unparse(node)!r}; expected only `import funnelnb as fn`")
    if "parameters" in tags:
        lines = cell.source.splitlines()
        bare = [
            node.lineno
            for node in tree.body
            if not (isinstance(node, ast.AnnAssign) and "#" in lines[node.lineno - 1])
        ]
        found += [f"{place}: line {number} lacks a type or a comment" for number in bare]
    return found


def stored_problems(source: Path, lang: str) -> list[str]:
    """Return how the committed notebook differs from its source, or lacks what nbval compares."""
    path = ROOT / "notebooks" / lang / f"{source.stem}.ipynb"
    place = str(path.relative_to(ROOT))
    if not path.exists():
        return [f"{place} is missing; remedy: make notebooks"]
    stored, wanted = nbformat.read(path, as_version=4), edition(source, lang)
    found = []
    if [(cell.id, cell.source, cell.metadata) for cell in stored.cells] != [
        (cell.id, cell.source, cell.metadata) for cell in wanted.cells
    ]:
        found.append(f"{place} differs from {source.relative_to(ROOT)}; remedy: make notebooks")
    for number, cell in enumerate(stored.cells):
        if "check" in cell.metadata.get("tags", []) and not (cell.outputs and cell.execution_count):
            found.append(f"{place}, cell {number}: a checked cell without stored output compares nothing")
    if path.stat().st_size > BYTES_MAX:
        found.append(f"{place}: {path.stat().st_size} bytes; expected at most {BYTES_MAX}")
    return found


def write() -> int:
    """Build every edition, executed."""
    for source in sorted(SOURCE.glob("*.py")):
        for lang in LANGUAGES:
            target = ROOT / "notebooks" / lang / f"{source.stem}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(executed(edition(source, lang)), target)
            print(f"wrote {target.relative_to(ROOT)}")
    return 0


def check() -> int:
    """Say what is wrong with the sources and the committed notebooks."""
    sources = sorted(SOURCE.glob("*.py"))
    found = [
        line
        for source in sources
        for lang in LANGUAGES
        for line in problems_of(source, lang) + stored_problems(source, lang)
    ]
    known = {source.stem for source in sources}
    for lang in LANGUAGES:
        strays = [path for path in (ROOT / "notebooks" / lang).glob("*.ipynb") if path.stem not in known]
        found += [f"{path.relative_to(ROOT)} has no source" for path in strays]
    print(
        "\n".join(found)
        if found
        else f"{len(sources)} notebooks in {len(LANGUAGES)} languages follow their sources"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(write() if sys.argv[1:] == ["write"] else check())
