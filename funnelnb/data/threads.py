"""Array work on all cores: NumPy gives the interpreter free while it computes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
