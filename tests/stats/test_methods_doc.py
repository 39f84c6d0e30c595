"""docs/methods.md says what the stored simulation says, and the simulation says what it should."""

from pathlib import Path

import numpy as np

from tests.stats.reference import reference

DOC = (Path(__file__).resolve().parents[2] / "docs" / "methods.md").read_text(encoding="utf-8")


def test_the_published_coverage_is_the_simulated_one():
    rows = reference("coverage")
    for row in rows.itertuples():
        assert f"| {row.interval} | {row.setting} | {100 * row.coverage:.1f} % |" in DOC
    assert DOC.count(" % |\n") >= len(rows)


def test_the_published_coverage_of_chances_is_the_simulated_one():
    rows = reference("coverage_chance")
    assert len(rows) == 32
    for row in rows.itertuples():
        assert f"| {row.interval} | {row.setting} | {100 * row.coverage:.1f} % |" in DOC
    assert rows.coverage.between(0.87, 0.93).all()
    assert abs(rows.coverage.mean() - 0.90) < 0.01


def test_ninety_percent_intervals_cover_about_ninety_percent():
    """Shrunken intervals may cover more: they allow for groups that differ more than these do."""
    rows = reference("coverage").query("not interval.str.startswith('goodness')")
    shrunken = rows.interval.str.startswith("shrunken")
    assert len(rows) == 46
    assert rows.coverage[~shrunken].between(0.87, 0.93).all()
    assert rows.coverage[shrunken].between(0.87, 0.97).all()
    assert np.abs(rows.coverage[~shrunken].mean() - 0.90) < 0.01
