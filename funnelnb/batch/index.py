"""The page that lists all reports: one sentence of the whole, what needs attention, one row for each region."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from funnelnb.batch import digest
from funnelnb.batch.pages import capital, data_line, fill, link, origin, rate_of, short_name, title_of, worded
from funnelnb.show.text.words import told_of, words
from funnelnb.show.views import board
from funnelnb.show.views.registry import finding_of, name_some
from funnelnb.show.views.rounding import rounded, step_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from funnelnb.analysis.conversion.segments import Segments
    from funnelnb.batch.manifest import Entry, Failure
    from funnelnb.batch.pages import Headlines
    from funnelnb.batch.plan import Job, Plan
    from funnelnb.show.text.words import Words
    from funnelnb.show.views.board import Cell
    from funnelnb.show.views.briefing import Figure

ATTENTION_N = 5
"""At most so many items stand on top; of more only the number."""

_NAMED_N = 12
"""So many regions of one verdict are named beside the picture."""

ICONS = {"higher": "up", "lower": "down", "not_separable": "even", "too_few": "few"}


def index(
    plan: Plan,
    entries: Mapping[str, Entry],
    figures: Headlines,
    *,
    told: Mapping[str, Mapping[str, Any]],
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    pictures: Mapping[str, str] | None = None,
) -> str:
    """Return the page that lists all reports.

    Parameters
    ----------
    plan : Plan
    entries : Mapping of str to Entry
        What has been made, by stem.
    figures : Headlines
    told : Mapping of str to Mapping
        Plain figures that the reports' briefs pass on, by stem.
    before, now : Mapping
        Figures of the last run and of this one, as :func:`funnelnb.batch.digest.figures` gives them.
    pictures : Mapping of str to str
        What :func:`picture` drew elsewhere, by attribute; others are drawn here.
    """
    say = words(plan.lang)
    listed = _Listed(plan, entries, figures, told, before, now, say, pictures or {})
    attributes = [one.by for one in plan.splits] or [""]
    rows = [row for by in attributes[:1] for row in listed.rows(by)]
    failed = [(job, entries[job.stem].failure) for job in plan.jobs if _failed(entries, job)]
    headline, lead = _headline(listed, attributes[0], rows)
    page = {
        "title": _title(plan, say, aimed=any(board.known(row, "chance_rate") for row in rows)),
        "headline": headline,
        "lead": lead,
        "kicker": plan.book.name,
        "facts": [
            *([say.say("report.reports_n", n=len(plan.jobs))] if plan.jobs else []),
            *data_line(plan, say, figures.whole.n),
            *_since(before, say),
        ],
        "failed": _troubles(plan, entries, say),
        "attention": _attention(listed, failed, rows),
        "figures": [_key_figure(one) for one in _on_top(listed, attributes[0])],
        "boards": [listed.board(by) for by in attributes],
        "legend": _legend(listed, rows),
        "method": _method(listed, attributes[0]),
        "origin": origin(plan, say.numbers.join(dict.fromkeys(job.notebook.name for job in plan.jobs)), say),
    }
    return fill("index.html.j2", page, say)


def _title(plan: Plan, say: Words, *, aimed: bool) -> str:
    """Return the question of the page: whether targets are in reach where there are any, else how deals convert."""
    named = [say.attribute(one.by) for one in plan.splits]
    if not named:
        return say.get("report.index_title_whole")
    attribute = say.numbers.join(named if plan.lang == "zh" else [one.lower() for one in named])
    return say.say(f"report.index_title{'_aimed' if aimed else ''}", attribute=attribute)


class _Listed:
    """What is listed: figures of each value of an attribute, put together from everything that knows some."""

    def __init__(
        self,
        plan: Plan,
        entries: Mapping[str, Entry],
        figures: Headlines,
        told: Mapping[str, Mapping[str, Any]],
        before: Mapping[str, Any],
        now: Mapping[str, Any],
        say: Words,
        pictures: Mapping[str, str],
    ) -> None:
        self.plan, self.entries, self.figures, self.told, self.say = plan, entries, figures, told, say
        self.before, self.now, self.pictures = before, now, pictures

    def values(self, by: str) -> list[str]:
        """Return the values of an attribute that have a row."""
        given = next((one.values for one in self.plan.splits if one.by == by), ())
        known = {job.value for job in self.plan.jobs if job.by == by}
        return [value for value in given if not value or value in known or not self.plan.jobs]

    def rows(self, by: str) -> list[dict[str, Any]]:
        """Return the figures of each value of an attribute, by expected attainment where reports have a forecast."""
        made = [self.row(by, value) for value in self.values(by)] if by else []
        return sorted(
            made, key=lambda row: -row["landing_share"] if board.known(row, "landing_share") else 1.0
        )

    def row(self, by: str, value: str) -> dict[str, Any]:
        """Return the figures of one value; where `by` is empty those of all deals."""
        say, row = self.say, self.figures.row(by, value)
        made: dict[str, Any] = {}
        for job in self.jobs(by, value):
            made |= {name: one for name, one in self.told.get(job.stem, {}).items() if one is not None}
        name = say.group((value,) if by else ())
        made |= {"name": name, "by": by, "value": value, "n": row.reached_n if row else 0}
        made["horizon_days"] = self.plan.horizon_days
        if row is None:
            return made
        made |= {"open_n": row.here_n, "few": not row.enough}
        if row.enough:
            rate = (row.by_day_rate, row.by_day_ci_lower, row.by_day_ci_upper)
            made |= dict(zip(("won_rate", "won_lower", "won_upper"), map(float, rate), strict=True))
            made["why"] = "" if math.isfinite(row.by_day_rate) else "beyond" if row.by_day_n else "undated"
        made["verdict"] = self.verdicts(by).get(value, "") if by else ""
        if not by:
            parts = self.parts(int(row.reached_n))
            aimed = board.known(made, "target_amount")  # the whole has a target of its own
            made = {name: one for name, one in parts.items() if not (aimed and name in board.AIMS)} | made
        return made | digest.change(self.before, self.now, f"{by}={value}" if by else "")

    def parts(self, n: int) -> dict[str, Any]:
        """Return what is known of all deals from reports of their parts, where those hold all of the `n` deals."""
        cycle, by = self.figures.cycle, self.plan.splits[0].by if self.plan.splits else ""
        made: dict[str, Any] = {}
        if cycle is not None and math.isfinite(cycle.median_days):
            made["cycle_days"] = cycle.median_days
            bounds = (cycle.median_ci_lower, cycle.median_ci_upper)
            ends = [one if math.isfinite(one) else None for one in bounds]
            made |= dict(zip(("cycle_ci_lower", "cycle_ci_upper"), ends, strict=True))
        rows = [self.row(by, value) for value in self.values(by)] if by else []
        return made | (board.together(rows) if sum(row["n"] for row in rows) == n else {})

    def verdicts(self, by: str) -> dict[str, str]:
        """Return the verdict on each value, where it is about the rate of the row."""
        found = self.figures.compared.get(by)
        if found is None or found.measure != "by_day":
            return {}
        return {row.group[0]: row.verdict for row in found.rows}

    def jobs(self, by: str, value: str) -> list[Job]:
        return [job for job in self.plan.jobs if (job.by, job.value) == (by, value)]

    def board(self, by: str) -> dict[str, Any]:
        """Return one attribute's part of the page."""
        say, figures = self.say, [*self.rows(by), self.row("", "")]
        columns, cells = board.cells(figures, say)
        top = _scale(cell for row in cells for cell in row)
        whole = figures[-1].get("won_rate", math.nan)
        made = [self._row(row, line, top, whole) for row, line in zip(figures, cells, strict=True)]
        forecast = any(board.known(row, "landing_share") for row in figures)
        heads = {"horizon_days": self.plan.horizon_days, "since": str(self.before.get("as_of", ""))}
        return {
            "by": by,
            "attribute": capital(say.attribute(by)) if by else say.get("report.scope"),
            "search": say.say("board.search_in", attribute=say.attribute(by)) if by else "",
            "columns": [
                {
                    "name": one.name,
                    "head": board.head(one, heads, say, by_forecast=forecast),
                    "descending": one.descending,
                    "ranked": forecast and one.name == "landing",
                }
                for one in columns
            ],
            "axis": (say.numbers.level(0), say.numbers.level(top)),
            "rows": made[:-1],
            "whole": made[-1],
            "compared": self._compared(by),
        }

    def _compared(self, by: str) -> dict[str, Any] | None:
        """Return the picture of an attribute's values and the verdict on each."""
        found = self.figures.compared.get(by)
        if found is None:
            return None
        drawn = self.pictures.get(by) or picture(found, self.say.lang, self.plan.subject)
        return _compared(found, _differences(self, by), drawn, self.say)

    def _row(self, row: Mapping[str, Any], line: Sequence[Cell], top: float, whole: float) -> dict[str, Any]:
        """Return a row for the template: name, links to its pages, cells."""
        say, jobs = self.say, self.jobs(row["by"], row["value"])
        made = [job for job in jobs if _status(self.entries, job) in {"ok", "failed"}]
        failures = [(job, self.entries[job.stem].failure) for job in made if _failed(self.entries, job)]
        badges = []
        if not jobs and row["by"] and self.plan.jobs:
            badges.append({"kind": "none", "name": say.get("report.none_badge")})
        elif len(made) < len(jobs):
            badges.append({"kind": "stopped", "name": say.get("report.stopped_badge")})
        if failures:
            badges.append({"kind": "failed", "name": say.get("report.failed_badge")})
        return {
            "name": row["name"],
            "href": link(made[0], say)["href"] if made else "",
            "links": [
                {**link(job, say), "name": short_name(job, say), "failed": _failed(self.entries, job)}
                for job in made
            ],
            "badges": badges,
            "why": "\n".join(_why(failure, say) for _, failure in failures if failure),
            "cells": [_cell(cell, top, whole) for cell in line],
        }


def _cell(cell: Cell, top: float, whole: float) -> dict[str, Any]:
    """Return a cell for the template; a span as places in percent of its width."""
    made: dict[str, Any] = {
        "value": cell.value, "small": cell.small, "warn": cell.warn, "span": None,
        "sort": "" if cell.sort is None else cell.sort,
    }  # fmt: skip
    if cell.span is not None:
        rate, lower, upper = (_place(one, top) for one in (cell.span.rate, cell.span.lower, cell.span.upper))
        made["span"] = {
            "rate": rate,
            "lower": lower,
            "width": max(upper - lower, 0.5),
            "upper": upper,
            "whole": _place(whole, top) if math.isfinite(whole) else None,
            "icon": ICONS.get(cell.span.verdict, "even"),
            "words": cell.span.words,
            "label": cell.span.label,
        }
    return made


def _place(rate: float, top: float) -> float:
    return round(100 * min(rate / top, 1.0), 2)


def _scale(cells: Any) -> float:
    """Return the right end of a common scale from 0: the next tenth above the largest bound."""
    known = [cell.span.upper for cell in cells if cell.span is not None]
    return min(1.0, math.ceil(10 * max(known) + 1e-9) / 10) if known else 1.0


# ---- The sentence of the whole ------------------------------------------------------------------------------


def _headline(listed: _Listed, by: str, rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return what a director wants first: are the targets in reach; else how deals convert, and who differs."""
    say, whole = listed.say, listed.row("", "")
    rate = _rate(listed, whole, interval=False)
    told = _differences(listed, by)
    aimed = [row for row in rows if board.known(row, "chance_rate") and board.known(row, "target_amount")]
    aimed = aimed or [row for row in (whole,) if board.known(row, "chance_rate")]
    if not aimed:
        return say.get("language.sentence").join(one for one in (rate, told) if one), _interval(listed, whole)
    off = sorted((row for row in aimed if board.at_risk(row)), key=lambda row: row["chance_rate"])
    level = say.numbers.level(aimed[0]["assurance_rate"])
    named = [
        say.say("board.headline.named", name=row["name"], chance=say.numbers.percent(row["chance_rate"]))
        for row in off
    ]
    several = len(aimed) > 1
    both = len(aimed) == 2 and not off
    key = (
        ("some_off" if several else "one_off")
        if off
        else "both_on"
        if both
        else "all_on"
        if several
        else "one_on"
    )
    headline = say.say(
        f"board.headline.{key}",
        n=len(aimed),
        on_n=len(aimed) - len(off),
        assurance_rate=level,
        names=name_some(named or [row["name"] for row in aimed], say),
    )
    lead = say.get("language.sentence").join(one for one in (_interval(listed, whole), told) if one)
    return headline, lead


def _rate(listed: _Listed, whole: Mapping[str, Any], *, interval: bool) -> str:
    say, days = listed.say, listed.plan.horizon_days
    if not board.known(whole, "won_rate"):
        return say.say("board.headline.no_rate", n=whole["n"], horizon_days=days)
    values = {"rate": say.numbers.percent(whole["won_rate"]), "horizon_days": days}
    if not interval:
        return say.say("board.headline.rate", **values)
    return say.say(
        "board.headline.rate_interval",
        range=say.numbers.percent_bounds(whole["won_rate"], whole["won_lower"], whole["won_upper"]),
        confidence_level=say.numbers.level(listed.figures.whole.confidence_level),
        **values,
    )


def _interval(listed: _Listed, whole: Mapping[str, Any]) -> str:
    known = board.known(whole, "won_rate") and math.isfinite(whole["won_lower"])
    return _rate(listed, whole, interval=True) if known else ""


def _differences(listed: _Listed, by: str) -> str:
    """Return which values of an attribute win clearly more and clearly less than the others."""
    say, verdicts = listed.say, listed.verdicts(by)
    if not verdicts:
        return ""
    names = {
        side: [say.group((value,)) for value, verdict in verdicts.items() if verdict == side]
        for side in ("higher", "lower")
    }
    some = {side: name_some(each, say) for side, each in names.items() if each}
    key = "both" if len(some) == 2 else next(iter(some), "even")
    return say.say(f"board.headline.{key}", attribute=say.attribute(by), **some)


_FIGURES_LEAST = 3
"""Fewer figures of the whole do not stand on top: the sentence and the table say them."""


def _on_top(listed: _Listed, by: str) -> list[Figure]:
    """Return the key figures of all deals, where the reports tell enough of them."""
    level = listed.figures.whole.confidence_level
    found = board.key_figures(listed.row("", ""), listed.plan.horizon_days, level, listed.say, by=by)
    return found if len(found) >= _FIGURES_LEAST else []


def _key_figure(one: Figure) -> dict[str, Any]:
    """Return a key figure for the template; its line as places in percent of its width."""
    made: dict[str, Any] = {"name": one.name, "value": one.value, "lines": one.lines, "warn": one.warn}
    line = one.line
    if line is not None:
        places = {
            name: _place(value, line.top) if math.isfinite(value) else None
            for name, value in (
                ("rate", line.value),
                ("lower", line.lower),
                ("upper", line.upper),
                ("whole", line.mark),
            )
        }
        made["line"] = places | {"icon": "plain", "label": line.label, "ends": line.ends}
    return made


# ---- What needs attention -----------------------------------------------------------------------------------


def _attention(
    listed: _Listed, failed: Sequence[tuple[Job, Failure | None]], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Return at most five items: what failed first, then targets at risk; of more only the number."""
    say = listed.say
    items = [_failed_item(job, failure, say) for job, failure in failed if failure]
    more = [say.say("board.failed_more", n=len(items) - ATTENTION_N)] if len(items) > ATTENTION_N else []
    risky = sorted((row for row in rows if board.at_risk(row)), key=lambda row: row["chance_rate"])
    room = max(ATTENTION_N - len(items), 0)
    shown = [*items[:ATTENTION_N], *(_risk_item(listed, row) for row in risky[:room])]
    if len(risky) > room:
        more.append(say.say("board.risk_more", n=len(risky) - room))
    if not shown:
        return None
    return {"title": say.say("board.attention", n=len(items) + len(risky)), "items": shown, "more": more}


def _failed_item(job: Job, failure: Failure, say: Words) -> dict[str, Any]:
    what = say.say("board.failed_what", name=title_of(job, say), page=short_name(job, say))
    return {
        "icon": "failed", "what": what, "why": _why(failure, say), "how": say.get("board.failed_again"),
        "href": link(job, say)["href"], "go": short_name(job, say),
    }  # fmt: skip


def _risk_item(listed: _Listed, row: Mapping[str, Any]) -> dict[str, Any]:
    say, currency = listed.say, row.get("currency", "")
    expected, target = row.get("expected_amount", math.nan), row["target_amount"]
    expected = rounded(expected, row.get("expected_step_amount") or step_of(math.nan, expected))
    values = {
        "name": row["name"],
        "chance": say.numbers.percent(row["chance_rate"]),
        "target": say.numbers.amount(target, currency),
        "until": row.get("until", ""),
        "expected": say.numbers.amount(expected, currency),
        "gap": say.numbers.amount(abs(target - expected), currency),
    }
    why = "risk_why" if expected < target else "risk_why_over"
    page = next(
        (
            job
            for job in listed.jobs(row["by"], row["value"])
            if listed.told.get(job.stem, {}).get("chance_rate") == row["chance_rate"]
        ),
        None,
    )
    return {
        "icon": "down", "what": say.say("board.risk_what", **values), "how": "",
        "why": say.say(f"board.{why}", **values) if math.isfinite(expected) else "",
        "href": link(page, say)["href"] if page else "", "go": short_name(page, say) if page else "",
    }  # fmt: skip


# ---- The picture, and the words below -------------------------------------------------------------------------


def picture(found: Segments | None, lang: str, subject: str) -> str:
    """Return the picture of an attribute's values as HTML; of none an empty text."""
    from funnelnb.show.pages.renderer import page_figure

    if found is None:
        return ""
    with told_of(subject):
        return page_figure(found, "funnel_plot", lang)


def _compared(found: Segments, told: str, drawn: str, say: Words) -> dict[str, Any]:
    """Return the picture of an attribute's values and the verdict on each."""
    groups = []
    for verdict, title in (
        ("higher", "above_title"), ("lower", "below_title"), ("not_separable", "even_title"), ("too_few", "few_title"),
    ):  # fmt: skip
        names = [say.group(row.group) for row in found.rows if row.verdict == verdict]
        if names:
            more = len(names) - _NAMED_N
            listed = say.get("language.list").join(names[:_NAMED_N])
            listed += f" {say.say('board.more_names', n=more)}" if more > 0 else ""
            groups.append({"icon": ICONS[verdict], "title": say.get(f"board.{title}"), "names": listed})
    return {
        "title": told or finding_of(found, say.lang).headline,
        "picture": Markup(drawn),  # noqa: S704 - made by show, escaped there
        "groups": groups,
        "why": _people(found, say),
        "note": say.get("language.clause").join(
            (say.get("words.not_said"), finding_of(found, say.lang).unsaid)
        ),
    }


def _people(found: Segments, say: Words) -> str:
    """Return why a row whose range keeps clear of the whole may yet be no clear difference: its few people."""
    owners = next(
        (note for note in found.notes if note.code in ("deals_alike_owner", "owners_allowed_for")), None
    )
    if owners is None or all(row.verdict != "not_separable" for row in found.rows):
        return ""
    attribute = say.attribute(found.by[0])
    return say.say("board.people", n=owners.values["n"], attribute=attribute)


def _legend(listed: _Listed, rows: Sequence[Mapping[str, Any]]) -> str:
    whole = listed.row("", "")
    if not board.known(whole, "won_rate"):
        return ""
    say = listed.say
    level = say.numbers.level(listed.figures.whole.confidence_level)
    said = say.say("board.legend", confidence_level=level, rate=say.numbers.percent(whole["won_rate"]))
    if not any(board.known(row, "landing_share") for row in rows):
        return said
    return say.get("language.sentence").join((said, say.get("board.ranked")))


def _method(listed: _Listed, by: str) -> list[str]:
    """Return how the figures are made, one paragraph each."""
    plan, figures, say = listed.plan, listed.figures, listed.say
    own = listed.row("", "").get("slow_parts_n", 1) > 1 and by
    slow = [say.say("report.legend_slow", attribute=say.attribute(by))] if own else []
    made = [
        say.say("report.legend_by_day", horizon_days=plan.horizon_days),
        say.get("report.legend_others"),
        *slow,
        say.say("report.legend_range", confidence_level=say.numbers.level(figures.whole.confidence_level)),
    ]
    for split in plan.splits:
        missing = figures.row(split.by, "")
        if missing is not None:
            made.append(
                say.say("report.legend_missing", n=missing.reached_n, attribute=say.attribute(split.by))
            )
    row = figures.row("", "")
    if row is not None and row.enough:
        for stem in ("so_far", "decided"):
            rate = rate_of(row, stem, say)
            name = say.get(f"report.{stem}")
            value = say.say("language.bracket", label=rate["value"], unit=rate["range"])
            made.append(say.get("language.clause").join((name, value)))
    return made


def _since(before: Mapping[str, Any], say: Words) -> list[str]:
    return [say.say("report.since", as_of=before["as_of"])] if before.get("as_of") else []


# ---- What became of each report ---------------------------------------------------------------------------------


def _status(entries: Mapping[str, Entry], job: Job) -> str:
    return entries[job.stem].status if job.stem in entries else "stopped"


def _failed(entries: Mapping[str, Entry], job: Job) -> bool:
    return job.stem in entries and entries[job.stem].failure is not None


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
