"""Which problems can data have, and what happens to the rows that have one?

Each problem has a code. What happens is decided by the settings: ``on_problem`` for all, ``[problems]`` for
one code. *stop*: nothing is loaded and all problems are reported at once. *drop*: exactly those rows are left
out and counted in a note. *keep*: the row stays; where a value was the problem, it counts as not known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import DataProblems, Problem
from funnelnb.core.note import Note
from funnelnb.data.contract.whole import over_all

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from funnelnb.data.contract.settings import Settings
    from funnelnb.data.contract.whole import Whole


VALUE_LENGTH = 80
"""Values are shortened to this many characters in messages."""


@dataclass(frozen=True, slots=True)
class Code:
    """What is known about one kind of problem.

    Attributes
    ----------
    found, expected, remedy : str
        In words; `found` may be replaced by a more exact one.
    usual : {"problem", "keep", "stop"}
        What happens if the settings say nothing of this code: as ``on_problem`` says, the row is kept and a note made,
        or nothing is loaded.
    fixed : bool
        True: cannot be dropped or kept, because no single row is at fault.
    keep : bool
        Whether the row can be kept.
    """

    found: str
    expected: str
    remedy: str
    usual: str = "problem"
    fixed: bool = False
    keep: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """What the settings may say for this code."""
        if self.fixed:
            return ("stop",)
        return ("stop", "drop", "keep") if self.keep else ("stop", "drop")


_LEAVE_OUT = 'or leave such rows out with {code} = "drop" under [problems] in funnelnb.toml'

CODES: dict[str, Code] = {
    "missing_column": Code("a needed column is missing", "", "", fixed=True),
    "nothing_left": Code(
        "no deal is left",
        "at least one deal",
        "look at the notes on rows left out: deleted, skipped, or dropped by the settings",
        fixed=True,
    ),
    "ragged_row": Code(
        "the row has another number of fields than the header",
        "one field per column",
        f"put quotes round it, {_LEAVE_OUT}",
    ),
    "missing_value": Code("no value", "a value in every row", f"fill it in, {_LEAVE_OUT}"),
    "duplicate_id": Code(
        "the same id in several rows",
        "each id once",
        f"remove all rows but one; {_LEAVE_OUT.replace('such rows', 'all but the first')}",
    ),
    "bad_number": Code(
        "not a number",
        "a number such as 1234.50, 1,234.50 or 1.234,50 (up to 150 digits)",
        f'correct it, {_LEAVE_OUT} (keep = "not known")',
        keep=True,
    ),
    "bad_date": Code(
        "not a date", "a date such as 2026-03-05", f'correct it, {_LEAVE_OUT} (keep = "not known")', keep=True
    ),
    "bad_flag": Code(
        "not yes or no", "true or false, yes or no, 1 or 0, 是 or 否", f"correct it, {_LEAVE_OUT}", keep=True
    ),
    "date_order_unknown": Code(
        "day and month are ambiguous: no day above 12 in the column",
        "dates that tell, such as 2026-03-05",
        'say date_order = "dmy" or "mdy" in funnelnb.toml',
        fixed=True,
    ),
    "decimal_unknown": Code(
        "the separator may be a decimal sign or a thousands separator",
        "numbers that tell, such as 1234.50",
        'say decimal = "." or decimal = "," in funnelnb.toml',
        fixed=True,
    ),
    "join_key_repeated": Code(
        "the key of a joined file is on several rows",
        "each key once",
        "remove all rows but one: nobody can say which is meant",
        fixed=True,
    ),
    "two_currencies": Code(
        "amounts in more than one currency",
        "one currency",
        'convert the amounts first, or say two_currencies = "keep" under [problems] in funnelnb.toml: amounts in '
        "another than the commonest currency then count as not known",
        usual="stop",
        keep=True,
    ),
    "currencies_in_cells": Code(
        "amounts in more than one currency",
        "one currency",
        "convert the amounts first, or put the currencies into a column of their own",
        fixed=True,
    ),
    "unknown_stage": Code(
        "a stage that the stage model does not have",
        "",
        f'map it under [stages] in funnelnb.toml: "word" = "stage id", {_LEAVE_OUT}',
        keep=True,
    ),
    "unknown_outcome": Code(
        "an outcome that is not known",
        "open, won, lost, lost_competitor, lost_no_decision or left",
        f'map it under [outcomes] in funnelnb.toml: "word" = "won", {_LEAVE_OUT}',
    ),
    "stage_contradicts_outcome": Code(
        "the stage says won, the outcome says otherwise",
        "stage and outcome that agree",
        f"correct one, {_LEAVE_OUT}",
        keep=True,
    ),
    "closed_before_created": Code(
        "closed before it was created",
        "a close on or after the creation",
        f"correct one date, {_LEAVE_OUT}",
        keep=True,
    ),
    "won_without_closed_at": Code(
        "won, but without a close date",
        "a close date for every won deal",
        f'fill it in, {_LEAVE_OUT}; "keep" counts the deal as won at an unknown time',
        keep=True,
    ),
    "lost_without_closed_at": Code(
        "lost, but without a close date",
        "a close date for every lost deal",
        "fill it in",
        usual="keep",
        keep=True,
    ),
    "history_unknown_deal": Code(
        "stage history of a deal that is not among the deals",
        "an opportunity_id that the deals have",
        f"export both tables at the same time, {_LEAVE_OUT}",
    ),
    "history_before_created": Code(
        "a stage entered before the deal was created",
        "entries on or after the creation",
        "",
        usual="keep",
        keep=True,
    ),
    "negative_amount": Code("a negative amount", "0 or more", "", usual="keep", keep=True),
}
"""Every problem that loading can find."""


@dataclass(slots=True)
class Findings:
    """Collects problems and notes while tables are read.

    Attributes
    ----------
    settings : Settings
    problems : list of Problem
        Those that stop the loading.
    notes : list of Note
    codes : list of str
        Code of each problem.
    whole : Whole or None
        Where a table is read in parts: what all of them say.
    put_aside : dict of str to frozenset of str
        Code of a problem = deals of which a value counts as not known for it.
    """

    settings: Settings
    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    whole: Whole | None = None
    put_aside: dict[str, frozenset[str]] = field(default_factory=dict)

    def over_all(
        self,
        name: Hashable,
        here: Any,
        merge: Callable[[Any, Any], Any],
        decide: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Return what is decided over a whole table, also where this is a part of it (:func:`over_all`)."""
        return over_all(self.whole, name, here, merge, decide)

    def note(self, code: str, **values: Any) -> None:
        """Add a note, once."""
        note = Note(code, values)
        if note not in self.notes:
            self.notes.append(note)

    def policy(self, code: str) -> str:
        """Return what happens to rows with this problem: stop, drop or keep."""
        known = CODES[code]
        if known.fixed:
            return "stop"
        usual = self.settings.on_problem if known.usual == "problem" else known.usual
        return self.settings.problems.get(code, usual)

    def add(
        self,
        code: str,
        *,
        file: str,
        rows: Sequence[int] = (),
        column: str = "",
        value: Any = "",
        found: str = "",
        expected: str = "",
        remedy: str = "",
        keepable: bool = True,
    ) -> str:
        """Record one problem that `rows` share, and return what happens to them: stop, drop or keep.

        Parameters
        ----------
        code : str
            Key of :data:`CODES`.
        file, column, value : str
            Where it is, as the user's file spells it; `value` is the first one found.
        rows : sequence of int
            Spreadsheet rows; empty for the whole column or file.
        found, expected, remedy : str
            Instead of the usual words of the code.
        keepable : bool
            False where the table is of no use without the value: then "keep" means "drop".
        """
        known = CODES[code]
        policy = self.policy(code)
        policy = "drop" if policy == "keep" and not keepable else policy
        if policy == "stop":
            self.codes.append(code)
            self.problems.append(
                Problem(
                    file=file,
                    row=int(rows[0]) if len(rows) else None,
                    column=column,
                    value=shorten(value),
                    found=found or known.found,
                    expected=expected or known.expected,
                    remedy=remedy or known.remedy.format(code=code),
                    rows_n=max(len(rows), 1),
                )
            )
        else:
            first = int(rows[0]) if len(rows) else 0
            self.note(
                f"{code}_{'dropped' if policy == 'drop' else 'kept'}",
                n=len(rows), file=file, column=column, row=first, value=shorten(value),
            )  # fmt: skip
        return policy

    def stop_if_any(self) -> None:
        """Raise all problems found so far at once."""
        if self.problems:
            raise DataProblems(self.problems)


def shorten(value: Any) -> str:
    """Return a value as text of at most 80 characters, on one line."""
    text = " ".join(str(value).split())
    return text if len(text) <= VALUE_LENGTH else text[: VALUE_LENGTH - 1] + "…"
