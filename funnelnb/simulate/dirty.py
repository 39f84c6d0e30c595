"""Clean tables made dirty on purpose, with a list of what was planted where."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from funnelnb.core import check
from funnelnb.simulate.draw import Draws, Ints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAIN = "opportunities"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One thing planted.

    Attributes
    ----------
    kind : str
        One of :data:`DIRTY_KINDS`.
    table : str
    row : int or None
        1-based row as a spreadsheet shows it (the header is row 1); None for a whole column.
    column : str
        Empty for a whole row.
    value, original : str
        What stands there now, and what stood there before.
    """

    kind: str
    table: str
    row: int | None
    column: str
    value: str
    original: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dirty:
    """Tables of text, as a careless export writes them.

    Attributes
    ----------
    tables : dict of str to pandas.DataFrame
        Every cell is text; a missing value is the empty text.
    planted : tuple of Planted
    """

    tables: dict[str, pd.DataFrame]
    planted: tuple[Planted, ...]

    def write(
        self, folder: str | Path, *, kind: str = "csv", encoding: str = "utf-8", delimiter: str = ","
    ) -> Path:
        """Write the tables to `folder`: one CSV file each, or one workbook ``export.xlsx`` with a sheet each.

        Returns
        -------
        pathlib.Path
            The folder, or the workbook.
        """
        return write_text_tables(self.tables, folder, kind=kind, encoding=encoding, delimiter=delimiter)


@dataclass(slots=True)
class _Spoiler:
    """Tables being spoilt: every deal is spoilt at most once, so that plants do not hide one another."""

    tables: dict[str, pd.DataFrame]
    draws: Draws
    share: float
    untouched: np.ndarray = field(init=False)
    planted: list[Planted] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.untouched = np.ones(len(self.tables[MAIN]), dtype=bool)

    def rows(self, wanted: np.ndarray | None = None, least: int = 3) -> Ints:
        """Take deals that nothing was done to yet, of those `wanted`, in the order of the table."""
        frame = self.tables[MAIN]
        able = self.untouched.copy() if wanted is None else self.untouched & wanted
        pool = np.flatnonzero(able)
        number = min(len(pool), max(least, round(self.share * len(frame))))
        found = np.sort(pool[np.argsort(self.draws.uniform(len(pool)), kind="stable")[:number]])
        self.untouched[found] = False
        return found

    def put(
        self,
        kind: str,
        rows: Iterable[int],
        column: str,
        change: Callable[[str, int], str],
        table: str = MAIN,
    ) -> None:
        """Change the cells of `column` in `rows` and note it."""
        cells = [str(one) for one in self.tables[table][column]]
        for number, row in enumerate(rows):
            before = cells[int(row)]
            after = cells[int(row)] = change(before, number)
            self.planted.append(
                Planted(kind=kind, table=table, row=int(row) + 2, column=column, value=after, original=before)
            )
        self.tables[table][column] = pd.Series(cells, dtype=object)

    def column(self, name: str, table: str = MAIN) -> np.ndarray:
        """Return the texts of a column."""
        return self.tables[table][name].to_numpy(dtype=object)


def texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return a canonical table as text: ISO dates, plain numbers, empty where missing.

    Examples
    --------
    >>> texts(pd.DataFrame({"amount": [1200.0, None]}))["amount"].tolist()
    ['1200', '']
    """
    result = {}
    for name, column in table.items():
        if pd.api.types.is_datetime64_any_dtype(column):
            known = column.dropna()
            shape = "%Y-%m-%d" if (known == known.dt.normalize()).all() else "%Y-%m-%d %H:%M:%S"
            text = column.dt.strftime(shape)
        elif pd.api.types.is_float_dtype(column):
            text = column.map(lambda one: f"{one:.2f}".removesuffix(".00"), na_action="ignore")
        else:
            text = column
        filled = ["" if pd.isna(one) else str(one) for one in text.tolist()]
        result[str(name)] = pd.Series(filled, dtype=object)
    return pd.DataFrame(result)


def dirty(
    tables: Mapping[str, pd.DataFrame],
    kinds: Iterable[str] | None = None,
    seed: int = 1,
    *,
    share: float = 0.01,
) -> Dirty:
    """What would a careless export of these tables look like, and what exactly is wrong with it?

    Parameters
    ----------
    tables : Mapping of str to DataFrame
        Canonical tables; ``opportunities`` is needed, the others are spoilt where they are there.
    kinds : iterable of str, optional
        Of :data:`DIRTY_KINDS`; default: all that spoil cells (not ``header_unit``).
    seed : int
    share : float
        Share of the deals spoilt by each kind (at least three deals). No deal is spoilt twice.

    Returns
    -------
    Dirty

    Examples
    --------
    >>> from funnelnb.simulate import Floor, simulate
    >>> clean = simulate(Floor(deals_n=300), seed=1).tables
    >>> [one.value for one in dirty(clean, ["won_without_date"], seed=1).planted]
    ['', '', '']
    """
    names = [name for name in DIRTY_KINDS if name != "header_unit"] if kinds is None else list(kinds)
    for name in names:
        check.one_of("kinds", name, DIRTY_KINDS)
    spoiler = _Spoiler({name: texts(table) for name, table in tables.items()}, Draws(seed, 13), share)
    for name in sorted(names, key=list(DIRTY_KINDS).index):
        DIRTY_KINDS[name](spoiler)
    return Dirty(tables=spoiler.tables, planted=tuple(spoiler.planted))


def _date(style: str) -> Callable[[str, int], str]:
    def change(before: str, number: int) -> str:
        year, month, day = before[:10].split("-")
        return style.format(y=year, m=month, d=day, dd=int(day), mm=int(month))

    return change


def _mixed_dates(spoiler: _Spoiler) -> None:
    rows = spoiler.rows(spoiler.column("created_at") != "", least=6)
    for k, style in enumerate(("{d}.{m}.{y}", "{y}年{mm}月{dd}日", "{m}/{d}/{y}")):
        spoiler.put("mixed_dates", rows[k::3], "created_at", _date(style))


def _number(kind: str, change: Callable[[float], str]) -> Callable[[_Spoiler], None]:
    def spoil(spoiler: _Spoiler) -> None:
        rows = spoiler.rows(spoiler.column("amount") != "")
        spoiler.put(kind, rows, "amount", lambda before, _: change(float(before)))

    return spoil


def _german(amount: float) -> str:
    return f"{amount + 0.5:,.2f}".translate(str.maketrans(",.", ".,"))


def _full_width(amount: float) -> str:
    return "".join(chr(ord(digit) + 0xFEE0) for digit in f"{amount:.0f}")


def _replace(kind: str, column: str, values: tuple[str, ...], least: int = 3) -> Callable[[_Spoiler], None]:
    def spoil(spoiler: _Spoiler) -> None:
        rows = spoiler.rows(spoiler.column(column) != "", least=least)
        spoiler.put(kind, rows, column, lambda _, number: values[number % len(values)])

    return spoil


def _misspelt(spoiler: _Spoiler) -> None:
    rows = spoiler.rows(np.array([len(one) > 3 for one in spoiler.column("product")]))
    spoiler.put("misspelt_names", rows, "product", _misspell)


def _misspell(before: str, number: int) -> str:
    ways = (before.replace(" ", "") if " " in before else before + "s", before.upper(), f" {before} ")
    return ways[number % 3]


def _wrong_joins(spoiler: _Spoiler) -> None:
    spoiler.put("wrong_joins", spoiler.rows(), "account_id", lambda before, number: f"X{number:03d}")
    if len(spoiler.tables.get("stage_history", ())):
        spoiler.put(
            "wrong_joins", (0,), "opportunity_id", lambda before, _: f"{before}-x", table="stage_history"
        )


def _closed_first(spoiler: _Spoiler) -> None:
    rows = spoiler.rows(spoiler.column("closed_at") != "")
    created = spoiler.column("created_at")
    earlier = [str(np.datetime64(created[row][:10], "D") - np.timedelta64(30, "D")) for row in rows]
    spoiler.put("closed_before_created", rows, "closed_at", lambda _, number: earlier[number])


def _won_undated(spoiler: _Spoiler) -> None:
    rows = spoiler.rows(spoiler.column("outcome") == "won")
    spoiler.put("won_without_date", rows, "closed_at", lambda *_: "")


def _open_ended(spoiler: _Spoiler) -> None:
    rows = spoiler.rows(spoiler.column("outcome") == "open")
    spoiler.put(
        "open_ended_dates", rows, "closed_at", lambda _, number: ("9999-12-31", "2050-01-01")[number % 2]
    )


def _markup(spoiler: _Spoiler) -> None:
    bad = ("<script>alert('x')</script>", "=cmd|' /C calc'!A0", '"><img src=x onerror=alert(1)>')
    if "name" in spoiler.tables.get("accounts", ()):
        spoiler.put("markup", range(len(bad)), "name", lambda _, number: bad[number], table="accounts")
    spoiler.put("markup", spoiler.rows(), "owner", lambda _, number: bad[number % len(bad)])


def _duplicates(spoiler: _Spoiler) -> None:
    """Repeat rows at the end, as an export in two overlapping parts does."""
    frame = spoiler.tables[MAIN]
    rows = spoiler.rows()
    spoiler.tables[MAIN] = pd.concat([frame, frame.iloc[rows]], ignore_index=True)
    spoiler.untouched = np.concatenate([spoiler.untouched, np.zeros(len(rows), dtype=bool)])
    for number, row in enumerate(rows):
        before = str(frame["opportunity_id"].iloc[int(row)])
        place = len(frame) + number + 2
        spoiler.planted.append(
            Planted(kind="duplicates", table=MAIN, row=place, column="", value=before, original=before)
        )


def _header_unit(spoiler: _Spoiler) -> None:
    """Give all amounts in units of ten thousand, named in the header only."""
    frame = spoiler.tables[MAIN]
    shown = [f"{float(one) / 10_000:g}" if one else "" for one in frame["amount"]]
    spoiler.tables[MAIN] = frame.assign(amount=shown).rename(columns={"amount": "预计金额（万元）"})
    spoiler.planted.append(
        Planted(
            kind="header_unit",
            table=MAIN,
            row=None,
            column="预计金额（万元）",
            value="万元",
            original="amount",
        )
    )


DIRTY_KINDS: Mapping[str, Callable[[_Spoiler], Any]] = {
    "mixed_dates": _mixed_dates,
    "decimal_comma": _number("decimal_comma", _german),
    "wan_units": _number("wan_units", lambda amount: f"{amount / 10_000:g}万"),
    "currency_signs": _number("currency_signs", lambda amount: f"€ {amount:,.0f}"),
    "full_width_digits": _number("full_width_digits", _full_width),
    "broken_numbers": _number("broken_numbers", lambda amount: "1,2,3"),
    "misspelt_names": _misspelt,
    "wrong_joins": _wrong_joins,
    "unknown_stage": _replace("unknown_stage", "stage", ("Verhandlung??", "待定")),
    "closed_before_created": _closed_first,
    "won_without_date": _won_undated,
    "open_ended_dates": _open_ended,
    "two_currencies": _replace("two_currencies", "currency", ("USD",)),
    "missing_ids": _replace("missing_ids", "opportunity_id", ("",)),
    "markup": _markup,
    "path_names": _replace("path_names", "region", ("../x", "华东/上海", "CON")),
    "duplicates": _duplicates,
    "header_unit": _header_unit,
}
"""What can be planted, in the order in which it is done."""


def write_text_tables(
    tables: Mapping[str, pd.DataFrame],
    folder: str | Path,
    *,
    kind: str = "csv",
    encoding: str = "utf-8",
    delimiter: str = ",",
) -> Path:
    """Write tables of text: one CSV file each, or one workbook with a sheet each (formulas stay text).

    Parameters
    ----------
    tables : Mapping of str to DataFrame
    folder : path
        Made if it is not there.
    kind : {"csv", "xlsx"}
    encoding, delimiter : str
        For CSV.

    Returns
    -------
    pathlib.Path
        The folder, or the workbook.
    """
    check.one_of("kind", kind, ("csv", "xlsx"))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "xlsx":
        return _workbook(tables, folder / "export.xlsx")
    for name, table in tables.items():
        text = table.to_csv(index=False, sep=delimiter, lineterminator="\n")
        temporary = folder / f"{name}.csv.tmp"
        temporary.write_bytes(text.encode(encoding))
        temporary.replace(folder / f"{name}.csv")
    return folder


def _workbook(tables: Mapping[str, pd.DataFrame], path: Path) -> Path:
    temporary = path.with_suffix(".tmp.xlsx")
    with pd.ExcelWriter(temporary, engine="openpyxl") as writer:
        for name, table in tables.items():
            table.to_excel(writer, sheet_name=name, index=False)
            for row in writer.sheets[name].iter_rows():
                for cell in row:
                    if cell.data_type == "f":
                        cell.data_type = "s"
    return temporary.replace(path)
