"""The sample company: a maker of industrial drives that sells in China and in Europe.

Its law holds the stories that the sample data tell; ``data/sample/README.md`` names them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnelnb.simulate.floor import Effect, Exit, Floor, Level, Owner, Segment, StageLaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.simulate.draw import Draws

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
