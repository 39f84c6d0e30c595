"""For how many deals does each stand whose history is known? And which deals go together?"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.count.counts import BeforeRecords
from funnelnb.data.ledger.codes import LEFT_DEAL, LOST_DEAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from funnelnb.data.count.counts import StageCounts
    from funnelnb.data.count.groups import Grouping
    from funnelnb.data.ledger.codes import Codes
    from funnelnb.data.ledger.ledger import Ledger

    Floats = NDArray[np.float64]

LEAST_KNOWN = 5
"""A class with fewer known deals hands its unknown ones on to the next wider class."""
MOST_STOOD_FOR = 20
"""One known deal never stands for more than so many unknown ones: it would tell nothing of them."""
PERIOD_S = 91 * 86_400
"""Length of the creation periods within which deals stand for one another."""
MOST_CLUSTERS = 400
"""Accounts beyond so many are put together, small ones first: for the variance they are then one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """For how many deals does each known one stand?

    Attributes
    ----------
    weight : ndarray of float64, shape (D,)
        0 of the unknown ones; the sum is that of all deals but those left over.
    left : ndarray of bool, shape (D,)
        Unknown deals for which no known one can stand: none of their outcome is known.
    """

    weight: Floats
    left: NDArray[np.bool_]

    @property
    def needed(self) -> bool:
        """Whether any deal stands for another, or could not be stood for."""
        return bool(self.left.any() or (self.weight != 1.0).any())


def class_weights(
    known: ArrayLike,
    classes: Sequence[ArrayLike],
    least: int = LEAST_KNOWN,
    stands: ArrayLike | None = None,
    times: ArrayLike | None = None,
) -> Weights:
    """For how many deals does each known one stand, within its class?

    Parameters
    ----------
    known : array_like of bool, shape (D,)
        Deals whose history is known.
    classes : sequence of array_like of int, each of shape (D,)
        What makes a class, the most important first (outcome), the first to be given up last.
    least : int
        Known deals that a class needs.
    stands : array_like of float, shape (D,), optional
        For how many deals each stands already (default: itself).
    times : array_like of int, shape (D,), optional
        How many deals like it there are (default: 1): the weights are those of one of them.

    Returns
    -------
    Weights

    Notes
    -----
    A known deal stands for ``1 + unknown / known`` of its class. The unknown deals of a class with fewer than `least`
    known ones are shared out over the class without its last part, and so on; within the first part any known deals
    will do, unless one of them had to stand for more than 20. It is right if, within the classes, having a history
    does not depend on what the history would say.

    References
    ----------
    Little & Rubin (2019), *Statistical Analysis with Missing Data*, section 3.3 (weighting-class estimators).

    Checked against sums by hand, and floors whose histories go missing at random, by outcome, by region and by period
    (``tests/truth/test_missing.py``).

    Examples
    --------
    >>> class_weights([True, True, False, True, False], [[0, 0, 0, 1, 1]], least=1).weight.tolist()
    [1.5, 1.5, 0.0, 2.0, 0.0]
    """
    have = np.asarray(known, dtype=bool)
    codes = [np.asarray(one).astype(np.int64) for one in classes]
    cases = np.ones(len(have)) if stands is None else np.asarray(stands, dtype=float)
    alike = np.ones(len(have)) if times is None else np.asarray(times, dtype=float)
    weight, pending = np.where(have, cases, 0.0), ~have & (cases > 0)
    for depth in range(len(codes), 0, -1):
        if not pending.any():
            break
        _, cell = np.unique(np.stack(codes[:depth]), axis=1, return_inverse=True)
        cell = cell.reshape(-1)
        size = int(cell.max()) + 1
        known_n = np.bincount(cell[have], weights=alike[have], minlength=size)
        known_cases = np.bincount(cell[have], weights=(cases * alike)[have], minlength=size)
        open_cases = np.bincount(cell[pending], weights=(cases * alike)[pending], minlength=size)
        enough = (known_n >= (least if depth > 1 else 1)) & (open_cases > 0)
        enough &= open_cases <= MOST_STOOD_FOR * known_cases
        more = np.divide(open_cases, known_cases, out=np.zeros(size), where=enough)
        weight += np.where(have, cases * more[cell], 0.0)
        pending &= ~enough[cell]
    return Weights(weight=weight, left=pending)


def stand_ins(
    ledger: Ledger,
    known: NDArray[np.bool_],
    group: NDArray[np.int64],
    among: NDArray[np.bool_],
    part: NDArray[np.int64] | None = None,
    hidden: NDArray[np.bool_] | None = None,
) -> Weights:
    """For how many deals does each known one stand, within outcome, group and creation period?

    Parameters
    ----------
    ledger : Ledger
    known : ndarray of bool, shape (deal_n,)
    group : ndarray of int64, shape (deal_n,)
    among : ndarray of bool, shape (deal_n,)
        Deals that are looked at; the others have weight 0.
    part : ndarray of int64, shape (deal_n,), optional
        What became of each deal at a step (0: never came to it, 1: did not go on, 2: went on), so that deals without a
        date are stood for by those to which the same happened: of lost deals without a history only the ones that never
        left their first stage are dated, and they tell nothing of the others.
    hidden : ndarray of bool, shape (deal_n,), optional
        Of which this is not known: they first hand their case on to all of whom it is.

    Notes
    -----
    Checked against floors in which all or some lost (won) deals lack their history but not their last stage
    (``tests/truth/test_missing.py``).
    """
    weight, left = np.zeros(len(known)), np.zeros(len(known), bool)
    some = np.flatnonzero(among)
    if known[some].all():
        weight[some] = 1.0
        return Weights(weight=weight, left=left)
    created_s = ledger.created_s[some]
    period = np.where(created_s == UNKNOWN, -1, (ledger.as_of_s - created_s) // PERIOD_S)
    place = ledger.outcome[some].astype(np.int64) + 4 * group[some]
    if part is None or hidden is None:
        found = class_weights(known[some], [place, period])
    else:
        seen = ~hidden[some]
        first = class_weights(seen, [place, period])
        found = class_weights(known[some] & seen, [place * 3 + part[some], period], stands=first.weight)
        found = Weights(weight=found.weight, left=found.left | first.left)
    weight[some], left[some] = found.weight, found.left
    return Weights(weight=weight, left=left)


def before_records(
    ledger: Ledger, group: Grouping, counts: StageCounts, hidden: NDArray[np.bool_]
) -> BeforeRecords | None:
    """Return the deals that came into each stage before the records begin: older ones up to their first dated entry."""
    older = ledger.is_true("moves_before_records") & ~hidden
    if not older.any():
        return None
    code = np.zeros(len(older), np.int64) if group.code is None else group.code.astype(np.int64)
    groups, positions = counts.reached_n.shape
    amount, valid = np.where(ledger.amount >= 0, ledger.amount, 0.0), ledger.amount >= 0
    furthest, outcome = ledger.furthest, ledger.outcome
    made = {field.name: np.zeros_like(getattr(counts, field.name)) for field in fields(BeforeRecords)}
    for k in range(positions):
        mine = older & (furthest >= k) & ((k == 0) | (ledger.reached_s[:, k] == UNKNOWN))
        on, ended = mine & (furthest > k), mine & (furthest == k)
        parts = {
            "reached": mine,
            "advanced": on,
            "here": ended & (outcome < LOST_DEAL),
            "lost": ended & (outcome == LOST_DEAL),
            "left": ended & (outcome == LEFT_DEAL),
        }
        for name, some in parts.items():
            made[f"{name}_n"][:, k] = np.bincount(code[some], minlength=groups)
            made[f"{name}_amount"][:, k] = np.bincount(code[some], amount[some], minlength=groups)
        decided = on | parts["lost"]
        made["reached_amount_n"][:, k] = np.bincount(code[mine & valid], minlength=groups)
        made["reached_amount_sq"][:, k] = np.bincount(code[mine], amount[mine] ** 2, minlength=groups)
        made["decided_amount_sq"][:, k] = np.bincount(code[decided], amount[decided] ** 2, minlength=groups)
    return BeforeRecords(**made)


def clusters(ledger: Ledger, name: str = "account_id") -> NDArray[np.int32] | None:
    """Which deals are of one account? None where hardly any two are.

    Returns
    -------
    ndarray of int32, shape (deal_n,), or None
        Numbers from 0, at most :data:`MOST_CLUSTERS` of them: the largest accounts have one each, the others are dealt
        out in turn. Deals without an account are accounts of their own.
    """
    coded = ledger.attributes.get(name)
    if coded is None or not len(coded.codes):
        return None
    known = _LATEST.get(name)
    if known is None or known[0]() is not coded.codes:  # each step of one ledger asks again
        known = _LATEST[name] = weakref.ref(coded.codes), _dealt_out(coded)
    return known[1]


_LATEST: dict[str, tuple[weakref.ref[Any], NDArray[np.int32] | None]] = {}
"""The accounts of the ledger asked for last, by attribute, for as long as it lives."""


def _dealt_out(coded: Codes) -> NDArray[np.int32] | None:
    """Return the number of each deal's account, as :func:`clusters` says."""
    sizes = np.bincount(coded.codes, minlength=len(coded.labels))
    nobody = np.array([label == "" for label in coded.labels])
    code = coded.codes.astype(np.int64)
    if not (sizes[~nobody] > 1).any():
        return None
    single = nobody[code]
    code[single] = len(sizes) + np.arange(int(single.sum()))
    sizes = np.bincount(code)
    order = np.argsort(-sizes, kind="stable")
    place = np.empty(len(sizes), np.int64)
    place[order] = np.arange(len(sizes))
    several = int((sizes > 0).sum())
    if several > MOST_CLUSTERS:
        alone = MOST_CLUSTERS // 4
        place = np.where(place < alone, place, alone + (place - alone) % (MOST_CLUSTERS - alone))
    found: NDArray[np.int32] = place[code].astype(np.int32)
    return found
