"""From whatever came to a book: find the tables, map, clean, check, cut at the as-of date. And the sample company."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import DataProblems, MappingError, ParameterError
from funnelnb.core.resources import sample_folder
from funnelnb.data.book import Book
from funnelnb.data.clean.as_of import as_of_instant, cut, observed_since
from funnelnb.data.clean.convert import Table, drop_non_data, ordered, read_table
from funnelnb.data.clean.deals import (
    close_from_history,
    end_close_days,
    end_from_history,
    settle_deals,
    settle_history,
    wide_history,
)
from funnelnb.data.clean.join import JoinReport, join_all
from funnelnb.data.clean.validate import (
    check_contract,
    check_deals,
    check_history,
    missing_columns,
    settle_currency,
)
from funnelnb.data.contract.clock import zone_of
from funnelnb.data.contract.problems import Findings
from funnelnb.data.contract.settings import ROW_NUMBER
from funnelnb.data.contract.tables import TABLES
from funnelnb.data.recognise.columns import Preset, find_columns, preset_named, recognise
from funnelnb.data.recognise.sources import Sources, gather
from funnelnb.data.recognise.vocabulary import Vocabulary
from funnelnb.playbooks import Playbook, load_playbook, playbook_from_stages

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

    import numpy as np

    from funnelnb.data.contract.settings import Settings
    from funnelnb.data.read.raw import Raw


# ---- From whatever came to a book: find the tables, map, clean, check, cut at the as-of date ---------------

PLAIN, TELLING = "plain", 2
"""Beside the contract's own names, a CRM is believed in if it explains so many more columns."""


def load(
    source: Any,
    *,
    mapping: str | Path | Mapping[str, Any] | Settings | None = None,
    playbook: str | Path | Playbook | list[str] | None = None,
    as_of: str | datetime.date | np.datetime64 | None = None,
    observed_from: str | datetime.date | np.datetime64 | None = None,
    currency: str | None = None,
    timezone: str | None = None,
    tables: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Book:
    """What do these data hold, as a validated book?

    Parameters
    ----------
    source : path, frame or dict
        A folder (files named like the tables of the contract, and perhaps a ``funnelnb.toml``), a file (CSV,
        TSV, Excel, Parquet, DuckDB), a frame (pandas, Polars, PyArrow, DuckDB relation, PySpark), or a dict
        of table name = any of these.
    mapping : path, dict or Settings, optional
        Settings file or the same as a dict; instead of the ``funnelnb.toml`` beside the data.
    playbook : str, path, Playbook or list of str, optional
        Id of a built-in playbook, a playbook file, or the stages in order. Wins over the settings.
    as_of : str or date, optional
        Nothing later counts; a plain date counts to its end. Default: the day of the last recorded event.
    observed_from : str or date, optional
        Since when deals were recorded completely; not later than the as-of date.
    currency : str, optional
        Currency of all amounts, such as ``"EUR"``.
    timezone : str, optional
        Zone such as ``"Asia/Shanghai"`` on whose wall clock all times are told: moments with an offset or zone
        are converted to it, times without are taken as they stand. Wins over the settings; where neither
        says, moments are told in UTC.
    tables : dict, optional
        More tables of the contract, or files to join.
    name : str, optional
        What reports call the book. Default: name of the folder or file.

    Returns
    -------
    Book

    Raises
    ------
    SourceError
        A file is missing, empty, or not what its name says.
    MappingError, PlaybookError
        The settings or the playbook cannot be used.
    ParameterError
        `as_of` or `observed_from` is no date, or one that leaves no deal to be seen.
    MissingDataError
        The data hold no date at all, and no `as_of` is given.
    DataProblems
        The data break the contract: all problems at once, each with file, row, value and remedy.

    Examples
    --------
    >>> import pandas as pd
    >>> deals = pd.DataFrame({"opportunity_id": ["a", "b"], "stage": ["offer", "won"],
    ...                       "created_at": ["2026-01-05", "2026-01-07"], "closed_at": ["", "2026-02-01"]})
    >>> load(deals, playbook=["lead", "offer", "won"], name="demo")
    <Book 'demo': 2 deals (1 open, 1 won, 0 lost, 0 left) as of 2026-02-01>
    """
    sources = gather(source, mapping, tables)
    draft = Draft(sources, playbook, currency, timezone)
    draft.read()
    return draft.book(as_of=as_of, observed_from=observed_from, name=name)


class Draft:
    """A book in the making: raw tables, what was found in them, and the typed tables.

    Parameters
    ----------
    sources : Sources
    playbook : as for :func:`load`
    currency, timezone : as for :func:`load`
    """

    def __init__(
        self,
        sources: Sources,
        playbook: Any = None,
        currency: str | None = None,
        timezone: str | None = None,
    ) -> None:
        settings = sources.settings
        if timezone is not None:
            settings = replace(settings, timezone=zone_of("timezone", timezone))
        if currency is not None:
            settings = replace(settings, currency=currency)
        self.sources = sources
        self.settings = settings
        self.findings = Findings(settings)
        self.tables: dict[str, Table] = {}
        self.joins: list[JoinReport] = []
        self.currency = ""
        self.preset = self._preset()
        self.playbook = _playbook(settings.playbook if playbook is None else playbook, sources)
        self.words = Vocabulary(self.playbook, settings, self.preset)

    def _preset(self) -> Preset | None:
        """Return the CRM's preset: named by the settings, or recognised where the headers are not ours."""
        if self.settings.crm:
            return preset_named(self.settings.crm)
        deals = self.sources.raws["opportunities"]
        own = find_columns("opportunities", deals, self.settings, None)
        preset = recognise(deals.columns)
        complete = "opportunity_id" in own and bool({"stage", "outcome"} & set(own))
        if preset is None or (complete and preset.id == PLAIN):
            return None
        more = len(find_columns("opportunities", deals, self.settings, preset)) - len(own)
        if complete and more < TELLING:
            return None
        self.findings.note("crm_recognised", crm=preset.label, file=deals.file)
        return preset

    def read(self) -> None:
        """Read, settle and check all tables; problems end up in the findings.

        Raises
        ------
        DataProblems
            If any problem stops the loading.
        """
        for name, raw in self.sources.raws.items():
            drop_non_data(raw, self.settings.table(name), self.findings)
            columns = find_columns(name, raw, self.settings, self.preset)
            self._note_ids(name, raw, columns)
            table = read_table(name, raw, columns, self.settings, self.findings)
            self.joins += join_all(table, raw, self.sources, self.settings, self.findings)
            self.tables[name] = table
        incomplete = [name for name, table in self.tables.items() if missing_columns(table, self.findings)]
        if incomplete:
            raise DataProblems(self.findings.problems)
        self._settle()
        for table in self.tables.values():
            check_contract(table, self.playbook.stage_ids, self.findings)
        deals = self.tables["opportunities"]
        check_deals(deals, self.findings)
        if "stage_history" in self.tables:
            check_history(self.tables["stage_history"], deals, self.findings)
        if deals.frame.empty and not self.findings.problems:
            self.findings.add("nothing_left", file=deals.file)
        self.findings.stop_if_any()

    def _note_ids(self, name: str, raw: Raw, columns: Mapping[str, str]) -> None:
        """Say so if deals are told apart by their name or row."""
        source = columns.get("opportunity_id", "")
        if name != "opportunities" or not source:
            return
        if source == ROW_NUMBER:
            self.findings.note("ids_from_rows", file=raw.file)
        elif source.endswith(("名称", "name", "Name")):
            self.findings.note("id_from_name", file=raw.file, column=source)

    def _settle(self) -> None:
        """Bring stages, outcomes, ends and currency into the contract's words."""
        import pandas as pd

        deals = self.tables["opportunities"]
        raw = self.sources.raws["opportunities"]
        wide = wide_history(raw, deals, self.settings, self.words, self.findings)
        given = self.tables.get("stage_history")
        for name in ("stage_history", "gates"):
            if name in self.tables:
                settle_history(self.tables[name], self.words, self.findings)
        if wide is not None and given is not None:
            given.frame = pd.concat([given.frame, wide.frame])
        elif wide is not None:
            self.tables["stage_history"] = wide
        settle_deals(deals, self.words, self.findings)
        history = self.tables.get("stage_history")
        end_close_days(deals, history, self.findings)
        close_from_history(deals, history, self.playbook.stage_ids[self.playbook.won], self.findings)
        self.currency = settle_currency(deals, sorted(deals.currencies), self.findings)

    def book(self, *, as_of: Any = None, observed_from: Any = None, name: str | None = None) -> Book:
        """Return the book as of a date."""
        frames = {one: table.frame for one, table in self.tables.items()}
        instant, until = as_of_instant(
            as_of if as_of is not None else self.settings.as_of or None, frames, self.settings.timezone
        )
        since = observed_from if observed_from is not None else self.settings.observed_from or None
        frames = cut(frames, until, self.playbook.stage_ids, self.findings)
        if frames["opportunities"].empty:
            raise ParameterError(
                f"as_of = {str(instant)[:10]}: no deal is known to have begun by then",
                expected="a day on which there were deals",
                hint="leave as_of out for the day of the last recorded event",
            )
        frames["opportunities"] = end_from_history(
            frames["opportunities"], frames.get("stage_history"),
            self.playbook.stage_ids, self.playbook.won, self.findings,
        )  # fmt: skip
        frames = {one: ordered(frames[one], one).reset_index(drop=True) for one in TABLES if one in frames}
        return Book(
            tables=frames,
            playbook=self.playbook,
            as_of=instant,
            currency=self.currency,
            observed_from=observed_since(since, instant, self.settings.timezone),
            name=self.sources.name if name is None else name,
            notes=tuple(self.findings.notes),
            timezone=self.settings.timezone,
            calendars=self.settings.calendars,
        )


def _playbook(wanted: Any, sources: Sources) -> Playbook:
    """Return the playbook that is wanted: itself, by id or path, or by its stages."""
    shown = sources.settings.shown
    if isinstance(wanted, Playbook):
        return wanted
    if isinstance(wanted, (list, tuple)):
        return playbook_from_stages(list(wanted))
    if isinstance(wanted, dict):
        return playbook_from_stages(list(wanted.get("stages", [])), path=f"{shown}, key 'playbook'")
    if wanted is None:
        raise MappingError(
            "no playbook is named",
            expected='playbook = "id", a path, or the stages in order, such as ["lead", "offer", "won"]',
            hint="say playbook= in load, or playbook = … in the settings",
        )
    if isinstance(wanted, str) and sources.settings.path and wanted.endswith(".toml"):
        beside = Path(sources.settings.path).parent / wanted
        return load_playbook(beside if beside.exists() else wanted)
    return load_playbook(wanted)


# ---- The sample company, as a book -------------------------------------------------------------------------


def sample(**options: Any) -> Book:
    """What does a book look like, when I have no CRM export at hand?

    Parameters
    ----------
    **options
        Those of :func:`funnelnb.load`, such as ``as_of="2025-12-31"``.

    Returns
    -------
    Book
        The sample company: generated, described in ``data/sample/README.md``.

    Examples
    --------
    >>> sample().playbook.id
    'seven_step'
    """
    return load(sample_folder(), name="sample", **options)
