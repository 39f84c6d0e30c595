"""What goes with each stage word: how often it stands there, its chance, its outcomes, its place in histories."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from funnelnb.data.parse.values import Reading, as_text, parse
from funnelnb.data.recognise.by_dates import early_wins, lost_alone, won_alone
from funnelnb.data.recognise.lexicon import header_scores, key, listed, negated, plain, sense_of
from funnelnb.data.recognise.stages import Evidence, StageWord, lost_by_reason, paths
from funnelnb.data.recognise.words import ENDED, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from funnelnb.data.contract.settings import Settings
    from funnelnb.data.recognise.proposal import Proposal
    from funnelnb.data.recognise.shape import Sheet


_LABEL = re.compile(
    r"^(label|name|title|stage|status|(stage|status|list) (label|name|title)|bezeichnung|beschreibung|nombre|nome|nom"
    r"|libelle|naam|nazwa|название|наименование)$|阶段|名称|名前"
)


_STAGE_NUMBER = re.compile(r"\bstage (order|no|number|position|rank|step|index)\b")


def column_words(sheet: Sheet, column: str) -> dict[str, int]:
    """Return word = rows of the column that was found for a column of the contract; empty if there is none."""
    at = sheet.columns.source(column)
    found = words_of(sheet.raw, at) if at and at in sheet.raw.frame else None
    return dict(found.counts) if found is not None else {}


def evidence_of(
    result: Proposal,
    deals: Sheet,
    dates: Mapping[str, str],
    outcome_words: Sequence[StageWord],
    settings: Settings,
) -> Evidence:
    """Collect what goes with each stage word."""
    counts = column_words(deals, "stage")
    history: list[list[str]] = []
    if result.history is not None:
        history, log_words = _paths(result.history)
        counts = {**counts, **{word: n for word, n in log_words.items() if word not in counts}}
    for word in dates:
        if not any(key(word) == key(one) for one in counts):
            counts[word] = int(deals.column(dates[word]).filled_n)
    given = _date_order(deals, dates) if dates else None
    reference, flags = _reference(result, counts), _closed_flags(deals)
    return Evidence(
        counts=counts,
        probability=_probability(deals),
        outcomes=_crossed(deals, outcome_words),
        history=history,
        given=reference[0] or given or _numbers_beside(deals),
        meanings={**reference[1], **_by_dates(deals, dates, outcome_words), **_said(counts, settings)},
        closed=flags or _filled(deals, "closed_at"),
        reasons=_filled(deals, "lost_reason"),
        flagged=bool(flags),
    )


def _paths(sheet: Sheet) -> tuple[list[list[str]], dict[str, int]]:
    """Return the stage words of each deal in the order of time, and how often each word stands there."""
    import pandas as pd

    log = sheet.log
    frame = sheet.raw.frame
    if "field_value" in log:
        frame = frame[as_text(frame[log["field"]]) == log["field_value"]]
    parsed = parse(frame[log["entered_at"]], "datetime", Reading(), {"file": "", "column": ""})
    if parsed.undecided:
        parsed = parse(
            frame[log["entered_at"]], "datetime", Reading(date_order="mdy"), {"file": "", "column": ""}
        )
    dated = len(parsed.values) == len(frame)
    at = parsed.values if dated else pd.Series(range(len(frame)), index=frame.index)
    moment: Any = pd.Timedelta(seconds=1) if dated else 0.5
    rows = pd.DataFrame(
        {
            "deal": as_text(frame[log["opportunity_id"]], blanks=False),
            "stage": as_text(frame[log["stage"]]),
            "at": at,
        }
    )
    counts = {str(word): int(n) for word, n in rows["stage"].value_counts().items()}
    if "old_stage" in log:
        first = as_text(frame[log["old_stage"]])
        before = pd.DataFrame({"deal": rows["deal"], "stage": first, "at": at - moment})
        rows = pd.concat([before.dropna(), rows])
        for word, n in first.value_counts().items():
            counts.setdefault(str(word), int(n))
    return paths(rows, "deal", "stage", "at"), counts


def _date_order(deals: Sheet, dates: Mapping[str, str]) -> dict[str, float]:
    """Place stages by the order of their columns."""
    place = {one.name: float(one.place) for one in deals.profiles}
    return {word: place[column] for word, column in dates.items()}


def _numbers_beside(deals: Sheet) -> dict[str, float]:
    """Place stages by the numbers of a second column of the stage, if each word has one of its own."""
    at, frame = deals.columns.source("stage"), deals.raw.frame
    if at not in frame:
        return {}
    for one in deals.profiles:
        words = plain(one.name).split()
        if one.name == at or one.numeric_share < 1 or "id" in words or not _named_stage(one.name):
            continue
        numbers = parse(frame[one.name], "number", Reading(), {"file": "", "column": one.name}).values
        pairs = numbers.groupby(as_text(frame[at])).agg(["nunique", "first"])
        places = pairs["first"]
        if len(pairs) > 2 and (pairs["nunique"] == 1).all() and places.is_unique and places.abs().max() < 100:
            return {str(word): float(place) for word, place in places.items()}
    return {}


def _named_stage(name: str) -> bool:
    scores = header_scores(name)
    return scores.get("stage", 0.0) > 0 or bool(_STAGE_NUMBER.search(plain(name)))


def _by_dates(deals: Sheet, dates: Mapping[str, str], outcome_words: Sequence[StageWord]) -> dict[str, str]:
    """Return what dates of stages tell of their words: a loss that no word tells, wins that are only steps to the win.

    A date of a win with a working stage behind it is a step. Where a column tells the outcome, of several dates of a
    win only that counts which agrees with it best.
    """
    frame = deals.raw.frame
    lost = lost_alone(frame, deals.profiles, dates) if dates else ""
    found = {word: "lost" for word, column in dates.items() if column == lost}
    last = won_alone(frame, dates) if dates else ""
    found |= {word: "won" for word, column in dates.items() if column == last}
    early = early_wins({word: column for word, column in dates.items() if column != lost})
    found |= dict.fromkeys(early, "stage")
    wins = [word for word in dates if word not in found and sense_of(word).meaning == "won"]
    at = deals.columns.source("outcome")
    if len(wins) < 2 or not at or at not in frame:
        return found
    won = as_text(frame[at]).isin([one.word for one in outcome_words if one.meaning == "won"])
    agrees = {word: float((as_text(frame[dates[word]]).notna() == won).mean()) for word in wins}
    best = max(agrees, key=lambda word: agrees[word])
    return {**found, **{word: "stage" for word in wins if agrees[word] < agrees[best]}}


def _said(counts: Mapping[str, int], settings: Settings) -> dict[str, str]:
    """Return what the settings say of the words."""
    said = {key(word): outcome for word, outcome in settings.outcomes.items()}
    said |= {key(word): "stage" if stage else "none" for word, stage in settings.stages.items()}
    return {word: said[key(word)] for word in counts if key(word) in said}


def _filled(deals: Sheet, column: str, by: str = "stage") -> dict[str, float]:
    """Return the share of deals for which a column holds something, by word of the stage or the outcome."""
    at, stage = deals.columns.source(column), deals.columns.source(by)
    if not at or not stage or at not in deals.raw.frame or stage not in deals.raw.frame:
        return {}
    shares = as_text(deals.raw.frame[at]).notna().groupby(as_text(deals.raw.frame[stage])).mean()
    return {str(word): float(share) for word, share in shares.items()}


def _closed_flags(deals: Sheet) -> dict[str, float]:
    """Return the share of deals that a flag calls closed, by stage word; empty without such a flag."""
    at, stage = deals.columns.source("is_closed"), deals.columns.source("stage")
    if not at or not stage or at not in deals.raw.frame or stage not in deals.raw.frame:
        return {}
    closed = parse(deals.raw.frame[at], "flag", Reading(), {}).values.fillna(value=False).astype(bool)
    shares = closed.groupby(as_text(deals.raw.frame[stage])).mean()
    return {str(word): float(share) for word, share in shares.items()}


def _reference(result: Proposal, counts: Mapping[str, int]) -> tuple[dict[str, float], dict[str, str]]:
    """Return order and meaning of stages from a table that lists them (by id or by label)."""
    sheet, at = _reference_sheet(result, counts)
    return _read_reference(sheet, at, counts) if sheet is not None else ({}, {})


def stage_labels(result: Proposal, counts: Mapping[str, int]) -> dict[str, str]:
    """Which names do the stages have whose ids stand in the deals, by the table that lists them?

    Parameters
    ----------
    result : Proposal
    counts : Mapping of str to int
        Words of the stage column.

    Returns
    -------
    dict of str to str
        Id = name; empty where the deals hold the names themselves, or two stages have one name.
    """
    sheet, at = _reference_sheet(result, counts)
    if sheet is None or all(sense_of(one).meaning for one in counts):
        return {}
    ids = as_text(sheet.raw.frame[at])
    for one in sheet.profiles:
        if one.name == at or one.kind not in ("category", "text") or not _LABEL.search(plain(one.name)):
            continue
        texts = as_text(sheet.raw.frame[one.name])
        known = {str(word): str(text) for word, text in zip(ids, texts, strict=True) if str(word) in counts}
        if len({key(text) for text in known.values()}) == len(known) == len(set(counts) & set(known)) > 1:
            return known
    return {}


def _reference_sheet(result: Proposal, counts: Mapping[str, int]) -> tuple[Sheet | None, str]:
    """Return the table that lists the stages, and its column with the words of the deals."""
    for sheet in result.sheets:
        if sheet.kind != "stages":
            continue
        names = [one.name for one in sheet.profiles if one.unique or one.kind in ("category", "text")]
        shares = {one: len(set(as_text(sheet.raw.frame[one]).dropna()) & set(counts)) for one in names}
        at = max(shares, key=lambda one: shares[one], default="")
        if at and shares[at] >= 0.6 * min(len(counts), len(sheet.raw.frame)) and shares[at] > 1:
            return sheet, at
    return None, ""


def _read_reference(
    sheet: Sheet, at: str, counts: Mapping[str, int]
) -> tuple[dict[str, float], dict[str, str]]:
    frame = sheet.raw.frame
    ids = as_text(frame[at])
    order = next(
        (
            one.name
            for one in sheet.profiles
            if re.search(
                r"order|sequence|position|\bpos\b|rank|sort|reihenfolge|\borden\b|\bordre\b|ordem|kolejnosc|volgorde|поряд|顺序|排序|順",
                plain(one.name),
            )
        ),
        "",
    )
    chance = next((one.name for one in sheet.profiles if re.search(r"probab|赢率", plain(one.name))), "")
    places = (
        parse(frame[order or chance], "number", Reading(), {"file": "", "column": ""}).values
        if order or chance
        else None
    )
    given = (
        {}
        if places is None
        else {
            str(word): float(place)
            for word, place in zip(ids, places, strict=True)
            if word in counts and not math.isnan(place)
        }
    )
    return given, _reference_meanings(sheet, ids, at, counts)


def _reference_meanings(sheet: Sheet, ids: pd.Series, at: str, counts: Mapping[str, int]) -> dict[str, str]:
    """Return which stages of a reference table are won or lost, by its flags, else by its labels."""
    frame = sheet.raw.frame
    meanings: dict[str, str] = {}
    named = set[str]()
    for role, pattern in (
        ("lost", r"is closed|isclosed|^closed$"),
        ("won", r"closed won|is won|iswon|^won$"),
    ):
        column = next(
            (one.name for one in sheet.profiles if re.search(pattern, plain(one.name)) and one.is_flag), ""
        )
        if column:
            flags = parse(frame[column], "flag", Reading(), {}).values.fillna(value=False)
            meanings |= {
                str(word): role for word, flag in zip(ids, flags, strict=True) if flag and word in counts
            }
    for label in (one.name for one in sheet.profiles if one.name != at and one.kind in ("category", "text")):
        for word, text in zip(ids, as_text(frame[label]), strict=True):
            sense = sense_of(str(text))
            if word not in counts or word in meanings:
                continue
            if sense.meaning in ENDED and sense.sure:
                meanings[str(word)] = sense.meaning
            elif sense.meaning == "stage" and listed(str(text)):
                named.add(str(word))
        wins = [
            word
            for word, text in zip(ids, as_text(frame[label]), strict=True)
            if sense_of(str(text)).meaning == "won"
        ]
        if "won" not in meanings.values() and len(wins) == 1 and wins[0] in counts:
            meanings[str(wins[0])] = "won"
    return dict.fromkeys(named - set(meanings), "stage") | meanings


def _probability(deals: Sheet) -> dict[str, float]:
    """Return the mean stated chance of each stage, 0 to 100; empty if it hardly varies with the stage."""
    at, stage = deals.columns.source("probability"), deals.columns.source("stage")
    if not at or not stage:
        return {}
    parsed = parse(deals.raw.frame[at], "share", Reading(), {"file": "", "column": at})
    if parsed.undecided:
        return {}
    values: pd.Series = parsed.values * 100
    if values.max() > 100:
        values = parsed.values
    texts = as_text(deals.raw.frame[stage])
    inner = values.where(values.between(0.01, 99.9))  # 0 and 100 tell the end of single deals, not the stage
    ends = values.where(~values.between(0.01, 99.9)).groupby(texts).nunique()
    mixed = ends[ends > 1].index  # won and lost deals of one stage: they tell nothing of it
    known = values.groupby(texts).median().dropna().drop(mixed, errors="ignore")
    if "outcome" in deals.columns.found:  # then 0 and 100 are those of the outcome
        known = known.iloc[:0]
    means = inner.groupby(texts).median().dropna()
    means = means.combine_first(known)
    return {str(word): float(value) for word, value in means.items()}


def _crossed(deals: Sheet, outcome_words: Sequence[StageWord]) -> dict[str, dict[str, int]]:
    """Return how often each stage word goes with each outcome, from the outcome column or the flags."""
    import pandas as pd

    stage = deals.columns.source("stage")
    if not stage:
        return {}
    texts = as_text(deals.raw.frame[stage])
    if outcome_words:
        meaning = {one.word: one.meaning for one in outcome_words}
        told = as_text(deals.raw.frame[deals.columns.source("outcome")]).map(meaning)
    elif "is_won" in deals.columns.found:
        flags = parse(deals.raw.frame[deals.columns.source("is_won")], "flag", Reading(), {})
        told = flags.values.map({True: "won", False: "open"})
    else:
        return {}
    found: dict[str, dict[str, int]] = {}
    pairs = pd.DataFrame({"word": texts, "told": told}).groupby(["word", "told"]).size().reset_index(name="n")
    for word, one, n in zip(pairs["word"], pairs["told"], pairs["n"], strict=True):
        found.setdefault(str(word), {})[str(one)] = int(n)
    return found


def _won_by_rest(words: list[StageWord]) -> list[StageWord]:
    """Take the one unknown word beside known words for open and lost for the win; it is asked."""
    strange = [one for one in words if one.meaning == "open" and one.why == "rest" and not negated(one.word)]
    others = {one.meaning for one in words if one not in strange}
    if len(strange) != 1 or "won" in others or not {"open", "lost"} <= {one[:4] for one in others}:
        return words
    won = StageWord(word=strange[0].word, n=strange[0].n, meaning="won", why="rest", sure=False)
    return [won if one is strange[0] else one for one in words]


def outcome_words_of(result: Proposal, deals: Sheet) -> tuple[StageWord, ...]:
    """What do the words of the outcome column mean?"""
    found = []
    for word, n in column_words(deals, "outcome").items():
        sense = sense_of(word)
        if word in deals.columns.codes:
            found.append(StageWord(word=word, n=n, meaning=deals.columns.codes[word], sure=True))
        elif sense.meaning in ENDED:
            found.append(StageWord(word=word, n=n, meaning=sense.meaning, sure=True))
        elif sense.meaning == "unclear":
            found.append(StageWord(word=word, n=n, meaning="left", why="rest", sure=False))
        else:
            found.append(StageWord(word=word, n=n, meaning="open", why="name" if sense.meaning else "rest"))
    found = _won_by_rest(lost_by_reason(found, _filled(deals, "lost_reason", by="outcome")))
    won = any(one.meaning == "won" for one in found)
    lost = any(one.meaning.startswith("lost") for one in found)
    if not won and lost:  # "Closed" beside "Lost" can only be the win; alone it may be either, so it is asked
        found = [
            StageWord(word=one.word, n=one.n, meaning="won", why="rest", sure=one.sure)
            if not one.sure and one.meaning == "left"
            else one
            for one in found
        ]
    return tuple(found)
