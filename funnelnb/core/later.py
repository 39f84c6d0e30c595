"""A sequence whose items are made when somebody asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Later(Sequence[T]):
    """Reads like a tuple; an item that nobody asks for is never made, and none is made twice.

    Parameters
    ----------
    makers : sequence of callable
        One for each item.

    Examples
    --------
    >>> rows = Later([lambda: 1, lambda: 2])
    >>> rows[-1], len(rows), tuple(rows), rows == (1, 2)
    (2, 2, (1, 2), True)
    """

    __slots__ = ("_made", "_makers")

    def __init__(self, makers: Sequence[Callable[[], T]]) -> None:
        self._makers = tuple(makers)
        self._made: dict[int, T] = {}

    def __len__(self) -> int:
        return len(self._makers)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[T, ...]: ...
    def __getitem__(self, place: int | slice) -> T | tuple[T, ...]:
        if isinstance(place, slice):
            return tuple(self[k] for k in range(len(self))[place])
        k = range(len(self))[place]
        if k not in self._made:
            self._made[k] = self._makers[k]()
        return self._made[k]

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, Later | tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))

    def __reduce__(self) -> tuple[type[tuple[T, ...]], tuple[tuple[T, ...]]]:
        return tuple, (tuple(self),)
