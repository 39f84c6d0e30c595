"""How do deals wander through the stages: skips, moves back, reopenings, the usual paths, and how often round again?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.analysis.diagnosis.desk import Desk, share_of
from funnelnb.analysis.shared.counts import level, source_notes
from funnelnb.analysis.shared.judged import moves_known
from funnelnb.analysis.shared.open_deals import require_known
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import MissingDataError
from funnelnb.core.note import Note
from funnelnb.data.ledger.codes import LEFT, LOST
from funnelnb.playbooks.model import fold
from funnelnb.stats.rates.proportion import wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.book import Book
    from funnelnb.data.ledger.ledger import Ledger
    from funnelnb.playbooks.model import Label

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

PATHS_N = 10
LONGEST = 12
"""Paths of more stays count as long ones."""
REFERRAL_WORDS = (
    "referral", "referrals", "recommendation", "word of mouth", "customer referral",
    "转介绍", "辗转介绍", "介绍", "老客户介绍", "客户介绍", "推荐", "口碑",
)  # fmt: skip
"""What a source is called that stands for a customer's recommendation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRow:
    """All moves from one place to another.

    Attributes
    ----------
    origin : str
        A stage, or ``"entered"``.
    target : str
        A stage, or ``"lost"``, ``"left"``, ``"still"``.
    kind : {"entered", "advanced", "skipped", "back", "lost", "left", "still"}
    move_n : int
    deal_n : int
        Deals that made the move at least once.
    move_amount : float
        Known amounts of the deals, once per move.
    """

    origin: str
    target: str
    kind: str
    move_n: int
    deal_n: int
    move_amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StageBalance:
    """What came into a stage and what became of it: each row adds up, in stays and in money.

    Attributes
    ----------
    stage : str
    entered_n, advanced_n, skipped_n, back_n, lost_n, left_n, still_n : int
        Stays: entered = advanced + skipped ahead + moved back + lost + left + still here.
    entered_amount, advanced_amount, skipped_amount, back_amount, lost_amount, left_amount, still_amount : float
        The same in known amounts.
    """

    stage: str
    entered_n: int
    advanced_n: int
    skipped_n: int
    back_n: int
    lost_n: int
    left_n: int
    still_n: int
    entered_amount: float
    advanced_amount: float
    skipped_amount: float
    back_amount: float
    lost_amount: float
    left_amount: float
    still_amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DealPath:
    """One path that closed deals took.

    Attributes
    ----------
    rank : int
    path : str
        Ids of the stages before won in order, joined by ``" > "``; ``"longer"`` for paths of more than twelve stays.
    closed_n, won_n : int
        Won or lost deals that took it.
    path_share : float
        Of all closed deals.
    win_rate, win_ci_lower, win_ci_upper : float
        Won of those closed.
    median_days : float
        From entry to the end, of these closed deals.
    """

    rank: int
    path: str
    closed_n: int
    won_n: int
    path_share: float
    win_rate: float
    win_ci_lower: float
    win_ci_upper: float
    median_days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRow:
    """How many deals came back so often.

    Attributes
    ----------
    again_n : int
        Returns to an earlier stage.
    deal_n : int
    deal_share : float
    win_rate, win_ci_lower, win_ci_upper : float
        Won of those closed.
    """

    again_n: int
    deal_n: int
    deal_share: float
    win_rate: float
    win_ci_lower: float
    win_ci_upper: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Wander(Result):
    """How deals wander. `n` counts the deals whose moves are recorded.

    Attributes
    ----------
    moves : tuple of MoveRow
    balance : tuple of StageBalance
    paths : tuple of DealPath
        The ten most frequent of closed deals.
    rounds : tuple of RoundRow
    straight_n, skipping_n, returning_n, reopened_n : int
        Deals that only went step by step; that ever skipped; that ever moved back; that were reopened after an end.
    referral_n : int
        Deals whose source is a recommendation; -1 where no source says so.
    referral_share, referral_win_rate, other_win_rate : float
        Of all deals; won of those closed, of recommended deals and of the others.
    circulates : bool
        The stage model lets deals come round again.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    moves: tuple[MoveRow, ...]
    balance: tuple[StageBalance, ...]
    paths: tuple[DealPath, ...]
    rounds: tuple[RoundRow, ...]
    straight_n: int
    skipping_n: int
    returning_n: int
    reopened_n: int
    referral_n: int
    referral_share: float
    referral_win_rate: float
    other_win_rate: float
    circulates: bool
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


@question("diagnosis")
def wander(book: Book, *, confidence_level: float | None = None) -> Wander:
    """How do deals wander: skips, moves back, reopenings, the usual paths, how often round again, and referrals?

    Parameters
    ----------
    book : Book
        With a stage history.
    confidence_level : float, optional

    Returns
    -------
    Wander

    Raises
    ------
    MissingDataError
        The book has no stage history: moves are not known.

    Notes
    -----
    Deals without a stage history, or older than it, are left out: their moves are not known, and would read as skips.
    Counts are stays,
    straight from the ledger: what enters a stage equals what leaves it and what is still there, in
    number and in known amounts. Paths are of closed deals only, as that of an open deal is not over; a long path needs
    time, so win rates of paths do not say that a path makes deals win.

    Checked against the ledger's balance, plain loops and hand-made histories:
    ``tests/analysis/test_diagnosis_more.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.diagnosis.wander(fn.sample())
    >>> row = result.balance[0]
    >>> row.entered_n == (
    ...     row.advanced_n + row.skipped_n + row.back_n + row.lost_n + row.left_n + row.still_n)
    True
    """
    confidence = level(confidence_level)
    _require_moves(book)
    require_known(book)
    unrecorded = _notes(book.ledger)
    recorded = moves_recorded(book.ledger)
    book = book if recorded.all() else book.some(recorded)
    desk = Desk(book, "owner")
    ledger = desk.ledger
    kind = kinds_of(ledger)
    moved = {name: np.zeros(len(desk.won), bool) for name in ("skipped", "back")}
    for name, marked in moved.items():
        marked[ledger.deal[kind == name]] = True
    reopened = ledger.is_true("reopened")
    source = referrals_of(desk)
    closed = desk.won | desk.lost
    return Wander(
        n=len(desk.won),
        method="wander",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=(*book.notes, *source_notes(book), *unrecorded, *_unreferred(source)),
        moves=_moves(ledger, kind),
        balance=_balance(ledger, kind),
        paths=_paths(desk, confidence),
        rounds=_rounds(desk, kind, confidence),
        straight_n=int((~(moved["skipped"] | moved["back"] | reopened)).sum()),
        skipping_n=int(moved["skipped"].sum()),
        returning_n=int(moved["back"].sum()),
        reopened_n=int(reopened.sum()),
        referral_n=-1 if source is None else int(source.sum()),
        referral_share=float("nan") if source is None else share_of(int(source.sum()), source.size),
        referral_win_rate=float("nan") if source is None else _won_of(desk, closed & source),
        other_win_rate=_won_of(desk, closed if source is None else closed & ~source),
        circulates=any(edge.kind == "recycle" for edge in book.playbook.edges),
        stage_ids=book.playbook.stage_ids,
        stage_labels=book.playbook.stage_labels,
    )


def _require_moves(book: Book) -> None:
    """Refuse where the moves of deals are not known."""
    if "stage_history" not in book.tables or not len(book.tables["stage_history"]):
        raise MissingDataError(
            "how deals wander: the data has no stage history",
            expected="a table stage_history with opportunity_id, stage, entered_at",
        )
    if not moves_known(book.ledger):
        raise MissingDataError(
            "how deals wander: won and lost deals do not have a stage history alike",
            expected="a stage history of nearly all deals, won and lost",
            hint="export the history of lost deals too",
        )


KINDS = ("advanced", "skipped", "back", "lost", "left", "still")


def kinds_of(ledger: Ledger) -> NDArray[np.str_]:
    """Return what became of each stay. The won stage and those after it keep what stands there."""
    following = ledger.next.astype(np.int64)
    stage = ledger.stage.astype(np.int64)
    found = np.full(len(stage), "still", dtype="<U8")
    found[following == LOST], found[following == LEFT] = "lost", "left"
    inside = following >= 0
    found[inside & (following == stage + 1)] = "advanced"
    found[inside & (following > stage + 1)] = "skipped"
    found[inside & (following < stage)] = "back"
    return found


def _balance(ledger: Ledger, kind: NDArray[np.str_]) -> tuple[StageBalance, ...]:
    amount = np.nan_to_num(ledger.amount)[ledger.deal]
    rows = []
    for k, stage in enumerate(ledger.stage_ids):
        here = ledger.stage == k
        values: dict[str, float] = {"entered_n": int(here.sum()), "entered_amount": float(amount[here].sum())}
        for name in KINDS:
            mine = here & (kind == name)
            values |= {f"{name}_n": int(mine.sum()), f"{name}_amount": float(amount[mine].sum())}
        rows.append(StageBalance(stage=stage, **values))  # type: ignore[arg-type]
    return tuple(rows)


def _moves(ledger: Ledger, kind: NDArray[np.str_]) -> tuple[MoveRow, ...]:
    ids, places = ledger.stage_ids, len(ledger.stage_ids)
    names = [*ids, "lost", "left", "still"]
    following = ledger.next.astype(np.int64)
    target = np.select(
        [following >= 0, following == LOST, following == LEFT], [following, places, places + 1], places + 2
    )
    first = ledger.start[:-1]
    origin = np.concatenate([np.full(len(first), places), ledger.stage.astype(np.int64)])
    target = np.concatenate([ledger.stage[first].astype(np.int64), target])
    deal = np.concatenate([ledger.deal[first], ledger.deal]).astype(np.int64)
    kinds = np.concatenate([np.full(len(first), "entered", dtype="<U8"), kind])
    amount = np.nan_to_num(ledger.amount)[deal]
    key = origin * len(names) + target
    rows = []
    for one in np.unique(key).tolist():
        mine = key == one
        rows.append(
            MoveRow(
                origin="entered" if one // len(names) == places else ids[one // len(names)],
                target=names[one % len(names)], kind=str(kinds[mine][0]), move_n=int(mine.sum()),
                deal_n=len(np.unique(deal[mine])), move_amount=float(amount[mine].sum()),
            )
        )  # fmt: skip
    return tuple(rows)


def _paths(desk: Desk, confidence: float) -> tuple[DealPath, ...]:
    """Return the most frequent paths of closed deals through the stages before won."""
    code, closed = _coded_paths(desk)
    base, ledger = len(desk.ledger.stage_ids) + 1, desk.ledger
    if not closed.any():
        return ()
    found, which, n = np.unique(code[closed], return_inverse=True, return_counts=True)
    won = np.bincount(which, weights=desk.won[closed].astype(float))
    spent = (desk.closed - desk.entered)[closed]
    rows = []
    for rank, k in enumerate(np.lexsort((found, -n))[:PATHS_N].tolist()):
        lower, upper = _bounds(desk, int(won[k]), int(n[k]), confidence)
        days, mine = spent[which == k], _picked(closed, which == k)
        rows.append(
            DealPath(
                rank=rank + 1, path=_spelled(int(found[k]), base, ledger.stage_ids), closed_n=int(n[k]),
                won_n=int(won[k]), path_share=share_of(int(n[k]), int(n.sum())), win_rate=_won_of(desk, mine),
                win_ci_lower=lower, win_ci_upper=upper,
                median_days=float(np.nanmedian(days)) if (~np.isnan(days)).any() else float("nan"),
            )
        )  # fmt: skip
    return tuple(rows)


def _coded_paths(desk: Desk) -> tuple[NDArray[np.int64], Mask]:
    """Return the path of each deal as one number, and which deals are closed and have one."""
    ledger = desk.ledger
    base = len(ledger.stage_ids) + 1
    inside = ledger.stage < ledger.won
    place = np.arange(len(ledger.stage)) - ledger.start[ledger.deal]
    fits = np.minimum(place, LONGEST)
    power = np.where(place < LONGEST, float(base) ** fits, 0.0).astype(np.int64)
    code = np.zeros(len(desk.won), np.int64)
    np.add.at(code, ledger.deal[inside], ((ledger.stage[inside] + 1) * power[inside]).astype(np.int64))
    stays = np.bincount(ledger.deal[inside], minlength=len(code))
    code[stays > LONGEST] = -1
    closed = (desk.won | desk.lost) & (stays > 0)
    return code, closed


def path_codes(desk: Desk) -> list[str]:
    """Return the path of each closed deal as it is spelled; empty for the others."""
    code, closed = _coded_paths(desk)
    base, ids = len(desk.ledger.stage_ids) + 1, desk.ledger.stage_ids
    spelled = {one: _spelled(one, base, ids) for one in np.unique(code[closed]).tolist()}
    return [spelled[one] if mine else "" for one, mine in zip(code.tolist(), closed.tolist(), strict=True)]


def _spelled(code: int, base: int, ids: tuple[str, ...]) -> str:
    if code < 0:
        return "longer"
    names = []
    while code:
        names.append(ids[code % base - 1])
        code //= base
    return " > ".join(names)


def _rounds(desk: Desk, kind: NDArray[np.str_], confidence: float) -> tuple[RoundRow, ...]:
    """Return how many deals came back once, twice, three times or more, and how those fared."""
    back = np.bincount(desk.ledger.deal[kind == "back"], minlength=len(desk.won))
    rows = []
    for times in range(4):
        mine = back == times if times < 3 else back >= 3
        if not mine.any():
            continue
        closed = mine & (desk.won | desk.lost)
        lower, upper = _bounds(desk, int((closed & desk.won).sum()), int(closed.sum()), confidence)
        rows.append(
            RoundRow(
                again_n=times, deal_n=int(mine.sum()), deal_share=share_of(int(mine.sum()), mine.size),
                win_rate=_won_of(desk, closed), win_ci_lower=lower, win_ci_upper=upper,
            )
        )  # fmt: skip
    return tuple(rows)


def _won_of(desk: Desk, closed: Mask) -> float:
    """Return the share won of closed deals; NaN of fewer than ten, and where no lost ones are in the data."""
    told = closed.sum() >= TOO_FEW_N and desk.losses_known
    return float(desk.won[closed].mean()) if told else float("nan")


def _bounds(desk: Desk, won_n: int, closed_n: int, confidence: float) -> tuple[float, float]:
    told = closed_n >= TOO_FEW_N and desk.losses_known
    lower, upper = wilson(won_n, closed_n, confidence) if told else (np.nan, np.nan)
    return float(lower), float(upper)


def _picked(mask: Mask, chosen: Mask) -> Mask:
    """Return a mask of those of its deals that are chosen."""
    kept = np.zeros_like(mask)
    kept[np.flatnonzero(mask)[chosen]] = True
    return kept


def referrals_of(desk: Desk) -> Mask | None:
    """Return which deals came by a recommendation; None where no source says so."""
    coded = desk.ledger.attributes.get("source")
    if coded is None:
        return None
    wanted = {fold(word) for word in REFERRAL_WORDS}
    mine = [k for k, label in enumerate(coded.labels) if fold(label) in wanted]
    return np.isin(coded.codes, mine) if mine else None


def moves_recorded(ledger: Ledger) -> Mask:
    """Return which deals have a history from their beginning: whether the others went step by step is not known."""
    unseen = ledger.is_true("history_missing") | ledger.is_true("moves_before_records")
    return ~np.asarray(unseen, bool)


def _notes(ledger: Ledger) -> tuple[Note, ...]:
    """Return how many deals' moves were not recorded."""
    missing = int((~moves_recorded(ledger)).sum())
    return (Note("paths_unrecorded", {"deals_n": missing, "of_n": len(ledger.outcome)}),) if missing else ()


def _unreferred(source: Mask | None) -> tuple[Note, ...]:
    return (Note("no_referrals"),) if source is None else ()
