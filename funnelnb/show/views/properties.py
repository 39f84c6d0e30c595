"""How the six properties of a funnel are shown on one page, and how they have changed; and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.show.tables.document import Document, Section, part
from funnelnb.show.tables.grid import Grid, GridRow, Head
from funnelnb.show.tables.table import Column, Table
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.registry import Finding, View, name_some, no_deals, unjudged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from funnelnb.analysis.targets.before_after import BeforeAfter, PropertyChange
    from funnelnb.analysis.targets.properties import FunnelProperties, SixProperties
    from funnelnb.show.text.words import Words


# ---- Six properties ----------------------------------------------------------------------------------------

STAGES = Table(
    name="properties_stages",
    rows=lambda result: result.stages,
    stub=2,
    columns=(
        Column(field="series", cell=lambda _, row, say: say.get(f"properties.series.{row.series}")),
        Column(field="stage", cell=lambda result, row, say: stage_name(result, row.stage, say)),
        *(
            Column(field=name)
            for name in ("entry_n", "exit_n", "here_n", "width_n", "success_rate", "cycle_days")
        ),
    ),
)
WHOLES = Table(
    name="properties",
    rows=lambda result: result.rows,
    stub=2,
    columns=(
        Column(field="series", cell=lambda _, row, say: say.get(f"properties.series.{row.series}")),
        Column(field="group"),
        *(Column(field=name) for name in ("entry_n", "won_n", "success_rate", "cycle_days")),
        Column(field="shape", cell=lambda _, row, say: say.get(f"properties.forms.{row.shape}")),
        Column(field="won_amount"),
        Column(field="mean_won_amount"),
    ),
)


def days(value: float, say: Words) -> str:
    """Write a median in days; infinite is not reached, NaN not known."""
    if math.isinf(value):
        return say.get("properties.not_reached")
    return say.numbers.bare_days(value)


def _days_interval(value: float, lower: float, upper: float, say: Words) -> str:
    if math.isnan(lower) or math.isnan(value) or math.isinf(value):
        return days(value, say)
    ends = {"lower": days(lower, say), "upper": days(upper, say), "value": days(value, say)}
    return say.say("properties.interval", **ends)


def _amount(value: float, result: Any, say: Words) -> str:
    return say.numbers.amount(value, result.currency)


def _wholes(result: SixProperties) -> list[FunnelProperties]:
    return [row for row in result.rows if not row.group]


def _grid(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], say: Words) -> Grid:
    """Return a table whose first column names the row and whose other cells are numbers."""
    return Grid(
        caption=caption,
        heads=tuple(Head(label=head, definition=head, numeric=place > 0) for place, head in enumerate(heads)),
        rows=tuple(GridRow(cells=tuple(row)) for row in rows),
        stub=1,
        lang=say.lang,
    )


def _by_stage(result: Any, say: Words, cell: Callable[[Any], str], total: Sequence[str] = ()) -> Grid:
    """Return one row per stage and one column per series."""
    series = list(dict.fromkeys(row.series for row in result.stages))
    found = {(row.series, row.stage): row for row in result.stages}
    stages = list(dict.fromkeys(row.stage for row in result.stages))
    rows = [
        (
            stage_name(result, stage, say),
            *(cell(found[one, stage]) if (one, stage) in found else "" for one in series),
        )
        for stage in stages
    ]
    rows = [row for row in rows if any(one not in ("", say.get("language.none")) for one in row[1:])]
    heads = [say.get("properties.stage"), *(say.get(f"properties.series.{one}") for one in series)]
    if total:
        rows.append((say.get("properties.whole"), *total))
    return _grid("", heads, rows, say)


def _number(row: Any, say: Words) -> str:
    if math.isnan(row.exit_n):
        return say.numbers.count(row.entry_n)
    return say.say(
        "properties.in_out", entry=say.numbers.count(row.entry_n), exit=say.numbers.count(row.exit_n)
    )


def document(result: SixProperties, say: Words) -> Document:
    """Return the six properties as one page."""
    wholes = _wholes(result)
    section = say.get
    parts = [
        Section(
            title=section("properties.titles.stages"),
            parts=part(
                section("properties.titles.stages"),
                say.get("properties.arrow").join(
                    stage_name(result, one.stage, say) for one in _first(result)
                ),
            ),
        ),
        Section(title=section("properties.titles.shape"), grids=(_shape_grid(result, wholes, say),)),
        Section(
            title=section("properties.titles.number"),
            mark=section("properties.number_mark"),
            grids=(_by_stage(result, say, lambda row: _number(row, say)),),
        ),
    ]
    parts += _cycle_section(result, wholes, say)
    parts.append(_success_section(result, wholes, say))
    parts += _money_section(result, wholes, say)
    parts += _cut_section(result, say)
    return Document(title=section("properties.title"), lead=_periods(wholes, say), sections=tuple(parts))


def _cycle_section(result: SixProperties, wholes: Sequence[FunnelProperties], say: Words) -> list[Section]:
    if all(math.isnan(row.cycle_days) for row in wholes):
        return []

    def told(row: Any) -> str:
        return _days_interval(row.cycle_days, row.cycle_ci_lower, row.cycle_ci_upper, say)

    grid = _by_stage(result, say, told, [told(row) for row in wholes])
    mark = say.get("properties.cycle_mark")
    return [Section(title=say.get("properties.titles.cycle"), mark=mark, grids=(grid,))]


def _success_section(result: SixProperties, wholes: Sequence[FunnelProperties], say: Words) -> Section:
    def told(row: Any) -> str:
        return say.numbers.interval(row.success_rate, row.success_ci_lower, row.success_ci_upper)

    grid = _by_stage(result, say, told, [told(row) for row in wholes])
    known = not math.isnan(result.horizon_days)
    mark = say.say("properties.success_mark", horizon_days=result.horizon_days) if known else ""
    return Section(title=say.get("properties.titles.success"), mark=mark, grids=(grid,))


def _first(result: Any) -> list[Any]:
    return [row for row in result.stages if row.series == result.stages[0].series]


def _periods(wholes: Sequence[FunnelProperties], say: Words) -> str:
    told = [
        say.say(
            "properties.period",
            series=say.get(f"properties.series.{row.series}"),
            starts=say.numbers.date(row.starts),
            ends=say.numbers.date(row.ends),
        )
        for row in wholes
        if say.numbers.date(row.starts) != say.get("language.none")
    ]
    return say.get("language.sentence").join(told)


def _shape_grid(result: SixProperties, wholes: Sequence[FunnelProperties], say: Words) -> Grid:
    heads = [say.get("properties.property"), *(say.get(f"properties.series.{row.series}") for row in wholes)]
    bend = [
        say.say(
            "properties.bend",
            points=say.numbers.points(row.bend_share),
            stage=stage_name(result, row.bend_stage, say),
        )
        if row.bend_stage
        else say.get("language.none")
        for row in wholes
    ]
    rows = [
        (say.get("properties.shape"), *(say.get(f"properties.forms.{row.shape}") for row in wholes)),
        (say.get("properties.slope"), *(say.numbers.percent(row.slope_rate) for row in wholes)),
        (say.get("properties.bend_name"), *bend),
    ]
    return _grid("", heads, rows, say)


def _money_section(result: SixProperties, wholes: Sequence[FunnelProperties], say: Words) -> list[Section]:
    if all(math.isnan(row.won_amount) for row in wholes):
        return []
    heads = [say.get("properties.property"), *(say.get(f"properties.series.{row.series}") for row in wholes)]
    rows = [
        (
            say.field(name, "FunnelProperties").label,
            *(_amount(getattr(row, name), result, say) for row in wholes),
        )
        for name in ("entry_amount", "won_amount", "mean_won_amount", "median_won_amount")
    ]
    return [
        Section(
            title=say.get("properties.titles.money"),
            mark=say.get("properties.money_mark"),
            grids=(_grid("", heads, rows, say),),
        )
    ]


def _cut_section(result: SixProperties, say: Words) -> list[Section]:
    groups = [row for row in result.rows if row.group]
    if not groups:
        return []
    names = ("entry_n", "won_n", "success_rate", "cycle_days", "won_amount", "mean_won_amount", "shape")
    several = len({row.series for row in groups}) > 1
    heads = [
        say.attribute_head(result.by)
        if say.find(f"properties.cuts.{result.by[0]}") is None
        else say.get(f"properties.cuts.{result.by[0]}"),
        *([say.field("series", "FunnelProperties").label] if several else []),
        *(say.field(name, "FunnelProperties").label for name in names),
    ]
    rows: list[tuple[str, ...]] = []
    for row in groups:
        first = not rows or row.series == groups[0].series
        named = (say.find(f"properties.groups.{row.group[0]}") or say.group(row.group)) if first else ""
        series = (say.get(f"properties.series.{row.series}"),) if several else ()
        rows.append((named, *series, *_cut_cells(result, row, say)))
    return [Section(title=say.get("properties.titles.cut"), grids=(_grid("", heads, rows, say),))]


def _cut_cells(result: SixProperties, row: FunnelProperties, say: Words) -> tuple[str, ...]:
    """Return what is said of one funnel of a cut."""
    rate = say.numbers.interval(row.success_rate, row.success_ci_lower, row.success_ci_upper)
    return (
        say.numbers.count(row.entry_n),
        say.numbers.count(row.won_n),
        rate if row.enough else say.get("words.too_few"),
        days(row.cycle_days, say),
        _amount(row.won_amount, result, say),
        _amount(row.mean_won_amount, result, say),
        say.get(f"properties.forms.{row.shape}"),
    )


def properties_finding(result: SixProperties, say: Words) -> Finding:
    """Say how many entered and how many are won, what the shape is, and how far ideal and last year are."""
    first, *others = _wholes(result)
    values = {
        "entry_n": round(first.entry_n if math.isnan(first.success_rate) else first.judged_n),
        "rate": say.numbers.interval(first.success_rate, first.success_ci_lower, first.success_ci_upper),
        "horizon_days": result.horizon_days,
        "shape": say.get(f"properties.shapes.{first.shape}"),
    }
    key = "typed" if math.isnan(result.horizon_days) else "headline"
    known = first.enough and not math.isnan(first.success_rate)
    key = "headline_unknown" if not known and key == "headline" else key
    if unjudged(result) in ("closed_only", "only_wins", "wins_alone"):  # how many entered is not known either
        return Finding(headline=no_deals(result, say), detail="", unsaid=say.get("properties.unsaid"))
    parts = [say.say("properties.shape_is", **values)] if first.shape != "unknown" and first.enough else []
    parts += [
        say.say(
            f"properties.{'beside_unknown' if math.isnan(row.success_rate) else 'beside'}",
            series=say.get(f"properties.series.{row.series}"),
            rate=say.numbers.interval(row.success_rate, row.success_ci_lower, row.success_ci_upper),
            entry=say.numbers.count(row.entry_n if math.isnan(row.success_rate) else row.judged_n),
        )
        for row in others
    ]
    return Finding(
        headline=say.say(f"properties.{key}", **values),
        detail=say.get("language.sentence").join(parts),
        unsaid=say.get("properties.unsaid"),
    )


PROPERTIES_VIEW = View(
    tables=(WHOLES, STAGES),
    finding=properties_finding,
    charts={"shape": "properties.trapezoid"},
    document=document,
)


# ---- Before and after ---------------------------------------------------------------------------------------


def _value(row: PropertyChange, side: str, result: Any, say: Words) -> str:
    """Write one side of a change with its interval, by what the property is."""
    value, lower, upper = (getattr(row, f"{side}_{part}") for part in ("value", "ci_lower", "ci_upper"))
    if math.isnan(value):
        return say.get("language.none")
    if row.property == "success":
        return say.numbers.interval(value, lower, upper)
    if row.property == "cycle":
        return _days_interval(value, lower, upper, say)
    if row.property == "money":
        ends = [say.numbers.bare_amount(one) for one in (lower, upper)]
        known = not math.isnan(lower)
        told = say.numbers.bare_amount(value)
        told = say.say("properties.interval", value=told, lower=ends[0], upper=ends[1]) if known else told
        return say.numbers.money(told, result.currency)
    write = say.numbers.count if row.property == "count" else "{:.1f}".format
    ends = [write(one) for one in (value, lower, upper)]
    return say.say("properties.interval", value=ends[0], lower=ends[1], upper=ends[2])


def change_of(row: PropertyChange, result: Any, say: Words) -> str:
    """Write a change with its sign and its interval."""
    values = (row.change, row.change_ci_lower, row.change_ci_upper)
    if math.isnan(values[0]) or math.isinf(values[0]):
        return say.get("language.none")
    if row.property == "success":
        return say.numbers.points_interval(*values)
    write = {
        "cycle": lambda one: f"{one:.0f}",
        "money": lambda one: f"{one:,.0f}",
        "number": lambda one: f"{one:.1f}",
        "count": lambda one: f"{one:,.0f}",
    }[row.property]
    spelled = [("+" if one > 0 else "−" if one < 0 else "") + write(abs(one)) for one in values]
    if math.isnan(values[1]):
        return spelled[0]
    return say.say("properties.signed_interval", value=spelled[0], lower=spelled[1], upper=spelled[2])


def _property(_: Any, row: Any, say: Words) -> str:
    return say.get(f"properties.names.{row.property}")


def _place(result: Any, row: Any, say: Words) -> str:
    return stage_name(result, row.stage, say) if row.stage else say.get("properties.whole")


CHANGES = Table(
    name="before_after",
    rows=lambda result: result.changes,
    stub=2,
    strong=lambda row: not row.stage,
    columns=(
        Column(field="stage", cell=_place),
        Column(field="property", cell=_property),
        Column(field="before_value", cell=lambda result, row, say: _value(row, "before", result, say)),
        Column(field="after_value", cell=lambda result, row, say: _value(row, "after", result, say)),
        Column(field="change", cell=lambda result, row, say: change_of(row, result, say)),
        Column(field="verdict", cell=lambda _, row, say: say.get(f"properties.verdicts.{row.verdict}")),
    ),
)
SIDES = Table(
    name="before_after_stages", rows=lambda result: result.stages, columns=(), shown=lambda _: False
)


def before_after_finding(result: BeforeAfter, say: Words) -> Finding:
    """Say which properties of the whole have changed beyond chance, and where."""
    wholes = [row for row in result.changes if not row.stage]
    changed = [row for row in wholes if row.verdict in ("up", "down")]
    told = [
        say.say(
            f"properties.changed.{row.property}_{row.verdict}",
            before=_value(row, "before", result, say),
            after=_value(row, "after", result, say),
        )
        for row in changed
    ]
    same = [_property(None, row, say) for row in wholes if row.verdict == "not_separable"]
    where = [
        say.say("properties.at_stage", stage=_place(result, row, say), property=_property(None, row, say))
        for row in result.changes
        if row.stage and row.verdict in ("up", "down") and row.property != "number"
    ]
    parts = [say.say("properties.same", names=say.numbers.join(same))] if same else []
    if where:
        parts.append(say.say("properties.where", names=name_some(where, say)))
    return Finding(
        headline=say.get("language.sentence").join(told) or say.get("properties.nothing_changed"),
        detail=say.get("language.sentence").join(parts),
        unsaid=say.get("properties.why_not"),
    )


BEFORE_AFTER_VIEW = View(
    tables=(CHANGES, SIDES),
    finding=before_after_finding,
    charts={"shape": "properties.trapezoid"},
)
