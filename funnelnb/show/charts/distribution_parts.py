"""What the charts of a distribution share: one picture, or a small one for each group, with one key above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from funnelnb.core.check import TOO_FEW_N
from funnelnb.show import theme
from funnelnb.show.charts.parts import WIDTH, sized
from funnelnb.show.finding import finding_of
from funnelnb.show.names import stage_name
from funnelnb.show.views.distribution import subject
from funnelnb.show.views.fitted import family_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from funnelnb.analysis.distribution_rows import DistributionRow
    from funnelnb.show.charts.parts import Draft

GROUPS_MOST = 9
LARGE, SMALL = (700, 320), (218, 140)
LINE = 18


def row_of(draft: Draft, item: Any) -> DistributionRow:
    """Return the row of the group that a curve belongs to."""
    return next(row for row in draft.result.rows if row.group == item.group)


def pictures(
    draft: Draft,
    items: Sequence[Any],
    panel: Callable[[Draft, Any, tuple[int, int], bool], list[Any]],
    key: Sequence[tuple[str, str]],
    *more: str,
    across: str = "",
) -> Any:
    """Draw `panel` of the one item, or of the largest groups side by side; what was found stands above."""
    found = finding_of(draft.result, draft.say.lang)
    if not items:
        return draft.nothing(found.headline, found.detail)
    lines = _lines(key)
    legends = [draft.legend(line, 6, 5 + LINE * k) for k, line in enumerate(lines)]
    legend = sized(alt.layer(*legends), width=600, height=10 + LINE * (len(lines) - 1))
    if not draft.result.by:
        width, height = LARGE
        chart = sized(alt.layer(*panel(draft, items[0], LARGE, False)), width=width, height=height)
        return draft.finish(alt.vconcat(legend, chart, spacing=12), _title(draft), found.detail, *more)
    sizes = {item.group: row_of(draft, item).n for item in items}
    largest = set(sorted(sizes, key=lambda group: -sizes[group])[:GROUPS_MOST])
    drawn = [item for item in items if item.group in largest]
    grid = alt.concat(
        *(_small(draft, item, panel) for item in drawn), columns=3, spacing={"row": 18, "column": 24}
    )
    rest = ""
    if len(drawn) < len(draft.result.rows):
        rest = draft.say.say("charts.parts.more_groups", shown_n=len(drawn), groups_n=len(draft.result.rows))
    whole = alt.vconcat(legend, grid, spacing=14)
    return draft.finish(whole, found.headline, found.detail, across, *more, rest)


def _lines(key: Sequence[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Break the key into lines that fit under the title."""
    lines: list[list[tuple[str, str]]] = [[]]
    room = WIDTH - 90.0
    for entry in key:
        needed = 30 + theme.text_width(entry[1], theme.LABEL_SIZE)
        if needed > room and lines[-1]:
            lines.append([])
            room = WIDTH - 90.0
        lines[-1].append(entry)
        room -= needed
    return lines


def _title(draft: Draft) -> str:
    """Say in a few words whether the distribution describes the days."""
    (row,), say = draft.result.rows, draft.say
    values = {
        "what": subject(draft.result, say),
        "family": family_words(row, say),
        "gap_share": row.gap_share,
    }
    return say.say(f"charts.distribution.title_{row.trust}", **values)


def _small(draft: Draft, item: Any, panel: Callable[[Draft, Any, tuple[int, int], bool], list[Any]]) -> Any:
    """Draw one group under its name, its size and what was chosen."""
    width, height = SMALL
    name = f"{draft.say.group(item.group)}  (n = {draft.say.numbers.count(row_of(draft, item).n)})"
    head = alt.TitleParams(
        text=theme.shorten(name, width + 10, 12.5),
        subtitle=theme.shorten(short_family(draft, item), width + 10, theme.SMALL_SIZE),
        fontSize=12.5, subtitleFontSize=theme.SMALL_SIZE, subtitlePadding=2,
        anchor="start", offset=6, frame="group",
    )  # fmt: skip
    return sized(alt.layer(*panel(draft, item, SMALL, True)), width=width, height=height, title=head)


def short_family(draft: Draft, item: Any) -> str:
    """Return the family of a group with its verdict, for the head of a small picture."""
    row, say = row_of(draft, item), draft.say
    family = say.get(f"durations.families.{row.family}")
    trust = say.get(f"distribution.trust.{row.trust}")
    return say.say("charts.distribution.chosen", family=family, trust=trust)


def stage_of(draft: Draft) -> str:
    """Return the name of the stage from which days are counted."""
    return stage_name(draft.result, draft.result.stage, draft.say)


def beyond(draft: Draft, from_day: float, longest: float, x: Any) -> list[Any]:
    """Pale what lies beyond the age up to which enough deals were watched, behind a broken upright."""
    if from_day >= longest:
        return []
    edge = draft.layer([{"day": from_day, "end": longest, "least_n": TOO_FEW_N}], "edge")
    return [
        edge.mark_rect(color=theme.PAPER, opacity=0.55).encode(x=x(), x2="end:Q"),
        edge.mark_rule(color=theme.QUIET, strokeDash=[4, 3]).encode(x=x()),
    ]
