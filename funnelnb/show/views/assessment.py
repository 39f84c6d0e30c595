"""How account assessment sheets are shown: scores of all accounts, or the nine factors of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table

if TYPE_CHECKING:
    from funnelnb.analysis.assessment import Assessment
    from funnelnb.show.words import Words

MOST_ACCOUNTS = 15


def _one(result: Any) -> bool:
    return bool(result.account_id)


def _factor(_: Any, row: Any, say: Words) -> str:
    return say.get(f"assessment.factors.{row.factor}")


def _mark(_: Any, row: Any, say: Words) -> str:
    return row.mark.replace("-", "−") or say.get("assessment.unknown")


def _ask(_: Any, row: Any, say: Words) -> str:
    return say.get(f"assessment.asks.{row.factor}")


SHEET = Table(
    name="sheet",
    rows=lambda result: result.sheet,
    columns=(
        Column(field="factor", cell=_factor),
        Column(field="mark", cell=_mark),
        Column(field="note"),
        Column(field="at"),
        Column(field="factor", head="ask", cell=_ask),
    ),
    shown=_one,
)
SCORES = Table(
    name="scores",
    rows=lambda result: result.rows[:MOST_ACCOUNTS],
    columns=(
        Column(field="account_id"),
        Column(field="name"),
        Column(field="plus_n"),
        Column(field="minus_n"),
        Column(field="unknown_n"),
        Column(field="score_share"),
        Column(field="before_share"),
        Column(field="open_amount"),
        Column(field="assessed_at"),
    ),
)
ALL = Table(name="scores_all", rows=lambda result: result.rows, columns=(), shown=lambda _: False)
HISTORY = Table(
    name="score_history",
    rows=lambda result: result.history,
    columns=(
        Column(field="at"),
        Column(field="plus_n"),
        Column(field="minus_n"),
        Column(field="unknown_n"),
        Column(field="score_share"),
    ),
    shown=lambda result: _one(result) and len(result.history) > 1,
)


def finding(result: Assessment, say: Words) -> Finding:
    """Say how the account scores, or how many accounts were assessed, and what is not known."""
    unsaid = say.get("findings.assessment.unsaid")
    if not result.n or all(row.unknown_n == 9 for row in result.rows):
        return Finding(
            headline=say.get("assessment.nothing"), detail=say.get("assessment.sponsor"), unsaid=unsaid
        )
    if _one(result):
        row = result.rows[0]
        headline = say.say(
            "findings.assessment.one", account=row.name or row.account_id, plus_n=row.plus_n,
            minus_n=row.minus_n, unknown_n=row.unknown_n, score_share=row.score_share,
        )  # fmt: skip
        sponsor = next(one.mark for one in result.sheet if one.factor == "sponsorship")
        return Finding(
            headline=headline, detail="" if sponsor == "+" else say.get("assessment.sponsor"), unsaid=unsaid
        )
    poor_n = sum(one.factor == "sponsorship" and one.mark == "-" for one in result.sheet)
    unknown_n = sum(row.unknown_n for row in result.rows)
    first = result.rows[0]
    return Finding(
        headline=say.say(
            "findings.assessment.all",
            n=result.n,
            best=first.name or first.account_id,
            score_share=first.score_share,
        ),
        detail=say.say("findings.assessment.open", poor_n=poor_n, unknown_n=unknown_n),
        unsaid=unsaid,
    )


VIEW = View(tables=(SHEET, SCORES, ALL, HISTORY), finding=finding, charts={})
