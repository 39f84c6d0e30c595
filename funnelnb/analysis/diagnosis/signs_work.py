"""Rules about how people work: busy without progress, untouched deals, hidden deals, overdue dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.diagnosis.desk import Desk, Missing, Sign, in_days
from funnelnb.analysis.forecast.scorecard import bare_places, scorecard
from funnelnb.analysis.targets.integrity import integrity
from funnelnb.core.errors import FunnelError
from funnelnb.stats.forecast.scores import misses
from funnelnb.stats.rates.proportion import wilson
from funnelnb.stats.rates.tolerance import fewer_than_rest, higher_share
from funnelnb.stats.totals.means import poisson_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from funnelnb.analysis.diagnosis.rules import Limits

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

MONTH_DAYS = 365 / 12


class _Activities:
    """Activities as arrays: day, deal (-1 where none is named), person (-1 where not known)."""

    def __init__(self, desk: Desk) -> None:
        table = desk.book.tables.get("activities")
        if table is None or "at" not in table or not len(table):
            raise Missing("activities")
        self.day = table["at"].to_numpy().astype("datetime64[s]").astype(np.int64) / 86_400
        self.day = np.where(table["at"].isna().to_numpy(), np.nan, self.day)
        self.deal = _numbers(table, "opportunity_id", desk.ledger.deal_ids)
        people = np.array(desk.names, dtype=object)
        own = _numbers(table, desk.by, people) if desk.by in table else np.full(len(table), -1)
        dealt = np.where(self.deal >= 0, desk.code[self.deal], -1) if len(desk.code) else self.deal
        self.person = np.where(own >= 0, own, dealt)


def _numbers(table: Any, name: str, known: NDArray[Any]) -> NDArray[np.int64]:
    """Return at which place of `known` the values of a column stand; -1 where nowhere."""
    import pandas as pd

    if name not in table:
        return np.full(len(table), -1)
    return pd.Index(known).get_indexer(table[name].to_numpy(dtype=object)).astype(np.int64)


def busy_few(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure the deals moved on per activity of each person against the others."""
    acts = _Activities(desk)
    if len(desk.people) < 2:
        raise Missing("one_person")
    ledger = desk.ledger
    recent = (acts.day > desk.today - limits.window_days) & (acts.person >= 0)
    busy = np.append(0, np.bincount(acts.person[recent], minlength=len(desk.names))).astype(float)
    busy[0] = busy.sum()
    entered = in_days(ledger.entered_s)
    ahead = np.append(False, (ledger.deal[1:] == ledger.deal[:-1]) & (ledger.stage[1:] > ledger.stage[:-1]))
    moved = np.bincount(
        ledger.deal[ahead & (entered > desk.today - limits.window_days)], minlength=len(desk.won)
    )
    moves = desk.sums(moved > 0, moved)
    if not moves[0]:
        raise Missing("history")
    usual = float(np.median(busy[desk.people]))
    worth = float(desk.amount[desk.won & (desk.closed > desk.today - 365)].sum()) / max(
        float(moves[0]) * 365 / limits.window_days, 1.0
    )
    for unit in desk.people:
        if busy[unit] < max(limits.least_n, 1):
            continue
        rest = (moves[0] - moves[unit]) / max(busy[0] - busy[unit], 1.0)
        rate = moves[unit] / busy[unit]
        lower, upper = (bound / busy[unit] for bound in poisson_interval(float(moves[unit]), level))
        tail = fewer_than_rest(
            moves[unit], busy[unit], moves[0] - moves[unit], busy[0] - busy[unit], limits.tolerated
        )
        yield Sign(
            unit=unit, value=float(rate), lower=lower, upper=upper, reference=float(rest), n=float(busy[unit]),
            p=float(tail), crossed=bool(busy[unit] >= usual and rate < limits.alarm * rest), against="peers",
            second=float(moves[unit]), amount=max(float(rest * busy[unit] - moves[unit]), 0.0) * worth,
            deals=desk.of(unit, desk.in_hand),
        )  # fmt: skip


def untouched(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure the share of deals in hand that nobody has worked on lately."""
    acts = _Activities(desk)
    named = acts.deal >= 0
    if not named.any():
        raise Missing("activities")
    last = np.full(len(desk.won), -np.inf)
    np.maximum.at(last, acts.deal[named], np.nan_to_num(acts.day[named], nan=-np.inf))
    old = desk.in_hand & (desk.entered <= desk.today - limits.window_days)
    yield from _shares(desk, limits, level, old & (last < desk.today - limits.window_days), old)


def dates_overdue(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure the share of deals in hand whose expected close is past."""
    deals = desk.book.opportunities
    if "expected_close_at" not in deals or not deals["expected_close_at"].notna().any():
        raise Missing("expected_close")
    wanted = deals.set_index("opportunity_id")["expected_close_at"]
    when = wanted.reindex(desk.ledger.deal_ids)
    expected = when.to_numpy().astype("datetime64[s]")
    day = np.where(np.isnat(expected), np.nan, expected.astype(np.int64) / 86_400)
    dated = desk.in_hand & ~np.isnan(day)
    yield from _shares(desk, limits, level, dated & (day < desk.today), dated)


def _shares(desk: Desk, limits: Limits, level: float, found: Mask, of: Mask) -> Iterator[Sign]:
    """Measure a share of deals of each unit against a fixed bound."""
    n, k, worth = desk.sums(of), desk.sums(found), desk.worth(found)
    for unit in desk.units:
        if n[unit] < max(limits.least_n, 1):
            continue
        lower, upper = wilson(k[unit], n[unit], level)
        share = float(k[unit] / n[unit])
        yield Sign(
            unit=unit, value=share, lower=float(lower), upper=float(upper), reference=limits.alarm,
            n=float(n[unit]), p=float(higher_share(k[unit], n[unit], limits.tolerated)),
            crossed=share >= limits.alarm, second=float(k[unit]), amount=float(worth[unit]),
            deals=desk.of(unit, found),
        )  # fmt: skip


def hidden_deals(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure the share of won deals that were never in the funnel, or entered only when they were won."""
    try:
        looked = integrity(desk.book, weights="playbook" if _weighted(desk.book.playbook) else "measured")
    except FunnelError:
        raise Missing("dates") from None
    if not next(row.of_n for row in looked.rows if row.check == "never_in_funnel" and not row.group):
        raise Missing("dates")
    number = {str(one): k for k, one in enumerate(desk.ledger.deal_ids.tolist())}
    hidden = np.zeros(len(desk.won), bool)
    hidden[[number[one.opportunity_id] for one in looked.deals if one.check == "never_in_funnel"]] = True
    recent = desk.won & (desk.closed > desk.today - limits.window_days)
    n, k = desk.sums(recent), desk.sums(recent & hidden)
    amounts = desk.sums(recent & hidden, desk.amount)
    for unit in desk.units:
        if n[unit] < limits.least_n:
            continue
        lower, upper = wilson(k[unit], n[unit], level)
        share = float(k[unit] / n[unit])
        yield Sign(
            unit=unit, value=share, lower=float(lower), upper=float(upper), reference=limits.alarm,
            n=float(n[unit]), p=float(higher_share(k[unit], n[unit], limits.tolerated)),
            crossed=share >= limits.alarm, second=float(k[unit]), amount=float(amounts[unit]),
            deals=desk.of(unit, recent & hidden),
        )  # fmt: skip


def _weighted(model: Any) -> bool:
    """Whether a stage model names a weight for any stage before the win; own lists of stages name none."""
    return any(one.win_weight is not None for one in model.stages[: model.won])


def forecast_wrong(desk: Desk, limits: Limits, level: float) -> Iterator[Sign]:
    """Measure how far past months came from what was forecast on their eve, beside what the forecast held possible."""
    try:
        card = scorecard(
            desk.book, every="month", leads=[0], most=max(2, round(limits.window_days / MONTH_DAYS))
        )
    except FunnelError:
        raise Missing("past_months") from None
    n = float(len(card.rows))
    if n < limits.least_n:
        raise Missing("past_months")
    came = np.array([row.came_amount for row in card.rows])
    said = np.array([row.expected_amount for row in card.rows])
    if not came.any():
        raise Missing("amounts")
    found = misses(bare_places(card.rows), max(limits.tolerated, 1e-9), level)
    yield Sign(
        unit=0, value=found.ratio, lower=found.ci_lower, upper=found.ci_upper, reference=1.0, n=n, p=found.p,
        crossed=found.ratio >= limits.alarm, second=float(sum(not row.inside_80 for row in card.rows)),
        amount=float(np.abs(came - said).mean()),
    )  # fmt: skip
