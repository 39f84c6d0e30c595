"""How do opportunities end: signed with us, customer chose another, or customer stopped buying?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.shared.counts import grouping, level, source_notes
from funnelnb.analysis.shared.open_deals import total
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result, about
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import MissingDataError
from funnelnb.core.note import Note
from funnelnb.stats.rates.clustered import clustered_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label

ENDINGS = ("won", "lost_competitor", "lost_no_decision", "lost")
"""The three endings of an opportunity (DOMAIN A14), and losses of which nobody recorded which they are."""
MOST_REASONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingRow:
    """One ending, of all deals or of one group.

    Attributes
    ----------
    group : tuple of str
        Empty: all deals.
    ending : {"won", "lost_competitor", "lost_no_decision", "lost"}
        Signed with us; the customer chose another; the customer stopped buying; lost, not recorded which.
    closed_n, deal_n : int
        Deals won or lost, and those of them with this ending.
    deal_share, share_ci_lower, share_ci_upper : float
        Of the deals won or lost.
    deal_amount : float
        Known amounts.
    last_stage : str
        Stage in which most of these deals ended; empty of the won ones and where no stage is known.
    last_stage_n : int
    reasons : str
        The most frequent recorded reasons, joined by a comma.
    median_days : float
        Median days from creation to the end, of the deals that ended so; NaN where undated.
    enough : bool
    """

    group: tuple[str, ...]
    ending: str
    closed_n: int
    deal_n: int
    deal_share: float
    share_ci_lower: float
    share_ci_upper: float
    deal_amount: float
    last_stage: str
    last_stage_n: int
    reasons: str
    median_days: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Endings(Result):
    """How opportunities end. `n` counts the deals won or lost.

    Attributes
    ----------
    by : tuple of str
    rows : tuple of EndingRow
        All deals first, then group by group, each in the order of :data:`ENDINGS`.
    open_n : int
        Deals still open: not among the shares.
    left_n : int
        Deals void, merged or withdrawn: not among the shares.
    names : tuple of (str, Label)
        What the book's stage model calls an ending; empty where it names none.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    by: tuple[str, ...]
    rows: tuple[EndingRow, ...]
    open_n: int
    left_n: int
    names: tuple[tuple[str, Label], ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


@question("customers")
def endings(
    book: Book, *, by: str | Sequence[str] | None = None, confidence_level: float | None = None
) -> Endings:
    """How do opportunities end: signed with us, customer chose another, or customer stopped buying?

    Parameters
    ----------
    book : Book
    by : str or sequence of str, optional
        At most two attributes to compare by.
    confidence_level : float, optional

    Returns
    -------
    Endings

    Raises
    ------
    MissingDataError
        No deal has ended, nothing says of any lost deal which ending it was, or `by` is no attribute of the book.

    Notes
    -----
    The table's outcome tells the ending: ``won``, ``lost_competitor`` (chose another), ``lost_no_decision`` (stopped
    buying). A loss recorded only as ``lost`` stays apart and is never shared out among the two. Shares are of the
    deals won or lost, open ones are not among them; intervals count the deals of one customer as alike (jackknife over
    accounts).

    Checked against counts by hand and pandas: ``tests/analysis/test_endings.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.customers.endings(fn.sample())
    >>> [(row.ending, row.deal_n) for row in result.rows]
    [('won', 737), ('lost_competitor', 654), ('lost_no_decision', 1209), ('lost', 573)]
    """
    confidence = level(confidence_level)
    names = grouping(book, by)
    frame = book.opportunities
    outcome = frame["outcome"].astype("str")
    ended = frame[outcome.isin(ENDINGS)]
    if ended.empty:
        raise MissingDataError("no deal has ended yet", expected="deals that were won or lost")
    if not ended["outcome"].isin(ENDINGS[1:3]).any():
        raise MissingDataError(
            "the data do not tell of any deal whether the customer chose another or stopped buying",
            expected="lost_competitor (chose another) or lost_no_decision (stopped buying) as outcome",
            hint='say which words mean it: [outcomes] "Lost to competitor" = "lost_competitor"',
        )
    rows = list(_rows((), ended, confidence))
    if names:
        held = ended.dropna(subset=list(names))
        for key, part in sorted(held.groupby(list(names)), key=lambda one: (-len(one[1]), one[0])):
            rows += _rows(tuple(str(one) for one in key), part, confidence)
    known = {one.outcome: one.label for one in book.playbook.endings}
    return Endings(
        n=len(ended),
        method="endings",
        confidence_level=confidence,
        **about(book),
        notes=(*book.notes, *source_notes(book), *_notes(ended)),
        by=names,
        rows=tuple(rows),
        open_n=int((outcome == "open").sum()),
        left_n=int((outcome == "left").sum()),
        names=tuple((one, known[one]) for one in ENDINGS if one in known),
    )


def _rows(group: tuple[str, ...], ended: pd.DataFrame, confidence_level: float) -> list[EndingRow]:
    accounts = _accounts(ended)
    closed = np.bincount(accounts)
    rows = []
    for ending in ENDINGS:
        mine = (ended["outcome"] == ending).to_numpy()
        if ending == "lost" and not mine.any():
            continue
        got = np.bincount(accounts[mine], minlength=closed.size)
        lower, upper = clustered_share(got, closed, confidence_level)
        part = ended[mine]
        stage, stage_n = _most(part, "stage") if ending != "won" else ("", 0)
        rows.append(
            EndingRow(
                group=group,
                ending=ending,
                closed_n=len(ended),
                deal_n=len(part),
                deal_share=len(part) / len(ended),
                share_ci_lower=float(lower),
                share_ci_upper=float(upper),
                deal_amount=total(part["amount"][part["amount"] >= 0].tolist() if "amount" in part else []),
                last_stage=stage,
                last_stage_n=stage_n,
                reasons=_reasons(part),
                median_days=_days(part),
                enough=len(ended) >= TOO_FEW_N,
            )
        )
    return rows


def _accounts(ended: pd.DataFrame) -> NDArray[np.int64]:
    """Return a number for each deal's customer; a deal of nobody known is its own."""
    if "account_id" not in ended:
        return np.arange(len(ended))
    codes, labels = ended["account_id"].factorize()
    alone = codes < 0
    codes = codes.astype(np.int64)
    codes[alone] = len(labels) + np.arange(int(alone.sum()))
    return codes


def _most(part: pd.DataFrame, column: str) -> tuple[str, int]:
    counts = Counter(part[column].dropna().tolist()) if column in part else Counter()
    return counts.most_common(1)[0] if counts else ("", 0)


def _reasons(part: pd.DataFrame) -> str:
    if "lost_reason" not in part:
        return ""
    counts = Counter(part["lost_reason"].dropna().tolist())
    ordered = sorted(counts.items(), key=lambda one: (-one[1], str(one[0])))
    return ", ".join(str(word) for word, _ in ordered[:MOST_REASONS])


def _days(part: pd.DataFrame) -> float:
    if not {"created_at", "closed_at"} <= set(part.columns):
        return float("nan")
    long = (part["closed_at"] - part["created_at"]).dropna()
    return float(long.dt.total_seconds().median() / 86_400) if len(long) else float("nan")


def _notes(ended: pd.DataFrame) -> tuple[Note, ...]:
    untold_n, lost_n = int((ended["outcome"] == "lost").sum()), int((ended["outcome"] != "won").sum())
    return (Note("endings_untold", {"untold_n": untold_n, "lost_n": lost_n}),) if untold_n else ()
