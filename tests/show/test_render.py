"""Outputs: the same text every time, no network, the right form for each viewer."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import altair
import nbformat
import pytest

import funnelnb
from funnelnb.core.display import Shown, renderer
from funnelnb.core.errors import ParameterError
from funnelnb.show import display, outputs, panel
from funnelnb.show.charts import render, theme
from funnelnb.show.views import registry
from tests.show import made

SCRIPT = """
import hashlib, json, sys
from funnelnb.show import outputs, panel
from funnelnb.show.charts import render
from tests.show import made
if sys.argv[1] == "other order":
    render.svg(made.cohorts().chart("heat", "zh"))
text = panel(made.company(), "zh", "outcome") + json.dumps(outputs(made.segments(), "en"), sort_keys=True)
print(hashlib.sha256(text.encode()).hexdigest())
"""


def test_output_is_the_same_in_every_process_and_order():
    digests = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT, order], check=True, capture_output=True, text=True,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for order, seed in (("this order", "1"), ("other order", "2"))
    ]  # fmt: skip
    assert digests[0] == digests[1] != ""


def test_svg_is_well_formed_small_and_in_named_fonts():
    for lang in ("en", "zh"):
        drawing = render.svg(made.company().chart("funnel", lang))
        root = ET.fromstring(drawing)
        assert root.get("font-family") == theme.FONTS[lang]
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert drawing.count("font-family") == 1
        assert len(drawing) < 20_000
        assert not re.search(r"https?://(?!www\.w3\.org)", drawing)
        assert "NaN" not in drawing


def test_ids_differ_between_charts_and_stay_for_one():
    one, other = (render.svg(make().chart("funnel_plot", "en")) for make in (made.segments, small_segments))
    ids = [set(re.findall(r'id="([^"]+)"', drawing)) for drawing in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert set(re.findall(r"url\(#([^)]+)\)", one)) <= ids[0]
    assert one == render.svg(made.segments().chart("funnel_plot", "en"))


def small_segments():
    return made.segments({"A": (100, 50), "B": (120, 61), "C": (90, 44)})


def test_the_specification_is_vega_lite_5_without_idle_configuration():
    spec = render.spec(made.cohorts().chart("trend", "en"))
    assert spec["$schema"] == "https://vega.github.io/schema/vega-lite/v5.json"
    assert "usermeta" not in spec
    assert spec["config"]["view"] == {"stroke": None}
    assert spec["config"]["background"] == theme.PAPER
    assert not re.search(r"view_\d|param_\d", str(spec))


def test_three_outputs_each_with_plain_text():
    shown = outputs(made.company(), "zh", "outcome")
    kinds = [sorted(data) for data, _ in shown]
    assert kinds == [
        ["text/html", "text/plain"],
        [render.VEGALITE, render.SVG, "text/plain"],
        ["text/html", "text/plain"],
    ]
    assert shown[0][0]["text/plain"] == made.company().finding("zh")
    assert shown[2][0]["text/plain"] == made.company().text("zh")
    embed = shown[1][1][render.VEGALITE]["embed_options"]
    assert embed["actions"]["editor"] is False  # the data never leave for a web editor


def test_parts_can_be_left_out():
    assert len(outputs(made.company(), table=False)) == 2
    assert len(outputs(made.company(), table=False, finding=False)) == 1
    assert "<table" not in panel(made.company(), table=False)
    assert "<svg" not in panel(made.company(), picture=False)


def test_an_unknown_chart_names_those_there_are():
    with pytest.raises(ParameterError, match="'funel'") as error:
        made.company().chart("funel")
    assert "'funnel', 'outcome', 'rates'" in error.value.expected
    assert "did you mean 'funnel'" in error.value.hint
    with pytest.raises(ParameterError, match="a value of type str cannot be shown"):
        registry.view_of("no result")


def notebook_of(entries):
    cells = [
        nbformat.v4.new_code_cell(
            "x",
            outputs=[nbformat.v4.new_output("display_data", data, metadata=meta) for data, meta in entries],
        )
    ]
    book = nbformat.v4.new_notebook(cells=cells)
    nbformat.validate(book)
    return book


def test_nbconvert_takes_words_picture_and_table():
    from nbconvert import HTMLExporter

    page, _ = HTMLExporter().from_notebook_node(notebook_of(outputs(made.regions(), "zh")))
    assert "image/svg+xml" in page
    assert page.count('class="funnelnb') == 2
    assert "各阶段商机数与推进率" in page
    assert "vegalite" not in page
    bare, _ = HTMLExporter().from_notebook_node(notebook_of([(made.regions()._repr_mimebundle_(), {})]))
    assert bare.count("<svg") == 1
    assert "Deals by stage, and the share that moves on" in bare
    for text in (page, bare):
        assert "<script>alert(1)" not in text


def test_a_bare_result_shows_sentence_chart_and_table_in_one_output():
    data = made.segments()._repr_mimebundle_()
    assert set(data) == {"text/html", "text/plain"}
    found, picture, table = (data["text/html"].index(mark) for mark in ('class="said"', "<svg", "<table"))
    assert found < picture < table
    assert data["text/html"].count("<style>") == 1


def test_outside_a_notebook_words_and_table_are_printed(capsys):
    display(made.weekly(), "en")
    printed = capsys.readouterr().out
    assert printed.startswith("Won so far: 5 of 100 deals, 5.0 % (2.5–9.9)")
    assert "Overall (to won)" in printed


def test_the_package_function_is_this_one():
    assert funnelnb.display is display
    assert type(renderer()).__name__ == "Renderer"


# ---- a result type that nobody has heard of -----------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    stage: str
    stay_days: float
    deal_n: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewResult(Shown):
    n: int
    method: str
    confidence_level: float
    as_of: object
    currency: str
    notes: tuple
    rows: tuple


def test_a_new_result_needs_a_view_a_chart_and_words_only(monkeypatch):
    import types

    import altair as alt

    from funnelnb.show.charts.parts import Draft
    from funnelnb.show.tables.table import Column, Table
    from funnelnb.show.text.words import words
    from funnelnb.show.views.registry import Finding

    say = words("en")
    monkeypatch.setitem(say._pack["tables"], "news", {"caption": "Stays", "heads": {"stay_days": "Stay"}})
    monkeypatch.setitem(say._pack["fields"], "stay_days", {"label": "Stay", "definition": "How long."})
    table = Table(name="news", rows=lambda result: result.rows, columns=tuple(
        Column(field=name) for name in ("stage", "stay_days", "deal_n")))  # fmt: skip
    view = registry.View(
        tables=(table,),
        finding=lambda result, _: Finding(headline=f"{result.n} stays.", detail="", unsaid="Why."),
        charts={"stays": "stays.stays"},
    )

    def draw(result, lang):
        draft = Draft(result, lang)
        marks = draft.layer([{"stay": row.stay_days} for row in result.rows], "stays").mark_bar()
        return draft.finish(marks.encode(x=alt.X("stay:Q")), "Stays")

    home, chart = types.ModuleType("home"), types.ModuleType("funnelnb.show.charts.stays")
    home.NEW_VIEW, chart.stays_draw, chart.stays_data = view, draw, lambda result: result.rows
    monkeypatch.setitem(sys.modules, "funnelnb.show.views.new_home", home)
    monkeypatch.setitem(sys.modules, "funnelnb.show.charts.stays", chart)
    monkeypatch.setattr(registry, "_VIEWS", {**registry._VIEWS, "NewResult": "new_home.new"})

    result = NewResult(
        **made.COMMON, n=2, method="x", notes=(), rows=(NewRow(stage="a", stay_days=3.5, deal_n=2),)
    )
    assert result.to_frame().to_dict("list") == {"stage": ["a"], "stay_days": [3.5], "deal_n": [2]}
    assert "a      " in result.text("en")
    assert result.text("en").splitlines()[3].split() == ["a", "3.5", "2"]
    assert result.finding("en") == "2 stays.\nPlease note: Why."
    assert "<svg" in panel(result, "en")
    assert len(outputs(result, "en")) == 3


def test_names_from_right_to_left_do_not_turn_the_figures_beside_them():
    name = "\u05e9\u05dc\u05d5\u05dd"
    rows = altair.Data(values=[{"who": f"{name} (n = 12)", "n": 12}])
    chart = altair.Chart(rows).mark_bar().encode(x="n:Q", y="who:N", tooltip=[altair.Tooltip("who:N")])
    drawn = render.svg(chart)
    assert f"\u2068{name}\u2069 (n = 12)" in drawn
    assert f"{name} (n = 12)" not in drawn.replace(f"\u2068{name}\u2069", "")


def test_a_narrow_place_shrinks_a_picture_no_further_than_its_words_can_be_read():
    picture = render.legible('<svg class="marks" width="824" height="9"></svg>')
    assert picture.startswith('<svg style="min-width:707px" class="marks"')
    assert render.legible('<svg data-later="x"></svg>') == '<svg data-later="x"></svg>'
