"""What parameters does a notebook take, and what does the text ``name=value`` mean for one of them?

The parameters cell (tag ``parameters``) is read as a syntax tree and never run. A value given as text is
converted by the declared type, so ``region=007`` stays ``"007"`` where the notebook says ``region: str``.
"""

from __future__ import annotations

import ast
import io
import math
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import ParameterError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nbformat import NotebookNode

TAG = "parameters"
INJECTED_TAG = "injected-parameters"


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


def read(node: NotebookNode) -> dict[str, Parameter]:
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
    return {} if cell is None else _declared(cell.source)


def inject(node: NotebookNode, values: Mapping[str, Any]) -> None:
    """Put `values` into `node` behind its parameters cell, as papermill does but with readable text.

    Parameters
    ----------
    node : NotebookNode
        Changed in place.
    values : Mapping
        Names and plain Python values (text, numbers, booleans, None, lists).
    """
    import nbformat

    source = "\n".join(["# Parameters", *(f"{name} = {_source(value)}" for name, value in values.items())])
    cell = nbformat.v4.new_code_cell(source, id=INJECTED_TAG, metadata={"tags": [INJECTED_TAG]})
    kept = [one for one in node.cells if INJECTED_TAG not in one.metadata.get("tags", ())]
    places = [place for place, one in enumerate(kept) if TAG in one.metadata.get("tags", ())]
    place = places[0] + 1 if places else 0
    node.cells = [*kept[:place], cell, *kept[place:]]


def _source(value: Any) -> str:
    odd = isinstance(value, float) and not math.isfinite(value)
    return f"float({str(value)!r})" if odd else repr(value)


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
    declared = ast.parse(parameter.type, mode="eval").body
    try:
        return _as(declared, text)
    except ValueError as error:
        raise ParameterError(
            f"parameter {parameter.name} = {text!r}",
            expected=f"a value of type {parameter.type}" + (f" ({parameter.help})" if parameter.help else ""),
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
        f"parameter {name!r} is not one of notebook {notebook}",
        expected="one of " + (", ".join(declared) or "none: it has no cell tagged 'parameters'"),
        hint=nearest(name, declared),
    )


# ---- reading the cell -------------------------------------------------------------------------------------


def _declared(source: str) -> dict[str, Parameter]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ParameterError(
            f"the notebook's parameters cell, line {error.lineno}: {error.msg}",
            expected="plain Python assignments",
        ) from None
    comments = _comments(source)
    found = {}
    for statement in tree.body:
        name, annotation, value = _assignment(statement)
        if not name:
            continue
        default = _literal(value)
        written = _written(annotation) if annotation is not None else type(default).__name__
        help_text = comments.get(statement.end_lineno or 0, "")
        found[name] = Parameter(name=name, type=written, default=default, help=help_text)
    return found


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
