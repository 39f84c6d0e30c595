"""What columns of the deals say of their customers: MAN marks and intent, buyer roles, factors, one column each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from funnelnb.core.errors import MappingError, nearest
from funnelnb.data.clean.convert import read_table
from funnelnb.data.contract.tables import ASSESSMENT_FACTORS, MARK_WORDS
from funnelnb.data.parse.values import MAN_LETTERS, Reading, among, as_text, look_up, parse
from funnelnb.data.read.raw import Raw
from funnelnb.data.recognise.columns import require_column
from funnelnb.playbooks.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from funnelnb.data.clean.convert import Table
    from funnelnb.data.contract.problems import Findings
    from funnelnb.data.contract.settings import Settings

CODE = "man"
"""In ``account_columns``: a column with all three letters of the MAN rule, such as ``MaN``."""

ACCOUNT_COLUMNS = ("money", "authority", "need", "intent", CODE)
"""What columns of the deals may say of a customer, under ``account_columns``."""

_CODE = re.compile(r"^[Mm][Aa][Nn]$")
_PEOPLE = re.compile(r"[、，,;；/|\n]+")


def customer_rows(raw: Raw, deals: Table, settings: Settings, findings: Findings) -> dict[str, pd.DataFrame]:
    """Which marks, people and factors stand in columns of the deals?

    Parameters
    ----------
    raw : Raw
        The deals as they were read.
    deals : Table
        The deals typed and settled.
    settings : Settings
        Their ``account_columns``, ``role_columns`` and ``factor_columns`` say which columns.
    findings : Findings

    Returns
    -------
    dict of str to DataFrame
        ``accounts``, ``contacts``, ``assessments`` with a column ``opportunity_id``: a row per deal, person and mark.

    Raises
    ------
    MappingError
        The settings name a column, role, factor or mark that is not there.
    """
    own = settings.table("opportunities")
    known: Mapping[str, tuple[Mapping[str, str], tuple[str, ...]]] = {
        "account_columns": (own.account_columns, ACCOUNT_COLUMNS),
        "role_columns": (own.role_columns, tuple(ROLES)),
        "factor_columns": (own.factor_columns, ASSESSMENT_FACTORS),
    }
    for key, (columns, names) in known.items():
        for name, source in columns.items():
            place = f"[tables.opportunities.{key}] {name}"
            if name not in names:
                raise MappingError(
                    f"{settings.shown}, {place}",
                    expected="one of " + ", ".join(names),
                    hint=nearest(name, names),
                )
            require_column(raw, source, place, settings.shown)
    frame = raw.frame.loc[raw.frame.index.isin(deals.frame.index)]
    ids = deals.frame["opportunity_id"].reindex(frame.index)
    found = {}
    if own.account_columns:
        found["accounts"] = _accounts(raw, frame, own.account_columns, settings, findings).assign(
            opportunity_id=ids
        )
    if own.role_columns:
        found["contacts"] = _people(frame, ids, own.role_columns)
    if own.factor_columns:
        found["assessments"] = _marks(raw.file, frame, ids, own.factor_columns, findings)
    return found


def _accounts(
    raw: Raw, frame: pd.DataFrame, columns: Mapping[str, str], settings: Settings, findings: Findings
) -> pd.DataFrame:
    """Return money, authority, need and intent of the customer of each deal."""
    sources = dict(columns)
    if CODE in sources:
        source = sources.pop(CODE)
        codes = as_text(frame[source])
        wrong = codes.notna() & ~codes.str.fullmatch(_CODE).fillna(value=False).astype(bool)
        if wrong.any():
            findings.note(
                "man_codes_unknown",
                file=raw.file,
                column=source,
                n=int(wrong.sum()),
                value=str(codes[wrong].iloc[0]),
            )
        for place, name in enumerate(MAN_LETTERS):
            if name not in sources:
                sources[name] = f"{source} ({MAN_LETTERS[name]})"
                frame = frame.assign(**{sources[name]: codes.mask(wrong).str[place]})
    part = Raw(file=raw.file, frame=frame[list(sources.values())])
    return read_table("accounts", part, sources, settings, findings).frame


def _people(frame: pd.DataFrame, ids: pd.Series, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return the people in each role, one row each; where a column says yes or no, a nameless one where it says yes."""
    import pandas as pd

    parts = []
    for role, source in columns.items():
        cells = as_text(frame[source])
        told = parse(cells, "flag", Reading(), {"file": "", "column": source})
        if told.bad.any():
            names = cells.str.split(_PEOPLE).explode().str.strip()
            names = names[names.notna() & (names != "")]
        else:
            there = told.values[told.values.fillna(value=False).astype(bool)]
            names = pd.Series(None, index=there.index, dtype="str")
        parts.append(pd.DataFrame({"opportunity_id": ids.loc[names.index], "role": role, "name": names}))
    return pd.concat(parts).astype(dict.fromkeys(("opportunity_id", "role", "name"), "str"))


def _marks(
    file: str, frame: pd.DataFrame, ids: pd.Series, columns: Mapping[str, str], findings: Findings
) -> pd.DataFrame:
    """Return the marks of each factor, one row each; a word that is no mark is counted in a note."""
    import pandas as pd

    parts = []
    for factor, source in columns.items():
        cells = as_text(frame[source], blanks=False)
        marks = cells.str.casefold().map(MARK_WORDS)
        unknown = as_text(frame[source]).notna() & marks.isna()
        if unknown.any():
            findings.note(
                "marks_unknown",
                file=file,
                column=source,
                n=int(unknown.sum()),
                value=str(cells[unknown].iloc[0]),
            )
        known = marks[marks.notna()]
        parts.append(pd.DataFrame({"opportunity_id": ids.loc[known.index], "factor": factor, "mark": known}))
    return pd.concat(parts).astype(dict.fromkeys(("opportunity_id", "factor", "mark"), "str"))


def with_customers(
    frames: dict[str, pd.DataFrame], rows: Mapping[str, pd.DataFrame], findings: Findings
) -> dict[str, pd.DataFrame]:
    """Return the tables with what columns of the deals say of their customers.

    Parameters
    ----------
    frames : dict of str to DataFrame
        Tables of the contract, cut at the as-of date.
    rows : Mapping of str to DataFrame
        From :func:`customer_rows`.
    findings : Findings
        Gets a note of customers whose deals say different things: the newest deal counts.

    Returns
    -------
    dict of str to DataFrame
        A table that was given by a file of its own keeps what it says; what it lacks is added.
    """
    if not rows:
        return frames
    deals = frames["opportunities"]
    result = dict(frames)
    if "contacts" in rows:
        people = _of(deals, rows["contacts"]).drop(columns="at")
        result["contacts"] = _joined(people, frames.get("contacts"))
    if findings.whole is not None or "account_id" not in deals:
        if findings.whole is not None and len(rows) > len({"contacts"} & set(rows)):
            findings.note("customer_columns_not_in_parts")
        return result
    differ: set[str] = set()
    if "accounts" in rows:
        newest, at_odds = _newest(_of(deals, rows["accounts"]), ["account_id"])
        differ |= at_odds
        result["accounts"] = _filled(newest, frames.get("accounts"), findings)
    if "assessments" in rows:
        newest, at_odds = _newest(_of(deals, rows["assessments"]), ["account_id", "factor"])
        differ |= at_odds
        result["assessments"] = _joined(newest, frames.get("assessments"))
    if differ:
        findings.note("customers_marked_differently", n=len(differ))
    return result


def _of(deals: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of the deals that are still there with their customers, the oldest deal first."""
    import pandas as pd

    rows = rows[among(rows["opportunity_id"], deals["opportunity_id"])]
    known = [one for one in ("account_id", "created_at") if one in deals]
    told = {one: look_up(rows["opportunity_id"], deals["opportunity_id"], deals[one]) for one in known}
    at = told.pop("created_at", pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]"))
    return rows.assign(**told, at=at).sort_values(
        ["at", "opportunity_id"], na_position="first", kind="stable"
    )


def _newest(rows: pd.DataFrame, keys: list[str]) -> tuple[pd.DataFrame, set[str]]:
    """Return the last filled value of each column by customer, and the customers whose deals differ."""
    rows = rows[rows["account_id"].notna()].drop(columns=["opportunity_id", "at"])
    groups = rows.groupby(keys, sort=False)
    differ = groups.nunique().gt(1).any(axis=1)
    return groups.last().reset_index(), set(differ.index[differ].get_level_values("account_id"))


def _filled(newest: pd.DataFrame, given: pd.DataFrame | None, findings: Findings) -> pd.DataFrame:
    """Return the customers with the marks of their deals where their own table says nothing."""
    if given is None:
        return newest
    result = given
    for name in (str(one) for one in newest if one != "account_id"):
        mine = look_up(given["account_id"], newest["account_id"], newest[name])
        mine = mine.astype("str" if name == "intent" else "boolean")
        result = result.assign(
            **{name: mine if name not in given else given[name].where(given[name].notna(), mine)}
        )
    strangers_n = int((~among(newest["account_id"], given["account_id"])).sum())
    if strangers_n:
        findings.note("customer_columns_without_record", n=strangers_n)
    return result


def _joined(rows: pd.DataFrame, given: pd.DataFrame | None) -> pd.DataFrame:
    """Return the rows before those of a file, which count where both mark the same."""
    import pandas as pd

    return rows if given is None else pd.concat([rows, given])
