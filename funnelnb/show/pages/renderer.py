"""What results call to show themselves: implements the display hook of ``core.display``."""

from __future__ import annotations

import dataclasses
import operator
from typing import TYPE_CHECKING, Any

from funnelnb.analysis.conversion.overview import overview
from funnelnb.core import check
from funnelnb.playbooks.model import Label
from funnelnb.show.charts import render
from funnelnb.show.pages import report
from funnelnb.show.tables.table import Table, frame
from funnelnb.show.text.errors import error_text
from funnelnb.show.text.words import words, words_of
from funnelnb.show.views.registry import chart_of, finding_text, view_of

if TYPE_CHECKING:
    import pandas as pd


class Renderer:
    """Draws every kind of result that ``show/registry.py`` knows."""

    def to_frame(self, result: Any, table: str | None = None) -> pd.DataFrame:
        """Return a table of the result as a pandas data frame; None: the first."""
        known = _tables(result)
        if table is None:
            return frame(next(iter(known.values())), result)
        rows = getattr(result, table, None)  # a table may also be called as the field that holds its rows
        same = [one for one in known.values() if rows and one.rows(result) is rows]
        return frame(same[0] if same else known[check.one_of("table", table, known)], result)

    def tables(self, result: Any) -> tuple[str, ...]:
        """Return the names of the result's tables."""
        return tuple(_tables(result))

    def short(self, result: Any) -> str:
        """Return the result in one line, for plain Python."""
        groups = f" by {' and '.join(result.by)}" if getattr(result, "by", ()) else ""
        said = f"{type(result).__name__}{groups}: n = {result.n:,} as of {str(result.as_of)[:10]}"
        return f"<{said}; print() shows it, .tables has {', '.join(_tables(result))}>"

    def book(self, book: Any) -> str:
        """Return what a book holds as HTML: its overview."""
        return panel(overview(book))

    def text(self, result: Any, lang: str | None, width: int | None = None) -> str:
        """Return the result's tables as plain text, sentences broken to `width` columns if it is given."""
        return report.text(result, lang, width)

    def markdown(self, result: Any, lang: str | None) -> str:
        """Return the result's tables as Markdown."""
        return report.markdown(result, lang)

    def html(self, result: Any, lang: str | None) -> str:
        """Return the result's tables as HTML."""
        return report.html(result, lang)

    def finding(self, result: Any, lang: str | None) -> str:
        """Return what the result says and does not say."""
        return finding_text(result, lang)

    def chart(self, result: Any, kind: str | None, lang: str | None) -> Any:
        """Return the result's chart of one kind."""
        return chart_of(result, kind).draw(result, words(lang).lang)

    def error(self, text: str) -> str:
        """Return an error's message in the language in force."""
        return error_text(text, words(None))

    def bundle(self, result: Any) -> dict[str, Any]:
        """Return sentence, chart and table as one output: HTML with the chart inside, and plain text."""
        return {"text/html": panel(result), "text/plain": f"{finding_text(result)}\n\n{report.text(result)}"}


def _tables(result: Any) -> dict[str, Table]:
    """Return the tables of a result by the name a caller uses: that of the language files without the result's own."""
    made: dict[str, Table] = {}
    for table in view_of(result).tables:
        own = view_of(result).tables[0].name
        made.setdefault(table.name.removeprefix(f"{own}_"), table)
    covered = {*made, *(table.name for table in made.values())}
    shown = [table.rows(result) for table in made.values()]
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        if (
            field.name not in (*covered, "notes", "rows")
            and _is_rows(value)
            and not any(value is rows for rows in shown)
        ):
            made[field.name] = Table(name=field.name, rows=operator.attrgetter(field.name), columns=())
    return made


def _is_rows(value: Any) -> bool:
    rows = isinstance(value, tuple) and bool(value) and all(map(dataclasses.is_dataclass, value))
    return rows and not isinstance(value[0], Label)


def figure(result: Any, kind: str | None = None, lang: str | None = None) -> str:
    """Return the result's chart as an HTML figure with the SVG inside."""
    picture = render.svg(chart_of(result, kind).draw(result, words(lang).lang))
    return f"<figure>{render.legible(picture)}</figure>"


def page_figure(result: Any, kind: str | None = None, lang: str | None = None) -> str:
    """Return the result's chart as an HTML figure for a page: with the layout for phones beside it."""
    chart, say = chart_of(result, kind), words(lang)
    made = render.svg(chart.draw(result, say.lang))
    return render.figure(made, render.phone_svg(lambda: chart.draw(result, say.lang)))


def panel(
    result: Any,
    lang: str | None = None,
    chart: str | None = None,
    *,
    table: bool = True,
    finding: bool = True,
    picture: bool = True,
) -> str:
    """Return sentence, chart and table of a result as one piece of HTML that needs no network and no script.

    Parameters
    ----------
    result : Result
    lang : {"en", "zh"}, optional
        None: the language in force.
    chart : str, optional
        Kind of chart; None: the result's first.
    table, finding, picture : bool
        Whether tables, sentences and the chart are part of it.

    Returns
    -------
    str
        The same text every time for the same result.
    """
    say = words_of(result, lang)
    parts = [report.finding_html(result, say)] if finding else []
    if picture and view_of(result).charts:
        parts.append(figure(result, chart, say.lang))
    if table:
        parts.append(report.tables_html(result, say))
    return report.wrapped("\n".join(parts), say)
