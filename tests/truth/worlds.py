"""Sales floors of our own, apart from ``funnelnb.simulate``: the truth is known, then the data are broken.

A world draws deals that walk through three stages; :func:`export` writes the two tables that a CRM would give; the
functions after it spoil them the way people's data are spoilt. Times are whole days since 2024-01-01.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STAGES = ("lead", "offer", "talks", "won")
EPOCH = np.datetime64("2024-01-01", "D")
NEVER = np.inf
WON, LOST, OPEN = 1, 2, 0


@dataclass(frozen=True, kw_only=True)
class World:
    """How deals go. Chances are those of an average deal; effects are added to their log odds.

    Attributes
    ----------
    advance : tuple of float
        Chance to go on from each working stage.
    pace, loss_pace : tuple of float
        Median days in each stage of those that go on, and of those that are lost there.
    spread : float
        Standard deviation of the log of the days.
    span : int
        Deals are created evenly over so many days; the export is made on the last of them.
    account_sd, shock_sd, size_slope : float
        Effects on the log odds of the last step: of the account, of the month of creation, per unit of log amount.
    accounts : sequence of float, optional
        Weight of each account; None: one deal each.
    group_effect : dict
        Effect of each region on the log odds of the last step.
    """

    advance: tuple[float, ...] = (0.7, 0.7, 0.6)
    pace: tuple[float, ...] = (10.0, 20.0, 25.0)
    loss_pace: tuple[float, ...] = (30.0, 40.0, 50.0)
    spread: float = 0.6
    span: int = 500
    account_sd: float = 0.0
    shock_sd: float = 0.0
    size_slope: float = 0.0
    accounts: tuple[float, ...] | None = None
    group_effect: dict[str, float] = field(default_factory=lambda: {"N": 0.0, "S": 0.0})


@dataclass(frozen=True, kw_only=True)
class Deals:
    """What truly happens to each deal, whatever anybody records. D deals, 3 working stages.

    Attributes
    ----------
    created : ndarray of float64, shape (D,)
    entered : ndarray of float64, shape (D, 4)
        Day of entry of each stage, the won one included; infinite: never.
    closed : ndarray of float64, shape (D,)
    won : ndarray of bool, shape (D,)
    stage : ndarray of int, shape (D,)
        Furthest stage ever, if nobody stopped watching.
    account, region, amount : ndarray
    """

    created: Floats
    entered: Floats
    closed: Floats
    won: NDArray[np.bool_]
    stage: NDArray[np.int64]
    account: NDArray[np.int64]
    region: NDArray[np.str_]
    amount: Floats

    def take(self, keep: NDArray[Any]) -> Deals:
        return Deals(**{name: getattr(self, name)[keep] for name in self.__dataclass_fields__})


def draw(world: World, size: int, rng: np.random.Generator) -> Deals:
    """Let `size` deals live their whole life."""
    created = rng.integers(0, world.span + 1, size).astype(float)
    region = rng.choice(list(world.group_effect), size)
    amount = np.exp(9 + rng.standard_normal(size))
    account = np.arange(size)
    push = np.array([world.group_effect[one] for one in region.tolist()])
    if world.accounts is not None:
        weight = np.asarray(world.accounts)
        account = rng.choice(len(weight), size, p=weight / weight.sum())
        push = push + world.account_sd * rng.standard_normal(len(weight))[account]
    month = (created // 30.4).astype(int)
    push = push + world.shock_sd * rng.standard_normal(month.max() + 1)[month]
    push = push + world.size_slope * (np.log(amount) - 9)
    entered = np.full((size, 4), NEVER)
    entered[:, 0] = created
    closed, alive, stage = np.zeros(size), np.ones(size, bool), np.zeros(size, np.int64)
    for k, chance in enumerate(world.advance):
        odds = np.log(chance / (1 - chance)) + (push if k == len(world.advance) - 1 else 0)
        on = rng.random(size) < 1 / (1 + np.exp(-odds))
        median = np.where(on, world.pace[k], world.loss_pace[k])
        leaves = entered[:, k] + np.ceil(median * np.exp(world.spread * rng.standard_normal(size)))
        closed = np.where(alive & ~on, leaves, closed)
        entered[:, k + 1] = np.where(alive & on, leaves, NEVER)
        alive &= on
        stage += alive
    return Deals(
        created=created,
        entered=entered,
        closed=np.where(alive, entered[:, 3], closed),
        won=alive,
        stage=stage,
        account=account,
        region=region,
        amount=np.round(amount, 2),
    )


def truth(world: World, size: int = 400_000, seed: int = 7) -> Truth:
    """Return the truth of a world, from so many deals watched to their end."""
    return Truth(draw(world, size, np.random.default_rng(seed)))


@dataclass(frozen=True)
class Truth:
    """What is true of a world."""

    deals: Deals

    def won_by(self, day: float, origin: int = 0, target: int = 3) -> float:
        """Share that reached `target` within `day` days of reaching `origin`."""
        there = self.deals.stage >= origin
        took = self.deals.entered[there, target] - self.deals.entered[there, origin]
        return float((took <= day).mean())

    def lost_by(self, day: float) -> float:
        took = self.deals.closed - self.deals.created
        return float(((took <= day) & ~self.deals.won).mean())

    def step(self, k: int) -> float:
        """Share that goes on from stage k in the end."""
        there = self.deals.stage >= k
        return float((self.deals.stage[there] > k).mean())

    def median_stay(self, k: int) -> float:
        there = self.deals.stage >= k
        ends = np.where(self.deals.stage > k, self.deals.entered[:, min(k + 1, 3)], self.deals.closed)
        return float(np.median((ends - self.deals.entered[:, k])[there]))


@dataclass(frozen=True, kw_only=True)
class Export:
    """What a CRM gives on the day `as_of`, as columns. Rows of the history are (deal, stage, day)."""

    deals: Deals
    as_of: int
    outcome: NDArray[np.str_]
    stage: NDArray[np.str_]
    closed: Floats
    rows: tuple[NDArray[np.int64], NDArray[np.int64], Floats]
    observed_from: float | None = None
    extra: dict[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return len(self.outcome)

    def only(self, keep: NDArray[np.bool_]) -> Export:
        """Keep some of the deals."""
        deal, stage, day = self.rows
        mine = keep[deal]
        place = np.cumsum(keep) - 1
        return replace(
            self,
            deals=self.deals.take(keep),
            outcome=self.outcome[keep],
            stage=self.stage[keep],
            closed=self.closed[keep],
            rows=(place[deal[mine]], stage[mine], day[mine]),
            extra={name: one[keep] for name, one in self.extra.items()},
        )

    def without_rows(self, drop: NDArray[np.bool_]) -> Export:
        """Take away the history of some of the deals."""
        kept = ~drop[self.rows[0]]
        return replace(self, rows=tuple(one[kept] for one in self.rows))


def export(deals: Deals, as_of: int) -> Export:
    """Return the complete export on day `as_of`: nothing later is in it."""
    deals = deals.take(deals.created <= as_of)
    over = deals.closed <= as_of
    outcome = np.where(over, np.where(deals.won, "won", "lost"), "open")
    deal, stage = np.nonzero(deals.entered <= as_of)
    day = deals.entered[deal, stage]
    furthest = np.zeros(len(outcome), np.int64)
    np.maximum.at(furthest, deal, stage)
    return Export(
        deals=deals,
        as_of=as_of,
        outcome=outcome,
        stage=np.array(STAGES)[furthest],
        closed=np.where(over, deals.closed, np.nan),
        rows=(deal, stage, day),
    )


def times(given: Export) -> dict[str, NDArray[Any]]:
    """Return the time of each deal as estimators take them: time, outcome (3: lost, undated), limit, cluster."""
    age = given.as_of - given.deals.created
    signs = np.zeros(given.n)
    np.maximum.at(signs, given.rows[0], given.rows[2])
    last = np.maximum(signs - given.deals.created, 0)
    undated = (given.outcome == "lost") & np.isnan(given.closed)
    kind = np.select([given.outcome == "won", undated, given.outcome == "lost"], [1, 3, 2], 0)
    dated = np.nan_to_num(given.closed) - given.deals.created
    time = np.select([kind == 0, kind == 3], [age, last], dated)
    return {"time": time, "outcome": kind, "limit": age, "cluster": given.deals.account}


# -- what people's data lack -----------------------------------------------------------------------------------


def undated_losses(given: Export, share: float, rng: np.random.Generator) -> Export:
    """Losses without a date; `share` of them."""
    gone = (given.outcome == "lost") & (rng.random(given.n) < share)
    return replace(given, closed=np.where(gone, np.nan, given.closed))


def to_the_minute(deals: Deals, rng: np.random.Generator) -> Deals:
    """Every event at a time of its day: each up to a day earlier, in their order."""
    back = np.sort(rng.random((len(deals.created), 5)), axis=1)[:, ::-1]  # the later, the less earlier
    entered = deals.entered - back[:, :4]
    ended = np.where(deals.won, entered[:, 3], deals.closed - back[:, 4])
    return replace(deals, created=entered[:, 0], entered=entered, closed=ended)


def times_of_day(given: Export, rng: np.random.Generator) -> Export:
    """The same export with times of day, to the minute."""
    deals = to_the_minute(given.deals, rng)
    deal, stage, _ = given.rows
    closed = np.where(np.isnan(given.closed), np.nan, deals.closed)
    return replace(given, deals=deals, closed=closed, rows=(deal, stage, deals.entered[deal, stage]))


def overwritten(given: Export) -> Export:
    """The stage column of lost deals says only that they are lost."""
    return replace(given, stage=np.where(given.outcome == "lost", "Closed Lost", given.stage))


def missing_history(given: Export, share: dict[str, float], rng: np.random.Generator) -> Export:
    """Deals without any history, a share of each outcome; their stage is overwritten when they are lost."""
    chance = np.array([share.get(one, 0.0) for one in given.outcome.tolist()])
    return overwritten(given.without_rows(rng.random(given.n) < chance))


def late_history(given: Export, since: float) -> Export:
    """Records begin on day `since`: deals that ended before are not there, moves before it are not known."""
    kept = given.only(~(given.closed < since))
    mine = kept.rows[2] >= since
    return replace(kept, rows=tuple(one[mine] for one in kept.rows), observed_from=since)


def closed_only(given: Export) -> Export:
    """Open deals are left out."""
    return given.only(given.outcome != "open")


def losses_never_set(given: Export) -> Export:
    """Lost deals stay open for ever."""
    lost = given.outcome == "lost"
    return replace(
        given, outcome=np.where(lost, "open", given.outcome), closed=np.where(lost, np.nan, given.closed)
    )


def frames(given: Export) -> dict[str, Any]:
    """Return the tables as data frames."""
    import pandas as pd

    def dates(days: Floats) -> Any:
        known = np.isfinite(days)
        minutes = np.rint(np.where(known, days, 0) * 1440).astype("timedelta64[m]")
        stamps = EPOCH.astype("datetime64[m]") + minutes
        return pd.Series(np.where(known, stamps, np.datetime64("NaT", "m"))).astype("datetime64[us]")

    ids = np.array([f"D{k:06d}" for k in range(given.n)])
    table = pd.DataFrame(
        {
            "opportunity_id": ids,
            "account_id": [f"A{k}" for k in given.deals.account.tolist()],
            "region": given.deals.region,
            "amount": given.deals.amount,
            "stage": given.stage,
            "outcome": given.outcome,
            **given.extra,
        }
    )
    table["created_at"], table["closed_at"] = dates(given.deals.created), dates(given.closed)
    deal, stage, day = given.rows
    history = pd.DataFrame({"opportunity_id": ids[deal], "stage": np.array(STAGES)[stage]})
    history["entered_at"] = dates(day)
    return {"opportunities": table} | ({"stage_history": history} if len(history) else {})


def book(given: Export) -> Any:
    """Return the export as the package loads it."""
    import funnelnb as fn

    since = (
        None if given.observed_from is None else str(EPOCH + np.timedelta64(int(given.observed_from), "D"))
    )
    return fn.load(
        frames(given),
        playbook=list(STAGES),
        as_of=str(EPOCH + np.timedelta64(given.as_of, "D")),
        observed_from=since,
        currency="EUR",
    )


def quick_book(given: Export) -> Any:
    """Return the same book without the reading, in a tenth of the time; for thousands of runs.

    Checked against :func:`book` in ``tests/truth/test_package.py``.
    """
    import pandas as pd

    from funnelnb.data.book import Book

    tables = frames(given)
    deals = tables["opportunities"]
    tables["opportunities"] = deals.assign(stage=deals["stage"].where(deals["stage"].isin(STAGES)))
    days = pd.concat([deals["created_at"], deals["closed_at"]]).dropna()
    end = np.timedelta64(0 if (days == days.dt.normalize()).all() else 86_399, "s")
    since = None
    if given.observed_from is not None:
        since = (EPOCH + np.timedelta64(int(given.observed_from), "D")).astype("datetime64[s]")
    return Book(
        tables=tables,
        playbook=_playbook(),
        as_of=(EPOCH + np.timedelta64(given.as_of, "D")).astype("datetime64[s]") + end,
        currency="EUR",
        observed_from=since,
    )


@functools.cache
def _playbook() -> Any:
    return book(export(draw(World(), 50, np.random.default_rng(1)), World().span)).playbook
