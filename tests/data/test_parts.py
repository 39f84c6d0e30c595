"""A text cut into parts of a few rows is what a plain load makes of it: tables, problems, notes, the count of lines."""

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from funnelnb import cli
from funnelnb.core.errors import DataProblems, FunnelError, SourceError
from funnelnb.data import parts
from funnelnb.data.contract import limits
from funnelnb.data.count.tally import stage_counts
from funnelnb.data.load import load
from funnelnb.data.read import parts as text_parts
from funnelnb.data.stored import stored

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


def compare(folder, seed, part_rows):
    """Load a messy text at once and in parts of some rows, and compare what comes out; return what came."""
    path = folder / "deals.csv"
    path.write_bytes(messy(seed))
    mapping = (
        {"problems": DROPPED, "date_order": "dmy"} if seed % 3 else {"problems": DROPPED} if seed % 2 else {}
    )
    said = {"playbook": STAGES, "mapping": mapping, "as_of": "2025-03-01" if seed % 5 == 4 else None}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("FIRST_LINES", 20), ("PLACES", 2), ("PLACE_LINES", 3)):
            patch.setattr(text_parts, name, value)
        patch.setattr(parts, "PART_ROWS", part_rows)
        one, other = (
            answer(lambda: plain(path, **said)),
            answer(lambda: in_parts(path, folder / "stored", **said)),
        )
    same(one, other)
    return type(one).__name__


@pytest.mark.parametrize(("seed", "part_rows"), [(3, 30), (56, 50)])  # many more: tools/verify.d/parts.sh
def test_parts_of_a_few_rows_are_what_a_plain_load_makes_of_the_text(tmp_path, seed, part_rows):
    assert compare(tmp_path, seed, part_rows) == "tuple"


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A folder to work in, with a text for which memory is too small."""
    monkeypatch.setattr(limits, "_SMALL", 1)
    monkeypatch.setattr(limits, "free_bytes", lambda: 1)
    monkeypatch.setattr(parts, "PART_ROWS", 2)
    monkeypatch.chdir(tmp_path)
    rows = [
        f"d{k},{('offer', 'won', 'lost')[k % 3]},North,2026-01-{k % 28 + 1:02},2026-02-{k % 9 + 1:02}"
        for k in range(99)
    ]
    rows.append("d5,offer,South,2026-03-09,2026-03-13")  # an id that stands above
    Path("big.csv").write_text("\n".join(["Deal ID,Stage,Region,Created,Closed", *rows, ""]))
    return tmp_path


def test_import_stores_a_text_beyond_memory_and_names_the_way_to_count_it(large, capsys):
    assert cli.main(["import", "big.csv", "--yes"]) == 0
    told = capsys.readouterr()
    assert "big.csv (0 MB) does not fit into memory" in told.out
    assert "99 deals from 101 lines are stored in big-funnel (Parquet)" in told.out
    assert "101 of 101 lines read (100 %)" in told.err
    assert {one.name for one in large.iterdir()} == {"big.csv", "big-funnel"}
    source = stored("big-funnel")
    assert source.stage_counts("region").deal_n.tolist() == [99]
    assert sorted(load("big-funnel").ledger.outcome) == sorted(source.ledger.outcome)
    assert cli.main(["import", "big.csv", "--yes"]) != 0  # the folder is not empty


def test_what_is_stopped_leaves_nothing(large):
    def stop(_done_n, _of_n):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parts.convert("big.csv", "made", playbook=["offer", "won"], tell=stop)
    assert [one.name for one in large.iterdir()] == ["big.csv"]


def test_a_folder_without_stored_deals_is_refused(tmp_path):
    with pytest.raises(SourceError, match="funnelnb import EXPORT --out FOLDER"):
        stored(tmp_path)


def together(folder, seed):
    """Deals and what belongs to them, in several messy files: a history, customers, contacts; or deals by year."""
    chance = random.Random(seed)
    folder.mkdir(parents=True)
    rows = list(messy(seed).decode("utf-8-sig").splitlines(keepends=True))
    text = messy(seed)
    ids = [f"D{k:03}" for k in range(150)]
    if seed % 2:
        (folder / "opportunities.csv").write_bytes(text)
    else:  # two files of one shape, the second one clean
        (folder / "deals 2024.csv").write_bytes(text)
        sep = ";" if rows[0].count(";") else ","
        more = [[f"E{k:03}", *_deal(chance, k, "iso", comma=False, clock=False)[1:]] for k in range(60)]
        lines = [
            rows[0].strip().lstrip("\ufeff"),
            *(sep.join(_cell(one, sep) for one in cells) for cells in more),
        ]
        (folder / "deals 2025.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        ids += [one[0] for one in more]
    log = ["opportunity_id,stage,entered_at"]
    for one in ids:
        at = chance.randrange(200)
        for stage in STAGES[: chance.randrange(3)]:
            log.append(f"{one},{stage},2024-{at // 30 % 12 + 1:02}-{at % 28 + 1:02}")
            at += chance.randrange(1, 40)
    log[1:] = chance.sample(log[1:], len(log) - 1)
    if chance.random() < 0.3:
        log.insert(40, "D404,offer,2024-03-05")
    (folder / "stage_history.csv").write_text("\n".join(log) + "\n")
    people = [f"C{k},{chance.choice(ids)},Ann {k},user" for k in range(30)]
    (folder / "contacts.csv").write_text(
        "\n".join(["contact_id,opportunity_id,name,role", *people, "C99,,Bob,user"]) + "\n"
    )
    (folder / "targets.csv").write_text("period,region,amount\n2025-Q1,North,1000\n2025-Q2,South,2000\n")


def compare_together(folder, seed, part_rows):
    """The same as `compare` for files that belong together; all texts are read as if they did not fit into memory."""
    where = folder / "export"
    together(where, seed)
    problems = DROPPED | dict.fromkeys(["history_unknown_deal", "history_before_created"], "drop")
    mapping = {"problems": problems} | ({"date_order": "dmy"} if seed % 3 else {})
    said = {"playbook": STAGES, "mapping": mapping, "as_of": "2025-03-01" if seed % 5 == 4 else None}
    one = answer(lambda: plain(where, **said))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "_SMALL", 1)
        patch.setattr(limits, "free_bytes", lambda: 1)
        patch.setattr(parts, "PART_ROWS", part_rows)
        patch.setattr(parts, "SHARD_BYTES", 3000)
        other = answer(lambda: in_parts(where, folder / "stored", **said))
    if isinstance(one, set) and isinstance(other, set):  # of a whole column, another cell may be shown
        one, other = ({(*p[:3], p[1] and p[3], *p[4:]) for p in of} for of in (one, other))
    same(one, other)
    return type(one).__name__


def test_a_history_of_which_a_sample_repeats_no_deal_is_still_read(tmp_path, monkeypatch):
    """Two files of one shape and a history in no order, counted where they are stored as fn.load counts them."""
    chance = random.Random(5)
    deals, log = [], []
    for k in range(400):
        place = chance.randrange(4)
        day = f"2026-01-{k % 28 + 1:02}"
        deals.append(
            f"D{k},{[*STAGES, 'lost'][place]},{'NS'[k % 2]},{day},{'2026-04-02' if place > 1 else ''},{k},a,b"
        )
        log += [f"D{k},{stage},{day}" for stage in STAGES[: place + 1 if place < 3 else 2]]
    header = "Deal ID,Stage,Region,Created,Closed,Amount,Note,Owner"
    export = tmp_path / "export"
    export.mkdir()
    for name, rows in (("deals 1.csv", deals[:180]), ("deals 2.csv", deals[180:])):
        (export / name).write_text("\n".join([header, *rows]) + "\n")
    shuffled = chance.sample(log, len(log))
    (export / "stage_history.csv").write_text("\n".join(["Deal ID,New Stage,Changed", *shuffled]) + "\n")
    book = load(export, playbook=STAGES)
    monkeypatch.setattr(limits, "_SMALL", 1)
    monkeypatch.setattr(limits, "free_bytes", lambda: 1)
    for name, value in (("FIRST_LINES", 30), ("PLACES", 2), ("PLACE_LINES", 10)):
        monkeypatch.setattr(text_parts, name, value)
    monkeypatch.setattr(parts, "SHARD_BYTES", 4000)
    with pytest.raises(SourceError, match=r"deals 1.csv, deals 2.csv, stage_history.csv: .* of memory"):
        load(export, playbook=STAGES)
    made = parts.convert(export, tmp_path / "stored", playbook=STAGES)
    assert made.rows_n == {"opportunities": 400, "stage_history": len(log)}
    counts, expected = stored(tmp_path / "stored").stage_counts("region"), stage_counts(book.ledger, "region")
    for name in ("groups", "deal_n", "reached_n", "lost_n"):
        assert np.array_equal(getattr(counts, name), getattr(expected, name)), name


@pytest.mark.parametrize("seed", [1, 4])  # many more: tools/verify.d/parts.sh
def test_files_that_belong_together_are_what_a_plain_load_makes_of_them(tmp_path, seed):
    assert compare_together(tmp_path, seed, 20) == "tuple"
