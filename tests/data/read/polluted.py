"""Polluted text files with the table that they mean, and how far a reader's table agrees with it.

The kinds are those of the Pollock benchmark (Vitagliano et al. 2023, doi:10.14778/3594512.3594518), built anew over a
table of our own, and those of exports that people send. The score is that of the benchmark: one point for
reading at all, and precision, recall and F1 of header, records and cells; 10 is the most.
"""

import random
from collections import Counter
from dataclasses import dataclass

ROWS = 60
NAMES = ["Deal", "Created", "Time", "Seats", "Item", "Price", "Stage", "Summary", "Remarks"]
_STAGES = ["Closed Won", "Closed Lost", "Proposal", "Qualification", "Discovery"]
_SUMMARIES = [
    "Renewal, two years",
    'Asked for the "small" plan, then more',
    "Upgrade",
    "New office, 3rd floor, Leipzig",
    "Training",
    "Hardware & support",
]


@dataclass(frozen=True)
class Polluted:
    """A file, the table it means, and its weight. `header` None: there is none."""

    name: str
    content: bytes
    header: list[str] | None
    rows: list[list[str]]
    weight: float = 1.0
    kind: str = ""


def table(seed=1, rows_n=ROWS):
    """A table of deals as text: ids, dates, times, numbers, words, texts with commas and quotation marks."""
    rng = random.Random(seed)
    rows = []
    for place in range(rows_n):
        day = f"{rng.randint(1, 28):02}/{rng.randint(1, 12):02}/2025"
        rows.append([
            f"D{1000 + place}", day, f"{rng.randint(8, 18):02}:{rng.randint(0, 59):02}", str(rng.randint(1, 40)),
            f"SKU-{rng.randint(100, 999)}", f"{rng.randint(10, 9000)}.{rng.randint(0, 99):02}", rng.choice(_STAGES),
            rng.choice(_SUMMARIES), "" if rng.random() < 0.9 else "call back",
        ])  # fmt: skip
    return rows


def cell(text, delimiter=",", quote='"', escape='"'):
    """One field, in quotation marks where it must be."""
    if (
        quote in text
        or (delimiter.strip() and delimiter.strip() in text)
        or (delimiter == " " and " " in text)
    ):
        return quote + text.replace(quote, escape + quote) + quote
    return text


def line(row, delimiter=",", quote='"', escape='"'):
    return delimiter.join(cell(one, delimiter, quote, escape) for one in row)


def text_of(rows, end="\r\n", last=True, **dialect):
    return end.join(line(row, **dialect) for row in rows) + (end if last else "")


def whole_file_kinds(seed=1):
    """Pollutions of the file as a whole, with the benchmark's weights."""
    rows = table(seed)
    every = [NAMES, *rows]
    usual = text_of(every)
    shown = [*NAMES]

    def made(name, content, header=shown, body=rows, weight=1.0):
        return Polluted(
            name, content.encode() if isinstance(content, str) else content, header, body, weight, name
        )

    units = ["", "dd/mm/yyyy", "hh:mm", "pieces", "", "EUR", "", "", ""]
    more = [["Region", "Head"], ["North", "Ann"], ["South", "Bo"], ["West", "Cy"]]
    less_first = text_of(more) + "\r\n" + usual
    same = [["Lead", "Opened", "At", "Users", "Part", "Cost", "State", "Topic", "Notes"], *table(seed + 5, 8)]
    return [
        made("source", usual),
        made("no_payload", "", None, [], 15),
        made("no_trailing_newline", usual.rstrip(), weight=184),
        made("double_trailing_newline", usual + "\r\n", weight=5),
        made("no_header", text_of(rows), None, weight=470),
        made("header_multirow_2", text_of([NAMES, NAMES, *rows]), weight=47),
        made("header_multirow_3", text_of([NAMES, NAMES, NAMES, *rows]), weight=47),
        made("header_units", text_of([NAMES, units, *rows]),
             header=[f"{a} {b}".strip() for a, b in zip(NAMES, units, strict=True)], weight=5),
        made("preamble", "Pipeline of the sales floor\r\nExported 3 May 2025\r\n\r\n" + usual, weight=141),
        made("preamble_delimited", f"Pipeline{',' * 8}\r\n{',' * 8}\r\n" + usual, weight=141),
        made("multitable_less", less_first, weight=63),
        made("multitable_more", usual + "\r\n" + text_of(more), weight=63),
        made("multitable_same", usual + "\r\n" + text_of(same), weight=63),
        made("header_only", text_of([NAMES]), body=[], weight=3),
        made("one_data_row", text_of([NAMES, rows[1]]), body=[rows[1]], weight=4),
        made("record_cr", text_of(every, end="\r"), weight=7),
        made("record_lf", text_of(every, end="\n"), weight=1691),
        made("tab", text_of(every, delimiter="\t"), weight=4),
        made("semicolon", text_of(every, delimiter=";"), weight=834),
        made("space", text_of(every, delimiter=" "), weight=4),
        made("comma_blank", text_of(every, delimiter=", "), weight=101),
        made("apostrophe", text_of(every, quote="'", escape="'"), weight=11),
        made("backslash", text_of(every, escape="\\"), weight=1),
        made("no_escape", text_of(every, escape=""), weight=7),
    ]  # fmt: skip


def row_kinds(seed=1, step=7):
    """Pollutions of a single row, at every `step`-th row and every column."""
    rows = table(seed)
    every = [NAMES, *rows]
    lines = [line(row) for row in every]
    places = [(row, column) for row in range(0, len(every), step) for column in range(len(NAMES))]
    weigh = 0.368 * 756 / len(places)
    found = []

    def add(kind, row, column, polluted, cells, weight=weigh):
        content = "\r\n".join([*lines[:row], polluted, *lines[row + 1 :]]) + "\r\n"
        header = cells if row == 0 else NAMES
        body = rows if row == 0 else [*rows[: row - 1], cells, *rows[row:]]
        found.append(Polluted(f"{kind}_row{row}_col{column}", content.encode(), header, body, weight, kind))

    for row, column in places:
        cells = every[row]
        written = [cell(one) for one in cells]
        if column:
            merged = [*cells[: column - 1], cells[column - 1] + cells[column], *cells[column + 1 :]]
            joined = ",".join(
                [*written[: column - 1], written[column - 1] + written[column], *written[column + 1 :]]
            )
            add("less_sep", row, column, joined, merged)
        extra = [*cells[:column], "", *cells[column:]]
        add("more_sep", row, column, ",".join([*written[:column], "", *written[column:]]), extra)
        marked = [*cells[:column], '"' + cells[column], *cells[column + 1 :]]
        inside = written[column]
        inside = '"' + inside if not inside.startswith('"') else '""' + inside[1:]
        add("extra_quote", row, column, ",".join([*written[:column], inside, *written[column + 1 :]]), marked)
    for row in range(0, len(every), step):
        add("row_space", row, 0, line(every[row], delimiter=" "), every[row], weight=0.1 * weigh)
    return found


def sent_kinds(seed=2):
    """Kinds of real exports that the benchmark's generator does not make, each with the table it means."""
    rows = table(seed)
    every = [NAMES, *rows]
    rng = random.Random(seed)
    numbers = [[f"{rng.gauss(0, 1):.4f}" for _ in range(6)] for _ in range(50)]
    spend = [["Body Name", "Date", "Supplier", "Amount", "Purpose"]] + [
        ["City Council", f"{day:02}/04/2025", f"Supplier {day} Ltd", f'{rng.randint(500, 90000):,}.50', "Repairs"]
        for day in range(1, 31)
    ]  # fmt: skip
    comma = [["Nr", "Kunde", "Betrag", "Datum"]] + [
        [
            str(one),
            f"Müller {one} GmbH",
            f"{rng.randint(1, 9999)},{rng.randint(10, 99)}",
            f"{one % 28 + 1:02}.03.2025",
        ]
        for one in range(1, 40)
    ]
    ends = [[*row, ""] for row in every]
    names = [["mpg", "cyl", "hp"]] + [
        [f"Car {one}", f"{20 + one / 7:.1f}", "4", str(90 + one)] for one in range(25)
    ]
    words = [["name", "region", "stage"]] + [
        [f"{first} {last}", rng.choice(["North", "South"]), rng.choice(_STAGES)]
        for first in ("Ann", "Bo", "Cy", "Di") for last in ("Lee", "Kim", "Roe", "Fox", "Ray")
    ]  # fmt: skip
    notes = [
        [str(one), "line one\nline two, with a comma" if one % 3 else "short", "2025-03-01"]
        for one in range(30)
    ]
    years = [["Region", "2021", "2022", "2023"]] + [[f"R {one}", *(str(rng.randint(1, 99)) for _ in range(3))]
                                                   for one in range(20)]  # fmt: skip
    padded = [[one.ljust(12) for one in row] for row in [["id", "amount", "day"]] + [
        [f"A{one}", str(one * 10), "2025-01-02"] for one in range(20)]]  # fmt: skip
    repeated = [*every[:20], NAMES, *every[20:40], NAMES, *every[40:]]
    wrapped = [one.replace('"', '""') for one in (line(row) for row in every)]
    return [
        Polluted("numbers_without_header", text_of(numbers, end="\n").encode(), None, numbers, kind="no_header"),
        Polluted("numbers_by_tabs", text_of(numbers, delimiter="\t").encode(), None, numbers, kind="no_header"),
        Polluted("numbers_by_blanks", text_of(numbers, delimiter=" ", end="\n").encode(), None, numbers,
                 kind="no_header"),
        Polluted("spend", text_of(spend).encode("cp1252"), spend[0], spend[1:], kind="plain"),
        Polluted("spend_titled", ("Spend over £500,,,,\r\nApril,,,,\r\n,,,,\r\n" + text_of(spend)).encode("cp1252"),
                 spend[0], spend[1:], kind="titles"),
        Polluted("decimal_comma", text_of(comma, delimiter=";").encode("cp1252"), comma[0], comma[1:], kind="plain"),
        Polluted("sep_line", ("sep=;\r\n" + text_of(comma, delimiter=";")).encode(), comma[0], comma[1:], kind="sep"),
        Polluted("rows_end_in_delimiter", text_of([NAMES, *ends[1:]]).encode(), NAMES, rows, kind="trailing"),
        Polluted("all_end_in_delimiter", text_of(ends).encode(), NAMES, rows, kind="trailing"),
        Polluted("row_names", text_of(names, end="\n").encode(), ["", *names[0]], names[1:], kind="row_names"),
        Polluted("words_only", text_of(words, end="\n").encode(), words[0], words[1:], kind="plain"),
        Polluted("words_without_header", text_of(words[1:], end="\n").encode(), None, words[1:], kind="no_header"),
        Polluted("texts_over_lines", text_of([["nr", "note", "day"], *notes]).encode(), ["nr", "note", "day"], notes,
                 kind="multiline"),
        Polluted("texts_over_lines_last", text_of([["nr", "day", "note"], *[[a, c, b] for a, b, c in notes]]).encode(),
                 ["nr", "day", "note"], [[a, c, b] for a, b, c in notes], kind="multiline"),
        Polluted("years", text_of(years).encode(), years[0], years[1:], kind="plain"),
        Polluted("aligned_by_blanks", "\n".join("".join(row).rstrip() for row in padded).encode(),
                 [one.strip() for one in padded[0]], [[one.strip() for one in row] for row in padded[1:]],
                 kind="blanks"),
        Polluted("repeated_header", text_of(repeated).encode(), NAMES, rows, kind="repeated"),
        Polluted("wrapped_lines", "\r\n".join(f'"{one}"' for one in wrapped).encode(), NAMES, rows, kind="wrapped"),
        Polluted("comments_above", ("# made by a machine\n# version 2, of May\n" + text_of(every, end="\n")).encode(),
                 NAMES, rows, kind="titles"),
        Polluted("blank_lines_above", ("\r\n\r\n" + text_of(every)).encode(), NAMES, rows, kind="titles"),
        Polluted("blank_lines_between", text_of(every).replace("\r\n", "\r\n\r\n").encode(), NAMES, rows,
                 kind="titles"),
        Polluted("pipe", text_of(every, delimiter="|").encode(), NAMES, rows, kind="plain"),
        Polluted("utf16", text_of(every, delimiter="\t").encode("utf-16"), NAMES, rows, kind="encoding"),
        Polluted("bom", text_of(every).encode("utf-8-sig"), NAMES, rows, kind="encoding"),
        Polluted("single_column", "\n".join(["city", *(f"Town {one}" for one in range(20))]).encode(), ["city"],
                 [[f"Town {one}"] for one in range(20)], kind="plain"),
        Polluted("ends_cut_off", text_of([NAMES, *([*row[:7]] if not row[8] and place % 3 == 0 else row
                                                     for place, row in enumerate(rows))]).encode(), NAMES,
                 [[*row[:7], "", ""] if not row[8] and place % 3 == 0 else row for place, row in enumerate(rows)],
                 kind="short"),
    ]  # fmt: skip


def _agreement(expected, found):
    if not expected:
        return 1.0, 1.0, 1.0
    common = sum((Counter(expected) & Counter(found)).values())
    if not common:
        return 0.0, 0.0, 0.0
    recall, precision = common / len(expected), common / len(found)
    return precision, recall, 2 * precision * recall / (precision + recall)


def score(polluted, read):
    """Points (0 to 10) of a reader: a function from bytes' path to (names, rows), or an error.

    An empty file is read rightly by saying so, that is, by an error or an empty table.
    """
    names, rows = read
    header = [] if polluted.header is None else polluted.header
    expected = [[one.strip() for one in row] for row in polluted.rows]
    found = [[str(one).strip() for one in row] for row in rows]
    return 1.0 + sum(
        sum(_agreement(*pair))
        for pair in (
            ([one.strip() for one in header], [one.strip() for one in names]),
            (["".join(one or "null" for one in row) for row in expected],
             ["".join(one or "null" for one in row) for row in found]),
            ([one for row in expected for one in row], [one for row in found for one in row]),
        )
    )  # fmt: skip


def _columns(rng, rows_n):
    """Columns of several sorts, each a name and its cells."""

    def number(digits):
        return [f"{rng.gauss(50, 20):.{digits}f}" for _ in range(rows_n)]

    words = ["alpha", "Bravo", "charlie", "delta & co", "Echo", "fox trot", "Golf"]
    texts = [
        "Please call back, urgent",
        "n/a",
        "",
        "Moved to 3rd floor",
        'The "best" one',
        "see note; later",
        "ok",
    ]
    kinds = {
        "id": lambda: [str(1 + place) for place in range(rows_n)],
        "code": lambda: [f"{rng.choice('ABC')}{rng.randint(100, 999)}" for _ in range(rows_n)],
        "day": lambda: [f"{rng.randint(2000, 2025)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
                        for _ in range(rows_n)],
        "uk day": lambda: [f"{rng.randint(1, 28):02}/{rng.randint(1, 12):02}/{rng.randint(2000, 2025)}"
                           for _ in range(rows_n)],
        "stamp": lambda: [f"2024-01-{rng.randint(1, 28):02} {rng.randint(0, 23):02}:{rng.randint(0, 59):02}:00"
                          for _ in range(rows_n)],
        "count": lambda: [str(rng.randint(0, 500)) for _ in range(rows_n)],
        "measure": lambda: number(3), "share": lambda: [f"{rng.randint(0, 100)}%" for _ in range(rows_n)],
        "price": lambda: [f"£{rng.randint(1, 9999):,}.{rng.randint(0, 99):02}" for _ in range(rows_n)],
        "group": lambda: [rng.choice(words) for _ in range(rows_n)],
        "town": lambda: [f"{rng.choice(['Upper', 'Lower', 'New'])} {rng.choice(['Ham', 'Ton', 'Wick'])}"
                         for _ in range(rows_n)],
        "comment": lambda: [rng.choice(texts) for _ in range(rows_n)],
        "agreed": lambda: [rng.choice(["yes", "no"]) for _ in range(rows_n)],
        "empty": lambda: [""] * rows_n,
        "sparse": lambda: [str(rng.randint(1, 9)) if rng.random() < 0.2 else "" for _ in range(rows_n)],
        "mail": lambda: [f"{rng.choice('abc')}{place}@example.org" for place in range(rows_n)],
    }  # fmt: skip
    count = rng.choice([2, 3, 4, 5, 6, 8, 10, 14, 20])
    chosen = [rng.choice([*kinds]) for _ in range(count)]
    if rng.random() < 0.25:
        chosen = ["measure"] * count
    if all(one in ("empty", "comment", "sparse") for one in chosen):
        chosen[0] = "id"
    styles = [
        lambda place, kind: f"{kind}{place}", lambda place, _: f"x{place}",
        lambda place, kind: f"{kind.title()} ({place})",
        lambda place, kind: f"{kind} no. {place}", lambda place, kind: f"Total {kind} [{place}]",
    ]  # fmt: skip
    style = rng.choice(styles)
    return [(style(place, kind), kinds[kind]()) for place, kind in enumerate(chosen)]


def survey(seed):
    """One random file as they lie about on open-data pages: any table, any dialect, up to three pollutions."""
    rng = random.Random(seed)
    rows_n = rng.choice([3, 6, 12, 30, 80, 150])
    columns = _columns(rng, rows_n)
    names, rows = (
        [name for name, _ in columns],
        [list(row) for row in zip(*[cells for _, cells in columns], strict=True)],
    )
    rows = [row for row in rows if any(row)]
    width = len(names)
    delimiter = rng.choice([",", ",", ",", ",", ";", ";", "\t", "|"])
    end = rng.choice(["\n", "\r\n", "\r\n"])
    done = []
    header = names if rng.random() < 0.75 else None
    if header is None:
        done.append("no_header")
    lines = [line(row, delimiter=delimiter) for row in ([names] if header else []) + rows]
    if rng.random() < 0.2:  # everything in quotation marks
        lines = [delimiter.join('"' + one.replace('"', '""') + '"' for one in row)
                 for row in ([names] if header else []) + rows]  # fmt: skip
        done.append("all_quoted")
    if rng.random() < 0.15 and any(row[-1] for row in rows):
        lines = [one + delimiter for one in lines]
        done.append("trailing")
    if rng.random() < 0.2:
        note = rng.choice(
            ["Spend over 500 pounds in April 2025", "Table 3: Results, by region", "Source: own survey"]
        )
        fill = delimiter * (width - 1) if rng.random() < 0.5 else ""
        note = cell(note, delimiter)
        gap = rng.choice([[], [fill]])
        lines = [*[note + fill] * rng.choice([1, 2]), *gap, *lines]
        done.append("titles")
    if rng.random() < 0.15 and width > 2:
        fill = delimiter * (width - 1) if rng.random() < 0.5 else ""
        lines += [fill, cell(rng.choice(["Source: national statistics office", "* provisional figures", "Notes: none"]),
                             delimiter) + fill]  # fmt: skip
        done.append("footer")
    if rng.random() < 0.15:
        lines += [delimiter * (width - 1)] * rng.choice([1, 5, 20])
        done.append("blank_rows")
    content = (end.join(lines) + (end if rng.random() < 0.8 else "")).encode(
        "cp1252" if rng.random() < 0.2 else "utf-8"
    )
    return Polluted(f"survey{seed}", content, header, rows, kind="+".join(done) or "plain")
