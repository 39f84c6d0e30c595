"""What was recognised in an export, for a terminal and as a settings file with comments."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from funnelnb.core.note import Note
from funnelnb.show.text.errors import error_text
from funnelnb.show.text.words import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from funnelnb.data.recognise.profile import ColumnProfile
    from funnelnb.data.recognise.proposal import Proposal, Question, Repair
    from funnelnb.data.recognise.shape import Sheet
    from funnelnb.data.recognise.stages import StageWord
    from funnelnb.show.text.words import Words

MEANS_AN_END = ("closed_unclear", "word_unclear")
"""Questions that propose an end of deals."""

EXPECTED = ("created_at", "closed_at", "amount", "owner")
"""Columns that most exports have: it is said where none was found."""

UNREAD_SHOWN = 40
"""At most so many unread columns are named in one line."""


def proposal_text(proposal: Proposal, lang: str = "en") -> str:
    """What was found, understood, guessed and is asked, in plain text?

    Parameters
    ----------
    proposal : Proposal
    lang : {"en", "zh"}
    """
    say = words(lang)
    parts = [
        _files(proposal, say),
        _columns(proposal, say),
        _history(proposal, say),
        _stages(proposal, say),
        _outcomes(proposal, say),
    ]
    told = [say.note(one) for one in proposal.notes]
    parts.append(_listed(say.get("recognise.told"), told))
    parts.append(_listed(say.get("recognise.repairs"), _repairs(proposal.repairs, say)))
    asked = [
        f"{k}. {_question(one, say)}" + (f"\n      {one.line}" if one.line else "")
        for k, one in enumerate(proposal.questions, start=1)
    ]
    parts.append(_listed(say.get("recognise.questions"), asked))
    if proposal.model:
        parts.append(say.say("recognise.model", name=proposal.model))
    return "\n\n".join(part for part in parts if part)


def repairs_text(proposal: Proposal, lang: str = "en", *, since: int = 0) -> str:
    """What happens to the rows of the problems from the place `since` on?"""
    say = words(lang)
    return _listed(say.get("recognise.repairs"), _repairs(proposal.repairs[since:], say))


def _with_line(question: str, line: str, say: Words) -> str:
    return say.say("language.bracket", label=question, unit=line) if line else question


def settings_comments(proposal: Proposal, name: str, lang: str = "en") -> dict[str, list[str]]:
    """Return the comments of the settings file, by place: why each line says what it says."""
    say = words(lang)
    comments: dict[str, list[str]] = {"": [say.say("recognise.head", name=name)]}
    comments[""] += [say.note(one) for one in proposal.notes]
    comments[""] += [
        _with_line(say.say("recognise.line_question", text=_question(one, say)), one.line, say)
        for one in proposal.questions
    ]
    unread = proposal.unread()
    if proposal.deals is not None and proposal.deals.raw.file in unread:
        names = unread[proposal.deals.raw.file]
        comments["tables.opportunities.columns"] = [
            say.say("recognise.line_unread", names=", ".join(names[:UNREAD_SHOWN]))
        ]
    for one in proposal.repairs:
        line = say.say(
            "recognise.line_repair", n=one.problem.rows_n, found=error_text(one.problem.found, say)
        )
        comments.setdefault(f"problems.{one.code}", []).append(line)
    return comments


def _question(question: Question, say: Words) -> str:
    """Return a question with the meaning of a word as it is called everywhere else."""
    meaning = question.values.get("meaning")
    if question.code not in MEANS_AN_END or not meaning:
        return say.note(question.note)
    values = {**question.values, "meaning": say.get(f"recognise.meanings.{meaning}")}
    return say.note(Note(question.note.code, values))


def _files(proposal: Proposal, say: Words) -> str:
    lines = [
        say.say(
            "recognise.is_table",
            file=one.raw.file,
            kind=say.get(f"recognise.kinds.{_kind(proposal, one)}"),
            rows_n=len(one.raw.frame),
        )
        for one in proposal.sheets
    ]
    return _listed(say.get("recognise.files"), lines)


def _kind(proposal: Proposal, sheet: Sheet) -> str:
    if sheet is proposal.deals:
        return "opportunities"
    joins = proposal.document.get("tables", {}).get("opportunities", {}).get("joins", [])
    if any(one["file"] == sheet.file and one.get("sheet", "") == sheet.sheet for one in joins):
        return "joined"
    if sheet.kind == "opportunities":  # looks like deals, but others are
        return "again" if proposal.holds_the_deals(sheet) else "other"
    return sheet.kind


def _columns(proposal: Proposal, say: Words) -> str:
    """Return the columns that are read, with examples, and those that are not."""
    sheet = proposal.deals
    if sheet is None:
        return ""
    rows = []
    by_name = {one.name: one for one in sheet.profiles}
    for column, source in proposal.columns_in_order():
        if not source:  # said not to be there
            continue
        first = source if isinstance(source, str) else source[0]
        samples = _examples(by_name.get(first))
        rows.append((column, source if isinstance(source, str) else " / ".join(source), samples))
    for stage, source in proposal.table("opportunities").get("stage_dates", {}).items():
        rows.append((f"→ {stage}", source, _examples(by_name.get(source))))
    for name, source in proposal.customer_columns():
        rows.append((name, source, _examples(by_name.get(source))))
    lines = [_listed(say.say("recognise.columns", file=sheet.raw.file), _table(rows))]
    lacking = [one for one in EXPECTED if not _is_there(one, proposal)]
    if lacking:
        names = [say.get(f"recognise.lacking.{one}") for one in lacking]
        lines.append("  " + say.say("recognise.not_found", names=", ".join(names)))
    names = proposal.unread().get(sheet.raw.file, [])
    if names:
        more = f", … (+{len(names) - UNREAD_SHOWN})" if len(names) > UNREAD_SHOWN else ""
        lines.append("  " + say.say("recognise.unread", names=", ".join(names[:UNREAD_SHOWN]) + more))
    return "\n".join(lines)


def _examples(column: ColumnProfile | None) -> str:
    """Return two cells of a column; of days without a time only the day."""
    return ", ".join(one.removesuffix(" 00:00:00") for one in column.samples) if column is not None else ""


def _is_there(column: str, proposal: Proposal) -> bool:
    """Whether something tells a column: one of the table, of a joined file, of a history or the dates of stages."""
    part = proposal.table("opportunities")
    joined = {name for one in part.get("joins", []) for name in one["columns"]}
    if column == "amount" and "expected_amount" in part.get("columns", {}):
        return True
    dated = column.endswith("_at") and (proposal.history is not None or bool(part.get("stage_dates")))
    return column in part.get("columns", {}) or column in joined or dated


def _history(proposal: Proposal, say: Words) -> str:
    """Return what the columns of the history are, where it is a table of its own."""
    history = proposal.history
    if history is None or not history.log:
        return ""
    by_name = {one.name: one for one in history.profiles}
    rows = [
        (role, source, _examples(by_name.get(source)))
        for role, source in history.log.items()
        if role != "field_value"
    ]
    return _listed(say.say("recognise.history", file=history.raw.file), _table(rows))


def _stages(proposal: Proposal, say: Words) -> str:
    """Return stages in order and what every word means."""
    if proposal.stages is None or not proposal.stages.words:
        return ""
    place = {word: k for k, word in enumerate(proposal.stages.stages, start=1)}
    found = sorted(
        proposal.stages.words, key=lambda one: (place.get(one.same_as or one.word, 99), one.meaning, -one.n)
    )
    ends = {one.word for one in proposal.outcomes}

    def elsewhere(one: StageWord) -> bool:
        return one.meaning == "none" and one.word in ends

    return _listed(
        say.get("recognise.stages"),
        _table([_word(one, place, proposal, say) for one in found if not elsewhere(one)]),
    )


def _outcomes(proposal: Proposal, say: Words) -> str:
    """Return what every word of the column of outcomes means."""
    column = proposal.table("opportunities").get("columns", {}).get("outcome", "")
    title = say.say("recognise.outcomes", column=column)
    return _listed(title, _table([_word(one, {}, proposal, say) for one in proposal.outcomes]))


def _word(one: StageWord, place: Mapping[str, int], proposal: Proposal, say: Words) -> tuple[str, ...]:
    """Return the line of a word: its place among the stages, itself, how often it stands there and what it means."""
    number = str(place[one.word]) if one.word in place and one.meaning == "stage" else ""
    means = one.meaning if one.sure else proposal.document.get("outcomes", {}).get(one.word, one.meaning)
    meaning = f"= {one.same_as}" if one.same_as else say.get(f"recognise.meanings.{means}")
    label = proposal.labels.get(one.word, "")
    shown = f"{label} ({one.word})" if label else one.word
    return (number, shown, say.numbers.count(one.n), meaning + ("" if one.sure else " ?"))


def _repairs(repairs: Sequence[Repair], say: Words) -> list[str]:
    """Return what happens to the rows of each problem; many values with one problem are one line."""
    groups: dict[tuple[str, str, str, str], list[Any]] = {}
    for one in repairs:
        problem = one.problem
        groups.setdefault((problem.file, problem.column, problem.found, one.policy), []).append(problem)
    lines = []
    for (file, column, found, policy), problems in groups.items():
        shown = f" {problems[0].value!r}" if problems[0].value else ""
        more = say.say("recognise.more_values", n=len(problems) - 1) if len(problems) > 1 else ""
        values: dict[str, Any] = {
            "place": file + (f", {column}" if column else ""),
            "found": error_text(found, say),
            "value": shown + more,
        }
        values |= {"rows_n": sum(one.rows_n for one in problems), "policy": say.get(f"recognise.{policy}")}
        lines.append(say.say("recognise.is_repaired", **values))
    return lines


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)]) if lines else ""


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with aligned columns; Chinese characters take two places."""
    if not rows:
        return []
    widths = [min(max(_width(row[k]) for row in rows), 44) for k in range(len(rows[0]))]
    return [
        "  ".join(
            cell + " " * max(width - _width(cell), 0) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
