"""An export as it was understood, kept: canonical tables as Parquet, with settings for them and for the export."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import OutputError
from funnelnb.data.contract.settings import FILE_NAME
from funnelnb.data.recognise.write import as_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd

    from funnelnb.data.book import Book
    from funnelnb.playbooks.model import Playbook

SOURCE_SETTINGS = "source-settings.toml"
"""The settings that read the export itself, for the next one of its kind: ``--mapping source-settings.toml``."""


def write_whole(target: Path, text: str, *, force: bool = False) -> None:
    """Write a file under a temporary name and rename it.

    Raises
    ------
    OutputError
        The file is there already and `force` is not given, or it cannot be written.
    """
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
            hint="name a file in another folder",
        ) from None  # fmt: skip


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Write tables as Parquet into a folder.

    Raises
    ------
    OutputError
        The folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for table, frame in tables.items():
            temporary = folder / f".funnelnb-{table}.tmp"
            frame.to_parquet(temporary, index=False)
            temporary.replace(folder / f"{table}.parquet")
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written to ({error.strerror})", expected="a folder that can be written to",
            hint="name another folder",
        ) from None  # fmt: skip


def keep(
    book: Book,
    folder: Path,
    document: Mapping[str, Any],
    comments: Mapping[str, Sequence[str]],
    *,
    model: Any = None,
    problems: Mapping[str, str] | None = None,
    force: bool = False,
) -> None:
    """Write the tables of a book as Parquet, with settings that read them, into a folder.

    Parameters
    ----------
    book : Book
    folder : Path
    document : Mapping
        Settings that read the export.
    comments : Mapping of str to sequence of str
        Why each of their lines says what it says; ``""``: the head of both settings files.
    model : str, optional
        Stage model that the settings name; None: the book's stages.
    problems : Mapping of str to str, optional
        What happens to rows with a problem; what is kept is kept in the tables too, and their settings say so.
    force : bool
        Whether the folder may hold something already.

    Raises
    ------
    OutputError
        The folder holds something already, or cannot be written.
    """
    refuse_full(folder, force=force)
    write_tables(book.tables, folder)
    write_settings(
        folder, book.playbook, document, comments,
        model=model, as_of=book.as_of, currency=book.currency, timezone=book.timezone, problems=problems,
    )  # fmt: skip


def refuse_full(folder: Path, *, force: bool) -> None:
    """Raise OutputError if a folder holds something already and may not."""
    if folder.exists() and any(folder.iterdir()) and not force:
        raise OutputError(
            f"{folder} is not empty", expected="a new folder", hint="name another with --out, or add --force"
        )


def write_settings(
    folder: Path,
    playbook: Playbook,
    document: Mapping[str, Any],
    comments: Mapping[str, Sequence[str]],
    *,
    model: Any,
    as_of: np.datetime64,
    currency: str,
    timezone: str,
    problems: Mapping[str, str] | None = None,
) -> None:
    """Write the settings that read canonical tables, and those that read the export, beside the tables."""
    kept = {code: one for code, one in (problems or document.get("problems", {})).items() if one == "keep"}
    own: dict[str, Any] = {
        "playbook": [one.label.en for one in playbook.stages] if model is None else model,
        "as_of": str(as_of)[:10],
        **({"currency": currency} if currency else {}),
        **({"timezone": timezone} if timezone else {}),
        "problems": {**kept, "won_without_closed_at": "keep"},
    }
    write_whole(folder / FILE_NAME, as_toml(own, {"": comments.get("", ())}), force=True)
    write_whole(folder / SOURCE_SETTINGS, as_toml(document, comments), force=True)
