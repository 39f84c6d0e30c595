"""An executed notebook as the inside of a page: what a reader needs, as HTML that fetches and runs nothing.

Several forms of one output are a choice, not a sequence: the richest that stands still is taken.
"""

from __future__ import annotations

import html as html_lib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from funnelnb.batch.notebooks import INJECTED_TAG

if TYPE_CHECKING:
    from nbformat import NotebookNode

PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
WIDGET = "application/vnd.jupyter.widget-view+json"

_HEADING = re.compile(r"<h([1-6])[^>]*>(.*?)</h\1>", re.DOTALL)
_TAGS = re.compile(r"<[^>]+>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading of the page, for its table of contents.

    Attributes
    ----------
    anchor : str
    title : str
    """

    anchor: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The inside of a page.

    Attributes
    ----------
    title : str
        The notebook's first heading; it is not repeated in `html`.
    html : Markup
    sections : tuple of Section
        Headings of level 2 in order.
    """

    title: str
    html: Markup
    sections: tuple[Section, ...]


ASIDE_TAG = "notebook-only"
"""Cells for those who work in the notebook, left out of pages."""

CHECK_TAG = "check"
"""Cells that print as text what stands above as a table, for tests to compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What the page's folds are called.

    Attributes
    ----------
    code, text : str
    """

    code: str = "Code"
    text: str = "As text"


def render(node: NotebookNode, *, code: bool = False, labels: Labels | None = None) -> Body:
    """What does a reader see of an executed notebook?

    Parameters
    ----------
    node : NotebookNode
        With outputs.
    code : bool
        Whether the code is there too, folded.
    labels : Labels, optional
        What the folds are called.

    Returns
    -------
    Body
        Sentences, tables and pictures in order. Scripts, live controls and messages of libraries are left
        out; of an output in several forms the richest that stands still is taken.
    """
    labels = labels or Labels()
    parts: list[str] = []
    rich = False  # whether a table or picture stands in this section already
    for cell in node.cells:
        if ASIDE_TAG in cell.metadata.get("tags", ()):
            continue
        if cell.cell_type == "markdown":
            words = _markdown(cell.source, cell.get("attachments"), trusted=True)
            parts.append(f'<section class="words">{words}</section>')
            rich = rich and "<h2" not in words
        elif cell.cell_type == "code":
            parts += _code(cell, labels) if code else []
            shown = [one for one in map(_output, cell.get("outputs", ())) if one]
            folded = rich and CHECK_TAG in cell.metadata.get("tags", ())
            parts += [
                _fold(labels.text, one) if folded else f'<div class="output">{one}</div>' for one in shown
            ]
            rich = rich or any(not one.startswith("<pre") for one in shown)
    return _arranged("\n".join(parts))


def _code(cell: NotebookNode, labels: Labels) -> list[str]:
    if not cell.source.strip() or INJECTED_TAG in cell.metadata.get("tags", ()):
        return []
    summary, source = escape(labels.code), escape(cell.source)
    return [f'<details class="code"><summary>{summary}</summary><pre>{source}</pre></details>']


def _fold(label: str, shown: str) -> str:
    summary = escape(label)
    return f'<div class="output"><details><summary>{summary}</summary>{shown}</details></div>'


def _output(output: NotebookNode) -> str:
    if output.output_type == "stream":
        return (
            f"<pre>{_ansi(output.text.rstrip())}</pre>"
            if output.name == "stdout" and output.text.strip()
            else ""
        )
    if output.output_type == "error":
        return f'<pre class="error">{_ansi(chr(10).join(output.traceback))}</pre>'
    return _data(output.data)


def _data(data: dict[str, Any]) -> str:
    if "text/html" in data:
        return str(data["text/html"])
    for kind in PICTURES:
        if kind in data:
            return _picture(kind, data[kind], data.get("text/plain", ""))
    if WIDGET in data:  # a live control says nothing on a still page
        return ""
    if "text/markdown" in data:
        return _markdown(data["text/markdown"], None, trusted=False)
    return f"<pre>{_ansi(data['text/plain'])}</pre>" if data.get("text/plain") else ""


def _picture(kind: str, content: str, words: str) -> str:
    if kind == "image/svg+xml":
        return f"<figure>{content}</figure>" if content.lstrip().startswith("<svg") else ""
    source = f"data:{kind};base64,{escape(re.sub(r'[^A-Za-z0-9+/=]', '', content))}"
    return f'<figure><img src="{source}" alt="{escape(words)}"></figure>'


def _ansi(text: str) -> str:
    from nbconvert.filters import ansi2html

    return str(ansi2html(text))


def _markdown(source: str, attachments: Any, *, trusted: bool) -> str:
    """Return Markdown as HTML; HTML inside it counts only where the author of the notebook wrote it."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=not trusted, exclude_anchor_links=True, attachments=attachments or {})
    return str(MarkdownWithMath(renderer=renderer).render(source))


def _arranged(html: str) -> Body:
    """Take the title out and give headings of level 2 an anchor."""
    sections: list[Section] = []
    title: list[str] = []

    def heading(found: re.Match[str]) -> str:
        level, words = found.group(1), html_lib.unescape(_TAGS.sub("", found.group(2))).strip()
        if level == "1" and not title:
            title.append(words)
            return ""
        if level == "2":
            sections.append(Section(anchor=f"s{len(sections) + 1}", title=words))
            return f'<h2 id="{sections[-1].anchor}">{found.group(2)}</h2>'
        return found.group(0)

    arranged = "".join(
        _HEADING.sub(heading, part) if part.startswith('<section class="words">') else part
        for part in re.split(r'(?=<section class="words">)|(?=<div class="output">)', html)
    )
    return Body(title=title[0] if title else "", html=Markup(arranged), sections=tuple(sections))  # noqa: S704
