"""Files as people have them: every form becomes the table that was meant, and what was done is told."""

import datetime
import gzip
import json
import time
import zipfile
from pathlib import Path

import openpyxl
import pytest

from funnelnb.core.errors import DataProblems, SourceError
from funnelnb.data.contract.limits import Limits
from funnelnb.data.contract.settings import TableSettings
from funnelnb.data.load import load
from funnelnb.data.read.files import read, sub_tables

STAGES = ["lead", "offer", "won"]
HEADER = ["opportunity_id", "stage", "region", "amount", "created_at"]
DEALS = [
    [f"K{n}", STAGES[n % 3], ("North", "South", "West")[n // 7 % 3], 100 * n + 50, f"2025-0{n % 9 + 1}-11"]
    for n in range(21)
]
TOTAL = sum(row[3] for row in DEALS)


def csv(rows, delimiter=","):
    return "\n".join(delimiter.join(map(str, row)) for row in rows) + "\n"


def text(folder, content, name="deals.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def workbook(folder, rows, name="deals.xlsx", merge=()):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for place in merge:
        book.active.merge_cells(place)
    book.save(folder / name)
    return folder / name


def book(path, **options):
    return load(path, playbook=STAGES, as_of="2025-09-30", **options)


def notes(found):
    return {note.code: note.values for note in found.notes}


def test_a_line_that_names_the_delimiter(tmp_path):
    found = book(text(tmp_path, "sep=;\n" + csv([HEADER, *DEALS], ";")))
    assert found.opportunities["amount"].sum() == TOTAL
    assert "header_below" not in notes(found)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_totals_and_footers_are_no_deals(tmp_path, form):
    footer = [["Total", None, None, TOTAL, None], [None] * 5, ["Exported by the sales office", *[None] * 4]]
    if form == "csv":
        rows = [["" if cell is None else cell for cell in row] for row in [HEADER, *DEALS, *footer]]
        found = book(text(tmp_path, csv(rows)))
    else:
        found = book(workbook(tmp_path, [HEADER, *DEALS, *footer]))
    assert len(found.opportunities) == 21
    assert found.opportunities["amount"].sum() == TOTAL
    assert notes(found)["total_rows_left_out"]["row"] == 23
    assert notes(found)["note_rows_left_out"]["value"] == "Exported by the sales office"


def test_totals_can_be_kept(tmp_path):
    path = text(tmp_path, csv([HEADER, *DEALS, ["Total", "won", "", TOTAL, ""]]))
    assert len(read(path, "deals", TableSettings(totals="keep")).frame) == 22


def test_subtotals_of_groups_are_no_deals(tmp_path):
    rows = [*DEALS[:7], ["Subtotal", "", "", 1, ""], *DEALS[7:], ["Grand total (21)", "", "", TOTAL, ""]]
    found = book(text(tmp_path, csv([HEADER, *rows])))
    assert len(found.opportunities) == 21
    assert notes(found)["total_rows_left_out"]["n"] == 2


def test_a_company_called_total_is_a_deal(tmp_path):
    rows = [*DEALS, ["Total Energies", "won", "North", 7, "2025-03-01"]]
    assert len(book(text(tmp_path, csv([HEADER, *rows]))).opportunities) == 22


def test_merged_cells_are_filled_down(tmp_path):
    order = [2, 0, 1, 3, 4]
    rows = [[row[place] for place in order] for row in [HEADER, *DEALS]]
    for n, row in enumerate(rows[1:]):
        if n % 7:
            row[0] = None
    found = book(workbook(tmp_path, rows, merge=("A2:A8", "A9:A15", "A16:A22")))
    assert found.opportunities["region"].value_counts().to_dict() == {"North": 7, "South": 7, "West": 7}
    assert notes(found)["merged_filled"]["n"] == 18


def test_titles_above_and_a_date_below_the_header_of_a_sheet(tmp_path):
    rows = [["Pipeline, all regions"], ["as of", datetime.date(2025, 10, 1)], [], HEADER, *DEALS]
    found = book(workbook(tmp_path, rows))
    assert len(found.opportunities) == 21
    assert notes(found)["header_below"]["row"] == 4


def test_formulas_without_a_value_and_errors_are_told(tmp_path):
    rows = [[*row[:3], f"=2*{row[3]}", row[4]] for row in DEALS]
    rows[4][2] = "#N/A"
    rows[5][2] = "#1 Region"
    path = workbook(tmp_path, [HEADER, *rows])
    found = book(path)
    assert notes(found)["formulas_without_value"]["n"] == 21
    assert notes(found)["formulas_without_value"]["cell"] == "D2"
    assert notes(found)["error_cells"] == {"file": "deals.xlsx", "n": 1, "cell": "C6"}
    regions = found.opportunities["region"]
    assert regions[5] == "#1 Region"
    assert regions.isna()[4]


def test_ids_that_a_spreadsheet_spoilt_are_kept_apart(tmp_path):
    rows = [[f"1234567890{n:02}" if n > 5 else "1.23457E+11", *row[1:]] for n, row in enumerate(DEALS)]
    found = book(text(tmp_path, csv([HEADER, *rows])))
    assert len(found.opportunities) == 21
    assert notes(found)["ids_kept_apart"]["n"] == 6
    assert found.opportunities["opportunity_id"].is_unique
    assert "123456789020" in set(found.opportunities["opportunity_id"])


def test_ids_that_are_mostly_damaged_are_numbered(tmp_path):
    rows = [[f"1234567890{n:02}" if n > 15 else "1.23457E+11", *row[1:]] for n, row in enumerate(DEALS)]
    found = book(text(tmp_path, csv([HEADER, *rows])))
    assert found.opportunities["opportunity_id"].tolist() == [str(n) for n in range(2, 23)]
    assert notes(found)["ids_numbered"]["column"] == "opportunity_id"


def test_ids_of_more_than_15_digits_stored_as_numbers(tmp_path):
    rows = [[910000000000000000 + n, *row[1:]] for n, row in enumerate(DEALS)]
    found = book(workbook(tmp_path, [HEADER, *rows]))
    assert len(found.opportunities) == 21
    assert notes(found)["digits_lost"]["n"] == 21


def test_cells_that_show_only_hashes_are_told(tmp_path):
    rows = [[*row[:4], "########" if n == 2 else row[4]] for n, row in enumerate(DEALS)]
    found = book(text(tmp_path, csv([HEADER, *rows])), mapping={"problems": {"missing_value": "drop"}})
    assert notes(found)["cells_too_narrow"] == {"file": "deals.csv", "column": "created_at", "n": 1, "row": 4}


def test_rows_that_end_in_a_delimiter_are_whole(tmp_path):
    content = csv([HEADER]) + "".join(csv([row]).rstrip() + ",\n" for row in DEALS)
    found = book(text(tmp_path, content))
    assert len(found.opportunities) == 21
    assert not [code for code in notes(found) if code.startswith("rows_")]


def test_seventy_thousand_ragged_rows_are_one_problem_in_seconds(tmp_path):
    lines = [f"R{n},lead,North,5,2025-01-02" + (",x,y" if n % 2 else "") for n in range(140_000)]
    path = text(tmp_path, ",".join(HEADER) + "\n" + "\n".join(lines) + "\n")
    began = time.process_time()
    with pytest.raises(DataProblems) as error:
        book(path)
    assert time.process_time() - began < 12
    assert [(one.rows_n, one.row) for one in error.value.problems] == [(70_000, 3)]


def test_a_delimiter_in_a_free_text_is_joined_or_reported(tmp_path):
    rows = [
        [*row, f"call number {n}, then mail" if n == 3 else f"call number {n}"] for n, row in enumerate(DEALS)
    ]
    found = read(text(tmp_path, csv([[*HEADER, "note"], *rows])), "deals")
    assert found.ragged == []
    assert found.frame["note"].tolist()[3] == "call number 3, then mail"
    assert {note.code: note.values for note in found.notes}["rows_joined"]["row"] == 5
    asked = read(tmp_path / "deals.csv", "deals", TableSettings(mend=False))
    assert asked.ragged == [(5, 7)]
    rows = [[*row[:2], "Up, down" if n == 3 else "Up", *row[3:]] for n, row in enumerate(DEALS)]
    assert read(text(tmp_path, csv([HEADER, *rows])), "deals").ragged == [(5, 6)]


def test_a_zip_and_a_gz_with_one_table(tmp_path):
    inner = text(tmp_path, csv([HEADER, *DEALS]))
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.write(inner, "folder/deals.csv")
        archive.writestr("__MACOSX/folder/._deals.csv", "x")
        archive.writestr("readme.md", "x")
    (tmp_path / "export.csv.gz").write_bytes(gzip.compress(inner.read_bytes()))
    for name in ("export.zip", "export.csv.gz"):
        assert book(tmp_path / name).opportunities["amount"].sum() == TOTAL, name
    assert sub_tables(tmp_path / "export.zip") == ["folder/deals.csv"]


def test_what_is_wrong_inside_an_archive_names_the_archive(tmp_path):
    (tmp_path / "export.csv.gz").write_bytes(gzip.compress(b"id,stage\n"))
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("deals.csv", "id,stage\n")
    for name, shown in (("export.zip", "export.zip!deals.csv"), ("export.csv.gz", "export.csv.gz")):
        with pytest.raises(SourceError) as caught:
            read(tmp_path / name, "deals")
        assert shown in str(caught.value)
        assert "table.csv" not in str(caught.value)


def test_a_zip_with_tables_of_one_shape_and_of_several(tmp_path):
    with zipfile.ZipFile(tmp_path / "alike.zip", "w") as archive:
        archive.writestr("2024.csv", csv([HEADER, *DEALS[:10]]))
        archive.writestr("2025.csv", csv([HEADER, *DEALS[10:]]))
    raw = read(tmp_path / "alike.zip", "deals")
    assert len(raw.frame) == 21
    assert raw.frame["file"].value_counts().to_dict() == {"2025.csv": 11, "2024.csv": 10}
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("deals.csv", csv([HEADER, *DEALS]))
        archive.writestr("people.csv", "name,region\nAnn,North\n")
    with pytest.raises(SourceError, match="holds 2 tables"):
        read(tmp_path / "two.zip", "deals")
    assert len(read(tmp_path / "two.zip", "deals", TableSettings(sheet="people.csv")).frame) == 1


def test_sheets_of_one_shape_are_stacked(tmp_path):
    made = openpyxl.Workbook()
    made.active.title = "North"
    for sheet, rows in ((made.active, DEALS[:8]), (made.create_sheet("South"), DEALS[8:])):
        for row in [HEADER, *rows]:
            sheet.append(row)
    made.create_sheet("Help").append(["How to read this"])
    made.save(tmp_path / "deals.xlsx")
    raw = read(tmp_path / "deals.xlsx", "deals")
    assert len(raw.frame) == 21
    assert raw.frame["sheet"].unique().tolist() == ["North", "South"]
    assert {note.code: note.values for note in raw.notes}["sheet_chosen"]["others"] == "Help"


def test_a_second_table_in_a_sheet_is_told_and_left_out(tmp_path):
    other = [["owner", "quota"], ["Ann", 500], ["Bo", 600]]
    path = workbook(tmp_path, [HEADER, *DEALS, [], *other])
    raw = read(path, "deals")
    assert len(raw.frame) == len(DEALS)
    told = {note.code: note.values for note in raw.notes}["table_rows_left_out"]
    assert (told["row"], told["n"]) == (len(DEALS) + 3, 3)
    assert book(path).opportunities["amount"].sum() == TOTAL


def test_a_cell_that_is_too_long_is_refused_with_its_place(tmp_path):
    rows = [[*row[:2], "x" * 300 if n == 4 else row[2], *row[3:]] for n, row in enumerate(DEALS)]
    few = TableSettings(limits=Limits(cell_chars=200))
    for path in (text(tmp_path, csv([HEADER, *rows])), workbook(tmp_path, [HEADER, *rows])):
        with pytest.raises(
            SourceError, match=r"row 6, column \w+: 300 characters in one cell(?s:.*)cell_chars = 300"
        ):
            read(path, "deals", few)
        assert len(read(path, "deals").frame) == len(DEALS)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([dict(zip(HEADER, row, strict=True)) for row in DEALS]),
        "\n".join(json.dumps(dict(zip(HEADER, row, strict=True))) for row in DEALS),
        json.dumps({"paging": {"next": 1}, "results": [{"id": 1, "properties": dict(zip(HEADER, row, strict=True))}
                                                         for row in DEALS]}),
    ],
    ids=["list", "lines", "nested"],
)  # fmt: skip
def test_json_is_a_table(tmp_path, content):
    assert book(text(tmp_path, content, "deals.json")).opportunities["amount"].sum() == TOTAL
    assert book(text(tmp_path, content, "deals.csv")).opportunities["amount"].sum() == TOTAL  # by what it is


def test_json_keeps_every_digit(tmp_path):
    raw = read(
        text(tmp_path, '[{"id": 12345678901234567890, "x": 1e400}, {"id": 7, "x": null}]', "a.json"), "a"
    )
    assert raw.frame["id"].tolist() == ["12345678901234567890", "7"]
    assert raw.frame["x"].tolist() == ["1e400", ""]


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "{", "[1, 2]", '{"a": ' * 400 + "1" + "}" * 400, "[]", "null", '"x"']
)
def test_json_that_is_no_table(tmp_path, content):
    with pytest.raises(SourceError, match=r"a\.json"):
        read(text(tmp_path, content, "a.json"), "a")


def test_blank_separated_text(tmp_path):
    found = book(
        text(tmp_path, "\n".join("   ".join(map(str, row)) for row in [HEADER, *DEALS]), "deals.txt")
    )
    assert found.opportunities["amount"].sum() == TOTAL


def test_a_table_without_a_header_gets_names_and_an_offer(tmp_path):
    path = text(tmp_path, csv(DEALS))
    raw = read(path, "deals")
    assert raw.columns == [f"column {n}" for n in range(1, 6)]
    assert len(raw.frame) == 21
    assert [note.code for note in raw.notes] == ["header_generated"]
    columns = {name: f"column {n}" for n, name in enumerate(HEADER, start=1)}
    mapping = {"tables": {"opportunities": {"columns": columns, "header": False}}}
    assert book(path, mapping=mapping).opportunities["amount"].sum() == TOTAL


def test_row_numbers_count_what_a_spreadsheet_counts(tmp_path):
    rows = [[*row[:3], "x" if n == 9 else row[3], row[4]] for n, row in enumerate(DEALS)]
    with pytest.raises(DataProblems) as error:
        book(text(tmp_path, "Title\n\n" + csv([HEADER, *rows])))
    assert error.value.problems[0].row == 13


# ---- limits, and what is damaged ----------------------------------------------------------------------------


def test_one_cell_in_the_last_corner(tmp_path):
    made = openpyxl.Workbook()
    made.active.append(HEADER)
    made.active["XFD1048576"] = 1
    made.save(tmp_path / "deals.xlsx")
    began = time.process_time()
    with pytest.raises(SourceError, match="cells from the first corner"):
        read(tmp_path / "deals.xlsx", "deals")
    assert time.process_time() - began < 2


def test_an_archive_that_grows_is_refused_before_it_is_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "deals.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deals.csv", "id,stage\n" + "a,b\n" * 20_000_000)
    (tmp_path / "deals.csv.gz").write_bytes(gzip.compress(b"id,stage\n" + b"a,b\n" * 20_000_000, 9))
    for name in ("deals.zip", "deals.csv.gz"):
        with pytest.raises(SourceError, match=r"times its size when unpacked(?s:.*)\[limits\]"):
            read(tmp_path / name, "deals")


def test_too_many_columns_are_refused_at_once(tmp_path):
    path = text(tmp_path, ",".join(f"c{n}" for n in range(100_000)) + "\n" + "1," * 99_999 + "1\n")
    began = time.process_time()
    with pytest.raises(SourceError, match="100,000 columns"):
        read(path, "deals")
    assert time.process_time() - began < 3
    few = text(
        tmp_path, "\n".join([",".join(f"c{n}" for n in range(6_000)), *[",".join(["5"] * 6_000)] * 20])
    )
    assert len(read(few, "deals", TableSettings(limits=Limits(columns=6_000))).columns) == 6_000


def test_a_header_beyond_64_kb_is_read(tmp_path):
    names = [f"a column with quite a long name, number {n}" for n in range(2_000)]
    path = text(tmp_path, "\t".join(names) + "\n" + "\t".join(["5"] * 2_000) + "\n")
    assert read(path, "deals").columns == names


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml", "[Content_Types].xml"]
)
@pytest.mark.parametrize("damage", ["cut", "empty", "noise", "entity"])
def test_damaged_workbooks_are_refused_or_read(tmp_path, part, damage):
    path = workbook(tmp_path, [HEADER, *DEALS])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    content = parts.get(part, b"")
    parts[part] = {
        "cut": content[: len(content) // 2], "empty": b"", "noise": content[:50] + b"\xff\x00<<" + content[60:],
        "entity": content.replace(b"<v>50</v>", b"<v>&boom;</v>"),
    }[damage]  # fmt: skip
    with zipfile.ZipFile(path, "w") as archive:
        for name, one in parts.items():
            archive.writestr(name, one)
    try:
        raw = read(path, "deals")
    except SourceError:
        return
    assert len(raw.frame) <= 21


def test_a_number_cell_with_something_else_is_told(tmp_path):
    path = workbook(tmp_path, [HEADER, *DEALS])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert b"<v>150</v>" in sheet
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"<v>150</v>", b"<v>12a</v>")
    with zipfile.ZipFile(path, "w") as archive:
        for name, one in parts.items():
            archive.writestr(name, one)
    try:
        raw = read(path, "deals")
    except SourceError as error:
        assert "deals.xlsx" in str(error)
        return
    assert "unreadable_cells" in [note.code for note in raw.notes]


def test_paths_that_no_system_takes(tmp_path):
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    for path in (tmp_path / ("x" * 5_000 + ".csv"), Path("a\x00b.csv"), loop):
        with pytest.raises(SourceError):
            read(path, "deals")


def test_texts_coded_by_a_dictionary_count_as_written_out(tmp_path):
    """A Parquet file of 0.3 MB with 40 million equal texts of 40 characters took 2.6 GB."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from funnelnb.data.read.files import _written_out

    codes = pa.array(np.zeros(1000, dtype=np.int8))
    column = pa.chunked_array([pa.DictionaryArray.from_arrays(codes, ["x" * 600_000])])
    assert _written_out(column) >= 600_000_000
    assert _written_out(pa.chunked_array([pa.array(["abc"] * 10)])) < 100
    pq.write_table(pa.table({"opportunity_id": column, "stage": column}), tmp_path / "deals.parquet")
    with pytest.raises(SourceError, match="times its size when unpacked"):
        read(tmp_path / "deals.parquet", "deals")
