"""Columns from another file: what is added to each deal, and which deals would be lost by a plain join?"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.data.clean.convert import corrected, reading_for
from funnelnb.data.contract.tables import PANDAS_DTYPE, kind_of
from funnelnb.data.parse import values
from funnelnb.data.recognise.columns import require_column
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from funnelnb.data.clean.convert import Table
    from funnelnb.data.contract.problems import Findings
    from funnelnb.data.contract.settings import Join, Settings
    from funnelnb.data.read.raw import Raw
    from funnelnb.data.recognise.sources import Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """A key that the other file does not have.

    Attributes
    ----------
    value : str
    rows : tuple of int
        Spreadsheet rows that have it.
    nearest : str
        The key of the other file that it most resembles; empty if none does.
    corrected : bool
        Whether the settings correct it.
    """

    value: str
    rows: tuple[int, ...]
    nearest: str
    corrected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinReport:
    """How well two files fit together.

    Attributes
    ----------
    table, file, column : str
        Table of the contract, its file and the column that holds the key.
    other, other_column : str
        The file that was joined and its key.
    mismatches : tuple of Mismatch
        Before the corrections of the settings: what a plain join would lose.
    blank_rows : tuple of int
        Rows without a key.
    unused : tuple of str
        Keys of the other file that no row has.
    """

    table: str
    file: str
    column: str
    other: str
    other_column: str
    mismatches: tuple[Mismatch, ...]
    blank_rows: tuple[int, ...]
    unused: tuple[str, ...]


def join_all(
    table: Table, raw: Raw, sources: Sources, settings: Settings, findings: Findings
) -> list[JoinReport]:
    """Add the columns that the settings want from other files.

    Parameters
    ----------
    table : Table
        Gets the columns; rows never multiply and are never lost.
    raw : Raw
        Where the keys are.
    sources : Sources
        Where the other files are.
    settings : Settings
    findings : Findings
        Gets a note for each key without a partner.

    Returns
    -------
    list of JoinReport
        One per join.
    """
    joins = settings.table(table.name).joins
    return [_join(table, raw, sources, wanted, settings, findings) for wanted in joins]


def _join(
    table: Table, raw: Raw, sources: Sources, wanted: Join, settings: Settings, findings: Findings
) -> JoinReport:
    other = sources.other(wanted.file, wanted.sheet)
    for width, rows in other.take_ragged().items():
        found = f"the row has {width} fields, the header has {len(other.columns)}"
        findings.add("ragged_row", file=other.file, rows=rows, found=found)
    (here, there), place = next(iter(wanted.on.items())), f"[tables.{table.name}.joins] {wanted.file}"
    require_column(raw, here, f"{place} on", settings.shown)
    require_column(other, there, f"{place} on", settings.shown)
    for name, source in wanted.columns.items():
        require_column(other, source, f"{place} columns.{name}", settings.shown)
    keys = values.as_text(raw.frame[here].loc[table.frame.index])
    partners = values.as_text(other.frame[there])
    _refuse_repeated(partners, other, there, findings)
    first = partners.drop_duplicates().dropna()
    canonical = next((name for name, source in table.columns.items() if source == here), here)
    corrections = dict(settings.values.get(canonical, {}))
    report = _report(table, keys, first, other, wanted, corrections)
    _note(report, findings)
    keys = corrected(keys, corrections)
    lookup = other.frame.loc[first.index].set_index(first.to_numpy())
    for name, source in wanted.columns.items():
        table.frame[name] = _column(table, name, source, keys, lookup, other, settings, findings)
        table.columns[name] = source
    return report


def _refuse_repeated(partners: pd.Series, other: Raw, there: str, findings: Findings) -> None:
    """Report keys that stand in several rows of the other file: which one is meant?"""
    repeated = partners[partners.notna() & partners.duplicated(keep="first")]
    if len(repeated):
        findings.add(
            "join_key_repeated",
            file=other.file,
            rows=list(repeated.index),
            column=there,
            value=repeated.iloc[0],
        )


def _report(
    table: Table,
    keys: pd.Series,
    partners: pd.Series,
    other: Raw,
    wanted: Join,
    corrections: Mapping[str, str],
) -> JoinReport:
    known = set(partners)
    strange = keys[keys.notna() & ~values.among(keys, partners)]
    spelled = {fold(one): one for one in sorted(known, reverse=True)}
    places = {} if wanted.partial else strange.groupby(strange, sort=True).groups
    groups = {str(value): rows for value, rows in places.items()}
    common = sorted(groups, key=lambda value: -len(groups[value]))[:SEARCHED]
    searched = set(common) if len(known) <= SEARCHABLE else set()
    mismatches = [
        Mismatch(
            value=value,
            rows=tuple(int(row) for row in rows),
            nearest=spelled.get(fold(value)) or (near(value, known) if value in searched else ""),
            corrected=corrections.get(value) in known,
        )
        for value, rows in groups.items()
    ]
    used = set(keys.replace(dict(corrections)).dropna())
    return JoinReport(
        table=table.name,
        file=table.file,
        column=next(iter(wanted.on)),
        other=other.file,
        other_column=next(iter(wanted.on.values())),
        mismatches=tuple(sorted(mismatches, key=lambda one: -len(one.rows))),
        blank_rows=tuple(int(row) for row in keys.index[keys.isna()]),
        unused=tuple(sorted(known - used)),
    )


SEARCHED, SEARCHABLE = 40, 3000
"""For so many stray keys the likest one is looked for, unless there are more known ones than this."""

TOLD = 12
"""At most so many stray keys are told one by one; more of them in one sentence."""


def near(value: str, known: Iterable[str]) -> str:
    """Which known value does a stray one most resemble? Spelling apart from case and spaces first.

    Examples
    --------
    >>> near("GTXPro", ["GTX Basic", "GTX Pro"])
    'GTX Pro'
    """
    names = sorted(known)
    alike = [name for name in names if fold(name) == fold(value)]
    if alike:
        return alike[0]
    close = difflib.get_close_matches(value, names, n=1, cutoff=0.75)
    return close[0] if close else ""


def _note(report: JoinReport, findings: Findings) -> None:
    stray = [one for one in report.mismatches if not one.corrected]
    if len(stray) > TOLD:
        findings.note(
            "join_unmatched_many", file=report.file, column=report.column, other=report.other, n=len(stray),
            rows_n=sum(len(one.rows) for one in stray), names=", ".join(one.value for one in stray[:5]),
        )  # fmt: skip
    for one in (
        report.mismatches if len(stray) <= TOLD else (one for one in report.mismatches if one.corrected)
    ):
        code = "join_corrected" if one.corrected else "join_unmatched"
        if not one.corrected and one.nearest:
            code = "join_unmatched_near"
        findings.note(
            code, file=report.file, column=report.column, value=one.value, n=len(one.rows),
            other=report.other, nearest=one.nearest,
        )  # fmt: skip


def _column(
    table: Table,
    name: str,
    source: str,
    keys: pd.Series,
    lookup: pd.DataFrame,
    other: Raw,
    settings: Settings,
    findings: Findings,
) -> Any:
    """Return one joined column, typed as the contract says, for every row of the table."""
    import pandas as pd

    kind = kind_of(table.name, name)
    reading = reading_for(table.name, name, source, kind, settings)
    parsed = values.parse(lookup[source], kind, reading, {"file": other.file, "column": source})
    if parsed.undecided:
        findings.add(parsed.undecided, file=other.file, column=source, value=parsed.example)
        table.unread.add(name)
        return pd.Series(None, index=keys.index, dtype=PANDAS_DTYPE[kind])
    findings.notes.extend(note for note in parsed.notes if note not in findings.notes)
    table.currencies.update(parsed.currencies)
    if parsed.bad.any():
        rows = other.frame.index[parsed.bad]
        value = lookup[source][parsed.bad].iloc[0]
        findings.add("bad_number", file=other.file, rows=list(rows), column=source, value=value)
    found = corrected(parsed.values, settings.values.get(name))
    return values.look_up(keys, pd.Series(lookup.index, dtype="str"), found)
