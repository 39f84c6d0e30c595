"""How a section is shown that has to be left out: one sentence with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelnb.show.finding import Finding
from funnelnb.show.registry import View
from funnelnb.show.table import Table

if TYPE_CHECKING:
    from funnelnb.analysis.unavailable import Unavailable
    from funnelnb.show.words import Words

NOTHING = Table(name="unavailable", rows=lambda result: result.rows, columns=(), shown=lambda _: False)


def finding(result: Unavailable, say: Words) -> Finding:
    """Say what is missing and what would be needed."""
    return Finding(
        headline=say.say("unavailable.headline", found=result.found),
        detail=say.say("unavailable.detail", expected=result.expected) if result.expected else "",
        unsaid=say.get("unavailable.unsaid"),
    )


VIEW = View(tables=(NOTHING,), finding=finding, charts={})
