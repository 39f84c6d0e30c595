"""What are the counts, shares and amounts of each step, for all groups at once?

Columns for the rows of :class:`~funnelnb.analysis.conversion.conversion.StepRow`.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared.judged import ONLY_WINS, UNDECIDED, WINS_ALONE
from funnelnb.core.check import TOO_FEW_N
from funnelnb.data.ledger.codes import LEFT_DEAL, LOST_DEAL, OPEN_DEAL, WON_DEAL
from funnelnb.stats.rates.clustered import Design, design
from funnelnb.stats.rates.missing import step_bounds
from funnelnb.stats.rates.proportion import effective_n, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.shared.by_day import AtDay
    from funnelnb.data.count.counts import StageCounts


Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]

_PARTS = ("advanced", "here", "lost", "left")


def since_records(counts: StageCounts) -> StageCounts:
    """Return the counts without deals that came into a stage before the records begin."""
    out = counts.before_records
    if out is None:
        return counts
    left = {one.name: _less(getattr(counts, one.name), getattr(out, one.name)) for one in fields(out)}
    return replace(counts, before_records=None, **left)


def _less(whole: Any, part: Any) -> Any:
    """Return whole less part; what rounding leaves of sums of money where nothing is left is nothing."""
    rest = whole - part
    return np.where(np.abs(rest) <= 1e-9 * np.abs(whole), 0, rest).astype(rest.dtype)


def step_sums(counts: StageCounts, position: int, *, whole: bool = False) -> Columns:
    """Counts and amounts of the deals that reached `position`, by what became of them there.

    Of a step, deals that came there before the records begin are left out: of these only such as stayed are known.
    On the whole way (`whole`) they count.
    """
    if not whole:
        counts = since_records(counts)
    sums: Columns = {}
    for part in ("reached", *_PARTS):
        sums[f"{part}_n"] = getattr(counts, f"{part}_n")[:, position]
        sums[f"{part}_amount"] = getattr(counts, f"{part}_amount")[:, position]
    ends = (LOST_DEAL, LEFT_DEAL, OPEN_DEAL)
    sums["unplaced_n"] = _unplaced(counts, counts.unplaced_n, ends, position).astype(np.int64)
    sums["unplaced_amount"] = _unplaced(counts, counts.unplaced_amount, ends, position)
    sums["unsure_n"] = np.zeros(len(counts.groups), np.int64)
    if counts.unsure_n is not None:
        sums["unsure_n"] = counts.unsure_n[:, position]
    sums |= _standing(counts, position)
    sums["is_last"] = np.full(len(counts.groups), position == counts.won - 1)
    sums["amount_n"] = counts.reached_amount_n[:, position]
    sums["reached_sq"] = counts.reached_amount_sq[:, position]
    sums["decided_sq"] = counts.decided_amount_sq[:, position]
    return sums


def _unplaced(
    counts: StageCounts, unplaced: NDArray[Any] | None, outcomes: tuple[int, ...], position: int
) -> NDArray[Any]:
    """Return how many deals, or what amount, may have ended (or stand) at `position` or elsewhere: nobody knows."""
    if unplaced is None or position >= counts.won:
        return np.zeros(len(counts.groups))
    found: NDArray[Any] = unplaced[:, list(outcomes)].sum(axis=1)
    return found


def _standing(counts: StageCounts, position: int) -> Columns:
    """Return what deals of known stage say of all at `position`; NaN where every stage is known anyway."""
    nothing = np.full(len(counts.groups), np.nan)
    names = ("stand_reached", "stand_advanced", "stand_decided", "stand_reached_sq", "stand_decided_sq")
    stand = counts.stands_for
    sums: Columns = dict.fromkeys(names, nothing)
    if stand is not None:
        blank = np.where(stand.known, 0.0, np.nan)
        values = (
            stand.reached[:, position],
            stand.advanced[:, position],
            stand.reached[:, position] - stand.undecided[:, position],
            stand.reached_sq[:, position],
            stand.decided_sq[:, position],
        )
        sums = {name: value + blank for name, value in zip(names, values, strict=True)}
    return sums | _designs(counts, position, position + 1)


def _designs(counts: StageCounts, origin: int, target: int) -> Columns:
    """Return by how much accounts with several deals widen the intervals of going on from `origin` to `target`."""
    names = ("so_far_factor", "so_far_df", "decided_factor", "decided_df")
    cells = counts.clustered
    if cells is None:
        one, many = np.ones(len(counts.groups)), np.full(len(counts.groups), np.inf)
        return dict(zip(names, (one, many, one, many), strict=True))
    reached = cells[:, :, origin:].sum(axis=(2, 3))
    advanced = cells[:, :, target:].sum(axis=(2, 3))
    undecided = cells[:, :, origin:target, [OPEN_DEAL, WON_DEAL, LEFT_DEAL]].sum(axis=(2, 3))
    so_far, decided = design(advanced, reached), design(advanced, reached - undecided)
    return dict(zip(names, (so_far.factor, so_far.df, decided.factor, decided.df), strict=True))


def overall_sums(counts: StageCounts, origin: int) -> Columns:
    """The same from `origin` to won: advanced are the won, the others are summed over the stages between."""
    between = slice(origin, counts.won)
    sums = step_sums(counts, origin, whole=origin == 0)
    for part in ("here", "lost", "left"):
        sums[f"{part}_n"] = getattr(counts, f"{part}_n")[:, between].sum(axis=1)
        sums[f"{part}_amount"] = getattr(counts, f"{part}_amount")[:, between].sum(axis=1)
    sums["advanced_n"] = counts.reached_n[:, counts.won]
    if counts.unsure_n is not None:
        sums["unsure_n"] = counts.unsure_n[:, between].sum(axis=1)
        if origin == 0 and counts.unsure_unplaced_n is not None:
            sums["unsure_n"] = sums["unsure_n"] + counts.unsure_unplaced_n
    if (
        counts.unplaced_n is not None and counts.unplaced_amount is not None and origin == 0
    ):  # where they were lost does not matter on the whole way
        for part, code in (("here", OPEN_DEAL), ("lost", LOST_DEAL), ("left", LEFT_DEAL)):
            sums[f"{part}_n"] = sums[f"{part}_n"] + counts.unplaced_n[:, code]
            sums[f"{part}_amount"] = sums[f"{part}_amount"] + counts.unplaced_amount[:, code]
        sums |= {name: np.zeros_like(sums[name]) for name in ("unplaced_n", "unplaced_amount")}
        sums |= dict.fromkeys(
            ("stand_reached", "stand_advanced", "stand_decided"), np.full(len(counts.groups), np.nan)
        )
    elif counts.stands_for is not None:
        sums["stand_advanced"] = counts.stands_for.reached[:, counts.won]
        sums["stand_decided"] = sums["stand_reached"] - counts.stands_for.undecided[:, between].sum(axis=1)
    sums |= _designs(counts, origin, counts.won)
    sums["advanced_amount"] = counts.reached_amount[:, counts.won]
    undecided_sq = counts.reached_amount_sq[:, between] - counts.decided_amount_sq[:, between]
    sums["decided_sq"] = np.maximum(sums["reached_sq"] - undecided_sq.sum(axis=1), 0.0)
    return sums


def unpriced(sums: Columns) -> frozenset[str]:
    """Return the parts (advanced, here, lost, left) whose deals carry no amount although others do.

    Some systems fill the amount only when a deal is won. Then lost or open deals count nothing, and a share
    of the amount would say that everything is won.
    """
    if not sums["reached_amount"].sum() > 0:
        return frozenset()
    return frozenset(
        part for part in _PARTS if sums[f"{part}_n"].sum() > 0 and not sums[f"{part}_amount"].sum() > 0
    )


def columns(
    sums: Sequence[Columns],
    days: Sequence[Sequence[AtDay]],
    confidence_level: float,
    without: frozenset[str],
    after_sale: Sequence[bool],
) -> Columns:
    """Return the fields of all rows, each an array of shape (steps, groups).

    Parameters
    ----------
    sums : sequence of dict
        For each step what :func:`step_sums` or :func:`overall_sums` gives.
    days : sequence of sequence of AtDay
        For each step and group the share by day.
    confidence_level : float
    without : frozenset of str
        Parts without amounts (see :func:`unpriced`): shares of the amount that need them are NaN.
    after_sale : sequence of bool
        Steps beyond won: amounts are known there, and (b) is NaN where nothing was lost.
    """
    stacked = {name: np.stack([one[name] for one in sums]) for name in sums[0]}
    made = share_columns(stacked, confidence_level) | by_day_columns(stacked, days, confidence_level)
    beyond = np.array(after_sale, dtype=bool)
    before = ~beyond
    for part in without & {"here", "lost"}:
        made[f"{part}_amount"] = np.where(
            before[:, None] & (stacked[f"{part}_n"] > 0), np.nan, made[f"{part}_amount"]
        )
    if without:
        _blank(made, "so_far_amount", before)
        _blank(made, "by_day_amount", before)
    if without - {"here"}:
        _blank(made, "decided_amount", before)
    endless = beyond & ~stacked["lost_n"].any(axis=1)
    endless |= before & ~(stacked["lost_n"] + stacked["unplaced_n"]).any(axis=1)
    for name in (
        "decided",
        "decided_amount",
    ):  # where nothing is ever lost, "100 % of those closed" says nothing
        _blank(made, name, endless)
    for name in (
        "so_far_amount",
        "decided_amount",
    ):  # the amounts of deals whose stage is not known stand nowhere
        for one in (f"{name}_rate", f"{name}_ci_lower", f"{name}_ci_upper"):
            made[one] = np.where(stacked["unplaced_n"] > 0, np.nan, made[one])
    return made


def share_columns(sums: Columns, confidence_level: float) -> Columns:
    """(a) so far and (b) decided, by count and by amount, with their intervals."""
    made = {name: sums[name] for name in ("amount_n", *(f"{part}_n" for part in ("reached", *_PARTS)))}
    made |= {f"{part}_amount": sums[f"{part}_amount"] for part in ("reached", "advanced", "here", "lost")}
    hidden = sums["unplaced_n"]
    made["unplaced_n"], made["unplaced_amount"] = hidden, sums["unplaced_amount"]
    made["decided_n"] = sums["advanced_n"] + sums["lost_n"]
    known_n = made["decided_n"] + sums["left_n"] + sums["here_n"]
    decided_amount = sums["advanced_amount"] + sums["lost_amount"]
    for name, whole in (("so_far", known_n), ("decided", made["decided_n"])):
        made |= _known_share(name, sums, whole, confidence_level)
    reached = (sums["advanced_amount"], sums["reached_amount"], sums["reached_sq"])
    decided = (sums["advanced_amount"], decided_amount, sums["decided_sq"])
    made |= _amount_share("so_far_amount", *reached, confidence_level)
    made |= _amount_share("decided_amount", *decided, confidence_level)
    made["enough"] = sums["reached_n"] >= TOO_FEW_N
    if sums["unsure_n"].any():  # losses without a date may have been open at an earlier as-of date
        most = ratio(sums["advanced_n"], made["decided_n"] - sums["unsure_n"])
        made["decided_most_rate"] = np.fmax(made["decided_most_rate"], most)
    return made


def by_day_columns(sums: Columns, days: Sequence[Sequence[AtDay]], confidence_level: float) -> Columns:
    """(c) by day t, by count and by amount, with its interval."""

    def read(name: str) -> NDArray[Any]:
        return np.array([[getattr(day, name) for day in each] for each in days])

    made = {f"by_day_{name}": read(name) for name in ("n", "rate", "ci_lower", "ci_upper")}
    more = ("lost_rate", "open_rate", "lost_least_rate", "lost_most_rate", "undated_n", "amount_rate")
    made |= {f"by_day_{name}": read(name) for name in more}
    made["at_risk_n"] = read("at_risk_n")
    # one large deal is not many deals: the effective n of (c), less the design effect of unequal amounts
    kish = effective_n(sums["reached_amount"], sums["reached_sq"])
    design = np.divide(kish, sums["amount_n"], out=np.zeros_like(kish), where=sums["amount_n"] > 0)
    bounds = _interval(made["by_day_amount_rate"], design * read("effective_n"), confidence_level)
    made["by_day_amount_ci_lower"], made["by_day_amount_ci_upper"] = bounds
    return made


def _blank(made: Columns, name: str, rows: NDArray[np.bool_]) -> None:
    """Make the share `name` and its bounds NaN in some steps."""
    for one in (f"{name}_rate", f"{name}_ci_lower", f"{name}_ci_upper"):
        made[one] = np.where(rows[:, None], np.nan, made[one])


def withhold(made: Columns, why: str) -> None:
    """Make the shares so far NaN that the data cannot tell.

    "100 % won" where lost deals are missing; of the last row, the whole way, "0 %" where nobody is decided yet.
    """
    rows = np.full(len(made["reached_n"]), why in (ONLY_WINS, WINS_ALONE))
    rows[-1] |= why == UNDECIDED
    for name in ("so_far", "so_far_amount"):
        _blank(made, name, rows)
    for name in ("so_far_least_rate", "so_far_most_rate"):
        made[name] = np.where(rows[:, None], np.nan, made[name])


class Loss(TypedDict):
    """What a ``LossPoint`` says of its stage."""

    lost_n: int
    lost_share: float
    lost_share_ci_lower: float
    lost_share_ci_upper: float
    lost_amount: float
    clear: bool


def largest_loss(
    lost_n: NDArray[np.int64], lost_amount: Floats, confidence_level: float, *, unpriced: bool
) -> tuple[int, Loss]:
    """Return where most deals were lost (the first of equals), and the fields of a ``LossPoint``."""
    lower, upper = wilson(lost_n, lost_n.sum(), confidence_level)
    most = int(np.argmax(lost_n))
    return most, {
        "lost_n": int(lost_n[most]),
        "lost_share": float(lost_n[most] / lost_n.sum()),
        "lost_share_ci_lower": float(lower[most]),
        "lost_share_ci_upper": float(upper[most]),
        "lost_amount": float("nan") if unpriced else float(lost_amount[most]),
        "clear": bool((np.delete(upper, most) < lower[most]).all()),
    }


def _known_share(name: str, sums: Columns, whole: NDArray[Any], confidence_level: float) -> Columns:
    """Return a share with its interval, and the bounds between which it lies for certain.

    Where the stage of some deals is not known, those whose stage is stand for them; where nobody can, it is NaN.
    """
    part, hidden = sums["advanced_n"], sums["unplaced_n"]
    stand = sums["stand_reached" if name == "so_far" else "stand_decided"]
    square = sums["stand_reached_sq" if name == "so_far" else "stand_decided_sq"]
    used = ~np.isnan(stand)
    rate = np.where(used, ratio(sums["stand_advanced"], stand), ratio(part, whole))
    trials = np.where(used, effective_n(np.nan_to_num(stand), np.nan_to_num(square)), whole)
    found = Design(factor=sums[f"{name}_factor"], df=sums[f"{name}_df"])
    clustered = np.isfinite(found.df) | (found.factor != 1)
    trials = np.where(clustered, found.trials(trials, confidence_level), trials)
    lower, upper = _interval(np.clip(rate, 0.0, 1.0), trials, confidence_level)
    unknown = (hidden > 0) & ~used
    least, most = step_bounds(part, whole, hidden, last=sums["is_last"])
    values = {"rate": rate, "ci_lower": lower, "ci_upper": upper}
    made = {f"{name}_{key}": np.where(unknown, np.nan, value) for key, value in values.items()}
    exact = hidden == 0
    made[f"{name}_least_rate"] = np.where(exact, made[f"{name}_rate"], least)
    made[f"{name}_most_rate"] = np.where(exact, made[f"{name}_rate"], most)
    return made


def _amount_share(
    name: str, part: Floats, whole: Floats, squares: Floats, confidence_level: float
) -> Columns:
    rate = np.clip(ratio(part, whole), 0.0, 1.0)
    lower, upper = _interval(rate, effective_n(np.maximum(whole, 0.0), squares), confidence_level)
    return {f"{name}_rate": rate, f"{name}_ci_lower": lower, f"{name}_ci_upper": upper}


def _interval(rate: Floats, trials: Floats, confidence_level: float) -> tuple[Floats, Floats]:
    """Wilson's interval for a share of an effective number of deals; NaN where the share is."""
    known = np.isfinite(rate) & (trials > 0)
    trials = np.where(known, trials, 0.0)
    lower, upper = wilson(np.where(known, rate, 0.0) * trials, trials, confidence_level)
    return np.minimum(lower, rate), np.maximum(upper, rate)  # rate * trials / trials may round off the rate


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    """Return part / whole, NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)
