"""Cells to values: what does the text of a column mean, given the kind the contract says it is of?

Numbers are in ``numbers.py``, dates in ``dates.py``; both look at the whole column before they read one cell.
"""

from __future__ import annotations

import re
import weakref
from functools import cache
from typing import TYPE_CHECKING, Any

from funnelnb.data.contract.tables import NUMERIC_KINDS
from funnelnb.data.parse.cells import BLANKS, Parsed, Reading, as_arrow, typed_as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from funnelnb.data.contract.tables import Kind


_TRUE = (
    "true", "t", "yes", "y", "1", "1.0", "да", "ja", "oui", "sí", "si", "sim", "vero", "是",
    "有", "具备", "充足", "对", "√", "✓", "x",
    "checked", "on", "☑", "✔", "✅", "tak", "evet", "はい", "예",
)  # fmt: skip
_FALSE = (
    "false", "f", "no", "n", "0", "0.0", "нет", "nein", "non", "não", "nao", "falso", "否", "无",
    "没有", "不具备", "不足", "错", "×",
    "unchecked", "off", "☐", "✗", "✘", "nie", "hayır", "いいえ", "아니오",
)  # fmt: skip


def parse(cells: pd.Series, kind: Kind, reading: Reading, where: Mapping[str, str]) -> Parsed:
    """What do the cells of one column mean?

    Parameters
    ----------
    cells : Series
        Text, or already typed.
    kind : Kind
        Of the contract.
    reading : Reading
    where : Mapping
        ``file`` and ``column``, for notes.

    Returns
    -------
    Parsed
    """
    if kind == "datetime":
        from funnelnb.data.parse.dates import parse_dates

        return parse_dates(cells, reading, where)
    if kind in NUMERIC_KINDS:
        from funnelnb.data.parse.numbers import parse_numbers

        return parse_numbers(cells, kind, reading, where)
    if kind == "flag":
        return _flags(cells)
    return _good(as_text(cells, blanks=kind not in ("id", "sign")))


def from_arrow(array: Any, like: pd.Series) -> pd.Series:
    """Return an Arrow array as a Series with the index and name of `like`."""
    import pandas as pd

    return pd.Series(array.to_pandas().array, index=like.index, name=like.name)


def among(keys: pd.Series, known: pd.Series) -> pd.Series:
    """Say of each text whether it is among `known` (missing: no); pandas' `isin` reads texts one by one."""
    import pandas as pd
    import pyarrow.compute as pc

    found = pc.is_in(as_arrow(keys), value_set=as_arrow(known).drop_null())
    return pd.Series(found.to_numpy(zero_copy_only=False), index=keys.index)


def repeats(cells: pd.Series) -> bool:
    """Whether two cells are equal (two missing ones are); cells that rise throughout are not counted one by one."""
    import pyarrow.compute as pc

    if cells.dtype == "str" and len(cells) > 1:
        array = as_arrow(cells)
        if not array.null_count and pc.all(pc.less(array[:-1], array[1:])).as_py():
            return False
    return bool(cells.duplicated().any())


def look_up(keys: pd.Series, known: pd.Series, found: pd.Series) -> pd.Series:
    """For each key, what stands in `found` beside the same value of `known`?

    Parameters
    ----------
    keys, known : Series of str
        A key that is missing or unknown gives a missing value; of equal ones in `known` the first counts.
    found : Series
        As long as `known`.

    Returns
    -------
    Series
        As `found` in type, as `keys` in index.
    """
    import pandas as pd
    import pyarrow.compute as pc

    place = pc.index_in(as_arrow(keys), value_set=as_arrow(known), skip_nulls=True)
    taken = pc.fill_null(place, -1).to_numpy(zero_copy_only=False)
    if not len(known):
        return pd.Series(None, index=keys.index, dtype=found.dtype)
    return pd.Series(found.array.take(taken, allow_fill=True), index=keys.index)


def as_text(cells: pd.Series, *, blanks: bool = True) -> pd.Series:
    """Return cells as trimmed text, missing where empty; whole numbers without a decimal point."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if cells.dtype != "str":
        cells = typed_as_text(cells)
    held = getattr(cells.array, "_pa_array", None)
    known = _TIDY.get((id(held), blanks))
    if known is not None and known[0]() is held:
        return cells if known[1] is None else from_arrow(known[1], cells)
    array = as_arrow(cells)
    tidy = pc.utf8_trim_whitespace(array)
    empty = _empty(tidy, blanks=blanks)
    if empty.any():
        tidy = pc.if_else(pa.array(empty), pa.scalar(None, pa.large_string()), tidy)
    elif _bytes_of(tidy) == _bytes_of(array):
        tidy = None  # it was tidy already
    if held is not None:
        key = (id(held), blanks)
        _TIDY[key] = (weakref.ref(held, lambda _: _TIDY.pop(key, None)), tidy)
    return cells if tidy is None else from_arrow(tidy, cells)


_TIDY: dict[tuple[int, bool], tuple[weakref.ref[Any], pa.Array | None]] = {}
"""Columns made tidy (None: they were), as long as they live: recognising and reading ask for the same ones."""

_LONGEST_BLANK = max(len(word.encode()) for word in BLANKS)


def _empty(tidy: pa.Array, *, blanks: bool) -> NDArray[np.bool_]:
    """Say which trimmed cells hold nothing, or (`blanks`) a word for nothing, which length and first byte give away."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    ends = _ends(tidy)
    length = np.diff(ends)
    empty: NDArray[np.bool_] = length == 0
    data = np.frombuffer(tidy.buffers()[2] or b"", dtype=np.uint8)
    if not blanks or not len(data):
        return empty
    first = data[np.minimum(ends[:-1], len(data) - 1)]
    alike = np.flatnonzero(_looks()[np.minimum(length, _LONGEST_BLANK + 1), first])
    if len(alike):
        words = pc.utf8_lower(tidy.take(pa.array(alike)))
        empty[alike] |= pc.is_in(words, value_set=_blanks()).to_numpy(zero_copy_only=False)
    return empty


def _ends(array: pa.Array) -> NDArray[np.int64]:
    """Return where the cells of a text column begin and end among its bytes."""
    import numpy as np

    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return np.zeros(1, np.int64)
    return np.frombuffer(buffer, dtype=np.int64)[array.offset : array.offset + len(array) + 1]


def _bytes_of(array: pa.Array) -> int:
    ends = _ends(array)
    return int(ends[-1] - ends[0])


@cache
def _looks() -> NDArray[np.bool_]:
    """Return, by length in bytes and first byte, which cells may be a word for nothing."""
    import numpy as np

    found = np.zeros((_LONGEST_BLANK + 2, 256), dtype=bool)
    for word in filter(None, BLANKS):
        for spelt in (word, word.upper()):
            found[len(spelt.encode()), spelt.encode()[0]] = True
    return found


@cache
def _blanks() -> pa.Array:
    import pyarrow as pa

    return pa.array(BLANKS, pa.large_string())


def _good(values: pd.Series) -> Parsed:
    import numpy as np

    return Parsed(values, np.zeros(len(values), dtype=bool))


def _flags(cells: pd.Series) -> Parsed:
    """Read yes and no in several spellings."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(cells.dtype):
        return _good(cells.astype("boolean"))
    texts = as_text(cells, blanks=False).str.lower()
    values = pd.Series(pd.NA, index=cells.index, name=cells.name, dtype="boolean")
    values[texts.isin(_TRUE)] = True
    values[texts.isin(_FALSE)] = False
    bad = (texts.notna() & ~texts.isin((*_TRUE, *_FALSE, *BLANKS))).to_numpy(dtype=bool)
    return Parsed(values, bad)


MAN_LETTERS = {"money": "M", "authority": "A", "need": "N"}
"""How the MAN rule writes what a customer has (the capital) or lacks (the small letter)."""


def man_letters(cells: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    """Which of these columns are written in the letters of the MAN rule, and what do they say?

    Parameters
    ----------
    cells : Mapping of str to Series
        Columns called ``money``, ``authority`` and ``need``, as far as they are there.

    Returns
    -------
    dict of str to Series
        Columns as flags. A lone ``N`` means "no" as well, so that ``need`` is only read so where a small ``n``
        stands beside it, or another column is written in letters.

    Examples
    --------
    >>> import pandas as pd
    >>> found = man_letters({"money": pd.Series(["M", "m"]), "need": pd.Series(["N", "N"])})
    >>> {name: one.tolist() for name, one in found.items()}
    {'money': [True, False], 'need': [True, True]}
    >>> man_letters({"need": pd.Series(["N", "Y"])}), man_letters({"need": pd.Series(["N", "N"])})
    ({}, {})
    """
    texts = {name: as_text(cells[name], blanks=False) for name in MAN_LETTERS if name in cells}
    held = {name: set(one.dropna()) for name, one in texts.items()}
    lettered = {
        name for name, one in held.items() if one and one <= {MAN_LETTERS[name], MAN_LETTERS[name].lower()}
    }
    if lettered == {"need"} and len(held["need"]) < 2:
        return {}
    return {
        name: texts[name].map({MAN_LETTERS[name]: True, MAN_LETTERS[name].lower(): False}).astype("boolean")
        for name in texts
        if name in lettered
    }


_UNIT = re.compile(r"[（(\[【]([^（()）\[\]【】]{1,200}+)[)）\]】]\s*+$")


_IN_UNIT = re.compile(r"\s(?:in|en|em|в|w)\s+(\S{1,10})$", re.IGNORECASE)


_BEHIND_COMMA = re.compile(r",\s*([^,]{1,16})$")

_BEHIND = re.compile(r"\s([kKMT]?[€$£¥₹₽₩₺₫₴]|(?:T|k)?[A-Z]{3})$")
"""A sign or code of a currency at the end of a header, without brackets ("Annual premium £", "Volumen TEUR")."""

_CENTS = re.compile(r"(?:[\s_-](?:in[\s_-])?(cents|micros)|(?<=[a-z])(?:In)?(Cents|Micros))$")


def header_unit(name: str) -> tuple[str, str]:
    """Split a column name into its name and the unit behind it in brackets.

    Examples
    --------
    >>> header_unit("预计金额（万元）")
    ('预计金额', '万元')
    >>> header_unit("Volumen in T€"), header_unit("Value"), header_unit("Date in")
    (('Volumen', 'T€'), ('Value', ''), ('Date in', ''))
    >>> header_unit("Annual premium £"), header_unit("Volumen TEUR"), header_unit("Owner UK")
    (('Annual premium', '£'), ('Volumen', 'TEUR'), ('Owner UK', ''))
    >>> header_unit("Сумма, тыс. руб."), header_unit("amount_cents"), header_unit("Name, first")
    (('Сумма', 'тыс. руб.'), ('amount', 'cents'), ('Name, first', ''))
    """
    from funnelnb.data.parse.numbers import unit_of

    found = _UNIT.search(name)
    if found is None:
        ways = (way.search(name) for way in (_IN_UNIT, _BEHIND_COMMA))
        found = next((one for one in ways if one and unit_of(one.group(1))), None)
        behind = _BEHIND.search(name) if found is None else None
        found = behind if behind and (unit_of(behind.group(1)) or (0, ""))[1] else found
    if found is None and (cents := _CENTS.search(name)):
        return name[: cents.start()].strip(), (cents[1] or cents[2]).casefold()
    return (name[: found.start()].strip(), found.group(1).strip()) if found else (name, "")
