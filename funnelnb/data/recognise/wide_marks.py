"""A column for every factor of an assessment, or one for every customer: such a sheet has one row per mark."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from funnelnb.core.note import Note
from funnelnb.data.contract.tables import FACTOR_WORDS
from funnelnb.data.parse.values import as_text
from funnelnb.data.recognise.lexicon import header_scores
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    import pandas as pd

    from funnelnb.data.read.raw import Raw

FEWEST = 4
"""So many factors must be named; fewer may be columns of something else."""

NAMED = 0.65
"""Score from which on a header names a column of deals."""

MOST_KEPT = 4
"""With more other columns the table is one of customers or deals, which stays as it is."""

ACCOUNT, FACTOR, MARK = "account_id", "factor", "mark"
"""Columns of the contract."""

_KNOWN = frozenset(
    fold(word) for factor, words in FACTOR_WORDS.items() for word in (factor, *words.split("|"))
)
_LONGEST_MARK = 12


def marks_as_rows(raw: Raw) -> Raw:
    """Which mark did each customer get for each factor, one row per mark?

    Parameters
    ----------
    raw : Raw

    Returns
    -------
    Raw
        With the columns ``factor`` and ``mark``, and a note, where factors are the headers, or stand one below the
        other beside a column for each customer; any other table as it is.
    """
    frame = raw.frame
    factors = [str(one) for one in frame.columns if fold(str(one)) in _KNOWN]
    kept = [str(one) for one in frame.columns if one not in factors]
    if len(factors) >= FEWEST and len(kept) <= MOST_KEPT and not _of_deals(kept) and _short(frame, factors):
        return _with_note(
            raw, frame.melt(id_vars=kept, value_vars=factors, var_name=FACTOR, value_name=MARK), factors
        )
    first = str(frame.columns[0]) if len(frame.columns) > 1 else ""
    rows = as_text(frame[first]).dropna() if first and len(frame) <= 2 * len(FACTOR_WORDS) else None
    if rows is None or sum(fold(str(one)) in _KNOWN for one in rows) < max(FEWEST, len(rows) - 1):
        return raw
    customers = [str(one) for one in frame.columns[1:] if str(one)]
    if len(customers) < 2 or not _short(frame, customers):  # one column is that of the marks
        return raw
    long = frame.melt(id_vars=[first], value_vars=customers, var_name=ACCOUNT, value_name=MARK)
    return _with_note(raw, long.rename(columns={first: FACTOR}), [str(one) for one in rows])


def _of_deals(names: list[str]) -> bool:
    """Whether one of these columns is the stage or the end of a deal: the table is one of deals."""
    return any(
        score >= NAMED
        for name in names
        for column, score in header_scores(name).items()
        if column in ("stage", "outcome", "is_won", "closed_at")
    )


def _short(frame: pd.DataFrame, columns: list[str]) -> bool:
    """Whether the cells are as short as marks, and of few kinds."""
    import pandas as pd

    texts = pd.concat([as_text(frame[one]) for one in columns]).dropna()
    return len(texts) > 0 and texts.nunique() <= 6 and int(texts.str.len().max()) <= _LONGEST_MARK


def _with_note(raw: Raw, long: pd.DataFrame, factors: list[str]) -> Raw:
    import pandas as pd

    whole = long[as_text(long[MARK]).notna()].copy()
    whole.index = pd.RangeIndex(2, 2 + len(whole))
    note = Note("marks_read_as_rows", {"file": raw.file, "n": len(factors), "names": ", ".join(factors[:4])})
    return replace(raw, frame=whole, notes=[*raw.notes, note], ragged=[], unique=set(), words={})
