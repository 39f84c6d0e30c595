"""What the documentation site is made of: every public name, every method, every field; and its link check can fail."""

import operator
import re
import tomllib
from pathlib import Path

import pytest

import funnelnb as fn
from tools.website import links, pages, running
from tools.website.__main__ import documents, linked, navigation
from tools.website.chinese import Bigrams

ROOT = Path(__file__).resolve().parents[2]
METHODS = tomllib.loads((ROOT / "docs" / "methods.toml").read_text(encoding="utf-8"))["methods"]


def test_the_reference_names_everything_public_once():
    """Names that the package's docstring forgets are listed too, under a heading of their own."""
    named = [name for names in pages.questions().values() for name in names]
    assert sorted(named) == sorted(fn.__all__)


def test_the_reference_documents_results_beside_the_call():
    shown = pages.reference()
    page = next(text for name, text in shown.items() if "## fn.conversion\n" in text and "index" not in name)
    for one in ("Conversion", "StepRow"):
        assert f".{one}\n" in page
    assert sum(text.count(".Conversion\n") for text in shown.values()) == 1


@pytest.mark.parametrize("method", METHODS, ids=lambda one: one["id"])
def test_every_method_page_has_question_formula_source_and_check(method):
    """The functions named are there, and at least one says what it was checked against."""
    homes = pages.statistics()
    assert set(method["functions"]) <= set(homes)
    assert all(operator.attrgetter(name)(fn) for name in method.get("asked_by", ()))
    page = pages.method_page(method, homes, pages.coverage())
    assert method["question"] in page
    assert ("| interval |" in page) == ("coverage" in method)
    documented = [pages.documented(homes[name]) for name in method["functions"]]
    assert any("References" in text or "Notes" in text for text in documented)
    assert any("hecked" in text for text in documented)


def test_what_something_was_checked_against_is_there():
    """Files of tests that docstrings name exist, with the folder where one is given."""
    root = Path(fn.__file__).parent
    named = {
        (path.name, one)
        for path in root.rglob("*.py")
        for one in re.findall(
            r"tests/[\w/]+\.(?:py|csv|R)\b|\btest_\w+\.py\b", path.read_text(encoding="utf-8")
        )
    }
    tests = {path.name for path in (root.parent / "tests").rglob("*.py")}
    assert len(named) > 100
    assert [one for one in sorted(named) if not (root.parent / one[1]).exists() and one[1] not in tests] == []


def test_every_stored_coverage_stands_on_a_page():
    rows = pages.coverage()
    shown = "\n".join(pages.methods().values())
    assert len(rows) > 120
    for row in rows:
        assert f"| {row['interval']} | {row['setting']} | {100 * float(row['coverage']):.1f} % |" in shown


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_glossary_has_every_field_in_both_languages(lang):
    text = pages.glossary(lang)
    fields, other = pages.fields(lang), pages.fields("zh" if lang == "en" else "en")
    assert len(fields) > 300
    assert set(fields) == set(other)
    assert all(f"| `{name}` |" in text for name in fields)
    assert "<<" not in text


def test_terms_have_both_languages():
    for one in tomllib.loads((ROOT / "docs" / "terms.toml").read_text(encoding="utf-8"))["terms"]:
        assert {"en", "zh", "meaning_en", "meaning_zh"} <= set(one)


def test_every_document_is_in_the_navigation():
    names = [path.name for path in documents("en")] + ["glossary.md", "method/index.md", "api/index.md"]
    shown = navigation("en", names)
    for name in set(names) - {"index.md"}:
        assert f"\n{name.removesuffix('.md')}\n" in shown or f"<{name.removesuffix('.md')}>\n" in shown


def test_links_are_turned_to_where_documents_lie_in_the_site():
    names = ["DECISIONS.md", "data.md", "method/index.md"]
    assert linked("[a](../DECISIONS.md#time)", "data.md", names) == "[a](DECISIONS.md#time)"
    assert linked("[a](docs/data.md)", "DECISIONS.md", names) == "[a](data.md)"
    assert linked("[a](../methods.md)", "method/index.md", [*names, "methods.md"]) == "[a](../methods.md)"
    assert linked("[a](../pyproject.toml)", "data.md", names) == "a (`pyproject.toml`)"
    assert linked("![a](images/report.png)", "data.md", names) == "![a](images/report.png)"


def page(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"<html><body>{body}</body></html>", encoding="utf-8")


def test_the_link_check_finds_what_leads_nowhere(tmp_path):
    page(
        tmp_path,
        "a.html",
        '<a href="b.html#here">x</a><a href="https://doi.org/10.1/x">y</a><img src="p.png">',
    )
    page(tmp_path, "b.html", '<p id="here">x</p><a href="a.html">z</a>')
    assert links.problems(tmp_path) == ["a.html: p.png is not there"]
    (tmp_path / "p.png").write_bytes(b"")
    assert links.problems(tmp_path) == []
    page(tmp_path, "b.html", '<a href="c.html">z</a>')
    assert links.problems(tmp_path) == [
        "a.html: b.html#here: the page has no such place",
        "b.html: c.html is not there",
    ]


@pytest.mark.parametrize(
    "body",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<img src="//cdn.example/x.png">',
        '<link rel="stylesheet" href="https://cdn.example/x.css">',
        '<style>@import "https://cdn.example/x.css";</style>',
        '<p style="background: url(https://cdn.example/x.png)">x</p>',
        '<img srcset="https://cdn.example/x.png 2x">',
        "<script>fetch('https://cdn.example/x.json')</script>",
    ],
)
def test_the_link_check_finds_what_comes_from_outside(tmp_path, body):
    page(tmp_path, "a.html", body)
    assert any("from outside" in line for line in links.problems(tmp_path))


def test_a_document_shows_what_its_blocks_give(tmp_path):
    path = tmp_path / "own.md"
    path.write_text(
        "```python\nx = 6 * 7\nprint(x)\n```\n\n```python\n>>> y = x + 1\n```\n\n```python\ny\n```\n\n"
        '<!-- skip: next "no" -->\n\n```python\n1 / 0\n```\n',
        encoding="utf-8",
    )
    shown = running.document(path, "en", tmp_path)
    assert "\n42\n" in shown
    assert "\n43\n" in shown
    path.write_text("```python\n1 / 0\n```\n", encoding="utf-8")
    with pytest.raises(running.DocumentError, match=r"own\.md.*ZeroDivisionError"):
        running.document(path, "en", tmp_path)


def test_chinese_is_searched_by_pairs_of_characters():
    search = Bigrams({})
    assert search.split("转化率 of DACH") == ["转化", "化率", "of", "DACH"]
    assert search.split("赢单") == ["赢单"]
