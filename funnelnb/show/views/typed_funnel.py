"""How a funnel of typed counts is shown: its steps, what has changed, and the remedies of the stage model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.finding import Finding, name_some
from funnelnb.show.names import stage_name
from funnelnb.show.registry import View
from funnelnb.show.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.shared.typed_counts import TypedFunnel
    from funnelnb.show.words import Words


def step_name(result: Any, row: Any, say: Words) -> str:
    """Return what a step is called: from which stage to which."""
    if row.overall:
        return say.get("typed.overall")
    return say.say(
        "typed.step",
        stage=stage_name(result, row.stage, say),
        next_stage=stage_name(result, row.next_stage, say),
    )


def _compared(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.verdict for row in rows)


def _verdict(_: Any, row: Any, say: Words) -> str:
    return say.get(f"typed.verdicts.{row.verdict}") if row.verdict else ""


STEPS = Table(
    name="typed",
    rows=lambda result: result.steps,
    strong=lambda row: row.overall,
    columns=(
        Column(field="stage", cell=step_name),
        Column(field="reached_n"),
        Column(field="advanced_n"),
        Column(field="step_rate", lower="step_ci_lower", upper="step_ci_upper", always=True),
        Column(
            field="from_first_rate", lower="from_first_ci_lower", upper="from_first_ci_upper", always=True
        ),
        Column(field="before_rate", keep=_compared),
        Column(
            field="difference",
            lower="difference_ci_lower",
            upper="difference_ci_upper",
            keep=_compared,
            always=True,
        ),
        Column(field="verdict", cell=_verdict, keep=_compared),
    ),
)


def _side(name: str) -> Any:
    return lambda _, row, say: getattr(row, f"{name}_{'zh' if say.lang == 'zh' else 'en'}")


def _place(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say) if row.stage else say.get("typed.overall")


REMEDIES = Table(
    name="typed_remedies",
    rows=lambda result: result.remedies,
    shown=lambda result: bool(result.remedies),
    columns=(
        Column(field="stage", cell=_place),
        Column(field="stage_n"),
        Column(field="step_rate"),
        Column(field="problem_en", head="problem", cell=_side("problem")),
        Column(field="remedy_en", head="remedy", cell=_side("remedy")),
    ),
)


def finding(result: TypedFunnel, say: Words) -> Finding:
    """Say how many of the first stage reach the last, where most go, and what has changed."""
    *steps, whole = result.steps
    values = {
        "first_n": whole.reached_n,
        "last_n": whole.advanced_n,
        "first": stage_name(result, whole.stage, say),
        "last": stage_name(result, whole.next_stage, say),
        "rate": say.numbers.interval(whole.step_rate, whole.step_ci_lower, whole.step_ci_upper),
    }
    weak = [row for row in steps if row.weakest]
    most = max(steps, key=lambda row: row.gone_n)
    if weak:
        detail = say.say("typed.weakest", step=step_name(result, weak[0], say), step_rate=weak[0].step_rate)
    else:
        detail = say.say(
            "typed.most", step=step_name(result, most, say), gone_n=most.gone_n, reached_n=most.reached_n
        )
    changed = {
        way: [step_name(result, row, say) for row in result.steps if row.verdict == way]
        for way in ("up", "down")
    }
    told = [say.say(f"typed.{way}", steps=name_some(names, say)) for way, names in changed.items() if names]
    if any(row.verdict for row in result.steps) and not told:
        told = [say.get("typed.unchanged")]
    return Finding(
        headline=say.say("typed.headline", **values),
        detail=say.get("language.sentence").join([detail, *told]),
        unsaid=say.get("typed.unsaid"),
    )


VIEW = View(tables=(STEPS, REMEDIES), finding=finding, charts={"levels": "level_bars"})
