"""An executed notebook as the inside of a page: what a reader needs, as HTML that fetches and runs nothing.

Several forms of one output are a choice, not a sequence: the richest that stands still is taken. A notebook that says
its answer in short (``fn.notebook.in_short``) gets a page with that answer on top and every section folded below it;
any other is shown open, in its own order.
"""

from __future__ import annotations

import html as html_lib
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from funnelnb.batch.lists import NONE, Lists, found_in
from funnelnb.batch.notebooks import ASIDE_TAG, INJECTED_TAG
from funnelnb.show.charts.render import PHONE_SVG, figure
from funnelnb.show.pages.brief import BRIEF

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode

NOTHING = Markup("")
"""What stands where there is nothing."""

PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
WIDGET = "application/vnd.jupyter.widget-view+json"

_HEADING = re.compile(r"<h([12])[^>]*>(.*?)</h\1>", re.DOTALL)
_TAGS = re.compile(r"<[^>]+>")
_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
_CAPTION = re.compile(r"<caption>(.*?)</caption>", re.DOTALL)
_ANSWER = re.compile(r'<span class="answer">(.*?)</span>', re.DOTALL)
_SENTENCE = re.compile(r".*?(?:[.?!](?=\s+[^\sa-z])|[。？！；]|$)", re.DOTALL)
_NEXT = re.compile(r'href="([^"/]+)\.ipynb"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page under a heading of level 2.

    Attributes
    ----------
    anchor, title : str
    answer : Markup
        What its first result says, for the line that stays when it is folded.
    html : Markup
        What stands under the heading.
    leads_to : str
        Name of the notebook that it sends the reader to; empty: none.
    """

    anchor: str
    title: str
    answer: Markup = NOTHING
    html: Markup = NOTHING
    leads_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The inside of a page.

    Attributes
    ----------
    title : str
        The notebook's first heading; it is not repeated in `html`.
    html : Markup
        Everything, open; where there is a brief, what stands before the first section.
    sections : tuple of Section
        Headings of level 2 in order, without the one that held the brief.
    brief : Mapping
        The answer in short as plain values (see ``show/views/briefs.py``); empty: the notebook gives none.
    picture, how : Markup
        The picture of the answer, and how to read it.
    lists : Lists
        The deals behind the counts.
    """

    title: str
    html: Markup
    sections: tuple[Section, ...]
    brief: Mapping[str, Any] = field(default_factory=dict)
    picture: Markup = NOTHING
    how: Markup = NOTHING
    lists: Lists = NONE


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


@dataclass
class _Part:
    """A section in the making."""

    heading: str = ""
    pieces: list[str] = field(default_factory=list)
    rich: bool = False  # whether a table or picture stands in it already
    brief: Mapping[str, Any] = field(default_factory=dict)
    picture: str = ""


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
    title, parts = "", [_Part()]
    for cell in node.cells:
        if ASIDE_TAG in cell.metadata.get("tags", ()):
            continue
        if cell.cell_type == "markdown":
            title = _read(cell, parts) or title
        elif cell.cell_type == "code":
            _run(cell, parts[-1], code, labels)
    return replace(_arranged(title, parts), lists=found_in(node))


def _read(cell: NotebookNode, parts: list[_Part]) -> str:
    """Add the words of a cell, beginning a new part at each heading of level 2; return a title found in it."""
    words, title = _markdown(cell.source, cell.get("attachments"), trusted=True), ""
    place = 0
    for found in _HEADING.finditer(words):
        if found.group(1) == "1":
            if title:
                continue
            title = _plain(found.group(2))
        _add_words(parts[-1], words[place : found.start()])
        place = found.end()
        if found.group(1) == "2":
            parts.append(_Part(heading=found.group(2)))
    _add_words(parts[-1], words[place:])
    return title


def _add_words(part: _Part, words: str) -> None:
    if words.strip():
        part.pieces.append(f'<div class="words">{words}</div>')


def _plain(html: str) -> str:
    return html_lib.unescape(_TAGS.sub("", html)).strip()


def _run(cell: NotebookNode, part: _Part, code: bool, labels: Labels) -> None:
    """Add what a code cell shows."""
    part.pieces += _code(cell, labels) if code else []
    outputs = cell.get("outputs", ())
    briefs = [one.data[BRIEF] for one in outputs if BRIEF in one.get("data", {})]
    if briefs:
        part.brief = dict(briefs[0])
        pictures = [one for one in outputs if any(kind in one.get("data", {}) for kind in PICTURES)]
        part.picture = "".join(_output(one) for one in pictures if BRIEF not in one.data)
        return
    shown = [one for one in map(_output, outputs) if one]
    folded = part.rich and CHECK_TAG in cell.metadata.get("tags", ())
    part.pieces += [
        _fold(labels.text, one) if folded else f'<div class="output">{one}</div>' for one in shown
    ]
    part.rich = part.rich or any(not one.startswith("<pre") for one in shown)


def _code(cell: NotebookNode, labels: Labels) -> list[str]:
    if not cell.source.strip() or INJECTED_TAG in cell.metadata.get("tags", ()):
        return []
    summary, source = escape(labels.code), escape(cell.source)
    return [f'<details class="code"><summary>{summary}</summary><pre>{source}</pre></details>']


def _fold(label: str, shown: str) -> str:
    summary = escape(label)
    return f'<div class="output as-text"><details><summary>{summary}</summary>{shown}</details></div>'


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
        return _TABLE.sub(_scrolling, str(data["text/html"]))
    for kind in PICTURES:
        if kind in data:
            return _picture(kind, data[kind], data.get("text/plain", ""), data.get(PHONE_SVG, ""))
    if WIDGET in data:  # a live control says nothing on a still page
        return ""
    if "text/markdown" in data:
        return _markdown(data["text/markdown"], None, trusted=False)
    return f"<pre>{_ansi(data['text/plain'])}</pre>" if data.get("text/plain") else ""


def _scrolling(found: re.Match[str]) -> str:
    """Return a table in a part that scrolls by itself and can be reached by the keyboard."""
    caption = _CAPTION.search(found.group())
    label = f' role="group" aria-label="{escape(_plain(caption.group(1)))}"' if caption else ""
    return f'<div class="scroll" tabindex="0"{label}>{found.group()}</div>'


def _picture(kind: str, content: str, words: str, for_phone: str) -> str:
    if kind == "image/svg+xml":
        return figure(content, for_phone) if content.lstrip().startswith("<svg") else ""
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


def _arranged(title: str, parts: list[_Part]) -> Body:
    """Return the page's inside: the brief, where there is one, apart from the sections."""
    first, *named = parts
    short = next((one for one in parts if one.brief), None)
    sections: list[Section] = []
    for part in named:
        if part is short:
            continue
        inside = "\n".join(part.pieces)
        answer, leads = _first_sentence(inside), _NEXT.search(inside)
        sections.append(
            Section(
                anchor=f"s{len(sections) + 1}",
                title=_plain(part.heading),
                answer=Markup(answer),  # noqa: S704 - escaped where it was made
                html=Markup(inside),  # noqa: S704 - as above
                leads_to=html_lib.unescape(leads.group(1)) if leads else "",
            )
        )
    if short is None:
        flow = ["\n".join(first.pieces)]
        flow += [
            f'<h2 id="{one.anchor}">{part.heading}</h2>\n{one.html}'
            for one, part in zip(sections, named, strict=True)
        ]
        return Body(title=title, html=_html("\n".join(flow)), sections=tuple(sections))
    return Body(
        title=title,
        html=_html("\n".join(first.pieces)),
        sections=tuple(sections),
        brief=short.brief,
        picture=_html(short.picture),
        how=_html("\n".join(short.pieces)),
    )


def _first_sentence(inside: str) -> str:
    """Return the first sentence that the first result of a section says, as HTML; empty where none says anything."""
    answer = _ANSWER.search(inside)
    sentence = _SENTENCE.match(answer.group(1)) if answer else None
    return re.sub("；$", "。", sentence.group()) if sentence else ""


def _html(text: str) -> Markup:
    return Markup(text.strip())  # noqa: S704 - made above from what is escaped
