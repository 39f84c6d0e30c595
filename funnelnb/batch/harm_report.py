"""``funnelnb check --harm``: the harm that faults of the data do, in words, as a page and as JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from funnelnb.analysis.quality.harm import Harm, harm
from funnelnb.data.keep import write_whole
from funnelnb.data.load import load
from funnelnb.data.propose import propose
from funnelnb.show.tables.document import page
from funnelnb.show.text.words import words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def harm_of(data: tuple[str, ...], *, mapping: str = "", playbook: str = "", as_of: str = "") -> Harm:
    """Return the harm of an export, read as the settings say and else as proposed; limits are those of ``[harm]``."""
    from funnelnb.data.recognise.sources import gather

    source: Any = data[0] if len(data) == 1 else list(data)
    settings = gather(source, mapping or None).settings
    described = bool(playbook or settings.playbook)  # settings of limits alone do not say what the data are
    read_as: Any = (mapping or None) if described else propose(source, mapping=mapping or None)
    book = load(source, mapping=read_as, playbook=playbook or None, as_of=as_of or None)
    return harm(book, limits=settings.harm, horizon_days=settings.horizon_days)


def write_harm(result: Harm, *, html: Path | None = None, into: Path | None = None, lang: str = "en") -> None:
    """Write the result as an offline page and as JSON."""
    if html is not None:
        write_whole(html, page(result.html(lang), words(lang).get("tables.harm.caption"), lang), force=True)
    if into is not None:
        write_whole(into, json.dumps(as_json(result, lang), ensure_ascii=False, indent=1) + "\n", force=True)


def as_json(result: Harm, lang: str = "en") -> Mapping[str, Any]:
    """Return the result as JSON holds it; what is not known is null."""
    say = words(lang)
    return {
        "n": result.n,
        "as_of": str(result.as_of),
        "currency": result.currency,
        "confidence_level": result.confidence_level,
        "horizon_days": result.horizon_days,
        "limits_exceeded": result.broken_n,
        "kinds_looked_for": result.looked_n,
        "faults": [
            {
                "fault": row.finding,
                "label": say.get(f"harm.findings.{row.finding}"),
                "remedy": say.get(f"harm.remedies.{row.finding}"),
                "deals": row.deal_n,
                "of": row.of_n,
                "share": _known(row.deal_share),
                "limit": _known(row.limit_share),
                "exceeded": row.broken,
                "examples": list(row.examples),
                "effects": {
                    one.measure: {
                        "as_is": _known(one.as_is),
                        "mended": _known(one.mended),
                        "shift": _known(one.shift),
                        "shift_lower": _known(one.shift_ci_lower),
                        "shift_upper": _known(one.shift_ci_upper),
                        "least": _known(one.least),
                        "most": _known(one.most),
                    }
                    for one in row.effects
                },
            }
            for row in result.rows
        ],
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) or math.isinf(value) else float(value)
