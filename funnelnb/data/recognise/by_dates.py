"""Dates of stages whose headers nobody knows: their place among known ones, and the order of their days, tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelnb.data.parse.values import Reading, parse
from funnelnb.data.recognise.lexicon import header_scores, plain, sense_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from funnelnb.data.recognise.profile import ColumnProfile

SAMPLE = 3000
"""So many rows are looked at."""

IN_ORDER = 0.95
"""Share of rows in which a stage must not lie behind the next one."""

NO_STAGE = (
    "birth", "modif", "update", "last", "next", "sync", "follow", "due", "reminder", "since", "founded", "deleted",
    "viewed", "activity", "renew", "deliver", "expir", "valid", "start", "end", "from", "until", "contract start",
    "修改", "更新", "下次", "最近", "最后", "回款", "到期", "生日", "gültig", "vence", "vencimiento",
    "validade", "изменен",
)  # fmt: skip
"""Words of dates that are no step of a deal, whatever stands beside them."""


def steps_between(
    frame: pd.DataFrame, profiles: Sequence[ColumnProfile], known: Mapping[str, str]
) -> list[str]:
    """Which date columns stand directly before, or among, known dates of stages and are steps like them?

    Parameters
    ----------
    frame : DataFrame
    profiles : sequence of ColumnProfile
        One per column, in the order of the file.
    known : Mapping of str to str
        Stage = column, in the order of the file, ends included.

    Returns
    -------
    list of str
        Columns without a meaning of their own that touch a known one, are filled at least as often as the next known
        one, and do not lie behind it.
    """
    places = {one.name: one for one in profiles}
    if all(_ends(word) for word in known):
        return []
    found: list[str] = []
    for column in known.values():
        place, after = places[column].place - 1, column
        while place >= 0:
            one = profiles[place]
            if (
                one.name in known.values()
                or not _may_be_step(one)
                or not _fits_between(frame, profiles, place, after)
            ):
                break
            found.append(one.name)
            place, after = place - 1, one.name
    return found


def _fits_between(frame: pd.DataFrame, profiles: Sequence[ColumnProfile], place: int, after: str) -> bool:
    """Whether a date is filled as often as the next one and not behind it, or behind the last one only."""
    one = profiles[place]
    next_n = next(other.filled_n for other in profiles if other.name == after)
    if one.filled_n < next_n:
        return False
    if (frame[one.name].notna() & frame[after].notna()).any() and _in_order(
        frame, one.name, after
    ) >= IN_ORDER:
        return True
    before = profiles[place - 1] if place else None
    return (
        before is not None
        and before.kind == "date"
        and _in_order(frame, one.name, after) == 0.0
        and _in_order(frame, before.name, one.name) >= IN_ORDER
    )


def won_alone(frame: pd.DataFrame, known: Mapping[str, str]) -> str:
    """Which date, the last of all steps, stands only where deals were not lost, where no date tells the win?

    Parameters
    ----------
    frame, known
        As for :func:`steps_between`.

    Returns
    -------
    str
        A column; empty where a known date tells the win, or none tells the loss.
    """
    senses = {word: sense_of(word).meaning for word in known}
    lost = [known[word] for word, meaning in senses.items() if meaning.startswith(("lost", "left"))]
    steps = [known[word] for word in known if not _ends(word)]
    if "won" in senses.values() or not lost or len(steps) < 2:
        return ""
    rows = frame.iloc[:: max(len(frame) // SAMPLE, 1)]
    last = _days(rows, steps[-1])
    if last is None or last.notna().sum() < 3:
        return ""
    ended = [_days(rows, one) for one in lost]
    alone = all(one is not None and not (one.notna() & last.notna()).any() for one in ended)
    return steps[-1] if alone and _share(_days(rows, steps[-2]), last) >= IN_ORDER else ""


def lost_alone(frame: pd.DataFrame, profiles: Sequence[ColumnProfile], known: Mapping[str, str]) -> str:
    """Which date that nobody knows stands only where deals were not won, and behind all their stages?

    Parameters
    ----------
    frame, profiles, known
        As for :func:`steps_between`.

    Returns
    -------
    str
        A column; empty where a known date tells the loss, or none tells the win.
    """
    won = [column for word, column in known.items() if sense_of(word).meaning == "won"]
    lost = any(sense_of(word).meaning.startswith(("lost", "left")) for word in known)
    steps = [column for word, column in known.items() if not _ends(word)]
    if lost or not won or not steps:
        return ""
    rows = frame.iloc[:: max(len(frame) // SAMPLE, 1)]
    days = {name: _days(rows, name) for name in (*won, *steps)}
    if any(one is None for one in days.values()):
        return ""
    understood = {column for word, column in known.items() if sense_of(word).meaning}
    for one in profiles:
        ended = _days(rows, one.name) if _may_be_step(one) and one.name not in understood else None
        if ended is None or ended.notna().sum() < 3:
            continue
        alone = not any((ended.notna() & days[name].notna()).any() for name in won)  # type: ignore[union-attr]
        behind = all(_share(days[name], ended) >= IN_ORDER for name in steps)
        if alone and behind:
            return one.name
    return ""


def early_wins(known: Mapping[str, str]) -> list[str]:
    """Which dates that are called after a win have a working stage behind them, and a win after that?

    Parameters
    ----------
    known : Mapping of str to str
        Stage = column, in the order of the file.

    Returns
    -------
    list of str
        Stages; the deal goes on behind them ("activated", then a demo, then "paid").

    Examples
    --------
    >>> early_wins({"activated": "a", "demo": "b", "paid": "c"}), early_wins({"demo": "b", "sold": "c", "paid": "d"})
    (['activated'], [])
    """
    order = list(known)
    steps = [place for place, word in enumerate(order) if sense_of(word).meaning in ("", "stage")]
    wins = [word for word in order if sense_of(word).meaning == "won"]
    early = [word for word in wins if steps and order.index(word) < steps[-1]]
    return early if len(early) < len(wins) else []


def _ends(word: str) -> bool:
    return sense_of(word).meaning not in ("", "stage", "open", "parked")


def _may_be_step(one: ColumnProfile) -> bool:
    """Whether a column holds dates and its header says nothing else."""
    text = plain(one.name)
    scores = header_scores(one.name)
    other = {name for name, score in scores.items() if score >= (0.8 if name == "created_at" else 0.5)}
    return one.kind == "date" and not other and not any(word in text or word in one.name for word in NO_STAGE)


def _days(frame: pd.DataFrame, name: str) -> pd.Series | None:
    parsed = parse(frame[name], "datetime", Reading(), {"file": "", "column": name})
    if parsed.undecided:
        parsed = parse(frame[name], "datetime", Reading(date_order="dmy"), {"file": "", "column": name})
    return None if parsed.undecided else parsed.values.dt.normalize()


def _in_order(frame: pd.DataFrame, first: str, second: str) -> float:
    rows = frame.iloc[:: max(len(frame) // SAMPLE, 1)]
    return _share(_days(rows, first), _days(rows, second))


def _share(first: pd.Series | None, second: pd.Series | None) -> float:
    """Return the share of rows with both in which the first does not lie behind the second."""
    if first is None or second is None:
        return 0.0
    both = first.notna() & second.notna()
    return float((first[both] <= second[both]).mean()) if both.any() else 0.0
