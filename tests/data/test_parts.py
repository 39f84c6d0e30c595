"""A text cut into parts of a few rows is what a plain load makes of it: tables, problems, notes, the account of its lines."""

import random

import pandas as pd
import pytest

from funnelnb.core.errors import DataProblems, FunnelError
from funnelnb.data import parts
from funnelnb.data.load import load
from funnelnb.data.read import parts as text_parts

STAGES = ["lead", "offer", "won"]
DROPPED = {
    "bad_number": "drop", "bad_date": "keep", "ragged_row": "drop", "missing_value": "drop", "duplicate_id": "drop",
    "unknown_stage": "drop", "unknown_outcome": "drop", "closed_before_created": "keep", "won_without_closed_at": "keep",
    "stage_contradicts_outcome": "drop", "two_currencies": "keep",
}  # fmt: skip


def messy(seed: int) -> bytes:
    """Deals as tools and people write them, with some of what goes wrong."""
    chance = random.Random(seed)
    style = chance.choice(["iso", "dmy", "mdy", "mixed", "thai"])
    comma, sep, end = chance.random() < 0.3, chance.choice([",", ";"]), chance.choice(["\n", "\r\n"])
    dirt, late = chance.choice([0, 0.02, 0.08]), chance.random() < 0.5
    clock = chance.random() < 0.3

    def day(k: int) -> str:
        year, month, date = 2024 + k // 360, k // 30 % 12 + 1, k % 28 + 1
        kind = chance.choice(["iso", "dmy"]) if style == "mixed" else style
        written = {"iso": f"{year}-{month:02}-{date:02}", "dmy": f"{date}/{month}/{year}", "mdy": f"{month}/{date}/{year}",
                   "thai": f"{date}/{month}/{year + 543}"}[kind]  # fmt: skip
        return written + (f" {k % 24:02}:15:00" if clock else "")

    def row(k: int) -> list[str]:
        outcome = chance.choice(["open", "won", "lost"])
        created = chance.randrange(300)
        amount = chance.choice(
            ["", f"{chance.random() * 9000:.2f}", str(chance.randrange(10, 900)), "1,234.50"]
        )
        amount = amount.replace(".", "#").replace(",", ".").replace("#", ",") if comma else amount
        cells = [
            f"D{k:03}", "won" if outcome == "won" else chance.choice(STAGES[:2]), outcome, chance.choice(["North", "South", ""]),
            amount, day(created), "" if outcome == "open" and chance.random() < 0.7 else day(created + chance.randrange(1, 60)),
            chance.choice(["plain", 'a "quoted" word', "two\nlines", "semi; and, comma"]), chance.choice(["EUR", "EUR", "€"]),
        ]  # fmt: skip
        if chance.random() < dirt:
            at, bad = chance.choice([(4, "about 5"), (5, "soon"), (0, ""), (1, "Wait"), (2, "perhaps"), (6, "31.02.2025"),
                                     (8, "USD"), (4, "(1.234)"), (5, "31/12/2025"), (5, "12/31/2025")])  # fmt: skip
            cells[at] = bad
        return cells

    rows = [row(k) for k in range(150)]
    if dirt:
        for _ in range(4):
            rows.insert(chance.randrange(len(rows)), list(chance.choice(rows)))
            rows.insert(
                chance.randrange(len(rows)), [chance.choice(rows)[0], *chance.choice(rows)[1:4], *rows[0][4:]]
            )
        for _ in range(2):
            rows.insert(
                chance.randrange(len(rows)), chance.choice(rows)[: chance.choice([4, 9])] + ["x", "y"]
            )
            rows.insert(chance.randrange(len(rows)), [""])
        if late:
            rows = (
                rows[:130]
                + [["D999", "offer", "open", "East", "7", "13/12/2024", "", "", "EUR"]]
                + rows[130:]
            )
    header = ["Deal ID", "Stage", "Outcome", "Region", "Amount", "Created", "Closed", "Remark", "Currency"]
    if chance.random() < 0.3:
        rows.insert(70, header)
        rows.insert(70, ["East", *[""] * 8])
    text = end.join(sep.join(_cell(one, sep) for one in cells) for cells in [header, *rows]) + end
    if chance.random() < 0.3:
        text += end + sep.join(["Total", "", "", "", "99999", "", "", "", ""]) + end + "Confidential" + end
    return ("\ufeff" if chance.random() < 0.3 else "").encode() + text.encode()


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


def in_parts(path, folder, rows_n, **said):
    stored = parts.store(path, folder, _rows_n=rows_n, **said)
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
    path = tmp_path / "deals.csv"
    path.write_bytes(messy(seed))
    mapping = (
        {"problems": DROPPED, "date_order": "dmy"} if seed % 3 else {"problems": DROPPED} if seed % 2 else {}
    )
    said = {"playbook": STAGES, "mapping": mapping, "as_of": "2025-03-01" if seed % 5 == 4 else None}
    one = answer(lambda: plain(path, **said))
    other = answer(lambda: in_parts(path, tmp_path / "stored", 1 + seed % 4 * 7, **said))
    same(one, other)
