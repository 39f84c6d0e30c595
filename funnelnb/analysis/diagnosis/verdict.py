"""Did a change work? Before and after a date, told apart from season and from a return to the usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.diagnosis.desk import Desk
from funnelnb.analysis.shared.counts import level, source_notes
from funnelnb.analysis.shared.judged import require_dated, require_entries, require_judged
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.core.note import Note
from funnelnb.stats.rates.proportion import normal_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.core.check import Day
    from funnelnb.data.book import Book

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

MEASURES = ("bookings", "orders", "entries", "win_rate")
LONGEST, SHORTEST = 182, 21
YEAR = 365
LEAST_N = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictWindow:
    """One stretch of days, all of one length.

    Attributes
    ----------
    starts, ends : numpy.datetime64
    side : {"past", "before", "after"}
    value : float
        Amount, number, or share won of the closed deals.
    n : int
        Events behind it.
    """

    starts: np.datetime64
    ends: np.datetime64
    side: str
    value: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Verdict(Result):
    """Whether a change worked. `n` counts the events before and after.

    Attributes
    ----------
    measure : {"bookings", "orders", "entries", "win_rate"}
    at : numpy.datetime64
    window_days : float
    before_value, after_value : float
    change_ratio, ratio_ci_lower, ratio_ci_upper : float
        After over before (odds, for the win rate).
    season_ratio : float
        What the same days did a year earlier; NaN where they are not known.
    return_ratio : float
        What a return to the usual would do: a low before is expected to rise, a high one to fall.
    left_ratio, left_ci_lower, left_ci_upper : float
        What is left of the change without both.
    verdict : {"up", "down", "explained", "not_separable", "unknown"}
        Explained: the plain change is clear, but season or a return to the usual may be all of it.
    windows : tuple of VerdictWindow
        In order of time.
    """

    measure: str
    at: np.datetime64
    window_days: float
    before_value: float
    after_value: float
    change_ratio: float
    ratio_ci_lower: float
    ratio_ci_upper: float
    season_ratio: float
    return_ratio: float
    left_ratio: float
    left_ci_lower: float
    left_ci_upper: float
    verdict: str
    windows: tuple[VerdictWindow, ...]


@question("diagnosis")
def verdict(
    book: Book, at: Day, *, measure: str = "orders", confidence_level: float | None = None
) -> Verdict:
    """Did a change on a day work, or are season and a return to the usual enough to explain what followed?

    Parameters
    ----------
    book : Book
    at : date
        Day from which things are done otherwise.
    measure : {"bookings", "orders", "entries", "win_rate"}
        Amount won, number won, deals that entered, share won of the deals closed.
    confidence_level : float, optional

    Returns
    -------
    Verdict

    Raises
    ------
    ParameterError
        Fewer than 21 days lie between the day and the as-of date, or before it.
    MissingDataError
        Nothing of the kind has a date.

    Notes
    -----
    Windows of one length end and begin at the day; earlier ones show how much a window swings by itself. On the log
    scale: what is left = after - before - season - return. Season: the same two windows a year earlier, where the data
    began so long before them that nine of ten deals had the time to close. Return to the
    usual: (1 - r) x (mean of the earlier windows - before), r = share of their variance that is no chance. The interval
    adds the variances. With the data of a single group this is no proof: compare with a group that had no change.

    References
    ----------
    Barnett, van der Pols & Dobson (2005), doi:10.1093/ije/dyh299.

    Checked against hand figures, and floors with a season, with a low chosen because it was low, and with a planted
    change: ``tests/analysis/test_diagnosis_more.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> fn.diagnosis.verdict(fn.sample(), "2026-04-01", measure="entries").window_days
    91.0
    """
    check.one_of("measure", measure, MEASURES)
    confidence, desk = level(confidence_level), Desk(book, "owner")
    if measure == "entries":
        require_entries(book, "how many deals entered")
    if measure == "win_rate":
        require_judged(book, what="the win rate of the deals closed in a period")
        require_dated(desk.ledger, "the win rate of the deals closed in a period")
    day, length, first = _span(desk, at)
    starts = [day, *(day - k * length for k in range(1, 1 + int((day - first) // length)))]
    found = [_window(desk, measure, start, length) for start in starts]
    after, before = found[0], found[1]
    season, back = _season(desk, measure, day, length, first), _return(found[1:])
    z = normal_quantile(confidence)
    plain = after[1] - before[1]
    spread = z * float(np.sqrt(after[2] + before[2]))
    left = plain - np.nan_to_num(season[0]) - np.nan_to_num(back[0])
    wide = z * float(np.sqrt(after[2] + before[2] + season[1] + back[1]))
    return Verdict(
        n=int(after[3] + before[3]),
        method="verdict",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=(*book.notes, *source_notes(book), *_notes(season[0], len(found))),
        measure=measure,
        at=np.datetime64(int(day), "D"),
        window_days=length,
        before_value=before[0],
        after_value=after[0],
        **_ratio("change_ratio", "ratio", plain, spread),
        season_ratio=float(np.exp(season[0])),
        return_ratio=float(np.exp(back[0])),
        **_ratio("left_ratio", "left", left, wide),
        verdict=_direction(plain, spread, left, wide, min(after[3], before[3])),
        windows=tuple(_row(start, length, day, one) for start, one in zip(starts, found, strict=True))[::-1],
    )


def _ratio(name: str, stem: str, middle: float, half: float) -> dict[str, float]:
    """Return a ratio and its bounds from the log scale."""
    return {
        name: float(np.exp(middle)),
        f"{stem}_ci_lower": float(np.exp(middle - half)),
        f"{stem}_ci_upper": float(np.exp(middle + half)),
    }


def _span(desk: Desk, at: Any) -> tuple[float, float, float]:
    """Return the day of the change, the length of the windows and the first day of the data."""
    day = float(check.timestamp("at", at).astype("datetime64[D]").astype(np.int64))
    first = float(np.nanmin(desk.entered)) if not np.isnan(desk.entered).all() else np.nan
    if np.isnan(first):
        raise MissingDataError(
            "a verdict: no deal has a date of entry", expected="created_at, or a stage history"
        )
    length = float(min(LONGEST, np.floor(desk.today) - day + 1, day - first))
    if length < SHORTEST:
        raise ParameterError(
            f"at = {at!r} leaves {max(length, 0):.0f} days on one side",
            expected=f"at least {SHORTEST} days of data before it, and up to the day of the data",
        )
    return day, length, first


def _window(desk: Desk, measure: str, start: float, length: float) -> tuple[float, float, float, int]:
    """Return value, its log (or log odds), the variance of that, and the number of events, in a window."""
    inside = _inside(desk, measure, start, length)
    if measure == "win_rate":
        won, lost = float((inside & desk.won).sum()), float((inside & desk.lost).sum())
        share = won / (won + lost) if won + lost else np.nan
        return (
            share,
            float(np.log((won + 0.5) / (lost + 0.5))),
            1 / (won + 0.5) + 1 / (lost + 0.5),
            int(min(won, lost)),
        )
    mine = window_marks(desk, measure, start, length)
    n = float(mine.sum())
    if measure != "bookings":
        return n, float(np.log(n + 0.5)), 1 / (n + 0.5), int(n)
    amounts = np.nan_to_num(desk.ledger.amount[mine])
    total = float(amounts.sum())
    if total <= 0:
        return 0.0, float("nan"), float("nan"), int(n)
    return total, float(np.log(total)), float((amounts**2).sum()) / total**2, int(n)


def _inside(desk: Desk, measure: str, start: float, length: float) -> Mask:
    when = desk.entered if measure == "entries" else desk.closed
    return np.asarray((when >= start) & (when < start + length))


def window_marks(desk: Desk, measure: str, start: float, length: float) -> Mask:
    """Return the deals that count in a window: those that entered, or those won."""
    inside = _inside(desk, measure, start, length)
    return inside if measure == "entries" else inside & desk.won


def _season(desk: Desk, measure: str, day: float, length: float, first: float) -> tuple[float, float]:
    """Return the log change of the same windows a year earlier and its variance; NaN and 0 where they are not known."""
    if day - YEAR - length < first + _warming(desk, measure):
        return float("nan"), 0.0
    after, before = (_window(desk, measure, day - YEAR - back, length) for back in (0.0, length))
    if min(after[3], before[3]) < LEAST_N:
        return float("nan"), 0.0
    return after[1] - before[1], after[2] + before[2]


def _warming(desk: Desk, measure: str) -> float:
    """Return how long after the first entry closes are still too few, because deals need their time."""
    if measure == "entries":
        return 0.0
    took = (desk.closed - desk.entered)[desk.won | desk.lost]
    took = took[np.isfinite(took)]
    return float(np.quantile(took, 0.9)) if took.size else 0.0


def _return(past: list[tuple[float, float, float, int]]) -> tuple[float, float]:
    """Return how far the window before is expected to move back to the usual, on the log scale, and its variance."""
    known = np.array([(one[1], one[2]) for one in past[1:] if one[3] >= LEAST_N and np.isfinite(one[1])])
    if len(known) < 3:
        return float("nan"), 0.0
    usual, swing = float(known[:, 0].mean()), float(known[:, 0].var(ddof=1))
    chance = past[0][2]
    real = max(0.0, swing - float(known[:, 1].mean()))
    share = chance / (real + chance)
    # what the window before truly was is less in doubt than its own count; a window swings by itself besides
    return share * (usual - past[0][1]), share**2 * swing / len(known) - share * chance + real


def _direction(plain: float, spread: float, left: float, wide: float, least: int) -> str:
    if least < LEAST_N or not np.isfinite([plain, spread, left, wide]).all():
        return "unknown"
    if abs(left) > wide and abs(plain) > spread:
        return "up" if left > 0 else "down"
    return "explained" if abs(plain) > spread else "not_separable"


def _row(start: float, length: float, day: float, one: tuple[float, float, float, int]) -> VerdictWindow:
    side = "after" if start == day else "before" if start == day - length else "past"
    return VerdictWindow(
        starts=np.datetime64(int(start), "D"),
        ends=np.datetime64(int(start + length - 1), "D"),
        side=side,
        value=float(one[0]),
        n=one[3],
    )


def _notes(season: float, windows_n: int) -> tuple[Note, ...]:
    notes: tuple[Note, ...] = () if np.isfinite(season) else (Note("verdict_no_season"),)
    return notes if windows_n >= 5 else (*notes, Note("verdict_short_past", {"windows_n": windows_n - 1}))
