"""Text to numbers: separators, signs, units and currencies, decided over the whole column.

A column that could be read in two ways is not read: the caller asks for the setting ``decimal``.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.core.note import Note
from funnelnb.data.contract.whole import all_of, any_of, sums
from funnelnb.data.parse.cells import BLANKS, Parsed, as_arrow, typed_as_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from funnelnb.data.contract.tables import Kind
    from funnelnb.data.parse.cells import Reading


FACTORS: Mapping[str, float] = {
    "百亿": 1e10, "十亿": 1e9, "亿": 1e8, "千万": 1e7, "百万": 1e6, "十万": 1e5, "万": 1e4, "千": 1e3,
    "billion": 1e9, "bn": 1e9, "mrd": 1e9, "million": 1e6, "millions": 1e6, "mio": 1e6, "mln": 1e6, "mn": 1e6,
    "mm": 1e6, "m": 1e6, "thousand": 1e3, "thousands": 1e3, "tsd": 1e3, "k": 1e3, "%": 0.01,
    "億": 1e8, "千萬": 1e7, "百萬": 1e6, "萬": 1e4, "억": 1e8, "천만": 1e7, "백만": 1e6, "만": 1e4, "천": 1e3,
    "lakh": 1e5, "lakhs": 1e5, "lac": 1e5, "lacs": 1e5, "crore": 1e7, "crores": 1e7,
    "juta": 1e6, "ribu": 1e3, "miliar": 1e9, "triệu": 1e6, "tỷ": 1e9, "тыс": 1e3, "млн": 1e6, "млрд": 1e9,
    "tys": 1e3, "tis": 1e3, "mld": 1e9, "bin": 1e3, "cents": 0.01, "cent": 0.01, "micros": 1e-6,
}  # fmt: skip
"""Words that multiply a number."""

CURRENCIES: Mapping[str, str] = {
    "€": "EUR", "£": "GBP", "$": "$", "¥": "¥", "₹": "INR", "₩": "KRW", "₽": "RUB", "zł": "PLN",
    "r$": "BRL", "mx$": "MXN", "руб": "RUB", "rs": "INR", "kr": "kr", "zl": "PLN", "fr": "CHF",
    "us$": "USD", "hk$": "HKD", "nt$": "TWD", "a$": "AUD", "c$": "CAD", "s$": "SGD",
    "元": "元", "圆": "元", "人民币": "CNY", "rmb": "CNY", "cn¥": "CNY",
    "美元": "USD", "欧元": "EUR", "港币": "HKD", "日元": "JPY",
    "euro": "EUR", "euros": "EUR", "dollar": "$", "dollars": "$",
    "円": "JPY", "원": "KRW", "₺": "TRY", "₴": "UAH", "₫": "VND", "฿": "THB", "₱": "PHP", "kč": "CZK", "ft": "HUF",
    "rp": "IDR", "rm": "MYR", "đ": "VND", "₪": "ILS", "₸": "KZT", "₦": "NGN", "lei": "RON", "лв": "BGN",
    "грн": "UAH", "р": "RUB", "ksh": "KES", "s/": "PEN", "ر.س": "SAR", "د.إ": "AED", "ج.م": "EGP",
    "ש״ח": "ILS", 'ש"ח': "ILS", "บาท": "THB",
    "us dollar": "USD", "u.s. dollar": "USD", "us-dollar": "USD", "pound sterling": "GBP", "british pound": "GBP",
    "japanese yen": "JPY", "yen": "JPY", "swiss franc": "CHF", "schweizer franken": "CHF", "chinese yuan": "CNY",
    "indian rupee": "INR", "rupees": "INR", "brazilian real": "BRL", "real brasileiro": "BRL", "reais": "BRL",
    "peso mexicano": "MXN", "zloty": "PLN", "złoty": "PLN", "российский рубль": "RUB", "рубль": "RUB", "рублей": "RUB",
    "доллар сша": "USD", "евро": "EUR", "türk lirası": "TRY", "tl": "TRY", "dólar": "$", "dólar americano": "USD",
    **{code.lower(): code for code in (
        "CNY", "USD", "EUR", "GBP", "JPY", "HKD", "TWD", "SGD", "INR", "KRW", "AUD", "CAD", "NZD", "CHF",
        "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RUB", "BRL", "MXN", "ZAR", "THB", "VND", "IDR", "MYR",
        "PHP", "AED", "TRY", "UAH", "SAR", "ILS", "RON", "BGN", "ARS", "CLP", "COP", "PEN", "EGP", "NGN", "KES",
    )},
}  # fmt: skip
"""Signs and codes of currencies; ``$``, ``¥`` and 元 stay signs, since several currencies share them."""

FEW = 0.05
"""A column is clear if at most this many cells, for each clear one, contradict it or could be read otherwise."""

SAME_SIGN: Mapping[str, tuple[str, ...]] = {
    "$": ("USD", "HKD", "TWD", "SGD", "AUD", "CAD", "NZD", "MXN"),
    "¥": ("CNY", "JPY"),
    "元": tuple(sorted({code for code in CURRENCIES.values() if code.isalpha() and code.isascii()})),
}

_AFFIXES = sorted([*FACTORS, *CURRENCIES], key=len, reverse=True)
_BLANK_NUMBERS = frozenset(
    (*BLANKS, "na", "none", "nil", "/", "tbd", "unknown", "未知", "待定", "#value!", "#ref!")
)
_NO_CENTS = re.compile(r"(?<=\d)[.,]\s?[–—-]{1,2}(?=\s|$)")
_CELL = re.compile(r"(?P<before>[^\d.]*)(?P<body>\.?\d[\d.,'’\s_]*(?:e[+-]?\d+)?)(?P<after>.*)", re.DOTALL)
_POINT = re.compile(
    r"\d+(?:\.\d*)?|\.\d+|[1-9]\d{0,2}([,'’ _])\d{3}(?:\1\d{3})*(?:\.\d+)?|\d+(?:\.\d+)?e[+-]?\d+"
)
_COMMA = re.compile(r"\d+(?:,\d*)?|[1-9]\d{0,2}([.'’ _])\d{3}(?:\1\d{3})*(?:,\d+)?|\d+(?:,\d+)?e[+-]?\d+")


@dataclass(frozen=True, slots=True)
class Cell:
    """One number as text, taken apart: sign, digits with separators, factor, currency."""

    negative: bool
    body: str
    factor: float | None
    currency: str


def parse_numbers(cells: pd.Series, kind: Kind, reading: Reading, where: Mapping[str, str]) -> Parsed:
    """Which numbers stand in a column?

    Parameters
    ----------
    cells : Series
        Text, or numbers already.
    kind : {"amount", "number", "share"}
        A share in per cent is divided by 100.
    reading : Reading
        `decimal` and `unit` where they are known.
    where : Mapping
        ``file`` and ``column``, for notes.

    Returns
    -------
    Parsed
        `undecided` is ``"decimal_unknown"`` where every separator could be of either kind.

    Notes
    -----
    ``1,234`` alone is read as a thousand (noted); ``1.234`` alone is asked about; ``12,5`` makes the comma
    the decimal sign for the whole column, unless other cells contradict it or could be thousands.

    Examples
    --------
    >>> import pandas as pd
    >>> from funnelnb.data.parse.values import Reading
    >>> parse_numbers(pd.Series(["1.234,50 €", "(12,00)"]), "amount", Reading(), {}).values.tolist()
    [1234.5, -12.0]
    """
    import pandas as pd

    numeric = pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_bool_dtype(cells.dtype)
    if numeric:
        parsed = _typed(cells, _column_factor(reading))
    else:
        text = cells if cells.dtype == "str" else typed_as_text(cells)
        parsed = _text(text, reading, kind, where)
    return parsed if parsed.undecided else _finish(parsed, kind, reading, where)


def unit_of(text: str) -> tuple[float, str] | None:
    """What does a unit such as ``万元``, ``k€`` or ``EUR`` multiply by, and which currency does it name?

    Returns
    -------
    (float, str) or None
        None if the text is not a unit.

    Examples
    --------
    >>> unit_of("k€"), unit_of("TEUR")
    ((1000.0, 'EUR'), (1000.0, 'EUR'))
    >>> unit_of("₹ Cr"), unit_of("만원"), unit_of("net") is None
    ((10000000.0, 'INR'), (10000.0, 'KRW'), True)
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    bare = re.sub(r"^(单位[::]?|unit:?|in\s)", "", text.strip())
    bare = re.sub(r"(?<![a-z])cr\.?$", "crore", bare)  # in a header only: behind a number it means a credit
    found = _affix(bare)
    if found is None and bare.startswith("t") and (rest := _affix(bare[1:])) and rest[1] and rest[0] is None:
        found = (1e3, rest[1])  # T€, TEUR
    return None if found is None or not text.strip() else (found[0] or 1.0, found[1])


def currency_code(word: str) -> str:
    """Which currency does a word such as ``人民币`` or ``usd`` name?

    Examples
    --------
    >>> currency_code("人民币"), currency_code("usd"), currency_code("points")
    ('CNY', 'USD', 'POINTS')
    """
    unit = unit_of(word)
    return unit[1] if unit and unit[1] else word.strip().upper()


def _typed(cells: pd.Series, factor: float) -> Parsed:
    import numpy as np

    values = cells.astype("float64")
    bad = np.isinf(values.to_numpy())
    return Parsed(values.mask(bad) * factor, bad)


def _text(cells: pd.Series, reading: Reading, kind: Kind, where: Mapping[str, str]) -> Parsed:
    import numpy as np
    import pandas as pd
    import pyarrow.compute as pc

    array = as_arrow(cells)
    plain = None if reading.decimal == "," and _has_point(array) else _plain(array)
    if reading.over_column(where, "plain", plain is not None, all_of) and plain is not None:
        if not reading.decimal and (example := _only_point_groups(array, reading, where)):
            return Parsed(cells, np.zeros(len(cells), bool), "decimal_unknown", example)
        numbers = pd.Series(plain, index=cells.index, name=cells.name)
        return Parsed(numbers * _column_factor(reading), np.zeros(len(cells), bool))
    coded = pc.dictionary_encode(array)
    uniques = coded.dictionary.to_pylist()
    codes = pc.fill_null(coded.indices, len(uniques)).to_numpy(zero_copy_only=False)
    taken = [_take_apart(one, kind) for one in uniques]
    bodies = {text or "": one.body for text, one in zip(uniques, taken, strict=True) if isinstance(one, Cell)}
    sign, example, note = _decimal_sign(bodies, reading, where)
    if not sign:
        return Parsed(cells, np.zeros(len(cells), bool), "decimal_unknown", example)
    factor = _column_factor(reading)
    found = np.array([*(_value(one, sign, factor) for one in taken), np.nan])
    blank = np.array([*(one is None for one in taken), True])
    currencies = sorted({one.currency for one in taken if isinstance(one, Cell) and one.currency})
    notes = [Note(note, {**where, "example": example})] if note else []
    if factor != 1.0 and any(isinstance(one, Cell) and one.factor is not None for one in taken):
        notes.append(Note("unit_in_cells", dict(where)))
    values = pd.Series(found[codes], index=cells.index, name=cells.name)
    bad = np.isnan(found[codes]) & ~blank[codes]
    return Parsed(values, bad, currencies=tuple(currencies), notes=notes)


def _plain(array: pa.Array) -> np.ndarray | None:
    """Return the numbers of a column that needs no thought (digits and a decimal point), else None."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        numbers = pc.cast(pc.if_else(pc.equal(array, ""), pa.scalar(None, array.type), array), pa.float64())
    except pa.ArrowInvalid:
        return None
    values = numbers.to_numpy(zero_copy_only=False)
    finite = np.isfinite(values) | pc.is_null(numbers).to_numpy(zero_copy_only=False)
    return np.asarray(values) if finite.all() else None


def _has_point(array: pa.Array) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring(array, ".")).as_py())


def _only_point_groups(array: pa.Array, reading: Reading, where: Mapping[str, str]) -> str:
    """Return a cell such as ``1.234`` if more than a few look like it: thousands or decimals?"""
    import pyarrow.compute as pc

    if reading.whole is None and _few_groups(array):
        return ""
    pointed = array.filter(pc.fill_null(pc.match_substring(array, "."), False))
    groups = pointed.filter(pc.match_substring_regex(pointed, r"^[+-]?[1-9]\d{0,2}\.\d{3}$"))
    here = (len(pointed), len(groups), str(groups[0].as_py()) if len(groups) else "")
    return str(reading.over_column(where, "point groups", here, sums, _many_groups))


def _many_groups(told: tuple[int, int, str]) -> str:
    """Return the example if more than a few of the cells with a point are groups."""
    pointed_n, groups_n, example = told
    return example if groups_n > FEW * (pointed_n - groups_n) else ""


def _few_groups(array: pa.Array) -> bool:
    """Whether a point three places before the end is rare among cells of one point at most, by the bytes alone."""
    import numpy as np

    data = np.frombuffer(array.buffers()[2] or b"", dtype=np.uint8)
    ends = np.frombuffer(array.buffers()[1], dtype=np.int64)[array.offset :][: len(array) + 1]
    if not len(ends) or not len(data):
        return True
    points = int(np.count_nonzero(data[ends[0] : ends[-1]] == ord(".")))
    before = ends[1:] - 4
    groups = int(np.count_nonzero((data[np.maximum(before, 0)] == ord(".")) & (before > ends[:-1])))
    return groups <= FEW * (points - groups)


def _take_apart(text: str | None, kind: Kind) -> Cell | str | None:
    """Return the parts of a cell, None if it is blank, the text itself if it is no number."""
    tidy = (
        unicodedata.normalize("NFKC", text or "").replace("−", "-").replace("\u00a0", " ").strip().casefold()
    )
    if tidy in _BLANK_NUMBERS:
        return None
    inner = _NO_CENTS.sub("", tidy)  # 12'500.–
    negative = tidy.startswith("(") and tidy.endswith(")")
    if negative:
        inner = inner[1:-1].strip()
    found = _CELL.fullmatch(inner)
    if not found:
        return tidy
    before, body, after = found["before"].strip(), found["body"].strip(), found["after"].strip()
    signs = before.count("-") + after.count("-")
    ends = _affix(re.sub(r"[-+]", "", before)), _affix(after.removesuffix("-"))
    if signs + negative > 1 or ends[0] is None or ends[1] is None or ends[0][0] is not None:
        return tidy
    currencies = {one[1] for one in ends if one and one[1]}
    currency = _common(currencies)
    if currency is None or (after.endswith("%") and kind != "share"):
        return tidy
    return Cell(bool(signs or negative), body, ends[1][0], currency)


def _common(currencies: set[str]) -> str | None:
    """Return the one currency that signs and codes name together, None if they contradict each other."""
    if currencies == {"元", "¥"}:
        return "CNY"
    if len(currencies) <= 1:
        return next(iter(currencies), "")
    codes = {one for one in currencies if one not in SAME_SIGN}
    if len(codes) == 1 and all(next(iter(codes)) in SAME_SIGN[one] for one in currencies - codes):
        return next(iter(codes))
    return None


def one_currency(found: Sequence[str]) -> str | None:
    """Return the currency that all signs and codes agree on, ``""`` for none, None if they differ.

    元 alone is the Chinese yuan; beside a code it is only the word for money.
    """
    common = _common({one for one in found if one})
    return "CNY" if common == "元" else common


@functools.lru_cache(maxsize=1024)
def _affix(text: str) -> tuple[float | None, str] | None:
    """Return factor and currency of what stands before or behind a number, None if it means nothing."""
    factor: float | None = None
    currency = ""
    rest = text.strip(" .")
    while rest:
        word = next((one for one in _AFFIXES if rest.startswith(one)), None)
        if word is None or (word in FACTORS and factor is not None) or (word in CURRENCIES and currency):
            return None
        if word in FACTORS:
            factor = FACTORS[word]
        else:
            currency = CURRENCIES[word]
        rest = rest[len(word) :].strip(" .")
    return factor, currency


def _decimal_sign(
    bodies: Mapping[str, str], reading: Reading, where: Mapping[str, str]
) -> tuple[str, str, str]:
    """Return the decimal sign, an example and the code of a note; an empty sign if it cannot be told.

    `bodies`: of each different text the digits with their signs.
    """
    if reading.decimal:
        return reading.decimal, "", ""
    marked = {text: body for text, body in bodies.items() if "." in body or "," in body}
    either = {
        text: body for text, body in marked.items() if _POINT.fullmatch(body) and _COMMA.fullmatch(body)
    }
    point = {text: body for text, body in marked.items() if _POINT.fullmatch(body) and text not in either}
    comma = {text: body for text, body in marked.items() if _COMMA.fullmatch(body) and text not in either}
    found: tuple[str, str, str] = reading.over_column(
        where, "decimal", (point, comma, either), sums, _decimal_told
    )
    return found


def _decimal_told(told: tuple[dict[str, str], dict[str, str], dict[str, str]]) -> tuple[str, str, str]:
    """Return what cells that only a point, only a comma or either explains as the decimal sign say together."""
    point, comma, cells = told
    either = set(cells.values())
    if not point and not comma:
        return _without_evidence(sorted(either))
    sign, few = (".", comma) if len(point) >= len(comma) else (",", point)
    many = len(point) + len(comma) - len(few)
    doubtful = sorted(body for body in either if sign in body)
    if max(len(few), len(doubtful)) > FEW * many:
        return "", next(iter(few.values()), "") or doubtful[0], ""
    return (sign, next(iter(comma.values())), "decimal_comma_found") if sign == "," else (sign, "", "")


def _without_evidence(either: list[str]) -> tuple[str, str, str]:
    """Decide for a column in which every separator could be of either kind, as in ``1,234``."""
    if not either:
        return ".", "", ""
    if all("," in body for body in either):
        return ".", either[0], "thousands_assumed"
    return "", next(body for body in either if "." in body), ""


def _column_factor(reading: Reading) -> float:
    if isinstance(reading.unit, str):
        found = unit_of(reading.unit) if reading.unit else None
        return found[0] if found else 1.0
    return float(reading.unit)


def _value(cell: Cell | str | None, sign: str, factor: float) -> float:
    """Return the number of a cell in units of the book; NaN for blank and bad cells."""
    if not isinstance(cell, Cell):
        return float("nan")
    if not (_POINT if sign == "." else _COMMA).fullmatch(cell.body):
        return float("nan")
    groups = ",'’ _" if sign == "." else ".'’ _"
    digits = cell.body.translate({ord(char): None for char in groups}).replace(",", ".")
    size = factor if cell.factor is None else cell.factor
    return (-1 if cell.negative else 1) * float(digits) * size


def _finish(parsed: Parsed, kind: Kind, reading: Reading, where: Mapping[str, str]) -> Parsed:
    """Say which unit was applied; turn per cent into shares, and zeros into unknowns where told to."""
    factor = _column_factor(reading)
    if factor != 1.0:
        code = "unit_applied" if isinstance(reading.unit, str) else "factor_applied"
        code, size = (code, factor) if factor >= 1 else ("unit_divided", 1 / factor)
        parsed.notes.append(Note(code, {**where, "unit": str(reading.unit), "factor_n": round(size)}))
    if isinstance(reading.unit, str) and reading.unit and (unit := unit_of(reading.unit)) and unit[1]:
        parsed.currencies = tuple(sorted({*parsed.currencies, unit[1]}))
    _out_of_range(parsed)
    values: Any = parsed.values
    if kind == "share":
        parsed.values = _shares(values, parsed.notes, reading, where)
    if kind == "amount" and reading.zero_is_unknown and (zeros := values == 0).any():
        parsed.values = values.mask(zeros)
        parsed.notes.append(Note("zero_amount_unknown", {**where, "n": int(zeros.sum())}))
    return parsed


LARGEST, SMALLEST = 1e150, 1e-150
"""Beyond these, squares cannot be added up (variances of amounts would be infinite or nothing)."""


def _out_of_range(parsed: Parsed) -> None:
    """Count numbers as bad that are too large or too small to be counted with."""
    import numpy as np

    if parsed.undecided or parsed.values.dtype.kind != "f":
        return
    sizes = np.abs(parsed.values.to_numpy(dtype="float64"))
    outside = (sizes > LARGEST) | ((sizes < SMALLEST) & (sizes > 0))
    if outside.any():
        parsed.bad = parsed.bad | outside
        parsed.values = parsed.values.mask(outside)


def _shares(values: pd.Series, notes: list[Note], reading: Reading, where: Mapping[str, str]) -> pd.Series:
    """Return chances between 0 and 1; a column with values above 1 is in per cent."""
    if reading.over_column(where, "per cent", bool(((values > 1) & (values <= 100)).any()), any_of):
        values = values / 100
        notes.append(Note("per_cent_read", dict(where)))
    outside = (values < 0) | (values > 1)
    if outside.any():
        notes.append(Note("share_out_of_range", {**where, "n": int(outside.sum())}))
    return values.mask(outside)
