"""Charts without a network: one output that JupyterLab draws live and everything else shows as a picture.

A chart goes out as Vega-Lite 5 (what JupyterLab draws by itself, interactive) together with the same chart
as SVG (what nbconvert and other viewers take). Both are the same text every time: no random ids, data
inlined under fixed names. Never fork a process in which a chart was rendered: the renderer's threads do not
survive it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import os
import re
from typing import TYPE_CHECKING, Any

from funnelnb.show.charts import theme
from funnelnb.show.text.words import isolated_text

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

VEGALITE = "application/vnd.vegalite.v5+json"
SVG = "image/svg+xml"
PHONE_SVG = "application/vnd.funnelnb.phone+svg"
"""Kind of output in which a chart's picture for phones travels to the page."""
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_VERSION = "5.21"
_EMBED = {"actions": {"export": True, "source": False, "compiled": False, "editor": False}, "renderer": "svg"}
"""How JupyterLab embeds the chart: saving a picture is offered, sending the data to a web editor is not."""

LATER = "FUNNELNB_DRAW_LATER"
"""Environment variable: set to anything, charts leave a mark where their picture belongs.

The renderer takes half a second to begin in each process. Kernels of reports leave the pictures to the process that
runs them, which draws one report's after the other's.
"""

_LATER = re.compile(r'<svg data-later="([A-Za-z0-9+/=]*)"></svg>')
_ELSEWHERE = 'href="https://vega.github.io/vega-datasets/#'
_MEASURED = "sans-serif"
FULL = 600.0
"""Pixels from which on a picture may be widened to the whole of its card: smaller ones would become coarse."""
LEAST = 9.0
"""Smallest size of words in pixels, as shown."""
_WIDTH = re.compile(r'<svg [^>]*?width="([\d.]+)"')
_MARGIN = 36.0
"""Padding of a picture, and what words may take more than they were measured."""
_EMPTY_PATH = re.compile(r'<path class="(?:background|foreground)"[^>]*? d="(?:M0,0h0v0h0Z)?"[^>]*/>')
_UNSEEN = re.compile(r'<line [^<>]*opacity="0"/>')
_MARK = re.compile(r' aria-label="([^"]*)"(?= role="graphics-symbol")')
_HOVERS_MOST = 40
_TAG = re.compile(r"<[^<>]*>")
_ARIA = re.compile(r' (?:aria-[a-z]+|role|pointer-events)="[^"]*"')
_LONG = re.compile(r"(\.\d\d)\d+")
_FONT = re.compile(r' font-family="[^"]*"')
_PART = re.compile(r'(?:(?<=id=")|(?<=url\(#))part(\d+)(?=["\)])')
_ID = re.compile(r'(?<=id=")[a-z_]+\d+(?=")|(?<=url\(#)[a-z_]+\d+(?=\))')


def spec(chart: Any) -> dict[str, Any]:
    """Return a chart as a Vega-Lite 5 specification without anything that changes from run to run."""
    made = _specification(chart)
    made = _turned(made)
    made["$schema"] = _SCHEMA
    made.pop("usermeta", None)
    view = made.get("config", {}).get("view", {})
    for noise in ("continuousWidth", "continuousHeight"):
        view.pop(noise, None)
    return made


def _turned(part: Any) -> Any:
    """Return a specification in which names written from right to left do not turn the figures beside them.

    Every text is treated alike, data and conditions on them, so that what was equal stays equal.
    """
    if isinstance(part, str):
        return part if part.isascii() else isolated_text(part)
    if isinstance(part, dict):
        return {key: _turned(one) for key, one in part.items()}
    if isinstance(part, list):
        return [_turned(one) for one in part]
    return part


def _specification(chart: Any) -> dict[str, Any]:
    from altair import Undefined

    from funnelnb.show.charts.sooner import sooner

    rows = chart.datasets
    chart.datasets = Undefined  # plain already: Altair would copy and convert each of their cells
    try:
        with sooner():
            made: dict[str, Any] = chart.to_dict(validate=False)
    finally:
        chart.datasets = rows
    if rows is not Undefined:
        made["datasets"] = {name: [*sheet] for name, sheet in rows.items()}
    return made


def svg(chart: Any) -> str:
    """Return a chart as SVG: real text in named fonts, ids from the content, described for screen readers.

    Places are measured with the font that the converter brings along, so that the picture is the same on
    every machine whatever fonts it has (and several times sooner); the text names the chart's own fonts.
    """
    source = chart if isinstance(chart, dict) else spec(chart)
    return later(source) if os.environ.get(LATER) else draw(source)


def draw(source: dict[str, Any]) -> str:
    """Return a Vega-Lite specification as SVG, now."""
    import vl_convert

    config = source.get("config", {})
    fonts = config.get("font", _MEASURED)
    text = {**config.get("text", {}), "font": _MEASURED}
    measured = {**source, "config": {**config, "font": _MEASURED, "text": text}}
    drawn = vl_convert.vegalite_to_svg(measured, vl_version=_VERSION, allowed_base_urls=[])
    drawn = drawn.replace(
        _ELSEWHERE, 'href="#'
    )  # a place on the page itself, not of the converter's own data
    return tidy_svg(_with_tooltips(drawn, _tips(source)), str(source.get("description", "")), fonts)


def _tips(part: Any) -> set[str]:
    """Return what the lines of a chart's tooltips are called."""
    found: set[str] = set()
    if isinstance(part, dict):
        tips = part.get("tooltip")
        for one in tips if isinstance(tips, list) else [tips]:
            if isinstance(one, dict) and "field" in one:
                found.add(str(one.get("title", one["field"])))
        for key, one in part.items():
            if key not in ("datasets", "config"):
                found |= _tips(one)
    elif isinstance(part, list):
        for one in part:
            found |= _tips(one)
    return found


def _with_tooltips(drawn: str, names: set[str]) -> str:
    """Return an SVG whose marks tell what their tooltip says: the renderer describes each mark by all it was given."""

    def told(found: re.Match[str]) -> str:
        lines: list[str] = []
        mine = False
        for piece in html.unescape(found.group(1)).split("; "):
            name, colon, value = piece.partition(": ")
            if colon and name in names:
                mine = True
                lines.append(piece if name.strip() else value)
            elif colon and name.isidentifier():
                mine = False
            elif mine:  # a name from the data that holds a semicolon
                lines[-1] += f"; {piece}"
        if not lines:
            return ""
        spelled = html.escape("\n".join(dict.fromkeys(lines))).replace("\n", "&#10;")
        return f' data-t="{spelled}"'

    return _thinned(_MARK.sub(told, drawn)) if names else drawn


def _thinned(drawn: str) -> str:
    """Leave so many of the unseen lines that tell numbers along a curve as a pointer can tell apart."""
    lines = [found for found in _UNSEEN.findall(drawn) if "data-t" in found]
    keep = set(lines[:: max(1, len(lines) // _HOVERS_MOST)])
    kept = {
        one: one.replace(' opacity="0"', "").replace("<line ", '<line class="hover" stroke-opacity="0" ')
        for one in keep
    }
    return _UNSEEN.sub(lambda found: kept.get(found.group(), ""), drawn)


def png(chart: Any, scale: float = 2.0) -> bytes:
    """Return a chart as a PNG picture, `scale` times as large as it is drawn, on white ground."""
    import vl_convert

    source = chart if isinstance(chart, dict) else spec(chart)
    return bytes(vl_convert.vegalite_to_png(source, vl_version=_VERSION, scale=scale, allowed_base_urls=[]))


def later(source: dict[str, Any]) -> str:
    """Return a mark in place of the SVG, for whoever started this process to draw (see :data:`LATER`)."""
    text = json.dumps(source, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f'<svg data-later="{base64.b64encode(text.encode()).decode()}"></svg>'


def drawn(text: str, known: MutableMapping[str, str]) -> str:
    """Return `text` with every mark of :func:`later` replaced by its picture.

    Parameters
    ----------
    text : str
        SVG, or HTML with SVG inside.
    known : MutableMapping of str to str
        Pictures drawn before, by mark: many reports show the same chart of the whole.
    """

    def picture(found: re.Match[str]) -> str:
        mark = found.group(1)
        if mark not in known:
            known[mark] = draw(json.loads(base64.b64decode(mark)))
        return known[mark]

    return _LATER.sub(picture, text) if "data-later" in text else text


def rehearse() -> None:
    """Write one chart's specification, so that Altair's tables of its schema are filled; nothing is drawn."""
    import altair

    rows = altair.Data(values=[{"a": 1, "b": "x"}])
    whole = altair.Chart(rows).encode(
        x=altair.X("a:Q", title="a", axis=altair.Axis(format="%")), y=altair.Y("b:N", sort=None),
        color=altair.Color("b:N", legend=None), text=altair.Text("a:Q"), tooltip=[altair.Tooltip("a:Q")],
        opacity=altair.value(0.5), detail="b:N", x2="a:Q", shape="b:N", size=altair.value(3),
    )  # fmt: skip
    marks = (
        whole.mark_bar(),
        whole.mark_line(),
        whole.mark_text(dx=3),
        whole.mark_point(),
        whole.mark_rule(),
    )
    altair.vconcat(altair.layer(*marks), altair.hconcat(whole.mark_area())).to_dict(validate=False)


def begin() -> None:
    """Draw one small picture: a process that will draw others has the renderer's half second behind it."""
    field = {"field": "a", "type": "quantitative"}
    draw({"data": {"values": [{"a": 1}]}, "mark": "bar", "encoding": {"x": field}})


def tidy_svg(drawn: str, description: str = "", fonts: str = _MEASURED) -> str:
    """Return an SVG without idle markup, with stable ids that no other chart on the page shares."""
    drawn = _UNSEEN.sub("", _EMPTY_PATH.sub("", drawn))
    drawn = _TAG.sub(_tidy_tag, drawn)
    known: dict[str, str] = {}
    plain = _ID.sub(lambda found: known.setdefault(found.group(), f"part{len(known)}"), drawn)
    key = hashlib.sha256(plain.encode()).hexdigest()[:8]
    plain = _PART.sub(lambda found: f"c{key}-{found.group(1)}", plain)
    label = f' aria-label="{html.escape(description)}"' if description else ""
    return plain.replace("<svg ", f'<svg role="img"{label} font-family="{html.escape(fonts)}" ', 1)


def _tidy_tag(found: re.Match[str]) -> str:
    """Return a tag without roles and fonts, its places rounded to a hundredth of a pixel."""
    return _LONG.sub(r"\1", _FONT.sub("", _ARIA.sub("", found.group())))


def bundle(draw_chart: Callable[[], Any], *, still: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a chart as notebook output (data, metadata): live in JupyterLab, SVG elsewhere, else words.

    Where pictures are drawn later (see :data:`LATER`), one for phones goes along. Without `still` there is no SVG:
    drawing it is most of the time a moved control would wait for.
    """
    made = spec(draw_chart())
    picture = {SVG: svg(made)} if still else {}
    if still and os.environ.get(LATER):
        picture[PHONE_SVG] = phone_svg(draw_chart)
    data = {VEGALITE: made, **picture, "text/plain": str(made.get("description", ""))}
    return data, {VEGALITE: {"embed_options": _EMBED}}


def phone_svg(draw_chart: Callable[[], Any]) -> str:
    """Return the chart as SVG in its layout for phones."""
    with theme.for_phone():
        return svg(spec(draw_chart()))


def figure(picture: str, for_phone: str = "") -> str:
    """Return the HTML of a picture; the one for phones stands beside it where it is narrow enough.

    A chart that knows no other layout is the same picture again: it keeps its size and scrolls.
    """
    found = _WIDTH.search(for_phone)
    fits = found is not None and float(found.group(1)) <= theme.NARROW + _MARGIN
    phone = f'<div class="narrow-chart">{for_phone}</div>' if fits else ""
    kind = ' class="has-narrow"' if fits else ""
    own = _WIDTH.search(picture)
    full = " full" if own is not None and float(own.group(1)) >= FULL else ""
    return f'<figure{kind}><div class="wide-chart{full}">{picture}</div>{phone}</figure>'


def legible(picture: str) -> str:
    """Return a picture that a narrow place may shrink only as far as its smallest words can be read."""
    found = _WIDTH.search(picture)
    least = LEAST / theme.SMALL_SIZE * float(found.group(1)) if found else 0
    return picture.replace("<svg ", f'<svg style="min-width:{math.ceil(least)}px" ', 1) if least else picture
