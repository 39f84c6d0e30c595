"""From the files of an export to proposed settings: what each is, which column is what, what the stages mean.

A proposal is the settings file that a careful user would have written, with the reason for every line and the
questions that only the user can answer. What the settings say already stays as it is.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import MappingError
from funnelnb.core.note import Note
from funnelnb.data.contract.settings import ROW_NUMBER, Settings
from funnelnb.data.parse.values import Reading, as_text, parse
from funnelnb.data.recognise.assign import ENDED, words_of
from funnelnb.data.recognise.lexicon import key, plain, sense_of
from funnelnb.data.recognise.profile import SPOILT
from funnelnb.data.recognise.relate import bookings, corrections, joins
from funnelnb.data.recognise.shape import REPEATED, Sheet, stage_dates
from funnelnb.data.recognise.stages import Evidence, StagePlan, StageWord, paths, plan
from funnelnb.playbooks.model import fold
from funnelnb.playbooks.validate import LOST_NAMES, WON_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from funnelnb.playbooks.model import Playbook

_CODES = re.compile(
    r"\b(usd|eur|gbp|inr|cny|rmb|jpy|brl|cad|aud|chf|mxn|rub|pln|sek|nok|dkk|zar|aed|sgd|hkd|krw|try)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What only the user can know, with what is proposed.

    Attributes
    ----------
    code : str
        Key of the sentence in the language files.
    values : Mapping
        Facts that it names.
    line : str
        Line of the settings that answers it as proposed.
    """

    code: str
    values: Mapping[str, Any]
    line: str = ""


@dataclass(slots=True, kw_only=True)
class Proposal:
    """Proposed settings, and why.

    Attributes
    ----------
    document : dict
        As a settings file holds it; what the settings said already is not repeated.
    sheets : list of Sheet
        Every file and sheet that was looked at.
    deals, history : Sheet or None
    crm : str
        Label of the CRM whose headers these are, empty if none.
    stages : StagePlan or None
    outcomes : tuple of StageWord
        Words of the outcome column.
    questions : list of Question
        Empty if everything is recognised beyond doubt.
    notes : list of Note
        What was guessed, to be told with every result.
    model : str
        Built-in stage model whose stages these are, empty if none.
    said : Settings
        What the settings said already.
    """

    document: dict[str, Any] = field(default_factory=dict)
    sheets: list[Sheet] = field(default_factory=list)
    deals: Sheet | None = None
    history: Sheet | None = None
    crm: str = ""
    stages: StagePlan | None = None
    outcomes: tuple[StageWord, ...] = ()
    questions: list[Question] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    model: str = ""
    said: Settings = field(default_factory=Settings)

    @property
    def sure(self) -> bool:
        """Whether nothing has to be asked."""
        return not self.questions

    def note(self, code: str, **values: Any) -> None:
        """Tell what was guessed."""
        self.notes.append(Note(code, values))

    def ask(self, code: str, line: str = "", **values: Any) -> None:
        """Ask what only the user can know."""
        self.questions.append(Question(code=code, values=values, line=line))

    def table(self, name: str) -> dict[str, Any]:
        """Return the part of the document that is about one table."""
        part: dict[str, Any] = self.document.setdefault("tables", {}).setdefault(name, {})
        return part

    def unread(self) -> dict[str, list[str]]:
        """Return the columns that are not read, by file."""
        found = {}
        for sheet in self.sheets:
            used = self._used(sheet)
            rest = [one.name for one in sheet.profiles if one.name not in used]
            if rest and used:
                found[sheet.raw.file] = rest
        return found

    def _used(self, sheet: Sheet) -> set[str]:
        used: set[str] = set()
        if sheet is self.deals:
            used |= sheet.columns.used | {one for one in (sheet.columns.active,) if one}
            used |= set(self.table("opportunities").get("stage_dates", {}).values())
        if sheet is self.history:
            used |= {name for role, name in sheet.log.items() if role != "field_value"}
        for join in self.document.get("tables", {}).get("opportunities", {}).get("joins", []):
            if join["file"] == sheet.file and join.get("sheet", "") == sheet.sheet:
                used |= {*join["columns"].values(), *join["on"].values()}
        return used


def propose(
    sheets: Sequence[Sheet], settings: Settings, playbook: Playbook | None = None, crm: str = ""
) -> Proposal:
    """Which settings would read these files?

    Parameters
    ----------
    sheets : sequence of Sheet
        What was found.
    settings : Settings
        What is said already.
    playbook : Playbook, optional
        The stage model, where it is said.
    crm : str
        Label of the recognised CRM.

    Returns
    -------
    Proposal
    """
    result = Proposal(sheets=list(sheets), crm=crm, said=settings)
    result.deals, booked = _deals(sheets)
    result.history = _history(sheets, result.deals)
    if result.deals is None and result.history is not None:
        result.deals = result.history
    if result.deals is None:
        return result
    _place(result, settings)
    deals = result.deals
    _ids(result, deals)
    _log_columns(result, settings)
    words = _column_words(deals, "stage")
    dates = {} if settings.table("opportunities").stage_dates else stage_dates(deals, words)
    _end_dates(result, deals)
    if booked is not None:
        _booked(result, deals, booked)
    _stages(result, deals, dates, settings, playbook, booked=booked is not None)
    _columns(result, deals, settings)
    _joins(result, deals, settings)
    _money(result, deals, settings)
    return result


def refuse_unsure(proposal: Proposal, name: str) -> None:
    """Raise MappingError with every question and what is proposed, if there is any."""
    if not proposal.questions:
        return
    asked = "\n".join(
        f"  {k}. {_ASKED[one.code].format_map(dict(one.values))}"
        + (f"\n     proposed: {one.line}" if one.line else "")
        for k, one in enumerate(proposal.questions, start=1)
    )
    n = len(proposal.questions)
    raise MappingError(
        f"{name}: {n} thing{'s' if n > 1 else ''} in these data can be read in two ways:\n{asked}",
        expected="settings that say so, or your consent to what is proposed",
        hint="funnelnb import DATA (in a shell), or load(data, mapping=propose(data)) to agree to all; "
        "or write the lines above into funnelnb.toml",
    )


_ASKED = {
    "no_stage_found": "{file}: no column tells the stage or the outcome of a deal",
    "won_unknown": "no word says that a deal was won; the last stage is {word!r} ({n} deals)",
    "closed_unclear": "{word!r} ({n} deals): won or lost?",
    "word_unclear": "{word!r} ({n} deals): {meaning}?",
    "order_unknown": "in which order do the stages stand: {stages}?",
    "archived_unclear": "{n} rows have {column!r} = {value!r} but no reason for a loss: are they lost?",
    "several_currencies": "{column!r} holds several currencies ({names}): only the amounts in {main} would count",
}


def _deals(sheets: Sequence[Sheet]) -> tuple[Sheet | None, Any]:
    """Return the table of deals; where none tells a stage or an end, one whose bookings stand in another file."""
    best = _best(sheets, "opportunities")
    tables = [one for one in sheets if one.kind in ("opportunities", "other", "accounts", "contacts")]
    if best is not None and best.placed:
        return best, None
    for one in sorted(tables, key=lambda one: -len(one.raw.frame)):
        booked = bookings(one, sheets) if not one.placed else None
        if booked is not None:
            one.kind = "opportunities"
            return one, booked
    return best, None


def _best(sheets: Sequence[Sheet], kind: str) -> Sheet | None:
    found = [one for one in sheets if one.kind == kind]
    return max(found, key=lambda one: (round(one.score, 2), len(one.raw.frame)), default=None)


def _history(sheets: Sequence[Sheet], deals: Sheet | None) -> Sheet | None:
    """Return the history whose keys are the deals' ids, or the only one there is."""
    logs = [one for one in sheets if one.log and one is not deals]
    found = [one for one in logs if one.kind == "stage_history"] or [
        one for one in logs if one.kind in ("other", "opportunities")
    ]
    if deals is None:
        return _best(sheets, "stage_history")
    if deals.log and deals.kind == "opportunities" and _repeats(deals):
        return deals
    at = deals.columns.source("opportunity_id")
    if not at:
        return None
    ids = set(as_text(deals.raw.frame[at], blanks=False).dropna())
    shares = []
    for one in found:
        keys = set(as_text(one.raw.frame[one.log["opportunity_id"]], blanks=False).dropna())
        shares.append((len(keys & ids) / max(len(keys), 1), one))
    share, best = max(shares, key=lambda pair: pair[0], default=(0.0, None))
    return best if share >= 0.5 else None


def _repeats(sheet: Sheet) -> bool:
    at = sheet.columns.source("opportunity_id") or sheet.log.get("opportunity_id", "")
    if not at:
        return False
    ids = as_text(sheet.raw.frame[at], blanks=False).dropna()
    return len(ids) > 0 and ids.nunique() < REPEATED * len(ids)


def _place(result: Proposal, settings: Settings) -> None:
    """Say in which file and sheet the tables stand, where the settings do not."""
    for name, sheet in (("opportunities", result.deals), ("stage_history", result.history)):
        if sheet is None or settings.table(name).file or not sheet.file:
            continue
        result.table(name)["file"] = sheet.file
        if sheet.sheet:
            result.table(name)["sheet"] = sheet.sheet
        others = [
            one.sheet
            for one in result.sheets
            if one.file == sheet.file and one is not sheet and one.kind == "other"
        ]
        if name == "opportunities" and others:
            result.note("sheet_chosen", file=sheet.file, sheet=sheet.sheet, others=", ".join(others))


def _ids(result: Proposal, deals: Sheet) -> None:
    """Say by what the deals are told apart: an id, else their rows."""
    found = deals.columns.found
    if result.history is deals or (_repeats(deals) and deals.log):
        found["opportunity_id"] = _choice("opportunity_id", deals.log["opportunity_id"])
        result.table("opportunities")["newest_by"] = deals.log["entered_at"]
        for column in ("created_at", "closed_at", "expected_close_at"):
            if deals.columns.source(column) == deals.log["entered_at"]:
                del found[column]
        result.note("deals_from_history", file=deals.raw.file, column=deals.log["opportunity_id"])
        return
    if "opportunity_id" in found and found["opportunity_id"].source == ROW_NUMBER:
        return
    if "opportunity_id" not in found:
        spoilt = next((one.name for one in deals.profiles if one.spoilt and SPOILT.match(one.samples[0])), "")
        found["opportunity_id"] = _choice("opportunity_id", ROW_NUMBER)
        if spoilt:
            result.note("ids_numbered", file=deals.raw.file, column=spoilt)


def _choice(column: str, source: str) -> Any:
    from funnelnb.data.recognise.assign import Choice

    return Choice(column=column, source=source, score=0.6, why="content")


def _log_columns(result: Proposal, settings: Settings) -> None:
    """Say which columns of the history are what."""
    log = result.history.log if result.history is not None else {}
    if not log:
        return
    part = result.table("stage_history")
    said = settings.table("stage_history").columns
    part["columns"] = {
        role: log[role]
        for role in ("opportunity_id", "stage", "entered_at", "left_at", "old_stage")
        if role in log and role not in said
    }
    if "field_value" in log:
        part["only"] = {log["field"]: log["field_value"]}


def _column_words(sheet: Sheet, column: str) -> dict[str, int]:
    at = sheet.columns.source(column)
    found = words_of(sheet.raw, at) if at and at in sheet.raw.frame else None
    return dict(found.counts) if found is not None else {}


def _end_dates(result: Proposal, deals: Sheet) -> None:
    """Take the close from the dates of win and loss where there is no one column for both."""
    columns = deals.columns
    pair = [one for one in (columns.won_date, columns.lost_date) if one]
    if len(pair) == 2 and (columns.source("closed_at") in ("", *pair)):
        columns.found["closed_at"] = _choice("closed_at", pair[0])
        result.table("opportunities").setdefault("columns", {})["closed_at"] = pair
    words = _column_words(deals, "stage")
    if {"outcome", "is_won"} & set(columns.found) or any(sense_of(word).meaning == "won" for word in words):
        return
    part = result.table("opportunities")
    if columns.won_date:
        part["won_when"] = {columns.won_date: "*"}
        if columns.lost_date:
            part["lost_when"] = {columns.lost_date: "*"}


def _booked(result: Proposal, deals: Sheet, booked: Any) -> None:
    """Join the file of bookings: a lead with a booking is won, one without is open."""
    part = result.table("opportunities")
    part.setdefault("joins", []).append(booked.join)
    part["won_when"] = {"closed_at": "*"}
    result.note(
        "bookings_joined",
        file=deals.raw.file,
        other=booked.join["file"],
        column=next(iter(booked.join["on"])),
        n=booked.n,
        of_n=len(deals.raw.frame),
    )


# ---- stages and outcomes ------------------------------------------------------------------------------------


def _stages(
    result: Proposal,
    deals: Sheet,
    dates: Mapping[str, str],
    settings: Settings,
    playbook: Playbook | None,
    *,
    booked: bool,
) -> None:
    """Propose the stage model, and the words that neither it nor the common words explain."""
    columns = deals.columns
    part = result.table("opportunities")
    if result.history is deals:
        for name in ("stage", "outcome"):
            columns.found.pop(name, None)
        columns.found["stage"] = _choice("stage", deals.log["stage"])
    outcome_words = _outcome_words(result, deals)
    flags = bool({"is_won"} & set(columns.found)) or "won_when" in part
    told = any(one.meaning == "won" for one in outcome_words) or flags or booked
    evidence = _evidence(result, deals, dates, outcome_words)
    ends_by_date = any(sense_of(word).meaning == "won" for word in dates)
    found = plan(evidence, outcome_told=told or ends_by_date)
    result.stages, result.outcomes = found, outcome_words
    if dates:
        part["stage_dates"] = _dates_by_stage(dates, found)
    _flag(result, deals)
    _active(result, deals, found, outcome_words)
    if playbook is not None or settings.playbook is not None:
        return
    if not (evidence.counts or told or part.get("won_when")):
        result.ask("no_stage_found", file=deals.raw.file)
        return
    _own_model(result, found, told=told)


def _outcome_words(result: Proposal, deals: Sheet) -> tuple[StageWord, ...]:
    found = []
    for word, n in _column_words(deals, "outcome").items():
        sense = sense_of(word)
        if sense.meaning in ENDED:
            found.append(StageWord(word=word, n=n, meaning=sense.meaning, sure=True))
        elif sense.meaning == "unclear":
            found.append(StageWord(word=word, n=n, meaning="left", why="rest", sure=False))
        else:
            found.append(StageWord(word=word, n=n, meaning="open", why="name" if sense.meaning else "rest"))
    won = any(one.meaning == "won" for one in found)
    lost = any(one.meaning.startswith("lost") for one in found)
    if not won:  # "Closed" beside "Lost" can only be the win; alone it may be either, so it is asked
        found = [
            StageWord(word=one.word, n=one.n, meaning="won", why="rest", sure=lost and one.sure)
            if not one.sure and one.meaning == "left"
            else one
            for one in found
        ]
    return tuple(found)


def _evidence(
    result: Proposal, deals: Sheet, dates: Mapping[str, str], outcome_words: Sequence[StageWord]
) -> Evidence:
    counts = _column_words(deals, "stage")
    history: list[list[str]] = []
    if result.history is not None:
        history, log_words = _paths(result.history)
        counts = {**counts, **{word: n for word, n in log_words.items() if word not in counts}}
    for word in dates:
        if not any(key(word) == key(one) for one in counts):
            counts[word] = int(deals.column(dates[word]).filled_n)
    given = _date_order(deals, dates) if dates else None
    reference = _reference(result, counts)
    return Evidence(
        counts=counts,
        probability=_probability(deals),
        outcomes=_crossed(deals, outcome_words),
        history=history,
        given=reference[0] or given,
        meanings=reference[1],
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
    at = (
        parsed.values if len(parsed.values) == len(frame) else pd.Series(range(len(frame)), index=frame.index)
    )
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
        before = pd.DataFrame({"deal": rows["deal"], "stage": first, "at": at - pd.Timedelta(seconds=1)})
        rows = pd.concat([before.dropna(), rows])
        for word, n in first.value_counts().items():
            counts.setdefault(str(word), int(n))
    return paths(rows, "deal", "stage", "at"), counts


def _date_order(deals: Sheet, dates: Mapping[str, str]) -> dict[str, float]:
    """Place stages by the order of their columns."""
    place = {one.name: float(one.place) for one in deals.profiles}
    return {word: place[column] for word, column in dates.items()}


def _reference(result: Proposal, counts: Mapping[str, int]) -> tuple[dict[str, float], dict[str, str]]:
    """Return order and meaning of stages from a table that lists them (by id or by label)."""
    for sheet in result.sheets:
        if sheet.kind != "stages":
            continue
        names = [one.name for one in sheet.profiles if one.unique or one.kind in ("category", "text")]
        shares = {one: len(set(as_text(sheet.raw.frame[one]).dropna()) & set(counts)) for one in names}
        at = max(shares, key=lambda one: shares[one], default="")
        if at and shares[at] >= 0.6 * min(len(counts), len(sheet.raw.frame)) and shares[at] > 1:
            return _read_reference(sheet, at, counts)
    return {}, {}


def _read_reference(
    sheet: Sheet, at: str, counts: Mapping[str, int]
) -> tuple[dict[str, float], dict[str, str]]:
    frame = sheet.raw.frame
    ids = as_text(frame[at])
    order = next(
        (
            one.name
            for one in sheet.profiles
            if re.search(r"order|sequence|position|rank|sort|顺序|排序", plain(one.name))
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
    meanings = {}
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
            if word in counts and word not in meanings and sense.meaning in ENDED and sense.sure:
                meanings[str(word)] = sense.meaning
    return given, meanings


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
    known = values.groupby(texts).median().dropna()
    means = inner.groupby(texts).median().reindex(known.index)
    means = means.where(means.notna(), known)
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
    table = pd.crosstab(texts, told)
    return {str(word): {str(one): int(n) for one, n in row.items() if n} for word, row in table.iterrows()}


def _dates_by_stage(dates: Mapping[str, str], found: StagePlan) -> dict[str, str]:
    """Return stage = column with the spelling of the stage model."""
    known = {key(one.word): one.word for one in found.words}
    return {known.get(key(word), word): column for word, column in dates.items()}


def _flag(result: Proposal, deals: Sheet) -> None:
    """Propose that "not won" means lost, where open deals have no answer or those said "no" have a close date."""
    columns = deals.columns
    at = columns.source("is_won")
    part = result.table("opportunities")
    if not at or {"outcome", "is_closed"} & set(columns.found) or "lost_when" in part:
        return
    words = _column_words(deals, "stage")
    if any(sense_of(word).meaning.startswith("lost") for word in words):
        return
    texts = as_text(deals.raw.frame[at], blanks=False)
    flags = parse(deals.raw.frame[at], "flag", Reading(), {}).values
    no = flags.eq(False).fillna(value=False).astype(bool)
    if not no.any():
        return
    closed = columns.source("closed_at")
    ended = bool(closed) and as_text(deals.raw.frame[closed])[no].notna().mean() > 0.95
    values = {"column": at, "value": str(texts[no].iloc[0]), "n": int(no.sum())}
    if flags.isna().any() or ended:
        part["lost_when"] = {at: values["value"]}
        result.note("not_won_is_lost", **values)
    else:
        result.note("not_won_is_open", **values)


def _active(result: Proposal, deals: Sheet, found: StagePlan, outcome_words: Sequence[StageWord]) -> None:
    """Propose that archived rows are lost, or those with a reason for the loss, where nothing else tells a loss."""
    words = [*found.words, *outcome_words]
    if (
        any(one.meaning.startswith("lost") or one.meaning == "left" for one in words)
        or "is_closed" in deals.columns.found
    ):
        return
    part, columns = result.table("opportunities"), deals.columns
    if "lost_when" in part:
        return
    reason = columns.source("lost_reason")
    if columns.active:
        flags = parse(deals.raw.frame[columns.active], "flag", Reading(), {}).values
        away = ~flags if columns.active_means else flags
        if not away.fillna(value=False).any():
            return
        word = str(as_text(deals.raw.frame[columns.active])[away.fillna(value=False)].iloc[0])
        part["lost_when"] = {columns.active: word}
        evident = _evident(deals, away.fillna(value=False).astype(bool), reason)
        values = {"column": columns.active, "value": word, "n": int(away.sum())}
        result.note("archived_is_lost", **values)
        if not evident:
            result.ask("archived_unclear", line=f'lost_when = {{ "{columns.active}" = "{word}" }}', **values)
    elif reason and deals.column(reason).filled_n:
        part["lost_when"] = {reason: "*"}
        result.note("reason_is_lost", column=reason, n=int(as_text(deals.raw.frame[reason]).notna().sum()))


def _evident(deals: Sheet, away: pd.Series, reason: str) -> bool:
    """Whether archived rows have a reason for the loss or a chance of nought."""
    said = as_text(deals.raw.frame[reason]).notna() if reason else away & False
    at = deals.columns.source("probability")
    if at:
        parsed = parse(deals.raw.frame[at], "share", Reading(), {"file": "", "column": at})
        said = said | parsed.values.eq(0)
    return bool((said & away).sum() >= 0.6 * away.sum())


def _own_model(result: Proposal, found: StagePlan, *, told: bool) -> None:
    """Write the own stages, and the words that mean something else than they seem to."""
    from funnelnb.data.recognise.vocabulary import Vocabulary
    from funnelnb.playbooks import playbook_from_stages

    stages = [one for one in found.stages if fold(one) and fold(one) not in LOST_NAMES | WON_NAMES]
    won = [one for one in found.words if one.meaning == "won"]
    named = sorted((one for one in won if fold(one.word) in WON_NAMES), key=lambda one: -one.n)
    win = named[0].word if named else ("赢单" if _chinese(found) else "Won")
    before = stages[: len(stages) - found.after_n] or ["在途" if _chinese(found) else "Open"]
    result.document["playbook"] = (
        [*before, win, *stages[len(stages) - found.after_n :]] if stages else [*before, win]
    )
    model = playbook_from_stages(result.document["playbook"])
    words = Vocabulary(model, Settings())
    said_stages, said_outcomes = {}, {}
    for one in found.words:
        meaning = words.stage(one.word)
        if one.meaning == "stage":
            wanted = one.same_as or one.word
            if (
                meaning is None
                or meaning.outcome
                or (one.same_as and meaning.stage != words.stage(wanted).stage)
            ):  # type: ignore[union-attr]
                said_stages[one.word] = wanted if words.stage(wanted) else ""
        elif one.meaning == "none":
            said_stages[one.word] = ""
        elif meaning is None or meaning.outcome != one.meaning:
            said_outcomes[one.word] = one.meaning
    for one in result.outcomes:
        if words.outcome(one.word) != one.meaning:
            said_outcomes[one.word] = one.meaning
    if said_stages:
        result.document["stages"] = said_stages
    if said_outcomes:
        result.document["outcomes"] = said_outcomes
    _ask_about_stages(result, found, told=told)


def _chinese(found: StagePlan) -> bool:
    text = "".join(one.word for one in found.words)
    return sum("\u4e00" <= one <= "\u9fff" for one in text) > 0.3 * max(len(text), 1)


def _ask_about_stages(result: Proposal, found: StagePlan, *, told: bool) -> None:
    """Ask what the words leave open: the win, a close without an outcome, the order."""
    for one in (*found.words, *result.outcomes):
        if one.sure:
            continue
        if one.why == "last":
            result.ask("won_unknown", line=f'[outcomes] "{one.word}" = "won"', word=one.word, n=one.n)
        elif one.meaning == "none":
            _closed_unclear(result, found, one)
        else:
            result.ask(
                "word_unclear",
                line=f'[outcomes] "{one.word}" = "{one.meaning}"',
                word=one.word,
                n=one.n,
                meaning=one.meaning,
            )
    if not found.won_known and not told and all(one.sure for one in found.words):
        result.note("nothing_won", words=", ".join(one.word for one in found.words[:8]))
    if len(found.stages) > 1:
        values = {"stages": " → ".join(found.stages)}
        if found.order_sure:
            result.note(f"stages_ordered_by_{found.order_from}", **values)
        else:
            result.ask(
                "order_unknown",
                line="playbook = [" + ", ".join(f'"{one}"' for one in found.stages) + "]",
                **values,
            )


def _closed_unclear(result: Proposal, found: StagePlan, one: StageWord) -> None:
    """Ask whether a stage such as "Closed" was won or lost; propose the one that has no word yet."""
    won = any(other.meaning == "won" for other in found.words)
    meaning = "won" if not won else "left"
    result.document.get("stages", {}).pop(one.word, None)
    if not result.document.get("stages", True):
        del result.document["stages"]
    result.document.setdefault("outcomes", {})[one.word] = meaning
    result.ask(
        "closed_unclear",
        line=f'[outcomes] "{one.word}" = "{meaning}"',
        word=one.word,
        n=one.n,
        meaning=meaning,
    )


# ---- columns, joins, money ----------------------------------------------------------------------------------


def _columns(result: Proposal, deals: Sheet, settings: Settings) -> None:
    """Write the columns that are not called as the contract calls them."""
    said = settings.table("opportunities").columns
    part = result.table("opportunities")
    columns = dict(part.get("columns", {}))
    amount = deals.columns.found.get("amount")
    if amount is not None and "expected_amount" in deals.columns.found:
        expected = deals.columns.found["expected_amount"]
        filled = deals.column(amount.source).filled_n > 0 if amount.source in deals.raw.frame else False
        if expected.why in ("name", "pattern") and filled:  # a weighted or forecast amount is no price
            del deals.columns.found["expected_amount"]
        elif not filled and amount.why != "said":
            del deals.columns.found["amount"]
    for column, one in deals.columns.found.items():
        if column not in said and column not in columns and one.source:
            columns[column] = one.source
    if columns:
        part["columns"] = columns


def _joins(result: Proposal, deals: Sheet, settings: Settings) -> None:
    """Add region, team, segment … from other files that share a key."""
    if settings.table("opportunities").joins:
        return
    part = result.table("opportunities")
    have = set(deals.columns.found) | {name for one in part.get("joins", []) for name in one["columns"]}
    for found in joins(deals, [one for one in result.sheets if one not in (deals, result.history)], have):
        part.setdefault("joins", []).append(found.join)
        result.note(
            "file_joined",
            file=deals.raw.file,
            other=found.join["file"],
            column=next(iter(found.join["on"])),
            share=found.share,
            columns=", ".join(found.join["columns"]),
        )
        fixes = corrections(found)
        if fixes:
            result.document.setdefault("values", {})[found.canonical] = fixes
            result.note(
                "keys_corrected",
                column=found.canonical,
                names=", ".join(f"{one} = {other}" for one, other in list(fixes.items())[:5]),
                n=len(fixes),
            )


def _money(result: Proposal, deals: Sheet, settings: Settings) -> None:
    """Take the currency from the header of the amounts; ask where the amounts are in several."""
    source = deals.columns.source("amount") or deals.columns.source("expected_amount")
    at = deals.columns.source("currency")
    if at:
        codes = as_text(deals.raw.frame[at]).dropna().str.upper().value_counts()
        if len(codes) > 1 and not settings.problems.get("two_currencies"):
            result.document.setdefault("problems", {})["two_currencies"] = "keep"
            result.ask(
                "several_currencies",
                line='[problems] two_currencies = "keep"',
                column=at,
                names=", ".join(map(str, codes.index[:5])),
                main=str(codes.index[0]),
            )
        return
    found = _CODES.search(plain(source))
    if found and not settings.currency:
        code = found.group(1).upper()
        result.document["currency"] = "CNY" if code == "RMB" else code
