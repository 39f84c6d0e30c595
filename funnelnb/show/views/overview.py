"""How a book's overview is shown: one row per outcome; and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.show.finding import Finding
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table

if TYPE_CHECKING:
    from funnelnb.analysis.overview import Overview
    from funnelnb.show.words import Words


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


def finding(result: Overview, say: Words) -> Finding:
    """Say how many deals the book holds, from when, and how many are still open."""
    unsaid = say.get("findings.overview.unsaid")
    if not result.n:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    counts = {f"{row.outcome}_n": row.deal_n for row in result.rows}
    values: dict[str, Any] = {"open_n": 0, "won_n": 0, "lost_n": 0, "left_n": 0} | counts
    values |= {
        "n": result.n,
        "first": result.first_created,
        "last": result.last_created,
        "as_of": result.as_of,
    }
    dated = not np.isnat(result.first_created)
    return Finding(
        headline=say.say(f"findings.overview.{'headline' if dated else 'undated'}", **values),
        detail=say.say("findings.overview.detail", **values),
        unsaid=unsaid,
    )


VIEW = View(tables=(OUTCOMES,), finding=finding, charts={})
