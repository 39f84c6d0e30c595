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
