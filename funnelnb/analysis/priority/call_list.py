"""Whom to call first? One ranked list of open deals, with the reason of every rank and the next step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from funnelnb.analysis.priority.honest_funnel import honest_funnel
from funnelnb.analysis.priority.levels import INTENT
from funnelnb.analysis.priority.money_authority_need import CONDITIONS, flags_of, man_class
from funnelnb.analysis.priority.propensity import Propensity, propensity
from funnelnb.analysis.priority.roles import roles
from funnelnb.analysis.shared.counts import grouping, level, origin_of, source_notes, time_counts
from funnelnb.analysis.shared.horizon import settle
from funnelnb.analysis.shared.open_deals import groups_of_deals, learned_from, open_deals, total
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result, about
from funnelnb.analysis.shared.time_to_close import LONGEST_DAYS, outlook
from funnelnb.core import check
from funnelnb.core.errors import ParameterError
from funnelnb.core.note import Note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from funnelnb.analysis.shared.open_deals import OpenDeals
    from funnelnb.analysis.shared.time_to_close import Outlook
    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label


# ---- What should a caller know of an open deal ------------------------------------------------------------

URGENT_DAYS = 30.0


class NextStep(TypedDict):
    """Who and what is missing at a deal, what to do and what to ask."""

    next_role: str
    missing_gate_en: str
    missing_gate_zh: str
    stages_apart: int
    step_en: str
    step_zh: str
    question_en: str
    question_zh: str


class Judgement(TypedDict):
    """What intent and budget of a customer count, and the factor that they make."""

    intent_part: float
    budget_part: float
    weigh_factor: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DealFacts:
    """What is known of every open deal of a book; :meth:`row` gives that of one."""

    deals: OpenDeals
    groups: Sequence[tuple[str, ...]]
    stage_ids: tuple[str, ...]
    win_rate: NDArray[np.float64]
    days_to_decision: NDArray[np.float64]
    urgency: NDArray[np.float64]
    hours: NDArray[np.float64]
    short_n: int
    quiet: Mapping[str, float]
    overdue: set[str]
    man: Mapping[str, str]
    steps: Mapping[str, NextStep]
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
        by: tuple[str, ...] = (),
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
        by : tuple of str
            Attributes that make the groups.
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
            groups=groups_of_deals(book, by),
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

    def row(self, d: int, judged: Mapping[str, Judgement]) -> CallRow:
        """Return what is known of one deal, not ranked yet; `judged`: of customers."""
        name, deals = self.deals.opportunity_id[d], self.deals
        expected = float(deals.amount[d] * self.win_rate[d])
        raises, lowers = self.reasons.get(name, ("", ""))
        return CallRow(
            rank=0,
            group_rank=0,
            group=self.groups[int(deals.index[d])],
            opportunity_id=name,
            customer=deals.customer[d],
            account_id=deals.account_id[d],
            owner=deals.owner[d],
            region=deals.region[d],
            stage=self.stage_ids[deals.position[d]],
            deal_amount=float(deals.amount[d]),
            win_rate=float(self.win_rate[d]),
            expected_amount=expected,
            days_to_decision=float(self.days_to_decision[d]),
            hours=float(self.hours[d]),
            value_per_hour_amount=expected / float(self.hours[d]),
            urgency_rate=float(self.urgency[d]),
            quiet_days=self.quiet[name],
            overdue=name in self.overdue,
            man=self.man.get(deals.account_id[d], ""),
            raises=raises,
            lowers=lowers,
            **self.steps[name],
            **judged.get(deals.account_id[d], _UNJUDGED),
        )


def adjusted(rate: ArrayLike, factor: ArrayLike, base_rate: float) -> NDArray[np.float64]:
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


def _steps(book: Book, deals: OpenDeals) -> dict[str, NextStep]:
    """Return for each deal who and what is missing, what to do and what to ask."""
    known = {row.opportunity_id: row for row in (roles(book).deals if _has(book, "contacts", "role") else ())}
    gates = {
        row.opportunity_id: row
        for row in (honest_funnel(book).deals if _has(book, "gates", "criterion", "met") else ())
    }
    found: dict[str, NextStep] = {}
    for name, position in zip(deals.opportunity_id, deals.position.tolist(), strict=True):
        stage, role, gate = book.playbook.stages[position], known.get(name), gates.get(name)
        step = stage.next_step or (stage.actions[0] if stage.actions else None)
        question = stage.questions[0].label if stage.questions else next(iter(stage.find_out), None)
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


# ---- Whom to call first? One ranked list of open deals, with the reason of every rank and the next step ----

HOURS_PER_WEEK = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One open deal in the list.

    Attributes
    ----------
    rank : int
        1 is to be called first.
    group_rank : int
        Rank within the group; `rank` where the list is not grouped.
    group : tuple of str
        Values of the attributes that the list is grouped by.
    opportunity_id, account_id, owner, region, stage : str
    deal_amount : float
    win_rate : float
        Chance to be won within the horizon from now, given stage and age, and what is known at entry where
        that was found to tell.
    expected_amount : float
        deal_amount * win_rate.
    days_to_decision : float
        Days until half of such deals are decided; where the data do not see so far, as far as they see.
    hours : float
        Hours until then, at `hours_per_week`; at least one week's.
    value_per_hour_amount : float
        expected_amount / hours: what the list is ranked by. NaN (at the end) where a part is not known.
    urgency_rate : float
        Chance to be decided, won or lost, within 30 days.
    quiet_days : float
        Days since the last activity or move; NaN where neither is recorded.
    overdue : bool
        The close somebody expected has passed.
    man : str
        Class of the customer by the MAN rule; empty without a record.
    next_role : str
        Buyer role to meet next; empty: none missing, or not recorded.
    missing_gate_en, missing_gate_zh : str
        First criterion that is not met.
    stages_apart : int
        Stages that the deal claims beyond its evidence.
    step_en, step_zh : str
        What the playbook does next.
    question_en, question_zh : str
        What to ask.
    raises, lowers : str
        What was known at entry and speaks for and against the deal (see :class:`Propensity`).
    intent_part, budget_part : float
        What the customer's intent and money count, 0 to 1; NaN where not known.
    weigh_factor : float
        By which the judgement of intent and budget multiplies the value per hour; 1 without one.
    customer : str
        What to call the customer: its name; else its id, the deal's name, or the deal's id.
    """

    rank: int
    group_rank: int
    group: tuple[str, ...]
    opportunity_id: str
    account_id: str
    owner: str
    region: str
    stage: str
    deal_amount: float
    win_rate: float
    expected_amount: float
    days_to_decision: float
    hours: float
    value_per_hour_amount: float
    urgency_rate: float
    quiet_days: float
    overdue: bool
    man: str
    next_role: str
    missing_gate_en: str
    missing_gate_zh: str
    stages_apart: int
    step_en: str
    step_zh: str
    question_en: str
    question_zh: str
    raises: str
    lowers: str
    intent_part: float = float("nan")
    budget_part: float = float("nan")
    weigh_factor: float = 1.0
    customer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CallList(Result):
    """Open deals in the order in which they deserve a call.

    Attributes
    ----------
    rows : tuple of CallRow
        Best first.
    horizon_days, hours_per_week : float
    by : tuple of str
        Attributes within whose groups the list is ranked too.
    expected_amount : float
        Sum over the open deals listed.
    first_share : float
        Share of it in the first tenth of the list.
    verdict : str
        Of the propensity model: what is known at entry was used if ``"better"``.
    stage_ids, stage_labels
        As in :class:`~funnelnb.analysis.conversion.conversion.Conversion`.
    """

    rows: tuple[CallRow, ...]
    horizon_days: float
    hours_per_week: float
    by: tuple[str, ...]
    expected_amount: float
    first_share: float
    verdict: str
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]

    @property
    def group_by(self) -> str:
        """What `by` was called in 0.1."""
        return self.by[0] if self.by else ""


@question(formerly={"group_by": "by"})
def call_list(
    book: Book,
    *,
    by: str | Sequence[str] | None = None,
    learn_from: Book | None = None,
    horizon_days: float | None = None,
    hours_per_week: float = HOURS_PER_WEEK,
    weigh: Mapping[str, float] | None = None,
) -> CallList:
    """Whom to call first, why, and what to do there?

    Parameters
    ----------
    book : Book
        Its open deals are listed, such as those of one region or person.
    by : str or sequence of str, optional
        One or two attributes: also rank within each of their groups.
    learn_from : Book, optional
        The book whose history tells chances and times, as of the same day, such as the whole company; None:
        `book` itself.
    horizon_days : float, optional
        The chance is to be won within so many days from now; None: chosen as for ``fn.conversion``.
    hours_per_week : float
        Hours a week that carrying one deal takes, above 0.
    weigh : mapping, optional
        Your own judgement: by how much the customer's ``"intent"`` and ``"budget"`` (money, by the MAN rule) move the
        rank, each at least 0 and below 1. 0.5: full intent counts 1.5 times, none half; not known counts once.

    Returns
    -------
    CallList

    Raises
    ------
    ParameterError
        A parameter has a value that it cannot have, or `learn_from` does not hold the deals or is of another
        day.

    Notes
    -----
    - Rank: expected amount per hour, ``amount * P(won) / (hours_per_week * weeks to the decision)``, nothing
      else. Each factor stands in the row.
    - With `weigh`, that times ``1 + w (2 part - 1)`` for intent (1, 0.5, 0) and budget (1, 0): both parts and the
      factor stand in the row. This is a decision, not a measurement.
    - P(won) is that of deals in the same stage at the same age (:mod:`~funnelnb.analysis.shared.time_to_close`).
      Where what is known at entry tells winners (the verdict of ``fn.propensity`` is "better"), its odds are multiplied
      by the deal's factor raised to ``log p / log p0``, p0 the chance of an average new deal: the part of the
      way that is still to go.
    - Missing roles, gates and the MAN class come from ``fn.roles``, ``fn.honest_funnel`` and the accounts
      where the book holds these; they are shown and do not change the rank, as no history here tells what
      they are worth.

    Checked against the product by hand and a list of the past against what was then won:
    ``tests/analysis/test_call_list.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> fn.call_list(fn.sample(), horizon_days=180).rows[0].rank
    1
    """
    hours_per_week = check.number("hours_per_week", hours_per_week, gt=0)
    names = grouping(book, by)
    source = learned_from(book, learn_from)
    origin = origin_of(source, None)
    horizon = settle(horizon_days, time_counts(source, origin.position, source.ledger.won))
    days = min(horizon.days, float(LONGEST_DAYS))
    deals, listed = open_deals(source), set(open_deals(book).opportunity_id)
    _all_known(listed, set(deals.opportunity_id))
    learned = propensity(source, horizon_days=horizon.days)
    seen = outlook(source, deals, level(None))
    facts = DealFacts.of(source, deals, seen, learned, days, hours_per_week, names)
    judged = _judged(source, _weights(weigh))
    rows = [facts.row(d, judged) for d in range(len(deals)) if deals.opportunity_id[d] in listed]
    ranked = _ranked(rows)
    whole, first_share = _expected(ranked)
    return CallList(
        n=len(ranked),
        method="call_list",
        confidence_level=level(None),
        notes=(*source_notes(source), *horizon.notes, *_notes(source, ranked, learned, facts.short_n)),
        rows=tuple(ranked),
        horizon_days=days,
        hours_per_week=hours_per_week,
        by=names,
        expected_amount=whole,
        first_share=first_share,
        verdict=learned.verdict,
        **about(book),
    )


WEIGHED = ("intent", "budget")
_UNJUDGED: Judgement = {"intent_part": float("nan"), "budget_part": float("nan"), "weigh_factor": 1.0}


def _weights(weigh: Mapping[str, float] | None) -> dict[str, float]:
    if weigh is not None and not hasattr(weigh, "items"):
        raise ParameterError(
            f"weigh = {weigh!r}",
            expected="how much each counts, from 0 to below 1",
            hint='weigh={"intent": 0.3, "budget": 0.2}',
        )
    for name in weigh or {}:
        check.one_of("weigh", name, WEIGHED)
    return {
        name: check.number(f"weigh[{name!r}]", value, ge=0, lt=1) for name, value in (weigh or {}).items()
    }


def _judged(book: Book, weights: Mapping[str, float]) -> dict[str, Judgement]:
    """Return what intent and budget of each customer count, and the factor that they make."""
    import pandas as pd

    accounts = book.tables.get("accounts")
    if accounts is None or "account_id" not in accounts:
        return {}
    nothing = [None] * len(accounts)
    words = accounts["intent"].tolist() if "intent" in accounts else nothing
    money = accounts["money"].tolist() if "money" in accounts else nothing
    found: dict[str, Judgement] = {}
    for account, word, has in zip(accounts["account_id"].tolist(), words, money, strict=True):
        intent = INTENT.get(word.strip().casefold(), np.nan) if isinstance(word, str) else np.nan
        budget = np.nan if pd.isna(has) else float(bool(has))
        parts = {"intent": intent, "budget": budget}
        factor = 1.0
        for name, weight in weights.items():
            factor *= 1.0 if np.isnan(parts[name]) else 1 + weight * (2 * parts[name] - 1)
        found[str(account)] = {"intent_part": intent, "budget_part": budget, "weigh_factor": factor}
    return found


def _all_known(listed: set[str], known: set[str]) -> None:
    if not listed <= known:
        raise ParameterError(
            f"learn_from lacks {len(listed - known)} of the open deals, such as {min(listed - known)!r}",
            expected="a book that holds the deals listed, such as the whole company",
        )


def _ranked(rows: list[CallRow]) -> list[CallRow]:
    def order(row: CallRow) -> tuple[bool, float, str]:
        value = row.value_per_hour_amount * row.weigh_factor
        return bool(np.isnan(value)), -float(np.nan_to_num(value)), row.opportunity_id

    count: Counter[tuple[str, ...]] = Counter()
    ranked = []
    for rank, row in enumerate(sorted(rows, key=order), start=1):
        count[row.group] += 1
        ranked.append(replace(row, rank=rank, group_rank=count[row.group]))
    return ranked


def _expected(rows: list[CallRow]) -> tuple[float, float]:
    """Return what is expected of all deals, and the share of it in the first tenth of the list."""
    values = np.array([row.expected_amount for row in rows], dtype=float)
    first, whole = values[: max(1, len(values) // 10)], total(values)
    return whole, total(first) / whole if whole > 0 else float("nan")


def _notes(book: Book, rows: list[CallRow], learned: Propensity, short_n: int) -> tuple[Note, ...]:
    notes = []
    if short_n:
        notes.append(Note("calls_seen_less", {"deals_n": short_n}))
    unknown_n = sum(bool(np.isnan(row.value_per_hour_amount)) for row in rows)
    if unknown_n:
        notes.append(Note("calls_unranked", {"deals_n": unknown_n, "of_n": len(rows)}))
    if learned.verdict != "better":
        untested = learned.verdict == "untested"
        notes.append(Note("calls_entry_untested" if untested else "calls_without_entry"))
    missing = [name for name in ("contacts", "gates", "activities", "accounts") if name not in book.tables]
    if missing:
        notes.append(Note("calls_tables_missing", {"tables": ", ".join(missing)}))
    return tuple(notes)
