"""Which reports are to be made? Every parameter of every one is checked before the first is started."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.batch import catalog, names, parameters
from funnelnb.core import check
from funnelnb.core.errors import FunnelError, ParameterError, nearest
from funnelnb.core.options import language
from funnelnb.data.contract.calendar import calendar_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from funnelnb.batch.catalog import Notebook
    from funnelnb.data.book import Book

NEEDED = ("data", "by", "value")
"""Parameters that a notebook must declare to be run per region."""

OPTIONS = {
    "data": "the DATA argument",
    "mapping": "--mapping",
    "playbook": "--playbook",
    "as_of": "--as-of",
    "by": "--by",
    "value": "--only",
    "lang": "--lang",
}
"""Parameters that the batch itself gives, and the option that sets each."""

RULES: Mapping[str, Callable[[Any], Any]] = {
    "horizon_days": check.horizon_days,
    "confidence_level": check.confidence_level,
}
"""Parameters whose meaning is the same in every notebook, and the rule each keeps."""

DEFAULT_HORIZON = "horizon_days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for. Texts are as given on the command line; empty means not given.

    Attributes
    ----------
    data : tuple of str
        One folder, or one or more files.
    by : str
        Attribute that reports are split by.
    mapping, playbook, as_of, lang : str
    notebooks : tuple of str
        Names or paths; empty: the first of the package.
    only : tuple of str
        Values to make reports for; empty: all.
    parameters : Mapping of str to str
        Further notebook parameters.
    out : pathlib.Path
    jobs : int
        Reports made at a time.
    force : bool
        Also redo finished work.
    code : bool
        Whether pages hold the code, folded.
    cell_timeout_s : float
    """

    data: tuple[str, ...]
    by: str = ""
    mapping: str = ""
    playbook: str = ""
    as_of: str = ""
    lang: str = ""
    notebooks: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    out: Path = Path("reports")
    jobs: int = 2
    force: bool = False
    code: bool = False
    cell_timeout_s: float = 600


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
    value : str
        Region, or another value of the attribute.
    stem : str
        File name without ending.
    notebook : Notebook
    parameters : Mapping of str to object
        All that the notebook is given.
    wanted : bool
        False for a report that was not asked for this time (``--only``); it is listed if it is there.
    """

    value: str
    stem: str
    notebook: Notebook
    parameters: Mapping[str, Any]
    wanted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All reports of a run.

    Attributes
    ----------
    book : Book
        The whole data.
    by : str
    lang : str
    horizon_days : float
        Day of the headline rate on the index: the notebooks' own.
    values : tuple of str
        All values of the attribute that deals have, ``""`` for deals without one.
    jobs : tuple of Job
    """

    book: Book
    by: str
    lang: str
    horizon_days: float
    values: tuple[str, ...]
    jobs: tuple[Job, ...]


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
    with _collected(problems):
        check.number("--jobs", request.jobs, ge=1, le=256)
    with _collected(problems):
        check.number("--timeout", request.cell_timeout_s, gt=0)
    if request.as_of:
        with _collected(problems):
            check.timestamp("--as-of", request.as_of)
    found: list[Notebook] = []
    for name in request.notebooks or (catalog.default(lang or "en"),):
        with _collected(problems):
            found.append(catalog.find(name, lang or "en"))
    notebooks = tuple({one.path: one for one in found}.values())
    given = [_given(request, one, notebooks, problems) for one in notebooks]
    _raise_all(problems)
    _same_names(notebooks)
    return Checked(request=request, lang=lang, notebooks=notebooks, given=tuple(given))


def make(checked: Checked, book: Book, by: str, horizon_days: float | None) -> Plan:
    """Turn a checked request and its data into the list of reports.

    Parameters
    ----------
    checked : Checked
    book : Book
        The whole data.
    by : str
        Attribute that reports are split by.
    horizon_days : float or None
        What the settings say; None: nothing.

    Raises
    ------
    ParameterError
        The data have no such attribute or value, or there is no such calendar; the message names the nearest.
    """
    request = checked.request
    check_attribute("--by", by, book)
    values = book.ledger.attributes[by].labels
    chosen = _chosen(request.only, by, values)
    for given in checked.given:
        if given.get("segment"):
            check_attribute("-p segment", given["segment"], book)
        if given.get("calendar"):
            calendar_of(given["calendar"], book)
    horizon = _horizon(checked, book, horizon_days)
    stems = names.stems(values)
    fixed = _fixed(request, checked.lang, by)
    jobs = []
    for place, (notebook, given) in enumerate(zip(checked.notebooks, checked.given, strict=True)):
        mark = "" if place == 0 else names.NOTEBOOK_MARK + names.stems([notebook.name])[notebook.name]
        shared = {**fixed, DEFAULT_HORIZON: horizon, **given}
        for value in filter(None, values):
            known = {**shared, "value": value}
            jobs.append(
                Job(
                    value=value,
                    stem=stems[value] + mark,
                    notebook=notebook,
                    parameters={name: known[name] for name in notebook.parameters if name in known},
                    wanted=value in chosen,
                )
            )
    return Plan(book=book, by=by, lang=checked.lang, horizon_days=horizon, values=values, jobs=tuple(jobs))


def check_attribute(option: str, name: str, book: Book) -> None:
    """Refuse a name that is not an attribute to group deals by."""
    known = list(book.attributes)
    if name not in known:
        raise ParameterError(
            f"{option} {name!r}: the deals have no such attribute",
            expected="one of " + ", ".join(known),
            hint=nearest(name, known),
        )


def _chosen(only: Sequence[str], by: str, values: Sequence[str]) -> tuple[str, ...]:
    known = [value for value in values if value]
    problems: list[FunnelError] = [
        ParameterError(
            f"--only {value!r}: no deal has that {by}",
            expected="one of " + ", ".join(known[:20]) + (" …" if len(known) > 20 else ""),
            hint=nearest(value, known),
        )
        for value in only
        if value not in known
    ]
    _raise_all(problems)
    if not known:
        raise ParameterError(
            f"--by {by!r}: no deal has a value there",
            expected=f"deals with a {by}",
            hint="choose another attribute",
        )
    return tuple(value for value in known if not only or value in only)


def _fixed(request: Request, lang: str, by: str) -> dict[str, Any]:
    """Return the parameters that are the same for all notebooks and regions."""
    data = [located(one) for one in request.data]
    return {
        "data": data[0] if len(data) == 1 else data,
        "mapping": located(request.mapping),
        "playbook": located(request.playbook),
        "as_of": request.as_of,
        "by": by,
        "lang": lang,
    }


def located(text: str) -> str:
    """Return the absolute path that `text` means, or `text` itself where it is none (a name, an address)."""
    return str(Path(text).resolve()) if text and Path(text).exists() else text


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


# ---- checking notebooks and their parameters --------------------------------------------------------------


def _given(
    request: Request, notebook: Notebook, notebooks: Sequence[Notebook], problems: list[FunnelError]
) -> dict[str, Any]:
    """Return the further parameters of one notebook in their declared types."""
    problems += [
        ParameterError(
            f"notebook {notebook.name} declares no parameter {name!r}",
            expected=f"a cell tagged 'parameters' with {', '.join(NEEDED)} and what the options set",
            hint=f'add `{name}: str = ""` to that cell',
        )
        for name in _needed(request)
        if name not in notebook.parameters
    ]
    given = {}
    declared_anywhere = {name: one for each in notebooks for name, one in each.parameters.items()}
    for name, text in request.parameters.items():
        if name in OPTIONS:
            _add(problems, ParameterError(f"-p {name}=…", expected=f"{OPTIONS[name]} instead of -p"))
        elif name not in declared_anywhere:
            known = {one: declared for one, declared in declared_anywhere.items() if one not in OPTIONS}
            _add(problems, parameters.unknown(name, known, " and ".join(one.name for one in notebooks)))
        elif name in notebook.parameters:
            with _collected(problems):
                given[name] = RULES.get(name, _same)(parameters.convert(notebook.parameters[name], text))
    return given


def _needed(request: Request) -> Iterable[str]:
    optional = {"mapping": request.mapping, "playbook": request.playbook, "as_of": request.as_of}
    return (*NEEDED, *(name for name, text in optional.items() if text))


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
