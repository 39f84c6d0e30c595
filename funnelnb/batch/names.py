"""What is the report about a region called on disk? Never a name that leaves the folder or meets another."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

STEM_BYTES = 120
"""Longest readable part of a file name in UTF-8; with hash, notebook and ending below a file system's 255."""

NOTEBOOK_MARK = "@"
"""Stands between a region's stem and the name of a further notebook; no stem holds it."""

_RESERVED = {"index", "manifest"}
"""Stems that the batch itself writes."""

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
