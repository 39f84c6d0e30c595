"""A database file is opened as what it is; nothing in it reaches out, and no password is said again."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

import funnelnb as fn
from funnelnb.core.errors import SourceError
from funnelnb.data.contract.settings import TableSettings
from funnelnb.data.read.files import read_file

duckdb = pytest.importorskip("duckdb")


def duck(path: Path, *more: str) -> Path:
    connection = duckdb.connect(str(path))
    connection.execute("create table deals as select 'a' as opportunity_id, 'lead' as stage")
    for statement in more:
        connection.execute(statement)
    connection.close()
    return path


def loaded(path: Path, **more: Any) -> fn.Book:
    return fn.load(path, playbook={"stages": ["lead", "won"]}, as_of="2026-06-30", **more)


@pytest.mark.parametrize("ending", [".duckdb", ".db"])
def test_a_duckdb_file_is_read(tmp_path: Path, ending: str) -> None:
    assert len(loaded(duck(tmp_path / f"crm{ending}")).opportunities) == 1


def test_an_sqlite_file_is_read_as_such_and_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "crm.db"
    connection = sqlite3.connect(path)
    connection.execute("create table deals (opportunity_id text, stage text)")
    connection.execute("insert into deals values ('a', 'lead')")
    connection.commit()
    connection.close()
    called: list[Any] = []
    monkeypatch.setattr(duckdb, "connect", lambda *given, **_: called.append(given))
    assert loaded(path).opportunities["opportunity_id"].tolist() == ["a"]
    with pytest.raises(SourceError, match=r"crm\.db is an SQLite database") as caught:
        read_file(path, TableSettings())
    assert not called  # DuckDB would have gone for its extension
    assert "sqlite3 -header -csv crm.db" in str(caught.value)


def test_any_other_file_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "crm.duckdb").write_bytes(b"hello")
    with pytest.raises(SourceError, match="is not a DuckDB database"):
        loaded(tmp_path / "crm.duckdb")


def test_a_view_that_reads_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("opportunity_id,stage\nx,lead\n")
    view = f"create view deals2 as select * from read_csv('{tmp_path / 'secret.csv'}')"
    path = duck(tmp_path / "crm.duckdb", view, "drop table deals")
    with pytest.raises(SourceError, match=r"crm\.duckdb"):
        loaded(path)


@pytest.mark.parametrize("password", ["p@ss/w0rd", "p@w0rd", "p@w0rd:1", "p@ss?w0rd", "p/@w0rd", "p@ss#w0rd"])
def test_no_password_is_said_again(password: str) -> None:
    address = f"postgresql://ann:{password}@db.invalid/crm"
    for source in (address, f"{address}?table=deals"):
        with pytest.raises(SourceError) as caught:
            fn.load(source)
        assert "w0rd" not in str(caught.value) + repr(caught.value)
        assert "postgresql" in str(caught.value)


def sqlite_file(path: Path, *statements: str) -> str:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


COUNT = "with recursive c(x) as (select 1 union all select x + 1 from c) select x"


@pytest.mark.parametrize(
    ("made", "few", "said"),
    [
        ("create table deals as select printf('%0300d', 1) as stage", {"cell_chars": 200},
         "row 2, column stage: 300 characters in one cell"),
        ("create table deals as select 1 as a, 2 as b, 3 as c", {"columns": 2}, "3 columns"),
        ("create view deals as select hex(zeroblob(400000000)) as stage", {}, "a cell or row of over 16,000,000 bytes"),
        (f"create view deals as {COUNT}, hex(zeroblob(300000)) as stage from c", {}, "times its size when unpacked"),
        (f"create view deals as {COUNT} from c where x < 0", {"query_s": 0}, "no answer within 0 s"),
    ],
    ids=["long cell", "columns", "huge cell", "endless", "no row"],
)  # fmt: skip
def test_a_database_file_may_not_ask_for_much(
    tmp_path: Path, made: str, few: dict[str, int], said: str
) -> None:
    pytest.importorskip("sqlalchemy")
    from funnelnb.data.contract.limits import Limits
    from funnelnb.data.read.database import read_table

    url = sqlite_file(tmp_path / "crm.sqlite", made)
    with pytest.raises(SourceError, match=r"sqlite:///crm\.sqlite") as caught:
        read_table(url, "deals", TableSettings(limits=Limits(**few)))
    assert said in str(caught.value)
    assert "[limits]" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_rows_come_whole_whatever_the_size_of_a_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sqlalchemy")
    from funnelnb.data.read import database

    url = sqlite_file(
        tmp_path / "crm.sqlite", f"create table deals as {COUNT}, 'n' || x as b from c limit 1001"
    )
    for first, bytes_n in ((100, 50_000_000), (1, 100), (2000, 10)):
        monkeypatch.setattr(database, "FIRST_ROWS", first)
        monkeypatch.setattr(database, "BATCH_BYTES", bytes_n)
        frame = database.read_table(url, "deals").frame
        assert frame["x"].tolist() == list(range(1, 1002))
        assert frame["b"].tolist()[-1] == "n1001"


@pytest.mark.parametrize(
    ("view", "few", "said"),
    [
        ("select range as opportunity_id, 'lead' as stage from range(10000000000)", {}, "times its size when unpacked"),
        (f"{COUNT.replace('c(x)', 'd(x)').replace('from c', 'from d')} from d", {"query_s": 0}, "no answer within 0 s"),
        ("select 1 as a, 2 as b, 3 as c", {"columns": 2}, "3 columns"),
        ("select repeat('x', 300) as stage", {"cell_chars": 200}, "300 characters in one cell"),
        ("select repeat('x', 100000000) as s from range(9)", {"unpacked_mb": 300}, "600 MB when unpacked"),
    ],
    ids=["endless", "no row", "columns", "long cell", "long texts"],
)  # fmt: skip
def test_a_duckdb_file_may_not_ask_for_much(
    tmp_path: Path, view: str, few: dict[str, int], said: str
) -> None:
    from funnelnb.data.contract.limits import Limits

    path = duck(tmp_path / "crm.duckdb", f"create view big as {view}")
    with pytest.raises(SourceError, match=r"crm\.duckdb") as caught:
        read_file(path, TableSettings(sheet="big", limits=Limits(**few)))
    assert said in str(caught.value)
    assert "[limits]" in str(caught.value)
