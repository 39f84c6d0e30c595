"""What differs between two states of a table, and how is a later state made from an earlier one?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from funnelnb.data.store.files import StoreFiles

KEYS = {"opportunities": "opportunity_id", "accounts": "account_id"}
"""Tables whose rows are told apart by one id; the rows of the others are what they hold."""
MOST_STEPS = 60
"""After so many steps, or when they hold as many rows as the table, it is written whole again."""


def arrow_of(frame: pd.DataFrame, table: str) -> pa.Table:
    """Return a table of the contract as Arrow, its rows in an order of their own: by id, else by all columns."""
    import pyarrow as pa

    made = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    made = made.cast(pa.schema([pa.field(one.name, _plain(one.type)) for one in made.schema]))
    key = KEYS.get(table)
    order = [key] if key in made.column_names else made.column_names
    if not made.num_rows:
        return made
    return made.sort_by([(name, "ascending") for name in order]).combine_chunks()


def _plain(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    return pa.large_string() if pa.types.is_string(kind) or pa.types.is_null(kind) else kind


def difference(old: pa.Table, new: pa.Table, table: str) -> tuple[pa.Table, pa.Table] | None:
    """Return the rows that make `new` of `old`: those to put in, and those (or their ids) to take out.

    None where the two do not share their columns, or a row stands in one of them twice: then the table is kept whole.
    """
    key = KEYS.get(table)
    if old.schema != new.schema or not new.column_names:
        return None
    if key in new.column_names:
        return _by_id(old, new, str(key))
    codes = _rows_coded(old, new)
    if codes is None:
        return None
    import pyarrow as pa
    import pyarrow.compute as pc

    first, second = codes
    added = pc.invert(pc.is_in(second, value_set=first))
    gone = pc.invert(pc.is_in(first, value_set=second))
    return new.filter(pa.chunked_array([added])), old.filter(pa.chunked_array([gone]))


def _by_id(old: pa.Table, new: pa.Table, key: str) -> tuple[pa.Table, pa.Table] | None:
    import pyarrow.compute as pc

    before, after = old[key].combine_chunks(), new[key].combine_chunks()
    for ids in (before, after):
        if ids.null_count or pc.count_distinct(ids).as_py() != len(ids):
            return None
    place = pc.index_in(after, value_set=before)
    there = pc.is_valid(place)
    common = new.filter(there)
    was = old.take(place.drop_null())
    changed: Any = None
    for name in new.column_names:
        if name == key:
            continue
        one, other = common[name], was[name]
        unlike = pc.or_kleene(
            pc.fill_null(pc.not_equal(one, other), False), pc.xor(pc.is_null(one), pc.is_null(other))
        )
        changed = unlike if changed is None else pc.or_(changed, unlike)
    gone = old.select([key]).filter(pc.invert(pc.is_in(before, value_set=after)))
    import pyarrow as pa

    fresh = new.filter(pc.invert(there))
    rows = fresh if changed is None else pa.concat_tables([common.filter(changed), fresh])
    return (rows.sort_by(key) if rows.num_rows else rows), gone


def _rows_coded(old: pa.Table, new: pa.Table) -> tuple[Any, Any] | None:
    """Return one number per distinct row of both tables; None where a row stands in one of them twice."""
    import numpy as np
    import pyarrow as pa

    both = pa.concat_tables([old, new])
    code = np.zeros(both.num_rows, np.int64)
    for column in both.columns:
        encoded = column.combine_chunks().dictionary_encode("encode")
        own = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        code = code * np.int64(max(len(encoded.dictionary), 1)) + own
        if len(code) and code.max() > 2**40:
            code = np.unique(code, return_inverse=True)[1]
    first, second = code[: old.num_rows], code[old.num_rows :]
    if any(len(np.unique(one)) != len(one) for one in (first, second)):
        return None
    return pa.array(first), pa.array(second)


def applied(old: pa.Table, rows: pa.Table | None, gone: pa.Table | None, table: str) -> pa.Table:
    """Return the state that a step makes of `old`; its rows in the order of :func:`arrow_of`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    key = KEYS.get(table)
    kept = old
    if key in old.column_names:
        for out in (gone, rows):
            if out is not None and out.num_rows:
                kept = kept.filter(pc.invert(pc.is_in(kept[key], value_set=out[key].combine_chunks())))
    elif gone is not None and gone.num_rows:
        codes = _rows_coded(old, gone)
        if codes is not None:
            kept = old.filter(pc.invert(pc.is_in(codes[0], value_set=codes[1])))
    if rows is not None and rows.num_rows:
        kept = pa.concat_tables([kept, rows])
    order = [key] if key in kept.column_names else kept.column_names
    return kept.sort_by([(name, "ascending") for name in order]).combine_chunks() if kept.num_rows else kept


def stored(files: StoreFiles, new: pa.Table, table: str, before: dict[str, Any] | None) -> dict[str, Any]:
    """Write a table as a step from an earlier state where that is smaller, else whole; return its entry."""
    key = KEYS.get(table, "")
    if before is not None:
        old = restored(files, before, table)
        if old.equals(new):
            return before
        found = difference(old, new, table)
        if found is not None:
            rows, gone = found
            if not rows.num_rows and not gone.num_rows:
                return before
            written = before["written_n"] + rows.num_rows + gone.num_rows
            if written < 2 * new.num_rows and len(before["steps"]) < MOST_STEPS:
                step = {
                    "rows": files.put(rows, key) if rows.num_rows else "",
                    "gone": files.put(gone, key) if gone.num_rows else "",
                }
                return {
                    "base": before["base"],
                    "steps": [*before["steps"], step],
                    "rows_n": new.num_rows,
                    "written_n": written,
                }
    return {"base": files.put(new, key), "steps": [], "rows_n": new.num_rows, "written_n": new.num_rows}


def restored(files: StoreFiles, entry: dict[str, Any], table: str) -> pa.Table:
    """Return the table that an entry of the manifest stands for."""
    state = files.get(entry["base"])
    for step in entry["steps"]:
        rows = files.get(step["rows"]) if step.get("rows") else None
        gone = files.get(step["gone"]) if step.get("gone") else None
        state = applied(state, rows, gone, table)
    return state
