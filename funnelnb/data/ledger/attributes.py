"""Attributes of deals, dictionary-coded on first use: a slider does not pay for columns it does not need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.data.ledger.codes import Codes

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Attributes(Mapping[str, Codes]):
    """A mapping of attribute name to :class:`~funnelnb.data.ledger.ledger.Codes`, each coded on first use.

    Parameters
    ----------
    makers : Mapping of str to callable
        For each attribute a function without arguments that returns its codes.
    """

    __slots__ = ("_made", "_makers")

    def __init__(self, makers: Mapping[str, Callable[[], Codes]]) -> None:
        self._makers = dict(makers)
        self._made: dict[str, Codes] = {}

    def __getitem__(self, name: str) -> Codes:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    @classmethod
    def of(cls, parent: Mapping[str, Codes], keep: NDArray[Any]) -> Attributes:
        """Return the attributes of those deals of `parent` that `keep` (mask or positions) selects."""
        return cls({name: partial(_selected, parent, name, keep) for name in parent})


def _selected(parent: Mapping[str, Codes], name: str, keep: NDArray[Any]) -> Codes:
    whole = parent[name]
    return compact(whole.codes[keep], whole.labels, whole.name)


def compact(codes: NDArray[Any], labels: tuple[str, ...], name: str = "") -> Codes:
    """Return `codes` with the labels that no deal has left out (labels keep their order)."""
    used = np.flatnonzero(np.bincount(codes, minlength=len(labels)))
    table = np.zeros(len(labels), np.int32)
    table[used] = np.arange(len(used), dtype=np.int32)
    return Codes(codes=table[codes], labels=tuple(labels[k] for k in used), name=name)


class Ids:
    """The ids of deals, made into Python texts when somebody asks for them: a million of them take 60 MB.

    Parameters
    ----------
    column : pyarrow.Array
    """

    __slots__ = ("_column", "_texts")

    def __init__(self, column: Any) -> None:
        self._column = column
        self._texts: NDArray[np.object_] | None = None

    @property
    def texts(self) -> NDArray[np.object_]:
        """The ids as an ndarray of str."""
        import pyarrow as pa

        if self._texts is None:
            self._texts = self._column.cast(pa.large_string()).to_numpy(zero_copy_only=False)
        return self._texts

    def of(self, keep: NDArray[np.bool_]) -> Ids:
        """Return the ids of those deals that `keep` marks."""
        import pyarrow as pa

        return Ids(self._column.filter(pa.array(keep)))


def code(column: Any, name: str = "") -> Codes:
    """Return the codes of an Arrow `column` of any type; a missing value is the empty string."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = unchunked(column)
    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    encoded = pc.fill_null(column, "").dictionary_encode()
    texts = np.array(encoded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(texts, kind="stable")
    table = np.empty(len(texts), np.int32)
    table[order] = np.arange(len(texts), dtype=np.int32)
    found = encoded.indices.to_numpy(zero_copy_only=False)
    return Codes(codes=table[found], labels=tuple(texts[order]), name=name)


def unchunked(column: Any) -> Any:
    """Return an Arrow column as one array of plain values."""
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return plain(column)


def plain(column: Any) -> Any:
    """Return an Arrow column, chunked or not, with its values themselves instead of a dictionary of them."""
    import pyarrow as pa

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
