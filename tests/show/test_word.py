"""Word documents and short messages: read back, both languages, names from the data stay text."""

from __future__ import annotations

import sys

import pytest

import funnelnb as fn
from funnelnb.core.errors import MissingExtraError, OutputError, ParameterError
from tests.analysis.test_symptoms import tiny

docx = pytest.importorskip("docx")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_document_holds_what_the_report_says(tmp_path, lang):
    report = fn.weekly_report([100, 80, 40, 20, 10, 5])
    made = docx.Document(str(fn.to_word(report, tmp_path / "week.docx", lang)))
    text = "\n".join(one.text for one in made.paragraphs)
    assert report.finding(lang).splitlines()[0].split(".")[0] in text
    (table,) = made.tables
    assert [cell.text for cell in table.columns[1].cells][1:] == ["100", "80", "40", "20", "10", "100"]
    assert made.core_properties.title == {"en": "Weekly report", "zh": "销售周报"}[lang]
    fonts = made.styles["Normal"].element.rPr.rFonts
    assert "Microsoft YaHei" in fonts.attrib.values()
    assert made.core_properties.language == {"en": "en-GB", "zh": "zh-CN"}[lang]
    assert "w:tblHeader" in table.rows[0]._tr.xml and "w:cantSplit" in table.rows[1]._tr.xml
    assert [table.rows[k].cells[1].paragraphs[0].alignment for k in (0, 1)] == [
        2,
        2,
    ]  # heads stand over numbers
    assert made.paragraphs[0].style.name == "Heading 1"


def test_a_result_of_tables_is_written_too(tmp_path):
    path = fn.to_word(fn.diagnosis.describe([1, 2, 3, 4]), tmp_path / "d.docx", "en")
    assert len(docx.Document(str(path)).tables) == 1


def test_names_of_the_data_stay_text(tmp_path):
    owner = '=cmd|"x"\x00 <w:t>**b**'
    report = fn.weekly_report(tiny(owner=[owner] * 6), period="2026-W26")
    made = docx.Document(str(fn.to_word(report, tmp_path / "x.docx", "en")))
    cells = [cell.text for table in made.tables for row in table.rows for cell in row.cells]
    assert any("<w:t>" in cell for cell in cells)
    assert "**b**" not in fn.brief(report, "en")


def test_what_cannot_be_written_is_refused(tmp_path, monkeypatch):
    report = fn.weekly_report([100, 80, 40, 20, 10, 5])
    with pytest.raises(ParameterError, match="docx"):
        fn.to_word(report, tmp_path / "x.doc")
    with pytest.raises(ParameterError, match="weekly_report"):
        fn.to_word("text", tmp_path / "x.docx")
    with pytest.raises(OutputError):
        fn.to_word(report, tmp_path / "nowhere" / "x.docx")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(MissingExtraError, match="word"):
        fn.to_word(report, tmp_path / "x.docx")


def test_tables_without_a_caption_have_no_empty_line_of_stars():
    assert "****" not in fn.weekly_report(tiny(owner=["A"] * 6), period="2026-W26").markdown("en")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_short_message_is_short(lang):
    told = fn.brief(fn.weekly_report(fn.sample().where(region="DACH"), learn_from=fn.sample()), lang)
    assert len(told.splitlines()) <= 15
    assert told.startswith("**")


@pytest.mark.parametrize(
    ("lang", "says"), [("en", "Changed since the last report"), ("zh", "与上次报告相比")]
)
def test_message_and_document_say_what_changed_since_the_last_report(tmp_path, lang, says):
    book = tiny(owner=["A"] * 6)
    kept = fn.weekly_report(book, period="2026-W26").kept()
    kept["problems"] = [["thin_top", "A"], *kept["problems"]]
    report = fn.weekly_report(book, period="2026-W26", since=kept)
    (line,) = (one for one in fn.brief(report, lang).splitlines() if says in one)
    assert {"en": "Gone: Thin top", "zh": "已消失："}[lang] in line
    made = docx.Document(str(fn.to_word(report, tmp_path / "week.docx", lang)))
    assert says in "\n".join(one.text for one in made.paragraphs)
    assert says not in fn.brief(fn.weekly_report(book, period="2026-W26"), lang)


def test_amounts_stay_on_one_line_and_tables_fill_the_paper(tmp_path):
    """A column of numbers has room for its longest cell: 10 points are some 1.9 mm a character."""
    long = "A name that is much longer than any number beside it, and longer still"
    book = tiny(owner=[long] * 6)
    made = docx.Document(
        str(fn.to_word(fn.weekly_report(book, period="2026-W26"), tmp_path / "w.docx", "en"))
    )
    page = made.sections[0]
    room = page.page_width - page.left_margin - page.right_margin
    for table in made.tables:
        widths = [column.width for column in table.columns]
        assert abs(sum(widths) / room - 1) < 0.01
        right = [k for k in range(len(widths)) if table.rows[0].cells[k].paragraphs[0].alignment == 2]
        for k in right:
            longest = max(len(row.cells[k].text) for row in table.rows[1:])
            assert widths[k] / 36_000 > 1.9 * longest  # 36,000 units of Word are a millimetre
