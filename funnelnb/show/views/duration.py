"""How durations are shown: days per stage, pipeline that looks dead, fitted families; and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table, facts
from funnelnb.show.views.duration_groups import GAPS, TESTS, said
from funnelnb.show.views.duration_groups import stage_of as _stage
from funnelnb.show.views.fitted import family_words, parameters, verdict_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.duration import Duration
    from funnelnb.analysis.duration_rows import DurationRow
    from funnelnb.analysis.fits import FitRow
    from funnelnb.show.words import Words


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


def _verdict(_: Any, row: FitRow, say: Words) -> str:
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


def _overall(row: Any) -> bool:
    return bool(row.overall)


_PLACE = (Column(field="stage", cell=_stage), Column(field="group", keep=_grouped))
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
        Column(field="verdict", cell=_verdict),
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
    return say.get(f"durations.{'whole_to' if row.overall else 'to'}.{result.to}")


def finding(result: Duration, say: Words) -> Finding:
    """Say how long it takes, what finished deals alone would say, and how many look dead."""
    unsaid = say.get("findings.durations.unsaid")
    if not result.n:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    rows = main_rows(result)
    made = _groups(result, rows, say) if result.by else _whole(result, rows[0], say)
    return Finding(headline=made[0], detail=made[1], unsaid=unsaid)


def _whole(result: Duration, row: DurationRow, say: Words) -> tuple[str, str]:
    values = facts(result, say) | {
        "what": subject(result, row, say),
        "to": ending(result, row, say),
        "n": row.n,
        "open_n": row.open_n,
        "median": days(row.median_days, say, unit=True),
        "naive": days(row.naive_median_days, say, unit=True),
        "difference": days(abs(row.naive_difference_days), say, unit=True),
        "last_event_days": row.last_event_days,
        "older_n": row.older_n,
    }
    if not row.enough:
        return say.say("findings.durations.too_few", **values), ""
    curve = next(one for one in result.curves if (one.stage, one.overall) == (row.stage, row.overall))
    key = "headline" if result.to == "any" else "headline_to"
    if math.isinf(row.median_days):
        key = "never"
    headline = say.say(f"findings.durations.{key}", **values, last_days=float(curve.days[-1]))
    if row.pause:
        return headline, say.say("findings.durations.pause", **values)
    if result.to != "any" or not math.isfinite(row.naive_difference_days):
        return headline, ""
    detail = "naive" if row.naive_difference_days < 0 else "naive_fine"
    return headline, say.say(f"findings.durations.{detail}", **values)


def _groups(result: Duration, rows: list[DurationRow], say: Words) -> tuple[str, str]:
    what, to = subject(result, rows[0], say), ending(result, rows[0], say)
    compared = said(result, (rows[0].stage, rows[0].overall), what, to, say)
    if compared is not None:
        return compared
    known = [row for row in rows if row.enough and math.isfinite(row.median_days)]
    if len(known) < 2:
        return say.say("findings.durations.groups_few", what=what), ""
    low, high = min(known, key=lambda row: row.median_days), max(known, key=lambda row: row.median_days)
    values: dict[str, Any] = facts(result, say) | {"what": what}
    for name, row in (("low", low), ("high", high)):
        values |= {name: days(row.median_days, say, unit=True), f"{name}_group": say.group(row.group)}
        values[f"{name}_n"] = row.n
    return say.say("findings.durations.groups", **values), ""


VIEW = View(
    tables=(DURATIONS, STILL, DEAD, TESTS, GAPS, BEST, FITS, CURVES),
    finding=finding,
    charts={"survival": "survival", "box": "duration_box"},
)
