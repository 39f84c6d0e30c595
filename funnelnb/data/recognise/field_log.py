"""A log of changes with a row per field: the rows of the stage are its history, the others are what deals have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from funnelnb.core.note import Note
from funnelnb.data.parse.values import Reading, as_text, parse
from funnelnb.data.recognise.lexicon import header_scores
from funnelnb.data.recognise.profile import profile
from funnelnb.data.recognise.shape import Sheet, log_roles, stage_field

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from funnelnb.data.read.raw import Raw

MOST_FIELDS = 60
"""With more different words in it, a column does not name fields."""

COVERS = 0.9
"""So many deals must have a value of a field for it to be a column, or begin at one stage for it to be that of all."""

NAMED = 0.6
"""From this score on a header, or the name of a field, means a column of the contract."""


def fields_beside(raw: Raw) -> Raw:
    """What did each deal have in its other fields, where a log holds the changes of several?

    Parameters
    ----------
    raw : Raw

    Returns
    -------
    Raw
        The rows in which the stage changed, with a column for each other field that holds its last value; a deal whose
        creation is logged begins at the stage that its first change leaves. Any other table as it is.
    """
    log = _roles(raw)
    if not log:
        return raw
    fields = as_text(raw.frame[log["field"]])
    others = [str(one) for one in fields.dropna().unique() if one != log["field_value"]]
    if not others or len(others) > MOST_FIELDS:
        return raw
    import pandas as pd

    frame = raw.frame.iloc[_by_time(raw.frame[log["entered_at"]])]
    fields, keys = fields.loc[frame.index], as_text(frame[log["opportunity_id"]], blanks=False)
    changed = frame[fields == log["field_value"]]
    created = [one for one in others if header_scores(one.strip(" .")).get("created_at", 0.0) >= NAMED]
    begun = frame[fields.isin(created) | ~keys.isin(keys[changed.index])]
    starts = _beginnings(begun, changed, keys, log)
    alike = _begun_alike(starts, log)
    still = starts[log["stage"]] == ""
    if alike and still.any():
        starts.loc[still, log["stage"]] = alike
    whole = pd.concat([starts, changed])
    named = {one.casefold() for one in raw.columns}
    added = [one for one in others if one not in created and one.casefold() not in named]
    for one in list(added):
        last = as_text(frame[log["stage"]])[fields == one].dropna()
        known = last.groupby(keys[last.index]).last()
        if len(known) < COVERS * keys.nunique():
            added.remove(one)  # what only some deals have changed says nothing of the others
            continue
        cells = as_text(whole[log["opportunity_id"]], blanks=False).map(known).fillna("")
        whole[one] = cells.astype("str")
    whole.index = pd.RangeIndex(2, 2 + len(whole))
    values = {"file": raw.file, "column": log["field"], "value": log["field_value"]}
    told = [Note("stage_rows_read", values)]
    if added:
        told.append(Note("fields_beside", {"file": raw.file, "names": ", ".join(added)}))
    if alike and still.any():
        told.append(Note("begun_alike", {"file": raw.file, "n": int(still.sum()), "value": alike}))
    return replace(raw, frame=whole, notes=[*raw.notes, *told], ragged=[], unique=set(), words={})


def _roles(raw: Raw) -> Mapping[str, str]:
    """Return the roles of the columns, as they are in the rows that tell changes of the stage; empty if it is no log.

    In the rows of all fields the values would be words, days and amounts at once.
    """
    scores = {name: header_scores(name, "stage_history") for name in raw.columns}
    heads = {role for one in scores.values() for role, score in one.items() if score >= NAMED}
    if not {"field", "stage", "entered_at", "opportunity_id"} <= heads:
        return {}
    named = [name for name in scores if scores[name].get("field", 0.0) >= NAMED]
    for name in sorted(named, key=lambda name: -scores[name]["field"]):
        value = stage_field(raw, name)
        if not value:
            continue
        rows = raw.frame[as_text(raw.frame[name]) == value]
        part = replace(raw, frame=rows, ragged=[], unique=set(), words={})
        found = log_roles(Sheet(raw=part, profiles=profile(part)))
        if found.get("field") == name and "field_value" in found:
            return found
    return {}


def _begun_alike(starts: pd.DataFrame, log: Mapping[str, str]) -> str:
    """Return the stage at which nearly all deals begin, empty if there is none."""
    words = starts[log["stage"]].replace("", None).dropna().value_counts()
    return str(words.index[0]) if len(words) and words.iloc[0] >= COVERS * words.sum() else ""


def _by_time(cells: pd.Series) -> list[int]:
    """Return the places of the rows in the order of time; as they stand where the time cannot be told."""
    parsed = parse(cells, "datetime", Reading(), {"file": "", "column": ""})
    if parsed.undecided:
        parsed = parse(cells, "datetime", Reading(date_order="mdy"), {"file": "", "column": ""})
    if len(parsed.values) != len(cells):
        return list(range(len(cells)))
    order = parsed.values.reset_index(drop=True).sort_values(kind="stable", na_position="first")
    return [int(one) for one in order.index]


def _beginnings(
    begun: pd.DataFrame, changed: pd.DataFrame, keys: pd.Series, log: Mapping[str, str]
) -> pd.DataFrame:
    """Return a row for each deal that begins without a change: at the stage that its first change leaves."""
    first = begun[~keys[begun.index].duplicated()].copy()
    of_changes = keys[changed.index]
    starts = changed[~of_changes.duplicated()]
    left: dict[str, str] = {}
    if "old_stage" in log:
        old = as_text(starts[log["old_stage"]])
        left = {key: word for key, word in zip(keys[starts.index], old, strict=True) if isinstance(word, str)}
    mine = keys[first.index]
    first = first[mine.isin(list(left)) | ~mine.isin(set(of_changes))]
    first[log["stage"]] = keys[first.index].map(left).fillna("").astype("str")
    first[log["field"]] = log["field_value"]
    if "old_stage" in log:
        first[log["old_stage"]] = ""
    return first
