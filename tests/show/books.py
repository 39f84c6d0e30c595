"""Books to be told in words: the usual, the tiny, the empty and the extreme; each is small and made by hand."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd

import funnelnb as fn

STAGES = ["lead", "qualified", "offer", "won"]
AS_OF = "2026-06-30"
START = np.datetime64("2024-07-01")


def tables(
    won=30,
    lost=50,
    open_=20,
    left=0,
    *,
    seed=1,
    amount=20_000.0,
    spread=0.8,
    days=60.0,
    stages=STAGES,
    **more,
) -> dict[str, Any]:
    """Return opportunities and their stage history: so many deals of each ending, in a random order of days."""
    rng = np.random.default_rng(seed)
    endings = ["won"] * won + ["lost"] * lost + ["open"] * open_ + ["left"] * left
    n = len(endings)
    last = np.datetime64(AS_OF)
    created = START + rng.integers(0, 540, n).astype("timedelta64[D]")
    deals, history = [], []
    for k, ending in enumerate(endings):
        reach = len(stages) - 1 if ending == "won" else int(rng.integers(0, len(stages) - 1))
        day = created[k] if ending != "open" else last - np.timedelta64(int(rng.integers(1, 120)), "D")
        begun = day
        for place in range(reach + 1):
            history.append((f"D{k:04d}", stages[place], min(day, last)))
            day = day + np.timedelta64(1 + int(rng.exponential(days / len(stages))), "D")
        deals.append(
            {
                "opportunity_id": f"D{k:04d}",
                "account_id": f"A{k % 40:03d}",
                "owner": ("Anna Keller", "李伟", "Max Huber")[k % 3],
                "region": ("North", "South", "华东")[k % 3],
                "segment": ("Key account", "Mid-size", "Small")[k % 3],
                "source": ("web", "fair", "referral", "tender")[k % 4],
                "amount": round(float(amount * np.exp(spread * rng.normal()))) if amount else None,
                "created_at": begun,
                "closed_at": min(day, last) if ending != "open" else None,
                "outcome": ending,
                "stage": stages[reach],
            }
        )
    frame = pd.DataFrame(deals).assign(**more) if deals else pd.DataFrame(columns=["opportunity_id", "stage"])
    frame_of = {"opportunities": frame}
    if history:
        frame_of["stage_history"] = pd.DataFrame(history, columns=["opportunity_id", "stage", "entered_at"])
    return frame_of


def load(given: dict[str, Any], **more: Any) -> Any:
    options = {"playbook": STAGES, "as_of": AS_OF} | more
    return fn.load(given, **options)


def without(given: dict[str, Any], *columns: str) -> dict[str, Any]:
    return given | {"opportunities": given["opportunities"].drop(columns=list(columns))}


def changed(given: dict[str, Any], **columns: Any) -> dict[str, Any]:
    return given | {"opportunities": given["opportunities"].assign(**columns)}


def _named(name: str) -> dict[str, Any]:
    given = tables(40, 60, 20)
    owners = [name if k % 2 else "Anna" for k in range(120)]
    return changed(given, owner=owners, segment=owners, region=owners)


def _apart() -> dict[str, Any]:
    """One segment wins nearly always, one nearly never."""
    strong, weak = tables(80, 8, 5, seed=2), tables(8, 80, 5, seed=3)
    weak = {name: frame.assign(opportunity_id="W" + frame["opportunity_id"]) for name, frame in weak.items()}
    strong["opportunities"] = strong["opportunities"].assign(segment="Key account")
    weak["opportunities"] = weak["opportunities"].assign(segment="Small")
    return {name: pd.concat([strong[name], weak[name]], ignore_index=True) for name in strong}


def _twelve_groups() -> dict[str, Any]:
    given = tables(120, 200, 40, seed=5)
    return changed(given, segment=[f"G{k % 12:02d}" for k in range(360)])


BOOKS: dict[str, Any] = {
    "ordinary": lambda: load(tables(60, 100, 40, 10)),
    "ordinary, euro": lambda: load(changed(tables(60, 100, 40, 10), currency="EUR")),
    "ordinary, yuan": lambda: load(changed(tables(60, 100, 40, 10, amount=90_000), currency="CNY")),
    "ordinary, yen without decimals": lambda: load(changed(tables(60, 100, 40, amount=3e6), currency="JPY")),
    "a currency without a word": lambda: load(changed(tables(60, 100, 40), currency="SEK")),
    "large: 1,200 deals": lambda: load(tables(300, 600, 250, 50, seed=8)),
    "empty": lambda: load(tables(0, 0, 0)),
    "one open deal": lambda: load(tables(0, 0, 1)),
    "one won deal": lambda: load(tables(1, 0, 0)),
    "one lost deal": lambda: load(tables(0, 1, 0)),
    "two deals": lambda: load(tables(1, 1, 0)),
    "nine deals, one too few": lambda: load(tables(3, 4, 2)),
    "ten deals, just enough": lambda: load(tables(3, 5, 2)),
    "all won": lambda: load(tables(60, 0, 0)),
    "all lost": lambda: load(tables(0, 60, 0)),
    "all open": lambda: load(tables(0, 0, 60)),
    "all without a decision": lambda: load(tables(0, 0, 0, 60)),
    "won and lost, none open": lambda: load(tables(40, 60, 0)),
    "won and open, none lost": lambda: load(tables(40, 0, 30)),
    "one open deal of many": lambda: load(tables(40, 59, 1)),
    "one lost deal of many": lambda: load(tables(80, 1, 19)),
    "one won deal of many": lambda: load(tables(1, 80, 19)),
    "amounts missing": lambda: load(without(tables(40, 60, 20), "amount")),
    "one amount known": lambda: load(changed(tables(40, 60, 20), amount=[500.0] + [None] * 119)),
    "amounts zero": lambda: load(changed(tables(40, 60, 20), amount=0.0)),
    "amounts tiny": lambda: load(tables(40, 60, 20, amount=0.9)),
    "amounts huge": lambda: load(changed(tables(40, 60, 20, amount=4e11), currency="CNY")),
    "one deal dominates": lambda: load(changed(tables(40, 60, 20), amount=[9e8] + [1_000.0] * 119)),
    "no stage history": lambda: load({"opportunities": tables(40, 60, 20)["opportunities"]}),
    "no segment, region or owner": lambda: load(
        without(tables(40, 60, 20), "segment", "region", "owner", "source", "account_id")
    ),
    "no close dates": lambda: load(without(tables(40, 60, 20), "closed_at")),
    "everything on one day": lambda: load(tables(40, 60, 20, days=0.001)),
    "very slow deals": lambda: load(tables(20, 40, 60, days=900.0)),
    "two stages": lambda: load(tables(40, 60, 20, stages=["lead", "won"]), playbook=["lead", "won"]),
    "groups far apart": lambda: load(_apart()),
    "twelve groups": lambda: load(_twelve_groups()),
    "one group": lambda: load(changed(tables(40, 60, 20), segment="Small", region="North")),
    "a group not given": lambda: load(changed(tables(40, 60, 20), segment=[None, "Small"] * 60)),
    "a long name": lambda: load(_named("Very long name " * 20)),
    "a name that is an attack": lambda: load(_named("<script>alert(1)</script>")),
    "a name with braces and percent": lambda: load(_named("{rate} 100% %s")),
    "emoji and right to left": lambda: load(_named("😀 שלום")),
    "an early day": lambda: load(tables(60, 100, 40, 10), as_of="2024-12-31"),
    "a long horizon": lambda: load(tables(60, 100, 40, 10, seed=4, days=20.0)),
    "named stage model": lambda: load(
        tables(60, 100, 40, 10, stages=list(fn.load_playbook("weekly_report").stage_ids)),
        playbook="weekly_report",
    ),
}
"""Name -> how the book is made."""


@functools.cache
def book(name: str) -> Any:
    return BOOKS[name]()


@functools.cache
def company() -> Any:
    return fn.sample().where(region="DACH")


QUESTIONS: dict[str, Any] = {
    "overview": fn.overview,
    "conversion": lambda b: fn.conversion(b, horizon_days=180),
    "conversion by segment": lambda b: fn.conversion(b, by="segment", horizon_days=180),
    "cohort": lambda b: fn.cohort(b, period="quarter", horizon_days=180),
    "segments": lambda b: fn.segments(b, by="segment"),
    "segments by day": lambda b: fn.segments(b, by="segment", measure="by_day", horizon_days=180),
    "duration": fn.duration,
    "duration to won": lambda b: fn.duration(b, to="advance"),
    "duration by segment": lambda b: fn.duration(b, by="segment"),
    "stuck": fn.stuck,
    "ageing": fn.ageing,
    "call list": fn.call_list,
    "quadrant": fn.customers.quadrant,
    "target": lambda b: fn.target(b, amount=400_000, period="2026-Q3"),
    "reverse funnel": lambda b: fn.targets.reverse_funnel(b, wins=10, period="2026-Q4"),
    "deal mix": lambda b: fn.targets.deal_mix(b, amount=400_000),
    "quota": lambda b: fn.quota(b, amount=400_000, period="2026-Q3"),
    "fair shares": lambda b: fn.fair_shares(b, by="owner", amount=400_000, period="2026-Q3"),
    "levers": lambda b: fn.levers(b, amount=400_000, period="2026-Q3"),
    "integrity": fn.integrity,
}
"""Name -> what is asked of each book."""

COMPANY_ONLY: dict[str, Any] = {
    "distribution": lambda b: fn.distribution(b, runs=19),
    "propensity": lambda b: fn.propensity(fn.sample()),
    "man": fn.man,
    "levels": fn.levels,
    "level moves": lambda b: fn.level_moves(90, b),
    "roles": fn.roles,
    "honest funnel": fn.honest_funnel,
    "assessment": fn.assessment,
    "ideal funnel": lambda b: fn.ideal_funnel(b, ideal=fn.sample()),
}
"""Asked of the sample company only, whose tables they need."""
