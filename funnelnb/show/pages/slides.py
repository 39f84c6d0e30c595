"""Results as slides: one for each, its finding as the title, its chart, and what the figures rest on."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.show.charts import render
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
TITLE_POINTS, DETAIL_POINTS, SMALL_POINTS = 26, 15, 11
LONGEST_TITLE = 160
"""A longer title is set smaller."""


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
    _say(
        title.text_frame,
        found.headline,
        TITLE_POINTS if len(found.headline) < LONGEST_TITLE else 20,
        bold=True,
    )
    room = (EDGE, TOP, WIDE - 2 * EDGE, HIGH - TOP - BOTTOM)
    if view_of(result).charts and result.n:
        _picture(slide, result, say, room)
    else:
        box = slide.shapes.add_textbox(*(Inches(one) for one in room))
        _say(box.text_frame, found.detail, DETAIL_POINTS)
    under = slide.shapes.add_textbox(Inches(EDGE), Inches(HIGH - 0.7), Inches(WIDE - 2 * EDGE), Inches(0.5))
    _say(under.text_frame, (foot(result, say) or [""])[0], SMALL_POINTS)
    told = [found.detail, said_of(found.unsaid, say), *foot(result, say), *notes(result, say)]
    slide.notes_slide.notes_text_frame.text = clean_text("\n".join(line for line in told if line))


def _picture(slide: Any, result: Any, say: Words, room: tuple[float, float, float, float]) -> None:
    """Put the chart into the room, as large as it fits, with a description for screen readers."""
    from pptx.util import Inches

    left, top, wide, high = room
    chart = chart_of(result).draw(result, say.lang)
    picture = slide.shapes.add_picture(BytesIO(render.png(chart, scale=3.0)), Inches(left), Inches(top))
    factor = min(Inches(wide) / picture.width, Inches(high) / picture.height)
    picture.width, picture.height = int(picture.width * factor), int(picture.height * factor)
    picture.left = int(Inches(left) + (Inches(wide) - picture.width) / 2)
    told = finding_of(result, say.lang)
    picture._element.nvPicPr.cNvPr.set("descr", clean_text(f"{told.headline} {told.detail}"))  # noqa: SLF001


def _say(frame: Any, text: str, points: int, *, bold: bool = False) -> None:
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.util import Pt

    frame.word_wrap, frame.vertical_anchor = True, MSO_ANCHOR.TOP
    frame.text = clean_text(text)
    for paragraph in frame.paragraphs:
        paragraph.alignment = PP_ALIGN.LEFT
        for run in paragraph.runs:
            run.font.size, run.font.bold = Pt(points), bold
