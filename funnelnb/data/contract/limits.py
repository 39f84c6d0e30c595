"""How large may an input be? Each limit has a default, and a line under ``[limits]`` in the settings raises it.

The limits are looked at before anything is read: a file of a few kilobytes can ask for terabytes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from funnelnb.core.errors import SourceError
from funnelnb.core.machine import free_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The largest input of each kind.

    Attributes
    ----------
    line_bytes : int
        One line of a delimited text. A text without line breaks is no table.
    columns : int
        Columns of a table.
    cells : int
        Cells of a sheet from its first corner to its last one, empty ones included.
    cell_chars : int
        Characters of one cell.
    unpacked_mb : int
        What an archive (also .xlsx, .ods, .zip, .gz) unpacks to, in MB of 10⁶ bytes.
    unpacked_times : int
        How many times its own size an archive may unpack to; looked at from 50 MB on.
    files : int
        Files in an archive.
    json_depth : int
        Records within records of JSON.
    query_s : int
        Seconds within which a database file must give the next rows of a table or view.
    settings_kb : int
        A settings file.
    memory_percent : int
        Per cent of the free memory that a delimited text may take when it is read; looked at from 100 MB on.

    Examples
    --------
    >>> Limits().refuse("columns", 12_000, "deals.csv")
    Traceback (most recent call last):
    ...
    funnelnb.core.errors.SourceError: deals.csv: 12,000 columns
      expected: at most 5,000
      remedy:   if the file is right, allow it with columns = 12000 under [limits] in funnelnb.toml
    """

    line_bytes: int = 1 << 20
    columns: int = 5_000
    cells: int = 40_000_000
    cell_chars: int = 1_000_000
    unpacked_mb: int = 2_000
    unpacked_times: int = 60
    files: int = 5_000
    json_depth: int = 50
    query_s: int = 10
    settings_kb: int = 1_000
    memory_percent: int = 100

    def refuse(self, name: str, found: int, place: str) -> None:
        """Raise SourceError if what was found is more than the limit `name` allows."""
        allowed = getattr(self, name)
        if found > allowed:
            raise SourceError(
                f"{place}: {found:,} {WORDS[name]}",
                expected=f"at most {allowed:,}",
                hint=f"if the file is right, allow it with {name} = {found} under [limits] in funnelnb.toml",
            )

    def too_slow(self, place: str) -> SourceError:
        """Return the error of a database file that gave no rows within `query_s`."""
        more = 10 * max(self.query_s, 1)
        return SourceError(
            f"{place}: no answer within {self.query_s:,} s",
            expected=f"rows within query_s = {self.query_s:,}",
            hint=f"if the file is right, allow it with query_s = {more} under [limits] in funnelnb.toml",
        )

    def fits_memory(self, size: int) -> bool:
        """Whether a delimited text of so many bytes can become a book before memory is full."""
        free = free_bytes() if size > _SMALL else 0
        return not free or size * MEMORY_TIMES * 100 <= free * self.memory_percent

    def beyond_memory(self, size: int, place: str) -> SourceError:
        """Return the error of a delimited text of so many bytes that takes more memory than there is."""
        free, need = free_bytes(), size * MEMORY_TIMES
        taken, left, more = f"{need / 1e9:,.1f}", f"{free / 1e9:,.1f}", -(-need * 100 // max(free, 1))
        return SourceError(
            f"{place}: {size / 1e6:,.0f} MB of text take about {taken} GB of memory, {left} GB are free",
            expected="a file that fits into memory",
            hint=f"funnelnb import {place} stores it as Parquet part by part, to be counted without loading it "
            '("Deals beyond memory" in docs/batch.md); or leave out columns and years; if it does fit, allow it with '
            f"memory_percent = {more} under [limits] in funnelnb.toml",
        )


MEMORY_TIMES = 4
"""So many times its size a delimited text takes while it becomes a book (3.6 times: ``benchmarks/bench_import.py``)."""

_SMALL = 100_000_000


WORDS = {
    "line_bytes": "bytes in one line",
    "columns": "columns",
    "cells": "cells from the first corner to the last",
    "cell_chars": "characters in one cell",
    "unpacked_mb": "MB when unpacked",
    "unpacked_times": "times its size when unpacked",
    "files": "files in the archive",
    "json_depth": "records within records",
    "query_s": "seconds without an answer",
    "settings_kb": "kB of settings",
    "memory_percent": "per cent of the free memory",
}
"""How a message calls what was counted."""

NAMES = tuple(one.name for one in fields(Limits))
