"""The fuzzer, short and from a fixed seed; and what it or others once found, kept for good."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from funnelnb.analysis.conversion.conversion import conversion
from funnelnb.core.errors import FunnelError, MappingError, SourceError
from funnelnb.data.contract.settings import read_settings
from funnelnb.data.load import load
from funnelnb.data.read.files import read
from tests.fuzz.run import one

STAGES = ["lead", "offer", "won"]


@pytest.mark.parametrize("block", range(4))
def test_spoilt_inputs_become_a_book_or_are_refused(tmp_path, block):
    found = []
    for number in range(block * 25, block * 25 + 25):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append((number, *one(7, number, folder)))
    assert [entry for entry in found if entry[2] == "fault"] == []
    assert sum(entry[2] == "book" for entry in found) >= 6


CSV = {
    "cut inside a quotation mark in the first row": b'opportunity_id,stage\n"a,lead',
    "names that repeat as numbered ones": b"region,region (2),region\na,b,c\n",
    "a mark in the header": b'opportunity_id,"stage,amount\n1,lead,5\n2,won,7\n',
    "lone carriage returns among line feeds": b"a,b\r\n1,x\ry\n2,z\n",
    "only marks": b'"""""\n""\n"""',
    "a NUL": b"opportunity_id,stage\n1,le\x00ad\n",
    "only delimiters": b",,,\n,,,\n",
    "sep line and nothing": b"sep=;\n",
    "half a character": "opportunity_id,stage\n1,价".encode()[:-1],
    "UTF-16 cut in a character": "opportunity_id,stage\n1,lead\n".encode("utf-16")[:-1],
}


@pytest.mark.parametrize("name", CSV)
def test_texts_that_broke_a_reader(tmp_path, name):
    path = tmp_path / "deals.csv"
    path.write_bytes(CSV[name])
    try:
        raw = read(path, "deals")
    except SourceError as error:
        assert "deals.csv" in str(error)
        return
    assert raw.lines is None or raw.lines.balanced
    assert len(set(raw.columns)) == len(raw.columns)


NO_ENCODINGS = ("hex", "rot13", "undefined", "punycode", "a\\u0000b", "nope")
SETTINGS = [
    "[tables.opportunities]\njoins = 3",
    '[tables.opportunities]\ndelimiter = ",,"',
    '[tables.opportunities]\ndelimiter = "\\""',
    *(f'[tables.opportunities]\nencoding = "{name}"' for name in NO_ENCODINGS),
    "horizon_days = " + "9" * 5000,
    "a = " + "[" * 5000 + "]" * 5000,
    "[tables.opportunities]\nunits = { amount = inf }",
    "[tables.opportunities]\nunits = { amount = nan }",
    "[tables.opportunities]\nunits = { amount = 0 }",
    '[tables.opportunities]\nfile = "a\\u0000b.csv"',
    "[playbook]\nstages = 3",
    'playbook = "a\\u0000b.toml"',
    "[limits]\ncolumns = 0",
    "[limits]\ncolums = 5",
    "[[stages]]",
]  # fmt: skip


@pytest.mark.parametrize("text", SETTINGS, ids=lambda text: text[-30:])
def test_settings_that_broke_the_reader_say_key_and_value(tmp_path, text):
    path = tmp_path / "funnelnb.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MappingError, match=r"funnelnb\.toml") as error:
        read_settings(path)
    assert error.value.expected
    assert len(str(error.value)) < 3000


@pytest.mark.parametrize("given", [3, ["a"], object()])
def test_settings_that_are_none(given):
    with pytest.raises(MappingError, match="the settings are of type"):
        read_settings(given)


def test_frames_that_broke_the_reader():
    table = {"opportunity_id": ["a", "b"], "stage": ["lead", "won"], "created_at": ["2025-01-02", "2025-01-03"],
             "closed_at": ["", "2025-02-01"]}  # fmt: skip
    plain = pd.DataFrame(table)
    nullable = plain.assign(
        amount=pd.array([None, 5], dtype="Int64"), region=pd.array([None, "N"], dtype="string")
    )
    indexed = plain.set_index("stage", drop=False)
    for frame in (nullable, indexed, plain.set_index(["opportunity_id", "stage"])):
        assert (
            len(
                load(
                    frame, playbook=STAGES, as_of="2025-06-01", mapping={"as_of_reason": "made up"}
                ).opportunities
            )
            == 2
        )


def test_dates_out_of_range_in_a_column_nobody_uses(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({
        "opportunity_id": ["a", "b"], "stage": ["lead", "won"], "created_at": ["2025-01-02", "2025-01-03"],
        "other": pa.array([2**31 - 1, 5], pa.int32()).cast(pa.date32()),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "deals.parquet")
    book = load(
        tmp_path / "deals.parquet", playbook=STAGES, as_of="2025-06-01", mapping={"as_of_reason": "made up"}
    )
    assert "values_out_of_range" in [note.code for note in book.notes]


def test_one_book_in_eight_threads_gives_eight_times_the_same():
    rows = 400
    frame = pd.DataFrame({
        "opportunity_id": [f"K{n}" for n in range(rows)], "stage": [STAGES[n % 3] for n in range(rows)],
        "region": [f"R{n % 7}" for n in range(rows)], "amount": [float(n) for n in range(rows)],
        "created_at": pd.date_range("2025-01-01", periods=rows, freq="6h").astype("str"),
        "closed_at": ["2025-06-01" if n % 3 == 2 else "" for n in range(rows)],
    })  # fmt: skip
    book = load(frame, playbook=STAGES, as_of="2025-12-31", mapping={"as_of_reason": "made up"})

    def ask(number):
        part = book.where(region=f"R{number % 7}") if number % 2 else book
        return number % 14, conversion(part).to_frame().to_csv()

    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(ask, range(56)))
    alone = dict(ask(number) for number in range(14))
    assert all(alone[number] == said for number, said in together)


def test_a_file_that_is_replaced_while_it_is_read_is_refused(tmp_path, monkeypatch):
    from funnelnb.data.read import files

    path = tmp_path / "deals.csv"
    path.write_text("opportunity_id,stage\n1,lead\n")

    def slow(path, settings):
        raw = files.read_text(path, settings)
        path.write_text("opportunity_id,stage\n1,lead\n2,won\n")
        return raw

    monkeypatch.setitem(files._READERS, "text", slow)
    with pytest.raises(SourceError, match="was changed while it was being read"):
        read(path, "deals")


def test_a_bad_path_is_refused_by_load(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for source in (
        "x" * 5000 + ".csv",
        "a\x00b.csv",
        loop,
        loop / "deals.csv",
        str(tmp_path / "none.csv"),
        [],
        {},
        5,
        None,
    ):
        with pytest.raises(FunnelError):
            load(source, playbook=STAGES)


def test_sheets_of_one_shape_of_which_one_is_called_a_history_are_deals(tmp_path):
    """A workbook whose sheet only by its name is a history ended in a KeyError (seed 101, input 1164)."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "stage_history"
    for sheet, ids in ((book.active, ("D0", "D1")), (book.create_sheet("Sheet"), ("D2", "D3"))):
        for row in [
            ["opportunity_id", "stage", "amount", "created_at"],
            *[[name, "lead", 5, "2025-03-01"] for name in ids],
        ]:
            sheet.append(row)
    book.save(tmp_path / "deals.xlsx")
    found = load(
        tmp_path / "deals.xlsx", playbook=STAGES, as_of="2025-06-01", mapping={"as_of_reason": "made up"}
    )
    assert len(found.opportunities) == 4
