"""Files that are no tables fail early and say so; tables in any form give the same book."""

import gzip
import io
import time
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from funnelnb.core.errors import DataProblems, MappingError, ParameterError, SourceError
from funnelnb.data.events.load import events
from funnelnb.data.load import load
from funnelnb.data.read.dialect import find_dialect
from funnelnb.data.read.raw import unique_names

STAGES = ["lead", "offer", "won"]
CSV = """opportunity_id,owner,region,amount,created_at,closed_at,outcome,stage
001,Ann,East,100.5,2026-01-01,2026-02-01,won,won
1e5,Bob,West,200,2026-01-02,2026-02-10,lost,offer
0x1F,Ann,NA,,2026-01-03,,open,offer
"""


def write(folder: Path, content: bytes | str, name: str = "deals.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_ids_stay_what_they_are(tmp_path):
    deals = load(write(tmp_path, CSV), playbook=STAGES).opportunities
    assert deals["opportunity_id"].tolist() == ["001", "1e5", "0x1F"]
    assert deals["region"].tolist() == ["East", "West", "NA"]  # North America is no missing value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n \n", "is empty"),
        (b"%PDF-1.7 ...", "is a PDF document"),
        (b"PK\x03\x04....", "is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "cannot be read"),
        (gzip.compress(CSV.encode())[:-20], "cannot be unpacked"),
        (b"<html><table><tr><td>1</td></tr></table>", "is a web page"),
        (bytes(range(256)) * 20, "holds binary data"),
        (b"opportunity_id,stage\n", "has a header and no rows"),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",
)
def test_what_is_no_table_says_what_it_is(tmp_path, content, message):
    path = write(tmp_path, content)
    with pytest.raises(SourceError, match=message) as error:
        load(path, playbook=STAGES)
    assert "deals.csv" in str(error.value)
    assert error.value.expected
    assert error.value.hint


def test_a_giant_line_fails_fast_and_small(tmp_path):
    path = tmp_path / "deals.csv"
    with path.open("wb") as stream:
        stream.write(b"opportunity_id,stage\n")
        stream.seek(200 * 2**20)  # a sparse file: one line of 200 MB
        stream.write(b"x")
    began = time.process_time()
    with pytest.raises(SourceError, match=r"bytes in one line|binary"):
        load(path, playbook=STAGES)
    assert time.process_time() - began < 2


def test_a_giant_line_of_text_stops_after_a_megabyte(tmp_path, monkeypatch):
    path = write(tmp_path, b"opportunity_id,stage\n1,won\n" + b"x" * (5 * 2**20))
    with pytest.raises(SourceError, match=r"(?s)deals\.csv, line 3: .* bytes in one line.*at most 1,048,576"):
        load(path, playbook=STAGES)


def test_a_missing_file_names_its_neighbour(tmp_path):
    write(tmp_path, CSV)
    with pytest.raises(SourceError, match="there is nothing at") as error:
        load(tmp_path / "deal.csv", playbook=STAGES)
    assert "did you mean 'deals.csv'?" in str(error.value)


def test_an_unknown_ending(tmp_path):
    with pytest.raises(SourceError, match=r"ending .docx"):
        load(write(tmp_path, CSV, "deals.docx"), playbook=STAGES)


def test_a_folder_without_deals_lists_what_is_there(tmp_path):
    write(tmp_path, "colour,taste\nred,sweet\ngreen,sour\n", "one.csv")
    write(tmp_path, "city,river\nBonn,Rhine\nBern,Aare\n", "two.csv")
    with pytest.raises(SourceError, match="holds no table of deals") as error:
        load(tmp_path, playbook=STAGES)
    assert "one.csv, two.csv" in str(error.value)


def test_without_a_playbook_the_own_stages_are_taken_and_told(tmp_path):
    book = load(write(tmp_path, CSV))
    assert book.playbook.stage_ids == ("offer", "won")
    assert len(book.opportunities) == 3
    with pytest.raises(MappingError, match="no stage model is named"):
        load(write(tmp_path, CSV), mapping={"crm": "none"})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "cp1252"])
def test_encodings(tmp_path, encoding):
    names = {"gb18030": ["王芳", "李伟、陈静"], "cp1252": ["Müller & Söhne", "Café Noël"]}.get(
        encoding, ["Müller", "王芳"]
    )
    text = (
        CSV.replace("Ann", names[0])
        .replace("Bob", names[1])
        .replace(",owner", ",负责人" if "gb" in encoding else ",owner")
    )
    mapping = {"tables": {"opportunities": {"columns": {"owner": "负责人"}}}} if "gb" in encoding else None
    book = load(write(tmp_path, text.encode(encoding)), playbook=STAGES, mapping=mapping)
    assert book.opportunities["owner"].tolist() == [names[0], names[1], names[0]]
    noted = [note.values["encoding"] for note in book.notes if note.code == "encoding_found"]
    assert noted == ([] if encoding.startswith("utf-8") else [encoding])


def test_a_foreign_letter_deep_in_the_file_is_found(tmp_path):
    rows = "".join(f"d{n},Ann,East,1,2026-01-01,2026-01-02,won,won\n" for n in range(60_000))
    text = CSV.splitlines()[0] + "\n" + rows + "last,Müller,East,1,2026-01-01,2026-01-02,won,won\n"
    deals = load(write(tmp_path, text.encode("cp1252")), playbook=STAGES).opportunities
    assert deals["owner"].iloc[-1] == "Müller"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(tmp_path, delimiter):
    text = CSV.replace(",", delimiter)
    assert len(load(write(tmp_path, text), playbook=STAGES).opportunities) == 3


def test_delimiter_is_found_beside_commas_in_numbers():
    assert find_dialect(["a;b;c", "1,5;2,5;3", "2,5;1;4"]).delimiter == ";"
    assert find_dialect(["a,b", '"x;y;z",1']).delimiter == ","
    assert find_dialect(["one", "word"]).delimiter == ""


def test_rows_are_counted_as_a_spreadsheet_shows_them(tmp_path):
    text = (
        'opportunity_id,name,amount,stage\n1,a,5,lead\n\n2,"two\nlines",6,lead\n3,c,x,lead\n,,,\n4,d,y,lead\n'
    )
    with pytest.raises(DataProblems) as error:
        load(write(tmp_path, text), playbook=STAGES, as_of="2026-01-01")
    problem = error.value.problems[0]
    assert (problem.row, problem.rows_n, problem.value, problem.column) == (5, 2, "x", "amount")


def test_rows_with_too_many_fields(tmp_path):
    text = "opportunity_id,stage\n1,lead\n2,lead,extra\n3,won\n4\n"
    path = write(tmp_path, text)
    with pytest.raises(DataProblems) as error:
        load(path, playbook=STAGES, as_of="2026-01-01")
    assert [(one.row, one.found) for one in error.value.problems] == [
        (3, "the row has 3 fields, the header has 2"),
        (5, "the row has 1 fields, the header has 2"),
    ]
    book = load(path, playbook=STAGES, as_of="2026-01-01", mapping={"problems": {"ragged_row": "drop"}})
    assert book.opportunities["opportunity_id"].tolist() == ["1", "3"]


def test_header_row_and_skipped_rows(tmp_path):
    text = 'Report of "all"\n\nopportunity_id,stage\n1,lead\ntotal,\n2,won\n'
    mapping = {"tables": {"opportunities": {"header_row": 3, "skip_rows": [5]}}}
    book = load(write(tmp_path, text), playbook=STAGES, as_of="2026-01-01", mapping=mapping)
    assert book.opportunities["opportunity_id"].tolist() == ["1", "2"]


def test_unique_names():
    assert unique_names(["a", None, " a ", "b\nc", ""]) == ["a", "(column 2)", "a (2)", "b c", "(column 5)"]


def frame() -> pd.DataFrame:
    return pd.read_csv(
        io.StringIO(CSV), dtype={"opportunity_id": "str"}, keep_default_na=False, na_values={"amount": [""]}
    )


def excel(folder: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in frame().astype(object).where(frame().notna(), None).itertuples(index=False):
        if sheet.max_row == 1 and sheet.max_column == 1:
            sheet.append(list(frame().columns))
        sheet.append([None if cell == "" else cell for cell in row])
    for row in range(2, 5):
        for column in (5, 6):
            cell = sheet.cell(row, column)
            cell.value = pd.Timestamp(cell.value).to_pydatetime() if cell.value else None
    path = folder / "deals.xlsx"
    book.save(path)
    return path


def sources(folder: Path) -> dict[str, object]:
    import duckdb
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    typed = frame().assign(**{name: pd.to_datetime(frame()[name]) for name in ("created_at", "closed_at")})
    pq.write_table(pa.Table.from_pandas(typed, preserve_index=False), folder / "deals.parquet")
    connection = duckdb.connect(str(folder / "deals.duckdb"))
    connection.execute("CREATE TABLE opportunities AS SELECT * FROM typed")
    connection.close()
    return {
        "csv": write(folder, CSV),
        "excel": excel(folder),
        "parquet": folder / "deals.parquet",
        "duckdb file": folder / "deals.duckdb",
        "pandas text": frame(),
        "pandas typed": typed,
        "pandas objects": typed.astype(object),
        "pandas categories": frame().astype({"owner": "category", "region": "category"}),
        "polars": pl.from_pandas(typed),
        "polars lazy": pl.from_pandas(typed).lazy(),
        "pyarrow": pa.Table.from_pandas(typed, preserve_index=False),
        "duckdb relation": duckdb.sql("SELECT * FROM typed"),
        "dict": {"opportunities": frame()},
    }


def test_every_form_gives_the_same_book(tmp_path):
    found = {name: load(one, playbook=STAGES, name="x") for name, one in sources(tmp_path).items()}
    first = found["csv"]
    for name, book in found.items():
        pd.testing.assert_frame_equal(book.opportunities, first.opportunities, obj=name)
        assert book.fingerprint == first.fingerprint, name


def test_numeric_ids_of_a_workbook_have_no_point(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["opportunity_id", "account_id", "stage"])
    for row in ([1001, 7.0, "lead"], [1002, None, "won"]):
        book.active.append(row)
    book.save(tmp_path / "deals.xlsx")
    deals = load(tmp_path / "deals.xlsx", playbook=STAGES, as_of="2026-01-01").opportunities
    assert deals["opportunity_id"].tolist() == ["1001", "1002"]
    assert deals["account_id"].tolist()[0] == "7"


def workbook(folder: Path, sheets: dict[str, list[list[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    path = folder / "export.xlsx"
    book.save(path)
    return path


DEALS = [["opportunity_id", "stage", "created_at"], ["1", "lead", "2026-01-01"]]


def test_sheets_named_like_tables_are_tables(tmp_path):
    history = [["opportunity_id", "stage", "entered_at"], ["1", "lead", "2026-01-01"]]
    book = load(
        workbook(tmp_path, {"About": [["x", "y"], [1, 2]], "Opportunities": DEALS, "Stage history": history}),
        playbook=STAGES,
    )
    assert len(book.table("stage_history")) == 1


def test_the_sheet_that_is_read_is_noted(tmp_path):
    book = load(workbook(tmp_path, {"Data": DEALS, "Help": [["a", "b"], [1, 2]]}), playbook=STAGES)
    note = next(note for note in book.notes if note.code == "sheet_chosen")
    assert (note.values["sheet"], note.values["others"]) == ("Data", "Help")


def test_a_wrong_sheet_lists_the_sheets(tmp_path):
    path = workbook(tmp_path, {"Data": DEALS, "Help": DEALS})
    with pytest.raises(SourceError, match="no sheet 'Dat'") as error:
        load(
            path, playbook=STAGES, mapping={"tables": {"opportunities": {"file": path.name, "sheet": "Dat"}}}
        )
    assert "Data, Help" in str(error.value)


def test_text_called_xlsx_is_read_as_text(tmp_path):
    book = load(write(tmp_path, CSV, "deals.xlsx"), playbook=STAGES)
    assert len(book.opportunities) == 3
    assert [note.values["ending"] for note in book.notes if note.code == "other_kind"] == [".xlsx"]


def test_a_workbook_called_csv_is_read_as_workbook(tmp_path):
    path = excel(tmp_path).rename(tmp_path / "deals.csv")
    book = load(path, playbook=STAGES)
    assert len(book.opportunities) == 3
    assert "other_kind" in [note.code for note in book.notes]


def test_a_page_called_xlsx(tmp_path):
    with pytest.raises(SourceError, match="is a web page"):
        load(write(tmp_path, "<html></html>", "deals.xlsx"), playbook=STAGES)


def test_a_zip_called_xlsx(tmp_path):
    with zipfile.ZipFile(tmp_path / "deals.xlsx", "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(SourceError, match="cannot be read"):
        load(tmp_path / "deals.xlsx", playbook=STAGES)


@pytest.mark.parametrize(("name", "kind"), [("deals.parquet", "Parquet"), ("deals.duckdb", "DuckDB")])
def test_broken_binary_files(tmp_path, name, kind):
    with pytest.raises(SourceError, match=f"is not a {kind}"):
        load(write(tmp_path, b"nonsense" * 2000, name), playbook=STAGES)


def test_what_is_no_frame():
    with pytest.raises(SourceError, match="is of type int"):
        load(42, playbook=STAGES)
    with pytest.raises(ParameterError, match="tables"):
        load({"deals": frame()}, playbook=STAGES, mapping={"crm": "none"})
    assert len(load({"deals": frame()}, playbook=STAGES).opportunities) == len(frame())


def test_nested_columns_are_text():
    import polars as pl

    with pytest.raises(DataProblems, match="a stage that the stage model does not have"):
        load(pl.DataFrame({"opportunity_id": ["1"], "stage": [["a"]]}), playbook=STAGES)


@pytest.mark.parametrize("reader", [load, events])
def test_a_frame_that_its_library_cannot_hand_over_is_refused(reader):
    import polars as pl

    with pytest.raises(SourceError, match=r"cannot be read \(PanicException"):
        reader(pl.DataFrame({"user_id": ["u1"], "event": ["cart"], "\0": ["app"]}))


def test_the_source_is_not_changed():
    given = frame()
    before = given.copy(deep=True)
    load(given, playbook=STAGES)
    pd.testing.assert_frame_equal(given, before)


def test_settings_beside_the_data_are_found(tmp_path):
    write(tmp_path, CSV, "opportunities.csv")
    write(
        tmp_path,
        'playbook = ["lead", "offer", "won"]\ncurrency = "EUR"\nas_of = 2026-02-05\n',
        "funnelnb.toml",
    )
    book = load(tmp_path)
    assert (book.currency, book.as_of) == ("EUR", np.datetime64("2026-02-05T00:00:00"))
    assert load(tmp_path / "opportunities.csv").currency == "EUR"
    assert load(tmp_path / "funnelnb.toml").currency == "EUR"
    assert load(tmp_path, as_of="2026-03-01").as_of == np.datetime64("2026-03-01T00:00:00")


def test_more_tables_can_be_given(tmp_path):
    history = pd.DataFrame({"opportunity_id": ["001"], "stage": ["lead"], "entered_at": ["2026-01-01"]})
    book = load(write(tmp_path, CSV), playbook=STAGES, tables={"stage_history": history})
    assert len(book.table("stage_history")) == 1


def test_an_inch_sign_is_no_open_quote(tmp_path):
    text = 'opportunity_id,name,stage\n1,5" pipe,lead\n2,"3"" pipe",won\n'
    deals = load(write(tmp_path, text), playbook=STAGES, as_of="2026-01-01").opportunities
    assert deals["name"].tolist() == ['5" pipe', '3" pipe']


def test_rows_that_do_not_fit_are_named_behind_rows_of_several_lines(tmp_path):
    text = '"opportunity\n_id",stage\n1,"lead"\n"2\n",lead\n3\n4,lead,\n5,won\n'
    mapping = {"tables": {"opportunities": {"columns": {"opportunity_id": "opportunity _id"}}}}
    with pytest.raises(DataProblems) as error:
        load(write(tmp_path, text), playbook=STAGES, as_of="2026-01-01", mapping=mapping)
    assert [(one.row, one.found[:20]) for one in error.value.problems] == [
        (4, "the row has 1 fields"),  # an empty field at the end of row 5 does no harm
    ]


def test_two_files_for_one_table_are_asked_about(tmp_path):
    write(tmp_path, CSV, "deals.csv")
    write(tmp_path, CSV, "pipeline.csv")
    with pytest.raises(
        SourceError, match=r"several files may be the table opportunities: deals\.csv, pipeline\.csv"
    ):
        load(tmp_path, playbook=STAGES)
    write(tmp_path, CSV, "opportunities.csv")
    assert len(load(tmp_path, playbook=STAGES).opportunities) == 3  # the contract's own name wins


def test_broken_and_locked_files_that_nobody_asked_for_are_left_alone(tmp_path):
    write(tmp_path, CSV, "opportunities.csv")
    write(tmp_path, b"junk", "notes.xlsx")
    write(tmp_path, b"junk", "~$opportunities.xlsx")
    assert len(load(tmp_path, playbook=STAGES).opportunities) == 3


@pytest.mark.parametrize(
    "lines",
    [
        '[tables.opportunities.stage_dates]\nwon = "{word}"',
        '[tables.opportunities.attributes]\nplace = "{word}"',
        '[tables.opportunities.columns]\nclosed_at = ["{word}", "created_at"]',
        '[tables.opportunities.only]\n"{word}" = ["East"]',
        '[tables.opportunities.won_when]\n"{word}" = ["East"]',
        '[[tables.opportunities.joins]]\nfile = "deals.csv"\non = {{ owner = "{word}" }}\ncolumns = {{ x = "region" }}',
    ],
)
@pytest.mark.parametrize("word", ["", "#row"])
def test_words_for_no_column_stand_only_where_they_mean_something(tmp_path, lines, word):
    write(tmp_path, CSV)
    write(tmp_path, 'playbook = ["lead", "offer", "won"]\n' + lines.format(word=word), "funnelnb.toml")
    with pytest.raises(MappingError, match=f"'{word}': deals.csv has no such column"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["created_at", "closed_at", "amount", "stage"])
def test_row_numbers_stand_for_ids_only(tmp_path, name):
    write(tmp_path, CSV)
    said = f'playbook = ["lead", "offer", "won"]\n[tables.opportunities.columns]\n{name} = "#row"'
    write(tmp_path, said, "funnelnb.toml")
    with pytest.raises(MappingError, match=r"'#row': deals\.csv has no such column"):
        load(tmp_path)


def test_a_folder_of_folders_names_the_one_that_holds_the_data(tmp_path):
    (tmp_path / "sample").mkdir()
    write(tmp_path / "sample", CSV)
    with pytest.raises(SourceError, match="no data file was found") as error:
        load(tmp_path, playbook=STAGES)
    assert str(tmp_path / "sample") in str(error.value)


def test_check_reads_each_file_once_and_a_changed_one_again(tmp_path, monkeypatch, capsys):
    from funnelnb.cli import main
    from funnelnb.data.read import files

    (tmp_path / "deals.csv").write_text(
        "Deal ID,Stage,Created,Rep\n1,Won,2026-01-05,a\n2,Demo,2026-01-05,b\n"
    )
    (tmp_path / "people.csv").write_text("Rep,Region\na,North\nb,South\n")
    read, whole = [], files._read_file
    monkeypatch.setattr(
        files, "_read_file", lambda path, settings: read.append(path.name) or whole(path, settings)
    )
    assert main(["check", str(tmp_path)]) in (0, 1)
    assert sorted(read) == ["deals.csv", "people.csv"]
    assert "2 deals" in capsys.readouterr().out
    with files.read_once():
        first = files.read(tmp_path / "people.csv", "people")
        first.frame = first.frame.iloc[:0]  # what is done to one reading does not reach the next
        assert len(files.read(tmp_path / "people.csv", "people").frame) == 2
        (tmp_path / "people.csv").write_text("Rep,Region\na,East\n")
        assert files.read(tmp_path / "people.csv", "people").frame["Region"].tolist() == ["East"]
