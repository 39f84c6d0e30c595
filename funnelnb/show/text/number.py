"""Numbers as text, by unit and language: a value comes in, its spelling goes out, nothing is computed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The unit that a column of amounts is written in.

    Attributes
    ----------
    factor : float
        What a value is divided by before it is written.
    word : str
        Name of the unit, such as ``"万"``; empty for single units.
    """

    factor: float = 1.0
    word: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """How one language writes numbers.

    Attributes
    ----------
    forms : Mapping
        The ``[language]`` table of a language file.
    units : tuple of (float, str)
        From which size an amount takes which unit word, largest first.
    scale_tables : bool
        Whether a column of large amounts is written in that unit (万, 亿) rather than in full.
    with_currency : str
        Pattern that puts amount and currency together.
    currencies : Mapping
        Currency code to the word for it; other codes stand for themselves.
    """

    forms: Mapping[str, str]
    units: tuple[tuple[float, str], ...]
    scale_tables: bool
    with_currency: str
    currencies: Mapping[str, str]

    def count(self, value: float) -> str:
        """Write a number of deals: thousands separated, no decimals."""
        return self.forms["none"] if _missing(value) else f"{round(value):,}"

    def tenths(self, value: float) -> str:
        """Write a number of things to be expected: in tenths, so that parts add up to their sum."""
        if _missing(value):
            return self.forms["none"]
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"

    def percent(self, value: float) -> str:
        """Write a share between 0 and 1 with one decimal, two below 1 %; never 0 or 100 by rounding."""
        if _missing(value):
            return self.forms["none"]
        spelled = _percent_digits(value)
        side = {"<": "under", ">": "over"}.get(spelled[0])
        written = self.forms["percent"].format(x=spelled.lstrip("<> "))
        return self.forms[side].format(x=written) if side else written

    def level(self, value: float) -> str:
        """Write a confidence level without idle zeros: 90 %, 99.8 %."""
        return self.forms["percent"].format(x=f"{100 * value:.10g}")

    def interval(self, value: float, lower: float, upper: float) -> str:
        """Write a rate with its interval, such as ``63.2 % (62.2–64.1)``; without bounds the rate alone."""
        if _missing(value) or _missing(lower) or _missing(upper):
            return self.percent(value)
        low, high = (_percent_digits(bound, like=value) for bound in (lower, upper))
        return self.forms["interval"].format(value=self.percent(value), lower=low, upper=high)

    def bounds(self, value: float, lower: float, upper: float) -> str:
        """Write the interval of a rate without the rate, in as many digits: 62.2–64.1."""
        low, high = (_percent_digits(bound, like=value) for bound in (lower, upper))
        return self.forms["bounds"].format(lower=low, upper=high)

    def percent_bounds(self, value: float, lower: float, upper: float) -> str:
        """Write the interval of a rate without the rate, with one sign: 62.2–64.1 %."""
        return self.forms["percent"].format(x=self.bounds(value, lower, upper))

    def points(self, value: float) -> str:
        """Write a difference of two rates in percentage points, with its sign."""
        return self.forms["none"] if _missing(value) else self.forms["points"].format(x=_signed(value))

    def distance(self, value: float) -> str:
        """Write how far two rates are apart, in percentage points without a sign."""
        return self.forms["none"] if _missing(value) else self.forms["points"].format(x=f"{100 * value:.1f}")

    def points_interval(self, value: float, lower: float, upper: float) -> str:
        """Write a difference of two rates with its interval."""
        if _missing(value) or _missing(lower) or _missing(upper):
            return self.points(value)
        return self.forms["signed_interval"].format(
            value=self.points(value), lower=_signed(lower), upper=_signed(upper)
        )

    def days(self, value: float) -> str:
        """Write a duration with its unit; a decimal only for short ones that need it."""
        if _missing(value):
            return self.forms["none"]
        if 0 < value < 0.1 and "hours" in self.forms:
            hours = value * 24
            name, short = ("hours", hours) if hours >= 1 else ("minutes", hours * 60)
            return self.forms[name].format(x=f"{short:.1f}".removesuffix(".0"))
        digits = self.bare_days(value)
        return self.forms["day"] if digits == "1" else self.forms["days"].format(x=digits)

    def bare_days(self, value: float) -> str:
        """Write a duration without its unit."""
        if _missing(value):
            return self.forms["none"]
        return f"{value:,.0f}" if value >= 10 or float(value).is_integer() else f"{value:.1f}"

    def amount(self, value: float, currency: str = "") -> str:
        """Write an amount for a sentence: in a readable unit, in three digits or more, with its currency."""
        if _missing(value):
            return self.forms["none"]
        factor, word = next(((size, name) for size, name in self.units if abs(value) >= size), (1.0, ""))
        if not word or math.isinf(value):
            return self.money(self.bare_amount(value), currency)
        scaled = value / factor
        spelled = f"{scaled:,.{max(0, 2 - int(math.log10(abs(scaled))))}f}"
        spelled = spelled.rstrip("0").rstrip(".") if "." in spelled else spelled
        return self.money(spelled.replace("-", MINUS) + word, currency)

    def money(self, spelled: str, currency: str) -> str:
        """Put a written amount and its currency together in the language's order."""
        if not currency:
            return spelled
        word = self.currencies.get(currency, currency)
        together = self.with_currency.format(x=spelled, currency=word)
        if word.isascii() or spelled[-1].isdigit():
            return together
        return together.replace(f"{spelled} {word}", f"{spelled}{word}")

    def bare_amount(self, value: float, scale: Scale | None = None) -> str:
        """Write an amount without unit and currency; decimals only where they say something."""
        if _missing(value):
            return self.forms["none"]
        scale = scale or Scale()
        scaled = value / scale.factor
        if scale.factor == 1.0 or not value:
            small = abs(scaled) < 100 and not float(scaled).is_integer()
            return (f"{scaled:,.2f}" if small else f"{scaled:,.0f}").replace("-", MINUS)
        digits = 2 if abs(scaled) < 10 else 1
        return f"{scaled:,.{digits}f}".replace("-", MINUS)

    def scale(self, values: Iterable[float]) -> Scale:
        """Choose the unit for a column of amounts; only languages that count so (万) scale their tables."""
        sizes = [abs(value) for value in values if not _missing(value) and math.isfinite(value)]
        if not self.scale_tables or not sizes:
            return Scale()
        for size, word in self.units:
            if max(sizes) >= 10 * size:
                return Scale(factor=size, word=word.strip())
        return Scale()

    def money_unit(self, currency: str, scale: Scale) -> str:
        """Name unit and currency for a column header; empty when there is neither."""
        word = self.currencies.get(currency, currency)
        return f"{scale.word}{word}"

    def date(self, value: Any) -> str:
        """Write a date as year-month-day."""
        stamp = np.datetime64(value)
        return self.forms["none"] if np.isnat(stamp) else str(stamp.astype("datetime64[D]"))

    def long_date(self, value: Any) -> str:
        """Write a date for a sentence, as the language spells dates: 30 June 2026."""
        stamp = np.datetime64(value)
        if np.isnat(stamp):
            return self.forms["none"]
        day = stamp.astype("datetime64[D]").item()
        month = self.forms["months"].split(" ")[day.month - 1]
        return self.forms["date"].format(year=day.year, month=month, day=day.day)

    def p_value(self, value: float) -> str:
        """Write a p-value: three decimals, two from 0.1, below 0.001 as such."""
        if _missing(value):
            return self.forms["none"]
        if value < 0.001:
            return self.forms["at_most"].format(x="0.001")
        return f"{value:.2f}" if value >= 0.0995 else f"{value:.3f}"

    def p_is(self, value: float) -> str:
        """Write a p-value as it stands after the letter p in a sentence: "= 0.33" or "< 0.001"."""
        spelled = self.p_value(value)
        return spelled if value < 0.001 else f"= {spelled}"

    def factor(self, value: float) -> str:
        """Write a plain factor with two decimals."""
        return self.forms["none"] if _missing(value) else f"{value:.2f}"

    def flag(self, value: bool) -> str:
        """Write yes or no."""
        return self.forms["yes"] if value else self.forms["no"]

    def join(self, items: Iterable[str]) -> str:
        """List items the way the language does: commas, then "and"."""
        parts = [str(item) for item in items]
        if len(parts) < 2:
            return "".join(parts)
        return self.forms["list"].join(parts[:-1]) + self.forms["last"] + parts[-1]

    def text(self, value: Any, unit: str) -> str:
        """Write `value` for a sentence, by its unit."""
        if isinstance(value, np.datetime64) or unit == "date":
            return self.long_date(value)
        writers = {"days": self.days, "amount": self.amount}
        writer = writers.get(unit)
        return writer(value) if writer else self.cell(value, unit)

    def cell(self, value: Any, unit: str) -> str:
        """Write `value` for a table cell, by its unit; day counts and amounts stand without their unit."""
        writers: dict[str, Any] = {
            "count": self.count,
            "rate": self.percent,
            "level": self.level,
            "points": self.points,
            "distance": self.distance,
            "days": self.bare_days,
            "day": self.bare_days,
            "amount": self.bare_amount,
            "date": self.date,
            "p_value": self.p_value,
            "factor": self.factor,
            "flag": self.flag,
        }
        if value is None:
            return self.forms["none"]
        if unit in writers and not isinstance(value, str):
            return str(writers[unit](value))
        return self._by_kind(value)

    def _by_kind(self, value: Any) -> str:
        """Write a value whose unit says nothing, by what it is."""
        kinds: tuple[tuple[Any, Any], ...] = (
            (str, str),
            (bool | np.bool_, self.flag),
            (np.datetime64, self.date),
            (int | np.integer, self.count),
            (
                float | np.floating,
                lambda number: self.forms["none"] if _missing(number) else f"{number:,.6g}",
            ),
            (Iterable, lambda items: self.join(self._by_kind(one) for one in items)),
        )
        return str(next((write(value) for kind, write in kinds if isinstance(value, kind)), value))


MINUS = "\N{MINUS SIGN}"

NUMERIC = frozenset({"count", "rate", "level", "points", "distance", "days", "amount", "p_value", "factor"})
"""Units whose cells stand at the right of their column."""


def _missing(value: Any) -> bool:
    return value is None or math.isnan(value)


def _signed(value: float) -> str:
    """Write a difference of rates in points with its sign; U+2212 for minus, none for zero."""
    spelled = f"{abs(100 * value):.1f}"
    if float(spelled) == 0:
        return spelled
    return ("+" if value > 0 else MINUS) + spelled


def _percent_digits(value: float, like: float | None = None) -> str:
    """Write a share in percent without the sign; `like` gives the decimals to follow."""
    if value in (0, 1):
        return f"{100 * value:.0f}"
    leader = value if like is None or not 0 < like < 1 else like
    digits = 2 if 0 < abs(leader) < 0.01 else 1
    spelled = f"{100 * value:.{digits}f}"
    if like is not None:
        return f"{100 * value:.2f}" if spelled == "100.0" else spelled
    if value > 0 and float(spelled) == 0:
        return f"< {10**-digits:.{digits}f}"
    if value < 1 and float(spelled) == 100:
        return "> 99.9"
    return spelled
