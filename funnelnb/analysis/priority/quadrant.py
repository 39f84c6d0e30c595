"""Which deals deserve the hours? Size against time to close: the quadrant of classes A, B, C and D."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.shared.counts import level
from funnelnb.analysis.shared.open_deals import OpenDeals, learned_from, open_deals, total
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import DealRows, Result, about
from funnelnb.analysis.shared.time_to_close import Outlook, outlook
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import ParameterError, nearest
from funnelnb.core.note import Note
from funnelnb.stats.rates.proportion import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label


CLASSES = ("A", "B", "C", "D", "unknown")
"""A large and soon, B small and soon, C large and late, D small and late (DOMAIN C3)."""

HOURS_WANTED: Mapping[str, float] = MappingProxyType({"A": 6.0, "B": 2.0, "C": 1.0, "D": 0.5, "unknown": 1.0})
"""Hours per deal and week that each class would get if there were enough: A all in, others keep contact."""

ACTIVITY_HOURS: Mapping[str, float] = MappingProxyType(
    {"email": 0.25, "call": 0.5, "meeting": 2.0, "visit": 4.0, "demo": 3.0, "quotation": 2.0}
)
"""Hours that one activity of a kind takes; other kinds count one hour."""

CLOSE_DATES = ("auto", "stated", "estimated")
"""Where the time to close comes from: the stated date where it can be trusted, always, or never."""

TIME_SOURCES = ("stated", "stated_untested", "estimated", "unknown")
TOLERANCE_DAYS = 30.0
"""A stated date was kept if the deal closed within so many days of it."""
OVERWRITTEN_SHARE = 0.9
"""From this share of closed deals whose stated date is exactly the day of the close, dates were written afterwards."""

SOON_DAYS = 90.0
WINDOW_DAYS = 28.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QuadrantDeal:
    """One open deal in the quadrant.

    Attributes
    ----------
    opportunity_id, account_id, owner, region, stage : str
    age_days : float
        Days in its stage; NaN where not recorded.
    deal_amount : float
        NaN where not known.
    days_to_close : float
        Of deals in this stage at this age that are won as far as the data see, half are won within so many
        days; NaN where no win is seen.
    known_days : float
        How far ahead the data can see from there.
    won_by_rate, decided_by_rate : float
        Chance to be won, and to be decided either way, within `soon_days`.
    quadrant : {"A", "B", "C", "D", "unknown"}
    stated_days : float
        Days from the as-of date to the close that somebody stated; negative: overdue; NaN where nobody did.
    time_source : {"stated", "stated_untested", "estimated", "unknown"}
        What decided between soon and late.
    customer : str
        What to call the customer: its name; else its id, the deal's name, or the deal's id.
    """

    opportunity_id: str
    account_id: str
    owner: str
    region: str
    stage: str
    age_days: float
    deal_amount: float
    days_to_close: float
    known_days: float
    won_by_rate: float
    decided_by_rate: float
    quadrant: str
    stated_days: float = float("nan")
    time_source: str = "estimated"
    customer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuadrantRow:
    """One class: its deals, its hours in the plan and its hours today. Hours are per week.

    Attributes
    ----------
    quadrant : str
    deal_n : int
    open_amount : float
        Sum of the known amounts; NaN if none is known.
    hours_per_deal, planned_hours : float
        What the plan gives one deal, and the class.
    planned_share : float
    actual_hours : float
        Hours of the activities recorded lately; NaN without a table of activities.
    actual_share : float
    change_hours : float
        planned - actual.
    """

    quadrant: str
    deal_n: int
    open_amount: float
    hours_per_deal: float
    planned_hours: float
    planned_share: float
    actual_hours: float
    actual_share: float
    change_hours: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Quadrant(Result):
    """Open deals by size and time to close, with a plan of hours.

    Attributes
    ----------
    large_amount : float
        From this amount a deal is large.
    soon_days : float
        A deal is soon if its time to close is at most this.
    capacity_hours : float
        Hours per week that are distributed; NaN where neither given nor recorded.
    window_days : float
        Activities of these last days make today's hours.
    rows : tuple of QuadrantRow
        One per class, A to D and unknown.
    deals : tuple of QuadrantDeal
        By class, largest amount first.
    stage_ids, stage_labels
        As in :class:`~funnelnb.analysis.conversion.conversion.Conversion`.
    dates_judged_n, dates_kept_n : int
        Stated dates that could be held against what happened, and those kept (within 30 days).
    dates_trust : {"trusted", "not_kept", "overwritten", "too_few"}
        What that says of stated dates.
    """

    large_amount: float
    soon_days: float
    capacity_hours: float
    window_days: float
    rows: tuple[QuadrantRow, ...]
    deals: DealRows[QuadrantDeal] = field()
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]
    dates_judged_n: int = 0
    dates_kept_n: int = 0
    dates_trust: str = "too_few"


def quadrant_class(large: bool | None, soon: bool | None) -> str:
    """Which class has a deal of this size that closes then?

    Parameters
    ----------
    large, soon : bool or None
        None: not known.

    Returns
    -------
    {"A", "B", "C", "D", "unknown"}

    Examples
    --------
    >>> quadrant_class(True, True), quadrant_class(False, None)
    ('A', 'unknown')
    """
    if large is None or soon is None:
        return "unknown"
    return ("A" if large else "B") if soon else ("C" if large else "D")


@question("customers")
def quadrant(
    book: Book,
    *,
    large_amount: float | None = None,
    soon_days: float = SOON_DAYS,
    capacity_hours: float | None = None,
    hours_wanted: Mapping[str, float] | None = None,
    activity_hours: Mapping[str, float] | None = None,
    window_days: float = WINDOW_DAYS,
    learn_from: Book | None = None,
    close_dates: str = "auto",
) -> Quadrant:
    """Which deals deserve the hours: large or small, soon or late?

    Parameters
    ----------
    book : Book
    large_amount : float, optional
        From this amount, in the book's currency, a deal is large; None: the median of the open amounts.
    soon_days : float
        Days within which a close is soon, 1 to 730.
    capacity_hours : float, optional
        Hours per week there are, above 0; None: those of the activities recorded lately.
    hours_wanted : Mapping, optional
        Hours per deal and week of classes, in place of :data:`HOURS_WANTED`; 0 or more.
    activity_hours : Mapping, optional
        Hours that one activity of a kind takes, in place of :data:`ACTIVITY_HOURS`; 0 or more.
    window_days : float
        Length of the time before the as-of date whose activities are today's hours.
    learn_from : Book, optional
        The book whose history tells the times, as of the same day, such as the whole company; None: `book`
        itself.

    close_dates : {"auto", "stated", "estimated"}
        Whether the date that somebody stated for the close decides between soon and late: where the past shows that
        such dates are kept, always, or never.

    Returns
    -------
    Quadrant

    Raises
    ------
    ParameterError
        A parameter has a value that it cannot have: capacity 0, a class that does not exist.

    Notes
    -----
    - Stated dates are held against what happened: kept if the deal closed within 30 days of the date; not kept if
      it closed at another time, or is still open 30 days after it. They are trusted if the lower bound of the share
      kept (Wilson) is above one half. Dates that equal the day of the close in nine of ten closed deals were
      written afterwards and prove nothing. An overdue date is never used. Where dates are not trusted, and where
      a deal has none, the estimate decides; where the past holds too few dates to judge and there is no estimate
      either, the stated date does, marked as untested.
    - The estimated time to close is not a guess of the seller. Of deals that stood in the same stage, had been there
      equally long and were won afterwards, half were won within this time (Aalen-Johansen per stage, lost
      competing, open censored; :func:`funnelnb.stats.curves.remaining.remaining`). Soon: at most `soon_days`. Where
      the data do not see `soon_days` ahead, nobody knows.
    - Hours: class c with n_c deals gets ``capacity * w_c n_c / sum(w n)`` hours, w the hours wanted.

    Checked against the field's four classes, the plan by hand and a floor of known pace:
    ``tests/analysis/test_quadrant.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.customers.quadrant(fn.sample(), capacity_hours=300)
    >>> round(sum(row.planned_hours for row in result.rows))
    300
    """
    soon_days = check.number("soon_days", soon_days, ge=1, le=730)
    window_days = check.number("window_days", window_days, gt=0)
    wanted = _merged("hours_wanted", HOURS_WANTED, hours_wanted, CLASSES)
    per_kind = _merged("activity_hours", ACTIVITY_HOURS, activity_hours, None)
    deals, confidence, learned = open_deals(book), level(None), learned_from(book, learn_from)
    large_amount = _large(deals, large_amount)
    past, stated = _dates_kept(learned, confidence), _stated_days(book, deals)
    seen = outlook(learned, deals, confidence)
    sources = _sources(stated, seen, past.trust, close_dates, soon_days)
    classes = _classes(deals, seen, stated, sources, large_amount, soon_days)
    actual, notes = _actual(book, deals, classes, per_kind, window_days)
    capacity = _capacity(capacity_hours, actual)
    return Quadrant(
        n=len(deals),
        method="quadrant",
        confidence_level=confidence,
        notes=(*notes, *_notes(deals, sources, capacity_hours is None), *past.notes(stated, sources)),
        large_amount=large_amount,
        soon_days=soon_days,
        capacity_hours=capacity,
        window_days=window_days,
        rows=_rows(deals, classes, wanted, capacity, actual),
        deals=DealRows(_deals(book, deals, seen, classes, soon_days, stated, sources)),
        **about(book),
        dates_judged_n=past.judged_n,
        dates_kept_n=past.kept_n,
        dates_trust=past.trust,
    )


def _capacity(capacity_hours: float | None, actual: Mapping[str, float]) -> float:
    """Return the hours there are: as given, or those recorded lately."""
    if capacity_hours is not None:
        return check.number("capacity_hours", capacity_hours, gt=0)
    return total([actual[name] for name in CLASSES]) or float("nan")


def _merged(
    name: str, usual: Mapping[str, float], given: Mapping[str, float] | None, known: tuple[str, ...] | None
) -> dict[str, float]:
    merged = dict(usual)
    for key, value in (given or {}).items():
        if known is not None and key not in known:
            raise ParameterError(
                f"{name} names {key!r}", expected="one of " + ", ".join(known), hint=nearest(key, known)
            )
        merged[key] = check.number(f"{name}[{key!r}]", value, ge=0)
    return merged


def _large(deals: OpenDeals, large_amount: float | None) -> float:
    if large_amount is not None:
        return check.number("large_amount", large_amount, gt=0)
    amounts = deals.amount[~np.isnan(deals.amount)]
    return float(np.median(amounts)) if amounts.size else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What became of stated dates: judged, kept, and what that says."""

    judged_n: int
    kept_n: int
    trust: str

    def notes(self, stated: NDArray[np.float64], sources: list[str]) -> tuple[Note, ...]:
        """Say whether stated dates were used, and why not."""
        stated_n = int((~np.isnan(stated)).sum())
        if not stated_n:
            return ()
        facts = {"judged_n": self.judged_n, "kept_n": self.kept_n, "stated_n": stated_n}
        notes = [Note(_SAYS[self.trust], facts)]
        overdue_n = int((stated < 0).sum())
        if overdue_n:
            notes.append(Note("dates_overdue", {"deals_n": overdue_n, "stated_n": stated_n}))
        untested_n = sources.count("stated_untested")
        if untested_n:
            notes.append(Note("dates_untested", {"deals_n": untested_n}))
        return tuple(notes)


_SAYS: Mapping[str, str] = MappingProxyType(
    {one: f"dates_{one}" for one in ("trusted", "not_kept", "overwritten", "too_few")}
)
"""Code of the note on stated dates."""


def _dates_kept(book: Book, confidence_level: float) -> _Past:
    """Return how many stated dates of closed and of overdue deals were kept."""
    judged, kept, same_day = _stated(book)
    judged_n, kept_n = int(judged.sum()), int(kept.sum())
    if judged_n < TOO_FEW_N:
        trust = "too_few"
    elif same_day.size >= TOO_FEW_N and float(same_day.mean()) >= OVERWRITTEN_SHARE:
        trust = "overwritten"
    else:
        trust = "trusted" if float(wilson(kept_n, judged_n, confidence_level)[0]) > 0.5 else "not_kept"
    return _Past(judged_n=judged_n, kept_n=kept_n, trust=trust)


def _stated(book: Book) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark the rows of the deals whose stated date can be judged, and was kept; of the closed: to the very day."""
    table = book.opportunities
    nothing = np.zeros(len(table), bool)
    if "expected_close_at" not in table:
        return nothing, nothing, nothing[:0]
    day, never = np.timedelta64(1, "D"), np.datetime64("NaT", "D")
    stated = table["expected_close_at"].to_numpy().astype("datetime64[D]")
    closed = np.full(len(table), never)
    if "closed_at" in table:
        closed = table["closed_at"].to_numpy().astype("datetime64[D]")
    is_open = (table["outcome"] == "open").to_numpy(dtype=bool)
    ended = ~np.isnat(stated) & ~np.isnat(closed) & ~is_open
    apart = np.abs((closed - stated) / day)
    waiting = (book.as_of.astype("datetime64[D]") - stated) / day
    overdue = ~np.isnat(stated) & is_open & (np.nan_to_num(waiting) > TOLERANCE_DAYS)
    return ended | overdue, ended & (np.nan_to_num(apart, nan=np.inf) <= TOLERANCE_DAYS), apart[ended] == 0


def stated_dates(book: Book) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark the rows of the deals whose stated date of close can be judged, and those that kept it."""
    judged, kept, _ = _stated(book)
    return judged, kept


def _stated_days(book: Book, deals: OpenDeals) -> NDArray[np.float64]:
    """Return the days to the stated close of each open deal; NaN where nobody stated one."""
    table = book.opportunities
    if "expected_close_at" not in table:
        return np.full(len(deals), np.nan)
    dates = table["expected_close_at"].to_numpy().astype("datetime64[D]")
    stated = dict(zip(table["opportunity_id"].tolist(), dates, strict=True))
    today, never = book.as_of.astype("datetime64[D]"), np.datetime64("NaT", "D")
    days = np.array([stated.get(one, never) for one in deals.opportunity_id], dtype="datetime64[D]")
    return np.where(np.isnat(days), np.nan, (days - today) / np.timedelta64(1, "D"))


def _sources(
    stated: NDArray[np.float64], seen: Outlook, trust: str, close_dates: str, soon_days: float
) -> list[str]:
    """Return what decides between soon and late for each deal."""
    check.one_of("close_dates", close_dates, CLOSE_DATES)
    found = []
    for days, known in zip(stated.tolist(), seen.known_days.tolist(), strict=True):
        usable = days >= 0  # an overdue date says nothing, nor does none
        if usable and (close_dates == "stated" or (close_dates == "auto" and trust == "trusted")):
            found.append("stated")
        elif known >= soon_days and close_dates != "stated":
            found.append("estimated")
        elif usable and close_dates == "auto" and trust == "too_few":
            found.append("stated_untested")
        else:
            found.append("unknown")
    return found


def _classes(
    deals: OpenDeals,
    seen: Outlook,
    stated: NDArray[np.float64],
    sources: list[str],
    large_amount: float,
    soon_days: float,
) -> list[str]:
    classes = []
    rows = zip(deals.amount.tolist(), seen.days_to_close.tolist(), stated.tolist(), sources, strict=True)
    for amount, estimated, told, source in rows:
        large = None if np.isnan(amount) or np.isnan(large_amount) else amount >= large_amount
        days = told if source.startswith("stated") else estimated
        soon = None if source == "unknown" else bool(days <= soon_days)
        classes.append(quadrant_class(large, soon))
    return classes


def _actual(
    book: Book, deals: OpenDeals, classes: list[str], per_kind: Mapping[str, float], window_days: float
) -> tuple[dict[str, float], tuple[Note, ...]]:
    """Return hours per week by class from the activities of the last days."""
    activities = book.tables.get("activities")
    nothing = dict.fromkeys(CLASSES, float("nan"))
    if activities is None or not {"opportunity_id", "at"} <= set(activities.columns):
        return nothing, (Note("no_activities"),)
    recent = activities[activities["at"] > book.as_of - np.timedelta64(round(window_days * 86_400), "s")]
    class_of = dict(zip(deals.opportunity_id, classes, strict=True))
    kinds = recent["kind"] if "kind" in recent else recent["opportunity_id"].map(lambda _: "")
    hours: dict[str, list[float]] = {name: [] for name in CLASSES}
    others: set[str] = set()
    for deal, kind in zip(recent["opportunity_id"].tolist(), kinds.fillna("").tolist(), strict=True):
        if deal in class_of:
            hours[class_of[deal]].append(per_kind.get(kind, 1.0))
            others |= {kind} - set(per_kind)
    weeks = window_days / 7
    found = {name: sum(sorted(values)) / weeks for name, values in hours.items()}
    notes = (
        (Note("kinds_one_hour", {"kinds": ", ".join(sorted(one or "—" for one in others))}),)
        if others
        else ()
    )
    return found, notes


def _rows(
    deals: OpenDeals,
    classes: list[str],
    wanted: Mapping[str, float],
    capacity: float,
    actual: Mapping[str, float],
) -> tuple[QuadrantRow, ...]:
    named = np.array(classes, dtype=object)
    count = {name: int((named == name).sum()) for name in CLASSES}
    weight = sum(wanted[name] * count[name] for name in CLASSES)
    spent = total([actual[name] for name in CLASSES])
    rows = []
    for name in CLASSES:
        share = wanted[name] * count[name] / weight if weight else float("nan")
        planned = capacity * share
        rows.append(
            QuadrantRow(
                quadrant=name,
                deal_n=count[name],
                open_amount=total(deals.amount[named == name]),
                hours_per_deal=planned / count[name] if count[name] else float("nan"),
                planned_hours=planned,
                planned_share=share,
                actual_hours=actual[name],
                actual_share=actual[name] / spent if spent else float("nan"),
                change_hours=planned - actual[name],
            )
        )
    return tuple(rows)


def _deals(
    book: Book,
    deals: OpenDeals,
    seen: Outlook,
    classes: list[str],
    soon_days: float,
    stated: NDArray[np.float64],
    sources: list[str],
) -> tuple[QuadrantDeal, ...]:
    won, decided = seen.within(soon_days)
    rows = [
        QuadrantDeal(
            opportunity_id=deals.opportunity_id[d],
            customer=deals.customer[d],
            account_id=deals.account_id[d],
            owner=deals.owner[d],
            region=deals.region[d],
            stage=book.playbook.stage_ids[deals.position[d]],
            age_days=float(deals.age_days[d]),
            deal_amount=float(deals.amount[d]),
            days_to_close=float(seen.days_to_close[d]),
            known_days=float(seen.known_days[d]),
            won_by_rate=float(won[d]),
            decided_by_rate=float(decided[d]),
            quadrant=classes[d],
            stated_days=float(stated[d]),
            time_source=sources[d],
        )
        for d in range(len(deals))
    ]
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                CLASSES.index(row.quadrant),
                -np.nan_to_num(row.deal_amount),
                row.opportunity_id,
            ),
        )
    )


def _notes(deals: OpenDeals, sources: list[str], capacity_recorded: bool) -> tuple[Note, ...]:
    notes = []
    facts = {
        "deals_size_unknown": int(np.isnan(deals.amount).sum()),
        "deals_age_unseen": sources.count("unknown"),
    }
    for code, deals_n in facts.items():
        if deals_n:
            notes.append(Note(code, {"deals_n": deals_n, "of_n": len(deals)}))
    if capacity_recorded:
        notes.append(Note("capacity_recorded"))
    return tuple(notes)
