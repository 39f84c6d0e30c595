"""Take an export in: settings and canonical tables in one folder, written whole or not at all."""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import FunnelError, OutputError
from funnelnb.data.contract.settings import FILE_NAME, read_settings
from funnelnb.data.load import load
from funnelnb.data.read.database import concealed, database_name, is_database, shown
from funnelnb.data.recognise.write import as_toml
from funnelnb.show.pages.proposal import settings_comments
from funnelnb.show.text.words import words

if TYPE_CHECKING:
    from funnelnb.data.book import Book
    from funnelnb.data.recognise.proposal import Proposal

OK, FOUND, STOPPED = 0, 1, 130

SOURCE_SETTINGS = "source-settings.toml"
"""The settings that read the export itself, for the next one of its kind: ``--mapping source-settings.toml``."""


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


def _copied(document: dict[str, Any]) -> dict[str, Any]:
    return {name: _copied(one) if isinstance(one, dict) else one for name, one in document.items()}


def write_whole(target: Path, text: str, *, force: bool = False) -> None:
    """Write a file under a temporary name and rename it."""
    if target.exists() and not force:
        raise OutputError(
            f"{target} is there already",
            expected="a new file",
            hint="add --force to replace it, or name another file",
        )
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=target.parent, prefix=".funnelnb-", suffix=".tmp", delete=False
        ) as stream:
            stream.write(text)
        Path(stream.name).replace(target)
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written ({error.strerror})", expected="a folder that can be written to",
            hint="name another place with --write-settings FILE",
        ) from None  # fmt: skip


def take_in(
    data: tuple[str, ...],
    proposal: Proposal,
    *,
    out: Path | None,
    agreed: bool,
    force: bool,
    lang: str,
    as_of: Any = None,
) -> int:
    """Ask what is open, then write settings and canonical tables; return the exit code."""
    say = words(lang)
    if not agreed and not _agreed(proposal, lang):
        print(say.get("recognise.no_change"))
        return STOPPED
    source: Any = data[0] if len(data) == 1 else list(data)
    try:
        book = load(source, mapping=proposal, as_of=as_of)
    except FunnelError as error:
        print(say.get("recognise.not_loading"))
        print(error)
        return FOUND
    database = is_database(data[0])
    first = Path(data[0]).expanduser()
    folder = out or Path(f"{database_name(data[0]) if database else first.stem}-funnel")
    keep(book, proposal, folder, shown(data[0]) if database else first.name, force=force, lang=lang)
    print()
    print(say.say("recognise.stored", folder=str(folder)))
    by = next((one for one in ("region", "team", "owner") if one in book.opportunities), "")
    if by:
        print(say.say("recognise.next_report", command=f"funnelnb report {folder} --by {by}"))
    return OK


def _agreed(proposal: Proposal, lang: str) -> bool:
    """Ask one question after the other; Enter agrees to what is proposed."""
    say = words(lang)
    for one in proposal.questions:
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
    if proposal.questions:
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


def keep(
    book: Book, proposal: Proposal, folder: Path, name: str, *, force: bool = False, lang: str = "en"
) -> None:
    """Write the tables of a book as Parquet, with settings that read them, into a folder.

    Raises
    ------
    OutputError
        The folder holds something already, or cannot be written.
    """
    if folder.exists() and any(folder.iterdir()) and not force:
        raise OutputError(
            f"{folder} is not empty", expected="a new folder", hint="name another with --out, or add --force"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for table, frame in book.tables.items():
        temporary = folder / f".funnelnb-{table}.tmp"
        frame.to_parquet(temporary, index=False)
        temporary.replace(folder / f"{table}.parquet")
    document: dict[str, Any] = {
        "playbook": _model(book, proposal),
        "as_of": str(book.as_of)[:10],
        **({"currency": book.currency} if book.currency else {}),
        **({"timezone": book.timezone} if book.timezone else {}),
        "problems": {"won_without_closed_at": "keep"},
    }
    comments = {"": [*settings_comments(proposal, name, lang)[""]]}
    write_whole(folder / FILE_NAME, as_toml(document, comments), force=True)
    write_whole(folder / SOURCE_SETTINGS, settings_text(proposal, name, lang=lang), force=True)


def _model(book: Book, proposal: Proposal) -> Any:
    said = proposal.said.playbook
    if isinstance(said, str):
        return said
    return [one.label.en for one in book.playbook.stages]
