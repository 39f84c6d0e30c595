"""Are the groups that are compared made of whole owners, as regions and teams are? Then their deals are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from funnelnb.data.ledger.ledger import Ledger

Ints = NDArray[np.int64]

NESTED = 0.9
"""Owners count where at least this share of the deals lies in their owner's own group."""
TEAMS = ("region", "team", "segment", "product", "source", "customer_type")
"""Comparisons in which the deals of one owner count as alike."""


def home_share(own: Ints, mine: Ints) -> float:
    """Return the share of deals that lie in the group in which their owner has most.

    Parameters
    ----------
    own, mine : ndarray of int64, shape (N,)
        Owner and group of each deal.

    Examples
    --------
    >>> home_share(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]))
    0.75
    """
    pairs, n = np.unique(own * (int(mine.max(initial=0)) + 1) + mine, return_counts=True)
    most = np.zeros(int(own.max(initial=0)) + 1)
    np.maximum.at(most, pairs // (int(mine.max(initial=0)) + 1), n)
    return float(most.sum() / max(n.sum(), 1))


def owners_count(ledger: Ledger, by: tuple[str, ...]) -> bool:
    """Whether deals of one owner count as alike where the groups `by` are compared."""
    owners = ledger.attributes.get("owner")
    if owners is None or len(by) != 1 or by[0] not in TEAMS or by[0] not in ledger.attributes:
        return False
    if len(owners.labels) < 2 or not len(owners.codes):
        return False
    return (
        home_share(owners.codes.astype(np.int64), ledger.attributes[by[0]].codes.astype(np.int64)) >= NESTED
    )
