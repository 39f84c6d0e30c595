# ruff: noqa: E501
"""Databases are read only, by tables or one query; a planted password is found nowhere afterwards."""

import os
import shutil
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from funnelnb.core.errors import SourceError
from funnelnb.data.load import load
from funnelnb.data.propose import propose
from tests.data.recognise.corpus import deals, truth

sa = pytest.importorskip("sqlalchemy")

from funnelnb.data.read import database  # noqa: E402 - needs sqlalchemy

SECRET = "pl4nt3d-s3cret"


def frames():
    rows = deals()
    table = pd.DataFrame({
        "deal_id": [d.id for d in rows], "owner": [d.owner for d in rows], "region": [d.region for d in rows],
        "stage": [d.word() for d in rows], "amount": [d.amount for d in rows],
        "created_at": pd.to_datetime([d.created for d in rows]), "closed_at": pd.to_datetime([d.closed for d in rows]),
    })  # fmt: skip
    log = [
        (d.id, stage, at)
        for d in rows
        for stage, at in [*d.steps, *([(d.word(), d.closed)] if d.closed else [])]
    ]
    return table, pd.DataFrame(log, columns=["deal_id", "stage", "entered_at"])


def fill(url):
    engine = sa.create_engine(url)
    table, log = frames()
    with engine.begin() as connection:
        table.to_sql("deals", connection, index=False, if_exists="replace")
        log.to_sql("stage_history", connection, index=False, if_exists="replace")
        pd.DataFrame({"x": [1]}).to_sql(
            'odd "; drop table deals; --', connection, index=False, if_exists="replace"
        )
    engine.dispose()


def as_expected(book):
    known, outcome = truth(deals()), book.opportunities["outcome"]
    assert (len(outcome), (outcome == "won").sum(), (outcome == "lost").sum()) == (
        known.n,
        known.won,
        known.lost,
    )
    assert book.opportunities.loc[outcome == "won", "amount"].sum() == known.won_amount
    assert len(book.table("stage_history")) == len(frames()[1])
    assert book.playbook.stage_ids[:2] == ("qualification", "needs_analysis")


@pytest.fixture
def sqlite(tmp_path):
    path = tmp_path / "crm.sqlite"
    fill(f"sqlite:///{path}")
    return path


def test_sqlite_by_url_and_by_file(sqlite):
    as_expected(load(f"sqlite:///{sqlite}"))
    as_expected(load(sqlite))
    renamed = sqlite.with_suffix(".db")
    shutil.copy(sqlite, renamed)
    as_expected(load(renamed))


def test_a_query_instead_of_a_table(sqlite):
    mapping = {"tables": {"opportunities": {"query": "SELECT * FROM deals WHERE region = 'North';"}}}
    book = load(f"sqlite:///{sqlite}", mapping=mapping)
    assert set(book.opportunities["region"]) == {"North"}


@pytest.mark.parametrize("query", [
    "DROP TABLE deals", "SELECT 1; DROP TABLE deals", "WITH a AS (SELECT 1) DELETE FROM deals", "PRAGMA journal_mode = DELETE",
    "SELECT * FROM deals INTO OUTFILE '/tmp/x'", "ATTACH 'x.db' AS x", "", "SELECT pg_read_file('/etc/passwd')",
])  # fmt: skip
def test_what_is_not_one_select_is_refused(sqlite, query):
    with pytest.raises(SourceError, match="not one SELECT"):
        database._one_select(query)
    assert sqlite3.connect(sqlite).execute("select count(*) from deals").fetchone() == (120,)


def test_nothing_can_be_written(sqlite):
    with database._connected(f"sqlite:///{sqlite}") as connection, pytest.raises(sa.exc.OperationalError):
        connection.execute(sa.text("DELETE FROM deals"))


def test_a_hostile_table_name_is_only_a_name(sqlite):
    assert len(database.read_table(f"sqlite:///{sqlite}", 'odd "; drop table deals; --').frame) == 1
    with pytest.raises(SourceError, match="has no table"):
        database.read_table(f"sqlite:///{sqlite}", "deals; drop table deals")


def test_columns_of_mixed_types_become_text(tmp_path):
    path = tmp_path / "mixed.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (a, b, c)")
        connection.executemany(
            "insert into t values (?, ?, ?)", [(1, None, b"\x00"), ("x", 2.5, b"\x01"), (None, None, None)]
        )
    frame = database.read_table(f"sqlite:///{path}", "t").frame
    assert frame["a"].tolist()[:2] == ["1", "x"]
    assert frame["b"].tolist()[1] == 2.5


def test_a_web_address_is_refused():
    with pytest.raises(SourceError, match="address on a network"):
        load("https://example.com/deals.csv")


def test_messages_hold_neither_user_nor_password():
    with pytest.raises(SourceError) as error:
        database.tables_of(f"postgresql://zoe:{SECRET}@127.0.0.1:1/sales")
    assert SECRET not in str(error.value)
    assert "zoe" not in str(error.value)
    assert "postgresql://127.0.0.1/sales" in str(error.value)


def test_a_password_is_moved_into_the_environment(monkeypatch):
    monkeypatch.delenv(database.PASSWORD, raising=False)
    assert database.concealed(f"postgresql://ann:{SECRET}@host/sales") == "postgresql://ann@host/sales"
    assert os.environ[database.PASSWORD] == SECRET
    monkeypatch.setenv("CRM_PW", "a@b:c/d")
    assert database._complete("postgresql://ann:${CRM_PW}@host/sales").password == "a@b:c/d"
    monkeypatch.delenv(database.PASSWORD)


def test_a_variable_that_is_not_set_is_named():
    with pytest.raises(SourceError, match="NO_SUCH_VARIABLE"):
        database.tables_of("postgresql://ann:${NO_SUCH_VARIABLE}@host/sales")


# ---- real servers, where they are installed (.ci/run installs them) ------------------------------------------------------


def _port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _needs(*programs):
    missing = [
        one
        for one in programs
        if shutil.which(one) is None and not list(Path("/usr/lib/postgresql").glob(f"*/bin/{one}"))
    ]
    if missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{', '.join(missing)} must be installed by .ci/run")
        pytest.skip(f"{', '.join(missing)} not installed")


def _as(user, command):
    return ["runuser", "-u", user, "--", *command] if os.geteuid() == 0 else command


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory):
    _needs("initdb", "pg_ctl")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    folder = Path("/tmp") / f"fn-pg-{os.getpid()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    (folder / "pw").write_text(SECRET)
    port = _port()
    run = {"capture_output": True, "cwd": "/"}
    subprocess.run(
        _as(
            "postgres",
            [
                f"{programs}/initdb",
                "-D",
                f"{folder}/db",
                "-U",
                "ann",
                "-A",
                "scram-sha-256",
                f"--pwfile={folder}/pw",
                "-N",
            ],
        ),
        check=True,
        **run,
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    subprocess.run(
        _as(
            "postgres",
            [f"{programs}/pg_ctl", "-D", f"{folder}/db", "-o", options, "-l", f"{folder}/log", "-w", "start"],
        ),
        check=True,
        **run,
    )
    yield f"postgresql://ann:{SECRET}@127.0.0.1:{port}/postgres"
    subprocess.run(
        _as("postgres", [f"{programs}/pg_ctl", "-D", f"{folder}/db", "-m", "immediate", "stop"]),
        check=False,
        **run,
    )
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def mariadb():
    _needs("mariadbd", "mariadb-install-db")
    folder = Path("/tmp") / f"fn-maria-{os.getpid()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    port = _port()
    user = "mysql" if os.geteuid() == 0 else ""
    own = (lambda command: _as(user, command)) if user else (lambda command: command)
    subprocess.run(
        own(
            [
                "mariadb-install-db",
                f"--datadir={folder}/db",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ]
        ),
        check=True,
        capture_output=True,
        cwd="/",
    )
    (folder / "init.sql").write_text(
        f"CREATE DATABASE crm;\nCREATE USER ann@'127.0.0.1' IDENTIFIED BY '{SECRET}';\nGRANT ALL ON crm.* TO ann@'127.0.0.1';\n"
    )
    (folder / "init.sql").chmod(0o644)
    server = subprocess.Popen(
        own(
            [
                "mariadbd",
                "--no-defaults",
                f"--datadir={folder}/db",
                f"--socket={folder}/s",
                f"--port={port}",
                "--bind-address=127.0.0.1",
                f"--init-file={folder}/init.sql",
                f"--pid-file={folder}/pid",
                "--skip-name-resolve",
            ]
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    url = f"mysql://ann:{SECRET}@127.0.0.1:{port}/crm"
    for _ in range(120):
        try:
            database.tables_of(url)
            break
        except SourceError:
            time.sleep(0.5)
    yield url
    server.terminate()
    server.wait(20)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request):
    url = request.getfixturevalue(request.param)
    fill(database._complete(url))
    return url


def test_a_real_server_is_read_without_settings(server):
    as_expected(load(server))


def test_a_real_server_cannot_be_written_to(server):
    with database._connected(server) as connection, pytest.raises(sa.exc.DBAPIError):
        connection.execute(sa.text("DELETE FROM deals"))


def test_a_planted_password_is_found_nowhere(server, tmp_path, monkeypatch, capfd):
    from funnelnb import cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(database.PASSWORD, raising=False)
    assert cli.main(["import", server, "--yes", "--out", "kept"]) == cli.OK
    assert cli.main(["check", server, "--write-settings", "here.toml"]) == cli.OK
    proposal = propose(server)
    book = load(server, mapping=proposal)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) >= 4
    assert [path.name for path in written if SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in "".join(capfd.readouterr())
    assert SECRET not in repr(book) + str(book.notes) + book.name + str(book.describe())
    monkeypatch.delenv(database.PASSWORD, raising=False)


def test_other_schemas_of_postgresql(postgresql):
    engine = sa.create_engine(database._complete(postgresql))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS sales"))
        frames()[0].to_sql("pipeline_2025", connection, schema="sales", index=False, if_exists="replace")
    engine.dispose()
    assert "sales.pipeline_2025" in database.tables_of(postgresql)
    assert len(database.read_table(postgresql, "sales.pipeline_2025").frame) == 120
