"""Tables as reports lay them out: the name of a group in its first row only, a text in several languages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from funnelnb.core.note import Note
from funnelnb.data.parse.values import as_text
from funnelnb.data.recognise.lexicon import header_scores

if TYPE_CHECKING:
    from funnelnb.data.read.raw import Raw

MOST_NAMED = 0.5
"""With a larger share of rows that name their group, a table is not grouped."""

FEWEST_ROWS = 6

NAMED = 0.6
"""From this score on a header names a column of the contract."""

GROUPED_BY = ("stage", "outcome", "owner", "team", "region", "pipeline")

_PER_LANGUAGE = re.compile(r'^\{"[a-z]{2}(?:_[A-Z]{2})?": ?".*"\}$')


def groups_filled(raw: Raw) -> Raw:
    """Which group is each row in, where only the first row of a group names it?

    Parameters
    ----------
    raw : Raw

    Returns
    -------
    Raw
        With the name of the group in every row, and a note, where the first column is called after stages, outcomes or
        people, is filled in the first row, in at most half of all rows, and with every name once; else as it is.
    """
    frame = raw.frame
    if len(frame) < FEWEST_ROWS or frame.shape[1] < 3:
        return raw
    first = str(frame.columns[0])
    scores = header_scores(first)
    if not any(scores.get(one, 0.0) >= NAMED for one in GROUPED_BY):
        return raw
    cells = as_text(frame[first])
    named = cells.dropna()
    if (
        len(named) < 2
        or named.duplicated().any()
        or len(named) > MOST_NAMED * len(cells)
        or cells.isna().iloc[0]
    ):
        return raw
    values = {"file": raw.file, "n": len(cells) - len(named), "value": str(named.iloc[-1])}
    filled = frame.assign(**{first: cells.ffill()})
    return replace(
        raw,
        frame=filled,
        notes=[*raw.notes, Note("groups_filled", values)],
        unique=raw.unique - {first},
        words={},
    )


def one_language(raw: Raw) -> Raw:
    """Which text does a cell hold that holds one per language (``{"en_US": "New", "de_DE": "Neu"}``)?

    Parameters
    ----------
    raw : Raw

    Returns
    -------
    Raw
        With the text of the first language in such columns, which Odoo writes; else as it is.
    """
    texts = {}
    for name in raw.frame.columns:
        cells = raw.frame[name]
        if cells.dtype != "str":
            continue
        known = cells.dropna()
        start = next((str(one) for one in known.head(5) if one), "")
        if _PER_LANGUAGE.match(start) and known[known != ""].str.match(_PER_LANGUAGE).all():
            texts[name] = cells.map(_first_text).astype("str")
    return replace(raw, frame=raw.frame.assign(**texts), words={}) if texts else raw


def _first_text(cell: object) -> str:
    try:
        found = json.loads(str(cell))
    except ValueError:
        return str(cell)
    return str(next(iter(found.values()), "")) if isinstance(found, dict) else str(cell)
