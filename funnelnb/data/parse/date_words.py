# ruff: noqa: E501 - the names of one month stay one line
"""Dates in words: names of months and weekdays in many languages, names of time zones, weeks, months and quarters.

Only texts that no plain way of writing explains come here; they leave as ``2025-01-31 14:05:00+0100`` or not at all.
"""

from __future__ import annotations

import datetime
import re
import unicodedata

_MONTHS = (
    "january jan januar januari janvier janv enero ene janeiro gennaio gen января янв styczen stycznia sty leden ledna ocak"
    " tammikuu january",
    "february feb februar februari fevrier fevr febrero fevereiro fev febbraio февраля февраль фев luty lutego lut unor"
    " unora subat",
    "march mar marz maerz marts maart mrt mars marzo março marco марта март marzec marca brezen brezna mart",
    "april apr avril avr abril abr aprile апреля апрель апр kwiecien kwietnia kwi duben dubna nisan",
    "may mai maj mei mayo maio maggio mag мая май maja kveten kvetna mayis",
    "june jun juni juin junio junho giugno giu июня июнь июн czerwiec czerwca cze cerven cervna haziran",
    "july jul juli juillet juil julio julho luglio lug июля июль июл lipiec lipca lip cervenec cervence temmuz",
    "august aug augustus augusti aout agosto ago августа август авг sierpien sierpnia sie srpen srpna agustos",
    "september sep sept septembre septiembre setembro set settembre сентября сентябрь сен сент wrzesien wrzesnia wrz zari"
    " eylul",
    "october oct oktober okt octobre octubre outubro out ottobre ott октября октябрь окт pazdziernik pazdziernika paz rijen"
    " rijna ekim",
    "november nov novembre noviembre novembro ноября ноябрь ноя нояб listopad listopada lis listopadu kasim",
    "december dec dezember dez decembre diciembre dic dezembro dicembre декабря декабрь дек grudzien grudnia gru prosinec"
    " prosince aralik",
)
MONTH = {word: place for place, words in enumerate(_MONTHS, start=1) for word in words.split()}
"""Name of a month without accents = its number."""

LONGEST = 200
"""A text of more characters is no date."""

_WEEKDAYS = re.compile(
    r"^\(?(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|mie|jue|vie|sab|dom|seg|ter|qua|qui"
    r"|sex|gio|пн|вт|ср|чт|пт|сб|вс|周.|星期.|ma|wo|vr|za|zo)\w*\)?[.,]?\s+(?=\S)"
)
_WEEKDAY_BEHIND = re.compile(r"\s*[（(]?(?:周|星期)[一二三四五六日天][)）]?|[（(][月火水木金土日][)）]")

ZONES = {
    "utc": 0, "gmt": 0, "z": 0, "wet": 0, "bst": 1, "west": 1, "cet": 1, "mez": 1, "cest": 2, "mesz": 2, "eet": 2, "eest": 3,
    "msk": 3, "мск": 3, "ist": 5.5, "sgt": 8, "hkt": 8, "awst": 8, "jst": 9, "kst": 9, "aest": 10, "aedt": 11, "nzst": 12,
    "nzdt": 13, "est": -5, "edt": -4, "mdt": -6, "mst": -7, "pst": -8, "pdt": -7, "akst": -9, "hst": -10, "brt": -3, "art": -3,
}  # fmt: skip
"""Hours from UTC of time zones by their short names (IST as in India; CST is several and is not read)."""

_ZONE = re.compile(r"\s\(?([a-zмск]{1,4})\)?$")
_OFFSET = re.compile(r"\s?(?:utc|gmt)?\s?([+-])(\d{1,2}):?(\d{2})?(?:\s\([^)]*\))?$")
_CLOCK = re.compile(r"\b(\d{1,2})[:h.](\d{2})(?::(\d{2}))?(?:[.,]\d+)?\s*([ap])?\.?(?:m\.?)?(?=\s|$|[+-])")
_WORDS = re.compile(
    r"\b(?:de|del|di|den|der|the|of|um|at|a las|à|о|в|r|г|god|kl|uhr|klo)\b\.?|(?<=\d)(?:st|nd|rd|th|er|º|°)\b"
)
_QUARTER = re.compile(
    r"^(?:(\d{4})[-\s/]?(?:q|t|кв\.?)\s?([1-4])|(?:q|t)([1-4])[-\s/]?(\d{4})|([1-4])[.\s-]*(?:q|t|quartal|кв\.?)[-\s/]*(\d{4}))$"
)
_WEEK = re.compile(
    r"^(\d{4})[-\s]?(?:w|kw|week|周|第)\s?(\d{1,2})周?(?:-(\d))?$|^(?:w|kw|week)\s?(\d{1,2})[-\s/]*(\d{4})$"
)
_SPACED = re.compile(r"(\d{4})[.년\s/-]+(\d{1,2})[.월\s/-]+(\d{1,2})[.일\s]*")
_MONTH_ONLY = re.compile(r"^(\d{4})[-/.年]\s?(\d{1,2})月?$|^(\d{1,2})[/.-](\d{4})$")


def in_digits(text: str) -> tuple[str, bool]:
    """Which date does a text in words mean?

    Parameters
    ----------
    text : str

    Returns
    -------
    (str, bool)
        The date as ``year-month-day`` with a clock and an offset where it has them, empty if it is none; and whether the
        text names a week, a month or a quarter, whose first day it then is.

    Examples
    --------
    >>> in_digits("Fri, 03 Jan 2025 09:05:00 GMT"), in_digits("3 févr. 2025")
    (('2025-01-03 09:05:00+0000', False), ('2025-02-03', False))
    >>> in_digits("Q2 2025"), in_digits("2025-W03"), in_digits("March 2025"), in_digits("soon")
    (('2025-04-01', True), ('2025-01-13', True), ('2025-03-01', True), ('', False))
    """
    if len(text := text.strip()) > LONGEST:
        return "", False
    tidy = unicodedata.normalize("NFKC", text).casefold().strip()
    tidy = "".join(
        one for one in unicodedata.normalize("NFD", tidy) if not unicodedata.combining(one) or one == "\u0306"
    )
    tidy = unicodedata.normalize("NFC", tidy).rstrip(". ")
    period = _period(tidy)
    if period:
        return period, True
    rest = _WEEKDAY_BEHIND.sub("", _without_weekday(tidy)).strip()
    spaced = _SPACED.fullmatch(rest)
    if spaced:
        return f"{spaced[1]}-{int(spaced[2]):02}-{int(spaced[3]):02}", False
    rest, offset = _offset(rest)
    clock = _CLOCK.search(rest)
    if clock:
        rest = f"{rest[: clock.start()]} {rest[clock.end() :]}"
    day = _day(_WORDS.sub(" ", rest))
    if not day:
        return "", False
    if day.endswith("-00"):
        return f"{day[:-2]}01", True
    return f"{day}{_clock(clock)}{offset}" if clock else day, False


def _without_weekday(text: str) -> str:
    """Leave out the name of a weekday in front; "mar" is Tuesday only where the name of a month follows."""
    found = _WEEKDAYS.match(text)
    if not found:
        return text
    month = found[0].strip(" .,()") in MONTH
    rest = text[found.end() :]
    return text if month and not any(one in MONTH for one in re.findall(r"[^\W\d_]+", rest)) else rest


def _period(text: str) -> str:
    """Return the first day of a quarter, week or month in digits, empty if the text is none."""
    quarter = _QUARTER.match(text)
    if quarter:
        year, number = next(
            (a, b)
            for a, b in ((quarter[1], quarter[2]), (quarter[4], quarter[3]), (quarter[6], quarter[5]))
            if a
        )
        return f"{year}-{3 * int(number) - 2:02}-01"
    week = _WEEK.match(text)
    if week:
        year, number = (week[1], week[2]) if week[1] else (week[5], week[4])
        try:
            return datetime.date.fromisocalendar(int(year), int(number), int(week[3] or 1)).isoformat()
        except ValueError:
            return ""
    month = _MONTH_ONLY.match(text)
    if month:
        year, number = (month[1], month[2]) if month[1] else (month[4], month[3])
        return f"{year}-{int(number):02}-01" if 1 <= int(number) <= 12 else ""
    return ""


def _offset(text: str) -> tuple[str, str]:
    """Split an offset or the name of a zone off a text with a clock."""
    named = _ZONE.search(text)
    if named and named[1] in ZONES and ":" in text:
        hours = ZONES[named[1]]
        whole = int(abs(hours) * 60)
        return text[: named.start()], f"{'-' if hours < 0 else '+'}{whole // 60:02}{whole % 60:02}"
    signed = _OFFSET.search(text)
    if signed and ":" in text[: signed.start()]:
        return text[: signed.start()], f"{signed[1]}{int(signed[2]):02}{signed[3] or '00'}"
    return text, ""


def _clock(found: re.Match[str]) -> str:
    hour = int(found[1])
    if found[4]:
        hour = hour % 12 + (12 if found[4] == "p" else 0)
    return f" {hour:02}:{found[2]}:{found[3] or '00'}"


def _day(text: str) -> str:
    """Return year, month and day of a text with the name of a month; day 00 where it names only a month."""
    parts = re.findall(r"\d+|[^\W\d_]+", text)
    words = [MONTH[one] for one in parts if one in MONTH]
    digits = [one for one in parts if one.isdigit()]
    if len(words) != 1 or any(not one.isdigit() and one not in MONTH for one in parts):
        return ""
    if len(digits) == 1 and len(digits[0]) == 4:
        return f"{digits[0]}-{words[0]:02}-00"
    if len(digits) != 2:
        return ""
    year, day = (digits[0], digits[1]) if len(digits[0]) == 4 else (digits[1], digits[0])
    if len(year) == 2:
        year = f"{'20' if int(year) < 69 else '19'}{year}"
    return f"{year}-{words[0]:02}-{int(day):02}" if len(year) == 4 and 1 <= int(day) <= 31 else ""
