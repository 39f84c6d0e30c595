"""Long arrays a block at a time, so that what a step needs stays in the processor's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

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
