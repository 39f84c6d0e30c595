"""Charts without a network: one output that JupyterLab draws live and everything else shows as a picture.

A chart goes out as Vega-Lite 5 (what JupyterLab draws by itself, interactive) together with the same chart
as SVG (what nbconvert and other viewers take). Both are the same text every time: no random ids, data
inlined under fixed names. Never fork a process in which a chart was rendered: the renderer's threads do not
survive it.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

VEGALITE = "application/vnd.vegalite.v5+json"
SVG = "image/svg+xml"
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_VERSION = "5.21"
_EMBED = {"actions": {"export": True, "source": False, "compiled": False, "editor": False}, "renderer": "svg"}
"""How JupyterLab embeds the chart: saving a picture is offered, sending the data to a web editor is not."""

_EMPTY_PATH = re.compile(r'<path class="(?:background|foreground)"[^>]*? d="(?:M0,0h0v0h0Z)?"[^>]*/>')
_ARIA = re.compile(r' (?:aria-[a-z]+|role|pointer-events)="[^"]*"')
_FONT = re.compile(r' font-family="([^"]*)"')
_ID = re.compile(r'(?<=id=")[a-z_]+\d+(?=")|(?<=url\(#)[a-z_]+\d+(?=\))')


def spec(chart: Any) -> dict[str, Any]:
    """Return a chart as a Vega-Lite 5 specification without anything that changes from run to run."""
    made: dict[str, Any] = chart.to_dict(validate=False)
    made["$schema"] = _SCHEMA
    made.pop("usermeta", None)
    view = made.get("config", {}).get("view", {})
    for noise in ("continuousWidth", "continuousHeight"):
        view.pop(noise, None)
    return made


def svg(chart: Any) -> str:
    """Return a chart as SVG: real text in named fonts, ids from the content, described for screen readers."""
    import vl_convert

    source = chart if isinstance(chart, dict) else spec(chart)
    drawn = vl_convert.vegalite_to_svg(source, vl_version=_VERSION, allowed_base_urls=[])
    return tidy_svg(drawn, str(source.get("description", "")))


def tidy_svg(drawn: str, description: str = "") -> str:
    """Return an SVG without idle markup, with stable ids that no other chart on the page shares."""
    from html import escape

    drawn = _EMPTY_PATH.sub("", _ARIA.sub("", drawn))
    fonts = _FONT.findall(drawn)
    if fonts:
        usual = max(sorted(set(fonts)), key=fonts.count)
        drawn = drawn.replace(f' font-family="{usual}"', "")
        drawn = drawn.replace("<svg ", f'<svg font-family="{usual}" ', 1)
    known: dict[str, str] = {}
    plain = _ID.sub(lambda found: known.setdefault(found.group(), f"part{len(known)}"), drawn)
    key = hashlib.sha256(plain.encode()).hexdigest()[:8]
    plain = re.sub(
        r'(?<=id=")part(\d+)(?=")|(?<=url\(#)part(\d+)(?=\))', lambda f: f"c{key}-{f[1] or f[2]}", plain
    )
    label = f' role="img" aria-label="{escape(description)}"' if description else ' role="img"'
    return plain.replace("<svg ", f"<svg{label} ", 1)


def png(chart: Any, scale: float = 2.0) -> bytes:
    """Return a chart as a PNG picture."""
    import vl_convert

    drawn: bytes = vl_convert.vegalite_to_png(
        spec(chart), vl_version=_VERSION, scale=scale, allowed_base_urls=[]
    )
    return drawn


def bundle(chart: Any, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a chart as notebook output (data, metadata): live in JupyterLab, SVG elsewhere, else `text`."""
    made = spec(chart)
    data = {VEGALITE: made, SVG: svg(made), "text/plain": text}
    return data, {VEGALITE: {"embed_options": _EMBED}}
