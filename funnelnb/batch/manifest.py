"""What was made, from what? Finished work is good as long as nothing it came from has changed."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from funnelnb import __version__
from funnelnb.batch.folder import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from funnelnb.batch.folder import Folder

_FORMAT = 1
_STACK = ("altair", "nbconvert", "numpy", "pandas", "pyarrow", "scipy", "vl-convert-python")

Status = Literal["ok", "failed", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a report could not be made.

    Attributes
    ----------
    error : str
        Name of the error.
    message : str
        Its last line.
    cell : int
        1-based number of the cell, 0 where no cell was running.
    source : str
        First line of that cell.
    details : str
        The error in full, without colours.
    """

    error: str
    message: str
    cell: int = 0
    source: str = ""
    details: str = ""

    def line(self) -> str:
        """Return the failure in one line."""
        first = (self.message.splitlines() or [""])[0]
        return f"{self.error}: {first}" + (f" (cell {self.cell}: {self.source})" if self.cell else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One report that was made, or could not be.

    Attributes
    ----------
    stem : str
        File name without ending.
    key : str
        Hash of everything the report came from.
    status : {"ok", "failed", "stopped"}
    seconds : float
    parameters : Mapping
        As given to the notebook.
    notebook, value : str
    failure : Failure or None
    files : Mapping of str to str
        File name to hash of its content.
    """

    stem: str
    key: str
    status: Status
    seconds: float
    parameters: Mapping[str, Any]
    notebook: str
    value: str
    failure: Failure | None = None
    files: Mapping[str, str] = field(default_factory=dict)


def key_of(facts: Mapping[str, Any]) -> str:
    """Return the hash of what a report comes from: `facts`, the package's code and the libraries below it."""
    everything = {"facts": facts, "code": _code(), "stack": _stack()}
    return _hash(json.dumps(everything, sort_keys=True, ensure_ascii=False, default=str).encode())


def read(folder: Folder) -> dict[str, Entry]:
    """Return what an earlier run left in `folder`, by stem; empty when there is nothing that can be read."""
    content = folder.read(MANIFEST)
    try:
        listed = json.loads(content or b"{}")
        entries = [_entry(one) for one in listed["reports"]] if listed.get("format") == _FORMAT else []
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}
    return {one.stem: one for one in entries}


def write(folder: Folder, entries: Iterable[Entry], facts: Mapping[str, Any]) -> None:
    """Write the manifest, a report's facts in one line each."""
    reports = [asdict(one) for one in sorted(entries, key=lambda one: one.stem)]
    listed = {"format": _FORMAT, "made_by": f"funnelnb {__version__}", **facts, "reports": reports}
    folder.write(MANIFEST, json.dumps(listed, ensure_ascii=False, indent=1, default=str) + "\n")


def is_good(entry: Entry | None, key: str, folder: Folder) -> bool:
    """Is the finished report still what would be made, untouched on disk?"""
    if entry is None or entry.status != "ok" or entry.key != key or not entry.files:
        return False
    return all(hash_of(folder.read(name)) == digest for name, digest in entry.files.items())


def hash_of(content: bytes | None) -> str:
    """Return the hash of a file's content; empty for no file."""
    return "" if content is None else _hash(content)


def _entry(listed: dict[str, Any]) -> Entry:
    failure = listed.pop("failure")
    return Entry(**listed, failure=Failure(**failure) if failure else None)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


@functools.cache
def _code() -> str:
    """Hash every file of the package that a number or a page can depend on."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix in {".py", ".toml", ".json", ".j2", ".css"} and "_workbook" not in path.parts:
            digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


@functools.cache
def _stack() -> dict[str, str]:
    return {"python": sys.version.split()[0], **{name: importlib.metadata.version(name) for name in _STACK}}
