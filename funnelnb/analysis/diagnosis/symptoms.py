"""Where is the sales floor sick? Every rule asked of everybody and of each person, with one rate of false alarms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.diagnosis import signs_funnel, signs_orders, signs_work
from funnelnb.analysis.diagnosis.desk import Desk, Missing, Sign
from funnelnb.analysis.diagnosis.rules import rules_of
from funnelnb.analysis.shared.counts import level, source_notes
from funnelnb.analysis.shared.judged import CLOSED_ONLY, ONLY_WINS, WINS_ALONE, unjudged
from funnelnb.analysis.shared.open_deals import customers_of, learned_from, require_known
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import DealRows, Result, about
from funnelnb.core import check
from funnelnb.core.errors import FunnelError, ParameterError, nearest
from funnelnb.core.note import Note
from funnelnb.playbooks import load_playbook
from funnelnb.stats.rates.tolerance import holm

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from funnelnb.analysis.diagnosis.rules import Limits
    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Label, Playbook, Remedy

ASKED: Mapping[str, Callable[..., Iterator[Sign]]] = {
    "few_opportunities": signs_funnel.few_opportunities,
    "thin_top": signs_funnel.thin_top,
    "leaking_step": signs_funnel.leaking_step,
    "few_quotations": signs_funnel.few_quotations,
    "stalled": signs_funnel.stalled,
    "busy_few": signs_work.busy_few,
    "untouched": signs_work.untouched,
    "dates_overdue": signs_work.dates_overdue,
    "hidden_deals": signs_work.hidden_deals,
    "feast_and_famine": signs_orders.feast_and_famine,
    "one_size": signs_orders.one_size,
    "star_dependence": signs_orders.star_dependence,
    "bunching": signs_orders.bunching,
    "cost_rising": signs_orders.cost_rising,
    "targets_missed": signs_orders.targets_missed,
    "forecast_wrong": signs_work.forecast_wrong,
}
"""Rule -> what measures it, in the order in which they are shown."""
IN_HAND = ("few_opportunities", "stalled", "untouched", "dates_overdue", "one_size")
"""Rules about deals in hand: where open deals were left out of the data they tell nothing."""
ENTRIES = ("thin_top", "few_quotations", "leaking_step", "busy_few")
"""Rules about deals that came: where open or lost ones were left out they tell nothing."""
FALSE_ALARM_RATE = 0.05
DEALS_N = 50
"""So many deals are listed of each symptom, the largest first."""
STATES = ("red", "amber", "unclear", "green")


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """What one rule says of everybody, or of one person.

    Attributes
    ----------
    rule : str
    group : tuple of str
        The person; empty for all.
    state : {"red", "amber", "unclear", "green"}
        Red: the alarm is crossed, and chance would hardly carry a healthy one there, all rules and people counted.
        Amber: so only if this were the one rule and person asked about. Unclear: crossed, but chance explains it.
    stage : str
        Stage that it is about; empty where it is about no single one.
    against : str
        What it is measured against: ``peers``, ``past``, ``ideal``, ``target``; of one size: which.
    value, value_ci_lower, value_ci_upper : float
        What was measured: a share, a count, a ratio or an amount, by rule.
    reference : float
        What it is measured against, in the same unit.
    second : float
        Another figure that the rule's sentence names.
    n : int
        Cases behind the value.
    p_value : float
        Chance of so much from the tolerated bound.
    p_adjusted : float
        The same with all rules and people of this diagnosis counted.
    confidence : {"high", "medium", "low", ""}
        High where `p_adjusted`, medium where only `p_value` is at most the rate of false alarms.
    stake_amount : float
        Money at stake, see the rule; NaN where none can be named.
    deal_n : int
        Deals that it is about.
    remedy_en, remedy_zh : str
        What the stage model advises; empty where it says nothing.
    """

    rule: str
    group: tuple[str, ...]
    state: str
    stage: str
    against: str
    value: float
    value_ci_lower: float
    value_ci_upper: float
    reference: float
    second: float
    n: int
    p_value: float
    p_adjusted: float
    confidence: str
    stake_amount: float
    deal_n: int
    remedy_en: str
    remedy_zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """One rule: its thresholds, and how many it speaks of.

    Attributes
    ----------
    rule : str
    judged_n, red_n, amber_n : int
        Units that had enough cases, and those in alarm.
    tolerated, alarm, window_days : float
    needs : str
        Code of what is missing where nobody could be judged; empty otherwise.
    """

    rule: str
    judged_n: int
    red_n: int
    amber_n: int
    tolerated: float
    alarm: float
    window_days: float
    needs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SymptomDeal:
    """One deal behind a symptom.

    Attributes
    ----------
    rule : str
    group : tuple of str
    opportunity_id, customer, owner, stage : str
    deal_amount : float
    here_days : float
        Days in the stage where it stands.
    """

    rule: str
    group: tuple[str, ...]
    opportunity_id: str
    customer: str
    owner: str
    stage: str
    deal_amount: float
    here_days: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Symptoms(Result):
    """The symptoms of a sales floor. `n` counts its deals.

    Attributes
    ----------
    by : tuple of str
    false_alarm_rate : float
        At most this share of diagnoses of healthy floors shows any red symptom.
    tests_n : int
        Tests that were made: rules times people, those with enough cases.
    rows : tuple of Symptom
        Red ones first, the most money first; then amber, unclear, green.
    rules : tuple of RuleState
    deals : tuple of SymptomDeal
        Of red and amber symptoms, at most 50 each, the largest first.
    people : tuple of str
        Who was judged.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    by: tuple[str, ...]
    false_alarm_rate: float
    tests_n: int
    rows: tuple[Symptom, ...]
    rules: tuple[RuleState, ...]
    deals: DealRows[SymptomDeal] = field()
    people: tuple[str, ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


@question("diagnosis")
def symptoms(
    book: Book,
    *,
    by: str | None = None,
    rules: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    only: str | Sequence[str] | None = None,
    ideal: Mapping[str, float] | None = None,
    learn_from: Book | None = None,
    false_alarm_rate: float = FALSE_ALARM_RATE,
    confidence_level: float | None = None,
) -> Symptoms:
    """Where is the sales floor sick: which symptoms, how sure, and how much money is at stake?

    Parameters
    ----------
    book : Book
        Best with stage history, targets, activities and costs: each rule says what it lacks.
    by : str, optional
        Attribute whose values are the people: ``"owner"``, ``"team"``, ``"region"``.
    rules : Mapping or path, optional
        Thresholds that differ from the usual ones, such as ``{"few_opportunities": {"alarm": 10}}``, or a settings
        file with tables ``[diagnosis.few_opportunities]``.
    only : str or sequence of str, optional
        Rules to ask; None: all that are on. ``"forecast_wrong"`` is off: it replays the past months, and twelve are
        few.
    ideal : Mapping of stage to float, optional
        Share that should go on from each stage, for the leaking step.
    learn_from : Book, optional
        The whole company, where `book` is a part of it: its people are then compared with all others.
    false_alarm_rate : float
        Strictly between 0 and 1.
    confidence_level : float, optional
        Of the intervals.

    Returns
    -------
    Symptoms

    Raises
    ------
    ParameterError
        A rule, key, attribute or value that there is not.

    Notes
    -----
    - Each rule tests "no worse than is tolerated", not "no different": harmless differences between people are no
      alarm, however many deals there are.
    - Half of the false alarm rate is for the tests of everybody, half for those of people; within each half Holm's
      step-down over all rules and people. So the chance of any red symptom on a healthy floor is at most that rate,
      as far as each test holds its own.
    - Open deals are never counted as lost: steps are judged on deals watched long enough, sizes and ages on open deals.
    - Money at stake of open deals: amount times the share won of the closed deals that reached the same stage.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    Checked against healthy simulated floors (false alarms counted) and floors with one planted sickness each (power):
    ``tests/reference/diagnosis.py``, ``tests/analysis/test_symptoms.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> result = fn.diagnosis.symptoms(fn.sample())
    >>> result.by, len(result.rules)
    (('owner',), 15)
    """
    confidence = level(confidence_level)
    rate = check.number("false_alarm_rate", false_alarm_rate, gt=0, lt=1)
    limits = _chosen(rules_of(rules), only)
    by = "owner" if by is None else by
    _known(book, by, ideal)
    require_known(book)
    desk = Desk(book, by)
    wide = desk if learn_from is None else Desk(learned_from(book, learn_from), by)
    found, needs = _found(desk, wide, limits, confidence, ideal)
    known = _judged(desk, found, rate)
    rows = [row for row, _, _ in known]
    return Symptoms(
        n=len(desk.won),
        method="symptoms",
        confidence_level=confidence,
        notes=(*book.notes, *source_notes(book), *_notes(desk)),
        by=(by,) if desk.names else (),
        false_alarm_rate=rate,
        tests_n=int(np.isfinite([sign.p for _, sign, _ in found]).sum()),
        rows=tuple(rows),
        rules=tuple(_rule(name, one, rows, needs[name]) for name, one in limits.items()),
        deals=DealRows(deal for row, place, sign in known for deal in _deals(place, row, sign)),
        people=tuple(desk.names[unit - 1] for unit in desk.people),
        **about(book),
    )


def signs_behind(
    book: Book, asked: Mapping[str, Any]
) -> list[tuple[tuple[str, tuple[str, ...], str, str], Desk, NDArray[np.int64]]]:
    """Return for each symptom (rule, person, stage, compared with what) whose deals it speaks of, and which."""
    by = "owner" if asked.get("by") is None or "false_alarm_rate" not in asked else str(asked["by"])
    desk, learned = Desk(book, by), asked.get("learn_from")
    wide = desk if learned is None else Desk(learned_from(book, learned), by)
    limits = _chosen(rules_of(asked.get("rules")), asked.get("only"))
    found, _ = _found(desk, wide, limits, level(asked.get("confidence_level")), asked.get("ideal"))
    return [
        (
            (name, (place.names[sign.unit - 1],) if sign.unit else (), sign.stage, sign.against),
            place,
            sign.deals,
        )
        for name, sign, place in found
    ]


def _judged(
    desk: Desk, found: Sequence[tuple[str, Sign, Desk]], rate: float
) -> list[tuple[Symptom, Desk, Sign]]:
    """Return the symptoms of everybody and of the people of the book, the most urgent first."""
    adjusted = _adjusted([sign for _, sign, _ in found])
    mine = {desk.names[unit - 1] for unit in desk.people}
    known = [
        (_symptom(place, name, sign, p, rate), place, sign)
        for (name, sign, place), p in zip(found, adjusted.tolist(), strict=True)
        if not sign.unit or place.names[sign.unit - 1] in mine
    ]
    return sorted(known, key=lambda one: _place(one[0]))


def _chosen(rules: Mapping[str, Limits], only: str | Sequence[str] | None) -> dict[str, Limits]:
    names = [only] if isinstance(only, str) else list(only or ())
    for name in names:
        check.one_of("only", name, ASKED)
    return {name: rules[name] for name in ASKED if (name in names if names else rules[name].on)}


def _known(book: Book, by: str, ideal: Mapping[str, float] | None) -> None:
    """Refuse an attribute or a stage that there is not; a book without owners is judged as a whole."""
    if by != "owner" and by not in book.ledger.attributes:
        known = sorted(book.ledger.attributes)
        raise ParameterError(
            f"by = {by!r}: the opportunities have no such attribute",
            expected="one of " + ", ".join(known),
            hint=nearest(by, known),
        )
    for stage, share in (ideal or {}).items():
        check.one_of("ideal", stage, book.playbook.stage_ids[: book.playbook.won])
        check.number(f"ideal[{stage!r}]", share, gt=0, lt=1)


def _found(
    desk: Desk, wide: Desk, limits: Mapping[str, Limits], confidence: float, ideal: Mapping[str, float] | None
) -> tuple[list[tuple[str, Sign, Desk]], dict[str, str]]:
    """Return what the rules measured and where: everybody of the book, and people among all of the company."""
    found: list[tuple[str, Sign, Desk]] = []
    needs: dict[str, str] = {}
    for name, one in limits.items():
        signs, needs[name] = _asked(name, desk, one, confidence, ideal)
        if wide is desk:
            found += [(name, sign, desk) for sign in signs]
            continue
        found += [(name, sign, desk) for sign in signs if not sign.unit]
        others, lacking = _asked(name, wide, one, confidence, ideal)
        found += [(name, sign, wide) for sign in others if sign.unit]
        needs[name] = "" if others else lacking
    return found, needs


def _asked(
    name: str, desk: Desk, limits: Limits, confidence: float, ideal: Mapping[str, float] | None
) -> tuple[list[Sign], str]:
    """Return what a rule measured, or the code of what it lacks."""
    if name in IN_HAND and unjudged(desk.book) in (CLOSED_ONLY, WINS_ALONE):
        return [], "open_deals"
    if name in ENTRIES and unjudged(desk.book) in (CLOSED_ONLY, ONLY_WINS, WINS_ALONE):
        return [], "all_deals"
    more = {"ideal": ideal} if name == "leaking_step" else {}
    try:
        signs = list(ASKED[name](desk, limits, confidence, **more))
    except Missing as missing:
        return [], missing.needs
    except FunnelError:
        return [], "history"
    return signs, "" if signs else "too_few"


def _adjusted(signs: Sequence[Sign]) -> np.ndarray:
    """Return p-values for all tests together: half of the false alarms for everybody, half for people."""
    p = np.array([sign.p for sign in signs], dtype=float)
    whole = np.array([sign.unit == 0 for sign in signs], dtype=bool)
    adjusted = np.full(p.shape, np.nan)
    both = whole.any() and (~whole).any()
    for part in (whole, ~whole):
        adjusted[part] = np.minimum((2 if both else 1) * holm(p[part]), 1.0)
    return adjusted


def _symptom(desk: Desk, name: str, sign: Sign, adjusted: float, rate: float) -> Symptom:
    sure = "high" if adjusted <= rate else "medium" if sign.p <= rate else "low"
    state = {"high": "red", "medium": "amber", "low": "unclear"}[sure] if sign.crossed else "green"
    remedy = _remedy(desk.book.playbook, name, sign)
    return Symptom(
        rule=name,
        group=(desk.names[sign.unit - 1],) if sign.unit else (),
        state=state,
        stage=sign.stage,
        against=sign.against,
        value=float(sign.value),
        value_ci_lower=float(sign.lower),
        value_ci_upper=float(sign.upper),
        reference=float(sign.reference),
        second=float(sign.second),
        n=round(sign.n),
        p_value=float(sign.p),
        p_adjusted=float(adjusted),
        confidence=sure if sign.crossed else "",
        stake_amount=float(sign.amount) if sign.amount >= 0 and desk.amount.any() else float("nan"),
        deal_n=len(sign.deals),
        remedy_en=remedy.label.en if remedy else "",
        remedy_zh=remedy.label.zh if remedy else "",
    )


ABOUT = {
    "thin_top": "first",
    "few_opportunities": "first",
    "few_quotations": "last",
    "busy_few": "first",
    "targets_missed": "whole",
}
"""Rule -> the place of the stage model whose remedy it takes; a leaking step takes that of its own stage."""


def _remedy(playbook: Playbook, rule: str, sign: Sign) -> Remedy | None:
    """Return the stage model's remedy for a symptom; where it names none, that of the weekly report."""
    for model in (playbook, load_playbook("weekly_report")):
        won = model.won
        place = {"first": model.stage_ids[0], "last": model.stage_ids[won - 1] if won else "", "whole": ""}
        if rule == "leaking_step":
            k = playbook.position(sign.stage) or 0
            wanted = sign.stage if model is playbook else _alike(k, playbook.won, place)
        elif rule in ABOUT:
            wanted = place[ABOUT[rule]]
        else:
            return None
        found = next((one for one in model.remedies if one.stage == wanted), None)
        if found is not None:
            return found
    return None


def _alike(k: int, won: int, place: Mapping[str, str]) -> str:
    """Return the place of the weekly report that a step is most like: the first, the last, or what leads to it."""
    return place["first"] if k == 0 else place["whole"] if k >= won - 1 else place["last"]


def _place(row: Symptom) -> tuple[Any, ...]:
    money = row.stake_amount if np.isfinite(row.stake_amount) else 0.0
    return (STATES.index(row.state), -money, row.p_value, list(ASKED).index(row.rule), row.group)


def _rule(name: str, limits: Limits, rows: Sequence[Symptom], needs: str) -> RuleState:
    mine = [row for row in rows if row.rule == name]
    return RuleState(
        rule=name,
        judged_n=len({row.group for row in mine}),
        red_n=len({row.group for row in mine if row.state == "red"}),
        amber_n=len({row.group for row in mine if row.state == "amber"}),
        tolerated=float(limits.tolerated),
        alarm=float(limits.alarm),
        window_days=float(limits.window_days),
        needs=needs,
    )


def _deals(desk: Desk, row: Symptom, sign: Sign) -> Iterator[SymptomDeal]:
    if row.state not in ("red", "amber"):
        return
    amounts = np.nan_to_num(desk.ledger.amount[sign.deals], nan=-1.0)
    largest = sign.deals[np.argsort(-amounts, kind="stable")[:DEALS_N]]
    ids = [str(desk.ledger.deal_ids[deal]) for deal in largest.tolist()]
    named = customers_of(desk.book, ids)
    for deal, opportunity_id, customer in zip(largest.tolist(), ids, named, strict=True):
        yield SymptomDeal(
            rule=row.rule,
            group=row.group,
            opportunity_id=opportunity_id,
            customer=customer,
            owner=desk.names[desk.code[deal]] if desk.names and desk.by == "owner" else "",
            stage=desk.ledger.stage_ids[desk.standing[deal]],
            deal_amount=float(desk.ledger.amount[deal]),
            here_days=float(desk.here_days[deal]) if desk.in_hand[deal] else float("nan"),
        )


def _notes(desk: Desk) -> tuple[Note, ...]:
    idle = len(desk.names) - len(desk.people)
    return (Note("people_inactive", {"people_n": idle, "of_n": len(desk.names)}),) if idle > 0 else ()
