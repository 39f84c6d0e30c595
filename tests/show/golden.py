"""Small stored texts: what is shown, word for word. ``FUNNELNB_GOLDEN=write pytest tests/show`` stores them anew."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def check(name: str, text: str) -> None:
    """Compare `text` with the stored file, or store it."""
    path = FOLDER / name
    text = text.rstrip("\n") + "\n"
    if os.environ.get("FUNNELNB_GOLDEN") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
