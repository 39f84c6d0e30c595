"""Text to times: order of day and month, time zones, Excel's day numbers, decided over the whole column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.core.arrays import in_days, in_months
from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UTC, converted, wall_clock
from funnelnb.data.contract.whole import all_of, any_of, sums
from funnelnb.data.parse.cells import BLANKS, NOT_YET, Parsed, as_arrow, typed_as_text
from funnelnb.data.parse.date_words import in_digits

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from funnelnb.data.parse.cells import Reading


# ---- Dates as text, taken apart: which digits are the year, which the hour, which the offset from UTC? -----

_TIME = (
    r"(?:[T\s]+(?:(?P<before>上午|下午)\s*)?(?P<hour>\d{1,2})[:时.](?P<minute>\d{1,2})分?(?::?(?P<second>\d{1,2})秒?)?"
    r"(?:[.,]\d+)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?$"
)
_NUMERIC = tuple(
    rf"^(?P<a>\d{{1,4}})\s*{sign}\s*(?P<b>\d{{1,2}})\s*{sign}\s*(?P<c>\d{{1,4}})" + _TIME
    for sign in ("-", "/", r"\.")
)
_CHINESE = r"^(?:民[國国]\s*)?(?P<a>\d{2,4})\s*年\s*(?P<b>\d{1,2})\s*月\s*(?P<c>\d{1,2})\s*日?" + _TIME
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

_YEAR_END = r"([0-9]{1,2}[.][0-9]{1,2}[.][0-9]{2,4})(?:[.]|\s?(?:г|р)[.]?)(\s.*)?$"
"""What stands behind the year in Croatian, Bulgarian, Russian ("5.3.2026.", "05.03.2026 г.")."""

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


# ---- Text to times: order of day and month, time zones, Excel's day numbers, decided over the whole column -

OPEN_ENDED_YEAR = 2049
"""Dates from this year on mean "not yet": systems write 2050-01-01 or 9999-12-31 for an open end."""

FIRST_YEAR = 1970

MINGUO, BUDDHIST = 1911, 543
"""Years between the common era and those of Taiwan (2025 is 114) and of Thailand (2025 is 2568)."""

MOSTLY, SEVERAL = 0.8, 3
"""A column is told in another era if this share of its dates is, and on so many different days."""

_NO_DATES = ("0000-00-00", "0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-00", "1900-01-01",
             "1970-01-01")  # fmt: skip
"""Days that systems write for "no date"."""


def parse_dates(cells: pd.Series, reading: Reading, where: Mapping[str, str]) -> Parsed:
    """Which moments stand in a column?

    Parameters
    ----------
    cells : Series
        Text, or times or numbers already.
    reading : Reading
        `date_order` and `timezone` where they are known.
    where : Mapping
        ``file`` and ``column``, for notes.

    Returns
    -------
    Parsed
        Whole seconds without a zone; moments (times with an offset or a zone, seconds since 1970) are told on
        the clock of `timezone`, else of UTC (noted). `undecided` is ``"date_order_unknown"`` where no day above
        12 tells day from month.

    Examples
    --------
    >>> import pandas as pd
    >>> from funnelnb.data.parse.values import Reading
    >>> parse_dates(pd.Series(["31/12/2025", "2/1/2026"]), Reading(), {}).values.dt.date.astype(str).tolist()
    ['2025-12-31', '2026-01-02']
    """
    import numpy as np
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return _finish(*_typed(cells, reading, where), reading, where)
    if pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_bool_dtype(cells.dtype):
        stamps, bad, notes = _serials(cells.to_numpy(dtype="float64", na_value=np.nan), reading, where)
        return _finish(pd.Series(stamps, index=cells.index, name=cells.name), bad, notes, reading, where)
    text = cells if cells.dtype == "str" else typed_as_text(cells)
    plain = _iso(text)
    if reading.over_column(where, "iso", plain is not None, all_of) and plain is not None:
        return _finish(plain, np.zeros(len(text), bool), [], reading, where)
    return _text(text, reading, where)


def _iso(cells: pd.Series) -> pd.Series | None:
    """Read a column that is ISO or empty throughout, else return None."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    array = as_arrow(cells)
    empty = pc.equal(array, "")
    if pc.any(empty).as_py():
        array = pc.if_else(empty, pa.scalar(None, array.type), array)
    for unit in ("s", "us"):
        try:
            stamps = pc.cast(array, pa.timestamp(unit))
        except pa.ArrowInvalid:
            continue
        break
    else:
        return None
    return pd.Series(stamps.to_numpy(zero_copy_only=False), index=cells.index, name=cells.name)


def _typed(cells: pd.Series, reading: Reading, where: Mapping[str, str]) -> tuple[Any, Any, list[Note]]:
    import numpy as np

    notes = []
    if getattr(cells.dtype, "tz", None) is not None:
        cells = cells.dt.tz_convert(reading.timezone or UTC).dt.tz_localize(None)
        notes = [converted(where, reading.timezone)]
    return cells.astype("datetime64[us]"), np.zeros(len(cells), bool), notes


def _serials(
    numbers: NDArray[np.float64], reading: Reading, where: Mapping[str, str]
) -> tuple[Any, Any, list[Note]]:
    """Read numbers as Excel's days since 1899-12-30, or as seconds or milliseconds since 1970 (UTC)."""
    import numpy as np

    known = ~np.isnan(numbers)
    seconds = np.full(len(numbers), np.nan)
    moment = np.zeros(len(numbers), bool)
    kind = ""
    for name, low, high, size, origin in (
        ("excel_days", 20000, 80000, 86400.0, -25569 * 86400.0),
        ("unix_seconds", 2.0e8, 4.2e9, 1.0, 0.0),
        ("unix_milliseconds", 2.0e11, 4.2e12, 1e-3, 0.0),
    ):
        fits = known & (numbers >= low) & (numbers < high)
        if fits.any():
            seconds[fits] = np.round(numbers[fits] * size + origin, 3)
            kind = kind or name
            moment |= fits & (origin == 0)
    stamps = np.full(len(numbers), np.datetime64("NaT", "us"))
    good = ~np.isnan(seconds)
    stamps[good] = np.floor(seconds[good] + 1e-3).astype("int64").astype("datetime64[s]")
    notes = [Note(f"dates_from_{kind}", {**where, "n": int(good.sum())})] if kind else []
    if moment.any():
        stamps[moment] = wall_clock(stamps[moment], reading.timezone)
        notes.append(converted(where, reading.timezone))
    return stamps, known & ~good, notes


def _text(cells: pd.Series, reading: Reading, where: Mapping[str, str]) -> Parsed:
    """Read every way of writing, on the distinct texts of the column."""
    import numpy as np
    import pandas as pd
    import pyarrow.compute as pc

    coded = pc.dictionary_encode(pc.utf8_trim_whitespace(as_arrow(cells)))
    words = coded.dictionary
    codes = pc.fill_null(coded.indices, len(words)).to_numpy(zero_copy_only=False)
    folded = pc.replace_substring_regex(pc.utf8_normalize(words, form="NFKC"), _YEAR_END, r"\1\2")
    stamps = np.full(len(words), np.datetime64("NaT", "us"))
    aware, minguo = np.zeros(len(words), bool), np.zeros(len(words), bool)
    orders = set()
    for pattern, fixed in PATTERNS:
        part = take_apart(folded, pattern)
        order, example = (fixed, "") if fixed else _order(part, folded, reading, where, pattern)
        if not order:
            return Parsed(cells, np.zeros(len(cells), bool), "date_order_unknown", example)
        stamps[part.matched] = _stamps(part, order)[part.matched]
        minguo |= part.matched & (part.width_a == 3)
        aware |= part.aware
        if not fixed and order != "ymd":
            met = reading.over_column(where, f"met {pattern}", bool(part.matched.any()), any_of)
            orders |= {order} if met else set()
    serial, _, notes = _serials(_bare_numbers(folded, stamps), reading, where)
    stamps = np.where(np.isnat(stamps), serial, stamps)
    empty = _means_no_date(words, folded)
    periods = _in_words(words, stamps, aware, ~empty)
    notes += _told_in_periods(periods, words, codes, where)
    notes += _told_in_minguo(minguo & ~np.isnat(stamps), codes, where)
    if aware.any():
        stamps[aware] = wall_clock(stamps[aware], reading.timezone)
        notes.append(converted(where, reading.timezone))
    bad = np.isnat(stamps) & ~empty
    stamps[empty] = np.datetime64("NaT", "us")
    column = np.append(stamps, np.datetime64("NaT", "us"))[codes]
    values = pd.Series(column, index=cells.index, name=cells.name)
    parsed = _finish(values, np.append(bad, False)[codes], notes, reading, where)
    parsed.date_order = orders.pop() if len(orders) == 1 else ""
    return parsed


def _told_in_periods(
    periods: NDArray[np.bool_], words: pa.Array, codes: NDArray[np.int64], where: Mapping[str, str]
) -> list[Note]:
    """Say how many dates are weeks, months or quarters."""
    import numpy as np

    if not periods.any():
        return []
    n = int(np.isin(codes, np.flatnonzero(periods)).sum())
    return [Note("dates_from_periods", {**where, "n": n, "value": str(words[int(np.argmax(periods))])})]


def _told_in_minguo(
    words: NDArray[np.bool_], codes: NDArray[np.int64], where: Mapping[str, str]
) -> list[Note]:
    """Say how many dates are told in years of the Republic of China."""
    import numpy as np

    n = int(np.isin(codes, np.flatnonzero(words)).sum()) if words.any() else 0
    return [Note("years_minguo", {**where, "n": n})] if n else []


def _in_words(
    words: pa.Array, stamps: NDArray[np.datetime64], aware: NDArray[np.bool_], wanted: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Read what only words explain (months in any language, zones, weeks), in place; say which are periods."""
    import numpy as np
    import pyarrow as pa

    left = np.flatnonzero(np.isnat(stamps) & wanted)
    periods = np.zeros(len(stamps), bool)
    if not len(left):
        return periods
    told = [in_digits(str(words[int(one)].as_py())) for one in left]
    part = take_apart(pa.array([text for text, _ in told], pa.large_string()), _NUMERIC[0])
    read = _stamps(part, "ymd")
    stamps[left] = np.where(part.matched, read, stamps[left])
    aware[left] |= part.matched & part.aware
    periods[left] = part.matched & np.array([period for _, period in told])
    return periods


def _means_no_date(words: pa.Array, folded: pa.Array) -> NDArray[np.bool_]:
    """Mark blanks and the days that systems write for "no date"."""
    import pyarrow as pa
    import pyarrow.compute as pc

    blank = pc.is_in(pc.utf8_lower(words), value_set=pa.array((*BLANKS, *NOT_YET), pa.large_string()))
    day = pc.utf8_slice_codeunits(folded, 0, 10)
    marks = pc.is_in(day, value_set=pa.array(_NO_DATES, pa.large_string()))
    return pc.or_(blank, marks).to_numpy(zero_copy_only=False)


def _bare_numbers(words: pa.Array, stamps: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Return the texts that are nothing but a number of 5, 10 or 13 digits, NaN elsewhere."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    bare = pc.match_substring_regex(words, r"^(\d{5}(\.\d+)?|\d{10}|\d{13})$")
    numbers = pc.cast(pc.if_else(bare, words, pa.scalar(None, words.type)), pa.float64())
    return np.where(np.isnat(stamps), numbers.to_numpy(zero_copy_only=False), np.nan)


def _order(
    part: Parts, words: pa.Array, reading: Reading, where: Mapping[str, str], pattern: str
) -> tuple[str, str]:
    """Return the order of day and month in one way of writing, and a text that shows why it cannot be told."""
    if reading.date_order:
        return reading.date_order, ""
    year_last = part.matched & (part.width_a <= 2)
    unclear = year_last & (part.a != part.b)
    told = (
        int(year_last.any()),
        _texts(words, year_last & (part.a > 12)),
        _texts(words, year_last & (part.b > 12) & (part.b < 99)),
        next(iter(_texts(words, unclear)), "") if unclear.any() else "",
    )
    order: tuple[str, str] = reading.over_column(where, f"order {pattern}", told, sums, _order_told)
    return order


def _texts(words: pa.Array, wanted: NDArray[np.bool_]) -> dict[str, None]:
    """Return the texts that are wanted, in order."""
    import pyarrow as pa

    return dict.fromkeys(words.filter(pa.array(wanted)).to_pylist()) if wanted.any() else {}


def _order_told(told: tuple[int, dict[str, None], dict[str, None], str]) -> tuple[str, str]:
    """Return the order that texts tell with the day or the month first, or one that shows why they do not."""
    year_last, days_first, months_first, unclear = told
    if not year_last:
        return "ymd", ""
    if not days_first and not months_first:
        return ("", unclear) if unclear else ("dmy", "")
    few = min(len(days_first), len(months_first))
    if few > 0.05 * max(len(days_first), len(months_first)):
        return "", next(iter(months_first if len(days_first) >= len(months_first) else days_first))
    return ("dmy" if len(days_first) > len(months_first) else "mdy"), ""


def _stamps(part: Parts, order: str) -> NDArray[np.datetime64]:
    """Return the moments of cells taken apart; NaT where the day does not exist."""
    import numpy as np

    year_first = (part.width_a == 4) | ((order == "ymd") & (part.width_c <= 2))
    year = np.where(year_first, part.a, part.c)
    width = np.where(year_first, part.width_a, part.width_c)
    year = np.where((width <= 2) & (year >= 0), np.where(year < 69, 2000 + year, 1900 + year), year)
    month = np.where(year_first, part.b, part.a if order == "mdy" else part.b)
    day = np.where(year_first, part.c, part.b if order == "mdy" else part.a)
    minguo = year_first & (width == 3) & (year >= 60) & (year <= 199)  # the Republic's years, of Taiwan
    year = np.where(minguo, year + MINGUO, year)
    possible = part.matched & (year >= 1) & ((width == 2) | (width == 4) | minguo)
    possible &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = (np.where(possible, year, 1970) - 1970) * 12 + np.where(possible, month, 1) - 1
    first = months.astype("datetime64[M]")
    days = first.astype("datetime64[D]") + in_days(np.where(possible, day, 1) - 1)
    possible &= days.astype("datetime64[M]") == first
    stamps = days.astype("datetime64[s]") + (part.second_of_day - part.offset_s)
    return np.where(possible, stamps, np.datetime64("NaT", "s")).astype("datetime64[us]")


def _buddhist(
    stamps: NDArray[np.datetime64], reading: Reading, where: Mapping[str, str]
) -> NDArray[np.datetime64] | None:
    """Return moments told in years of the Buddhist era (Thailand) in those of the common one, None if they are not."""
    import numpy as np

    first, last = (np.datetime64(f"{year + BUDDHIST}-01-01") for year in (FIRST_YEAR, OPEN_ENDED_YEAR))
    told = (stamps >= first) & (stamps < last)
    days = frozenset(np.unique(stamps[told].astype("datetime64[D]"))[:SEVERAL].tolist())
    here = (int(told.sum()), int((~np.isnat(stamps)).sum()), days)
    if not reading.over_column(where, "era", here, sums, _mostly_buddhist):
        return None
    month = stamps.astype("datetime64[M]")
    moved = (month - in_months(12 * BUDDHIST)).astype("datetime64[s]") + (
        stamps - month.astype("datetime64[s]")
    )
    return np.asarray(np.where(told, moved, stamps))


def _mostly_buddhist(told: tuple[int, int, frozenset[Any]]) -> bool:
    """Whether so many dates are told in that era, and on several days: one far day means "not yet"."""
    told_n, known_n, days = told
    return told_n > 0 and told_n >= MOSTLY * known_n and len(days) >= SEVERAL


def _finish(values: Any, bad: Any, notes: list[Note], reading: Reading, where: Mapping[str, str]) -> Parsed:
    """Cut to whole seconds; read open ends and no-date marks as missing; refuse days before 1970."""
    import numpy as np
    import pandas as pd

    stamps = values.to_numpy().astype("datetime64[s]")
    far = np.datetime64(f"{OPEN_ENDED_YEAR}-01-01", "s")
    any_far = (stamps >= far).any()
    if (any_far or reading.whole is not None) and (told := _buddhist(stamps, reading, where)) is not None:
        notes.append(Note("years_buddhist", {**where, "n": int((~np.isnat(stamps)).sum())}))
        stamps = told
    late = stamps >= far  # a missing time is neither
    early = stamps < np.datetime64(f"{FIRST_YEAR}-01-02", "s")
    if not (late.any() or early.any()):
        return Parsed(
            pd.Series(stamps.astype("datetime64[us]"), index=values.index, name=values.name), bad, notes=notes
        )
    day = stamps.astype("datetime64[D]")
    none = np.array([one for one in _NO_DATES if "-00" not in one], dtype="datetime64[D]")
    no_date = early & np.isin(day, none)
    if late.any():
        example = str(day[int(np.argmax(late))])
        notes.append(Note("open_ended_dates", {**where, "n": int(late.sum()), "example": example}))
    if no_date.any():
        notes.append(Note("no_date_marks", {**where, "n": int(no_date.sum())}))
    bad = bad | (early & ~no_date)
    stamps[late | early] = np.datetime64("NaT", "s")
    values = pd.Series(stamps.astype("datetime64[us]"), index=values.index, name=values.name)
    marks = late | no_date
    return Parsed(values, bad, notes=notes, marks=marks if marks.any() else None)
