"""Our check of a table's columns finds the same cells as pandera's, for tables drawn at random."""

import warnings

import numpy as np
import pandas as pd
import pytest

from funnelnb.data.clean.validate import failures
from funnelnb.data.contract.tables import PANDAS_DTYPE, TABLES
from tests.reference.contract import schema

CODES = {"not_nullable": "missing_value", "field_uniqueness": "duplicate_id"}
WORDS = {"stage": ["lead", "won", "lost", "odd"], "outcome": ["open", "won", "left", "odd"]}


def drawn(name, dice):
    """A table of a few rows, typed as the contract says, with gaps, repeats and unknown words."""
    rows = int(dice.integers(1, 12))
    gap = dice.random(rows) < dice.choice([0.0, 0.2])
    frame = pd.DataFrame(index=range(rows))
    for one in TABLES[name]:
        kind = PANDAS_DTYPE[one.kind]
        words = WORDS.get(one.kind, [f"x{n}" for n in range(int(dice.choice([3, 200])))])
        cells = pd.Series(dice.choice(words, rows) if kind == "str" else dice.integers(0, 2, rows))
        frame[one.name] = (
            cells.astype(kind).mask(gap) if one.required or dice.random() < 0.3 else cells.astype(kind)
        )
    return frame


def told_by_pandera(name, frame, stages):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandera tries every engine that is installed, some of which warn
        import pandera.pandas

        try:
            schema(name, stages, list(frame.columns)).validate(frame, lazy=True)
        except pandera.pandas.errors.SchemaErrors as error:
            cases = error.failure_cases
            kinds = {one.name: one.kind for one in TABLES[name]}
            return {
                (column, CODES.get(check, f"unknown_{kinds[column]}"), int(row))
                for column, check, row in cases[["column", "check", "index"]].itertuples(index=False)
            }
    return set()


@pytest.mark.parametrize("name", ["opportunities", "stage_history"])
def test_the_same_cells_as_pandera(name):
    dice = np.random.default_rng(20261128)
    seen = set()
    for stages in [("lead", "won"), ()] * 6:
        frame = drawn(name, dice)
        ours = {
            (column, code, int(row))
            for column, code, wrong in failures(name, frame, stages)
            for row in wrong.nonzero()[0]
        }
        assert ours == told_by_pandera(name, frame, stages)
        seen |= {code for _, code, _ in ours}
    assert {"missing_value", "unknown_stage"} <= seen


def test_a_column_of_another_type_is_our_own_fault():
    frame = pd.DataFrame({"opportunity_id": pd.Series([1, 2])})
    with pytest.raises(AssertionError, match="opportunity_id is int64, not str"):
        list(failures("opportunities", frame))
