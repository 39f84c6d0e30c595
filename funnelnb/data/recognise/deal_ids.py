"""Does a column hold the ids of deals?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelnb.data.parse.values import as_text, repeats
from funnelnb.data.recognise.lexicon import plain
from funnelnb.data.recognise.profile import undamaged

if TYPE_CHECKING:
    from funnelnb.data.read.raw import Raw


def names_an_id(name: str) -> bool:
    """Whether a header says that it is an id, a number or a code."""
    words = plain(name).split()
    return bool(
        {"id", "no", "nr", "number", "num", "code", "key", "uuid", "guid", "ref", "ид", "номер"} & set(words)
    ) or (name.casefold().endswith(("id", "编号", "号")))


def tells_apart(raw: Raw, source: str) -> bool:
    """Whether the ids are those of deals, if some of them are repeated or lacking."""
    ids = as_text(raw.frame[source], blanks=False)
    known = ids.dropna()
    return len(known) >= 0.9 * len(ids) and known.nunique() >= 0.05 * len(known) and names_an_id(source)


def mostly_kept(raw: Raw, source: str) -> bool:
    """Whether most ids are as they were, and differ: a spreadsheet has damaged the others."""
    whole = undamaged(raw.frame[source])
    return 2 * len(whole) > len(raw.frame) and not whole.duplicated().any()


def is_unique(raw: Raw, source: str) -> bool:
    """Whether every row has an id, and each another one."""
    ids = as_text(raw.frame[source], blanks=False)
    if ids.isna().any() or repeats(ids):
        return False
    raw.unique.add(source)
    return True
