"""Every trap in a file gets its own message, all at once, with row, value and a way forward."""

import pandas as pd
import pytest

from funnelnb.core.errors import DataProblems, MappingError
from funnelnb.data.contract.problems import CODES
from funnelnb.data.load import load

STAGES = ["lead", "offer", "won"]
GOOD = {
    "opportunity_id": ["a", "b", "c"],
    "stage": ["won", "offer", "lead"],
    "amount": ["100", "200", "300"],
    "created_at": ["2026-01-01", "2026-01-02", "2026-01-03"],
    "closed_at": ["2026-02-01", "", ""],
    "outcome": ["won", "open", "open"],
}
HISTORY = {
    "opportunity_id": ["a", "b"],
    "stage": ["lead", "offer"],
    "entered_at": ["2026-01-01", "2026-01-05"],
}


def tables(history=None, **changes):
    deals = pd.DataFrame({**GOOD, **changes})
    return {"opportunities": deals, **({"stage_history": pd.DataFrame(history)} if history else {})}


def problems(data, **options):
    with pytest.raises(DataProblems) as error:
        load(data, playbook=STAGES, **options)
    return error.value.problems


def only(data, **options):
    found = problems(data, **options)
    assert len(found) == 1, [str(one) for one in found]
    return found[0]


def loaded(data, **settings):
    return load(data, playbook=STAGES, mapping=settings)


def codes(book):
    return {note.code: dict(note.values) for note in book.notes}


def test_the_good_table_loads_without_a_note():
    book = load(tables(history=HISTORY), playbook=STAGES)
    assert (len(book.opportunities), book.notes) == (3, ())


TRAPS = {
    # code: (changes, row, column, value, in what the message expects or advises)
    "bad_number": ({"amount": ["100", "1,2,3", "5"]}, 3, "amount", "1,2,3", "1,234.50"),
    "bad_date": ({"created_at": ["2026-01-01", "2026-02-30", "2026-01-03"]}, 3, "created_at", "2026-02-30", "such as"),
    "unknown_stage": ({"stage": ["won", "ofer", "lead"]}, 3, "stage", "ofer", "did you mean 'offer'?"),
    "unknown_outcome": ({"outcome": ["won", "open", "maybe"]}, 4, "outcome", "maybe", "[outcomes]"),
    "closed_before_created": ({"closed_at": ["2025-12-31", "", ""]}, 2, "closed_at", "2025-12-31 < 2026-01-01", "date"),
    "won_without_closed_at": (
        {"outcome": ["won", "won", "open"], "stage": ["won", "won", "lead"], "closed_at": ["2026-02-01", "", ""]},
        3, "closed_at", "", "won at an unknown time",
    ),
    "duplicate_id": ({"opportunity_id": ["a", "b", "b"]}, 4, "opportunity_id", "b", "each id once"),
    "missing_value": ({"opportunity_id": ["a", "", "c"]}, 3, "opportunity_id", "", "a value in every row"),
    "stage_contradicts_outcome": ({"outcome": ["lost", "open", "open"]}, 2, "stage", "won / lost", "agree"),
}  # fmt: skip


@pytest.mark.parametrize("code", TRAPS)
def test_trap_stops_with_row_and_value(code):
    changes, row, column, value, advice = TRAPS[code]
    problem = only(tables(**changes))
    assert (problem.row, problem.column, problem.value) == (row, column, value)
    assert advice in str(problem)
    assert problem.file == "opportunities"


@pytest.mark.parametrize("code", TRAPS)
def test_trap_can_be_dropped_exactly(code):
    changes, row, *_ = TRAPS[code]
    whole = pd.DataFrame({**GOOD, **changes})
    for settings in ({"on_problem": "drop"}, {"problems": {code: "drop"}}):
        book = loaded(tables(**changes), **settings)
        expected = whole.drop(index=row - 2)["opportunity_id"].tolist()
        assert book.opportunities["opportunity_id"].tolist() == expected
        assert codes(book)[f"{code}_dropped"]["n"] == 1


@pytest.mark.parametrize("code", [code for code in TRAPS if CODES[code].keep])
def test_trap_can_be_kept_with_a_note(code):
    book = loaded(tables(**TRAPS[code][0]), problems={code: "keep"})
    assert len(book.opportunities) == 3
    assert codes(book)[f"{code}_kept"]["n"] == 1


def test_kept_means_not_known():
    deals = loaded(
        tables(**TRAPS["closed_before_created"][0]), problems={"closed_before_created": "keep"}
    ).opportunities
    assert pd.isna(deals["created_at"][0])
    assert str(deals["closed_at"][0])[:10] == "2025-12-31"
    deals = loaded(
        tables(**TRAPS["stage_contradicts_outcome"][0]), problems={"stage_contradicts_outcome": "keep"}
    ).opportunities
    assert deals["outcome"][0] == "lost"
    assert pd.isna(deals["stage"][0])


def test_all_problems_come_at_once():
    changes = {
        "opportunity_id": ["a", "b", "b"],
        "amount": ["1,2,3", "x", "5"],
        "created_at": ["2026-13-01", "2026-01-02", "2026-01-03"],
        "stage": ["won", "ofer", "lead"],
    }
    found = problems(tables(**changes))
    assert [(one.column, one.rows_n) for one in found] == [
        ("amount", 2), ("created_at", 1), ("stage", 1), ("opportunity_id", 1),
    ]  # fmt: skip
    with pytest.raises(DataProblems) as error:
        load(tables(**changes), playbook=STAGES)
    text = str(error.value)
    assert text.startswith("the data has 4 problems:")
    assert "row 2, column 'amount': not a number '1,2,3' (and 1 more row)" in text


def test_missing_columns_are_listed_with_what_is_there():
    found = problems(pd.DataFrame({"ident": ["a"], "betrag": ["5"]}))
    assert [one.column for one in found] == ["stage"]  # rows without an id are numbered
    assert "the file has ident, betrag" in str(found[0])
    assert '[tables.opportunities.columns] stage = "…"' in str(found[0])


def test_undecidable_columns_name_the_setting():
    problem = only(tables(created_at=["1/2/2026", "3/4/2026", "5/6/2026"]))
    assert (problem.column, problem.value, problem.row) == ("created_at", "1/2/2026", None)
    assert 'date_order = "dmy" or "mdy"' in problem.remedy


def test_another_date_column_of_the_file_tells_the_order():
    book = load(
        tables(created_at=["1/2/2026", "3/4/2026", "5/6/2026"], closed_at=["31/8/2026", "", ""]),
        playbook=STAGES,
    )
    assert str(book.opportunities["created_at"][1])[:10] == "2026-04-03"
    assert codes(book)["date_order_from_file"]["order"] == "dmy"


def test_an_undecidable_amount_names_the_setting():
    problem = only(tables(amount=["1.234", "2.345", "850"]))
    assert (problem.value, 'decimal = "."' in problem.remedy) == ("1.234", True)
    assert loaded(tables(amount=["1.234", "2.345", "850"]), decimal=",").opportunities["amount"].tolist() == [
        1234,
        2345,
        850,
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": ["EUR", "EUR", "USD"]},
        {"amount": ["€5", "$6", "7"]},
        {"amount": ["5 EUR", "6", "7"], "currency": ["CHF"] * 3},
    ],
)
def test_two_currencies_stop(changes):
    problem = only(tables(**changes))
    assert "more than one currency" in problem.found
    with pytest.raises(DataProblems):
        loaded(tables(**changes), on_problem="drop")  # no single row is at fault


@pytest.mark.parametrize(
    ("changes", "given", "expected"),
    [({"currency": ["eur", "EUR", ""]}, None, "EUR"), ({"amount": ["€5", "6", "7"]}, None, "EUR"),
     ({"amount": ["$5", "6", "7"]}, None, "$"), ({"amount": ["$5", "6", "7"]}, "USD", "USD"), ({}, None, ""),
     ({"amount": ["5元", "¥6", "7"]}, None, "CNY"), ({"amount": ["5元", "6", "7"]}, "EUR", "EUR")],
)  # fmt: skip
def test_one_currency_is_known(changes, given, expected):
    assert load(tables(**changes), playbook=STAGES, currency=given).currency == expected


def test_the_wrong_currency_is_a_problem():
    assert "EUR, USD" in only(tables(amount=["€5", "6", "7"]), currency="USD").value


def test_history_of_unknown_deals():
    history = {**HISTORY, "opportunity_id": ["a", "zz"]}
    problem = only(tables(history=history))
    assert (problem.file, problem.row, problem.value) == ("stage_history", 3, "zz")
    book = loaded(tables(history=history), on_problem="drop")
    assert codes(book)["history_unknown_deal_dropped"]["n"] == 1


def test_history_of_dropped_deals_goes_without_a_word():
    data = tables(history=HISTORY, amount=["100", "x", "5"])
    book = loaded(data, on_problem="drop")
    assert book.table("stage_history")["opportunity_id"].tolist() == ["a"]
    assert set(codes(book)) == {"bad_number_dropped"}


def test_history_before_creation_is_noted_only():
    history = {**HISTORY, "entered_at": ["2025-12-01", "2026-01-05"]}
    book = load(tables(history=history), playbook=STAGES)
    assert codes(book)["history_before_created_kept"]["n"] == 1
    assert len(book.table("stage_history")) == 2


def test_a_day_without_an_hour_is_not_before_an_hour_of_it():
    data = tables(history={**HISTORY, "entered_at": ["2026-01-01", "2026-01-05"]})
    ids = list(data["opportunities"]["opportunity_id"])
    hour = {HISTORY["opportunity_id"][0]: "2026-01-01 09:15"}
    data["opportunities"]["created_at"] = [hour.get(one, "2026-01-01") for one in ids]
    assert "history_before_created_kept" not in codes(load(data, playbook=STAGES))
    data["stage_history"]["entered_at"] = ["2026-01-01 08:00", "2026-01-05"]
    assert codes(load(data, playbook=STAGES))["history_before_created_kept"]["n"] == 1


def test_a_bad_date_in_the_history_cannot_be_kept():
    history = {**HISTORY, "entered_at": ["soon", "2026-01-05"]}
    assert only(tables(history=history)).value == "soon"
    book = loaded(tables(history=history), problems={"bad_date": "keep"})
    assert len(book.table("stage_history")) == 1


def test_the_same_row_twice_counts_once():
    data = tables()["opportunities"]
    book = load(pd.concat([data, data.iloc[[1]]]), playbook=STAGES)
    assert len(book.opportunities) == 3
    assert codes(book)["identical_rows_dropped"] == {"file": "opportunities", "n": 1, "row": 5}


def test_lost_without_a_date_and_negative_amounts_are_noted_only():
    book = load(tables(outcome=["won", "lost", "open"], amount=["-5", "6", "7"]), playbook=STAGES)
    assert set(codes(book)) == {"lost_without_closed_at_kept", "negative_amount_kept"}


def test_no_close_dates_at_all_is_a_note():
    data = tables()["opportunities"].drop(columns="closed_at")
    book = load(data, playbook=STAGES)
    assert set(codes(book)) == {"closed_at_absent"}


def test_a_close_date_of_an_open_deal_is_an_expectation():
    book = load(tables(closed_at=["2026-02-01", "2026-09-01", ""]), playbook=STAGES)
    deals = book.opportunities
    assert str(deals["expected_close_at"][1])[:10] == "2026-09-01"
    assert pd.isna(deals["closed_at"][1])
    assert str(book.as_of)[:10] == "2026-02-01"  # an expectation is no record


def test_deleted_rows():
    deleted = tables(is_deleted=["no", "yes", "0"])
    assert load(deleted, playbook=STAGES).opportunities["opportunity_id"].tolist() == ["a", "c"]
    assert len(loaded(deleted, deleted="keep").opportunities) == 3
    assert "all 3 deals are marked as deleted" in only(tables(is_deleted=["yes"] * 3)).found


def test_dropping_everything_is_a_problem():
    problem = problems(tables(amount=["x", "y", "z"]), mapping={"on_problem": "drop"})[0]
    assert "no deal is left" in problem.found


def test_each_code_says_what_to_do():
    for code, known in CODES.items():
        if code not in ("missing_column", "history_before_created", "negative_amount"):
            assert known.remedy, code
        assert known.usual in ("problem", "keep", "stop")


def test_settings_refuse_what_a_code_cannot_do():
    with pytest.raises(MappingError, match=r"problems.duplicate_id = 'keep'"):
        loaded(tables(), problems={"duplicate_id": "keep"})
    with pytest.raises(MappingError, match="missing_column"):
        loaded(tables(), problems={"missing_column": "drop"})
    with pytest.raises(MappingError, match="did you mean 'bad_number'"):
        loaded(tables(), problems={"bad_nummber": "drop"})


def test_flags_give_the_outcome():
    data = tables(
        is_won=["true", "false", "false"],
        is_closed=["true", "true", "false"],
        closed_at=["2026-02-01", "2026-02-02", ""],
    )
    data["opportunities"] = data["opportunities"].drop(columns=["outcome"])
    assert load(data, playbook=STAGES).opportunities["outcome"].tolist() == ["won", "lost", "open"]
    assert "is_won" not in load(data, playbook=STAGES).opportunities


def test_the_stage_gives_the_outcome():
    data = tables(stage=["Closed Won", "Closed Lost", "Lead"], closed_at=["2026-02-01", "2026-02-02", ""])
    data["opportunities"] = data["opportunities"].drop(columns=["outcome"])
    deals = load(data, playbook=STAGES).opportunities
    assert deals["outcome"].tolist() == ["won", "lost", "open"]
    assert deals["stage"].tolist()[::2] == ["won", "lead"]
    assert pd.isna(deals["stage"][1])


def test_times_of_one_day_are_in_order_when_closes_have_no_time():
    data = tables(created_at=["2026-02-01 15:00", "2026-01-02 09:00", "2026-01-03 10:00"])
    book = load(data, playbook=STAGES)
    assert str(book.opportunities["closed_at"][0]) == "2026-02-01 23:59:59"
    assert "close_at_end_of_day" in codes(book)


def man_book(tmp_path, rows):
    (tmp_path / "opportunities.csv").write_text(
        "opportunity_id,account_id,stage,created_at\nD1,A1,lead,2026-01-01\nD2,A2,lead,2026-01-02\n",
        encoding="utf-8",
    )
    (tmp_path / "accounts.csv").write_text("\n".join(["客户编号,资金,权力,需求", *rows]), encoding="utf-8")
    return load(tmp_path, playbook=["lead", "won"], as_of="2026-02-01")


def test_the_letters_of_the_man_rule_are_read_by_their_case(tmp_path):
    found = man_book(tmp_path, ["A1,M,a,N", "A2,m,A,N"])
    accounts = found.tables["accounts"].set_index("account_id")
    assert accounts["money"].tolist() == [True, False]
    assert accounts["authority"].tolist() == [False, True]
    assert accounts["need"].tolist() == [True, True]  # a capital: the need is there
    told = [note.values["column"] for note in found.notes if note.code == "man_letters_read"]
    assert told == ["资金", "权力", "需求"]


def test_y_and_n_stay_yes_and_no(tmp_path):
    accounts = man_book(tmp_path, ["A1,Y,Y,N", "A2,Y,N,Y"]).tables["accounts"].set_index("account_id")
    assert accounts["need"].tolist() == [False, True]
    accounts = man_book(tmp_path, ["A1,是,是,N", "A2,是,否,N"]).tables["accounts"].set_index("account_id")
    assert accounts["need"].tolist() == [False, False]  # nothing says that these are letters
