"""The page that lists all reports: one row per region, to compare at a glance; sorts without a script."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from funnelnb import __version__
from funnelnb.batch import picture
from funnelnb.batch.pages import Headlines, capital, facts, fill, link, rate_of, short, worded
from funnelnb.show.text.words import Words, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from funnelnb.analysis.conversion.conversion import OutcomeCurve, StepRow
    from funnelnb.batch.manifest import Entry, Failure
    from funnelnb.batch.plan import Job, Plan


class Scales(NamedTuple):
    """Right end of the bars' scale and upper end of the curves', the same for all rows."""

    bar: float
    spark: float


def render(plan: Plan, entries: Mapping[str, Entry], figures: Headlines) -> str:
    """Return the page that lists all reports, one row for each value.

    Parameters
    ----------
    plan : Plan
    entries : Mapping of str to Entry
        What has been made, by stem.
    figures : Headlines
    """
    say = words(plan.lang)
    attribute = say.attribute(plan.by)
    top = _scales(figures)
    shown = [value for value in plan.values if not value or any(job.value == value for job in plan.jobs)]
    rows = [_index_row(plan, value, entries, figures, top, say) for value in shown]
    _number(rows)
    rows.append(_whole_row(figures, top, say))
    horizon = plan.horizon_days
    legend = [
        say.say("report.legend_by_day", horizon_days=horizon),
        say.get("report.legend_others"),
        say.say("report.legend_range", confidence_level=say.numbers.level(figures.parts.confidence_level)),
    ]
    missing = figures.row("")
    if missing is not None:
        legend.append(say.say("report.legend_missing", n=missing.reached_n, attribute=attribute))
    page = {
        "title": say.say(
            "report.index_title", attribute=attribute if plan.lang == "zh" else attribute.lower()
        ),
        "kicker": plan.book.name,
        "attribute": capital(attribute),
        "facts": [say.say("report.reports_n", n=len(plan.jobs)), *facts(plan, say, figures.whole.n)],
        "failed": _troubles(plan, entries, say),
        "by_day": say.say("report.by_day", horizon_days=horizon),
        "axis": say.say("report.axis", lower=say.numbers.level(0), upper=say.numbers.level(top.bar)),
        "curve": say.say("report.curve", horizon_days=horizon),
        "sorts": {name: say.get(f"report.sort_{name}") for name in ("name", "deals", "rate")},
        "rows": rows,
        "legend": legend,
        "origin": say.say(
            "report.origin",
            version=__version__,
            notebook=say.numbers.join(dict.fromkeys(job.notebook.name for job in plan.jobs)),
            fingerprint=short(plan),
        ),
    }
    return fill("index.html.j2", page, say)


def _scales(figures: Headlines) -> Scales:
    rows = [one for one in (*figures.parts.overall, *figures.whole.overall) if one.enough]
    return Scales(
        bar=picture.scale([one.by_day_ci_upper for one in rows]),
        spark=picture.scale([one.by_day_rate for one in rows]),
    )


# ---- rows -------------------------------------------------------------------------------------------------


def _index_row(
    plan: Plan, value: str, entries: Mapping[str, Entry], figures: Headlines, top: Scales, say: Words
) -> dict[str, Any]:
    jobs = [job for job in plan.jobs if job.value == value]
    row = figures.row(value)
    name = say.group((value,))
    made = [job for job in jobs if _status(entries, job) in {"ok", "failed"}]
    failures = [(job, entries[job.stem].failure) for job in made if entries[job.stem].failure]
    badges = []
    if not jobs:
        badges.append({"kind": "none", "name": say.get("report.none_badge")})
    elif len(made) < len(jobs):
        badges.append({"kind": "stopped", "name": say.get("report.stopped_badge")})
    if failures:
        badges.append({"kind": "failed", "name": say.get("report.failed_badge")})
    elif row is None or not row.enough:
        badges.append({"kind": "few", "name": say.get("report.few_badge")})
    single = len({job.notebook.name for job in plan.jobs}) == 1
    return {
        **_numbers_of(row, figures.curve(value), figures, top, say),
        "name": "" if single and made else name,
        "links": [{**link(job), "name": name if single else job.notebook.title} for job in made],
        "badges": badges,
        "why": "\n".join(_why(failure, say) for _, failure in failures if failure),
        "whole": False,
        "sort": (name, -(row.reached_n if row else 0), -(row.by_day_rate if row and row.enough else -1)),
    }


def _whole_row(figures: Headlines, top: Scales, say: Words) -> dict[str, Any]:
    row = figures.whole.overall[0] if figures.whole.overall else None
    curve = figures.whole.curves[0] if figures.whole.curves else None
    return {
        **_numbers_of(row, curve, figures, top, say),
        "name": say.group(()),
        "links": [],
        "badges": [],
        "why": "",
        "whole": True,
        "by_name": 0,
        "by_deals": 0,
        "by_rate": 0,
    }


def _numbers_of(
    row: StepRow | None, curve: OutcomeCurve | None, figures: Headlines, top: Scales, say: Words
) -> dict[str, Any]:
    none = {"value": say.numbers.percent(math.nan), "range": ""}
    if row is None:
        return {"deals": "0", "by_day": none, "so_far": none, "decided": none, "bar": "", "spark": ""}
    whole = figures.whole.overall[0].by_day_rate if figures.whole.overall else math.nan
    rates = {stem: rate_of(row, stem, say) for stem in ("by_day", "so_far", "decided")}
    bounds = (row.by_day_rate, row.by_day_ci_lower, row.by_day_ci_upper)
    value, lower, upper = (say.numbers.percent(one) for one in bounds)
    label = say.say("report.bar_label", value=value, lower=lower, upper=upper)
    horizon = figures.parts.horizon_days
    drawn = row.enough and curve is not None
    return {
        "deals": say.numbers.count(row.reached_n),
        **rates,
        "bar": picture.bar(*bounds, whole, top.bar, label) if row.enough else "",
        "spark": picture.spark(curve, horizon, top.spark, label, row.by_day_rate)
        if drawn and curve is not None
        else "",
    }


def _number(rows: Sequence[dict[str, Any]]) -> None:
    """Give each row its place in each of the three orders."""
    for k, name in enumerate(("by_name", "by_deals", "by_rate")):
        ordered = sorted(rows, key=lambda row: (row["sort"][k], row["sort"][0]))
        for place, row in enumerate(ordered, start=1):
            row[name] = place


def _status(entries: Mapping[str, Entry], job: Job) -> str:
    return entries[job.stem].status if job.stem in entries else "stopped"


def _why(failure: Failure, say: Words) -> str:
    lines = worded(failure, say).splitlines()
    return say.say("report.failed_why", cell=failure.cell, error=lines[0] if lines else failure.error)


def _troubles(plan: Plan, entries: Mapping[str, Entry], say: Words) -> str:
    states = [_status(entries, job) for job in plan.jobs]
    said = []
    if states and set(states) == {"failed"}:
        said.append(say.get("report.failed_all"))
    elif "failed" in states:
        said.append(say.say("report.failed_n", n=states.count("failed")))
    if "stopped" in states:
        said.append(say.say("report.stopped_n", n=states.count("stopped")))
    return say.get("language.sentence").join(said)
