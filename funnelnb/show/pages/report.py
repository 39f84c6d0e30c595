"""All tables of a result with what belongs under them: level, as-of date, method and caveats."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.result import Unavailable
from funnelnb.core.note import Note
from funnelnb.show.tables import document as documents
from funnelnb.show.tables import grid as grids
from funnelnb.show.tables import lists
from funnelnb.show.tables.table import build, placeholders
from funnelnb.show.text.words import Words, stage_name, words_of
from funnelnb.show.views.registry import finding_of, finding_text, view_of

if TYPE_CHECKING:
    from collections.abc import Callable


_STYLE = """
{max-width:66rem;overflow-x:auto;font-size:14px;line-height:1.5}
{font-family:"Segoe UI","Helvetica Neue",Arial,"Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif}
 p{margin:.4em 0}
 p.headline{font-size:1.5em;font-weight:650;line-height:1.3;margin:.2em 0}
 p.todo{font-weight:650;margin:.8em 0 .2em}
 .figs{display:flex;flex-wrap:wrap;gap:.6em 2.4em;margin:.8em 0}
 .fig{font-size:13px}
 .fig br{display:none}
 .fig b{display:block;font-size:22px;font-weight:650;line-height:1.3;font-variant-numeric:tabular-nums}
 .f{white-space:nowrap}
 .fig>span{display:block;font-size:12px;opacity:.85}
 details.small{font-size:12px;margin:.4em 0}
 details.small summary{cursor:pointer;opacity:.85}
 p.said{font-size:15px}
 .quiet{font-size:12px;opacity:.78}
 ul{margin:.2em 0 .6em;padding-left:1.4em}
 figure{margin:.8em 0}
 svg{max-width:100%;height:auto}
 table{border-collapse:collapse;margin:.8em 0 .4em;font-size:13px;font-variant-numeric:tabular-nums;border:0}
 caption{caption-side:top;text-align:left;font-weight:600;padding:0 0 .35em;color:inherit}
 tr{background:none;text-align:left}
 th{padding:.28em .7em;text-align:left;vertical-align:top;border:0;background:none;font-weight:400}
 td{padding:.28em .7em;text-align:left;vertical-align:top;border:0;background:none}
 thead th{font-weight:600;vertical-align:bottom;border-bottom:1.5px solid currentColor}
 tbody th{min-width:9em;max-width:22em}
 tbody{border-bottom:1px solid rgba(128,128,128,.45)}
 .num{text-align:right}
 td.num{white-space:nowrap}
 tbody th.num{min-width:0}
 tr.strong td{font-weight:600;border-top:1px solid rgba(128,128,128,.45)}
 tr.strong th[scope=row]{font-weight:600;border-top:1px solid rgba(128,128,128,.45)}
"""
_SCOPE = "div.funnelnb.funnelnb.funnelnb"
STYLE = "<style>" + "".join(f"{_SCOPE}{rule}" for rule in _STYLE.strip().splitlines()) + "</style>"
"""Style of all HTML of this package: the same text every time, readable on light and dark ground. The class
stands three times in each rule so that the rules outweigh those of JupyterLab for tables."""


def foot(result: Any, say: Words) -> list[str]:
    """Return the lines under a result's tables: n and as-of date, level of the intervals, method."""
    named = placeholders(result, say)
    lines = [_about(result, say, named)]
    if any(column.lower for table in view_of(result).tables for column in table.columns):
        lines[0] = say.get("language.sentence").join(
            filter(None, (lines[0], say.say("words.interval_note", **named)))
        )
    method = say.method(result.method, **named)
    if hasattr(result, "calendar"):
        lines[0] += say.get("language.sentence") + say.get("words.counted")
    if method:
        lines.append(say.get("language.clause").join((say.get("words.method"), method)))
    return [line for line in lines if line]


def _about(result: Any, say: Words, named: dict[str, Any]) -> str:
    """Return how many and as of when; what a result does not have (typed counts have no date) is left out."""
    if not np.isnat(result.as_of):
        return say.say("words.about", **named)
    return say.say("words.about_n", **named) if result.n and view_of(result).document is None else ""


def notes(result: Any, say: Words) -> list[str]:
    """Return the caveats of a result as sentences, each once."""
    return list(dict.fromkeys(say.note(_with_names(note, result, say)) for note in result.notes))


def _with_names(note: Note, result: Any, say: Words) -> Note:
    """Return a note whose stages, groups and kinds go by the names that playbook and language give them."""
    values = dict(note.values)
    for key in {"groups", "kinds"} & values.keys():
        values[key] = say.listed(str(values[key]))
    stages = {"stage", "origin", "stages"} if hasattr(result, "stage_ids") else set()
    for key in stages & values.keys():
        ids = str(values[key]).split(", ")
        values[key] = say.get("language.list").join(stage_name(result, one, say) for one in ids)
    return Note(note.code, values)


def text(result: Any, lang: str | None = None, width: int | None = None) -> str:
    """Return the tables of `result` as plain text with what belongs under them.

    With `width`, in terminal columns, sentences are broken to fit.
    """
    say = words_of(result, lang)
    if _left_out(result):
        return grids.hanging(finding_text(result, lang), "", width)
    parts = _body(
        result,
        say,
        lambda grid: grids.to_text(grid, width),
        lambda one: documents.to_text(one, say, width),
    )
    under = [(line, "") for line in foot(result, say)]
    caveats = notes(result, say)
    if caveats:
        under.append((say.get("words.caveats") + say.get("language.clause").rstrip(), ""))
        under += [(f"- {line}", "  ") for line in caveats]
    lines = [grids.hanging(line, indent, width) for line, indent in under]
    return "\n\n".join([*parts, "\n".join(lines)])


def _left_out(result: Any) -> bool:
    """Is this a section without anything to show? Its sentence is all there is."""
    return isinstance(result, Unavailable)


def markdown(result: Any, lang: str | None = None) -> str:
    """Return the tables of `result` as Markdown with what belongs under them."""
    say = words_of(result, lang)
    if _left_out(result):
        return grids.markdown_escape(finding_text(result, lang))
    parts = _body(result, say, grids.to_markdown, lambda one: documents.to_markdown(one, say))
    parts += [grids.markdown_escape(line) for line in foot(result, say)]
    caveats = [f"- {grids.markdown_escape(line)}" for line in notes(result, say)]
    if caveats:
        parts += [f"**{say.get('words.caveats')}**", "\n".join(caveats)]
    return "\n\n".join(parts)


def html(result: Any, lang: str | None = None) -> str:
    """Return the tables of `result` as HTML with what belongs under them; escaped, always the same text."""
    say = words_of(result, lang)
    return wrapped(tables_html(result, say), say)


def tables_html(result: Any, say: Words) -> str:
    """Return the tables and what belongs under them as HTML without the wrapper."""
    if _left_out(result):
        return ""
    parts = _body(result, say, grids.to_html, lambda one: documents.to_html(one, _SCOPE))
    first, *method = foot(result, say) or [""]
    if first:
        parts.append(f'<p class="quiet">{grids.escape(first)}</p>')
    parts += _small_print(method, notes(result, say), say)
    return "\n".join(parts)


def _small_print(method: list[str], caveats: list[str], say: Words) -> list[str]:
    """Return method and caveats, folded: one click away."""
    if not method and not caveats:
        return []
    key = "method_and_caveats" if method and caveats else "caveats" if caveats else "method"
    parts = [f'<p class="quiet">{grids.escape(line)}</p>' for line in method]
    if caveats:
        items = "".join(f"<li>{grids.escape(line)}</li>" for line in caveats)
        parts.append(f'<ul class="quiet">{items}</ul>')
    summary = grids.escape(say.get(f"words.{key}"))
    return [f'<details class="small"><summary>{summary}</summary>{"".join(parts)}</details>']


def finding_html(result: Any, say: Words) -> str:
    """Return what a result says as HTML without the wrapper."""
    found = finding_of(result, say.lang)
    said = f'<span class="answer">{grids.escape(found.headline)}</span>'
    said += grids.escape(f"{say.get('language.sentence')}{found.detail}" if found.detail else "")
    if not found.unsaid:
        return f'<p class="said">{said}</p>'
    unsaid = say.get("language.clause").join((say.get("words.not_said"), found.unsaid))
    return f'<p class="said">{said}</p>\n<p class="quiet">{grids.escape(unsaid)}</p>'


def wrapped(body: str, say: Words) -> str:
    """Return HTML with the package's style, its language named, and no formula mark-up read into it."""
    lang = "zh-Hans" if say.lang == "zh" else say.lang
    return f'<div class="funnelnb tex2jax_ignore mathjax_ignore" lang="{lang}">{STYLE}\n{body}\n</div>'


def _body(
    result: Any,
    say: Words,
    write: Callable[[grids.Grid], str],
    lay_out: Callable[[documents.Document], str],
) -> list[str]:
    """Return the result's document, or its tables where it has none."""
    made = view_of(result).document
    if made is not None:
        return [lay_out(made(result, say))]
    shown = [table for table in view_of(result).tables if table.shown(result)]
    return [write(build(table, result, say.lang, named_lists(result))) for table in shown]


def named_lists(result: Any) -> Callable[[Any, str], str] | None:
    """Return what names the lists of deals behind a result's counts, where they are asked for."""
    return functools.partial(lists.key_of, result) if lists.counts_of(result) else None


def listed(result: Any, say: Words) -> dict[str, Any]:
    """Return the lists of deals behind the counts of the tables shown, for the page; empty if not asked for."""
    if not lists.counts_of(result):
        return {}
    document = view_of(result).document
    if document is not None:
        shown_grids = [grid for section in document(result, say).sections for grid in section.grids]
        sent = lists.document_payload(result, shown_grids, say)
        return {lists.DEALS: sent} if sent else {}
    named = named_lists(result)
    shown = [table for table in view_of(result).tables if table.shown(result)]
    made = lists.payload(result, [(one, build(one, result, say.lang, named)) for one in shown], say)
    return {lists.DEALS: made} if made else {}
