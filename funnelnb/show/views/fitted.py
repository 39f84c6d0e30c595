"""How a fitted family is written: its name, the shares that never end or end the same day, parameters, verdict."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from funnelnb.analysis.fits import FitRow
    from funnelnb.show.words import Words


def family_words(row: Any, say: Words) -> str:
    """Return the family of a fit, with the shares that were fitted besides: "Weibull, 14 % never end"."""
    parts = [say.get(f"durations.families.{row.family}")]
    for fitted, name in ((row.never, "never_share"), (row.at_once, "same_day_share")):
        share = getattr(row, name)
        if fitted and math.isnan(share):
            parts.append(say.get(f"durations.shares.{name}_asked"))
        elif fitted:
            parts.append(say.say(f"durations.shares.{name}", **{name: share}))
    return say.get("durations.shares.list").join(parts)


def parameters(row: FitRow, say: Words) -> str:
    """Return the parameters of the family of a fit, named."""
    named = [
        (getattr(row, f"{word}_name"), getattr(row, f"{word}_value")) for word in ("first", "second", "third")
    ]
    return say.get("language.list").join(
        say.say("durations.parameter", name=say.get(f"durations.parameters.{name}"), value=f"{value:.4g}")
        for name, value in named
        if name and not math.isnan(value)
    )


def verdict_words(row: FitRow, say: Words) -> str:
    """Return the verdict on a fit; a refusal with the numbers behind it."""
    plain = say.get(f"durations.verdicts.{row.verdict}")
    if row.verdict not in ("too_few_finished", "follow_up_too_short"):
        return plain
    facts = {"ended_n": row.ended_n, "needed_n": row.needed_n, "unsure": f"{row.unsure_share:.2f}"}
    return say.say("language.bracket", label=plain, unit=say.say(f"durations.because.{row.verdict}", **facts))
