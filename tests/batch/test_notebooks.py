"""Notebook parameters: what a notebook declares, what a text means, what is refused."""

from pathlib import Path

import nbformat
import pytest

from funnelnb.batch import engine, notebooks
from funnelnb.batch.notebooks import Parameter
from funnelnb.core import resources
from funnelnb.core.errors import ParameterError

CELL = """
# a comment = not a parameter
region: str = "a=b # c"  # which region
horizon_days: float = 180.0  # days
jobs: int = -2
code: bool = False
as_of: "str | None" = None
names: list[str] = ["x", "y"]
kind: Literal["won", "lost"] = "won"
bare = 3
wide: dict = {
    "a": 1,
}  # last line
"""


def notebook(cell: str, tags: tuple[str, ...] = ("parameters",)) -> nbformat.NotebookNode:
    first = nbformat.v4.new_markdown_cell("# Title\n\ntext")
    code = nbformat.v4.new_code_cell(cell, metadata={"tags": list(tags)})
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    cells = [first, code, nbformat.v4.new_code_cell("print(region)")]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def of_type(kind: str) -> Parameter:
    return Parameter(name="p", type=kind, default=None, help="what it is")


def test_the_cell_is_read_with_types_defaults_and_help() -> None:
    found = notebooks.declared(notebook(CELL))
    assert {name: (one.type, one.default, one.help) for name, one in found.items()} == {
        "region": ("str", "a=b # c", "which region"),
        "horizon_days": ("float", 180.0, "days"),
        "jobs": ("int", -2, ""),
        "code": ("bool", False, ""),
        "as_of": ("str | None", None, ""),
        "names": ("list[str]", ["x", "y"], ""),
        "kind": ("Literal['won', 'lost']", "won", ""),
        "bare": ("int", 3, ""),
        "wide": ("dict", {"a": 1}, "last line"),
    }


def test_reading_agrees_with_papermill_on_every_notebook_of_the_package(tmp_path: Path) -> None:
    inspect = pytest.importorskip("papermill").inspect_notebook
    simple = tmp_path / "simple.ipynb"
    nbformat.write(notebook('a: str = "x"  # first\nb: float = 2.5  # second\nc: int = 3'), simple)
    paths = [
        simple,
        *(p for lang in resources.LANGUAGES for p in resources.notebook_folder(lang).glob("*.ipynb")),
    ]
    for path in paths:
        ours = {name: (one.type, one.help) for name, one in notebooks.open_notebook(path).parameters.items()}
        theirs = {name: (one["inferred_type_name"], one["help"]) for name, one in inspect(str(path)).items()}
        assert ours == theirs


def test_an_untagged_notebook_declares_nothing() -> None:
    assert notebooks.declared(notebook(CELL, tags=())) == {}


def test_a_cell_that_is_not_python_is_refused_with_its_line() -> None:
    with pytest.raises(ParameterError, match="line 2"):
        notebooks.declared(notebook("a = 1\nb = ="))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("str", "007", "007"),
        ("str", "", ""),
        ("str", "None", "None"),
        ("str", "a=b", "a=b"),
        ("int", "007", 7),
        ("float", "7", 7.0),
        ("float", "1e3", 1000.0),
        ("bool", "Yes", True),
        ("bool", "0", False),
        ("str | None", "none", None),
        ("str | None", "007", "007"),
        ("None | int", "7", 7),
        ("Optional[float]", "None", None),
        ("Optional[float]", "2", 2.0),
        ("Union[str, None]", "null", None),
        ("int | str", "seven", "seven"),
        ("list[str]", "007, x", ["007", "x"]),
        ("list[int]", "1,2", [1, 2]),
        ("tuple[str, ...]", "a,b", ["a", "b"]),
        ("list", "", []),
        ("Literal['won', 'lost']", "lost", "lost"),
        ("typing.Optional[int]", "3", 3),
    ],
)
def test_text_is_converted_by_the_declared_type(kind: str, text: str, value: object) -> None:
    found = notebooks.convert(of_type(kind), text)
    assert found == value
    assert type(found) is type(value)


IN_WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}


@pytest.mark.parametrize(
    ("kind", "text", "remedy"),
    [
        ("int", "180.0", "write a number"),
        ("float", "1,000", "without units or separators"),
        ("float", "90 days", "without units"),
        ("bool", "maybe", "true or false"),
        ("Optional[int]", "x", "write None; or write a number"),
        ("Literal['won', 'lost']", "wonn", "did you mean 'won'"),
        ("dict", "{}", "change the notebook's default"),
        ("datetime", "2026-01-01", "change the notebook's default"),
        ("list[int]", "1,x", "write a number"),
    ],
)
def test_text_of_another_type_is_refused_with_a_remedy(kind: str, text: str, remedy: str) -> None:
    with pytest.raises(ParameterError) as caught:
        notebooks.convert(of_type(kind), text)
    assert repr(text) in str(caught.value)
    assert f"expected: {IN_WORDS.get(kind, f'a value of type {kind}')} (" in str(caught.value)
    assert remedy in str(caught.value)


def test_pairs_are_split_at_the_first_equals_sign() -> None:
    assert notebooks.split(["a=b=c", " x =", "a=b=c"]) == {"a": "b=c", "x": ""}


@pytest.mark.parametrize("pair", ["a", "=b", "a b=c", "1a=2", "x.y=1"])
def test_a_pair_without_a_name_is_refused(pair: str) -> None:
    with pytest.raises(ParameterError, match="name=value"):
        notebooks.split([pair])


def test_two_values_for_one_name_are_refused() -> None:
    with pytest.raises(ParameterError, match="given twice"):
        notebooks.split(["a=1", "a=2"])


NASTY = {
    "region": "华东\"'\\\n<script>{}%s\t\x00\u2028",
    "horizon_days": float("inf"),
    "jobs": -7,
    "code": True,
    "as_of": None,
    "names": ["a'b", "c"],
}


def test_injected_values_survive_papermill_exactly_and_stay_readable() -> None:
    from papermill.parameterize import parameterize_notebook

    engine.known_to_papermill()
    node = notebook(CELL)
    node.metadata["papermill"] = {}
    for cell in node.cells:
        cell.metadata.setdefault("tags", [])
    node = parameterize_notebook(node, NASTY)
    assert [cell.metadata.get("tags") for cell in node.cells] == [
        [],
        ["parameters"],
        ["injected-parameters"],
        [],
    ]
    scope: dict[str, object] = {}
    exec(node.cells[2].source, scope)
    assert {name: scope[name] for name in NASTY} == NASTY
    assert "华东" in node.cells[2].source


# ---- values that have a type already ------------------------------------------------------------------


def test_a_yaml_file_gives_typed_values(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("horizon_days: 90\nas_of: 2026-06-30\ncode: '007'\nnames: [a, b]\n", encoding="utf-8")
    found = notebooks.read_file(path)
    assert found == {"horizon_days": 90, "as_of": "2026-06-30", "code": "007", "names": ["a", "b"]}
    (tmp_path / "empty.yaml").write_text("")
    assert notebooks.read_file(tmp_path / "empty.yaml") == {}


@pytest.mark.parametrize("content", ["- 1", "a: [", "3: x", "!!python/object:os.system x"])
def test_a_file_that_holds_no_parameters_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(content)
    with pytest.raises(ParameterError, match=r"parameter file"):
        notebooks.read_file(path)
    with pytest.raises(ParameterError, match="cannot be read"):
        notebooks.read_file(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("kind", "value"),
    [("str", "x"), ("float", 1), ("float", 1.5), ("int", 3), ("bool", True), ("str | None", None), ("list[str]", ["a"]),
     ("Literal['won', 'lost']", "won"), ("Optional[str]", None), ("Any", object())],
)  # fmt: skip
def test_a_value_of_the_declared_type_fits(kind: str, value: object) -> None:
    assert notebooks.fits(of_type(kind), value) is value


@pytest.mark.parametrize(
    ("kind", "value"), [("str", 7), ("int", 1.5), ("int", True), ("float", "x"), ("bool", 1), ("str", None)]
)
def test_a_value_of_another_type_is_refused(kind: str, value: object) -> None:
    with pytest.raises(ParameterError, match=f"expected: {IN_WORDS[kind]}"):
        notebooks.fits(of_type(kind), value)


# ---- which deals a notebook reads ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "compares"),
    [
        ("whole = fn.open_book(data)\nbook = fn.pick(whole, by, value)\nfn.conversion(book)", False),
        ("book = fn.pick(fn.open_book(data), by, value)", False),
        ("whole = fn.open_book(data)\nbook = fn.pick(whole, by, value)\nfn.segments(whole, by=by)", True),
        ("book = fn.open_book(data)", True),
        ("book = fn.pick(fn.open_book(data), by, value)\nopen(data)", True),
        ("%matplotlib inline", True),
        ("print(1)", True),
    ],
)
def test_a_notebook_that_reads_more_than_its_part_is_known(tmp_path: Path, code: str, compares: bool) -> None:
    node = notebook('data: str = ""\nby: str = ""\nvalue: str = ""')
    node.cells[-1].source = code
    nbformat.write(node, tmp_path / "x.ipynb")
    assert notebooks.open_notebook(tmp_path / "x.ipynb").compares is compares


@pytest.mark.parametrize(
    ("aside", "compares"), [("fn.explore(whole)", False), ("rates = fn.conversion(whole)", True)]
)
def test_controls_that_pages_leave_out_make_no_comparison(tmp_path: Path, aside: str, compares: bool) -> None:
    node = notebook('data: str = ""\nby: str = ""\nvalue: str = ""')
    node.cells[-1].source = "whole = fn.open_book(data)\nbook = fn.pick(whole, by, value)"
    node.cells.append(nbformat.v4.new_code_cell(aside, metadata={"tags": [notebooks.ASIDE_TAG]}))
    nbformat.write(node, tmp_path / "x.ipynb")
    assert notebooks.open_notebook(tmp_path / "x.ipynb").compares is compares


def test_the_first_notebook_of_the_package_reads_its_own_region_only() -> None:
    assert not notebooks.find(notebooks.default("en")).compares


# ---- finding notebooks --------------------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("01_conversion_by_segment", "02_duration"):
        nbformat.write(notebook(CELL), tmp_path / f"{name}.ipynb")
    monkeypatch.setattr(resources, "notebook_folder", lambda lang: tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["02_duration", "02", "2", "duration"])
def test_a_notebook_is_found_by_name_number_or_words(shelf: Path, name: str) -> None:
    assert notebooks.find(name).path == shelf / "02_duration.ipynb"


def test_notebooks_are_listed_in_order_with_their_titles(shelf: Path) -> None:
    assert [(one.name, one.title, one.own) for one in notebooks.notebooks()] == [
        ("01_conversion_by_segment", "Title", True),
        ("02_duration", "Title", True),
    ]


def test_an_unknown_notebook_is_refused_with_the_nearest(shelf: Path) -> None:
    with pytest.raises(ParameterError, match="did you mean 'duration'"):
        notebooks.find("durations")


def test_a_missing_notebook_file_is_refused_with_the_nearest(shelf: Path) -> None:
    with pytest.raises(ParameterError, match=r"did you mean '02_duration\.ipynb'"):
        notebooks.find(str(shelf / "02_duratoin.ipynb"))


@pytest.mark.parametrize("content", ["", "not json", '{"cells": 3}', "[]", "%PDF-1.4"])
def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text(content)
    with pytest.raises(ParameterError, match="not a Jupyter notebook"):
        notebooks.open_notebook(path)


def test_a_notebook_in_another_language_is_refused(tmp_path: Path) -> None:
    node = notebook(CELL)
    node.metadata["kernelspec"] = {"name": "ir", "language": "R", "display_name": "R"}
    nbformat.write(node, tmp_path / "x.ipynb")
    with pytest.raises(ParameterError, match="written in r"):
        notebooks.open_notebook(tmp_path / "x.ipynb")


def test_a_changed_notebook_has_another_fingerprint(tmp_path: Path) -> None:
    nbformat.write(notebook(CELL), tmp_path / "x.ipynb")
    before = notebooks.open_notebook(tmp_path / "x.ipynb").fingerprint
    stored = notebook(CELL)
    stored.cells[2].outputs = [nbformat.v4.new_output("stream", text="1")]
    nbformat.write(stored, tmp_path / "x.ipynb")
    assert (
        notebooks.open_notebook(tmp_path / "x.ipynb").fingerprint == before
    )  # what was run last is not content
    nbformat.write(notebook(CELL + "z = 1"), tmp_path / "x.ipynb")
    assert notebooks.open_notebook(tmp_path / "x.ipynb").fingerprint != before
