"""Small results made by hand, for looking at how they are shown; the analyses have tests of their own."""

from __future__ import annotations

import math

import numpy as np

from funnelnb.analysis.conversion.cohort import CohortCell, CohortRow, Cohorts
from funnelnb.analysis.conversion.conversion import Conversion, LossPoint, OutcomeCurve, StepRow
from funnelnb.analysis.conversion.segments import LimitRow, SegmentRow, Segments
from funnelnb.core.note import Note
from funnelnb.playbooks.model import Label

AS_OF = np.datetime64("2026-06-30T23:59:59")
NAN = math.nan
Z = 1.6448536269514722
STAGES = ("prospects", "contact", "needs", "proposal", "quotation", "won")
LABELS = (
    Label(en="prospects", zh="潜在客户"),
    Label(en="first contact", zh="初步接触"),
    Label(en="needs confirmed", zh="需求确认"),
    Label(en="proposal", zh="方案提出"),
    Label(en="quotation", zh="报价洽谈"),
    Label(en="won", zh="成交"),
)
COMMON = {"confidence_level": 0.9, "as_of": AS_OF, "currency": "CNY"}


def wilson(k: float, n: float, z: float = Z) -> tuple[float, float, float]:
    if n == 0:
        return NAN, NAN, NAN
    p, d = k / n, 1 + z * z / n
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
    return p, (p + z * z / (2 * n)) / d - half, (p + z * z / (2 * n)) / d + half


def step(
    group, stage, next_stage, reached, here, lost, *, left=0, deal=0.0, overall=False, timed=True
) -> StepRow:
    advanced = reached - here - lost - left
    decided = reached - here
    so_far, decided_ci, by_day = (
        wilson(advanced, reached),
        wilson(advanced, decided),
        wilson(advanced, reached),
    )
    amount_so_far, amount_decided = (wilson(advanced, max(n / 3, 1) * 3) for n in (reached, decided))
    nothing = (NAN, NAN, NAN)
    by_day = by_day if timed else nothing
    money = deal > 0

    def three(stem, values):
        return dict(zip((f"{stem}_rate", f"{stem}_ci_lower", f"{stem}_ci_upper"), values, strict=True))

    return StepRow(
        group=group,
        stage=stage,
        next_stage=next_stage,
        overall=overall,
        reached_n=reached,
        advanced_n=advanced,
        here_n=here,
        lost_n=lost,
        left_n=left,
        decided_n=decided,
        **three("so_far", so_far),
        **three("decided", decided_ci),
        by_day_n=reached,
        **three("by_day", by_day),
        by_day_lost_rate=lost / reached if timed and reached else NAN,
        by_day_open_rate=(here + left) / reached if timed and reached else NAN,
        at_risk_n=here,
        reached_amount=reached * deal if money else 0.0,
        advanced_amount=advanced * deal * 1.1 if money else 0.0,
        here_amount=here * deal if money else 0.0,
        lost_amount=lost * deal if money else 0.0,
        amount_n=reached if money else 0,
        **three("so_far_amount", amount_so_far if money else nothing),
        **three("decided_amount", amount_decided if money else nothing),
        enough=reached >= 10,
    )


def curve(group, won, lost, n, longest=400.0, trusted=310.0, points=60) -> OutcomeCurve:
    days = np.round(np.linspace(0.0, longest, points), 1)
    up = won * (1 - np.exp(-((days / 80) ** 1.3)))
    out = lost * (1 - np.exp(-((days / 130) ** 1.2)))
    width = 1.6 * np.sqrt(up * (1 - up) / n) * (1 + days / longest)
    return OutcomeCurve(
        group=group,
        days=days,
        won_rate=up,
        won_ci_lower=np.clip(up - width, 0, 1),
        won_ci_upper=np.clip(up + width, 0, 1),
        lost_rate=out,
        lost_ci_lower=np.clip(out - width, 0, 1),
        lost_ci_upper=np.clip(out + width, 0, 1),
        open_rate=1 - up - out,
        at_risk_n=np.maximum(1, (n * (1 - up - out) * (1 - days / (1.05 * longest)))).astype(np.int64),
        trusted_days=trusted,
    )


def conversion(groups, *, by=(), notes=(), timed=True, currency="CNY") -> Conversion:
    """Build a conversion from {group: [(reached, here, lost, left), ...], deal amount}."""
    steps, overall, curves, points = [], [], [], []
    for group, (counts, deal) in groups.items():
        rows = [
            step(group, STAGES[k], STAGES[k + 1], n, here, lost, left=left, deal=deal, timed=timed)
            for k, (n, here, lost, left) in enumerate(counts)
        ]
        steps += rows
        first, last = counts[0][0], rows[-1].advanced_n
        here, lost = sum(row.here_n for row in rows), sum(row.lost_n for row in rows)
        left = sum(row.left_n for row in rows)
        assert first - here - lost - left == last
        overall.append(
            step(
                group,
                STAGES[0],
                STAGES[-1],
                first,
                here,
                lost,
                left=left,
                deal=deal,
                overall=True,
                timed=timed,
            )
        )
        if timed and first:
            curves.append(
                curve(group, min(0.9, 1.15 * last / first), min(0.9 - last / first, lost / first), first)
            )
        if lost:
            worst = max(rows, key=lambda row: row.lost_n)
            share = wilson(worst.lost_n, lost)
            points.append(
                LossPoint(
                    group=group,
                    stage=worst.stage,
                    lost_n=worst.lost_n,
                    lost_share=share[0],
                    lost_share_ci_lower=share[1],
                    lost_share_ci_upper=share[2],
                    lost_amount=worst.lost_amount,
                    clear=lost > 60,
                )
            )
    return Conversion(
        **(COMMON | {"currency": currency}),
        n=sum(row.reached_n for row in overall),
        method="conversion",
        notes=tuple(notes),
        by=by,
        stage_ids=STAGES,
        stage_labels=LABELS,
        horizon_days=180.0,
        steps=tuple(steps),
        overall=tuple(overall),
        curves=tuple(curves),
        loss_points=tuple(points),
    )


def weekly() -> Conversion:
    """The weekly report of the field (DOMAIN D1): 100, 80, 40, 20, 10, 5, all decided."""
    counts = [(100, 0, 20, 0), (80, 0, 40, 0), (40, 0, 20, 0), (20, 0, 10, 0), (10, 0, 5, 0)]
    return conversion({(): (counts, 0.0)}, timed=False)


WHOLE = [
    (3982, 210, 905, 14),
    (2853, 260, 730, 0),
    (1863, 190, 402, 6),
    (1265, 140, 310, 0),
    (815, 71, 168, 0),
]


def company() -> Conversion:
    """A believable company: open, lost and left deals, amounts."""
    notes = (
        Note("open_deals", {"deals_n": 871, "of_n": 3982}),
        Note("amount_unknown", {"deals_n": 12, "of_n": 3982}),
    )
    return conversion({(): (WHOLE, 84_000.0)}, notes=notes)


def regions() -> Conversion:
    """Six regions; one has too few deals, one has a name that is an attack."""
    groups = {}
    names = ("East 华东", "North 华北", "South 华南", "West 西部", "<script>alert(1)</script>", "=1+1")
    for k, (name, size) in enumerate(zip(names, (900, 640, 420, 200, 60, 6), strict=True)):
        counts, n = [], size
        for stage in range(5):
            here, lost = round(n * 0.07), round(n * (0.2 + 0.02 * ((k + stage) % 5)))
            counts.append((n, here, lost, 0))
            n -= here + lost
        groups[(name,)] = (counts, 60_000.0 + 9_000 * k)
    return conversion(groups, by=("region",))


def empty() -> Conversion:
    """No deal at all."""
    return conversion({(): ([(0, 0, 0, 0)] * 5, 0.0)}, timed=False)


def cohorts(period="month", horizon=180.0) -> Cohorts:
    """Sixteen months, the last six too young, one with few deals."""
    rng = np.random.default_rng(7)
    rows, cells = [], []
    start = np.datetime64("2025-03")
    ages = (30.0, 60.0, 90.0, 120.0, 150.0, 180.0)
    for k in range(16):
        month = start + np.timedelta64(k, "M")
        first, after = (one.astype("datetime64[D]") for one in (month, month + np.timedelta64(1, "M")))
        last = after - np.timedelta64(1, "D")
        n = 7 if k == 4 else int(rng.integers(90, 260))
        ready = last + np.timedelta64(int(horizon), "D")
        seen = float(min(horizon, max(1, (AS_OF.astype("datetime64[D]") - last).astype(int))))
        final = 0.22 + 0.05 * math.sin(k / 2.5)
        rate = final * (1 - math.exp(-((seen / 70) ** 1.3)))
        p, low, high = wilson(rate * n, n)
        rows.append(
            CohortRow(
                cohort=str(month), starts=first, ends=last, deal_n=n, won_n=round(p * n), lost_n=round(0.4 * n),
                open_n=n - round(p * n) - round(0.4 * n), mature=bool(ready <= AS_OF), trusted_from=ready,
                won_rate=p, won_ci_lower=low, won_ci_upper=high, seen_days=seen, enough=n >= 10,
            )
        )  # fmt: skip
        for age in ages:
            known = age <= seen + 30
            r = final * (1 - math.exp(-((age / 70) ** 1.3))) if known else NAN
            p, low, high = wilson(r * n, n) if known else (NAN, NAN, NAN)
            cells.append(
                CohortCell(
                    cohort=str(month), age_days=age, won_rate=p, won_ci_lower=low, won_ci_upper=high,
                    mature=age <= seen, at_risk_n=n if age <= seen else n // 3, deal_n=n,
                )
            )  # fmt: skip
    note = Note(
        "cohorts_immature",
        {"cohorts_n": 6, "of_n": 16, "horizon_days": horizon, "trusted_from": "2026-12-27"},
    )
    return Cohorts(
        **COMMON, n=sum(row.deal_n for row in rows), method="cohort", notes=(note,), period=period,
        horizon_days=horizon, rows=tuple(rows), cells=tuple(cells),
    )  # fmt: skip


def _limits(n, p, factor):
    found = []
    for z in (1.959964, 3.090232):
        half = z * math.sqrt(factor * p * (1 - p) / n)
        found += [max(0.0, p - half), min(1.0, p + half)]
    return dict(
        zip(("limit_95_lower", "limit_95_upper", "limit_998_lower", "limit_998_upper"), found, strict=True)
    )


PEOPLE = {
    "Chen Wei 陈伟": (210, 151), "Anna Kowalska": (160, 98), "Bo Li 李波": (245, 146), "Carla Méndez": (88, 52),
    "Deng Fang 邓芳": (310, 172), "Erik Lund": (130, 71), "Fei Zhao 赵飞": (41, 24), "Gao Min 高敏": (180, 92),
    "Hiro Tanaka": (26, 17), "Ivan Petrov": (205, 84), "Jia Sun 孙佳": (7, 5), "<b>Kim</b> & Co": (12, 4),
}  # fmt: skip


def segments(counts=None, by=("owner",), verdicts=True) -> Segments:
    """Twelve people: one above, one below, one with too few deals."""
    counts = counts or PEOPLE
    total, won = sum(n for n, _ in counts.values()), sum(k for _, k in counts.values())
    pooled, prior = won / total, 60.0
    rows = []
    for name, (n, k) in counts.items():
        raw = wilson(k, n)
        shrunken = wilson(k + prior * pooled, n + prior)
        rest = (won - k) / (total - n)
        half = Z * math.sqrt(raw[0] * (1 - raw[0]) / n + rest * (1 - rest) / (total - n))
        z = (raw[0] - rest) / (half / Z) if half else 0.0
        p = math.erfc(abs(z) / math.sqrt(2))
        verdict = "not_separable"
        if n < 10:
            verdict = "too_few"
        elif verdicts and p * 4 < 0.1:
            verdict = "higher" if z > 0 else "lower"
        rows.append(
            SegmentRow(
                group=(name,), decided_n=n, won_n=k, raw_rate=raw[0], raw_ci_lower=raw[1], raw_ci_upper=raw[2],
                shrunken_rate=shrunken[0], shrunken_ci_lower=shrunken[1], shrunken_ci_upper=shrunken[2],
                rest_rate=rest, difference=raw[0] - rest, difference_ci_lower=raw[0] - rest - half,
                difference_ci_upper=raw[0] - rest + half, p_value=p, p_adjusted=min(1.0, 4 * p),
                **_limits(n, pooled, 1.4), verdict=verdict,
            )
        )  # fmt: skip
    rows.sort(key=lambda row: -row.shrunken_rate)
    sizes = np.unique(
        np.linspace(min(n for n, _ in counts.values()), max(n for n, _ in counts.values()), 60).astype(int)
    )
    return Segments(
        **COMMON, n=total, method="segments_decided", notes=(), by=by, measure="decided", horizon_days=NAN,
        pooled_rate=pooled, omnibus_p_value=0.0004, overdispersion=1.4, rows=tuple(rows),
        limits=tuple(LimitRow(decided_n=int(n), **_limits(n, pooled, 1.4)) for n in sizes),
    )  # fmt: skip
