"""Controls over priorities: the rule of the levels, the lines of the quadrant, and the account assessment sheet."""

from __future__ import annotations

import functools
import html
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from funnelnb.analysis.priority.assessment import SIDES, add_marks, assessment, sheet_account
from funnelnb.analysis.priority.levels import levels
from funnelnb.analysis.priority.quadrant import quadrant
from funnelnb.analysis.shared.question import question
from funnelnb.core.errors import FunnelError
from funnelnb.data.contract.tables import ASSESSMENT_FACTORS
from funnelnb.notebook.controls import Live
from funnelnb.show import outputs, panel

if TYPE_CHECKING:
    import pandas as pd

    from funnelnb.analysis.priority.assessment import Assessment
    from funnelnb.analysis.priority.levels import Levels
    from funnelnb.analysis.priority.quadrant import Quadrant
    from funnelnb.data.book import Book

_WIDE = {"style": {"description_width": "initial"}, "layout": {"width": "22em"}, "continuous_update": False}


class Prioritiser(Live):
    """Weights, thresholds and lines, and the levels or the quadrant that they make.

    Attributes
    ----------
    size, need, intent : widget
        Weights of the levels.
    thresholds : widget
        From which score medium and high.
    soon, capacity : widget
        Days that are soon, and hours per week, for the quadrant.
    view : widget
        ``"levels"`` or ``"quadrant"``.
    result : Levels or Quadrant
        What is shown now.
    """

    def __init__(
        self, book: Book, *, soon_days: float, capacity_hours: float | None, lang: str | None
    ) -> None:
        super().__init__(lang)
        self._book = book
        self.result: Levels | Quadrant = levels(book)
        label = self._say.get
        weight = functools.partial(widgets.FloatSlider, min=0.0, max=1.0, step=0.05, **_WIDE)
        self.view = widgets.ToggleButtons(
            options=[(label("prioritise.levels"), "levels"), (label("prioritise.quadrant"), "quadrant")]
        )
        self.size = weight(value=0.4, description=label("prioritise.size"))
        self.need = weight(value=0.3, description=label("prioritise.need"))
        self.intent = weight(value=0.3, description=label("prioritise.intent"))
        self.thresholds = widgets.FloatRangeSlider(
            value=(0.4, 0.7),
            min=0.05,
            max=1.0,
            step=0.05,
            description=label("prioritise.thresholds"),
            **_WIDE,
        )
        self.soon = widgets.IntSlider(
            value=int(soon_days), min=7, max=365, step=1, description=label("prioritise.soon"), **_WIDE
        )
        self.capacity = widgets.FloatText(
            value=capacity_hours or 0.0,
            description=label("prioritise.capacity"),
            style=_WIDE["style"],
            layout=_WIDE["layout"],
        )
        self._rule = (self.size, self.need, self.intent, self.thresholds)
        self._lines = (self.soon, self.capacity)
        self.children = [self.view, self._controls, self.picture]
        self._offer(self.view, *self._rule, *self._lines)
        self._redraw()

    def _outputs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        chosen = self.view.value == "levels"
        self._controls.children = self._rule if chosen else self._lines
        self.result = self._levels() if chosen else self._quadrant()
        return outputs(self.result, self._say.lang)

    def _levels(self) -> Levels:
        medium, high = self.thresholds.value
        weights = {"size": self.size.value, "need": self.need.value, "intent": self.intent.value}
        return levels(self._book, {"weights": weights, "medium": medium, "high": high})

    def _quadrant(self) -> Quadrant:
        hours = self.capacity.value or None
        return quadrant(self._book, soon_days=self.soon.value, capacity_hours=hours)

    def _chosen(self) -> str:
        return ""


class Sheet(Live):
    """The account assessment sheet of one customer, to be filled in.

    Attributes
    ----------
    marks_of : dict of str to widget
        The mark of each factor: ``"+"``, ``"-"`` or empty.
    notes_of : dict of str to widget
    save : widget
        Button: takes the sheet over into :attr:`book`.
    message : widget
    book : Book
        The book with the assessments saved so far.
    result : Assessment
        The sheet as it was saved last.
    """

    def __init__(self, book: Book, account_id: str, *, lang: str | None) -> None:
        super().__init__(lang)
        self.book = book
        self._account = account_id
        self.result: Assessment = assessment(book, account_id)
        now = {row.factor: row for row in self.result.sheet}
        choices = [("+", "+"), ("?", ""), ("−", "-")]
        self.marks_of = {
            factor: widgets.ToggleButtons(
                options=choices, value=now[factor].mark, style={"button_width": "2.4em"}
            )
            for factor in ASSESSMENT_FACTORS
        }
        self.notes_of = {
            factor: widgets.Text(
                value=now[factor].note,
                placeholder=self._say.get(f"assessment.asks.{factor}"),
                layout={"width": "40em"},
            )
            for factor in ASSESSMENT_FACTORS
        }
        self.save = widgets.Button(description=self._say.get("prioritise.save"))
        self.message = widgets.HTML()
        rows: list[Any] = []
        for side, factors in SIDES.items():
            heading = html.escape(self._say.get(f"assessment.sides.{side}"))
            rows.append(widgets.HTML(f"<b>{heading}</b>"))
            rows += map(self._line, factors)
        self.children = [*rows, widgets.HBox([self.save, self.message]), self.picture]
        self.save.on_click(self._saved)
        self._redraw()

    def _line(self, factor: str) -> Any:
        label = widgets.Label(self._say.get(f"assessment.factors.{factor}"), layout={"width": "16em"})
        return widgets.HBox([label, self.marks_of[factor], self.notes_of[factor]])

    @property
    def marks(self) -> pd.DataFrame:
        """What is filled in, as a table that ``fn.assess`` and a CSV take."""
        import pandas as pd

        rows = [
            {
                "account_id": self._account,
                "factor": factor,
                "mark": self.marks_of[factor].value,
                "note": self.notes_of[factor].value.strip() or None,
            }
            for factor in ASSESSMENT_FACTORS
        ]
        return pd.DataFrame(rows, columns=["account_id", "factor", "mark", "note"]).astype("str")

    def _saved(self, _: Any = None) -> None:
        try:
            self.book = add_marks(self.book, self.marks)
            self.result = assessment(self.book, self._account)
            self.message.value = self._say.get("prioritise.saved")
        except FunnelError as error:
            self.message.value = str(error)
        self._redraw()

    def _outputs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        return outputs(self.result, self._say.lang)

    def _chosen(self) -> str:
        return ""

    def _still(self) -> str:
        return panel(self.result, self._say.lang, picture=False)


@question("widgets")
def prioritise(
    book: Book, *, soon_days: float = 90.0, capacity_hours: float | None = None, lang: str | None = None
) -> Prioritiser:
    """What if size weighed more, or soon meant a month?

    Parameters
    ----------
    book : Book
        With the table ``accounts``.
    soon_days : float
        Days that are soon at first.
    capacity_hours : float, optional
        Hours per week at first; None: those recorded lately.
    lang : {"en", "zh"}, optional
        None: the language in force.

    Returns
    -------
    Prioritiser
        Controls that redraw levels and quadrant.

    Raises
    ------
    MissingDataError
        The book lacks the table ``accounts`` or its columns need and intent.
    """
    return Prioritiser(book, soon_days=soon_days, capacity_hours=capacity_hours, lang=lang)


@question("widgets")
def assessment_sheet(book: Book, account_id: str | None = None, *, lang: str | None = None) -> Sheet:
    """How does this account look from nine sides? A sheet to be filled in.

    Parameters
    ----------
    book : Book
    account_id : str, optional
        The customer; None: of those with marks the one with the largest amount of open deals, else any.
    lang : {"en", "zh"}, optional
        None: the language in force.

    Returns
    -------
    Sheet
        Its ``book`` holds what was saved, its ``marks`` what is filled in, as a table.

    Raises
    ------
    ParameterError
        The book has no such customer.
    MissingDataError
        No customer is named, and no open deal names one.
    """
    return Sheet(book, account_id or sheet_account(book), lang=lang)
