"""What does a file or sheet hold: deals, their history, customers, a log of changes, or something else?"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from funnelnb.data.parse.values import as_text
from funnelnb.data.recognise.assign import EITHER, Columns, find
from funnelnb.data.recognise.by_content import log_by_content
from funnelnb.data.recognise.by_dates import lost_alone, steps_between
from funnelnb.data.recognise.deal_ids import names_an_id
from funnelnb.data.recognise.ids_with_time import ID_TIME
from funnelnb.data.recognise.lexicon import PATTERN, by_beginning, header_scores, key, plain, sense_of
from funnelnb.data.recognise.profile import ColumnProfile, profile, undamaged
from funnelnb.data.recognise.words import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from funnelnb.data.read.raw import Raw

_NAMES = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            "stage_history",
            r"histor|change|transition|\blog\b|\blogs\b|eventlog|movement|audit|变更|历史|журнал|истори",
        ),
        ("contacts", r"\bcontacts?\b|people|person|联系人|контакт"),
        (
            "activities",
            r"activit|interaction|task|\bcalls?\b|meeting|email|touchpoint|engagement|note|跟进|拜访",
        ),
        ("assessments", r"assessment|评估"),
        ("gates", r"\bgates?\b|exit criteria|推进标准|阶段标准"),
        ("targets", r"target|quota|goal|budget|目标|指标"),
        ("costs", r"\bcosts?\b|spend|expens|费用|成本"),
        (
            "opportunities",
            r"opportunit|deal|pipeline|\bleads?\b|funnel|\bcrm\b|potential|prospect|quote|商机|线索|销售机会|сделк"
            r"|oportunidad|chancen|affaires|negocio",
        ),
        ("accounts", r"account|customer|compan|client|organi[sz]ation|客户|公司|клиент|kunden"),
        ("users", r"user|\brep\b|\breps\b|agent|owner|team|employee|staff|seller|员工|人员"),
        ("products", r"product|price|item|sku|产品"),
        ("stages", r"\bstages?\b|pipeline stage|阶段"),
    )
)

_NO_DEALS = (
    "stages", "users", "products", "contacts", "activities", "targets", "costs", "accounts", "assessments", "gates",
)  # fmt: skip
"""Kinds of tables that a name tells and that hold no deals."""

NAMES_A_DATE = 0.86
"""From this score on a date is that of the creation (or of the expected close), and not that of a stage."""

HALF = 0.5

AS_NUMBER = 0.8
"""How much a header that may mean the stage says above numbers, or one of a key above cells that never repeat."""

REPEATED = 0.7
"""With a smaller share of different ids, a table is no list of deals."""

_DATE_WORDS = re.compile(
    r"\b(date|time|timestamp|datetime|on|at|entered|entry|entering|moved|to|reached|of|the|stage|became|fecha|data|datum|datetime|dt|day|de|da|del|entrada|timestamp|ts|"
    r"дата|date d|d|en|am)\b"
)
_BRACKETS = re.compile(r"[（(][^)）\n]{0,200}+[)）]")
_DATE_WORDS_ZH = re.compile(r"日期|时间|进入|时刻")
_LEFT = re.compile(r"\b(exited|exit|left|leaving|out|end|cumulative|days|duration|latest time in)\b")


@dataclass(slots=True, kw_only=True, eq=False)
class Sheet:
    """A raw table and what it seems to be.

    Attributes
    ----------
    raw : Raw
    file, sheet : str
        Where it stands, as the settings would say it.
    kind : str
        A table of the contract, ``"stages"``, ``"users"``, ``"products"`` or ``"other"``.
    score : float
        How sure that is.
    columns : Columns
        As a table of deals.
    profiles : list of ColumnProfile
    log : Mapping
        Roles of a history: ``opportunity_id``, ``stage``, ``entered_at``, perhaps ``old_stage``, ``field`` and
        ``field_value``.
    deals_score : float
        How much it looks like deals.
    """

    raw: Raw
    file: str = ""
    sheet: str = ""
    kind: str = "other"
    score: float = 0.0
    columns: Columns = field(default_factory=Columns)
    profiles: list[ColumnProfile] = field(default_factory=list)
    log: Mapping[str, str] = field(default_factory=dict)
    deals_score: float = 0.0

    @property
    def placed(self) -> bool:
        """Whether a column tells the stage or the end of each deal."""
        return bool({"stage", "outcome", "is_won"} & set(self.columns.found)) or bool(stage_dates(self, {}))

    def column(self, name: str) -> ColumnProfile:
        """Return the profile of a column of the file."""
        return next(one for one in self.profiles if one.name == name)


def look(
    raw: Raw,
    *,
    file: str = "",
    sheet: str = "",
    stem: str = "",
    said: Mapping[str, str] | None = None,
    preset: Mapping[str, Iterable[str]] | None = None,
    guess: bool = True,
    kind: str = "",
) -> Sheet:
    """What does this table hold?

    Parameters
    ----------
    raw : Raw
    file, sheet : str
        Where it stands.
    stem : str
        Name of file or sheet, as a hint.
    said : Mapping, optional
        Columns of the deals that the settings name.
    preset : Mapping, optional
        Headers of the recognised CRM.
    guess : bool
        False: only the contract's own names.
    kind : str
        What the table is known to be, by its name or the settings.
    """
    profiles = profile(raw)
    columns = find("opportunities", raw, profiles, said=said or {}, preset=preset or {}, guess=guess)
    found = Sheet(raw=raw, file=file, sheet=sheet, columns=columns, profiles=profiles)
    by_name = kind_by_name(stem or file)
    told = raw.sampled and "stage_history" in (kind, by_name)  # of a sample, ids need not repeat
    log = log_roles(found, told=told) or (_nameless_log(found) if guess else {})
    found.deals_score = _as_deals(found)
    scores = {"opportunities": found.deals_score, "stage_history": 0.0}
    if log:
        found.log = log
        scores["stage_history"] = 0.9 + 0.3 * ("old_stage" in log) + 0.3 * ("field" in log)
        scores["stage_history"] += 0.3 * _repeats_deals(found, log)
    if by_name in _NO_DEALS:
        scores[by_name] = 0.75 if by_name != "stages" else 0.4 + 0.5 * _as_reference(found)
    elif by_name:
        scores[by_name] = scores.get(by_name, 0.0) + (0.4 if scores.get(by_name) else 0.0)
    listed = _as_reference(found) and not (log and by_name == "stage_history")
    kind = _reference_kind(found, kind, stem or file) if listed else kind
    if kind:
        found.kind, found.score = kind, 2.0 + scores.get(kind, 0.0)
        return found
    found.kind, found.score = max(scores.items(), key=lambda item: item[1])
    if found.score < 0.35:
        found.kind = "other"
    return found


def kind_by_name(stem: str) -> str:
    """Return what the name of a file or sheet says that it holds, empty if nothing."""
    text = plain(re.sub(r"\.\w{2,5}$", "", stem))
    text = re.sub(r"^crm (?=\w)", "", text)  # the prefix of a module: "crm_company"
    return next((kind for kind, pattern in _NAMES if pattern.search(text) or pattern.search(stem)), "")


def _as_deals(sheet: Sheet) -> float:
    """How much does the table look like deals?"""
    found = sheet.columns.found
    placed = sheet.placed
    named = "opportunity_id" in found or "name" in found
    dated = sum(one in found for one in ("created_at", "closed_at", "expected_close_at"))
    score = (
        0.5 * placed
        + 0.15 * named
        + 0.1 * min(dated, 2)
        + 0.15 * ("amount" in found or "expected_amount" in found)
        + 0.05 * ("owner" in found)
    )
    return score if placed else 0.5 * score


_ORDERED = re.compile(
    r"\border|probab|sequence|position|\bpos\b|\brank|\bsort|closed won|is won|reihenfolge|\borden\b|\bordre\b|ordem"
    r"|kolejnosc|volgorde|поряд|顺序|排序|順|赢率"
)
_LABELLED = re.compile(r"label|name|stage|title|bezeichnung|nombre|\bnom|libelle|naam|nazwa|назван|阶段|名")


def _as_reference(sheet: Sheet) -> bool:
    """Whether the table lists stages: few rows, a label, an order or a probability."""
    names = " ".join(plain(one.name) for one in sheet.profiles)
    return (
        len(sheet.raw.frame) <= 400
        and bool(_ORDERED.search(names))
        and bool(_LABELLED.search(names))
        and any(one.unique for one in sheet.profiles)
        and not {"created_at", "closed_at"} <= set(sheet.columns.found)
    )


def _nameless_log(sheet: Sheet) -> dict[str, str]:
    """Return the roles of a history that no header tells, where no id tells deals apart."""
    at = sheet.columns.source("opportunity_id")
    if at in sheet.raw.unique:
        return {}
    named = next(
        (
            one.name
            for one in sheet.profiles
            if header_scores(one.name).get("opportunity_id", 0) >= NAMES_A_DEAL
        ),
        "",
    )
    found = log_by_content(sheet.raw, sheet.profiles, named)
    return dict(zip(("opportunity_id", "stage", "entered_at"), found, strict=True)) if found else {}


def _reference_kind(sheet: Sheet, kind: str, stem: str) -> str:
    """Return the kind of a table that may list stages: by its name, unless it is known to be something else."""
    if kind == "stage_history" and not sheet.log:
        return "stages"  # "deal_stage" with names and an order
    return "stages" if not kind and ("stage" in plain(stem) or _lists_stages(sheet, stem)) else kind


def _lists_stages(sheet: Sheet, stem: str) -> bool:
    """Whether a small table that is called after pipelines, statuses or lists holds no deals."""
    words = set(plain(re.sub(r"\.\w{2,5}$", "", stem)).split())
    called = words & {"pipeline", "pipelines", "status", "statuses", "list", "lists", "columns", "phases",
        "phasen", "phase", "etapas", "etapes", "fases", "fasen", "etapy", "estados", "statuts", "этапы", "стадии",
    }  # fmt: skip
    deals = {"amount", "expected_amount", "owner", "created_at", "closed_at", "expected_close_at"}
    found = {name for name, one in sheet.columns.found.items() if not one.source.endswith(ID_TIME)}
    return bool(called) and len(sheet.raw.frame) <= 100 and not deals & found


def log_roles(sheet: Sheet, *, told: bool = False) -> dict[str, str]:  # noqa: PLR0911 - one line per kind of table that is none
    """Return the roles of a history of stages: a repeated key, a stage and a time; empty if it is none.

    `told`: its name says that it is one.
    """
    scored = _log_scores(sheet.profiles)
    taken: dict[str, str] = {}
    for role in ("old_stage", "stage", "entered_at", "opportunity_id", "field", "left_at"):
        best = [(score, name) for name, score in scored[role].items() if name not in taken.values()]
        if best:
            taken[role] = max(best)[1]
    if not {"stage", "entered_at", "opportunity_id"} <= set(taken):
        return {}
    if not told and (not _repeats_ids(sheet.raw, taken) or _are_deals_of_one_name(sheet, taken)):
        return {}
    words = words_of(sheet.raw, taken["stage"])
    if "field" in taken:
        value = stage_field(sheet.raw, taken["field"])
        if value:
            return {**taken, "field_value": value}
        taken.pop("field")
    if words is None and "old_stage" not in taken:
        return {}
    if (
        words is not None
        and "old_stage" not in taken
        and words.known_n < 2
        and not any(
            "stage" in plain(taken["stage"]) or one in plain(taken["stage"])
            for one in ("activity", "concept name", "event", "status")
        )
    ):
        return {}
    if told:
        return taken
    varies = sheet.raw.frame.groupby(taken["opportunity_id"])[taken["stage"]].nunique().gt(1).mean()
    return taken if varies > 0.05 or "old_stage" in taken else {}


def _repeats_ids(raw: Raw, taken: Mapping[str, str]) -> bool:
    """Whether the ids of a log are there, and repeated unless it tells what has changed."""
    at, tells_change = taken["opportunity_id"], "field" in taken or "old_stage" in taken
    if at in raw.unique and not tells_change:
        return False
    ids = undamaged(raw.frame[at])
    return len(ids) > 0 and (tells_change or ids.nunique() <= 0.95 * len(ids))


NAMES_A_DEAL = 0.8
"""A header that says so strongly that it is the id of deals is not that of something else."""

_MOMENT = re.compile(
    r"\b(chang\w*|mov(ed|ing)|transition\w*|enter\w*|occur\w*|event|logged|recorded|stamp\w*)\b|变更|变动"
)
"""Words of headers of the moment at which something in a log happened."""


def _are_deals_of_one_name(sheet: Sheet, taken: Mapping[str, str]) -> bool:
    """Whether rows of one key are different deals with the same name: each was created at another time.

    Only a key that does not call itself an id is doubted.
    """
    at, created = taken["opportunity_id"], sheet.columns.source("created_at")
    if names_an_id(at) or created in ("", at, taken["entered_at"]) or created not in sheet.raw.frame:
        return False
    frame = sheet.raw.frame[[at, created]]
    twice = frame[frame[at].duplicated(keep=False)]
    return bool(len(twice)) and bool(twice.groupby(at)[created].nunique().gt(1).mean() > HALF)


def _repeats_deals(sheet: Sheet, log: Mapping[str, str]) -> bool:
    """Whether the key of a log calls itself the id of a deal, and most deals have several rows."""
    at = log["opportunity_id"]
    if header_scores(at).get("opportunity_id", 0.0) < NAMES_A_DATE or plain(at) in ("id", "key", "number"):
        return False
    ids = undamaged(sheet.raw.frame[at])
    return len(ids) > 0 and ids.nunique() < REPEATED * len(ids)


def _log_scores(profiles: list[ColumnProfile]) -> dict[str, dict[str, float]]:
    roles: dict[str, dict[str, float]] = {
        role: {} for role in ("opportunity_id", "stage", "old_stage", "entered_at", "left_at", "field")
    }
    for one in profiles:
        for role, score in header_scores(one.name, "stage_history").items():
            if role in ("entered_at", "left_at"):
                fit = one.kind == "date" or (
                    one.kind == "number" and one.numeric_share == 1 and "time" in plain(one.name)
                )
            elif role == "opportunity_id":
                fit = one.kind != "date"
            else:
                fit = one.kind in ("category", "text", "number") and not one.is_flag and not one.unique
            coded = one.kind == "number" and role in ("stage", "old_stage")
            coded |= one.unique and role == "opportunity_id"  # the id of the row, not of the deal
            if fit:
                roles[role][one.name] = score * (HALF if one.kind == "blank" else AS_NUMBER if coded else 1.0)
        if one.kind == "date" and one.name not in roles["entered_at"] and _MOMENT.search(plain(one.name)):
            roles["entered_at"][one.name] = PATTERN
    dates = [one.name for one in profiles if one.kind == "date"]
    if not roles["entered_at"] and len(dates) == 1:  # the only time there is, whatever it is called
        roles["entered_at"][dates[0]] = HALF
    return roles


def stage_field(raw: Raw, column: str) -> str:
    """Return the value of the field column that marks changes of the stage, empty if there is none."""
    for value in as_text(raw.frame[column]).value_counts().index:
        scores = header_scores(str(value))
        if max(scores, key=lambda one: scores[one], default="") == "stage" or key(str(value)) in (
            "stagename",
            "dealstage",
            "stageid",
        ):
            return str(value)
    return ""


def stage_dates(sheet: Sheet, words: Mapping[str, int]) -> dict[str, str]:
    """Which columns hold the date on which a stage was entered?

    Parameters
    ----------
    sheet : Sheet
    words : Mapping of str to int
        Words of the stage column; empty if there is none.

    Returns
    -------
    dict of str to str
        Stage = column, in the order of the columns; empty unless two or more are found.
    """
    known = {key(word): word for word in words}
    known |= {key(_BRACKETS.sub("", word)): word for word in words}
    found: dict[str, str] = {}
    alike: dict[str, str] = {}
    for one in sheet.profiles:
        if one.kind not in ("date", "blank") or _LEFT.search(plain(one.name)):
            continue
        named = _stage_named(one.name)
        if not named or any(
            one.name == choice.source
            and choice.score >= NAMES_A_DATE
            and choice.column in ("created_at", "expected_close_at")
            and key(named) not in known
            for choice in sheet.columns.found.values()
        ):
            continue
        if one.kind == "blank" and key(named) not in known:
            continue
        if _is_close(sheet, one.name) and key(named) not in known:
            continue  # "completed / fell through" is the close, however it ended, and so is "final decision"
        word = known.get(key(named))
        sense = sense_of(named)
        if word is None and (sense.meaning in ("", "open", "parked", "unclear") or by_beginning(named)):
            continue
        if word is None and words and sense.meaning == "stage" and not _entered(one.name):
            alike.setdefault(named, one.name)
            continue
        found.setdefault(word or named, one.name)
    found = _with_alike(sheet, found, alike)
    stages = [
        word
        for word in found
        if sense_of(word).meaning not in ("won", "lost", "left", "lost_competitor", "lost_no_decision")
    ]
    if len(found) < 2 or not stages:
        return {}
    return found if words else _with_unknown(sheet, found)


def _with_alike(sheet: Sheet, found: dict[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """Return the dates of stages with those of stages that no deal is at, if two are called in the same way."""
    ways = [_way(name) for name in found.values()]
    more = {stage: name for stage, name in others.items() if ways.count(_way(name)) > 1}
    place = {one.name: one.place for one in sheet.profiles}
    return dict(sorted({**more, **found}.items(), key=lambda pair: place[pair[1]])) if more else found


def _way(name: str) -> str:
    """Return a header without its stage ("proposal_at": "* at")."""
    return plain(name).replace(plain(_stage_named(name)), "*")


def _with_unknown(sheet: Sheet, found: dict[str, str]) -> dict[str, str]:
    """Return the dates of stages with those that only their place and order tell, in the order of the columns."""
    frame = sheet.raw.frame
    more = steps_between(frame, sheet.profiles, found)
    more += [one for one in (lost_alone(frame, sheet.profiles, found),) if one and one not in more]
    more = [one for one in more if _stage_named(one) and not _is_close(sheet, one)]
    whole = {**{_stage_named(one): one for one in more}, **found}
    place = {one.name: one.place for one in sheet.profiles}
    return dict(sorted(whole.items(), key=lambda pair: place[pair[1]]))


def _is_close(sheet: Sheet, name: str) -> bool:
    """Whether a column is the date of the close by its name, and tells no end of its own."""
    closed = sheet.columns.found.get("closed_at")
    if closed is None or closed.source != name or closed.why in ("content", "cells"):
        return False
    own_end = sense_of(_stage_named(name)).meaning
    return bool(EITHER.search(name)) or not (own_end == "won" or own_end.startswith("lost"))


def _entered(name: str) -> bool:
    return bool(re.search(r"enter|进入|entrada|entrée", name.casefold()))


def _stage_named(name: str) -> str:
    """Return the stage that a date column names: its header without the words for a date.

    Examples
    --------
    >>> _stage_named('Date entered "Proposal (Sales Pipeline)"'), _stage_named("进入报价时间")
    ('Proposal', '报价')
    """
    quoted = re.search(r"[\"“'「](.{1,200}?)[\"”'」]", name)
    if quoted:
        return re.sub(r"[（(].{0,200}[)）]\s*$", "", quoted.group(1)).strip()
    hubspot = re.match(r"hs_(?:v2_)?date_entered_(.+)$", name)
    if hubspot:
        return hubspot.group(1)
    bare = _BRACKETS.sub("", name)
    rest = _DATE_WORDS_ZH.sub("", _DATE_WORDS.sub(" ", plain(bare)))
    named = " ".join(rest.split())
    as_written = re.search(re.escape(named), bare, re.IGNORECASE)  # "Phone Screen On" keeps its capitals
    return as_written[0] if named and as_written else named
