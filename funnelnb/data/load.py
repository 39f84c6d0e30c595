"""From whatever came to a book: find the tables, map, clean, check, cut at the as-of date. And the sample company."""

from __future__ import annotations

import copy
import datetime as dt
import functools
from dataclasses import replace
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from funnelnb.core import check
from funnelnb.core.errors import Advice, DataProblems, MappingError, ParameterError
from funnelnb.core.resources import sample_folder
from funnelnb.data.book import Book
from funnelnb.data.clean.as_of import as_of_instant, check_quiet, cut, observed_since
from funnelnb.data.clean.convert import Table, drop_non_data, ordered, read_table
from funnelnb.data.clean.customer_columns import customer_rows, with_customers
from funnelnb.data.clean.deals import (
    close_from_history,
    end_close_days,
    end_from_history,
    settle_deals,
    settle_history,
    wide_history,
    with_first_stages,
)
from funnelnb.data.clean.join import JoinReport, join_all
from funnelnb.data.clean.prepare import by_rule, prepare
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
from funnelnb.data.contract.whole import all_of
from funnelnb.data.parse.values import among, as_text
from funnelnb.data.recognise.columns import PLAIN, Preset, find_columns, preset_named, recognise
from funnelnb.data.recognise.merge import merged
from funnelnb.data.recognise.pipelines import in_pipeline
from funnelnb.data.recognise.profile import instructions
from funnelnb.data.recognise.proposal import Proposal, refuse_unsure, withdraw_unsure
from funnelnb.data.recognise.propose import propose
from funnelnb.data.recognise.sources import Sources, gather
from funnelnb.data.recognise.vocabulary import Vocabulary
from funnelnb.playbooks import Playbook, load_playbook, playbook_from_stages

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from funnelnb.core.check import Day
    from funnelnb.data.contract.settings import Settings
    from funnelnb.data.contract.whole import Whole
    from funnelnb.data.read.raw import Raw


# ---- From whatever came to a book: find the tables, map, clean, check, cut at the as-of date ---------------


class LoadOptions(TypedDict, total=False):
    """What :func:`load` takes beside the source."""

    mapping: str | Path | Mapping[str, Any] | Settings | Proposal | None
    playbook: str | Path | Playbook | list[str] | None
    as_of: Day | None
    observed_from: Day | None
    currency: str | None
    timezone: str | None
    tables: Mapping[str, Any] | None


@check.named
def load(
    source: Any,
    *,
    mapping: str | Path | Mapping[str, Any] | Settings | Proposal | None = None,
    playbook: str | Path | Playbook | list[str] | None = None,
    as_of: Day | None = None,
    observed_from: Day | None = None,
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
    mapping : path, dict, Settings or Proposal, optional
        Settings file or the same as a dict; instead of the ``funnelnb.toml`` beside the data. What
        :func:`propose` returned: everything it proposes is agreed to. What the settings do not say is recognised.
    playbook : str, path, Playbook or list of str, optional
        Id of a built-in playbook, a playbook file, or the stages in order. Wins over the settings.
    as_of : str or date, optional
        Nothing later counts; a plain date counts to its end. Default: the day of the last recorded event.
    observed_from : str or date, optional
        Since when deals were recorded completely; not later than the day of the data.
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
    told = []
    if isinstance(mapping, Proposal):
        told, mapping = mapping.notes, merged(mapping.said, mapping.document, accepted=True)
    sources = gather(source, mapping, tables)
    draft = Draft(sources, playbook, currency, timezone)
    draft.findings.notes += [one for one in told if one not in draft.findings.notes]
    draft.read()
    return draft.book(as_of=as_of, observed_from=observed_from, name=name)


class Draft:
    """A book in the making: raw tables, what was found in them, and the typed tables.

    Parameters
    ----------
    sources : Sources
    playbook : as for :func:`load`
    currency, timezone : as for :func:`load`
    accept : bool
        Whether the user agrees to everything that is proposed.
    ask : bool
        Whether what can be read in two ways stops the loading; else the proposal keeps the questions.
    """

    customers: Mapping[str, pd.DataFrame]
    """What columns of the deals say of their customers, a row for each deal."""

    def __init__(
        self,
        sources: Sources,
        playbook: Any = None,
        currency: str | None = None,
        timezone: str | None = None,
        *,
        accept: bool = False,
        ask: bool = True,
    ) -> None:
        settings = sources.settings
        if timezone is not None:
            settings = replace(settings, timezone=zone_of("timezone", timezone))
        if currency is not None:
            settings = replace(settings, currency=currency)
        self.sources = sources
        wanted = settings.playbook if playbook is None else playbook
        model = None if wanted is None else playbook_of(wanted, settings)
        self.preset = self._preset(settings)
        self.proposal = self._propose(settings, model)
        if self.proposal is not None and not accept:
            withdraw_unsure(self.proposal)
        self.settings = (
            settings if self.proposal is None else merged(settings, self.proposal.document, accepted=accept)
        )
        self.findings = Findings(self.settings)
        if self.proposal is not None:
            self.findings.notes += self.proposal.notes
            if self.preset is not None:
                self.findings.note(
                    "crm_recognised", crm=self.preset.label, file=self.raws["opportunities"].file
                )
            if ask and not accept:
                refuse_unsure(self.proposal, self.sources.name, model_known=model is not None)
        self.first = True
        self.tables: dict[str, Table] = {}
        self.joins: list[JoinReport] = []
        self.currency = ""
        self.playbook = model if model is not None else playbook_of(self.settings.playbook, settings)
        self.words = Vocabulary(self.playbook, self.settings, self.preset)

    def _preset(self, settings: Settings) -> Preset | None:
        """Return the CRM's preset: named by the settings, or recognised where the headers are not ours."""
        if settings.crm:
            return preset_named(settings.crm)
        known = [one for one in self.sources.sheets if one.kind == "opportunities"]
        if not known:
            return None
        found = recognise(max(known, key=lambda one: one.score).raw.columns)
        return None if found is None or found.id == PLAIN else found

    def _propose(self, settings: Settings, model: Playbook | None) -> Proposal | None:
        """Recognise what the settings do not say; the raw tables are those of the proposal."""
        self.raws = dict(self.sources.raws)
        if not self.sources.guessing:
            if settings.pipeline:
                raise MappingError(
                    f'{settings.shown}, pipeline = {settings.pipeline!r} beside crm = "none"',
                    expected="a pipeline only where columns are recognised",
                    hint='say only = { "Pipeline" = "…" } under [tables.opportunities]',
                )
            return None
        found = propose(
            self.sources.sheets, settings, model, self.preset.label if self.preset is not None else ""
        )
        if found.deals is not None:
            self.raws["opportunities"] = found.deals.raw
        if found.history is not None:
            self.raws["stage_history"] = found.history.raw
        for sheet in self.sources.sheets:
            if sheet.kind != "accounts" and self.raws.get("accounts") is sheet.raw:
                del self.raws["accounts"]
            if sheet.kind == "accounts" and "accounts" not in self.raws:
                self.raws["accounts"] = sheet.raw
        for name in [
            one for one in self.raws if one != "opportunities" and not self._understood(one, settings)
        ]:
            found.note("table_not_read", file=self.raws.pop(name).file, table=name)
        self.raws = {name: replace(raw, notes=list(raw.notes)) for name, raw in self.raws.items()}
        return found

    def _understood(self, name: str, settings: Settings) -> bool:
        """Whether the needed columns of a table that only its name tells are there; what settings name stays."""
        if name in settings.tables:
            return True
        raw = self.raws[name]
        sheet = next((one for one in self.sources.sheets if one.raw is raw), None)
        if name == "stage_history" and sheet is not None and sheet.log:
            return True
        if name == "accounts" and sheet is not None and sheet.kind == "accounts":
            return True
        columns = find_columns(name, raw, settings, self.preset)
        return all(one.name in columns for one in TABLES[name] if one.required)

    def read(self) -> None:
        """Read, settle and check all tables; problems end up in the findings.

        Raises
        ------
        DataProblems
            If any problem stops the loading.
        """
        for name, raw in self.raws.items():
            drop_non_data(raw, self.settings.table(name), self.findings, first=self.first)
            said = prepare(name, raw, self.settings, self.findings)
            columns = find_columns(name, raw, self.settings, self.preset, said)
            self._note_ids(name, raw, columns)
            table = read_table(name, raw, columns, self.settings, self.findings)
            self.joins += join_all(table, raw, self.sources, self.settings, self.findings)
            if name == "opportunities":
                table.ruled = by_rule(raw, table.frame, self.settings)
            self.tables[name] = table
        incomplete = [
            name
            for name, table in self.tables.items()
            if missing_columns(table, self.findings, told=self._outcome_elsewhere())
        ]
        if incomplete:
            raise DataProblems(self.findings.problems)
        self._settle()
        for table in self.tables.values():
            check_contract(table, self.playbook.stage_ids, self.findings)
        deals = self.tables["opportunities"]
        check_deals(deals, self.findings)
        if "stage_history" in self.tables:
            check_history(self.tables["stage_history"], deals, self.findings)
        empty = self.findings.over_all("nothing left", deals.frame.empty, all_of)
        if empty and not self.findings.problems:
            self.findings.add("nothing_left", file=deals.file)
        self.findings.stop_if_any()

    def _outcome_elsewhere(self) -> bool:
        """Whether something else than a column of the deals tells stage or outcome."""
        own = self.settings.table("opportunities")
        return "stage_history" in self.raws or bool(own.stage_dates or own.won_when or own.lost_when)

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
        raw = self.raws["opportunities"]
        wide = wide_history(raw, deals, self.settings, self.words, self.findings)
        given = self.tables.get("stage_history")
        if given is not None:
            with_first_stages(given, deals)
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
        self.customers = customer_rows(raw, deals, self.settings, self.findings)

    def book(
        self, *, as_of: Day | None = None, observed_from: Day | None = None, name: str | None = None
    ) -> Book:
        """Return the book as of a date."""
        frames = {one: table.frame for one, table in self.tables.items()}
        instant, until = as_of_instant(
            as_of if as_of is not None else self.settings.as_of or None, frames, self.settings.timezone
        )
        wanted = as_of if as_of is not None else self.settings.as_of or None
        check_quiet(wanted, until, frames, self.settings.as_of_reason, self.findings)
        since = observed_from if observed_from is not None else self.settings.observed_from or None
        frames = self.tables_until(until)
        if frames["opportunities"].empty:
            raise no_deal_by(instant)
        frames = {name: frame.reset_index(drop=True) for name, frame in frames.items()}
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
            deal_url=self.settings.deal_url,
            put_aside=self.findings.put_aside,
        )

    def tables_until(self, until: np.datetime64) -> dict[str, pd.DataFrame]:
        """Return the tables as they were known up to a second, in the contract's order of columns."""
        frames = {one: table.frame for one, table in self.tables.items()}
        frames = cut(frames, until, self.playbook.stage_ids, self.findings)
        frames["opportunities"] = end_from_history(
            frames["opportunities"], frames.get("stage_history"),
            self.playbook.stage_ids, self.playbook.won, self.findings,
        )  # fmt: skip
        frames = with_customers(frames, self.customers, self.findings)
        return {one: ordered(frames[one], one) for one in TABLES if one in frames}

    def part(self, raw: Raw, whole: Whole, *, first: bool, others: Mapping[str, Raw] | None = None) -> Draft:
        """Return a draft of a part of the deals, read as this one is and as all parts say together.

        Parameters
        ----------
        raw : Raw
            Rows of the deals.
        others : Mapping of str to Raw, optional
            Rows of other tables that belong to them; None: all tables are read from `raw`.
        whole : Whole
        first : bool
            Whether its rows begin right below the header.
        """
        one = copy.copy(self)
        one.findings = Findings(self.settings, whole=whole)
        one.tables, one.customers, one.joins, one.first = {}, {}, [], first
        told = instructions(raw.frame) if first and self.sources.guessing else ""
        if told:
            one.findings.note(
                "instruction_row_dropped", file=raw.file, row=int(raw.frame.index[0]), value=told[:40]
            )
            raw = replace(raw, frame=raw.frame.iloc[1:])
        wanted, deals = self.settings.pipeline, None if self.proposal is None else self.proposal.deals
        if wanted and deals is not None:
            keep, meant = in_pipeline(as_text(raw.frame[deals.columns.source("pipeline")]), wanted)
            one.findings.note("pipeline_chosen", name=", ".join(meant), n=int(keep.sum()), of_n=len(keep))
            others = None if others is None else _without(others, raw, ~keep, self.proposal)
            raw = replace(raw, frame=raw.frame[keep])
        one.raws = dict.fromkeys(self.raws, raw) if others is None else {**others, "opportunities": raw}
        one.raws = {name: replace(of, ragged=list(of.ragged)) for name, of in one.raws.items()}
        return one


def _without(others: Mapping[str, Raw], deals: Raw, gone: pd.Series, found: Any) -> dict[str, Raw]:
    """Return the tables without the history of deals that are not read."""
    at, history = found.deals.columns.source("opportunity_id"), others.get("stage_history")
    if history is None or found.history is None or at not in deals.frame:
        return dict(others)
    keys = as_text(history.frame[found.history.log["opportunity_id"]], blanks=False)
    mine = among(keys, as_text(deals.frame[at], blanks=False)[gone])
    return {**others, "stage_history": replace(history, frame=history.frame[~mine])}


def no_deal_by(instant: np.datetime64) -> ParameterError:
    """Return the error of an as-of date before all deals."""
    return ParameterError(
        f"as_of = {str(instant)[:10]}: no deal is known to have begun by then",
        expected="a day on which there were deals",
        hint=Advice(
            "leave as_of out: it is then the day of the last event",
            typed="leave --as-of out: it is then the day of the last event",
        ),
    )


def playbook_of(wanted: Any, settings: Settings) -> Playbook:
    """Return the playbook that is wanted: itself, by id or path, or by its stages."""
    shown = settings.shown
    if isinstance(wanted, Playbook):
        return wanted
    if isinstance(wanted, (list, tuple)):
        return playbook_from_stages(list(wanted))
    if isinstance(wanted, dict):
        return playbook_from_stages(list(wanted.get("stages", [])), path=f"{shown}, key 'playbook'")
    if wanted is None:
        raise MappingError(
            "no stage model is named",
            expected='playbook = "id", a path, or the stages in order, such as ["lead", "offer", "won"]',
            hint=Advice(
                'playbook="seven_step" in fn.load, or in funnelnb.toml: playbook = "seven_step"',
                typed="--playbook seven_step (all ids: funnelnb playbooks)",
            ),
        )
    if isinstance(wanted, str) and settings.path and wanted.endswith(".toml"):
        beside = Path(settings.path).parent / wanted
        return load_playbook(beside if beside.exists() else wanted)
    return load_playbook(wanted)


# ---- The sample company, as a book -------------------------------------------------------------------------


def sample(**options: Unpack[LoadOptions]) -> Book:
    """What does a book look like, when I have no CRM export at hand?

    Parameters
    ----------
    **options
        Those of :func:`funnelnb.load`, such as ``as_of="2025-12-31"``.

    Returns
    -------
    Book
        The sample company: generated, described in ``data/sample/README.md``. Its files are read once; each
        call gives a book of its own, so that what one does with its tables changes no other.

    Examples
    --------
    >>> sample().playbook.id
    'seven_step'
    """
    folder = sample_folder()
    plain = set(options) <= _PLAIN and all(
        isinstance(one, (str, dt.date, NoneType)) for one in options.values()
    )
    if not plain:
        return load(folder, name="sample", **options)
    stamp = max(one.stat().st_mtime_ns for one in (folder, *folder.iterdir()))
    found = _sample_read(folder, stamp, tuple(sorted(options.items())))
    return replace(found, tables={name: one.copy(deep=False) for name, one in found.tables.items()})


_PLAIN = {"as_of", "observed_from", "currency", "timezone"}
"""Options that say all by themselves, without a file that could change."""


@functools.lru_cache(maxsize=4)
def _sample_read(folder: Path, stamp: int, options: tuple[tuple[str, Any], ...]) -> Book:
    """Return the book of the sample, read once: `stamp` is when its files changed last."""
    return load(folder, name="sample", **dict(options))
