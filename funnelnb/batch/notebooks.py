"""Which notebooks are there, what does each take, and what does ``name=value`` mean for one of them?

papermill inspects the parameters cell; the cell's syntax tree adds what its line patterns cannot read. Nothing is
run. A value given as text is converted by the declared type, so ``region=007`` stays ``"007"`` where the notebook
says ``region: str`` (papermill makes it 7).

Longer than most modules: a parameter's name, type, words and value are read and checked in one place.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import tokenize
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core import resources
from funnelnb.core.errors import ParameterError, SourceError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nbformat import NotebookNode

TAG = "parameters"
INJECTED_TAG = "injected-parameters"
WHOLE_TAG = "whole-only"
"""Cells that compare all regions: left out of one region's report, whose index compares them."""

ASIDE_TAG = "notebook-only"
"""Cells for those who work in the notebook, left out of pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a notebook.

    Attributes
    ----------
    name : str
    type : str
        Declared type as written (``"float"``, ``"str | None"``); where none is, the type of the default.
    default : object
        Value in the notebook; None where it is not a literal.
    help : str
        Comment beside it.
    """

    name: str
    type: str
    default: Any
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    """A notebook that can be run per region.

    Attributes
    ----------
    name : str
        File name without ending, such as ``"01_conversion_by_segment"``.
    path : pathlib.Path
    title : str
        Its first heading.
    parameters : Mapping of str to Parameter
    fingerprint : str
        Hash of its cells without outputs: a changed notebook is run again.
    own : bool
        True for a notebook that came with the package.
    compares : bool
        Whether it reads more than the deals of its own region: it is made again when any deal changes.
    """

    name: str
    path: Path
    title: str
    parameters: Mapping[str, Parameter]
    fingerprint: str
    own: bool
    compares: bool = True

    @property
    def about_events(self) -> bool:
        """Whether it is about an event log: it declares ``steps`` and ``window``."""
        return set(self.parameters) >= {"data", "steps", "window"}

    def node(self) -> NotebookNode:
        """Return a fresh copy of the notebook, to be changed freely."""
        return _read(self.path)

    def blank(self, *, whole: bool = True) -> NotebookNode:
        """Return a fresh copy without anything that an earlier run left in it.

        Parameters
        ----------
        whole : bool
            False for a report about a part: without the cells that compare all parts.

        Notes
        -----
        A notebook is stored with the outputs of whatever data it was last run on. None of that may ever stand
        in a report about other data, not even below a cell that fails or is skipped.
        """
        node = _read(self.path)
        node.metadata.pop("widgets", None)  # the stored state of controls holds figures, too
        if not whole:
            node.cells = [cell for cell in node.cells if WHOLE_TAG not in cell.metadata.get("tags", ())]
        for cell in node.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
                cell.metadata.pop("execution", None)
        return node


def notebooks(lang: str = "en") -> tuple[Notebook, ...]:
    """Which notebooks come with the package?

    Parameters
    ----------
    lang : {"en", "zh"}
        Edition.

    Returns
    -------
    tuple of Notebook
        In the order of their numbers.
    """
    paths = sorted(resources.notebook_folder(lang).glob("*.ipynb"))
    return tuple(open_notebook(path, own=True) for path in paths)


def default(lang: str = "en") -> str:
    """Return the name of the notebook that is run when none is named: the first; 00 is about the data."""
    found = sorted(resources.notebook_folder(lang).glob("*.ipynb"))
    paths = [one for one in found if not one.name.startswith("00")] or found
    if not paths:
        raise ParameterError(
            f"there is no notebook in {resources.notebook_folder(lang)}",
            expected="the notebooks that come with the package",
            hint="name one: --notebook FILE.ipynb",
        )
    return paths[0].stem


def find(name: str, lang: str = "en") -> Notebook:
    """Return the notebook that `name` means.

    Parameters
    ----------
    name : str
        Name (``"01_conversion_by_segment"``), number (``"01"`` or ``"1"``), name without number, or a path.
    lang : {"en", "zh"}
        Edition, for a notebook of the package.

    Returns
    -------
    Notebook

    Raises
    ------
    ParameterError
        There is no such notebook; the message names the nearest.
    """
    if name.endswith(".ipynb") or "/" in name or "\\" in name:
        return open_notebook(Path(name))
    paths = {path.stem: path for path in sorted(resources.notebook_folder(lang).glob("*.ipynb"))}
    for stem, path in paths.items():
        number, _, words = stem.partition("_")
        if name in {stem, number, words, number.lstrip("0")}:
            return open_notebook(path, own=True)
    close = nearest(name, [*paths, *(stem.partition("_")[2] for stem in paths)])
    raise ParameterError(
        f"there is no notebook {name!r}",
        expected="a notebook's name (see `funnelnb list`) or the path of an .ipynb file",
        hint=close if close.startswith("did you mean") else nearest(name, paths),
    )


def open_notebook(path: Path, *, own: bool = False) -> Notebook:
    """Read what a notebook file says about itself.

    Parameters
    ----------
    path : pathlib.Path
    own : bool
        Whether it comes with the package.

    Returns
    -------
    Notebook

    Raises
    ------
    ParameterError
        The file is missing, not a notebook, or not a Python notebook.
    """
    node = _read(path)
    language = node.metadata.get("kernelspec", {}).get("language", "python").casefold()
    if language != "python":
        raise ParameterError(f"notebook {path} is written in {language}", expected="a Python notebook")
    return Notebook(
        name=path.stem,
        path=path.resolve(),
        title=_title(node) or path.stem,
        parameters=declared(node),
        fingerprint=_fingerprint(node),
        own=own,
        compares=_compares(node),
    )


def _fingerprint(node: NotebookNode) -> str:
    """Hash what a run depends on: cells with their tags and the kernel, not what an earlier run left."""
    cells = [(cell.cell_type, cell.source, sorted(cell.metadata.get("tags", ()))) for cell in node.cells]
    kernel = node.metadata.get("kernelspec", {}).get("name", "")
    attached = [cell.get("attachments") for cell in node.cells]
    return hashlib.sha256(repr((cells, kernel, attached)).encode()).hexdigest()[:16]


_TRIES_N = 5
_OPENS = {"open_book", "load", "sample"}


def _compares(node: NotebookNode) -> bool:
    """Does what a page shows come from the whole book, but for the part that is picked from it?"""
    own = [cell for cell in node.cells if WHOLE_TAG not in cell.metadata.get("tags", ())]
    try:
        source = "\n".join(cell.source for cell in own if cell.cell_type == "code" and not _aside(cell))
        tree = _tree(source)
    except SyntaxError:  # IPython's own syntax
        return True
    picked: set[int] = set()
    picks = False
    whole: set[str] = set()
    for one in ast.walk(tree):
        if isinstance(one, ast.Call) and _called(one) == "pick" and one.args:
            picks = True
            picked.add(id(one.args[0]))
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Call) and _called(one.value) in _OPENS:
            whole |= {target.id for target in one.targets if isinstance(target, ast.Name)}
            picked.add(id(one.value))
    if not picks:
        return True
    loads = [one for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)]
    opens = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and _called(one) in _OPENS]
    given = {id(argument) for one in opens for argument in ast.walk(one)}
    return (
        any(one.id in whole and id(one) not in picked for one in loads)
        or any(id(one) not in picked for one in opens)
        or any(one.id == "data" and id(one) not in given for one in loads)
    )


def _aside(cell: NotebookNode) -> bool:
    """Whether a cell is left out of pages and gives nothing to other cells, as controls are."""
    if ASIDE_TAG not in cell.metadata.get("tags", ()):
        return False
    return not any(
        isinstance(getattr(one, "ctx", None), ast.Store) or isinstance(one, _NAMING)
        for one in ast.walk(_tree(cell.source))
    )


_NAMING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _tree(source: str, mode: str = "exec") -> Any:
    """Parse Python. Before 3.11.8, two threads that parse at once can make Python report an error of its own."""
    for _ in range(_TRIES_N):
        with contextlib.suppress(SystemError):
            return ast.parse(source, mode=mode)
    return ast.parse(source, mode=mode)


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _title(node: NotebookNode) -> str:
    text = "\n".join(cell.source for cell in node.cells if cell.cell_type == "markdown")
    return next((line[2:].strip() for line in text.splitlines() if line.startswith("# ")), "")


def _read(path: Path) -> NotebookNode:
    import nbformat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an older notebook without cell ids is fine
            return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        folder = path.parent
        known = [one.name for one in folder.glob("*.ipynb")] if folder.is_dir() else []
        raise ParameterError(
            f"there is no notebook file {path}", expected="an .ipynb file", hint=nearest(path.name, known)
        ) from None
    except OSError as error:
        raise SourceError(
            f"notebook {path} cannot be read: {error.strerror}", expected="a readable file"
        ) from None
    except Exception as error:
        raise ParameterError(
            f"{path} is not a Jupyter notebook: {str(error).splitlines()[0]}",
            expected="a notebook in format 4",
            hint="open it in JupyterLab and save it again",
        ) from None


# ---- values -----------------------------------------------------------------------------------------------


def convert(parameter: Parameter, text: str) -> Any:
    """Return what `text` means for `parameter`.

    Parameters
    ----------
    parameter : Parameter
    text : str
        As given on the command line.

    Returns
    -------
    object
        A value of the declared type.

    Raises
    ------
    ParameterError
        The text is not of that type.

    Examples
    --------
    >>> convert(Parameter(name="region", type="str", default="", help=""), "007")
    '007'
    >>> convert(Parameter(name="horizon_days", type="float", default=180.0, help=""), "90")
    90.0
    """
    declared = _tree(parameter.type, "eval").body
    try:
        return _as(declared, text)
    except ValueError as error:
        raise ParameterError(
            f"parameter {parameter.name} = {text!r}",
            expected=_spelled(parameter),
            hint=str(error),
        ) from None


def split(pairs: Sequence[str]) -> dict[str, str]:
    """Return ``name=value`` texts as a mapping.

    Raises
    ------
    ParameterError
        A text has no ``=`` or no name, or a name is given twice with different values.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ParameterError(f"-p {pair!r}", expected="name=value, such as horizon_days=90")
        if found.setdefault(name.strip(), value) != value:
            raise ParameterError(
                f"-p {name.strip()} is given twice", expected="one value for each name", hint="remove one"
            )
    return found


def unknown(name: str, declared: Mapping[str, Parameter], notebook: str) -> ParameterError:
    """Build the error for a parameter that `notebook` does not declare."""
    return ParameterError(
        f"parameter {name!r} is not one of " + (f"notebook {notebook}" if notebook else "this notebook"),
        expected="one of " + (", ".join(declared) or "none: it has no cell tagged 'parameters'"),
        hint=nearest(name, declared),
    )


def fits(parameter: Parameter, value: Any) -> Any:
    """Return `value` if it is of the parameter's declared type.

    Parameters
    ----------
    parameter : Parameter
    value : object
        A value that has a type already, such as one from a YAML file.

    Raises
    ------
    ParameterError
        It is of another type.

    Examples
    --------
    >>> fits(Parameter(name="horizon_days", type="float", default=180.0, help=""), 90)
    90
    """
    declared_as = _tree(parameter.type, "eval").body
    names = {
        ast.unparse(one).rpartition(".")[2] for one in ast.walk(declared_as) if isinstance(one, ast.expr)
    }
    if _kinds(value) & names or not names & _KNOWN:
        return value
    quoted = "str" in names and isinstance(value, int | float)
    raise ParameterError(
        f"parameter {parameter.name} = {value!r} ({type(value).__name__})",
        expected=_spelled(parameter),
        hint=f'as text: {parameter.name}: "{value}" in YAML, -r {parameter.name} {value} for papermill'
        if quoted
        else "",
    )


_TYPES = {"float": "a number", "int": "a whole number", "bool": "true or false", "str": "a text"}


def _spelled(parameter: Parameter) -> str:
    """Return what a parameter takes, and what it is."""
    kind = _TYPES.get(parameter.type) or f"a value of type {parameter.type}"
    return kind + (f" ({parameter.help})" if parameter.help else "")


_KNOWN = {"str", "bool", "int", "float", "None", "list", "tuple", "dict", "Optional", "Literal"}


def _kinds(value: Any) -> set[str]:
    """Return the names of the types that `value` may be declared as."""
    if value is None:
        return {"None", "NoneType", "Optional"}
    if isinstance(value, bool):
        return {"bool"}
    if isinstance(value, int):
        return {"int", "float", repr(value)}
    if isinstance(value, list | tuple):
        return {"list", "tuple"}
    return {type(value).__name__, repr(value)}


def read_file(path: Path) -> dict[str, Any]:
    """Return the parameters in a YAML file: one mapping of name to value, dates as text.

    Raises
    ------
    ParameterError
        It cannot be read, or holds something else.
    """
    import yaml  # type: ignore[import-untyped]
    from papermill.iorw import NoDatesSafeLoader

    try:
        found = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=NoDatesSafeLoader)  # noqa: S506 - a safe one
    except OSError as error:
        raise ParameterError(
            f"the parameter file {path} cannot be read: {error.strerror or error}",
            expected="a YAML file with one `name: value` in a line",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ParameterError(
            f"the parameter file {path} is not YAML" + (f" (line {mark.line + 1})" if mark else ""),
            expected="one `name: value` in a line",
        ) from None
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise ParameterError(
            f"the parameter file {path} holds no mapping", expected="one `name: value` in a line"
        )
    return found


# ---- reading the cell -------------------------------------------------------------------------------------


def declared(node: NotebookNode) -> dict[str, Parameter]:
    """Return the parameters that a notebook declares, by name, in order.

    Parameters
    ----------
    node : NotebookNode
        The notebook.

    Returns
    -------
    dict of str to Parameter
        Empty when no cell is tagged ``parameters``.

    Raises
    ------
    ParameterError
        The parameters cell is not Python.
    """
    cell = next((one for one in node.cells if TAG in one.metadata.get("tags", ())), None)
    if cell is None:
        return {}
    try:
        tree = _tree(cell.source)
    except SyntaxError as error:
        raise ParameterError(
            f"the notebook's parameters cell, line {error.lineno}: {error.msg}",
            expected="plain Python assignments",
        ) from None
    comments, inspected = _comments(cell.source), _inspected(cell.source)
    found = {}
    for statement in tree.body:
        name, annotation, value = _assignment(statement)
        if not name:
            continue
        known = inspected.get(name, {"inferred_type_name": "None", "help": ""})
        default = _literal(value)
        written = _written(annotation) if annotation is not None else known["inferred_type_name"]
        found[name] = Parameter(
            name=name,
            type=written if written != "None" else type(default).__name__,
            default=default,
            help=comments.get(statement.end_lineno or 0, "") or known["help"],
        )
    return found


def _inspected(source: str) -> Mapping[str, Any]:
    """Return what papermill makes of a parameters cell."""
    import nbformat
    from papermill import inspect_notebook
    from papermill.log import logger

    cell = nbformat.v4.new_code_cell(source, metadata={"tags": [TAG]})
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    alone = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    before, logger.disabled = logger.disabled, True  # it tells of every notebook that it opens
    try:
        known: Mapping[str, Any] = inspect_notebook(alone)
    finally:
        logger.disabled = before
    return known


def _assignment(statement: ast.stmt) -> tuple[str, ast.expr | None, ast.expr | None]:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id, statement.annotation, statement.value
    if (
        isinstance(statement, ast.Assign)
        and len(statement.targets) == 1
        and isinstance(statement.targets[0], ast.Name)
    ):
        return statement.targets[0].id, None, statement.value
    return "", None, None


def _literal(value: ast.expr | None) -> Any:
    try:
        return None if value is None else ast.literal_eval(value)
    except ValueError:
        return None


def _written(annotation: ast.expr) -> str:
    quoted = isinstance(annotation, ast.Constant) and isinstance(annotation.value, str)
    return annotation.value if quoted else ast.unparse(annotation)  # type: ignore[attr-defined]


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {one.start[0]: one.string.lstrip("# ") for one in tokens if one.type == tokenize.COMMENT}


# ---- converting text --------------------------------------------------------------------------------------

_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


def _boolean(text: str) -> bool:
    folded = text.strip().casefold()
    if folded in _TRUE | _FALSE:
        return folded in _TRUE
    raise ValueError("write true or false")


def _number(kind: type[int] | type[float]) -> Callable[[str], float]:
    def from_text(text: str) -> float:
        try:
            return kind(text)
        except ValueError:
            example = "90" if kind is int else "90 or 0.5"
            raise ValueError(f"write a number such as {example}, without units or separators") from None

    return from_text


def _nothing(text: str) -> None:
    if text.strip().casefold() not in {"none", "null"}:
        raise ValueError("write None")


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "bool": _boolean,
    "int": _number(int),
    "float": _number(float),
    "None": _nothing,
    "NoneType": _nothing,
}


def _as(declared: ast.expr, text: str) -> Any:
    if isinstance(declared, ast.BinOp):
        return _first(
            [declared.right, declared.left] if _is_none(declared.right) else [declared.left, declared.right],
            text,
        )
    if isinstance(declared, ast.Subscript):
        return _as_container(ast.unparse(declared.value).rpartition(".")[2], declared.slice, text)
    name = ast.unparse(declared).rpartition(".")[2]
    if name in _SCALARS:
        return _SCALARS[name](text)
    if name in {"list", "tuple", "dict"}:
        return _as_container(name, ast.Name("str"), text)
    raise ValueError(
        f"a parameter of type {name} cannot be given as text: change the notebook's default instead"
    )


def _is_none(declared: ast.expr) -> bool:
    return isinstance(declared, ast.Constant) and declared.value is None


def _first(members: Sequence[ast.expr], text: str) -> Any:
    reasons = []
    for member in members:
        try:
            return _as(member, text)
        except ValueError as error:
            reasons.append(str(error))
    raise ValueError("; or ".join(reasons))


def _as_container(name: str, inner: ast.expr, text: str) -> Any:
    members = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
    if name == "Optional":
        return _first([ast.Constant(None), *members], text)
    if name == "Union":
        return _first(sorted(members, key=_is_none, reverse=True), text)
    if name == "Literal":
        known = {str(_literal(one)): _literal(one) for one in members}
        if text in known:
            return known[text]
        raise ValueError(nearest(text, known))
    if name in {"list", "tuple"}:
        return [_as(members[0], one.strip()) for one in text.split(",")] if text.strip() else []
    raise ValueError(
        f"a parameter of type {name}[…] cannot be given as text: change the notebook's default instead"
    )
