"""Several files or sheets of one shape are one table: one below the other, with a column that says where from."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING

from funnelnb.core.note import Note
from funnelnb.data.read.raw import Raw, cell_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

ALIKE = 0.8
"""Tables have one shape if they share this much of the columns that either has."""


def same_shape(one: Raw, other: Raw) -> bool:
    """Whether two tables have the same columns, up to a few that are missing in one of them.

    Examples
    --------
    >>> import pandas as pd
    >>> tables = [Raw(file=str(place), frame=pd.DataFrame(columns=names)) for place, names in
    ...           enumerate([["id", "stage"], ["Stage ", "id"], ["id", "owner"]])]
    >>> same_shape(tables[0], tables[1]), same_shape(tables[0], tables[2])
    (True, False)
    """
    mine, theirs = ({name.strip().casefold() for name in raw.columns} for raw in (one, other))
    return len(mine & theirs) >= ALIKE * len(mine | theirs) and len(mine & theirs) > 1


def stacked(raws: Sequence[Raw], file: str, names: Sequence[str], kind: str) -> Raw:
    """What do several tables of one shape hold together?

    Parameters
    ----------
    raws : sequence of Raw
        At least one.
    file : str
        How messages call them together.
    names : sequence of str
        How each of them is called.
    kind : str
        What they are: ``"file"`` or ``"sheet"``; the name of the column that says which.

    Returns
    -------
    Raw
        Columns of the first table, then those that only others have. Rows are numbered on: those of the second
        table begin after the last of the first one, and a note says where each table begins.
    """
    import pandas as pd

    frames, starts, row = [], [], 1
    base = {name.strip().casefold(): name for name in raws[0].columns}
    for raw in raws[1:]:
        for name in raw.columns:
            base.setdefault(name.strip().casefold(), name)
    taken = {name.casefold() for name in base.values()}
    column = next(
        one for one in (kind, f"{kind} name", f"source {kind}", f"{kind} (added)") if one not in taken
    )
    ragged: list[tuple[int, int]] = []
    for raw, name in zip(raws, names, strict=True):
        frame = raw.frame.rename(columns={one: base[one.strip().casefold()] for one in raw.columns})
        shift = row - 1
        frame.index = frame.index + shift
        ragged += [(number + shift, width) for number, width in raw.ragged]
        frame[column] = pd.array([name] * len(frame), dtype="str")
        starts.append(f"{name}: {shift + 1}")
        row = int(frame.index[-1]) + 1 if len(frame) else row
        frames.append(_texts_where_types_differ(frame, raws))
    whole = pd.concat(frames)
    for one in whole.columns:
        if whole[one].dtype == "object":
            whole[one] = whole[one].astype("str")
    notes = [note for raw in raws for note in raw.notes]
    unique = [note for place, note in enumerate(notes) if note not in notes[:place]]
    told = Note(
        "tables_stacked", {"file": file, "n": len(raws), "tables": "; ".join(starts), "column": column}
    )
    spoilt = {base[one.strip().casefold()] for raw in raws for one in raw.spoilt}
    known = [raw.lines for raw in raws if raw.lines is not None]
    lines = functools.reduce(operator.add, known) if len(known) == len(raws) else None
    return Raw(file=file, frame=whole, ragged=ragged, notes=[told, *unique], spoilt=spoilt, lines=lines)


def _texts_where_types_differ(frame: pd.DataFrame, raws: Sequence[Raw]) -> pd.DataFrame:
    """Return a frame whose columns are text where the other tables hold another type."""
    for name in frame.columns:
        kinds = {str(raw.frame[name].dtype) for raw in raws if name in raw.frame.columns}
        if len(kinds) > 1:
            texts = frame[name].astype("object").where(frame[name].notna(), "")
            frame[name] = texts.map(cell_text).astype("str")
    return frame
