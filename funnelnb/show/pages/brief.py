"""A page's answer as outputs of a notebook: what a page puts at its top, and what a reader of the notebook sees."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from funnelnb.show.charts import render, theme
from funnelnb.show.pages.report import listed, wrapped
from funnelnb.show.tables.grid import escape
from funnelnb.show.text.unbroken import unbroken
from funnelnb.show.text.words import words_of
from funnelnb.show.views.briefs import Brief, brief_of
from funnelnb.show.views.registry import chart_of, view_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.show.text.words import Words

BRIEF = "application/vnd.funnelnb.brief+json"
"""Kind of output in which a brief travels to the page that it heads."""


_SCOPE = '[data-jp-theme-light="false"] .jp-OutputArea-output svg'
_GROUND = f"{_SCOPE}.marks{{background-color:{theme.DARK[theme.PAPER]}!important}}"  # a live chart has its own, white
_LIVE = ".jp-OutputArea-output .vega-embed"
_NARROW = (
    f"{_LIVE}{{max-width:100%;overflow-x:auto}}{_LIVE} svg.marks{{max-width:max(100%,600px);height:auto}}"
)
_DARK = f"<style>{theme.dark_rules(_SCOPE)}{_GROUND}{_NARROW}</style>"
"""Where JupyterLab's theme is dark, the charts of the notebook are, too; where it is narrow, they shrink and scroll."""


def outputs(
    result: Any, more: Sequence[Any] = (), *, wanted_days: float = 0.0, lang: str | None = None
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return a brief as notebook outputs (data, metadata): headline and figures, the picture, what to do.

    Parameters
    ----------
    result : Result
        What answers the question of the page.
    more : sequence of Result
        What else the page knows; the picture is of the first that has one.
    wanted_days : float
        Horizon that was asked for; where the result has a shorter one, that is said. 0: none.
    lang : {"en", "zh"}, optional
    """
    say = words_of(result, lang)
    brief = brief_of(result, more, say.lang)
    short = _shortened(result, wanted_days, say)
    known = _plain(asdict(brief)) | {"shortened": short}
    made: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({BRIEF: known, "text/html": _head(brief, short, say), "text/plain": _text(brief, short)}, {})
    ]
    drawn = next((one for one in (result, *more) if view_of(one).charts and one.n), None)
    if drawn is not None:
        chart = chart_of(drawn, brief.chart if drawn is result else None)
        made.append(render.bundle(lambda: chart.draw(drawn, say.lang)))
        made[-1][0].update(listed(drawn, say))
    if brief.actions:
        said = "\n".join(f"{one.what} {one.why}".rstrip() for one in brief.actions)
        made.append(({"text/html": _to_do(brief, say), "text/plain": said}, {}))
    return made


def _shortened(result: Any, wanted_days: float, say: Words) -> str:
    days = getattr(result, "horizon_days", wanted_days)
    if not wanted_days or not days < wanted_days:
        return ""
    return say.say("brief.shortened", wanted_days=say.numbers.days(wanted_days), horizon_days=days)


def _plain(value: Any) -> Any:
    """Return values that JSON holds: what is not known is null."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, str | bool | None):
        return value
    number = float(value)
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def _head(brief: Brief, short: str, say: Words) -> str:
    figures = "".join(
        f'<div class="fig{" warn" if one.warn else ""}">{escape(one.name)}<br><b>{escape(one.value)}</b>'
        f"{''.join(f'<br><span>{escape(line)}</span>' for line in one.lines)}</div>"
        for one in brief.figures
    )
    lead = "".join(f'<p class="quiet">{escape(line)}</p>' for line in (brief.lead, short) if line)
    figures = f'<div class="figs">{figures}</div>' if figures else ""
    said = f'<p class="headline">{escape(brief.headline)}</p>{lead}{figures}'
    return _DARK + wrapped(unbroken(said), say)


def _to_do(brief: Brief, say: Words) -> str:
    items = "".join(
        f"<li><b>{escape(one.what)}</b>{f' {escape(one.why)}' if one.why else ''}</li>"
        for one in brief.actions
    )
    return wrapped(unbroken(f'<p class="todo">{escape(say.get("brief.do"))}</p><ol>{items}</ol>'), say)


def _text(brief: Brief, short: str) -> str:
    lines = [brief.headline, brief.lead, short]
    lines += [f"{one.name}: {one.value}" for one in brief.figures]
    return "\n".join(line for line in lines if line)
