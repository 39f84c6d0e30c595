"""The deals behind the counts of a page: what the page holds of them, and the file beside it that holds all."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from funnelnb.show.pages.export import safe_text
from funnelnb.show.tables.lists import COLUMNS, DEALS, places_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbformat import NotebookNode

    from funnelnb.batch.plan import Request
    from funnelnb.show.text.words import Words

SHOWN = 40
"""A page holds so many deals of a list, the largest ones; all of them stand in the file beside it."""
SUFFIX = ".deals.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """The deals behind one count.

    Attributes
    ----------
    key : str
        Name of the list: what the count on the page links to.
    title : str
    places : tuple of int
        Its deals, the largest amount first.
    """

    key: str
    title: str
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """All lists of a page.

    Attributes
    ----------
    deals : tuple of sequence
        Values by ``show.tables.lists.COLUMNS``.
    lists : tuple of List
    currency : str
    """

    deals: tuple[Sequence[Any], ...] = ()
    lists: tuple[List, ...] = ()
    currency: str = ""


NONE = Lists()


def asked(request: Request) -> str:
    """Return what kernels are asked for: lists, or no names."""
    return "1" if request.deals else "nameless"


def found_in(node: NotebookNode) -> Lists:
    """Return the lists that came with the outputs of an executed notebook."""
    sent = [
        output.data[DEALS]
        for cell in node.cells
        for output in cell.get("outputs", ())
        if DEALS in output.get("data", {})
    ]
    deals = [deal for one in sent for deal in one["deals"]]
    made: dict[str, List] = {}
    for one in (each for part in sent for each in part["lists"]):
        places = sorted(
            places_of(one["bits"]), key=lambda place: (-(deals[place][6] or 0.0), str(deals[place][8]))
        )
        made.setdefault(one["key"], List(key=one["key"], title=one["title"], places=tuple(places)))
    currency = next((one["currency"] for one in sent if one["currency"]), "")
    return Lists(deals=tuple(deals), lists=tuple(made.values()), currency=currency)


def on_page(found: Lists, file: str, say: Words) -> dict[str, Any]:
    """Return what the template needs: the data of the dialog as JSON, its words, and the file beside the page.

    A page that is sent by itself has no file beside it (`file` is empty): it shows the largest deals only.
    """
    if not found.lists:
        return {}
    used: dict[int, int] = {}
    lists = {}
    for one in found.lists:
        shown = [used.setdefault(place, len(used)) for place in one.places[:SHOWN]]
        n = len(one.places)
        key = "all" if n <= SHOWN else "shown" if file else "shown_alone"
        note = say.say(f"deals.{key}", shown_n=SHOWN, n=n, file=file, title=one.title)
        lists[one.key] = [one.title, note, shown]
    deals = [_shown(found.deals[place], found.currency, say) for place in used]
    heads = [say.get(f"deals.columns.{name}") for name in ("customer", "owner", "stage")]
    heads += [say.get("deals.age"), say.get("deals.amount")]
    return {
        "json": _json({"deals": deals, "lists": lists, "heads": heads, "unit": say.get("deals.unit")}),
        "file": file,
        "title": say.get("deals.list_title"),
        "close": say.get("deals.close"),
        "all": say.get("deals.open_all"),
    }


def _shown(deal: Sequence[Any], currency: str, say: Words) -> list[str]:
    """Return a deal as finished text: who, its id, owner, stage and outcome, age, amount, address."""
    customer, title, owner, stage, outcome, age, amount, url, name = deal
    known = "" if customer == name else title or name
    return [
        customer, known, owner, f"{stage} · {outcome}", "" if age is None else say.numbers.count(age),
        "" if amount is None else say.numbers.amount(amount, currency), url,
    ]  # fmt: skip


def _json(value: Any) -> Markup:
    """Return JSON that may stand inside a script element: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - no sign of markup is left


def as_csv(found: Lists, say: Words) -> str:
    """Return all deals with a column for each list: an x where the deal is in it. Safe to open in a spreadsheet."""
    heads = [say.get(f"deals.columns.{name}") for name in COLUMNS]
    titles = _unique([one.title for one in found.lists])
    inside = [frozenset(one.places) for one in found.lists]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([safe_text(one) for one in (*heads, *titles)])
    listed = sorted(set().union(*inside)) if inside else []
    for place in listed:
        deal = ["" if one is None else one for one in found.deals[place]]
        cells = [
            safe_text(one) if isinstance(one, str) else f"{one:g}" if one < 1e6 else f"{one:.2f}"
            for one in deal
        ]
        writer.writerow([*cells, *("x" if place in one else "" for one in inside)])
    return "\ufeff" + file.getvalue()


def _unique(names: Sequence[str]) -> list[str]:
    """Return names of which no two are the same."""
    seen: dict[str, int] = {}
    made = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        made.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return made
