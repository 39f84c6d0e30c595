"""One result for every kind of chart in the registry, of the sample company and the sample shop."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import funnelnb as fn
from funnelnb.analysis.forecast.moved import waterfall
from funnelnb.simulate.shop import STEPS as SHOP
from funnelnb.simulate.shop import ShopTruth, shop
from tests.show import books

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = list(SHOP)


@functools.cache
def whole() -> Any:
    return fn.sample()


@functools.cache
def part() -> Any:
    return whole().where(region="DACH")


@functools.cache
def log() -> Any:
    return fn.events(shop(ShopTruth(users=500)))


RESULTS: dict[str, Callable[[], Any]] = {
    "Ageing": lambda: fn.ageing(whole().where(region="Iberia")),
    "BeforeAfter": lambda: fn.targets.before_after(part(), at="2026-01-01"),
    "BehaviourGroups": lambda: fn.behaviour.compare(log(), STEPS, within="30d", by="channel"),
    "Change": lambda: fn.diagnosis.change(part()),
    "Cohorts": lambda: fn.cohort(part(), period="quarter", horizon_days=180),
    "Conversion": lambda: fn.conversion(part(), horizon_days=180),
    "DealMix": lambda: fn.targets.deal_mix(part(), amount=400_000),
    "Distribution": lambda: fn.distribution(part(), runs=19),
    "Drivers": lambda: fn.behaviour.drivers(log(), STEPS, within="30d", after="1d"),
    "Duration": lambda: fn.duration(part()),
    "Forecast": lambda: fn.forecast(part(), draws=400),
    "Funnel": lambda: fn.funnel(log(), STEPS, within="30d"),
    "FunnelGap": lambda: fn.ideal_funnel(part(), ideal=whole()),
    "Growth": lambda: fn.behaviour.aarrr(log()),
    "Harm": lambda: fn.harm(books.book("one won deal of many"), horizon_days=90),
    "HonestFunnel": lambda: fn.honest_funnel(part()),
    "LevelMoves": lambda: fn.level_moves(90, part()),
    "Levers": lambda: fn.levers(part(), amount=400_000, period="2026-Q3"),
    "Paths": lambda: fn.behaviour.paths(log(), STEPS, step="home", within="7d"),
    "Propensity": lambda: fn.propensity(part()),
    "Quadrant": lambda: fn.quadrant(part()),
    "Quota": lambda: fn.quota(part(), amount=400_000, period="2026-Q3"),
    "Reliability": lambda: fn.forecasts.calibration(part()),
    "Retention": lambda: fn.behaviour.retention(log(), every="week", kind="on"),
    "ReverseFunnel": lambda: fn.targets.reverse_funnel(part(), wins=10, period="2026-Q4"),
    "Roles": lambda: fn.roles(part()),
    "Scorecard": lambda: fn.scorecard(part(), "quarter", leads=(30,)),
    "SalesTrend": lambda: fn.diagnosis.sales_trend(part(), by="product"),
    "Segments": lambda: fn.segments(whole(), by="region", measure="by_day", horizon_days=180),
    "SixProperties": lambda: fn.six_properties(part(), by="segment"),
    "Symptoms": lambda: fn.diagnosis.symptoms(part()),
    "Target": lambda: fn.target(part(), amount=6_000_000, period="2026-Q4"),
    "Trend": lambda: fn.behaviour.trend(log(), STEPS, within="30d", every="month"),
    "TypedFunnel": lambda: fn.typed_funnel([100, 80, 40, 20, 10, 5], before=[90, 60, 30, 15, 9, 4]),
    "Waterfall": lambda: waterfall(fn.sample(as_of="2026-03-31"), whole()),
    "Wander": lambda: fn.diagnosis.wander(part()),
    "WhyLost": lambda: fn.diagnosis.why_lost(part()),
}
