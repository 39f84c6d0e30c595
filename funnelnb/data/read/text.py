"""Delimited text: which encoding, which delimiter, where is the header, and is it a table at all?"""

from __future__ import annotations

import codecs
import contextlib
import re
from typing import TYPE_CHECKING

from funnelnb.core.errors import SourceError
from funnelnb.core.note import Note
from funnelnb.data.read.as_raw import as_raw
from funnelnb.data.read.delimited import read_delimited

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from funnelnb.data.contract.settings import TableSettings
    from funnelnb.data.read.raw import Raw


# ---- In which encoding was a text file written? ------------------------------------------------------------

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
    return (
        _traditional(foreign)
        or _korean_or_japanese(foreign)
        or _chinese(foreign)
        or _central_european(foreign)
        or _western(foreign)
    )


def _not_utf8(path: Path) -> bytes:
    """Return a sample around the first bytes that are not UTF-8; empty if the whole file is."""
    decoder, waiting = codecs.getincrementaldecoder("utf-8")(), False
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            try:
                if waiting or not chunk.isascii():
                    decoder.decode(chunk)
                    waiting = bool(decoder.getstate()[0])
            except UnicodeDecodeError as error:
                return chunk[max(error.start - 200, 0) :] + stream.read(CHUNK // 4)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return path.read_bytes()[-400:]
    return b""


def _korean_or_japanese(sample: bytes) -> str:
    """Return ``cp949`` or ``euc_jp`` where pairs of high bytes are nearly all Hangul, or many of them Kana.

    Both are valid GB 18030 by accident. Chinese text fills the rows of characters evenly: those of Hangul (B0 to C8)
    hold about 60 % of it, those of Kana (A4, A5) hardly any.
    """
    pairs = re.findall(rb"[\xa1-\xfe][\xa1-\xfe]", sample)
    letters = [one for one in pairs if 0xB0 <= one[0] <= 0xFD]
    kana = sum(one[0] in (0xA4, 0xA5) for one in pairs)
    if len(pairs) < 20 or 2 * len(pairs) < 0.9 * sum(byte >= 0x80 for byte in sample):
        return ""
    if kana > 0.15 * len(pairs):
        return "euc_jp"
    hangul = sum(one[0] <= 0xC8 for one in letters)
    return "cp949" if letters and hangul > 0.97 * len(letters) else ""


_TRADITIONAL = set(
    "這來國個說們為時會過對後沒還發當無開經頭見從動兩長樣現將與進實點聲話兒問機給幾業間電門東聽氣關內產體別處總場師書員報馬張難數"
    "車應親務製解記邊戰許覺題統請愛讓認論義術結連遠資隊帶條院變聯權該領傳達辦運強區轉眾輕語滿寫識極錢黨設歷廣議際則單據導網專觀爭"
    "組視濟離戶稱負責階狀態額預計編號敗潛訪談報價客建立名銷售金日期成交公司業務案項目人原因區域產品來源聯絡類型聯繫備註"
)
"""Everyday characters of texts in traditional Chinese, those of sales among them."""


def _traditional(sample: bytes) -> str:
    """Return ``cp950`` (Big5) where the text so read consists of the everyday characters of traditional Chinese."""
    text = codecs.getincrementaldecoder("cp950")(errors="replace").decode(sample)
    foreign = [char for char in text if ord(char) >= 0x80]
    known = sum(char in _TRADITIONAL for char in foreign)
    broken = text[:-2].count("\ufffd")
    return "cp950" if len(foreign) >= 6 and not broken and known > 0.35 * len(foreign) else ""


_CENTRAL_LETTERS = set("ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽäôľĺŕÄÔĽĹŔöüőűÖÜŐŰßăâîșțşţĂÂÎŞŢđĐ")
"""Letters beyond ASCII in the languages that are written in Windows-1250."""

_NOT_WESTERN = re.compile(
    r"[^\W\d_][³¹¿]+[^\W\d_]|[³¿][^\W\d_]{2}|[^\W\d_]{3}[³¹¿]|œ(?![uieéèt])|Ÿ|[^\W\d_]£[^\W\d_]"
)
"""What Polish, Czech and Hungarian words look like where they are read as Windows-1252."""


_NEVER_TOGETHER = tuple(map(frozenset, ("øì", "øù", "øè", "õéö", "õéü", "þã")))
"""Letters that no language in Windows-1252 writes beside each other: Czech, Hungarian and Romanian so read."""


def _central_european(sample: bytes) -> str:
    """Return ``cp1250`` where the words so read are Central European, and in Windows-1252 none at all."""
    western = sample.decode("cp1252", errors="replace")
    letters = {char.lower() for char in western if char.isalpha() and not char.isascii()}
    if not (_NOT_WESTERN.search(western) or any(one <= letters for one in _NEVER_TOGETHER)):
        return ""
    text = sample.decode("cp1250", errors="replace")
    if "\ufffd" in text or 3 * sum(byte >= 0x80 for byte in sample) > len(sample):
        return ""
    foreign = {char for word in re.findall(r"[^\W\d_]+", text) for char in word if not char.isascii()}
    return "cp1250" if foreign and foreign <= _CENTRAL_LETTERS else ""


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


_WESTERN_LETTERS = set("äöüßÄÖÜàâçéèêëîïôûùœÀÂÇÉÈÊËÎÏÔÛŒáíóúñÁÍÓÚÑãõÃÕåæøÅÆØìòÌÒýÝºª²³")
"""Letters beyond ASCII in the languages that are written in Windows-1252."""

_WESTERN_SIGNS = set("£€–—‘’“”„…•°§©®™½¼¾²³±µ·×\xa0´«»¿¡†‡")
"""Signs beyond ASCII that stand in texts in Windows-1252 without any accented letter."""


# ---- Delimited text: which encoding, which delimiter, where is the header, and is it a table at all? -------

SAMPLE = 1 << 16

_MAGIC = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"{\\rtf", "an RTF document"),
)
_EXPECTED = "a text file with one header row and one row per record (CSV, TSV)"


def read_text(path: Path, settings: TableSettings) -> Raw:
    """What does a CSV, TSV or other delimited file hold?

    Parameters
    ----------
    path : Path
    settings : TableSettings
        `encoding`, `delimiter`, `quote`, `header` and `header_row` where given; found out otherwise.

    Returns
    -------
    Raw
        All columns as text. Whatever was found out and is not as usual is told in a note.

    Raises
    ------
    SourceError
        The file is empty, is no text, has a line that is too long, or has no rows.
    """
    head = look(path)
    encoding = settings.encoding or detect_encoding(path, head)
    with decoding(path.name, encoding):
        found = read_delimited(path, encoding, settings, valid=not settings.encoding and encoding == "utf-8")
    raw = as_raw(found, path.name, settings)
    raw.notes[:0] = encoding_notes(path.name, encoding)
    if raw.frame.empty:
        raise no_rows(path.name)
    return raw


def no_rows(file: str) -> SourceError:
    """Return the error of a text that holds a header alone."""
    return SourceError(
        f"{file} has a header and no rows", expected="at least one record", hint="export it again"
    )


def encoding_notes(file: str, encoding: str) -> list[Note]:
    """Return a note of an encoding that is not as usual."""
    usual = encoding in ("utf-8", "utf-8-sig", "ascii")
    return [] if usual else [Note("encoding_found", {"file": file, "encoding": encoding})]


@contextlib.contextmanager
def decoding(file: str, encoding: str) -> Iterator[None]:
    """Say what is wrong where a text is not in its encoding, or there is no such encoding."""
    try:
        yield
    except LookupError:
        raise SourceError(
            f"encoding = {encoding!r}",
            expected="an encoding such as 'utf-8', 'gb18030', 'cp1252'",
            hint="correct it",
        ) from None
    except UnicodeError as error:
        raise SourceError(
            f"{file} is not {encoding} text ({str(error)[:100]})",
            expected=_EXPECTED,
            hint="leave encoding out, or give the right one",
        ) from None


def look(path: Path) -> bytes:
    """Return the first bytes of a text file, after making sure that it is one.

    Raises
    ------
    SourceError
        Missing, unreadable, empty, binary, a page or document.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(SAMPLE)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{str(path)[:200]} cannot be read ({getattr(error, 'strerror', None) or error})",
            expected=_EXPECTED,
            hint="check path and rights",
        ) from None
    _refuse_other_kinds(path, head)
    return head


def _refuse_other_kinds(path: Path, head: bytes) -> None:
    if not head.strip(b"\x00\r\n\t \xef\xbb\xbf"):
        raise SourceError(f"{path.name} is empty", expected=_EXPECTED, hint="export it again")
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            raise SourceError(
                f"{path.name} is {kind}, not text", expected=_EXPECTED,
                hint="export it as CSV, or give the file the ending of what it is (such as .xlsx)",
            )  # fmt: skip
    start = head[:512].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if start.startswith((b"<!doctype", b"<html", b"<table", b"<?xml", b"<meta")):
        raise SourceError(f"{path.name} is a web page (HTML or XML), not a table of text", expected=_EXPECTED,
                          hint="open it in a spreadsheet and save it as CSV or .xlsx")  # fmt: skip
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _regular_nuls(head)
    controls = sum(head.count(bytes([code])) for code in range(32) if code not in (9, 10, 12, 13))
    if not utf16 and controls > len(head) * 0.005:
        raise SourceError(
            f"{path.name} holds binary data, not text", expected=_EXPECTED, hint="export it as CSV"
        )


def _regular_nuls(head: bytes) -> bool:
    """Whether every other byte is mostly 0: UTF-16 without a mark."""
    half = max(len(head) // 2, 1)
    return head[0::2].count(0) > 0.3 * half or head[1::2].count(0) > 0.3 * half
