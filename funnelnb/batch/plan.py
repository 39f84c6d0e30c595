"""Which reports are to be made? Every parameter of every one is checked before the first is started."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.analysis.shared.period import named_period
from funnelnb.analysis.shared.reach import longest_horizon
from funnelnb.batch import folder
from funnelnb.batch import notebooks as catalog
from funnelnb.batch.engine import HIDDEN, hide, passwords
from funnelnb.core import check
from funnelnb.core.errors import FunnelError, MissingDataError, ParameterError, nearest, nearest_attribute
from funnelnb.core.options import language
from funnelnb.data.contract.calendar import calendar_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from funnelnb.batch.notebooks import Notebook
    from funnelnb.data.book import Book

ALL = "all"
"""Means all notebooks of the package."""

NEEDED = ("data", "by", "value")
"""Parameters that a notebook must declare to be run per region; of the whole, ``data`` is enough."""

OPTIONS = {
    "data": "DATA",
    "mapping": "--mapping",
    "playbook": "--playbook",
    "as_of": "--as-of",
    "by": "--by",
    "value": "--only",
    "lang": "--lang",
}
"""Parameters that the batch itself gives, and the option that sets each."""


def _period(value: Any) -> Any:
    """Return a period as it was given: none, the last of a length, or one by its name."""
    if isinstance(value, str) and value not in ("", "week", "month", "quarter", "year"):
        named_period("period", value)
    return value


RULES: Mapping[str, Callable[[Any], Any]] = {
    "horizon_days": check.horizon_days,
    "confidence_level": check.confidence_level,
    "period": _period,
}
"""Parameters whose meaning is the same in every notebook, and the rule each keeps."""

DEFAULT_HORIZON = "horizon_days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for. Texts are as given on the command line; empty means not given.

    Attributes
    ----------
    data : tuple of str
        One folder, one or more files, or the address of a database.
    by : str
        Attributes that reports are split by, with commas between them; empty: one report of the whole.
    by_set : bool
        Whether the settings say `by`, not whoever asks.
    whole : bool
        Also a report of the whole; without `by` the only one.
    mapping, playbook, as_of, lang : str
    notebooks : tuple of str
        Names or paths, or ``"all"``; empty: the first of the package.
    only : tuple of str
        Values to make reports for; empty: all.
    parameters : Mapping of str to object
        Further notebook parameters: text, or values of a YAML file.
    out : pathlib.Path
    jobs : int
        Reports made at a time; 0: as many as processors and memory allow.
    force : bool
        Also redo finished work.
    code : bool
        Whether pages hold the code, folded.
    standalone : bool
        Whether each page goes out by itself, as by e-mail: without links to the others.
    deals : bool
        Whether the deals behind counts come with the pages; without, customers' names are left out everywhere.
    cell_timeout_s, longest_s : float
        Seconds that a cell and a whole report may take.
    retries : int
        How often a report is tried again whose process was killed.
    """

    data: tuple[str, ...]
    by: str = ""
    by_set: bool = False
    whole: bool = False
    mapping: str = ""
    playbook: str = ""
    as_of: str = ""
    lang: str = ""
    notebooks: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    out: Path = Path("reports")
    jobs: int = 0
    force: bool = False
    code: bool = False
    standalone: bool = False
    deals: bool = True
    cell_timeout_s: float = 600
    longest_s: float = 3600
    retries: int = 1

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes of `by`, each once."""
        return tuple(dict.fromkeys(filter(None, (one.strip() for one in self.by.split(",")))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A request whose notebooks and parameters are known to be right; the data have not been read yet.

    Attributes
    ----------
    request : Request
    lang : str
    notebooks : tuple of Notebook
    given : tuple of Mapping
        For each notebook the further parameters, converted to their declared types.
    """

    request: Request
    lang: str
    notebooks: tuple[Notebook, ...]
    given: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One report.

    Attributes
    ----------
    by : str
        Attribute; empty for the report of the whole.
    value : str
        Region, or another value of the attribute.
    stem : str
        File name without ending.
    notebook : Notebook
    parameters : Mapping of str to object
        All that the notebook is given.
    shown : Mapping of str to object
        The same as it may be kept: no password, no path with a user's name.
    wanted : bool
        False for a report that was not asked for this time (``--only``); it is listed if it is there.
    """

    by: str
    value: str
    stem: str
    notebook: Notebook
    parameters: Mapping[str, Any]
    shown: Mapping[str, Any]
    wanted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One attribute that reports are split by.

    Attributes
    ----------
    by : str
    values : tuple of str
        All values that deals have, ``""`` for deals without one.
    """

    by: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All reports of a run.

    Attributes
    ----------
    book : Book
        The whole data.
    splits : tuple of Split
        One for each attribute.
    lang : str
    horizon_days : float
        Day of the headline rate on the index: the notebooks' own.
    jobs : tuple of Job
    hidden : Mapping of str to str
        Texts that no report may keep, and what stands in their place.
    """

    book: Book
    splits: tuple[Split, ...]
    lang: str
    horizon_days: float
    jobs: tuple[Job, ...]
    hidden: Mapping[str, str]

    @property
    def subject(self) -> str:
        """Who is counted, as :func:`funnelnb.show.text.words.told_of` takes it: people of an event log, or deals."""
        return "people" if any(job.notebook.about_events for job in self.jobs) else ""


def check_request(request: Request) -> Checked:
    """Check everything that can be checked without the data.

    Raises
    ------
    ParameterError
        Names all that is wrong at once: notebooks, parameters, dates, language, number of jobs.
    """
    lang = ""
    problems: list[FunnelError] = []
    with _collected(problems):
        lang = language(request.lang or None)
    for name, value, least in (
        ("--jobs", request.jobs, 0),
        ("--retries", request.retries, 0),
        ("--timeout", request.cell_timeout_s, None),
        ("--report-timeout", request.longest_s, None),
    ):
        with _collected(problems):
            most = 256 if name == "--jobs" else None
            check.number(name, value, ge=least, gt=0 if least is None else None, le=most)
    if request.as_of:
        with _collected(problems):
            check.timestamp("as_of", request.as_of)
    if any(Path(one).is_dir() and Path(one).resolve() == request.out.resolve() for one in request.data):
        _add(
            problems,
            ParameterError(
                f"--out {request.out}: the data are in this folder",
                expected="a folder for the pages alone",
                hint="--out reports",
            ),
        )
    found: list[Notebook] = []
    for name in request.notebooks or (catalog.default(lang or "en"),):
        with _collected(problems):
            found += _every(lang or "en") if name == ALL else [catalog.find(name, lang or "en")]
    notebooks = tuple({one.path: one for one in found}.values())
    given = [_given(request, one, notebooks, problems) for one in notebooks]
    _raise_all(problems)
    _same_names(notebooks)
    return Checked(request=request, lang=lang, notebooks=notebooks, given=tuple(given))


def _every(lang: str) -> list[Notebook]:
    """Return the notebooks of the package that are about deals: what "all" means."""
    return [one for one in catalog.notebooks(lang) if not one.about_events]


def make(checked: Checked, book: Book, horizon_days: float | None) -> Plan:
    """Turn a checked request and its data into the list of reports.

    Parameters
    ----------
    checked : Checked
    book : Book
        The whole data.
    horizon_days : float or None
        What the settings say; None: nothing.

    Raises
    ------
    ParameterError
        The data have no such attribute or value, or there is no such calendar; the message names the nearest.
    """
    request = checked.request
    for by in request.attributes:
        check_attribute("[report] by =" if request.by_set else "--by", by, book)
    splits = tuple(Split(by=by, values=book.ledger.attributes[by].labels) for by in request.attributes)
    chosen = _chosen(request.only, splits)
    for given in checked.given:
        if given.get("segment"):
            check_attribute("-p segment", given["segment"], book)
        if given.get("calendar"):
            calendar_of(given["calendar"], book)
    horizon = _horizon(checked, book, horizon_days)
    places = [] if splits and not request.whole else [("", "", folder.WHOLE)]
    for split in splits:
        stems = folder.stems(split.values)
        mark = f"{split.by}{folder.ATTRIBUTE_MARK}" if len(splits) > 1 else ""
        places += [(split.by, value, mark + stems[value]) for value in split.values if value]
    fixed, shown = _fixed(request, checked.lang)
    hidden = {one: shown_as for one, shown_as in _hidden(request, fixed, shown, checked).items() if one}
    jobs = []
    for number, (notebook, given) in enumerate(zip(checked.notebooks, checked.given, strict=True)):
        further = "" if number == 0 else folder.NOTEBOOK_MARK + folder.stems([notebook.name])[notebook.name]
        for by, value, stem in places:
            known = {**fixed, DEFAULT_HORIZON: horizon, **given, "value": value}
            known |= {"by": by or request.attributes[0]} if request.attributes else {}
            parameters = {name: known[name] for name in notebook.parameters if name in known}
            kept = {name: shown.get(name, one) for name, one in parameters.items()}
            jobs.append(
                Job(
                    by=by, value=value, stem=stem + further, notebook=notebook, parameters=parameters,
                    shown=_without(kept, hidden), wanted=not by or value in chosen[by],
                )
            )  # fmt: skip
    if not any(given.get(DEFAULT_HORIZON) for given in checked.given):
        horizon = longest_horizon(book, horizon)  # each page says of itself how far its data reach
    return Plan(
        book=book, splits=splits, lang=checked.lang, horizon_days=horizon, jobs=tuple(jobs), hidden=hidden
    )


def check_attribute(option: str, name: str, book: Book) -> None:
    """Refuse a name that is not an attribute to group deals by."""
    known = list(book.attributes)
    if name not in known:
        raise ParameterError(
            f"{option} {name!r}: the deals have no such attribute",
            expected="one of " + ", ".join(known) if known else "a column to group by",
            hint=nearest_attribute(name, known),
        )


def _chosen(only: Sequence[str], splits: Sequence[Split]) -> Mapping[str, set[str]]:
    """Return which values of each attribute reports are made for."""
    named = " or ".join(split.by for split in splits)
    known = [value for split in splits for value in split.values if value]
    if only and not splits:
        raise ParameterError(
            "--only without --by", expected="an attribute to split by, such as --by region", hint="add --by"
        )
    problems: list[FunnelError] = [
        ParameterError(
            f"--only {value!r}: no deal has that {named}",
            expected="one of " + ", ".join(known[:20]) + (" …" if len(known) > 20 else ""),
            hint=nearest(value, known),
        )
        for value in only
        if value not in known
    ]
    problems += [
        ParameterError(
            f"--by {split.by!r}: no deal has a value there",
            expected=f"deals with a {split.by}",
            hint="choose another attribute",
        )
        for split in splits
        if not any(split.values)
    ]
    _raise_all(problems)
    return {
        split.by: {value for value in split.values if value and (not only or value in only)}
        for split in splits
    }


def _fixed(request: Request, lang: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters that are the same for all notebooks and regions: as given, and as kept."""
    data = [located(one) for one in request.data]
    near = [nearby(one, request.out) for one in data]
    fixed: dict[str, Any] = {
        "data": data[0] if len(data) == 1 else data,
        "mapping": located(request.mapping),
        "playbook": located(request.playbook),
        "as_of": request.as_of,
        "lang": lang,
    }
    shown = {
        **fixed,
        "data": near[0] if len(near) == 1 else near,
        "mapping": nearby(fixed["mapping"], request.out),
        "playbook": nearby(fixed["playbook"], request.out),
    }
    return fixed, shown


def asked(request: Request) -> dict[str, Any]:
    """Return the words by which the notebooks of a request ask for its data."""
    fixed, _ = _fixed(request, "")
    return {name: fixed[name] for name in ("data", "mapping", "playbook", "as_of")}


def _hidden(
    request: Request, fixed: Mapping[str, Any], shown: Mapping[str, Any], checked: Checked
) -> dict[str, str]:
    """Return the texts that must not be kept: passwords, and paths that name a user."""
    given = {**fixed, **{name: one for each in checked.given for name, one in each.items()}}
    hidden = {
        whole: near
        for name in ("data", "mapping", "playbook")
        for whole, near in zip(_listed(fixed[name]), _listed(shown[name]), strict=True)
        if whole != near
    }
    out = request.out.absolute()
    home, here = Path.home(), Path.cwd()
    hidden |= {str(here): "."} if len(here.parts) > 2 else {}
    hidden |= {str(out): "."} if len(out.parts) > 2 else {}
    hidden |= {str(home): "~"} if len(home.parts) > 1 and home.is_absolute() else {}
    return {**hidden, **passwords(given)}


def _without(kept: Mapping[str, Any], hidden: Mapping[str, str]) -> dict[str, Any]:
    shown = dict(kept)
    hide(shown, {text: mark for text, mark in hidden.items() if mark == HIDDEN})
    return shown


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def located(text: str) -> str:
    """Return the absolute path that `text` means, or `text` itself where it is none (a name, an address)."""
    return str(Path(text).resolve()) if text and Path(text).exists() else text


def nearby(path: str, out: Path) -> str:
    """Return a path as seen from the output folder, or only its name where the two have no folder in common.

    What lies in the output folder may be passed on: it says where the data lie, not whose computer that was.
    """
    if not path or not Path(path).is_absolute():
        return path
    common = Path(os.path.commonpath([path, out.absolute()]))
    return os.path.relpath(path, out.absolute()) if len(common.parts) > 1 else Path(path).name


def _horizon(checked: Checked, book: Book, settings_days: float | None) -> float:
    """Return the one horizon that index and notebooks share."""
    for given in checked.given:
        if given.get(DEFAULT_HORIZON):
            return float(given[DEFAULT_HORIZON])
    if settings_days:
        return check.horizon_days(settings_days)
    for notebook in checked.notebooks:
        declared = notebook.parameters.get(DEFAULT_HORIZON)
        if declared is not None and declared.default:
            return check.horizon_days(declared.default)
    from funnelnb.analysis.shared.horizon import automatic

    return automatic(book)


# ---- what the notebooks' questions would say to these data ------------------------------------------------

TRIED = (
    *("conversion.overview:overview", "conversion.conversion:conversion", "conversion.cohort:cohort"),
    *("time.duration:duration", "time.stuck:stuck", "time.ageing:ageing"),
    *("targets.target:target", "targets.mix:deal_mix", "targets.integrity:integrity"),
    *("priority.money_authority_need:money_authority_need", "priority.levels:levels", "priority.roles:roles"),
    *("priority.honest_funnel:honest_funnel", "priority.assessment:assessment"),
    *(
        "diagnosis.losses:why_lost",
        "diagnosis.wander:wander",
        "diagnosis.sales:sales_trend",
        "diagnosis.costs:costs",
    ),
)
"""The questions of the package's notebooks, as module of ``analysis`` and function, each with its defaults."""


def tried(book: Book) -> tuple[tuple[FunnelError, ...], tuple[MissingDataError, ...]]:
    """Which questions would stop a report about these data, and which would be left out?

    Parameters
    ----------
    book : Book

    Returns
    -------
    tuple of FunnelError
        What a report would be refused for: unknown roles, factors, marks, words of stages.
    tuple of MissingDataError
        What the sections lack that a report leaves out.
    """
    import importlib

    refused: dict[str, FunnelError] = {}
    lacking: dict[str, MissingDataError] = {}
    for one in TRIED:
        module, _, name = one.partition(":")
        ask = getattr(importlib.import_module(f"funnelnb.analysis.{module}"), name)
        try:
            ask(book, amount=1.0) if name == "deal_mix" else ask(book)
        except MissingDataError as error:
            lacking.setdefault(str(error), error)
        except FunnelError as error:
            refused.setdefault(str(error), error)
    return tuple(refused.values()), tuple(lacking.values())


# ---- checking notebooks and their parameters --------------------------------------------------------------


def _given(
    request: Request, notebook: Notebook, notebooks: Sequence[Notebook], problems: list[FunnelError]
) -> dict[str, Any]:
    """Return the further parameters of one notebook in their declared types."""
    problems += [
        ParameterError(
            f"notebook {notebook.name} declares no parameter {name!r}",
            expected=f"a cell tagged 'parameters' with {', '.join(_needed(request))}",
            hint=f'add `{name}: str = ""` to that cell',
        )
        for name in _needed(request)
        if name not in notebook.parameters
    ]
    given = {}
    declared_anywhere = {name: one for each in notebooks for name, one in each.parameters.items()}
    for name, value in request.parameters.items():
        if name in OPTIONS:
            _add(problems, ParameterError(f"-p {name}=…", expected=f"{OPTIONS[name]} instead of -p"))
        elif name not in declared_anywhere:
            known = {one: declared for one, declared in declared_anywhere.items() if one not in OPTIONS}
            _add(problems, catalog.unknown(name, known, " and ".join(one.name for one in notebooks)))
        elif name in notebook.parameters:
            with _collected(problems):
                meant = catalog.convert if isinstance(value, str) else catalog.fits
                given[name] = RULES.get(name, _same)(meant(notebook.parameters[name], value))
    return given


def _needed(request: Request) -> Iterable[str]:
    optional = {"mapping": request.mapping, "playbook": request.playbook, "as_of": request.as_of}
    needed = NEEDED if request.attributes else NEEDED[:1]
    return (*needed, *(name for name, text in optional.items() if text))


def _same_names(notebooks: Sequence[Notebook]) -> None:
    seen: dict[str, Notebook] = {}
    for one in notebooks:
        other = seen.setdefault(one.name.casefold(), one)
        if other is not one:
            raise ParameterError(
                f"two notebooks are called {one.name}: {other.path} and {one.path}",
                expected="different file names, as reports are named after them",
                hint="rename one",
            )


def _same(value: Any) -> Any:
    return value


# ---- all problems at once ---------------------------------------------------------------------------------


class _collected:  # noqa: N801 - reads as a word in `with _collected(problems):`
    """Keep a user's mistake for later, so that all can be told at once."""

    def __init__(self, problems: list[FunnelError]) -> None:
        self.problems = problems

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, FunnelError):
            _add(self.problems, error)
            return True
        return False


def _add(problems: list[FunnelError], error: FunnelError) -> None:
    if str(error) not in map(str, problems):
        problems.append(error)


def _raise_all(problems: Sequence[FunnelError]) -> None:
    if len(problems) == 1:
        raise problems[0]
    if problems:
        listed = "\n".join(f"- {str(one).replace(chr(10), chr(10) + '  ')}" for one in problems)
        raise ParameterError(f"{len(problems)} things are not right:\n{listed}")
