"""Results as slides: one for each, its finding as the title, its chart or table, and what the figures rest on."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.show.charts import render, theme
from funnelnb.show.pages.export import clean_text, replacing
from funnelnb.show.pages.report import foot, notes
from funnelnb.show.pages.workbook import results_of, said_of
from funnelnb.show.tables.grid import GridRow, Head, pieces
from funnelnb.show.tables.table import build
from funnelnb.show.text.words import words_of
from funnelnb.show.views.registry import chart_of, finding_of, view_of

if TYPE_CHECKING:
    from funnelnb.show.tables.grid import Grid
    from funnelnb.show.text.words import Words

WIDE, HIGH = 13.333, 7.5
"""Size of a slide in inches (16:9)."""
EDGE, TOP, BOTTOM = 0.6, 1.75, 0.85
"""Space left around the picture, in inches."""
SIZES, DETAIL_SIZES, SMALL_POINTS = (26, 22, 20, 18, 16, 14), (18, 15, 13, 11), 11
"""Points of a title and of a text: the largest in which it fits its place."""
LINE = 1.25
"""Height of a line by the size of its letters."""
LEAD, MOST_COLUMNS = 0.9, 8
"""Inches for the sentence above a table; tables of more columns are drawn where there is no other."""
TABLE_SIZES, CELL_SIDE, CELL_ABOVE = (16, 14, 13, 12, 11, 10), 6.0, 4.0
"""Points of a table's letters, and what is free in a cell at the sides, above and below."""
PLAIN_STYLE, RULE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}", "C8CDD3"
"""PowerPoint's name of a table without fills and lines, and the colour of the line below a row."""
LATIN, EAST_ASIAN = "Arial", "Microsoft YaHei"
"""Fonts of a slide: there on every computer, or another of the same widths."""
PADDING = 0.1
"""Inches that PowerPoint leaves free at each side of a text."""


def to_powerpoint(result: Any, path: str | Path) -> Path:
    """Where are these results as slides? Written to `path`, one slide each.

    Parameters
    ----------
    result : Result or list of results
        The title of a slide is what the result says; below stands its chart or, where it has none, its second sentence
        and its table, as many rows as fit; at the foot the number of deals and the date. Caveats stand in the notes
        of the slide.
    path : str or Path
        The file (.pptx); an existing one is replaced.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ParameterError
        `result` is no result, or the name does not end in .pptx.
    MissingDataError
        The package python-pptx is not installed.
    OutputError
        The file cannot be written; nothing half-written stays behind.

    Notes
    -----
    Checked against python-pptx, which reads the file back: ``tests/show/test_workbook.py``.
    """
    if Path(path).suffix.lower() != ".pptx":
        raise ParameterError(f"path = {str(path)!r}", expected="a name that ends in .pptx")
    results = results_of(result)
    try:
        import pptx
        from pptx.util import Inches
    except ImportError as problem:
        raise MissingDataError(
            "slides need the package python-pptx, which is not installed",
            expected="funnelnb with its part for slides",
            hint="pip install 'funnelnb[slides]'; or chart.save('picture.png') for each chart",
        ) from problem
    deck = pptx.Presentation()
    deck.slide_width, deck.slide_height = Inches(WIDE), Inches(HIGH)
    for one in results:
        _slide(deck, one, words_of(one, None))
    with replacing(path) as draft:
        deck.save(str(draft))
    return Path(path)


def _slide(deck: Any, result: Any, say: Words) -> None:
    from pptx.util import Inches

    slide = deck.slides.add_slide(deck.slide_layouts[5])  # a title and nothing else
    found = finding_of(result, say.lang)
    title = slide.shapes.title
    title.left, title.top, title.width, title.height = (
        Inches(one) for one in (EDGE, 0.35, WIDE - 2 * EDGE, TOP - 0.45)
    )
    size = _largest(found.headline, SIZES, WIDE - 2 * EDGE, TOP - 0.45, bold=True)
    _say(title.text_frame, found.headline, size, say.lang, bold=True)
    room = (EDGE, TOP, WIDE - 2 * EDGE, HIGH - TOP - BOTTOM)
    if view_of(result).charts and result.n:
        _picture(slide, result, say, room)
    else:
        _put_detail(slide, result, say, room)
    under = slide.shapes.add_textbox(Inches(EDGE), Inches(HIGH - 0.7), Inches(WIDE - 2 * EDGE), Inches(0.5))
    _say(under.text_frame, (foot(result, say) or [""])[0], SMALL_POINTS, say.lang)
    told = [found.detail, said_of(found.unsaid, say), *foot(result, say), *notes(result, say)]
    slide.notes_slide.notes_text_frame.text = clean_text("\n".join(line for line in told if line))


def _picture(slide: Any, result: Any, say: Words, room: tuple[float, float, float, float]) -> None:
    """Put the chart into the room, as large as it fits, with a description for screen readers."""
    from pptx.util import Inches

    left, top, wide, high = room
    chart, told = chart_of(result).draw(result, say.lang), finding_of(result, say.lang)
    if str(chart.description).startswith(told.headline):
        chart.title = theme.small_title(chart.title)  # the slide's own title says the large one
    picture = slide.shapes.add_picture(BytesIO(render.png(chart, scale=3.0)), Inches(left), Inches(top))
    factor = min(Inches(wide) / picture.width, Inches(high) / picture.height)
    picture.width, picture.height = int(picture.width * factor), int(picture.height * factor)
    picture.left = int(Inches(left) + (Inches(wide) - picture.width) / 2)
    picture._element.nvPicPr.cNvPr.set("descr", clean_text(f"{told.headline} {told.detail}"))  # noqa: SLF001


def _put_detail(slide: Any, result: Any, say: Words, room: tuple[float, float, float, float]) -> None:
    """Put the second sentence and the first table that fits into the room; the sentence alone where there is none."""
    from pptx.util import Inches

    left, top, wide, high = room
    detail = finding_of(result, say.lang).detail
    grid = _grid(result, say)
    lead = min(high, LEAD) if grid else high
    if detail:
        box = slide.shapes.add_textbox(*(Inches(one) for one in (left, top, wide, lead)))
        _say(box.text_frame, detail, _largest(detail, DETAIL_SIZES, wide, lead), say.lang)
    if grid:
        used = lead if detail else 0.0
        _table(slide, grid, say, (left, top + used, wide, high - used))


def _grid(result: Any, say: Words) -> Grid | None:
    """Return the table that a slide has room for: the first with rows, of several a narrow one first."""
    view = view_of(result)
    if view.document is not None:
        grids = [grid for section in view.document(result, say).sections for grid in section.grids]
    elif getattr(result, "n", 1):
        grids = [build(table, result, say.lang) for table in view.tables if table.shown(result)]
    else:
        grids = []
    known = [_upright(grid) if len(grid.rows) == 1 else grid for grid in grids if grid.rows]
    return next((grid for grid in known if len(grid.heads) <= MOST_COLUMNS), known[0] if known else None)


def _upright(grid: Grid) -> Grid:
    """Return a table of one row as a list of its columns: name and value."""
    (row,) = grid.rows
    heads = (Head(label="", definition="", numeric=False), Head(label="", definition="", numeric=True))
    pairs = zip(grid.heads, row.cells, strict=True)
    return replace(grid, heads=heads, rows=tuple(GridRow(cells=(head.label, cell)) for head, cell in pairs))


def _table(slide: Any, grid: Grid, say: Words, room: tuple[float, float, float, float]) -> None:
    """Put a table into the room, in the largest letters in which all rows fit; of more the first, and it is said."""
    from pptx.util import Inches, Pt

    left, top, wide, high = room
    points = next((one for one in TABLE_SIZES if _fits(grid, wide * 72, high * 72, one)), TABLE_SIZES[-1])
    widths, heights = _widths(grid, wide * 72, points), _heights(grid, wide * 72, points)
    rows = len(grid.rows)
    if sum(heights) > high * 72:
        free = high * 72 - 2 * points  # the last line says how many more there are
        rows = max(sum(sum(heights[: k + 2]) <= free for k in range(rows)), 1)
    frame = slide.shapes.add_table(
        rows + 1, len(grid.heads), Inches(left), Inches(top), Pt(int(sum(widths))), Pt(int(sum(heights[: rows + 1])))
    )  # fmt: skip
    frame._element.graphic.graphicData.tbl.tblPr[0].text = PLAIN_STYLE  # noqa: SLF001
    for column, width in zip(frame.table.columns, widths, strict=True):
        column.width = Pt(int(width))
    for number, cells in enumerate(_lines(grid)[: rows + 1]):
        frame.table.rows[number].height = Pt(int(heights[number]))
        bold = number == 0 or grid.rows[number - 1].strong
        for k, text in enumerate(cells):
            _cell(frame.table.cell(number, k), text, points, say.lang, bold=bold, right=grid.heads[k].numeric)
    if len(grid.rows) > rows:
        below = Inches(left), Inches(top) + Pt(int(sum(heights[: rows + 1]))), Inches(wide), Pt(2 * points)
        more = say.say("workbook.more_rows", more_n=len(grid.rows) - rows)
        _say(slide.shapes.add_textbox(*below).text_frame, more, points, say.lang)


def _cell(cell: Any, text: str, points: int, lang: str, *, bold: bool, right: bool) -> None:
    """Fill a cell: its text, and a thin line below it."""
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.oxml import parse_xml
    from pptx.oxml.ns import nsdecls
    from pptx.util import Pt

    _say(cell.text_frame, text, points, lang, bold=bold)
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    cell.margin_left = cell.margin_right = Pt(CELL_SIDE)
    cell.margin_top = cell.margin_bottom = Pt(CELL_ABOVE)
    if right:
        for paragraph in cell.text_frame.paragraphs:
            paragraph.alignment = PP_ALIGN.RIGHT
    line = f'<a:lnB {nsdecls("a")} w="9525"><a:solidFill><a:srgbClr val="{RULE}"/></a:solidFill></a:lnB>'
    cell._tc.get_or_add_tcPr().append(parse_xml(line))  # noqa: SLF001 - the library has no other way


def _lines(grid: Grid) -> list[tuple[str, ...]]:
    return [tuple(head.label for head in grid.heads), *(row.cells for row in grid.rows)]


def _fits(grid: Grid, wide: float, high: float, points: int) -> bool:
    """Whether all rows fit into so many points, and no word of theirs is broken."""
    least, _ = _needs(grid, wide, points)
    return sum(least) <= wide and sum(_heights(grid, wide, points)) <= high


def _widths(grid: Grid, wide: float, points: int) -> list[float]:
    """Return the widths of the columns in points: numbers on one line, words share what is left."""
    least, wanted = _needs(grid, wide, points)
    spare, asked = wide - sum(least), sum(wanted) - sum(least)
    if spare <= 0:
        return [one * wide / sum(least) for one in least]
    if asked > spare:
        return [low + (one - low) * spare / asked for low, one in zip(least, wanted, strict=True)]
    return [one * min(wide / sum(wanted), 1.5) for one in wanted]


def _needs(grid: Grid, wide: float, points: int) -> tuple[list[float], list[float]]:
    """Return the least widths of the columns, in which no word or number is broken, and those they would take."""
    least, wanted = [], []
    for k, head in enumerate(grid.heads):
        cells = [row.cells[k] for row in grid.rows]
        whole = max([theme.text_width(one, points, bold=True) for one in cells], default=0.0)
        words = [word for one in (head.label, *cells) for word in pieces(one)]
        word = max([theme.text_width(one.rstrip(), points, bold=True) for one in words], default=0.0)
        least.append((max(word, whole) if head.numeric else min(word, wide / 4)) + 2 * CELL_SIDE + 4)
        label = theme.text_width(head.label, points, bold=True)
        wanted.append(max(least[k], max(whole, min(label, wide / 8)) + 2 * CELL_SIDE + 4))
    return least, wanted


def _heights(grid: Grid, wide: float, points: int) -> list[float]:
    """Return the heights of the head and of the rows in points."""
    widths = [one - 2 * CELL_SIDE for one in _widths(grid, wide, points)]
    return [
        max(len(theme.wrap(text, room, points, bold=True)) for text, room in zip(cells, widths, strict=True))
        * points * LINE + 2 * CELL_ABOVE
        for cells in _lines(grid)
    ]  # fmt: skip


def _largest(text: str, sizes: tuple[int, ...], wide: float, high: float, *, bold: bool = False) -> int:
    """Return the largest of the sizes in which a text fits a place of so many inches; the smallest where none does."""
    room = (wide - 2 * PADDING) * 72
    for points in sizes:
        lines = theme.wrap(text, room, points, bold=bold)
        if len(lines) * points * LINE <= (high - PADDING) * 72:
            return points
    return sizes[-1]


def _say(frame: Any, text: str, points: int, lang: str, *, bold: bool = False) -> None:
    """Put a text into a frame, with its language and, in Chinese, the font of its letters."""
    from pptx.enum.lang import MSO_LANGUAGE_ID
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.oxml.ns import qn
    from pptx.util import Pt

    frame.word_wrap, frame.vertical_anchor = True, MSO_ANCHOR.TOP
    frame.text = clean_text(text)
    for paragraph in frame.paragraphs:
        paragraph.alignment = PP_ALIGN.LEFT
        for run in paragraph.runs:
            run.font.size, run.font.bold, run.font.name = Pt(points), bold, LATIN
            run.font.language_id = (
                MSO_LANGUAGE_ID.SIMPLIFIED_CHINESE if lang == "zh" else MSO_LANGUAGE_ID.ENGLISH_US
            )
            if lang == "zh":
                letters = run.font._element.makeelement(qn("a:ea"), {"typeface": EAST_ASIAN})  # noqa: SLF001
                run.font._element.append(letters)  # noqa: SLF001
