"""Which deals are behind a symptom? From the matrix down to single deals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from funnelnb.analysis.diagnosis.symptoms import ASKED, Symptoms
from funnelnb.analysis.shared.members import Query
from funnelnb.analysis.shared.result import DealRows, Result, remember
from funnelnb.core import check
from funnelnb.core.errors import ParameterError, nearest

if TYPE_CHECKING:
    from funnelnb.analysis.diagnosis.symptoms import RuleState, Symptom, SymptomDeal
    from funnelnb.playbooks.model import Label


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SymptomDetail(Result):
    """One rule, for everybody or one person, with the deals behind it. `n` counts the deals.

    Attributes
    ----------
    rule : str
    group : tuple of str
        The person; empty for all.
    rows : tuple of Symptom
        What the rule says, worst first; empty where it was not judged.
    rules : tuple of RuleState
        The rule with its thresholds.
    deals : tuple of SymptomDeal
        Of red and amber symptoms, at most 50, the largest first.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    rule: str
    group: tuple[str, ...]
    rows: tuple[Symptom, ...]
    rules: tuple[RuleState, ...]
    deals: DealRows[SymptomDeal] = field()
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


def drill(found: Symptoms, rule: str, who: str | None = None) -> SymptomDetail:
    """Which deals are behind a symptom, for everybody or for one person?

    Parameters
    ----------
    found : Symptoms
        As ``fn.diagnosis.symptoms(book)`` returns them.
    rule : str
        Such as ``"stalled"``.
    who : str, optional
        Person; None: everybody.

    Returns
    -------
    SymptomDetail

    Raises
    ------
    ParameterError
        `found` is no result of ``fn.diagnosis.symptoms``, or there is no such rule or person.

    Examples
    --------
    >>> import funnelnb as fn
    >>> fn.diagnosis.drill(fn.diagnosis.symptoms(fn.sample()), "stalled").rule
    'stalled'
    """
    if not isinstance(found, Symptoms):
        raise ParameterError(
            f"found is of type {type(found).__name__}",
            expected="what fn.diagnosis.symptoms returns",
            hint='fn.diagnosis.drill(fn.diagnosis.symptoms(book), "stalled")',
        )
    check.one_of("rule", rule, ASKED)
    if who and who not in found.people:
        raise ParameterError(
            f"who = {who!r}: nobody of that name was judged",
            expected="one of " + ", ".join(found.people[:20]),
            hint=nearest(who, found.people),
        )
    group = (who,) if who else ()
    deals = tuple(one for one in found.deals if one.rule == rule and one.group == group)
    made = SymptomDetail(
        n=len(deals),
        method="symptom_detail",
        confidence_level=found.confidence_level,
        as_of=found.as_of,
        currency=found.currency,
        notes=(),
        rule=rule,
        group=group,
        rows=tuple(one for one in found.rows if one.rule == rule and one.group == group),
        rules=tuple(one for one in found.rules if one.rule == rule),
        deals=DealRows(deals),
        stage_ids=found.stage_ids,
        stage_labels=found.stage_labels,
    )
    asked = getattr(found, "_asked", None)
    if asked is not None:
        remember(made, Query(book=asked.book, arguments=asked.arguments))
    return made
