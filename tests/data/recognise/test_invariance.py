"""Nothing is lost and nothing depends on chance: every row is used or reported; an import of an import is the same."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnelnb.data.keep import keep
from funnelnb.data.load import load
from funnelnb.data.propose import propose
from tests.data.recognise.corpus import SHAPES, deals
from tests.data.recognise.foreign import FOREIGN

HEAD = ["Deal ID", "Name", "Stage", "Amount", "Created", "Closed"]
SPOILT = (
    (-1, ("",)),
    (0, ("",)),
    (2, ("", "closed won", "CLOSED LOST", "Proposal ")),
    (3, ("n/a", "", "1,2,3", "abc", "-")),
    (4, ("", "2025-13-45", "soon")),
    (5, ("2020-01-01", "later")),
)
"""Place in a row = what people and programs leave there instead."""

LEFT_OUT = ("left_out", "_dropped", "deleted_rows")


def records(n):
    return [
        [
            d.id,
            d.name,
            d.word(),
            str(d.amount),
            f"{d.created:%Y-%m-%d}",
            f"{d.closed:%Y-%m-%d}" if d.closed else "",
        ]
        for d in deals(n)
    ]


def reported(book):
    """Rows that notes say were left out."""
    total = 0
    for note in book.notes:
        if any(part in note.code for part in LEFT_OUT):
            total += int(note.values.get("rows_n", note.values.get("n", 1)))
    return total


@st.composite
def messy(draw):
    """An export of 12 to 30 deals with what people and programs leave in it, and how many rows of data it has."""
    rows = [list(row) for row in records(draw(st.integers(12, 30)))]
    for row in rows:
        place, values = draw(st.sampled_from(SPOILT))
        if place >= 0 and draw(st.integers(0, 4)) == 0:
            row[place] = draw(st.sampled_from(values))
    extra = draw(st.lists(st.sampled_from(["twice", "header", "blank", "id twice"]), max_size=4))
    lines = list(rows)
    for what in extra:
        place = draw(st.integers(1, len(lines) - 1))
        if what == "twice":
            lines.insert(place, list(lines[0]))
        elif what == "header":
            lines.insert(place, list(HEAD))
        elif what == "blank":
            lines.insert(place, [])
        else:
            lines.insert(place, [rows[1][0], "other", "Proposal", "5", "2025-05-05", ""])
    if draw(st.booleans()):
        lines.append(["Total", "", "", "123456", "", ""])
    return lines, sum(bool(one) for one in lines)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messy())
def test_every_row_is_used_or_reported(tmp_path, made):
    lines, n = made
    text = io.StringIO()
    csv.writer(text).writerows([HEAD, *lines])
    path = tmp_path / "deals.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    proposal = propose(path)
    assert proposal.loads, [one.found for one in proposal.repairs]
    book = load(path, mapping=proposal)
    assert len(book.opportunities) + reported(book) == n, [(one.code, dict(one.values)) for one in book.notes]


@pytest.mark.parametrize(
    "shape",
    [
        "salesforce_report",
        "fxiaoke",
        "stage_dates_without_stage",
        "salesforce_field_history",
        "odoo_archived",
    ],
)
def test_an_import_of_an_import_changes_nothing(shape, tmp_path):
    (tmp_path / "in").mkdir()
    SHAPES[shape](tmp_path / "in")
    first = load(tmp_path / "in", mapping=propose(tmp_path / "in"))
    keep(first, tmp_path / "one", {}, {})
    second = load(tmp_path / "one")
    keep(second, tmp_path / "two", {}, {})
    third = load(tmp_path / "two")
    assert (second.fingerprint, second.playbook.stage_ids) == (third.fingerprint, third.playbook.stage_ids)
    assert (tmp_path / "one" / "funnelnb.toml").read_text() == (
        tmp_path / "two" / "funnelnb.toml"
    ).read_text()
    outcome = first.opportunities.set_index("opportunity_id")["outcome"]
    assert second.opportunities.set_index("opportunity_id")["outcome"].to_dict() == outcome.to_dict()


@pytest.mark.parametrize(
    "shape", ["dynamics_german", "pipedrive_spanish", "bitrix_russian", "korean_table", "vtiger_potentials"]
)
def test_the_order_of_rows_and_columns_does_not_matter(shape, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    FOREIGN[shape](tmp_path / "a")
    from funnelnb.data.read.files import read

    source = next((tmp_path / "a").iterdir())
    frame = read(source, source.name).frame.astype("str").replace({"nan": "", "None": "", "<NA>": ""})
    mixed = frame.sample(frac=1, random_state=5)[list(frame.columns[::-1])]
    mixed.to_csv(tmp_path / "b" / f"{source.stem}.csv", index=False)
    one, other = (load(tmp_path / part, mapping=propose(tmp_path / part)) for part in ("a", "b"))
    assert one.playbook.stage_ids == other.playbook.stage_ids
    columns = ["outcome", "amount", "created_at"]
    first, second = (
        part.opportunities.set_index("opportunity_id").sort_index()[columns] for part in (one, other)
    )
    pd.testing.assert_frame_equal(first, second)
