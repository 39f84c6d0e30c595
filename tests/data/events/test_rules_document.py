"""docs/behaviour-rules.md is counted cell by cell: what it says is what the package does."""

import re
from pathlib import Path

import pandas as pd
import pytest

from funnelnb.data.events.counts import count
from funnelnb.data.events.definition import RULES, define, exclusion, step
from funnelnb.data.events.load import events

PAGE = Path(__file__).parents[3] / "docs" / "behaviour-rules.md"
SECTION = re.compile(
    r"^Steps `(.+?)`, window `(.+?)`, order `(\w+)`(?:, excluded `(\w) (\d)-(\d)`)?"
    r"(?:, held `(\w)`)?(?:, gap `(\w+)`)?\.$"
)
EVENT = re.compile(r"([A-Z])(\d+)(?::(\w))?")


def cells():
    """Every cell of the tables, as (what to count, what it says)."""
    asked, heads = None, None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if found := SECTION.match(line):
            asked, heads = found.groups(), None
        elif line.startswith("##"):
            asked = None
        elif asked and line.startswith("|") and not line.startswith("|-"):
            parts = [one.strip() for one in line.strip("|").split("|")]
            if heads is None:
                heads = parts
                continue
            for head, cell in zip(heads[1:], parts[1:], strict=True):
                if cell != "–" and not cell.endswith("*"):
                    yield asked, parts[0], head, cell


def furthest(asked, log, head):
    """The count of one cell in the form it is written."""
    steps, window, order, excluded, after, before, held, gap = asked
    rows = [(name, int(at), value) for name, at, value in EVENT.findall(log)]
    frame = pd.DataFrame({
        "user_id": "u", "event": [name for name, _, _ in rows],
        "time": [pd.Timestamp("2026-01-01") + pd.Timedelta(seconds=at) for _, at, _ in rows],
        "p": [value for _, _, value in rows],
    })  # fmt: skip
    also = sorted({one for word in steps.split() for one in word.rstrip("?!*").split("/")} | set("X"))
    extra = pd.DataFrame({"user_id": "other", "event": also, "time": pd.Timestamp("2020-01-01"), "p": ""})
    log_of = events(pd.concat([frame, extra])).where()
    log_of = log_of.take(log_of.actor == list(log_of.actors).index("u"))
    options = {}
    if head.startswith("`"):
        name, value = head.strip("`").split("=")
        options = {name: {"yes": True}.get(value, value)}
    elif head != "ours":
        options = {"rules": head.lower()}
    definition = define(
        [step(word.rstrip("?!*").split("/"), optional=word.endswith("?"), anchored=word.endswith("!"),
              first_ever=word.endswith("*"),
              label=f"{k} {word}")
         for k, word in enumerate(steps.split())],
        within=None if window == "none" else window, order=order,
        exclude=[exclusion(excluded, after=int(after), before=int(before))] if excluded else (),
        hold=held or (), gap=gap, **options,
    )  # fmt: skip
    found = count(log_of, definition)
    return found.reached_n[0].tolist() if len(found.groups) and found.reached_n.size else [0]


CELLS = list(cells())


def test_the_document_has_tables_for_every_tool() -> None:
    assert len(CELLS) > 250
    named = {head.lower() for _, _, head, _ in CELLS}
    assert set(RULES) - {"house"} <= named


@pytest.mark.parametrize(
    ("asked", "log", "head", "cell"), CELLS, ids=[f"{a[0]} {a[1]} {a[2]} {w} | {h}" for a, w, h, _ in CELLS]
)
def test_each_cell_is_what_is_counted(asked, log, head, cell) -> None:
    reached = furthest(asked, log, head)
    if "," in cell:
        assert ",".join(map(str, reached)) == cell
    else:
        assert sum(reached) == int(cell)
