"""What do the stage words mean, and in which order do the stages stand?

Meaning (won, lost, left, open, a stage) comes from the word itself, else from what goes with it: the outcome
column, flags, a probability of 100 or 0, the place at the end of histories. The order comes from what tells it
best: numbers in the names, the order in histories, dates per stage, the given order of a reference table, the
probability, the usual place of such names. What rests on a guess is marked as such.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from funnelnb.data.recognise.lexicon import (
    WON_RANK,
    Sense,
    key,
    known_pipelines,
    negated,
    number_of,
    percent_of,
    sense_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

END_MEANINGS = ("won", "lost", "lost_competitor", "lost_no_decision", "left")

EVIDENCE = ("history", "given", "number", "percent", "system", "probability", "name", "file")
"""From what an order can come, the most telling first."""

_COVER = 0.75
"""Share of the stages that a kind of evidence must cover to lead."""

_NEAR_WON = 95.0
"""Usual place of a stage whose name half means the win ("contract signed"), where another word means it fully."""

ALL = 0.9
"""Share that stands for all of the deals, a few slips apart."""

CERTAIN = 99.9
"""A stated chance from which on a stage is the win, in per cent."""

HALF = 0.5
"""Share from which on most of the deals of a word are like that."""

FEW_DEALS, MANY_WORDS = 3, 4
"""From so many deals, beside so many words, a close date on all of them tells that they ended."""

_STAGE_OPEN = ("open", "opened", "offen", "abierto", "aberto")
"""Words for open that are the first stage where other stages stand beside them."""

_BARE_PERCENT = re.compile(r"\s*\d{1,3}\s*[%％]\s*")

_CLOSED_SO = re.compile(
    r"\s*(closed|geschlossen|ferm[eé]e?|cerrad[oa]|fechad[oa]|chius[oa]|закрыт\w*)\b|已?关闭", re.IGNORECASE
)
"""Stages that say how a deal was closed ("Closed - No Opp")."""

_SPELLING = 0.86
"""Likeness of two spellings of one stage (1: equal)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWord:
    """One word of the stage column.

    Attributes
    ----------
    word : str
    n : int
        Deals (or history rows) with it.
    meaning : str
        ``"stage"``, an outcome of the contract, or ``"none"`` (open or ended, but at no known stage).
    same_as : str
        Stage of which this is another spelling; empty otherwise.
    why : str
        ``"name"``, ``"outcome"``, ``"probability"``, ``"flag"``, ``"history"``, ``"last"``, ``"spelling"``,
        ``"closed"``, ``"reason"``, ``"rest"``.
    sure : bool
        False: asked before anything is counted on it.
    """

    word: str
    n: int
    meaning: str
    same_as: str = ""
    why: str = "name"
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """Stages in order, and what every word means.

    Attributes
    ----------
    stages : tuple of str
        Working stages in order, then those after the win.
    after_n : int
        How many of them stand after the win.
    words : tuple of StageWord
    order_from : str
        One of EVIDENCE.
    order_sure : bool
        Whether the order rests on more than the order of the file.
    won_known : bool
        Whether any word or column means the win.
    """

    stages: tuple[str, ...]
    after_n: int
    words: tuple[StageWord, ...]
    order_from: str
    order_sure: bool
    won_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What goes with each word.

    Attributes
    ----------
    counts : Mapping of str to int
        Word = rows, in the order of the file.
    probability : Mapping of str to float
        Word = mean stated chance, 0 to 100.
    outcomes : Mapping of str to Mapping
        Word = outcome = rows, from an outcome column or flags.
    history : sequence of sequence of str
        Words of each deal in the order of time.
    given : Mapping of str to float
        Word = place in a reference table, or of its date column.
    meanings : Mapping of str to str
        What the settings or a reference table say of a word (won, lost, stage).
    closed : Mapping of str to float
        Word = share of its deals that are closed: by the flag that says so, else by a close date.
    flagged : bool
        Whether a flag says it.
    reasons : Mapping of str to float
        Word = share of its deals that have a reason for the loss.
    """

    counts: Mapping[str, int]
    probability: Mapping[str, float]
    outcomes: Mapping[str, Mapping[str, int]]
    history: Sequence[Sequence[str]] = ()
    given: Mapping[str, float] | None = None
    meanings: Mapping[str, str] | None = None
    closed: Mapping[str, float] | None = None
    reasons: Mapping[str, float] | None = None
    flagged: bool = False


def plan(evidence: Evidence, *, outcome_told: bool) -> StagePlan:
    """What do the words mean, and in which order do the stages stand?

    Parameters
    ----------
    evidence : Evidence
    outcome_told : bool
        Whether another column tells won and lost.

    Returns
    -------
    StagePlan

    Examples
    --------
    >>> words = {"Proposal": 4, "Closed Won": 2, "Qualification": 5, "Closed Lost": 3}
    >>> found = plan(Evidence(counts=words, probability={}, outcomes={}), outcome_told=False)
    >>> found.stages, found.won_known
    (('Qualification', 'Proposal'), True)
    """
    words = _meanings(evidence, outcome_told=outcome_told)
    words = _spellings(words, evidence)
    won_known = outcome_told or any(one.meaning == "won" for one in words)
    working = [one.word for one in words if one.meaning == "stage" and not one.same_as]
    ordered, source = _order(working, evidence)
    order_sure = source != "file" and not (source == "name" and _unplaced(working, evidence))
    if not won_known and ordered and order_sure:
        words, ordered = _last_is_won(words, ordered, evidence, source)
    after = [
        word
        for word in ordered
        if (sense_of(word).rank or 0) > WON_RANK
        and source in ("name", "file")
        and not _still_open(word, evidence)
    ]
    before = [word for word in ordered if word not in after]
    if not before:
        before, after = ordered, []
    return StagePlan(
        stages=(*before, *after),
        after_n=len(after),
        words=tuple(words),
        order_from=source,
        order_sure=order_sure or len(ordered) < 2,
        won_known=won_known,
    )


def _still_open(word: str, evidence: Evidence) -> bool:
    """Whether the deals at this stage have no close date, while most of those that were won have one."""
    closed = evidence.closed or {}
    won = [share for one, share in closed.items() if sense_of(one).meaning == "won"]
    return bool(won) and max(won) >= HALF and closed.get(word, 1.0) < 1 - ALL


def _meanings(evidence: Evidence, *, outcome_told: bool) -> list[StageWord]:
    """Return what each word means, before the order is known."""
    sure_win = any(sense_of(word).meaning == "won" and sense_of(word).sure for word in evidence.counts)
    wins = [word for word in evidence.counts if sense_of(word).meaning == "won"]
    found = []
    for word, n in evidence.counts.items():
        said = (evidence.meanings or {}).get(word)
        if said:
            found.append(StageWord(word=word, n=n, meaning=said, why="given"))
            continue
        meaning, why, sure = _meaning(
            word, sense_of(word), evidence, sure_win=sure_win, outcome_told=outcome_told
        )
        found.append(StageWord(word=word, n=n, meaning=meaning, why=why, sure=sure))
    if not sure_win and len(wins) > 1 and not outcome_told:
        found = _furthest_win(found, evidence)
    return found if outcome_told else _ends_by_date(lost_by_reason(found, evidence.reasons or {}), evidence)


def lost_by_reason(words: list[StageWord], reasons: Mapping[str, float]) -> list[StageWord]:
    """Take words for lost whose deals all have a reason for it, where deals of another word have none; it is asked.

    Parameters
    ----------
    words : list of StageWord
    reasons : Mapping of str to float
        Word = share of its deals that have a reason for the loss.

    Returns
    -------
    list of StageWord
        Only words that no list explains, and those that say what was not done ("não fechado").
    """
    if len(reasons) < 2 or min(reasons.values()) > 1 - ALL:
        return words
    if any(one.meaning == "won" and reasons.get(one.word, 0.0) > 1 - ALL for one in words):
        return words
    return [
        replace(one, meaning="lost", why="reason", sure=False)
        if reasons.get(one.word, 0.0) >= ALL and _may_be_lost(one)
        else one
        for one in words
    ]


def _may_be_lost(one: StageWord) -> bool:
    if one.meaning not in ("open", "stage", "none", "left"):
        return False
    return one.why == "rest" or negated(one.word) or not one.sure


def _meaning(  # noqa: C901, PLR0911 - one case per kind of word
    word: str, sense: Sense, evidence: Evidence, *, sure_win: bool, outcome_told: bool
) -> tuple[str, str, bool]:
    told = evidence.outcomes.get(word, {})
    if _BARE_PERCENT.fullmatch(word) and percent_of(word) in (0.0, 100.0) and len(evidence.counts) > 2:
        return ("won" if percent_of(word) else "lost"), "probability", True
    if sense.meaning == "parked":
        ended = evidence.flagged and (evidence.closed or {}).get(word, 0.0) > ALL
        return ("left", "flag", False) if ended else ("none", "name", True)
    if sense.meaning in END_MEANINGS:
        if sense.meaning == "won" and not sense.sure and _is_step(word, evidence, sure_win=sure_win):
            return "stage", "name", True
        if sense.meaning == "lost" and not sense.sure and _ends_won(told):
            return "stage", "outcome", True
        return sense.meaning, "name", True
    if sense.meaning == "unclear":
        if outcome_told:
            return "none", "outcome", True
        by_chance = _by_probability(word, evidence)
        return (by_chance, "probability", True) if by_chance else ("none", "name", False)
    if sense.meaning == "open" and _ended_all_the_same(word, evidence):
        return "lost", "closed", True
    if (
        sense.meaning == "open"
        and len(evidence.counts) > 2
        and any(sense_of(one).meaning == "stage" for one in evidence.counts)
    ):
        known = key(word) in _STAGE_OPEN or word in _by_system(list(evidence.counts))
        return "stage" if known else "none", "name", True
    if not sense.meaning:
        by_chance = _by_probability(word, evidence)
        if by_chance:
            return by_chance, "probability", True
    if _always_ended(word, told, evidence, listed=bool(sense.meaning)):
        return "none", "outcome", True
    return "stage", "name" if sense.meaning else "rest", True


def _ends_by_date(words: list[StageWord], evidence: Evidence) -> list[StageWord]:
    """Take an unknown word for an end if its deals have a close date and those of no known stage do; it is asked."""
    closed = evidence.closed or {}
    known = [closed.get(one.word, 0.0) for one in words if one.meaning == "stage" and one.why == "name"]
    if not known:  # words of nobody's language: those that never have a close date are stages
        known = [share for one in words if (share := closed.get(one.word, 0.0)) < 1 - ALL]
        known = known if len(known) > 1 else []
    strange = [
        one
        for one in words
        if one.meaning == "stage" and one.why == "rest" and closed.get(one.word, 0.0) > ALL
    ]
    if not known or max(known) > 1 - ALL or not strange:
        return words
    have = {one.meaning for one in words}
    lacking = [one for one in ("won", "lost") if one not in have]
    named = {}
    reasons = evidence.reasons or {}
    if "lost" in lacking and any(reasons.get(one.word, 0.0) >= HALF for one in strange):
        named = {one.word: "lost" for one in strange if reasons.get(one.word, 0.0) >= HALF}
        lacking.remove("lost")
    for one in sorted(strange, key=lambda one: -one.n):
        if one.word not in named:
            named[one.word] = lacking.pop(0) if lacking else "left"
    return [
        replace(one, meaning=named[one.word], why="last" if named[one.word] == "won" else "rest", sure=False)
        if one.word in named
        else one
        for one in words
    ]


def _always_ended(word: str, told: Mapping[str, int], evidence: Evidence, *, listed: bool) -> bool:
    """Whether another column gives nearly all deals of a word one and the same end.

    A few deals are enough for a word that says so itself ("Closed - no fit", "Not relevant"); for one that a list
    holds as a stage none are.
    """
    if _CLOSED_SO.match(word) or (negated(word) and not listed):
        return _one_end(told)
    enough = sum(told.values()) >= max(5, ALL * evidence.counts[word])
    if all(set(one) <= set(END_MEANINGS) for one in evidence.outcomes.values()):
        return False  # every deal has ended: a stage is where it was last
    return not listed and enough and _one_end(told) and not _goes_on(word, evidence)


def _one_end(told: Mapping[str, int]) -> bool:
    return len(told) == 1 and next(iter(told)) in END_MEANINGS


def _ended_all_the_same(word: str, evidence: Evidence) -> bool:
    """Whether all deals of a word for open (未成交) have a close date, and those of no known stage do."""
    closed = evidence.closed or {}
    if closed.get(word, 0.0) <= ALL or evidence.counts[word] < FEW_DEALS or len(evidence.counts) < MANY_WORDS:
        return False
    senses = {one: sense_of(one).meaning for one in evidence.counts if one != word}
    stages = [one for one, meaning in senses.items() if meaning == "stage"]
    lost = any(meaning.startswith("lost") for meaning in senses.values())
    return bool(stages) and not lost and max(closed.get(one, 0.0) for one in stages) < 1 - ALL


def _is_step(word: str, evidence: Evidence, *, sure_win: bool) -> bool:
    """Whether a word that may mean the win is a stage: another one surely is the win, or its deals go on."""
    return sure_win or _goes_on(word, evidence) or _none_closed(word, evidence)


def _none_closed(word: str, evidence: Evidence) -> bool:
    """Whether no deal of a word for the win has a close date, while all of one for lost or closed do."""
    closed = evidence.closed or {}
    ends = [
        share
        for one, share in closed.items()
        if one != word and sense_of(one).meaning in (*END_MEANINGS, "unclear")
    ]
    return bool(ends) and max(ends) > ALL and closed.get(word, 1.0) < 1 - ALL


def _ends_won(told: Mapping[str, int]) -> bool:
    return bool(told) and told.get("won", 0) > 0.2 * sum(told.values())


def _goes_on(word: str, evidence: Evidence) -> bool:
    """Whether histories go on after this word more often than they end there."""
    last = sum(1 for one in evidence.history if one and one[-1] == word)
    seen = sum(1 for one in evidence.history if word in one)
    return seen > 0 and last < 0.5 * seen


def _by_probability(word: str, evidence: Evidence) -> str:
    """Return won for a stated chance of 100, lost for 0 where other stages have one above."""
    chance = evidence.probability.get(word)
    if (
        chance is None
        or len(evidence.probability) < 2
        or max(evidence.probability.values()) <= min(evidence.probability.values())
    ):
        return ""
    if chance >= CERTAIN:
        return "won"
    zeros = [one for one, value in evidence.probability.items() if value <= 0.01]
    positive = sum(value > 0.01 for value in evidence.probability.values())
    return (
        "lost" if chance <= 0.01 and len(zeros) == 1 and positive >= 3 and sense_of(word).rank is None else ""
    )


def _furthest_win(words: list[StageWord], evidence: Evidence) -> list[StageWord]:
    """Of several words that half mean the win, those below the furthest stay stages where a chance tells so."""
    wins = [one.word for one in words if one.meaning == "won"]
    chances = {word: evidence.probability[word] for word in wins if word in evidence.probability}
    if len(chances) < 2 or max(chances.values()) < 99.9:
        return words
    lower = {word for word, chance in chances.items() if chance < 99.9}
    return [replace(one, meaning="stage") if one.word in lower else one for one in words]


def _spellings(words: list[StageWord], evidence: Evidence) -> list[StageWord]:
    """Join spellings of one stage: equal without case and punctuation, or a rare word very like a common one."""
    import difflib

    stages = sorted((one for one in words if one.meaning == "stage"), key=lambda one: -one.n)
    heads: list[StageWord] = []
    alias: dict[str, str] = {}
    for one in stages:
        bare = _bare(one.word)
        same = next(
            (
                head
                for head in heads
                if _bare(head.word) == bare and number_of(head.word) == number_of(one.word)
            ),
            None,
        )
        if same is None and not (evidence.given and one.word in evidence.given) and len(stages) > 3:
            rank = sense_of(one.word).rank
            rare = [head for head in heads if one.n <= 0.2 * head.n]
            like = [
                (difflib.SequenceMatcher(None, bare, _bare(head.word)).ratio(), head)
                for head in rare
                if number_of(head.word) == number_of(one.word)
            ]
            ratio, head = max(like, key=lambda pair: pair[0], default=(0.0, None))
            if head is not None and ratio >= _SPELLING and (rank is None or rank == sense_of(head.word).rank):
                same = head
        if same is None:
            heads.append(one)
        else:
            alias[one.word] = same.word
    return [
        replace(one, same_as=alias[one.word], why="spelling") if one.word in alias else one for one in words
    ]


def _bare(word: str) -> str:
    from funnelnb.data.recognise.lexicon import plain

    text = plain(word)
    return key(text) or key(word)


def _order(working: list[str], evidence: Evidence) -> tuple[list[str], str]:
    """Return the stages in order and the evidence that leads; others place what it does not cover."""
    if len(working) < 2:
        return working, "name"
    places = {
        "history": _by_history(working, evidence.history),
        "given": {
            word: evidence.given[word] for word in working if evidence.given and word in evidence.given
        },
        "number": {word: number for word in working if (number := number_of(word)) is not None}
        or _by_letter(working),
        "percent": {word: number for word in working if (number := percent_of(word)) is not None},
        "system": _by_system(working),
        "probability": {word: evidence.probability[word] for word in working if word in evidence.probability},
        "name": {word: rank for word in working if (rank := _rank(word)) is not None},
        "file": {word: float(place) for place, word in enumerate(working)},
    }
    lead = next(name for name in EVIDENCE if _leads(places[name], working))
    rest = [places[name] for name in EVIDENCE if name != lead]
    placed = sorted(
        (word for word in working if word in places[lead]),
        key=lambda word: (places[lead][word], *(one.get(word, 0.0) for one in rest)),
    )
    for word in (one for one in working if one not in places[lead]):
        _insert(placed, word, rest)
    return (_known_in_order(placed, places["name"]) if lead == "file" else placed), lead


def _known_in_order(placed: list[str], rank: Mapping[str, float]) -> list[str]:
    """Return stages in the order of the file with those of a usual place in their order; the others stay in theirs."""
    known = iter(sorted((word for word in placed if word in rank), key=lambda word: rank[word]))
    return [next(known) if word in rank else word for word in placed]


_LETTERED = re.compile(r"\s*([A-Z])(?:[.、:：)）-]\s*|\s+)\S")


def _by_letter(working: Sequence[str]) -> dict[str, float]:
    """Place stages by the letters in front of their names ("A. Lead", "B 报价"), if each has one of its own."""
    found = {word: ord(hit[1]) for word in working if (hit := _LETTERED.match(word))}
    alone = len(found) == len(working) > 2 and len(set(found.values())) == len(found)
    return {word: float(letter) for word, letter in found.items()} if alone else {}


def _unplaced(working: Sequence[str], evidence: Evidence) -> bool:
    """Whether nothing but the file tells where one of the stages stands."""
    known = {word for one in (evidence.given or {}, evidence.probability) for word in one}
    known |= {word for deal in evidence.history for word in deal}
    return any(_rank(word) is None and number_of(word) is None and word not in known for word in working)


def _by_system(working: Sequence[str]) -> dict[str, float]:
    """Place stages as the system does that comes with most of them."""
    best: dict[str, float] = {}
    for known in known_pipelines():
        found = {word: float(known[key(word)]) for word in working if key(word) in known}
        if len(found) > len(best):
            best = found
    return best if len(best) >= 3 else {}


def _rank(word: str) -> float | None:
    sense = sense_of(word)
    return _NEAR_WON if sense.meaning == "won" else sense.rank


def _leads(places: Mapping[str, float], working: Sequence[str]) -> bool:
    """Whether the evidence covers most of the stages and tells them apart."""
    return (
        len(places) >= _COVER * len(working)
        and len(set(places.values())) >= 0.6 * len(places)
        and len(set(places.values())) > 1
    )


def _insert(placed: list[str], word: str, rest: Sequence[Mapping[str, float]]) -> None:
    """Put a word behind the last one that other evidence places before it."""
    for places in rest:
        if len(set(places.values())) > 1 and word in places and any(one in places for one in placed):
            before = [k for k, one in enumerate(placed) if one in places and places[one] <= places[word]]
            placed.insert(before[-1] + 1 if before else 0, word)
            return
    placed.append(word)


def _by_history(working: Sequence[str], history: Sequence[Sequence[str]]) -> dict[str, float]:
    """Place stages by how often each is entered before the others (Copeland's rule over pairs)."""
    if not history:
        return {}
    place = {word: k for k, word in enumerate(working)}
    before = np.zeros((len(working), len(working)))
    for deal in history:
        firsts = list(dict.fromkeys(place[word] for word in deal if word in place))
        for k, one in enumerate(firsts):
            before[one, firsts[k + 1 :]] += 1
    seen = (before + before.T).sum(axis=1) > 0
    if seen.sum() < 2:
        return {}
    score = np.sign(before.T - before).sum(axis=1)
    share = (before.sum(axis=0) + 0.5) / (before.sum(axis=0) + before.sum(axis=1) + 1)
    return {word: float(score[k] + share[k]) for word, k in place.items() if seen[k]}


def _last_is_won(
    words: list[StageWord], ordered: list[str], evidence: Evidence, source: str
) -> tuple[list[StageWord], list[str]]:
    """Propose the last stage as the win; it is asked, never taken. Not where a chance says that it is none."""
    unclear = [one for one in words if one.meaning == "none" and not one.sure]
    last = ordered[-1]
    if source == "system" and last not in _by_system(ordered) and sense_of(last).rank is None:
        return words, ordered
    rank = sense_of(last).rank
    told = evidence.outcomes.get(last, {})
    doubted = (
        evidence.probability.get(last, CERTAIN) < CERTAIN or negated(last) or (told and not told.get("won"))
    )
    if unclear or len(ordered) < 2 or doubted or (rank is not None and rank < _NEAR_WON):
        return words, ordered
    return [
        replace(one, meaning="won", why="last", sure=False) if one.word == last else one for one in words
    ], ordered[:-1]


def paths(frame: pd.DataFrame, deal: str, stage: str, at: str, limit: int = 5000) -> list[list[str]]:
    """Return the stage words of each deal in the order of time (at most `limit` deals)."""
    rows = frame[[deal, stage, at]].dropna()
    ids = rows[deal].drop_duplicates()
    if len(ids) > limit:
        rows = rows[rows[deal].isin(ids.iloc[:: len(ids) // limit])]
    rows = rows.sort_values(at, kind="stable")
    return [list(map(str, one)) for one in rows.groupby(deal, sort=False)[stage].agg(list)]
