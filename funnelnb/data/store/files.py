"""How is a store kept whole whatever happens to who writes it? Immutable files, one manifest, one writer.

A file of rows is named by its content, written under a temporary name, flushed to the disk and renamed. Only then is a
new manifest written the same way: its renaming is the one moment at which a snapshot comes into being. Who is killed
before leaves files that no manifest names; the next writer clears them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import OutputError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

FORMAT = 1
"""Of the manifest. A reader knows all formats up to its own."""
MANIFEST, ROWS, LOCK = "manifest.json", "rows", "writer.lock"
SUM = "sum"
"""Key of the manifest: a checksum of all else in it."""
PART = ".part"
DICTIONARY_SHARE = 0.2
"""A column with fewer distinct values than this share of its rows is dictionary-coded."""
DAY_US, SECOND_US = 86_400_000_000, 1_000_000
MOST_CENTS = 2**52


class StoreFiles:
    """The files of a store.

    Parameters
    ----------
    path : pathlib.Path
        Its folder; made by the first writer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def manifest(self) -> dict[str, Any]:
        """Return the manifest; that of an empty store where there is none.

        Raises
        ------
        SourceError
            The manifest cannot be read, or was written by a later version.
        """
        file = self.path / MANIFEST
        try:
            found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            written, snapshots = int(found["format"]), found["snapshots"]
            told = found.pop(SUM, None)  # stores of earlier versions hold none
            if written == FORMAT and told is not None and told != _sum(found):
                raise ValueError("it is not as it was written")
        except FileNotFoundError:
            if any(self.path.glob(f"{ROWS}/*.parquet")):
                raise SourceError(
                    f"{self.path}: the manifest of the store is missing",
                    expected=f"the file {MANIFEST} beside the folder {ROWS}",
                    hint="put it back from a backup: the rows alone do not say which day they are of",
                ) from None
            return {"format": FORMAT, "snapshots": []}
        except (OSError, ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise SourceError(
                f"{file} cannot be read: {type(error).__name__}",
                expected="the manifest of a store of snapshots",
                hint="put it back from a backup, or name another folder",
            ) from None
        if written > FORMAT or not isinstance(snapshots, list):
            raise SourceError(
                f"{file} has format {written}",
                expected=f"format {FORMAT} or older",
                hint="it was written by a later version of funnelnb: install that one",
            )
        return found

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store alone while something is written; the hold ends with the process, however that ends.

        Raises
        ------
        OutputError
            Somebody else is writing, or the folder cannot be written to.
        """
        try:
            (self.path / ROWS).mkdir(parents=True, exist_ok=True)
            lock = (self.path / LOCK).open("a+b")
        except OSError as error:
            raise _refused(self.path, error) from None
        with lock:
            if not _hold(lock):
                raise OutputError(
                    f"{self.path}: another process is writing to this store",
                    expected="one writer at a time",
                    hint="wait until it has ended, and run the same command again",
                )
            if not (self.path / MANIFEST).exists() and not any(self.path.glob(f"{ROWS}/*.parquet")):
                self.commit({"format": FORMAT, "snapshots": []})  # so that no row ever lies there without one
            yield

    def put(self, table: pa.Table, key: str = "") -> str:
        """Write rows, if they are not there already, and return the name of their file."""
        import pyarrow.parquet as pq

        part = self.path / ROWS / f"{os.getpid()}{PART}"
        try:
            small = packed(table)
            pq.write_table(small, part, **_encodings(small, key))
            with part.open("rb") as file:
                name = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
                os.fsync(file.fileno())
            target = self.path / ROWS / f"{name}.parquet"
            if target.exists():
                part.unlink()
            else:
                part.replace(target)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise _refused(self.path, error) from None
        return target.name

    def get(self, name: str) -> pa.Table:
        """Return the rows of a file.

        Raises
        ------
        SourceError
            It is gone or not as it was written: its name tells its content.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = self.path / ROWS / Path(name).name
        try:
            content = file.read_bytes()
            if hashlib.blake2b(content, digest_size=16).hexdigest() != file.stem:
                raise ValueError("it is not as it was written")
            return unpacked(pq.read_table(pa.BufferReader(content)))
        except (OSError, ValueError, pa.ArrowException) as error:
            raise SourceError(
                f"{file} cannot be read: {type(error).__name__}",
                expected="rows of a snapshot, as they were written",
                hint="put the file back from a backup; the other snapshots can still be read",
            ) from None

    def commit(self, manifest: dict[str, Any]) -> None:
        """Make `manifest` that of the store, in one step."""
        part = self.path / f"{MANIFEST}{PART}"
        try:
            _sync(self.path / ROWS)
            with part.open("w", encoding="utf-8", newline="\n") as file:
                json.dump({**manifest, SUM: _sum(manifest)}, file, ensure_ascii=False, indent=1)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path / MANIFEST)
            _sync(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise _refused(self.path, error) from None

    def clear(self, manifest: dict[str, Any]) -> None:
        """Remove files that no snapshot needs: what a killed writer left."""
        kept = {name for one in manifest["snapshots"] for name in files_of(one)}
        for file in (self.path / ROWS).iterdir():
            if file.name not in kept:
                with contextlib.suppress(OSError):
                    file.unlink()


def _sum(manifest: dict[str, Any]) -> str:
    """Return what tells whether a manifest is as it was written."""
    text = json.dumps(manifest, ensure_ascii=False, sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def files_of(snapshot: dict[str, Any]) -> set[str]:
    """Return the names of the files that make up a snapshot."""
    found: set[str] = set()
    for table in snapshot["tables"].values():
        found.add(table["base"])
        for step in table["steps"]:
            found |= {step[kind] for kind in ("rows", "gone") if step.get(kind)}
    return found


def _hold(lock: Any) -> bool:
    """Return whether the lock could be taken; a system without such locks has one user at a time."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sync(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _refused(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"the store {path} cannot be written to: {error.strerror or type(error).__name__}",
        expected="a folder with room that you may write to",
        hint="name another one: --store DIR",
    )


def packed(table: pa.Table) -> pa.Table:
    """Return the rows as they are kept: whole days as days, whole seconds as seconds, money as whole cents."""
    import pyarrow as pa

    columns, fields = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        small, about = _packed(column.combine_chunks())
        columns.append(small)
        fields.append(pa.field(field.name, small.type, metadata=about))
    return pa.table(columns, schema=pa.schema(fields))


def _packed(column: Any) -> tuple[Any, dict[str, str] | None]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type):
        units = column.cast(pa.int64()).drop_null().to_numpy(zero_copy_only=False)
        if not (units % DAY_US).any():
            return column.cast(pa.date32()), None
        return (column if (units % SECOND_US).any() else column.cast(pa.timestamp("s"))), None
    if pa.types.is_float64(column.type):
        cents = pc.round(pc.multiply(column, 100.0))
        same = pc.all(pc.equal(pc.divide(cents, 100.0), column)).as_py()
        most = pc.max(pc.abs(cents)).as_py()
        if same and most is not None and most < MOST_CENTS:
            return cents.cast(pa.int64()), {"cents": "1"}
    return column, None


def unpacked(table: pa.Table) -> pa.Table:
    """Return the rows as they were given to :func:`packed`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns, fields = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        whole = column
        if pa.types.is_date(field.type) or pa.types.is_timestamp(field.type):
            whole = column.cast(pa.timestamp("us"))
        elif (field.metadata or {}).get(b"cents"):
            whole = pc.divide(column.cast(pa.float64()), 100.0)
        columns.append(whole)
        fields.append(pa.field(field.name, whole.type))
    return pa.table(columns, schema=pa.schema(fields))


def _encodings(table: pa.Table, key: str) -> dict[str, Any]:
    """Return how the columns are written small: sorted ids as differences, repeated values once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    coded, plain = [], {}
    for name in table.column_names:
        kind = table.schema.field(name).type
        few = name != key and pc.count_distinct(table[name]).as_py() <= DICTIONARY_SHARE * max(
            table.num_rows, 1
        )
        if few:
            coded.append(name)
        elif pa.types.is_large_string(kind):
            plain[name] = "DELTA_BYTE_ARRAY"
        elif not pa.types.is_boolean(kind) and not pa.types.is_nested(kind):
            plain[name] = "BYTE_STREAM_SPLIT"
    return {
        "compression": "zstd", "compression_level": 9, "use_dictionary": coded,
        "column_encoding": plain or None, "write_statistics": False,
    }  # fmt: skip
