"""Colours, fonts and layout that all charts share.

The colours follow Okabe and Ito's set, which people with the common kinds of colour blindness can tell
apart, and differ in lightness too; what a colour says is always said by words or form as well.
"""

from __future__ import annotations

import contextlib
import unicodedata
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from funnelnb.show.text.unbroken import whole

if TYPE_CHECKING:
    from collections.abc import Iterator

Size = TypeVar("Size")

MOVED = "#0072B2"
"""Won, moved on."""
OPEN = "#BBD9EE"
"""Open: not decided yet."""
LOST = "#D55E00"
"""Lost."""
LOST_INK = "#A33F00"
"""Words about lost deals."""
LEFT = "#BDBDBD"
"""Left undecided; too few to say."""
SECOND = "#E69F00"
"""A second mark beside the first (shrunken rate)."""
BAND_90, BAND_80, BAND_50 = "#D3E6F2", "#A3CBE4", "#64A8D2"
"""Ranges around a line, the widest to the narrowest, over one another."""
WEAK = "#FDF0E4"
"""The ground of what needs attention."""
INK = "#1F2933"
QUIET = "#5B6770"
FAINT = "#DDE2E6"
PAPER = "#FFFFFF"
SEQUENCE = ("#F2F7FB", "#C6DCEE", "#86BBDC", "#3F8FC4", "#0B5C9E", "#08366B")
"""Light to dark, for shares from low to high."""

FONTS = {
    "en": (
        "'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans', 'Noto Sans CJK SC', 'Microsoft YaHei', "
        "'PingFang SC', sans-serif"
    ),
    "zh": "'Noto Sans CJK SC', 'Source Han Sans SC', 'Microsoft YaHei', 'PingFang SC', sans-serif",
}
ON_LIGHT, ON_DARK = "#1F2934", "#FFFFFE"
"""Ink in a cell of :data:`SEQUENCE`: the cells keep their colours on a dark page, so their words must, too."""

DARK = {
    MOVED: "#5AA2F0", OPEN: "#274B73", LOST: "#F08B3E", LOST_INK: "#FFAB6B", LEFT: "#76818F", SECOND: "#E0B04C",
    INK: "#E9EDF2", QUIET: "#9AA5B3", FAINT: "#2A323D", PAPER: "#171C23", "#EEF1F3": "#1F252E", "#E9ECEE": "#39424E",
    "#003A5C": "#BBD9EE", "#ddd": "#2A323D", "#009E73": "#3DBE97", "#CC79A7": "#D99BBF", "#56B4E9": "#7CC4EE",
    WEAK: "#34241A", BAND_90: "#1B3049", BAND_80: "#244B73", BAND_50: "#356FA8",
}  # fmt: skip
"""What each colour becomes on a dark page."""

NARROW = 326
"""Pixels that a chart may take on a phone."""

_ON_PHONE: ContextVar[bool] = ContextVar("on_phone", default=False)

TITLE_SIZE = 15
SUBTITLE_SIZE = 11.5
LABEL_SIZE = 11.5
SMALL_SIZE = 10.5


@contextlib.contextmanager
def for_phone() -> Iterator[None]:
    """Draw what is drawn inside for a phone: charts that know how get another layout, not smaller words."""
    token = _ON_PHONE.set(True)
    try:
        yield
    finally:
        _ON_PHONE.reset(token)


def fit(wide: Size, narrow: Size) -> Size:
    """Return the one of two sizes that suits what is drawn for."""
    return narrow if _ON_PHONE.get() else wide


def dark_rules(scope: str) -> str:
    """Return the style rules that turn a chart's colours dark, for charts under the selector `scope`."""
    rules = []
    for light, dark in DARK.items():
        rules.append(f'{scope} [fill="{light}"]{{fill:{dark}}}')
        rules.append(f'{scope} [stroke="{light}"]{{stroke:{dark}}}')
    return "".join(rules)


def config(lang: str) -> dict[str, Any]:
    """Return the Vega-Lite configuration of every chart in one language."""
    words = {
        "labelColor": QUIET,
        "labelFontSize": LABEL_SIZE,
        "titleColor": QUIET,
        "titleFontSize": LABEL_SIZE,
        "titleFontWeight": "normal",
    }
    return {
        "background": PAPER,
        "padding": {"left": 8, "right": 12, "top": 8, "bottom": 8},
        "font": FONTS[lang],
        "view": {"stroke": None},
        "axis": {
            **words,
            "gridColor": FAINT,
            "gridOpacity": 0.7,
            "domainColor": FAINT,
            "tickColor": FAINT,
            "titlePadding": 8,
            "labelLimit": 220,
        },
        "legend": {**words, "labelColor": INK, "labelLimit": 420, "columnPadding": 20},
        "text": {"color": INK, "fontSize": LABEL_SIZE, "font": FONTS[lang]},
        "title": {
            "color": INK,
            "fontSize": TITLE_SIZE,
            "fontWeight": 600,
            "subtitleColor": QUIET,
            "subtitleFontSize": SUBTITLE_SIZE,
            "subtitlePadding": 6,
            "lineHeight": 20,
            "subtitleLineHeight": 16,
            "anchor": "start",
            "offset": 14,
        },
    }


def small_title(title: Any) -> Any:
    """Return a chart's title without its large line, where that stands beside the picture; the small ones stay."""
    from altair import TitleParams

    return TitleParams(
        text=title.subtitle, anchor="start", frame="bounds", offset=title.offset, fontSize=SUBTITLE_SIZE,
        fontWeight="normal", color=QUIET, lineHeight=16,
    )  # fmt: skip


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return about how many pixels `text` takes at a font size; on the safe side."""
    total = 0.0
    for char in text:
        if unicodedata.east_asian_width(char) in "WF":
            total += 1.0
        elif char in "ijlI.,:;'|!() ·":
            total += 0.34
        elif char.isupper() or char in "mwMW%–—":
            total += 0.72
        else:
            total += 0.56
    return total * size * (1.06 if bold else 1.0)


def wrap(text: str, pixels: float, size: float, *, bold: bool = False) -> list[str]:
    """Break `text` into lines that fit into `pixels`: at spaces, between Chinese characters, never within a figure."""
    from funnelnb.show.tables.grid import pieces

    lines: list[str] = []
    line = ""
    for piece in whole(pieces(text)):
        if line and text_width((line + piece).rstrip(), size, bold=bold) > pixels:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def shorten(text: str, pixels: float, size: float) -> str:
    """Cut `text` so that it fits into `pixels`, with an ellipsis where something was cut."""
    if text_width(text, size) <= pixels:
        return text
    kept = text
    while kept and text_width(kept + "…", size) > pixels:
        kept = kept[:-1]
    return kept.rstrip() + "…"
