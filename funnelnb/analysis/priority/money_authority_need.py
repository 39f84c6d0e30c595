"""Which customers have money, authority and need, and which condition is missing most? (The MAN rule.)"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from funnelnb.analysis.shared.counts import level
from funnelnb.analysis.shared.open_deals import needed, open_deals, sums_by, total
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import Result
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import DataProblems, Problem
from funnelnb.core.note import Note
from funnelnb.data.accounts import as_book
from funnelnb.stats.rates.proportion import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from funnelnb.data.accounts import Records
    from funnelnb.data.book import Book


CONDITIONS = ("money", "authority", "need")
"""The three conditions, in the order of the letters M, A, N."""

VERDICTS: Mapping[str, str] = {
    "MAN": "ideal",
    "MAn": "skilled_selling",
    "MaN": "find_authority",
    "mAN": "check_credit",
    "maN": "cultivate",
    "mAn": "cultivate",
    "Man": "cultivate",
    "man": "stop",
    "unknown": "find_out",
}
"""Class -> verdict. A capital: the customer has it; a small letter: lacks it (DOMAIN C1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManRow:
    """The customers of one class.

    Attributes
    ----------
    man : str
        Three letters such as ``"MAn"``, or ``"unknown"``: at least one condition is not recorded.
    verdict : str
        Key of the advice.
    customer_n : int
    customer_share : float
        Of all customers on record.
    deal_n : int
        Their open deals.
    open_amount : float
        Sum of the known amounts of these; NaN if none is known, or there is no open deal.
    """

    man: str
    verdict: str
    customer_n: int
    customer_share: float
    deal_n: int
    open_amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionRow:
    """One of the three conditions over all customers.

    Attributes
    ----------
    condition : {"money", "authority", "need"}
    met_n, missing_n, unknown_n : int
        Customers that have it, lack it, or of whom nobody recorded it.
    missing_rate, missing_ci_lower, missing_ci_upper : float
        missing / (met + missing); NaN where nothing is recorded.
    missing_amount : float
        Open amount of the customers that lack it.
    enough : bool
        False: too few customers judged to say.
    """

    condition: str
    met_n: int
    missing_n: int
    unknown_n: int
    missing_rate: float
    missing_ci_lower: float
    missing_ci_upper: float
    missing_amount: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Man(Result):
    """Customers by money, authority and need. `n` counts customers.

    Attributes
    ----------
    rows : tuple of ManRow
        All nine classes in the order of the rule, also those without a customer.
    conditions : tuple of ConditionRow
        The condition missing most often comes first; equals in the order of the letters.
    clear : bool
        Whether the first condition is missing more often than the second beyond chance (intervals apart).
    """

    rows: tuple[ManRow, ...]
    conditions: tuple[ConditionRow, ...]
    clear: bool


def man_class(money: bool | None, authority: bool | None, need: bool | None) -> str:
    """Which class has a customer with these conditions?

    Parameters
    ----------
    money, authority, need : bool or None
        True: has it; False: lacks it; None: nobody knows.

    Returns
    -------
    str
        A key of :data:`VERDICTS`. One condition that is not known makes the class unknown: not to know is not
        a no.

    Examples
    --------
    >>> man_class(True, True, False), man_class(None, True, True)
    ('MAn', 'unknown')
    """
    flags = (money, authority, need)
    if any(flag is None for flag in flags):
        return "unknown"
    return "".join(letter if flag else letter.lower() for letter, flag in zip("MAN", flags, strict=True))


@question("customers", customers=True)
def money_authority_need(book: Records, *, confidence_level: float | None = None) -> Man:
    """Which customers have money, authority and need, and which condition is missing most?

    Parameters
    ----------
    book : Book, path or frame
        With the table ``accounts`` and its columns money, authority and need; or a table of customers alone.
    confidence_level : float, optional
        Level of the intervals; None: the package option.

    Returns
    -------
    Man

    Raises
    ------
    MissingDataError
        There is no such table or column.
    DataProblems
        One customer stands in several rows that contradict each other.

    Notes
    -----
    The classes and their advice are the field's own (MAN rule). Shares of a missing condition are of those
    judged, with Wilson's interval; who was never judged is counted apart. The three flags carry no date, so
    they are taken as they stand in the export.

    Checked against the nine answers written out and against loops over single customers:
    ``tests/analysis/test_man.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> fn.man(fn.sample()).rows[0].man
    'MAN'
    """
    confidence = level(confidence_level)
    book = as_book(book)
    customers = flags_of(needed(book, "accounts", "account_id", *CONDITIONS, why="MAN"))
    deals = open_deals(book)
    amounts, deal_n = sums_by(deals.account_id, deals.amount), Counter(deals.account_id)
    classes = {account: man_class(*flags) for account, flags in customers.items()}
    rows = tuple(_row(name, classes, deal_n, amounts) for name in VERDICTS)
    conditions = tuple(
        sorted(
            (_condition(k, customers, amounts, confidence) for k in range(len(CONDITIONS))),
            key=lambda row: -row.missing_rate if row.missing_rate >= 0 else 1.0,
        )
    )
    return Man(
        n=len(customers),
        method="man",
        confidence_level=confidence,
        as_of=book.as_of,
        currency=book.currency,
        notes=_notes(book, customers, set(deals.account_id)),
        rows=rows,
        conditions=conditions,
        clear=bool(conditions[0].missing_ci_lower > conditions[1].missing_ci_upper),
    )


def flags_of(accounts: pd.DataFrame) -> dict[str, tuple[bool | None, ...]]:
    """Return money, authority and need of each customer; None where not recorded.

    Raises
    ------
    DataProblems
        A customer stands in several rows whose flags contradict each other.
    """
    import pandas as pd

    found: dict[str, tuple[bool | None, ...]] = {}
    problems = []
    columns = [accounts[name].tolist() for name in CONDITIONS]
    for row, (account, *values) in enumerate(zip(accounts["account_id"].tolist(), *columns, strict=True)):
        flags = tuple(None if pd.isna(value) else bool(value) for value in values)
        known = found.setdefault(str(account), flags)
        for name, one, other in zip(CONDITIONS, known, flags, strict=True):
            if one is not None and other is not None and one != other:
                problems.append(_contradiction(row, name, str(account)))
        found[str(account)] = tuple(
            one if one is not None else two for one, two in zip(known, flags, strict=True)
        )
    if problems:
        raise DataProblems(problems)
    return dict(sorted(found.items()))


def _contradiction(row: int, name: str, account: str) -> Problem:
    return Problem(
        file="accounts",
        row=row + 2,
        column=name,
        value=account,
        found=f"this customer has both {name} = yes and {name} = no",
        expected="one answer per customer",
        remedy="keep the row that is right",
    )


def _row(
    name: str, classes: Mapping[str, str], deal_n: Mapping[str, int], amounts: Mapping[str, float]
) -> ManRow:
    mine = [account for account, one in classes.items() if one == name]
    return ManRow(
        man=name,
        verdict=VERDICTS[name],
        customer_n=len(mine),
        customer_share=len(mine) / len(classes) if classes else float("nan"),
        deal_n=sum(deal_n.get(account, 0) for account in mine),
        open_amount=total([amounts[account] for account in mine if account in amounts]),
    )


def _condition(
    k: int,
    customers: Mapping[str, tuple[bool | None, ...]],
    amounts: Mapping[str, float],
    confidence_level: float,
) -> ConditionRow:
    flags = [one[k] for one in customers.values()]
    met_n, missing_n = flags.count(True), flags.count(False)
    judged_n = met_n + missing_n
    lower, upper = wilson(missing_n, judged_n, confidence_level)
    lacking = [account for account, one in customers.items() if one[k] is False]
    return ConditionRow(
        condition=CONDITIONS[k],
        met_n=met_n,
        missing_n=missing_n,
        unknown_n=flags.count(None),
        missing_rate=missing_n / judged_n if judged_n else float("nan"),
        missing_ci_lower=float(lower),
        missing_ci_upper=float(upper),
        missing_amount=total([amounts[account] for account in lacking if account in amounts]),
        enough=judged_n >= TOO_FEW_N,
    )


def _notes(
    book: Book, customers: Mapping[str, tuple[bool | None, ...]], with_deals: set[str]
) -> tuple[Note, ...]:
    notes = [Note("flags_undated")]
    strangers = {account for account in with_deals if account} - set(customers)
    if strangers:
        notes.append(
            Note("customers_without_record", {"customers_n": len(strangers), "of_n": len(with_deals)})
        )
    contacts = book.tables.get("contacts")
    if contacts is not None and {"account_id", "role"} <= set(contacts.columns):
        deciders = set(contacts.loc[contacts["role"] == "decision_maker", "account_id"].dropna())
        odd_n = sum(customers[account][1] is False for account in deciders if account in customers)
        if odd_n:
            notes.append(Note("authority_contradicted", {"customers_n": odd_n}))
    return tuple(notes)
