"""Level 4: results into words, tables and charts, in English and Chinese. Computes no number."""

from __future__ import annotations

from typing import Any

from funnelnb.analysis.conversion.overview import overview
from funnelnb.core import display as _hook
from funnelnb.show.pages.renderer import Renderer as _Renderer
from funnelnb.show.pages.renderer import panel

__all__ = ["display", "outputs", "panel"]

_hook.register(_Renderer())


def display(
    result: Any,
    lang: str | None = None,
    chart: str | None = None,
    *,
    table: bool = True,
    finding: bool = True,
    picture: bool = True,
) -> None:
    """Show a result in a notebook: what it says, its chart, its table, each as an output of its own.

    In JupyterLab the chart is live (it tells the numbers under the pointer); nbconvert and other viewers
    take the picture that travels with it. Outside a notebook the words and the table are printed.

    Parameters
    ----------
    result : Result or Book
        What a question such as ``fn.conversion`` answered; of a book its overview is shown.
    lang : {"en", "zh"}, optional
        None: the language set by ``fn.options``.
    chart : str, optional
        Kind of chart, such as ``"funnel"`` or ``"outcome"``; None: the result's first.
    table, finding, picture : bool
        Whether the table, the sentences and the chart are shown.

    Raises
    ------
    ParameterError
        The result has no chart of that kind, or the language is not known.
    """
    from IPython import get_ipython
    from IPython.display import display as publish

    shown = result if isinstance(result, _hook.Shown) else overview(result)
    made = outputs(shown, lang, chart, table=table, finding=finding, picture=picture)
    if get_ipython() is None:
        print("\n\n".join(data["text/plain"] for data, _ in made))
        return
    for data, metadata in made:
        publish(data, raw=True, metadata=metadata)


def outputs(
    result: Any,
    lang: str | None = None,
    chart: str | None = None,
    *,
    table: bool = True,
    finding: bool = True,
    picture: bool = True,
    still: bool = True,
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return what :func:`display` shows, as notebook outputs (data, metadata) in their order.

    Without `still` the chart comes without the picture that static viewers take: for controls, which redraw it.
    """
    from funnelnb.show.charts import render
    from funnelnb.show.pages import report
    from funnelnb.show.text.words import words_of
    from funnelnb.show.views.registry import chart_of, finding_text, view_of

    say = words_of(result, lang)
    made: list[tuple[dict[str, Any], dict[str, Any]]] = []
    if finding:
        body = report.wrapped(report.finding_html(result, say), say)
        made.append(({"text/html": body, "text/plain": finding_text(result, say.lang)}, {}))
    if picture and view_of(result).charts:
        kind = chart_of(result, chart)
        made.append(render.bundle(lambda: kind.draw(result, say.lang), still=still))
    if table:
        body = report.html(result, say.lang)
        words = {"text/html": body, "text/plain": report.text(result, say.lang)}
        made.append((words | report.listed(result, say), {}))
    return made
