"""Inputs of every form, spoilt on purpose: structure-aware, from a seed, so that each can be made again.

An input is valid first and then spoilt in none to three places, so that many still become a book and the rest reaches
deep into the readers.
"""

from __future__ import annotations

import datetime
import decimal
import io
import json
import random
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

STAGES = ["lead", "offer", "won"]
HEADER = ["opportunity_id", "stage", "owner", "region", "amount", "created_at", "closed_at", "outcome"]
FORMS = (
    "csv",
    "csv",
    "csv",
    "xlsx",
    "parquet",
    "json",
    "toml",
    "frame",
    "frame",
    "history",
    "folder",
    "archive",
    "markup",
    "events",
    "snapshots",
)

STRANGE = [
    "", " ", "\x00", "\n", "\r\n", '"', "'", '""', ",", ";", "\t", "=1+1", "@x", "-", "#N/A",
    "#1 Region", "########", "None", "NULL", "nan", "inf", "-inf", "1e400", "9" * 400, "1_10",
    "1,2,3", "1.2.3", "12,34,567.00", "1'000", "８８", "٣٤", "−5", "1e308", "-1e308", "0x1F", "1e5",
    "001", "1.23457E+11", "万", "8.6万", "€ 5", "5 €", "USD", "31/02/2025", "2025-13-45",
    "0000-00-00", "9999-12-31", "1900-01-01", "01/02/03", "2025-W03", "Feb 30", "3 Feb 2025",
    "2025年3月1日", "24:00", "2025-03-01T10:00:00+99:00", "1970-01-01T00:00:00Z", "45000",
    "1700000000", "1700000000000", "\u202eevil", "a\u0300", "👩‍👩‍👧", "\ud7ff", "Ａｎｎ", "ann", "ANN",
    "Ann ", "<script>x</script>", "../../etc/passwd", "x" * 5000, "\ufeff", "\u2028", "true",
    "yes", "1", "won", "Closed Won", "lost", "赢单", "no stage", "[1, 2]", '{"a": 1}',
    "None;DROP TABLE",
]  # fmt: skip
TOKENS = [b'"', b",", b"\n", b"\r", b";", b"\t", b"\x00", b"'", b"\\", b'""', b'",', b"\xff", b"\xef\xbb\xbf", b"#",
          b"sep=;\n", b"Total,,,,\n", b"\n\n", b"a,b\n", b"\xe4", b"\xd6\xd0", b"1e400", b"=1+1"]  # fmt: skip


def deals(rng: random.Random) -> list[list[Any]]:
    """A few deals, all right."""
    rows = []
    for n in range(rng.choice([1, 2, 5, 12, 30])):
        created = datetime.date(2025, rng.randint(1, 8), rng.randint(1, 28))
        outcome = rng.choice(["open", "open", "won", "lost"])
        closed = "" if outcome == "open" else created + datetime.timedelta(days=rng.randint(0, 90))
        stage = "won" if outcome == "won" else rng.choice(STAGES[:2])
        rows.append([f"D{n}", stage, rng.choice(["Ann", "Bo"]), rng.choice(["North", "South"]), rng.randint(1, 9999),
                     created, closed, outcome])  # fmt: skip
    return rows


def spoil_cells(rng: random.Random, rows: list[list[Any]], header: list[str]) -> None:
    """Put strange values into a few cells, or change rows and columns."""
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        kind = rng.randrange(9)
        row = rng.choice(rows)
        if kind < 4:
            row[rng.randrange(len(row))] = rng.choice(STRANGE)
        elif kind == 4:
            place = rng.randrange(len(header))
            value = rng.choice(STRANGE)
            for one in rows:
                one[place] = value
        elif kind == 5:
            rows.append(list(row))
        elif kind == 6:
            header[rng.randrange(len(header))] = rng.choice(
                [*STRANGE[:20], "stage", "region", "region (2)", "Betrag (T€)"]
            )
        elif kind == 7 and len(header) > 2:
            place = rng.randrange(len(header))
            del header[place]
            for one in rows:
                del one[place]
        else:
            rng.shuffle(rows)


def spoil_bytes(rng: random.Random, content: bytes) -> bytes:
    """Cut, repeat, overwrite or insert something in a few places."""
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        place = rng.randrange(len(content) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            content = content[:place]
        elif kind == 1:
            content = content[:place] + content[max(place - rng.randint(1, 80), 0) :]
        elif kind == 2:
            content = content[:place] + bytes([rng.randrange(256)]) + content[place + 1 :]
        elif kind == 3:
            content = content[:place] + content[place + rng.randint(1, 40) :]
        else:
            content = content[:place] + rng.choice(TOKENS) + content[place:]
    return content


def as_csv(rng: random.Random, rows: list[list[Any]], header: list[str]) -> bytes:
    delimiter = rng.choice([",", ",", ",", ";", "\t", "|"])
    end = rng.choice(["\n", "\r\n", "\n", "\r"])

    def cell(value: Any) -> str:
        text = str(value)
        if any(sign in text for sign in (delimiter, '"', "\n", "\r")) and rng.random() < 0.95:
            return '"' + text.replace('"', '""') + '"'
        return text

    lines = [delimiter.join(cell(one) for one in row) for row in [header, *rows]]
    if rng.random() < 0.1:
        lines.insert(0, rng.choice(["Pipeline", "", "sep=" + delimiter, "# made by a machine"]))
    if rng.random() < 0.1:
        lines.append(rng.choice(["Total" + delimiter * 4 + "99", "", "Source: CRM", delimiter * 7]))
    text = end.join(lines) + (end if rng.random() < 0.9 else "")
    encoding = rng.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "gb18030", "cp1252"])
    return text.encode(encoding, "replace")


def as_xlsx(rng: random.Random, rows: list[list[Any]], header: list[str]) -> bytes:
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = openpyxl.Workbook()
    sheet = book.active
    for row in [header, *rows]:
        sheet.append(
            [ILLEGAL_CHARACTERS_RE.sub("", one)[:30000] if isinstance(one, str) else one for one in row]
        )
    if rng.random() < 0.1:
        sheet.insert_rows(1, rng.randint(1, 3))
        sheet["A1"] = "Pipeline"
    if rng.random() < 0.1 and len(rows) > 2:
        sheet.merge_cells(start_row=2, end_row=4, start_column=1, end_column=1)
    if rng.random() < 0.1:
        sheet.cell(rng.randint(1, 3000), rng.randint(1, 60)).value = rng.choice([1, "x", "=A1", 1e300, True])
    if rng.random() < 0.2:
        other = book.create_sheet(rng.choice(["Help", "stage_history", "North", "Sheet'1", "opportunities"]))
        for row in rng.choice([[], [["a", "b"], [1, 2]], [header, *rows]]):
            other.append([ILLEGAL_CHARACTERS_RE.sub("", str(one))[:3000] for one in row])
    stream = io.BytesIO()
    book.save(stream)
    content = stream.getvalue()
    return spoil_parts(rng, content) if rng.random() < 0.35 else content


def spoil_parts(rng: random.Random, content: bytes) -> bytes:
    """Spoil one file inside a workbook, or its ZIP directory."""
    if rng.random() < 0.2:
        return spoil_bytes(rng, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice([*parts, "xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"])
    if rng.random() < 0.1:
        del parts[name]
    else:
        parts[name] = spoil_bytes(rng, parts[name])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for one, part in parts.items():
            archive.writestr(one, part)
    return stream.getvalue()


def as_json(rng: random.Random, rows: list[list[Any]], header: list[str]) -> bytes:
    records = [
        {name: one if isinstance(one, int) else str(one) for name, one in zip(header, row, strict=False)}
        for row in rows
    ]
    for record in records:
        if rng.random() < 0.05:
            record[rng.choice([*record, "extra"])] = rng.choice(
                [None, True, 1.5, {"a": {"b": 1}}, [1, {"x": 2}], 10**400]
            )
    content: Any = rng.choice(
        [records, {"results": records}, {"data": {"items": records}, "n": len(records)}]
    )
    if rng.random() < 0.3:
        return "\n".join(json.dumps(one) for one in records).encode()
    return json.dumps(content).encode()


def as_arrow(rng: random.Random, rows: list[list[Any]], header: list[str]) -> Any:
    """An Arrow table with columns of any type."""
    import pyarrow as pa

    columns = []
    for place in range(len(header)):
        cells = [row[place] if place < len(row) else None for row in rows]
        try:
            columns.append(_typed(rng, cells) if rng.random() < 0.15 else pa.array(cells))
        except (pa.ArrowException, OverflowError, UnicodeError):
            columns.append(pa.array([None if one is None else ascii(one) for one in cells]))
    return pa.table(columns, names=header)


def _typed(rng: random.Random, cells: list[Any]) -> Any:
    """A column of any type, whatever the cells are."""
    import pyarrow as pa

    texts = [None if one is None else str(one) for one in cells]
    n = len(cells)
    unit, zone = rng.choice(["s", "ms", "us", "ns"]), rng.choice([None, "UTC", "Asia/Shanghai"])
    return rng.choice([
        lambda: pa.array(texts).dictionary_encode(),
        lambda: pa.array(texts, pa.large_string()),
        lambda: pa.array([one if isinstance(one, datetime.date) else None for one in cells], pa.date32()),
        lambda: pa.array([rng.randint(-(2**31), 2**31 - 1) for _ in cells], pa.int32()).cast(pa.date32()),
        lambda: pa.array([rng.randint(-(2**62), 2**62) for _ in cells], pa.int64()).cast(pa.timestamp(unit, tz=zone)),
        lambda: pa.array([[1, 2]] * n),
        lambda: pa.array([{"a": 1}] * n),
        lambda: pa.array([b"\xff\x00"] * n),
        lambda: pa.nulls(n),
        lambda: pa.array([decimal.Decimal("1.5")] * n),
        lambda: pa.array([datetime.time(1, 2)] * n),
        lambda: pa.array([datetime.timedelta(days=1)] * n),
        lambda: pa.array([float("inf"), *[1.0] * (n - 1)]),
    ])()  # fmt: skip


def as_frame(rng: random.Random, rows: list[list[Any]], header: list[str]) -> Any:
    """A pandas, Polars or Arrow frame, typed in any way."""
    import pandas as pd
    import polars as pl

    kind = rng.randrange(9)
    if kind == 0:
        return as_arrow(rng, rows, header)
    if kind == 1:
        try:
            return pl.from_arrow(as_arrow(rng, rows, [f"{one}{place}" if header.count(one) > 1 else one
                                                      for place, one in enumerate(header)]))  # fmt: skip
        except Exception:  # what Polars refuses is no input
            return pl.DataFrame({"opportunity_id": ["a"], "stage": ["lead"]})
    frame = pd.DataFrame(rows, columns=header[: len(rows[0])] if rows else header, dtype=object)
    if kind == 2:
        frame = frame.convert_dtypes()
    elif kind == 3:
        frame = frame.astype("str")
    elif kind == 4:
        frame = frame.astype("category")
    elif kind == 5:
        frame.index = pd.Index(
            [rng.randint(0, 9) for _ in range(len(frame))], name=rng.choice([None, "stage", "x", 5])
        )
    elif (
        kind == 6
        and len(frame.columns) > 1
        and not set(frame.columns[:2]) & set(frame.columns[frame.columns.duplicated()])
    ):
        frame = frame.set_index(list(frame.columns[:2]), drop=rng.random() < 0.5)
    elif kind == 7:
        place = rng.randrange(len(frame.columns))
        frame.isetitem(
            place, pd.array([None] * len(frame), dtype=rng.choice(["Int64", "Float64", "boolean", "string"]))
        )
    return frame


VALUES = [
    '"x"', "3", "-1", "0", "1.5", "inf", "nan", "true", "[]", "{}", '["a"]', "[3]", '"\\u0000"', "2025-01-01", '""',
    '{a = "b"}', "9" * 5000, '"' + "y" * 300 + '"', "[[1]]", '"é"', '"utf-16"', '"hex"', '","', '"，"', '";"',
]  # fmt: skip
KEYS = [
    "currency", "decimal", "date_order", "language", "as_of", "observed_from", "timezone",
    "playbook", "crm", "by", "data", "horizon_days", "confidence_level", "on_problem",
    "amount_known", "zero_amount", "deleted", "stages", "outcomes", "problems", "values", "levels",
    "calendars", "limits", "tables", "nonsense",
]  # fmt: skip
TABLE_KEYS = [
    "file", "sheet", "header", "header_row", "skip_rows", "encoding", "delimiter", "quote",
    "escape", "mend", "totals", "columns", "attributes", "units", "constants", "stage_dates",
    "joins", "decimal", "date_order", "only", "newest_by", "won_when",
]  # fmt: skip


def as_toml(rng: random.Random) -> str:
    """Settings, spoilt."""
    lines = ['playbook = ["lead", "offer", "won"]'] if rng.random() < 0.8 else []
    lines += [f"{rng.choice(KEYS)} = {rng.choice(VALUES)}" for _ in range(rng.choice([0, 1, 1]))]
    if rng.random() < 0.7:
        lines.append("[tables.opportunities]")
        lines += [f"{rng.choice(TABLE_KEYS)} = {rng.choice(VALUES)}" for _ in range(rng.choice([0, 1, 1, 2]))]
    if rng.random() < 0.2:
        lines += ["[tables.opportunities.units]", f"amount = {rng.choice(VALUES)}"]
    if rng.random() < 0.2:
        lines += ["[[tables.opportunities.joins]]", f"file = {rng.choice(VALUES)}", f"on = {rng.choice(VALUES)}",
                  f"columns = {rng.choice(VALUES)}"]  # fmt: skip
    if rng.random() < 0.1:
        lines += ["[tables.opportunities.stage_dates]", f"{rng.choice(STAGES)} = {rng.choice(VALUES)}"]
    text = "\n".join(lines) + "\n"
    if rng.random() < 0.15:
        text = spoil_bytes(rng, text.encode()).decode("utf-8", "replace")
    return text


def history(rng: random.Random, rows: list[list[Any]]) -> tuple[list[str], list[list[Any]]]:
    """An event log of the deals."""
    header = ["opportunity_id", "stage", "entered_at"]
    found = []
    for row in rows:
        for place in range(rng.randint(0, 3)):
            at = datetime.date(2025, 1, 1) + datetime.timedelta(days=rng.randint(0, 300))
            found.append([row[0], STAGES[min(place, 2)], at])
    return header, found or [["D0", "lead", datetime.date(2025, 3, 1)]]


def build(seed: int, number: int, folder: Path) -> tuple[str, Any, dict[str, Any]]:
    """Make one input.

    Returns
    -------
    tuple
        Its form, what is given to ``load`` as the source, and the other arguments.
    """
    rng = random.Random(f"{seed}:{number}")
    form = rng.choice(FORMS)
    rows, header = deals(rng), list(HEADER)
    spoil_cells(rng, rows, header)
    names, log = history(rng, rows)
    mapping = {"as_of_reason": "made up"}
    options: dict[str, Any] = {"playbook": STAGES, "as_of": "2025-12-31", "mapping": mapping}
    if rng.random() < 0.6:
        mapping["on_problem"] = "drop"
    if rng.random() < 0.1:
        options.pop("as_of")
    if form == "events":
        return form, _events(rng, folder), {}
    if form == "snapshots":
        return form, _snapshots(rng, rows, header, folder), {}
    if form in ("frame", "history"):
        frame = as_frame(rng, rows, header)
        spoil_cells(rng, log, names)
        return form, frame if form == "frame" else {
            "opportunities": frame, "stage_history": as_frame(rng, log, names)
        }, options  # fmt: skip
    path = _file(rng, form, folder, rows, header)
    if form == "folder":
        spoil_cells(rng, log, names)
        (folder / "stage_history.csv").write_bytes(_spoilt_csv(rng, log, names))
    elif form == "toml":
        (folder / "funnelnb.toml").write_text(as_toml(rng), encoding="utf-8")
        options = {}
    return form, folder if form in ("folder", "toml") else path, options


def _file(rng: random.Random, form: str, folder: Path, rows: list[list[Any]], header: list[str]) -> Path:
    """Write the deals in a form, now and then under the ending of another one."""
    path = folder / f"opportunities{ENDINGS.get(form, '.csv')}"
    if form == "markup":
        path = path.with_suffix(rng.choice([".html", ".xml", ".xes", ".sql"]))
    if rng.random() < 0.05:
        path = path.with_suffix(rng.choice([".csv", ".xlsx", ".json", ".zip", ".gz", ".parquet"]))
    path.write_bytes(WRITERS.get(form, _spoilt_csv)(rng, rows, header))
    return path


def _spoilt_csv(rng: random.Random, rows: list[list[Any]], header: list[str]) -> bytes:
    return spoil_bytes(rng, as_csv(rng, rows, header))


def _spoilt_json(rng: random.Random, rows: list[list[Any]], header: list[str]) -> bytes:
    return spoil_bytes(rng, as_json(rng, rows, header))


def _parquet(rng: random.Random, rows: list[list[Any]], header: list[str]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    try:
        pq.write_table(as_arrow(rng, rows, header), stream)
    except pa.ArrowException:  # what Parquet cannot hold is no input
        pq.write_table(pa.table({"stage": ["lead"]}), stream)
    return spoil_bytes(rng, stream.getvalue()) if rng.random() < 0.3 else stream.getvalue()


def _archive(rng: random.Random, rows: list[list[Any]], header: list[str]) -> bytes:
    stream = io.BytesIO()
    inside = rng.choice(["deals.csv", "../deals.csv", "a/b.csv", "x.txt", "deals", "/etc/deals.csv"])
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(inside, _spoilt_csv(rng, rows, header))
        if rng.random() < 0.2:
            archive.writestr("other.csv", b"a,b\n1,2\n")
    return spoil_bytes(rng, stream.getvalue()) if rng.random() < 0.2 else stream.getvalue()


def _markup(rng: random.Random, rows: list[list[Any]], header: list[str]) -> bytes:
    """The same table as a page, as XML records, as a process log, or as an SQL dump; each may carry any ending."""
    import html

    def spelled(cell: Any) -> str:
        return html.escape("".join(char for char in str(cell) if char.isprintable()))

    kind = rng.randrange(4)
    if kind == 0:
        body = "".join(
            "<tr>" + "".join(f"<td>{spelled(one)}</td>" for one in row) + "</tr>\n" for row in rows
        )
        head = "".join(f"<th>{spelled(one)}</th>" for one in header)
        text = f"<html><body><table><tr>{head}</tr>{body}</table></body></html>"
    elif kind == 1:
        text = "<?xml version='1.0'?><deals>" + "".join(
            "<deal " + " ".join(f'{name}="{spelled(one)}"' for name, one in zip(HEADER, row, strict=False)) + "/>"
            for row in rows) + "</deals>"  # fmt: skip
    elif kind == 2:
        text = "<log>" + "".join(
            f'<trace><string key="concept:name" value="{spelled(row[0])}"/><event>'
            f'<string key="concept:name" value="{rng.choice(STAGES)}"/>'
            f'<date key="time:timestamp" value="2025-0{rng.randint(1, 9)}-11T00:00:00Z"/></event></trace>'
            for row in rows) + "</log>"  # fmt: skip
    else:
        values = [
            "(" + ", ".join("'" + str(one).replace("'", "''") + "'" for one in row) + ")" for row in rows
        ]
        text = (
            f"INSERT INTO opportunities ({', '.join(map(str, header))}) VALUES\n" + ",\n".join(values) + ";\n"
        )
    return spoil_bytes(rng, text.encode("utf-8", "replace"))


def _events(rng: random.Random, folder: Path) -> Any:
    """A log of events: as a file or a frame, spoilt like the deals."""
    names = ["user_id", "event", "timestamp", "device"]
    log: list[list[Any]] = [
        [
            f"u{rng.randint(1, 6)}", rng.choice(["view", "cart", "pay"]),
            f"2025-03-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:00:00Z", rng.choice(["web", "app"]),
        ]
        for _ in range(rng.choice([1, 5, 20]))
    ]  # fmt: skip
    spoil_cells(rng, log, names)
    if rng.random() < 0.4:
        return as_frame(rng, log, names)
    path = folder / f"events{rng.choice(['.csv', '.json', '.parquet'])}"
    writer = {".csv": _spoilt_csv, ".json": _spoilt_json, ".parquet": _parquet}[path.suffix]
    path.write_bytes(writer(rng, log, names))
    return path


def _snapshots(rng: random.Random, rows: list[list[Any]], header: list[str], folder: Path) -> Any:
    """A store with the deals of two days, one of whose files may be spoilt."""
    import pandas as pd

    from funnelnb.core.errors import FunnelError
    from funnelnb.data.load import load
    from funnelnb.data.snapshots import Store

    store = Store(folder / "store")
    mapping = {"as_of_reason": "made up", "on_problem": "drop"}
    for day in ("2025-10-01", "2025-12-31"):
        try:
            frame = pd.DataFrame(rows, columns=header[: len(rows[0])], dtype=object)
            store.append(load(frame, playbook=STAGES, as_of=day, mapping=mapping))
        except FunnelError:
            continue
        spoil_cells(rng, rows, header)
    files = sorted(one for one in (folder / "store").rglob("*") if one.is_file())
    if files and rng.random() < 0.6:
        one = rng.choice(files)
        one.write_bytes(spoil_bytes(rng, one.read_bytes()))
    return folder / "store"


WRITERS = {"markup": _markup, "xlsx": as_xlsx, "json": _spoilt_json, "parquet": _parquet, "archive": _archive}
ENDINGS = {"xlsx": ".xlsx", "json": ".json", "parquet": ".parquet", "archive": ".zip"}
