"""How a weekly report reads: one document from one set of facts, in both languages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.show.tables.document import Document, Part, Section
from funnelnb.show.tables.grid import Grid, GridRow, Head
from funnelnb.show.tables.lists import key_of
from funnelnb.show.tables.table import Column, Table, captioned, first_rows
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.diagnosis import remedy_of, symptom_said, who, window_of
from funnelnb.show.views.registry import Finding, View, deal_named, name_some, no_deals, unjudged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from funnelnb.analysis.diagnosis.symptoms import Symptom
    from funnelnb.analysis.diagnosis.weekly import ReportFigure, WeeklyReport
    from funnelnb.analysis.shared.typed_counts import TypedFunnel
    from funnelnb.show.text.words import Words

MONEY = ("bookings", "in_hand_amount")
MOST_STEPS = 30


def _grid(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], say: Words, *, text: int = 1,
          strong: Sequence[int] = (), lists: Sequence[Sequence[str]] = ()) -> Grid:  # fmt: skip
    """Return a table whose first `text` columns are words and whose others are numbers; `lists` name lists of deals."""
    return Grid(
        caption=caption,
        heads=tuple(Head(label=head, definition=head, numeric=k >= text) for k, head in enumerate(heads)),
        rows=tuple(
            GridRow(cells=tuple(row), strong=k in strong, lists=tuple(lists[k]) if lists else ())
            for k, row in enumerate(rows)
        ),
        stub=1,
        lang=say.lang,
    )


def figure_value(name: str, value: float, result: Any, say: Words) -> str:
    """Write one figure of the overview."""
    if math.isnan(value):
        return say.get("language.none")
    if name in MONEY:
        return say.numbers.amount(value, result.currency)
    return say.numbers.percent(value) if name == "win_rate" else say.numbers.count(value)


def _figures(result: WeeklyReport, say: Words) -> Grid:
    heads = [say.get(f"weekly.heads.{name}") for name in ("figure", "value", "before", "year", "change")]
    rows = []
    for row in result.figures:
        value = figure_value(row.figure, row.value, result, say)
        if row.figure == "win_rate" and not math.isnan(row.value):
            value = say.numbers.interval(row.value, row.value_ci_lower, row.value_ci_upper)
        rows.append(
            (
                say.get(f"weekly.figures.{row.figure}"), value,
                figure_value(row.figure, row.before_value, result, say),
                figure_value(row.figure, row.year_value, result, say),
                say.get(f"weekly.changes.{row.change}") if row.change else say.get("language.none"),
            )
        )  # fmt: skip
    return _grid("", heads, rows, say)


def _stages(result: WeeklyReport, say: Words) -> Grid:
    heads = [
        say.get(f"weekly.heads.{name}") for name in ("stage", "reached", "before", "here", "here_amount")
    ]
    rows = [
        (
            stage_name(result, row.stage, say), say.numbers.count(row.reached_n), say.numbers.count(row.before_n),
            say.numbers.count(row.here_n) if row is not result.stages[-1] else say.get("language.none"),
            say.numbers.amount(row.here_amount, result.currency)
            if row is not result.stages[-1] else say.get("language.none"),
        )
        for row in result.stages
    ]  # fmt: skip
    named = _named(result, result.stages, ("", "reached_n", "before_n", "here_n", ""))
    return _grid("", heads, rows, say, lists=named)


def _named(result: WeeklyReport, rows: Sequence[Any], fields: Sequence[str]) -> list[list[str]]:
    """Return for each row the names of the lists behind its cells; empty for cells without one."""
    return [[key_of(result, row, name) if name else "" for name in fields] for row in rows]


def _parts(result: WeeklyReport, say: Words) -> Grid:
    names = ("entered", "order", "order_amount", "loss", "here", "here_amount")
    first = say.get("weekly.sizes.head") if result.by == ("size",) else say.attribute_head(result.by)
    heads = [first, *(say.get(f"weekly.heads.{name}") for name in names)]
    rows = []
    parts = first_rows(result.parts, lambda row: not row.group)
    for row in parts:
        name = say.get("weekly.sum") if not row.group else say.group(row.group)
        if result.by == ("size",) and row.group:
            name = say.find(f"weekly.sizes.{row.group[0]}") or say.get("language.not_given")
        rows.append(
            (
                name, say.numbers.count(row.entered_n), say.numbers.count(row.order_n),
                say.numbers.amount(row.order_amount, result.currency), say.numbers.count(row.loss_n),
                say.numbers.count(row.here_n), say.numbers.amount(row.here_amount, result.currency),
            )
        )  # fmt: skip
    named = _named(result, parts, ("", "entered_n", "order_n", "", "loss_n", "here_n", ""))
    caption = captioned("", len(parts), len(result.parts), say)
    return _grid(caption, heads, rows, say, strong=(len(rows) - 1,), lists=named)


def _problem(row: Symptom, result: WeeklyReport, say: Words) -> Part:
    """Return one problem: what it is, what it costs, how sure, what to do."""
    name = say.get(f"symptoms.names.{row.rule}")
    label = say.say("symptoms.titled", name=name, who=say.group(row.group)) if row.group else name
    items = [symptom_said(row, result, say, window_of(result, row.rule))]
    if row.stake_amount > 0:
        items.append(say.say("weekly.stake", amount=say.numbers.amount(row.stake_amount, result.currency)))
    items.append(say.get(f"weekly.sure.{row.state}"))
    items.append(say.say("weekly.remedy", remedy=remedy_of(row, say)))
    return Part(label=label, items=tuple(items))


def _since(result: WeeklyReport, say: Words) -> tuple[str, ...]:
    told = []
    for row in result.since:
        if row.what == "figure":
            told.append(
                say.say(
                    "weekly.since.figure", name=say.get(f"weekly.figures.{row.rule}"),
                    then=figure_value(row.rule, row.then_value, result, say),
                    now=figure_value(row.rule, row.now_value, result, say),
                )
            )  # fmt: skip
            continue
        name = say.find(f"symptoms.names.{row.rule}") or row.rule
        told.append(say.say(f"weekly.since.{row.what}", name=name, who=who(row.group, say)))
    return tuple(told)


def _outlook(result: WeeklyReport, say: Words) -> tuple[str, ...]:
    ahead, told = result.outlook, []

    def money(value: float) -> str:
        return say.numbers.amount(value, result.currency)

    if ahead.target_period and not math.isnan(ahead.won_amount):
        told.append(
            say.say(
                "weekly.outlook.running", period=ahead.target_period, amount=money(ahead.target_amount),
                won=money(ahead.won_amount), elapsed=say.numbers.percent(ahead.elapsed_share),
            )
        )  # fmt: skip
    elif ahead.target_period:
        told.append(
            say.say("weekly.outlook.ahead", period=ahead.target_period, amount=money(ahead.target_amount))
        )
    if not math.isnan(ahead.chance_rate):
        told.append(say.say("weekly.outlook.chance", chance=say.numbers.percent(ahead.chance_rate)))
    if not ahead.target_period:
        told.append(say.get("weekly.outlook.no_target"))
    if ahead.due_n:
        bare = math.isnan(ahead.due_amount)
        amount = {} if bare else {"amount": money(ahead.due_amount)}
        key = f"weekly.outlook.{'due_bare' if bare else 'due'}.{result.kind}"
        told.append(say.say(key, due_n=ahead.due_n, **amount))
    closing = ahead.closing_zh if say.lang == "zh" else ahead.closing_en
    return (*told, *([closing] if closing else []))


def _steps(result: WeeklyReport, say: Words) -> Grid:
    heads = [say.get(f"weekly.heads.{name}") for name in ("owner", "deal", "stage", "why", "amount", "step")]
    rows = []
    for row in result.next_steps[:MOST_STEPS]:
        why = _why(result, row, say)
        rows.append(
            (
                say.value(row.owner), deal_named(row, say), stage_name(result, row.stage, say), why,
                say.numbers.amount(row.deal_amount, result.currency),
                (row.step_zh if say.lang == "zh" else row.step_en) or say.get("language.none"),
            )
        )  # fmt: skip
    return _grid("", heads, rows, say, text=6)


def _customers(result: WeeklyReport, say: Words) -> Grid:
    names = ("customer", "need", "last_contact", "contacts", "here", "here_amount")
    heads = [say.get(f"weekly.heads.{name}") for name in names]
    rows = []
    for row in result.customers:
        last = say.get("weekly.no_contact")
        if not np.isnat(row.last_contact):
            kind = say.value(row.last_kind) if row.last_kind else ""
            last = " ".join(filter(None, (say.numbers.date(row.last_contact), kind)))
        rows.append(
            (
                row.name or row.account_id, row.need or say.get(f"weekly.needs.{row.has_need}"), last,
                say.numbers.count(row.contact_n), say.numbers.count(row.open_n),
                say.numbers.amount(row.open_amount, result.currency),
            )
        )  # fmt: skip
    return _grid("", heads, rows, say, text=3)


def document(result: WeeklyReport, say: Words) -> Document:
    """Return the report as one page."""
    if result.typed is not None:
        return _typed_document(result, result.typed, say)
    title = say.say(
        f"weekly.title.{result.kind}",
        scope=result.scope or say.get("weekly.company"),
        period=result.period_name,
    )
    span = say.say("weekly.span", starts=say.numbers.date(result.starts), ends=say.numbers.date(result.ends))
    found = weekly_finding(result, say)
    lead = say.get("language.sentence").join(filter(None, (span, found.headline, found.detail)))
    head = say.get
    sections = [Section(title=head("weekly.titles.overview"), grids=(_figures(result, say),))]
    sections.append(Section(title=head("weekly.titles.stages"), grids=(_stages(result, say),)))
    if len(result.parts) > 1:
        sections.append(Section(title=head("weekly.titles.parts"), grids=(_parts(result, say),)))
    sections.append(_problems(result, say))
    if result.since_name:
        told = _since(result, say) or (head("weekly.since.nothing"),)
        mark = say.say("weekly.since.mark", period=result.since_name)
        sections.append(_prose(head("weekly.titles.since"), told, say, mark, news=True))
    sections.append(_prose(head("weekly.titles.outlook"), _outlook(result, say), say))
    if result.next_steps:
        sections.append(Section(title=head("weekly.titles.steps"), grids=(_steps(result, say),)))
    if result.customers:
        sections.append(Section(title=head("weekly.titles.customers"), grids=(_customers(result, say),)))
    if result.needs:
        told = tuple(
            say.say(
                "weekly.lacks",
                name=head(f"symptoms.names.{row.rule}"),
                needs=head(f"symptoms.needs.{row.needs}"),
            )
            for row in result.needs
        )
        sections.append(_prose(head("weekly.titles.needs"), told, say))
    return Document(title=title, lead=lead, sections=tuple(sections))


def _prose(title: str, told: Sequence[str], say: Words, mark: str = "", *, news: bool = False) -> Section:
    """Return a section of sentences."""
    return Section(title=title, mark=mark, lead=say.get("language.sentence").join(told), news=news)


def _problems(result: WeeklyReport, say: Words) -> Section:
    title = say.get("weekly.titles.problems")
    if not result.problems:
        return Section(title=title, lead=_no_problem(result, say))
    more = say.say("weekly.more", more_n=result.more_n) if result.more_n else ""
    return Section(
        title=title,
        mark=say.get("weekly.by_money"),
        lead=more,
        parts=tuple(_problem(row, result, say) for row in result.problems),
    )


# ---- Six typed numbers --------------------------------------------------------------------------------------


def _step_name(result: Any, row: Any, say: Words) -> str:
    return say.say(
        "weekly.typed.step",
        stage=stage_name(result, row.stage, say),
        following=stage_name(result, row.next_stage, say),
    )


def _typed_document(result: WeeklyReport, typed: TypedFunnel, say: Words) -> Document:
    head = say.get
    found = weekly_finding(result, say)
    heads = [head(f"weekly.heads.{name}") for name in ("step", "reached", "onward", "rate", "gone", "change")]
    rows = [
        (
            head("weekly.typed.whole") if row.overall else _step_name(result, row, say),
            say.numbers.count(row.reached_n), say.numbers.count(row.advanced_n),
            say.numbers.interval(row.step_rate, row.step_ci_lower, row.step_ci_upper),
            say.numbers.count(row.gone_n),
            head(f"weekly.changes.{row.verdict}") if row.verdict else head("language.none"),
        )
        for row in typed.steps
    ]  # fmt: skip
    sections = [
        Section(
            title=head("weekly.titles.overview"),
            grids=(_grid("", heads, rows, say, strong=(len(rows) - 1,)),),
        ),
        _prose(head("weekly.titles.problems"), _typed_problems(result, typed, say), say),
    ]
    advice = [
        (one.problem_zh, one.remedy_zh) if say.lang == "zh" else (one.problem_en, one.remedy_en)
        for one in _typed_remedies(typed)
    ]
    if advice:
        parts = tuple(Part(label=problem, items=(remedy,)) for problem, remedy in advice)
        sections.append(Section(title=head("weekly.titles.remedies"), parts=parts))
    closing = result.outlook.closing_zh if say.lang == "zh" else result.outlook.closing_en
    if closing:
        sections.append(_prose(head("weekly.titles.outlook"), (closing,), say))
    lead = say.get("language.sentence").join(filter(None, (found.headline, found.detail)))
    return Document(title=head("weekly.title.typed"), lead=lead, sections=tuple(sections))


def _ranked(typed: TypedFunnel) -> tuple[list[Any], list[Any]]:
    """Return the best steps and the worst ones; ties stay together."""
    steps = [row for row in typed.steps if not row.overall and not math.isnan(row.step_rate)]
    high, low = max(row.step_rate for row in steps), min(row.step_rate for row in steps)
    if high == low:
        return [], steps
    return [row for row in steps if row.step_rate == high], [row for row in steps if row.step_rate == low]


def _typed_problems(result: WeeklyReport, typed: TypedFunnel, say: Words) -> tuple[str, ...]:
    """Say which steps lose, by what the numbers say."""
    best, worst = _ranked(typed)
    steps = [row for row in typed.steps if not row.overall]
    most = max(steps, key=lambda row: row.gone_n)
    told = []
    if best:
        names = name_some([_step_name(result, row, say) for row in worst], say)
        told.append(say.say("weekly.typed.worst", names=names, rate=say.numbers.percent(worst[0].step_rate)))
    else:
        told.append(say.say("weekly.typed.even", rate=say.numbers.percent(worst[0].step_rate)))
    told.append(say.say("weekly.typed.most", step=_step_name(result, most, say), gone_n=most.gone_n))
    return tuple(told)


def _typed_remedies(typed: TypedFunnel) -> list[Any]:
    """Return the stage model's remedies whose step is not the best one: the best step has no problem to remedy."""
    best, _ = _ranked(typed)
    good = {row.stage for row in best}
    return [one for one in typed.remedies if not one.stage or one.stage not in good]


# ---- What it says, in short ---------------------------------------------------------------------------------


def weekly_finding(result: WeeklyReport, say: Words) -> Finding:
    """Say the period in two sentences: orders and deals in hand, then the largest problem."""
    if result.typed is not None:
        return _typed_finding(result, result.typed, say)
    rows = {row.figure: row for row in result.figures}
    headline = _in_short(result, rows, say)
    parts = [_moves(result, say)]
    red = [row for row in result.problems if row.state == "red"]
    if red:
        parts.append(say.say("weekly.red", red_n=len(red)))
        parts.append(symptom_said(red[0], result, say, window_of(result, red[0].rule)))
    elif result.problems:
        parts.append(say.say("weekly.amber", amber_n=len(result.problems)))
    else:
        parts.append(_no_problem(result, say))
    return Finding(
        headline=headline,
        detail=say.get("language.sentence").join(filter(None, parts)),
        unsaid=say.get("weekly.unsaid"),
    )


def _no_problem(result: WeeklyReport, say: Words) -> str:
    """Say that no problem shows, and whether every rule could be judged."""
    return say.get("weekly.no_problem_judged" if result.needs else "weekly.no_problem")


def _in_short(result: WeeklyReport, rows: Mapping[str, ReportFigure], say: Words) -> str:
    """Say the orders, the new deals and what is in hand, each as far as it is known."""
    said = []
    for count, money in (("orders", "bookings"), ("entries", ""), ("in_hand", "in_hand_amount")):
        if math.isnan(rows[count].value):
            continue
        priced = bool(money) and not math.isnan(rows[money].value)
        amount = {"amount": figure_value(money, rows[money].value, result, say)} if priced else {}
        key = f"weekly.said.{count}" if priced or not money else f"weekly.said.{count}_bare"
        said.append(say.say(key, n=round(rows[count].value), **amount))
    if not said:
        return no_deals(result, say) if unjudged(result) else say.get("weekly.undated")
    return say.say("weekly.said.whole", parts=say.get("weekly.said.and").join(said))


def _moves(result: WeeklyReport, say: Words) -> str:
    """Say which figures are clearly higher or lower than in the period before."""
    clear = [row for row in result.figures if row.change in ("up", "down")]
    if not clear:
        known = any(row.change for row in result.figures)
        return say.get("weekly.no_move") if known else ""
    return say.get("language.sentence").join(_moved(row, result, say) for row in clear)


def _moved(row: ReportFigure, result: WeeklyReport, say: Words) -> str:
    return say.say(
        f"weekly.moved.{row.change}",
        name=say.get(f"weekly.figures.{row.figure}"),
        value=figure_value(row.figure, row.value, result, say),
        before=figure_value(row.figure, row.before_value, result, say),
    )


def _typed_finding(result: WeeklyReport, typed: TypedFunnel, say: Words) -> Finding:
    whole = typed.steps[-1]
    headline = say.say(
        "weekly.typed.headline",
        first_n=say.numbers.count(whole.reached_n),
        last_n=say.numbers.count(whole.advanced_n),
        rate=say.numbers.interval(whole.step_rate, whole.step_ci_lower, whole.step_ci_upper),
    )
    best, worst = _ranked(typed)
    parts = []
    if best:
        parts.append(
            say.say(
                "weekly.typed.best", names=name_some([_step_name(result, row, say) for row in best], say),
                rate=say.numbers.percent(best[0].step_rate), worst=say.numbers.percent(worst[0].step_rate),
            )
        )  # fmt: skip
    moved = [row for row in typed.steps if row.verdict in ("up", "down") and not row.overall]
    parts += [
        say.say(
            f"weekly.moved.{row.verdict}", name=_step_name(result, row, say), value=say.numbers.percent(row.step_rate),
            before=say.numbers.percent(row.before_rate),
        )
        for row in moved
    ]  # fmt: skip
    return Finding(
        headline=headline,
        detail=say.get("language.sentence").join(parts),
        unsaid=say.get("weekly.typed.unsaid"),
    )


def _export(name: str, rows: Any, columns: tuple[Column, ...] = ()) -> Table:
    return Table(name=name, rows=rows, columns=columns, shown=lambda _: False)


def _who(_: Any, row: Any, say: Words) -> str:
    return say.group(row.group)


def _why(_: Any, row: Any, say: Words) -> str:
    return say.say(f"weekly.why.{row.why}", why_days=row.why_days if not math.isnan(row.why_days) else 0.0)


WEEKLY_VIEW = View(
    tables=(
        _export("weekly_figures", lambda result: result.figures),
        _export("weekly_stages", lambda result: result.stages),
        _export("weekly_parts", lambda result: result.parts),
        _export("weekly_problems", lambda result: result.problems, (Column(field="group", cell=_who),)),
        _export("weekly_next_steps", lambda result: result.next_steps, (Column(field="why", cell=_why),)),
        _export("weekly_customers", lambda result: result.customers),
    ),
    finding=weekly_finding,
    charts={},
    document=document,
)
