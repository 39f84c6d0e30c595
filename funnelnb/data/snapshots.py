"""What was known then? Dated exports, kept in a folder: each day's book as it was, not as it is told today."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.core import check
from funnelnb.core.errors import MissingDataError, ParameterError, SourceError, nearest
from funnelnb.core.note import Note
from funnelnb.data.book import Book
from funnelnb.data.contract.calendar import Calendar
from funnelnb.data.contract.tables import PANDAS_DTYPE, TABLES, kind_of
from funnelnb.data.store.delta import arrow_of, restored, stored
from funnelnb.data.store.files import StoreFiles
from funnelnb.playbooks.model import Edge, Ending, Gate, Label, Playbook, Question, Remedy, Stage

if TYPE_CHECKING:
    import os

    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of an export that was to be kept.

    Attributes
    ----------
    day : str
        As-of date of the export.
    state : {"added", "same", "replaced"}
        ``same``: it is there already, nothing was written.
    deals_n : int
    snapshots_n : int
        In the store now.
    """

    day: str
    state: str
    deals_n: int
    snapshots_n: int


class Store:
    """Dated snapshots of a sales pipeline in a folder.

    Parameters
    ----------
    path : path
        Folder of the store.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._files = StoreFiles(self.path)
        self._books: dict[str, Book] = {}

    def __len__(self) -> int:
        return len(self._entries())

    def _entries(self) -> list[dict[str, Any]]:
        return list(self._files.manifest()["snapshots"])

    @property
    def dates(self) -> tuple[str, ...]:
        """As-of dates of the snapshots, oldest first."""
        return tuple(one["day"] for one in self._entries())

    def append(self, book: Book, *, anew: bool = False) -> Kept:
        """Keep what a book holds as what was known on its as-of date.

        Parameters
        ----------
        book : Book
        anew : bool
            Whether another snapshot of the same day gives way.

        Returns
        -------
        Kept

        Raises
        ------
        ParameterError
            The store holds another state of that day, and `anew` is not said.
        OutputError
            Another process is writing, or the folder cannot be written to.
        """
        day = str(book.as_of)[:10]
        with self._files.writing():
            manifest = self._files.manifest()
            self._files.clear(manifest)
            entries = manifest["snapshots"]
            same_day = next((one for one in entries if one["day"] == day), None)
            earlier = [one for one in entries if one["day"] <= day] or entries[:1]
            before = earlier[-1]["tables"] if earlier else {}
            tables = {
                name: stored(self._files, arrow_of(frame, name), name, before.get(name))
                for name, frame in book.tables.items()
            }
            model, name = _model(book)
            made = {"day": day, **_about(book), "playbook": name, "tables": tables}
            if same_day is not None:
                if _same(same_day, made):
                    self._files.clear(manifest)
                    return Kept(day=day, state="same", deals_n=len(book), snapshots_n=len(entries))
                if not anew:
                    self._files.clear(manifest)
                    raise ParameterError(
                        f"{self.path}: there is another snapshot of {day}, with other content",
                        expected="one snapshot per day",
                        hint="funnelnb snapshot … --anew, or store.append(book, anew=True), puts this one in its place",
                    )
            kept = [one for one in entries if one["day"] != day]
            manifest["snapshots"] = sorted([*kept, made], key=lambda one: str(one["day"]))
            manifest.setdefault("playbooks", {})[name] = model
            self._files.commit(manifest)
            self._files.clear(manifest)
        self._books.pop(day, None)
        return Kept(
            day=day,
            state="added" if same_day is None else "replaced",
            deals_n=len(book),
            snapshots_n=len(manifest["snapshots"]),
        )

    def day_of(self, date: Any) -> str:
        """Return the day of the last snapshot up to `date`.

        Raises
        ------
        MissingDataError
            There is none.
        """
        wanted, dates = str(check.timestamp("date", date))[:10], self.dates
        before = [one for one in dates if one <= wanted]
        if before:
            return before[-1]
        if not dates:
            raise MissingDataError(
                f"{self.path}: the store holds no snapshot",
                expected="at least one dated export",
                hint=f"funnelnb snapshot EXPORT --store {self.path}",
            )
        raise MissingDataError(
            f"nothing is known of {wanted}: the first snapshot is of {dates[0]}",
            expected=f"a day from {dates[0]} to {dates[-1]} or later",
            hint=nearest(wanted, dates),
        )

    def at(self, date: Any) -> Book:
        """Return the book as it was known on a day: of the last snapshot up to then.

        Parameters
        ----------
        date : date or ISO text

        Returns
        -------
        Book
            Stage, amount, expected close, owner and probability of then; a note where the snapshot is older than the
            day asked for.

        Raises
        ------
        MissingDataError
            There is no snapshot up to then.
        """
        day = self.day_of(date)
        if day not in self._books:
            self._books[day] = self._book(day)
        book = self._books[day]
        wanted = str(check.timestamp("date", date))[:10]
        if wanted == day:
            return book
        days = int((np.datetime64(wanted) - np.datetime64(day)) / np.timedelta64(1, "D"))
        note = Note("snapshot_older", {"day": day, "asked": wanted, "days": days})
        made = replace(book, notes=(*book.notes, note))
        made.__dict__["ledger"] = book.ledger
        return made

    def _book(self, day: str) -> Book:
        manifest = self._files.manifest()
        try:
            return self._book_of(manifest, next(one for one in manifest["snapshots"] if one["day"] == day))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SourceError(
                f"{self.path}: the snapshot of {day} is not as it was written: {type(error).__name__}",
                expected="the manifest of a store of snapshots",
                hint="put it back from a backup; the other snapshots can still be read",
            ) from None

    def _book_of(self, manifest: dict[str, Any], entry: dict[str, Any]) -> Book:
        tables = {
            name: _typed(restored(self._files, one, name).to_pandas(), name)
            for name, one in entry["tables"].items()
        }
        since = entry["observed_from"]
        return Book(
            tables={name: tables[name] for name in sorted(tables, key=_rank)},
            playbook=playbook_of(manifest["playbooks"][entry["playbook"]]),
            as_of=np.datetime64(entry["as_of"], "s"),
            currency=entry["currency"],
            observed_from=np.datetime64(since, "s") if since else None,
            name=entry["name"],
            notes=tuple(Note(one["code"], one["values"]) for one in entry["notes"]),
            timezone=entry["timezone"],
            calendars={one["name"]: _calendar(one) for one in entry.get("calendars", ())},
            deal_url=entry.get("deal_url", ""),
        )


def _rank(name: str) -> tuple[int, str]:
    names = list(TABLES)
    return (names.index(name) if name in names else len(names), name)


def _about(book: Book) -> dict[str, Any]:
    """Return what a book knows beside its tables, as JSON can hold it."""
    notes = [{"code": one.code, "values": dict(one.values)} for one in book.notes if _can_be_kept(one)]
    return {
        "as_of": str(book.as_of),
        "currency": book.currency,
        "observed_from": "" if book.observed_from is None else str(book.observed_from),
        "name": book.name,
        "timezone": book.timezone,
        "stages": [[one.id, one.kind] for one in book.playbook.stages],
        "notes": notes,
        "calendars": [_calendar_facts(one) for _, one in sorted(book.calendars.items())],
        "deal_url": book.deal_url,
    }


def _calendar_facts(one: Calendar) -> dict[str, Any]:
    """Return a calendar as JSON can hold it."""
    days = {name: [str(day) for day in getattr(one, name)] for name in ("holidays", "workdays")}
    years = None if one.years is None else list(one.years)
    return {"name": one.name, "weekend": list(one.weekend), **days, "years": years}


def _calendar(facts: dict[str, Any]) -> Calendar:
    """Return the calendar that a manifest holds."""
    years = facts["years"]
    return Calendar(
        name=facts["name"], weekend=tuple(facts["weekend"]), holidays=tuple(facts["holidays"]),
        workdays=tuple(facts["workdays"]), years=None if years is None else (int(years[0]), int(years[1])),
    )  # fmt: skip


def _model(book: Book) -> tuple[dict[str, Any], str]:
    """Return the stage model as JSON can hold it, and the name under which the manifest holds it once for all days."""
    facts = {
        name: value for name, value in asdict(book.playbook).items() if name not in ("_positions", "path")
    }
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return facts, hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _can_be_kept(note: Note) -> bool:
    return all(isinstance(value, (str, int, float, bool)) for value in note.values.values())


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two entries hold the same data, whatever the file they were read from was called.

    What the settings say beside the data (calendars, the link to a deal) is compared where both entries know of it:
    stores of earlier versions did not keep it.
    """
    unknown = {"calendars", "deal_url"} - (set(one) & set(other))
    out = {"name", "notes", "playbook", *unknown}

    def core(entry: dict[str, Any]) -> str:
        facts = {key: value for key, value in entry.items() if key not in out}
        return json.dumps(facts, sort_keys=True)

    return core(one) == core(other)


def _typed(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return a stored table with the types of the contract."""
    kinds = {
        str(name): PANDAS_DTYPE[kind_of(table, str(name))] if table in TABLES else frame[name].dtype
        for name in frame
    }
    return frame.astype({name: kind for name, kind in kinds.items() if frame[name].dtype != kind})


def playbook_of(facts: dict[str, Any]) -> Playbook:
    """Return the stage model that a manifest holds."""

    def label(one: Any) -> Label | None:
        return None if one is None else Label(**one)

    def labels(many: Any) -> tuple[Any, ...]:
        return tuple(Label(**one) for one in many)

    def gates(many: Any) -> tuple[Gate, ...]:
        return tuple(Gate(**{**one, "label": Label(**one["label"])}) for one in many)

    def stage(one: dict[str, Any]) -> Stage:
        return Stage(**{
            **one,
            "label": Label(**one["label"]),
            **{name: label(one[name]) for name in ("state", "purpose", "warning", "next_step")},
            **{name: labels(one[name]) for name in ("goals", "channels", "features", "actions", "find_out")},
            "entry": gates(one["entry"]),
            "exit": gates(one["exit"]),
            "roles": tuple(one["roles"]),
            "aliases": tuple(one["aliases"]),
            "questions": tuple(
                Question(**{**asked, "label": Label(**asked["label"])}) for asked in one["questions"]
            ),
        })  # fmt: skip

    def named(kind: Any, many: Any) -> tuple[Any, ...]:
        return tuple(kind(**{name: _plain(name, value) for name, value in one.items()}) for one in many)

    return Playbook(
        id=facts["id"],
        label=Label(**facts["label"]),
        about=Label(**facts["about"]),
        source=facts["source"],
        stages=tuple(stage(one) for one in facts["stages"]),
        edges=named(Edge, facts["edges"]),
        endings=named(Ending, facts["endings"]),
        principles=labels(facts["principles"]),
        remedies=named(Remedy, facts["remedies"]),
        outlook=label(facts["outlook"]),
        cycle_months=tuple(facts["cycle_months"]),
        path="",
    )


def _plain(name: str, value: Any) -> Any:
    if name in ("label", "problem"):
        return Label(**value)
    return tuple(value) if isinstance(value, list) else value
