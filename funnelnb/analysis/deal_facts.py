"""What should a caller know of an open deal: its chance, its hours, who and what is missing, what to do?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.gates import honest_funnel
from funnelnb.analysis.man import CONDITIONS, flags_of, man_class
from funnelnb.analysis.outlook import LONGEST_DAYS
from funnelnb.analysis.roles import roles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from funnelnb.analysis.open_deals import OpenDeals
    from funnelnb.analysis.outlook import Outlook
    from funnelnb.analysis.propensity import Propensity
    from funnelnb.data.book import Book

URGENT_DAYS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DealFacts:
    """What is known of every open deal of a book; :meth:`row` gives that of one."""

    deals: OpenDeals
    stage_ids: tuple[str, ...]
    win_rate: NDArray[np.float64]
    days_to_decision: NDArray[np.float64]
    urgency: NDArray[np.float64]
    hours: NDArray[np.float64]
    short_n: int
    quiet: Mapping[str, float]
    overdue: set[str]
    man: Mapping[str, str]
    steps: Mapping[str, dict[str, Any]]
    reasons: Mapping[str, tuple[str, str]]

    @classmethod
    def of(
        cls,
        book: Book,
        deals: OpenDeals,
        seen: Outlook,
        learned: Propensity,
        days: float,
        hours_per_week: float,
    ) -> DealFacts:
        """Collect what is known.

        Parameters
        ----------
        book : Book
            Where histories, contacts, gates and activities are looked up.
        deals : OpenDeals
            All open deals of that book.
        seen : Outlook
            Their chances and times given stage and age.
        learned : Propensity
            Their chances at entry, used where its verdict is "better".
        days : float
            The chance is to be won within so many days from now.
        hours_per_week : float
            What carrying one deal takes.
        """
        used = {row.opportunity_id: row for row in learned.deals} if learned.verdict == "better" else {}
        factor = np.array([used[one].odds_factor if one in used else 1.0 for one in deals.opportunity_id])
        won, _ = seen.within(days, as_far=True)
        _, urgency = seen.within(URGENT_DAYS, as_far=True)
        late = np.minimum(seen.known_days, LONGEST_DAYS)
        to_decision = np.where(np.isnan(seen.days_to_decision), late, seen.days_to_decision)
        weeks = np.maximum(to_decision / 7, 1.0)
        return cls(
            deals=deals,
            stage_ids=book.playbook.stage_ids,
            win_rate=adjusted(won, factor, learned.base_rate),
            days_to_decision=to_decision,
            short_n=int((seen.known_days < days).sum()),
            urgency=urgency,
            hours=hours_per_week * weeks,
            quiet=_quiet(book, deals),
            overdue=_overdue(book),
            man=_man(book),
            steps=_steps(book, deals),
            reasons={name: (row.raises, row.lowers) for name, row in used.items()},
        )

    def row(self, d: int) -> dict[str, Any]:
        """Return the fields of one deal, all but its ranks."""
        name, deals = self.deals.opportunity_id[d], self.deals
        expected = float(deals.amount[d] * self.win_rate[d])
        raises, lowers = self.reasons.get(name, ("", ""))
        return {
            "opportunity_id": name,
            "account_id": deals.account_id[d],
            "owner": deals.owner[d],
            "region": deals.region[d],
            "stage": self.stage_ids[deals.position[d]],
            "deal_amount": float(deals.amount[d]),
            "win_rate": float(self.win_rate[d]),
            "expected_amount": expected,
            "days_to_decision": float(self.days_to_decision[d]),
            "hours": float(self.hours[d]),
            "value_per_hour_amount": expected / float(self.hours[d]),
            "urgency_rate": float(self.urgency[d]),
            "quiet_days": self.quiet[name],
            "overdue": name in self.overdue,
            "man": self.man.get(deals.account_id[d], ""),
            "raises": raises,
            "lowers": lowers,
            **self.steps[name],
        }


def adjusted(rate: Any, factor: Any, base_rate: float) -> NDArray[np.float64]:
    """Return chances whose odds are multiplied by `factor`, as far as the way is still to go.

    Parameters
    ----------
    rate : array_like
        Chance given stage and age.
    factor : array_like
        Odds factor at entry.
    base_rate : float
        Chance of an average new deal.

    Examples
    --------
    >>> adjusted([0.2, 0.8, 1.0], [2.0, 2.0, 2.0], 0.2).round(3).tolist()
    [0.333, 0.815, 1.0]
    """
    p = np.asarray(rate, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.clip(np.log(p) / np.log(base_rate), 0.0, 1.0) if 0 < base_rate < 1 else np.zeros_like(p)
        odds = p / (1 - p) * np.asarray(factor, dtype=float) ** left
        return np.where((p <= 0) | (p >= 1), p, odds / (1 + odds))


def _quiet(book: Book, deals: OpenDeals) -> dict[str, float]:
    """Return for each deal the days since its last activity or move."""
    found = dict(zip(deals.opportunity_id, deals.age_days.tolist(), strict=True))
    activities = book.tables.get("activities")
    if activities is None or not {"opportunity_id", "at"} <= set(activities.columns):
        return found
    last = activities.dropna(subset=["opportunity_id"]).groupby("opportunity_id")["at"].max()
    for name, at in last.items():
        if name in found:
            since = float((book.as_of - np.datetime64(at, "s")) / np.timedelta64(86_400, "s"))
            found[str(name)] = float(np.nanmin([found[str(name)], max(since, 0.0)]))
    return found


def _overdue(book: Book) -> set[str]:
    frame = book.opportunities
    if "expected_close_at" not in frame:
        return set()
    passed = frame["expected_close_at"] < book.as_of
    return set(frame.loc[passed.fillna(value=False), "opportunity_id"])


def _man(book: Book) -> dict[str, str]:
    accounts = book.tables.get("accounts")
    if accounts is None or not {"account_id", *CONDITIONS} <= set(accounts.columns):
        return {}
    return {name: man_class(*flags) for name, flags in flags_of(accounts).items()}


def _steps(book: Book, deals: OpenDeals) -> dict[str, dict[str, Any]]:
    """Return for each deal who and what is missing, what to do and what to ask."""
    known = {row.opportunity_id: row for row in (roles(book).deals if _has(book, "contacts", "role") else ())}
    gates = {
        row.opportunity_id: row
        for row in (honest_funnel(book).deals if _has(book, "gates", "criterion", "met") else ())
    }
    found = {}
    for name, position in zip(deals.opportunity_id, deals.position.tolist(), strict=True):
        stage, role, gate = book.playbook.stages[position], known.get(name), gates.get(name)
        step = stage.next_step or (stage.actions[0] if stage.actions else None)
        question = stage.questions[0].label if stage.questions else None
        found[name] = {
            "next_role": role.next_role if role else "",
            "missing_gate_en": gate.missing_en if gate else "",
            "missing_gate_zh": gate.missing_zh if gate else "",
            "stages_apart": gate.stages_apart if gate else 0,
            "step_en": gate.action_en if gate else step.en if step else "",
            "step_zh": gate.action_zh if gate else step.zh if step else "",
            "question_en": (role.question_en if role else "") or (question.en if question else ""),
            "question_zh": (role.question_zh if role else "") or (question.zh if question else ""),
        }
    return found


def _has(book: Book, table: str, *columns: str) -> bool:
    return table in book.tables and set(columns) <= set(book.tables[table].columns)
