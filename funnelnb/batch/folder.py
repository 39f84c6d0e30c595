"""The output folder: files appear in it whole or not at all, and never over somebody else's."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from typing import TYPE_CHECKING

from funnelnb.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

REPORT_BYTES = 2_000_000
"""Room that one report (page and executed notebook) may need; asked for before the first one is made."""

INDEX, MANIFEST = "index.html", "manifest.json"

MARKS = {
    "html": b'<meta name="generator" content="funnelnb ',
    "ipynb": b'"funnelnb": {',
    "json": b'"made_by": "funnelnb ',
}
"""How each kind of file shows that a report run wrote it."""

_PREFIX, _SUFFIX = ".funnelnb-", ".tmp"


class Folder:
    """An output folder that has proved it can be written to.

    Attributes
    ----------
    path : pathlib.Path
    """

    def __init__(self, path: Path, scratch: Path) -> None:
        self.path = path
        self._scratch = scratch

    def write(self, name: str, text: str) -> None:
        """Put a file into the folder, replacing an earlier one in a single step.

        Raises
        ------
        OutputError
            The disk is full or the folder has gone; an earlier file of that name is untouched.
        """
        part = self._scratch / name
        try:
            with part.open("w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path / name)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise _refusal(self.path, error) from None

    def read(self, name: str) -> bytes | None:
        """Return a file's content, or None when it is not there."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refusal(self.path, error) from None

    def room_for(self, reports_n: int) -> None:
        """Refuse to go on when the disk has no room for so many reports.

        Raises
        ------
        OutputError
            With the room there is and the room it takes.
        """
        free, needed = shutil.disk_usage(self.path).free, REPORT_BYTES * reports_n
        if free < needed:
            raise OutputError(
                f"the output folder {self.path} has room for {free / 1e6:.0f} MB",
                expected=f"{needed / 1e6:.0f} MB for {reports_n} reports",
                hint="free some space, or choose another folder with --out",
            )

    def strangers(self, names: Iterable[str]) -> None:
        """Refuse to write over a file that this package did not write.

        Raises
        ------
        OutputError
            Names such files.
        """
        wanted = (*names, INDEX, MANIFEST)
        found = [name for name in wanted if not _ours(name, self.read(name))]
        if found:
            raise OutputError(
                f"the output folder {self.path} holds files that no report run wrote: {', '.join(found[:5])}",
                expected="an empty folder, or one written by `funnelnb report` before",
                hint="choose another with --out",
            )


def _ours(name: str, content: bytes | None) -> bool:
    """Is the file free to be written: not there, or marked as made by this package?"""
    if content is None:
        return True
    mark = MARKS[name.rpartition(".")[2]]
    return mark in (content if name.endswith(".ipynb") else content[:2000])


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Folder]:
    """Open the output folder, prove that it can be written to, and leave no scratch file behind.

    Parameters
    ----------
    path : pathlib.Path
        Made when it is not there, and removed again if nothing came to be written.

    Yields
    ------
    Folder

    Raises
    ------
    OutputError
        The folder cannot be made or written to, or the disk has no room.
    """
    path = path.absolute()
    made = _make(path)
    scratch = path / f"{_PREFIX}{secrets.token_hex(6)}{_SUFFIX}"
    try:
        _prove(path, scratch)
        yield Folder(path, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        for one in made:
            with contextlib.suppress(OSError):
                one.rmdir()  # only when empty


def _make(path: Path) -> list[Path]:
    """Make `path` with its parents; return what was made, innermost first."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        for one in missing:
            with contextlib.suppress(OSError):
                one.rmdir()
        raise _refusal(path, error) from None
    return missing


def _prove(path: Path, scratch: Path) -> None:
    """Make the scratch folder and write as much as one report may take."""
    try:
        scratch.mkdir(mode=0o700)
        with (scratch / "probe").open("wb") as probe:
            probe.write(os.urandom(REPORT_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
        (scratch / "probe").unlink()
    except OSError as error:
        raise _refusal(path, error) from None


def _refusal(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"the output folder {path} cannot be written to: {error.strerror or error}",
        expected="a folder where files can be made",
        hint="choose another with --out, or make room",
    )
