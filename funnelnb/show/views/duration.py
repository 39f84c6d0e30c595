"""How durations are shown: days per stage, groups compared, fitted families; and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.core.check import TOO_FEW_N
from funnelnb.show.tables.table import Column, Table, placeholders
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import Finding, View, no_deals, unjudged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.time.duration import Duration, DurationRow
    from funnelnb.analysis.time.duration_groups import DurationGap, DurationTest
    from funnelnb.analysis.time.fits import FitRow
    from funnelnb.show.text.words import Words


# ---- How a fitted family is written -----------------------------------------------------------------------


def family_words(row: Any, say: Words) -> str:
    """Return the family of a fit, with the shares that were fitted besides: "Weibull, 14 % never end"."""
    parts = [say.get(f"durations.families.{row.family}")]
    for fitted, name in ((row.never, "never_share"), (row.at_once, "same_day_share")):
        share = getattr(row, name)
        if fitted and math.isnan(share):
            parts.append(say.get(f"durations.shares.{name}_asked"))
        elif fitted:
            parts.append(say.say(f"durations.shares.{name}", **{name: share}))
    return say.get("durations.shares.list").join(parts)


def parameters(row: FitRow, say: Words) -> str:
    """Return the parameters of the family of a fit, named."""
    named = [
        (getattr(row, f"{word}_name"), getattr(row, f"{word}_value")) for word in ("first", "second", "third")
    ]
    return say.get("language.list").join(
        say.say("durations.parameter", name=say.get(f"durations.parameters.{name}"), value=f"{value:.4g}")
        for name, value in named
        if name and not math.isnan(value)
    )


def verdict_words(row: FitRow, say: Words) -> str:
    """Return the verdict on a fit; a refusal with the numbers behind it."""
    plain = say.get(f"durations.verdicts.{row.verdict}")
    if row.verdict not in ("too_few_finished", "follow_up_too_short"):
        return plain
    facts = {"ended_n": row.ended_n, "needed_n": row.needed_n, "unsure": f"{row.unsure_share:.2f}"}
    return say.say("language.bracket", label=plain, unit=say.say(f"durations.because.{row.verdict}", **facts))


# ---- How the comparison of groups by their times is shown: tests per stage, gaps on one day ---------------

MOST_NAMED = 3
"""A sentence names no more groups than this on a side."""


def stage_of(result: Any, row: Any, say: Words) -> str:
    """Return the name of the stage of a row, or of the whole way."""
    return say.get("durations.whole") if row.overall else stage_name(result, row.stage, say)


def _test(_: Any, row: DurationTest, say: Words) -> str:
    return say.get(f"duration_groups.tests.{row.test}")


def _differ(_: Any, row: DurationTest, say: Words) -> str:
    return say.get(f"duration_groups.differ.{row.verdict}")


def _duration_groups_verdict(_: Any, row: DurationGap, say: Words) -> str:
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
        Column(field="verdict", cell=_duration_groups_verdict),
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
    values: dict[str, Any] = placeholders(result, say) | named | {"what": what}
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
    codes = {note.code for note in result.notes}
    why = "_undated" if "losses_undated" in codes and result.to != "advance" else "_none"
    why = "" if "late_entry" in codes else why
    named = any(row.verdict in ("slower", "faster") for row in gaps)
    seen = "test" if named or test.p_value >= 1 - result.confidence_level else "test_only"
    parts = [say.say(f"findings.duration_groups.{f'untested{why}' if unseen else seen}", **values)]
    for verdict, key in (("not_separable", "similar"), ("too_few", "few")):
        count = sum(row.verdict == verdict for row in gaps)
        if count and (key == "few" or named):
            parts.append(say.say(f"findings.duration_groups.{key}", groups_n=count))
    return parts


# ---- How durations are shown: days per stage, pipeline that looks dead, fitted families; and what they say -


def days(value: float, say: Words, *, unit: bool = False) -> str:
    """Return days in words; infinite ones were not reached."""
    if math.isinf(value):
        return say.get("durations.not_reached")
    return say.numbers.days(value) if unit else say.numbers.bare_days(value)


def interval(row: Any, stem: str, say: Words) -> str:
    """Return a number of days with its bounds."""
    value, lower, upper = (getattr(row, f"{stem}_{part}") for part in ("days", "ci_lower", "ci_upper"))
    spelled = days(value, say)
    if math.isnan(lower) or math.isnan(upper) or math.isinf(lower):
        return spelled
    ends = [
        say.get("durations.open_bound") if math.isinf(x) else say.numbers.bare_days(x) for x in (lower, upper)
    ]
    return say.say("language.interval", value=spelled, lower=ends[0], upper=ends[1])


def _median(_: Any, row: Any, say: Words) -> str:
    return interval(row, "median", say) if getattr(row, "enough", True) else say.get("words.too_few")


def _mean(_: Any, row: DurationRow, say: Words) -> str:
    return interval(row, "mean", say)


def _quartile(field: str) -> Column:
    def cell(_: Any, row: Any, say: Words) -> str:
        return days(getattr(row, field), say)

    return Column(field=field, cell=cell)


def _difference(_: Any, row: DurationRow, say: Words) -> str:
    value = row.naive_difference_days
    if not math.isfinite(value):
        return say.get("language.none")
    return ("−" if value < 0 else "+" if value > 0 else "") + say.numbers.bare_days(abs(value))


def _parameters(_: Any, row: FitRow, say: Words) -> str:
    return parameters(row, say)


def _family(_: Any, row: FitRow, say: Words) -> str:
    return family_words(row, say)


def _duration_verdict(_: Any, row: FitRow, say: Words) -> str:
    return verdict_words(row, say)


def _any_never(_: Any, rows: Sequence[FitRow]) -> bool:
    return any(not math.isnan(row.never_share) for row in rows)


def _grouped(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


def _to_any(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.to == "any")


def _dead(result: Duration) -> list[DurationRow]:
    return [row for row in result.rows if row.pause]


def _first_two(result: Duration) -> list[FitRow]:
    return [row for row in result.fits if row.rank <= 2]


_PLACE = (Column(field="stage", cell=stage_of), Column(field="group", keep=_grouped))
DURATIONS = Table(
    name="durations",
    rows=lambda result: result.rows,
    stub=2,
    strong=_overall,
    columns=(
        *_PLACE,
        *(Column(field=name) for name in ("n", "closed_n", "open_n")),
        Column(field="median_days", cell=_median),
        _quartile("q25_days"),
        _quartile("q75_days"),
        Column(field="mean_days", cell=_mean, keep=_to_any),
        Column(field="limit_days", keep=_to_any),
        Column(field="naive_median_days"),
        Column(field="naive_difference_days", cell=_difference, keep=_to_any),
    ),
)
STILL = Table(
    name="durations_still",
    rows=lambda result: result.rows,
    stub=2,
    strong=_overall,
    columns=(*_PLACE, Column(field="n"), *(Column(field=f"still_{day}_rate") for day in (30, 60, 90, 120))),
)
DEAD = Table(
    name="durations_dead",
    rows=_dead,
    stub=2,
    shown=lambda result: bool(_dead(result)),
    strong=_overall,
    columns=(
        *_PLACE,
        *(Column(field=name) for name in ("open_n", "last_event_days", "older_n", "older_amount")),
    ),
)
FITS = Table(
    name="durations_fits",
    rows=lambda result: result.fits,
    shown=lambda _: False,
    columns=(),
)
BEST = Table(
    name="durations_best",
    rows=_first_two,
    stub=2,
    shown=lambda result: bool(result.fits),
    columns=(
        *_PLACE,
        Column(field="family", cell=_family),
        Column(field="first_value", cell=_parameters),
        Column(field="never_share", lower="never_ci_lower", upper="never_ci_upper", keep=_any_never),
        Column(field="median_days", cell=_median),
        Column(field="gap_share"),
        Column(field="behind"),
        Column(field="verdict", cell=_duration_verdict),
    ),
)
CURVES = Table(name="durations_curves", rows=lambda result: result.curves, shown=lambda _: False, columns=())


def main_rows(result: Duration) -> list[DurationRow]:
    """Return the rows that the finding and the first chart are about: the whole way, or the one stage."""
    last = result.rows[-1]
    return [row for row in result.rows if (row.stage, row.overall) == (last.stage, last.overall)]


def subject(result: Duration, row: DurationRow, say: Words) -> str:
    """Return what is timed, as the subject of a sentence."""
    if row.overall:
        return say.get("findings.durations.subject")
    return say.say("findings.durations.subject_stage", stage=stage_name(result, row.stage, say))


def ending(result: Duration, row: Any, say: Words) -> str:
    """Return what ends the time of a row."""
    return say.get(f"durations.{'whole_to' if row.overall else 'to'}.{_seen_end(result)}")


def _seen_end(result: Duration) -> str:
    """Return what the time is until: going on alone, where lost deals were never marked."""
    return "advance" if unjudged(result) == "losses_never_set" and result.to == "any" else result.to


def duration_finding(result: Duration, say: Words) -> Finding:
    """Say how long it takes, what finished deals alone would say, and how many look dead."""
    unsaid = say.get("findings.durations.unsaid")
    if not result.n:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    rows = main_rows(result)
    made = _groups(result, rows, say) if result.by else _whole(result, rows[0], say)
    return Finding(headline=made[0], detail=made[1], unsaid=unsaid)


def _whole(result: Duration, row: DurationRow, say: Words) -> tuple[str, str]:
    values = placeholders(result, say) | {
        "what": subject(result, row, say),
        "to": ending(result, row, say),
        "done": say.get(f"durations.{'whole_done' if row.overall else 'done'}.{_seen_end(result)}"),
        "n": row.n,
        "open_n": row.open_n,
        **split_open(result, row),
        "median": days(row.median_days, say, unit=True),
        "naive": days(row.naive_median_days, say, unit=True),
        "difference": days(abs(row.naive_difference_days), say, unit=True),
        "last_event_days": row.last_event_days,
        "older_n": row.older_n,
    }
    if not row.enough:
        few = say.say("findings.durations.too_few", **values)
        return (no_deals(result, say) if unjudged(result) and row.n >= TOO_FEW_N else few), ""
    if row.undated_n:
        return _bounded(row, values, result.to, say), ""
    curve = next(one for one in result.curves if (one.stage, one.overall) == (row.stage, row.overall))
    key = "headline" if result.to == "any" else "headline_to"
    if math.isinf(row.median_days):
        key = "never"
    elif not row.open_n:
        key += "_ended"
    elif key == "headline" and _seen_end(result) != "any":
        key = "headline_unset"
    elif key == "headline" and "left_n" in values:
        key = "headline_split" if values["left_n"] else "headline_open"
    headline = say.say(f"findings.durations.{key}", **values, last_days=float(curve.days[-1]))
    if row.pause and _seen_end(result) == result.to:
        return headline, say.say("findings.durations.pause", **values)
    if result.to != "any" or not math.isfinite(row.naive_difference_days) or not row.open_n:
        return headline, ""
    detail = "naive" if row.naive_difference_days < 0 else "naive_fine"
    return headline, say.say(f"findings.durations.{detail}", **values)


def split_open(result: Duration, row: DurationRow) -> dict[str, int]:
    """Return how many of a row's deals without an end are open, and how many closed without a decision; if known."""
    facts = next((note.values for note in result.notes if note.code == "not_ended"), {})
    if "left_n" not in facts or facts["deals_n"] != row.open_n:
        return {}
    return {"here_n": row.open_n - facts["left_n"], "left_n": facts["left_n"]}


def _bounded(row: DurationRow, values: dict[str, Any], to: str, say: Words) -> str:
    """Say between which bounds the median lies where some losses have no date."""
    bounds = {name: days(getattr(row, f"median_ci_{name}"), say, unit=True) for name in ("lower", "upper")}
    key = "bounded" if to == "any" else "bounded_to"
    if math.isinf(row.median_ci_upper) or math.isinf(row.median_days):
        key = "bounded_below" if math.isfinite(row.median_ci_lower) and to == "any" else "never"
    last = {"last_days": row.last_event_days}
    return say.say(f"findings.durations.{key}", **values, **bounds, **last, undated_n=row.undated_n)


def _groups(result: Duration, rows: list[DurationRow], say: Words) -> tuple[str, str]:
    what, to = subject(result, rows[0], say), ending(result, rows[0], say)
    undated_n = sum(row.undated_n for row in rows)
    if undated_n:
        named = placeholders(result, say) | {"what": what, "undated_n": undated_n}
        return say.say("findings.durations.bounded_groups", **named), ""
    if not result.gaps and any(note.code == "known_afterwards" for note in result.notes):
        return say.say(
            "findings.durations.groups_afterwards", **(placeholders(result, say) | {"what": what})
        ), ""
    compared = said(result, (rows[0].stage, rows[0].overall), what, to, say)
    if compared is not None:
        return compared
    known = [row for row in rows if row.enough and math.isfinite(row.median_days)]
    if len(known) < 2:
        few = sum(row.enough for row in rows) < 2
        named = placeholders(result, say) | {"what": what}
        return say.say(f"findings.durations.{'groups_few' if few else 'groups_unreached'}", **named), ""
    low, high = min(known, key=lambda row: row.median_days), max(known, key=lambda row: row.median_days)
    values: dict[str, Any] = placeholders(result, say) | {"what": what}
    for name, row in (("low", low), ("high", high)):
        values |= {name: days(row.median_days, say, unit=True), f"{name}_group": say.group(row.group)}
        values[f"{name}_n"] = row.n
    return say.say("findings.durations.groups", **values), ""


DURATION_VIEW = View(
    tables=(DURATIONS, STILL, DEAD, TESTS, GAPS, BEST, FITS, CURVES),
    finding=duration_finding,
    charts={"survival": "duration.survival", "box": "duration.duration_box"},
)
