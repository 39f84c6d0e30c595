# ruff: noqa: E501 - a piece of an export stays one line
"""Pages, XML and SQL dumps: what they hold is read as text, and nothing in them is ever followed or run."""

import time

import pytest

from funnelnb.core.errors import SourceError
from funnelnb.data.contract.settings import TableSettings
from funnelnb.data.read.files import read_file, sub_tables


def table(path, text, encoding="utf-8", **settings):
    path.write_text(text, encoding=encoding)
    raw = read_file(path, TableSettings(**settings))
    return raw.columns, raw.frame.fillna("").values.tolist()


def test_a_page_named_xls_is_read_by_its_largest_table(tmp_path):
    page = (
        "<html><body><table><tr><td>logo</td></tr></table><script>var x = '<td>no</td>'</script>"
        "<table><tr><th>Id</th><th colspan=2>Stage</th></tr>"
        "<tr><td>D1<td><b>Won</b> &amp; paid<td>1&nbsp;200</tr><tr><td>D2<td>Lost<br>to X<td>7</table>"
    )
    columns, rows = table(tmp_path / "report.xls", page)
    assert columns[:2] == ["Id", "Stage"]
    assert rows == [["D1", "Won & paid", "1 200"], ["D2", "Lost to X", "7"]]


def test_a_page_says_its_own_encoding(tmp_path):
    page = '<meta charset="windows-1251"><table><tr><th>Этап</th><th>Ид</th></tr><tr><td>Новая</td><td>1</td></tr></table>'
    assert table(tmp_path / "a.html", page, encoding="cp1251") == (["Этап", "Ид"], [["Новая", "1"]])


def test_a_page_without_a_table_is_refused(tmp_path):
    with pytest.raises(SourceError, match="web page"):
        table(tmp_path / "login.csv", "<!DOCTYPE html><html><body>Please log in</body></html>")


def test_an_xml_workbook_heeds_the_places_of_its_cells(tmp_path):
    text = (
        '<?xml version="1.0"?><Workbook xmlns:ss="urn:x"><Worksheet><Table>'
        "<Row><Cell><Data>Id</Data></Cell><Cell><Data>Note</Data></Cell><Cell><Data>Stage</Data></Cell></Row>"
        '<Row><Cell><Data>D1</Data></Cell><Cell ss:Index="3"><Data>Won</Data></Cell></Row>'
        "<Row><Cell><Data>D2</Data></Cell><Cell><Data>x</Data></Cell><Cell><Data>Lost</Data></Cell></Row>"
        "</Table></Worksheet></Workbook>"
    )
    columns, rows = table(tmp_path / "book.xls", text)
    assert (columns, rows) == (["Id", "Note", "Stage"], [["D1", "", "Won"], ["D2", "x", "Lost"]])


def test_records_of_xml(tmp_path):
    text = '<crm><meta v="1"/><deals>' + "".join(
        f'<deal id="D{k}"><stage>Won</stage><owner><name>Ann</name></owner></deal>' for k in range(2)
    ) + "</deals></crm>"  # fmt: skip
    columns, rows = table(tmp_path / "deals.xml", text)
    assert (columns, rows) == (["id", "stage", "owner.name"], [["D0", "Won", "Ann"], ["D1", "Won", "Ann"]])


def test_entities_are_refused_before_they_are_expanded(tmp_path):
    bomb = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><d><r><x>&b;</x></r></d>'
    with pytest.raises(SourceError, match="declares"):
        table(tmp_path / "bomb.xml", bomb)
    outside = (
        '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY f SYSTEM "file:///etc/passwd">]><d><r><x>&f;</x></r></d>'
    )
    with pytest.raises(SourceError, match="declares"):
        table(tmp_path / "outside.xml", outside)
    with pytest.raises(SourceError, match="records within records"):
        table(tmp_path / "deep.xml", "<?xml version='1.0'?>" + "<a>" * 5000 + "</a>" * 5000)
    with pytest.raises(SourceError, match="not whole XML"):
        table(tmp_path / "cut.xml", "<?xml version='1.0'?><a><b>")


def test_inserts_of_three_systems(tmp_path):
    text = """
    -- INSERT INTO opps VALUES (9,'in a remark');
    CREATE TABLE IF NOT EXISTS `opps` (`id` int(11), `sales stage` varchar(5) DEFAULT 'a,b', amount numeric(10,2), PRIMARY KEY (`id`));
    INSERT INTO `opps` VALUES (1,'O\\'Neill; (x)',12.50),(2,NULL,-3);
    INSERT INTO [dbo].[opps] ([amount], [id]) VALUES (CAST(N'7.5' AS Decimal(10, 2)), 3);
    INSERT INTO opps (id, owner) VALUES (4, N'it''s');
    DELETE FROM opps;
    """
    columns, rows = table(tmp_path / "dump.sql", text)
    assert columns == ["id", "sales stage", "amount", "owner"]
    assert rows == [
        ["1", "O'Neill; (x)", "12.50", ""],
        ["2", "", "-3", ""],
        ["3", "", "7.5", ""],
        ["4", "", "", "it's"],
    ]


def test_copy_of_postgres_and_the_choice_of_a_table(tmp_path):
    text = "COPY public.deals (id, stage) FROM stdin;\n1\tWon\n2\t\\N\n\\.\n\nCOPY public.notes (a) FROM stdin;\nx\n\\.\n"
    assert table(tmp_path / "d.sql", text) == (["id", "stage"], [["1", "Won"], ["2", ""]])
    assert sub_tables(tmp_path / "d.sql") == ["deals", "notes"]
    assert table(tmp_path / "d.sql", text, sheet="notes") == (["a"], [["x"]])
    with pytest.raises(SourceError, match="deals"):
        table(tmp_path / "d.sql", text, sheet="deal")
    with pytest.raises(SourceError, match="no rows"):
        table(tmp_path / "empty.sql", "CREATE TABLE x (id int);")


def test_rows_of_another_width_are_counted(tmp_path):
    (tmp_path / "d.sql").write_text(
        "INSERT INTO d (id, stage) VALUES (1,'Won'),(2),(3,'Lost');", encoding="utf-8"
    )
    raw = read_file(tmp_path / "d.sql", TableSettings())
    assert len(raw.frame) == 2
    assert [(note.code, note.values["n"]) for note in raw.notes] == [("dump_rows_uneven", 1)]


def test_a_process_log_becomes_one_row_per_event(tmp_path):
    text = (
        '<?xml version="1.0"?><log><trace><string key="concept:name" value="C1"/><event><string key="concept:name" value="Lead"/>'
        '<date key="time:timestamp" value="2026-01-01T00:00:00Z"/></event><event><string key="concept:name" value="Won"/></event></trace></log>'
    )
    columns, rows = table(tmp_path / "a.xes", text)
    assert columns == ["case:concept:name", "concept:name", "time:timestamp"]
    assert rows == [["C1", "Lead", "2026-01-01T00:00:00Z"], ["C1", "Won", ""]]


@pytest.mark.parametrize("more", [
    "INSERT " + " " * 20_000, "INSERT INTO " + "a " * 20_000, "INSERT INTO " + "a." * 20_000, "INSERT INTO [" * 20_000,
    "COPY a FROM stdin " * 20_000, "CREATE TABLE " * 20_000, "INSERT INTO a VALUES " * 20_000, "/*" * 20_000,
    "'\\" * 20_000, "INSERT INTO a VALUES (" + "'\\" * 20_000, 'INSERT INTO a (x) VALUES ("\\' * 20_000,
])  # fmt: skip
def test_a_dump_takes_time_by_its_length_only(tmp_path, more):
    """None of these takes time by the square of its length; the rows before them are read."""
    (tmp_path / "d.sql").write_text("INSERT INTO deals (id, stage) VALUES (1, 'Won');\n" + more)
    began = time.process_time()
    raw = read_file(tmp_path / "d.sql", TableSettings(sheet="deals"))
    assert time.process_time() - began < 3
    assert raw.frame.values.tolist() == [["1", "Won"]]


def test_a_dump_that_is_cut_off_says_so(tmp_path):
    (tmp_path / "d.sql").write_text("INSERT INTO deals (id, stage) VALUES (1, 'Won'), (2, 'Lo")
    raw = read_file(tmp_path / "d.sql", TableSettings())
    assert raw.frame.values.tolist() == [["1", "Won"]]
    assert [(note.code, note.values["n"]) for note in raw.notes] == [("dump_rows_uneven", 1)]


@pytest.mark.parametrize(
    "more", ["<!--", "<![CDATA[", "<a ", "<a b='", "<", "<![if x", "&#", "<td>", "<table>"]
)
def test_a_page_takes_time_by_its_length_only(tmp_path, more):
    page = "<table><tr><th>id<th>stage<tr><td>1<td>Won</table>" + more * 20_000
    (tmp_path / "d.html").write_text(page)
    began = time.process_time()
    raw = read_file(tmp_path / "d.html", TableSettings())
    assert time.process_time() - began < 3
    assert raw.frame.values.tolist() == [["1", "Won"]]


def test_marks_of_excel_in_a_page_are_no_text(tmp_path):
    page = (
        "<!--[if gte mso 9]><xml></xml><![endif]--><table><![if supportMisalignedColumns]><tr><td>id</td><td>n</td></tr>"
        "<tr><td>1<!-- <b> --></td><td><![if !supportEmptyParas]>a &lt; b<![endif]></td></tr><![endif]></table>a < b"
    )
    assert table(tmp_path / "d.html", page) == (["id", "n"], [["1", "a < b"]])


def test_a_tag_of_a_megabyte_is_refused_at_once(tmp_path):
    path = tmp_path / "d.xml"
    path.write_text("<all><deal " + " ".join(f"a{k}='1'" for k in range(100_000)) + "/></all>")
    began = time.process_time()
    with pytest.raises(SourceError, match=r"d\.xml: 100,000 columns"):
        read_file(path, TableSettings())
    assert time.process_time() - began < 2


def test_cells_that_spans_make_are_counted_before_they_are_made(tmp_path):
    path = tmp_path / "d.html"
    path.write_text("<table>" + "<tr><td colspan=1000>1<td colspan=1000>2" * 30_000 + "</table>")
    with pytest.raises(SourceError, match=r"d\.html: 40,001,000 cells"):
        read_file(path, TableSettings())
