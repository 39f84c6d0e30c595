"""The pages: one for each report (headline rates, the notebook's content, where it came from), and the index.

All open without a network and run no script; the index sorts without one.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from funnelnb import __version__
from funnelnb.core import errors
from funnelnb.core.check import TOO_FEW_N
from funnelnb.show.charts import theme
from funnelnb.show.text.errors import error_text
from funnelnb.show.text.words import Words, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Environment

    from funnelnb.analysis.conversion.conversion import Conversion, OutcomeCurve, StepRow
    from funnelnb.batch import body
    from funnelnb.batch.manifest import Entry, Failure
    from funnelnb.batch.plan import Job, Plan

NOTHING = Markup("")
"""The inside of a page whose notebook left nothing."""

_HTML_LANG = {"zh": "zh-Hans"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Headlines:
    """The figures that head the reports, from the public analysis.

    Attributes
    ----------
    whole : Conversion
    parts : Mapping of str to Conversion
        By each attribute that reports are split by.
    compared : Mapping of str to str
        For each attribute the chart and the sentence that compare its values, as HTML; empty: nothing to compare.
    """

    whole: Conversion
    parts: Mapping[str, Conversion]
    compared: Mapping[str, str]

    def row(self, by: str, value: str) -> StepRow | None:
        """Return the overall row of one value (of the whole where `by` is empty), None when it has none."""
        if not by:
            return self.whole.overall[0] if self.whole.overall else None
        return next((one for one in self.parts[by].overall if one.group == (value,)), None)

    def curve(self, by: str, value: str) -> OutcomeCurve | None:
        """Return the curve of one value, None when it has none."""
        if not by:
            return self.whole.curves[0] if self.whole.curves else None
        return next((one for one in self.parts[by].curves if one.group == (value,)), None)


def headlines(plan: Plan) -> Headlines:
    """Ask the public analysis for the figures of every page, at one horizon for all."""
    from funnelnb.analysis.conversion.conversion import conversion

    whole = conversion(plan.book, horizon_days=plan.horizon_days)
    parts = {one.by: _of_parts(plan, one.by) for one in plan.splits}
    return Headlines(whole=whole, parts=parts, compared={one: _compared(plan, one) for one in parts})


def _of_parts(plan: Plan, by: str) -> Conversion:
    """Return the figures of each value, asked of its own deals: the same, to the digit, as its notebook shows."""
    from funnelnb.analysis.conversion.conversion import conversion

    rows: list[StepRow] = []
    curves: list[OutcomeCurve] = []
    for value, part in plan.book.split(by).items():
        own = conversion(part, horizon_days=plan.horizon_days)
        rows += [replace(one, group=(value,)) for one in own.overall]
        curves += [replace(one, group=(value,)) for one in own.curves]
    grouped = conversion(plan.book, by=by, horizon_days=plan.horizon_days)
    return replace(grouped, overall=tuple(rows), curves=tuple(curves))


def _compared(plan: Plan, by: str) -> str:
    """Return chart and sentence that say which values of an attribute differ by more than chance."""
    from funnelnb.analysis.conversion.segments import segments
    from funnelnb.core.errors import FunnelError
    from funnelnb.show.pages.renderer import panel

    try:
        found = segments(plan.book, by=by)
        return panel(found, plan.lang, "funnel_plot", table=False) if len(found.rows) > 1 else ""
    except FunnelError:  # the data cannot tell: the rows of the index say so
        return ""


def report(plan: Plan, job: Job, inside: body.Body, figures: Headlines, failure: Failure | None) -> str:
    """Return the page of one report.

    Parameters
    ----------
    plan : Plan
    job : Job
    inside : Body
        What the notebook says, up to the failing cell where one failed.
    figures : Headlines
    failure : Failure or None
    """
    say = words(plan.lang)
    row = figures.row(job.by, job.value)
    before, after = _neighbours(plan, job)
    page = {
        "title": inside.title or job.notebook.title,
        "name": title_of(job, say),
        "kicker": say.say("report.about", attribute=capital(say.attribute(job.by)), value=job.value)
        if job.by
        else say.group(()),
        "book": plan.book.name,
        "facts": facts(plan, say, row.reached_n if row else 0),
        "cards": _cards(row, figures.whole, say) if row else [],
        "few": _few(row, say),
        "failure": _failure(failure, say),
        "body": inside,
        "before": before,
        "after": after,
        "others": [
            {**link(one, say), "name": one.notebook.title, "here": one is job}
            for one in plan.jobs
            if (one.by, one.value) == (job.by, job.value)
        ],
        "parameters": [(name, _plain(value)) for name, value in job.shown.items()],
        "origin": say.say(
            "report.origin",
            version=__version__,
            notebook=job.notebook.name,
            fingerprint=short(plan),
        ),
    }
    return fill("report.html.j2", page, say)


def title_of(job: Job, say: Words) -> str:
    """Return what a report is called: its region, or that it is about all deals."""
    return job.value if job.by else say.group(())


# ---- pieces of both pages ---------------------------------------------------------------------------------


def facts(plan: Plan, say: Words, n: int) -> list[str]:
    """Return what stands under the title of every page: deals, as-of date, time zone if one was named, data."""
    zone = plan.book.timezone
    return [
        say.say("report.deals_n", n=n),
        say.say("report.as_of", as_of=say.numbers.date(plan.book.as_of)),
        *([say.say("report.timezone", timezone=zone)] if zone else []),
        say.say("report.data", fingerprint=short(plan)),
    ]


def capital(text: str) -> str:
    """Return `text` with a capital at its beginning, as a label stands."""
    return text[:1].upper() + text[1:]


def short(plan: Plan) -> str:
    """Return the beginning of the data's fingerprint, enough to tell two versions apart."""
    return plan.book.fingerprint[:8]


def rate_of(row: StepRow, stem: str, say: Words) -> dict[str, str]:
    """Return one of the three rates as text with its interval, or why there is none."""
    rate, lower, upper = (getattr(row, f"{stem}_{part}") for part in ("rate", "ci_lower", "ci_upper"))
    if not row.enough:
        return {"value": say.numbers.percent(math.nan), "range": ""}
    if not math.isfinite(rate):
        beyond = say.get("report.beyond" if row.by_day_n else "report.undated") if stem == "by_day" else ""
        return {"value": say.numbers.percent(rate), "range": beyond}
    spelled = {"lower": say.numbers.percent(lower), "upper": say.numbers.percent(upper)}
    known = math.isfinite(lower) and math.isfinite(upper)
    return {
        "value": say.numbers.percent(rate),
        "range": say.say("report.range_short", **spelled) if known else "",
    }


def _cards(row: StepRow, result: Conversion, say: Words) -> list[dict[str, str]]:
    names = {
        "by_day": say.say("report.by_day", horizon_days=result.horizon_days),
        "so_far": say.get("report.so_far"),
        "decided": say.get("report.decided"),
    }
    counts = {"by_day": row.by_day_n, "so_far": row.reached_n, "decided": row.decided_n}
    level = say.numbers.level(result.confidence_level)
    cards = []
    for stem, name in names.items():
        rate = rate_of(row, stem, say)
        if math.isfinite(getattr(row, f"{stem}_ci_lower")) and row.enough:
            lower, upper = (
                say.numbers.percent(getattr(row, f"{stem}_ci_{side}")) for side in ("lower", "upper")
            )
            rate["range"] = say.say(
                "report.range_n", confidence_level=level, lower=lower, upper=upper, n=counts[stem]
            )
        cards.append({"name": name, **rate})
    return cards


def _few(row: StepRow | None, say: Words) -> str:
    if row is not None and row.enough:
        return ""
    return say.say("report.few", n=0 if row is None else row.reached_n, least_n=TOO_FEW_N)


def _failure(failure: Failure | None, say: Words) -> dict[str, str] | None:
    if failure is None:
        return None
    started = failure.cell > 0
    where = say.say("report.failed_where", cell=failure.cell, source=failure.source) if started else ""
    return {"where": where or say.get("report.failed_start"), "message": worded(failure, say)}


def worded(failure: Failure, say: Words) -> str:
    """Return why a report failed, in words where there are any for it."""
    known = say.find(f"report.failures.{failure.error}")
    if known:
        return known
    told = error_text(failure.message, say)
    return told if told != failure.message or failure.error in _OWN else f"{failure.error}: {failure.message}"


_OWN = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)}
"""Errors of this package: their messages speak for themselves."""


def _neighbours(plan: Plan, job: Job) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    say = words(plan.lang)
    row = [one for one in plan.jobs if one.notebook is job.notebook and one.by == job.by]
    place = row.index(job)
    return (
        link(row[place - 1], say) if place else None,
        link(row[place + 1], say) if place + 1 < len(row) else None,
    )


def link(job: Job, say: Words) -> dict[str, str]:
    """Return where the page of `job` lies and what the link is called."""
    return {"href": quote(f"{job.stem}.html"), "name": title_of(job, say)}


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


# ---- the template -----------------------------------------------------------------------------------------


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent / "template"
    return Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


@functools.cache
def _css() -> Markup:
    text = (Path(__file__).parent / "template" / "page.css").read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704


def fill(template: str, page: Mapping[str, Any], say: Words) -> str:
    """Return a finished page."""
    return (
        _environment()
        .get_template(template)
        .render(
            page=page,
            say=say.get,
            css=_css(),
            version=__version__,
            html_lang=_HTML_LANG.get(say.lang, say.lang),
        )
        + "\n"
    )


# ---- the index: one row per region, to compare at a glance ------------------------------------------------

SORTS = ("name", "deals", "rate")


class Scales(NamedTuple):
    """Right end of the bars' scale and upper end of the curves', the same for all rows."""

    bar: float
    spark: float


def index(plan: Plan, entries: Mapping[str, Entry], figures: Headlines) -> str:
    """Return the page that lists all reports: for each attribute one row for each value.

    Parameters
    ----------
    plan : Plan
    entries : Mapping of str to Entry
        What has been made, by stem.
    figures : Headlines
    """
    say = words(plan.lang)
    top = _scales(figures)
    named = [say.attribute(split.by) for split in plan.splits]
    attribute = say.numbers.join(named if plan.lang == "zh" else [one.lower() for one in named])
    horizon = plan.horizon_days
    boards = [_board(plan, one.by, entries, figures, top, say) for one in plan.splits]
    boards = boards or [_board(plan, "", entries, figures, top, say)]
    legend = [
        say.say("report.legend_by_day", horizon_days=horizon),
        say.get("report.legend_others"),
        say.say("report.legend_range", confidence_level=say.numbers.level(figures.whole.confidence_level)),
    ]
    for split in plan.splits:
        missing = figures.row(split.by, "")
        if missing is not None:
            legend.append(
                say.say("report.legend_missing", n=missing.reached_n, attribute=say.attribute(split.by))
            )
    page = {
        "title": say.say("report.index_title", attribute=attribute)
        if plan.splits
        else say.get("report.index_title_whole"),
        "kicker": plan.book.name,
        "facts": [say.say("report.reports_n", n=len(plan.jobs)), *facts(plan, say, figures.whole.n)],
        "failed": _troubles(plan, entries, say),
        "by_day": say.say("report.by_day", horizon_days=horizon),
        "axis": say.say("report.axis", lower=say.numbers.level(0), upper=say.numbers.level(top.bar)),
        "curve": say.say("report.curve", horizon_days=horizon),
        "sorts": {name: say.get(f"report.sort_{name}") for name in SORTS},
        "boards": boards,
        "legend": legend,
        "origin": say.say(
            "report.origin",
            version=__version__,
            notebook=say.numbers.join(dict.fromkeys(job.notebook.name for job in plan.jobs)),
            fingerprint=short(plan),
        ),
    }
    return fill("index.html.j2", page, say)


def _board(
    plan: Plan, by: str, entries: Mapping[str, Entry], figures: Headlines, top: Scales, say: Words
) -> dict[str, Any]:
    """Return one attribute's part of the index."""
    values = next((split.values for split in plan.splits if split.by == by), ())
    shown = [
        value for value in values if not value or any((job.by, job.value) == (by, value) for job in plan.jobs)
    ]
    rows = [_index_row(plan, by, value, entries, figures, top, say) for value in shown]
    _number(rows)
    rows.append(_index_row(plan, "", "", entries, figures, top, say))
    return {
        "by": by,
        "attribute": capital(say.attribute(by)) if by else say.get("report.scope"),
        "rows": rows,
        "compared": Markup(figures.compared.get(by, "")),  # noqa: S704 - made by show, escaped there
    }


def _scales(figures: Headlines) -> Scales:
    rows = [one for each in (figures.whole, *figures.parts.values()) for one in each.overall if one.enough]
    return Scales(
        bar=scale([one.by_day_ci_upper for one in rows]),
        spark=scale([one.by_day_rate for one in rows]),
    )


# ---- rows -------------------------------------------------------------------------------------------------


def _index_row(
    plan: Plan, by: str, value: str, entries: Mapping[str, Entry], figures: Headlines, top: Scales, say: Words
) -> dict[str, Any]:
    """Return one value's row; where `by` is empty that of all deals."""
    jobs = [job for job in plan.jobs if (job.by, job.value) == (by, value)]
    row = figures.row(by, value)
    name = say.group((value,) if by else ())
    made = [job for job in jobs if _status(entries, job) in {"ok", "failed"}]
    failures = [(job, entries[job.stem].failure) for job in made if entries[job.stem].failure]
    badges = []
    if not jobs:
        badges += [{"kind": "none", "name": say.get("report.none_badge")}] if by else []
    elif len(made) < len(jobs):
        badges.append({"kind": "stopped", "name": say.get("report.stopped_badge")})
    if failures:
        badges.append({"kind": "failed", "name": say.get("report.failed_badge")})
    elif by and (row is None or not row.enough):
        badges.append({"kind": "few", "name": say.get("report.few_badge")})
    single = len({job.notebook.name for job in plan.jobs}) == 1
    return {
        **_numbers_of(row, figures.curve(by, value), figures, top, say),
        "name": "" if single and made else name,
        "links": [{**link(job, say), "name": name if single else job.notebook.title} for job in made],
        "badges": badges,
        "why": "\n".join(_why(failure, say) for _, failure in failures if failure),
        "whole": not by,
        "by_name": 0,
        "by_deals": 0,
        "by_rate": 0,
        "sort": (name, -(row.reached_n if row else 0), -(row.by_day_rate if row and row.enough else -1)),
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
    horizon = figures.whole.horizon_days
    drawn = row.enough and curve is not None
    return {
        "deals": say.numbers.count(row.reached_n),
        **rates,
        "bar": bar(*bounds, whole, top.bar, label) if row.enough else "",
        "spark": spark(curve, horizon, top.spark, label, row.by_day_rate)
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
    return say.say("report.failed_why", cell=failure.cell, error=worded(failure, say))


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


# ---- the two small pictures of the index: a rate with its interval on a common scale, and won by age ---------

WIDTH, HEIGHT = 220, 22
SPARK_WIDTH, SPARK_HEIGHT = 150, 34
_POINTS = 60


def scale(bounds: list[float]) -> float:
    """Return the right end of a common scale from 0: the next tenth above the largest bound."""
    known = [one for one in bounds if math.isfinite(one)]
    return min(1.0, math.ceil(10 * max(known) + 1e-9) / 10) if known else 1.0


def bar(rate: float, lower: float, upper: float, whole: float, top: float, label: str) -> Markup:
    """Draw a rate as a dot on its interval, with a line where the whole is.

    Parameters
    ----------
    rate, lower, upper, whole : float
        Shares between 0 and 1.
    top : float
        Right end of the scale.
    label : str
        What a screen reader says.
    """
    if not all(math.isfinite(one) for one in (rate, lower, upper)):
        return Markup("")
    left, right, dot = (_x(one, top) for one in (lower, upper, rate))
    middle = HEIGHT / 2
    parts = [f'<rect x="0" y="{middle - 0.5:g}" width="{WIDTH}" height="1" fill="{theme.FAINT}"/>']
    if math.isfinite(whole):
        at = _x(whole, top)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="2" y2="{HEIGHT - 2}" stroke="{theme.QUIET}" '
            'stroke-dasharray="2 2"/>'
        )
    parts.append(
        f'<rect x="{left:.1f}" y="{middle - 3:g}" width="{max(right - left, 1):.1f}" height="6" rx="3" '
        f'fill="{theme.LEFT}"/><circle cx="{dot:.1f}" cy="{middle:g}" r="4.5" fill="{theme.MOVED}"/>'
    )
    return _svg(parts, WIDTH, HEIGHT, label)


def spark(curve: OutcomeCurve, horizon_days: float, top: float, label: str, rate_then: float) -> Markup:
    """Draw the share won by age with its band, as far as the data reach up to the horizon.

    Parameters
    ----------
    curve : OutcomeCurve
    horizon_days : float
        Right end.
    top : float
        Upper end of the scale, a share.
    label : str
        What a screen reader says.
    rate_then : float
        Share at the horizon; NaN when the data do not reach that far.
    """
    days, rate = curve.days, curve.won_rate
    keep = [k for k in range(len(days)) if days[k] <= horizon_days and math.isfinite(float(rate[k]))]
    keep = [*keep[: -1 : max(1, len(keep) // _POINTS)], *keep[-1:]]
    if len(keep) < 2:
        return Markup("")
    xs = [float(days[k]) / horizon_days * SPARK_WIDTH for k in keep]
    if math.isfinite(rate_then) and xs[-1] < SPARK_WIDTH:  # nothing more happened until then
        xs, keep = [*xs, SPARK_WIDTH], [*keep, keep[-1]]
    line = _steps(xs, [_y(float(rate[k]), top) for k in keep])
    upper = _steps(xs, [_y(_finite(curve.won_ci_upper[k], rate[k]), top) for k in keep])
    lower = _steps(xs, [_y(_finite(curve.won_ci_lower[k], rate[k]), top) for k in keep])
    base = SPARK_HEIGHT - 1
    parts = [
        f'<line x1="0" x2="{SPARK_WIDTH}" y1="{base}" y2="{base}" stroke="{theme.FAINT}"/>',
        f'<polygon points="{" ".join([*upper, *reversed(lower)])}" fill="{theme.OPEN}" opacity=".75"/>',
        f'<polyline points="{" ".join(line)}" fill="none" stroke="{theme.MOVED}" stroke-width="1.6"/>',
    ]
    return _svg(parts, SPARK_WIDTH, SPARK_HEIGHT, label)


def _steps(xs: list[float], ys: list[float]) -> list[str]:
    points = [f"{xs[0]:.1f},{ys[0]:.1f}"]
    for k in range(1, len(xs)):
        points += [f"{xs[k]:.1f},{ys[k - 1]:.1f}", f"{xs[k]:.1f},{ys[k]:.1f}"]
    return points


def _x(rate: float, top: float) -> float:
    return 5 + min(rate / top, 1.0) * (WIDTH - 10)


def _y(rate: float, top: float) -> float:
    return (SPARK_HEIGHT - 1) - min(rate / top, 1.0) * (SPARK_HEIGHT - 4)


def _finite(value: float, otherwise: float) -> float:
    return float(value) if math.isfinite(float(value)) else float(otherwise)


def _svg(parts: list[str], width: float, height: float, label: str) -> Markup:
    opening = Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">')
    return opening.format(label, width, height, width, height) + Markup("".join(parts) + "</svg>")  # noqa: S704
