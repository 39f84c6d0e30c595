"""Nothing after the as-of date influences anything; an earlier day looks as it looked then."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.data.load import load
from tests.analysis.floors import random_floor

STAGES = ["lead", "offer", "won"]


def deals(*rows):
    names = [
        "opportunity_id",
        "stage",
        "outcome",
        "created_at",
        "closed_at",
        "amount",
        "expected_amount",
        "lost_reason",
    ]
    return pd.DataFrame(
        [dict(zip(names, [*row, *[""] * 8], strict=False)) for row in rows], columns=names, dtype="str"
    )


def history(*rows):
    return pd.DataFrame(rows, columns=["opportunity_id", "stage", "entered_at"], dtype="str")


DATA = {
    "opportunities": deals(
        ("won", "won", "won", "2026-01-01", "2026-03-01", "100", "80"),
        ("lost", "offer", "lost", "2026-01-02", "2026-02-01", "50", "60", "price"),
        ("late", "lead", "open", "2026-03-15", "", "7", ""),
        ("open", "offer", "open", "2026-01-03", "", "9", ""),
    ),
    "stage_history": history(
        ("won", "lead", "2026-01-01"), ("won", "offer", "2026-02-10"), ("won", "won", "2026-03-01"),
        ("lost", "lead", "2026-01-02"), ("lost", "offer", "2026-01-20"),
        ("late", "lead", "2026-03-15"),
        ("open", "lead", "2026-01-03"), ("open", "offer", "2026-03-10"),
    ),
}  # fmt: skip


def then(day, **mapping):
    book = load(DATA, playbook=STAGES, as_of=day, mapping=mapping)
    return book, book.opportunities.set_index("opportunity_id")


def test_default_is_the_day_of_the_last_record():
    book, table = then(None)
    assert book.as_of == np.datetime64("2026-03-15T00:00:00")
    assert table["stage"].to_dict() == {"won": "won", "lost": "offer", "late": "lead", "open": "offer"}


def test_a_deal_closed_later_is_open_and_its_end_unknown():
    book, table = then("2026-02-15")
    assert list(table.index) == ["won", "lost", "open"]
    won = table.loc["won"]
    assert (won["outcome"], won["stage"]) == ("open", "offer")
    assert pd.isna(won["closed_at"])
    assert table.loc["lost", "outcome"] == "lost"
    assert table.loc["lost", "lost_reason"] == "price"
    assert table.loc["open", "stage"] == "lead"
    assert book.table("stage_history")["entered_at"].max() == pd.Timestamp("2026-02-10")


def test_a_reason_written_later_is_not_known_yet():
    _, table = then("2026-01-25")
    assert table.loc["lost", "outcome"] == "open"
    assert pd.isna(table.loc["lost", "lost_reason"])


def test_amounts():
    _, table = then(None)
    assert table["amount"].to_dict() == {"won": 100, "lost": 60, "late": 7, "open": 9}
    _, table = then("2026-02-15")
    assert table.loc["won", "amount"] == 80  # what was expected before the close
    plain = DATA["opportunities"].drop(columns="expected_amount")
    for known, expected in (("at_entry", 100.0), ("at_close", np.nan)):
        book = load(
            {**DATA, "opportunities": plain},
            playbook=STAGES,
            as_of="2026-02-15",
            mapping={"amount_known": known},
        )
        assert book.opportunities["amount"].tolist()[0] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("wanted", "instant"),
    [
        ("2026-03-01", "2026-03-01T00:00:00"),
        (dt.date(2026, 3, 1), "2026-03-01T00:00:00"),
        (np.datetime64("2026-03-01"), "2026-03-01T00:00:00"),
        ("2026-03-01 12:00", "2026-03-01T12:00:00"),
        (dt.datetime(2026, 3, 1, 12), "2026-03-01T12:00:00"),
    ],
)
def test_whole_days(wanted, instant):
    book, _ = then(wanted)
    assert book.as_of == np.datetime64(instant)
    assert (book.opportunities["outcome"] == "won").sum() == 1


def test_a_plain_date_counts_to_its_end_where_there_are_times():
    data = {"opportunities": deals(("a", "won", "won", "2026-01-01 10:00", "2026-01-31 18:00"))}
    book = load(data, playbook=STAGES, as_of="2026-01-31")
    assert book.as_of == np.datetime64("2026-01-31T23:59:59")
    assert book.opportunities["outcome"].tolist() == ["won"]
    assert load(data, playbook=STAGES).as_of == book.as_of
    earlier = load(data, playbook=STAGES, as_of="2026-01-31 17:59:59")
    assert earlier.opportunities["outcome"].tolist() == ["open"]


def test_deals_without_any_date():
    data = {"opportunities": deals(("a", "lead", "open"), ("b", "won", "won", "2026-01-01", "2026-02-01"))}
    assert len(load(data, playbook=STAGES).opportunities) == 2
    book = load(data, playbook=STAGES, as_of="2026-01-15")
    assert book.opportunities["opportunity_id"].tolist() == ["b"]
    assert {note.code for note in book.notes} == {"undated_deals_dropped"}


def test_a_stage_without_history_is_not_known_of_an_earlier_day():
    data = {
        "opportunities": deals(
            ("a", "offer", "open", "2026-01-01"), ("b", "won", "won", "2026-01-01", "2026-02-01")
        )
    }
    assert load(data, playbook=STAGES).opportunities["stage"].tolist() == ["offer", "won"]
    book = load(data, playbook=STAGES, as_of="2026-01-15")
    assert book.opportunities["stage"].isna().all()
    assert {note.code for note in book.notes} == {"stage_unknown_at_as_of"}


def test_unknown_creation_starts_with_the_first_record():
    data = {
        "opportunities": deals(
            ("a", "offer", "open"), ("b", "lead", "open"), ("c", "won", "won", "", "2026-01-05")
        ),
        "stage_history": history(("a", "lead", "2026-01-01"), ("b", "lead", "2026-02-01")),
    }
    book = load(data, playbook=STAGES, as_of="2026-01-15")
    assert book.opportunities["opportunity_id"].tolist() == ["a", "c"]


def test_a_deal_lost_reopened_and_won_was_lost_in_between():
    data = {
        "opportunities": deals(("a", "won", "won", "2026-01-01", "2026-04-01")),
        "stage_history": history(("a", "lead", "2026-01-01"), ("a", "Closed Lost", "2026-02-01"),
                                 ("a", "offer", "2026-03-01"), ("a", "won", "2026-04-01")),
    }  # fmt: skip
    found = {}
    for day in ("2026-01-15", "2026-02-15", "2026-03-15", "2026-04-15"):
        row = load(data, playbook=STAGES, as_of=day).opportunities.iloc[0]
        found[day] = (row["outcome"], str(row["closed_at"])[:10])
    assert found == {
        "2026-01-15": ("open", "NaT"), "2026-02-15": ("lost", "2026-02-01"),
        "2026-03-15": ("open", "NaT"), "2026-04-15": ("won", "2026-04-01"),
    }  # fmt: skip


def test_closes_come_from_the_history_where_the_deal_has_none():
    data = {
        "opportunities": deals(("a", "won", "won", "2026-01-01"), ("b", "offer", "lost", "2026-01-01")),
        "stage_history": history(
            ("a", "won", "2026-02-01"), ("b", "offer", "2026-01-10"), ("b", "lost", "2026-03-01")
        ),
    }
    book = load(data, playbook=STAGES)
    assert book.opportunities["closed_at"].astype("str").tolist() == ["2026-02-01", "2026-03-01"]
    assert {note.code for note in book.notes} == {"closed_from_history"}


def test_other_tables_are_cut_too():
    data = {
        **DATA,
        "activities": pd.DataFrame({"opportunity_id": ["won", "won", "late"], "kind": ["call"] * 3,
                                    "at": ["2026-01-05", "2026-02-20", "2026-03-16"]}),
        "targets": pd.DataFrame({"period": ["2026-Q4"], "amount": ["5"]}),
    }  # fmt: skip
    book = load(data, playbook=STAGES, as_of="2026-02-15")
    assert len(book.table("activities")) == 1
    assert len(book.table("targets")) == 1  # a target is known in advance


def test_no_date_at_all():
    data = {"opportunities": deals(("a", "lead", "open"))}
    with pytest.raises(MissingDataError, match="no date at all"):
        load(data, playbook=STAGES)
    assert len(load(data, playbook=STAGES, as_of="2026-01-01").opportunities) == 1


def test_before_the_first_deal_there_is_nothing_to_load():
    with pytest.raises(ParameterError, match="no deal is known to have begun by then"):
        load(DATA, playbook=STAGES, as_of="2025-12-31")


def test_a_bad_as_of_says_so():
    with pytest.raises(ParameterError, match="as_of = 'soon'"):
        load(DATA, playbook=STAGES, as_of="soon")


DAYS = st.integers(0, 120)


@st.composite
def floors(draw):
    """Deals with full history in days from 2026-01-01, and a day to look back to."""
    rows, entries = [], []
    for number in range(draw(st.integers(1, 6))):
        start = draw(DAYS)
        steps = sorted(draw(st.lists(st.integers(1, 60), max_size=3)))
        moments = [start, *(start + step for step in steps)]
        for stage, moment in zip(["lead", "offer", "lead", "offer"], moments, strict=False):
            entries.append((f"d{number}", stage, moment))
        ended = draw(st.sampled_from(["open", "won", "lost"]))
        close = moments[-1] + draw(st.integers(0, 30))
        if ended == "won":
            entries.append((f"d{number}", "won", close))
        rows.append((f"d{number}", ended, start, None if ended == "open" else close))
    return rows, entries, draw(st.integers(0, 150))


def as_tables(rows, entries):
    day = lambda n: "" if n is None else str(np.datetime64("2026-01-01") + np.timedelta64(n, "D"))  # noqa: E731
    stages = {}
    for deal, stage, moment in sorted(entries, key=lambda one: (one[2], STAGES.index(one[1]))):
        stages[deal] = (stage, moment)
    return {
        "opportunities": pd.DataFrame(
            [(deal, stages[deal][0], ended, day(start), day(close)) for deal, ended, start, close in rows],
            columns=["opportunity_id", "stage", "outcome", "created_at", "closed_at"],
        ),
        "stage_history": pd.DataFrame(
            [(deal, stage, day(moment)) for deal, stage, moment in entries],
            columns=["opportunity_id", "stage", "entered_at"],
        ),
    }


@settings(max_examples=30, deadline=None)
@given(floor=floors())
def test_what_came_later_changes_nothing(floor):
    rows, entries, until = floor
    known = [
        (
            deal,
            "open" if close is None or close > until else ended,
            start,
            None if close is None or close > until else close,
        )
        for deal, ended, start, close in rows
        if start <= until
    ]
    if not known:
        return
    day = str(np.datetime64("2026-01-01") + np.timedelta64(until, "D"))
    options = {
        "playbook": STAGES,
        "as_of": day,
        "name": "x",
        "mapping": {"as_of_reason": "nobody sold for long"},
    }
    past = load(as_tables(known, [one for one in entries if one[2] <= until]), **options)
    now = load(as_tables(rows, entries), **options)
    for name, table in past.tables.items():
        pd.testing.assert_frame_equal(now.tables[name], table)
    assert now.fingerprint == past.fingerprint
    assert now.as_of == past.as_of


def test_the_history_ends_deals_that_are_marked_as_open():
    """A win counts from the first day beyond, a loss from its mark; what goes on after a mark is open."""
    data = {
        "opportunities": deals(*((name, "lead", "open", "2026-01-01") for name in "abcdef")),
        "stage_history": history(
            ("a", "offer", "2026-01-05"), ("a", "won", "2026-02-01"),
            ("b", "offer", "2026-01-06"), ("b", "Closed Lost", "2026-02-03"),
            ("c", "Closed Lost", "2026-01-20"), ("c", "offer", "2026-02-04"),
            ("d", "offer", "2026-01-07"),
            ("e", "won", "2026-01-30"), ("e", "offer", "2026-02-02"),
        ),
    }  # fmt: skip
    book = load(data, playbook=STAGES)
    found = book.opportunities.set_index("opportunity_id")
    assert found["outcome"].to_dict() == {
        "a": "won", "b": "lost", "c": "open", "d": "open", "e": "open", "f": "open",
    }  # fmt: skip
    assert found["closed_at"].dropna().astype("str").to_dict() == {"a": "2026-02-01", "b": "2026-02-03"}
    assert found["stage"]["a"] == "won"
    (note,) = (note for note in book.notes if note.code == "ended_by_history")
    assert (note.values["n"], note.values["of_n"]) == (2, 6)
    earlier = load(data, playbook=STAGES, as_of="2026-01-31").opportunities.set_index("opportunity_id")
    assert earlier["outcome"].drop("e").isin(["open"])[["a", "b", "d", "f"]].all()
    assert earlier["outcome"][["c", "e"]].tolist() == ["lost", "won"]


@pytest.mark.parametrize("seed", range(6))
def test_ends_told_by_the_history_are_those_of_the_deals(seed):
    """Outcomes and closes taken away from the deals and put into the history as marks: the same ledger."""
    whole = random_floor(seed, deal_n=150).book()
    table, rows = whole.tables["opportunities"], whole.tables["stage_history"]
    ended = table[table["outcome"] != "open"]
    marks = ended[["opportunity_id"]].assign(stage=ended["outcome"], entered_at=ended["closed_at"])
    told = load(
        {
            "opportunities": table[["opportunity_id", "created_at", "stage", "amount"]].assign(stage="s0"),
            "stage_history": pd.concat([rows, marks]),
        },
        playbook=whole.playbook,
        as_of=whole.as_of,
    )
    found = told.opportunities.set_index("opportunity_id")
    expected = table.set_index("opportunity_id")
    assert found["outcome"].to_dict() == expected["outcome"].to_dict()
    assert found["closed_at"].dropna().to_dict() == expected["closed_at"].dropna().to_dict()
    for name in ("outcome", "closed_s", "furthest", "reached_s", "stage", "entered_s", "left_s"):
        one, other = getattr(told.ledger, name), getattr(whole.ledger, name)
        assert (one == other).all(), name
