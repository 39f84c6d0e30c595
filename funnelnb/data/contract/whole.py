"""What a whole table decides, while it is read in parts: every part is read as all of them together say.

Some things no row tells alone: whether the day or the month comes first, which sign is the decimal one, whether closes
fall on whole days. Where a table is read at once, all its rows decide. Where it is read in parts, each part adds what
it tells, and is read as the parts of the round before decided together; the parts are read again until a round tells
what it was read with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MOST_WITNESSES = 100_000
"""So many different texts that tell how a column is read are remembered; more of them change nothing."""


@dataclass(slots=True)
class Whole:
    """What the parts of a table tell, and what they are read with.

    Attributes
    ----------
    known : dict
        What all parts told in the round before; empty in the first one.
    found : dict
        What the parts of this round have told.

    Examples
    --------
    >>> whole = Whole()
    >>> [whole.settle("dated", part, any_of) for part in (False, True)]
    [False, True]
    >>> again = Whole(known=whole.found)
    >>> [again.settle("dated", part, any_of) for part in (False, True)], whole.changed(), again.changed()
    ([True, True], ['dated'], [])
    """

    known: dict[Hashable, Any] = field(default_factory=dict)
    found: dict[Hashable, Any] = field(default_factory=dict)
    _decide: dict[Hashable, Callable[[Any], Any]] = field(default_factory=dict)

    def settle(
        self,
        name: Hashable,
        here: Any,
        merge: Callable[[Any, Any], Any],
        decide: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Add what a part tells under a name, and return what is decided by what all parts told.

        Parameters
        ----------
        name : hashable
        here : any
            What this part tells.
        merge : callable
            Of what two parts tell, what they tell together.
        decide : callable, optional
            What follows from it; by default it itself.
        """
        self.found[name] = merge(self.found[name], here) if name in self.found else here
        decide = decide or _same
        self._decide[name] = decide
        return decide(self.known.get(name, here))

    def changed(self) -> list[Hashable]:
        """Return the names of what this round has told otherwise than it was read with."""
        return [
            name
            for name, decide in self._decide.items()
            if name not in self.known or decide(self.known[name]) != decide(self.found[name])
        ]


def over_all(
    whole: Whole | None,
    name: Hashable,
    here: Any,
    merge: Callable[[Any, Any], Any],
    decide: Callable[[Any], Any] | None = None,
) -> Any:
    """Return what is decided over a whole table: by what is `here` alone, or with its other parts."""
    if whole is None:
        return here if decide is None else decide(here)
    return whole.settle(name, here, merge, decide)


def any_of(one: Any, other: Any) -> bool:
    """Return whether either part says so."""
    return bool(one) or bool(other)


def all_of(one: Any, other: Any) -> bool:
    """Return whether both parts say so."""
    return bool(one) and bool(other)


def latest(one: Any, other: Any) -> Any:
    """Return the later of two moments; None where neither part knows one."""
    return other if one is None else one if other is None else max(one, other)


def sums(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    """Add up numbers; of texts the first that is there counts, of dicts and sets what stands in either."""
    return tuple(_sum(mine, yours) for mine, yours in zip(one, other, strict=True))


def _sum(mine: Any, yours: Any) -> Any:
    if isinstance(mine, str):
        return mine or yours
    if isinstance(mine, dict | frozenset):
        return mine if len(mine) >= MOST_WITNESSES or not yours else mine | yours
    return mine + yours


def _same(here: Any) -> Any:
    return here
