"""What a row of the page that lists all reports shows: one column after the other, each from plain figures.

A column stands there when any row has the figures it needs. To add one: an entry of :data:`COLUMNS`, its head
``board.heads.<name>`` in both languages, and the figures, which a brief passes on (``show/views/briefs.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.show.views.briefing import Figure, Line
from funnelnb.show.views.rounding import rounded, step_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from funnelnb.show.text.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A rate with its interval, to be drawn on a common scale.

    Attributes
    ----------
    rate, lower, upper : float
    verdict : {"higher", "lower", "not_separable", "too_few", ""}
    words : str
        The verdict as it is written beside.
    label : str
        What a screen reader says.
    """

    rate: float
    lower: float
    upper: float
    verdict: str = ""
    words: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell.

    Attributes
    ----------
    value, small : str
        The figure, and the line under it.
    sort : float or str or None
        What the column is sorted by; None: not known, last.
    warn : bool
        Whether it needs attention.
    span : Span or None
    """

    value: str = ""
    small: str = ""
    sort: float | str | None = None
    warn: bool = False
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes
    ----------
    name : str
        Key of its head.
    needs : tuple of str
        Figures without which a row has nothing to show in it.
    cell : callable
        ``cell(figures, words) -> Cell``.
    descending : bool
        Whether the largest comes first when it is sorted by.
    """

    name: str
    needs: tuple[str, ...]
    cell: Callable[[Mapping[str, Any], Words], Cell]
    descending: bool = True


def known(figures: Mapping[str, Any], name: str) -> bool:
    """Return whether there is such a figure."""
    value = figures.get(name)
    return value is not None and (not isinstance(value, float) or not math.isnan(value))


def cells(rows: Sequence[Mapping[str, Any]], say: Words) -> tuple[list[Column], list[list[Cell]]]:
    """Return the columns that have something to show, and for each row its cells.

    Parameters
    ----------
    rows : sequence of Mapping
        Figures of each row by name.
    say : Words
    """
    shown = [one for one in COLUMNS if any(_has(row, one) for row in rows)]
    none = Cell(value=say.numbers.percent(math.nan))
    return shown, [[one.cell(row, say) if _has(row, one) else none for one in shown] for row in rows]


def _has(row: Mapping[str, Any], column: Column) -> bool:
    return all(known(row, name) for name in column.needs)


def head(column: Column, figures: Mapping[str, Any], say: Words, *, by_forecast: bool = False) -> str:
    """Return what a column is called; a forecast's chance of a target says that it is the forecast's."""
    forecast = by_forecast and column.name == "chance"
    return say.say(f"board.heads.{column.name}{'_forecast' if forecast else ''}", **figures)


def _deals(row: Mapping[str, Any], say: Words) -> Cell:
    small = say.say("board.cells.open", n=say.numbers.count(row["open_n"])) if known(row, "open_n") else ""
    if row.get("few"):
        small = " · ".join(one for one in (small, say.get("board.few")) if one)
    return Cell(value=say.numbers.count(row["n"]), small=small, sort=float(row["n"]))


_VERDICTS = {"higher": "above", "lower": "below", "not_separable": "even"}


def _won(row: Mapping[str, Any], say: Words) -> Cell:
    """Return the share won by the horizon, or why there is none."""
    rate, lower, upper = (row.get(f"won_{part}", math.nan) for part in ("rate", "lower", "upper"))
    if not known(row, "won_rate"):
        none = say.numbers.percent(math.nan)
        return Cell(value=none, small=say.get(f"board.{row['why']}") if row.get("why") else "")
    value = say.numbers.percent(rate)
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return Cell(value=value, sort=float(rate))
    verdict = row.get("verdict", "")
    words = say.get(f"board.cells.{_VERDICTS[verdict]}") if verdict in _VERDICTS else ""
    label = say.say(
        "board.cells.label", value=value, lower=say.numbers.percent(lower), upper=say.numbers.percent(upper)
    )
    return Cell(
        value=value,
        small=say.numbers.bounds(rate, lower, upper),
        sort=float(rate),
        span=Span(
            rate=rate,
            lower=lower,
            upper=upper,
            verdict=verdict,
            words=words,
            label=say.get("language.clause").join(one for one in (row.get("name", ""), label) if one)
            + (f"; {words}" if words else ""),
        ),
    )


def _cycle(row: Mapping[str, Any], say: Words) -> Cell:
    bounds = [row.get(f"cycle_ci_{side}") for side in ("lower", "upper")]
    spelled = [
        say.numbers.bare_days(one) if one is not None else say.get("durations.open_bound") for one in bounds
    ]
    small = say.numbers.forms["bounds"].format(lower=spelled[0], upper=spelled[1])
    return Cell(value=say.numbers.days(row["cycle_days"]), small=small, sort=float(row["cycle_days"]))


def at_risk(row: Mapping[str, Any]) -> bool:
    """Return whether a target is less likely than it was asked to be."""
    return bool(known(row, "chance_rate") and row["chance_rate"] < row["assurance_rate"])


def _chance(row: Mapping[str, Any], say: Words) -> Cell:
    """Return the chance of a target; of several targets together how many are likely to be reached."""
    target = say.numbers.amount(row["target_amount"], row.get("currency", ""))
    if not known(row, "chance_rate"):
        counted = {"on_n": row["targets_on_n"], "n": row["targets_n"]}
        return Cell(
            value=say.say("board.cells.targets", **counted),
            small=say.say("board.cells.target", target=target),
        )
    return Cell(
        value=say.numbers.percent(row["chance_rate"]),
        small=say.say("board.cells.target", target=target),
        sort=float(row["chance_rate"]),
        warn=at_risk(row),
    )


def _slow(row: Mapping[str, Any], say: Words) -> Cell:
    if not row["slow_n"]:
        return Cell(value=say.get("board.cells.no_slow"), sort=0.0)
    amount = row.get("slow_amount")
    key = "stalled_of" if row.get("stalled_n") else "slow_of"
    small = say.say(
        f"board.cells.{key}", slow_n=say.numbers.count(row["slow_n"]), n=say.numbers.count(row["slow_of_n"])
    )
    if not amount:
        return Cell(value=say.say("report.deals_n", n=row["slow_n"]), small=small, sort=0.0)
    return Cell(
        value=say.numbers.amount(amount, row.get("currency", "")), small=small, sort=float(amount),
        warn=bool(row.get("stalled_n")),
    )  # fmt: skip


def _change(row: Mapping[str, Any], say: Words) -> Cell:
    """Return how the rate moved since the last run, whether by more than chance, and what came and went."""
    moves = [row[f"{name}_since"] for name in ("new", "won", "lost") if f"{name}_since" in row]
    small = ""
    if len(moves) == 3:
        new, won, lost = (say.numbers.count(one) for one in moves)
        small = say.say("board.cells.moves", new=new, won=won, lost=lost)
    points = row.get("rate_since")
    if points is None:
        return Cell(value=small, sort=None)
    clear = row.get("clear_since")
    words = say.get(f"board.cells.{'same' if not clear else 'rose' if points > 0 else 'fell'}")
    said = f"{say.say('board.cells.points', points=say.numbers.points(points))}, {words}"
    if say.lang == "zh":
        said = said.replace(", ", "，")
    return Cell(value=said, small=small, sort=float(points), warn=bool(clear and points < 0))


def _landing(row: Mapping[str, Any], say: Words) -> Cell:
    """Return how much of the target is expected, with the 80 % range."""
    share = say.numbers.level(round(row["landing_share"], 2))
    if not known(row, "landing_low_share"):  # means add up over regions, ranges do not
        return Cell(value=share, sort=float(row["landing_share"]))
    low, high = (f"{100 * row[f'landing_{end}_share']:.0f}" for end in ("low", "high"))
    bounds = say.numbers.forms["bounds"].format(lower=low, upper=high)
    return Cell(
        value=share,
        small=say.say("board.cells.landing", range=say.numbers.forms["percent"].format(x=bounds)),
        sort=float(row["landing_share"]),
        warn=row["landing_high_share"] < 1,
    )


# ---- The whole, where only its parts are told ----------------------------------------------------------------


AIMS = ("targets_n", "targets_on_n", "landing_share")
"""What :func:`together` says of targets that are no single target's."""


def together(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what adds up over all values of an attribute: slow deals, expected amounts, targets likely to be reached.

    Parameters
    ----------
    rows : sequence of Mapping
        Figures of every value. A sum that misses one is left out, and so is one over several currencies.
    """
    if not rows or len({row.get("currency") for row in rows}) > 1:
        return {}
    made: dict[str, Any] = {}
    if all(known(row, "slow_n") and not row.get("stalled_n") for row in rows):
        made = {name: _sum(rows, name) for name in ("slow_n", "slow_of_n", "slow_amount")}
        made |= {"slow_parts_n": len(rows)}
        if all(known(row, "slow_usual_n") for row in rows):
            made |= {"slow_usual_n": _sum(rows, "slow_usual_n")}
    if all(known(row, "chance_rate") and known(row, "expected_amount") for row in rows):
        made |= {name: _sum(rows, name) for name in ("expected_amount", "target_amount")}
        made |= {"expected_step_amount": max(row.get("expected_step_amount") or 0.0 for row in rows)}
        made |= {"targets_n": len(rows), "targets_on_n": sum(not at_risk(row) for row in rows)}
        made["until"] = rows[0].get("until", "") if len({row.get("until") for row in rows}) == 1 else ""
        if all(known(row, "landing_share") for row in rows) and made["target_amount"] > 0:
            made["landing_share"] = made["expected_amount"] / made["target_amount"]
    return made | {"currency": rows[0].get("currency", "")}


def _sum(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    return math.fsum(row.get(name) or 0.0 for row in rows)


def key_figures(
    row: Mapping[str, Any], days: float, confidence_level: float, say: Words, *, by: str = ""
) -> list[Figure]:
    """Return the figures of the whole that stand large on top, as far as they are known, each drawn on a line.

    Parameters
    ----------
    row : Mapping
        Figures of all deals by name.
    days : float
        Horizon of the rate.
    confidence_level : float
        Of the intervals.
    say : Words
    by : str
        Attribute by whose values the page is split.
    """
    level = say.numbers.level(confidence_level)
    made = []
    if known(row, "won_rate"):
        made.append(_won_figure(row, days, level, say))
    if known(row, "expected_amount") and known(row, "target_amount") and row.get("until"):
        made.append(_expected_figure(row, say))
    if known(row, "cycle_days"):
        made.append(_cycle_figure(row, level, say))
    if known(row, "slow_n"):
        made.append(_slow_figure(row, by, say))
    return made


def _won_figure(row: Mapping[str, Any], days: float, level: str, say: Words) -> Figure:
    cell = _won(row, say)
    lines = [_range(cell, level, say), say.say("report.deals_n", n=row["n"])]
    line = None
    if cell.span is not None:
        top = min(1.0, line_end(cell.span.upper))
        line = Line(
            value=cell.span.rate, lower=cell.span.lower, upper=cell.span.upper, top=top,
            ends=(say.numbers.level(0), say.numbers.level(round(top, 4))), label=cell.span.label,
        )  # fmt: skip
    return _figure("won", cell.value, lines, say, line, horizon_days=days)


def _expected_figure(row: Mapping[str, Any], say: Words) -> Figure:
    """Return what is expected beside the target; expected amounts of regions add up, their ranges do not."""
    currency, target = row.get("currency", ""), row["target_amount"]
    expected = row["expected_amount"]
    expected = rounded(expected, row.get("expected_step_amount") or step_of(math.nan, expected))
    value, aim = (say.numbers.amount(one, currency) for one in (expected, target))
    lines = [say.say("board.figures.target", target=aim)]
    if known(row, "targets_n"):
        lines.append(say.say("board.figures.targets", on_n=row["targets_on_n"], n=row["targets_n"]))
    top = line_end(max(expected, target))
    line = Line(
        value=expected, mark=target, top=top, ends=("0", say.numbers.amount(top, currency)),
        label=f"{value}; {lines[0]}",
    )  # fmt: skip
    return _figure("expected", value, lines, say, line if expected >= 0 else None, until=row["until"])


def _cycle_figure(row: Mapping[str, Any], level: str, say: Words) -> Figure:
    cell = _cycle(row, say)
    lines = [_range(cell, level, say), say.get("board.figures.ages")]
    lower, upper = (row.get(f"cycle_ci_{side}") for side in ("lower", "upper"))
    line = None
    if lower is not None and upper is not None:
        top = line_end(upper)
        line = Line(
            value=row["cycle_days"], lower=lower, upper=upper, top=top,
            ends=("0", say.numbers.days(top)), label=f"{cell.value}; {lines[0]}",
        )  # fmt: skip
    return _figure("cycle", cell.value, lines, say, line)


def _slow_figure(row: Mapping[str, Any], by: str, say: Words) -> Figure:
    """Return the slow deals beside the number that chance alone would make slow; of parts, by whose times."""
    cell = _slow(row, say)
    lines, line = [cell.small], None
    if known(row, "slow_usual_n") and not row.get("stalled_n"):
        usual = say.say("board.figures.usual", usual_n=say.numbers.count(row["slow_usual_n"]))
        lines.append(usual)
        top = line_end(max(row["slow_n"], row["slow_usual_n"], 1.0))
        line = Line(
            value=row["slow_n"], mark=row["slow_usual_n"], top=top, ends=("0", say.say("report.deals_n", n=top)),
            label=f"{say.say('report.deals_n', n=row['slow_n'])}; {usual}",
        )  # fmt: skip
    if row.get("slow_parts_n", 1) > 1 and by:
        lines.append(say.say("board.figures.own", attribute=say.attribute(by)))
    return _figure("slow", cell.value, lines, say, line)


_ENDS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def line_end(value: float) -> float:
    """Return a round number at which a line that has to hold `value` ends.

    Examples
    --------
    >>> line_end(0.223), line_end(10.3e6), line_end(69.0), line_end(82.0)
    (0.25, 12000000.0, 80.0, 100.0)
    """
    unit = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(one * unit for one in (*_ENDS, 12.0) if one * unit >= 1.08 * value)


def _range(cell: Cell, level: str, say: Words) -> str:
    return say.say("board.figures.interval", confidence_level=level, range=cell.small) if cell.small else ""


def _figure(name: str, value: str, lines: list[str], say: Words, line: Line | None, **facts: Any) -> Figure:
    return Figure(
        name=say.say(f"board.heads.{name}", **facts), value=value, lines=tuple(one for one in lines if one),
        line=line,
    )  # fmt: skip


COLUMNS = (
    Column(name="deals", needs=("n",), cell=_deals),
    Column(name="won", needs=("n",), cell=_won),
    Column(name="cycle", needs=("cycle_days",), cell=_cycle, descending=False),
    Column(
        name="landing",
        needs=("landing_share",),
        cell=_landing,
        descending=False,
    ),
    Column(name="chance", needs=("target_amount",), cell=_chance, descending=False),
    Column(name="slow", needs=("slow_n",), cell=_slow),
    Column(name="change", needs=("changed",), cell=_change),
)
"""Columns from left to right."""
