"""Sales floors with known truth for forecasts, made without any code of the package: days in, days out.

A floor has regions with chances and sizes of their own, stages with waiting times, dead deals that never move on,
season and trend in arrivals, shocks of the month on arrivals and on win chances, and, where asked for, records that
begin late or a win rate that halves on a day.
"""

from dataclasses import dataclass

import numpy as np

NEVER = 2**30
MONTH = 30.4375


@dataclass(frozen=True)
class Law:
    """What decides how a floor's deals come and go; lengths in days, shocks and season on the log scale."""

    days: int = 1095
    per_day: float = 2.0
    trend: float = 0.0
    season: float = 0.0
    shock: float = 0.0
    arrival_shock: float = 0.0
    dead: float = 0.1
    late: int = 0
    break_day: int = 0
    win: float = 0.35
    size_effect: float = 0.0
    regions: tuple[float, ...] = (0.5, 0.3, 0.2)
    region_odds: tuple[float, ...] = (0.0, 0.4, -0.4)
    stages: tuple[float, ...] = (12.0, 20.0, 30.0)


LAWS = {
    "plain": Law(),
    "small": Law(per_day=0.6),
    "shocks": Law(shock=0.4, arrival_shock=0.15),
    "season": Law(season=0.35, days=1460),
    "trend": Law(trend=0.5),
    "fall": Law(trend=-0.4),
    "late": Law(late=500),
    "dead": Law(dead=0.35, size_effect=-0.4),
    "all": Law(
        shock=0.3, arrival_shock=0.1, season=0.2, trend=0.25, dead=0.2, late=300, size_effect=-0.3, days=1460
    ),
}


@dataclass(frozen=True)
class Floor:
    """The deals of a floor by day: stage entries (stages + won, N), win, end, region, amount."""

    stage: np.ndarray
    win: np.ndarray
    end: np.ndarray
    region: np.ndarray
    amount: np.ndarray
    begin_observed: int

    def won(self, start, end, region=None):
        """Amount and number won from the day after `start` to the end of `end`."""
        mine = (self.win > start) & (self.win <= end)
        if region is not None:
            mine &= self.region == region
        return float(self.amount[mine].sum()), int(mine.sum())


def make(law, seed):
    """Return a floor by its law."""
    rng = np.random.default_rng(seed)
    months = int(law.days // MONTH) + 24
    busy = rng.normal(0, law.arrival_shock, months) if law.arrival_shock else np.zeros(months)
    luck = rng.normal(0, law.shock, months) if law.shock else np.zeros(months)
    day = np.arange(law.days + 400)
    rate = law.per_day * np.exp(
        law.trend * (day - law.days) / 365
        + law.season * np.sin(2 * np.pi * (day + rng.integers(365)) / 365.25)
        + busy[np.minimum((day // MONTH).astype(int), months - 1)]
    )
    start = np.repeat(day, rng.poisson(rate))
    n = start.size
    region = rng.choice(len(law.regions), n, p=law.regions)
    size = rng.normal(0, 0.8, n)
    amount = np.round(20_000 * np.exp(size) * (1 + 0.3 * region), 2)
    stages = len(law.stages)
    stage = np.full((stages + 1, n), NEVER)
    stage[0] = start
    win, end = np.full(n, NEVER), np.full(n, NEVER)
    now = start.astype(float)
    alive = np.ones(n, bool)
    chance = law.win ** (1 / stages)
    base = np.log(chance / (1 - chance))
    for k, scale in enumerate(law.stages):
        dead = rng.random(n) < law.dead / stages
        now = now + rng.gamma(1.5, scale / 1.5, n)
        month = np.minimum((now // MONTH).astype(int), months - 1)
        odds = base + (np.array(law.region_odds)[region] + law.size_effect * size + luck[month]) / stages
        p = 1 / (1 + np.exp(-odds))
        if law.break_day:
            p = np.where(now >= law.break_day, p * 0.5 ** (1 / stages), p)
        on = rng.random(n) < p
        moved = alive & ~dead
        at = np.floor(now).astype(int)
        stage[k + 1] = np.where(moved & on, at, NEVER)
        end = np.where(moved & ~on, at, end)
        alive = moved & on
    win = np.where(alive, stage[stages], win)
    keep = np.minimum(win, end) >= law.late
    return Floor(
        stage=stage[:, keep], win=win[keep], end=end[keep], region=region[keep], amount=amount[keep],
        begin_observed=law.late,
    )  # fmt: skip
