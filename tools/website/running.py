"""Documents and notebooks are run while the site is built, and what they show is set below the code.

What a document shows is thereby what the code gives today; the tests run the same blocks (``conftest.py``).
"""

from __future__ import annotations

import contextlib
import doctest
import hashlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from IPython.utils.capture import capture_output

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^(```(\w+)?\n)(.*?)^```$\n?", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# (\w+\.toml)\n")
_PICTURES = {"image/svg+xml": "svg", "image/png": "png"}
_SKIP = re.compile(r"<!-- skip: next.*?-->\s*$", re.DOTALL)


class DocumentError(RuntimeError):
    """A block of a document did not run."""


class _Picture:
    """A chart that stands still."""

    def __init__(self, chart: Any) -> None:
        self._chart = chart

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from funnelnb.show.charts import render

        title = self._chart.to_dict().get("title", "")
        words = title.get("text", "") if isinstance(title, dict) else title
        return {
            "image/svg+xml": render.svg(self._chart),
            "text/plain": " ".join(words) if isinstance(words, list) else words,
        }


class _Shows(DisplayHook):
    """The value of a last line is shown as a notebook shows it, not printed."""

    def __call__(self, result: Any = None) -> None:
        if result is not None and not self.quiet():
            display(_Picture(result) if type(result).__module__.startswith("altair.") else result)


class _Shell(InteractiveShell):
    """A Python that nobody watches."""

    displayhook_class = _Shows


@dataclass(slots=True)
class Runner:
    """Types blocks into one Python and keeps what they show.

    Attributes
    ----------
    pictures : Path
        Folder that the charts are written to; pages name them as ``/_pictures/<hash>.svg``.
    place : str
        Named in errors.
    """

    pictures: Path
    place: str
    _shell: InteractiveShell = field(init=False)

    def __post_init__(self) -> None:
        _Shell.clear_instance()
        self._shell = _Shell.instance()
        self._shell.colors = "nocolor"
        self._shell.history_manager.enabled = False

    def run(self, code: str) -> str:
        """Run one block; return what it shows as Markdown."""
        with capture_output(stdout=True, stderr=True, display=True) as caught:
            done = self._shell.run_cell(code)
        if done.error_before_exec or done.error_in_exec:
            raise DocumentError(f"{self.place}: {done.error_before_exec or done.error_in_exec!r} in\n{code}")
        parts = [_text(caught.stdout)] if caught.stdout.strip() else []
        parts += [self._shown(one.data) for one in caught.outputs]
        return "\n".join(part for part in parts if part)

    def run_examples(self, code: str) -> None:
        """Run a block of examples with prompts; what they print already stands in the document."""
        for example in doctest.DocTestParser().get_examples(code):
            if example.exc_msg is None:
                self.run(example.source)

    def _shown(self, data: dict[str, Any]) -> str:
        """Return the richest form that stands still: HTML, else a picture, else text."""
        if "text/html" in data:
            return _raw(f'<div class="shown">{data["text/html"]}</div>')
        for kind, suffix in _PICTURES.items():
            if kind in data:
                return self._picture(data[kind], suffix, data.get("text/plain", ""))
        return _text(data["text/plain"]) if data.get("text/plain") else ""

    def _picture(self, content: str | bytes, suffix: str, words: str) -> str:
        raw = content.encode() if isinstance(content, str) else content
        name = f"{hashlib.sha256(raw).hexdigest()[:16]}.{suffix}"
        (self.pictures / name).write_bytes(raw)
        alt = re.sub(r"[\[\]\n]+", " ", words).strip()
        return f"\n![{alt}](/_pictures/{name})\n"


def _raw(html: str) -> str:
    return f"\n````````{{raw}} html\n{html}\n````````\n"


def _text(text: str) -> str:
    return f"\n````````{{code-block}} text\n:class: printed\n\n{text.rstrip()}\n````````\n"


def _folded(shown: str, lang: str) -> str:
    """Return what stands above as a table or chart already, folded."""
    title = {"en": "As text", "zh": "文本形式"}[lang]
    return f"{_raw(f'<details><summary>{title}</summary>')}{shown}{_raw('</details>')}" if shown else ""


@contextlib.contextmanager
def reader_folder() -> Iterator[Path]:
    """Stand in a folder as a reader has it: with the sample company as ``exports/``."""
    home, folder = Path.cwd(), Path(tempfile.mkdtemp(prefix="document-"))
    shutil.copytree(ROOT / "data" / "sample", folder / "exports")
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(home)
        shutil.rmtree(folder)


def document(path: Path, lang: str, pictures: Path) -> str:
    """Return a document with what each of its blocks shows set below it."""
    text = path.read_text(encoding="utf-8")
    if "```python" not in text:
        return text
    runner = Runner(pictures=pictures, place=path.name)
    runner.run(f"import funnelnb; funnelnb.options(lang={lang!r})\ndel funnelnb")

    def answered(found: re.Match[str]) -> str:
        kind, code = found.group(2), found.group(3)
        if kind == "toml" and (named := _NAMED.match(code)):
            Path(named.group(1)).write_text(code, encoding="utf-8")
        if kind != "python" or _SKIP.search(text[: found.start()]):
            return found.group(0)
        if ">>>" in code:
            runner.run_examples(code)
            return found.group(0)
        return found.group(0) + runner.run(code)

    with reader_folder():
        return _FENCE.sub(answered, text)


def notebook(path: Path, pictures: Path) -> str:
    """Return a notebook as a Markdown page: its text, its code, and what the code shows."""
    runner = Runner(pictures=pictures, place=path.name)
    parts = []
    home = Path.cwd()
    os.chdir(ROOT)
    try:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                parts.append(cell.source)
            elif cell.cell_type == "code":
                shown = runner.run(cell.source)
                folded = "check" in cell.metadata.get("tags", [])
                shown = _folded(shown, path.parent.name) if folded else shown
                parts.append(f"```python\n{cell.source}\n```\n{shown}")
    finally:
        os.chdir(home)
    return "\n\n".join(parts) + "\n"
