"""Nothing that a run writes tells where it ran, who ran it, or what its environment knows; exports compute nothing.

Planted are a user name, a home folder, a value of the environment, a token and a password; then everything that was
written is searched, unpacked where it is an archive, in plain text and in the forms in which it may hide.
"""

import base64
import contextlib
import io
import json
import os
import subprocess
import sys
import urllib.parse
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.batch.forkserver import ADDRESS
from funnelnb.cli import main
from funnelnb.data.load import load
from funnelnb.data.snapshots import Store
from tests.batch.conftest import write_company, write_notebook

ROOT = Path(__file__).resolve().parents[1]
USER, TOKEN, PASSWORD = "zoe.quixotic", "tok-51f2c9e7aa", "pa55-of-zoe"
ENVIRONMENT = {"USER": USER, "LOGNAME": USER, "CRM_TOKEN": TOKEN, "DATABASE_URL": f"postgresql://zoe:{PASSWORD}@db/crm",
               "HOSTNAME": "box-of-zoe-7"}  # fmt: skip
FORMULAS = [
    "=1+1",
    "+1+cmd",
    "-2+3+cmd",
    "@SUM(A1)",
    "\t=1+1",
    '=HYPERLINK("http://x","y")',
    "＝1+1",
    "a|b",
    "[x](y)",
]


def forms(secret):
    """A secret as it may stand in a file."""
    plain = secret.encode()
    yield plain
    yield secret.encode("utf-16-le")
    yield json.dumps(secret)[1:-1].encode()
    yield urllib.parse.quote(secret, safe="").encode()
    for shift in range(3):  # inside base64, at any offset
        coded = base64.b64encode(b"x" * shift + plain)
        yield coded[4:-4]


def leaks(folder, secrets):
    """Every planted text that stands in a file of a folder or in its name, with the file."""
    found = []

    def look(name, content):
        held = [one for one in secrets if one in name or any(form in content for form in forms(one))]
        found.extend((name, one) for one in held)
        if content[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for one in archive.namelist():
                    look(f"{name}!{one}", archive.read(one))

    for path in sorted(folder.rglob("*")):
        if path.is_file():
            look(str(path.relative_to(folder)), path.read_bytes())
    return found


def test_the_search_finds_what_is_planted(tmp_path):
    (tmp_path / "plain.txt").write_text(f"by {USER}")
    (tmp_path / "coded.txt").write_bytes(base64.b64encode(f"12{TOKEN} and more".encode()))
    with zipfile.ZipFile(tmp_path / "inner.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("docProps/core.xml", f"<creator>{PASSWORD}</creator>")
    assert {secret for _, secret in leaks(tmp_path, (USER, TOKEN, PASSWORD))} == {USER, TOKEN, PASSWORD}


@pytest.fixture(scope="module")
def written(tmp_path_factory, warm_server):
    """Everything that a run, a check, a store and the exports write, from a home whose path names its owner."""
    home = tmp_path_factory.mktemp("where") / USER
    out = home / "out"
    out.mkdir(parents=True)
    data = write_company(home / "exports", {"East": 24, "West": 18})
    write_notebook(
        home / "own.ipynb",
        show="print(fn.conversion(book).text('en'))\nif value == 'West': open('/none/' + data)",
    )
    changed = {**ENVIRONMENT, "HOME": str(home), "TMPDIR": str(home), ADDRESS: warm_server}
    report = ["report", "exports", "--by", "region", "--notebook", "own.ipynb", "--out", "out/reports"]
    done = subprocess.run(
        [sys.executable, "-m", "funnelnb", *report],
        env={**os.environ, **changed, "PYTHONPATH": str(ROOT)},
        cwd=home,
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, 1, 3), done.stderr.decode()
    (out / "said.log").write_bytes(done.stdout + done.stderr)
    with pytest.MonkeyPatch.context() as patch, (out / "checked.log").open("w", encoding="utf-8") as log:
        for name, value in changed.items():
            patch.setenv(name, value)
        patch.chdir(home)
        with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            assert main(
                ["check", "exports", "--harm", "--html", "out/harm.html", "--json", "out/harm.json"]
            ) in (0, 3)
        book = load(data)
        results = [fn.conversion(book, by="region"), fn.segments(book, by="region")]
        fn.to_csv(results[0], out / "one.csv")
        fn.to_excel(results, out / "all.xlsx")
        fn.to_word(results[0], out / "all.docx")
        fn.to_powerpoint(results, out / "all.pptx")
        (out / "message.md").write_text(fn.to_markdown(results[0]), encoding="utf-8")
        Store(out / "store").append(book)
    return home, out


def test_nothing_that_is_written_says_where_or_by_whom(written):
    home, out = written
    assert len(list((out / "reports").glob("*.html"))) >= 2
    secrets = (
        USER,
        TOKEN,
        PASSWORD,
        ENVIRONMENT["HOSTNAME"],
        str(home),
        str(ROOT),
        str(Path(sys.executable).parent),
    )
    assert leaks(out, secrets) == []
    assert all((out / name).stat().st_size > 50 for name in ("said.log", "checked.log"))


def test_nothing_is_left_beside_what_was_asked_for(written):
    home, _ = written
    assert sorted(one.name for one in home.iterdir() if not one.name.startswith(".")) == [
        "exports",
        "out",
        "own.ipynb",
    ]
    assert leaks(home / "exports", (TOKEN, PASSWORD)) == []


# ---- exports, opened -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def risky(tmp_path_factory):
    rows = len(FORMULAS) * 6
    frame = pd.DataFrame({
        "opportunity_id": [f"K{n}" for n in range(rows)],
        "stage": [("lead", "offer", "won")[n % 3] for n in range(rows)],
        "region": [FORMULAS[n % len(FORMULAS)] for n in range(rows)], "amount": [10.0 + n for n in range(rows)],
        "created_at": ["2025-01-02"] * rows, "closed_at": ["2025-02-01" if n % 3 == 2 else "" for n in range(rows)],
    })  # fmt: skip
    book = load(
        frame, playbook=["lead", "offer", "won"], as_of="2025-12-31", mapping={"as_of_reason": "made up"}
    )
    return fn.segments(book, by="region"), tmp_path_factory.mktemp("exports")


def test_a_csv_that_is_opened_computes_nothing(risky):
    result, folder = risky
    cells = (
        pd.read_csv(fn.to_csv(result, folder / "x.csv"), dtype=str, header=None).fillna("").to_numpy().ravel()
    )
    assert any("SUM(A1)" in cell for cell in cells)
    numbers = [cell for cell in cells if cell[:1] in "-+" and cell[1:].replace(".", "").isdigit()]
    assert not [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@|＝＋－＠") and cell not in numbers]


def test_a_workbook_that_is_opened_computes_nothing(risky):
    result, folder = risky
    book = openpyxl.load_workbook(fn.to_excel(result, folder / "x.xlsx"))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert any("SUM(A1)" in str(cell.value) for cell in cells)
    assert not [cell for cell in cells if cell.data_type == "f"]
    strings = [
        cell for cell in cells if isinstance(cell.value, str) and cell.value.lstrip()[:1] in tuple("=+-@")
    ]
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in strings)


def test_a_message_that_is_pasted_stays_one_table(risky):
    result, _ = risky
    text = fn.to_markdown(result)
    heads = [line for line in text.splitlines() if line.startswith("|")]
    assert heads
    widths = {line.replace("\\|", "").count("|") for line in heads}
    assert len(widths) == 1  # a bar in a name begins no column
    assert "[x](y)" not in text  # nor does a name become a link


def test_a_document_that_is_opened_holds_no_field_and_no_link(risky):
    result, folder = risky
    docx = pytest.importorskip("docx")
    path = fn.to_word(result, folder / "x.docx")
    with zipfile.ZipFile(path) as archive:
        xml = archive.read("word/document.xml").decode()
        links = archive.read("word/_rels/document.xml.rels").decode()
    assert "SUM(A1)" in xml
    assert not [one for one in ("<w:fldSimple", "<w:instrText", "DDEAUTO") if one in xml]
    assert 'TargetMode="External"' not in links
    assert docx.Document(str(path)).tables
