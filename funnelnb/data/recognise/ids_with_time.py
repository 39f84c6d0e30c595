"""Ids that hold the second in which they were given: those of MongoDB, and of all that is built on it (Trello)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from funnelnb.core.note import Note
from funnelnb.data.parse.values import as_text
from funnelnb.data.recognise.lexicon import header_scores

if TYPE_CHECKING:
    from funnelnb.data.read.raw import Raw

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_FIRST, _LAST = 1_100_000_000, 2_500_000_000
"""Seconds since 1970 between which such ids may lie (2004 to 2049)."""

ID_TIME = " (created)"
"""What stands behind the name of the id in that of the column that is added."""


def times_in_ids(raw: Raw) -> Raw:
    """When was each row created, where its id tells it and no column does?

    Parameters
    ----------
    raw : Raw

    Returns
    -------
    Raw
        With a column such as ``id (created)`` and a note where a column called id holds ids of 24 hexadecimal digits,
        each once, whose first eight are a time; else as it is.
    """
    frame = raw.frame
    if not len(frame) or any(header_scores(one).get("created_at", 0.0) > 0 for one in raw.columns):
        return raw
    for name in raw.columns:
        if name.casefold().lstrip("_") not in ("id", "id.$oid"):
            continue
        ids = as_text(frame[name], blanks=False).dropna()
        if len(ids) < len(frame) or not _OBJECT_ID.fullmatch(str(ids.iloc[0])):
            continue
        if not ids.str.fullmatch(_OBJECT_ID).all() or not ids.is_unique:
            continue
        import pandas as pd

        seconds = ids.str.slice(0, 8).map(lambda one: int(one, 16))
        if not seconds.between(_FIRST, _LAST).all():
            continue
        times = pd.to_datetime(seconds, unit="s").astype("datetime64[us]")
        note = Note("created_by_id", {"file": raw.file, "column": name, "first": f"{times.min():%Y-%m-%d}"})
        return replace(
            raw, frame=frame.assign(**{f"{name}{ID_TIME}": times}), notes=[*raw.notes, note], words={}
        )
    return raw
