"""Is any small file large to read? Adversarial files of each form, at most 10 MB, each loaded in a process of its own.

``python tools/large.py [name …]`` prints a line for each: what came of it, seconds of processor time and the most
memory. A file that takes more than 20 s or 2 GB, or ends in anything but a book or our own message, makes it end
with 1.
"""

# ruff: noqa: PLW0108 - each file is made when its turn comes, not when this module is read

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MB = 1_000_000
MOST_S, MOST_MB = 20, 2_000
HEADER = "opportunity_id,stage,amount,created_at,region\n"
SHEET = "xl/worksheets/sheet1.xml"


def _rows(n: int, cell: str = "North") -> str:
    return "".join(f"D{k},lead,{k},2025-03-01,{cell}\n" for k in range(n))


def _workbook(sheet: str | bytes, **parts: str) -> bytes:
    """An .xlsx whose one sheet has this XML."""
    import openpyxl

    stream, out = io.BytesIO(), io.BytesIO()
    openpyxl.Workbook().save(stream)
    with zipfile.ZipFile(stream) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in made.namelist():
            archive.writestr(name, sheet if name == SHEET else parts.get(name, made.read(name)))
    return out.getvalue()


def _sheet(rows: str) -> str:
    return (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f"{rows}</sheetData></worksheet>"
    )


def _parquet(columns: int, rows: int, **options: object) -> bytes:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    one = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.uint8)), ["x" * 40])
    with pq.ParquetWriter(
        stream, pa.schema([(f"c{k}", one.type) for k in range(columns)]), **options
    ) as writer:
        for start in range(0, rows, 1_000_000):
            writer.write_table(pa.table({f"c{k}": one.slice(start, 1_000_000) for k in range(columns)}))
    return stream.getvalue()


def _zipped(**parts: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "."), content)
    return stream.getvalue()


def _log(events: int) -> str:
    event = (
        '<event><string key="concept:name" value="lead"/>'
        '<date key="time:timestamp" value="2025-03-01T00:00:00Z"/></event>'
    )
    return f'<log><trace><string key="concept:name" value="a"/>{event * events}</trace></log>'


FILES = {
    "one long line.csv": lambda: b"x" * 10 * MB,
    "only delimiters.csv": lambda: b"," * 10 * MB,
    "only quotation marks.csv": lambda: b'"' * 10 * MB,
    "a mark in every line.csv": lambda: (HEADER + _rows(250_000, '"No')).encode(),
    "marks within.csv": lambda: (HEADER + _rows(250_000, 'No"rt"h')).encode(),
    "only line breaks.csv": lambda: b"\n" * 10 * MB,
    "only blanks.csv": lambda: b" \n" * 5 * MB,
    "two columns of nothing.csv": lambda: b"a,b\n" + b",\n" * 5 * MB,
    "every row of another width.csv": lambda: (HEADER + "".join(
        "a" + "," * (k % 40) + "\n" for k in range(400_000))).encode(),
    "a quoted text of 9 MB.csv": lambda: (HEADER + 'D1,lead,5,2025-03-01,"' + "x\n" * 4_500_000 + '"\n').encode(),
    "100,000 columns.csv": lambda: ",".join(f"c{k}" for k in range(1_000_000)).encode(),
    "4,900 columns.csv": lambda: (",".join(f"c{k}" for k in range(4900)) + "\n" + ("1," * 4899 + "1\n") * 900).encode(),
    "every deal its own stage.csv": lambda: (HEADER + "".join(
        f"D{k},stage {k},{k},2025-03-01,R{k}\n" for k in range(220_000))).encode(),
    "every deal the same id.csv": lambda: (HEADER + "D1,lead,5,2025-03-01,North\n" * 300_000).encode(),
    "every date another style.csv": lambda: (HEADER + "".join(
        f"D{k},lead,{k},{k % 28 + 1}.{k % 12 + 1}.{1900 + k % 200} {k % 24}:00,R\n" for k in range(220_000))).encode(),
    "utf-16.csv": lambda: (HEADER + _rows(130_000)).encode("utf-16"),
    "no known encoding.csv": lambda: bytes(range(128, 256)) * 78_000,
    "carriage returns.csv": lambda: (HEADER + _rows(250_000)).replace("\n", "\r").encode(),
    "tables under tables.csv": lambda: ((HEADER + _rows(20) + "\nowner,quota\nAnn,5\nBo,6\n\n") * 14_000).encode(),
    "a cell of 500 MB.xlsx": lambda: _workbook(_sheet(
        f'<row r="1"><c r="A1" t="inlineStr"><is><t>{"x" * 500 * MB}</t></is></c></row>')),
    "a cell in the last corner.xlsx": lambda: _workbook(_sheet(
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
    "cells without places.xlsx": lambda: _workbook(_sheet("<row>" + "<c><v>1</v></c>" * 2_000_000 + "</row>")),
    "rows without cells.xlsx": lambda: _workbook(_sheet("<row/>" * 5_000_000)),
    "a million rows.xlsx": lambda: _workbook(_sheet("".join(
        f'<row r="{k}"><c r="A{k}"><v>{k}</v></c><c r="B{k}"><v>7</v></c></row>' for k in range(1, 700_001)))),
    "dimension of terabytes.xlsx": lambda: _workbook(_sheet(
        '<row r="1"><c r="A1"><v>1</v></c></row>',
        ).replace("<sheetData>", '<dimension ref="A1:XFD1048576"/><sheetData>')),
    "shared texts.xlsx": lambda: _workbook(_sheet("".join(
        f'<row r="{k}"><c r="A{k}" t="s"><v>0</v></c></row>' for k in range(1, 1000))),
        **{"xl/sharedStrings.xml": "<sst>" + "<si><t>x</t></si>" * 3_000_000 + "</sst>"}),
    "many columns.parquet": lambda: _parquet(20_000, 1),
    "rows of nothing.parquet": lambda: _parquet(10, 20_000_000, compression="zstd"),
    "long texts.parquet": lambda: _parquet(20, 2_000_000, compression="zstd", use_dictionary=True),
    "deep.json": lambda: b"[" * 10 * MB,
    "deep records.json": lambda: b'{"a":' * 1_600_000 + b"1" + b"}" * 1_600_000,
    "a key for every record.json": lambda: json.dumps([{f"k{k}": k} for k in range(500_000)]).encode(),
    "a number of 9 MB.json": lambda: b'[{"id": 1, "x": ' + b"9" * 9 * MB + b"}]",
    "empty records.json": lambda: b"[" + b"{}," * 3_000_000 + b"{}]",
    "lines.json": lambda: b'{"id":1}\n' * 1_100_000,
    "deep.toml": lambda: b"a = " + b"[" * 5 * MB + b"]" * 5 * MB,
    "digits.toml": lambda: b"horizon_days = " + b"9" * 9 * MB,
    "tables.toml": lambda: b"".join(b"[a%d]\n" % k for k in range(900_000)),
    "bomb.zip": lambda: _zipped(deals__csv=HEADER.encode() + b"a,b\n" * 400_000_000),
    "many files.zip": lambda: _zipped(**{f"f{k}__csv": b"a,b\n1,2\n" for k in range(60_000)}),
    "zip in a zip.zip": lambda: _zipped(deals__zip=_zipped(deals__csv=b"a,b\n" * 50_000_000)),
    "bomb.csv.gz": lambda: gzip.compress(HEADER.encode() + b"a,b\n" * 400_000_000, 9),
    "columns.csv.gz": lambda: gzip.compress((",".join(f"c{k}" for k in range(4900)) + "\n"
                                             + ("," * 4899 + "\n") * 8000).encode(), 9),
    "deep.xml": lambda: b"<a>" * 3_300_000,
    "entities.xml": lambda: b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'x'>]><a>&b;</a>",
    "records.xml": lambda: b"<all>" + b"<deal id='1' stage='lead'/>" * 350_000 + b"</all>",
    "attributes.xml": lambda: ("<all><deal " + " ".join(f"a{k}='1'" for k in range(900_000)) + "/></all>").encode(),
    "empty elements.xml": lambda: b"<all>" + b"<d/>" * 2_400_000 + b"</all>",
    "events.xes": lambda: _log(80_000).encode(),
    "traces.xes": lambda: ("<log>" + "<trace/>" * 1_100_000 + "</log>").encode(),
    "cells.html": lambda: b"<table>" + b"<tr><td>1<td>2" * 650_000 + b"</table>",
    "spans.html": lambda: b"<table>" + b"<tr><td colspan=1000>1<td colspan=1000>2" * 240_000 + b"</table>",
    "tables in tables.html": lambda: b"<table><tr><td>" * 600_000,
    "open tags.html": lambda: b"<" * 10 * MB,
    "quotes.html": lambda: b"<a href='" * 1_100_000,
    "entities.html": lambda: b"<table><tr><td>" + b"&amp" * 2_400_000,
    "inserts.sql": lambda: b"INSERT INTO deals (id, stage) VALUES (1, 'lead');\n" * 200_000,
    "one insert.sql": lambda: b"INSERT INTO deals (id, stage) VALUES " + b"(1, 'lead')," * 800_000,
    "brackets.sql": lambda: b"INSERT INTO deals VALUES " + b"(" * 9 * MB,
    "an open text.sql": lambda: b"INSERT INTO deals VALUES ('" + b"x''" * 3_000_000,
    "new columns.sql": lambda: "".join(
        f"INSERT INTO deals (id, c{k}) VALUES (1, 2);\n" for k in range(200_000)).encode(),  # noqa: S608 - a file
    "copy.sql": lambda: b"COPY deals (id, stage) FROM stdin;\n" + b"1\tlead\n" * 1_200_000 + b"\\.\n",
    "comments.sql": lambda: b"/*" * 5 * MB,
}  # fmt: skip


def one(path: Path) -> None:
    """Load a file and say in one line of JSON what came of it."""
    from funnelnb.core.errors import FunnelError
    from funnelnb.data.load import load

    resource.setrlimit(resource.RLIMIT_CPU, (3 * MOST_S, 3 * MOST_S))  # then the system ends it
    options = {} if path.suffix == ".toml" else {"playbook": ["lead", "offer", "won"]}
    try:
        said = repr(load(path, **options))
    except FunnelError as error:
        said = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps([said[:150], used.ru_utime + used.ru_stime, _most_mb(used.ru_maxrss)]))


def _most_mb(max_kb: int) -> float:
    """Return the most memory of this process; the system's own figure holds that of the process it was forked from."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(one.split()[1]) for one in lines if one.startswith("VmHWM")), max_kb) / 1000


def main() -> int:
    """Write and load all files, or those whose names hold a word that is given; 1 if one is too large to read."""
    if sys.argv[1:2] == ["one"]:
        one(Path(sys.argv[2]))
        return 0
    bad = 0
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    for name, make in FILES.items():
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            continue
        with tempfile.TemporaryDirectory(prefix="large-") as folder:
            ending = name[name.index(".") :]
            path = Path(folder) / ("funnelnb.toml" if ending == ".toml" else f"deals{ending}")
            path.write_bytes(make())
            size = path.stat().st_size
            command = [sys.executable, __file__, "one", str(path)]
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode == 0:
            said, seconds, most = json.loads(done.stdout)
        else:
            ended = f"ended with {done.returncode}: {done.stderr.strip()[-200:]}"
            said, seconds, most = ended, float("inf"), 0.0
        fault = seconds > MOST_S or most > MOST_MB
        bad += fault
        print(
            f"{'FAULT' if fault else 'ok':5} {seconds:6.1f} s {most:6.0f} MB  {name} ({size / MB:.1f} MB): {said}",
            flush=True,
        )
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
