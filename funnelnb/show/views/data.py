"""How data are shown: the overview of a book, its check, a section left out; and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core.note import Note
from funnelnb.show.tables.table import Column, Table
from funnelnb.show.text.errors import error_text
from funnelnb.show.views.registry import Finding, View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.analysis.conversion.overview import Overview
    from funnelnb.analysis.shared.result import Unavailable
    from funnelnb.data.check import CheckReport
    from funnelnb.show.text.words import Words


# ---- How a book's overview is shown: one row per outcome; and what it says ---------------------------------


def _outcome(_: Any, row: Any, say: Words) -> str:
    return say.get(f"outcomes.{row.outcome}")


OUTCOMES = Table(
    name="overview",
    rows=lambda result: result.rows,
    columns=(
        Column(field="outcome", cell=_outcome),
        Column(field="deal_n"),
        Column(field="deal_share"),
        Column(field="amount_n"),
        *(Column(field=f"{name}_amount") for name in ("total", "mean", "median")),
    ),
)


def overview_finding(result: Overview, say: Words) -> Finding:
    """Say how many deals the book holds, from when, and how many are still open."""
    unsaid = say.get("findings.overview.unsaid")
    if not result.n:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    counts = {row.outcome: row.deal_n for row in result.rows if row.deal_n}
    unsure_n = sum(note.values["deals_n"] for note in result.notes if note.code == "state_then_unknown")
    if unsure_n:
        counts |= {"lost": counts["lost"] - unsure_n, "lost_or_open": unsure_n}
    parts = [
        say.say(f"findings.overview.{outcome}", deal_n=counts[outcome])
        for outcome in ("won", "lost", "lost_or_open", "open", "left")
        if counts.get(outcome)
    ]
    values = {
        "n": result.n,
        "parts": say.numbers.join(parts),
        "first": result.first_created,
        "last": result.last_created,
        "as_of": result.as_of,
    }
    key = "headline"
    if np.isnat(result.first_created):
        key = "undated"
    elif say.numbers.date(result.first_created) == say.numbers.date(result.last_created):
        key = "one_day"
    return Finding(
        headline=say.say(f"findings.overview.{key}", **values),
        detail=say.get("findings.overview.detail") if "open" in counts else "",
        unsaid=unsaid,
    )


OVERVIEW_VIEW = View(tables=(OUTCOMES,), finding=overview_finding, charts={})


# ---- How a data check is shown: one line per check; and what it says ---------------------------------------


def _status(_: Any, row: Any, say: Words) -> str:
    return say.get(f"statuses.{row.status}")


def _sentence(_: Any, row: Any, say: Words) -> str:
    values = {
        name: error_text(value, say) if name in ("found", "expected", "remedy") else value
        for name, value in row.note.values.items()
    }
    if row.note.code == "problem":
        values["place"] = _place(row.note.values, say)
    return say.note(Note(row.note.code, values))


def _place(values: Mapping[str, Any], say: Words) -> str:
    """Return where a problem lies: file, row and column, as far as they are known."""
    kind = "_".join(one for one in ("row", "column") if values.get(one))
    told = {name: str(values.get(name, "")) for name in ("file", "row", "column")}
    return say.say(f"check.place.{kind}", **told) if kind else told["file"]


ITEMS = Table(
    name="check",
    rows=lambda report: report.items,
    columns=(Column(field="status", cell=_status), Column(field="sentence", cell=_sentence)),
    stub=1,
    strong=lambda row: row.status == "failed",
)


def check_finding(report: CheckReport, say: Words) -> Finding:
    """Say whether anything stands in the way, and how much else there is to know."""
    values = {
        "name": report.name,
        "failed_n": report.failed_n,
        "noted_n": report.noted_n,
        "passed_n": report.passed_n,
        "unjudged_n": report.unjudged_n,
    }
    head = "findings.check.failed" if report.failed_n else "findings.check.fine"
    return Finding(
        headline=say.say(head, **values),
        detail=say.get("language.sentence").join(
            say.say(f"findings.check.{one}", **values)
            for one in ("detail", *(["unjudged"] if report.unjudged_n else []))
        ),
        unsaid=say.get("findings.check.unsaid"),
    )


CHECK_VIEW = View(tables=(ITEMS,), finding=check_finding, charts={})


# ---- How a section is shown that has to be left out: one sentence with the reason --------------------------

NOTHING = Table(name="unavailable", rows=lambda result: result.rows, columns=(), shown=lambda _: False)


def unavailable_finding(result: Unavailable, say: Words) -> Finding:
    """Say what is missing and what would be needed."""
    return Finding(
        headline=say.say("unavailable.headline", found=error_text(result.found, say)),
        detail=say.say("unavailable.detail", expected=error_text(result.expected, say))
        if result.expected
        else "",
        unsaid="",
    )


UNAVAILABLE_VIEW = View(tables=(NOTHING,), finding=unavailable_finding, charts={})
