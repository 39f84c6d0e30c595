"""How the chance to win is shown: does it beat the base rate, what counts, and the chances of open deals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.tables.table import CUSTOMER, Column, Table
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import Finding, View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.priority.propensity import Propensity
    from funnelnb.show.text.words import Words


MOST_DEALS = 10
MOST_EFFECTS = 14
LEAST_FACTOR = 1.1


def _forecaster(_: Any, row: Any, say: Words) -> str:
    return say.get(f"propensity.forecasters.{row.forecaster}")


def attribute_name(name: str, say: Words) -> str:
    """Return what an attribute is called, the amount among them."""
    return say.get("propensity.amount") if name == "amount" else say.attribute(name)


def _attribute(_: Any, row: Any, say: Words) -> str:
    return attribute_name(row.attribute, say)


def _value(_: Any, row: Any, say: Words) -> str:
    if row.attribute == "amount":
        return say.get("propensity.per_deviation")
    return say.value(row.value)


def _column(_: Any, row: Any, say: Words) -> str:
    return str(row.column)


def _reason(_: Any, row: Any, say: Words) -> str:
    return say.get(f"propensity.reasons.{row.reason}")


def _stage(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say)


def reasons(text: str, say: Words) -> str:
    """Return reasons such as ``source=web | amount=`` in words."""
    said = []
    for one in filter(None, text.split(" | ")):
        name, _, value = one.partition("=")
        named = {"attribute": attribute_name(name, say), "value": say.value(value)}
        said.append(named["attribute"] if name == "amount" else say.say("propensity.reason", **named))
    return say.numbers.join(said)


def _raises(_: Any, row: Any, say: Words) -> str:
    return reasons(row.raises, say)


def _lowers(_: Any, row: Any, say: Words) -> str:
    return reasons(row.lowers, say)


def _brier(_: Any, row: Any, say: Words) -> str:
    return _four(row.brier, say)


def _log_score(_: Any, row: Any, say: Words) -> str:
    return _four(row.log_score, say)


def _four(value: float, say: Words) -> str:
    """Write a score with the four decimals in which scores differ."""
    return say.get("language.none") if value != value else f"{value:.4f}"  # noqa: PLR0124


def _tested(result: Any) -> bool:
    return bool(result.verdict != "untested")


def _telling(result: Any) -> Sequence[Any]:
    told = [row for row in result.effects if max(row.odds_factor, 1 / row.odds_factor) >= LEAST_FACTOR]
    return told[:MOST_EFFECTS]


SCORES = Table(
    name="propensity_scores",
    rows=lambda result: result.forecasters,
    columns=(
        Column(field="forecaster", cell=_forecaster),
        Column(field="brier", cell=_brier),
        Column(field="log_score", cell=_log_score),
        Column(field="auc"),
    ),
    shown=_tested,
)
_EFFECT_COLUMNS = (
    Column(field="attribute", cell=_attribute),
    Column(field="value", cell=_value),
    Column(field="deal_n"),
    Column(field="raw_rate"),
    Column(field="model_rate"),
    Column(field="odds_factor"),
)
TOLD = Table(
    name="propensity_told",
    rows=_telling,
    columns=_EFFECT_COLUMNS,
    stub=2,
    shown=lambda result: bool(_telling(result)),
)
_DEAL_COLUMNS = (
    CUSTOMER,
    Column(field="opportunity_id"),
    Column(field="owner"),
    Column(field="stage", cell=_stage),
    Column(field="deal_amount"),
    Column(field="entry_rate"),
    Column(field="raises", cell=_raises),
    Column(field="lowers", cell=_lowers),
)
DEALS = Table(
    name="propensity", rows=lambda result: result.deals, columns=_DEAL_COLUMNS, shown=lambda _: False
)
TOP = Table(
    name="propensity_top",
    rows=lambda result: result.deals[:MOST_DEALS],
    columns=_DEAL_COLUMNS,
    shown=lambda result: bool(result.deals) and result.verdict == "better",
)
AUDIT = Table(
    name="propensity_audit",
    rows=lambda result: result.audit,
    columns=(
        Column(field="column", cell=_column),
        Column(field="used"),
        Column(field="reason", cell=_reason),
        Column(field="value_n"),
        Column(field="known_share"),
    ),
    shown=lambda result: bool(result.audit),
)
EFFECTS = Table(
    name="propensity_effects",
    rows=lambda result: result.effects,
    columns=_EFFECT_COLUMNS,
    shown=lambda _: False,
)
BINS = Table(name="propensity_bins", rows=lambda result: result.bins, columns=(), shown=lambda _: False)


def propensity_finding(result: Propensity, say: Words) -> Finding:
    """Say plainly whether what is known at entry tells winners, and what tells most."""
    unsaid = say.get("findings.propensity.unsaid")
    if not result.n:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    if any(note.code == "no_wins" for note in result.notes):
        headline = say.say("findings.propensity.no_wins", n=result.n, horizon_days=result.horizon_days)
        return Finding(headline=headline, detail="", unsaid=unsaid)
    auc = {row.forecaster: say.numbers.factor(row.auc) for row in result.forecasters}
    headline = say.say(
        f"findings.propensity.{result.verdict}",
        test_n=result.test_n,
        train_n=result.train_n,
        split_at=result.split_at,
        base_rate=result.base_rate,
        horizon_days=result.horizon_days,
        auc=auc.get("model", ""),
        amount=auc.get("amount", ""),
        recency=auc.get("recency", ""),
        calibration_error=say.numbers.points(result.calibration_error).lstrip("+"),
    )
    told = _telling(result)
    if not told or result.verdict in ("no_better", "worse"):
        return Finding(headline=headline, detail="", unsaid=unsaid)
    first = next((row for row in told if row.attribute != "amount"), told[0])
    detail = say.say(
        "findings.propensity.most",
        attribute=_attribute(result, first, say),
        value=_value(result, first, say),
        model_rate=first.model_rate,
        base_rate=result.base_rate,
    )
    return Finding(headline=headline, detail=detail, unsaid=unsaid)


PROPENSITY_VIEW = View(
    tables=(DEALS, SCORES, TOLD, TOP, AUDIT, EFFECTS, BINS),
    finding=propensity_finding,
    charts={"calibration": "calibration.calibration"},
)
