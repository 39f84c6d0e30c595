"""Which tables, sentences and charts belong to which result.

A new kind of result is shown by adding one module to ``show/views`` (its table specifications and its
finding), its chart files to ``show/charts``, its words to ``show/lang/<result>.<lang>.toml``, and
one line here.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.core import check
from funnelnb.core.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from funnelnb.show.document import Document
    from funnelnb.show.finding import Finding
    from funnelnb.show.table import Table
    from funnelnb.show.words import Words

_VIEWS: Mapping[str, str] = {
    "Ageing": "funnelnb.show.views.ageing",
    "Assessment": "funnelnb.show.views.assessment",
    "CheckReport": "funnelnb.show.views.check",
    "CallList": "funnelnb.show.views.calls",
    "Cohorts": "funnelnb.show.views.cohorts",
    "Conversion": "funnelnb.show.views.conversion",
    "DealMix": "funnelnb.show.views.deal_mix",
    "Distribution": "funnelnb.show.views.distribution",
    "Duration": "funnelnb.show.views.duration",
    "FairShares": "funnelnb.show.views.shares",
    "FunnelGap": "funnelnb.show.views.ideal",
    "HonestFunnel": "funnelnb.show.views.gates",
    "Integrity": "funnelnb.show.views.integrity",
    "LevelMoves": "funnelnb.show.views.level_moves",
    "Levels": "funnelnb.show.views.levels",
    "Levers": "funnelnb.show.views.levers",
    "Man": "funnelnb.show.views.man",
    "Overview": "funnelnb.show.views.overview",
    "Propensity": "funnelnb.show.views.propensity",
    "Quadrant": "funnelnb.show.views.quadrant",
    "Quota": "funnelnb.show.views.quota",
    "ReverseFunnel": "funnelnb.show.views.reverse",
    "Roles": "funnelnb.show.views.roles",
    "Segments": "funnelnb.show.views.segments",
    "StageModel": "funnelnb.show.views.stage_model",
    "Stuck": "funnelnb.show.views.stuck",
    "Target": "funnelnb.show.views.target",
    "Unavailable": "funnelnb.show.views.unavailable",
}
"""Result type -> module that holds its `VIEW`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How one kind of result is shown.

    Attributes
    ----------
    tables : tuple of Table
        The first is what ``to_frame`` gives.
    finding : callable
        ``finding(result, words) -> Finding``.
    charts : Mapping of str to str
        Kind of chart to the name of its file in ``show/charts``; the first is drawn unless another is asked
        for.
    document : callable or None
        ``document(result, words) -> Document``, for a result that is read rather than looked up; its tables are
        then for export only.
    """

    tables: tuple[Table, ...]
    finding: Callable[[Any, Words], Finding]
    charts: Mapping[str, str]
    document: Callable[[Any, Words], Document] | None = None


@functools.cache
def _view(name: str) -> View:
    view: View = importlib.import_module(_VIEWS[name]).VIEW
    return view


def view_of(result: Any) -> View:
    """Return how `result` is shown.

    Raises
    ------
    ParameterError
        It is no result of this package.
    """
    for base in type(result).__mro__:
        if base.__name__ in _VIEWS:
            return _view(base.__name__)
    raise ParameterError(
        f"a {type(result).__name__} cannot be shown",
        expected="a result: one of " + ", ".join(_VIEWS),
        hint="call fn.conversion, fn.cohort or fn.segments first",
    )


def chart_module(result: Any, kind: str | None = None) -> ModuleType:
    """Return the chart file that draws `result` as `kind`; None is the result's own first chart.

    Raises
    ------
    ParameterError
        The result has no chart of that kind; the message lists those it has.
    """
    charts = view_of(result).charts
    chosen = next(iter(charts)) if kind is None else check.one_of("chart", kind, charts)
    return importlib.import_module(f"funnelnb.show.charts.{charts[chosen]}")
