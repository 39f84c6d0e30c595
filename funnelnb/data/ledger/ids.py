"""Which deal does each history row belong to? An exact hash join of ids, in NumPy.

Ids are compared as 64-bit words (text: its bytes, eight at a time, from the end), so that a lookup of
millions of rows is a handful of array passes instead of millions of string comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.arrays import each
from funnelnb.core.errors import FunnelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = list[NDArray[np.uint64]]


_LONGEST = 64
_CHUNK = 1 << 18  # rows at a time: what a chunk needs stays in the processor's cache
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing (Knuth, vol. 3, 6.4)


@dataclass(slots=True)
class IdIndex:
    """The ids of the deals, ready for lookups.

    Attributes
    ----------
    words : list of ndarray of uint64, shape (deal_n,)
        The ids as words; those that are the same for all deals are in `constant` instead.
    constant : dict of int to uint64
    table : ndarray of int32
        Open addressing: deal in each slot, -1 where free.
    shift : int
        64 - log2 of the number of slots.
    twice : int
        A deal whose id another deal has too, or -1.
    """

    words: Words
    constant: dict[int, np.uint64]
    table: NDArray[np.int32]
    shift: np.uint64
    twice: int = -1

    @classmethod
    def of(cls, words: Words) -> IdIndex:
        """Put ids given as words into a table."""
        deal_n = len(words[0])
        constant = {
            k: word[0] for k, word in enumerate(words[1:], 1) if deal_n and bool((word == word[0]).all())
        }
        words = [word for k, word in enumerate(words) if k not in constant]
        bits = max(int(2 * deal_n).bit_length(), 4)
        index = cls(words, constant, np.full(1 << bits, -1, np.int32), np.uint64(64 - bits))
        slot = _hash(words, index.shift)
        waiting = np.arange(deal_n, dtype=np.int32)
        while len(waiting):
            free = index.table[slot] < 0
            index.table[slot[free]] = waiting[free]  # of several the last one stays
            holder = index.table[slot]
            again = holder != waiting
            waiting, slot, holder = waiting[again], slot[again], holder[again]
            same = _equal(words, holder, [word[waiting] for word in words])
            if same.any():
                index.twice = int(waiting[np.argmax(same)])
                return index
            slot = (slot + 1) & (len(index.table) - 1)
        return index

    def find(self, words: Words) -> NDArray[np.int32]:
        """Return the deal of each id given as words, -1 where there is none."""
        alien = np.zeros(len(words[0]), bool)
        for k, word in self.constant.items():
            alien |= words[k] != word
        words = [word for k, word in enumerate(words) if k not in self.constant]
        slot = _hash(words, self.shift)
        found = self.table[slot]
        wrong = np.flatnonzero(~_equal(self.words, found, words))
        while len(wrong):
            missing = found[wrong] < 0
            wrong = wrong[~missing]
            slot[wrong] = (slot[wrong] + 1) & (len(self.table) - 1)
            found[wrong] = self.table[slot[wrong]]
            wrong = wrong[~_equal(self.words, found[wrong], [word[wrong] for word in words])]
        found[alien] = -1
        return found


def _hash(words: Words, shift: np.uint64) -> NDArray[np.int64]:
    mixed = words[0] * _MULTIPLIER
    for word in words[1:]:
        mixed ^= mixed >> np.uint64(29)
        mixed += word
        mixed *= _MULTIPLIER
    mixed ^= mixed >> np.uint64(32)
    mixed *= _MULTIPLIER
    mixed >>= shift
    return mixed.view(np.int64)


def _equal(words: Words, deal: NDArray[np.int32], others: Words) -> NDArray[np.bool_]:
    """Tell where the ids of `deal` are those given; a deal of -1 has none."""
    same = deal >= 0
    for word, other in zip(words, others, strict=True):
        same &= word[deal] == other if len(word) else False
    return same


def words_of(column: Any, count: int | None = None) -> Words | None:
    """Return an Arrow column of text or integers as words, the last eight bytes first.

    Parameters
    ----------
    column : pyarrow.Array
        Of a missing value the words mean nothing.
    count : int, optional
        How many words to return; None where an id needs more.

    Returns
    -------
    list of ndarray of uint64, or None
        None where an id is longer than 64 bytes, or has a zero byte.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_integer(column.type):
        column = pc.fill_null(column, 0) if column.null_count else column
        return [column.cast(pa.int64()).to_numpy(zero_copy_only=False).view(np.uint64)]
    kind = np.int64 if pa.types.is_large_string(column.type) else np.int32
    _, offsets_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offsets_buffer, kind, len(column) + 1, column.offset * np.dtype(kind).itemsize)
    begin, end = (int(offsets[0]), int(offsets[-1])) if len(column) else (0, 0)
    data = np.zeros(8 + end - begin, np.uint8)  # eight bytes in front: every word can be read whole
    if end > begin:
        data[8:] = np.frombuffer(data_buffer, np.uint8, end - begin, begin)
    length = np.diff(offsets)
    longest = int(length.max(initial=0))
    count = -(-longest // 8) or 1 if count is None else count
    if longest > min(_LONGEST, 8 * count) or not data[8:].all():  # a zero byte could pass for padding
        return None
    stops = offsets[1:] - begin  # where the last word of each id begins in `data`
    if longest and int(length.min()) == longest:
        return [_even_word(data, len(column), longest, k) for k in range(count)]
    return [_word(data, stops, length, k) for k in range(count)]


def _even_word(data: NDArray[np.uint8], id_n: int, length: int, k: int) -> NDArray[np.uint64]:
    """Return the k-th word from the end of ids that all have `length` bytes."""
    there = min(length - 8 * k, 8)
    if there <= 0:
        return np.zeros(id_n, np.uint64)
    word = np.ndarray((id_n,), "<u8", data, offset=length - 8 * k, strides=(length,))
    return word >> np.uint64(8 * (8 - there))


def _word(data: NDArray[np.uint8], stops: NDArray[Any], length: NDArray[Any], k: int) -> NDArray[np.uint64]:
    """Return the k-th word from the end of ids of any length."""
    there = np.clip(length - 8 * k, 0, 8)
    every = np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))
    word = every[np.maximum(stops - 8 * k, 0)]
    word >>= (8 * (8 - np.maximum(there, 1))).astype(np.uint64)
    word[there == 0] = 0
    return word


def deal_codes(ids: Any, row_ids: Any) -> NDArray[np.int32]:
    """Which deal does each row belong to?

    Parameters
    ----------
    ids : pyarrow.Array of text or integers
        The ids of the deals.
    row_ids : pyarrow.Array or ChunkedArray
        The ids that rows name.

    Returns
    -------
    ndarray of int32
        Position in `ids`; -1 where a row names no deal.

    Raises
    ------
    FunnelError
        Two deals have the same id.

    Notes
    -----
    Checked against: ``pyarrow.compute.index_in`` (``tests/data/test_ids.py``); four times as fast on 4 M rows.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if row_ids.type != ids.type or not _has_words(ids.type):
        ids, row_ids = ids.cast(pa.large_string()), row_ids.cast(pa.large_string())
    words = words_of(ids)
    if words is None:
        return _by_arrow(ids, row_ids)
    index = IdIndex.of(words)
    if index.twice >= 0:
        raise _twice(ids[index.twice], ids)
    code = np.empty(len(row_ids), np.int32)
    pieces = row_ids.chunks if isinstance(row_ids, pa.ChunkedArray) else [row_ids]
    offsets = np.cumsum([0, *map(len, pieces)])
    tasks = [(k, begin) for k, piece in enumerate(pieces) for begin in range(0, len(piece), _CHUNK)]

    def find(task: tuple[int, int]) -> bool:
        piece, begin = pieces[task[0]].slice(task[1], _CHUNK), offsets[task[0]] + task[1]
        some = words_of(piece, len(words))
        if some is not None:
            code[begin : begin + len(piece)] = index.find(some)
        return some is not None

    if not all(each(find, tasks)):
        return _by_arrow(ids, row_ids)
    if row_ids.null_count:
        code[pc.is_null(row_ids).to_numpy(zero_copy_only=False)] = -1
    return code


def _has_words(kind: Any) -> bool:
    import pyarrow as pa

    return pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _by_arrow(ids: Any, row_ids: Any) -> NDArray[np.int32]:
    """Do the same for ids of any kind, slower."""
    import pyarrow.compute as pc

    counts = pc.value_counts(ids)
    if len(counts) < len(ids):
        raise _twice(counts.filter(pc.greater(counts.field("counts"), 1))[0]["values"], ids)
    code = pc.fill_null(pc.index_in(row_ids, value_set=ids), -1).to_numpy(zero_copy_only=False)
    code = code.astype(np.int32)
    if row_ids.null_count:
        code[pc.is_null(row_ids).to_numpy(zero_copy_only=False)] = -1
    return code


def _twice(one: Any, ids: Any) -> FunnelError:
    import pyarrow.compute as pc

    deal_n = pc.sum(pc.equal(ids, one)).as_py()
    return FunnelError(
        f"the table opportunities has {deal_n} deals with the id {str(one)!r}",
        expected="one row per deal",
        hint="remove the duplicates, or load the data with funnelnb.load, which reports them all",
    )
