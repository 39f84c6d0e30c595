"""In which encoding was a text file written?"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 1 << 20


def detect_encoding(path: Path, head: bytes) -> str:
    """In which encoding was the file written?

    Parameters
    ----------
    path : Path
    head : bytes
        Its beginning.

    Returns
    -------
    str
        ``utf-8-sig`` or ``utf-16`` by their marks, ``utf-8`` if the whole file is valid, else the most
        plausible of GB 18030, Windows-1252 and the encodings that charset-normalizer knows.

    Notes
    -----
    GB 18030 accepts nearly any pair of bytes, so that "Müller" in Windows-1252 is valid Chinese by accident.
    Real Chinese text consists of pairs of high bytes; Latin text of single high bytes among ASCII letters.
    """
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head[1::2].count(0) > 0.3 * len(head) / 2:
        return "utf-16-le"
    if head[0::2].count(0) > 0.3 * len(head) / 2:
        return "utf-16-be"
    foreign = _not_utf8(path)
    if not foreign:
        return "utf-8"
    return _chinese(foreign) or _western(foreign)


def _not_utf8(path: Path) -> bytes:
    """Return a sample around the first bytes that are not UTF-8; empty if the whole file is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return chunk[max(error.start - 200, 0) :] + stream.read(CHUNK // 4)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return path.read_bytes()[-400:]
    return b""


def _chinese(sample: bytes) -> str:
    """Return ``gb18030`` if the high bytes come in pairs of the everyday characters, else empty."""
    high_n = sum(byte >= 0x80 for byte in sample)
    pairs = re.findall(rb"[\xa1-\xa9\xb0-\xf7][\xa1-\xfe]", sample)
    singles = re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", sample)
    if 2 * len(pairs) < 0.9 * high_n or len(singles) > 0.05 * high_n:
        return ""
    text = codecs.getincrementaldecoder("gb18030")(errors="replace").decode(sample)
    common = sum("\u4e00" <= char <= "\u9fff" for char in text)
    return "gb18030" if common and "\ufffd" not in text[:-2] else ""


def _western(sample: bytes) -> str:
    """Return ``cp1252`` for words such as Müller, else what charset-normalizer finds most plausible."""
    text = sample.decode("cp1252", errors="replace")
    words = re.findall(r"[^\W\d_]+", text)
    accented = [word for word in words if not word.isascii()]
    letters = "".join(accented)
    foreign = [char for char in letters if not char.isascii()]
    signs = re.findall(r"[^\W\d_][^\w\s\x00-\x7f’][^\W\d_]", text)
    alone = {char for char in text if not char.isascii()} if not accented else set()
    if alone and alone <= _WESTERN_SIGNS:
        return "cp1252"
    if accented and not signs and set(foreign) <= _WESTERN_LETTERS and len(foreign) < 0.5 * len(letters):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"


_WESTERN_LETTERS = set("äöüßÄÖÜàâçéèêëîïôûùœÀÂÇÉÈÊËÎÏÔÛŒáíóúñÁÍÓÚÑãõÃÕåæøÅÆØìòÌÒýÝ")
"""Letters beyond ASCII in the languages that are written in Windows-1252."""

_WESTERN_SIGNS = set("£€–—‘’“”„…•°§©®™½¼¾²³±µ·×\xa0´«»¿¡†‡")
"""Signs beyond ASCII that stand in texts in Windows-1252 without any accented letter."""
