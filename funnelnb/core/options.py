"""The two package options: the language of all that is read, and the confidence level of every interval."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field, replace
from typing import Self

from funnelnb.core import check

LANGUAGES = ("en", "zh")
"""Languages that tables, charts and sentences exist in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options in force.

    Attributes
    ----------
    lang : {"en", "zh"}
        Language of tables, charts and sentences.
    confidence_level : float
        Level of every interval for which a call names none, between 0 and 1.
    """

    lang: str = "en"
    confidence_level: float = check.CONFIDENCE_LEVEL
    before: Options | None = field(default=None, repr=False, compare=False)
    """What was in force before; leaving ``with options(...)`` puts it back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            _current[0] = replace(self.before or self, before=None)


_lock = threading.Lock()
_current: list[Options] = [Options()]


def options(lang: str | None = None, confidence_level: float | None = None) -> Options:
    """Which language and confidence level are in force? Given a value, set it first; in a ``with``, for its block only.

    Parameters
    ----------
    lang : {"en", "zh"}, optional
        Language of tables, charts and sentences; None leaves it.
    confidence_level : float, optional
        Level of every interval for which a call names none, strictly between 0 and 1; None leaves it.

    Returns
    -------
    Options
        The options now in force.

    Raises
    ------
    ParameterError
        The language is not known or the level not between 0 and 1; then neither option is changed.

    Examples
    --------
    >>> options(lang="zh").lang
    'zh'
    >>> options(lang="en").lang
    'en'
    >>> with options(lang="zh", confidence_level=0.95):
    ...     options()
    Options(lang='zh', confidence_level=0.95)
    >>> options().lang
    'en'
    """
    given: dict[str, str | float] = {}
    if lang is not None:
        given["lang"] = check.one_of("lang", lang, LANGUAGES)
    if confidence_level is not None:
        given["confidence_level"] = check.confidence_level(confidence_level)
    with _lock:
        before = _current[0]
        if given:
            _current[0] = replace(_current[0], **given)  # type: ignore[arg-type]
        return replace(_current[0], before=before)


def language(lang: str | None = None) -> str:
    """Return `lang` if it is a known language, the language in force if it is None.

    Raises
    ------
    ParameterError
        The language is not known; the message lists those that are.
    """
    return _current[0].lang if lang is None else check.one_of("lang", lang, LANGUAGES)


LISTS = "FUNNELNB_LISTS"
"""Environment variable of a kernel whose outputs become a page: ``"1"`` asks for the lists of deals behind counts,
``"nameless"`` for no names of customers."""


def lists_wanted() -> bool:
    """Return whether the deals behind counts are to travel with what is shown."""
    return os.environ.get(LISTS) == "1"


def nameless() -> bool:
    """Return whether the names of customers and deals are to be left out."""
    return os.environ.get(LISTS) == "nameless"
