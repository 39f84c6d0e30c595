"""The output folder: what files are called, that they appear whole or not at all, and never over another's.

Whatever a run needs on disk for its own time lies in a folder that says whose it is: a lock that ends with the
process, however that ends. The next run clears what nobody holds any more.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import tempfile
import unicodedata
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
_SCRATCH = "funnelnb-"
_OWNER = "owner.lock"
_YOUNG_S = 60
"""A scratch folder without a lock may be one that is just being made."""

STEM_BYTES = 120
"""Longest readable part of a file name in UTF-8; with hash, notebook and ending below a file system's 255."""

NOTEBOOK_MARK = "@"
"""Stands between a region's stem and the name of a further notebook; no stem holds it."""

ATTRIBUTE_MARK = "="
"""Stands between attribute and region where reports are split by several; no stem holds it."""

WHOLE = "whole"
"""Stem of the report about all deals."""

_RESERVED = {"index", "manifest", "digest", WHOLE}
"""Stems that the batch itself writes."""


class Folder:
    """An output folder that has proved it can be written to.

    Attributes
    ----------
    path : pathlib.Path
    scratch : pathlib.Path
        Where files are made before they get their name.
    """

    def __init__(self, path: Path, scratch: Path) -> None:
        self.path = path
        self.scratch = scratch

    def write(self, name: str, text: str) -> None:
        """Put a file into the folder, replacing an earlier one in a single step.

        Raises
        ------
        OutputError
            The disk is full or the folder has gone; an earlier file of that name is untouched.
        """
        part = self.scratch / name
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

    def remove(self, name: str) -> None:
        """Take a file of ours away, if it is there."""
        with contextlib.suppress(OSError):
            (self.path / name).unlink(missing_ok=True)

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
    clear(path, _PREFIX)
    scratch = path / f"{_PREFIX}{secrets.token_hex(6)}{_SUFFIX}"
    owner = None
    try:
        owner = _claimed(path, scratch)  # at once: a run that is killed from now on leaves nobody's folder
        _prove(path, scratch)
        yield Folder(path, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        _release(owner)
        for one in made:
            with contextlib.suppress(OSError):
                one.rmdir()  # only when empty


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Make a private folder for what lives as long as this run, and clear those of runs that were killed.

    Yields
    ------
    pathlib.Path

    Raises
    ------
    OutputError
        There is no folder for temporary files, or it has no room: now, or while the run goes on.
    """
    try:
        clear(Path(tempfile.gettempdir()), _SCRATCH)
        made = Path(tempfile.mkdtemp(prefix=_SCRATCH))
    except OSError as error:
        raise _no_scratch(error) from None
    owner = None
    try:
        owner = _owned(made)
        yield made
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _no_scratch(error) from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
        _release(owner)


def clear(folder: Path, prefix: str) -> None:
    """Remove scratch folders in `folder` that belong to this user and to no living process.

    Parameters
    ----------
    folder : pathlib.Path
    prefix : str
        How their names begin.
    """
    with contextlib.suppress(OSError):
        for one in list(folder.glob(f"{prefix}*")):
            with contextlib.suppress(OSError):
                if one.is_dir() and not one.is_symlink() and _abandoned(one):
                    shutil.rmtree(one, ignore_errors=True)


def _abandoned(folder: Path) -> bool:
    """Is the folder ours, and the process that made it gone?"""
    import time

    about = folder.stat()
    if hasattr(os, "getuid") and about.st_uid != os.getuid():
        return False
    if not (folder / _OWNER).is_file():
        return abs(time.time() - about.st_mtime) > _YOUNG_S
    held = _owned(folder)
    _release(held)
    return held is not None


def _owned(folder: Path) -> Any:
    """Take the lock of a scratch folder; None when another process holds it."""
    try:
        import fcntl
    except ImportError:  # Windows: nobody's folder is ever taken for abandoned
        return None
    lock = (folder / _OWNER).open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def _release(lock: Any) -> None:
    if lock is not None:
        lock.close()


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


def _claimed(path: Path, scratch: Path) -> Any:
    """Make the scratch folder and take its lock."""
    try:
        scratch.mkdir(mode=0o700)
        return _owned(scratch)
    except OSError as error:
        raise _refusal(path, error) from None


def _prove(path: Path, scratch: Path) -> None:
    """Write as much as one report may take."""
    try:
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


def _no_scratch(error: OSError) -> OutputError:
    place = tempfile.tempdir or os.environ.get("TMPDIR", "/tmp")  # noqa: S108 - only named
    return OutputError(
        f"the folder for temporary files {place} cannot be written to: {error.strerror or error}",
        expected="a folder where files can be made",
        hint="make room there, or name another folder in the environment variable TMPDIR",
    )


# ---- names of files ---------------------------------------------------------------------------------------

_PLAIN = re.compile(r"[^\W_](?:[\w .+&()-]*[\w)])?")
"""Names that may stand as they are: letters and digits of any script, inner spaces, a few harmless marks."""


def stems(values: Sequence[str]) -> dict[str, str]:
    """Which file-name stem stands for each value?

    A plain name such as ``East`` or ``华东`` is its own stem. Any other (with a slash, a dot in front, a
    reserved device name, empty, too long, or equal to another but for case or Unicode form) gets what is
    readable of it and a hash of the whole, so that two different values never share a file on any system.

    Parameters
    ----------
    values : sequence of str
        All values of the attribute: the stem of one must not depend on which reports are made.

    Returns
    -------
    dict of str to str
        Value to stem.

    Examples
    --------
    >>> stems(["East", "华东"])
    {'East': 'East', '华东': '华东'}
    >>> stems(["../x"])
    {'../x': 'x-d6b96a97'}
    """
    folded = Counter(_fold(value) for value in dict.fromkeys(values))
    return {value: value if _stands_alone(value, folded) else _hashed(value) for value in values}


def _stands_alone(value: str, folded: Counter[str]) -> bool:
    from pathvalidate import is_valid_filename

    return (
        _PLAIN.fullmatch(value) is not None
        and folded[_fold(value)] == 1
        and _fold(value) not in _RESERVED
        and len(value.encode()) <= STEM_BYTES
        and unicodedata.is_normalized("NFC", value)
        and is_valid_filename(f"{value}.html", platform="universal")
        and not _looks_hashed(value)
    )


def _looks_hashed(value: str) -> bool:
    return re.search(r"-[0-9a-f]{8}$", value) is not None


def _hashed(value: str) -> str:
    from pathvalidate import sanitize_filename

    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    readable = unicodedata.normalize("NFC", value.encode("utf-8", "replace").decode())
    readable = sanitize_filename(readable, platform="universal", replacement_text="_")
    readable = re.sub(r"[^\w+&()-]+|_+", "_", readable).strip("_-")
    readable = readable.encode()[:STEM_BYTES].decode(errors="ignore").rstrip("_-")
    return f"{readable or 'blank'}-{digest}"


def _fold(value: str) -> str:
    return unicodedata.normalize("NFKC", value).casefold()
