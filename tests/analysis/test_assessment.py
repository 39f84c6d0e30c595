"""The account assessment sheet: marks by hand, history, export and import, and everything it refuses."""

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.core.errors import DataProblems, MissingDataError, ParameterError
from funnelnb.data.contract.tables import ASSESSMENT_FACTORS
from tests.analysis.desk import book, frame, open_deal, relabelled, shuffled

MARKS = frame(
    "account_id factor mark note at",
    ("a", "sponsorship", "-", "nobody", "2026-01-10"),
    ("a", "solution_fit", "＋", None, "2026-01-10"),
    ("a", "sponsorship", "+", "the director", "2026-03-01"),
    ("b", "track_record", "−", None, "2026-02-01"),
)


def small(marks=MARKS):
    deals = (open_deal(amount=10.0, account_id="a"), open_deal(amount=5.0, account_id="c"))
    return book(*deals, assessments=marks)


def test_nine_factors() -> None:
    assert len(ASSESSMENT_FACTORS) == len(set(ASSESSMENT_FACTORS)) == 9


def test_marks_by_hand() -> None:
    result = fn.assessment(small())
    first, second = result.rows
    assert (first.account_id, first.plus_n, first.minus_n, first.unknown_n) == ("a", 2, 0, 7)
    assert (first.score_share, first.before_share) == (1.0, 0.5)
    assert (first.score_lower, first.score_upper) == (2 / 9, 1.0)
    assert first.open_amount == 10.0
    assert str(first.assessed_at) == "2026-03-01"
    assert (second.score_share, second.minus_n) == (0.0, 1)
    assert [(row.account_id, str(row.at), row.score_share) for row in result.history] == [
        ("a", "2026-01-10", 0.5),
        ("a", "2026-03-01", 1.0),
        ("b", "2026-02-01", 0.0),
    ]
    assert len(result.sheet) == 18


def test_one_account_even_without_a_mark() -> None:
    result = fn.assessment(small(), "c")
    assert [row.mark for row in result.sheet] == [""] * 9
    assert np.isnan(result.rows[0].score_share)
    assert (result.rows[0].score_lower, result.rows[0].score_upper) == (0.0, 1.0)
    with pytest.raises(ParameterError, match="account_id = 'zz'"):
        fn.assessment(small(), "zz")
    with pytest.raises(MissingDataError, match="no table 'assessments'"):
        fn.assessment(book(open_deal(account_id="a")))


def test_the_sample_against_pandas() -> None:
    sample = fn.sample()
    scores = {row.account_id: row.score_share for row in fn.assessment(sample).rows}
    marks = sample.table("assessments")
    truth = marks.assign(good=marks["mark"] == "+").groupby("account_id")["good"].mean()
    assert scores == pytest.approx(truth.to_dict())


def test_export_and_import_is_a_round_trip(tmp_path) -> None:
    path = fn.to_csv(fn.assessment(small(), "a"), tmp_path / "sheet.csv")
    again = fn.assess(
        book(open_deal(amount=10.0, account_id="a")), pd.read_csv(path, dtype={"account_id": "str"})
    )
    assert repr(fn.assessment(again, "a").sheet) == repr(fn.assessment(small(), "a").sheet)


def test_new_marks_win_and_nothing_else_changes() -> None:
    before = small()
    after = fn.assess(
        before, frame("account_id factor mark", ("a", "solution_fit", "-"), ("c", "opportunities", "+"))
    )
    rows = {row.account_id: row for row in fn.assessment(after).rows}
    assert (rows["a"].plus_n, rows["a"].minus_n) == (1, 1)
    assert rows["c"].plus_n == 1
    assert len(before.tables["assessments"]) == 4, "the book given is untouched"


def test_row_order_and_ids_do_not_matter() -> None:
    sample = fn.sample()
    first = fn.assessment(sample)
    assert repr(fn.assessment(shuffled(sample))) == repr(first)
    named = [row.score_share for row in fn.assessment(relabelled(sample)).rows]
    assert named == [row.score_share for row in first.rows]


def test_everything_wrong_is_named_at_once() -> None:
    bad = frame(
        "account_id factor mark at",
        ("a", "sponsorship", "plus", "2026-01-01"),
        ("a", "sponsership", "+", "2026-01-01"),
        ("a", "opportunities", "+", "2027-01-01"),
    )
    with pytest.raises(DataProblems) as caught:
        fn.assessment(small(bad))
    text = str(caught.value)
    assert [problem.row for problem in caught.value.problems] == [2, 3, 4]
    assert "'plus'" in text
    assert "write + or -" in text
    assert "did you mean 'sponsorship'" in text
    assert "an assessment in the future" in text


def test_assess_refuses_strangers_and_missing_columns() -> None:
    with pytest.raises(DataProblems, match="an account that the book does not have"):
        fn.assess(small(), frame("account_id factor mark", ("zz", "sponsorship", "+")))
    with pytest.raises(ParameterError, match="no column 'mark'"):
        fn.assess(small(), frame("account_id factor", ("a", "sponsorship")))
    with pytest.raises(DataProblems, match="in the future"):
        fn.assess(small(), frame("account_id factor mark at", ("a", "sponsorship", "+", "2030-01-01")))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_reads_in_words(lang) -> None:
    for one in (fn.assessment(small()), fn.assessment(small(), "a"), fn.assessment(small(), "c")):
        assert one.finding(lang)
        assert "{" not in one.text(lang)


def test_the_fields_own_words_are_taken() -> None:
    """Chinese names of the nine factors and 好, 差, +, − (DOMAIN C4), in the three groups of the sheet."""
    from funnelnb.analysis.priority.assessment import SIDES

    words = [
        "组织特征",
        "市场增长定位",
        "方案需求",
        "各种机会",
        "解决方案的适用性",
        "竞争优势",
        "记录",
        "支持者",
        "文化兼容性",
    ]
    given = frame(
        "account_id factor mark",
        *(
            ("a", word, mark)
            for word, mark in zip(words, ["好", "差", "+", "−", "好", "-", "＋", "差", "good"], strict=True)
        ),
    )
    made = book(open_deal(account_id="a"), assessments=given)
    sheet = fn.assessment(made, "a").sheet
    assert [row.mark for row in sheet] == list("+-+-+-+-+")
    assert [row.side for row in sheet] == ["profile"] * 3 + ["offer"] * 3 + ["relation"] * 3
    assert sum(map(len, SIDES.values())) == 9
    text = fn.assessment(made, "a").text("zh")
    assert "客户概况" in text
    assert fn.assess(book(open_deal(account_id="a")), given).tables["assessments"]["factor"].nunique() == 9


def test_the_sheet_opens_on_a_customer_with_marks() -> None:
    from funnelnb.analysis.priority.assessment import sheet_account

    deals = [open_deal(amount=9_000.0, account_id="big"), open_deal(amount=10.0, account_id="small")]
    given = frame("account_id factor mark", ("small", "sponsorship", "+"), ("none", "sponsorship", "+"))
    assert sheet_account(book(*deals, assessments=given)) == "small"
    assert sheet_account(book(*deals)) == "big"


def test_contacts_make_the_organisation_chart() -> None:
    contacts = frame(
        "account_id name role",
        ("a", "Li", "使用人"),
        ("a", "Wang", "决策人"),
        ("a", "Zhou", "gardener"),
        ("b", "Qi", "user"),
    )
    result = fn.assessment(book(open_deal(account_id="a"), contacts=contacts), "a")
    assert [(one.name, one.role) for one in result.people] == [
        ("Wang", "decision_maker"),
        ("Li", "user"),
        ("Zhou", ""),
    ]
    assert "gardener" in result.text("en")
