"""Controls over a forecast: period, day it is made on, group and target; a quarter replayed week by week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from funnelnb.analysis.forecast import periods as when
from funnelnb.analysis.forecast.engine import DRAWS
from funnelnb.analysis.forecast.forecast import forecast
from funnelnb.analysis.shared.question import question
from funnelnb.notebook.controls import Live, offered
from funnelnb.show import outputs, panel

if TYPE_CHECKING:
    from funnelnb.analysis.forecast.forecast import Forecast
    from funnelnb.data.book import Book

PAST_PERIODS, WEEK = 6, np.timedelta64(7, "D")
"""Past quarters that can be replayed."""
FEWER_DRAWS = 800


class ForecastExplorer(Live):
    """Controls over a forecast, and the fan they draw.

    Attributes
    ----------
    period, day, group, target : widget
        The four controls; the slider `day` moves the day of the forecast through the period week by week.
    picture : ipywidgets.Output
        Sentence and chart of :attr:`result`.
    result : Forecast
        What is shown now.
    """

    def __init__(
        self, book: Book, *, period: str | None, by: str | None, amount: float | None, lang: str | None
    ) -> None:
        super().__init__(lang)
        self._book = book
        self.result: Forecast
        label = self._say.get
        names = self._periods(period)
        self.period = self._choice(
            label("forecast.control.period"), {one: one for one in names}, period or names[0]
        )
        groups = {
            label("explore.whole"): "",
            **{self._say.attribute(name): name for name in offered(book, by)},
        }
        self.group = self._choice(label("forecast.control.group"), groups, by or "")
        self.day = widgets.SelectionSlider(
            options=self._days(), value=self._days()[-1], description=label("forecast.control.day"),
            continuous_update=False, style={"description_width": "initial"}, layout={"width": "28em"},
        )  # fmt: skip
        self.target = widgets.FloatText(
            value=float(amount or 0), description=label("forecast.control.target"),
            style={"description_width": "initial"}, layout={"width": "16em"},
        )  # fmt: skip
        self._offer(self.period, self.day, self.group, self.target)
        self.period.unobserve(self._redraw, "value")
        self.period.observe(self._change_period, "value")
        self._redraw()

    def _periods(self, asked: str | None) -> list[str]:
        """Return the names to choose from: the one asked for, the running quarter, and past ones to replay."""
        today = self._book.as_of.astype("datetime64[D]")
        (now,) = when.wanted(None, today)
        if asked and when.fiscal(asked, 1) is None:
            when.wanted(asked, today)  # says what a period is
        past = [when.following(now, "quarter", -n).name for n in range(1, PAST_PERIODS + 1)]
        return list(dict.fromkeys([*([asked] if asked else []), now.name, *past]))

    def _days(self) -> list[str]:
        """Return the days of the slider: the eve of the period and the ends of its weeks, up to today."""
        period = when.fiscal(self.period.value, 1)
        today = self._book.as_of.astype("datetime64[D]")
        if period is None or period.start > today:
            return [str(today)]
        eve = period.start - np.timedelta64(1, "D")
        days = np.arange(eve, min(period.end, today + np.timedelta64(1, "D")), WEEK)
        found = [str(day) for day in days] + ([str(today)] if today < period.end else [])
        return list(dict.fromkeys(found))

    def _change_period(self, _: Any = None) -> None:
        days = self._days()
        self.day.unobserve(self._redraw, "value")
        self.day.options = days
        self.day.value = days[-1] if days[-1] == str(self._book.as_of)[:10] else days[0]
        self.day.observe(self._redraw, "value")
        self._redraw()

    def parameters(self) -> dict[str, Any]:
        """Return the chosen state as plain values: arguments of ``fn.forecast``."""
        today = str(self._book.as_of)[:10]
        return {
            "period": self.period.value,
            "by": self.group.value or None,
            "amount": self.target.value if self.target.value > 0 else None,
            "as_of": None if self.day.value == today else self.day.value,
        }

    def _outputs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        asked = self.parameters()
        plain = asked["as_of"] is None and asked["by"] is None  # the figures of ``fn.forecast``, to the digit
        self.result = forecast(self._book, **asked, draws=DRAWS if plain else FEWER_DRAWS)
        return outputs(self.result, self._say.lang, chart="fan", table=bool(self.group.value), still=False)

    def _still(self) -> str:
        return panel(self.result, self._say.lang, "fan", table=bool(self.group.value))


@question("widgets")
def explore_forecast(
    book: Book,
    *,
    period: str | None = None,
    by: str | None = None,
    amount: float | None = None,
    lang: str | None = None,
) -> ForecastExplorer:
    """How did the forecast of a period move week by week, and what came?

    Parameters
    ----------
    book : Book
    period : str, optional
        At first; None: the running or next quarter. Past quarters can be chosen and replayed.
    by : str, optional
        Attribute divided by at first; None: none.
    amount : float, optional
        Target at first; None or 0 takes the table of targets.
    lang : {"en", "zh"}, optional
        None: the language in force.

    Returns
    -------
    ForecastExplorer
        ``.parameters()`` gives the chosen state for ``fn.forecast``.
    """
    return ForecastExplorer(book, period=period, by=by, amount=amount, lang=lang)
