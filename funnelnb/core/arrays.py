"""Long arrays: a block at a time, so that it stays in the processor's cache, and on all cores at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


# ---- Long arrays a block at a time, so that what a step needs stays in the processor's cache ---------------

Floats = NDArray[np.float64]
BLOCK = 1 << 14


def blocks(size: int) -> Iterator[slice]:
    """Yield slices that cover `size` rows, one after the other.

    Examples
    --------
    >>> list(blocks(20_000))
    [slice(0, 16384, None), slice(16384, 32768, None)]
    """
    for start in range(0, size, BLOCK):
        yield slice(start, start + BLOCK)


class Running:
    """Sums and products along the last axis that go on from block to block.

    Examples
    --------
    >>> running = Running()
    >>> [running.sum("n", np.array(block)).tolist() for block in ([1.0, 2.0], [3.0, 4.0])]
    [[1.0, 3.0], [6.0, 10.0]]
    """

    def __init__(self) -> None:
        self._last: dict[str, Any] = {}

    def sum(self, name: str, values: Floats) -> Floats:
        """Return the sums so far of `values`, which are overwritten."""
        values[..., 0] += self._last.get(name, 0.0)
        np.add.accumulate(values, axis=-1, out=values)
        self._last[name] = values[..., -1].copy()
        return values

    def product(self, name: str, values: Floats) -> Floats:
        """Return the products so far of `values`, which are overwritten."""
        values[..., 0] *= self._last.get(name, 1.0)
        np.multiply.accumulate(values, axis=-1, out=values)
        self._last[name] = values[..., -1].copy()
        return values

    def last(self, name: str, start: float) -> Any:
        """Return where the sum or product stands: `start` before the first block."""
        return self._last.get(name, start)


# ---- Array work on all cores: NumPy gives the interpreter free while it computes ---------------------------

T = TypeVar("T")
R = TypeVar("R")

_MOST = 4


def workers() -> int:
    """Return how many threads are worth starting: the cores this process may use, at most four."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST)


def each(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Return what `work` gives for each of `items`, in their order; several at a time if there are several."""
    count = min(workers(), len(items))
    if count < 2:
        return [work(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, items))


# ---- Numbers of days and months to add to dates: NumPy gives up taking bare integers for them --------------


def in_days(n: Any) -> Any:
    """Return a number of days, or an array of them, as a span of time.

    Examples
    --------
    >>> str(np.datetime64("2026-01-31") + in_days(1))
    '2026-02-01'
    """
    return np.asarray(n).astype("timedelta64[D]")


def in_months(n: Any) -> Any:
    """Return a number of months, or an array of them, as a span of time.

    Examples
    --------
    >>> str(np.datetime64("2026-01", "M") + in_months(12))
    '2027-01'
    """
    return np.asarray(n).astype("timedelta64[M]")
