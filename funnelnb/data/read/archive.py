"""Archives: how large will it be, what is inside, and is it a table? Looked at before anything is unpacked."""

from __future__ import annotations

import gzip
import re
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from funnelnb.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from funnelnb.data.contract.limits import Limits

MB = 1_000_000
CHUNK = 1 << 20
SUSPICIOUS_MB = 50
"""Below this an archive may unpack to any number of times its size."""


def check_size(path: Path, limits: Limits) -> zipfile.ZipFile:
    """Is an archive small enough to be unpacked?

    Parameters
    ----------
    path : Path
        A ZIP archive, also one that is a workbook.
    limits : Limits

    Returns
    -------
    ZipFile
        Open; to be closed by the caller.

    Raises
    ------
    SourceError
        It is damaged, or would unpack to more than the limits allow.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SourceError(
            f"{path.name} is damaged ({str(error)[:100]})",
            expected="a whole archive or workbook",
            hint="copy or export it again",
        ) from None
    inside = archive.infolist()
    size = sum(one.file_size for one in inside)
    try:
        limits.refuse("files", len(inside), path.name)
        limits.refuse("unpacked_mb", size // MB, path.name)
        if size > SUSPICIOUS_MB * MB:
            limits.refuse("unpacked_times", size // max(path.stat().st_size, 1), path.name)
    except SourceError:
        archive.close()
        raise
    return archive


def tables_inside(path: Path, limits: Limits, suffixes: tuple[str, ...]) -> list[str]:
    """Which files in a ZIP archive may be tables, by their endings?"""
    with check_size(path, limits) as archive:
        names = [one.filename for one in archive.infolist() if not one.is_dir()]
    return [
        name
        for name in names
        if PurePosixPath(name).suffix.lower() in suffixes
        and not PurePosixPath(name).name.startswith((".", "~$"))
        and not name.startswith("__MACOSX/")
    ]


@contextmanager
def unpacked(path: Path, inside: str, limits: Limits) -> Iterator[Path]:
    """One file of an archive as a file of its own, for the time of the block.

    Parameters
    ----------
    path : Path
        A ZIP or gzip file.
    inside : str
        Name in the ZIP archive; empty for gzip. It never becomes a path: only its ending is used.
    limits : Limits

    Raises
    ------
    SourceError
        It is damaged, needs a password, or unpacks to more than the limits allow.
    """
    name = PurePosixPath(inside).name if inside else path.name.removesuffix(".gz").removesuffix(".GZ")
    suffix = re.sub(r"[^.\w]", "", PurePosixPath(name).suffix)[:10]
    with tempfile.TemporaryDirectory(prefix="funnelnb-") as folder:
        target = Path(folder) / f"table{suffix}"
        try:
            if inside:
                with check_size(path, limits) as archive, archive.open(inside) as source:
                    _copy(source, target, path, limits)
            else:
                with gzip.open(path) as source:
                    _copy(source, target, path, limits)
        except (
            zipfile.BadZipFile,
            OSError,
            EOFError,
            RuntimeError,
            ValueError,
            NotImplementedError,
        ) as error:
            raise SourceError(
                f"{path.name} cannot be unpacked ({str(error)[:100]})",
                expected="a whole archive without password",
                hint="unpack it yourself, or export it again",
            ) from None
        yield target


def _copy(source: object, target: Path, path: Path, limits: Limits) -> None:
    """Copy in chunks; stop as soon as it is more than it may be, whatever the archive said of itself."""
    most = limits.unpacked_mb * MB
    packed = max(path.stat().st_size, 1)
    size = 0
    with target.open("wb") as stream:
        while chunk := source.read(CHUNK):  # type: ignore[attr-defined]
            size += len(chunk)
            if size > most:
                limits.refuse("unpacked_mb", size // MB + 1, path.name)
            if size > SUSPICIOUS_MB * MB:
                limits.refuse("unpacked_times", size // packed, path.name)
            stream.write(chunk)
