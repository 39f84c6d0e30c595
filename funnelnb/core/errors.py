"""Errors built from facts: what was found, what was expected, what to do.

Every error that a user can cause derives from :class:`FunnelError`. A message has one shape
everywhere, so that the command line, a notebook and a report can show it as it is.
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


_PASSWORD = re.compile(r"(?P<before>[a-zA-Z][\w+.-]*:/{1,3}[^\s/:@'\"]*:)[^\s'\"]*@")


def masked(text: str) -> str:
    """Return `text` without the passwords of addresses in it.

    Examples
    --------
    >>> masked("no table in postgresql://ann:s3cret@db/crm")
    'no table in postgresql://ann:***@db/crm'
    """
    return _PASSWORD.sub(r"\g<before>***@", text) if ":/" in text else text


SHELL_OPTIONS: Mapping[str, str] = {
    "as_of": "--as-of", "by": "--by", "mapping": "--mapping", "playbook": "--playbook", "lang": "--lang",
    "horizon_days": "-p horizon_days", "confidence_level": "-p confidence_level",
}  # fmt: skip
"""Argument in Python -> what is typed for it in the shell."""

_surface = "python"


def speak_to(surface: str) -> None:
    """Say where errors are read from now on: ``"python"``, or ``"shell"`` (the command line says so)."""
    global _surface  # noqa: PLW0603 - one place where errors are read in a process
    _surface = surface


class Advice(str):
    """What to do, where that differs by the surface an error is read on.

    Parameters
    ----------
    python : str
        The argument to give in Python; what the text itself is.
    typed : str
        The option to type in the shell.

    Examples
    --------
    >>> Advice("say playbook='seven_step' in fn.load", typed="--playbook seven_step")
    "say playbook='seven_step' in fn.load"
    """

    __slots__ = ("typed",)
    typed: str

    def __new__(cls, python: str, *, typed: str) -> Advice:
        """Return the advice; as a text it is that for Python."""
        made = super().__new__(cls, python)
        made.typed = typed
        return made


def here(text: str) -> str:
    """Return a text for the surface in force: in the shell ``as_of = '2026'`` is ``--as-of '2026'``.

    Examples
    --------
    >>> here("as_of = '2026-13-01'")
    "as_of = '2026-13-01'"
    """
    if _surface != "shell":
        return str(text)
    if isinstance(text, Advice):
        return text.typed
    named = re.match(r"(\w+) ?= ?(?=['\"\w-])", text)
    if named is None or named.group(1) not in SHELL_OPTIONS:
        return text
    option = SHELL_OPTIONS[named.group(1)]
    return f"{option}{'=' if option.startswith('-p') else ' '}{text[named.end() :]}"


def says_more(hint: str, expected: str) -> bool:
    """Return whether a hint adds to what was expected: a list of names that stands there already does not.

    Examples
    --------
    >>> says_more("known: a, b", "one of 'a', 'b'"), says_more("did you mean 'a'?", "one of a, b")
    (False, True)
    """
    if not hint.startswith("known: "):
        return bool(hint)
    return not all(name in expected for name in hint.removeprefix("known: ").split(", "))


class FunnelError(Exception):
    """Base of every error that a user's input can cause.

    Parameters
    ----------
    found : str
        What was found, with its place and value.
    expected : str
        What would have been right.
    hint : str
        What to do about it.
    """

    def __init__(self, found: str, *, expected: str = "", hint: str = "") -> None:
        self.found = masked(found)
        self.expected = masked(expected)
        self.hint = masked(hint)
        super().__init__(self.found, self.expected, self.hint)

    def _render_traceback_(self) -> list[str]:
        """Show the message alone: IPython asks for this before it shows where in the code an error arose."""
        return _told_in_a_notebook(self)

    def __str__(self) -> str:
        lines = [here(self.found)]
        if self.expected:
            lines.append(f"  expected: {here(self.expected)}")
        if says_more(self.hint, self.expected):
            lines.append(f"  remedy:   {here(self.hint)}")
        return "\n".join(lines)


def _told_in_a_notebook(error: FunnelError) -> list[str]:
    """Return what a notebook shows of an error: what is wrong and what to type, in the language in force."""
    from funnelnb.core.display import renderer

    return [f"{type(error).__name__}: {renderer().error(str(error))}"]


class ParameterError(FunnelError):
    """An argument, option or notebook parameter has a value that it cannot have."""


class PlaybookError(FunnelError):
    """A playbook file cannot be used; `found` names file and key."""


class MappingError(FunnelError):
    """A column-mapping or settings file cannot be used; `found` names file and key."""


class SourceError(FunnelError):
    """A data file cannot be read at all (missing, empty, not what its name says)."""


class MissingDataError(FunnelError):
    """An analysis needs a table or column that the book does not hold."""


class OutputError(FunnelError):
    """The output folder cannot be written to."""


class MissingExtraError(FunnelError):
    """An optional package is not installed; the hint names the extra that brings it."""

    @classmethod
    def for_package(cls, package: str, extra: str) -> MissingExtraError:
        """Build the error for `package`, which the extra `extra` would bring."""
        return cls(
            f"the package {package!r} is not installed",
            expected=f"{package}, which the extra [{extra}] brings",
            hint=f"pip install 'funnelnb[{extra}]'",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem in the data, with its place.

    Attributes
    ----------
    file : str
        Name of the file or table the value came from.
    row : int or None
        1-based row as a spreadsheet shows it (the header is row 1); None for the whole column or file.
    column : str
        Column name as the file spells it; empty for the whole row or file.
    value : str
        The value found, shortened to 80 characters.
    found, expected, remedy : str
        What is wrong, what would be right, what to do.
    rows_n : int
        How many rows have this problem (`row` is the first of them).
    """

    file: str
    found: str
    expected: str
    remedy: str
    row: int | None = None
    column: str = ""
    value: str = ""
    rows_n: int = 1

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.column:
            place += f", column {self.column!r}"
        others_n = self.rows_n - 1
        more = f" (and {others_n} more row{'s' if others_n > 1 else ''})" if others_n > 0 else ""
        shown = f" {self.value!r}" if self.value else ""
        said = f"{place}: {self.found}{shown}{more}\n    expected: {self.expected}"
        return f"{said}\n    remedy:   {here(self.remedy)}" if says_more(self.remedy, self.expected) else said


class DataProblems(FunnelError):  # noqa: N818 - it is a list of problems
    """All problems that make the data unusable, reported at once.

    Attributes
    ----------
    problems : tuple of Problem
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(f"the data has {count} problem{'s' if count != 1 else ''}")

    def __str__(self) -> str:
        return "\n".join([f"{self.found}:", *(f"  {problem}" for problem in self.problems)])


LISTED = 40
"""So many known names are listed where none is like the one given."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names the known name most like `name`, or lists them."""
    names = [str(one) for one in known]
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if not close:
        lowered = {one.casefold(): one for one in names}
        close = [
            lowered[one] for one in difflib.get_close_matches(str(name).casefold(), lowered, n=1, cutoff=0.6)
        ]
    if close:
        shown = close[0] if len(close[0]) <= 120 else close[0][:117] + "..."
        return f"did you mean {shown!r}?"
    if not names:
        return "there are none"
    more = f", … (+{len(names) - LISTED:,})" if len(names) > LISTED + 1 else ""
    return "known: " + ", ".join(names[:LISTED] if more else names) + more


def nearest_attribute(name: str, known: Iterable[str]) -> str:
    """Return what to do about the name of an attribute that the deals do not have.

    Examples
    --------
    >>> nearest_attribute("regoin", ["region", "owner"])
    "did you mean 'region'?"
    >>> nearest_attribute("region", [])
    'leave it out, or add a column such as region to the deals'
    """
    names = list(known)
    return nearest(name, names) if names else "leave it out, or add a column such as region to the deals"


def meant(name: str, known: Iterable[str]) -> str:
    """Return the known name most like `name` in brackets, to go on with; nothing where none is like it.

    Examples
    --------
    >>> "correct it" + meant("qualfied", ["qualified", "won"])
    "correct it (did you mean 'qualified'?)"
    """
    close = nearest(name, known)
    return f" ({close})" if close.startswith("did you mean") else ""


def misnamed(name: str, known: Sequence[str], given: str) -> ParameterError:
    """Return what to tell whoever names an argument that a function does not have.

    Examples
    --------
    >>> print(misnamed("conversion", ["by", "horizon_days"], "horizn_days"))
    conversion has no argument 'horizn_days'
      expected: one of by, horizon_days
      remedy:   did you mean 'horizon_days'?
    """
    return ParameterError(
        f"{name} has no argument {given!r}", expected="one of " + ", ".join(known), hint=nearest(given, known)
    )


# ---- The first slip: something else than a book, or a log, and the line that makes one ---------------------

NOTHING = object()
"""Nothing was given at all, not even None."""


def not_a_book(name: str, given: object, *, scan: bool = False, typed: bool = False) -> ParameterError:
    """Return what to tell whoever gives a public function something else than a book.

    Parameters
    ----------
    name : str
        The function as it is called, without ``fn.``, such as ``"customers.roles"``.
    given : object
        What was given; ``NOTHING`` if nothing was.
    scan : bool
        Whether it also takes what only counts.
    typed : bool
        Whether it also takes counts per stage.

    Examples
    --------
    >>> print(not_a_book("customers.roles", "crm.csv"))
    roles was given a path, 'crm.csv'
      expected: a book
      remedy:   book = fn.load('crm.csv'), then fn.customers.roles(book)
    """
    short = name.rpartition(".")[2]
    expected = (
        "a book, or a scan (fn.data.Scan)" if scan else "a book, or counts per stage" if typed else "a book"
    )
    line = f"then fn.{name}(book)"
    if given is NOTHING or given is None:
        return ParameterError(
            f"{short} was given {'no book' if given is NOTHING else 'None'}",
            expected=expected,
            hint=f"book = fn.load('your_export.csv'), or fn.sample() to try; {line}",
        )
    if isinstance(given, (str, os.PathLike)):
        path = os.fspath(given)
        return ParameterError(
            f"{short} was given a path, {path!r}", expected=expected, hint=f"book = fn.load({path!r}), {line}"
        )
    if hasattr(given, "stage_counts"):
        return ParameterError(
            f"{short} was given a scan, which only counts",
            expected="a book: this question needs the deals themselves",
            hint=f"book = fn.load(the same tables), {line}",
        )
    frame = hasattr(given, "columns")
    return ParameterError(
        f"{short} was given {f'a {type(given).__name__}' if frame else repr(given)}",
        expected=expected,
        hint=f"book = fn.load({'frame' if frame else repr('your_export.csv')}), {line}",
    )


def not_a_log(name: str, given: object) -> ParameterError:
    """Return what to tell whoever gives a public function something else than an event log.

    Examples
    --------
    >>> print(not_a_log("behaviour.retention", "clicks.csv"))
    retention was given a path, 'clicks.csv'
      expected: an event log
      remedy:   log = fn.events('clicks.csv'), then fn.behaviour.retention(log)
    """
    short, source = name.rpartition(".")[2], "'your_log.csv'"
    if given is NOTHING or given is None:
        found = "no event log" if given is NOTHING else "None"
    elif isinstance(given, (str, os.PathLike)):
        source = repr(os.fspath(given))
        found = f"a path, {source}"
    elif hasattr(given, "opportunities"):
        source, found = "the events of an export", "a book"
    elif hasattr(given, "columns"):
        source, found = "frame", f"a {type(given).__name__}"
    else:
        found = repr(given)
    return ParameterError(
        f"{short} was given {found}",
        expected="an event log",
        hint=f"log = fn.events({source}), then fn.{name}(log)",
    )
