"""Priority levels: scores by hand, nothing good ever lowers one, re-assessment by hand, rules that cannot be."""

import itertools

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.priority.levels import LevelRule, level_of, size_part
from funnelnb.core.errors import MappingError, MissingDataError, ParameterError
from tests.analysis.desk import book, frame, open_deal, relabelled, shuffled

RULE = {"large_amount": 10_000, "small_amount": 100}
ACCOUNTS = frame(
    "account_id name need intent",
    ("a", "Ada", True, "high"),
    ("b", "Bob", True, "中"),
    ("c", "Cyd", False, None),
    ("d", "Dan", False, "low"),
    ("e", "Eve", None, "whatever"),
)


def small(accounts=ACCOUNTS, amounts=(10_000, 1000, 10_000, 50, None), today=100.0):
    deals = [open_deal(amount=amount, account_id=one) for one, amount in zip("abcde", amounts, strict=True)]
    return book(*deals, accounts=accounts, today=today)


def test_scores_by_hand() -> None:
    result = fn.levels(small(), RULE)
    rows = {row.account_id: row for row in result.customers}
    assert (rows["a"].score, rows["a"].level) == (1.0, "high")
    # 1,000 lies half way between 100 and 10,000 on the log scale
    assert rows["b"].score == pytest.approx(0.4 * 0.5 + 0.3 * 1 + 0.3 * 0.5)
    assert rows["b"].level == "medium"
    # intent not known: of size and need only; it could be 0.4 or 0.7 of all
    assert rows["c"].score == pytest.approx(0.4 / 0.7)
    assert (rows["c"].score_lower, rows["c"].score_upper) == pytest.approx((0.4, 0.7))
    assert not rows["c"].sure, "0.4 is medium, 0.7 high"
    assert (rows["d"].score, rows["d"].level) == (0.0, "low")
    assert rows["e"].level == "unknown"
    assert np.isnan(rows["e"].score)
    assert [row.customer_n for row in result.rows] == [1, 2, 1, 1]
    assert [row.planned_hours for row in result.rows] == [4.0, 2.0, 0.25, 0.5]
    assert [note.values.get("words") for note in result.notes if note.code == "intent_words_unknown"] == [
        "whatever"
    ]


def test_more_money_need_or_intent_never_lowers_a_level() -> None:
    order = {"low": 0, "medium": 1, "high": 2}
    rule = LevelRule.read(RULE)
    amounts = [0.0, 50.0, 100.0, 400.0, 3000.0, 10_000.0, 1e6]

    def score(amount, need, intent):
        parts = (size_part(amount, 100, 10_000), need, intent)
        return sum(w * p for w, p in zip((0.4, 0.3, 0.3), parts, strict=True))

    for need, intent in itertools.product((0.0, 1.0), (0.0, 0.5, 1.0)):
        by_size = [order[level_of(score(amount, need, intent), rule)] for amount in amounts]
        assert by_size == sorted(by_size)
    for amount in amounts:
        for k, grid in ((1, [(0, i) for i in (0, 0.5, 1)]), (0, [(n, 0.5) for n in (0, 1)])):
            levels = [order[level_of(score(amount, *one), rule)] for one in grid]
            assert levels == sorted(levels), (amount, k)


@pytest.mark.parametrize("factor", [1.5, 3.0, 30.0])
def test_more_money_never_lowers_where_the_book_sets_the_sizes(factor) -> None:
    amounts = [200.0, 500.0, 900.0, 4000.0, 7000.0]
    before = {row.account_id: row for row in fn.levels(small(amounts=amounts)).customers}
    for k, one in enumerate("abcde"):
        raised = [amount * (factor if j == k else 1) for j, amount in enumerate(amounts)]
        after = {row.account_id: row for row in fn.levels(small(amounts=raised)).customers}
        assert after[one].size_part >= before[one].size_part - 1e-12


def test_row_order_and_ids_do_not_matter() -> None:
    sample = fn.sample()
    first = fn.levels(sample)
    assert repr(fn.levels(shuffled(sample))) == repr(first)
    assert repr(fn.levels(relabelled(sample)).rows) == repr(first.rows)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"high": 0.4, "medium": 0.6}, "thresholds cross"),
        ({"high": 0.4, "medium": 0.4}, "thresholds cross"),
        ({"weights": {"size": 0, "need": 0, "intent": 0}}, "weights"),
        ({"weights": {"seize": 1}}, "did you mean 'size'"),
        ({"weights": {"size": -1}}, "weights"),
        ({"hihg": 0.5}, "unknown key 'hihg'"),
        ({"weights": 3}, "a table of name = number"),
        ({"large_amount": 5, "small_amount": 10}, "sizes cross"),
        ({"hours_per_week": {"high": "many"}}, "hours_per_week"),
    ],
)
def test_rules_that_cannot_be(rule, message) -> None:
    with pytest.raises(ParameterError, match=message):
        fn.levels(small(), rule)


def test_the_rule_can_stand_in_the_settings_file(tmp_path) -> None:
    path = tmp_path / "funnelnb.toml"
    path.write_text(
        "[levels]\nhigh = 0.9\nlarge_amount = 10000\nsmall_amount = 100\nweights = { size = 0.8 }\n"
    )
    from_file = fn.levels(small(), str(path))
    assert repr(from_file) == repr(fn.levels(small(), RULE | {"high": 0.9, "weights": {"size": 0.8}}))
    assert from_file.size_weight == pytest.approx(0.8 / 1.4)
    path.write_text("[levels]\nhihg = 0.9\n")
    with pytest.raises(ParameterError, match="unknown key 'hihg'"):
        fn.levels(small(), str(path))
    path.write_text("levels = 3\n")
    with pytest.raises(MappingError, match="levels = 3"):
        fn.levels(small(), str(path))


def test_missing_columns_are_named() -> None:
    partly = fn.levels(small(ACCOUNTS[["account_id", "need"]]))
    assert [note.values for note in partly.notes if note.code == "level_parts_missing"] == [
        {"columns": "intent"}
    ]
    assert np.isnan(partly.customers[0].intent_part)
    with pytest.raises(MissingDataError, match="no column to judge by"):
        fn.levels(small(ACCOUNTS[["account_id", "name"]], amounts=(None,) * 5))


def test_moves_between_two_exports_by_hand() -> None:
    earlier = frame(
        "account_id name need intent",
        ("a", "Ada", True, "high"),
        ("b", "Bob", False, "中"),
        ("c", "Cyd", False, "low"),
        ("d", "Dan", True, "high"),
    )
    deals = [
        open_deal(amount=amount, account_id=one)
        for one, amount in zip("abcd", (10_000, 1000, 100, 400), strict=True)
    ]
    before = book(*deals, accounts=earlier, today=60.0)
    result = fn.level_moves(before, small(), RULE)
    moves = {row.account_id: row for row in result.moves}
    assert set(moves) == {"b", "c", "d", "e"}
    assert (moves["b"].level_before, moves["b"].level_after, moves["b"].why) == ("low", "medium", "need_up")
    assert moves["b"].change_hours == 0.75
    assert moves["c"].why == "size_up, known_less"
    assert (moves["d"].level_before, moves["d"].level_after) == ("high", "low")
    assert moves["d"].why == "size_down, need_down, intent_down"
    assert (moves["e"].level_before, moves["e"].why) == ("none", "first_deal")
    assert (result.raised_n, result.lowered_n, result.new_n, result.gone_n, result.stayed_n) == (
        2,
        1,
        1,
        0,
        1,
    )
    assert result.hours_after - result.hours_before == pytest.approx(
        sum(row.change_hours for row in result.rows)
    )
    assert sum(row.customer_n for row in result.rows) == result.n == 5


def test_the_earlier_book_must_be_earlier() -> None:
    with pytest.raises(ParameterError, match="an earlier and a later book"):
        fn.level_moves(small(), small())


def test_a_date_or_days_stand_for_the_book_of_that_date() -> None:
    sample = fn.sample()
    loaded = fn.level_moves(fn.sample(as_of="2026-03-31"), sample)
    assert repr(fn.level_moves("2026-03-31", sample).rows) == repr(loaded.rows)
    assert repr(fn.level_moves(91, sample).moves) == repr(loaded.moves)
    for wrong in ("2026-07-31", "soon", 0):
        with pytest.raises(ParameterError):
            fn.level_moves(wrong, sample)


def test_one_export_on_two_dates_says_that_only_size_can_move() -> None:
    moves = fn.level_moves(fn.sample(as_of="2026-03-31"), fn.sample())
    assert "need_and_intent_same" in {note.code for note in moves.notes}
    assert {row.why for row in moves.moves} <= {
        "size_up",
        "size_down",
        "first_deal",
        "no_deal_left",
        "known_more",
        "known_less",
    }


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_reads_in_words_and_draws(lang) -> None:
    moves = fn.level_moves(small(today=60.0), small(), RULE)
    for one in (fn.levels(small(), RULE), moves, fn.levels(book(open_deal(), accounts=ACCOUNTS))):
        assert one.finding(lang)
        assert "{" not in one.text(lang)
    assert moves.chart("flows", lang).to_dict()


def test_customers_without_an_open_deal_stand_by_their_record() -> None:
    """Size class, else revenue, else employees; the amount of open deals where there is one."""
    accounts = frame(
        "account_id name size need intent",
        ("a", "Ada", "小", True, "高"),
        ("p", "Pia", "大", True, "高"),
        ("q", "Quy", "medium", False, "低"),
        ("r", "Rob", None, None, None),
        ("s", "Sue", "enormous", True, "强"),
    )
    accounts["revenue"] = [np.nan, np.nan, np.nan, np.nan, 5e6]
    result = fn.levels(small(accounts, amounts=(10_000, 1000, 10_000, 50, None)), RULE)
    rows = {row.account_id: row for row in result.customers}
    assert set(rows) == set("abcdepqrs") and result.with_deals_n == 5
    assert (rows["a"].size_part, rows["a"].size_source) == (1.0, "open_deals"), "its open deals are large"
    assert (rows["p"].score, rows["p"].level, rows["p"].size_source) == (1.0, "high", "size")
    assert rows["q"].score == pytest.approx(0.4 * 0.5)
    assert (rows["r"].level, rows["r"].size_source) == ("unknown", "")
    assert rows["s"].size_source == "revenue", "a word nobody knows counts nothing"
    assert [note.values["words"] for note in result.notes if note.code == "size_words_unknown"] == [
        "enormous"
    ]
    assert not rows["p"].has_open_deal
    only = fn.levels(small(accounts), RULE, everyone=False)
    assert {row.account_id for row in only.customers} == set("abcde")


def test_revenue_and_employees_are_measured_against_all_records() -> None:
    accounts = frame("account_id name", *((f"k{i}", f"K{i}") for i in range(11)))
    accounts["employees"] = [10.0 * 10 ** (i / 5) for i in range(11)]  # 10 to 1,000, even on the log scale
    result = fn.levels(small(accounts, amounts=(None,) * 5))
    parts = {row.account_id: row.size_part for row in result.customers}
    assert parts["k0"] == 0.0 and parts["k10"] == 1.0
    assert parts["k5"] == pytest.approx(0.5)
    assert [parts[f"k{i}"] for i in range(11)] == sorted(parts[f"k{i}"] for i in range(11))
