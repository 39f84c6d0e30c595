"""How stage models are shown whole, and funnels of typed counts with the remedies that their model holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.tables.document import Document, Part, Section, part
from funnelnb.show.tables.grid import Grid, GridRow, Head
from funnelnb.show.tables.table import Column, Table
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import Finding, View, name_some

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from funnelnb.analysis.shared.stage_model import StageModel
    from funnelnb.analysis.shared.typed_counts import TypedFunnel
    from funnelnb.playbooks.model import Stage
    from funnelnb.show.text.words import Words

LINES = Table(
    name="stage_model",
    rows=lambda result: result.rows,
    columns=(
        Column(field="stage", cell=lambda result, row, say: result.model.stage(row.stage).label[say.lang]),
        Column(field="aspect", cell=lambda _, row, say: say.get(f"stage_model.aspects.{row.aspect}")),
        Column(field="role", cell=lambda _, row, say: _role(row.role, say) if row.role else ""),
        Column(field="text_en", head="text", cell=lambda _, row, say: _text(row, say)),
    ),
    stub=2,
)


def _text(row: Any, say: Words) -> str:
    return str(row.text_zh if say.lang == "zh" else row.text_en)


def _role(role: str, say: Words) -> str:
    from funnelnb.playbooks import ROLES

    return ROLES[role][say.lang]


def weight(stage: Stage, say: Words) -> str:
    """Return the win weight of a stage, with the one on leaving it where the stage moves it."""
    if stage.win_weight is None:
        return ""
    entered = say.numbers.level(stage.win_weight)
    if stage.win_weight_exit is None:
        return entered
    return say.say("stage_model.moves", entered=entered, left=say.numbers.level(stage.win_weight_exit))


def document(result: StageModel, say: Words) -> Document:
    """Return the model as a text to be read."""
    model, lang = result.model, say.lang
    return Document(
        title=model.label[lang],
        lead=model.about[lang],
        sections=(
            _overview(result, say),
            *(one for k, stage in enumerate(model.stages) if (one := _stage(result, k, stage, say)).parts),
            *_ways(result, say),
            *_remedies(result, say),
            *_roles(result, say),
        ),
    )


def _grid(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], say: Words) -> Grid:
    return Grid(
        caption=caption,
        heads=tuple(Head(label=head, definition=head, numeric=False) for head in heads),
        rows=tuple(GridRow(cells=tuple(row)) for row in rows),
        stub=1,
        lang=say.lang,
    )


def _overview(result: StageModel, say: Words) -> Section:
    model = result.model
    rows = [
        (
            f"{k}. {stage.label[say.lang]}",
            say.get(f"stage_model.kinds.{stage.kind}"),
            weight(stage, say) or say.get("language.none"),
            say.numbers.join(_role(role, say) for role in stage.roles) or say.get("language.none"),
        )
        for k, stage in enumerate(model.stages, start=1)
    ]
    heads = [say.get(f"stage_model.heads.{name}") for name in ("stage", "kind", "weight", "roles")]
    parts: tuple[Part, ...] = part(
        say.get("stage_model.principles"), [one[say.lang] for one in model.principles]
    )
    if model.cycle_months:
        least, most = (f"{one:g}" for one in model.cycle_months)
        parts += part(
            say.get("stage_model.cycle"), say.say("stage_model.cycle_months", least=least, most=most)
        )
    return Section(parts=parts, grids=(_grid(say.get("stage_model.stages"), heads, rows, say),))


def stage_parts(result: StageModel, stage: Stage, say: Words) -> tuple[Part, ...]:
    """Return what the model says of one stage, aspect by aspect."""
    parts = part(
        say.get("stage_model.heads.roles"), say.numbers.join(_role(role, say) for role in stage.roles)
    )
    mine = [row for row in result.rows if row.stage == stage.id]
    for aspect in dict.fromkeys(row.aspect for row in mine):
        texts = []
        for row in mine:
            if row.aspect != aspect:
                continue
            told = _text(row, say)
            if row.role:
                told = say.say("stage_model.asked", role=_role(row.role, say), text=told)
            texts.append(told if row.required else say.say("stage_model.desirable", text=told))
        parts += part(say.get(f"stage_model.aspects.{aspect}"), texts)
    if stage.if_unmet:
        parts += part(say.get("stage_model.aspects.if_unmet"), say.get(f"stage_model.unmet.{stage.if_unmet}"))
    return parts


def _stage(result: StageModel, k: int, stage: Stage, say: Words) -> Section:
    return Section(
        title=f"{k + 1}. {stage.label[say.lang]}",
        mark=say.get("language.group").join(
            filter(None, (say.get(f"stage_model.kinds.{stage.kind}"), weight(stage, say)))
        ),
        parts=stage_parts(result, stage, say),
    )


def _ways(result: StageModel, say: Words) -> tuple[Section, ...]:
    """Return how deals may end, and how they come back."""
    model, lang = result.model, say.lang
    endings = [
        say.say(
            "stage_model.ending",
            label=one.label[lang],
            outcome=say.get(f"stage_model.outcomes.{one.outcome}"),
        )
        for one in model.endings
    ]
    edges = [
        say.say(
            "stage_model.edge",
            source=model.stage(one.source).label[lang],
            target=model.stage(one.target).label[lang],
            label=one.label[lang],
        )
        for one in model.edges
    ]
    parts = part(say.get("stage_model.endings"), endings) + part(say.get("stage_model.edges"), edges)
    return (Section(title=say.get("stage_model.ways"), parts=parts),) if parts else ()


def _remedies(result: StageModel, say: Words) -> tuple[Section, ...]:
    model, lang = result.model, say.lang
    parts: tuple[Part, ...] = ()
    for one in model.remedies:
        parts += part(one.problem[lang], one.label[lang])
    if model.outlook:
        parts += part(say.get("stage_model.outlook"), model.outlook[lang])
    return (Section(title=say.get("stage_model.remedies"), parts=parts),) if parts else ()


def _roles(result: StageModel, say: Words) -> tuple[Section, ...]:
    if not result.roles:
        return ()
    lang = say.lang
    names = ("role", "who", "does", "cares", "asks", "may", "aliases")
    rows = [
        (
            role.label[lang],
            role.who[lang],
            role.does[lang],
            role.cares[lang],
            role.asks[lang],
            say.get(f"stage_model.may.{_may(role)}"),
            say.get("language.list").join(one for one in role.aliases if one.isascii() == (lang == "en")),
        )
        for role in result.roles
    ]
    heads = [say.get(f"stage_model.role_heads.{name}") for name in names]
    table = _grid(say.get("stage_model.roles_caption"), heads, rows, say)
    return (Section(title=say.get("stage_model.roles_title"), grids=(table,)),)


def _may(role: Any) -> str:
    return ("yes" if role.may_say_yes else "no") + ("_no" if role.may_say_no else "")


def stage_model_finding(result: StageModel, say: Words) -> Finding:
    """Say for whom the model is, and how many stages lie before the win."""
    before = result.model.won
    return Finding(
        headline=say.say(
            "stage_model.headline",
            label=result.model.label[say.lang],
            before_n=before,
            won=result.model.stages[before].label[say.lang],
        ),
        detail="",
        unsaid=say.get("stage_model.unsaid"),
    )


STAGE_MODEL_VIEW = View(tables=(LINES,), finding=stage_model_finding, charts={}, document=document)


# ---- Typed counts: steps, what has changed, and what the model advises --------------------------------------


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


def typed_finding(result: TypedFunnel, say: Words) -> Finding:
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


TYPED_VIEW = View(tables=(STEPS, REMEDIES), finding=typed_finding, charts={"shape": "properties.trapezoid"})
