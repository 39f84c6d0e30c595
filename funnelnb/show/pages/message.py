"""Results as Markdown for an e-mail or a chat: the answer, how sure, a short table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from funnelnb.show.pages.export import replacing
from funnelnb.show.pages.report import foot
from funnelnb.show.pages.workbook import results_of, said_of
from funnelnb.show.tables import grid as grids
from funnelnb.show.tables.table import build
from funnelnb.show.text.words import words_of
from funnelnb.show.views.registry import finding_of, view_of

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 10
"""A message shows at most so many rows of a table."""


def to_markdown(result: Any, path: str | Path | None = None, *, tables: bool = True, rows: int = ROWS) -> str:
    """What does this result say, as Markdown for an e-mail or a chat?

    Parameters
    ----------
    result : Result or list of results
    path : str or Path, optional
        Also written to this file; an existing one is replaced.
    tables : bool
        Whether the first table of each result is part of it; many chats show none.
    rows : int
        Longest table; how many rows more there are is said.

    Returns
    -------
    str
        The headline in bold, the second sentence, the table, the number of deals and the date. Names cannot become
        links or markup.

    Raises
    ------
    ParameterError
        `result` is no result.
    OutputError
        The file cannot be written; nothing half-written stays behind.

    Notes
    -----
    Checked against a Markdown parser: ``tests/show/test_workbook.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> text = fn.to_markdown(fn.conversion(fn.sample(), horizon_days=180), tables=False)
    >>> text.startswith("**Of 4,000 deals")
    True
    """
    parts = [_part(one, tables=tables, rows=rows) for one in results_of(result)]
    text = "\n\n---\n\n".join(parts) + "\n"
    if path is not None:
        with replacing(path) as draft:
            draft.write_text(text, encoding="utf-8", newline="\n")
    return text


def _part(result: Any, *, tables: bool, rows: int) -> str:
    say = words_of(result, None)
    found = finding_of(result, say.lang)
    lines = [f"**{grids.markdown_escape(found.headline)}**"]
    lines += [grids.markdown_escape(one) for one in (found.detail, said_of(found.unsaid, say)) if one]
    shown = [one for one in view_of(result).tables if one.shown(result)] if tables else []
    if shown and view_of(result).document is None:
        grid = build(shown[0], result, say.lang)
        more = len(grid.rows) - rows
        lines.append(grids.to_markdown(replace(grid, rows=grid.rows[:rows])))
        if more > 0:
            lines.append(say.say("workbook.more_rows", more_n=more))
    lines += [f"*{grids.markdown_escape(one)}*" for one in foot(result, say)[:1]]
    return "\n\n".join(lines)
