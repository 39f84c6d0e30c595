"""Distributions of thin, late, wrong and counted data: reasons instead of numbers."""

from dataclasses import fields, replace

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.analysis.time.distribution import distribution
from funnelnb.core.errors import MissingDataError, ParameterError
from tests.analysis.desk import book
from tests.analysis.floors import Deal
from tests.analysis.test_distribution import floor, only, qualify, values, weibull
from tests.analysis.test_scan import frames


def stays(*days):
    return book(*(Deal(visits=((0, 0.0), (1, float(one)))) for one in days))


def test_too_few_or_too_alike_deals_give_reasons_not_numbers():
    one = distribution(stays(3), stage="lead")
    assert (only(one).verdict, only(one).family, one.fits) == ("too_few", "", ())
    waiting = distribution(book(*(Deal(visits=((0, float(day)),)) for day in range(30))), stage="lead")
    assert {fit.verdict for fit in waiting.fits} == {"all_open"}
    assert (only(waiting).family, only(waiting).trust) == ("", "no")
    waiting_deals = [Deal(visits=((0, float(day)),)) for day in range(30)]
    few = book(*waiting_deals, *(Deal(visits=((0, 0.0), (1, 4.0 + k))) for k in range(4)))
    fits = [fit for fit in distribution(few, stage="lead").fits if fit.family == "weibull" and not fit.never]
    assert [(fit.verdict, fit.ended_n, fit.needed_n) for fit in fits] == [("too_few_finished", 4, 6)]
    tied = distribution(stays(*[7] * 20), stage="lead")
    assert {fit.family: fit.verdict for fit in tied.fits}["lognormal"] == "no_spread"
    at_once = distribution(stays(*[0] * 20), stage="lead")
    assert only(at_once).same_day_n == 20
    assert all(
        fit.verdict in ("no_spread", "flat", "at_bound")
        for fit in at_once.fits
        if fit.family != "exponential"
    )
    for result in (one, waiting, tied, at_once):
        assert result.finding("en")
        assert result.finding("zh")


def test_no_deals_at_all():
    result = distribution(stays(3), stage="talks")
    assert result.n == 0
    assert result.finding("en").startswith("Not known: no deal is won or lost yet.")
    assert result.rows[0].family == ""


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"stage": "leed"}, "lead"),
        ({"stage": "won"}, "before won"),
        ({"family": "weibul"}, "weibull"),
        ({"family": ["gamma", "lognorm"]}, "lognormal"),
        ({"family": []}, "at least one family"),
        ({"runs": 5}, "runs"),
        ({"runs": 10_000}, "runs"),
        ({"runs": 20.5}, "whole number"),
        ({"confidence_level": 1.5}, "confidence_level"),
        ({"calendar": "bussiness"}, "business"),
    ],
)
def test_wrong_parameters_name_the_right_ones(wrong, says):
    with pytest.raises(ParameterError, match=says):
        distribution(stays(*range(30)), **wrong)


def test_an_unknown_attribute():
    with pytest.raises(MissingDataError, match="regio"):
        distribution(stays(*range(30)), by="regio")


def test_several_families_and_the_generalised_gamma_on_request():
    result = distribution(
        fn.sample(), stage="qualify", family=("weibull", "generalised_gamma", "weibull"), runs=19
    )
    assert {fit.family for fit in result.fits} == {"weibull", "generalised_gamma"}
    general = next(fit for fit in result.fits if fit.family == "generalised_gamma" and not fit.at_once)
    assert general.third_name == "q"
    assert np.isfinite(general.third_value)
    assert "generalised_gamma" not in {fit.family for fit in qualify().fits}


def test_what_lies_beyond_the_ages_watched_is_marked():
    result = distribution(
        floor(9, weibull(1.0, 150.0), size=300), stage="lead", family="exponential", runs=19
    )
    row = only(result)
    for one in result.quantiles:
        assert one.beyond == (one.fitted_days > row.trusted_days)
    assert result.quantiles[-1].beyond
    assert all(one.age_days <= row.trusted_days for one in result.remaining)


def test_late_history_enters_the_fit_and_is_told():
    known = replace(floor(13, weibull(1.3, 30.0), size=800), observed_from=np.datetime64("2026-03-02", "s"))
    result = distribution(known, stage="lead", family="weibull", runs=19)
    assert "late_entry" in {note.code for note in result.notes}
    _, lower, upper = values(result)["scale"]
    assert lower < 30 < upper
    assert only(result).p_value > 0.05


def test_a_scan_gives_the_same_fits_and_draws_the_limits_it_cannot_tell():
    whole, scan = frames("polars", seed=5)
    one, two = (distribution(source, by="region", runs=19) for source in (whole, scan))
    for left, right in zip(one.fits, two.fits, strict=True):
        for field in fields(left):
            np.testing.assert_equal(getattr(left, field.name), getattr(right, field.name), err_msg=field.name)
    assert [row.tested_n for row in one.rows] == [row.tested_n for row in two.rows]
    tested = [row for row in two.rows if row.family]
    assert tested
    assert all(0 < row.p_value <= 1 for row in tested)
