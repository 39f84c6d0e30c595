"""How a data check is shown: one line per check; and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table

if TYPE_CHECKING:
    from funnelnb.data.check import CheckReport
    from funnelnb.show.words import Words


def _status(_: Any, row: Any, say: Words) -> str:
    return say.get(f"statuses.{row.status}")


def _sentence(_: Any, row: Any, say: Words) -> str:
    return say.note(row.note)


ITEMS = Table(
    name="check",
    rows=lambda report: report.items,
    columns=(Column(field="status", cell=_status), Column(field="sentence", cell=_sentence)),
    stub=1,
    strong=lambda row: row.status == "failed",
)


def finding(report: CheckReport, say: Words) -> Finding:
    """Say whether anything stands in the way, and how much else there is to know."""
    values = {
        "name": report.name,
        "failed_n": report.failed_n,
        "noted_n": report.noted_n,
        "passed_n": report.passed_n,
    }
    head = "findings.check.failed" if report.failed_n else "findings.check.fine"
    return Finding(
        headline=say.say(head, **values),
        detail=say.say("findings.check.detail", **values),
        unsaid=say.get("findings.check.unsaid"),
    )


VIEW = View(tables=(ITEMS,), finding=finding, charts={})
