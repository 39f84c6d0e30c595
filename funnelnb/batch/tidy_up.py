"""``funnelnb clean``: propose changes in one file, or make those that the file accepts; the export stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import OutputError
from funnelnb.data.cleaning import CHANGES, LEFT_OUT, Cleaning, cleaning, followed, read_back
from funnelnb.data.contract.settings import FILE_NAME
from funnelnb.data.keep import keep, write_tables, write_whole
from funnelnb.data.propose import propose
from funnelnb.data.read.database import database_name, is_database
from funnelnb.show.pages.proposal import settings_comments
from funnelnb.show.text.words import words

if TYPE_CHECKING:
    from funnelnb.data.recognise.proposal import Proposal

EXAMPLES = 3
"""Changes of each kind that are shown."""


def tidy_up(
    data: tuple[str, ...],
    *,
    mapping: str = "",
    playbook: str = "",
    out: Path | None = None,
    changes: Path | None = None,
    force: bool = False,
    lang: str = "en",
) -> str:
    """Propose changes, or make those that a file accepts, and return what was done in words.

    Parameters
    ----------
    data : tuple of str
    mapping, playbook : str
        As for the report; everything that is proposed about the export is agreed to.
    out : Path, optional
        Folder of the file of changes or of the cleaned tables; default: the name of the data with ``-clean``.
    changes : Path, optional
        File in which changes are accepted or refused; None: they are proposed.
    force : bool
        Whether files that are there may be replaced.
    lang : {"en", "zh"}

    Raises
    ------
    FunnelError
        The data cannot be read, the changes are not about them, or the folder cannot be written to.
    """
    source: Any = data[0] if len(data) == 1 else list(data)
    proposal = propose(source, mapping=mapping or None, playbook=playbook or None)
    found = cleaning(source, mapping=proposal, playbook=playbook or None)
    name = database_name(data[0]) if is_database(data[0]) else Path(data[0]).expanduser().stem
    folder = out or Path(f"{name}-clean")
    if changes is not None:
        return _write_folder(found.decided(changes), proposal, folder, name, force=force, lang=lang)
    say = words(lang)
    if not found.changes:
        return say.get("cleaning.nothing")
    target = folder / CHANGES
    if target.exists() and not force:
        raise OutputError(
            f"{target} is there already", expected="a new file", hint="add --force, or name --out DIR"
        )
    folder.mkdir(parents=True, exist_ok=True)
    found.write(target)
    shown = [_kind(found, kind, lang) for kind in found.counts]
    shown += ["", say.say("cleaning.written", file=str(target))]
    return "\n".join(shown)


def undone(data: tuple[str, ...], *, out: Path | None = None, force: bool = False, lang: str = "en") -> str:
    """Take all changes of a folder of cleaned tables back, and return what was done in words.

    Parameters
    ----------
    data : tuple of str
        One folder that :func:`tidy_up` has written.
    out : Path, optional
        Folder of the tables as they were; default: the name of the folder with ``-before``.
    force : bool
        Whether files that are there may be replaced.
    lang : {"en", "zh"}

    Raises
    ------
    FunnelError
        The folder holds no cleaned tables, or the other one cannot be written to.
    """
    source = Path(data[0]).expanduser()
    tables = read_back(source)
    folder = out or Path(f"{source.name}-before")
    if folder.exists() and any(folder.iterdir()) and not force:
        raise OutputError(
            f"{folder} is not empty", expected="a new folder", hint="name another with --out, or add --force"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_tables(tables, folder)
    write_whole(folder / FILE_NAME, (source / FILE_NAME).read_text(encoding="utf-8"), force=True)
    return words(lang).say("cleaning.undone", n=sum(map(len, tables.values())), folder=str(folder))


def _kind(found: Cleaning, kind: str, lang: str) -> str:
    """Return how many findings of one kind there are, with examples."""
    say = words(lang)
    all_n, yes_n = found.counts[kind]
    lines = [say.say(f"cleaning.kinds.{kind}", n=all_n, accepted_n=yes_n)]
    seen: dict[str, Any] = {}
    for one in found.changes:
        if one.kind == kind:
            seen.setdefault(one.why if kind in ("spelling", "account") else one.id.partition(".")[0], one)
    for one in list(seen.values())[:EXAMPLES]:
        key = "out" if not one.column else "set"
        facts = {
            "key": one.key,
            "column": one.column,
            "before": one.before,
            "after": one.after,
            "why": one.why,
        }
        lines.append("  " + say.say(f"cleaning.{key}", **facts))
    return "\n".join(lines)


def _write_folder(
    found: Cleaning, proposal: Proposal, folder: Path, name: str, *, force: bool, lang: str
) -> str:
    """Write the cleaned tables, what was left out and what was done into a folder."""
    made = found.made()
    book = found.cleaned()
    said = proposal.said.playbook
    others = [one for one in folder.iterdir() if one.name != CHANGES] if folder.is_dir() else []
    keep(
        book, folder, proposal.document, settings_comments(proposal, name, lang),
        model=said if isinstance(said, str) else None, force=force or not others,
    )  # fmt: skip
    apart = folder / LEFT_OUT
    for table, rows in {**made.left_out, **followed(found.book, made)}.items():
        apart.mkdir(exist_ok=True)
        rows.to_parquet(apart / f"{table}.parquet")
    found.write(folder / CHANGES)
    rows_n = sum(map(len, made.left_out.values()))
    return words(lang).say("cleaning.made", n=len(made.changes), rows_n=rows_n, folder=str(folder))
