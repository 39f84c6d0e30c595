"""Where is the log? A file, many, a folder of page tables or a frame becomes one table of events."""

from __future__ import annotations

import glob
import gzip
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import SourceError
from funnelnb.data.contract.limits import Limits
from funnelnb.data.events.presets import is_log
from funnelnb.data.read.archive import tables_inside, unpacked
from funnelnb.data.read.files import SUFFIXES, nearest_file, read
from funnelnb.data.read.raw import Raw
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    import pandas as pd

UNPACKED_MOST = 4 * 2**30
"""A packed file that unpacks to more bytes than this is refused."""
_CHUNK = 2**20


def gather(source: Any) -> Raw:
    """Which table of events does a source hold?

    Parameters
    ----------
    source : path, glob, folder, frame, list or dict of them
        Several tables with the same columns are put under each other. Tables that each hold the visitors of
        one page (a dict or folder of them, keyed by user) become one log; see :func:`pages`.

    Returns
    -------
    Raw

    Raises
    ------
    SourceError
        There is nothing, or the tables do not belong together.
    """
    tables = _tables(source)
    if len(tables) == 1:
        return next(iter(tables.values()))
    columns = {tuple(sorted(map(fold, one.columns))) for one in tables.values()}
    if len(columns) == 1 or all(is_log(one.columns) for one in tables.values()):
        return _under_each_other(list(tables.values()))
    return pages(tables)


def _tables(source: Any) -> dict[str, Raw]:
    if isinstance(source, dict):
        if not source:
            raise SourceError("the dict of tables is empty", expected="at least one table")
        return {str(name): _one(table, str(name)) for name, table in source.items()}
    if isinstance(source, (list, tuple)) and source:
        return {_stem(Path(one)): _one(one, _stem(Path(one))) for one in source}
    if not isinstance(source, (str, Path)):
        return {"events": _one(source, "events")}
    path = Path(source).expanduser()
    if any(char in str(source) for char in "*?[") and not path.exists():
        found = sorted(Path(one) for one in glob.glob(str(path), recursive=True))  # noqa: PTH207 - also absolute patterns
        if not found:
            raise SourceError(f"no file matches {source}", expected="at least one", hint="check the pattern")
        return {str(one): _one(one, one.name) for one in found}
    if path.is_dir():
        inside = sorted(
            one for one in path.iterdir() if _ending(one) and not one.name.startswith((".", "~$"))
        )
        if not inside:
            raise SourceError(
                f"{path} holds no data files", expected="files ending in " + ", ".join(SUFFIXES)
            )
        return {_stem(one): _one(one, one.name) for one in inside}
    if not path.exists():
        raise SourceError(f"there is nothing at {path}", expected="a file or folder", hint=nearest_file(path))
    packed = _several_inside(path)
    return packed or {_stem(path): _one(path, path.name)}


def _several_inside(path: Path) -> dict[str, Raw]:
    """Return the tables of a ZIP archive that holds many, or packed ones; empty for everything else."""
    if path.suffix.lower() != ".zip":
        return {}
    limits = Limits()
    inside = tables_inside(path, limits, (*SUFFIXES, ".gz"))
    if len(inside) < 2 and not any(one.lower().endswith(".gz") for one in inside):
        return {}
    found = {}
    for name in sorted(inside):
        with unpacked(path, name, limits) as one:
            raw = _one(one, name)
        raw.file = f"{path.name}!{name.rpartition('/')[2]}"
        found[name] = raw
    return found


def _ending(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES or (
        path.suffix.lower() == ".gz" and Path(path.stem).suffix.lower() in SUFFIXES
    )


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _one(table: Any, name: str) -> Raw:
    if isinstance(table, (str, Path)) and str(table).lower().endswith(".gz"):
        return _unpacked(Path(table), name if name.lower().endswith(".gz") else Path(table).name)
    return read(table, name)


def _unpacked(path: Path, name: str) -> Raw:
    """Read a gzip-packed file called `name`, within a limit; of the name only the ending before .gz is used."""
    if not path.exists():
        raise SourceError(f"there is no file {path}", expected="a packed data file", hint=nearest_file(path))
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / f"table{Path(name[:-3]).suffix}"
        try:
            with gzip.open(path) as packed, plain.open("wb") as target:
                stream: Any = _Limited(packed, path)
                shutil.copyfileobj(stream, target, _CHUNK)
        except (OSError, EOFError) as error:
            raise SourceError(
                f"{path.name} cannot be unpacked ({error})", expected="a whole gzip file"
            ) from None
        raw = read(plain, path.name)
    raw.file = path.name
    return raw


class _Limited:
    """A stream that refuses to give more than ``UNPACKED_MOST`` bytes."""

    def __init__(self, stream: Any, path: Path) -> None:
        self._stream, self._left, self._path = stream, UNPACKED_MOST, path

    def read(self, size: int = -1, /) -> bytes:
        piece: bytes = self._stream.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise SourceError(
                f"{self._path.name} unpacks to more than {UNPACKED_MOST // 2**30} GB",
                expected="a smaller file",
                hint="unpack it and save it as Parquet",
            )
        return piece


def _under_each_other(raws: list[Raw]) -> Raw:
    import pandas as pd

    names: dict[str, str] = {}
    for raw in raws:
        for one in raw.frame.columns:
            names.setdefault(fold(str(one)), str(one))
    frames = [
        raw.frame.rename(columns={one: names[fold(str(one))] for one in raw.frame.columns}) for raw in raws
    ]
    together = pd.concat(frames, ignore_index=True)[list(names.values())]
    for name in together.columns:
        if together[name].dtype == "str":
            together[name] = together[name].fillna("")
    together.index = pd.RangeIndex(2, 2 + len(together))
    file = raws[0].file if len(raws) == 1 else f"{raws[0].file} and {len(raws) - 1} more"
    return Raw(file=file, frame=together, notes=[note for raw in raws for note in raw.notes])


def pages(tables: dict[str, Raw]) -> Raw:
    """Make one log of tables that each list the visitors of one page.

    The key is the column that all tables share. A table with one more column that says the same in every row
    is a page: that value is the event. The one table that holds more about each user (the date, the device)
    gives these to all events of the user.

    Raises
    ------
    SourceError
        There is no common key, or no table with times.
    """
    import pandas as pd

    shared = set.intersection(*({fold(one) for one in raw.columns} for raw in tables.values()))
    listed = ", ".join(tables)
    if not shared:
        raise SourceError(
            f"the tables {listed} share no column", expected="one table of events, or page tables keyed by user",
            hint="give the one file that holds the events",
        )  # fmt: skip
    key = next(fold(one) for one in next(iter(tables.values())).columns if fold(one) in shared)
    about: list[tuple[str, pd.DataFrame]] = []
    visits = []
    for name, raw in tables.items():
        frame = raw.frame.rename(columns={one: key for one in raw.columns if fold(one) == key})
        others = [one for one in frame.columns if one != key]
        constant = len(others) == 1 and bool((frame[others[0]] == frame[others[0]].iloc[0]).all())
        if not others or constant:
            event = str(frame[others[0]].iloc[0]) if others else name
            visits.append(pd.DataFrame({key: frame[key].astype("str"), "event": event}))
        else:
            about.append((name, frame))
    if len(about) != 1 or not visits:
        raise SourceError(
            f"of the tables {listed}, {len(about)} are no page",
            expected="page tables (user and page) and one table with the date of each user",
            hint="give the one file that holds the events",
        )
    name, users = about[0]
    users = users.assign(**{key: users[key].astype("str")})
    if users[key].duplicated().any():
        raise SourceError(f"{name} holds a user twice", expected="one row per user")
    log = pd.concat(visits, ignore_index=True).merge(users, on=key, how="left")
    log.index = pd.RangeIndex(2, 2 + len(log))
    return Raw(file=f"{name} and {len(visits)} page tables", frame=log)
