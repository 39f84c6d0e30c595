"""A small chart of a few typed numbers, as on a whiteboard: the pictures that the course asks about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from funnelnb.show.charts import render, theme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH, _HEIGHT = 210, 130


def sketch(
    kind: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    title: str = "",
    percent: bool = True,
    width: int = _WIDTH,
) -> str:
    """Draw one or two lines, or bars, over a few labels; returns SVG.

    Parameters
    ----------
    kind : {"line", "bar"}
    labels : sequence of str
        Along the bottom, in order.
    series : Mapping of str to sequence of float
        Name -> one value per label; at most two. One without a name is not named.
    title : str
    percent : bool
        Whether values are parts of 1 and shown in percent.
    width : int
        Pixels.

    Examples
    --------
    >>> sketch("line", ["Q1", "Q2"], {"": [0.4, 0.3]}, title="A").startswith("<svg")
    True
    """
    rows = [
        {"label": label, "value": float(value), "series": name}
        for name, values in series.items()
        for label, value in zip(labels, values, strict=True)
    ]
    names, colours = list(series), [theme.MOVED, theme.SECOND]
    top = 1.0 if percent else max(max(values) for values in series.values())
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("label:N", sort=list(labels), title=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y(
            "value:Q", title=None, scale=alt.Scale(domain=[0, top]),
            axis=alt.Axis(format=".0%" if percent else "d", tickCount=4, gridColor=theme.FAINT),
        ),
        color=alt.Color(
            "series:N", scale=alt.Scale(domain=names, range=colours[: len(names)]),
            legend=alt.Legend(title=None, orient="bottom") if len(names) > 1 else None,
        ),
    )  # fmt: skip
    if kind == "bar":
        drawn = base.mark_bar().encode(xOffset=alt.XOffset("series:N", sort=names))
    else:
        drawn = base.mark_line(point=alt.OverlayMarkDef(size=40), strokeWidth=2.5)
    framed = drawn.properties(
        width=width,
        height=_HEIGHT,
        title=alt.TitleParams(title, anchor="start", fontSize=theme.TITLE_SIZE - 2, color=theme.INK),
    )
    return render.svg(framed.configure(font=theme.FONTS["zh"]).configure_view(stroke=None))
