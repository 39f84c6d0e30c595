"""From a table to an event log: columns found by their names, times read, bad rows left out and told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core import check
from funnelnb.core.errors import DataProblems, MissingDataError, ParameterError, Problem, SourceError
from funnelnb.core.note import Note
from funnelnb.data.events.definition import duration
from funnelnb.data.events.gather import gather
from funnelnb.data.events.log import SESSION_US, Events
from funnelnb.data.events.presets import PLAIN, column_of, presets, recognise
from funnelnb.data.parse.dates import parse_dates
from funnelnb.data.parse.values import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from funnelnb.core.check import Day
    from funnelnb.data.events.definition import Stretch
    from funnelnb.data.read.raw import Raw

_DAY_US = 86_400_000_000


def events(  # noqa: PLR0913 - each column and rule of reading has its own name
    source: Any,
    *,
    actor: str | None = None,
    event: str | None = None,
    time: str | None = None,
    session: str | None = None,
    as_of: Day | None = None,
    aliases: Any = None,
    timezone: str | None = None,
    date_order: str | None = None,
    session_timeout: Stretch | None = None,
    on_problem: str = "drop",
    currency: str | None = None,
) -> Events:
    """What did people do, and when? Read an event log.

    Parameters
    ----------
    source : path, glob, folder, frame, list or dict
        CSV (also ``.gz``), Excel, Parquet, DuckDB file; any frame (pandas, Polars, PyArrow, DuckDB relation,
        PySpark, which are collected: :func:`funnelnb.behaviour.scan` counts without); several tables with
        equal columns; or page tables keyed by user.
    actor, event, time, session : str, optional
        Columns; None: found by their names. Exports of Amplitude, Mixpanel, GA4, Snowplow and PostHog are
        recognised.
    as_of : date, optional
        Up to when the log was kept, a plain date to its end; None: the last event. Later events are not seen.
    aliases : frame, path or Mapping, optional
        Which ids are the same person: a table of two columns (id, person), or a dict.
    timezone : str, optional
        Moments with an offset are told on this zone's clock; None: UTC.
    date_order : {"dmy", "mdy", "ymd"}, optional
        Needed only where the column does not tell.
    session_timeout : str or timedelta, optional
        A session ends after so long without an event, where no column names sessions. None: 30 minutes.
    on_problem : {"drop", "stop"}
        What happens to rows without actor, event or readable time: left out and reported, or nothing is read.
    currency : str, optional
        Of the amounts in the log.

    Returns
    -------
    Events

    Raises
    ------
    SourceError
        There is nothing to read.
    MissingDataError
        A column is missing; the message lists those there are.
    DataProblems
        No row can be used, or `on_problem` is "stop"; all problems at once.

    Examples
    --------
    >>> import pandas as pd
    >>> events(pd.DataFrame({"user_id": ["a", "a"], "event": ["visit", "pay"],
    ...                      "timestamp": ["2026-05-01 10:00", "2026-05-02 11:30"]}))
    <Events: 2 events of 1 actors, 2 names, 2026-05-01 to 2026-05-02>
    """
    check.one_of("on_problem", on_problem, ("drop", "stop"))
    raw = gather(source)
    draft = _Draft(raw, {"actor": actor, "event": event, "time": time, "session": session})
    draft.read_times(timezone or "", date_order or "")
    draft.read_names()
    draft.drop_repeated()
    keep = draft.usable(on_problem)
    people = draft.people(keep, aliases)
    limit = _as_of(as_of, draft.micro[keep], draft.whole_days, timezone or "")
    timeout = duration("session_timeout", session_timeout) if session_timeout is not None else SESSION_US
    return draft.finish(keep, people, limit, currency or "", timeout or SESSION_US)


def _as_of(as_of: Day | None, micro: NDArray[np.int64], whole_days: bool, timezone: str) -> np.datetime64:
    """Return the as-of time: the one given (a plain date to its end), else the last event."""
    if as_of is None:
        last = int(micro.max())
        return np.datetime64(last + (_DAY_US - 1 if whole_days else 0), "us")
    moment = check.timestamp("as_of", as_of, timezone)
    plain = moment == moment.astype("M8[D]") and len(str(as_of)) <= len("2026-06-30")
    return moment.astype("M8[us]") + np.timedelta64(_DAY_US - 1 if plain else 0, "us")


@dataclass(slots=True)
class _Draft:
    """A log while it is being read; rows in the order of the source."""

    raw: Raw
    given: Mapping[str, str | None]
    columns: dict[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    micro: Any = None
    actor: Any = None
    event: Any = None
    good: Any = None
    whole_days: bool = False
    json: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        frame, names = self.raw.frame, self.raw.columns
        preset = recognise(names)
        looked = (preset, presets()[PLAIN])
        filled = [one for one in names if not _blank(frame[one]).all()]
        for role in ("actor", "event", "time", "session", "unique"):
            self.columns[role] = column_of(role, names, self.given.get(role), *looked, filled=filled)
        missing = [role for role in ("actor", "event", "time") if not self.columns[role]]
        if missing:
            raise MissingDataError(
                f"{self.raw.file}: no column is known to be the {' or the '.join(missing)}",
                expected="columns such as user_id, event and timestamp; there are " + ", ".join(names[:40]),
                hint=", ".join(f'{role}="…"' for role in missing) + " says which one it is",
            )
        parts = {name.partition(".")[0] for name in names}
        self.json = tuple(one for one in preset.roles["json"] if one in names or one in parts)
        if self.columns["session"] in self.json:
            self.columns["session"] = ""
        self.notes = list(self.raw.notes)
        if preset.id != PLAIN:
            self.notes.append(Note("events_recognised", {"tool": preset.label}))
        self.good = np.ones(len(frame), bool)

    def problem(self, bad: NDArray[np.bool_], role: str, found: str, expected: str, remedy: str) -> None:
        """Report rows that cannot be used; each row once."""
        bad = bad & self.good
        if bad.any():
            first, column = int(np.argmax(bad)), self.columns[role]
            value = str(self.raw.frame[column].iloc[first])
            self.problems.append(
                Problem(
                    file=self.raw.file,
                    row=int(self.raw.frame.index[first]),
                    column=column,
                    value=value if len(value) <= 80 else value[:77] + "...",
                    found=found,
                    expected=expected,
                    remedy=remedy,
                    rows_n=int(bad.sum()),
                )
            )
            self.good &= ~bad

    def read_times(self, timezone: str, date_order: str) -> None:
        """Read the times to the microsecond; ISO text, types, epochs, else every way dates are written."""
        column = self.columns["time"]
        cells = self.raw.frame[column]
        where = {"file": self.raw.file, "column": column}
        micro, missing, notes = _exact(cells, timezone)
        if micro is None:
            parsed = parse_dates(cells, Reading(timezone=timezone, date_order=date_order), where)
            if parsed.undecided:
                raise ParameterError(
                    f"{self.raw.file}, column {column!r}: {parsed.example!r} may be day-month or month-day",
                    expected="a column that tells", hint='date_order="dmy" (or "mdy") says which',
                )  # fmt: skip
            stamps = parsed.values.to_numpy().astype("M8[us]")
            missing, notes = np.isnat(stamps), list(parsed.notes)
            micro = np.where(missing, 0, stamps.astype(np.int64))
        self.notes += notes
        self.micro = micro
        self.problem(
            missing, "time", "no readable time", "a date or time in every row", "correct it at the source"
        )
        known = micro[~missing]
        self.whole_days = bool(len(known)) and bool((known % _DAY_US == 0).all())

    def read_names(self) -> None:
        """Read actors and events as text; blanks are problems."""
        for role, what in (("actor", "who did it"), ("event", "what was done")):
            cells = _as_text(self.raw.frame[self.columns[role]])
            blank = (cells == "") | cells.isin(["nan", "None", "null", "NULL", "<NA>"]).to_numpy()
            self.problem(np.asarray(blank), role, f"not said {what}", "a value in every row", "fill it in")
            setattr(self, role, cells)

    def drop_repeated(self) -> None:
        """Leave out rows that carry the id of an event already read: same id, actor, event and time."""
        if self.columns["unique"]:
            import pandas as pd

            ids = _as_text(self.raw.frame[self.columns["unique"]]).to_numpy()
            rows = pd.DataFrame(
                {"id": ids, "who": self.actor.to_numpy(), "what": self.event.to_numpy(), "at": self.micro}
            )
            again = rows.duplicated().to_numpy() & (ids != "") & self.good
            if again.any():
                self.notes.append(
                    Note("events_twice", {"n": int(again.sum()), "column": self.columns["unique"]})
                )
                self.good &= ~again

    def usable(self, on_problem: str) -> NDArray[np.int64]:
        """Return the rows that can be used; raise if there are none, or if any problem stops."""
        if self.problems and (on_problem == "stop" or not self.good.any()):
            raise DataProblems(self.problems)
        if not self.good.any():
            raise SourceError(f"{self.raw.file} has no rows", expected="at least one event")
        if self.problems:
            bad_n = sum(one.rows_n for one in self.problems)
            facts = {"n": bad_n, "of_n": len(self.good), "what": "; ".join(map(_short, self.problems))}
            self.notes.append(Note("events_left_out", facts))
        return np.flatnonzero(self.good)

    def people(self, keep: NDArray[np.int64], aliases: Any) -> pd.Series:
        """Return who did each event, with ids of the same person made one."""
        ids = self.actor.iloc[keep]
        if aliases is None:
            return ids
        table = _alias_table(aliases)
        merged, changed = _merged(ids, table)
        self.notes.append(
            Note("events_merged", {"n": int(changed.sum()), "ids_n": int(ids[changed].nunique())})
        )
        return merged

    def finish(
        self, keep: NDArray[np.int64], people: pd.Series, as_of: np.datetime64, currency: str, timeout: int
    ) -> Events:
        """Sort the log by actor and time, coded."""
        import pandas as pd

        micro = self.micro[keep]
        limit = int(as_of.astype(np.int64))
        seen = micro <= limit
        if not seen.any():
            raise ParameterError(
                f"as_of = {str(as_of)[:19]}, before the first event",
                expected=f"a date from {np.datetime64(int(micro.min()), 'us').astype('M8[D]')} on",
            )
        if not seen.all():
            self.notes.append(Note("events_after_as_of", {"n": int((~seen).sum())}))
        keep, micro, people = keep[seen], micro[seen], people[seen]
        actor, actors = pd.factorize(people)
        event, names = pd.factorize(self.event.iloc[keep])
        order = np.lexsort((micro, actor))
        frame = self.raw.frame
        taken = {self.columns[role] for role in ("actor", "event", "time")}
        return Events(
            actor=actor[order].astype(np.int32),
            event=event[order].astype(np.int32),
            time=micro[order],
            row=frame.index.to_numpy()[keep][order].astype(np.int64),
            actors=np.asarray(actors, dtype=object),
            names=tuple(map(str, names)),
            columns={str(name): _column(frame[name]) for name in frame.columns if name not in taken},
            as_of=as_of,
            observed_from=np.datetime64(int(micro.min()), "us"),
            whole_days=self.whole_days,
            session=self.columns["session"],
            json_columns=self.json,
            currency=currency,
            source=self.raw.file,
            first_row=int(frame.index[0]),
            session_us=timeout,
            notes=tuple(self.notes),
            problems=tuple(self.problems),
        )  # fmt: skip


def _short(problem: Problem) -> str:
    return f"{problem.found} ({problem.column}): {problem.rows_n:,}"


def _blank(cells: pd.Series) -> pd.Series:
    return cells == "" if cells.dtype == "str" else cells.isna()


def _column(cells: pd.Series) -> Any:
    """Return a property: numbers where every value is one, else text, None where not known."""
    import pandas as pd

    if cells.dtype != "str":
        return cells.to_numpy()
    numbers = pd.to_numeric(cells.where(cells != ""), errors="coerce")
    if numbers.notna().sum() == (cells != "").sum() and not cells.str.match(r"0\d|\+").any():
        return numbers.to_numpy(dtype=float, na_value=np.nan)
    return cells.where(cells != "", None).to_numpy(dtype=object)


def _as_text(cells: pd.Series) -> pd.Series:
    """Return names or ids as text; whole numbers without a point."""
    if cells.dtype.kind == "f":
        known = cells.dropna()
        if len(known) and (known % 1 == 0).all() and (abs(known) < 2**53).all():
            cells = cells.astype("Int64")
    text = cells.astype("str")
    return text.where(cells.notna(), "").str.strip()


def _exact(cells: pd.Series, timezone: str) -> tuple[Any, Any, list[Note]]:
    """Read times to the microsecond where the column is typed, ISO text or a known epoch; else None."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    stamps: Any = None
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        if getattr(cells.dtype, "tz", None) is not None:
            cells = cells.dt.tz_convert(timezone or "UTC").dt.tz_localize(None)
        stamps = cells.to_numpy().astype("M8[us]")
    elif cells.dtype.kind in "iuf":
        return _epoch(cells)
    elif cells.dtype == "str":
        array = pa.array(cells, pa.large_string(), from_pandas=True)
        array = pc.if_else(pc.equal(array, ""), pa.scalar(None, array.type), array)
        digits = pc.all(pc.match_substring_regex(array, r"^\d{10,16}$")).as_py()
        if digits and array.null_count < len(array):
            return _epoch(pd.Series(pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False)))
        try:
            stamps = pc.cast(array, pa.timestamp("us")).to_numpy(zero_copy_only=False).astype("M8[us]")
        except pa.ArrowInvalid:
            return _with_zone(array, timezone)
    if stamps is None:
        return None, None, []
    missing = np.isnat(stamps)
    return np.where(missing, 0, stamps.astype(np.int64)), missing, []


def _with_zone(array: Any, timezone: str) -> tuple[Any, Any, list[Note]]:
    """Read ISO text with an offset or Z to the microsecond; else None."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    zoned = pc.all(
        pc.match_substring_regex(array, r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*(Z|[+-]\d{2}:?\d{2})$")
    ).as_py()
    if not zoned:
        return None, None, []
    try:
        moments = pc.cast(array, pa.timestamp("us", "UTC"))
    except pa.ArrowInvalid:
        return None, None, []
    series = pd.Series(moments.to_pandas())
    stamps = series.dt.tz_convert(timezone or "UTC").dt.tz_localize(None).to_numpy().astype("M8[us]")
    missing = np.isnat(stamps)
    return np.where(missing, 0, stamps.astype(np.int64)), missing, []


def _epoch(cells: pd.Series) -> tuple[Any, Any, list[Note]]:
    """Read numbers as seconds, milli-, micro- or nanoseconds since 1970, the same for the whole column."""
    numbers = cells.to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(numbers) & (numbers > 0)
    if not known.any():
        return None, None, []
    middle = float(np.median(numbers[known]))
    unit, size = next(
        ((name, scale) for name, low, scale in (
            ("nanoseconds", 2e17, 1e-3), ("microseconds", 2e14, 1.0), ("milliseconds", 2e11, 1e3),
            ("seconds", 2e8, 1e6)) if middle >= low), ("", 0.0),
    )  # fmt: skip
    if not unit:
        return None, None, []
    whole = cells.to_numpy(na_value=0) if cells.dtype.kind in "iu" else None
    if whole is not None:
        micro = whole.astype(np.int64) // 1000 if size < 1 else whole.astype(np.int64) * int(size)
    else:
        micro = np.where(known, np.rint(np.where(known, numbers, 0.0) * size), 0).astype(np.int64)
    return micro, ~known, [Note("events_epoch", {"unit": unit})]


def _alias_table(aliases: Any) -> dict[str, str]:
    if isinstance(aliases, dict):
        return {str(one): str(person) for one, person in aliases.items()}
    frame = gather(aliases).frame
    if len(frame.columns) < 2:
        raise MissingDataError("the table of aliases has one column", expected="two: the id, and whose it is")
    first, second = (_as_text(frame[one]) for one in frame.columns[:2])
    return {one: person for one, person in zip(first, second, strict=True) if one and person}


def _merged(ids: pd.Series, table: dict[str, str]) -> tuple[pd.Series, NDArray[np.bool_]]:
    """Return ids with every alias replaced by the person at the end of its chain."""
    final: dict[str, str] = {}
    for one, owner in table.items():
        seen, person = {one}, owner
        while person in table and person not in seen:
            seen.add(person)
            person = table[person]
        final[one] = min(seen) if person in seen and person in table else person
    merged = ids.map(final).fillna(ids)
    return merged, (merged != ids).to_numpy()
