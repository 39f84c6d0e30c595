"""How often does a diagnosis raise a false alarm, and how often does it find what is sick? By simulation, from seeds.

``python -m tests.reference.diagnosis`` writes ``diagnosis.csv``: healthy floors and the share of them with any red
symptom; and for each sickness the share of floors on which the right rule is red for the right person. Floors: twelve
people, 6,000 deals in two years, people who differ in ability, accounts, seasons, targets, costs and activities. The
sicknesses are planted into the tables afterwards, at the size that docs/diagnosis.md states.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

import funnelnb as fn
from funnelnb.analysis.priority.level_moves import as_it_was
from funnelnb.simulate import Effect, Floor, Owner, simulate

HERE = Path(__file__).parent
AS_OF = "2026-06-30"
NAMES = tuple(f"{region} {letter}" for region in ("East", "North", "South") for letter in "ABCD")
SICK = "North B"
HEALTHY_N, SICK_N, FLOORS_N, WEEKS_N = 400, 40, 40, 12
SWINGS = (0.5, 0.7, 1.0, 1.2)
TODAY = pd.Timestamp(AS_OF)


def floor(rng: np.random.Generator, *effects: Effect) -> Floor:
    """A healthy floor: people differ in ability by 10 %, nothing else is planted."""
    able = np.exp(0.1 * rng.standard_normal(len(NAMES)))
    return Floor(
        regions={name: fn.simulate.Level() for name in ("East", "North", "South")},
        owners={name: Owner(region=name.split()[0], team=f"{name.split()[0]} team") for name in NAMES},
        effects=(
            *(
                Effect(attribute="owner", value=name, advance=float(one))
                for name, one in zip(NAMES, able, strict=True)
            ),
            *effects,
        ),
        deals_n=6_000,
        as_of=AS_OF,
        starts="2024-07-01",
    )


def tables_of(seed: int, *effects: Effect) -> dict[str, pd.DataFrame]:
    """The tables of one healthy floor, side tables included."""
    rng = np.random.default_rng([20_261_128, seed])
    made = simulate(floor(rng, *effects), seed=seed).tables
    deals = made["opportunities"]
    end = deals["closed_at"].fillna(TODAY)
    life = np.maximum((end - deals["created_at"]).dt.days.to_numpy(), 0)
    number = rng.poisson(1 + life / 12.0)
    rows = np.repeat(np.arange(len(deals)), number)
    at = (
        deals["created_at"].to_numpy()[rows]
        + pd.to_timedelta(np.floor(rng.uniform(size=len(rows)) * (life[rows] + 1)), unit="D").to_numpy()
    )
    acts = pd.DataFrame(
        {
            "opportunity_id": deals["opportunity_id"].to_numpy()[rows],
            "kind": "call",
            "owner": deals["owner"].to_numpy()[rows],
            "at": at,
        }
    )
    acts = acts[acts["at"] <= TODAY].reset_index(drop=True)
    won = deals[deals["outcome"] == "won"]
    quarters = pd.period_range("2025Q1", "2026Q4", freq="Q")
    fair = won[won["closed_at"] > "2025-06-30"].groupby("owner")["amount"].sum() / 4
    level = float(fair.sum()) / len(NAMES)  # targets do not follow each person's own luck
    targets = pd.DataFrame(
        [(str(q).replace("Q", "-Q"), name, round(level, -3)) for q in quarters for name in NAMES],
        columns=["period", "owner", "amount"],
    )
    months = pd.period_range("2024-07", "2026-06", freq="M")
    costs = pd.DataFrame(
        {"period": months.astype(str), "amount": 40_000 * np.exp(0.1 * rng.standard_normal(len(months)))}
    )
    return {**made, "activities": acts, "targets": targets, "costs": costs}


def book_of(tables: dict[str, pd.DataFrame], as_of: str = AS_OF) -> fn.Book:
    """A book of canonical tables, cut at the as-of day by hand where it is an earlier one."""
    made = {}
    for name, frame in tables.items():
        kept = frame.copy()
        for column in kept:
            if kept[column].dtype == object:
                kept[column] = kept[column].astype("str")
        made[name] = kept
    return fn.Book(
        tables=made,
        playbook=fn.playbooks.load_playbook("seven_step"),
        as_of=np.datetime64(as_of, "s"),
        currency="EUR",
    )


# ---- Sicknesses, planted into the tables --------------------------------------------------------------------


def _mine(tables: dict[str, pd.DataFrame]) -> pd.Series:
    return tables["opportunities"]["owner"] == SICK


def _drop(tables: dict[str, pd.DataFrame], gone: pd.Series) -> dict[str, pd.DataFrame]:
    ids = set(tables["opportunities"].loc[gone, "opportunity_id"])
    return {
        name: frame[~frame["opportunity_id"].isin(ids)].reset_index(drop=True)
        if "opportunity_id" in frame
        else frame
        for name, frame in tables.items()
    }


def _move_wins(
    tables: dict[str, pd.DataFrame], chosen: pd.Series, when: pd.Series
) -> dict[str, pd.DataFrame]:
    """Close chosen won deals on other days, in the deal and in its history."""
    deals, history = tables["opportunities"].copy(), tables["stage_history"].copy()
    deals.loc[chosen, "closed_at"] = when[chosen]
    new = dict(zip(deals.loc[chosen, "opportunity_id"], when[chosen], strict=True))
    model = fn.playbooks.load_playbook("seven_step")
    after = history["opportunity_id"].isin(list(new)) & history["stage"].isin(model.stage_ids[model.won :])
    history = history[~after]  # the deal's own day of closing tells when it was won
    deals.loc[chosen, "stage"] = model.stage_ids[model.won]
    return {**tables, "opportunities": deals, "stage_history": history.reset_index(drop=True)}


def few_opportunities(tables, rng):
    deals = tables["opportunities"]
    return _drop(tables, _mine(tables) & deals["closed_at"].isna() & (rng.uniform(size=len(deals)) < 0.92))


def feast_and_famine(tables, rng):
    deals = tables["opportunities"]
    won = _mine(tables) & (deals["outcome"] == "won")
    month = deals["closed_at"].dt.month.fillna(1)
    feast = pd.to_datetime(
        pd.DataFrame(
            {"year": deals["closed_at"].dt.year.fillna(2026), "month": np.where(month <= 6, 6, 12), "day": 1}
        )
    )
    when = feast + pd.to_timedelta(rng.integers(0, 28, len(deals)), unit="D")
    return _move_wins(tables, won & (when <= TODAY), when)


def busy_few(tables, rng):
    acts = tables["activities"]
    more = acts[acts["owner"] == SICK]
    return {**tables, "activities": pd.concat([acts, *[more] * 4], ignore_index=True)}


def untouched(tables, rng):
    acts = tables["activities"]
    keep = (acts["owner"] != SICK) | (acts["at"] < TODAY - pd.Timedelta(days=46))
    return {**tables, "activities": acts[keep].reset_index(drop=True)}


def one_size(tables, rng):
    deals = tables["opportunities"].copy()
    usual = deals["amount"].median()
    small = _mine(tables) & deals["closed_at"].isna() & (deals["amount"] <= usual)
    deals.loc[small, "amount"] = usual * (1.5 + rng.uniform(size=int(small.sum())))
    return {**tables, "opportunities": deals}


def thin_top(tables, rng):
    deals = tables["opportunities"]
    recent = deals["created_at"] > TODAY - pd.Timedelta(days=182)
    return _drop(tables, _mine(tables) & recent & (rng.uniform(size=len(deals)) < 0.9))


def few_quotations(tables, rng):
    model = fn.playbooks.load_playbook("seven_step")
    history = tables["stage_history"]
    late = history[history["stage"] == model.stage_ids[model.won - 1]]
    ids = set(late.loc[late["entered_at"] > TODAY - pd.Timedelta(days=182), "opportunity_id"])
    deals = tables["opportunities"]
    return _drop(tables, deals["opportunity_id"].isin(ids) & (rng.uniform(size=len(deals)) < 0.75))


def stalled(tables, rng):
    deals = tables["opportunities"].copy()
    lost = (
        _mine(tables)
        & deals["outcome"].astype(str).str.startswith("lost")
        & (rng.uniform(size=len(deals)) < 0.5)
    )
    deals.loc[lost, "outcome"] = "open"
    deals.loc[lost, "closed_at"] = pd.NaT
    deals.loc[lost, "lost_reason"] = None
    return {**tables, "opportunities": deals}


def hidden_deals(tables, rng):
    deals, history = tables["opportunities"].copy(), tables["stage_history"]
    hidden = _mine(tables) & (deals["outcome"] == "won") & (rng.uniform(size=len(deals)) < 0.4)
    ids = set(deals.loc[hidden, "opportunity_id"])
    deals.loc[hidden, "created_at"] = deals.loc[hidden, "closed_at"]
    keep = ~history["opportunity_id"].isin(ids)
    acts = tables["activities"]
    acts = acts[~acts["opportunity_id"].isin(ids)].reset_index(drop=True)
    return {
        **tables,
        "opportunities": deals,
        "stage_history": history[keep].reset_index(drop=True),
        "activities": acts,
    }


def bunching(tables, rng):
    deals = tables["opportunities"]
    won = _mine(tables) & (deals["outcome"] == "won")
    end = deals["closed_at"].dt.to_period("Q").dt.end_time.dt.floor("D")
    return _move_wins(tables, won & (rng.uniform(size=len(deals)) < 0.6) & (end <= TODAY), end)


def star_dependence(tables, rng):
    deals = tables["opportunities"].copy()
    deals.loc[_mine(tables), "amount"] *= 25
    return {**tables, "opportunities": deals}


def cost_rising(tables, rng):
    costs = tables["costs"].copy()
    costs.loc[costs["period"] > "2025-12", "amount"] *= 2.2
    return {**tables, "costs": costs}


def dates_overdue(tables, rng):
    deals = tables["opportunities"].copy()
    late = _mine(tables) & deals["closed_at"].isna() & (rng.uniform(size=len(deals)) < 0.9)
    deals.loc[late, "expected_close_at"] = TODAY - pd.Timedelta(days=20)
    return {**tables, "opportunities": deals}


def targets_missed(tables, rng):
    targets = tables["targets"].copy()
    targets.loc[targets["owner"] == SICK, "amount"] *= 3.0
    return {**tables, "targets": targets}


def swinging(tables, rng, size):
    """Make the orders of each month larger or smaller by a common factor, `size` its standard deviation (log)."""
    deals = tables["opportunities"].copy()
    won = deals["outcome"] == "won"
    month = deals["closed_at"].dt.strftime("%Y-%m")
    factor = {one: float(np.exp(size * rng.standard_normal())) for one in sorted(month[won].unique())}
    deals.loc[won, "amount"] *= month[won].map(factor)
    return {**tables, "opportunities": deals}


PLANTED = {
    one.__name__: one
    for one in (
        few_opportunities, thin_top, few_quotations, stalled, busy_few, untouched, dates_overdue, hidden_deals,
        feast_and_famine, one_size, star_dependence, bunching, cost_rising, targets_missed,
    )
}  # fmt: skip
LEAK = Effect(attribute="owner", value=SICK, stage="qualify", advance=0.25, lose=2.5)
OF_ALL = {"few_quotations", "cost_rising"}


def healthy(seed: int) -> object:
    return fn.diagnosis.symptoms(book_of(tables_of(seed)))


def found(rule: str, seed: int) -> bool:
    """Is the planted sickness red for the right one?"""
    rng = np.random.default_rng([7, seed])
    tables = tables_of(seed, LEAK) if rule == "leaking_step" else PLANTED[rule](tables_of(seed), rng)
    group = () if rule in OF_ALL else (SICK,)
    rows = fn.diagnosis.symptoms(book_of(tables), only=None).rows
    return any(row.state == "red" and row.rule == rule and row.group == group for row in rows)


REPLAY = {"forecast_wrong": {"on": True}}


def replayed(seed: int, size: float) -> tuple[bool, bool]:
    """With all sixteen rules: is the forecast red where sizes swing, and is any rule?"""
    tables = tables_of(seed)
    if size:
        tables = swinging(tables, np.random.default_rng([7, seed]), size)
    red = {
        row.rule for row in fn.diagnosis.symptoms(book_of(tables), rules=REPLAY).rows if row.state == "red"
    }
    return "forecast_wrong" in red, bool(red)


def weeks(seed: int) -> tuple[int, int]:
    """Of so many weekly reports of one healthy floor, how many show any red symptom?"""
    book = book_of(tables_of(20_000 + seed))
    alarms = 0
    for week in range(WEEKS_N):
        then = as_it_was(7.0 * week, book) if week else book
        alarms += any(row.state == "red" for row in fn.diagnosis.symptoms(then).rows)
    return WEEKS_N, alarms


def main(healthy_n: int = HEALTHY_N, sick_n: int = SICK_N, floors_n: int = FLOORS_N) -> None:
    rows = []
    found_red = [
        {row.rule for row in healthy(seed).rows if row.state == "red"} for seed in range(1, healthy_n + 1)
    ]
    rows.append(("false_alarm", "any", healthy_n, sum(map(bool, found_red))))
    names = sorted({rule for one in found_red for rule in one})
    rows += [("false_alarm", rule, healthy_n, sum(rule in one for one in found_red)) for rule in names]
    print(rows, flush=True)
    runs = [weeks(seed) for seed in range(1, floors_n + 1)]
    rows.append(("weekly_reports", "any", sum(n for n, _ in runs), sum(n for _, n in runs)))
    rows.append(("floors_in_12_weeks", "any", floors_n, sum(n > 0 for _, n in runs)))
    print(rows[-2:], flush=True)
    for rule in [*PLANTED, "leaking_step"]:
        hits = sum(found(rule, 10_000 + seed) for seed in range(1, sick_n + 1))
        rows.append(("power", rule, sick_n, hits))
        print(rows[-1], flush=True)
    healthy_floors = [replayed(40_000 + seed, 0.0) for seed in range(1, healthy_n // 2 + 1)]
    rows.append(("false_alarm_replay", "any", healthy_n // 2, sum(red for _, red in healthy_floors)))
    rows.append(
        ("false_alarm_replay", "forecast_wrong", healthy_n // 2, sum(red for red, _ in healthy_floors))
    )
    for size in SWINGS:
        hits = sum(replayed(10_000 + seed, size)[0] for seed in range(1, sick_n + 1))
        rows.append((f"power_swing_{size}", "forecast_wrong", sick_n, hits))
        print(rows[-1], flush=True)
    frame = pd.DataFrame(rows, columns=["kind", "rule", "n", "red_n"])
    text = f"# funnelnb {fn.__version__}, numpy {np.__version__}\n" + frame.to_csv(index=False)
    (HERE / "diagnosis.csv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
