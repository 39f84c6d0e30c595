"""From the files of an export to proposed settings: what each is, which column is what, what the stages mean.

A proposal is the settings file that a careful user would have written, with the reason for every line and the
questions that only the user can answer. What the settings say already stays as it is.

Longer than most modules: one walk from files to settings, each step resting on the one before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from funnelnb.data.contract.settings import ROW_NUMBER, Settings
from funnelnb.data.parse.values import Reading, among, as_text, parse
from funnelnb.data.recognise.assign import find
from funnelnb.data.recognise.by_dates import early_wins, lost_alone, won_alone
from funnelnb.data.recognise.columns import PLAIN, recognise
from funnelnb.data.recognise.customer_columns import customer_columns
from funnelnb.data.recognise.evidence import column_words, evidence_of, outcome_words_of, stage_labels
from funnelnb.data.recognise.lexicon import NEARLY, header_scores, key, model_like, plain, sense_of
from funnelnb.data.recognise.pipelines import one_pipeline, tell_pipelines
from funnelnb.data.recognise.proposal import Proposal
from funnelnb.data.recognise.relate import (
    bookings,
    corrections,
    created_elsewhere,
    joins,
    names_of_owners,
    near_numbers,
)
from funnelnb.data.recognise.shape import REPEATED, Sheet, stage_dates
from funnelnb.data.recognise.stages import StagePlan, StageWord, plan
from funnelnb.data.recognise.vocabulary import Vocabulary
from funnelnb.playbooks import playbook_from_stages
from funnelnb.playbooks.model import fold
from funnelnb.playbooks.validate import LOST_NAMES, WON_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from funnelnb.data.recognise.profile import ColumnProfile
    from funnelnb.playbooks.model import Playbook

MANY_WITHOUT_WIN = 20
"""So many deals without a single win are asked about: the column that tells it may not have been recognised."""

MOST_FIXES = 2000
"""So many ids are matched one by one; more than that fill the settings, and are told only."""

MOST_WITH_REASON = 0.8
"""A reason that stands beside more of the deals is no reason for a loss alone."""

CENTS_SHARE = 0.95
"""So many amounts must be a hundred times what a column beside them shows to be read as cents."""

ALL_BEGUN = 0.98
"""So many deals must have a date of the first stage for it to be that of the creation."""

_IN_ONE = re.compile(
    r"\bconvert|\bcompany currency|\bhome currency|\bbase currency|\bdefault currency|\bus ?dollar\b"
    r"|\bumgerechnet|本位币|折算"
)
"""Headers of amounts that a system has converted into its one currency."""

_CODES = re.compile(
    r"\b(usd|eur|gbp|inr|cny|rmb|jpy|brl|cad|aud|chf|mxn|rub|pln|sek|nok|dkk|zar|aed|sgd|hkd|krw|try)\b"
)


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
    result.deals, booked = _deals(sheets, settings)
    result.history = _history(sheets, result.deals)
    if result.deals is None and result.history is not None:
        result.deals = result.history
        if not result.history.log:  # a history by its name only: its columns are those of deals
            result.deals.kind, result.history = "opportunities", None
    if result.deals is None:
        return result
    _place(result, settings)
    deals = result.deals
    _ids(result, deals)
    _near_ids(result, deals, settings)
    _log_columns(result, settings)
    one_pipeline(result, deals, settings)
    words = column_words(deals, "stage")
    dates = {} if settings.table("opportunities").stage_dates else stage_dates(deals, words)
    _begun(deals, dates)
    _end_dates(result, deals, dates)
    if booked is not None:
        _booked(result, deals, booked)
    _stages(result, deals, dates, settings, playbook, booked=booked is not None)
    _columns(result, deals, settings)
    _accounts(result, deals, settings)
    tell_pipelines(result, deals)
    _joins(result, deals, settings)
    _sheets_left(result, deals)
    _owners(result, deals, settings)
    customer_columns(result, deals, settings)
    _money(result, deals, settings)
    return result


def _deals(sheets: Sequence[Sheet], settings: Settings) -> tuple[Sheet | None, Any]:
    """Return the table of deals; where none tells a stage or an end, one whose bookings stand in another file."""
    best = _best(sheets, "opportunities")
    tables = [one for one in sheets if one.kind in ("opportunities", "other", "accounts", "contacts")]
    if best is not None and best.placed:
        return best, None
    told = {
        own.file for own in settings.tables.values() if own.file
    }  # what the settings say of a file is enough
    free = [one for one in sheets if one.raw.file not in told]
    for one in sorted(tables, key=lambda one: -len(one.raw.frame)):
        booked = bookings(one, free) if not one.placed else None
        if booked is not None:
            one.kind = "opportunities"
            return one, booked
    return best, None


def _best(sheets: Sequence[Sheet], kind: str) -> Sheet | None:
    found = [one for one in sheets if one.kind == kind]
    return max(found, key=lambda one: (round(one.score, 2), len(one.raw.frame), _ended(one)), default=None)


def _ended(sheet: Sheet) -> int:
    """How many dates of a close are there: of two exports of the same deals the later one has more."""
    at = sheet.columns.source("closed_at")
    return int(as_text(sheet.raw.frame[at]).notna().sum()) if at in sheet.raw.frame else 0


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
    if not at or not found:
        return None
    ids = as_text(deals.raw.frame[at], blanks=False)
    shares = []
    for one in found:
        keys = as_text(one.raw.frame[one.log["opportunity_id"]], blanks=False).dropna().drop_duplicates()
        known_n = int(among(keys, ids).sum())
        if 2 * known_n < len(keys):
            known_n += len(near_numbers(keys, ids.dropna()))
        shares.append((known_n / max(len(keys), 1), one))
    share, best = max(shares, key=lambda pair: pair[0])
    sure = share >= 0.5 or (len(logs) == 1 and best.kind == "stage_history" and best.raw.sampled)
    return best if sure else None  # of a sample, most deals are not among the others


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


def _sheets_left(result: Proposal, deals: Sheet) -> None:
    """Name the sheets beside the deals that are not read; in front of all else that is said."""
    if not deals.file or "file" not in result.table("opportunities"):
        return
    joined = {(one["file"], one.get("sheet", "")) for one in result.table("opportunities").get("joins", [])}
    others = [
        one.sheet
        for one in result.sheets
        if one.file == deals.file
        and one not in (deals, result.history)
        and one.kind == "other"
        and (one.file, one.sheet) not in joined
    ]
    if others:
        result.note("sheet_chosen", file=deals.file, sheet=deals.sheet, others=", ".join(others))
        result.notes.insert(0, result.notes.pop())


def _ids(result: Proposal, deals: Sheet) -> None:
    """Say by what the deals are told apart: an id, else their rows."""
    found = deals.columns.found
    if deals.log and (result.history is deals or _repeats(deals)):
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
        spoilt = next(
            (one.name for one in deals.profiles if one.spoilt and "id" in plain(one.name).split()), ""
        )
        found["opportunity_id"] = _choice("opportunity_id", ROW_NUMBER)
        if spoilt:
            result.note("ids_numbered", file=deals.raw.file, column=spoilt)


def _near_ids(result: Proposal, deals: Sheet, settings: Settings) -> None:
    """Match the ids of a history with those of the deals that a spreadsheet has written in another way."""
    at, history = deals.columns.source("opportunity_id"), result.history
    if history is None or history is deals or not history.log or at not in deals.raw.frame:
        return
    if "opportunity_id" in settings.values:
        return
    ids = as_text(deals.raw.frame[at], blanks=False).dropna()
    keys = as_text(history.raw.frame[history.log["opportunity_id"]], blanks=False).dropna().drop_duplicates()
    fixes = near_numbers(keys, ids)
    if not fixes:
        return
    if len(fixes) <= MOST_FIXES:
        result.document.setdefault("values", {})["opportunity_id"] = fixes
    names = ", ".join(f"{one} = {other}" for one, other in list(fixes.items())[:5])
    code = "ids_matched" if len(fixes) <= MOST_FIXES else "ids_nearly"
    result.note(code, file=history.raw.file, n=len(fixes), names=names)


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


def _begun(deals: Sheet, dates: Mapping[str, str]) -> None:
    """Take the date of the first stage for that of the creation, where every deal has one and no column tells it."""
    first = next((deals.column(dates[word]) for word in dates if not _is_end(word)), None)
    told = deals.columns.found.get("created_at")
    if first is None or first.filled_share < ALL_BEGUN or (told is not None and told.why == "said"):
        return
    if told is None or (told.source in dates.values() and deals.column(told.source).place > first.place):
        deals.columns.found["created_at"] = _choice("created_at", first.name)


def _is_end(word: str) -> bool:
    return sense_of(word).meaning not in ("", "stage", "open", "parked")


def _end_dates(result: Proposal, deals: Sheet, dates: Mapping[str, str]) -> None:
    """Take the close from the dates of win and loss where there is no one column for both."""
    columns = deals.columns
    if columns.won_date in [dates[word] for word in early_wins(dates)]:
        columns.won_date = [column for word, column in dates.items() if sense_of(word).meaning == "won"][-1]
    pair = [one for one in (columns.won_date, columns.lost_date) if one]
    if len(pair) == 2 and (columns.source("closed_at") in ("", *pair)):
        columns.found["closed_at"] = _choice("closed_at", pair[0])
        result.table("opportunities").setdefault("columns", {})["closed_at"] = pair
    words = column_words(deals, "stage")
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
    _idle_flag(deals)
    outcome_words = outcome_words_of(result, deals)
    flags = bool({"is_won"} & set(columns.found)) or "won_when" in part
    told = any(one.meaning == "won" for one in outcome_words) or flags or booked
    evidence = evidence_of(result, deals, dates, outcome_words, settings)
    result.labels = stage_labels(result, evidence.counts) if evidence.counts else {}
    won_by_date = any(sense_of(word).meaning == "won" for word in dates)
    ends_by_date = won_by_date or bool(won_alone(deals.raw.frame, dates))
    found = plan(evidence, outcome_told=told or ends_by_date)
    result.stages, result.outcomes = found, outcome_words
    if dates:
        part["stage_dates"] = _dates_by_stage(dates, found)
        _ask_about_dates(result, deals, dates)
    _flag(result, deals)
    _active(result, deals, found, outcome_words)
    if playbook is not None:
        _known_model(result, found, playbook, settings, told=told or bool(part.get("won_when")))
        return
    worded = any(one.meaning != "open" or one.why == "name" for one in outcome_words)
    if not (evidence.counts or told or worded or part.get("won_when")):
        _without_stages(result, deals)
        return
    own_model(result, found, told=told)
    result.model = model_like([result.labels.get(one, one) for one in found.stages])


def _without_stages(result: Proposal, deals: Sheet) -> None:
    """Ask for the stage, and propose a model of no stages."""
    blank = _blank_stage(deals)
    if blank:
        result.ask("stage_column_blank", file=deals.raw.file, column=blank)
    else:
        result.ask("no_stage_found", file=deals.raw.file)
    result.document["playbook"] = ["Open", "Won"]


def _ask_about_dates(result: Proposal, deals: Sheet, dates: Mapping[str, str]) -> None:
    """Ask about a date that is taken for that of an end only because it never stands beside one of the other end."""
    frame = deals.raw.frame
    ends = {"lost": lost_alone(frame, deals.profiles, dates), "won": won_alone(frame, dates)}
    for meaning, at in ends.items():
        for word in (one for one, column in dates.items() if column == at):
            n = int(deals.column(at).filled_n)
            line = f'[outcomes] "{word}" = "{meaning}"'
            result.ask("word_unclear", line=line, word=word, n=n, meaning=meaning)


def _blank_stage(deals: Sheet) -> str:
    """Return a column that by its header tells the stage, but holds nothing."""
    blank = [one.name for one in deals.profiles if one.kind == "blank"]
    scores = {name: header_scores(name).get("stage", 0.0) for name in blank}
    best = max(scores, key=lambda name: scores[name], default="")
    return best if scores.get(best, 0.0) > 0 else ""


def _dates_by_stage(dates: Mapping[str, str], found: StagePlan) -> dict[str, str]:
    """Return stage = column with the spelling of the stage model; no dates of words that are no stage and no end."""
    known = {key(one.word): one.word for one in found.words}
    neither = {key(one.word) for one in found.words if one.meaning == "none"}
    return {known.get(key(word), word): column for word, column in dates.items() if key(word) not in neither}


def _idle_flag(deals: Sheet) -> None:
    """Leave a flag for closed deals out that is set nowhere: it tells something else, such as archived cards."""
    told = deals.columns.found.get("is_closed")
    if told is not None and told.why != "said" and "stage" in deals.columns.found:
        flags = parse(deals.raw.frame[told.source], "flag", Reading(), {}).values
        if not flags.fillna(value=False).any():
            del deals.columns.found["is_closed"]


def _flag(result: Proposal, deals: Sheet) -> None:
    """Propose that "not won" means lost, where open deals have no answer or those said "no" have a close date."""
    columns = deals.columns
    at = columns.source("is_won")
    part = result.table("opportunities")
    if not at or {"outcome", "is_closed"} & set(columns.found) or "lost_when" in part:
        return
    words = column_words(deals, "stage")
    if any(sense_of(word).meaning.startswith("lost") for word in words):
        return
    texts = as_text(deals.raw.frame[at], blanks=False)
    flags = parse(deals.raw.frame[at], "flag", Reading(), {}).values
    if columns.lost_flag:
        lost = (
            parse(deals.raw.frame[columns.lost_flag], "flag", Reading(), {})
            .values.fillna(value=False)
            .astype(bool)
        )
        if lost.any():
            word = str(as_text(deals.raw.frame[columns.lost_flag], blanks=False)[lost].iloc[0])
            part["lost_when"] = {columns.lost_flag: word}
        return
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
    elif reason and _tells_a_loss(deals.column(reason)):
        part["lost_when"] = {reason: "*"}
        result.note("reason_is_lost", column=reason, n=int(as_text(deals.raw.frame[reason]).notna().sum()))


def _tells_a_loss(reason: ColumnProfile) -> bool:
    """Whether a column of reasons is filled in for some deals only, and with words."""
    return 0 < reason.filled_share < MOST_WITH_REASON and reason.kind != "number"


def _evident(deals: Sheet, away: pd.Series, reason: str) -> bool:
    """Whether archived rows have a reason for the loss or a chance of nought."""
    said = as_text(deals.raw.frame[reason]).notna() if reason else away & False
    at = deals.columns.source("probability")
    if at:
        parsed = parse(deals.raw.frame[at], "share", Reading(), {"file": "", "column": at})
        said = said | parsed.values.eq(0)
    return bool((said & away).sum() >= 0.6 * away.sum())


def _known_model(
    result: Proposal, found: StagePlan, playbook: Playbook, settings: Settings, *, told: bool
) -> None:
    """Ask which stage means won, where the model that is named has no word for it and neither have the data."""
    words = Vocabulary(playbook, settings)
    meanings = [words.stage(one.word) for one in found.words]
    if told or any(one is not None and one.outcome == "won" for one in meanings) or not playbook.added_win:
        return
    working = playbook.stages[: playbook.won]
    last = next(
        (
            one
            for one in found.words
            if (meaning := words.stage(one.word)) and meaning.stage == working[-1].id
        ),
        None,
    )
    rank = sense_of(working[-1].label.en).rank
    if last is None or len(working) < 2 or (rank is not None and rank <= NEARLY):
        return
    result.document.setdefault("outcomes", {})[last.word] = "won"
    result.ask("won_unknown", line=f'[outcomes] "{last.word}" = "won"', word=last.word, n=last.n)


def own_model(result: Proposal, found: StagePlan, *, told: bool) -> None:
    """Write the own stages, and the words that mean something else than they seem to.

    Parameters
    ----------
    result : Proposal
        Gets the stage model, the words that need a line, and what has to be asked.
    found : StagePlan
    told : bool
        Whether another column tells the wins.
    """
    named_stages = [result.labels.get(one, one) for one in found.stages]
    stages = [one for one in named_stages if fold(one) and fold(one) not in LOST_NAMES | WON_NAMES]
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
            wanted = result.labels.get(wanted, wanted)
            there = words.stage(wanted)
            same = meaning is not None and there is not None and meaning.stage == there.stage
            if meaning is None or meaning.outcome or (wanted != one.word and not same):
                said_stages[one.word] = wanted if there else ""
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
    kana = any("\u3040" <= one <= "\u30ff" for one in text)
    return not kana and sum("\u4e00" <= one <= "\u9fff" for one in text) > 0.3 * max(len(text), 1)


def _ask_about_stages(result: Proposal, found: StagePlan, *, told: bool) -> None:
    """Ask what the words leave open: the win, a close without an outcome, the order."""
    for one in (*found.words, *result.outcomes):
        if one.sure:
            continue
        if one.why == "last":
            result.ask("won_unknown", line=f'[outcomes] "{one.word}" = "won"', word=one.word, n=one.n)
        elif one.meaning == "none":
            _closed_unclear(result, found, one)
        elif one.meaning == "left" and sense_of(one.word).meaning == "unclear":
            line = f'[outcomes] "{one.word}" = "left"'
            result.ask("closed_not_told", line=line, word=one.word, n=one.n)
        else:
            result.ask(
                "word_unclear",
                line=f'[outcomes] "{one.word}" = "{one.meaning}"',
                word=one.word,
                n=one.n,
                meaning=one.meaning,
            )
    if not found.won_known and not told and all(one.sure for one in found.words):
        words = ", ".join(one.word for one in (*found.words, *result.outcomes)[:8])
        if sum(one.n for one in found.words) >= MANY_WITHOUT_WIN and not result.said.outcomes:
            result.ask("nothing_won", words=words)
        else:
            result.note("nothing_won", words=words)
    if len(found.stages) > 1:
        values = {"stages": " → ".join(result.labels.get(one, one) for one in found.stages)}
        if found.order_sure:
            result.note(f"stages_ordered_by_{found.order_from}", **values)
        else:
            result.ask(
                "order_unknown",
                line="playbook = [" + ", ".join(f'"{one}"' for one in found.stages) + "]",
                **values,
            )


def _closed_unclear(result: Proposal, found: StagePlan, one: StageWord) -> None:
    """Ask whether a stage such as "Closed" was won or lost: the win where only that has no word yet, else neither."""
    have = {other.meaning[:4] for other in found.words}
    meaning = "won" if "lost" in have and "won" not in have else "left"
    result.document.get("stages", {}).pop(one.word, None)
    if not result.document.get("stages", True):
        del result.document["stages"]
    result.document.setdefault("outcomes", {})[one.word] = meaning
    result.ask(
        "closed_unclear" if meaning == "won" else "closed_not_told",
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
    dated = set(settings.table("opportunities").stage_dates.values())  # the settings say what these mean
    for column, one in deals.columns.found.items():
        if column not in said and column not in columns and one.source and one.source not in dated:
            columns[column] = one.source
            if one.why == "cells":
                line = f'[tables.opportunities.columns] {column} = "{one.source}"'
                result.ask("column_by_cells", line=line, column=one.source, meaning=column)
    columns |= dict.fromkeys(deals.columns.absent - set(said) - set(columns), "")
    if columns:
        part["columns"] = columns


def _accounts(result: Proposal, deals: Sheet, settings: Settings) -> None:
    """Say which columns of a table of customers are what, if their keys are those of the deals."""
    sheet = next((one for one in result.sheets if one.kind == "accounts"), None)
    if sheet is None or settings.table("accounts").columns:
        return
    preset = recognise(deals.raw.columns)
    words = preset.columns.get("accounts", {}) if preset is not None and preset.id != PLAIN else {}
    found = find("accounts", sheet.raw, sheet.profiles, said={}, preset=words)
    at = deals.columns.source("account_id")
    if at and at in deals.raw.frame:
        keys = set(as_text(deals.raw.frame[at], blanks=False).dropna().map(fold))
        shares = {
            one.name: len(keys & set(as_text(sheet.raw.frame[one.name], blanks=False).dropna().map(fold)))
            for one in sheet.profiles
            if one.unique
        }
        best = max(shares, key=lambda one: shares[one], default="")
        if best and shares[best]:
            for column in [name for name, one in found.found.items() if one.source == best]:
                del found.found[column]
            found.found["account_id"] = _choice("account_id", best)
    if "account_id" not in found.found or not sheet.column(found.source("account_id")).unique:
        sheet.kind = "other"
        result.document.get("tables", {}).pop("accounts", None)
        return
    part = result.table("accounts")
    if sheet.file and not settings.table("accounts").file:
        part["file"] = sheet.file
        if sheet.sheet:
            part["sheet"] = sheet.sheet
    part["columns"] = {column: one.source for column, one in found.found.items()}


def _joins(result: Proposal, deals: Sheet, settings: Settings) -> None:
    """Add region, team, segment … from other files that share a key."""
    if settings.table("opportunities").joins:
        return
    part = result.table("opportunities")
    have = set(deals.columns.found) | {name for one in part.get("joins", []) for name in one["columns"]}
    others = [one for one in result.sheets if one not in (deals, result.history)]
    dated = created_elsewhere(deals, others) if result.history is None and "created_at" not in have else None
    for found in [*([dated] if dated is not None else []), *joins(deals, others, have)]:
        part.setdefault("joins", []).append(found.join)
        result.note(
            "file_joined",
            file=deals.raw.file,
            other=found.join["file"],
            column=next(iter(found.join["on"])),
            known_share=found.share,
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


def _owners(result: Proposal, deals: Sheet, settings: Settings) -> None:
    """Call the owners by their names, where the deals hold ids and a table of people the names."""
    if "owner" in settings.values:
        return
    file, names = names_of_owners(deals, [one for one in result.sheets if one.kind == "users"])
    if names:
        result.document.setdefault("values", {})["owner"] = names
        result.note("owners_named", file=file, n=len(names), column=deals.columns.source("owner"))


def _in_cents(result: Proposal, deals: Sheet, settings: Settings) -> None:
    """Read amounts as cents where a column beside them writes a hundredth of each ("value", "value_formatted")."""
    for column in ("amount", "expected_amount"):
        source = deals.columns.source(column)
        shown = next(
            (one for one in (f"{source}_formatted", f"formatted_{source}") if one in deals.raw.frame), ""
        )
        if not source or not shown or column in settings.table("opportunities").units:
            continue
        where = {"file": deals.raw.file, "column": source}
        whole, told = (parse(deals.raw.frame[one], "amount", Reading(), where) for one in (source, shown))
        if whole.undecided or told.undecided:
            continue
        both = (whole.values != 0) & whole.values.notna() & told.values.notna()
        if both.any() and (whole.values[both] - 100 * told.values[both]).abs().le(1).mean() > CENTS_SHARE:
            result.table("opportunities").setdefault("units", {})[column] = "cents"
            result.note("amounts_in_cents", column=source, other=shown)


def _converted(result: Proposal, deals: Sheet, settings: Settings) -> bool:
    """Read the amounts that the system has converted, where the others are in several currencies.

    Those that have a column of their currency beside them were found by its name.
    """
    said = settings.table("opportunities").columns
    other = next(
        (
            one
            for one in deals.profiles
            if _IN_ONE.search(plain(one.name)) and one.kind == "number" and one.filled_share >= CENTS_SHARE
        ),
        None,
    )
    columns = result.table("opportunities").get("columns", {})
    if other is None or {"amount", "currency"} & set(said) or columns.get("amount", other.name) == other.name:
        return False
    result.note("converted_taken", column=columns["currency"], other=other.name)
    columns["amount"] = other.name
    deals.columns.found["amount"] = _choice("amount", other.name)
    columns["currency"] = ""  # not the one of these amounts
    del deals.columns.found["currency"]
    return True


def _money(result: Proposal, deals: Sheet, settings: Settings) -> None:
    """Take the currency from the header of the amounts; ask where the amounts are in several."""
    _in_cents(result, deals, settings)
    source = deals.columns.source("amount") or deals.columns.source("expected_amount")
    at = deals.columns.source("currency")
    if at:
        codes = as_text(deals.raw.frame[at]).dropna().str.upper().value_counts()
        if len(codes) > 1 and _converted(result, deals, settings):
            return
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
