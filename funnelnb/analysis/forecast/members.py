"""Which deals stand behind the counts of a forecast? What is expected is worked out; what is there is listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.forecast import periods as when
from funnelnb.analysis.forecast.categories import category_column
from funnelnb.analysis.forecast.history import NEVER, History, groups_of, history_of
from funnelnb.analysis.forecast.known import Known, known_at
from funnelnb.analysis.forecast.pipeline import window_of
from funnelnb.analysis.shared.members import COMPUTED, PERIODS, Mask, Member, Query, behind
from funnelnb.analysis.shared.period import period_of

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPECTED = ("open_n", "new_n", "expected_n", "q10_n", "q50_n", "q90_n")


def _day(result: Any) -> int:
    return int(result.as_of.astype("datetime64[D]").astype(np.int64))


def _known(asked: Query, day: int) -> tuple[History, Known]:
    return asked.once(("known", day), lambda: _look(asked, day))


def _look(asked: Query, day: int) -> tuple[History, Known]:
    history = history_of(asked.book)
    return history, known_at(history, day)


def _open(asked: Query, day: int) -> Mask:
    """Mark the deals that were open on a day and whose start is known."""
    _, known = _known(asked, day)
    found: Mask = (known.win == NEVER) & (known.end == NEVER) & (known.start < NEVER)
    return found


@behind("Forecast")
def _forecast(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": lambda: _open(asked, _day(result))}


@behind("ForecastRow")
def _period(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    def won() -> Mask:
        history, _ = _known(asked, _day(result))
        period = period_of(row.period)
        if period is None:
            return asked.nobody()
        last = min(_day(result), when.day_number(period.end))
        mine: Mask = (history.win_day >= when.day_number(period.start)) & (history.win_day <= last)
        if not row.group:
            return mine
        codes, labels = groups_of(asked.book, result.by[0])
        return mine & (codes == labels.index(row.group[0]))

    return {"won_n": won} | dict.fromkeys(EXPECTED, COMPUTED)


@behind("CategoryRow")
def _category(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    def mine() -> Mask:
        coded = asked.ledger.attributes[category_column(asked.book)]
        here: Mask = coded.codes == coded.labels.index(row.category)
        return here & _open(asked, _day(result))

    return {"deal_n": mine, "past_n": COMPUTED}


@behind("PipelineCoverage")
def _coverage(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": PERIODS}


@behind("Velocity")
def _velocity(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    def new() -> Mask:
        history, known = _known(asked, _day(result))
        recent: Mask = (known.start < NEVER) & (known.start > history.day - window_of(history, known))
        return recent

    return {
        "n": asked.everybody(), "new_n": new, "open_n": lambda: _open(asked, _day(result)),
        "new_per_month_n": COMPUTED,
    }  # fmt: skip
