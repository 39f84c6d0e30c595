"""What the answer on top of a page is made of: headline, figures, actions, and the words that all answers share."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from funnelnb.core.options import nameless

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.show.text.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A figure drawn on a line that starts at 0.

    Attributes
    ----------
    value : float
    lower, upper : float
        Its interval; NaN: none is known.
    mark : float
        What it is held against; NaN: nothing.
    top : float
        Where the line ends.
    ends : tuple of (str, str)
        What stands under the ends of the line.
    label : str
        What a screen reader says.
    """

    value: float
    lower: float = math.nan
    upper: float = math.nan
    mark: float = math.nan
    top: float = 1.0
    ends: tuple[str, str] = ("", "")
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One of the three figures.

    Attributes
    ----------
    name, value : str
    small : str
        Words that stand behind the value in smaller type.
    lines : tuple of str
        Small print: the interval and n, then what it is compared with.
    warn : bool
        Whether it is what needs attention.
    line : Line or None
        The value, drawn.
    """

    name: str
    value: str
    small: str = ""
    lines: tuple[str, ...] = ()
    warn: bool = False
    line: Line | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do: what, the number behind it, and where a page has the list of its deals.

    Attributes
    ----------
    what, why : str
    deals : str
        Name of the list of deals that is meant; empty: the page has none.
    show : str
        What the link to that list is called.
    """

    what: str
    why: str = ""
    deals: str = ""
    show: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """The answer of a page.

    Attributes
    ----------
    headline, lead : str
    figures : tuple of Figure
    actions : tuple of Action
    chart : str or None
        Kind of chart that shows it; None: the result's first.
    facts : Mapping of str to number or str
        Plain figures for pages that compare reports.
    """

    headline: str
    lead: str = ""
    figures: tuple[Figure, ...] = ()
    actions: tuple[Action, ...] = ()
    chart: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


NAME_MOST = 80
"""Characters of a name in a headline or an action."""


# ---- Pieces -------------------------------------------------------------------------------------------------


def rate_lines(row: Any, stem: str, n: int, result: Any, say: Words) -> tuple[str, ...]:
    """Return the line under a rate: its interval and its number of deals."""
    lower, upper = getattr(row, f"{stem}_ci_lower"), getattr(row, f"{stem}_ci_upper")
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return (say.say("report.deals_n", n=n),)
    return (
        say.say(
            "brief.interval_n",
            confidence_level=say.numbers.level(result.confidence_level),
            range=say.numbers.percent_bounds(getattr(row, f"{stem}_rate"), lower, upper),
            n=n,
        ),
    )


def money_of(result: Any, value: float, say: Words) -> str:
    """Return an amount in the currency of the result."""
    return say.numbers.amount(value, result.currency)


def deal_name(row: Any) -> str:
    """Return what a deal is called: its customer where one is named, else its id; its id where names are left out."""
    if nameless():
        return str(row.opportunity_id)
    customer = getattr(row, "customer", "") or getattr(row, "account_name", "")
    return shortened(str(customer or row.opportunity_id))


def shortened(name: str) -> str:
    """Return a name as a headline can hold it: an endless one is cut."""
    return name if len(name) <= NAME_MOST else f"{name[: NAME_MOST - 1].rstrip()}…"


def sentences(say: Words, *parts: str) -> str:
    """Return sentences one after the other, without those that are empty."""
    return say.get("language.sentence").join(part for part in parts if part)
