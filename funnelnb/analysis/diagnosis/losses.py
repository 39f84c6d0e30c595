"""Why do we lose, to whom, at which stage, and what distinguishes the reasons?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.diagnosis.desk import Desk, share_of
from funnelnb.analysis.shared.counts import grouping, level, source_notes
from funnelnb.analysis.shared.open_deals import require_known
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import MissingDataError
from funnelnb.core.note import Note
from funnelnb.playbooks.model import fold
from funnelnb.stats.rates.compare import benjamini_hochberg, group_vs_rest
from funnelnb.stats.rates.proportion import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label

    Mask = NDArray[np.bool_]

ENDINGS = ("lost_competitor", "lost_no_decision", "lost")
"""Customer chose another; customer stopped buying; nobody recorded which."""
RIVAL_WORDS = (
    "competitor",
    "competitors",
    "lost to",
    "winning competitor",
    "竞争对手",
    "竞品",
    "输给",
    "对手",
)
"""How a column is called that names who won instead of us."""
SIGNS_BY = ("segment", "source", "product", "customer_type", "region", "owner")


@dataclass(frozen=True, slots=True, kw_only=True)
class LossRow:
    """One reason, or one competitor.

    Attributes
    ----------
    kind : {"ending", "reason", "competitor"}
    ending : str
        Of a reason: the ending it mostly comes with.
    name : str
        Empty: not recorded.
    lost_n : int
    lost_share, share_ci_lower, share_ci_upper : float
        Of all lost deals; of a competitor: of the deals lost to one. NaN of fewer than ten.
    lost_amount : float
        Known amounts; NaN where no lost deal has one.
    amount_share : float
    first_stage : str
        Stage in which most of them were lost.
    """

    kind: str
    ending: str
    name: str
    lost_n: int
    lost_share: float
    share_ci_lower: float
    share_ci_upper: float
    lost_amount: float
    amount_share: float
    first_stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LossCell:
    """One reason in one stage, period or group.

    Attributes
    ----------
    cut : str
        ``stage``, ``quarter``, or an attribute.
    group : tuple of str
        Stage, quarter or value.
    name : str
        The reason; empty: not recorded.
    lost_n, of_n : int
        Lost for this reason, of all lost there.
    cell_share, share_ci_lower, share_ci_upper : float
        NaN of fewer than ten lost deals.
    lost_amount : float
    """

    cut: str
    group: tuple[str, ...]
    name: str
    lost_n: int
    of_n: int
    cell_share: float
    share_ci_lower: float
    share_ci_upper: float
    lost_amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSign:
    """A group in which a reason is clearly more or less frequent than in the rest.

    Attributes
    ----------
    name : str
        The reason.
    attribute, value : str
    lost_n, of_n : int
    cell_share, rest_share : float
    difference, difference_ci_lower, difference_ci_upper : float
    p_adjusted : float
        All reasons and groups counted (Benjamini-Hochberg).
    """

    name: str
    attribute: str
    value: str
    lost_n: int
    of_n: int
    cell_share: float
    rest_share: float
    difference: float
    difference_ci_lower: float
    difference_ci_upper: float
    p_adjusted: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class WhyLost(Result):
    """Why deals are lost. `n` counts lost deals.

    Attributes
    ----------
    by : tuple of str
    won_n, open_n, left_n : int
        Signed with us; still open; closed without a decision. In no share here.
    unknown_n : int
        Lost deals without a reason.
    endings, reasons, competitors : tuple of LossRow
        The most frequent first, "not recorded" last.
    cells : tuple of LossCell
    signs : tuple of LossSign
        What distinguishes the reasons; the clearest first.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    by: tuple[str, ...]
    won_n: int
    open_n: int
    left_n: int
    unknown_n: int
    endings: tuple[LossRow, ...]
    reasons: tuple[LossRow, ...]
    competitors: tuple[LossRow, ...]
    cells: tuple[LossCell, ...]
    signs: tuple[LossSign, ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


@question("diagnosis")
def why_lost(
    book: Book, *, by: str | None = None, competitor: str | None = None, confidence_level: float | None = None
) -> WhyLost:
    """Why do we lose, to whom, at which stage, and what distinguishes the reasons?

    Parameters
    ----------
    book : Book
        With ``lost_reason``; outcomes that tell a competitor from a customer who stopped buying add to it.
    by : str, optional
        Attribute by which reasons are counted, besides stage and quarter.
    competitor : str, optional
        Attribute that names who won instead of us; None: found by its name.
    confidence_level : float, optional

    Returns
    -------
    WhyLost

    Raises
    ------
    MissingDataError
        No deal is lost, or there is no such attribute.

    Notes
    -----
    Shares are of lost deals; open ones are open. "Not recorded" is a share of its own: if losses without a reason are
    of another kind than the others, every share here moves. What distinguishes: each value of an attribute against
    all others, exact or score test, the false discovery rate held over all reasons and values.

    Checked against counts by hand and planted differences: ``tests/analysis/test_diagnosis_more.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.diagnosis.why_lost(fn.sample())
    >>> sum(row.lost_n for row in result.reasons) == result.n
    True
    """
    confidence = level(confidence_level)
    require_known(book)
    desk = Desk(book, "owner")
    names = grouping(book, by)
    lost = np.flatnonzero(desk.lost)
    if not lost.size:
        raise MissingDataError("why lost: no deal is lost", expected="deals with an outcome of lost")
    texts = losses_of(book, competitor)[1]
    reason, ending, rival = texts["reason"], texts["ending"], _rival(book, competitor)
    whole = _Losses(desk, lost, confidence)
    cuts = cuts_of(desk, lost, names)
    return WhyLost(
        n=lost.size,
        method="why_lost",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=(*book.notes, *source_notes(book), *_notes(reason, rival)),
        by=names,
        won_n=int(desk.won.sum()),
        open_n=int(desk.in_hand.sum()),
        left_n=int((desk.ended & ~desk.won & ~desk.lost).sum()),
        unknown_n=int((reason == "").sum()),
        endings=whole.rows("ending", ending, ending),
        reasons=whole.rows("reason", reason, ending),
        competitors=whole.rows("competitor", texts["competitor"], ending, ending == "lost_competitor")
        if rival
        else (),
        cells=tuple(cell for cut, codes, labels in cuts for cell in whole.cells(cut, codes, labels, reason)),
        signs=_signs(desk, lost, reason, confidence),
        stage_ids=book.playbook.stage_ids,
        stage_labels=book.playbook.stage_labels,
    )


def losses_of(book: Book, competitor: str | None) -> tuple[NDArray[np.int64], dict[str, NDArray[np.object_]]]:
    """Return the lost deals by number, and of each its reason, ending and competitor; empty where not recorded."""
    lost = np.flatnonzero(Desk(book, "owner").lost)
    deals = book.opportunities.set_index("opportunity_id").reindex(book.ledger.deal_ids[lost])
    ending = _texts(deals, "outcome")
    rival = _rival(book, competitor)
    return lost, {
        "reason": _texts(deals, "lost_reason"),
        "ending": np.where(np.isin(ending, ENDINGS), ending, "lost"),
        "competitor": _texts(deals, rival) if rival else np.full(len(lost), "", dtype=object),
    }


def _texts(deals: Any, name: str) -> NDArray[np.object_]:
    if name not in deals:
        return np.full(len(deals), "", dtype=object)
    return np.asarray(deals[name].fillna("").to_numpy(dtype=object))


def _rival(book: Book, given: str | None) -> str:
    """Return the column that names competitors; empty where there is none."""
    if given is not None:
        return grouping(book, given)[0]
    wanted = {fold(word) for word in RIVAL_WORDS}
    return next((name for name in book.attributes if fold(name) in wanted), "")


class _Losses:
    """Counts and sums over lost deals."""

    def __init__(self, desk: Desk, lost: NDArray[np.int64], confidence: float) -> None:
        known = desk.ledger.amount[lost]
        self.amount = known if np.isnan(known).all() else np.nan_to_num(known)
        self.stage = np.minimum(desk.ledger.furthest[lost], desk.ledger.won - 1).astype(np.int64)
        self.ids, self.confidence = desk.ledger.stage_ids, confidence

    def rows(
        self, kind: str, names: NDArray[Any], ending: NDArray[Any], among: Mask | None = None
    ) -> tuple[LossRow, ...]:
        kept = np.ones(len(names), bool) if among is None else among
        if not kept.any():
            return ()
        labels, codes = np.unique(names[kept].astype(str), return_inverse=True)
        n = np.bincount(codes)
        amount = np.bincount(codes, weights=self.amount[kept])
        whole_n = int(n.sum())
        lower, upper = _bounds(n, whole_n, self.confidence)
        told = whole_n >= TOO_FEW_N and amount.sum() > 0
        rows = [
            LossRow(
                kind=kind, name="" if kind == "ending" else str(label),
                ending=str(label) if kind == "ending" else _most(ending[kept][codes == k]),
                lost_n=int(n[k]), lost_share=share_of(int(n[k]), whole_n), share_ci_lower=float(lower[k]),
                share_ci_upper=float(upper[k]), lost_amount=float(amount[k]),
                amount_share=float(amount[k] / amount.sum()) if told else float("nan"),
                first_stage=self.ids[int(np.bincount(self.stage[kept][codes == k]).argmax())],
            )
            for k, label in enumerate(labels)
        ]  # fmt: skip
        return tuple(sorted(rows, key=lambda row: (kind != "ending" and not row.name, -row.lost_n, row.name)))

    def cells(
        self, cut: str, codes: NDArray[np.int64], labels: Sequence[str], reason: NDArray[Any]
    ) -> Iterator[LossCell]:
        names, which = np.unique(reason.astype(str), return_inverse=True)
        key = codes * len(names) + which
        shape = (len(labels), len(names))
        n = np.bincount(key, minlength=shape[0] * shape[1]).reshape(shape)
        amount = np.bincount(key, weights=self.amount, minlength=shape[0] * shape[1]).reshape(shape)
        total = n.sum(axis=1)
        lower, upper = _bounds(n, total[:, None], self.confidence)
        for g, k in zip(*np.nonzero(n), strict=True):
            yield LossCell(
                cut=cut, group=(labels[g],), name=str(names[k]), lost_n=int(n[g, k]), of_n=int(total[g]),
                cell_share=share_of(int(n[g, k]), int(total[g])), share_ci_lower=float(lower[g, k]),
                share_ci_upper=float(upper[g, k]), lost_amount=float(amount[g, k]),
            )  # fmt: skip


def _bounds(n: NDArray[Any], whole_n: Any, confidence: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the bounds of shares; NaN of fewer than ten deals."""
    lower, upper = wilson(n, np.maximum(whole_n, 1), confidence)
    few = np.asarray(whole_n) < TOO_FEW_N
    return np.where(few, np.nan, lower), np.where(few, np.nan, upper)


def _most(values: NDArray[Any]) -> str:
    names, n = np.unique(values.astype(str), return_counts=True)
    return str(names[n.argmax()])


def cuts_of(
    desk: Desk, lost: NDArray[np.int64], names: Sequence[str]
) -> Iterator[tuple[str, NDArray[np.int64], tuple[str, ...]]]:
    """Yield each cut with the code of every lost deal and the labels of the codes."""
    ledger = desk.ledger
    yield (
        "stage",
        np.minimum(ledger.furthest[lost], ledger.won - 1).astype(np.int64),
        ledger.stage_ids[: ledger.won],
    )
    day = desk.closed[lost]
    if not np.isnan(day).all():
        known = (
            np.where(np.isnan(day), 0, day).astype(np.int64).astype("datetime64[D]").astype("datetime64[M]")
        )
        quarter = np.where(np.isnan(day), -1, known.astype(np.int64) // 3)
        found, codes = np.unique(quarter, return_inverse=True)
        labels = tuple("" if q < 0 else f"{1970 + q // 4}-Q{q % 4 + 1}" for q in found.tolist())
        yield "quarter", codes.astype(np.int64), labels
    for name in names:
        coded = ledger.attributes[name]
        yield name, coded.codes[lost].astype(np.int64), coded.labels


def _signs(
    desk: Desk, lost: NDArray[np.int64], reason: NDArray[Any], confidence: float
) -> tuple[LossSign, ...]:
    """Return in which groups a reason is more or less frequent than in the rest beyond chance."""
    names, which = np.unique(reason.astype(str), return_inverse=True)
    rows: list[LossSign] = []
    tests: list[float] = []
    for attribute in SIGNS_BY:
        if attribute not in desk.ledger.attributes:
            continue
        coded = desk.ledger.attributes[attribute]
        codes, labels = coded.codes[lost], coded.labels
        total = np.bincount(codes, minlength=len(labels))
        for k, name in enumerate(names):
            if not name:
                continue
            n = np.bincount(codes[which == k], minlength=len(labels))
            judged = np.flatnonzero((total >= TOO_FEW_N) & (total.sum() - total >= TOO_FEW_N))
            if judged.size < 2:
                continue
            found = group_vs_rest(n[judged], total[judged], confidence_level=confidence)
            for place, g in enumerate(judged.tolist()):
                rest_n, rest = total.sum() - total[g], n.sum() - n[g]
                rows.append(
                    LossSign(
                        name=str(name), attribute=attribute, value=labels[g], lost_n=int(n[g]),
                        of_n=int(total[g]), cell_share=float(n[g] / total[g]), rest_share=float(rest / rest_n),
                        difference=float(found.difference[place]),
                        difference_ci_lower=float(found.ci_lower[place]),
                        difference_ci_upper=float(found.ci_upper[place]), p_adjusted=np.nan,
                    )
                )  # fmt: skip
                tests.append(float(found.p_value[place]))
    return _clear(rows, tests, confidence)


def _clear(rows: list[LossSign], tests: list[float], confidence: float) -> tuple[LossSign, ...]:
    if not rows:
        return ()
    adjusted = benjamini_hochberg(tests)
    kept = [k for k in range(len(rows)) if adjusted[k] <= 1 - confidence]
    kept.sort(key=lambda k: (adjusted[k], tests[k], rows[k].name, rows[k].value))
    return tuple(replace(rows[k], p_adjusted=float(adjusted[k])) for k in kept)


def _notes(reason: NDArray[Any], rival: str) -> tuple[Note, ...]:
    notes: tuple[Note, ...] = ()
    unknown = int((reason == "").sum())
    if unknown == len(reason):
        notes += (Note("no_reasons"),)
    elif unknown:
        notes += (Note("reasons_unknown", {"deals_n": unknown, "of_n": len(reason)}),)
    return notes if rival else (*notes, Note("no_competitors"))
