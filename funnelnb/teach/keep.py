"""Files that a learner must never lose: written whole under another name, then renamed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from funnelnb.core.errors import OutputError


def write_text(path: Path, text: str) -> Path:
    """Write a file in one step; an earlier one stays whole if that fails.

    Raises
    ------
    OutputError
        The folder cannot be written to, or the disk is full.
    """
    part = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=path.absolute().parent, prefix=".funnelnb-", delete=False
        ) as stream:
            part = Path(stream.name)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error})",
            expected="a folder that can be written to",
        ) from None
    return path
