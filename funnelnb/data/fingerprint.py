"""Is the content still the same? One hash over everything that a number can depend on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from funnelnb.data.book import Book

_FORMAT = b"funnelnb-book-1"


def fingerprint_of(book: Book) -> str:
    """What is the hash of a book's content?

    Parameters
    ----------
    book : Book
        Its `name` and `notes` do not count.

    Returns
    -------
    str
        32 hexadecimal digits over tables (values, column names, row order), stages, as-of date, currency,
        `observed_from`, time zone and calendars. Equal for equal content, whichever file or frame it came from.
    """
    digest = hashlib.blake2b(_FORMAT, digest_size=16)
    stages = (book.playbook.id, *book.playbook.stage_ids, book.playbook.won)
    facts = (*stages, book.as_of, book.currency, book.observed_from)
    digest.update(repr([str(fact) for fact in facts]).encode())
    for name, one in sorted(book.calendars.items()):
        digest.update(repr((name, one.weekend, one.holidays, one.workdays)).encode())
    digest.update(book.timezone.encode())
    for name in sorted(book.tables):
        frame = book.tables[name]
        digest.update(f"\0{name}\0{len(frame)}".encode())
        for column in sorted(map(str, frame.columns)):
            digest.update(f"\0{column}\0{frame[column].dtype}\0".encode())
            _update(digest, frame[column])
    return digest.hexdigest()


def _update(digest: Any, values: pd.Series) -> None:
    """Feed one column to the digest, missing values in one form."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    if values.dtype == "str":
        array = pa.array(values.array, type=pa.large_string())
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        digest.update(np.ascontiguousarray(pc.is_null(array).to_numpy(zero_copy_only=False)))
        filled = pc.fill_null(array, "")
        _, offset_buffer, data = filled.buffers()
        offsets = np.frombuffer(offset_buffer, dtype="int64")[filled.offset : filled.offset + len(filled) + 1]
        digest.update(np.diff(offsets))
        if len(filled) and data is not None:
            digest.update(memoryview(data)[offsets[0] : offsets[-1]])
    elif pd.api.types.is_float_dtype(values.dtype):
        numbers = values.to_numpy(dtype="float64")
        digest.update(np.ascontiguousarray(np.where(np.isnan(numbers), np.nan, numbers + 0.0)))
    elif pd.api.types.is_datetime64_dtype(values.dtype):
        digest.update(np.ascontiguousarray(values.to_numpy().astype("datetime64[us]").view("int64")))
    else:
        digest.update(repr(values.astype("object").where(values.notna(), None).tolist()).encode())
