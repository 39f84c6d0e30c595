"""Results as slides: one for each, its finding as the title, its chart, and what the figures rest on."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.show.charts import render, theme
from funnelnb.show.pages.export import clean_text, replacing
from funnelnb.show.pages.report import foot, notes
from funnelnb.show.pages.workbook import results_of, said_of
from funnelnb.show.text.words import words_of
from funnelnb.show.views.registry import chart_of, finding_of, view_of

if TYPE_CHECKING:
    from funnelnb.show.text.words import Words

WIDE, HIGH = 13.333, 7.5
"""Size of a slide in inches (16:9)."""
EDGE, TOP, BOTTOM = 0.6, 1.75, 0.85
"""Space left around the picture, in inches."""
SIZES, DETAIL_SIZES, SMALL_POINTS = (26, 22, 20, 18, 16, 14), (18, 15, 13, 11), 11
"""Points of a title and of a text: the largest in which it fits its place."""
LINE = 1.25
"""Height of a line by the size of its letters."""
EAST_ASIAN = "Microsoft YaHei"
PADDING = 0.1
"""Inches that PowerPoint leaves free at each side of a text."""


def to_powerpoint(result: Any, path: str | Path) -> Path:
    """Where are these results as slides? Written to `path`, one slide each.

    Parameters
    ----------
    result : Result or list of results
        The title of a slide is what the result says; below stands its chart, or its second sentence where it has none;
        at the foot the number of deals and the date. Caveats stand in the notes of the slide.
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
        box = slide.shapes.add_textbox(*(Inches(one) for one in room))
        _say(box.text_frame, found.detail, _largest(found.detail, DETAIL_SIZES, *room[2:]), say.lang)
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
            run.font.size, run.font.bold = Pt(points), bold
            run.font.language_id = (
                MSO_LANGUAGE_ID.SIMPLIFIED_CHINESE if lang == "zh" else MSO_LANGUAGE_ID.ENGLISH_US
            )
            if lang == "zh":
                letters = run.font._element.makeelement(qn("a:ea"), {"typeface": EAST_ASIAN})  # noqa: SLF001
                run.font._element.append(letters)  # noqa: SLF001
