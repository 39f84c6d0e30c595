"""A limit that the settings raise holds however the data are given: the remedy of the message helps."""

import contextlib
import sqlite3

import pandas as pd
import pytest

from funnelnb.core.errors import SourceError
from funnelnb.data.load import load

WORD = "x" * 30
JOIN = {"file": "notes", "on": {"opportunity_id": "opportunity_id"}, "columns": {"region": "stage"}}


def given(way, folder):
    """The same two deals, given in one of the ways there are, and what the settings must say of them."""
    table = pd.DataFrame({"opportunity_id": ["a", "b"], "stage": ["lead", WORD]})
    if way in ("frame", "dict"):
        return (table if way == "frame" else {"opportunities": table}), {}
    if way == "joined":
        joined = {"tables": {"opportunities": {"joins": [JOIN]}}}
        return {"opportunities": table.assign(stage="lead"), "notes": table}, joined
    if way == "database":
        pytest.importorskip("sqlalchemy")
        with contextlib.closing(sqlite3.connect(folder / "crm.sqlite")) as connection:
            table.to_sql("opportunities", connection, index=False)
        return folder / "crm.sqlite", {}
    table.to_csv(folder / "mine.csv", index=False)
    if way == "file said":
        pd.DataFrame({"name": ["Ann"]}).to_csv(folder / "people.csv", index=False)
        return folder, {"tables": {"opportunities": {"file": "mine.csv"}}}
    return (folder if way == "folder" else [folder / "mine.csv"]), {}


@pytest.mark.parametrize("way", ["frame", "dict", "joined", "database", "files", "file said", "folder"])
def test_a_raised_limit_holds_however_the_data_are_given(tmp_path, way):
    source, said = given(way, tmp_path)
    options = {"playbook": ["lead", WORD, "won"], "as_of": "2025-12-31"}
    with pytest.raises(SourceError, match="30 characters in one cell"):
        load(source, mapping={**said, "limits": {"cell_chars": 20}}, **options)
    book = load(source, mapping={**said, "limits": {"cell_chars": 40}}, **options)
    assert len(book.opportunities) == 2
