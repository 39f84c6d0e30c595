"""Can these data tell how deals end at all? What an export leaves out shows in what it holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.errors import MissingDataError
from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.count.counts import ADVANCED
from funnelnb.data.ledger import dating
from funnelnb.data.ledger.codes import LEFT_DEAL, LOST_DEAL, OPEN_DEAL, WON_DEAL
from funnelnb.stats.rates.clustered import effective_clusters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.analysis.shared.period import Period
    from funnelnb.data.count.counts import TimeCounts
    from funnelnb.data.ledger.ledger import Ledger

CLOSED_ONLY, ONLY_WINS, WINS_ALONE, NEVER_LOST, UNDECIDED = (
    "closed_only",
    "only_wins",
    "wins_alone",
    "losses_never_set",
    "nobody_decided",
)
NO_RATE = (CLOSED_ONLY, ONLY_WINS, WINS_ALONE, UNDECIDED)
"""Data of which no share won by day is known."""
FEW_ACCOUNTS = 20
"""With fewer accounts of equal weight, variances over accounts are rough."""
EXPECTED_OPEN = 3.0
"""So many open deals must be expected before their absence is no accident (chance of none: e^-3 = 5 %)."""


EXPECTED_OF_WINS = 1.0
"""The same where no deal is lost either: then most of what is missing is of no accident already."""


_WHY = {
    CLOSED_ONLY: "open deals were left out of the data",
    ONLY_WINS: "no deal is lost",
    WINS_ALONE: "no deal is lost, and none is open",
    NEVER_LOST: "lost deals were never marked as lost",
    UNDECIDED: "no deal is won or lost",
}


def require_judged(
    book: Any, hint: str = "export won, lost and open deals", *, what: str = "the chance of open deals"
) -> None:
    """Raise MissingDataError where the data do not tell how likely an open deal is won, on which `what` rests."""
    why = unjudged(book)
    if why or not (book.ledger.outcome == WON_DEAL).any():
        raise MissingDataError(
            f"{what} is not known: {_WHY.get(why, 'no deal is won')}",
            expected="deals that were won, deals marked as lost, and deals still open",
            hint=hint,
        )


def entries_known(source: Any) -> bool:
    """Whether all deals that came are in the data: no open or lost ones were left out."""
    asked = (source, getattr(source, "whole", source))
    return all(unjudged(one) not in (CLOSED_ONLY, ONLY_WINS, WINS_ALONE) for one in asked)


def require_entries(book: Any, what: str) -> None:
    """Raise MissingDataError where deals were left out of the data, so that `what` (how many came) is not known."""
    if not entries_known(book):
        require_judged(book, "export won, lost and open deals; what was won needs no others", what=what)


def recorded(book: Any, period: Period) -> bool:
    """Whether records had begun when a period started: of earlier ones only deals that lasted are in the data."""
    since = getattr(getattr(book, "whole", book), "observed_from", None)
    return since is None or bool(period.start >= np.datetime64(since, "D"))


MOST_UNDATED = 0.1
"""Up to this share of the deals that ended not won may have no date where losses are counted by day."""


def losses_dated(ledger: Ledger) -> bool:
    """Whether nearly all losses have a date, so that it is known what was lost in a period and open on a past day."""
    over = np.isin(ledger.outcome, (LOST_DEAL, LEFT_DEAL))
    return bool((over & (ledger.closed_s == UNKNOWN)).sum() <= MOST_UNDATED * over.sum())


MOST_UNEVEN = 0.1
"""By so much the shares of won and of lost deals that have a stage history may differ."""


def moves_known(ledger: Ledger) -> bool:
    """Whether won and lost deals have a stage history alike, so that the chance by stage can be learned from it.

    Where only lost deals lack theirs, everybody who is known to have come far was won.
    """
    missing, seen = ledger.is_true("history_missing"), ~ledger.is_true("moves_before_records")
    ends = [seen & (ledger.outcome == code) for code in (WON_DEAL, LOST_DEAL)]
    shares = [float(missing[mine].mean()) for mine in ends if mine.any()]
    return not shares or max(shares) - min(shares) <= MOST_UNEVEN


def require_dated(ledger: Ledger, what: str) -> None:
    """Raise MissingDataError where the dates of many losses are not known, on which `what` rests."""
    if losses_dated(ledger):
        return
    over = np.isin(ledger.outcome, (LOST_DEAL, LEFT_DEAL))
    undated_n = int((over & (ledger.closed_s == UNKNOWN)).sum())
    raise MissingDataError(
        f"{what} is not known: {undated_n} of {int(over.sum())} losses have no date",
        expected="a date for each loss",
        hint="export the dates of losses; the amount won by period needs none: fn.diagnosis.sales_trend(book)",
    )


def unjudged(source: Any) -> str:
    """Return why nothing is known of the times of a source; empty where they can be judged.

    Parameters
    ----------
    source : Book or Scan

    Returns
    -------
    str
        ``nobody_decided``: nobody is won or lost. ``closed_only``: no deal is open although some must be, going by how
        long the closed ones took: open deals were left out, so slow ones are missing. ``only_wins``: no deal is lost
        and no more are open than the pace of the wins leaves: lost deals were left out, or there is nothing to tell.
        ``wins_alone``: the same, and no deal is open although some must be: of times nothing is known either.
        A part of a book is judged by itself and by the whole: what an export leaves out, its parts lack too.
        ``losses_never_set``: no deal is lost and deals far older than any win are open: lost ones were never marked.

    Notes
    -----
    With S the share of closed deals that took longer, a complete export holds about ``sum of S(age)`` open deals, the
    ages being those of all deals at the as-of date. The sum is too low where open deals were left out, so that the
    test errs on the side of believing the data.
    """
    if _counts_there(source):
        counts = source.stage_counts()
        here = counts.here_n[:, : counts.won].sum()
        lost_n = int(counts.lost_n.sum())
        lost_n += 0 if counts.unplaced_n is None else int(counts.unplaced_n[:, LOST_DEAL].sum())
        if here and lost_n:
            return ""
    if not _has_ledger(source):
        return ""
    whole = getattr(source, "whole", source)
    own = unjudged_ledger(source.ledger)
    return own if own or whole is source else unjudged_ledger(whole.ledger)


def unjudged_ledger(ledger: Ledger) -> str:
    """Return the same of the deals of a ledger."""
    outcome = ledger.outcome
    won, lost, still = (outcome == code for code in (WON_DEAL, LOST_DEAL, OPEN_DEAL))
    if not (won.any() or lost.any()):
        return UNDECIDED if outcome.size else ""
    if lost.any() and still.any():
        return ""
    age_s = np.where(ledger.created_s == UNKNOWN, -1, ledger.as_of_s - ledger.created_s)
    took_s = np.where(ledger.closed_s == UNKNOWN, -1, ledger.closed_s - ledger.created_s)
    known = (age_s >= 0) & (took_s >= 0) & (won | lost)
    if lost.any():
        expected = _expected_open(took_s[known], age_s[known]) if known.any() else 0.0
        return CLOSED_ONLY if expected >= EXPECTED_OPEN else ""
    if not (still.any() and known.any()):
        expected = _expected_open(took_s[known], age_s[known]) if known.any() else 0.0
        return WINS_ALONE if expected >= EXPECTED_OF_WINS and not still.any() else ONLY_WINS
    expected = _expected_open(took_s[known], age_s[age_s >= 0])
    return NEVER_LOST if still.sum() > expected + 3 * np.sqrt(expected) + 3 else ONLY_WINS


def _expected_open(took_s: NDArray[np.int64], age_s: NDArray[np.int64]) -> float:
    """Return how many of the deals of these ages would still be open if all took as long as those that closed."""
    beyond = took_s.size - np.searchsorted(np.sort(took_s), age_s, side="right")
    return float(beyond.sum() / took_s.size)


def judged(counts: TimeCounts, why: str, *, durations: bool = False) -> TimeCounts:
    """Return the counts with what cannot be judged taken out: no times at all, or nothing of losing.

    Parameters
    ----------
    counts : TimeCounts
    why : str
        As :func:`unjudged` says it.
    durations : bool
        True: it is asked how long deals take, not how many succeed. That needs no lost deals, only open ones.
    """
    if not why or (durations and why in (ONLY_WINS, UNDECIDED)):
        return counts
    if why == NEVER_LOST:
        return replace(counts, losses_known=False)
    if why == UNDECIDED and (counts.outcome == ADVANCED).any():
        return counts  # deals do move on, if not yet to their end
    return _emptied(counts)


def still_known(counts: TimeCounts) -> TimeCounts:
    """Return the counts if they tell which deals are still open at an age, else none: lost deals must be marked."""
    return counts if counts.losses_known else _emptied(counts)


def _emptied(counts: TimeCounts) -> TimeCounts:
    gone = np.bincount(counts.group, weights=counts.n, minlength=len(counts.groups)).astype(np.int64)
    columns = {
        name: getattr(counts, name)[:0] for name in ("group", "time_s", "entry_s", "outcome", "n", "amount")
    }
    return replace(
        counts, **columns, unknown_n=counts.unknown_n + gone, limit_s=None, weight=None, cluster=None
    )


def _counts_there(source: Any) -> bool:
    """Whether deals are counted where they lie, or piece by piece: then their ledger is not at hand."""
    if not getattr(source, "in_engine", False):
        return False
    return bool(getattr(source, "counts_there", True)) or bool(getattr(source, "in_pieces", False))


def _has_ledger(source: Any) -> bool:
    """Whether there is a ledger, without asking for it: a scan would pull all deals into memory to answer."""
    return hasattr(type(source), "ledger") or "ledger" in getattr(source, "__dict__", {})


def notes_of(source: Any, *, times: bool = True) -> tuple[Note, ...]:
    """Return what has to be said of data that cannot be judged, and of data in which nobody is won.

    Parameters
    ----------
    source : Book or Scan
    times : bool
        Whether the result says anything about times: then losses without a date matter.
    """
    if not _has_ledger(source):
        return ()
    why = unjudged(source)
    if _counts_there(source) and not why:
        return ()
    outcome = source.ledger.outcome
    facts = {"deals_n": int(outcome.size), "open_n": int((outcome == OPEN_DEAL).sum())}
    told = (Note(why, facts),) if why else ()
    if not why and outcome.size and not (outcome == WON_DEAL).any():
        told = (Note("no_wins", facts),)
    if times:
        whole = getattr(
            source, "whole", source
        )  # when records begin, and clean-ups, are facts of the whole export
        observed = getattr(whole, "observed_from", None) is not None
        told = (*told, *_undated(source.ledger), *dating.notes_of(whole.ledger, observed=observed))
    return (*told, *_few_accounts(source.ledger))


def _undated(ledger: Ledger) -> tuple[Note, ...]:
    """Return a note of how many losses have no date."""
    lost = ledger.outcome == LOST_DEAL
    undated_n = int((lost & (ledger.closed_s == UNKNOWN)).sum())
    return (Note("losses_undated", {"deals_n": undated_n, "of_n": int(lost.sum())}),) if undated_n else ()


def _few_accounts(ledger: Ledger) -> tuple[Note, ...]:
    """Return a note where deals come several to an account, and the accounts are few."""
    coded = ledger.attributes.get("account_id")
    if coded is None:
        return ()
    sizes = np.bincount(coded.codes, minlength=len(coded.labels))[
        np.array([bool(one) for one in coded.labels], dtype=bool)
    ]
    sizes = sizes[sizes > 0]
    if not sizes.size or sizes.max() < 2 or sizes.sum() < ledger.outcome.size / 2:
        return ()
    effective = float(effective_clusters(sizes))
    if effective >= FEW_ACCOUNTS:
        return ()
    return (Note("few_accounts", {"accounts_n": int(sizes.size), "effective_n": round(effective)}),)
