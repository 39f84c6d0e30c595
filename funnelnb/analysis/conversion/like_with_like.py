"""Which deals of a group are compared with which of the others, and how alike are deals of one account?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared.alike import NESTED, TEAMS, home_share
from funnelnb.analysis.shared.cases import cases_of
from funnelnb.core.errors import MissingDataError, ParameterError, nearest
from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.count.groups import grouping as groups_of
from funnelnb.data.ledger.codes import LOST_DEAL, OPEN_DEAL, WON_DEAL
from funnelnb.stats.rates.afterwards import comes_with_outcome, comes_with_time
from funnelnb.stats.rates.clustered import student_quantile
from funnelnb.stats.rates.compare import benjamini_hochberg
from funnelnb.stats.rates.proportion import normal_quantile
from funnelnb.stats.rates.stratified import Within, cluster_df, cluster_factor, compared_within, intra_cluster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.data.ledger.ledger import Ledger

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AUTO = "auto"
CANDIDATES = ("region", "segment", "customer_type", "product")
"""What deals are held alike in, where it is known at their entry."""
SIZE, SIZE_CLASSES = "amount", 3
MOST_LEVELS, LEAST_PER_STRATUM = 40, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LikeWithLike:
    """Closed deals of G groups in strata, and what their accounts mean for the certainty.

    Attributes
    ----------
    names : tuple of str
        What the strata are made of; empty: all deals are compared.
    within : Within or None
        The comparison within strata; None where there are none.
    factor : ndarray of float64, shape (G,)
        By how much accounts (and owners) widen the variance of each group.
    beyond_accounts : ndarray of float64, shape (G,)
        By how much owners widen it beyond what accounts do; 1 where owners do not count.
    df : float
        Degrees of freedom of that variance; infinite where no deals are alike.
    clustered : tuple of (str, float, int)
        What makes deals alike (``account_id``, ``owner``), by how much it widens the variance of a group at most, and
        how many of them there are.
    """

    names: tuple[str, ...]
    within: Within | None
    factor: Floats
    beyond_accounts: Floats
    df: float = np.inf
    clustered: tuple[tuple[str, float, int], ...] = ()


def like_with_like(
    ledger: Ledger,
    by: tuple[str, ...],
    origin: int,
    adjust_for: str | Sequence[str] | None,
    level: float,
    days: float | None = None,
) -> LikeWithLike:
    """Return how the groups `by` compare with others of their own kind.

    Parameters
    ----------
    ledger : Ledger
    by : tuple of str
    origin : int
        Only deals that reached this stage.
    adjust_for : {"auto"}, sequence of str or None
        Attributes held alike; ``"amount"``: three classes of size. None: nothing.
    level : float
        Confidence level.
    days : float, optional
        Compare the share won within so many days of reaching `origin`: deals whose state by then is known stand for
        those watched less long (inverse probability of censoring), and unequal weights widen the variance (Kish). None:
        closed deals, whatever their age.

    Raises
    ------
    ParameterError, MissingDataError
        An attribute to adjust for is one of `by`, or the deals have it not.
    """
    group = groups_of(ledger, by)
    closed, success, weight = _looked_at(ledger, origin, days)
    code = np.zeros(len(closed), np.int64) if group.code is None else group.code.astype(np.int64)
    names = _asked(ledger, by, adjust_for)
    strata, used = _strata(ledger, by, names, closed, automatic=adjust_for == AUTO)
    won, w = success[closed], weight[closed]
    mine, cell = code[closed], strata[closed]
    found = _clusters(ledger, by, (closed, won, mine, cell), len(group.groups))
    factor, df = found.factor * _unequal(w, mine, len(group.groups)), found.df
    within = None
    if used:
        shape = (int(cell.max(initial=0)) + 1, len(group.groups))
        place = cell * shape[1] + mine
        n = np.bincount(place, weights=w, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
        k = (
            np.bincount(place, weights=won * w, minlength=shape[0] * shape[1])
            .reshape(shape)
            .astype(np.float64)
        )
        within = _one_by_one(k, n, factor, level, df)
    spare, spare_accounts = (_spare(one, level) for one in (df, found.accounts_df))
    return LikeWithLike(
        names=used,
        within=within,
        factor=factor * spare,
        beyond_accounts=found.factor * spare / (found.accounts * spare_accounts),
        df=df,
        clustered=found.clustered,
    )


def _spare(df: float, level: float) -> float:
    """Return by how much few clusters widen the variance."""
    return float(student_quantile(level, df) / normal_quantile(level)) ** 2


def _looked_at(ledger: Ledger, origin: int, days: float | None) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Return which deals are compared, which of them count as won, and for how many each stands."""
    if days is None:
        closed = np.isin(ledger.outcome, (WON_DEAL, LOST_DEAL)) & (ledger.furthest >= origin)
        return closed, (ledger.outcome == WON_DEAL).astype(float), np.ones(len(closed))
    cases = cases_of(ledger, ledger.reached_s[:, origin], ledger.as_of_s, days)
    known, won, weight = (np.zeros(len(ledger.outcome)) for _ in range(3))
    known[cases.rows], won[cases.rows], weight[cases.rows] = 1.0, cases.won, cases.weight
    return known > 0, won, weight


def _unequal(weight: Floats, mine: Ints, groups: int) -> Floats:
    """Return by how much unequal weights widen the variance of each group: sum w^2 / sum w, 1 for weights of 1."""
    total, squares = (np.bincount(mine, weights=one, minlength=groups) for one in (weight, weight**2))
    return np.divide(squares, total, out=np.ones(groups), where=total > 0)


def _one_by_one(k: Floats, n: Floats, factor: Floats, level: float, df: float) -> Within:
    """Compare each group with the others of its strata, those left out that already stand apart.

    One star among six makes the other five look poor. So the group that differs most clearly is named first and then
    taken out of what the others are compared with, until nobody more stands apart.
    """
    apart: list[int] = []
    found = compared_within(k, n, factor, level, df)
    while len(apart) < n.shape[1] - 2:
        p = np.where(np.isin(np.arange(n.shape[1]), apart), 0.0, found.p_value)
        sure = np.where(benjamini_hochberg(p) <= 1 - level, p, np.nan)
        sure[apart] = np.nan
        if np.isnan(sure).all():
            break
        apart.append(int(np.nanargmin(sure)))
        inside = ~np.isin(np.arange(n.shape[1]), apart)
        again = compared_within(k * inside, n * inside, factor, level, df)
        names = ("rest_rate", "difference", "ci_lower", "ci_upper", "p_value")
        found = replace(
            found, **{one: np.where(inside, getattr(again, one), getattr(found, one)) for one in names}
        )
    return found


def _asked(ledger: Ledger, by: tuple[str, ...], adjust_for: str | Sequence[str] | None) -> tuple[str, ...]:
    if adjust_for == AUTO:
        return (*(name for name in CANDIDATES if name in ledger.attributes and name not in by), SIZE)
    names = () if adjust_for is None else (adjust_for,) if isinstance(adjust_for, str) else tuple(adjust_for)
    known = [*ledger.attributes, SIZE]
    for name in names:
        if name in by:
            others = [one for one in known if one not in by]
            raise ParameterError(
                f"adjust_for = {name!r} is what is compared",
                expected="other attributes: " + ", ".join(map(repr, others)),
                hint="leave it out, or adjust_for=None: nothing is held alike",
            )
        if name not in known:
            raise MissingDataError(
                f"adjust_for = {name!r}: the deals have no such attribute",
                expected="one of " + ", ".join(map(repr, known)),
                hint=nearest(str(name), known),
            )
    return names


def _strata(
    ledger: Ledger, by: tuple[str, ...], names: tuple[str, ...], closed: NDArray[np.bool_], *, automatic: bool
) -> tuple[Ints, tuple[str, ...]]:
    """Return the stratum of every deal and what strata are made of; attributes that split too finely are left out."""
    used: list[str] = []
    code = np.zeros(len(closed), np.int64)
    for name in names:
        own = _size_class(ledger, closed) if name == SIZE else _levels(ledger, name, automatic=automatic)
        if own is None:
            continue
        joined = np.unique(code * (int(own.max(initial=0)) + 1) + own, return_inverse=True)[1].astype(
            np.int64
        )
        count = np.unique(joined[closed]).size
        fine = count == 1 or (automatic and count * LEAST_PER_STRATUM > closed.sum())
        if not fine:
            code, used = joined, [*used, name]
    return code, tuple(used)


def _levels(ledger: Ledger, name: str, *, automatic: bool) -> Ints | None:
    coded = ledger.attributes[name]
    if automatic and (len(coded.labels) > MOST_LEVELS or known_afterwards(ledger, name)):
        return None
    return coded.codes.astype(np.int64)


def _size_class(ledger: Ledger, closed: NDArray[np.bool_]) -> Ints | None:
    """Return the class of the amount of each deal; None where amounts are hardly known or tell the outcome."""
    known = ledger.amount > 0
    if (
        not closed.any()
        or known[closed].mean() < 0.9
        or np.unique(ledger.amount[known & closed]).size < 2 * SIZE_CLASSES
    ):
        return None
    if comes_with_outcome(known, ledger.outcome):
        return None
    cuts = np.quantile(ledger.amount[known & closed], np.arange(1, SIZE_CLASSES) / SIZE_CLASSES)
    place = np.searchsorted(cuts, np.nan_to_num(ledger.amount), side="right")
    return np.where(known, place + 1, 0).astype(np.int64)


class _Clusters(NamedTuple):
    """The factor of each group and its degrees of freedom, those of accounts alone, and what makes deals alike."""

    factor: Floats
    df: float
    accounts: Floats
    accounts_df: float
    clustered: tuple[tuple[str, float, int], ...]


def _clusters(
    ledger: Ledger,
    by: tuple[str, ...],
    cells: tuple[NDArray[np.bool_], Floats, Ints, Ints],
    groups: int,
) -> _Clusters:
    """Return by how much accounts and owners widen the variance of each group."""
    closed, won, mine, cell = cells
    cell = mine * (int(cell.max(initial=0)) + 1) + cell
    names = ["account_id", *(["owner"] if set(by) & set(TEAMS) and "owner" not in by else [])]
    factor, df, used = np.ones(groups), np.inf, []
    accounts, accounts_df = factor, df
    for name in names:
        coded = ledger.attributes.get(name)
        if coded is None or name in by:
            continue
        own = coded.codes[closed].astype(np.int64)
        nobody = np.array([label == "" for label in coded.labels])[own]
        own = np.where(nobody, len(coded.labels) + np.arange(own.size), own)
        sizes = np.unique(own, return_counts=True)[1].astype(float)
        nested = (
            name != "owner" or home_share(own, mine) >= NESTED
        )  # who sells in all groups favours none of them
        if sizes.size == own.size or not nested:
            continue
        alike = intra_cluster(won, own, cell, group=mine)
        wider = cluster_factor(own, mine, groups, alike)
        if (wider > factor).any():
            df = min(df, cluster_df(own, mine, alike))
            used.append((name, float(wider.max()), sizes.size))
        factor = np.maximum(factor, wider)
        if name == "account_id":
            accounts, accounts_df = factor, df
    return _Clusters(factor, df, accounts, accounts_df, tuple(used))


def lives(ledger: Ledger) -> tuple[Floats, NDArray[np.bool_]]:
    """Return how many days each deal has been open up to now or was until it closed, and which are open."""
    end_s = np.where(ledger.outcome == OPEN_DEAL, ledger.as_of_s, ledger.closed_s)
    known = (ledger.created_s != UNKNOWN) & (end_s != UNKNOWN)
    return np.where(known, (end_s - ledger.created_s) / 86_400.0, np.nan), ledger.outcome == OPEN_DEAL


def known_afterwards(ledger: Ledger, name: str) -> tuple[str, ...]:
    """Which values of an attribute come only with time, or with the outcome?

    Returns
    -------
    tuple of str
        Such values; an empty text in it says that *having* a value comes so.
    """
    coded = ledger.attributes[name]
    life, still = lives(ledger)
    sizes = np.bincount(coded.codes, minlength=len(coded.labels))
    filled = np.array([label != "" for label in coded.labels])[coded.codes]
    found = []
    if not filled.all() and (
        comes_with_outcome(filled, ledger.outcome) or comes_with_time(filled, life, still)
    ):
        found.append("")
    if len(coded.labels) <= MOST_LEVELS:
        for code, label in enumerate(coded.labels):
            if (
                label
                and sizes[code] >= LEAST_PER_STRATUM
                and comes_with_time(coded.codes == code, life, still)
            ):
                found.append(label)
    return tuple(found)


def unfair(ledger: Ledger, by: tuple[str, ...]) -> tuple[Note, ...]:
    """Return a note for each attribute whose values come only with time or with the outcome."""
    notes: tuple[Note, ...] = ()
    for name in by:
        values = known_afterwards(ledger, name)
        if values:
            shown = ", ".join(one for one in values if one) or name
            notes += (Note("known_afterwards", {"attribute": name, "values": shown}),)
    return notes


def unfair_of(book: Any, by: tuple[str, ...]) -> tuple[Note, ...]:
    """Return the same of a book; of deals that a database counts where they lie this is not known."""
    if not by or getattr(book, "in_engine", False) or not hasattr(book, "ledger"):
        return ()
    return unfair(book.ledger, by)


def filled_afterwards(book: Any, by: tuple[str, ...]) -> bool:
    """Return whether *having* a value of one of these attributes comes with time or outcome, whatever the value.

    A value alone may be rare among young deals by chance, or because its deals are slow: that is noted, and compared.
    """
    if not by or getattr(book, "in_engine", False) or not hasattr(book, "ledger"):
        return False
    return any("" in known_afterwards(book.ledger, name) for name in by)


def notes_of(ledger: Ledger, by: tuple[str, ...], found: LikeWithLike) -> tuple[Note, ...]:
    """Return what has to be said of the comparison: what was held alike, what is known only afterwards."""
    notes = unfair(ledger, by)
    if found.names:
        notes += (Note("compared_like_with_like", {"attributes": ", ".join(found.names)}),)
    for name, factor, n in found.clustered:
        alike = round(factor, 1) > 1  # else they were allowed for, and turned out not to be alike
        if not alike and name == "account_id":
            continue
        code = (
            "deals_alike" if name == "account_id" else "deals_alike_owner" if alike else "owners_allowed_for"
        )
        notes += (Note(code, {"factor": round(factor, 1), "n": n}),)
    return notes
