"""The page of one report: its answer on one screen, the notebook's sections below, where it all came from.

A page is one file: it opens without a network and runs one script, which is part of it and named by its hash in the
page's own security policy. Without scripts everything is there but tooltips, sorting and copying.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup

from funnelnb import __version__
from funnelnb.batch import lists
from funnelnb.core import errors
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import FunnelError
from funnelnb.show.charts import theme
from funnelnb.show.text.errors import error_text
from funnelnb.show.text.unbroken import unbroken
from funnelnb.show.text.words import Words, harmless, isolated, words
from funnelnb.show.views.registry import unjudged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

    from funnelnb.analysis.conversion.conversion import Conversion, StepRow
    from funnelnb.analysis.conversion.segments import Segments
    from funnelnb.analysis.time.duration import DurationRow
    from funnelnb.batch import body
    from funnelnb.batch.manifest import Failure
    from funnelnb.batch.plan import Job, Plan
    from funnelnb.data.book import Book

_HTML_LANG = {"zh": "zh-Hans"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Headlines:
    """The figures that head the reports, from the public analysis.

    Attributes
    ----------
    whole : Conversion
    parts : Mapping of str to Conversion
        By each attribute that reports are split by.
    compared : Mapping of str to Segments or None
        For each attribute the comparison of its values; None: nothing to compare.
    cycle : DurationRow or None
        The sales cycle of all deals, where reports tell that of their own; None: nobody asks for it.
    """

    whole: Conversion
    parts: Mapping[str, Conversion]
    compared: Mapping[str, Segments | None]
    cycle: DurationRow | None = None

    def row(self, by: str, value: str) -> StepRow | None:
        """Return the overall row of one value (of the whole where `by` is empty), None when it has none."""
        if not by:
            return self.whole.overall[0] if self.whole.overall else None
        return next((one for one in self.parts[by].overall if one.group == (value,)), None)


def headlines(plan: Plan, *, cycle: bool = False) -> Headlines:
    """Ask the public analysis for the figures of every page, at one horizon for all.

    Parameters
    ----------
    plan : Plan
    cycle : bool
        Whether the sales cycle of all deals is asked for, too (:func:`tells_cycle`).
    """
    from funnelnb.analysis.conversion.conversion import conversion

    whole = conversion(plan.book, horizon_days=plan.horizon_days)
    parts = {one.by: _of_parts(plan, one.by) for one in plan.splits}
    return Headlines(
        whole=whole,
        parts=parts,
        compared={one: compared(plan.book, one, plan.horizon_days) for one in parts},
        cycle=_cycle(plan) if cycle else None,
    )


_TIMES = "02_stage_durations"
_NARROWED = ("period", "calendar")
"""Parameters by which reports tell of other deals or other days than the whole."""


def tells_cycle(plan: Plan) -> bool:
    """Return whether reports tell the sales cycle of their deals in a way that the whole can be told in, too."""
    asked = [job for job in plan.jobs if job.notebook.name == _TIMES]
    return bool(asked) and not any(job.shown.get(name) for job in asked for name in _NARROWED)


def _cycle(plan: Plan) -> DurationRow | None:
    from funnelnb.analysis.time.duration import duration

    try:
        return next((row for row in duration(plan.book).rows if row.overall and row.enough), None)
    except FunnelError:  # the data cannot tell
        return None


def _of_parts(plan: Plan, by: str) -> Conversion:
    """Return the figures of each value, asked of its own deals: the same, to the digit, as its notebook shows."""
    from funnelnb.analysis.conversion.conversion import conversion

    rows: list[StepRow] = []
    for value, part in plan.book.split(by).items():
        own = conversion(part, horizon_days=plan.horizon_days)
        rows += [replace(one, group=(value,)) for one in own.overall]
    grouped = conversion(plan.book, by=by, horizon_days=plan.horizon_days)
    return replace(grouped, overall=tuple(rows))


def compared(book: Book, by: str, horizon_days: float) -> Segments | None:
    """Return which values of an attribute differ by more than chance, by the rate that heads the pages.

    The verdict stands beside the plain rate and its interval, so it is about that rate: nothing is held alike.
    """
    from funnelnb.analysis.conversion.segments import segments

    try:
        found = segments(book, by=by, measure="by_day", horizon_days=horizon_days, adjust_for=None)
        if math.isnan(found.pooled_rate):
            found = segments(book, by=by, adjust_for=None)
    except FunnelError:  # the data cannot tell: the rows of the index say so
        return None
    return found if len(found.rows) > 1 else None


def report(
    plan: Plan,
    job: Job,
    inside: body.Body,
    figures: Headlines,
    failure: Failure | None,
    *,
    alone: bool = False,
) -> str:
    """Return the page of one report.

    Parameters
    ----------
    plan : Plan
    job : Job
    inside : Body
        What the notebook says, up to the failing cell where one failed.
    figures : Headlines
    failure : Failure or None
    alone : bool
        Whether the page goes out by itself, as by e-mail: without links to pages that are not there.
    """
    say = words(plan.lang)
    row = figures.row(job.by, job.value)
    name, brief = title_of(job, say), _beside_the_whole(inside.brief, job, figures, say)
    page = {
        "title": inside.title or job.notebook.title,
        "name": name,
        "about": say.say("report.about", attribute=capital(say.attribute(job.by)), value=name)
        if job.by
        else "",
        "book": plan.book.name,
        "facts": data_line(plan, say, row.reached_n if row else 0),
        "brief": brief,
        "cards": _cards(row, figures.whole, say) if row and not brief else [],
        "few": _few(row, say),
        "failure": _failure(failure, say),
        "body": inside,
        "sections": [_section(plan, job, one, inside, alone=alone) for one in inside.sections],
        "tabs": _tabs(plan, job, say),
        "after": _after(plan, job, say),
        "alone": alone,
        "parameters": [(one, _plain(value)) for one, value in job.shown.items()],
        "origin": origin(plan, job.notebook.name, say),
        "deals": lists.on_page(inside.lists, "" if alone else f"{job.stem}{lists.SUFFIX}", say),
    }
    return fill("report.html.j2", page, say)


def _beside_the_whole(
    brief: Mapping[str, Any], job: Job, figures: Headlines, say: Words
) -> Mapping[str, Any]:
    """Return an answer whose rate is held against that of all deals, where it is the rate that the index compares."""
    row, whole, found = figures.row(job.by, job.value), figures.row("", ""), figures.compared.get(job.by)
    cards = list(brief.get("figures", ()))
    if row is None or whole is None or found is None or found.measure != "by_day" or not cards:
        return brief
    verdict = next((one.verdict for one in found.rows if one.group == (job.value,)), "too_few")
    name = say.say("brief.conversion.won_name", horizon_days=figures.whole.horizon_days)
    same = (cards[0]["name"], cards[0]["value"]) == (name, say.numbers.percent(row.by_day_rate))
    if not same or verdict == "too_few" or not math.isfinite(whole.by_day_rate):
        return brief
    told = say.say(f"board.beside.{verdict}", rate=say.numbers.percent(whole.by_day_rate))
    cards[0] = {**cards[0], "lines": [*cards[0]["lines"], told]}
    return {**brief, "figures": cards}


def _section(
    plan: Plan, job: Job, section: body.Section, inside: body.Body, *, alone: bool
) -> dict[str, Any]:
    """Return a section for the page; links to other notebooks lead to their pages about the same deals."""
    headline, answer = str(inside.brief.get("headline", "")), section.answer.striptags()
    alike = next(
        (k for k, pair in enumerate(zip(headline, answer, strict=False)) if pair[0] != pair[1]), len(answer)
    )
    repeated = 2 * alike > max(len(headline) // 2, 20)
    html = _NOTEBOOK_LINK.sub(lambda found: _leads(plan, job, found, alone=alone), str(section.html))
    return {
        "anchor": section.anchor,
        "title": section.title,
        "answer": "" if repeated else section.answer,
        "html": Markup(html),  # noqa: S704 - the notebook's own words, and what show escaped
        "open": bool(section.leads_to),
    }


_NOTEBOOK_LINK = re.compile(r'<a href="([^"/]+)\.ipynb">(.*?)</a>', re.DOTALL)


def _leads(plan: Plan, job: Job, found: re.Match[str], *, alone: bool) -> str:
    name = found.group(1)
    there = next(
        (
            one
            for one in plan.jobs
            if one.notebook.name == name and (one.by, one.value) == (job.by, job.value)
        ),
        None,
    )
    if there is None or alone:
        return found.group(2)
    return f'<a href="{quote(there.stem)}.html">{found.group(2)}</a>'


def _tabs(plan: Plan, job: Job, say: Words) -> list[dict[str, Any]]:
    """Return the pages about the same deals, each by its short name."""
    return [
        {"href": quote(f"{one.stem}.html"), "name": short_name(one, say), "here": one is job}
        for one in plan.jobs
        if (one.by, one.value) == (job.by, job.value)
    ]


def short_name(job: Job, say: Words) -> str:
    """Return what a page is called beside others about the same deals."""
    return say.find(f"board.names.{job.notebook.name}") or job.notebook.title


def origin(plan: Plan, notebook: str, say: Words) -> str:
    """Return with what a page was made, and from what."""
    if not plan.jobs:
        return say.say("report.origin_counted", version=__version__)
    return say.say("report.origin", version=__version__, notebook=notebook, fingerprint=short(plan))


def labels_of(lang: str) -> body.Labels:
    """Return what the folds of pages are called."""
    from funnelnb.batch.body import Labels

    say = words(lang)
    return Labels(code=say.get("report.code"), text=say.get("report.text"))


def title_of(job: Job, say: Words) -> str:
    """Return what a report is called: its region, or that it is about all deals."""
    return say.value(job.value) if job.by else say.group(())


# ---- pieces of both pages ---------------------------------------------------------------------------------


def data_line(plan: Plan, say: Words, n: int) -> list[str]:
    """Return what stands under the title of every page: deals, as-of date, time zone if one was named, data."""
    zone = plan.book.timezone
    return [
        say.say("report.deals_n", n=n),
        say.say("report.as_of", as_of=say.numbers.date(plan.book.as_of)),
        *([say.say("report.timezone", timezone=zone)] if zone else []),
        *([say.say("report.data", fingerprint=short(plan))] if plan.book.fingerprint else []),
    ]


def capital(text: str) -> str:
    """Return `text` with a capital at its beginning, as a label stands."""
    return text[:1].upper() + text[1:]


def short(plan: Plan) -> str:
    """Return the beginning of the data's fingerprint, enough to tell two versions apart."""
    return plan.book.fingerprint[:8]


def rate_of(row: StepRow, stem: str, say: Words, result: Any = None) -> dict[str, str]:
    """Return one of the three rates as text with its interval, or why there is none."""
    rate, lower, upper = (getattr(row, f"{stem}_{part}") for part in ("rate", "ci_lower", "ci_upper"))
    if not row.enough:
        return {"value": say.numbers.percent(math.nan), "range": ""}
    if not math.isfinite(rate):
        beyond = say.get("report.beyond" if row.by_day_n else "report.undated") if stem == "by_day" else ""
        why = "" if result is None else unjudged(result)
        return {
            "value": say.numbers.percent(rate),
            "range": say.get(f"unjudged.short.{why}") if why else beyond,
        }
    spelled = {"lower": say.numbers.percent(lower), "upper": say.numbers.percent(upper)}
    known = math.isfinite(lower) and math.isfinite(upper)
    return {
        "value": say.numbers.percent(rate),
        "range": say.say("report.range_short", **spelled) if known else "",
    }


def _cards(row: StepRow, result: Conversion, say: Words) -> list[dict[str, Any]]:
    names = {
        "by_day": say.say("report.by_day", horizon_days=result.horizon_days),
        "so_far": say.get("report.so_far"),
        "decided": say.get("report.decided"),
    }
    counts = {"by_day": row.by_day_n, "so_far": row.reached_n, "decided": row.decided_n}
    level = say.numbers.level(result.confidence_level)
    cards = []
    for stem, name in names.items() if row.enough else ():
        rate = rate_of(row, stem, say, result)
        if math.isfinite(getattr(row, f"{stem}_ci_lower")):
            lower, upper = (
                say.numbers.percent(getattr(row, f"{stem}_ci_{side}")) for side in ("lower", "upper")
            )
            rate["range"] = say.say(
                "report.range_n", confidence_level=level, lower=lower, upper=upper, n=counts[stem]
            )
        cards.append(
            {"name": name, "value": rate["value"], "small": "", "lines": [rate["range"]], "warn": False}
        )
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


def _after(plan: Plan, job: Job, say: Words) -> dict[str, str] | None:
    """Return the same page of the next region."""
    row = [one for one in plan.jobs if one.notebook is job.notebook and one.by == job.by]
    place = row.index(job) + 1
    return link(row[place], say) if place < len(row) else None


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
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        finalize=_harmless,
    )  # fmt: skip


def _harmless(value: Any) -> Any:
    """Return what is printed on a page without characters that steer; what is made of mark-up is left alone."""
    return harmless(value) if type(value) is str else value


@functools.cache
def _part(name: str) -> Markup:
    text = (Path(__file__).parent / "template" / name).read_text(encoding="utf-8")
    return Markup(text.strip())  # noqa: S704


@functools.cache
def _dark_charts() -> Markup:
    return Markup(f"@media screen and (prefers-color-scheme: dark){{{theme.dark_rules('figure svg')}}}")  # noqa: S704


@functools.cache
def _script() -> str:
    """Return the one script of a page."""
    return _part("page.js") + _part("deals.js")


@functools.cache
def _script_hash() -> str:
    """Return the script's hash, as the page's security policy names it."""
    digest = hashlib.sha256(_script().encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def fill(template: str, page: Mapping[str, Any], say: Words) -> str:
    """Return a finished page."""
    made = _environment().get_template(template).render(
        page=page, say=say.get, css=_part("page.css") + _dark_charts(), script=_script(), script_hash=_script_hash(),
        version=__version__, html_lang=_HTML_LANG.get(say.lang, say.lang),
    )  # fmt: skip
    return unbroken(isolated(made)) + "\n"
