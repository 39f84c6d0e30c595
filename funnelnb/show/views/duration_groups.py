"""How the comparison of groups by their times is shown: tests per stage, gaps on one day; and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.names import stage_name
from funnelnb.show.table import Column, Table, facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.duration import Duration
    from funnelnb.analysis.duration_contrast import DurationGap, DurationTest
    from funnelnb.show.words import Words

MOST_NAMED = 3
"""A sentence names no more groups than this on a side."""


def stage_of(result: Any, row: Any, say: Words) -> str:
    """Return the name of the stage of a row, or of the whole way."""
    return say.get("durations.whole") if row.overall else stage_name(result, row.stage, say)


def _test(_: Any, row: DurationTest, say: Words) -> str:
    return say.get(f"duration_groups.tests.{row.test}")


def _differ(_: Any, row: DurationTest, say: Words) -> str:
    return say.get(f"duration_groups.differ.{row.verdict}")


def _verdict(_: Any, row: DurationGap, say: Words) -> str:
    return say.get(f"duration_groups.verdicts.{row.verdict}")


def _overall(row: Any) -> bool:
    return bool(row.overall)


TESTS = Table(
    name="durations_tests",
    rows=lambda result: result.tests,
    shown=lambda result: bool(result.tests),
    strong=_overall,
    columns=(
        Column(field="stage", cell=stage_of),
        Column(field="test", cell=_test),
        *(Column(field=name) for name in ("groups_n", "n", "statistic", "df", "p_value", "p_adjusted")),
        Column(field="verdict", cell=_differ),
    ),
)
GAPS = Table(
    name="durations_gaps",
    rows=lambda result: result.gaps,
    stub=2,
    shown=lambda result: bool(result.gaps),
    strong=_overall,
    columns=(
        Column(field="stage", cell=stage_of),
        Column(field="group"),
        Column(field="n"),
        Column(field="by_days"),
        Column(field="done_rate", lower="done_ci_lower", upper="done_ci_upper"),
        Column(field="rest_rate"),
        Column(field="difference", lower="difference_ci_lower", upper="difference_ci_upper"),
        Column(field="p_adjusted"),
        Column(field="verdict", cell=_verdict),
    ),
)


def said(result: Duration, place: tuple[str, bool], what: str, to: str, say: Words) -> tuple[str, str] | None:
    """Say which groups of one stage are slower or faster than the rest; None where nothing was compared.

    Parameters
    ----------
    result : Duration
    place : tuple of str and bool
        Stage, and whether it is the whole way.
    what, to : str
        What is timed and what ends it, in words.
    """
    test = next((row for row in result.tests if (row.stage, row.overall) == place), None)
    gaps = [row for row in result.gaps if (row.stage, row.overall) == place]
    if test is None or not gaps:
        return None
    sides = {side: _furthest(gaps, side) for side in ("slower", "faster")}
    some = [side for side, rows in sides.items() if rows]
    key = "both" if len(some) == 2 else some[0] if some else "none"
    named = {side: _names(rows, say) for side, rows in sides.items()}
    values: dict[str, Any] = facts(result, say) | named | {"what": what}
    values |= {"by_days": gaps[0].by_days, "groups_n": test.groups_n}
    furthest = max((row for rows in sides.values() for row in rows), key=_apart, default=None)
    parts = [_furthest_said(furthest, to, say)] if furthest else []
    detail = say.get("language.sentence").join([*parts, *_tested(result, test, gaps, say)])
    return say.say(f"findings.duration_groups.{key}", **values), detail


def _furthest(gaps: Sequence[DurationGap], side: str) -> list[DurationGap]:
    return sorted((row for row in gaps if row.verdict == side), key=_apart, reverse=True)


def _names(rows: Sequence[DurationGap], say: Words) -> str:
    """Name the groups that are furthest away, and how many more there are."""
    named = [say.group(row.group) for row in rows[:MOST_NAMED]]
    if len(rows) > MOST_NAMED:
        named.append(say.say("findings.duration_groups.more", more_n=len(rows) - MOST_NAMED))
    return say.numbers.join(named)


def _apart(row: DurationGap) -> float:
    return abs(row.difference)


def _furthest_said(row: DurationGap, to: str, say: Words) -> str:
    return say.say(
        "findings.duration_groups.furthest",
        to=to,
        by_days=row.by_days,
        group=say.group(row.group),
        done=say.numbers.interval(row.done_rate, row.done_ci_lower, row.done_ci_upper),
        rest=say.numbers.percent(row.rest_rate),
        n=row.n,
    )


def _tested(result: Duration, test: DurationTest, gaps: Sequence[DurationGap], say: Words) -> list[str]:
    """Say what the test over all groups found, and how many groups could not be told apart."""
    within = say.attributes((result.within,)) if result.within else ""
    values: dict[str, Any] = {
        "test": say.get(f"duration_groups.tests.{test.test}"),
        "groups_n": test.groups_n,
        "p": say.numbers.p_is(test.p_value),
        "within": say.say("findings.duration_groups.within", within=within) if within else "",
    }
    unseen = math.isnan(test.p_value)
    parts = [say.say(f"findings.duration_groups.{'untested' if unseen else 'test'}", **values)]
    for verdict, key in (("not_separable", "similar"), ("too_few", "few")):
        count = sum(row.verdict == verdict for row in gaps)
        if count and not (key == "similar" and count == len(gaps)):
            parts.append(say.say(f"findings.duration_groups.{key}", groups_n=count))
    return parts
