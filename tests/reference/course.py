"""The figures that the course quotes: a thousand practice floors under four rules, the sample company, and the rest.

``python -m tests.reference.course`` writes ``funnelnb/teach/lessons/figures.toml``, from seeds 0 to 999. It fails where
a claim of the course does not hold: putting hours where they are worth most beats largest-first, and no fixed rule
brings more than the nearly best one by over two standard errors.
"""

from __future__ import annotations

import json
from typing import Any

import funnelnb as fn
from funnelnb.teach import proofs

HEAD = "# Written by tests/reference/course.py from published seeds; `make verify` works it out again.\n"
MARGIN_SHARE = 0.4
"""By how much the worth of an hour beats largest-first at least, as the trainer's guide says."""


def worked_out() -> dict[str, Any]:
    """Return all figures, and stop where a claim does not hold."""
    rules = proofs.policies()
    for name, behind in rules["behind"].items():
        assert behind > -2 * rules["behind_se"][name], name
    assert rules["margin_share"] >= MARGIN_SHARE
    assert rules["margin"] > 2 * rules["margin_se"]
    book = fn.sample()
    boxes = {
        **{lesson: make() for lesson, make in proofs.QUICK.items()},
        "2": proofs.hours(rules), "3": proofs.claimed(book), "5": proofs.cycle(book),
    }  # fmt: skip
    return {"policies": rules, **{f"box.{lesson}": boxes[lesson] for lesson in sorted(boxes)}}


def written(found: dict[str, Any]) -> str:
    """Return the figures as TOML."""
    lines = [HEAD]
    for table, rows in found.items():
        plain = {name: one for name, one in rows.items() if not isinstance(one, dict)}
        lines += [
            f"[{table}]",
            *(f"{name} = {json.dumps(one, ensure_ascii=False)}" for name, one in plain.items()),
            "",
        ]
        for name, one in rows.items():
            if isinstance(one, dict):
                lines += [
                    f"[{table}.{name}]",
                    *(f"{key} = {json.dumps(value)}" for key, value in one.items()),
                    "",
                ]
    return "\n".join(lines)


if __name__ == "__main__":
    proofs.FILE.write_text(written(worked_out()), encoding="utf-8")
    print(proofs.FILE.read_text(encoding="utf-8"))
