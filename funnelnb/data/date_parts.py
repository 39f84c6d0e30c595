"""Dates as text, taken apart: which digits are the year, which the hour, which the offset from UTC?

One regular expression for each way of writing, applied to a whole column at once; what the parts mean is decided in
``dates.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_TIME = (
    r"(?:[T\s]+(?:(?P<before>上午|下午)\s*)?(?P<hour>\d{1,2})[:时.](?P<minute>\d{1,2})分?(?::?(?P<second>\d{1,2})秒?)?"
    r"(?:[.,]\d+)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?$"
)
_NUMERIC = tuple(
    rf"^(?P<a>\d{{1,4}})\s*{sign}\s*(?P<b>\d{{1,2}})\s*{sign}\s*(?P<c>\d{{1,4}})" + _TIME
    for sign in ("-", "/", r"\.")
)
_CHINESE = r"^(?P<a>\d{4}|\d{2})\s*年\s*(?P<b>\d{1,2})\s*月\s*(?P<c>\d{1,2})\s*日?" + _TIME
_DAY_NAME = r"^(?P<a>\d{1,2})[\s.\-/]*(?P<b>[A-Za-zä]{3})[A-Za-z]*[\s.,\-/]*(?P<c>\d{4}|\d{2})" + _TIME
_NAME_DAY = r"^(?P<b>[A-Za-zä]{3})[A-Za-z]*[\s.]*(?P<a>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<c>\d{4})" + _TIME
_COMPACT = (
    r"^(?P<a>(?:19|20)\d{2})(?P<b>[01]\d)(?P<c>[0-3]\d)"
    r"(?:[T\s]?(?P<hour>[0-2]\d)(?P<minute>[0-5]\d)(?P<second>[0-5]\d))?(?P<zone>Z)?(?P<before>)(?P<half>)$"
)
PATTERNS = (
    *((pattern, "") for pattern in _NUMERIC),
    (_CHINESE, "ymd"),
    (_DAY_NAME, "dmy"),
    (_NAME_DAY, "dmy"),
    (_COMPACT, "ymd"),
)
"""Ways of writing, with the order of the parts where it is fixed; each sign between them may have its own."""

_MONTHS = {
    **{name: place for place, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )},
    "mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12,
}  # fmt: skip


@dataclass(slots=True)
class Parts:
    """Year, month, day and clock of the cells that match one way of writing; -1 where a cell does not."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    c: NDArray[np.int64]
    width_a: NDArray[np.int64]
    width_c: NDArray[np.int64]
    second_of_day: NDArray[np.int64]
    offset_s: NDArray[np.int64]
    aware: NDArray[np.bool_]
    matched: NDArray[np.bool_]


def take_apart(words: pa.Array, pattern: str) -> Parts:
    """Which parts do the texts that match a way of writing have?

    Parameters
    ----------
    words : pyarrow.Array of text
    pattern : str
        Of :data:`PATTERNS`.

    Returns
    -------
    Parts
        An impossible time of day makes the month impossible, so that the cell counts as bad.
    """
    import numpy as np
    import pyarrow.compute as pc

    found = pc.extract_regex(words, pattern=pattern)
    a, b, c = (_field(found, name) for name in "abc")
    if pattern in (_DAY_NAME, _NAME_DAY):
        b = _month_number(b)
    hour = _hour(found)
    minute, second = (_integers(_field(found, name)) for name in ("minute", "second"))
    wrong = (hour > 23) | (minute > 59) | (second > 60)
    zone = _field(found, "zone")
    return Parts(
        a=_integers(a),
        b=np.where(wrong, 99, _integers(b)),
        c=_integers(c),
        width_a=pc.binary_length(a).to_numpy(zero_copy_only=False),
        width_c=pc.binary_length(c).to_numpy(zero_copy_only=False),
        second_of_day=np.maximum(hour, 0) * 3600 + np.maximum(minute, 0) * 60 + np.maximum(second, 0),
        offset_s=_offsets(zone),
        aware=pc.not_equal(zone, "").to_numpy(zero_copy_only=False),
        matched=pc.is_valid(found).to_numpy(zero_copy_only=False),
    )


def _field(found: pa.Array, name: str) -> pa.Array:
    """Return one named group, ``""`` where it is not there."""
    import pyarrow.compute as pc

    return pc.fill_null(pc.struct_field(found, [found.type.get_field_index(name)]), "")


def _integers(texts: pa.Array) -> NDArray[np.int64]:
    """Return texts of digits as numbers, -1 for ``""``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    filled = pc.if_else(pc.equal(texts, ""), "-1", texts)
    return pc.cast(filled, pa.int64()).to_numpy(zero_copy_only=False)


def _month_number(names: pa.Array) -> pa.Array:
    """Return names of months as the text of their number, 99 for other words."""
    import pyarrow as pa
    import pyarrow.compute as pc

    place = pc.index_in(pc.utf8_lower(names), value_set=pa.array(list(_MONTHS), pa.large_string()))
    numbers = pa.array([str(number) for number in _MONTHS.values()], pa.large_string())
    return pc.fill_null(pc.take(numbers, place), "99")


def _hour(found: pa.Array) -> NDArray[np.int64]:
    """Return the hour of the day, a.m. and p.m. heeded; -1 where there is none."""
    import numpy as np
    import pyarrow.compute as pc

    hour, half, before = _integers(_field(found, "hour")), _field(found, "half"), _field(found, "before")
    late = pc.or_(pc.match_substring_regex(half, "^[Pp]"), pc.equal(before, "下午"))
    early = pc.or_(pc.match_substring_regex(half, "^[Aa]"), pc.equal(before, "上午"))
    halved = pc.or_(late, early).to_numpy(zero_copy_only=False)
    return np.where(halved, hour % 12 + 12 * late.to_numpy(zero_copy_only=False), hour)


def _offsets(zone: pa.Array) -> NDArray[np.int64]:
    """Return offsets such as ``+08:00`` in seconds."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    digits = pc.replace_substring_regex(zone, r"[:+]", "")
    numeric = pc.match_substring_regex(zone, r"^[+-]\d{2}")
    number = pc.cast(pc.if_else(numeric, digits, "0"), pa.int64()).to_numpy(zero_copy_only=False)
    hours_only = pc.equal(pc.binary_length(zone), 3).to_numpy(zero_copy_only=False)
    size = np.abs(number) * np.where(hours_only, 100, 1)
    return np.sign(number) * (size // 100 * 3600 + size % 100 * 60)
