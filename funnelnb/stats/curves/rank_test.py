"""Do groups differ in how long it takes, or in how often an outcome happens?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funnelnb.core.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankTest:
    """A test of equal curves. G groups.

    Attributes
    ----------
    groups : ndarray, shape (G,)
        Values of `group`, sorted.
    observed_n, expected_n : ndarray of float64, shape (G,)
        Events, and those expected if all groups were alike.
    statistic : float
        Chi-squared; NaN when nothing can be compared.
    df : int
    p_value : float
    """

    groups: NDArray[Any]
    observed_n: Floats
    expected_n: Floats
    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stratum:
    """Counts at each distinct time, shape (G, T): at risk just before, events of the cause, other events.

    `clusters` gives the name, the same counts and the deals of each cluster alone; None: independent deals.
    """

    at_risk: Floats
    event_n: Floats
    other_n: Floats
    clusters: Callable[[], Iterator[tuple[Any, _Stratum, float]]] | None = None


def log_rank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    n: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> RankTest:
    """Do the groups take equally long? (Log-rank test for any number of groups, stratified if asked.)

    Parameters
    ----------
    time : array_like of shape (R,)
        Time to the event or the end of observation, >= 0.
    event : array_like of bool or int, shape (R,)
        True or 1: finished.
    group : array_like of shape (R,)
        What to compare.
    n : array_like of int, shape (R,), optional
        Deals behind each row. Default 1.
    entry : array_like of shape (R,), optional
        Time from which the row was under observation; at risk at t if entry < t; 0 or less: from the start.
    strata : array_like of shape (R,), optional
        Compare only within equal values of this.
    cluster : array_like of shape (R,), optional
        Account of each row: deals of one account are alike, see Notes.

    Returns
    -------
    RankTest

    Raises
    ------
    ParameterError
        If lengths differ or a value is impossible.

    Notes
    -----
    Observed minus expected events summed over times and strata, with the hypergeometric covariance ``d (Y -
    d) / (Y - 1) (diag(p) - p p')``, p = share of each group among the Y at risk. All in float64: products of
    counts do not overflow at a million rows.

    With clusters the scores are worked out again without each cluster in turn; their spread is the covariance of
    the jackknife, and the statistic is held against Hotelling's T² of so many clusters of equal weight. The larger of
    the two p-values stands: clusters never make a difference clearer than independent deals would.

    References
    ----------
    Mantel (1966), Cancer Chemother. Rep. 50, 163-170. Peto & Peto (1972), doi:10.2307/2344317. Lee, Wei & Amato
    (1992), in *Survival Analysis: State of the Art*, 237-247 (rank tests of clustered times).

    Checked against R survival 3.5-3 (``survdiff``, strata; late entry by the score test of ``coxph(ties =
    "exact")``) in ``tests/reference/rank_test.R``: ``tests/stats/test_rank_test.py``.

    Examples
    --------
    >>> found = log_rank([5, 8, 12, 20, 21, 30], [1, 1, 1, 1, 1, 0], ["a", "a", "a", "b", "b", "b"])
    >>> round(found.p_value, 3)
    0.025
    """
    groups, strata_counts = _strata(time, event, group, n, entry, strata, cluster)
    size = groups.size
    observed, expected, covariance = np.zeros(size), np.zeros(size), np.zeros((size, size))
    jackknife = _Jackknife()
    for counts in strata_counts:
        at_risk, d = counts.at_risk.sum(axis=0), counts.event_n.sum(axis=0)
        share = counts.at_risk / np.where(at_risk > 0, at_risk, 1.0)
        spread = np.where(at_risk > 1, d * (at_risk - d) / np.maximum(at_risk - 1, 1.0), 0.0)
        observed += counts.event_n.sum(axis=1)
        expected += share @ d
        covariance += np.diag(share @ spread) - (share * spread) @ share.T
        jackknife.add(counts, _log_rank_score)
    return jackknife.least_sure(_result(groups, observed, expected, covariance))


def gray(
    time: ArrayLike,
    outcome: ArrayLike,
    group: ArrayLike,
    n: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cause: int = 1,
    cluster: ArrayLike | None = None,
) -> RankTest:
    """Does one outcome happen equally often, over time, in all groups? (Gray's test of incidence.)

    Parameters
    ----------
    time : array_like of shape (R,)
        Time to the outcome or the end of observation, >= 0.
    outcome : array_like of int, shape (R,)
        0 still open (censored), otherwise what happened.
    group : array_like of shape (R,)
        What to compare.
    n : array_like of int, shape (R,), optional
        Deals behind each row. Default 1.
    strata : array_like of shape (R,), optional
        Compare only within equal values of this.
    cause : int
        The outcome whose incidence is compared; all other positive ones compete with it.
    cluster : array_like of shape (R,), optional
        Account of each row, as in :func:`log_rank`.

    Returns
    -------
    RankTest

    Raises
    ------
    ParameterError
        If lengths differ or a value is impossible.

    Notes
    -----
    A log-rank test in which those who had a competing outcome stay at risk as far as they would not have been
    censored: ``R_g = Y_g (1 - F_g) / S_g`` in place of Y. (A log-rank test on the cause's own events, the
    others censored, compares something else: the speed among those still open.) Covariance: variance of the
    linear form of the score under equal incidence, each group with its own competing outcomes and censoring.

    References
    ----------
    Gray (1988), doi:10.1214/aos/1176350951.

    Checked against R cmprsk 2.2-11 (``cuminc``) in ``tests/reference/rank_test.R``, the log-rank test (equal
    without competing outcomes) and the size of the test by simulation: ``tests/stats/test_rank_test.py``.

    Examples
    --------
    >>> found = gray([5, 8, 12, 20, 21, 30], [1, 2, 1, 2, 2, 0], ["a", "a", "a", "b", "b", "b"])
    >>> found.observed_n.tolist()
    [2.0, 0.0]
    """
    groups, strata_counts = _strata(time, outcome, group, n, None, strata, cluster, cause)
    size = groups.size
    observed, expected, covariance = np.zeros(size), np.zeros(size), np.zeros((size, size))
    jackknife = _Jackknife()
    for counts in strata_counts:
        risk, before, after = _subdistribution_risk(counts)
        total, d = risk.sum(axis=0), counts.event_n.sum(axis=0)
        share = risk / np.where(total > 0, total, 1.0)
        observed += counts.event_n.sum(axis=1)
        expected += share @ d
        covariance += _gray_covariance(counts, before, after)
        jackknife.add(counts, _gray_score)
    return jackknife.least_sure(_result(groups, observed, expected, covariance))


def _log_rank_score(counts: _Stratum) -> Floats:
    """Return observed minus expected events of each group."""
    return _score(counts, counts.at_risk)


def _gray_score(counts: _Stratum) -> Floats:
    """Return the same with those who had a competing outcome at risk."""
    return _score(counts, _subdistribution_risk(counts)[0])


def _score(counts: _Stratum, risk: Floats) -> Floats:
    total = risk.sum(axis=0)
    share = risk / np.where(total > 0, total, 1.0)
    scores: Floats = counts.event_n.sum(axis=1) - share @ counts.event_n.sum(axis=0)
    return scores


def _less(whole: Floats, part: Floats) -> Floats:
    """Return the rest; what rounding leaves of weights is nothing."""
    rest = whole - part
    return np.where(rest > 1e-9, rest, 0.0)


class _Jackknife:
    """Scores without each cluster in turn, added up over strata."""

    def __init__(self) -> None:
        self.whole: Floats = np.zeros(0)
        self.without: dict[Any, Floats] = {}
        self.sizes: dict[Any, float] = {}

    def add(self, counts: _Stratum, score: Callable[[_Stratum], Floats]) -> None:
        """Add one stratum: how far its scores move when a cluster is left out."""
        if counts.clusters is None:
            return
        whole = score(counts)
        for name, own, weight in counts.clusters():
            rest = _Stratum(
                at_risk=_less(counts.at_risk, own.at_risk),
                event_n=_less(counts.event_n, own.event_n),
                other_n=_less(counts.other_n, own.other_n),
            )
            self.without[name] = self.without.get(name, 0.0) + score(rest) - whole
            self.sizes[name] = self.sizes.get(name, 0.0) + weight

    def least_sure(self, found: RankTest) -> RankTest:
        """Return the test, or that of the clusters where it is less sure of a difference."""
        from scipy.special import fdtrc

        if len(self.without) < 2 or not found.df:
            return found
        moves = np.stack(list(self.without.values()))
        count = len(moves)
        covariance = (count - 1) / count * (moves - moves.mean(axis=0)).T @ (moves - moves.mean(axis=0))
        other = _result(found.groups, found.observed_n, found.expected_n, covariance)
        sizes = np.array(list(self.sizes.values()))
        df, freedom = other.df, float(sizes.sum() ** 2 / (sizes**2).sum()) - 1
        if freedom <= df or math.isnan(other.statistic):  # too few clusters to tell anything
            return replace(found, statistic=0.0, p_value=1.0)
        p_value = float(fdtrc(df, freedom - df + 1, other.statistic * (freedom - df + 1) / (freedom * df)))
        return found if found.p_value >= p_value else replace(other, p_value=p_value)


def _strata(
    time: ArrayLike,
    outcome: ArrayLike,
    group: ArrayLike,
    n: ArrayLike | None,
    entry: ArrayLike | None,
    strata: ArrayLike | None,
    cluster: ArrayLike | None = None,
    cause: int = 1,
) -> tuple[NDArray[Any], Iterator[_Stratum]]:
    """Return the sorted groups and the counts of each stratum, one at a time."""
    times, outcomes = (
        np.atleast_1d(np.asarray(time, dtype=float)),
        np.atleast_1d(np.asarray(outcome)).astype(int),
    )
    weights = np.ones(times.size) if n is None else np.atleast_1d(np.asarray(n, dtype=float))
    entries = np.zeros(times.size) if entry is None else np.atleast_1d(np.asarray(entry, dtype=float))
    groups, codes = np.unique(np.asarray(group), return_inverse=True)
    layers = (
        np.zeros(times.size, dtype=int)
        if strata is None
        else np.unique(np.asarray(strata), return_inverse=True)[1]
    )
    marks = None if cluster is None else np.unique(np.asarray(cluster), return_inverse=True)[1]
    sizes = {one.size for one in (times, outcomes, weights, entries, codes, layers)}
    if len(sizes | ({marks.size} if marks is not None else set())) > 1:
        raise ParameterError(
            "time, outcome, group, n, entry, strata or cluster differ in length", expected="one value per row"
        )
    if not (np.all((times >= 0) & (times < np.inf)) and np.all((weights >= 0) & (weights < np.inf))):
        raise ParameterError("a time or an n is negative or not finite", expected="finite numbers >= 0")
    if not np.all((entries <= 0) | (entries < times)):
        raise ParameterError(
            "a row ends at or before its entry", expected="entry < time, or 0 for no late entry"
        )

    def counted() -> Iterator[_Stratum]:
        for layer in range(int(layers.max(initial=-1)) + 1):
            rows = (layers == layer) & (weights > 0)
            columns = (times[rows], outcomes[rows], codes[rows], weights[rows], entries[rows])
            yield _counts(columns, groups.size, cause, None if marks is None else marks[rows])

    return groups, counted()


def _counts(
    columns: tuple[Any, ...], size: int, cause: int, cluster: NDArray[np.int_] | None = None
) -> _Stratum:
    """Count one stratum at its distinct event times: times, outcomes, groups, weights and entries of its rows."""
    time, outcome, code, weight, entry = columns
    grid = np.unique(time[outcome > 0])
    width = grid.size + 1
    gone_at = np.searchsorted(grid, time, side="right")
    come_at = np.where(entry <= 0, 0, np.searchsorted(grid, entry, side="right"))
    event_at = np.searchsorted(grid, time)

    def table(rows: NDArray[Any], position: NDArray[np.int_]) -> Floats:
        cells: Floats = np.bincount(
            code[rows] * width + position[rows], weights=weight[rows], minlength=size * width
        ).astype(float)
        return cells.reshape(size, width)

    def counted(rows: NDArray[np.int_]) -> _Stratum:
        kind = outcome[rows]
        there = np.cumsum(table(rows, come_at) - table(rows, gone_at), axis=1)
        own, other = rows[kind == cause], rows[(kind > 0) & (kind != cause)]
        return _Stratum(
            at_risk=there[:, :-1],
            event_n=table(own, event_at)[:, :-1],
            other_n=table(other, event_at)[:, :-1],
        )

    def clusters(marks: NDArray[np.int_]) -> Iterator[tuple[Any, _Stratum, float]]:
        order = np.argsort(marks, kind="stable")
        names, first = np.unique(marks[order], return_index=True)
        for name, rows in zip(names.tolist(), np.split(order, first[1:]), strict=True):
            yield name, counted(rows), float(weight[rows].sum())

    whole = counted(np.arange(time.size))
    return whole if cluster is None else replace(whole, clusters=lambda: clusters(cluster))


def _before(curve: Floats, start: float) -> Floats:
    """Return each row's value just before each time."""
    return np.concatenate((np.full((curve.shape[0], 1), start), curve[:, :-1]), axis=1)


def _subdistribution_risk(counts: _Stratum) -> tuple[Floats, Floats, Floats]:
    """Return Y (1 - F(t-)) / S(t-), S(t-) and S(t) of each group, each of shape (G, T)."""
    at_risk = np.where(counts.at_risk > 0, counts.at_risk, 1.0)
    kept: Floats = 1 - (counts.event_n + counts.other_n) / at_risk
    survival = np.multiply.accumulate(kept, axis=1)
    before = _before(survival, 1.0)
    incidence = np.cumsum(before * counts.event_n / at_risk, axis=1)
    free = 1 - _before(incidence, 0.0)
    risk = np.where(counts.at_risk > 0, counts.at_risk * free / np.where(before > 0, before, 1.0), 0.0)
    return risk, before, survival


def _gray_covariance(counts: _Stratum, before: Floats, after: Floats) -> Floats:
    """Return the covariance of Gray's scores under equal incidence, shape (G, G).

    An event at u counts by its own weight (`own`) and by how it moves all later estimates of the group's risk
    set (`later`). The common incidence is estimated with weights h = Y / S(t-); ties shrink as in sampling
    without replacement.
    """
    watched = counts.at_risk > 0
    h = np.where(watched, counts.at_risk / np.where(before > 0, before, 1.0), 0.0)
    total, d = h.sum(axis=0), counts.event_n.sum(axis=0)
    step = d / np.where(total > 0, total, 1.0)
    free = 1 - np.cumsum(step)
    free_before = np.concatenate(([1.0], free[:-1]))
    pace = step / np.where(free_before > 0, free_before, 1.0)
    share = h / np.where(total > 0, total, 1.0)
    size = h.shape[0]
    covariance = np.zeros((size, size))
    for r in range(size):
        own = h[r] * ((np.arange(size) == r)[:, None] - share)
        done = np.cumsum(own * pace, axis=1)
        later = done[:, -1:] - done
        ratio = np.divide(free, after[r], out=np.zeros_like(free), where=after[r] > 0)
        of_cause = own + (1 - ratio) * later
        of_others = ratio * later
        inverse = np.divide(1.0, h[r], out=np.zeros_like(free), where=watched[r])
        pairs, others = total * before[r], counts.other_n[r]
        tied = np.where((d > 1) & (pairs > 1), 1 - (d - 1) / np.where(pairs > 1, pairs - 1, 1.0), 1.0)
        tied_others = np.where(others > 1, 1 - (others - 1) / np.maximum(counts.at_risk[r] - 1, 1.0), 1.0)
        mass, mass_others = tied * step * inverse, tied_others * others * inverse**2
        covariance += (of_cause * mass) @ of_cause.T + (of_others * mass_others) @ of_others.T
    return covariance


def _result(groups: NDArray[Any], observed: Floats, expected: Floats, covariance: Floats) -> RankTest:
    """Return the chi-squared of observed - expected, leaving out groups that were never at risk."""
    from scipy.special import chdtrc

    used = np.flatnonzero(np.diag(covariance) > 0)
    df = max(used.size - 1, 0)
    statistic = p_value = float("nan")
    if df:
        kept = used[:-1]
        difference, block = (observed - expected)[kept], covariance[np.ix_(kept, kept)]
        rank = int(np.linalg.matrix_rank(block, hermitian=True))
        if rank == df:
            statistic = float(difference @ np.linalg.solve(block, difference))
        else:  # groups that share no stratum are not compared with one another: fewer contrasts
            df, statistic = rank, float(difference @ np.linalg.pinv(block, hermitian=True) @ difference)
        p_value = float(chdtrc(df, statistic))
    return RankTest(
        groups=groups, observed_n=observed, expected_n=expected, statistic=statistic, df=df, p_value=p_value
    )
