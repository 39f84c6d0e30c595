"""Which currency is that of which amount, where a table has several of them?"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from funnelnb.data.parse.values import as_text
from funnelnb.data.recognise.lexicon import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.data.read.raw import Raw
    from funnelnb.data.recognise.assign import Choice, Columns
    from funnelnb.data.recognise.profile import ColumnProfile

_CURRENCY = re.compile(r"\b(currency|wahrung|waehrung|devise|moneda|moeda|valuta)( (iso )?code)?\b")
_HOUSE = re.compile(
    r"\b(company|home|house|base|group|corporate|reporting|system) currency\b"
    r"|\b(usd|eur|gbp|chf|cny|rmb|jpy|inr|brl|aud|cad|krw|mxn|rub|sek|nok|dkk|pln|czk|sgd|hkd|nzd|zar|aed|ils)$"
)
"""Headers of amounts that say in which currency all of them are."""


def pair_currency(
    result: Columns, raw: Raw, profiles: Sequence[ColumnProfile], scored: Sequence[Choice]
) -> None:
    """Take amounts and currency that are called alike; of several such pairs one that is in one currency.

    Reports of an organisation with several currencies have each amount twice, once converted into that of the house.

    Parameters
    ----------
    result : Columns
        Its amount and currency are changed.
    raw : Raw
    profiles : sequence of ColumnProfile
    scored : sequence of Choice
        What each column may be, by name and content.
    """
    found, amount = result.found.get("currency"), result.found.get("amount")
    if found is None or amount is None or "said" in (found.why, amount.why):
        return
    numbers = {plain(one.name): one.name for one in profiles if one.kind == "number"}
    pairs = {
        numbers[base]: one
        for one in scored
        if one.column == "currency" and (base := _CURRENCY.sub("", plain(one.source)).strip()) in numbers
    }
    used = result.used - {found.source, amount.source}
    pairs = {name: one for name, one in pairs.items() if not {name, one.source} & used}
    own = pairs.get(amount.source)
    if own is None:
        many = as_text(raw.frame[found.source]).nunique() > 1 if found.source in raw.frame else False
        if many and _HOUSE.search(plain(amount.source)):
            del result.found["currency"]  # that of another column
            result.absent.add("currency")
        return
    result.found["currency"] = own
    counts = {name: as_text(raw.frame[one.source]).nunique() for name, one in pairs.items()}
    alone = [name for name, n in counts.items() if n == 1]
    if counts[amount.source] > 1 and len(alone) == 1:
        result.found["currency"] = pairs[alone[0]]
        result.found["amount"] = replace(amount, source=alone[0])
