"""The ways that the benchmarks compare compute the same, and a table is refused when they do not."""

import numpy as np
import pytest

from benchmarks import bench_curves, bench_lifetimes, curve_ways, fit_ways


def loaded(file):
    with np.load(file) as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    files = bench_lifetimes.generate(tmp_path_factory.mktemp("fits"), 3_000)
    ways = {"funnelnb": fit_ways.with_funnelnb, "scipy": fit_ways.with_scipy}
    found = {
        (times, way): fit(loaded(files[times]))
        for times in ("continuous", "whole days")
        for way, fit in ways.items()
    }
    return found | {("counted", "funnelnb"): fit_ways.with_funnelnb(loaded(files["counted"]))}


@pytest.mark.parametrize("times", ["continuous", "whole days"])
def test_fits_agree_with_scipy(fitted, times):
    ours, theirs = fitted[times, "funnelnb"], fitted[times, "scipy"]
    assert set(ours) == set(theirs) == set(fit_ways.FAMILIES)
    bench_lifetimes.must_agree("scipy", theirs, ours)


def test_counted_days_give_the_fit_of_the_rows(fitted):
    bench_lifetimes.must_agree("counted", fitted["counted", "funnelnb"], fitted["whole days", "funnelnb"])


def test_another_parameter_refuses_the_table_of_fits(fitted):
    ours = fitted["continuous", "funnelnb"]
    other = ours | {"gamma": [ours["gamma"][0] * 1.0002, ours["gamma"][1]]}
    with pytest.raises(SystemExit, match="scipy, gamma"):
        bench_lifetimes.must_agree("scipy", other, ours)


@pytest.mark.parametrize("times", ["fractions of a day", "whole seconds", "whole days"])
def test_curves_agree_with_scipy_and_a_step_off_refuses_the_table(tmp_path, times):
    table = loaded(bench_curves.generate(tmp_path, 5_000)[times])
    asked = table.pop("asked")
    (ours,), (theirs,) = (
        [
            found["values"]
            for curve, found in curve_ways.run(package, table, asked, 1).items()
            if curve == "Kaplan-Meier"
        ]
        for package in ("funnelnb", "scipy")
    )
    bench_curves.must_agree("scipy", theirs, ours, bench_curves.CLOSE)
    assert len(theirs["not_yet"]) == asked.size > 20
    moved = {"not_yet": [value + 1e-6 for value in theirs["not_yet"]]}
    with pytest.raises(SystemExit, match="not_yet differs"):
        bench_curves.must_agree("scipy", moved, ours, bench_curves.CLOSE)


def test_both_incidences_and_what_is_still_open_add_to_one(tmp_path):
    table = loaded(bench_curves.generate(tmp_path, 5_000)["whole seconds"])
    found = curve_ways.run("funnelnb", table, table.pop("asked"), 1)
    parts = found["Kaplan-Meier"]["values"], found["Aalen-Johansen"]["values"]
    total = np.sum([parts[0]["not_yet"], parts[1]["on"], parts[1]["lost"]], axis=0)
    np.testing.assert_allclose(total, 1, atol=1e-12)
