"""Canonical tables on disk, opened to be counted where they lie."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path
from typing import Any

from funnelnb.core.errors import MissingExtraError, SourceError
from funnelnb.data.contract.settings import FILE_NAME, read_settings
from funnelnb.data.count.scan import Scan
from funnelnb.data.load import playbook_of


def stored(folder: str | Path, *, memory_mb: int = 1_000) -> Scan:
    """How do I count what ``funnelnb import`` has stored, without loading it?

    Parameters
    ----------
    folder : path
        With ``opportunities.parquet``, perhaps ``stage_history.parquet``, and ``funnelnb.toml``.
    memory_mb : int
        What DuckDB may take, in MB of 10⁶ bytes; what does not fit lies in a temporary folder beside the tables.

    Returns
    -------
    Scan
        For ``fn.conversion``, ``fn.segments`` and the like; deals that DuckDB cannot count are counted a million at a
        time where memory does not hold them.

    Raises
    ------
    SourceError
        There are no such tables, or the settings name no stage model.
    MissingExtraError
        DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError.for_package("duckdb", "duckdb") from None
    folder = Path(folder).expanduser()
    deals, history = (folder / f"{name}.parquet" for name in ("opportunities", "stage_history"))
    if not deals.is_file() or not (folder / FILE_NAME).is_file():
        raise SourceError(
            f"{folder} holds no stored deals",
            expected=f"a folder with opportunities.parquet and {FILE_NAME}",
            hint="store an export with: funnelnb import EXPORT --out FOLDER",
        )
    settings = read_settings(folder / FILE_NAME)
    room = _room(folder)
    engine = duckdb.connect(config={"memory_limit": f"{memory_mb}MB", "temp_directory": room.name})
    source = Scan(
        engine.read_parquet(str(deals)),
        engine.read_parquet(str(history)) if history.is_file() else None,
        playbook=playbook_of(settings.playbook, settings),
        as_of=settings.as_of,
        observed_from=settings.observed_from or None,
        currency=settings.currency,
        timezone=settings.timezone or None,
    )
    weakref.finalize(source, _close, engine, room)
    return source


def _room(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """Return a temporary folder beside the tables, where there is room; elsewhere if nothing may be written there."""
    try:
        return tempfile.TemporaryDirectory(dir=folder, prefix=".funnelnb-")
    except OSError:
        return tempfile.TemporaryDirectory(prefix=".funnelnb-")


def _close(engine: Any, room: tempfile.TemporaryDirectory[str]) -> None:
    engine.close()
    room.cleanup()
