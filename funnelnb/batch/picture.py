"""The two small pictures of the index: a rate with its interval on a common scale, and won by age."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup

from funnelnb.show.charts import theme

if TYPE_CHECKING:
    from funnelnb.analysis.conversion.conversion import OutcomeCurve

WIDTH, HEIGHT = 220, 22
SPARK_WIDTH, SPARK_HEIGHT = 150, 34
_POINTS = 60


def scale(bounds: list[float]) -> float:
    """Return the right end of a common scale from 0: the next tenth above the largest bound."""
    known = [one for one in bounds if math.isfinite(one)]
    return min(1.0, math.ceil(10 * max(known) + 1e-9) / 10) if known else 1.0


def bar(rate: float, lower: float, upper: float, whole: float, top: float, label: str) -> Markup:
    """Draw a rate as a dot on its interval, with a line where the whole is.

    Parameters
    ----------
    rate, lower, upper, whole : float
        Shares between 0 and 1.
    top : float
        Right end of the scale.
    label : str
        What a screen reader says.
    """
    if not all(math.isfinite(one) for one in (rate, lower, upper)):
        return Markup("")
    left, right, dot = (_x(one, top) for one in (lower, upper, rate))
    middle = HEIGHT / 2
    parts = [f'<rect x="0" y="{middle - 0.5:g}" width="{WIDTH}" height="1" fill="{theme.FAINT}"/>']
    if math.isfinite(whole):
        at = _x(whole, top)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="2" y2="{HEIGHT - 2}" stroke="{theme.QUIET}" '
            'stroke-dasharray="2 2"/>'
        )
    parts.append(
        f'<rect x="{left:.1f}" y="{middle - 3:g}" width="{max(right - left, 1):.1f}" height="6" rx="3" '
        f'fill="{theme.LEFT}"/><circle cx="{dot:.1f}" cy="{middle:g}" r="4.5" fill="{theme.MOVED}"/>'
    )
    return _svg(parts, WIDTH, HEIGHT, label)


def spark(curve: OutcomeCurve, horizon_days: float, top: float, label: str, rate_then: float) -> Markup:
    """Draw the share won by age with its band, as far as the data reach up to the horizon.

    Parameters
    ----------
    curve : OutcomeCurve
    horizon_days : float
        Right end.
    top : float
        Upper end of the scale, a share.
    label : str
        What a screen reader says.
    rate_then : float
        Share at the horizon; NaN when the data do not reach that far.
    """
    days, rate = curve.days, curve.won_rate
    keep = [k for k in range(len(days)) if days[k] <= horizon_days and math.isfinite(float(rate[k]))]
    keep = [*keep[: -1 : max(1, len(keep) // _POINTS)], *keep[-1:]]
    if len(keep) < 2:
        return Markup("")
    xs = [float(days[k]) / horizon_days * SPARK_WIDTH for k in keep]
    if math.isfinite(rate_then) and xs[-1] < SPARK_WIDTH:  # nothing more happened until then
        xs, keep = [*xs, SPARK_WIDTH], [*keep, keep[-1]]
    line = _steps(xs, [_y(float(rate[k]), top) for k in keep])
    upper = _steps(xs, [_y(_finite(curve.won_ci_upper[k], rate[k]), top) for k in keep])
    lower = _steps(xs, [_y(_finite(curve.won_ci_lower[k], rate[k]), top) for k in keep])
    base = SPARK_HEIGHT - 1
    parts = [
        f'<line x1="0" x2="{SPARK_WIDTH}" y1="{base}" y2="{base}" stroke="{theme.FAINT}"/>',
        f'<polygon points="{" ".join([*upper, *reversed(lower)])}" fill="{theme.OPEN}" opacity=".75"/>',
        f'<polyline points="{" ".join(line)}" fill="none" stroke="{theme.MOVED}" stroke-width="1.6"/>',
    ]
    return _svg(parts, SPARK_WIDTH, SPARK_HEIGHT, label)


def _steps(xs: list[float], ys: list[float]) -> list[str]:
    points = [f"{xs[0]:.1f},{ys[0]:.1f}"]
    for k in range(1, len(xs)):
        points += [f"{xs[k]:.1f},{ys[k - 1]:.1f}", f"{xs[k]:.1f},{ys[k]:.1f}"]
    return points


def _x(rate: float, top: float) -> float:
    return 5 + min(rate / top, 1.0) * (WIDTH - 10)


def _y(rate: float, top: float) -> float:
    return (SPARK_HEIGHT - 1) - min(rate / top, 1.0) * (SPARK_HEIGHT - 4)


def _finite(value: float, otherwise: float) -> float:
    return float(value) if math.isfinite(float(value)) else float(otherwise)


def _svg(parts: list[str], width: float, height: float, label: str) -> Markup:
    opening = Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">')
    return opening.format(label, width, height, width, height) + Markup("".join(parts) + "</svg>")  # noqa: S704
