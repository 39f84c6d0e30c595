"""The contract's columns as a schema of pandera: an independent judge of our own check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.data.contract.tables import END_MARKS, OUTCOMES, PANDAS_DTYPE, TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.data.contract.tables import Column


def schema(table: str, stage_ids: Sequence[str] = (), names: Sequence[str] | None = None) -> Any:
    """Return the contract of one table as a pandera schema.

    Parameters
    ----------
    table : str
    stage_ids : sequence of str
        Stages of the playbook; empty leaves stages unchecked.
    names : sequence of str, optional
        Columns that the frame has; None checks all that the contract knows, required ones only for presence.

    Returns
    -------
    pandera.pandas.DataFrameSchema
        Checks type, presence, uniqueness, known stages and known outcomes. Validate with ``lazy=True``.
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandera tries every engine that is installed, some of which warn
        import pandera.pandas as pa

    def checks(one: Column) -> list[Any]:
        if one.kind == "outcome":
            return [pa.Check.isin(OUTCOMES, name="known_outcome")]
        if one.kind == "stage" and stage_ids:
            marks = END_MARKS if table == "stage_history" else ()
            return [pa.Check.isin((*stage_ids, *marks), name="known_stage")]
        return []

    shown = [one for one in TABLES[table] if one.required or names is None or one.name in names]
    return pa.DataFrameSchema(
        {
            one.name: pa.Column(
                PANDAS_DTYPE[one.kind],
                checks(one),
                nullable=not one.required,
                unique=one.unique,
                required=one.required,
                description=one.about,
            )
            for one in shown
        },
        name=table,
        strict=False,
    )
