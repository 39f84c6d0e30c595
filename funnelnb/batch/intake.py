"""Take an export in: settings and canonical tables in one folder, written whole or not at all."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import FunnelError
from funnelnb.data.contract.settings import FILE_NAME, read_settings
from funnelnb.data.keep import keep, write_whole
from funnelnb.data.load import load
from funnelnb.data.parts import CodedProblems, convert
from funnelnb.data.propose import repaired
from funnelnb.data.read.database import concealed, database_name, is_database, shown
from funnelnb.data.recognise.merge import merged
from funnelnb.data.recognise.write import as_toml
from funnelnb.show.pages.proposal import repairs_text, settings_comments
from funnelnb.show.text.words import words

if TYPE_CHECKING:
    from funnelnb.data.recognise.proposal import Proposal

OK, FOUND, STOPPED = 0, 1, 130


def settings_text(proposal: Proposal, name: str, *, data: str = "", lang: str = "en") -> str:
    """Return the settings file of a proposal, with comments; it loads as it stands.

    Parameters
    ----------
    proposal : Proposal
    name : str
        What the data are called in the head of the file.
    data : str
        File that the settings are about, if they lie beside others.
    lang : {"en", "zh"}
    """
    document = {**({"data": data} if data else {}), **proposal.document}
    return as_toml(document, settings_comments(proposal, name, lang))


def write_settings(
    proposal: Proposal,
    data: tuple[str, ...],
    *,
    where: Path | None = None,
    force: bool = False,
    lang: str = "en",
) -> str:
    """Write the settings beside the data, and return what was done in words.

    Raises
    ------
    OutputError
        There is such a file already, or it cannot be written.
    """
    first = Path(data[0]).expanduser()
    if is_database(data[0]):
        target = where or Path(FILE_NAME)
        write_whole(
            target, settings_text(proposal, shown(data[0]), data=concealed(data[0]), lang=lang), force=force
        )
        return words(lang).say("recognise.written", file=str(target))
    folder = first if first.is_dir() else first.parent
    target = where or folder / FILE_NAME
    beside = target.resolve().parent == folder.resolve()
    named = "" if len(data) > 1 or (first.is_dir() and beside) else (first.name if beside else str(first))
    write_whole(target, settings_text(proposal, first.name, data=named, lang=lang), force=force)
    read_settings(target)
    return words(lang).say("recognise.written", file=str(target))


AGREED = "agreed-settings.toml"
"""What was agreed to with ``--yes``, beside the reports that were made with it."""


def agree(
    data: tuple[str, ...], out: Path, *, mapping: str = "", playbook: str = "", lang: str = "en"
) -> str:
    """Agree to everything that is proposed for an export, and return the settings file that says so.

    Parameters
    ----------
    data : tuple of str
    out : Path
        Folder of the reports; the file is written into it.
    mapping, playbook : str
        As for the report.
    lang : {"en", "zh"}

    Returns
    -------
    str
        Path of the file; `mapping` where nothing had to be proposed.
    """
    from funnelnb.data.propose import propose

    source: Any = data[0] if len(data) == 1 else list(data)
    proposal = propose(source, mapping=mapping or None, playbook=playbook or None)
    if not proposal.document:
        return mapping
    out.mkdir(parents=True, exist_ok=True)
    first = Path(data[0]).expanduser()
    said = Path(mapping) if mapping else (first if first.is_dir() else first.parent) / FILE_NAME
    document: dict[str, Any] = {}
    if said.is_file():
        document = tomllib.loads(said.read_text(encoding="utf-8-sig"))
        document.pop("data", None)
    known = _copied(document)
    _merge(document, proposal.document)
    _merge(document, known)  # what was said stays
    name = shown(data[0]) if is_database(data[0]) else first.name
    target = out / AGREED
    write_whole(target, as_toml(document, settings_comments(proposal, name, lang)), force=True)
    return str(target)


def consent_helps(data: tuple[str, ...], *, mapping: str = "", playbook: str = "", as_of: Any = None) -> bool:
    """Return whether data that cannot be used as they are can be used once what is proposed for them is agreed to."""
    from funnelnb.data.propose import propose

    source: Any = data[0] if len(data) == 1 else list(data)
    try:
        proposal = propose(source, mapping=mapping or None, playbook=playbook or None)
        if proposal.document:
            load(source, mapping=proposal, as_of=as_of)
    except FunnelError:
        return False
    return bool(proposal.document)


def _copied(document: dict[str, Any]) -> dict[str, Any]:
    return {name: _copied(one) if isinstance(one, dict) else one for name, one in document.items()}


def take_in(
    data: tuple[str, ...],
    proposal: Proposal,
    *,
    out: Path | None,
    agreed: bool,
    force: bool,
    lang: str,
    as_of: Any = None,
    large: bool = False,
) -> int:
    """Ask what is open, then write settings and canonical tables; return the exit code.

    `large`: the data are a text that does not fit into memory; it is stored part by part.
    """
    say = words(lang)
    if not agreed and not _agreed(proposal, lang):
        print(say.get("recognise.no_change"))
        return STOPPED
    source: Any = data[0] if len(data) == 1 else list(data)
    database = is_database(data[0])
    first = Path(data[0]).expanduser()
    folder = out or Path(f"{database_name(data[0]) if database else first.stem}-funnel")
    name = shown(data[0]) if database else first.name
    if large:
        return _in_parts(source, proposal, folder, name, agreed=agreed, force=force, lang=lang, as_of=as_of)
    try:
        book = load(source, mapping=proposal, as_of=as_of)
    except FunnelError as error:
        print(say.get("recognise.not_loading"))
        print(error)
        return FOUND
    said = proposal.said.playbook
    keep(
        book, folder, proposal.document, settings_comments(proposal, name, lang),
        model=said if isinstance(said, str) else None, force=force,
        problems=merged(proposal.said, proposal.document, accepted=True).problems,
    )  # fmt: skip
    print()
    print(say.say("recognise.stored", folder=str(folder)))
    by = next((one for one in ("region", "team", "owner") if one in book.opportunities), "")
    if by:
        print(say.say("recognise.next_report", command=f"funnelnb report {folder} --by {by}"))
    return OK


def _in_parts(
    source: Any,
    proposal: Proposal,
    folder: Path,
    name: str,
    *,
    agreed: bool,
    force: bool,
    lang: str,
    as_of: Any,
) -> int:
    """Store a text that does not fit into memory; ask about rows with a problem that its sample did not show."""
    say = words(lang)
    while True:
        try:
            stored = convert(
                source, folder, mapping=proposal, as_of=as_of, force=force, tell=_Line(lang),
                comments=settings_comments(proposal, name, lang),
            )  # fmt: skip
        except CodedProblems as error:
            known = len(proposal.repairs)
            if not repaired(proposal, error.codes, error.problems, error.rows_n):
                print(say.get("recognise.not_loading"))
                print(error)
                return FOUND
            print(repairs_text(proposal, lang, since=known))
            if not agreed and not _agreed(proposal, lang, asked=len(proposal.questions)):
                print(say.get("recognise.no_change"))
                return STOPPED
        except FunnelError as error:
            print(say.get("recognise.not_loading"))
            print(error)
            return FOUND
        else:
            print()
            print(say.say("parts.stored", folder=str(folder), deals_n=stored.rows_n["opportunities"],
                          lines_n=stored.lines.lines_n))  # fmt: skip
            for one in stored.notes:
                print("- " + say.note(one))
            print(say.say("parts.next", folder=str(folder)))
            return OK


class _Line:
    """A line that tells how far a text has been read: over and over on a terminal, in tenths in a log."""

    def __init__(self, lang: str) -> None:
        self.say, self.tenth = words(lang), 0

    def __call__(self, done_n: int, of_n: int) -> None:
        tenth = 10 * done_n // max(of_n, 1)
        again = tenth < self.tenth
        text = self.say.say("parts.read", done_n=done_n, of_n=of_n, share=f"{100 * done_n // max(of_n, 1)} %")
        if sys.stderr.isatty():
            print(f"\r{text}", end="\n" if done_n >= of_n else "", file=sys.stderr, flush=True)
        elif tenth > self.tenth or again:
            print(text, file=sys.stderr, flush=True)
        self.tenth = tenth


def _agreed(proposal: Proposal, lang: str, *, asked: int = 0) -> bool:
    """Ask one question after the other, but for the first ones that were `asked`; Enter agrees to what is proposed."""
    say = words(lang)
    for one in proposal.questions[asked:]:
        print()
        print(say.note(one.note))
        print(f"    {one.line}")
        try:
            answer = input(say.get("recognise.answer")).strip()
        except EOFError:
            return False
        if answer.casefold() in ("q", "n", "no", "否", "不"):
            return False
        if answer and answer.casefold() not in ("y", "yes", "是"):
            _correct(proposal, answer)
    if proposal.questions[asked:]:
        return True
    try:
        return input(say.get("recognise.yes")).strip().casefold() not in ("n", "no", "q", "否", "不")
    except EOFError:
        return False


def _correct(proposal: Proposal, line: str) -> None:
    """Take a line of settings into the proposal, such as ``[outcomes] "Closed" = "lost"``."""
    import re

    from funnelnb.core.errors import MappingError

    typed = re.sub(r"^\s*(\[[^\]]+\])\s*(?=\S)", r"\1\n", line)
    try:
        content = tomllib.loads(typed)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(
            f"{line!r} is no line of settings ({error})",
            expected='such as [outcomes] "Closed" = "lost"',
            hint="run it again",
        ) from None
    read_settings(content)
    _merge(proposal.document, content)


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for name, one in more.items():
        if isinstance(one, dict) and isinstance(into.get(name), dict):
            _merge(into[name], one)
        else:
            into[name] = one
