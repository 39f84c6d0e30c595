"""A text cut into parts of a few rows is what a plain load makes of it: tables, problems, notes, the count of lines."""

import random

import pandas as pd
import pytest

from funnelnb.core.errors import DataProblems, FunnelError
from funnelnb.data import parts
from funnelnb.data.load import load
from funnelnb.data.read import parts as text_parts

STAGES = ["lead", "offer", "won"]
DROPPED = {
    **dict.fromkeys(["bad_number", "ragged_row", "missing_value", "duplicate_id", "unknown_stage"], "drop"),
    **dict.fromkeys(["bad_date", "closed_before_created", "won_without_closed_at", "two_currencies"], "keep"),
    "unknown_outcome": "drop", "stage_contradicts_outcome": "drop",
}  # fmt: skip


def messy(seed: int) -> bytes:
    """Deals as tools and people write them, with some of what goes wrong."""
    chance = random.Random(seed)
    style = chance.choice(["iso", "dmy", "mdy", "mixed", "thai"])
    comma, sep, end = chance.random() < 0.3, chance.choice([",", ";"]), chance.choice(["\n", "\r\n"])
    dirt, late, clock = chance.choice([0, 0.02, 0.08]), chance.random() < 0.5, chance.random() < 0.3
    rows = [_deal(chance, k, style, comma=comma, clock=clock) for k in range(150)]
    for cells in rows:
        if chance.random() < dirt:
            at, bad = chance.choice(DIRT)
            cells[at] = bad
    if dirt:
        _disorder(rows, chance)
    if dirt and late:  # only far below does a date tell that the day comes first
        rows.insert(130, ["D999", "offer", "open", "East", "7", "13/12/2024", "", "", "EUR"])
    header = ["Deal ID", "Stage", "Outcome", "Region", "Amount", "Created", "Closed", "Remark", "Currency"]
    if chance.random() < 0.3:
        rows[70:70] = [["East", *[""] * 8], header]
    text = end.join(sep.join(_cell(one, sep) for one in cells) for cells in [header, *rows]) + end
    if chance.random() < 0.3:
        text += end + sep.join(["Total", "", "", "", "99999", "", "", "", ""]) + end + "Confidential" + end
    return ("\ufeff" if chance.random() < 0.3 else "").encode() + text.encode()


DIRT = [
    (4, "about 5"), (5, "soon"), (0, ""), (1, "Wait"), (2, "perhaps"), (6, "31.02.2025"), (8, "USD"), (4, "(1.234)"),
    (5, "31/12/2025"), (5, "12/31/2025"),
]  # fmt: skip


def _deal(chance: random.Random, k: int, style: str, *, comma: bool, clock: bool) -> list[str]:
    def day(at: int) -> str:
        year, month, date = 2024 + at // 360, at // 30 % 12 + 1, at % 28 + 1
        kind = chance.choice(["iso", "dmy"]) if style == "mixed" else style
        written = {
            "iso": f"{year}-{month:02}-{date:02}", "dmy": f"{date}/{month}/{year}", "mdy": f"{month}/{date}/{year}",
            "thai": f"{date}/{month}/{year + 543}",
        }[kind]  # fmt: skip
        return written + (f" {at % 24:02}:15:00" if clock else "")

    outcome, created = chance.choice(["open", "won", "lost"]), chance.randrange(300)
    amount = chance.choice(["", f"{chance.random() * 9000:.2f}", str(chance.randrange(10, 900)), "1,234.50"])
    closed = "" if outcome == "open" and chance.random() < 0.7 else day(created + chance.randrange(1, 60))
    return [
        f"D{k:03}", "won" if outcome == "won" else chance.choice(STAGES[:2]), outcome,
        chance.choice(["North", "South", ""]), amount.translate({44: ".", 46: ","}) if comma else amount, day(created),
        closed, chance.choice(["plain", 'a "quoted" word', "two\nlines", "semi; and, comma"]),
        chance.choice(["EUR", "EUR", "€"]),
    ]  # fmt: skip


def _disorder(rows: list[list[str]], chance: random.Random) -> None:
    """Repeat rows and ids, cut rows off, lengthen them, and leave some blank."""
    for _ in range(4):
        rows.insert(chance.randrange(len(rows)), list(chance.choice(rows)))
        mixed = [chance.choice(rows)[0], *chance.choice(rows)[1:4], *rows[0][4:]]
        rows.insert(chance.randrange(len(rows)), mixed)
    for _ in range(2):
        rows.insert(chance.randrange(len(rows)), [*chance.choice(rows)[: chance.choice([4, 9])], "x", "y"])
        rows.insert(chance.randrange(len(rows)), [""])


def _cell(text: str, sep: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & {sep, '"', "\n"} else text


def answer(make):
    """Tables in a fixed order, or what was said instead."""
    try:
        return make()
    except DataProblems as error:
        return {(p.file, p.row, p.column, p.value, p.found, p.remedy, p.rows_n) for p in error.problems}
    except FunnelError as error:
        return str(error)


def plain(path, **said):
    book = load(path, **said)
    return {
        name: _sorted(book.tables[name]) for name in book.tables
    }, book.as_of, book.currency, _told(book.notes)  # fmt: skip


def in_parts(path, folder, **said):
    stored = parts.convert(path, folder, **said)
    tables = {name: _sorted(pd.read_parquet(folder / f"{name}.parquet")) for name in stored.rows_n}
    return tables, stored.as_of, stored.currency, _told(stored.notes)


def _sorted(frame):
    return frame.sort_values(list(frame.columns), kind="stable").reset_index(drop=True)


def _told(notes):
    """Of each kind of note how many it is about, and the first row."""
    found = {}
    for one in notes:
        n, row = found.get(one.code, (0, 10**9))
        found[one.code] = n + one.values.get("n", 0), min(row, one.values.get("row", row) or row)
    return found


def same(one, other):
    assert type(one) is type(other), (one, other)
    if not isinstance(one, tuple):
        assert one == other
        return
    assert one[0].keys() == other[0].keys()
    for name, frame in one[0].items():
        pd.testing.assert_frame_equal(frame, other[0][name], check_dtype=True)
    assert one[1:3] == other[1:3]
    told = {code: of for code, of in one[3].items() if code in other[3]}
    assert {code: of for code, of in other[3].items() if code in told} == told


@pytest.mark.parametrize("seed", range(12))
def test_parts_of_a_few_rows_are_what_a_plain_load_makes_of_the_text(tmp_path, monkeypatch, seed):
    monkeypatch.setattr(text_parts, "FIRST_LINES", 20)
    monkeypatch.setattr(text_parts, "PLACES", 2)
    monkeypatch.setattr(text_parts, "PLACE_LINES", 3)
    monkeypatch.setattr(parts, "PART_ROWS", 1 + seed % 4 * 7)
    path = tmp_path / "deals.csv"
    path.write_bytes(messy(seed))
    mapping = (
        {"problems": DROPPED, "date_order": "dmy"} if seed % 3 else {"problems": DROPPED} if seed % 2 else {}
    )
    said = {"playbook": STAGES, "mapping": mapping, "as_of": "2025-03-01" if seed % 5 == 4 else None}
    one = answer(lambda: plain(path, **said))
    other = answer(lambda: in_parts(path, tmp_path / "stored", **said))
    same(one, other)
