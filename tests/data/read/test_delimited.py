"""Delimited texts: read without settings, nothing swallowed, every line accounted for."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelnb.data.contract.settings import TableSettings
from funnelnb.data.read.delimited import read_delimited
from funnelnb.data.read.text import read_text
from tests.data.read import polluted


def read(path, encoding="utf-8", **options):
    """Names and rows of a text, as far as they hold anything."""
    found = read_delimited(path, encoding, **options)
    columns = [column.to_pylist() for column in found.table.columns]
    names = found.layout.names
    if not found.layout.header and len(columns) > 1 and not any(columns[-1]):
        columns, names = columns[:-1], names[:-1]
    kept = [
        place for place, name in enumerate(names) if name or not found.layout.header or any(columns[place])
    ]
    rows = [list(row) for row in zip(*(columns[place] for place in kept), strict=True)]
    return [names[place] for place in kept], [row for row in rows if any(row)]


def points(case, folder):
    path = folder / "deals.csv"
    path.write_bytes(case.content)
    if not case.content:
        return 10.0
    encoding = "utf-8"
    try:
        case.content.decode("utf-8")
    except UnicodeDecodeError:
        encoding = "utf-16" if case.content[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252"
    return polluted.score(case, read(path, encoding))


@pytest.mark.parametrize("case", polluted.sent_kinds(), ids=lambda case: case.name)
def test_kinds_of_sent_files_are_read_whole(case, tmp_path):
    assert points(case, tmp_path) == pytest.approx(10)


@pytest.mark.parametrize("case", polluted.whole_file_kinds(), ids=lambda case: case.name)
def test_kinds_of_the_benchmark_are_read(case, tmp_path):
    assert points(case, tmp_path) >= (9.5 if "multitable" in case.name else 9.9)


def test_one_bad_row_leaves_the_others_alone(tmp_path):
    kinds = {}
    for case in polluted.row_kinds(step=13):
        kinds.setdefault(case.kind, []).append((points(case, tmp_path), case.name))
        path = tmp_path / "deals.csv"
        _, rows = read(path)
        if case.header == polluted.NAMES:
            spoilt = int(case.name.split("_row")[-1].split("_")[0]) - 1
            others = [row for place, row in enumerate(polluted.table()) if place != spoilt]
            assert not [row for row in others if row not in rows], case.name
    means = {kind: sum(one for one, _ in found) / len(found) for kind, found in kinds.items()}
    assert min(means.values()) > 9.5, means
    assert min(means[kind] for kind in ("less_sep", "more_sep", "extra_quote")) > 9.9, means


def test_weighted_score_is_first_class(tmp_path):
    cases = polluted.whole_file_kinds(seed=4) + polluted.row_kinds(seed=4, step=13)
    found = [(case.weight, points(case, tmp_path)) for case in cases]
    assert sum(weight * one for weight, one in found) / sum(weight for weight, _ in found) > 9.9


def test_files_as_they_lie_about(tmp_path):
    found = [points(polluted.survey(seed), tmp_path) for seed in range(1000, 1060)]
    assert sum(found) / len(found) > 9.7


def test_two_stray_marks_swallow_nothing(tmp_path):
    lines = ["id,region,amount", *(f"D{one},North,{one * 10}" for one in range(60))]
    lines[6] = 'D5,"North,50'
    lines[51] = 'D50,South",500'
    path = tmp_path / "deals.csv"
    path.write_text("\n".join(lines))
    found = read_delimited(path, "utf-8")
    assert found.table.num_rows == 60
    assert found.table.column("1").to_pylist()[5] == '"North'
    assert 7 in found.tally.quotes
    assert found.tally.continuation_n == 0


def test_texts_over_lines_stay_whole(tmp_path):
    path = tmp_path / "deals.csv"
    path.write_text('id,note,day\n1,"first\nsecond, with comma\nthird ""said""",2025-01-02\n2,x,2025-01-03\n')
    found = read_delimited(path, "utf-8")
    assert found.table.column("1").to_pylist() == ['first\nsecond, with comma\nthird "said"', "x"]
    assert found.tally.continuation_n == 2
    assert found.tally.quotes == []


@given(st.lists(st.sampled_from(['a', ',', '"', '\n', '\r\n', '1', ';', ' ', '2025-01-01', '\t', '""', 'é', "'", "\\",
                                 '|', '\r', '#', 'sep=', 'D1', '",']), max_size=80))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_every_line_is_accounted_for(tmp_path_factory, pieces):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes("".join(pieces).encode())
    found = read_delimited(path, "utf-8")
    tally = found.tally
    assert tally.lines_n == found.lines_n == tally.rows_n + tally.continuation_n + tally.blank_n
    assert len(found.rows) == found.table.num_rows


def test_both_ways_agree(tmp_path):
    rng = random.Random(3)
    rows = polluted.table(seed=5, rows_n=200)
    path = tmp_path / "deals.csv"
    path.write_text(polluted.text_of([polluted.NAMES, *rows], end="\n"))
    fast = read_delimited(path, "utf-8")
    assert fast.tally.quotes == []
    spoilt = polluted.text_of([polluted.NAMES, *rows], end="\n").splitlines()
    spoilt.insert(rng.randint(5, 190), 'X1,"open')  # forces the careful way
    path.write_text("\n".join(spoilt))
    careful = read_delimited(path, "utf-8")
    kept = [
        row for row in zip(*(one.to_pylist() for one in careful.table.columns), strict=True) if row[0] != "X1"
    ]
    assert kept == list(zip(*(one.to_pylist() for one in fast.table.columns), strict=True))


SECOND = {
    "narrower": [["owner", "quota"], ["Ann", "500"], ["Bo", "600"]],
    "wider": [["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"], *[[str(n)] * 10 for n in range(4)]],
    "as wide": [
        ["a", "b", "c", "d", "e", "f", "g", "h", "i"],
        *[["x", "y", "z", *"123456"] for _ in range(4)],
    ],
}


@pytest.mark.parametrize("name", SECOND)
def test_a_second_table_is_told_and_left_out(name, tmp_path):
    rows, other = polluted.table(), SECOND[name]
    path = tmp_path / "deals.csv"
    path.write_text(polluted.text_of([polluted.NAMES, *rows]) + "\r\n" + polluted.text_of(other))
    raw = read_text(path, TableSettings())
    assert len(raw.frame) == len(rows)
    assert raw.lines.balanced
    assert raw.lines.left_out_n == len(other)
    told = {note.code: note.values for note in raw.notes}["table_rows_left_out"]
    assert (told["row"], told["n"]) == (len(rows) + 3, len(other))
    assert len(read_text(path, TableSettings(totals="keep")).frame) == len(rows) + len(other)


@pytest.mark.parametrize("at", [5, 30, 59])
def test_a_blank_line_begins_no_table_by_itself(at, tmp_path):
    rows = polluted.table()
    spoilt = ["Ann", "call", "me"]  # a row that does not fit, after a blank line, and records below it
    path = tmp_path / "deals.csv"
    lines = [polluted.line(row) for row in [polluted.NAMES, *rows]]
    path.write_text("\n".join([*lines[:at], "", ",".join(spoilt), *lines[at:]]))
    found = read_delimited(path, "utf-8")
    assert found.table.num_rows == len(rows) + 1
    assert "table" not in found.left_out


def test_a_mark_in_every_line_costs_no_more_than_the_line(tmp_path):
    path = tmp_path / "deals.csv"
    path.write_text("id,stage,region,note\n" + "".join(f'D{k},lead,"North,x\n' for k in range(3000)))
    began = time.process_time()
    found = read_delimited(path, "utf-8")
    assert time.process_time() - began < 3
    assert found.table.num_rows == 3000
    assert found.tally.continuation_n == 0
