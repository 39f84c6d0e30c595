"""A column for every month, the stage of each deal in its cells: such a table is a history, laid out sideways."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from funnelnb.core.note import Note
from funnelnb.data.parse.values import Reading, as_text, parse
from funnelnb.data.recognise.lexicon import sense_of

if TYPE_CHECKING:
    import pandas as pd

    from funnelnb.data.read.raw import Raw

FEWEST = 3
"""So many columns are called after months or days."""

KNOWN_SHARE = 0.6
"""Share of the filled cells whose words must be known as stages or ends."""

MOST_WORDS = 40
"""With more different words in them, cells tell no stages."""

MOST_COLUMNS, MOST_ROWS = 400, 50_000
"""Larger tables are left as they are."""

DEAL, STAGE, DAY = "deal id", "stage", "entered at"
"""Columns of the history."""

_SHORT_YEAR = re.compile(r"^([^\W\d_]{3,12})\.?[\s'’/.-]*(\d{2})$")
"""A month with two digits of the year ("Jan-24"): a name and a day would not follow each other for months."""

_DIGIT = re.compile(r"\d")


def months_as_history(raw: Raw) -> Raw:
    """Which stage was each deal in, month by month, as a history with one row per change?

    Parameters
    ----------
    raw : Raw

    Returns
    -------
    Raw
        A row for each stage that a deal is first seen in, on the first day of the column's period, and a note; the
        same table where no columns are called after at least three periods, or their cells hold no stages.
    """
    import pandas as pd

    frame = raw.frame
    days = _periods([str(one) for one in frame.columns]) if len(frame) <= MOST_ROWS else {}
    if len(days) < FEWEST or not _hold_stages(frame, list(days)):
        return raw
    kept = [str(one) for one in frame.columns if one not in days]
    ids = pd.Series(range(1, len(frame) + 1), index=frame.index)
    parts = []
    before = pd.Series("", index=frame.index, dtype="str")
    for name in sorted(days, key=lambda one: days[one]):
        words = as_text(frame[name])
        new = words.notna() & (words != before)
        part = frame.loc[new, kept].copy()
        part[DEAL], part[STAGE], part[DAY] = ids[new], words[new], days[name].strftime("%Y-%m-%d")
        parts.append(part)
        before = words.where(words.notna(), before)
    whole = pd.concat(parts)
    whole.index = pd.RangeIndex(2, 2 + len(whole))
    note = Note(
        "months_read_as_history",
        {"file": raw.file, "n": len(days), "first": min(days, key=lambda one: days[one]),
         "last": max(days, key=lambda one: days[one])},
    )  # fmt: skip
    return replace(raw, frame=whole, notes=[*raw.notes, note], ragged=[], unique=set(), words={})


def _periods(names: list[str]) -> dict[str, pd.Timestamp]:
    """Return the headers that are months or days, with the first day of each."""
    import pandas as pd

    dated = [one for one in names if _DIGIT.search(one) and len(one) <= 20]
    if not FEWEST <= len(dated) <= MOST_COLUMNS:
        return {}
    cells = pd.Series([_SHORT_YEAR.sub(r"\1 20\2", one.strip()) for one in dated], dtype="str")
    parsed = parse(cells, "datetime", Reading(date_order="dmy"), {"file": "", "column": ""})
    if parsed.undecided:
        return {}
    found = {name: day for name, day in zip(dated, parsed.values, strict=True) if not pd.isna(day)}
    return found if len(set(found.values())) == len(found) else {}


def _hold_stages(frame: pd.DataFrame, columns: list[str]) -> bool:
    """Whether the cells of these columns are words for stages and ends, the same ones over and over."""
    import pandas as pd

    if any(frame[one].dtype.kind in "fiMb" for one in columns):
        filled = [one for one in columns if frame[one].notna().any()]
        if any(frame[one].dtype.kind in "fiMb" for one in filled):
            return False
    counts = pd.concat([as_text(frame[one]) for one in columns]).value_counts()
    if not 2 <= len(counts) <= MOST_WORDS:
        return False
    known = {str(word): n for word, n in counts.items() if sense_of(str(word)).meaning}
    return len(known) >= 2 and sum(known.values()) >= KNOWN_SHARE * int(counts.sum())
