"""What was made, from what? Finished work is good as long as nothing it came from has changed."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from funnelnb import __version__
from funnelnb.batch.folder import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from funnelnb.batch.folder import Folder
    from funnelnb.batch.plan import Plan
    from funnelnb.data.contract.settings import Settings

_FORMAT = 2
_STACK = (
    *("altair", "ipykernel", "narwhals", "nbclient", "nbconvert", "numpy", "pandas", "papermill"),
    *("pyarrow", "python-calamine", "scipy", "vl-convert-python"),
)

Status = Literal["ok", "failed", "stopped"]
FailureKind = Literal["notebook", "killed", "time"]


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
    kind : {"notebook", "killed", "time"}
        A cell raised an error; the process was killed, ran out of memory or never started; it took too long.
    """

    error: str
    message: str
    cell: int = 0
    source: str = ""
    details: str = ""
    kind: FailureKind = "notebook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One report that was made, or could not be.

    Attributes
    ----------
    stem : str
        File name without ending.
    status : {"ok", "failed", "stopped"}
    seconds : float
    sources : Mapping of str to str
        Hash of each thing the report comes from, by :data:`SOURCES`.
    parameters : Mapping
        As given to the notebook, without passwords and users' paths.
    notebook, by, value : str
    failure : Failure or None
    files : Mapping of str to str
        File name to hash of its content.
    kept : Mapping
        What the next report of this kind compares with, where the notebook tells it (``WeeklyReport.kept``).
    since : Mapping
        What this one was compared with: what the report made from other data before it had kept.
    """

    stem: str
    status: Status
    seconds: float
    sources: Mapping[str, str]
    parameters: Mapping[str, Any]
    notebook: str
    by: str
    value: str
    failure: Failure | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)
    since: Mapping[str, Any] = field(default_factory=dict)


SINCE = "since"
"""Parameter by which a notebook is given what the last report of its kind kept."""
SOURCES = ("data", "notebook", "parameters", "settings", "package", "libraries")
"""What a report comes from; a change of any makes it again, and is named as the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What an earlier run left.

    Attributes
    ----------
    entries : Mapping of str to Entry
        By stem.
    figures : Mapping
        Headline figures of that run (see ``digest.py``).
    before : Mapping
        Those of the run on other data before it.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)


def package() -> dict[str, str]:
    """Return the hashes of what all reports share: this package's code and the libraries below it."""
    return {"package": _code(), "libraries": hash_of(json.dumps(_stack(), sort_keys=True).encode())}


def hash_facts(facts: Any) -> str:
    """Return the hash of plain values."""
    return hash_of(json.dumps(facts, sort_keys=True, ensure_ascii=False, default=str).encode())


def sources_of(whole: Plan, settings: Settings, lists: str = "") -> dict[str, dict[str, str]]:
    """Return for each report the hashes of all that it comes from, however paths are spelled."""
    book = whole.book
    shared = package()
    said = hash_facts(
        [
            repr(replace(settings, path="", data="", report={})),
            book.name,
            repr(book.notes),
            repr(book.playbook),
            lists,
        ]
    )
    parts = {one.by: book.split(one.by) for one in whole.splits}
    paths = {"data", "mapping", "playbook", SINCE}
    return {
        job.stem: {
            **shared,
            "data": (book if job.notebook.compares or not job.by else parts[job.by][job.value]).fingerprint,
            "notebook": job.notebook.fingerprint,
            "parameters": hash_facts({k: v for k, v in job.parameters.items() if k not in paths}),
            "settings": said,
        }
        for job in whole.jobs
    }


def read(folder: Folder) -> Record:
    """Return what an earlier run left in `folder`; empty when there is nothing that can be read."""
    content = folder.read(MANIFEST)
    try:
        listed = json.loads(content or b"{}")
        if listed.get("format") != _FORMAT:
            return Record()
        entries = [_entry(one) for one in listed["reports"]]
        figures, before = dict(listed.get("figures") or {}), dict(listed.get("before") or {})
    except (ValueError, TypeError, KeyError, AttributeError):
        return Record()
    return Record(entries={one.stem: one for one in entries}, figures=figures, before=before)


def write(folder: Folder, entries: Iterable[Entry], facts: Mapping[str, Any]) -> None:
    """Write the manifest: the run's facts, then one report after the other."""
    reports = [asdict(one) for one in sorted(entries, key=lambda one: one.stem)]
    listed = {"format": _FORMAT, "made_by": f"funnelnb {__version__}", **facts, "reports": reports}
    folder.write(MANIFEST, json.dumps(listed, ensure_ascii=False, indent=1, default=str) + "\n")


def why(entry: Entry | None, sources: Mapping[str, str], folder: Folder) -> str:
    """Why is a report to be made?

    Returns
    -------
    str
        Empty: it is still what would be made, untouched on disk. Else ``"new"``, ``"failed"``, one of
        :data:`SOURCES`, or ``"files"``.
    """
    if entry is None:
        return "new"
    if entry.status != "ok" or not entry.files:
        return "failed"
    for name in SOURCES:
        if entry.sources.get(name) != sources[name]:
            return name
    untouched = all(hash_of(folder.read(name)) == digest for name, digest in entry.files.items())
    return "" if untouched else "files"


def hash_of(content: bytes | None) -> str:
    """Return the hash of a file's content; empty for no file."""
    return "" if content is None else hashlib.sha256(content).hexdigest()[:32]


def _entry(listed: dict[str, Any]) -> Entry:
    failure = listed.pop("failure")
    return Entry(**listed, failure=Failure(**failure) if failure else None)


@functools.cache
def _code() -> str:
    """Hash every file of the package that a number or a page can depend on."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix in {".py", ".toml", ".json", ".j2", ".css", ".js"} and "_workbook" not in path.parts:
            digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


@functools.cache
def _stack() -> dict[str, str]:
    return {"python": sys.version.split()[0], **{name: importlib.metadata.version(name) for name in _STACK}}
