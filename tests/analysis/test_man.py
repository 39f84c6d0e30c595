"""The MAN rule: the nine answers, counts by hand, and what contradicts itself."""

import itertools

import pytest

import funnelnb as fn
from funnelnb.analysis.priority.money_authority_need import VERDICTS, man_class
from funnelnb.core.errors import DataProblems, MissingDataError
from tests.analysis.desk import book, frame, open_deal, shuffled

GOLDEN = {
    (True, True, True): ("MAN", "ideal"),
    (True, True, False): ("MAn", "skilled_selling"),
    (True, False, True): ("MaN", "find_authority"),
    (False, True, True): ("mAN", "check_credit"),
    (False, False, True): ("maN", "cultivate"),
    (False, True, False): ("mAn", "cultivate"),
    (True, False, False): ("Man", "cultivate"),
    (False, False, False): ("man", "stop"),
}


@pytest.mark.parametrize("flags", GOLDEN)
def test_the_eight_combinations(flags) -> None:
    name, verdict = GOLDEN[flags]
    assert man_class(*flags) == name
    assert VERDICTS[name] == verdict


def test_not_known_is_a_ninth_answer_and_not_a_no() -> None:
    answers = {
        man_class(*flags) for flags in itertools.product((True, False, None), repeat=3) if None in flags
    }
    assert answers == {"unknown"}
    assert set(VERDICTS) == {name for name, _ in GOLDEN.values()} | {"unknown"}


ACCOUNTS = frame(
    "account_id money authority need",
    ("a", True, True, True),
    ("b", True, False, True),
    ("c", True, False, None),
    ("d", False, False, False),
)


def deals():
    return (
        open_deal(amount=100.0, account_id="a"),
        open_deal(amount=50.0, account_id="a"),
        open_deal(amount=None, account_id="b"),
        open_deal(amount=7.0, account_id="d"),
        open_deal(amount=9.0, account_id="zz"),
    )


def test_counts_money_and_the_missing_condition_by_hand() -> None:
    result = fn.man(book(*deals(), accounts=ACCOUNTS))
    rows = {row.man: row for row in result.rows}
    assert [row.customer_n for row in result.rows] == [1, 0, 1, 0, 0, 0, 0, 1, 1]
    assert (rows["MAN"].deal_n, rows["MAN"].open_amount) == (2, 150.0)
    assert rows["MaN"].deal_n == 1
    assert rows["MaN"].open_amount != rows["MaN"].open_amount, "no known amount is not 0"
    assert rows["man"].open_amount == 7.0
    first = result.conditions[0]
    assert (first.condition, first.met_n, first.missing_n, first.unknown_n) == ("authority", 1, 3, 0)
    assert first.missing_rate == 0.75
    need = next(row for row in result.conditions if row.condition == "need")
    assert (need.met_n, need.missing_n, need.unknown_n, need.missing_rate) == (2, 1, 1, pytest.approx(1 / 3))
    assert not result.clear
    notes = {note.code: note.values for note in result.notes}
    assert notes["customers_without_record"]["customers_n"] == 1


def test_the_sample_against_a_loop() -> None:
    sample = fn.sample()
    result = fn.man(sample)
    accounts = sample.table("accounts")
    tally = {}
    for row in accounts.itertuples():
        name = "".join(
            letter if flag else letter.lower()
            for letter, flag in zip("MAN", (row.money, row.authority, row.need), strict=True)
        )
        tally[name] = tally.get(name, 0) + 1
    assert {row.man: row.customer_n for row in result.rows} == tally | {"unknown": 0}
    open_now = sample.opportunities[sample.opportunities["outcome"] == "open"]
    assert sum(row.deal_n for row in result.rows) == len(open_now)
    assert sum(row.open_amount for row in result.rows if row.deal_n) == pytest.approx(
        open_now["amount"].sum()
    )
    assert result.clear
    assert fn.man(shuffled(sample)).rows[:8] == result.rows[:8]


def test_what_contradicts_itself_is_named() -> None:
    twice = frame("account_id money authority need", ("a", True, True, None), ("a", True, False, True))
    with pytest.raises(DataProblems, match=r"accounts, row 3, column 'authority'"):
        fn.man(book(*deals(), accounts=twice))
    contacts = frame("account_id role", ("b", "decision_maker"), ("a", "decision_maker"))
    result = fn.man(book(*deals(), accounts=ACCOUNTS, contacts=contacts))
    assert {note.code: note.values.get("customers_n") for note in result.notes}["authority_contradicted"] == 1


def test_missing_tables_and_columns_are_named() -> None:
    with pytest.raises(MissingDataError, match="no table 'accounts'"):
        fn.man(book(*deals()))
    with pytest.raises(MissingDataError, match="'authority', 'need'"):
        fn.man(book(*deals(), accounts=ACCOUNTS[["account_id", "money"]]))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_reads_in_words(lang) -> None:
    result = fn.man(book(*deals(), accounts=ACCOUNTS))
    assert "1" in result.finding(lang)
    for text in (result.text(lang), result.html(lang)):
        assert "MaN" in text
        assert "{" not in result.text(lang)
    empty = fn.man(book(*deals(), accounts=ACCOUNTS.iloc[:0]))
    assert empty.finding(lang)
