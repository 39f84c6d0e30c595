"""What was known at the as-of date? Nothing later ever influences a number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core import check
from funnelnb.core.errors import Advice, MissingDataError, ParameterError
from funnelnb.data.contract.tables import END_MARKS, TABLES
from funnelnb.data.contract.whole import latest
from funnelnb.data.parse.dates import OPEN_ENDED_YEAR
from funnelnb.data.parse.values import among, look_up

if TYPE_CHECKING:
    import datetime

    import pandas as pd

    from funnelnb.data.contract.problems import Findings


DAY = np.timedelta64(1, "D")
_DAY_US = 86_400_000_000
LAST_SECOND = np.timedelta64(86399, "s")

_RECORDED = (("opportunities", "created_at"), ("opportunities", "closed_at"), ("stage_history", "entered_at"))
"""What was recorded when it happened; expectations and open ends are not."""


def last_recorded(tables: dict[str, pd.DataFrame]) -> np.datetime64 | None:
    """When was the last creation, close or stage entry recorded? None if the data hold no date at all."""
    found = [
        tables[table][column].max()
        for table, column in _RECORDED
        if table in tables and column in tables[table]
    ]
    known = [np.datetime64(one, "s") for one in found if one == one and one is not None]  # noqa: PLR0124
    return max(known, default=None)


def recorded_times(tables: dict[str, pd.DataFrame]) -> np.ndarray:
    """When was anything recorded?"""
    found = [
        tables[table][column].dropna().to_numpy().astype("datetime64[s]")
        for table, column in _RECORDED
        if table in tables and column in tables[table]
    ]
    return np.concatenate(found) if found else np.empty(0, "datetime64[s]")


def on_days(times: pd.Series) -> bool:
    """Are all times that are there whole days?"""
    stamps = times.to_numpy(dtype="datetime64[us]")
    return not ((stamps.view(np.int64) % _DAY_US != 0) & ~np.isnat(stamps)).any()


def whole_days(tables: dict[str, pd.DataFrame]) -> bool:
    """Are all recorded times whole days?"""
    for table, column in _RECORDED:
        if table in tables and column in tables[table]:
            times = tables[table][column]
            if not on_days(times):
                return False
    return True


def as_of_instant(
    wanted: str | datetime.date | np.datetime64 | None, tables: dict[str, pd.DataFrame], timezone: str = ""
) -> tuple[np.datetime64, np.datetime64]:
    """Which instant is meant, and up to which do rows count?

    Parameters
    ----------
    wanted : date, str or None
        A plain date means to its end. None: the day of the last recorded event.
    tables : dict of str to DataFrame
    timezone : str
        Whose wall clock the tables show; a moment with an offset is told on it.

    Returns
    -------
    (numpy.datetime64, numpy.datetime64)
        The book's `as_of` (midnight where all times are whole days, else 23:59:59 of a plain date), and the
        last second that counts.

    Raises
    ------
    MissingDataError
        If no date is given and the data hold none.
    ParameterError
        If the date given is none, or stands for an open end.
    """
    plain = wanted is None or _is_plain(wanted)
    last = last_recorded(tables) if wanted is None else day_of_export(wanted, timezone)
    if last is None:
        raise MissingDataError(
            "the data hold no date at all",
            expected="created_at, closed_at or a stage history, or as_of, the day of the data",
            hint=Advice(
                "give the day of the export: as_of='2026-06-30'",
                typed="give the day of the export: --as-of 2026-06-30",
            ),
        )
    if not plain:
        return last, last
    day = last.astype("datetime64[D]").astype("datetime64[s]")
    return (day if whole_days(tables) else day + LAST_SECOND), day + LAST_SECOND


QUIET_DAYS, QUIET_TIMES = 92, 2
"""So many days without anything recorded before the as-of date, or times the longest such pause, need a reason."""


def check_quiet(
    wanted: Any, as_of: np.datetime64, tables: dict[str, pd.DataFrame], reason: str, findings: Findings
) -> None:
    """Refuse an as-of date long after the last recorded event, unless somebody says why nothing happened since.

    Every open deal would be taken to have stood still until then.

    Parameters
    ----------
    wanted : Any
        As the caller gave it; None: the day of the last event, which is always right.
    as_of : numpy.datetime64
    tables : dict of str to DataFrame
        As recorded.
    reason : str
        Why nothing was recorded since; empty: none given.
    findings : Findings
        Gets a note of the pause.

    Raises
    ------
    ParameterError
        Open deals, a pause of more than a quarter and of twice the longest pause in the data, and no reason.
    """
    last = None if wanted is None else last_recorded(tables)
    deals = tables["opportunities"]
    if last is None or "outcome" not in deals or not (deals["outcome"] == "open").any():
        return
    quiet = int((as_of - last) / DAY)
    if quiet <= QUIET_DAYS or quiet <= QUIET_TIMES * _longest_pause(tables):
        return
    if reason:
        findings.note("quiet_before_as_of", days=quiet, reason=reason)
        return
    raise ParameterError(
        f"as_of = {str(wanted)!r}: nothing is recorded in the {quiet} days before it (last on {str(last)[:10]})",
        expected="the day on which the data were exported: every open deal would be taken to have stood still since",
        hint='leave as_of out, or say why nothing happened: as_of_reason = "…" in funnelnb.toml',
    )


def _longest_pause(tables: dict[str, pd.DataFrame]) -> int:
    """Return the most days without anything recorded between the first and the last event."""
    known = np.unique(recorded_times(tables).astype("datetime64[D]"))
    return int(np.diff(known).astype(np.int64).max(initial=0))


def day_of_export(wanted: Any, timezone: str = "") -> np.datetime64:
    """Return the as-of date that was asked for.

    Raises
    ------
    ParameterError
        It is no date, or one that stands for an open end: every open deal would be decades old.
    """
    found = check.timestamp("as_of", wanted, timezone)
    if found >= np.datetime64(f"{OPEN_ENDED_YEAR}-01-01"):
        raise ParameterError(
            f"as_of = {str(wanted)!r}: dates from {OPEN_ENDED_YEAR} on mean an open end",
            expected="the day on which the data were exported",
            hint=Advice(
                "leave as_of out: it is then the day of the last event",
                typed="leave --as-of out: it is then the day of the last event",
            ),
        )
    return found


def observed_since(wanted: Any, as_of: np.datetime64, timezone: str = "") -> np.datetime64 | None:
    """Return the day since when deals were recorded completely, None for "always".

    Raises
    ------
    ParameterError
        It is no date, or later than the day of the data: then no deal would ever have been watched.
    """
    if wanted is None:
        return None
    found = check.timestamp("observed_from", wanted, timezone)
    if found > as_of:
        raise ParameterError(
            f"observed_from = {str(wanted)!r}: later than the day of the data {str(as_of)[:10]}",
            expected="a day up to the day of the data",
            hint="say since when closes and stages were recorded completely, or leave observed_from out",
        )
    return found


def _is_plain(wanted: Any) -> bool:
    import datetime

    if isinstance(wanted, np.datetime64):
        return np.datetime_data(wanted.dtype)[0] in ("Y", "M", "W", "D")
    if isinstance(wanted, datetime.datetime):
        return False
    return (
        isinstance(wanted, datetime.date)
        or re.fullmatch(r"\s*\d{4}-\d{2}(-\d{2})?\s*", str(wanted)) is not None
    )


def cut(
    tables: dict[str, pd.DataFrame],
    until: np.datetime64,
    stage_ids: tuple[str, ...],
    findings: Findings,
) -> dict[str, pd.DataFrame]:
    """Which tables would have been exported at the end of `until`?

    Parameters
    ----------
    tables : dict of str to DataFrame
        Of the contract.
    until : numpy.datetime64
        Last second that counts.
    stage_ids : tuple of str
        Of the playbook, in order: what ties in the same second are decided by.
    findings : Findings
        Its settings say whether the amount is known at entry.

    Returns
    -------
    dict of str to DataFrame

    Notes
    -----
    Deals created later are dropped, rows entered later are dropped, a deal closed later is open. A deal
    without any date is kept only if nothing was recorded after `until`: of an earlier day nobody can say
    whether it existed. The stage column is the stage at the export: of an earlier day only the history tells.
    """
    earlier = findings.over_all(
        "last recorded", last_recorded(tables), latest, lambda last: last is not None and bool(last > until)
    )
    result = {name: _cut_times(name, frame, until) for name, frame in tables.items()}
    deals = tables["opportunities"]
    history = result.get("stage_history")
    if earlier:
        keep = _existed(deals, tables.get("stage_history"), until, findings)
        deals = deals[keep]
        last_rows = None if history is None else _in_order(history, stage_ids)
        moved = _moved_after(tables.get("stage_history"), until)
        deals = _reopen(deals, last_rows, until, findings.settings.amount_known, moved)
        _tell_unsure(deals, until, findings)
        deals = _stage_then(deals, last_rows, until, findings)
        for name, frame in result.items():
            if name != "opportunities" and "opportunity_id" in frame:
                ids = frame["opportunity_id"]
                known = ids.isna() | among(ids, deals["opportunity_id"])
                result[name] = frame[known]
    result["opportunities"] = _settle_amount(deals)
    return result


_CUT_BY = {
    "stage_history": "entered_at",
    **dict.fromkeys(("activities", "assessments", "gates", "events"), "at"),
    "accounts": "created_at",
}


def _cut_times(name: str, frame: pd.DataFrame, until: np.datetime64) -> pd.DataFrame:
    column = _CUT_BY.get(name) if name in TABLES else None
    if column is None or column not in frame:
        return frame
    later = frame[column] > until
    frame = frame[~later] if later.any() else frame
    if "left_at" in frame:
        frame = frame.assign(left_at=frame["left_at"].mask(frame["left_at"] > until))
    return frame


def _moved_after(history: pd.DataFrame | None, until: np.datetime64) -> Any:
    """Return the ids of deals that entered a stage after `until`."""
    if history is None:
        return []
    later = (history["entered_at"] > until) & ~history["stage"].isin(END_MARKS)
    return history["opportunity_id"][later].unique()


def _tell_unsure(deals: pd.DataFrame, until: np.datetime64, findings: Findings) -> None:
    """Say of how many deals that ended without a date nobody knows whether they had ended by then."""
    unsure = deals["outcome"].ne("open") & (deals["closed_at"].isna() if "closed_at" in deals else True)
    if unsure.any():
        findings.note("state_unknown_at_as_of", n=int(unsure.sum()), as_of=str(until)[:10])


def _existed(
    deals: pd.DataFrame, history: pd.DataFrame | None, until: np.datetime64, findings: Findings
) -> pd.Series:
    """Mark the deals that are known to have existed: their first recorded event is not later."""
    import pandas as pd

    first = pd.Series(np.datetime64("NaT", "us"), index=deals.index)
    for column in ("closed_at", "created_at"):
        if column in deals:
            first = deals[column].where(deals[column].notna(), first)
    if history is not None:
        rows = history.sort_values("entered_at")
        started = look_up(deals["opportunity_id"], rows["opportunity_id"], rows["entered_at"])
        unknown = (
            deals["created_at"].isna() if "created_at" in deals else pd.Series(data=True, index=deals.index)
        )
        first = first.where(~(unknown & started.notna() & ~(first < started)), started)
    undated = int(first.isna().sum())
    if undated:
        findings.note("undated_deals_dropped", n=undated, as_of=str(until)[:10])
    return first <= until


def _in_order(history: pd.DataFrame, stage_ids: tuple[str, ...]) -> pd.DataFrame:
    """Return the history in time order; in the same second by stage position, ends last."""
    place = {name: position for position, name in enumerate((*stage_ids, *END_MARKS))}
    return history.assign(place=history["stage"].map(place)).sort_values(
        ["entered_at", "place"], kind="stable"
    )


def _last(ordered: pd.DataFrame) -> pd.DataFrame:
    """Return the last row of each deal."""
    return ordered.drop_duplicates("opportunity_id", keep="last")


def _reopen(
    deals: pd.DataFrame, ordered: pd.DataFrame | None, until: np.datetime64, amount_known: str, moved: Any
) -> pd.DataFrame:
    """Take back what was decided later: outcome, close, reason, expectations, the amount if it came then.

    A deal that ended without a date and still moved (`moved`) afterwards had not ended by then.
    """
    if "closed_at" not in deals:
        return deals
    later = deals["closed_at"] > until
    later |= deals["closed_at"].isna() & deals["opportunity_id"].isin(moved) & deals["outcome"].ne("open")
    if not later.any():
        return deals
    changed: dict[str, Any] = {
        "outcome": deals["outcome"].mask(later, "open"),
        "closed_at": deals["closed_at"].mask(later),
    }
    for column in ("lost_reason", "expected_close_at", "probability", "stage"):
        if column in deals:
            changed[column] = deals[column].mask(later)
    if amount_known == "at_close" and "amount" in deals:
        changed["amount"] = deals["amount"].mask(later)
    deals = deals.assign(**changed)
    return deals if ordered is None else _ended_before(deals, ordered, later)


def _ended_before(deals: pd.DataFrame, ordered: pd.DataFrame, later: pd.Series) -> pd.DataFrame:
    """Close again the deals whose last history row by then was an end: they were reopened afterwards."""
    last = _last(ordered)
    ends = last[last["stage"].isin(END_MARKS)]
    outcome = look_up(deals["opportunity_id"], ends["opportunity_id"], ends["stage"])
    ended = later & outcome.notna()
    if not ended.any():
        return deals
    closed = look_up(deals["opportunity_id"], ends["opportunity_id"], ends["entered_at"])
    return deals.assign(
        outcome=deals["outcome"].where(~ended, outcome).astype("str"),
        closed_at=deals["closed_at"].where(~ended, closed),
    )


def _stage_then(
    deals: pd.DataFrame, ordered: pd.DataFrame | None, until: np.datetime64, findings: Findings
) -> pd.DataFrame:
    """Take the stage of open deals from the history by then; without any it is not known."""
    import pandas as pd

    if "stage" not in deals:
        return deals
    open_then = deals["outcome"] == "open"
    then = pd.Series(None, index=deals.index, dtype="str")
    if ordered is not None:
        last = _last(ordered[~ordered["stage"].isin(END_MARKS)])
        then = look_up(deals["opportunity_id"], last["opportunity_id"], last["stage"])
    forgotten = open_then & then.isna() & deals["stage"].notna()
    if forgotten.any():
        findings.note("stage_unknown_at_as_of", n=int(forgotten.sum()), as_of=str(until)[:10])
    return deals.assign(stage=deals["stage"].mask(open_then, then).astype("str"))


def _settle_amount(deals: pd.DataFrame) -> pd.DataFrame:
    """Give deals that are not won the amount that was expected, where the data tell both."""
    if "expected_amount" not in deals:
        return deals
    expected = deals["expected_amount"]
    if "amount" not in deals:
        return deals.assign(amount=expected)
    amount = deals["amount"]
    won = deals["outcome"] == "won"
    return deals.assign(amount=amount.where((won & amount.notna()) | expected.isna(), expected))
