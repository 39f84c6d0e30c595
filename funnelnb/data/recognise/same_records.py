"""Are two tables parts of one, or the same records twice?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from funnelnb.data.read.raw import Raw

SAME_BESIDE = 0.5
"""With fewer equal cells beside them, equal numbers in two tables are no ids of the same records."""


def hold_the_same(first: Raw, second: Raw) -> bool:
    """Do two tables hold the same records, so that they must not be added up?

    Parameters
    ----------
    first, second : Raw
        Tables of the same columns.

    Returns
    -------
    bool
        Whether most ids of the smaller one stand in the other. Numbers that begin again in every table are no ids: then
        hardly anything else is the same in rows of one number.

    Examples
    --------
    >>> import pandas as pd
    >>> from funnelnb.data.read.raw import Raw
    >>> one, day_later, other = (Raw(file="", frame=pd.DataFrame({"no": [1, 2, 3], "who": who, "stage": stage}))
    ...     for who, stage in ((["A", "B", "C"], ["x", "x", "y"]), (["A", "B", "C"], ["y", "x", "y"]),
    ...                        (["D", "E", "F"], ["y", "y", "x"])))
    >>> hold_the_same(one, day_later), hold_the_same(one, other)
    (True, False)
    """
    for name in first.frame.columns:
        mine, yours = first.frame[name].astype("str"), second.frame[name].astype("str")
        if mine.is_unique and yours.is_unique:
            shared = bool(yours.isin(mine).mean() > 0.5 or mine.isin(yours).mean() > 0.5)
            return shared and not (_counts_up(first.frame[name]) and _differ_beside(first, second, name))
    return False


def _counts_up(cells: pd.Series) -> bool:
    """Whether cells are 1, 2, 3 … in the order of the rows."""
    return list(cells.astype("str").str.removesuffix(".0")) == [str(one + 1) for one in range(len(cells))]


def _differ_beside(first: Raw, second: Raw, name: str) -> bool:
    """Whether rows of one number hold different things in most other columns that tell rows apart."""
    pair = first.frame.merge(second.frame, on=name, suffixes=("", " (2)"))
    others = [
        one for one in first.frame.columns
        if one != name and f"{one} (2)" in pair and len(pair[one].astype("str").unique()) > 1
    ]  # fmt: skip
    same = [(pair[one].astype("str") == pair[f"{one} (2)"].astype("str")).mean() for one in others]
    return len(pair) < 2 or (bool(same) and sum(same) / len(same) < SAME_BESIDE)
