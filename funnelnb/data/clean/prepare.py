"""Which rows of a raw table are records of it? What the settings leave out, and one row per deal out of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelnb.data.contract.settings import ROW_NUMBER
from funnelnb.data.contract.whole import any_of
from funnelnb.data.parse.values import Reading, as_text, parse
from funnelnb.data.recognise.columns import require_column
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from funnelnb.data.contract.problems import Findings
    from funnelnb.data.contract.settings import Settings
    from funnelnb.data.read.raw import Raw

ANY = "*"
"""In the settings: any value at all."""

FIRST_ENTRY = "(first entry)"
"""Column that tells when a deal of a log began."""


def prepare(name: str, raw: Raw, settings: Settings, findings: Findings) -> dict[str, str]:
    """Leave out what is no record, and lay several columns for one value together.

    Parameters
    ----------
    name : str
        Table of the contract.
    raw : Raw
        Changed in place.
    settings : Settings
    findings : Findings
        Gets a note for what was left out.

    Returns
    -------
    dict of str to str
        Columns that the settings name, one source each.
    """
    own = settings.table(name)
    place = f"[tables.{name}.only]"
    for column, wanted in own.only.items():
        require_column(raw, column, place, settings.shown)
        keep = matches(raw.frame[column], wanted)
        findings.note("rows_of_another_kind", file=raw.file, column=column, n=int((~keep).sum()))
        raw.frame = raw.frame[keep]
    columns = {}
    for canonical, source in own.columns.items():
        columns[canonical] = (
            source if isinstance(source, str) else _first_filled(raw, source, canonical, settings)
        )
    if own.newest_by:
        require_column(raw, own.newest_by, f"[tables.{name}] newest_by", settings.shown)
        _newest(raw, columns, own.newest_by, own.date_order or settings.date_order, findings)
        if FIRST_ENTRY in raw.frame and "created_at" not in raw.frame:
            columns.setdefault("created_at", FIRST_ENTRY)
    if own.lines:
        reading = Reading(decimal=own.decimal or settings.decimal, whole=findings.whole)
        _one_row_each(raw, columns, own.lines, reading, findings)
    return columns


def matches(cells: pd.Series, wanted: tuple[str, ...]) -> pd.Series:
    """Say of each cell whether it is one of the values (``"*"``: any), whatever its case and spaces."""
    texts = as_text(cells)
    if ANY in wanted:
        return texts.notna()
    known = {fold(one) or one for one in wanted}
    meant = [word for word in texts.dropna().unique() if (fold(word) or word) in known]
    return texts.isin(meant)


def by_rule(raw: Raw, frame: pd.DataFrame, settings: Settings) -> pd.Series | None:
    """Which outcome do the rules of the settings tell (``won_when`` …)? None if there are none.

    Parameters
    ----------
    raw : Raw
        The deals as they were read.
    frame : DataFrame
        The deals typed; joined columns are found here.
    settings : Settings
    """
    import pandas as pd

    own = settings.table("opportunities")
    rules = {"open": own.open_when, "left": own.left_when, "lost": own.lost_when, "won": own.won_when}
    if not any(rules.values()):
        return None
    told = pd.Series(None, index=frame.index, dtype="str")
    for outcome, conditions in rules.items():
        for column, wanted in conditions.items():
            if column not in raw.frame and column not in frame:
                require_column(raw, column, f"[tables.opportunities.{outcome}_when]", settings.shown)
            cells = raw.frame[column].reindex(frame.index) if column in raw.frame else frame[column]
            told = told.mask(matches(cells, wanted).fillna(value=False).astype(bool), outcome)
    return told


def _first_filled(raw: Raw, sources: tuple[str, ...], canonical: str, settings: Settings) -> str:
    """Add a column that takes the first filled one of several, and return its name."""
    for one in sources:
        require_column(raw, one, f"columns.{canonical}", settings.shown)
    name = " / ".join(sources)
    cells = as_text(raw.frame[sources[0]])
    for one in sources[1:]:
        cells = cells.where(cells.notna(), as_text(raw.frame[one]))
    raw.frame = raw.frame.assign(**{name: cells.fillna("")})
    return name


def _one_row_each(
    raw: Raw, columns: Mapping[str, str], how: str, reading: Reading, findings: Findings
) -> None:
    """Make one row out of the lines of each deal: amounts are added up or stand on each, all else is of the first."""
    source = columns.get("opportunity_id", "")
    if source not in raw.frame:
        return
    ids = as_text(raw.frame[source], blanks=False)
    repeated = ids.notna() & ids.duplicated()
    frame = raw.frame
    for at in [columns[one] for one in ("amount", "expected_amount") if columns.get(one, "") in frame]:
        parsed = parse(frame[at], "amount", reading, {"file": raw.file, "column": at})
        mixed = bool(parsed.undecided) or bool(parsed.bad.any()) or len(parsed.currencies) > 1
        if how != "add" or findings.over_all(("lines mixed", at), mixed, any_of):
            continue
        total = parsed.values.groupby(ids.where(ids.notna(), frame.index.astype("str"))).transform(
            "sum", min_count=1
        )
        unit = f" {parsed.currencies[0]}" if parsed.currencies else ""
        cells = total.map(lambda value, unit=unit: "" if value != value else f"{value!r}{unit}")  # noqa: PLR0124 - NaN
        if reading.decimal == ",":
            cells = cells.str.replace(".", ",", regex=False)
        frame = frame.assign(**{at: cells.astype("str")})
    findings.note("lines_joined", file=raw.file, n=int(ids.nunique()), of_n=len(frame), how=how)
    raw.frame = frame[~repeated]


def _newest(raw: Raw, columns: Mapping[str, str], date: str, order: str, findings: Findings) -> None:
    """Keep the last row of each deal; a column of its own tells when the first was written."""
    source = columns.get("opportunity_id", "")
    if not source or source == ROW_NUMBER or source not in raw.frame or FIRST_ENTRY in raw.frame:
        return
    reading = Reading(date_order=order, whole=findings.whole)
    parsed = parse(raw.frame[date], "datetime", reading, {"file": raw.file, "column": date})
    if parsed.undecided:
        findings.add(parsed.undecided, file=raw.file, column=date, value=parsed.example)
        return
    at = parsed.values
    ids = as_text(raw.frame[source], blanks=False)
    first = at.groupby(ids).transform("min")
    frame = raw.frame.assign(**{FIRST_ENTRY: first.astype("datetime64[us]")})
    rows = frame.assign(_at=at, _id=ids).sort_values("_at", kind="stable", na_position="first")
    kept = (
        rows[rows["_id"].notna()]
        .drop_duplicates("_id", keep="last")
        .drop(columns=["_at", "_id"])
        .sort_index()
    )
    findings.note("newest_rows_taken", file=raw.file, column=date, n=len(kept), of_n=len(raw.frame))
    raw.frame = kept
