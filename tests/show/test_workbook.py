"""Workbooks, slides and messages are opened again: what one would send is in them, and nothing can become a formula."""

from __future__ import annotations

import inspect
import re
import zipfile

import openpyxl
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.core.errors import ParameterError
from funnelnb.core.options import options
from funnelnb.show.charts import render
from funnelnb.show.pages import slides, workbook
from funnelnb.show.pages.workbook import to_excel
from funnelnb.show.text.words import words, words_of
from funnelnb.show.views import registry
from funnelnb.show.views.registry import chart_of, finding_of
from tests.architecture.public import public_functions
from tests.show import made
from tests.show.books import changed, company, load, tables


def opened(result, tmp_path):
    return openpyxl.load_workbook(to_excel(result, tmp_path / "x.xlsx"))


def column(sheet, head):
    heads = [cell.value for cell in sheet[1]]
    return [sheet.cell(row, heads.index(head) + 1) for row in range(2, sheet.max_row + 1)]


def test_a_sheet_for_each_table_with_formats_and_a_frozen_head(tmp_path):
    result = made.company()
    book = opened(result, tmp_path)
    assert book.sheetnames[0] == "Summary"
    assert book.sheetnames[-1] == "Definitions"
    assert len(book.sheetnames) == len(set(book.sheetnames))
    sheet = book[book.sheetnames[1]]
    so_far = column(sheet, "So far")
    assert [cell.value for cell in so_far] == pytest.approx(list(result.to_frame()["so_far_rate"]), rel=1e-14)
    assert {cell.number_format for cell in so_far} == {"0.0%"}
    assert {cell.number_format for cell in column(sheet, "Reached")} == {"#,##0"}
    assert column(sheet, "Stage")[0].value == "prospects"
    assert sheet.freeze_panes in ("B2", "C2")
    assert sheet.auto_filter.ref.startswith("A1:")
    assert sheet.column_dimensions["A"].width > 15
    for name in book.sheetnames:
        assert len(name) <= 31


def test_tables_of_the_same_rows_share_a_sheet_and_no_figure_is_lost(tmp_path):
    result = made.company()
    book = opened(result, tmp_path)
    told = [[cell.value for cell in row] for row in book["Definitions"].iter_rows(min_row=2)]
    named = {str(row[2]).rpartition("[")[2].rstrip("]") for row in told if row[2] and "[" in str(row[2])}
    assert set(result.to_frame().columns) <= named


def test_the_summary_says_it_and_shows_the_chart(tmp_path):
    result = made.company()
    book = opened(result, tmp_path)
    words = "\n".join(str(cell.value) for (cell,) in book["Summary"].iter_rows(max_col=1) if cell.value)
    assert result.finding("en").splitlines()[0].split(". ")[0] in words
    assert "as of 30 June 2026" in words
    with zipfile.ZipFile(tmp_path / "x.xlsx") as file:
        pictures = [name for name in file.namelist() if name.startswith("xl/media/")]
        assert len(pictures) == 1
        assert file.read(pictures[0]).startswith(b"\x89PNG")


def test_definitions_hold_parameters_method_caveats_and_columns(tmp_path):
    result = fn.conversion(company(), by="segment", horizon_days=180)
    book = opened(result, tmp_path)
    told = [tuple(cell.value for cell in row) for row in book["Definitions"].iter_rows(min_row=2)]
    assert ("Deals by stage", "Horizon in days", "180 [horizon_days]") in told
    assert ("Deals by stage", "Grouped by", "customer segment [by]") in told
    assert any(row[1] == "So far" and "Too low while recent deals are still open" in row[2] for row in told)


def test_the_language_in_force_is_that_of_the_workbook(tmp_path):
    with options(lang="zh"):
        book = opened(made.company(), tmp_path)
    assert book.sheetnames[0] == "概要"
    assert "输单数和输单金额都最多" in "".join(
        str(cell.value) for row in book["概要"].iter_rows() for cell in row
    )


def test_several_results_make_one_workbook(tmp_path):
    results = [
        fn.conversion(company(), horizon_days=180),
        fn.overview(company()),
        fn.conversion(company(), by="segment"),
    ]
    book = opened(results, tmp_path)
    assert len(book.sheetnames) == len({name.casefold() for name in book.sheetnames}) > 5
    with pytest.raises(ParameterError, match="an empty list"):
        to_excel([], tmp_path / "x.xlsx")
    with pytest.raises(ParameterError, match="a value of type DataFrame cannot be written"):
        to_excel([pd.DataFrame({"a": [1]})], tmp_path / "x.xlsx")


def test_dates_are_dates_and_unknown_is_empty(tmp_path):
    book = opened(made.cohorts(), tmp_path)
    sheet = book[book.sheetnames[1]]
    dates = [cell for row in sheet.iter_rows(min_row=2, max_row=2) for cell in row if cell.is_date]
    assert dates
    weekly = opened(made.weekly(), tmp_path)
    assert all(
        cell.value is None or cell.value == cell.value
        for sheet in weekly
        for row in sheet.iter_rows()
        for cell in row
    )


def test_names_cannot_become_formulas(tmp_path):
    given = tables(12, 20, 6)
    given = changed(given, owner=["=1+1", "@SUM(A1)"] * 19, account_id=["=cmd|' /C calc'!A0"] * 38)
    book = opened([fn.stuck(load(given)), fn.segments(load(given), by="owner")], tmp_path)
    risky = [
        cell
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str) and cell.value[:1] in "=@"
    ]
    assert risky
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in risky)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_sheet_has_a_name_that_is_not_cut(lang):
    say = words(lang)
    for name in registry._VIEWS:
        for table in registry._view(name).tables:
            own = say.find(f"workbook.sheets.{table.name}") or say.find(f"tables.{table.name}.caption")
            assert own, table.name
            filled = re.sub(r"\{\w+\}", "region", own)  # names of the data are short here
            assert workbook._sheet_name(filled, set()) == filled


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_parameter_of_a_question_has_a_name_in_words(lang):
    say = words(lang)
    data = {
        "book",
        "events",
        "source",
        "store",
        "snapshots",
        "found",
        "learn_from",
        "values",
        "tables",
        "self",
    }
    asked = {
        name
        for _, function in public_functions()
        if any(
            kind in str(inspect.signature(function).return_annotation).strip("'").split()
            for kind in registry._VIEWS
        )
        for name in inspect.signature(function).parameters
    }
    assert len(asked) > 80
    assert [name for name in sorted(asked - data) if not say.find(f"workbook.parameters.{name}")] == []


def test_cells_and_heads_speak_of_the_same_thing(tmp_path):
    with options(lang="zh"):
        book = opened(
            [fn.call_list(company(), by="owner", hours_per_week=4), fn.weekly_report(company())], tmp_path
        )
    sheet = book["优先联系清单"]
    heads = [cell.value for cell in sheet[1]]
    assert not [head for head in heads if "[" in head]
    assert "赢单概率" in heads
    assert not [
        cell.value
        for name in ("有利因素", "不利因素")
        for cell in column(sheet, name)
        if "=" in str(cell.value)
    ]
    assert {cell.value for cell in column(book["本期指标"], "指标")} >= {"新增商机"}
    assert not {cell.value for cell in column(book["下一步"], "原因")} & {"overdue", "old", "largest"}
    told = [tuple(cell.value for cell in row) for row in book["说明"].iter_rows(min_row=2)]
    assert ("优先联系清单", "每单每周工时", "4 [hours_per_week]") in told


# ---- slides --------------------------------------------------------------------------------------------------


def test_slides_say_it_show_it_and_keep_the_caveats(tmp_path):
    pptx = pytest.importorskip("pptx")
    results = [fn.conversion(company(), by="segment", horizon_days=180), fn.call_list(company())]
    deck = pptx.Presentation(str(fn.to_powerpoint(results, tmp_path / "x.pptx")))
    assert len(deck.slides) == 2
    first, second = deck.slides
    assert first.shapes.title.text == finding_of(results[0], "en").headline
    (picture,) = [shape for shape in first.shapes if shape.shape_type == 13]
    assert picture.left >= 0
    assert picture.left + picture.width <= deck.slide_width
    assert picture.top + picture.height <= deck.slide_height
    assert picture._element.nvPicPr.cNvPr.get("descr")
    assert "Please note" in first.notes_slide.notes_text_frame.text
    assert second.shapes.title.text.startswith("Call ")
    with pytest.raises(ParameterError, match=r"\.pptx"):
        fn.to_powerpoint(results, tmp_path / "x.ppt")


def test_a_slide_says_nothing_twice_and_keeps_the_small_print_of_its_chart(tmp_path, monkeypatch):
    pptx = pytest.importorskip("pptx")
    found, drawn, png = fn.diagnosis.symptoms(company()), [], render.png
    monkeypatch.setattr(
        render, "png", lambda chart, scale: drawn.append(render.spec(chart)) or png(chart, scale)
    )
    (slide,) = pptx.Presentation(str(fn.to_powerpoint(found, tmp_path / "x.pptx"))).slides
    assert slide.shapes.title.text == finding_of(found, "en").headline
    assert [one["title"]["text"] for one in drawn] == [chart_of(found).draw(found, "en").title.subtitle]


def test_a_slide_without_a_chart_shows_its_figures_as_a_table(tmp_path):
    pptx = pytest.importorskip("pptx")
    weekly, typed = fn.weekly_report(company()), fn.weekly_report([100, 80, 40, 20, 10, 5])
    results = [weekly, typed, fn.call_list(company()), fn.diagnosis.describe(company())]
    deck = pptx.Presentation(str(fn.to_powerpoint(results, tmp_path / "x.pptx")))
    for slide, result in zip(deck.slides, results, strict=True):
        (table,) = [shape for shape in slide.shapes if shape.has_table]
        assert table.left + table.width <= deck.slide_width
        assert table.top + table.height <= deck.slide_height
        grid, say = slides._grid(result, words_of(result, "en")), words_of(result, "en")
        shown = [tuple(cell.text for cell in row.cells) for row in table.table.rows]
        assert shown[0] == tuple(head.label for head in grid.heads)
        assert shown[1:] == [row.cells for row in grid.rows[: len(shown) - 1]]
        if len(shown) <= len(grid.rows):
            more = say.say("workbook.more_rows", more_n=len(grid.rows) - len(shown) + 1)
            assert more in [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]
    assert len(slides._grid(weekly, words_of(weekly, "en")).rows) == len(weekly.figures)
    assert len(slides._grid(results[3], words_of(weekly, "en")).heads) == 2  # one row lies on its side


@pytest.mark.parametrize("word", ["word ", "长"])
def test_a_title_is_as_large_as_its_place_allows_and_never_larger(word):
    sizes = [slides._largest(word * k, slides.SIZES, 12.1, 1.3, bold=True) for k in (4, 60, 120, 180, 2_000)]
    assert sizes[0] == slides.SIZES[0]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) >= 3
    assert sizes[-1] == slides.SIZES[-1]


def test_a_chinese_slide_names_a_font_and_its_language(tmp_path):
    pptx = pytest.importorskip("pptx")
    with fn.options(lang="zh"):
        path = fn.to_powerpoint([fn.weekly_report([100, 80, 40, 20, 10, 5])], tmp_path / "x.pptx")
    (slide,) = pptx.Presentation(str(path)).slides
    letters = slide.shapes.title.text_frame.paragraphs[0].runs[0].font._element
    assert letters.get("lang") == "zh-CN"
    assert [one.get("typeface") for one in letters] == [slides.LATIN, slides.EAST_ASIAN]


# ---- messages ------------------------------------------------------------------------------------------------


def test_a_message_is_short_and_cannot_be_broken_by_names(tmp_path):
    import mistune

    given = changed(tables(12, 20, 6), account_id=["[x](http://evil) | **b** <script>alert(1)</script>"] * 38)
    text = fn.to_markdown(fn.stuck(load(given)), tmp_path / "x.md", rows=3)
    assert (tmp_path / "x.md").read_text(encoding="utf-8") == text
    html = mistune.create_markdown(plugins=["table"])(text)
    assert "<script>" not in html
    assert "http://evil" not in html or 'href="http://evil' not in html
    assert html.count("<tr>") == 4
    assert "more." in text


def test_a_message_without_tables_is_words_alone():
    text = fn.to_markdown([fn.overview(company()), fn.stuck(company())], tables=False)
    assert "|" not in text
    assert text.count("---") == 1


def test_sheets_speak_words_where_pages_do(tmp_path):
    """Codes, "yes" and the total's name stand as in the table of a page; no other language, no undated head."""
    from openpyxl import load_workbook

    book = fn.sample().where(region="DACH")
    given = [
        fn.conversion(book, horizon_days=180),
        fn.diagnosis.symptoms(book),
        fn.segments(book, by="segment"),
        fn.honest_funnel(book),
        fn.roles(book),
    ]
    with fn.options(lang="zh"):
        fn.to_excel(given, tmp_path / "x.xlsx")
    sheets = load_workbook(tmp_path / "x.xlsx").worksheets
    stages = [cell.value for cell in sheets[1]["A"]]
    assert "全程（至赢单）" in stages
    assert len(stages) == len(set(stages))
    said = {str(cell.value) for sheet in sheets[1:-1] for row in sheet.iter_rows() for cell in row}
    assert not said & {
        "True",
        "False",
        "green",
        "one_size",
        "not_separable",
        "decision_maker",
        "standard_shaped",
    }
    assert not any(re.fullmatch(r"[a-z]+_[a-z_]+(, [a-z_]+)*", one) for one in said)
    assert not any("–内" in one or "_en]" in one for one in said)
    assert "limits" not in {sheet.title for sheet in sheets}
