"""The page of one report: headline rates, the notebook's content, where it came from. Offline, no scripts."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup

from funnelnb import __version__
from funnelnb.batch import body
from funnelnb.core.check import TOO_FEW_N
from funnelnb.show.text.words import Words, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment
    from nbformat import NotebookNode

    from funnelnb.analysis.conversion.conversion import Conversion, OutcomeCurve, StepRow
    from funnelnb.batch.manifest import Failure
    from funnelnb.batch.plan import Job, Plan

INDEX = "index.html"
_HTML_LANG = {"zh": "zh-Hans"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Headlines:
    """The figures that head the reports, from the public analysis.

    Attributes
    ----------
    parts : Conversion
        By the attribute that reports are split by.
    whole : Conversion
    """

    parts: Conversion
    whole: Conversion

    def row(self, value: str) -> StepRow | None:
        """Return the overall row of one value, None when it has none."""
        return next((one for one in self.parts.overall if one.group == (value,)), None)

    def curve(self, value: str) -> OutcomeCurve | None:
        """Return the curve of one value, None when it has none."""
        return next((one for one in self.parts.curves if one.group == (value,)), None)


def headlines(plan: Plan) -> Headlines:
    """Ask the public analysis for the figures of every page, at one horizon for all."""
    from funnelnb.analysis.conversion.conversion import conversion

    whole = conversion(plan.book, horizon_days=plan.horizon_days)
    parts = conversion(plan.book, by=plan.by, horizon_days=plan.horizon_days)
    return Headlines(parts=parts, whole=whole)


def report(
    plan: Plan, job: Job, node: NotebookNode, figures: Headlines, failure: Failure | None, *, code: bool
) -> str:
    """Return the page of one report.

    Parameters
    ----------
    plan : Plan
    job : Job
    node : NotebookNode
        Executed, up to the failing cell where one failed.
    figures : Headlines
    failure : Failure or None
    code : bool
        Whether the page holds the code, folded.
    """
    say = words(plan.lang)
    labels = body.Labels(code=say.get("report.code"), text=say.get("report.text"))
    inside = body.render(_until(node, failure), code=code, labels=labels)
    row = figures.row(job.value)
    attribute = capital(say.attribute(plan.by))
    before, after = _neighbours(plan, job)
    page = {
        "title": inside.title or job.notebook.title,
        "name": job.value,
        "kicker": say.say("report.about", attribute=attribute, value=job.value),
        "book": plan.book.name,
        "facts": facts(plan, say, row.reached_n if row else 0),
        "cards": _cards(row, figures.parts, say) if row else [],
        "few": _few(row, say),
        "failure": _failure(failure, say),
        "body": inside,
        "before": before,
        "after": after,
        "parameters": [(name, _plain(value)) for name, value in job.parameters.items()],
        "origin": say.say(
            "report.origin",
            version=__version__,
            notebook=job.notebook.name,
            fingerprint=short(plan),
        ),
    }
    return fill("report.html.j2", page, say)


def _until(node: NotebookNode, failure: Failure | None) -> NotebookNode:
    """Return the notebook as far as it ran: words after a failed cell would read outputs that are not there."""
    if failure is None:
        return node
    import nbformat

    cells = node.cells[: failure.cell]
    return nbformat.from_dict({**node, "cells": cells})


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
    return known or f"{failure.error}: {failure.message}"


def _neighbours(plan: Plan, job: Job) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    row = [one for one in plan.jobs if one.notebook is job.notebook]
    place = row.index(job)
    return (
        link(row[place - 1]) if place else None,
        link(row[place + 1]) if place + 1 < len(row) else None,
    )


def link(job: Job) -> dict[str, str]:
    """Return where the page of `job` lies and what the link is called."""
    return {"href": quote(f"{job.stem}.html"), "name": job.value}


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
