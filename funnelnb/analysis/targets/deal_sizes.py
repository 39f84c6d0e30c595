"""How large are the deals that were won, and into which bands of size do deals fall?"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared.counts import grouping
from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LOST_DEAL, WON_DEAL
from funnelnb.stats.rates.proportion import wilson
from funnelnb.stats.totals.size import Size, between, points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.data.book import Book


# ---- How large were the deals that were won? Measured sizes, by an attribute or by bands of the amount -----

Floats = NDArray[np.float64]

FEW_N = 5
"""With fewer measured deals than this a group takes the sizes of the whole."""


def won_amounts(book: Book) -> tuple[Floats, NDArray[np.int64]]:
    """Return the amounts above 0 of the won deals, and their numbers in the ledger.

    Raises
    ------
    MissingDataError
        No won deal has an amount.
    """
    ledger = book.ledger
    index = np.flatnonzero((ledger.outcome == WON_DEAL) & (ledger.amount > 0))
    if not index.size:
        raise MissingDataError(
            "no won deal has an amount, so nothing is known of the size of deals",
            expected="won deals with an amount",
            hint="give the history yourself: fn.targets.deal_mix(counts=..., bands=..., means=...)",
        )
    return ledger.amount[index], index


def labels_of(book: Book, by: str, index: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the value of the attribute `by` of the deals numbered `index`."""
    coded = book.ledger.attributes[by]
    return np.array(coded.labels, dtype=object)[coded.codes[index]]


def decided_amounts(book: Book) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the amounts above 0 of all decided deals, and which of them were won."""
    ledger = book.ledger
    known = np.isin(ledger.outcome, (WON_DEAL, LOST_DEAL)) & (ledger.amount > 0)
    return ledger.amount[known], ledger.outcome[known] == WON_DEAL


def closed_between(book: Book, start: np.datetime64) -> float:
    """Return the amount won from the day `start` to the as-of date."""
    return float(np.nansum(book.ledger.amount[_won_since(book, start)]))


def won_between(book: Book, start: np.datetime64) -> int:
    """Return the number of deals won from the day `start` to the as-of date."""
    return int(_won_since(book, start).sum())


def _won_since(book: Book, start: np.datetime64) -> NDArray[np.bool_]:
    ledger = book.ledger
    first = start.astype("datetime64[s]").astype(np.int64)
    return np.asarray(
        (ledger.outcome == WON_DEAL) & (ledger.closed_s != UNKNOWN) & (ledger.closed_s >= first)
    )


# ---- Into which bands of size do deals fall, how often, and how large are they there? ----------------------

OPEN_BAND_FACTOR = 1.5
"""Without any measured or given average, deals of an open top band average so many times its lower bound."""
QUARTERS = (0.25, 0.5, 0.75)
"""Without bands named, measured deals are cut at these quantiles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One band of deal sizes.

    Attributes
    ----------
    band : str
        Value of the attribute, or empty where the bounds say it.
    lower_amount, upper_amount : float
        Bounds; `upper_amount` is infinite for the open top band, both NaN for bands of an attribute.
    history_n : int
        Won deals.
    history_share, history_ci_lower, history_ci_upper : float
        Their share with its interval; NaN without history.
    mean_amount : float
    measured : bool
        False where sizes inside the band are assumed, not known.
    leads_n : float
        Decided deals per won one in the band; NaN where lost deals have no amount.
    size : Size
        Distribution inside the band.
    """

    band: str
    lower_amount: float
    upper_amount: float
    history_n: int
    history_share: float
    history_ci_lower: float
    history_ci_upper: float
    mean_amount: float
    measured: bool
    leads_n: float
    size: Size


def given_bands(
    edges: Sequence[float], counts: Sequence[float], means: Sequence[float] | None, confidence_level: float
) -> tuple[tuple[Band, ...], tuple[Note, ...]]:
    """Return the bands of a history that is given as counts, even inside each band unless its mean is given."""
    bounds = _bounds(edges)
    numbers = [check.number(f"counts[{place}]", count, ge=0) for place, count in enumerate(counts)]
    if len(numbers) == len(bounds) and 0 < sum(numbers) < 1 + 1e-6 and any(n != int(n) for n in numbers):
        raise ParameterError(
            f"counts add to {sum(numbers):g}",
            expected="numbers of deals, not shares",
            hint="give counts of deals",
        )
    _one_each("counts", counts, bounds)
    if means is not None:
        _one_each("means", means, bounds)
    if not sum(numbers) > 0:
        raise ParameterError("counts are all 0", expected="at least one deal")
    lower, upper = wilson(numbers, np.full(len(numbers), sum(numbers)), confidence_level)
    bands = []
    for place, (low, high) in enumerate(bounds):
        size = _assumed(low, high, None if means is None else float(means[place]), place)
        bands.append(
            Band(
                band="",
                lower_amount=low,
                upper_amount=high,
                history_n=int(numbers[place]),
                history_share=numbers[place] / sum(numbers),
                history_ci_lower=float(lower[place]),
                history_ci_upper=float(upper[place]),
                mean_amount=size.mean,
                measured=False,
                leads_n=np.nan,
                size=size,
            )
        )
    notes = [Note("mix_sizes_assumed", {"bands_n": len(bands)})]
    if means is None:
        notes.append(Note("mix_open_band_assumed", {"mean_amount": bands[-1].mean_amount}))
    return tuple(bands), (*notes, *_empty(bands))


def _bounds(edges: Sequence[float]) -> list[tuple[float, float]]:
    inner = [check.number(f"bands[{place}]", edge, gt=0, lt=np.inf) for place, edge in enumerate(edges)]
    if not inner or any(b <= a for a, b in itertools.pairwise(inner)):
        raise ParameterError(
            f"bands = {list(edges)}",
            expected="rising amounts at which bands meet, such as [10_000, 30_000, 50_000]",
        )
    return list(zip([0.0, *inner], [*inner, np.inf], strict=True))


def _one_each(name: str, values: Sequence[float], bounds: list[tuple[float, float]]) -> None:
    if len(values) != len(bounds):
        raise ParameterError(
            f"{name} has {len(values)} values for {len(bounds)} bands",
            expected=f"one per band: the last band, above {bounds[-1][0]:g}, is open",
        )


def _assumed(low: float, high: float, mean: float | None, place: int) -> Size:
    """Return an even size between the bounds with the mean given; an open band ends as far above its mean.

    A mean that is the lower bound says that all deals of the band have this amount.
    """
    if mean is not None:
        check.number(f"means[{place}]", mean, ge=low, lt=high)
        if mean == low:
            return points([low])
    if np.isfinite(high):
        return between(low, high, mean)
    middle = OPEN_BAND_FACTOR * low if mean is None else mean
    return between(low, 2 * middle - low)


def measured_bands(
    book: Book, bands: str | Sequence[float] | None, confidence_level: float
) -> tuple[tuple[Band, ...], tuple[Note, ...]]:
    """Return the bands of the deals won in a book: by an attribute, by bounds, or by quarters of the history."""
    amounts, index = won_amounts(book)
    decided, won = decided_amounts(book)
    if isinstance(bands, str):
        return _by_attribute(book, bands, amounts, index, confidence_level)
    if bands is None:
        cuts = sorted({_round(cut) for cut in np.quantile(amounts, QUARTERS)} - {0.0})
        bands = cuts or [float(np.median(amounts))]
    bounds = _bounds(bands)
    found = []
    for low, high in bounds:
        mine = amounts[(amounts >= low) & (amounts < high)]
        inside = (decided >= low) & (decided < high)
        leads = inside.sum() / won[inside].sum() if won[inside].any() and not won.all() else np.nan
        found.append((("", low, high), mine, float(leads)))
    return _bands(found, len(amounts), confidence_level)


def _round(value: float) -> float:
    """Return `value` to two digits, so that bands have readable bounds."""
    if value <= 0:
        return 0.0
    unit = 10 ** (np.floor(np.log10(value)) - 1)
    return float(np.rint(value / unit) * unit)


def _by_attribute(
    book: Book, by: str, amounts: NDArray[np.float64], index: NDArray[np.int64], confidence_level: float
) -> tuple[tuple[Band, ...], tuple[Note, ...]]:
    grouping(book, by)
    values = labels_of(book, by, index)
    ledger = book.ledger
    every = labels_of(book, by, np.arange(len(ledger.outcome)))
    found = []
    for name in ledger.attributes[by].labels:
        decided = np.isin(ledger.outcome[every == name], (1, 2)).sum()
        won = (ledger.outcome[every == name] == 1).sum()
        found.append(
            ((name, np.nan, np.nan), amounts[values == name], float(decided / won) if won else np.nan)
        )
    return _bands(found, len(amounts), confidence_level)


def _bands(
    found: list[tuple[tuple[str, float, float], NDArray[np.float64], float]],
    total: int,
    confidence_level: float,
) -> tuple[tuple[Band, ...], tuple[Note, ...]]:
    numbers = np.array([len(mine) for _, mine, _ in found])
    lower, upper = wilson(numbers, np.full(len(numbers), total), confidence_level)
    bands, assumed = [], []
    for place, ((name, low, high), mine, leads) in enumerate(found):
        if len(mine) == 0 and not np.isfinite(low):
            continue
        size = points(mine) if len(mine) else _assumed(low, high, None, place)
        if not len(mine):
            assumed.append(place)
        bands.append(
            Band(
                band=name,
                lower_amount=low,
                upper_amount=high,
                history_n=len(mine),
                history_share=len(mine) / total,
                history_ci_lower=float(lower[place]),
                history_ci_upper=float(upper[place]),
                mean_amount=size.mean,
                measured=bool(len(mine)),
                leads_n=leads,
                size=size,
            )
        )
    notes: tuple[Note, ...] = ()
    if assumed:
        notes = (Note("mix_sizes_assumed", {"bands_n": len(assumed)}),)
    few = [band for band in bands if 0 < band.history_n < FEW_N]
    if few:
        notes += (Note("mix_few_sizes", {"bands_n": len(few), "min_n": FEW_N}),)
    return tuple(bands), notes + _empty(bands)


def _empty(bands: Sequence[Band]) -> tuple[Note, ...]:
    """Return a note on bands without history: none of their deals is expected unless a plan asks for them."""
    count = sum(band.history_n == 0 for band in bands)
    return (Note("mix_band_without_history", {"bands_n": count}),) if count else ()
