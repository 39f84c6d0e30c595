"""Which column is what? Names and contents together decide; every choice keeps its reason.

Longer than most modules: one choice after the other, each resting on those before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from funnelnb.data.contract.tables import TABLES, kind_of
from funnelnb.data.parse.values import Reading, as_text, parse
from funnelnb.data.recognise.by_content import amount_by_content, dates_by_content, stage_by_closing
from funnelnb.data.recognise.currencies import pair_currency
from funnelnb.data.recognise.deal_ids import is_unique, mostly_kept, names_an_id, tells_apart
from funnelnb.data.recognise.lexicon import UNIT, coded_outcomes, header_scores, plain, sense_of
from funnelnb.data.recognise.words import Words, both_ends, lacks_one_end, words_of
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from funnelnb.data.read.raw import Raw
    from funnelnb.data.recognise.profile import ColumnProfile

OWN, PRESET = 1.1, 1.0
"""How much a header says that is the contract's own name, or one of the recognised CRM's."""

ENOUGH = 0.35
"""Least score of a choice."""

_NAMED = 0.65
"""Score from which on a header names a column, and not only resembles its name."""

_NAMES_DEALS = 0.8
"""Score from which on a header is that of the id of a deal."""

_OF_OTHERS = re.compile(
    r"\b(account|contact|owner|user|campaign|company|customer|product|line|item|quote line)s?\b"
)

AGREES = 0.98
"""So many rows must have a date of the win where a flag says yes, and none elsewhere, for it to tell the win."""

MANY_DATES = 3
"""So many columns of dates may be the stages of a deal, though no column is called so."""

_CODE = re.compile(r"^\s*([A-Za-z]{2,4}\$?|[A-Za-z]{0,3}[$€£¥₹₽₩]|\D{1,20})\s*$")

_ROLES = ("stage", "outcome", "is_won", "is_closed")
_ACTIVE = {"active": True, "is active": True, "aktiv": True, "archived": False, "is archived": False, "actif": True,
           "activo": True, "ativo": True, "archiviert": False, "archive": False, "активен": True}  # fmt: skip
_DAY_ZH = re.compile(r"日期|时间|日時|日$|时$")
_SIGNED_UP = re.compile(r"\bsign(ed|s|ing)?( |-)?(up|on|in)\b")
EITHER = re.compile(r"[/|／]|\b(or|oder|ou|of|lub|или)\b|或", re.IGNORECASE)
_EXPECTED = re.compile(
    r"\b(expect|estim|forecast|plan|target|anticip|project|erwart|voraus|geplant|prev|prevu|previst|verwacht|przewid|ожида|план)"
    r"|预计|预期|计划|予定|예상"
)
_COMPANY = re.compile(
    r"\b(accounts?|compan(y|ies)|organi[sz]ations?|org|firma|empresa|societe|azienda)\b|公司|企业"
)
"""Words of headers of firms: one of them may have another deal tomorrow, so it never tells deals apart."""

_LOST_FLAGS = ("is lost", "lost", "lost flag", "deal lost")
_NO_EVENT = (
    "birth", "modif", "update", "last", "next", "sync", "contact date", "follow", "due", "due date",
    "reminder", "since", "founded", "deleted", "viewed", "activity", "contacted", "touch", "phone", "renewal",
    "delivery", "expiry", "expiration", "修改", "更新", "下次", "最近", "最后", "回款", "到期",
    "生日",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One column of the contract and where it comes from.

    Attributes
    ----------
    column, source : str
    score : float
        0 to about 1.1.
    why : {"said", "contract", "crm", "name", "pattern", "content", "cells"}
        ``"cells"``: its header says nothing, so it is asked about.
    """

    column: str
    source: str
    score: float
    why: str


@dataclass(slots=True)
class Columns:
    """What was understood of one table.

    Attributes
    ----------
    found : dict of str to Choice
        By column of the contract.
    active : str
        Column that says whether the row is active (archived rows), empty if there is none.
    active_means : bool
        Whether "yes" in it means active.
    won_date, lost_date : str
        Dates of the win and of the loss where they stand in two columns.
    lost_flag : str
        Column that says yes where a deal was lost.
    codes : dict of str to str
        What the codes of the outcome column mean, where it holds codes.
    absent : set of str
        Columns of the contract that no column of the source is, though one is called so.
    """

    found: dict[str, Choice] = field(default_factory=dict)
    active: str = ""
    active_means: bool = True
    won_date: str = ""
    lost_date: str = ""
    lost_flag: str = ""
    codes: dict[str, str] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)

    def source(self, column: str) -> str:
        """Return the column of the file, empty if none was found."""
        return self.found[column].source if column in self.found else ""

    @property
    def used(self) -> set[str]:
        """Columns of the file that are read."""
        return {one.source for one in self.found.values()}


def find(
    table: str,
    raw: Raw,
    profiles: Sequence[ColumnProfile],
    *,
    said: Mapping[str, str],
    preset: Mapping[str, Iterable[str]],
    guess: bool = True,
) -> Columns:
    """Which column of the source is which of the contract?

    Parameters
    ----------
    table : str
    raw : Raw
    profiles : sequence of ColumnProfile
        One per column of the table.
    said : Mapping of str to str
        What the settings say; it stays. An empty text: no column holds it.
    preset : Mapping of str to iterable of str
        Headers of the recognised CRM.
    guess : bool
        False: only the contract's own names and those that were said.

    Returns
    -------
    Columns
    """
    result = Columns(
        found={one: Choice(column=one, source=at, score=2.0, why="said") for one, at in said.items()}
    )
    scored = _scores(table, profiles, preset, guess=guess)
    if table == "opportunities":
        _take(
            result,
            [
                one
                for one in scored
                if one.score >= PRESET - 0.1
                and one.why != "name"
                and one.column in _ROLES
                and _is_that(one, raw)
                and not (guess and _says_nothing(one, raw, profiles))
            ],
        )
        if guess:
            _roles(result, raw, profiles, scored)
    _take(result, [one for one in scored if table != "opportunities" or one.column not in _ROLES])
    if table == "opportunities" and guess:
        _of_deals(result, raw, profiles, scored)
    result.found = {
        column: one for column, one in result.found.items() if one.source
    }  # "": said not to be there
    return result


def _of_deals(result: Columns, raw: Raw, profiles: Sequence[ColumnProfile], scored: Sequence[Choice]) -> None:
    """Correct and complete the columns of deals, after their names, by what they hold."""
    pair_currency(result, raw, profiles, scored)
    _id(result, raw, profiles, scored)
    _dates(result, raw, profiles)
    _activity(result, profiles)
    _flag_of_the_win(result, raw, profiles)
    _by_closing(result, raw, profiles)
    if result.found:
        _nameless(result, raw, profiles)


def _by_closing(result: Columns, raw: Raw, profiles: Sequence[ColumnProfile]) -> None:
    """Find stage and close by each other, where no column is called so."""
    if {"stage", "outcome", "is_won"} & set(result.found):
        return
    pair = stage_by_closing(raw, profiles, result.used - {result.source("closed_at")})
    if pair is not None and result.source("closed_at") in ("", pair[1]):
        result.found["stage"] = Choice(column="stage", source=pair[0], score=ENOUGH, why="cells")
        if "closed_at" not in result.found:
            result.found["closed_at"] = Choice(column="closed_at", source=pair[1], score=ENOUGH, why="cells")


def _nameless(result: Columns, raw: Raw, profiles: Sequence[ColumnProfile]) -> None:
    """Find dates and amounts whose headers say nothing, where some column tells stage or outcome, or several a day."""
    days = sum(one.kind == "date" for one in profiles)
    if not {"stage", "outcome", "is_won"} & set(result.found):
        amount = amount_by_content(raw, profiles, result.used) if days >= MANY_DATES else ""
        if amount and not {"amount", "expected_amount"} & set(result.found):
            result.found["amount"] = Choice(column="amount", source=amount, score=ENOUGH, why="cells")
        return
    taken = result.used | {result.won_date, result.lost_date}
    ended = "closed_at" in result.found or result.won_date
    wanted = [one for one in ("created_at", "closed_at") if one not in result.found]
    found = dates_by_content(
        raw,
        profiles,
        taken,
        [one for one in wanted if one == "created_at" or not ended],
        result.source("created_at"),
    )
    if not {"amount", "expected_amount"} & set(result.found):
        amount = amount_by_content(raw, profiles, taken | set(found.values()))
        found |= {"amount": amount} if amount else {}
    for column, source in found.items():
        result.found[column] = Choice(column=column, source=source, score=ENOUGH, why="cells")


def _is_that(choice: Choice, raw: Raw) -> bool:
    """Whether the words of an outcome column by name tell ends, not stages."""
    if choice.column != "outcome" or choice.why == "contract":
        return True
    words = words_of(raw, choice.source)
    return words is None or words.as_outcome or words.stages < 0.1


def _says_nothing(choice: Choice, raw: Raw, profiles: Sequence[ColumnProfile]) -> bool:
    """Whether a column called "Outcome" holds no word of any end, while another one tells all of them."""
    words = words_of(raw, choice.source) if choice.column == "outcome" else None
    if words is None or words.ended or words.open or words.unclear:
        return False
    others = [
        words_of(raw, one.name) for one in profiles if one.kind == "category" and one.name != choice.source
    ]
    return any(one is not None and one.as_outcome and one.won > 0 and one.known_n > 1 for one in others)


def _scores(  # noqa: C901
    table: str, profiles: Sequence[ColumnProfile], preset: Mapping[str, Iterable[str]], *, guess: bool
) -> list[Choice]:
    """Return every possible choice, the best first."""
    found = []
    known = {
        column: {fold(word): place for place, word in reversed(list(enumerate(words)))}
        for column, words in preset.items()
    }
    own = {fold(one.name): one.name for one in TABLES[table]}
    for one in profiles:
        scores: dict[str, tuple[float, str]] = {}
        if guess:
            for column, score in header_scores(one.name, table).items():
                scores[column] = (score, "name" if score > 0.65 else "pattern")
            for column, words in known.items():
                if fold(one.name) in words:
                    scores[column] = (PRESET - 0.02 * words[fold(one.name)], "crm")
        if fold(one.name) in own:
            scores[own[fold(one.name)]] = (OWN, "contract")
        for column, (score, why) in scores.items():
            kind = kind_of(table, column) if column in own.values() else "text"
            fit = 1.0 if why == "contract" or not guess else one.fits(kind)
            if column == "currency" and not any(_CODE.match(sample) for sample in one.samples):
                continue
            if column == "opportunity_id" and table == "opportunities" and why != "contract":
                fit *= 1.0 if one.unique else 0.75 if one.distinct_n > 0.9 * one.filled_n else 0.3
                if (
                    not one.unique
                    and score >= _NAMES_DEALS
                    and one.distinct_n > 0.3 * one.filled_n
                    and names_an_id(one.name)
                ):
                    fit = max(
                        fit, ENOUGH / score
                    )  # several rows of a deal, such as one per product or contact
            if fit * score >= ENOUGH:
                found.append(Choice(column=column, source=one.name, score=fit * score, why=why))
    return sorted(found, key=lambda one: (-round(one.score, 6), fold(one.source), one.source))


def _take(result: Columns, choices: Iterable[Choice]) -> None:
    """Take the best choice for each column, each source once."""
    for one in choices:
        if one.column not in result.found and one.source not in result.used:
            result.found[one.column] = one


def _roles(result: Columns, raw: Raw, profiles: Sequence[ColumnProfile], scored: Sequence[Choice]) -> None:
    """Find the stage, the outcome and the flags among the columns that hold few words."""
    name: dict[tuple[str, str], float] = {}
    for choice in scored:
        place = (choice.source, choice.column)
        name[place] = max(name.get(place, 0.0), choice.score)
    candidates = {}
    for column in profiles:
        named = (column.name, "stage") in name or (column.name, "outcome") in name
        coded = column.kind == "number" and name.get((column.name, "stage"), 0.0) >= 0.5  # ids of stages
        worded = column.kind == "category" or (column.kind == "text" and named)
        if (coded or worded) and not column.is_flag and column.fits("stage"):
            words = words_of(raw, column.name)
            if words is not None and column.name not in result.used:
                candidates[column.name] = words
    _coded(result, raw, profiles)
    taken = words_of(raw, result.source("stage")) if result.source("stage") in raw.frame else None
    _stage_and_outcome(result, candidates, name, taken)
    _second_status(result, raw, candidates, name)
    _unclear_beside_stage(result, raw)
    flags = [one for one in scored if one.column in ("is_won", "is_closed")]
    told = any(
        candidates[at].won for at in (result.source("stage"), result.source("outcome")) if at in candidates
    )
    if not told:
        _take(result, flags)
    else:
        _take(result, [one for one in flags if one.score >= PRESET - 0.1])


def _coded(result: Columns, raw: Raw, profiles: Sequence[ColumnProfile]) -> None:
    """Find an outcome column that holds codes."""
    known = result.found.get("outcome")
    for one in profiles:
        if not 0 < one.distinct_n <= 6 or (known is not None and known.source != one.name):
            continue
        meant = coded_outcomes(one.name, as_text(raw.frame[one.name]).dropna().unique())
        if meant:
            result.codes = dict(meant)
            result.found["outcome"] = Choice(column="outcome", source=one.name, score=1.0, why="content")
            return


def _stage_and_outcome(
    result: Columns,
    candidates: Mapping[str, Words],
    name: Mapping[tuple[str, str], float],
    taken: Words | None,
) -> None:
    """Choose both by name and words; a column of ends alone is the outcome, whatever it is called."""

    def content(one: Words) -> float:
        constant = 0.3 if len(one.counts) == 1 else 0.0
        return (0.7 if one.known_n > 2 else 0.5) * (
            one.stages + one.ended + one.open + one.unclear
        ) - constant

    stages, ends = [], []
    known = [*candidates.values(), *([taken] if taken is not None else [])]
    steps = {
        words.source for words in known if words.stages > 0.5 and not words.ended and len(words.counts) > 1
    }
    for source, words in candidates.items():
        as_stage, as_outcome = name.get((source, "stage"), 0.0), name.get((source, "outcome"), 0.0)
        telling = words.known_n >= 2 and words.stages + words.ended + words.open >= 0.6
        both = words.steps_n > 1 and not steps - {source}  # the few open deals stand at stages
        ends_alone = (words.as_outcome and not both) or (as_outcome > 0 and lacks_one_end(words))
        if both_ends(words) and any(steps - {source}):
            ends_alone = telling = True
        if ends_alone and (as_stage or as_outcome or (telling and words.ended > 0)):
            ends.append((max(as_outcome, 0.9 * as_stage) + content(words) + 0.2 * (words.won > 0), source))
        elif as_stage or (as_outcome and words.known_n >= 2) or (telling and words.stages > 0):
            stages.append((as_stage + 0.3 * as_outcome + content(words), source))
    stages = [one for one in stages if one[0] >= 0.6 or name.get((one[1], "stage"), 0.0) >= 0.8]
    for column, found in (("stage", stages), ("outcome", ends)):
        if found and column not in result.found:
            score, source = max(found, key=lambda one: one[0])
            if source in result.used:
                continue
            why = "name" if name.get((source, column), 0.0) > 0.65 else "content"
            result.found[column] = Choice(column=column, source=source, score=score, why=why)


def _second_status(
    result: Columns, raw: Raw, candidates: Mapping[str, Words], name: Mapping[tuple[str, str], float]
) -> None:
    """Where the stage tells no end but another column of stages does, that one tells the outcome."""
    at = result.source("stage")
    words = words_of(raw, at) if at in raw.frame else None
    if "outcome" in result.found or words is None or words.ended:
        return
    others = [
        (max(name.get((one, "stage"), 0.0), name.get((one, "outcome"), 0.0)), one)
        for one, seen in candidates.items()
        if one != at and seen.ended > 0 and seen.known_n >= 2 and one not in result.used
    ]
    others = [one for one in others if one[0] >= ENOUGH]
    if others:
        score, source = max(others)
        result.found["outcome"] = Choice(column="outcome", source=source, score=score, why="content")


def _unclear_beside_stage(result: Columns, raw: Raw) -> None:
    """Leave out an outcome that only says that deals are closed, or all open, where the stage tells of ends."""
    stage, outcome = result.source("stage"), result.found.get("outcome")
    if outcome is None or outcome.why == "said" or stage not in raw.frame or outcome.source not in raw.frame:
        return
    ends, steps = words_of(raw, outcome.source), words_of(raw, stage)
    if ends is None or steps is None or ends.ended:
        return
    if (ends.unclear and steps.ended) or (ends.open == 1 and (steps.ended or steps.unclear)):
        del result.found["outcome"]


def _id(result: Columns, raw: Raw, profiles: Sequence[ColumnProfile], scored: Sequence[Choice]) -> None:
    """Make sure that the id tells deals apart; else look for another column, or use none."""
    found = result.found.get("opportunity_id")
    by_name = {one.name: one for one in profiles}
    if found is not None and (found.why == "said" or is_unique(raw, found.source)):
        return
    spoilt = found is not None and by_name[found.source].spoilt
    if found is not None and not spoilt and found.source == "opportunity_id":
        return
    rest = [
        one
        for one in scored
        if one.column == "opportunity_id" and (found is None or one.source != found.source)
    ]
    spare = [one.source for one in rest if one.source not in result.used]
    account = result.found.get("account_id")
    if account is not None and account.why != "said" and not _COMPANY.search(plain(account.source)):
        spare.append(result.found["account_id"].source)
    spare += [
        one.name for one in profiles if (one.guid or names_an_id(one.name)) and one.name not in result.used
    ]
    spare = [
        one for one in spare
        if not by_name[one].spoilt and by_name[one].unique and (by_name[one].guid or names_an_id(one))
        and not (found is not None and _OF_OTHERS.search(plain(one)))
        and is_unique(raw, one)
    ]  # fmt: skip
    if spare:
        _move(result, "opportunity_id", spare[0])
    elif spoilt and mostly_kept(raw, found.source):  # type: ignore[union-attr]
        return  # the damaged ones are kept apart by their rows when the ids are read
    elif found is not None and (spoilt or (found.why != "contract" and not tells_apart(raw, found.source))):
        del result.found["opportunity_id"]


def _move(result: Columns, column: str, source: str) -> None:
    for other in [name for name, one in result.found.items() if one.source == source]:
        del result.found[other]
    result.found[column] = Choice(column=column, source=source, score=0.6, why="content")


def _dates(result: Columns, raw: Raw, profiles: Sequence[ColumnProfile]) -> None:
    """Find the dates of win and loss in columns of their own; else the only dates there are."""
    dates = [
        one
        for one in profiles
        if one.kind == "date" and one.name not in result.used - {result.source("closed_at")}
    ]
    for one in dates:
        means = _end_of(one.name)
        if means == "won":
            result.won_date = result.won_date or one.name
        if means == "lost":
            result.lost_date = result.lost_date or one.name
    if "created_at" in result.found:
        _created_before_close(result, raw, dates)
        return
    free = [
        one for one in dates
        if one.name not in (result.source("closed_at"), result.won_date, result.lost_date)
        and not any(word in plain(one.name) or word in one.name for word in _NO_EVENT)
        and _named_neutrally(one.name)
    ]  # fmt: skip
    free = [one for one in free if _before(raw, one.name, result.source("closed_at"))]
    if free:
        first = max(free, key=lambda one: (one.filled_share, -one.place))
        result.found["created_at"] = Choice(column="created_at", source=first.name, score=0.5, why="content")


def _created_before_close(result: Columns, raw: Raw, dates: Sequence[ColumnProfile]) -> None:
    """Take another date of creation where the one that was found often lies after the close, and the other does not.

    Tables of a database have both: when the deal was created, and when its row was written there.
    """
    found, closed = result.found["created_at"], result.source("closed_at")
    if found.why == "said" or found.source not in raw.frame or _before(raw, found.source, closed):
        return
    scores = {one.name: header_scores(one.name).get("created_at", 0.0) for one in dates}
    others = [
        name for name, score in scores.items() if score >= _NAMED and name not in (found.source, closed)
    ]
    others = [name for name in others if _before(raw, name, closed)]
    if others:
        best = max(others, key=lambda name: scores[name])
        result.found["created_at"] = Choice(
            column="created_at", source=best, score=scores[best], why="content"
        )


def _end_of(name: str) -> str:
    """Return which end a date column is the date of, empty if none ("Won on", "rejected_date", 赢单时间)."""
    words = _SIGNED_UP.sub(" ", plain(name)).split()
    if EITHER.search(name) or "expected_close_at" in header_scores(name) or _EXPECTED.search(plain(name)):
        return ""
    if {"won", "win", "sold", "hired", "booked", "booking"} & set(words) or "赢单" in name:
        return "won"
    if {"lost", "loss", "rejected", "rejection", "dropped", "declined"} & set(words) or "输单" in name:
        return "lost"
    senses = {
        sense_of(word).meaning
        for word in (*words, UNIT.sub("", name), _DAY_ZH.sub("", name))
        if len(word) > 1
    }
    ends = {"won" if one == "won" else "lost" for one in senses if one == "won" or one.startswith("lost")}
    return ends.pop() if len(ends) == 1 else ""


def _named_neutrally(name: str) -> bool:
    """Whether a date column says no more than that it is the date of the deal."""
    neutral = {
        "date", "datetime", "time", "timestamp", "day", "month", "at", "on", "dt", "ts", "period", "deal",
        "opportunity", "lead", "opp", "sales", "sale", "record", "datum", "fecha", "data", "дата", "jour",
        "inquiry", "quote", "proposal", "event", "report", "order", "of",
    }  # fmt: skip
    return set(plain(name).split()) <= neutral or name in ("日期", "时间", "单据日期", "登记时间")


def _before(raw: Raw, date: str, closed: str) -> bool:
    """Whether a date mostly lies before the close."""
    if not closed or closed not in raw.frame:
        return True
    first, last = (
        parse(raw.frame[one], "datetime", Reading(), {"file": "", "column": one}) for one in (date, closed)
    )
    if first.undecided or last.undecided:
        return True
    both = first.values.notna() & last.values.notna()
    return not both.any() or bool((first.values[both] <= last.values[both]).mean() >= 0.8)


def _flag_of_the_win(result: Columns, raw: Raw, profiles: Sequence[ColumnProfile]) -> None:
    """Find a column that says yes where the date of the win stands, no elsewhere: it is asked about."""
    at = result.won_date
    if not at or {"stage", "outcome", "is_won"} & set(result.found):
        return
    dated = as_text(raw.frame[at]).notna()
    for one in profiles:
        if not one.is_flag or one.name in result.used:
            continue
        flags = parse(raw.frame[one.name], "flag", Reading(), {}).values
        yes, no = (flags.eq(answer).fillna(value=False).astype(bool) for answer in (True, False))
        if no.any() and (yes == dated).mean() >= AGREES:
            result.found["is_won"] = Choice(column="is_won", source=one.name, score=ENOUGH, why="cells")
            return


def _activity(result: Columns, profiles: Sequence[ColumnProfile]) -> None:
    """Find a column that says whether a row is active or archived."""
    for one in profiles:
        if (
            one.is_flag
            and plain(one.name) in ("is lost", "lost", "lost flag", "deal lost")
            and one.name not in result.used
        ):
            result.lost_flag = one.name
    for one in profiles:
        if one.is_flag and plain(one.name) in _ACTIVE and one.name not in result.used:
            result.active, result.active_means = one.name, _ACTIVE[plain(one.name)]
            return
