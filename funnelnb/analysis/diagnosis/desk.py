"""What do all rules look at? Deals as arrays, summed for everybody and for each person at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from funnelnb.analysis.shared.counts import SECONDS_PER_DAY, grouping
from funnelnb.analysis.shared.entered import entered_s
from funnelnb.analysis.shared.judged import NEVER_LOST, ONLY_WINS, WINS_ALONE, unjudged
from funnelnb.core.check import TOO_FEW_N
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger.codes import LEFT_DEAL, LOST_DEAL, OPEN_DEAL, WON_DEAL
from funnelnb.stats.rates.clustered import design

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.book import Book
    from funnelnb.data.ledger.ledger import Ledger

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

ACTIVE_DAYS = 365
"""A person is judged who entered a deal in so many days, or has one in hand."""
NOBODY = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What one rule measured of one unit.

    Attributes
    ----------
    unit : int
        0: everybody; k: the k-th person.
    value, lower, upper : float
        What was measured, and its interval.
    reference : float
        What it is measured against.
    second : float
        A second figure that the rule's sentence names.
    n : float
        Cases.
    p : float
        Chance of so much from the tolerated bound.
    crossed : bool
        The alarm's threshold is crossed.
    amount : float
        Money at stake.
    stage, against : str
    deals : ndarray of int64
        Numbers of the deals in the ledger that the rule speaks of.
    """

    unit: int
    value: float
    lower: float
    upper: float
    reference: float
    n: float
    p: float
    crossed: bool
    second: float = float("nan")
    amount: float = float("nan")
    stage: str = ""
    against: str = ""
    deals: NDArray[np.int64] = field(default_factory=lambda: NOBODY)


class Missing(Exception):  # noqa: N818 - it is no error: a rule says what it would need
    """A rule cannot be asked; `needs` is the code of what is missing."""

    def __init__(self, needs: str) -> None:
        super().__init__(needs)
        self.needs = needs


class Desk:
    """Deals as arrays. D deals, P people; sums have P + 1 places, everybody first.

    Parameters
    ----------
    book : Book
    by : str
        Attribute whose values are the people.
    """

    def __init__(self, book: Book, by: str) -> None:
        self.book, self.by = book, by
        self.ledger: Ledger = book.ledger
        self.today = float(self.ledger.as_of_s) / SECONDS_PER_DAY
        if by in self.ledger.attributes:
            (name,) = grouping(book, by)
            coded = self.ledger.attributes[name]
            self.code = coded.codes.astype(np.int64)
            self.names: tuple[str, ...] = coded.labels
        else:
            self.code, self.names = np.zeros(len(self.ledger.outcome), np.int64), ()

    # ---- deals ----------------------------------------------------------------------------------------------

    @cached_property
    def entered(self) -> Floats:
        """Day on which each deal entered; NaN where not known."""
        return in_days(entered_s(self.ledger))

    @cached_property
    def closed(self) -> Floats:
        """Day on which each deal ended; NaN while open or where not known."""
        return in_days(self.ledger.closed_s)

    @cached_property
    def won(self) -> Mask:
        """Won deals."""
        return np.asarray(self.ledger.outcome == WON_DEAL)

    @cached_property
    def lost(self) -> Mask:
        """Lost deals."""
        return np.asarray(self.ledger.outcome == LOST_DEAL)

    @cached_property
    def losses_known(self) -> bool:
        """Whether lost deals are in the data and marked: without them every closed deal is won."""
        return unjudged(self.book) not in (ONLY_WINS, WINS_ALONE, NEVER_LOST)

    @cached_property
    def ended(self) -> Mask:
        """Deals that are no longer open."""
        return self.won | self.lost | (self.ledger.outcome == LEFT_DEAL)

    @cached_property
    def standing(self) -> NDArray[np.int64]:
        """Stage in which each deal stands, or stood last."""
        return self.ledger.stage[self.ledger.start[1:] - 1].astype(np.int64)

    @cached_property
    def in_hand(self) -> Mask:
        """Open deals in a stage before won."""
        return np.asarray((self.ledger.outcome == OPEN_DEAL) & (self.standing < self.ledger.won))

    @cached_property
    def here_days(self) -> Floats:
        """Days in the stage where each deal stands; NaN where not known."""
        return self.today - in_days(self.ledger.entered_s[self.ledger.start[1:] - 1])

    @cached_property
    def amount(self) -> Floats:
        """Known amounts, the mean of those known in place of the others; 0 where none is known at all."""
        known = self.ledger.amount
        usual = float(np.nanmean(known)) if (~np.isnan(known)).any() else 0.0
        return np.where(np.isnan(known), usual, known)

    @cached_property
    def win_amount(self) -> float:
        """Mean amount of a won deal; NaN without any."""
        return float(self.amount[self.won].mean()) if self.won.any() else float("nan")

    @cached_property
    def chance(self) -> Floats:
        """Share won of the closed deals that reached each stage, shape (won + 1,); NaN without any."""
        top = self.ledger.won
        furthest = np.minimum(self.ledger.furthest, top)
        won = np.bincount(furthest[self.won], minlength=top + 1)[::-1].cumsum()[::-1]
        closed = np.bincount(furthest[self.won | self.lost], minlength=top + 1)[::-1].cumsum()[::-1]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(won / closed)

    def worth(self, mask: Mask) -> Floats:
        """Return amount times chance of the deals of a mask, summed; NaN where the chance is not known."""
        stage = np.minimum(self.standing, self.ledger.won)
        return self.sums(mask, self.amount * np.nan_to_num(self.chance)[stage])

    # ---- sums -----------------------------------------------------------------------------------------------

    def sums(self, mask: Mask, weights: Any = None) -> Floats:
        """Return how many deals of a mask, or what sum of weights, everybody and each person has."""
        people = len(self.names)
        values = None if weights is None else np.broadcast_to(weights, mask.shape)[mask]
        each = np.bincount(self.code[mask], weights=values, minlength=max(people, 1)).astype(float)
        return np.append(each.sum(), each[:people])

    @cached_property
    def active(self) -> Mask:
        """Who is judged, everybody first: with a deal entered in the last year, or one in hand."""
        recent = self.entered > self.today - ACTIVE_DAYS
        found: Mask = self.sums(recent | self.in_hand) > 0
        found[0] = True
        return found

    @cached_property
    def people(self) -> list[int]:
        """Units of the people who are judged."""
        return [int(k) for k in np.flatnonzero(self.active) if k > 0]

    @cached_property
    def units(self) -> list[int]:
        """Everybody, then the people; one person is the same as everybody."""
        return [0, *self.people] if len(self.people) > 1 else [0]

    def of(self, unit: int, mask: Mask) -> NDArray[np.int64]:
        """Return the numbers of the deals of a mask that are a unit's."""
        return np.flatnonzero(mask if unit == 0 else mask & (self.code == unit - 1))

    def factor(self, k: Mask, n: Mask) -> float:
        """Return how much more the count `k` of `n` varies than independent deals would, by accounts; at least 1."""
        accounts = self.ledger.attributes.get("account_id")
        if accounts is None:
            return 1.0
        named = n & (accounts.codes != (accounts.labels.index("") if "" in accounts.labels else -1))
        trials = np.bincount(accounts.codes[named]).astype(float)
        wins = np.bincount(accounts.codes[named], weights=k[named].astype(float))
        kept = trials > 0
        if kept.sum() < 2 or trials.max() < 2 or wins.sum() in (0, trials.sum()):
            return 1.0
        return max(1.0, float(design(wins[kept], trials[kept]).factor))


def share_of(part_n: int, whole_n: int) -> float:
    """Return a part as a share; NaN of fewer than ten deals."""
    return part_n / whole_n if whole_n >= TOO_FEW_N else float("nan")


def in_days(seconds: NDArray[np.int64]) -> Floats:
    """Return moments as days since 1970; NaN where not known."""
    return np.where(seconds == UNKNOWN, np.nan, seconds / SECONDS_PER_DAY)
