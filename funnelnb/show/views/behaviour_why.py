"""How drivers and paths of a behaviour funnel are shown, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.show.tables.table import Column, Table
from funnelnb.show.views.behaviour import rate_column, told
from funnelnb.show.views.registry import Finding, View, rate_of

if TYPE_CHECKING:
    from funnelnb.analysis.behaviour.why import Drivers, Paths
    from funnelnb.show.text.words import Words


def setting_name(row: Any, say: Words) -> str:
    """Return the setting of a driver in words."""
    if row.kind == "number":
        return say.say("behaviour.settings.number", value=row.setting)
    return row.setting if row.kind == "property" else say.get("behaviour.settings.event")


def _kind(_: Any, row: Any, say: Words) -> str:
    return say.get(f"behaviour.kinds.{row.kind}")


_DRIVER = (
    Column(field="kind", cell=_kind),
    Column(field="name"),
    Column(field="setting", cell=lambda _, row, say: setting_name(row, say)),
    Column(field="with_n"),
    rate_column("with"),
    Column(field="without_n"),
    rate_column("without"),
    Column(field="difference", lower="difference_ci_lower", upper="difference_ci_upper"),
    Column(field="p_adjusted"),
)
DRIVERS = Table(
    name="behaviour_drivers",
    rows=lambda result: result.rows,
    stub=3,
    columns=_DRIVER,
    shown=lambda result: bool(result.rows),
)
OTHERS = Table(
    name="behaviour_others",
    rows=lambda result: result.others,
    stub=3,
    columns=_DRIVER,
    shown=lambda result: not result.rows,
)


def drivers_finding(result: Drivers, say: Words) -> Finding:
    """Say what goes most clearly with getting through."""
    values = told(result, say) | {"found_n": len(result.rows)}
    key = "none"
    if result.rows:
        first = result.rows[0]
        key = "some"
        name = (
            first.name if first.kind in ("before", "after") else f"{first.name} = {setting_name(first, say)}"
        )
        values |= {
            "name": name,
            "with_rate": rate_of(first, "with", say),
            "without_rate": rate_of(first, "without", say),
        }
    return Finding(
        headline=say.say(f"findings.drivers.{key}", **values),
        detail=say.say("findings.drivers.detail", **values),
        unsaid=say.get("findings.drivers.unsaid"),
    )


DRIVERS_VIEW = View(
    tables=(DRIVERS, OTHERS), finding=drivers_finding, charts={"drivers": "behaviour_why.drivers"}
)


def way(result: Paths, row: Any, say: Words) -> str:
    """Return a way in words, from event to event."""
    names = [*row.path]
    if result.side == "after" and len(names) == 1:
        names.append(say.get("behaviour.nothing_more"))
    return say.get("behaviour.arrow").join(names)


def _end(field: str) -> Column:
    return Column(
        field=field, cell=lambda _, row, say: getattr(row, field) or say.get("behaviour.nothing_more")
    )


PATHS = Table(
    name="behaviour_paths",
    rows=lambda result: result.rows,
    columns=(
        Column(field="path", cell=way),
        Column(field="n"),
        Column(field="path_share", lower="path_share_ci_lower", upper="path_share_ci_upper"),
    ),
)
LINKS = Table(
    name="behaviour_links",
    rows=lambda result: result.links,
    stub=3,
    shown=lambda _: False,
    columns=(
        Column(field="place"),
        _end("source"),
        _end("target"),
        Column(field="n"),
        Column(field="link_share", lower="link_share_ci_lower", upper="link_share_ci_upper"),
    ),
)


def paths_finding(result: Paths, say: Words) -> Finding:
    """Say which way most take."""
    unsaid = say.get("findings.paths.unsaid")
    if not result.n:
        return Finding(headline=say.get("behaviour.none"), detail="", unsaid=unsaid)
    first = result.rows[0]
    share = say.numbers.interval(first.path_share, first.path_share_ci_lower, first.path_share_ci_upper)
    values = told(result, say) | {
        "whose": say.say(f"behaviour.whose.{result.who}", step=result.step),
        "path": way(result, first, say),
        "share": share,
    }
    ends = next((one for one in result.links if one.place == 1 and not one.target), None)
    detail = ""
    if ends is not None and result.side == "after":
        share = say.numbers.interval(ends.link_share, ends.link_share_ci_lower, ends.link_share_ci_upper)
        detail = say.say("findings.paths.last", share=share)
    return Finding(headline=say.say(f"findings.paths.{result.side}", **values), detail=detail, unsaid=unsaid)


PATHS_VIEW = View(tables=(PATHS, LINKS), finding=paths_finding, charts={"paths": "behaviour_why.paths"})
