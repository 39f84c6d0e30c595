"""What came in, what was won and lost, where deals are, and who brought it: the figures of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.diagnosis.cells import standing_at
from funnelnb.analysis.diagnosis.desk import Desk, in_days, share_of
from funnelnb.analysis.diagnosis.report_period import back
from funnelnb.analysis.shared.counts import attributes
from funnelnb.analysis.shared.judged import (
    CLOSED_ONLY,
    MOST_UNDATED,
    NEVER_LOST,
    ONLY_WINS,
    UNDECIDED,
    WINS_ALONE,
    losses_dated,
    recorded,
    unjudged,
)
from funnelnb.core.errors import ParameterError, nearest
from funnelnb.stats.rates.proportion import wilson
from funnelnb.stats.rates.tolerance import holm
from funnelnb.stats.totals.means import poisson_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from funnelnb.analysis.diagnosis.symptoms import Symptom
    from funnelnb.analysis.shared.period import Period

    Mask = NDArray[np.bool_]

ROLL_UP = ("region", "team", "owner")
LEAST_PRICED = 0.5
"""Amounts are added up where at least this share of the deals has one."""
PART_OF = {
    "entered_n": "entries",
    "order_n": "orders",
    "order_amount": "bookings",
    "loss_n": "losses",
    "here_n": "in_hand",
    "here_amount": "in_hand_amount",
}
"""Columns of the parts, and the figure of the overview that each belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFigure:
    """One figure of the overview.

    Attributes
    ----------
    figure : {"entries", "orders", "bookings", "losses", "win_rate", "in_hand", "in_hand_amount"}
    value, value_ci_lower, value_ci_upper : float
        In the period; of deals in hand at its end.
    before_value, year_value : float
        In the period before, and in the same period a year earlier; NaN where not known, as what was lost or in hand
        then where losses have no dates.
    change : {"", "up", "down", "not_separable"}
        Against the period before: whether chance would hardly explain it, all figures counted (Holm).
    """

    figure: str
    value: float
    value_ci_lower: float
    value_ci_upper: float
    before_value: float
    year_value: float
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStage:
    """One stage in the period.

    Attributes
    ----------
    stage : str
    reached_n : float
        Deals that reached it in the period; NaN where deals were left out of the data.
    before_n : float
        In the period before.
    here_n : float
        Open there at the end of the period; NaN where open deals were left out.
    here_amount : float
        Their known amounts; NaN where fewer than half of the open deals have one.
    """

    stage: str
    reached_n: float
    before_n: float
    here_n: float
    here_amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPart:
    """One region, team or person; the last row is the whole, to which the others add up.

    Attributes
    ----------
    group : tuple of str
        Empty: the whole.
    entered_n, order_n, loss_n, here_n : float
        Entered, won and lost in the period; open at its end. NaN where such deals were left out, or have no dates.
    order_amount, here_amount : float
        Known amounts.
    red_n, amber_n : int
        Symptoms of it.
    """

    group: tuple[str, ...]
    entered_n: float
    order_n: float
    loss_n: float
    here_n: float
    order_amount: float
    here_amount: float
    red_n: int
    amber_n: int


# ---- Overview -----------------------------------------------------------------------------------------------


def inside(day: Any, period: Period) -> Mask:
    """Return which days lie in a period."""
    first, last = float(period.start.astype(np.int64)), float(period.end.astype(np.int64))
    return np.asarray((day >= first) & (day < last + 1))


def overview_figures(desk: Desk, kind: str, now: Period, confidence: float) -> tuple[ReportFigure, ...]:
    """Return the figures of the overview, beside the period before and the same a year earlier."""
    periods = [now, back(now, kind), back(now, kind, year=True)]
    first = np.nanmin(desk.entered) if not np.isnan(desk.entered).all() else np.inf
    known = [
        True,
        *(float(one.start.astype(np.int64)) >= first and recorded(desk.book, one) for one in periods[1:]),
    ]
    amount = np.nan_to_num(desk.ledger.amount)
    days = {
        "entries": (desk.entered, None),
        "orders": (desk.closed, desk.won),
        "losses": (desk.closed, desk.lost),
    }
    masks = {
        name: [inside(day, one) & (True if mask is None else mask) for one in periods]
        for name, (day, mask) in days.items()
    }
    closed = [
        (int(won.sum()), int(lost.sum())) for won, lost in zip(masks["orders"], masks["losses"], strict=True)
    ]
    stood = [standing_at(desk, float(one.end.astype(np.int64)) + 1) >= 0 for one in periods]
    values = {
        "entries": [float(mine.sum()) for mine in masks["entries"]],
        "orders": [float(mine.sum()) for mine in masks["orders"]],
        "bookings": [float(amount[mine].sum()) for mine in masks["orders"]],
        "losses": [float(mine.sum()) for mine in masks["losses"]],
        "win_rate": [share_of(won, won + lost) for won, lost in closed],
        "in_hand": [float(one.sum()) for one in stood],
        "in_hand_amount": [float(amount[one].sum()) for one in stood],
    }
    for place, one in enumerate(periods):
        for name in unknown_figures(desk, one):
            values[name][place] = float("nan")
    chance = _chances(values, closed, [amount[mine] for mine in masks["orders"][:2]]) if known[1] else {}
    adjusted = dict(zip(chance, holm(list(chance.values())).tolist(), strict=True))
    return tuple(
        _figure(name, found, known, closed[0], adjusted.get(name, float("nan")), confidence)
        for name, found in values.items()
    )


def unknown_figures(desk: Desk, period: Period) -> frozenset[str]:
    """Return the figures of a period that are not known of these deals, because some were left out or have no date.

    Sums of money need the amount of half of the deals. Where losses have no dates, what was in hand is known on the
    last day of the data alone.
    """
    why = unjudged(desk.book)
    hidden: set[str] = set()
    if why in (CLOSED_ONLY, ONLY_WINS, WINS_ALONE):
        hidden |= {"entries"}
    dated = losses_dated(desk.ledger)
    if why in (CLOSED_ONLY, WINS_ALONE) or not (dated or float(period.end.astype(np.int64)) >= desk.today):
        hidden |= {"in_hand", "in_hand_amount"}
    came, won = ~np.isnan(desk.entered), desk.won & ~np.isnan(desk.closed)
    if came.sum() < (1 - MOST_UNDATED) * came.size:
        hidden |= {"entries", "in_hand", "in_hand_amount"}
    if why == UNDECIDED or won.sum() < (1 - MOST_UNDATED) * desk.won.sum():
        hidden |= {"orders", "bookings", "win_rate"}
    priced = ~np.isnan(desk.ledger.amount)
    for name, mine in (("bookings", desk.won), ("in_hand_amount", desk.in_hand)):
        if mine.any() and priced[mine].mean() < LEAST_PRICED:
            hidden |= {name}
    if why in (ONLY_WINS, WINS_ALONE, NEVER_LOST, UNDECIDED) or not dated:
        hidden |= {"losses", "win_rate"}
    return frozenset(hidden)


def _chances(
    values: Mapping[str, list[float]], closed: list[tuple[int, int]], orders: list[Any]
) -> dict[str, float]:
    """Return how likely each figure would differ so much from that of the period before by chance alone."""
    from scipy.stats import binomtest, fisher_exact, norm

    found = {}
    for name in ("entries", "orders", "losses"):
        if np.isnan(values[name][0]):
            continue
        n, before = int(values[name][0]), int(values[name][1])
        found[name] = float(binomtest(n, n + before, 0.5).pvalue) if n + before else 1.0
    spread = float(np.sqrt(sum((one**2).sum() for one in orders)))
    apart = abs(values["bookings"][0] - values["bookings"][1])
    if np.isfinite(apart):
        found["bookings"] = float(2 * norm.sf(apart / spread)) if spread > 0 else 1.0
    if np.isnan(values["win_rate"][0]):
        return found
    both = not np.isnan(values["win_rate"][1])
    found["win_rate"] = float(fisher_exact(np.array(closed[:2])).pvalue) if both else 1.0
    return found


def _figure(
    name: str,
    values: list[float],
    known: list[bool],
    closed: tuple[int, int],
    chance: float,
    confidence: float,
) -> ReportFigure:
    """Return a figure of the period beside those it is compared with."""
    lower, upper = float("nan"), float("nan")
    if np.isnan(values[0]):
        pass
    elif name in ("entries", "orders", "losses"):
        lower, upper = poisson_interval(values[0], confidence)
    elif name == "win_rate":
        lower, upper = (float(one) for one in wilson(closed[0], sum(closed), confidence))
    shown = [value if ok else float("nan") for value, ok in zip(values, known, strict=True)]
    change = ""
    if np.isfinite([chance, shown[0], shown[1]]).all():
        clear = chance <= 1 - confidence
        change = ("up" if shown[0] > shown[1] else "down") if clear else "not_separable"
    return ReportFigure(
        figure=name, value=shown[0], value_ci_lower=float(lower), value_ci_upper=float(upper),
        before_value=shown[1], year_value=shown[2], change=change,
    )  # fmt: skip


def report_stages(desk: Desk, now: Period, before: Period) -> tuple[ReportStage, ...]:
    """Return the stages with what reached them in the period and what is in hand at its end."""
    ledger = desk.ledger
    stood = standing_at(desk, float(now.end.astype(np.int64)) + 1)
    amount = np.nan_to_num(ledger.amount)
    hidden, blank = unknown_figures(desk, now), float("nan")
    came, stand, bare = (name in hidden for name in ("entries", "in_hand", "in_hand_amount"))
    rows = []
    for k in range(ledger.won + 1):
        reached = in_days(ledger.reached_s[:, k]) if k else desk.entered
        here = stood == k
        rows.append(
            ReportStage(
                stage=ledger.stage_ids[k],
                reached_n=blank if came and k < ledger.won else int(inside(reached, now).sum()),
                before_n=blank if came and k < ledger.won else int(inside(reached, before).sum()),
                here_n=0 if k == ledger.won else blank if stand else int(here.sum()),
                here_amount=0.0 if k == ledger.won else blank if bare else float(amount[here].sum()),
            )
        )  # fmt: skip
    return tuple(rows)


# ---- Parts --------------------------------------------------------------------------------------------------


def report_parts(
    desk: Desk, now: Period, by: str | None, problems: list[Symptom]
) -> tuple[tuple[str, ...], tuple[ReportPart, ...]]:
    """Return the attribute of the parts, and the parts with the whole as their last row."""
    name = _cut_by(desk, by)
    codes, labels = coded_by(desk, name)
    closed = inside(desk.closed, now)
    stood = standing_at(desk, float(now.end.astype(np.int64)) + 1) >= 0
    amount = np.nan_to_num(desk.ledger.amount)
    masks = {
        "entered_n": inside(desk.entered, now), "order_n": closed & desk.won, "loss_n": closed & desk.lost,
        "here_n": stood,
    }  # fmt: skip

    hidden = unknown_figures(desk, now)
    blank = {what: float("nan") for what, name in PART_OF.items() if name in hidden}

    def row(group: tuple[str, ...], figures: dict[str, Any], symptoms_of: list[Symptom]) -> ReportPart:
        return ReportPart(
            group=group,
            **figures | blank,
            red_n=sum(one.state == "red" for one in symptoms_of),
            amber_n=sum(one.state == "amber" for one in symptoms_of),
        )

    mine: dict[tuple[str, ...], list[Symptom]] = {}
    for one in problems if name == "owner" else ():
        mine.setdefault(one.group, []).append(one)
    rows = [
        row((label,), figures, mine.get((label,), []))
        for label, figures in zip(labels, _figures(codes, len(labels), masks, amount), strict=True)
        if any(figures[what] for what in masks)
    ]
    whole = row((), _figures(np.zeros(len(codes), np.int64), 1, masks, amount)[0], problems)
    if len(rows) < 2:
        return (), (whole,)
    rows.sort(key=lambda one: (-one.order_amount, -one.here_amount, one.group))
    return (name,), (*rows, whole)


def _figures(codes: Any, n: int, masks: dict[str, Mask], amount: Any) -> list[dict[str, Any]]:
    """Return the counts and sums of each of n groups."""

    def summed(mask: Mask, weights: Any = None) -> list[Any]:
        chosen = mask & (codes >= 0)
        weights = None if weights is None else weights[chosen]
        return np.bincount(codes[chosen], weights, minlength=n).tolist()

    columns = {what: summed(mask) for what, mask in masks.items()}
    columns["order_amount"] = summed(masks["order_n"], amount)
    columns["here_amount"] = summed(masks["here_n"], amount)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _cut_by(desk: Desk, by: str | None) -> str:
    known = attributes(desk.book)
    if by is None:
        levels = [one for one in ROLL_UP if one in known and len(desk.ledger.attributes[one].labels) > 1]
        return levels[0] if levels else ""
    if by != "size" and by not in known:
        raise ParameterError(
            f"by = {by!r}: the opportunities have no such attribute",
            expected="size, or one of " + ", ".join(sorted(known)),
            hint=nearest(by, known),
        )
    return by


def coded_by(desk: Desk, name: str) -> tuple[Any, tuple[str, ...]]:
    """Return the part that each deal belongs to, as a code and what the codes mean."""
    if not name:
        return np.zeros(len(desk.won), np.int64), ("",)
    if name == "size":
        known = desk.ledger.amount[~np.isnan(desk.ledger.amount)]
        usual = float(np.median(known)) if known.size else 0.0
        large = desk.ledger.amount >= usual
        return np.where(np.isnan(desk.ledger.amount), 2, np.where(large, 0, 1)), ("large", "small", "")
    coded = desk.ledger.attributes[name]
    return coded.codes, coded.labels
