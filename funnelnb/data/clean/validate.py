"""Does a table keep the contract? First its columns one by one, then what deals must obey, rule by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.data.contract.tables import END_MARKS, OUTCOMES, PANDAS_DTYPE, TABLES
from funnelnb.data.contract.whole import any_of
from funnelnb.data.parse.numbers import currency_code, one_currency, unit_of
from funnelnb.data.parse.values import among, look_up, repeats

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import numpy as np
    import pandas as pd

    from funnelnb.data.clean.convert import Table
    from funnelnb.data.contract.problems import Findings


def missing_columns(table: Table, findings: Findings, *, told: bool = False) -> bool:
    """Report required columns that no source column was found for; return whether there are any.

    `told`: a history, dates per stage or a rule of the settings tells the stage or outcome.
    """
    absent = [one for one in TABLES[table.name] if one.required and one.name not in table.frame]
    have = ", ".join(dict.fromkeys(table.seen)) or "(none)"
    for one in absent:
        findings.add(
            "missing_column", file=table.file, column=one.name,
            found=f"the table {table.name} needs it ({one.about})",
            expected=f"a column {one.name}; the file has {have}",
            remedy=f'say which it is: [tables.{table.name}.columns] {one.name} = "…" in funnelnb.toml',
        )  # fmt: skip
    if (
        table.name == "opportunities"
        and not told
        and not {"stage", "outcome", "is_won", "is_closed"} & set(table.frame)
    ):
        findings.add(
            "missing_column", file=table.file, column="stage", found="neither stage nor outcome of the deals",
            expected=f"a column stage or outcome; the file has {have}",
            remedy='say which it is: [tables.opportunities.columns] stage = "…" in funnelnb.toml',
        )  # fmt: skip
        return True
    return bool(absent)


def check_contract(table: Table, stage_ids: Sequence[str], findings: Findings) -> None:
    """Report rows that break the contract's columns; drop them where the settings say so.

    Parameters
    ----------
    table : Table
        Typed and in canonical words; rows may be dropped in place.
    stage_ids : sequence of str
        Of the playbook.
    findings : Findings
    """
    _drop_identical(table, findings)
    frame = table.frame
    drop: set[int] = set()
    for column, code, wrong in sorted(
        failures(table.name, frame, stage_ids, table.unique), key=lambda one: one[:2]
    ):
        if column in table.unread:
            continue
        places = wrong.nonzero()[0]
        found = ""
        if code == "duplicate_id":  # the first of them stays
            places = (wrong & frame[column].duplicated(keep="first").to_numpy()).nonzero()[0]
            value = frame[column].iloc[places[0]]
        else:
            value = table.mark(column, int(frame.index[places[0]]))
            found = "no date, only a mark that stands for none" if value else ""
        rows = frame.index[places].tolist()
        policy = findings.add(
            code, file=table.file, rows=rows, column=table.source(column), value=value, found=found
        )
        drop |= set(places.tolist()) if policy == "drop" else set()
    if drop:
        table.frame = frame.iloc[[place for place in range(len(frame)) if place not in drop]]


def failures(
    name: str, frame: pd.DataFrame, stage_ids: Sequence[str] = (), unique: Collection[str] = ()
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Which cells of a table break what the contract says of its columns?

    Parameters
    ----------
    name : str
        Table of the contract.
    frame : DataFrame
        Typed as the contract says.
    stage_ids : sequence of str
        Of the playbook; empty leaves stages unchecked.
    unique : collection of str
        Columns that are known to hold no value twice.

    Yields
    ------
    tuple
        Column, code of the problem, and for each row whether it is concerned (of equal ids all, the first too).

    Raises
    ------
    AssertionError
        If a column is not of the contract's type: our own reading of it is at fault, not the data.

    Examples
    --------
    >>> import pandas as pd
    >>> deals = pd.DataFrame({"opportunity_id": ["a", "b", "a"]}, dtype="str")
    >>> [(column, code, rows.tolist()) for column, code, rows in failures("opportunities", deals)]
    [('opportunity_id', 'duplicate_id', [True, False, True])]
    """
    known = {"outcome": OUTCOMES, "stage": (*stage_ids, *(END_MARKS if name == "stage_history" else ()))}
    for one in TABLES[name]:
        if one.name not in frame:
            continue
        cells = frame[one.name]
        if str(cells.dtype) != PANDAS_DTYPE[one.kind]:
            raise AssertionError(f"{name}.{one.name} is {cells.dtype}, not {PANDAS_DTYPE[one.kind]}")
        empty = cells.isna()
        if one.required and empty.any():
            yield one.name, "missing_value", empty.to_numpy()
        if one.unique and one.name not in unique and repeats(cells):
            same = cells.duplicated(keep=False) & ~empty
            if same.any():
                yield one.name, "duplicate_id", same.to_numpy()
        if one.kind == "outcome" or (one.kind == "stage" and stage_ids):
            strange = ~(empty | cells.isin(known[one.kind]))
            if strange.any():
                yield one.name, f"unknown_{one.kind}", strange.to_numpy()


def _drop_identical(table: Table, findings: Findings) -> None:
    """Drop rows that repeat another row in every column: the same record exported twice."""
    keys = [one.name for one in TABLES[table.name] if one.unique and one.name in table.frame]
    frame = table.frame
    if not keys or keys[0] in table.unique or not repeats(frame[keys[0]]):
        return
    same = frame.duplicated(keep="first")
    if same.any():
        findings.note(
            "identical_rows_dropped", file=table.file, n=int(same.sum()), row=int(frame.index[same][0])
        )
        table.frame = frame[~same]


def check_deals(table: Table, findings: Findings) -> None:
    """Report deals that cannot be: closed before created, decided without a date, negative amounts."""
    frame = table.frame
    if "closed_at" in frame and "created_at" in frame:
        wrong = frame["closed_at"] < frame["created_at"]
        shown = ""
        if wrong.any():
            first = frame[wrong].iloc[0]
            shown = f"{str(first['closed_at'])[:10]} < {str(first['created_at'])[:10]}"
        if _report(table, "closed_before_created", "closed_at", wrong, findings, shown) == "keep":
            table.frame = table.frame.assign(created_at=table.frame["created_at"].mask(wrong))
            findings.put_aside["closed_before_created"] = frozenset(table.frame["opportunity_id"][wrong])
    frame = table.frame
    for code, kind in (("won_without_closed_at", ("won",)), ("lost_without_closed_at", OUTCOMES[2:5])):
        decided = frame["outcome"].isin(kind)
        closes = "closed_at" in frame and bool(frame["closed_at"].notna().any())
        if not findings.over_all(f"any close {code}", closes, any_of) or "closed_at" not in frame:
            if decided.any():
                findings.note("closed_at_absent", file=table.file)
            continue
        _report(table, code, "closed_at", decided & frame["closed_at"].isna(), findings)
        frame = table.frame
    for column in ("amount", "expected_amount"):
        if column in frame:
            _report(table, "negative_amount", column, frame[column] < 0, findings)
            frame = table.frame


def _report(
    table: Table, code: str, column: str, wrong: pd.Series, findings: Findings, value: Any = None
) -> str:
    """Report one rule; drop the rows if the settings say so; return the policy (empty if no row is wrong)."""
    if not wrong.any():
        return ""
    frame = table.frame
    first = frame.loc[wrong, column].iloc[0] if value is None else value
    shown = table.mark(column, int(frame.index[wrong][0])) if first != first else first  # noqa: PLR0124 - NaN
    policy = findings.add(
        code, file=table.file, rows=list(frame.index[wrong]), column=table.source(column), value=shown
    )
    if policy == "drop":
        table.frame = frame[~wrong]
    return policy


def check_history(history: Table, deals: Table, findings: Findings) -> None:
    """Report history of unknown deals and entries before the creation."""
    known = among(history.frame["opportunity_id"], deals.frame["opportunity_id"])
    if not known.all():
        expected = known | ~among(history.frame["opportunity_id"], deals.dropped_ids)
        history.frame, known = history.frame[expected], known[expected]
        _report(history, "history_unknown_deal", "opportunity_id", ~known, findings)
    frame = history.frame
    if "created_at" in deals.frame:
        ids, times = deals.frame["opportunity_id"], deals.frame["created_at"]
        created = look_up(frame["opportunity_id"], ids, times)
        entered = frame["entered_at"]
        whole_day = entered == entered.dt.floor("D")  # which is not before any hour of it
        begun = created.mask(whole_day, created.dt.floor("D"))
        _report(history, "history_before_created", "entered_at", entered < begun, findings)


def settle_currency(table: Table, signs: Sequence[str], findings: Findings) -> str:
    """Which one currency are the amounts in? Empty if nothing names any.

    Parameters
    ----------
    table : Table
        ``opportunities``.
    signs : sequence of str
        Signs and codes found beside amounts.
    findings : Findings
        Gets a problem if there are several.
    """
    words = table.frame["currency"].dropna().unique() if "currency" in table.frame else ()
    named = {currency_code(word): None for word in words}
    given = findings.settings.currency
    known = unit_of(given) if given else None
    given = known[1] if known and known[1] else given
    _convert(table, given, findings)
    told = (named, frozenset(signs), _codes(table).value_counts().to_dict())
    agreed, found, main = findings.over_all(
        "currencies", told, _counted_together, lambda one: _agreed(one, given, findings)
    )
    if agreed is None:
        return _two_currencies(table, found, main, findings) or given
    return str(agreed)


def _codes(table: Table) -> pd.Series:
    """Return the currency of each row that names one."""
    if "currency" not in table.frame:
        return table.frame.index[:0].to_series()
    words = table.frame["currency"].dropna()
    return words.map({word: currency_code(word) for word in words.unique()})


def _counted_together(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the currencies that two parts of a table name, as words, as signs, and how often."""
    counts = {code: one[2].get(code, 0) + other[2].get(code, 0) for code in one[2] | other[2]}
    return one[0] | other[0], one[1] | other[1], counts


def _agreed(told: tuple[Any, ...], given: str, findings: Findings) -> tuple[str | None, tuple[str, ...], str]:
    """Return the one currency, or None; all that were found; the commonest in the column if it holds several."""
    named, signs, counts = told
    rates = findings.settings.rates
    found = [*(code for code in named if code not in rates or code == given), *sorted(signs), given]
    main = min(counts, key=lambda code: (-counts[code], code)) if len(counts) > 1 else ""
    return one_currency(found), tuple(sorted({one for one in found if one})), main


def _convert(table: Table, given: str, findings: Findings) -> None:
    """Convert amounts of currencies that the settings give a rate for; the currency column says so."""
    rates = findings.settings.rates
    frame = table.frame
    if not rates or not given or "currency" not in frame:
        return
    codes = frame["currency"].map({word: currency_code(word) for word in frame["currency"].dropna().unique()})
    rate = codes.map(rates).where(codes != given)
    rows = rate.notna()
    if not rows.any():
        return
    changed = {
        name: frame[name].where(~rows, frame[name] * rate)
        for name in ("amount", "expected_amount")
        if name in frame
    }
    table.frame = frame.assign(**changed, currency=frame["currency"].where(~rows, given))
    told = ", ".join(f"{code} {rates[code]:g}" for code in sorted(set(codes[rows])))
    findings.note("amounts_converted", file=table.file, n=int(rows.sum()), currency=given, rates=told)


def _two_currencies(table: Table, found: Sequence[str], main: str, findings: Findings) -> str:
    """Report several currencies; if they are kept apart, keep the amounts in the commonest and return it."""
    frame = table.frame
    column = "currency" if "currency" in frame else "amount"
    place: dict[str, Any] = {"file": table.file, "column": table.source(column), "value": ", ".join(found)}
    if not main:
        findings.add("currencies_in_cells", **place)
        return ""
    codes = _codes(table)
    others = frame.index.isin(codes.index[codes != main])
    if not others.any():  # of a table that is read in parts
        return main if findings.policy("two_currencies") != "stop" else ""
    policy = findings.add("two_currencies", rows=list(frame.index[others]), **place)
    if policy == "drop":
        table.frame = frame[~others]
    elif policy == "keep":
        amounts = {name: frame[name].mask(others) for name in ("amount", "expected_amount") if name in frame}
        table.frame = frame.assign(**amounts)
    return main if policy != "stop" else ""
