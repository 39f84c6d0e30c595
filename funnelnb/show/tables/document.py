"""A result that is read rather than looked up: title, sections, labelled lists and tables, in three forms.

A view that gives a :class:`Document` is shown by it instead of by its tables. A document is finished text in one
language; the writers below only lay it out. Everything is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from funnelnb.show.tables import grid as grids
from funnelnb.show.tables.grid import escape, escape_plain, markdown_escape

if TYPE_CHECKING:
    from funnelnb.show.tables.grid import Grid
    from funnelnb.show.text.words import Words

STYLE = """
{scope} h2.doc{{font-size:20px;margin:.2em 0 .1em;font-weight:650}}
{scope} section.doc{{border:1px solid rgba(128,128,128,.35);border-radius:8px;padding:.6em 1em .8em;margin:.8em 0}}
{scope} section.doc h3{{font-size:15px;margin:.1em 0 .5em;font-weight:650}}
{scope} section.doc h3 small{{font-weight:400;opacity:.78;font-size:12px;margin-left:.6em}}
{scope} dl.doc{{display:grid;grid-template-columns:minmax(7em,11em) minmax(0,1fr);gap:.35em 1em;margin:.2em 0}}
{scope} dl.doc dt{{font-size:12px;opacity:.78;padding-top:.12em}}
{scope} dl.doc dd{{margin:0}}
{scope} dl.doc ul{{margin:0;padding-left:1.1em}}
@media(max-width:560px){{{scope} dl.doc{{grid-template-columns:1fr}}}}
@media print{{{scope} section.doc{{break-inside:avoid}}}}
"""
"""Style of a document; `{scope}` is the selector of everything that this package writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a label stands for: one text, or a list of them."""

    label: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section.

    Attributes
    ----------
    title : str
        Empty: what stands before the first heading.
    mark : str
        What stands beside the heading, smaller.
    lead : str
        A sentence before the parts.
    parts : tuple of Part
    grids : tuple of Grid
    figures : tuple of str
        Charts as SVG; left out in text and Markdown.
    news : bool
        Whether a short message says it too: what changed since the last report.
    """

    title: str = ""
    mark: str = ""
    lead: str = ""
    parts: tuple[Part, ...] = ()
    grids: tuple[Grid, ...] = ()
    figures: tuple[str, ...] = ()
    news: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole result to be read.

    Attributes
    ----------
    title, lead : str
    sections : tuple of Section
    """

    title: str
    lead: str
    sections: tuple[Section, ...]


def part(label: str, items: tuple[str, ...] | list[str] | str) -> tuple[Part, ...]:
    """Return a labelled list as a tuple of one part, or of none where there is nothing to list."""
    told = tuple(one for one in ((items,) if isinstance(items, str) else items) if one)
    return (Part(label=label, items=told),) if told else ()


def to_text(document: Document, say: Words, width: int | None = None) -> str:
    """Return the document as plain text."""
    blocks = ["\n".join(filter(None, (document.title, grids.hanging(document.lead, "", width))))]
    clause = say.get("language.clause")
    for section in document.sections:
        head = f"{section.title}  [{section.mark}]" if section.mark else section.title
        lines = [head, "-" * grids.width(head)] if head else []
        lines += [grids.hanging(section.lead, "", width)] if section.lead else []
        for one in section.parts:
            if len(one.items) == 1:
                lines.append(grids.hanging(f"{one.label}{clause}{one.items[0]}", "  ", width))
            else:
                lines.append(f"{one.label}{clause}".rstrip())
                lines += [grids.hanging(f"  - {item}", "    ", width) for item in one.items]
        blocks.append("\n".join(lines))
        blocks += [grids.to_text(grid, width).lstrip("\n") for grid in section.grids]
    return "\n\n".join(block for block in blocks if block)


def to_markdown(document: Document, say: Words) -> str:
    """Return the document as Markdown."""
    blocks = [f"## {markdown_escape(document.title)}", markdown_escape(document.lead)]
    clause = say.get("language.clause")
    for section in document.sections:
        if section.title:
            title, mark = markdown_escape(section.title), markdown_escape(section.mark)
            title = say.say("language.bracket", label=title, unit=mark) if mark else title
            blocks.append(f"### {title}")
        blocks.append(markdown_escape(section.lead))
        for one in section.parts:
            label = f"**{markdown_escape(one.label)}**{clause.rstrip()}"
            if len(one.items) == 1:
                blocks.append(f"{label} {markdown_escape(one.items[0])}")
            else:
                blocks.append("\n".join([label, "", *(f"- {markdown_escape(item)}" for item in one.items)]))
        blocks += [grids.to_markdown(grid) for grid in section.grids]
    return "\n\n".join(filter(None, blocks))


def to_html(document: Document, scope: str) -> str:
    """Return the document as HTML without the wrapper; `scope` is the selector that its style is for."""
    parts = [f"<style>{STYLE.format(scope=scope).strip()}</style>"]
    parts += [f'<h2 class="doc">{escape(document.title)}</h2>'] if document.title else []
    parts += [f'<p class="said">{escape(document.lead)}</p>'] if document.lead else []
    parts += [_section(section) for section in document.sections]
    return "\n".join(parts)


def _section(section: Section) -> str:
    mark = f"<small>{escape(section.mark)}</small>" if section.mark else ""
    head = f"<h3>{escape(section.title)}{mark}</h3>" if section.title else ""
    lead = f"<p>{escape(section.lead)}</p>" if section.lead else ""
    told = "".join(_part(one) for one in section.parts)
    parts = [head, lead, f'<dl class="doc">{told}</dl>' if told else ""]
    parts += [f"<figure>{figure}</figure>" for figure in section.figures]
    parts += [grids.to_html(grid) for grid in section.grids]
    return f'<section class="doc">{"".join(parts)}</section>'


def _part(one: Part) -> str:
    if len(one.items) == 1:
        body = escape(one.items[0])
    else:
        body = "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in one.items) + "</ul>"
    return f"<dt>{escape(one.label)}</dt><dd>{body}</dd>"


def page(body: str, title: str, lang: str) -> str:
    """Return a body as a whole page that opens without a network."""
    code = "zh-Hans" if lang == "zh" else lang
    return (
        f'<!doctype html>\n<html lang="{code}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape_plain(title)}</title>"
        "<style>:root{color-scheme:light dark}body{margin:0 auto;max-width:70rem;padding:16px 24px 48px}</style>"
        f"</head><body>\n{body}\n</body></html>\n"
    )
