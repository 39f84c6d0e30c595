"""What has changed between two periods or two groups, and why? Parts that sum to the whole change exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.diagnosis.cells import Side, resampled, stage_days, standing_at, sums
from funnelnb.analysis.diagnosis.desk import Desk, in_days
from funnelnb.analysis.shared.counts import grouping, level, source_notes
from funnelnb.analysis.shared.horizon import automatic
from funnelnb.analysis.shared.judged import require_dated, require_judged, unjudged
from funnelnb.analysis.shared.period import Period
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result, about
from funnelnb.analysis.targets.before_after import sides_of
from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError, nearest
from funnelnb.core.note import Note
from funnelnb.stats.totals.shapley import product_split

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from funnelnb.core.check import Day
    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label

    Floats = NDArray[np.float64]

MEASURES = ("bookings", "win_rate", "cycle")
DRAWS, SEED = 300, 20_261_128
MOST_CELLS = 12
"""Groups of the mix; the others are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePart:
    """One part of a change.

    Attributes
    ----------
    part : {"volume", "mix", "rate", "speed", "size", "days", "total"}
    stage : str
        Stage of a rate or of days; ``"new"`` for deals that entered in the period; empty otherwise.
    before_value, after_value : float
        The part itself on both sides: deals, share, mean amount, days; NaN for the mix.
    effect, effect_ci_lower, effect_ci_upper : float
        What it carries of the change; accounts resampled.
    effect_share : float
        Of the total; NaN where the total is 0.
    clear : bool
        The interval leaves out 0.
    """

    part: str
    stage: str
    before_value: float
    after_value: float
    effect: float
    effect_ci_lower: float
    effect_ci_upper: float
    effect_share: float
    clear: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Change(Result):
    """A change and its parts. `n` counts the deals of both sides.

    Attributes
    ----------
    measure : {"bookings", "win_rate", "cycle"}
    before_name, after_name : str
        Periods, or groups, that are compared.
    before_n, after_n : int
        Deals of each side.
    open_n : int
        Deals of the two sides too young to be judged, or not closed in their period: open, not lost.
    before_total, after_total : float
        Amount won, share won by the horizon, mean days.
    horizon_days : float
        NaN for bookings.
    mix_by : str
        Attribute of the mix besides the stage; empty: none.
    parts : tuple of ChangePart
        They sum to the last row, the total.
    standardised, standardised_ci_lower, standardised_ci_upper : float
        Change if the mix had stayed as it was (the total less the mix).
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    measure: str
    before_name: str
    after_name: str
    before_n: int
    after_n: int
    open_n: int
    before_total: float
    after_total: float
    horizon_days: float
    mix_by: str
    parts: tuple[ChangePart, ...]
    standardised: float
    standardised_ci_lower: float
    standardised_ci_upper: float
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Game:
    """What is split: cells of both sides, the parts in order, and how they share the change.

    `share` takes the sums of both sides, shape (..., V, cells_n), and returns what each part carries, shape
    (parts_n, ...); `whole` the value of one side; `value` one part of one side.
    """

    sides: tuple[Side, Side]
    cells_n: int
    parts: tuple[tuple[str, str], ...]
    share: Callable[[Floats, Floats], Floats]
    whole: Callable[[Floats], float]
    value: Callable[[Floats, int], float]
    open_n: int


@question("diagnosis")
def change(
    book: Book,
    *,
    measure: str = "bookings",
    before: str | None = None,
    after: str | None = None,
    at: Day | None = None,
    by: str | None = None,
    mix_by: str | None = None,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
) -> Change:
    """What has changed between two periods, before and after a date, or between two groups, and why?

    Parameters
    ----------
    book : Book
    measure : {"bookings", "win_rate", "cycle"}
        Amount won in the period; share won within the horizon of entering; mean days until the end, at most the
        horizon.
    before, after : str, optional
        Two periods such as ``"2026-Q1"`` and ``"2026-Q2"``, or with `by` two of its values. Without any: the last two
        whole quarters.
    at : date, optional
        A day instead: as many days from it on as there are, and as many before, a year at most.
    by : str, optional
        Attribute whose values `before` and `after` are compared over the last year.
    mix_by : str, optional
        Attribute of the mix; None: the segment where there is one. ``""``: none.
    horizon_days : float, optional
        For the win rate and the cycle; None: the book's, but no longer than half of the later deals were watched.
    confidence_level : float, optional

    Returns
    -------
    Change

    Raises
    ------
    ParameterError
        Sides that are no periods or values, or that overlap.
    MissingDataError
        A side without deals that can be judged.

    Notes
    -----
    - Bookings = deals worked x share of each stage and group x share of them closed in the period (speed) x share won
      of those (by the stage where they stood when the period began) x mean amount. What was not closed in the
      period is open, in no part a loss.
    - Win rate = share of each group x share that goes on from stage to stage, all within the horizon of entering;
      younger deals are left out and counted. Where both sides were watched longer, how many of their wins come
      within the horizon is the speed.
    - Cycle = share of each group x days in each stage within the horizon.
    - Split by Shapley's value (:func:`funnelnb.stats.totals.shapley.product_split`): the parts sum to the change. Where
      a cell has no case on one side, its rate or amount is taken from the other. Intervals: accounts resampled.
    - A split describes; it does not prove that a part caused anything.

    References
    ----------
    Das Gupta (1993), *Standardization and Decomposition of Rates*, P23-186. Shapley (1953).

    Checked against hand counts, Kitagawa's split of two parts, and exact sums on random floors:
    ``tests/analysis/test_change_explained.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.diagnosis.change(fn.sample(), before="2026-Q1", after="2026-Q2")
    >>> abs(sum(row.effect for row in result.parts[:-1]) - result.parts[-1].effect) < 1e-6
    True
    """
    check.one_of("measure", measure, MEASURES)
    confidence = level(confidence_level)
    desk, mixed = Desk(book, "owner"), _mixed(book, mix_by, by)
    names, game, days = _posed(desk, measure, before, after, at, by, mixed, horizon_days)
    sizes = [len(side.deals) for side in game.sides]
    if not all(sizes):
        raise MissingDataError(
            f"{names[sizes.index(0)]}: no deal to compare",
            expected="deals on both sides, old enough to be judged",
        )
    return _result(desk, measure, names, game, mixed, float(days), confidence)


def _posed(
    desk: Desk, measure: str, before: str | None, after: str | None, at: Any, by: str | None, mixed: str,
    horizon_days: float | None,
) -> tuple[tuple[str, str], _Game, float]:  # fmt: skip
    """Return the names of the sides, what is split, and the horizon."""
    if unjudged(desk.book):
        require_judged(desk.book, what="what changed")
    if measure == "bookings" and desk.won.any() and np.isnan(desk.ledger.amount[desk.won]).all():
        raise MissingDataError(
            "what changed in bookings: no won deal has an amount",
            expected="amounts of won deals",
            hint="ask for the win rate or the cycle: measure='win_rate', measure='cycle'",
        )
    if measure != "win_rate":  # by the horizon an undated loss is known: it is never won
        require_dated(desk.ledger, "what changed")
    names, periods, masks = _sides(desk.book, desk, before, after, at, by)
    if horizon_days is not None:
        check.horizon_days(horizon_days)
    days = np.nan if measure == "bookings" else _horizon(desk, periods, masks, horizon_days)
    made = {"bookings": _bookings, "win_rate": _win_rate, "cycle": _cycle}[measure]
    return names, made(desk, periods, masks, _groups(desk, mixed), days), days


def sides_behind(book: Book, asked: Mapping[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the deals of both sides, by their numbers, of what was asked of :func:`change`."""
    mixed = _mixed(book, asked.get("mix_by"), asked.get("by"))
    before, after, at, by = (asked.get(name) for name in ("before", "after", "at", "by"))
    desk, days = Desk(book, "owner"), asked.get("horizon_days")
    _, game, _ = _posed(desk, str(asked["measure"]), before, after, at, by, mixed, days)
    return game.sides[0].deals, game.sides[1].deals


def _result(
    desk: Desk, measure: str, names: tuple[str, str], game: _Game, mixed: str, days: float, confidence: float
) -> Change:
    """Return the change split into its parts."""
    book, sizes = desk.book, [len(side.deals) for side in game.sides]
    rows, standard = _parts(desk, game, confidence)
    return Change(
        n=sum(sizes),
        method=f"change_{measure}",
        confidence_level=confidence,
        notes=(*book.notes, *source_notes(book), *_notes(desk, measure, game.open_n)),
        measure=measure,
        before_name=names[0],
        after_name=names[1],
        before_n=sizes[0],
        after_n=sizes[1],
        open_n=game.open_n,
        before_total=rows[-1].before_value,
        after_total=rows[-1].after_value,
        horizon_days=days,
        mix_by=mixed,
        parts=rows,
        standardised=standard[0],
        standardised_ci_lower=standard[1],
        standardised_ci_upper=standard[2],
        **about(book),
    )


def _notes(desk: Desk, measure: str, open_n: int) -> tuple[Note, ...]:
    """Return which won deals have no known amount, and how many deals are open."""
    unknown = int((desk.won & np.isnan(desk.ledger.amount)).sum()) if measure == "bookings" else 0
    notes = (Note("amounts_missing_zero", {"deals_n": unknown}),) if unknown else ()
    return (*notes, Note("change_open", {"deals_n": open_n})) if open_n else notes


# ---- Which sides? -------------------------------------------------------------------------------------------


def _sides(
    book: Book, desk: Desk, before: str | None, after: str | None, at: Any, by: str | None
) -> tuple[tuple[str, str], tuple[Period, Period], tuple[Any, Any]]:
    """Return the names of both sides, their periods, and which deals belong to them."""
    everyone = np.ones(len(desk.won), bool)
    if np.isnan(desk.entered).all():
        raise MissingDataError(
            "a change: no deal has a date of entry", expected="created_at, or a stage history"
        )
    if by is not None:
        return _two_groups(book, desk, before, after, by)
    if at is None and before is None and after is None:
        before, after = last_quarters(book)
    first, second, day = sides_of(book, at, before, after)
    names = (first.name, second.name)
    if not np.isnat(day):
        names = (f"{first.start} – {first.end}", f"{second.start} – {second.end}")
    return names, (first, second), (everyone, everyone)


def _two_groups(
    book: Book, desk: Desk, before: str | None, after: str | None, by: str
) -> tuple[tuple[str, str], tuple[Period, Period], tuple[Any, Any]]:
    (name,) = grouping(book, by)
    coded = desk.ledger.attributes[name]
    masks = []
    for what, value in (("before", before), ("after", after)):
        if value not in coded.labels:
            raise ParameterError(
                f"{what} = {value!r}: no deal has this {by}",
                expected="one of " + ", ".join(coded.labels[:20]),
                hint=nearest(str(value), coded.labels),
            )
        masks.append(coded.codes == coded.labels.index(str(value)))
    if before == after:
        raise ParameterError(f"before and after are both {before!r}", expected="two different values")
    today = book.as_of.astype("datetime64[D]")
    year = Period(name="", start=today - np.timedelta64(364, "D"), end=today)
    return (str(before), str(after)), (year, year), (masks[0], masks[1])


def last_quarters(book: Book) -> tuple[str, str]:
    """Return the names of the last two whole quarters."""
    today = book.as_of.astype("datetime64[D]") + np.timedelta64(1, "D")
    ends = int(today.astype("datetime64[M]").astype(int)) // 3
    return tuple(f"{1970 + q // 4}-Q{q % 4 + 1}" for q in (ends - 2, ends - 1))  # type: ignore[return-value]


def _mixed(book: Book, mix_by: str | None, by: str | None) -> str:
    if mix_by is None:
        known = [one for one in ("segment", "product", "customer_type") if one in book.ledger.attributes]
        return next((one for one in known if one != by), "")
    return grouping(book, mix_by)[0] if mix_by else ""


def _groups(desk: Desk, name: str) -> NDArray[np.int64]:
    """Return the group of each deal, the largest ones by themselves, the others together."""
    if not name:
        return np.zeros(len(desk.won), np.int64)
    codes = desk.ledger.attributes[name].codes
    size = np.bincount(codes)
    order = np.argsort(-size, kind="stable")
    place = np.minimum(np.argsort(order, kind="stable"), MOST_CELLS - 1)
    return np.asarray(place[codes], dtype=np.int64)


def _entered(desk: Desk, period: Period, mask: Any) -> Any:
    first, last = period.start.astype(np.int64), period.end.astype(np.int64)
    return mask & (desk.entered >= first) & (desk.entered < last + 1)


def _horizon(desk: Desk, periods: Sequence[Period], masks: Sequence[Any], given: float | None) -> float:
    if given is not None:
        return check.horizon_days(given)
    found = automatic(desk.book)
    for period, mask in zip(periods, masks, strict=True):
        mine = _entered(desk, period, mask)
        if mine.any():
            found = min(found, float(np.median(desk.today - desk.entered[mine])))
    return max(1.0, float(np.floor(found)))


# ---- What makes the whole? ----------------------------------------------------------------------------------


def _both(first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return a ratio on both sides, each filled from the other where it has no case, then with 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (np.where(n > 0, k / n, np.nan) for k, n in (first, second))
    return np.nan_to_num(np.where(np.isnan(one), two, one)), np.nan_to_num(np.where(np.isnan(two), one, two))


def _mix(side: Floats) -> Floats:
    """Return the share of each cell, from counts of shape (..., cells_n)."""
    return np.asarray(side / np.maximum(side.sum(axis=-1, keepdims=True), 1e-300))


def _bookings(
    desk: Desk, periods: Sequence[Period], masks: Sequence[Any], group: NDArray[np.int64], _: float
) -> _Game:
    groups_n = int(group.max(initial=0)) + 1
    worked = [
        _worked(desk, period, mask, group, groups_n) for period, mask in zip(periods, masks, strict=True)
    ]
    places = [*desk.ledger.stage_ids[: desk.ledger.won], "new"]
    stage_of = np.repeat(np.arange(len(places)), groups_n)
    parts = (("volume", ""), ("mix", ""), ("speed", ""), *(("rate", one) for one in places), ("size", ""))

    def value(side: Floats, part: int) -> float:
        if part < 2:
            return float("nan") if part else float(side[0].sum())
        whole = part in (2, len(parts) - 1)
        chosen = np.ones(len(stage_of), bool) if whole else stage_of == part - 3
        top, below = {2: (1, 0), len(parts) - 1: (3, 2)}.get(part, (2, 1))
        return _over(side[top][chosen].sum(), side[below][chosen].sum())

    return _Game(
        sides=(worked[0][0], worked[1][0]),
        cells_n=len(stage_of),
        parts=parts,
        share=lambda one, two: _booking_shares(one, two, stage_of),
        whole=lambda side: float(side[3].sum()),
        value=value,
        open_n=worked[0][1] + worked[1][1],
    )


def _worked(
    desk: Desk, period: Period, mask: Any, group: NDArray[np.int64], groups_n: int
) -> tuple[Side, int]:
    """Return the deals worked in a period with what came of them, and how many were open at its end."""
    first, last = float(period.start.astype(np.int64)), float(period.end.astype(np.int64))
    stood = standing_at(desk, first)
    deals = np.flatnonzero(mask & ((stood >= 0) | _entered(desk, period, mask)))
    inside = desk.ended & (desk.closed >= first) & (desk.closed < last + 1)
    place = np.where(stood >= 0, stood, desk.ledger.won)
    closed = (inside & (desk.won | desk.lost))[deals].astype(float)
    wins = (inside & desk.won)[deals].astype(float)
    amounts = wins * np.nan_to_num(desk.ledger.amount[deals])
    side = Side(
        deals=deals,
        cell=(place * groups_n + group)[deals],
        values=(np.ones(len(deals)), closed, wins, amounts),
    )
    return side, int((~inside[deals]).sum())


def _booking_shares(one: Floats, two: Floats, stage_of: NDArray[np.int64]) -> Floats:
    """Return what volume, mix, speed, each stage's rate and size carry of the change of bookings."""
    ratios = [
        _both((one[..., top, :], one[..., low, :]), (two[..., top, :], two[..., low, :]))
        for top, low in ((1, 0), (2, 1), (3, 2))
    ]
    factors = []
    for k, side in enumerate((one, two)):
        count = side[..., 0, :]
        volume = np.broadcast_to(count.sum(axis=-1, keepdims=True), count.shape)
        factors.append(np.stack([volume, _mix(count), *(pair[k] for pair in ratios)]))
    found = product_split(*factors)
    rates = [found[3][..., stage_of == k].sum(axis=-1) for k in range(int(stage_of.max()) + 1)]
    return np.stack([*(found[k].sum(axis=-1) for k in range(3)), *rates, found[4].sum(axis=-1)])


def _over(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def _judged(
    desk: Desk, periods: Sequence[Period], masks: Sequence[Any], days: float
) -> tuple[list[NDArray[np.int64]], int]:
    """Return the deals of each side that were watched for the horizon, and how many were not."""
    found, young = [], 0
    for period, mask in zip(periods, masks, strict=True):
        mine = _entered(desk, period, mask)
        old = mine & (desk.entered <= desk.today - days)
        young += int((mine & ~old).sum())
        found.append(np.flatnonzero(old))
    return found, young


def _win_rate(
    desk: Desk, periods: Sequence[Period], masks: Sequence[Any], group: NDArray[np.int64], days: float
) -> _Game:
    judged, young = _judged(desk, periods, masks, days)
    ages = [desk.today - desk.entered[deals] for deals in judged if len(deals)]
    longest = max(days, float(min((age.min() for age in ages), default=days)))
    won_n = desk.ledger.won
    reached = in_days(desk.ledger.reached_s[:, 1 : won_n + 1]) - desk.entered[:, None]
    sides = []
    for deals in judged:
        by_end = (reached[deals] <= longest).astype(float)
        soon = (reached[deals, -1] <= days).astype(float)
        sides.append(Side(deals=deals, cell=group[deals], values=(np.ones(len(deals)), *by_end.T, soon)))
    steps = [("rate", desk.ledger.stage_ids[k]) for k in range(won_n)]
    parts = (("mix", ""), *steps, ("speed", ""))

    def share(one: Floats, two: Floats) -> Floats:
        rates = [
            _both((one[..., k, :], one[..., k - 1, :]), (two[..., k, :], two[..., k - 1, :]))
            for k in range(1, len(parts))
        ]
        factors = [
            np.stack([_mix(side[..., 0, :]), *(pair[k] for pair in rates)])
            for k, side in enumerate((one, two))
        ]
        return np.asarray(product_split(*factors).sum(axis=-1))

    def value(side: Floats, part: int) -> float:
        return float("nan") if part == 0 else _over(side[part].sum(), side[part - 1].sum())

    return _Game(
        sides=(sides[0], sides[1]), cells_n=int(group.max(initial=0)) + 1, parts=parts, share=share,
        whole=lambda side: _over(side[-1].sum(), side[0].sum()), value=value, open_n=young,
    )  # fmt: skip


def _cycle(
    desk: Desk, periods: Sequence[Period], masks: Sequence[Any], group: NDArray[np.int64], days: float
) -> _Game:
    judged, young = _judged(desk, periods, masks, days)
    spent = stage_days(desk, days)
    known = [deals[~(desk.ended & np.isnan(desk.closed))[deals]] for deals in judged]
    sides = [
        Side(deals=deals, cell=group[deals], values=(np.ones(len(deals)), *spent[deals].T)) for deals in known
    ]
    parts = (("mix", ""), *(("days", desk.ledger.stage_ids[k]) for k in range(desk.ledger.won)))

    def share(one: Floats, two: Floats) -> Floats:
        mix = [_mix(side[..., 0, :]) for side in (one, two)]
        rows, moved = [], np.zeros(mix[0].shape)
        for k in range(1, len(parts)):  # a sum of products of two: each splits into its halves
            days = _both((one[..., k, :], one[..., 0, :]), (two[..., k, :], two[..., 0, :]))
            rows.append(((mix[0] + mix[1]) / 2 * (days[1] - days[0])).sum(axis=-1))
            moved = moved + (mix[1] - mix[0]) * (days[0] + days[1]) / 2
        return np.stack([moved.sum(axis=-1), *rows])

    def value(side: Floats, part: int) -> float:
        return float("nan") if part == 0 else _over(side[part].sum(), side[0].sum())

    return _Game(
        sides=(sides[0], sides[1]), cells_n=int(group.max(initial=0)) + 1, parts=parts, share=share,
        whole=lambda side: _over(side[1:].sum(), side[0].sum()), value=value, open_n=young,
    )  # fmt: skip


# ---- The split ----------------------------------------------------------------------------------------------


def _parts(
    desk: Desk, game: _Game, confidence: float
) -> tuple[tuple[ChangePart, ...], tuple[float, float, float]]:
    """Return the parts and the total, and the change at one mix with its interval."""
    own = sums(game.sides, game.cells_n)
    found = game.share(*own)
    pairs = list(resampled(desk, game.sides, game.cells_n, DRAWS, SEED))
    drawn = game.share(*(np.stack([pair[side] for pair in pairs]) for side in (0, 1)))
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    bounds = np.quantile(drawn, tails, axis=1)
    ends = [game.whole(side) for side in own]
    total = ends[1] - ends[0]
    rows = [
        _row(name, (game.value(own[0], k), game.value(own[1], k)), float(found[k]), bounds[:, k], total)
        for k, name in enumerate(game.parts)
    ]
    whole = np.quantile(drawn.sum(axis=0), tails)
    rows.append(_row(("total", ""), (ends[0], ends[1]), total, whole, total))
    mix = [one[0] for one in game.parts].index("mix")
    rest = np.quantile(drawn.sum(axis=0) - drawn[mix], tails)
    return tuple(rows), (total - float(found[mix]), float(rest[0]), float(rest[1]))


def _row(
    name: tuple[str, str], values: tuple[float, float], effect: float, bounds: Floats, total: float
) -> ChangePart:
    low, high = float(bounds[0]), float(bounds[1])
    return ChangePart(
        part=name[0],
        stage=name[1],
        before_value=values[0],
        after_value=values[1],
        effect=effect,
        effect_ci_lower=low,
        effect_ci_upper=high,
        effect_share=effect / total if total else float("nan"),
        clear=bool(low > 0 or high < 0),
    )
