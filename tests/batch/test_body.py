"""What a reader sees of an executed notebook: nothing that runs, nothing that is fetched, nothing twice."""

from typing import Any

import nbformat
import pytest

from funnelnb.batch import body


def code(*outputs: Any, tags: tuple[str, ...] = (), source: str = "x = 1") -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})
    cell.outputs = list(outputs)
    return cell


def shown(data: dict[str, Any]) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("display_data", data=data)


def printed(text: str, name: str = "stdout") -> nbformat.NotebookNode:
    return nbformat.v4.new_output("stream", text=text, name=name)


def page(*cells: Any, **options: Any) -> body.Body:
    return body.render(nbformat.v4.new_notebook(cells=list(cells)), **options)


def test_title_and_contents_come_from_the_headings() -> None:
    found = page(
        nbformat.v4.new_markdown_cell("# A *big* title & more\n\nintro\n\n## First <part>\n\n### small"),
        nbformat.v4.new_markdown_cell("## 第二"),
    )
    assert found.title == "A big title & more"
    assert [(one.anchor, one.title) for one in found.sections] == [("s1", "First"), ("s2", "第二")]
    assert "<h1" not in found.html
    assert '<h2 id="s2">第二</h2>' in found.html


@pytest.mark.parametrize(
    ("data", "taken"),
    [
        ({"text/html": "<b>h</b>", "image/svg+xml": "<svg/>", "text/plain": "p"}, "<b>h</b>"),
        (
            {"image/svg+xml": "<svg>s</svg>", "image/png": "AAAA", "text/plain": "p"},
            '<figure><div class="wide-chart"><svg>s</svg></div></figure>',
        ),
        (
            {"image/png": "AA\nAA", "text/plain": 'a "b"'},
            'src="data:image/png;base64,AAAA" alt="a &#34;b&#34;"',
        ),
        ({"text/markdown": "**m**", "text/plain": "p"}, "<strong>m</strong>"),
        ({"text/plain": "a < b"}, "<pre>a &lt; b</pre>"),
        ({body.WIDGET: {}, "text/html": "<i>state</i>", "text/plain": "VBox(...)"}, "<i>state</i>"),
        ({"application/vnd.vegalite.v5+json": {}, "image/svg+xml": "<svg>v</svg>"}, "<svg>v</svg>"),
    ],
)
def test_the_richest_form_that_stands_still_is_taken(data: dict[str, Any], taken: str) -> None:
    assert taken in page(code(shown(data))).html


@pytest.mark.parametrize(
    "output",
    [
        shown({"application/javascript": "alert(1)"}),
        shown({body.WIDGET: {}, "text/plain": "VBox(children=())"}),
        shown({"image/svg+xml": "<script>alert(1)</script>"}),
        printed("a warning of a library", name="stderr"),
        printed("   \n"),
    ],
)
def test_what_says_nothing_on_a_still_page_is_left_out(output: Any) -> None:
    assert page(code(output)).html == ""


def test_text_and_markdown_outputs_cannot_bring_mark_up() -> None:
    evil = "<script>alert(1)</script>"
    found = page(
        code(printed(evil), shown({"text/plain": evil}), shown({"text/markdown": evil})),
        code(nbformat.v4.new_output("error", ename="E", evalue=evil, traceback=[f"\x1b[31m{evil}\x1b[0m"])),
    ).html
    assert "<script" not in found
    assert found.count("&lt;script&gt;") == 4
    assert "\x1b" not in found


def test_code_is_there_only_when_asked_for_and_folded() -> None:
    cell = code(source="a < b")
    injected = code(tags=("injected-parameters",), source="secret = 1")
    assert page(cell, injected).html == ""
    found = page(cell, injected, code=True, labels=body.Labels(code="代码")).html
    assert found == '<details class="code"><summary>代码</summary><pre>a &lt; b</pre></details>'


def test_text_that_repeats_a_table_is_folded_within_its_section_only() -> None:
    text = code(printed("the table as text"), tags=("check",))
    table = code(shown({"text/html": "<table></table>"}))
    heading = nbformat.v4.new_markdown_cell("## next")
    again, last = code(*text.outputs, tags=("check",)), code(*text.outputs, tags=("check",))
    found = page(text, table, again, heading, last).html
    assert [part.count("<details>") for part in found.split("the table as text")] == [0, 1, 0, 0]


def test_asides_for_notebook_users_are_left_out() -> None:
    aside = nbformat.v4.new_markdown_cell("try this", metadata={"tags": ["notebook-only"]})
    assert page(aside, code(printed("x"), tags=("notebook-only",))).html == ""
