"""What every result carries, and what stands in for one when the data lack what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from funnelnb.analysis.shared.caveats import without_false_reasons
from funnelnb.analysis.shared.deals import deals_behind
from funnelnb.core.display import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from funnelnb.analysis.shared.counts import Source
    from funnelnb.core.note import Note
    from funnelnb.playbooks.model import Label

T = TypeVar("T")


# ---- What every result carries. Results are frozen, slotted -----------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Result(Shown):
    """Base of every result.

    Attributes
    ----------
    n : int
        Deals behind the result.
    method : str
        Key of the method's sentence in the language files.
    confidence_level : float
    as_of : numpy.datetime64
    currency : str
    notes : tuple of Note
        Caveats: what was missing, assumed, too few.
    """

    n: int
    method: str
    confidence_level: float
    as_of: np.datetime64
    currency: str
    notes: tuple[Note, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", without_false_reasons(self.notes, self.n))

    def deals(
        self,
        stage: str | None = None,
        group: str | Sequence[str] | None = None,
        outcome: str | None = None,
        *,
        table: str | None = None,
        days: float | None = None,
        **row: Any,
    ) -> pd.DataFrame:
        """Which deals stand behind a count of this result?

        Parameters
        ----------
        stage : str, optional
            Stage by id, label or alias; None: all of them.
        group : str or sequence of str, optional
            Value of the attribute that was compared (of both, where there are two); None: all of them.
        outcome : str, optional
            Which count: its name with or without ``_n`` (``"reached"``, ``"lost"``, ``"at_risk"``), or how the deals
            stand: ``"open"``, ``"won"``, ``"lost"``, ``"left"``. None: the first count of the row.
        table : str, optional
            One of the result's fields that hold rows, where several have such a count.
        days : float, optional
            Age on a curve, for counts along one.
        **row : object
            Other fields of the row meant, such as ``cohort="2026-Q1"`` or ``role="decision_maker"``.

        Returns
        -------
        DataFrame
            One row per deal, the largest amount first: customer, deal, owner, stage, outcome, age in days, days in the
            stage (open deals), amount, dates, ids, and the address in the CRM where the settings have ``deal_url``. As
            many rows as the count says. Behind a count of customers: one row per customer.

        Raises
        ------
        ParameterError
            No such stage, group, outcome or table; the hint names the nearest.
        MissingDataError
            Nobody can be listed: the number is worked out, estimated or typed in, or the result was stored.

        Notes
        -----
        Several rows may be meant (all stages, all groups): a deal then stands in the list once.

        Checked against every count of every kind of result over complete and broken books:
        ``tests/analysis/test_deals.py``.

        Examples
        --------
        >>> import funnelnb as fn
        >>> result = fn.conversion(fn.sample(), by="region", horizon_days=180)
        >>> lost = result.deals(stage="shortlist", group="DACH", outcome="lost")
        >>> row = next(row for row in result.steps if row.stage == "shortlist" and row.group == ("DACH",))
        >>> len(lost) == row.lost_n, list(lost.columns[:4])
        (True, ['customer', 'deal', 'owner', 'stage'])
        """
        return deals_behind(self, stage=stage, group=group, outcome=outcome, table=table, days=days, **row)


class DealRows(tuple[T, ...]):
    """Rows of a result, one per deal; called, they answer as :meth:`Result.deals` does.

    Results with a row per deal have a field of that name: ``result.deals[0]`` is its first row and
    ``result.deals(stage="proposal")`` the list behind a count.
    """

    _result: Result

    @classmethod
    def of(cls, rows: Sequence[T], result: Result) -> DealRows[T]:
        """Return rows that know their result."""
        made = cls(rows)
        made._result = result
        return made

    def __call__(
        self,
        stage: str | None = None,
        group: str | Sequence[str] | None = None,
        outcome: str | None = None,
        *,
        table: str | None = None,
        days: float | None = None,
        **row: Any,
    ) -> pd.DataFrame:
        """Return the deals behind a count of the result; see :meth:`Result.deals`."""
        return deals_behind(
            self._result, stage=stage, group=group, outcome=outcome, table=table, days=days, **row
        )


def remember(result: Any, asked: Any) -> Any:
    """Let a result carry what was asked of which book, unless it came from another question that it keeps."""
    if isinstance(result, Result) and getattr(result, "_asked", None) is None:
        object.__setattr__(result, "_asked", asked)
        rows = getattr(result, "deals", None)
        if isinstance(rows, tuple):
            object.__setattr__(result, "deals", DealRows.of(rows, result))
    return result


# ---- What an analysis answers when the data lack what it needs ---------------------------------------------


_FIGURES = ("_n", "_amount", "_days", "_rate", "_share", "_name")
"""How fields end that hold a figure, or the name of what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Unavailable(Result):
    """A section that has to be left out, with the reason.

    Attributes
    ----------
    found, expected : str
        What is missing, and what would be needed (in English, as the error says it).
    rows : tuple
        Always empty.
    """

    found: str
    expected: str
    rows: tuple[()] = ()

    def __getattr__(self, name: str) -> Unavailable:
        """A figure of a section that is left out is left out as well, so that what builds on it says the same."""
        if name.startswith("_") or not name.endswith(_FIGURES):
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        return self


class About(TypedDict):
    """What a result takes over from its source."""

    as_of: np.datetime64
    currency: str
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


def about(source: Source) -> About:
    """Return what a result takes over from its source: date, currency and stages."""
    return {
        "as_of": source.as_of,
        "currency": source.currency,
        "stage_ids": source.playbook.stage_ids,
        "stage_labels": source.playbook.stage_labels,
    }
