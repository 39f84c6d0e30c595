"""A result as a Word document, and as a short message: the same words as everywhere, in another form."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import MissingExtraError, ParameterError
from funnelnb.show.pages.export import clean_text, replacing
from funnelnb.show.pages.report import foot, notes
from funnelnb.show.tables.document import Document, Section
from funnelnb.show.tables.grid import Grid, markdown_escape
from funnelnb.show.tables.grid import width as width_of
from funnelnb.show.tables.table import build
from funnelnb.show.text.words import Words, words_of
from funnelnb.show.views.registry import finding_of, view_of

if TYPE_CHECKING:
    from collections.abc import Iterable

LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
FONTS = {"en": "Calibri", "zh": "Microsoft YaHei"}
PAPER_MM, MARGIN_MM, CHARACTER_MM = (210, 297), 20, 2.0
MOST_TEXT, MOST_WORD, MOST_SHORT, PADDING = 45, 16, 19, 3
"""Columns of texts ask for so many characters at most, words for so many; short ones keep theirs; room beside each."""
BRIEF_LINES = 6
"""So many problems and next steps stand in a short message."""


def to_word(result: Any, path: str | Path, lang: str | None = None) -> Path:
    """Where is this result as a Word document? Written to `path`.

    Parameters
    ----------
    result : Result
        Such as a weekly report; any result has a finding and tables.
    path : str or Path
        The file (.docx); an existing one is replaced.
    lang : {"en", "zh"}, optional
        None: the language in force.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ParameterError
        `result` is no result, or the name does not end in .docx.
    MissingExtraError
        python-docx is not installed; the hint names the extra that brings it.
    OutputError
        The file cannot be written; nothing half-written stays behind.

    Notes
    -----
    Text of the data is text: no field, link or macro is made of it.

    Checked against python-docx, which reads the file back: ``tests/show/test_word.py``.

    Examples
    --------
    >>> import funnelnb as fn, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fn.to_word(fn.weekly_report([100, 80, 40, 20, 10, 5]), folder + "/week.docx").name
    'week.docx'
    """
    if Path(path).suffix.lower() != ".docx":
        raise ParameterError(f"path = {str(path)!r}", expected="a name that ends in .docx")
    say = words_of(result, lang) if hasattr(result, "notes") else None
    if say is None:
        raise ParameterError(
            f"a value of type {type(result).__name__} cannot be written",
            expected="a result such as fn.weekly_report returns",
        )
    made = _word(_document(result, say), [*foot(result, say), *notes(result, say)], say)
    with replacing(path) as draft:
        made.save(str(draft))
    return Path(path)


def _document(result: Any, say: Words) -> Document:
    """Return the result's own document, or one of its finding and tables."""
    view = view_of(result)
    if view.document is not None:
        return view.document(result, say)
    found = finding_of(result, say.lang)
    grids = tuple(build(table, result, say.lang) for table in view.tables if table.shown(result))
    return Document(title=found.headline, lead=found.detail, sections=(Section(grids=grids),))


def _word(document: Document, under: Iterable[str], say: Words) -> Any:
    try:
        docx = importlib.import_module("docx")
    except ImportError:
        raise MissingExtraError.for_package("python-docx", "word") from None
    made = docx.Document()
    _paged(made, docx)
    _dressed(made, say, docx)
    made.core_properties.title = clean_text(document.title)
    made.core_properties.author = ""
    made.core_properties.language = LANGUAGES[say.lang]
    if document.title:
        made.add_heading(clean_text(document.title), level=1)
    if document.lead:
        made.add_paragraph(clean_text(document.lead))
    for section in document.sections:
        _section(made, section, say)
    for line in under:
        paragraph = made.add_paragraph()
        run = paragraph.add_run(clean_text(line))
        run.font.size = docx.shared.Pt(8.5)
    return made


def _paged(made: Any, docx: Any) -> None:
    """Set the paper: A4 with margins that leave room for tables."""
    page = made.sections[0]
    page.page_width, page.page_height = docx.shared.Mm(PAPER_MM[0]), docx.shared.Mm(PAPER_MM[1])
    for side in ("left", "right", "top", "bottom"):
        setattr(page, f"{side}_margin", docx.shared.Mm(MARGIN_MM))


def _widths(grid: Grid) -> list[float]:
    """Return the widths of the columns in mm: numbers and names on one line, long texts in what is left."""
    wanted: list[float] = []
    least: list[float] = []
    for k, head in enumerate(grid.heads):
        cells = [row.cells[k] for row in grid.rows]
        word = min(
            max((width_of(one) for text in (head.label, *cells) for one in text.split()), default=1),
            MOST_WORD,
        )
        whole = max((width_of(one) for one in cells), default=1)
        wanted.append(max(word, whole if head.numeric else min(whole, MOST_TEXT)) + PADDING)
        least.append(wanted[k] if wanted[k] <= MOST_SHORT else word + PADDING)
    room = (PAPER_MM[0] - 2 * MARGIN_MM) / CHARACTER_MM
    if (
        sum(wanted) > room > sum(least)
    ):  # short columns and words keep their room, long texts share what is left
        part = (room - sum(least)) / (sum(wanted) - sum(least))
        wanted = [low + (one - low) * part for one, low in zip(wanted, least, strict=True)]
    return [room * CHARACTER_MM * one / sum(wanted) for one in wanted]


def _dressed(made: Any, say: Words, docx: Any) -> None:
    """Set the fonts, the Chinese one for Chinese characters too."""
    for name in ("Normal", "Heading 1", "Heading 2", "Heading 3"):
        style = made.styles[name]
        style.font.name = FONTS[say.lang]
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        fonts.set(docx.oxml.ns.qn("w:eastAsia"), FONTS["zh"])
    spoken = docx.oxml.OxmlElement("w:lang")  # or the spelling of another language is checked
    spoken.set(docx.oxml.ns.qn("w:val"), LANGUAGES["en"])
    spoken.set(docx.oxml.ns.qn("w:eastAsia"), LANGUAGES["zh"])
    made.styles["Normal"].element.get_or_add_rPr().append(spoken)
    made.styles["Normal"].font.size = docx.shared.Pt(10)


def _section(made: Any, section: Section, say: Words) -> None:
    if section.title:
        mark = (
            say.say("language.bracket", label=section.title, unit=section.mark)
            if section.mark
            else section.title
        )
        made.add_heading(clean_text(mark), level=2)
    if section.lead:
        made.add_paragraph(clean_text(section.lead))
    for part in section.parts:
        paragraph = made.add_paragraph()
        paragraph.add_run(clean_text(part.label)).bold = True
        for item in part.items:
            made.add_paragraph(clean_text(item), style="List Bullet")
    for grid in section.grids:
        _table(made, grid)


def _table(made: Any, grid: Grid) -> None:
    if grid.caption:
        made.add_paragraph().add_run(clean_text(grid.caption)).bold = True
    table = made.add_table(rows=1, cols=len(grid.heads))
    table.style = "Light Grid Accent 1"
    table.autofit = False
    millimetre = importlib.import_module("docx.shared").Mm
    widths = [millimetre(one) for one in _widths(grid)]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    for cell, head in zip(table.rows[0].cells, grid.heads, strict=True):
        cell.text = clean_text(head.label)
        if head.numeric:
            cell.paragraphs[0].alignment = 2  # right, as its numbers
    _mark(table.rows[0], "tblHeader")  # repeated on every page
    for row in grid.rows:
        line = table.add_row()
        _mark(line, "cantSplit")  # no row lies on two pages
        cells = line.cells
        for k, (cell, value) in enumerate(zip(cells, row.cells, strict=True)):
            cell.text, cell.width = clean_text(value), widths[k]
            if grid.heads[k].numeric:
                cell.paragraphs[0].alignment = 2  # right
            if row.strong:
                for run in cell.paragraphs[0].runs:
                    run.bold = True
    made.add_paragraph()


def _mark(row: Any, name: str) -> None:
    """Set a property of a table's row."""
    oxml = importlib.import_module("docx.oxml")
    row._tr.get_or_add_trPr().append(oxml.OxmlElement(f"w:{name}"))  # noqa: SLF001 - the library has no other way


def brief(result: Any, lang: str | None = None) -> str:
    """What does this result say in a few lines, as Markdown for an e-mail or a chat?

    Parameters
    ----------
    result : Result
        Best a weekly report.
    lang : {"en", "zh"}, optional

    Returns
    -------
    str
        Title, finding and, of a report, what changed since the last one and its problems with their remedies; at most
        some fifteen lines. Names from the data stay text.

    Examples
    --------
    >>> import funnelnb as fn
    >>> print(fn.brief(fn.weekly_report([100, 80, 40, 20, 10, 5]), "en").splitlines()[0])
    **Weekly report**
    """
    say = words_of(result, lang)
    found = finding_of(result, say.lang)
    document = view_of(result).document
    lines = []
    if document is not None:
        whole = document(result, say)
        lines += [f"**{markdown_escape(whole.title)}**", ""]
    lines += [markdown_escape(one) for one in (found.headline, found.detail) if one]
    if document is not None:
        lines += [
            f"{markdown_escape(one.title)}{say.get('language.clause')}{markdown_escape(one.lead)}"
            for one in whole.sections
            if one.news
        ]
        parts = [part for section in whole.sections for part in section.parts][:BRIEF_LINES]
        lines += [
            "",
            *(
                f"- {markdown_escape(part.label)}{say.get('language.clause')}{_last(part.items, say)}"
                for part in parts
            ),
        ]
    return "\n".join(lines).rstrip() + "\n"


def _last(items: tuple[str, ...], say: Words) -> str:
    """Return what a part says first and what to do about it."""
    shown = dict.fromkeys((items[0], items[-1]))
    return say.get("language.sentence").join(markdown_escape(one) for one in shown)
