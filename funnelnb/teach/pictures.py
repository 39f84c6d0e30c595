"""Pictures for a trainer's slides: charts of the sample company, one or two for each lesson."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.analysis.conversion.conversion import conversion
from funnelnb.analysis.conversion.segments import segments
from funnelnb.analysis.diagnosis.symptoms import symptoms
from funnelnb.analysis.forecast.forecast import forecast
from funnelnb.analysis.priority.honest_funnel import honest_funnel
from funnelnb.analysis.priority.quadrant import quadrant
from funnelnb.analysis.shared.typed_counts import typed_funnel
from funnelnb.analysis.targets.properties import six_properties
from funnelnb.analysis.targets.reverse import reverse_funnel
from funnelnb.analysis.time.duration import duration
from funnelnb.core import resources
from funnelnb.data.load import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FOLDER = "pictures"

PICTURES: Mapping[int, tuple[str, ...]] = {
    1: ("shape", "funnel"), 2: ("quadrant",), 3: ("evidence",), 4: ("outcome", "regions"), 5: ("times",),
    6: ("reverse",), 7: ("properties", "symptoms"), 8: ("fan",),
}  # fmt: skip
"""Names of the pictures of each lesson."""

_TYPED = (6,)
"""Lessons whose pictures need no data."""


def file_name(number: int, name: str) -> str:
    """Return the file name of a picture."""
    return f"lesson_{number}_{name}.png"


def draw(folder: Path, lang: str, only: int | None = None) -> None:
    """Draw the pictures of all lessons, or of one, into ``pictures`` within a folder."""
    from funnelnb.show.charts import render

    (folder / FOLDER).mkdir(exist_ok=True)
    book = None if only in _TYPED else load(resources.sample_folder())
    for number, names in PICTURES.items():
        if only in (None, number):
            charts = _charts(number, book, lang)
            for name in names:
                (folder / FOLDER / file_name(number, name)).write_bytes(render.png(charts[name]))


def _charts(number: int, book: Any, lang: str) -> dict[str, Any]:
    """Return the charts of a lesson."""
    if number == 1:
        week = typed_funnel([100, 80, 40, 20, 10, 5])
        return {"shape": week.chart("shape", lang), "funnel": conversion(book).chart("funnel", lang)}
    if number == 4:
        return {
            "outcome": conversion(book).chart("outcome", lang),
            "regions": segments(book, by="region").chart("forest", lang),
        }
    if number == 7:
        return {
            "properties": six_properties(book).chart("shape", lang),
            "symptoms": symptoms(book).chart("matrix", lang),
        }
    ask: dict[int, tuple[str, str, Callable[[], Any]]] = {
        2: ("quadrant", "quadrant", lambda: quadrant(book)),
        3: ("evidence", "honest", lambda: honest_funnel(book)),
        5: ("times", "survival", lambda: duration(book)),
        6: ("reverse", "reverse", lambda: reverse_funnel(wins=38, rates=[0.25, 0.5, 0.75])),
        8: ("fan", "fan", lambda: forecast(book)),
    }
    name, kind, result = ask[number]
    return {name: result().chart(kind, lang)}
