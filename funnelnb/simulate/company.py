"""The sample company, a maker of industrial drives in China and Europe, and the tables beside its deals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from funnelnb.data.contract.tables import ASSESSMENT_FACTORS
from funnelnb.playbooks.roles import ROLES
from funnelnb.simulate.deals import day_number
from funnelnb.simulate.draw import Draws, Ints
from funnelnb.simulate.floor import Effect, Exit, Floor, Level, Owner, Segment, StageLaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.playbooks.model import Playbook
    from funnelnb.simulate.make import SalesFloor


# ---- The sample company: a maker of industrial drives that sells in China and in Europe --------------------

SAMPLE_SEED = 27
"""Seed of ``data/sample``."""

CHINA = ("华东", "华南", "华北")
EUROPE = ("DACH", "Nordics", "Iberia")

_REGIONS = {"华东": 0.285, "华南": 0.2, "华北": 0.195, "DACH": 0.175, "Nordics": 0.132, "Iberia": 0.013}

_STAFF: Mapping[str, tuple[tuple[str, float], ...]] = {
    "华东": (("王芳", 1.0), ("李伟", 1.1), ("张敏", 1.0), ("陈静", 0.9), ("周强", 1.3), ("孙悦", 0.7)),
    "华南": (("黄丽", 1.1), ("吴霞", 1.0), ("徐斌", 1.0), ("林浩", 0.8)),
    "华北": (("刘洋", 1.0), ("赵磊", 1.2), ("杨帆", 0.9), ("高翔", 0.8)),
    "DACH": (("Anna Keller", 1.0), ("Jonas Vogt", 1.1), ("Lea Brunner", 0.9), ("Max Huber", 0.9)),
    "Nordics": (("Erik Lund", 1.0), ("Sara Nyström", 1.0), ("Mikko Laine", 0.8)),
    "Iberia": (("Lucía Ferrer", 1.0),),
}
_TEAMS = {
    "华东": "华东一组",
    "华南": "华南组",
    "华北": "华北组",
    "DACH": "Central",
    "Nordics": "North",
    "Iberia": "South",
}
_SECOND_TEAM = {"陈静": "华东二组", "周强": "华东二组", "孙悦": "华东二组"}

_SEGMENTS = {
    "Key account": Segment(share=0.18, amount_median=160_000.0, amount_sigma=0.75),
    "Mid-size": Segment(share=0.37, amount_median=52_000.0, amount_sigma=0.65),
    "Small": Segment(share=0.45, amount_median=15_000.0, amount_sigma=0.6),
}
_PRODUCTS = {
    "Drive system": Level(share=0.35),
    "Gearbox": Level(share=0.3, amount_factor=0.8),
    "Retrofit": Level(share=0.2, amount_factor=0.6),
    "Service contract": Level(share=0.15, amount_factor=0.4),
}
_SOURCES = {
    "fair": Level(share=0.2),
    "web": Level(share=0.28),
    "referral": Level(share=0.12),
    "own contact": Level(share=0.28),
    "tender": Level(share=0.12, amount_factor=1.3),
}

_CHINA_SEASON = (0.95, 0.55, 1.25, 1.1, 1.05, 1.15, 1.0, 0.95, 1.15, 0.8, 1.2, 1.1)
_EUROPE_SEASON = (1.05, 1.1, 1.2, 1.05, 1.0, 1.0, 0.7, 0.6, 1.25, 1.2, 1.15, 0.7)


def sample_floor() -> Floor:
    """Return the law behind ``data/sample``.

    Examples
    --------
    >>> sample_floor().as_of
    '2026-06-30'
    """
    owners = {
        name: Owner(region=region, team=_SECOND_TEAM.get(name, _TEAMS[region]), share=share)
        for region, staff in _STAFF.items()
        for name, share in staff
    }
    return Floor(
        laws=_laws(),
        effects=_effects(),
        regions={name: Level(share=share) for name, share in _REGIONS.items()},
        segments=_SEGMENTS,
        segment_mix={"DACH": {"Key account": 0.28, "Mid-size": 0.42, "Small": 0.3}},
        products=_PRODUCTS,
        sources=_SOURCES,
        customer_types={"new": Level(share=0.42), "existing": Level(share=0.58)},
        owners=owners,
        deals_n=4_000,
        starts="2024-07-01",
        as_of="2026-06-30",
        season=_CHINA_SEASON,
        region_season=dict.fromkeys(EUROPE, _EUROPE_SEASON),
        growth=0.6,
        size_effects={"advance": -0.08, "lose": 0.05},
        account_sd=0.2,
        deals_per_account=4.0,
        amount_missing_share=0.01,
        weekends=False,
    )


def _laws() -> dict[str, StageLaw]:
    """Return the stage laws: losses come later than progress, some deals drag on."""
    stages = _working_stages()
    rows = (
        # days to advance, lose (shape), skip, back, leave; shares of losses to a competitor, to no decision
        (37, 115, 0.65, 500, None, 700, 0.05, 0.55),
        (43, 135, 0.65, 650, 560, 1200, 0.10, 0.65),
        (47, 210, 0.7, 700, 560, 3000, 0.30, 0.60),
        (50, 100, 0.9, None, 400, 4000, 0.78, 0.17),
        (25, 135, 0.9, None, 250, None, 0.60, 0.35),
    )
    laws = {}
    for stage, row, shape in zip(stages, rows, (0.9, 0.95, 1.2, 1.2, 1.2), strict=True):
        advance, lose, lose_shape, skip, back, leave, competitor, nobody = row
        laws[stage] = StageLaw(
            advance=Exit(days=advance, shape=shape),
            lose=Exit(days=lose, shape=lose_shape),
            skip=None if skip is None else Exit(days=skip),
            back=None if back is None else Exit(days=back),
            leave=None if leave is None else Exit(days=leave),
            competitor_share=competitor,
            no_decision_share=nobody,
        )
    won, *later = _floor_stages()[len(stages) :]
    laws[won] = StageLaw.from_shares(20, shape=1.4, advance=0.97, leave=0.03)
    if later:
        laws[later[0]] = StageLaw.from_shares(90, shape=1.4, advance=0.45, leave=0.55)
    return laws


def _effects() -> tuple[Effect, ...]:
    find, qualify, _, shortlist, _ = _working_stages()
    return (
        Effect(attribute="region", value="DACH", advance=1.25, lose=0.75),
        Effect(attribute="region", value="Nordics", pace=0.6),
        Effect(attribute="segment", value="Key account", stage=find, lose=0.25),
        Effect(attribute="segment", value="Key account", stage=qualify, lose=0.4),
        Effect(attribute="segment", value="Key account", stage=shortlist, lose=2.8),
        Effect(attribute="segment", value="Small", pace=1.2),
        Effect(attribute="source", value="referral", advance=1.35, lose=0.8),
        Effect(attribute="source", value="web", advance=0.8, lose=1.2),
        Effect(attribute="customer_type", value="existing", advance=1.15, lose=0.85),
        Effect(attribute="owner", value="周强", advance=1.3, lose=0.75),
    )


def _floor_stages() -> tuple[str, ...]:
    from funnelnb.playbooks import load_playbook

    return load_playbook("seven_step").stage_ids


def _working_stages() -> tuple[str, ...]:
    return _floor_stages()[:5]


_CHINA_FIRST = "瑞禾凌启泰远宏盛嘉辰恒朗捷锐昊骏鼎森铭拓岳澜"
_CHINA_SECOND = "峰源川岩诚科达庭屹舟柏颂维桥禹衡湛域璟赫"
_CHINA_TRADE = {
    "machinery": ("机械", "装备"),
    "food": ("食品", "饮料"),
    "metals": ("钢构", "铸造"),
    "packaging": ("包装", "纸业"),
    "energy": ("能源", "电力"),
    "logistics": ("物流", "仓储"),
}
_EUROPE_FIRST: Mapping[str, tuple[str, ...]] = {
    "DACH": (
        "Brand",
        "Eich",
        "Falken",
        "Grün",
        "Hart",
        "Klee",
        "Lang",
        "Ober",
        "Rot",
        "Stein",
        "Wald",
        "Winter",
    ),
    "Nordics": ("Björk", "Dal", "Ek", "Fjell", "Gran", "Hav", "Lind", "Norr", "Silver", "Sten", "Tall", "Åk"),
    "Iberia": ("Alba", "Bera", "Cor", "Del", "Luz", "Mira", "Oli", "Peña", "Riba", "Sol", "Torre", "Vega"),
}
_EUROPE_SECOND: Mapping[str, tuple[str, ...]] = {
    "DACH": ("egger", "feld", "hofer", "inger", "kamp", "meister", "rieder", "talner", "wanger", "ziegel"),
    "Nordics": ("berga", "dahlin", "forsen", "gård", "holmen", "kvarn", "lunda", "marken", "sunda", "vikan"),
    "Iberia": ("badra", "cela", "dora", "landa", "mendi", "nova", "quera", "sella", "tana", "zara"),
}
_EUROPE_TRADE: Mapping[str, Mapping[str, str]] = {
    "DACH": {
        "machinery": "Maschinenbau",
        "food": "Lebensmittel",
        "metals": "Metall",
        "packaging": "Verpackung",
        "energy": "Energie",
        "logistics": "Logistik",
    },
    "Nordics": {
        "machinery": "Mekanik",
        "food": "Livs",
        "metals": "Stål",
        "packaging": "Pack",
        "energy": "Energi",
        "logistics": "Logistik",
    },
    "Iberia": {
        "machinery": "Máquinas",
        "food": "Alimentos",
        "metals": "Metales",
        "packaging": "Envases",
        "energy": "Energía",
        "logistics": "Logística",
    },
}
_LEGAL = {"DACH": ("GmbH", "AG", "KG"), "Nordics": ("AB", "AS", "Oy"), "Iberia": ("S.L.", "S.A.", "Lda")}


def account_names(region: str, n: int, draws: Draws) -> list[tuple[str, str]]:
    """Return `n` different made-up company names of a region, each with its industry."""
    pool = _china_pool() if region in CHINA else _europe_pool(region)
    offset = (CHINA.index(region), len(CHINA)) if region in CHINA else (0, 1)
    pool = pool[offset[0] :: offset[1]]
    order = np.argsort(draws.uniform(len(pool)), kind="stable")[:n]
    return [pool[k] for k in order.tolist()]


def _china_pool() -> list[tuple[str, str]]:
    return [
        (first + second + trade, industry)
        for first in _CHINA_FIRST
        for second in _CHINA_SECOND
        for industry, trades in _CHINA_TRADE.items()
        for trade in trades
        if first != second
    ]


def _europe_pool(region: str) -> list[tuple[str, str]]:
    return [
        (f"{first}{second} {trade} {legal}", industry)
        for first in _EUROPE_FIRST[region]
        for second in _EUROPE_SECOND[region]
        for industry, trade in _EUROPE_TRADE[region].items()
        for legal in _LEGAL[region]
    ]


# ---- The tables beside deals: accounts, contacts, activities, assessments, gates, targets, costs, events ---

KINDS = ("call", "email", "visit", "demo", "quotation", "meeting")
_KIND_WEIGHTS = np.array(  # by how far the deal is: early calls, later visits and quotations
    [[5, 4, 1, 0, 0, 1], [4, 4, 2, 1, 0, 2], [2, 3, 3, 3, 1, 3], [2, 2, 3, 3, 4, 3], [2, 2, 3, 1, 5, 4]],
    dtype=float,
)
_EVIDENCE = {
    True: ("会议纪要", "邮件", "签字文件", "电话记录"),
    False: ("minutes", "email", "signed paper", "call note"),
}
_NOTES = {
    ("+", True): ("预算已批", "高层支持", "合作多年"),
    ("+", False): ("budget approved", "sponsor on the board", "long relation"),
    ("-", True): ("对手关系深", "需求不清", "决策链不明"),
    ("-", False): ("close to competitor", "need unclear", "decision path unknown"),
}
_WEB_STEPS = ("visit", "product_page", "datasheet", "contact_form", "request_quote")
_WEB_RATES = (1.0, 0.55, 0.4, 0.35, 0.5)


def side_tables(sales: SalesFloor, floor: Floor, seed: int) -> dict[str, pd.DataFrame]:
    """Return the eight tables beside ``opportunities`` and ``stage_history``."""
    draws = Draws(seed, 8)
    deals = sales.tables["opportunities"]
    open_deals = deals[deals["outcome"] == "open"].reset_index(drop=True)
    recent = deals[deals["created_at"] >= pd.Timestamp(floor.as_of) - pd.Timedelta(days=120)]
    active = pd.concat([open_deals, recent[recent["outcome"] != "open"]], ignore_index=True)
    accounts = _accounts(deals, floor, draws.child(1))
    return {
        "accounts": accounts,
        "contacts": _contacts(deals, sales.playbook, draws.child(2)),
        "activities": _activities(active, sales, draws.child(3)),
        "assessments": _assessments(open_deals, floor, draws.child(4)),
        "gates": _gates(open_deals, sales, draws.child(5)),
        "targets": _targets(deals, floor),
        "costs": _costs(floor, draws.child(7)),
        "events": _events(floor, draws.child(8)),
    }


def _text(values: list[str] | np.ndarray) -> pd.api.extensions.ExtensionArray:
    return pd.array(np.asarray(values, dtype=object), dtype="str")


def _times(days: Ints) -> np.ndarray:
    return days.astype("datetime64[D]").astype("datetime64[us]")


def _days(times: pd.Series) -> Ints:
    return times.to_numpy().astype("datetime64[D]").astype(np.int64)


def _weekday(days: Ints) -> Ints:
    """Move weekend days back to the Friday before."""
    weekday = days % 7
    return np.where(weekday == 2, days - 1, np.where(weekday == 3, days - 2, days))


def _accounts(deals: pd.DataFrame, floor: Floor, draws: Draws) -> pd.DataFrame:
    """One row per account, with what its size class makes likely (C1: money, authority, need)."""
    frame = (
        deals.groupby("account_id", sort=True)[["region", "segment", "customer_type"]].first().reset_index()
    )
    n = len(frame)
    names = np.empty((n, 2), dtype=object)
    for code, region in enumerate(floor.regions):
        rows = np.flatnonzero(frame["region"] == region)
        names[rows] = account_names(region, len(rows), draws.child(code))
    chance = np.where(frame["segment"] == "Small", 0.6, 0.8)
    u = draws.child(20).uniform(4, n)
    return pd.DataFrame(
        {
            "account_id": frame["account_id"],
            "name": _text(names[:, 0]),
            "industry": _text(names[:, 1]),
            "size": frame["segment"].map({"Key account": "large", "Mid-size": "medium", "Small": "small"}),
            "region": frame["region"],
            "money": np.where(u[0] < chance, "yes", "no"),
            "authority": np.where(u[1] < 0.55, "yes", "no"),
            "need": np.where(u[2] < 0.75, "yes", "no"),
            "intent": _text(
                np.array(["high", "medium", "low"], dtype=object)[np.floor(u[3] ** 0.8 * 3).astype(int)]
            ),
        }
    )


def _contacts(deals: pd.DataFrame, playbook: Playbook, draws: Draws) -> pd.DataFrame:
    """Buyer roles met at accounts with an advanced deal; how many differs from account to account."""
    position = {stage: k for k, stage in enumerate(playbook.stage_ids)}
    advanced = deals[deals["stage"].map(position) >= 3]
    accounts = np.unique(advanced["account_id"].to_numpy(dtype=object))
    usual = np.array([0.8, 0.6, 0.65, 0.7, 0.25, 0.15, 0.2, 0.15])
    met = draws.uniform(len(accounts), len(ROLES)) < usual * (0.5 + draws.uniform(len(accounts), 1) * 0.7)
    rows, roles = np.nonzero(met)
    return pd.DataFrame(
        {
            "contact_id": _text([f"C{k:04d}" for k in range(1, len(rows) + 1)]),
            "account_id": _text(accounts[rows]),
            "role": _text(np.array(list(ROLES), dtype=object)[roles]),
        }
    )


def _activities(active: pd.DataFrame, sales: SalesFloor, draws: Draws) -> pd.DataFrame:
    """Contacts with deals that are open or young; some open deals have long been silent."""
    today = day_number(sales.as_of)
    created = _days(active["created_at"])
    closed = np.where(
        active["closed_at"].isna(), today, _days(active["closed_at"].fillna(pd.Timestamp(sales.as_of)))
    )
    silent = (active["outcome"] == "open").to_numpy() & (draws.child(1).uniform(len(active)) < 0.18)
    until = np.where(silent, created + (closed - created) // 3, closed)
    number = np.minimum(7, draws.child(2).count(3.0, len(active)))
    rows = np.repeat(np.arange(len(active)), number)
    share = draws.child(3).uniform(len(rows)) ** 0.7
    at = np.maximum(
        created[rows],
        _weekday(created[rows] + np.floor(share * (until - created + 1)[rows]).astype(np.int64)),
    )
    at = np.minimum(at, until[rows])
    position = {stage: k for k, stage in enumerate(sales.playbook.stage_ids)}
    phase = np.minimum(active["stage"].map(position).to_numpy(dtype=np.int64)[rows], 4)
    phase = np.floor(phase * share).astype(np.int64)
    u = draws.child(4).uniform(len(rows))
    steps = np.cumsum(_KIND_WEIGHTS, axis=1)
    kind = (u[:, None] * steps[phase, -1:] >= steps[phase]).sum(axis=1)
    frame = pd.DataFrame(
        {
            "opportunity_id": active["opportunity_id"].to_numpy()[rows],
            "kind": _text(np.array(KINDS, dtype=object)[kind]),
            "owner": active["owner"].to_numpy()[rows],
            "at": _times(at),
        }
    )
    return frame.sort_values(["at", "opportunity_id", "kind"], kind="stable", ignore_index=True)


def _assessments(open_deals: pd.DataFrame, floor: Floor, draws: Draws) -> pd.DataFrame:
    """The nine factors of key accounts with open deals, judged in the last year."""
    key = open_deals[open_deals["segment"] == next(iter(floor.segments))].drop_duplicates("account_id")
    key = key.sort_values("amount", ascending=False, kind="stable").head(60).sort_values("account_id")
    n = len(key) * len(ASSESSMENT_FACTORS)
    strength = np.repeat(0.4 + 0.45 * draws.child(1).uniform(len(key)), len(ASSESSMENT_FACTORS))
    plus = draws.child(2).uniform(n) < strength
    china = np.repeat(key["region"].isin(CHINA).to_numpy(), len(ASSESSMENT_FACTORS))
    noted = draws.child(3).uniform(n) < 0.3
    which = draws.child(4).index(np.full(n, 3))
    at = day_number(floor.as_of) - 5 - draws.child(5).index(np.full(len(key), 300))
    mark = np.where(plus, "+", "-")
    note = [
        _NOTES[m, bool(c)][w] if said else None
        for m, c, w, said in zip(mark.tolist(), china, which, noted, strict=True)
    ]
    return pd.DataFrame(
        {
            "account_id": np.repeat(key["account_id"].to_numpy(), len(ASSESSMENT_FACTORS)),
            "factor": _text(list(ASSESSMENT_FACTORS) * len(key)),
            "mark": _text(mark),
            "note": pd.array(note, dtype="str"),
            "at": _times(np.repeat(_weekday(at), len(ASSESSMENT_FACTORS))),
        }
    )


def _gates(open_deals: pd.DataFrame, sales: SalesFloor, draws: Draws) -> pd.DataFrame:
    """Criteria of an open deal's stage and of the one before; some deals stand further than shown."""
    stages = sales.playbook.stages
    position = {stage.id: k for k, stage in enumerate(stages)}
    entered = sales.tables["stage_history"].groupby("opportunity_id")["entered_at"].max()
    since_day = dict(zip(entered.index.tolist(), _days(entered).tolist(), strict=True))
    rows: list[tuple[str, str, str, bool, bool, int]] = []
    today = day_number(sales.as_of)
    u = iter(draws.uniform(40 * len(open_deals) + 1).tolist())
    for deal in open_deals.itertuples(index=False):
        here = position[str(deal.stage)]
        since = int(since_day[str(deal.opportunity_id)])
        for k in (here - 1, here):
            criteria = (*stages[k].entry, *stages[k].exit) if k >= 2 else ()
            for gate in criteria[:3]:
                met = next(u) < (0.92 if k < here else 0.5)
                at = since if k < here else since + int(next(u) * (today - since + 1))
                rows.append((str(deal.opportunity_id), stages[k].id, gate.id, met, deal.region in CHINA, at))
    shown = _EVIDENCE[True], _EVIDENCE[False]
    evidence = [shown[0 if row[4] else 1][int(next(u) * 4)] if row[3] else None for row in rows]
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(6)]
    return pd.DataFrame(
        {
            "opportunity_id": _text(columns[0]),
            "stage": _text(columns[1]),
            "criterion": _text(columns[2]),
            "met": np.where(columns[3], "yes", "no"),
            "evidence": pd.array(evidence, dtype="str"),
            "at": _times(_weekday(np.array(columns[5], dtype=np.int64))),
        }
    )


def _targets(deals: pd.DataFrame, floor: Floor) -> pd.DataFrame:
    """Quarterly targets per person: the region's average per quarter and head, a tenth more each year."""
    won = deals[deals["outcome"] == "won"]
    quarters = pd.period_range(floor.starts, pd.Period(floor.as_of, freq="Q") + 2, freq="Q")
    past_n = len(pd.period_range(floor.starts, floor.as_of, freq="Q"))
    signed = won.groupby("region")["amount"].sum() / past_n
    staff = pd.Series([one.region for one in floor.owners.values()]).value_counts()
    rows = [
        (
            str(quarter).replace("Q", "-Q"),
            name,
            one.team,
            one.region,
            _round(signed[one.region] / staff[one.region], k),
        )
        for k, quarter in enumerate(quarters)
        for name, one in floor.owners.items()
    ]
    return pd.DataFrame(rows, columns=["period", "owner", "team", "region", "amount"])


def _round(mean: float, quarter: int) -> float:
    return float(np.round(mean * 0.95 * 1.1 ** (quarter / 4) / 5_000) * 5_000)


def _costs(floor: Floor, draws: Draws) -> pd.DataFrame:
    """Monthly cost of sales by region and source; fairs cost most, in spring and autumn."""
    months = pd.period_range(floor.starts, floor.as_of, freq="M")
    monthly = {"fair": 9_000.0, "web": 5_000.0, "referral": 800.0, "own contact": 6_500.0, "tender": 3_000.0}
    total = sum(one.share for one in floor.regions.values())
    noise = iter(np.exp(0.15 * draws.normal(len(months) * len(floor.regions) * len(floor.sources))).tolist())
    rows = []
    for month in months:
        for region, level in floor.regions.items():
            for source in floor.sources:
                busy = (2.5 if month.month in (3, 4, 9, 10) else 0.4) if source == "fair" else 1.0
                size = 6 * level.share / total
                amount = monthly.get(source, 2_000.0) * busy * size * next(noise)
                rows.append((str(month), region, source, float(round(amount, -1))))
    return pd.DataFrame(rows, columns=["period", "region", "source", "amount"])


def _events(floor: Floor, draws: Draws) -> pd.DataFrame:
    """What visitors did on the company's site in the last quarter, up to a request for a quotation."""
    n = 900
    last = day_number(floor.as_of)
    reached = np.cumprod(draws.child(1).uniform(n, len(_WEB_STEPS)) < np.array(_WEB_RATES), axis=1)
    gaps = np.floor(draws.child(2).exponential(n, len(_WEB_STEPS)) * 1.5).astype(np.int64)
    gaps[:, 0] = last - 90 + np.floor(draws.child(3).uniform(n) * 91).astype(np.int64)
    at = np.cumsum(gaps, axis=1)
    actor, step = np.nonzero((reached == 1) & (at <= last))
    return pd.DataFrame(
        {
            "actor": _text([f"V{k:03d}" for k in (actor + 1).tolist()]),
            "event": _text(np.array(_WEB_STEPS, dtype=object)[step]),
            "at": _times(at[actor, step]),
        }
    )
