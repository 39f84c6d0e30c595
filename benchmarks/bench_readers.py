"""How well do readers of delimited text read polluted files without any settings? Points of 10, as Pollock gives them.

The files are made by ``tests/data/read/polluted.py`` after the kinds of the Pollock benchmark (Vitagliano et al. 2023) and of exports that
people send; they are ours, so that the figures compare readers and are not those of the benchmark itself. DuckDB runs in its lenient mode.
CleverCSV is left out where it is not installed.
"""

from __future__ import annotations

import csv
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from tests.data.read.polluted import row_kinds, score, sent_kinds, survey, whole_file_kinds

Read = tuple[list[str], list[list[Any]]]


def encoding_of(path: Path) -> str:
    from funnelnb.data.read.text import detect_encoding

    return detect_encoding(path, path.read_bytes()[:65536])


def ours(path: Path) -> Read:
    from funnelnb.data.read.files import read

    frame = read(path, "deals").frame
    return [str(name) for name in frame.columns], frame.fillna("").values.tolist()


def clevercsv(path: Path) -> Read:
    import clevercsv as other

    with path.open(encoding=encoding_of(path), newline="") as stream:
        text = stream.read()
    rows = list(other.reader(text.splitlines(True), other.Sniffer().sniff(text, verbose=False)))
    return rows[0], rows[1:]


def duckdb(path: Path) -> Read:
    import duckdb as other

    lenient = "all_varchar=true, strict_mode=false, ignore_errors=true, null_padding=true"
    found = other.connect().sql(f"SELECT * FROM read_csv('{path}', {lenient})")
    return found.columns, [["" if cell is None else cell for cell in row] for row in found.fetchall()]


def pandas(path: Path) -> Read:
    import pandas as other

    frame = other.read_csv(
        path, dtype=str, keep_default_na=False, on_bad_lines="skip", index_col=False, sep=None, engine="python",
        encoding=encoding_of(path),
    )  # fmt: skip
    return [str(name) for name in frame.columns], frame.fillna("").values.tolist()


def polars(path: Path) -> Read:
    import polars as other

    frame = other.read_csv(path, infer_schema=False, truncate_ragged_lines=True, ignore_errors=True)
    return frame.columns, [["" if cell is None else cell for cell in row] for row in frame.rows()]


def python_csv(path: Path) -> Read:
    with path.open(encoding=encoding_of(path), newline="") as stream:
        rows = list(csv.reader(stream))
    return rows[0], rows[1:]


READERS = (ours, clevercsv, duckdb, pandas, polars, python_csv)


def points(case: Any, reader: Any, path: Path) -> float:
    """Points of one reader for one file; an error is none, but for a file without any table it is right."""
    path.write_bytes(case.content)
    try:
        return score(case, reader(path))
    except Exception:
        return 10.0 if not case.rows and (case.header is None or case.name == "header_only") else 0.0


def main() -> None:
    warnings.simplefilter("ignore")
    groups = {
        "kinds": whole_file_kinds() + row_kinds(),
        "sent": sent_kinds(),
        "survey": [survey(n) for n in range(2000, 2200)],
    }
    print(f"{'reader':<12}{'weighted':>10}{'simple':>10}{'sent':>10}{'survey':>10}{'seconds':>10}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        for reader in READERS:
            try:
                reader_name, began = reader.__name__, time.perf_counter()
                path.write_bytes(b"a,b\n1,2\n")
                reader(path)
            except ImportError:
                print(f"{reader_name:<12} is not installed")
                continue
            found = {name: [points(case, reader, path) for case in cases] for name, cases in groups.items()}
            weights = [case.weight for case in groups["kinds"]]
            weighted = sum(w * p for w, p in zip(weights, found["kinds"])) / sum(weights)
            means = [sum(found[name]) / len(found[name]) for name in ("kinds", "sent", "survey")]
            shown = "".join(f"{one:>10.2f}" for one in (weighted, *means))
            print(f"{reader_name:<12}{shown}{time.perf_counter() - began:>10.1f}", flush=True)


if __name__ == "__main__":
    main()
