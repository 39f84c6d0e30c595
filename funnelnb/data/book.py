"""The book: validated tables, a playbook and an as-of date. Immutable; every analysis starts from one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypedDict

from funnelnb.core.display import renderer
from funnelnb.core.errors import MissingDataError, ParameterError, nearest
from funnelnb.core.note import Note
from funnelnb.data.contract import tables as contract
from funnelnb.data.parse.values import among
from funnelnb.playbooks.load import OWN_STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from funnelnb.data.contract.calendar import Calendar
    from funnelnb.data.ledger.ledger import Ledger
    from funnelnb.playbooks.model import Playbook


# ---- Is the content still the same? One hash over everything that a number can depend on -------------------

_FORMAT = b"funnelnb-book-1"


def fingerprint_of(book: Book) -> str:
    """What is the hash of a book's content?

    Parameters
    ----------
    book : Book
        Its `name` and `notes` do not count.

    Returns
    -------
    str
        32 hexadecimal digits over tables (values, column names, row order), stages, as-of date, currency,
        `observed_from`, time zone and calendars. Equal for equal content, whichever file or frame it came from.
    """
    digest = hashlib.blake2b(_FORMAT, digest_size=16)
    stages = (book.playbook.id, *book.playbook.stage_ids, book.playbook.won)
    facts = (*stages, book.as_of, book.currency, book.observed_from)
    digest.update(repr([str(fact) for fact in facts]).encode())
    for name, one in sorted(book.calendars.items()):
        digest.update(repr((name, one.weekend, one.holidays, one.workdays)).encode())
    digest.update(book.timezone.encode())
    digest.update(book.deal_url.encode())
    for name in sorted(book.tables):
        frame = book.tables[name]
        digest.update(f"\0{name}\0{len(frame)}".encode())
        for column in sorted(map(str, frame.columns)):
            digest.update(f"\0{column}\0{frame[column].dtype}\0".encode())
            _update(digest, frame[column])
    return digest.hexdigest()


def _update(digest: Any, values: pd.Series) -> None:
    """Feed one column to the digest, missing values in one form."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    if values.dtype == "str":
        array = pa.array(values.array, type=pa.large_string())
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        digest.update(np.ascontiguousarray(pc.is_null(array).to_numpy(zero_copy_only=False)))
        filled = pc.fill_null(array, "")
        _, offset_buffer, data = filled.buffers()
        offsets = np.frombuffer(offset_buffer, dtype="int64")[filled.offset : filled.offset + len(filled) + 1]
        digest.update(np.diff(offsets))
        if len(filled) and data is not None:
            digest.update(memoryview(data)[offsets[0] : offsets[-1]])
    elif pd.api.types.is_float_dtype(values.dtype):
        numbers = values.to_numpy(dtype="float64")
        digest.update(np.ascontiguousarray(np.where(np.isnan(numbers), np.nan, numbers + 0.0)))
    elif pd.api.types.is_datetime64_dtype(values.dtype):
        digest.update(np.ascontiguousarray(values.to_numpy().astype("datetime64[us]").view("int64")))
    else:
        digest.update(repr(values.astype("object").where(values.notna(), None).tolist()).encode())


# ---- The book: validated tables, a playbook and an as-of date. Immutable; every analysis starts from one ---


class BookFacts(TypedDict):
    """What a book holds, in a few counts: see :meth:`Book.describe`."""

    deal_n: int
    open_n: int
    won_n: int
    lost_n: int
    left_n: int
    won_amount: float
    first_created: str
    last_created: str
    as_of: str
    currency: str
    timezone: str
    playbook: str
    tables: dict[str, int]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Book:
    """Validated tables, a playbook and an as-of date.

    Attributes
    ----------
    tables : Mapping of str to DataFrame
        Canonical tables (see ``data/tables.py``), in memory as pandas, cut at the as-of date. Not to be
        changed.
    playbook : Playbook
    as_of : numpy.datetime64
        In seconds. Nothing after it influences any number. A plain date counts to the end of that day; where
        all times in the data are whole days it is that day's midnight, so that ages are whole days too.
    currency : str
        Currency of all amounts; empty where the data names none.
    observed_from : numpy.datetime64 or None
        Since when deals were recorded completely; deals that ended before are missing (late history). None:
        from the start.
    name : str
        What reports call the book (folder or file name, region after ``where``).
    notes : tuple of Note
        What loading found and did.
    timezone : str
        Time zone whose wall clock all times show; empty where none was asked for.
    calendars : Mapping of str to Calendar
        Business-day calendars of the settings, by name.
    deal_url : str
        Address of a deal in the CRM, with ``{opportunity_id}`` where its id belongs; empty: none is known.
    put_aside : Mapping of str to frozenset of str
        Code of a problem = deals of which loading takes a value for not known because of it.
    """

    tables: Mapping[str, pd.DataFrame]
    playbook: Playbook
    as_of: np.datetime64
    currency: str = ""
    observed_from: np.datetime64 | None = None
    name: str = ""
    notes: tuple[Note, ...] = ()
    timezone: str = ""
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    deal_url: str = ""
    put_aside: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", MappingProxyType(dict(self.tables)))
        object.__setattr__(self, "calendars", MappingProxyType(dict(self.calendars)))

    def __repr__(self) -> str:
        facts = self.describe()
        parts = {
            "open": facts["open_n"],
            "won": facts["won_n"],
            "lost": facts["lost_n"],
            "left": facts["left_n"],
        }
        counts = ", ".join(f"{n} {name}" for name, n in parts.items())
        return f"<Book {self.name!r}: {facts['deal_n']} deals ({counts}) as of {facts['as_of']}>"

    def __len__(self) -> int:
        return len(self.opportunities)

    def __bool__(self) -> bool:
        return True  # a book without deals is a book

    def _repr_html_(self) -> str:
        return renderer().book(self)

    def head(self, n: int = 5) -> pd.DataFrame:
        """Return the first `n` deals, as their table holds them.

        Examples
        --------
        >>> from funnelnb.data.load import sample
        >>> len(sample()), len(sample().head(3))
        (4000, 3)
        """
        return self.opportunities.head(n)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "tables": dict(self.tables), "calendars": dict(self.calendars)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        views = {name: MappingProxyType(state[name]) for name in ("tables", "calendars")}
        self.__dict__.update(state | views)

    @property
    def opportunities(self) -> pd.DataFrame:
        """The deals, one row each."""
        return self.tables["opportunities"]

    @property
    def attributes(self) -> tuple[str, ...]:
        """Columns by which deals can be grouped."""
        return contract.attributes(self.opportunities)

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the book.

        Raises
        ------
        MissingDataError
            If the book does not hold it.
        """
        if name not in self.tables:
            columns = ", ".join(contract.column_names(name)) if name in contract.TABLES else ""
            raise MissingDataError(
                f"the data has no table {name!r}",
                expected=f"a table {name} with the columns {columns}"
                if columns
                else "a table of the contract",
                hint=nearest(name, self.tables),
            )
        return self.tables[name]

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of the book, built on first use."""
        from funnelnb.data.ledger.build import ledger_of

        return ledger_of(self)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the content, for knowing whether finished work is still good; taken on first use."""
        return fingerprint_of(self)

    @property
    def whole(self) -> Book:
        """The book that this one is a part of: what an export leaves out shows in the whole."""
        found: Book = self.__dict__.get("_whole", self)
        return found

    def where(self, **conditions: Any) -> Book:
        """Which part of the book has these values?

        Parameters
        ----------
        **conditions : str or list of str
            Column of ``opportunities`` = value, or any of several values. None or ``""`` selects deals
            without a value.

        Returns
        -------
        Book
            The same as-of date and playbook, fewer deals. Named after the values.

        Raises
        ------
        ParameterError
            If a column or value does not exist; the hint names the nearest.

        Examples
        --------
        >>> from funnelnb.data.load import sample
        >>> sample().where(region="DACH")
        <Book 'DACH': 697 deals (89 open, 181 won, 390 lost, 37 left) as of 2026-06-30>
        """
        deals = self.opportunities
        keep = deals["opportunity_id"].notna()
        said = []
        for name, wanted in conditions.items():
            several = isinstance(wanted, Iterable) and not isinstance(wanted, str)
            values = list(wanted) if several else [wanted if wanted is None else str(wanted)]
            keep &= _match(deals, name, values)
            said.append("+".join(str(value or "?") for value in values))
        return self._part(keep, name=" ".join(said) or self.name)

    def in_pipeline(self, name: str) -> Book:
        """Which deals are in one pipeline, and through which stages do they go?

        Parameters
        ----------
        name : str
            Value of the column ``pipeline``.

        Returns
        -------
        Book
            As :meth:`where`; where the stage model is a plain list of stages, it is cut to those in which a deal of the
            pipeline is or was, and a note says so. A stage model with criteria of its own stays whole.

        Raises
        ------
        ParameterError
            The deals name no pipeline, or not this one.

        Examples
        --------
        >>> import pandas as pd
        >>> from funnelnb.data.load import load
        >>> deals = pd.DataFrame({"opportunity_id": ["a", "b"], "stage": ["demo", "renewal"],
        ...                       "created_at": "2026-01-05", "pipeline": ["Sales", "Renewals"]})
        >>> load(deals, playbook=["demo", "renewal", "won"]).in_pipeline("Sales").playbook.stage_ids
        ('demo', 'won')
        """
        part = self.where(pipeline=name)
        if self.playbook.id != OWN_STAGES:
            return part
        seen = set(part.opportunities["stage"].dropna()) if "stage" in part.opportunities else set()
        seen |= set(part.tables["stage_history"]["stage"]) if "stage_history" in part.tables else set()
        kept = tuple(one for one in self.playbook.stages if one.id in seen or one.kind == "won")
        if not any(one.kind == "working" for one in kept) or len(kept) == len(self.playbook.stages):
            return part
        told = [one for one in self.notes if one.code != "several_pipelines"]
        told.append(
            Note("pipeline_stages", {"name": name, "stages": " → ".join(one.label.en for one in kept)})
        )
        made = replace(part, playbook=replace(self.playbook, stages=kept), notes=tuple(told))
        made.__dict__["_whole"] = self.whole
        return made

    def split(self, by: str) -> dict[str, Book]:
        """Which books result from dividing the deals by one column?

        Parameters
        ----------
        by : str
            Column of ``opportunities``.

        Returns
        -------
        dict of str to Book
            Sorted by value; deals without a value under ``""``. The parts add up to the whole.

        Raises
        ------
        ParameterError
            If there is no such column.
        """
        values = _texts(self.opportunities, by)
        return {str(value): self._part(values == value, name=str(value)) for value in sorted(values.unique())}

    def some(self, keep: NDArray[np.bool_], *, name: str | None = None) -> Book:
        """Which book do these deals make?

        Parameters
        ----------
        keep : ndarray of bool, shape (deal_n,)
            Deals of the ledger to keep, in its order.
        name : str
            What reports call it; empty: as this book.

        Returns
        -------
        Book
            Its ledger is the part of this one: no stay is built anew.
        """
        import pandas as pd

        ids = pd.Series(self.ledger.deal_ids[keep], dtype="str")
        made = self._part(among(self.opportunities["opportunity_id"], ids), name=name or self.name)
        made.__dict__["ledger"] = self.ledger.restrict(keep)
        return made

    def describe(self) -> BookFacts:
        """What does the book hold, in a few counts?

        Returns
        -------
        dict
            ``deal_n``, ``open_n``, ``won_n``, ``lost_n``, ``left_n``, ``won_amount``, ``first_created``,
            ``last_created``, ``as_of`` (ISO dates, empty if unknown), ``currency``, ``timezone``,
            ``playbook``, ``tables`` (rows per table).
        """
        deals = self.opportunities
        counts = deals["outcome"].value_counts().to_dict()
        lost = sum(n for name, n in counts.items() if str(name).startswith("lost"))
        created = deals["created_at"].dropna() if "created_at" in deals else deals["opportunity_id"].iloc[:0]
        won_amount = (
            deals.loc[deals["outcome"] == "won", "amount"].sum() if "amount" in deals else float("nan")
        )
        return {
            "deal_n": len(deals),
            "open_n": counts.get("open", 0),
            "won_n": counts.get("won", 0),
            "lost_n": lost,
            "left_n": counts.get("left", 0),
            "won_amount": float(won_amount),
            "first_created": str(created.min())[:10] if len(created) else "",
            "last_created": str(created.max())[:10] if len(created) else "",
            "as_of": str(self.as_of)[:10],
            "currency": self.currency,
            "timezone": self.timezone,
            "playbook": self.playbook.id,
            "tables": {name: len(frame) for name, frame in self.tables.items()},
        }

    def _part(self, keep: pd.Series, *, name: str) -> Book:
        """Return the book of the deals that `keep` marks."""
        deals = self.opportunities[keep.to_numpy(dtype=bool)].reset_index(drop=True)
        parts = {"opportunities": deals}
        for table, frame in self.tables.items():
            if table != "opportunities":
                parts[table] = _related(frame, deals)
        made = replace(self, tables=parts, name=name)
        made.__dict__["_whole"] = self.whole
        return made


def _texts(deals: pd.DataFrame, name: str) -> pd.Series:
    """Return a column's values with ``""`` for missing, or raise ParameterError with the nearest name."""
    texts = [str(column) for column, dtype in deals.dtypes.items() if dtype == "str"]
    if name not in texts:
        raise ParameterError(
            f"there is no column {name!r} in the deals",
            expected="one of " + ", ".join(texts),
            hint=nearest(name, texts),
        )
    return deals[name].fillna("")


def _match(deals: pd.DataFrame, name: str, wanted: list[Any]) -> pd.Series:
    values = _texts(deals, name)
    known = set(values.unique())
    for value in wanted:
        if ("" if value is None else str(value)) not in known:
            raise ParameterError(
                f"{name} = {value!r}: no deal has it",
                expected="one of " + ", ".join(sorted(known)[:20]) + (" …" if len(known) > 20 else ""),
                hint=nearest(str(value), sorted(known)),
            )
    return values.isin(["" if value is None else str(value) for value in wanted])


def _related(frame: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of another table that belong to `deals`: by deal, else by account, else all."""
    for key in ("opportunity_id", "account_id"):
        if key in frame and key in deals:
            mine = among(frame[key], deals[key])
            if key == "opportunity_id" and "account_id" in frame and "account_id" in deals:
                mine |= frame[key].isna() & among(frame["account_id"], deals["account_id"])
            return frame[mine].reset_index(drop=True)
    shared = [key for key in ("region", "team", "owner") if key in frame and key in deals]
    if not shared:
        return frame
    keep = frame[shared[0]].notna() | frame[shared[0]].isna()
    for key in shared:
        keep &= frame[key].isna() | among(frame[key], deals[key])
    return frame[keep].reset_index(drop=True)
