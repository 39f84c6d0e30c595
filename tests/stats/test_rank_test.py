"""Log-rank and Gray's test: R, what must collapse, size, and a million rows."""

import numpy as np
import pytest
from scipy import stats

from funnelnb.core.errors import ParameterError
from funnelnb.stats.curves.rank_test import gray, log_rank
from tests.stats.reference import reference


@pytest.mark.parametrize(
    "row",
    list(reference("rank_tests").itertuples()),
    ids=lambda row: f"{row.test}-{row.set}-{row.strata}-{row.cause}",
)
def test_against_r(row):
    data = reference("observed").query("set == @row.set")
    strata = data.stratum if row.strata else None
    if row.test == "log_rank":
        found = log_rank(data.time, data.outcome > 0, data.group, data.n, data.entry, strata)
    else:
        found = gray(data.time, data.outcome, data.group, data.n, strata, cause=row.cause)
    assert found.statistic == pytest.approx(row.statistic, rel=1e-8)
    assert found.df == row.df


def test_gray_without_competing_outcomes_is_nearly_the_log_rank_test():
    """Same scores; Gray's variance takes the pooled curve where the other takes counts, so only nearly."""
    rng = np.random.default_rng(1)
    group = rng.integers(0, 3, 400)
    time, event = rng.exponential(50 + 20 * group), rng.random(400) < 0.7
    one, other = gray(time, event, group), log_rank(time, event, group)
    np.testing.assert_allclose(one.expected_n, other.expected_n)
    assert one.statistic == pytest.approx(other.statistic, rel=0.05)


def test_rows_and_counts_labels_and_units_change_nothing():
    rng = np.random.default_rng(2)
    time, outcome, group, n = (
        rng.integers(0, 30, 200),
        rng.integers(0, 3, 200),
        rng.integers(0, 3, 200),
        rng.integers(0, 4, 200),
    )
    order = rng.permutation(np.repeat(np.arange(200), n))
    for test in (log_rank, gray):
        events = outcome if test is gray else outcome > 0
        counted = test(time, events, group, n)
        spread = test(time[order] * 86_400, events[order], np.array(["x", "b", "m"])[group[order]])
        assert spread.statistic == pytest.approx(counted.statistic, rel=1e-9)
        assert sorted(spread.observed_n) == sorted(counted.observed_n)


@pytest.mark.parametrize("test", [log_rank, gray])
def test_size_under_no_difference(test):
    rng = np.random.default_rng(3)
    rejected = 0
    for _ in range(400):
        win, lose, until = rng.exponential(60, 150), rng.exponential(90, 150), rng.uniform(10, 120, 150)
        time = np.ceil(np.minimum(np.minimum(win, lose), until))
        outcome = np.where(until < np.minimum(win, lose), 0, np.where(win < lose, 1, 2))
        rejected += (
            test(time, outcome if test is gray else outcome > 0, rng.integers(0, 3, 150)).p_value < 0.1
        )
    assert rejected / 400 == pytest.approx(0.10, abs=4 * np.sqrt(0.09 / 400))


def test_gray_sees_incidence_where_a_log_rank_of_the_cause_sees_speed():
    """Group b loses deals faster, so fewer are won although the winning hazard is the same."""
    rng = np.random.default_rng(4)
    size = 4000
    group = rng.integers(0, 2, size)
    win, lose = rng.exponential(50, size), rng.exponential(np.where(group == 1, 15, 60))
    time, outcome = np.minimum(win, lose), np.where(win < lose, 1, 2)
    assert gray(time, outcome, group).p_value < 1e-10
    assert log_rank(time, outcome == 1, group).p_value > 0.01


def test_a_million_tied_rows_do_not_overflow():
    rng = np.random.default_rng(5)
    time = rng.integers(0, 60, 1_000_000)
    group = rng.integers(0, 2, 1_000_000)
    event = rng.random(1_000_000) < 0.5
    big = log_rank(time, event, group)
    expected = 0.0
    variance = 0.0
    for t in range(60):
        at = [int(np.sum((time >= t) & (group == g))) for g in (0, 1)]
        d = int(np.sum((time == t) & event))
        total = sum(at)
        expected += d * at[0] / total
        variance += d * at[0] * at[1] * (total - d) / (total * total * (total - 1))
    observed = np.sum(event & (group == 0))
    assert big.statistic == pytest.approx((observed - expected) ** 2 / variance, rel=1e-9)


def test_nothing_to_compare_is_undefined():
    assert np.isnan(log_rank([1, 2], [1, 0], ["a", "a"]).p_value)
    assert np.isnan(log_rank([1, 2], [0, 0], ["a", "b"]).p_value)
    assert np.isnan(gray([1, 2], [2, 2], ["a", "b"]).p_value)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (([1, 2], [1], ["a", "b"]), "differ in length"),
        (([1, -2], [1, 1], ["a", "b"]), "negative"),
        (([1, np.inf], [1, 1], ["a", "b"]), "not finite"),
        (([1, 2], [1, 1], ["a", "b"], None, [0, 2]), "before its entry"),
    ],
)
def test_impossible_rows_are_refused(arguments, shown):
    with pytest.raises(ParameterError, match=shown):
        log_rank(*arguments)


def clustered_floor(seed, clusters=30, per=8):
    """Deals of accounts whose pace is their own; the two groups are halves of the accounts, and alike."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(clusters), per)
    pace = np.exp(0.8 * rng.standard_normal(clusters))[account]
    time = np.ceil(20 * pace * rng.exponential(size=account.size))
    until = rng.integers(5, 80, account.size)
    kind = np.where(time <= until, 1 + (rng.random(account.size) < pace / (1 + pace)), 0)
    return np.minimum(time, until), kind, account % 2, account


@pytest.mark.parametrize("test", [log_rank, gray])
def test_accounts_never_make_a_difference_clearer(test):
    """Alike halves of accounts: called different about as often as asked, three times as often without accounts."""
    called = np.zeros(2)
    for seed in range(60):
        time, kind, group, account = clustered_floor(seed)
        outcome = kind > 0 if test is log_rank else kind
        with_accounts = test(time, outcome, group, cluster=account)
        without = test(time, outcome, group)
        assert with_accounts.p_value >= without.p_value
        called += [with_accounts.p_value <= 0.1, without.p_value <= 0.1]
    assert called[0] <= 13, "10 % of 60, and chance"
    assert called[1] >= 14


def test_an_account_per_deal_changes_next_to_nothing():
    time, kind, group, _ = clustered_floor(1)
    alone = log_rank(time, kind > 0, group, cluster=np.arange(time.size))
    plain = log_rank(time, kind > 0, group)
    assert alone.statistic == pytest.approx(plain.statistic, rel=0.1)


def test_the_jackknife_by_hand():
    """Scores without each account in turn, worked out anew, and Hotelling's T² of the accounts."""
    time, kind, group, account = clustered_floor(5, clusters=12)
    found = log_rank(time, kind > 0, group, cluster=account)

    def score(rows):
        one = log_rank(time[rows], kind[rows] > 0, group[rows])
        return one.observed_n[0] - one.expected_n[0]

    everybody = np.ones(time.size, bool)
    without = np.array([score(account != one) for one in np.unique(account)])
    variance = 11 / 12 * ((without - without.mean()) ** 2).sum()
    statistic = score(everybody) ** 2 / variance
    plain = log_rank(time, kind > 0, group)
    if found.statistic != pytest.approx(plain.statistic):
        from scipy.stats import f

        assert found.statistic == pytest.approx(statistic)
        assert found.p_value == pytest.approx(f.sf(statistic, 1, 11))
    else:
        assert statistic > plain.statistic


def test_groups_that_share_no_stratum_give_fewer_contrasts_not_an_error():
    rng = np.random.default_rng(3)
    group = rng.integers(0, 12, 600)
    stratum = group % 3  # every group lives in one stratum only: 12 - 3 contrasts
    time, outcome = rng.exponential(50, 600).round() + 1, rng.integers(0, 3, 600)
    found = gray(time, outcome, group, strata=stratum)
    apart = [gray(*(one[stratum == s] for one in (time, outcome, group))) for s in range(3)]
    assert found.df == sum(one.df for one in apart) == 9
    assert found.statistic == pytest.approx(sum(one.statistic for one in apart))


def test_two_accounts_tell_nothing_and_one_is_no_sample_of_accounts():
    time, kind, group, account = clustered_floor(2, clusters=6)
    two = log_rank(time, kind > 0, group, cluster=account % 2)
    assert (two.statistic, two.p_value) == (0.0, 1.0)
    day, side, half = [1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1, 0]
    even = log_rank(
        day, [1] * 8, side, cluster=half
    )  # equally many deals: as many degrees of freedom as contrasts
    assert (even.statistic, even.p_value) == (0.0, 1.0)
    plain, one = log_rank(time, kind > 0, group), log_rank(time, kind > 0, group, cluster=np.zeros(time.size))
    assert (one.statistic, one.p_value) == (plain.statistic, plain.p_value)


@pytest.mark.parametrize("test", [log_rank, gray])
def test_the_jackknife_of_three_groups_in_strata_by_hand(test):
    """All scores without each account in turn, weighted rows, two strata: Hotelling's T² of the effective accounts."""
    rng = np.random.default_rng(6)
    size = 240
    account = rng.integers(0, 9, size)
    group, stratum, n = rng.integers(0, 3, size), rng.integers(0, 2, size), rng.integers(1, 4, size)
    pace = np.exp(1.2 * rng.standard_normal(9))[account]
    time = np.ceil(15 * pace * rng.exponential(size=size))
    kind = rng.integers(0, 3, size)

    def run(rows, **more):
        events = kind[rows] > 0 if test is log_rank else kind[rows]
        return test(time[rows], events, group[rows], n[rows], strata=stratum[rows], **more)

    def score(rows):
        one = run(rows)
        return one.observed_n - one.expected_n

    everybody = np.ones(size, bool)
    moves = np.array([score(account != one) for one in range(9)])
    covariance = 8 / 9 * (moves - moves.mean(axis=0)).T @ (moves - moves.mean(axis=0))
    distance = score(everybody)[:2]
    statistic = distance @ np.linalg.inv(covariance[:2, :2]) @ distance
    weights = np.bincount(account, weights=n)
    freedom = weights.sum() ** 2 / (weights**2).sum() - 1
    p_value = stats.f.sf(statistic * (freedom - 1) / (freedom * 2), 2, freedom - 1)
    found, plain = run(everybody, cluster=account), run(everybody)
    assert p_value > plain.p_value, "accounts count here"
    assert (found.statistic, found.p_value) == pytest.approx((statistic, p_value))
