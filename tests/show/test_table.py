"""One table, five forms: the numbers are the result's, the layout holds, nothing in a name gets out."""

from __future__ import annotations

import dataclasses
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from funnelnb.show.tables.grid import (
    Grid,
    GridRow,
    Head,
    hanging,
    markdown_escape,
    to_html,
    to_markdown,
    to_text,
    width,
    wrap,
)
from funnelnb.show.tables.table import ROWS_MOST, build, first_rows, frame
from funnelnb.show.views.conversion import CURVES, LOSS_POINTS, STEPS, step_rows
from funnelnb.show.views.registry import view_of
from tests.show import golden, made

EVERY = {
    "weekly": made.weekly, "company": made.company, "regions": made.regions, "empty": made.empty,
    "segments": made.segments, "cohorts": made.cohorts,
}  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", ["weekly", "company", "segments", "cohorts"])
def test_text_stands_as_stored(name, lang):
    golden.check(f"{name}.{lang}.txt", EVERY[name]().text(lang))


def test_weekly_report_golden_conversions():
    """DOMAIN D1: 80, 50, 50, 50, 50 per step, 5 overall."""
    shown = made.weekly().to_frame()
    assert list(shown["so_far_rate"].round(10)) == [0.8, 0.5, 0.5, 0.5, 0.5, 0.05]
    assert [row.cells[6] for row in build(STEPS, made.weekly(), "en").rows] == [
        "80.0 % (72.7–85.7)", "50.0 % (41.0–59.0)", "50.0 % (37.4–62.6)", "50.0 % (32.7–67.3)",
        "50.0 % (26.9–73.1)", "5.0 % (2.5–9.9)",
    ]  # fmt: skip


@pytest.mark.parametrize("name", EVERY)
def test_frame_holds_every_field_unchanged(name):
    result = EVERY[name]()
    table = view_of(result).tables[0]
    made_frame, rows = frame(table, result), table.rows(result)
    assert len(made_frame) == len(rows)
    for field in dataclasses.fields(rows[0]):
        if field.name == "group":
            continue
        for got, row in zip(made_frame[field.name], rows, strict=True):
            want = getattr(row, field.name)
            same = got == want or (isinstance(want, float) and math.isnan(want) and math.isnan(got))
            assert same, (field.name, got, want)
    assert made_frame.attrs["n"] == result.n


def test_frame_spreads_groups_over_named_columns():
    shown = made.regions().to_frame()
    assert list(shown.columns[:2]) == ["region", "stage"]
    assert set(shown["region"]) == {row.group[0] for row in made.regions().overall}


def test_frame_of_curves_has_one_row_per_day():
    result = made.regions()
    shown = frame(CURVES, result)
    assert len(shown) == sum(len(curve.days) for curve in result.curves)
    assert np.allclose(shown["won_rate"] + shown["lost_rate"] + shown["open_rate"], 1)


def test_a_grouping_called_like_a_field_keeps_both_columns():
    result = dataclasses.replace(made.regions(), by=("stage",))
    shown = result.to_frame()
    assert {"by_stage", "stage"} <= set(shown.columns)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", EVERY)
def test_text_columns_line_up(name, lang):
    result = EVERY[name]()
    for table in view_of(result).tables:
        if not table.shown(result):
            continue
        grid = build(table, result, lang)
        lines = to_text(grid).split("\n")
        ruler = next(line for line in lines if line.startswith("---"))
        gaps = [k for match in re.finditer("-+", ruler) for k in (match.end(), match.end() + 1)]
        body = lines[lines.index(ruler) + 1 :]
        assert len(body) == len(grid.rows)
        for line in body:
            places = places_of(line)
            assert len(places) <= len(ruler)
            assert all(places[k] == " " for k in gaps if k < len(places)), line


def places_of(line):
    """Spread a line over the places of a terminal: a Chinese character takes two."""
    return [part for char in line for part in (char, "wide")[: width(char)]]


def test_too_few_is_said_in_words_and_counts_stay():
    rows = [row for row in build(STEPS, made.regions(), "en").rows if row.cells[0] == "=1+1"]
    assert len(rows) == 6
    assert all(row.cells.count("too few deals") == 3 for row in rows)
    assert rows[0].cells[2] == "6"


def test_undefined_is_a_dash_never_zero():
    grid = build(STEPS, made.weekly(), "en")
    assert {row.cells[5] for row in grid.rows} == {"–"}


def test_columns_that_say_nothing_are_left_out():
    assert "No decision" not in [head.label for head in build(STEPS, made.weekly(), "en").heads]
    assert "No decision" in [head.label for head in build(STEPS, made.company(), "en").heads]
    assert "Region" not in [head.label for head in build(STEPS, made.company(), "en").heads]


def test_overall_stands_after_the_steps_and_before_what_follows_the_sale():
    result = made.company()
    after = dataclasses.replace(result.steps[-1], stage="won", next_stage="repeat", after_sale=True)
    result = dataclasses.replace(result, steps=(*result.steps, after))
    kinds = [(row.overall, row.after_sale) for row in step_rows(result)]
    assert kinds == [(False, False)] * 5 + [(True, False), (False, True)]


def test_loss_points_are_a_table_of_their_own_where_there_are_groups():
    assert LOSS_POINTS.shown(made.regions())
    assert not LOSS_POINTS.shown(made.company())


class Outline(HTMLParser):
    """Collect tags, attributes and text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", EVERY)
def test_html_is_accessible_and_always_the_same(name, lang):
    page = EVERY[name]().html(lang)
    assert page == EVERY[name]().html(lang)
    tags = Outline(page).tags
    assert not any("id" in attrs for _, attrs in tags)
    tables = sum(tag == "table" for tag, _ in tags)
    assert tables == sum(tag == "caption" for tag, _ in tags) >= 1
    assert all(attrs.get("scope") in ("col", "row", "rowgroup") for tag, attrs in tags if tag == "th")
    assert tags[0][1]["lang"] == ("zh-Hans" if lang == "zh" else "en")


def test_names_cannot_break_out_of_html():
    page = made.regions().html("en")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_row_groups_span_their_rows():
    tags = Outline(made.regions().html("en")).tags
    spans = [int(attrs["rowspan"]) for tag, attrs in tags if "rowspan" in attrs]
    assert spans == [6] * 12


ATTACKS = (
    "a|b",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "`c` **d** _e_",
    "line\nbreak",
    "$x$",
)


@pytest.mark.parametrize("name", ATTACKS)
def test_names_cannot_break_out_of_markdown(name):
    import nbconvert.filters

    grid = Grid(
        caption="c", stub=1, lang="en", heads=(Head(label="h", definition="", numeric=False),) * 2,
        rows=(GridRow(cells=(name, "1")),),
    )  # fmt: skip
    written = to_markdown(grid)
    assert written.count("\n") == 4
    page = nbconvert.filters.markdown2html(written)
    outline = Outline(page)
    assert {tag for tag, _ in outline.tags} <= {"p", "strong", "table", "thead", "tbody", "tr", "th", "td"}
    assert name.replace("\n", " ") in outline.text


def test_marks_that_reverse_text_are_taken_out():
    assert markdown_escape("a\u202eb") == "a b"
    assert "\u202e" not in to_html(
        Grid(
            caption="\u202e",
            stub=1,
            lang="en",
            heads=(Head(label="h", definition="", numeric=False),),
            rows=(),
        )
    )


@pytest.mark.parametrize(
    ("text", "size", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("在途于此（万元）", 12, ["在途于此（万", "元）"]),
        ("按天数比率，全程", 10, ["按天数比", "率，全程"]),
        ("unbreakable", 4, ["unbreakable"]),
        ("", 4, [""]),
    ],
)
def test_lines_break_where_the_language_breaks_them(text, size, lines):
    assert wrap(text, size) == lines


RULES = Grid(
    caption="rules",
    heads=(
        Head(label="Status", definition="", numeric=False),
        Head(label="What was found", definition="", numeric=False),
        Head(label="n", definition="", numeric=True),
    ),
    rows=(
        GridRow(cells=("note", "seven words that say what was found here " * 4, "12")),
        GridRow(cells=("注意", "从未有商机在超过一百三十八天后结束，但有许多未结束商机比这更久。" * 3, "3")),
    ),
    stub=1,
    lang="en",
)


@pytest.mark.parametrize("most", [40, 80, 100])
def test_sentences_are_broken_to_the_width_of_the_terminal(most):
    lines = to_text(RULES, most).splitlines()
    assert most - 12 < max(map(width, lines)) <= most, "full, counting two for a Chinese character"
    body = lines[3:]
    starts = [k for k, line in enumerate(body) if not line.startswith(" ")]
    assert [body[k].split()[-1] for k in starts] == ["12", "3"], "the figure stands once, on the first line"
    for first, last, row in ((0, starts[1], RULES.rows[0]), (starts[1], len(body), RULES.rows[1])):
        said = "".join("".join(body[first:last]).split())
        whole = "".join("".join(row.cells).split())
        assert sorted(said) == sorted(whole), "nothing is lost and nothing is said twice"


def test_what_fits_is_left_alone_and_so_is_everything_without_a_width():
    assert to_text(RULES, 1000) == to_text(RULES)
    assert max(map(width, to_text(RULES).splitlines())) > 150
    assert hanging("one two three", "  ", None) == "one two three"
    assert (
        hanging("- one two three four five six seven", "  ", 28) == "- one two three four five\n  six seven"
    )


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "the first 1,000 of 1,200 rows"), ("zh", "共 1,200 行，列出前 1,000 行")]
)
def test_a_page_lists_the_first_of_very_many_rows_and_says_so_while_the_frame_has_all(lang, said):
    result = made.segments({f"G{k}": (20 + k % 7, 5) for k in range(1_200)})
    table = view_of(result).tables[0]
    grid = build(table, result, lang)
    assert len(grid.rows) == ROWS_MOST
    assert said in grid.caption
    assert said in result.text(lang)
    assert len(result.to_frame()) == 1_200


def test_the_total_stays_under_the_first_of_very_many_rows():
    rows = [*range(1_500), "total"]
    assert first_rows(rows, lambda row: row == "total")[-2:] == [999, "total"]
    assert first_rows(rows[:-1], lambda row: row == "total")[-1] == 999
    assert first_rows(rows[500:], lambda row: row == "total") == rows[500:]
