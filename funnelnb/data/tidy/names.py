# ruff: noqa: E501 - legal forms stay a block
"""When are two names the same customer? Without legal forms, accents and order of words; else by likeness of the words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LIKE = 88.0
"""Least likeness (0 to 100) of two names that are proposed as one."""

WORD_LIKE = 78.0
"""Least likeness of two words, one of either name, that stand for each other."""

SHORT = 4
"""Words of fewer letters stand for each other only if they are equal."""

WINDOW = 12
"""Names this close in the order of the alphabet are compared, beside those that share a rare word."""

COMMON = 40
"""A word in more names than this is no reason to compare them."""

LEGAL = frozenset((
    "inc", "incorporated", "corp", "corporation", "co", "company", "llc", "ltd", "limited", "llp", "lp", "plc", "gmbh", "mbh",
    "ag", "kg", "kgaa", "ohg", "ug", "ev", "se", "sa", "sas", "sarl", "sl", "slu", "spa", "srl", "bv", "nv", "oy", "oyj", "ab", "as",
    "asa", "aps", "sp", "zoo", "spolka", "kft", "zrt", "doo", "dd", "ooo", "zao", "oao", "ооо", "зао", "оао", "ао", "пао", "ип", "pty",
    "pte", "sdn", "bhd", "kk", "ltda", "eireli", "cv", "de", "the", "holding", "holdings", "group", "und", "and", "et", "y", "e",
))  # fmt: skip
"""Words that two spellings of one name may differ in."""

_CHINESE_FORMS = re.compile(r"(?:股份|集团|控股)?(?:有限)?(?:责任)?公司$|\(中国\)|株式会社|有限会社|주식회사")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two names that may be one.

    Attributes
    ----------
    one, other : int
        Places in the list.
    likeness : float
        0 to 100; 100 for names that are equal without legal forms, accents and order.
    """

    one: int
    other: int
    likeness: float


@lru_cache(maxsize=200_000)
def words_of_name(name: str) -> tuple[str, ...]:
    """Return the telling words of a name, sorted.

    Examples
    --------
    >>> words_of_name("The Müller & Söhne GmbH"), words_of_name("华东电子有限公司")
    (('muller', 'sohne'), ('华东电子',))
    """
    text = unicodedata.normalize("NFKC", name).casefold().replace("&", " ")
    text = "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))
    text = _CHINESE_FORMS.sub("", re.sub(r"(?<=\b\w)\.(?=\w\b|\s|$)", "", text).strip())
    found = [one for one in re.split(r"[\W_]+", text) if one]
    telling = [one for one in found if one not in LEGAL]
    return tuple(sorted(telling or found))


def likeness(one: str, other: str) -> float:
    """How like are two names, 0 to 100?

    Notes
    -----
    Each word of the shorter name must have its like in the other, numbers and short words an equal one; a word too many in the
    longer name costs as much as it is long. So "North Bank" and "South Bank", "Store 12" and "Store 13" are no pair.

    Examples
    --------
    >>> likeness("Acme Ltd.", "ACME Limited"), likeness("North Bank", "South Bank"), likeness("Store 12", "Store 13")
    (100.0, 0.0, 0.0)
    >>> likeness("Condax Industries", "Condex Industries") > 88
    True
    """
    from rapidfuzz.distance import DamerauLevenshtein
    from rapidfuzz.fuzz import ratio

    mine, yours = words_of_name(one), words_of_name(other)
    if mine == yours or "".join(mine) == "".join(yours):
        return 100.0
    if not mine or not yours or len(mine[0]) * len(yours[0]) == 0:
        return 0.0
    few, many = sorted((mine, yours), key=len)
    rest = list(many)
    for word in few:
        best = max(rest, key=lambda candidate: ratio(word, candidate), default="")
        if not _same_word(word, best, ratio(word, best), DamerauLevenshtein.distance(word, best)):
            return 0.0
        rest.remove(best)
    if any(char.isdigit() for word in rest for char in word):
        return 0.0
    return float(
        ratio(" ".join(few), " ".join(sorted(set(many) - set(rest))))
        - 100 * sum(map(len, rest)) / sum(map(len, many))
    )


def _same_word(one: str, other: str, ratio: float, edits: int) -> bool:
    """Whether two words may be one: equal, a plural, one slip of the pen, or a longer one much alike."""
    if other in (one, f"{one}s") or one == f"{other}s":
        return True
    if any(char.isdigit() for char in one + other) or min(len(one), len(other)) <= SHORT:
        return False
    return edits <= 1 or (ratio >= WORD_LIKE and one[:1] == other[:1])


def alike(names: Sequence[str], least: float = LIKE) -> list[Pair]:
    """Which of these names may be the same?

    Parameters
    ----------
    names : sequence of str
    least : float
        Least likeness.

    Returns
    -------
    list of Pair
        Compared are neighbours in the order of the alphabet (of the words sorted, and of the name read backwards) and
        names that share a word that few have, so that 10⁵ names take seconds.
    """
    found = []
    for one, other in sorted(_candidates([words_of_name(name) for name in names])):
        score = likeness(names[one], names[other])
        if score >= least:
            found.append(Pair(one, other, score))
    return found


def _candidates(keys: Sequence[tuple[str, ...]]) -> set[tuple[int, int]]:
    pairs: set[tuple[int, int]] = set()
    joined = ["".join(key) for key in keys]
    for orders in (joined, [text[::-1] for text in joined], [max(key, key=len, default="") for key in keys]):
        ranked = sorted(range(len(keys)), key=lambda place, orders=orders: orders[place])  # type: ignore[misc]
        for at, place in enumerate(ranked):
            pairs |= {_sorted(place, other) for other in ranked[at + 1 : at + 1 + WINDOW]}
    holders: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        for word in set(key):
            holders.setdefault(word, []).append(place)
    for places in holders.values():
        if 1 < len(places) <= COMMON:
            pairs |= {_sorted(one, other) for k, one in enumerate(places) for other in places[k + 1 :]}
    return pairs


def _sorted(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def groups(n: int, pairs: Iterable[Pair]) -> list[list[int]]:
    """Return the places that hang together, each group in order, those alone left out."""
    head = list(range(n))

    def top(place: int) -> int:
        while head[place] != place:
            head[place] = head[head[place]]
            place = head[place]
        return place

    for pair in pairs:
        one, other = sorted((top(pair.one), top(pair.other)))
        head[other] = one
    found: dict[int, list[int]] = {}
    for place in range(n):
        found.setdefault(top(place), []).append(place)
    return [one for one in found.values() if len(one) > 1]
