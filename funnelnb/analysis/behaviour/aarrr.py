"""Acquisition, activation, retention, revenue, referral: the five measures of a product that grows by its users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.behaviour.ask import known, level_of
from funnelnb.analysis.behaviour.rates import NAN, share
from funnelnb.analysis.behaviour.retention import retention
from funnelnb.analysis.shared.question import of_log
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import MissingDataError
from funnelnb.core.note import Note
from funnelnb.data.events.counts import DAY_US
from funnelnb.data.events.definition import as_step, check_choices, duration
from funnelnb.data.events.match import masks
from funnelnb.data.events.stages import stage_steps
from funnelnb.stats.rates.proportion import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from funnelnb.data.events.definition import Choice, StepLike, Stretch
    from funnelnb.data.events.log import Events

STAGES = ("acquisition", "activation", "retention", "revenue", "referral")
_DRAWS = 2000
TRIMMED = 0.99
"""Amounts above this quantile are cut down to it in the cautious mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthRow:
    """The five measures of one source of users.

    Attributes
    ----------
    group : tuple of str
        Source; ``()`` for all.
    acquired_n : int
        Actors whose first visit falls into the log.
    acquired_share : float
        Of all actors.
    followed_n : int
        Of these, watched for the whole window after it: behind all rates below.
    activated_n : int
    activated_rate, activated_ci_lower, activated_ci_upper : float
        Did the activation event within the window.
    retained_n, retained_of_n : int
    retained_rate, retained_ci_lower, retained_ci_upper : float
        Came back in the named period after the first visit; of those for whom it was over.
    paid_n : int
    paid_rate, paid_ci_lower, paid_ci_upper : float
        Paid within the window.
    revenue_amount, revenue_ci_lower, revenue_ci_upper : float
        Mean revenue per actor followed, payers or not (bootstrap).
    cautious_amount : float
        The same with the largest payments cut down to the 99 % quantile of payers.
    top_share : float
        Share of the revenue that the largest 1 % of payers (at least one) brought.
    invites_n : int
        Referral events within the window.
    referral_factor, referral_ci_lower, referral_ci_upper : float
        Referrals per actor followed (standard error over actors).
    enough : bool
    """

    group: tuple[str, ...]
    acquired_n: int
    acquired_share: float
    followed_n: int
    activated_n: int
    activated_rate: float
    activated_ci_lower: float
    activated_ci_upper: float
    retained_n: int
    retained_of_n: int
    retained_rate: float
    retained_ci_lower: float
    retained_ci_upper: float
    paid_n: int
    paid_rate: float
    paid_ci_lower: float
    paid_ci_upper: float
    revenue_amount: float
    revenue_ci_lower: float
    revenue_ci_upper: float
    cautious_amount: float
    top_share: float
    invites_n: int
    referral_factor: float
    referral_ci_lower: float
    referral_ci_upper: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Growth(Result):
    """AARRR: the five measures, for all and by source.

    Attributes
    ----------
    by : tuple of str
    window_days : float
        Activation, payment and referral count within so long after the first visit.
    period : str
    place : int
        Retention is that of this period after the first visit.
    value : str
        Property that revenue is the sum of; empty: not given.
    rows : tuple of GrowthRow
        All first, then by source, largest first.
    """

    by: tuple[str, ...]
    window_days: float
    period: str
    place: int
    value: str
    rows: tuple[GrowthRow, ...]


@of_log("behaviour", formerly={"period": "every"})
def aarrr(
    events: Events,
    *,
    by: str | None = None,
    value: str | None = None,
    window: Stretch = "30d",
    every: str = "week",
    place: int = 1,
    stages: Mapping[str, StepLike] | None = None,
    seed: int = 20_261_128,
    confidence_level: float | None = None,
) -> Growth:
    """Where do users come from, do they start, come back, pay and bring others?

    Parameters
    ----------
    events : Events
    by : str, optional
        Property that names the source (channel, campaign), as on the first visit.
    value : str, optional
        Property that holds the amount paid.
    window : str or timedelta
        Activation, payment and referral count within so long after the first visit.
    every : {"day", "week", "month"}, place : int
        Retention in the `place`-th day, week or month after the first visit (day-n retention).
    stages : Mapping, optional
        Stage to event, list or step, for any of acquisition, activation, retention, revenue, referral; the
        others are found by the names that the stage model ``aarrr`` knows. Acquisition: any event, if none is
        known.
    seed : int
        Of the bootstrap.
    confidence_level : float, optional

    Returns
    -------
    Growth

    Raises
    ------
    MissingDataError
        `by` or `value` is no property.
    ParameterError
        A stage or event is not known.

    Notes
    -----
    Each actor is followed for the same window after the first visit; those who came later are acquired, but in
    no rate. Revenue is heavy-tailed: its interval is a percentile bootstrap of actors, beside it stand the
    mean with the largest payments cut down and the share of the largest payers. The referral factor counts
    invitations recorded; it leaves out what was recommended without a record, what comes after the window, and
    whether those invited would have come anyway.

    Checked against counts by hand: ``tests/analysis/behaviour/test_retention.py``.

    Examples
    --------
    >>> import pandas as pd, funnelnb as fn
    >>> log = fn.events(pd.DataFrame({
    ...     "user_id": ["a", "a", "b", "c"], "event": ["visit", "paid", "visit", "visit"],
    ...     "time": ["2026-05-01", "2026-05-03", "2026-05-02", "2026-07-04"]}))
    >>> row = fn.behaviour.aarrr(log).rows[0]
    >>> row.acquired_n, row.followed_n, row.paid_n
    (3, 2, 1)
    """
    level = level_of(confidence_level)
    for name in (by, value):
        if name is not None:
            known(events, name)
    span = duration("window", window) or 0
    found, notes = _stages(events, stages)
    people = _People.of(events, found, span, by, value)
    back = _back(events, people, found, every, place, level)
    rng = np.random.default_rng(seed)
    groups: list[tuple[tuple[str, ...], NDArray[np.bool_]]] = [((), np.ones(len(people.start), bool))]
    if by is not None:
        named = [((name,), people.group == code) for code, name in enumerate([*people.names, ""])]
        groups += sorted((one for one in named if one[1].any()), key=lambda one: (-int(one[1].sum()), one[0]))
    return Growth(
        n=len(people.start),
        method="behaviour_aarrr",
        confidence_level=level,
        as_of=events.as_of,
        currency=events.currency,
        notes=(*events.notes, *notes),
        by=() if by is None else (by,),
        window_days=span / DAY_US,
        period=every,
        place=place,
        value=value or "",
        rows=tuple(_row(people, group, mine, back, level, rng) for group, mine in groups),
    )


def _stages(
    events: Events, given: Mapping[str, StepLike] | None
) -> tuple[dict[str, tuple[Choice, ...]], tuple[Note, ...]]:
    """Return the choices of each stage: those given, else by the names of the stage model."""
    for name in given or {}:
        check.one_of("stages", name, STAGES)
    try:
        steps, _ = stage_steps("aarrr", events.names)
    except MissingDataError:
        steps = []
    found: dict[str, tuple[Choice, ...]] = {one.label: one.choices for one in steps}
    if steps and "revenue" in found and found.get("referral") == found["revenue"]:
        del found["referral"]  # a stage without events of its own
    for name, wanted in (given or {}).items():
        found[name] = as_step(wanted).choices
        check_choices(found[name], events.names)
    missing = [name for name in STAGES if name not in found and name not in ("acquisition", "retention")]
    return found, (Note("events_stages_without", {"stages": ", ".join(missing)}),) if missing else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    """One row per actor acquired."""

    start: NDArray[np.int64]
    actor: NDArray[np.int64]
    group: NDArray[np.int64]
    names: list[str]
    followed: NDArray[np.bool_]
    activated: NDArray[np.bool_] | None
    paid: NDArray[np.bool_] | None
    amount: NDArray[np.float64] | None
    invites: NDArray[np.int64] | None

    @classmethod
    def of(
        cls,
        log: Events,
        found: Mapping[str, tuple[Choice, ...]],
        span: int,
        by: str | None,
        value: str | None,
    ) -> _People:
        every = np.ones(len(log), bool)
        first = _is(log, found["acquisition"]) if "acquisition" in found else every
        at = np.flatnonzero(first)
        at = at[np.append(True, np.diff(log.actor[at]) != 0)[: len(at)]] if len(at) else at
        place = np.full(len(log.actors), -1)
        place[log.actor[at]] = np.arange(len(at))
        start = log.time[at]
        who = place[log.actor]
        inside = (who >= 0) & (log.time >= start[who]) & (log.time <= start[who] + span)
        group, names = (np.zeros(len(at), np.int64), []) if by is None else log.codes(by)
        if by is not None:
            group = group[at]
            group = np.where(group < 0, len(names), group)

        def counted(stage: str) -> NDArray[np.int64] | None:
            if stage not in found:
                return None
            return np.bincount(who[inside & _is(log, found[stage])], minlength=len(at))

        activated, paid, invites = (counted(one) for one in ("activation", "revenue", "referral"))
        amount = None
        if value is not None:
            pays = inside & (_is(log, found["revenue"]) if "revenue" in found else every)
            amount = np.bincount(who[pays], _numbers(log, value)[pays], len(at)).astype(np.float64)
        return cls(
            start=start, actor=log.actor[at].astype(np.int64), group=group, names=list(names),
            followed=start + span <= log.as_of_us + 1,
            activated=None if activated is None else activated > 0,
            paid=None if paid is None else paid > 0, amount=amount, invites=invites,
        )  # fmt: skip


def _is(log: Events, choices: tuple[Choice, ...]) -> NDArray[np.bool_]:
    return masks(log.event, log.names, log.values, [choices]) > 0


def _numbers(log: Events, name: str) -> NDArray[np.float64]:
    import pandas as pd

    cells = pd.to_numeric(pd.Series(log.values(name)), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.nan_to_num(cells)


def _back(
    log: Events,
    people: _People,
    found: Mapping[str, tuple[Choice, ...]],
    period: str,
    place: int,
    level: float,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return for whom the retention period was over, and who came back in it."""
    place = int(check.number("place", place, ge=1, le=60))
    retention(log, every=period, periods=place, confidence_level=level)  # the same checks, the same words
    span = {"day": DAY_US, "week": 7 * DAY_US}.get(period)
    comes = _is(log, found["retention"]) if "retention" in found else np.ones(len(log), bool)
    index = np.full(len(log.actors), -1)
    index[people.actor] = np.arange(len(people.start))
    rows = np.flatnonzero(comes & (index[log.actor] >= 0))
    who = index[log.actor[rows]]
    if span is not None:
        step = (log.time[rows] - people.start[who]) // span
        over = (log.as_of_us + 1 - people.start) // span > place
    else:
        months = [
            one.astype("M8[us]").astype("M8[M]").astype(np.int64) for one in (log.time[rows], people.start)
        ]
        step = months[0] - months[1][who]
        over = np.datetime64(log.as_of_us + 1, "us").astype("M8[M]").astype(np.int64) - months[1] > place
    came = np.zeros(len(people.start), bool)
    came[who[step == place]] = True
    return over, came & over


def _row(
    people: _People,
    group: tuple[str, ...],
    mine: NDArray[np.bool_],
    back: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    level: float,
    rng: np.random.Generator,
) -> GrowthRow:
    followed = mine & people.followed
    n = int(followed.sum())

    def reached(flags: NDArray[np.bool_] | None) -> tuple[int, tuple[float, float, float]]:
        hit = 0 if flags is None else int((flags & followed).sum())
        return hit, (NAN, NAN, NAN) if flags is None else share(hit, n, level)

    activated_n, activated = reached(people.activated)
    paid_n, paid = reached(people.paid)
    over, came = int((back[0] & mine).sum()), int((back[1] & mine).sum())
    kept = share(came, over, level)
    money = _money(people.amount[followed] if people.amount is not None else None, level, rng)
    factor = _factor(people.invites[followed] if people.invites is not None else None, level)
    return GrowthRow(
        group=group,
        acquired_n=int(mine.sum()),
        acquired_share=float(mine.mean()) if len(mine) else NAN,
        followed_n=n,
        activated_n=activated_n, activated_rate=activated[0], activated_ci_lower=activated[1],
        activated_ci_upper=activated[2],
        paid_n=paid_n, paid_rate=paid[0], paid_ci_lower=paid[1], paid_ci_upper=paid[2],
        retained_n=came, retained_of_n=over, retained_rate=kept[0], retained_ci_lower=kept[1],
        retained_ci_upper=kept[2],
        revenue_amount=money[0], revenue_ci_lower=money[1], revenue_ci_upper=money[2],
        cautious_amount=money[3], top_share=money[4],
        invites_n=int(people.invites[followed].sum()) if people.invites is not None else 0,
        referral_factor=factor[0], referral_ci_lower=factor[1], referral_ci_upper=factor[2],
        enough=n >= TOO_FEW_N,
    )  # fmt: skip


def _money(
    amount: NDArray[np.float64] | None, level: float, rng: np.random.Generator
) -> tuple[float, float, float, float, float]:
    """Return the mean with a bootstrap interval, the cautious mean, and the share of the largest payers."""
    if amount is None or not len(amount):
        return (NAN,) * 5
    mean, paid = float(amount.mean()), np.sort(amount[amount > 0])
    if not len(paid):
        return mean, NAN, NAN, mean, NAN
    values, counts = np.unique(amount, return_counts=True)
    if len(values) <= 2000:
        draws = rng.multinomial(len(amount), counts / len(amount), size=_DRAWS) @ values / len(amount)
    else:
        draws = np.array([rng.choice(amount, len(amount)).mean() for _ in range(_DRAWS // 4)])
    lower, upper = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    cap = float(np.quantile(paid, TRIMMED))
    top = paid[-max(1, int(np.ceil(len(paid) * (1 - TRIMMED)))) :].sum() / paid.sum()
    return mean, float(lower), float(upper), float(np.minimum(amount, cap).mean()), float(top)


def _factor(invites: NDArray[np.int64] | None, level: float) -> tuple[float, float, float]:
    """Return the mean number of referrals per actor; interval on the log scale, spread over actors."""
    if invites is None or not len(invites):
        return NAN, NAN, NAN
    mean = float(invites.mean())
    z = normal_quantile(level)
    if mean == 0:
        return 0.0, 0.0, float(-np.log((1 - level) / 2) / len(invites))
    spread = float(invites.std(ddof=1)) / np.sqrt(len(invites)) / mean if len(invites) > 1 else NAN
    return mean, mean * float(np.exp(-z * spread)), mean * float(np.exp(z * spread))
