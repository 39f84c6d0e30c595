"""From a moved slider to new figures on 8,800 deals: funnelnb against the same by hand in pandas and SciPy.

    python benchmarks/bench_slider.py            # the table of benchmarks/README.md

A move picks a part of the deals (two of three segments, two of three sources) and asks how they convert, step
by step and overall, by region. By hand that is a filter and group-bys for the shares so far and decided; with Wilson's
intervals of both (``scipy.stats.binomtest``), shares of the amount, and the share that went on by the day against
competing losses with its log-log interval. The deals have no accounts here, so the intervals by hand are those of
independent deals and must equal ours to 1e-9, or there is no table. A second line is funnelnb on the same deals with
accounts, whose jackknife nobody writes by hand. All take turns in one process. The target is compute: processor time,
which other programs on the machine disturb least.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve()
if str(HERE.parents[1]) not in sys.path:
    sys.path.insert(0, str(HERE.parents[1]))

import funnelnb as fn  # noqa: E402
from funnelnb.core.check import CONFIDENCE_LEVEL  # noqa: E402

SLIDER_MS, TIMES = 50, 5.0
HORIZON_DAYS = 90
DEALS_N = 8_800


def moves(book: fn.Book) -> list[dict[str, list[str]]]:
    """All picks of two of three segments and two of three sources, shuffled once."""
    pairs = {
        name: list(itertools.combinations(sorted(book.opportunities[name].dropna().unique()), 2))
        for name in ("segment", "source")
    }
    picks = [dict(zip(pairs, map(list, pick), strict=True)) for pick in itertools.product(*pairs.values())]
    return [picks[k] for k in np.random.default_rng(1).permutation(len(picks))]


FIGURES = (
    "reached_n", "advanced_n", "decided_n", "so_far_rate", "so_far_ci_lower", "so_far_ci_upper", "so_far_amount_rate",
    "decided_rate", "decided_ci_lower", "decided_ci_upper", "by_day_rate", "by_day_ci_lower", "by_day_ci_upper",
    "by_day_lost_rate", "by_day_open_rate",
)  # fmt: skip
Found = dict[tuple[str, int], tuple[float, ...]]


def ours(book: fn.Book, move: dict[str, list[str]]) -> Found:
    """The figures of each region and step."""
    result = fn.conversion(book.where(**move), by="region", horizon_days=HORIZON_DAYS)
    position = {stage: k for k, stage in enumerate(result.stage_ids)}
    return {
        (row.group[0], position[row.stage]): tuple(getattr(row, name) for name in FIGURES)
        for row in result.steps
        if not row.after_sale
    }


def by_hand(
    tables: dict[str, pd.DataFrame],
    stage_ids: tuple[str, ...],
    as_of: pd.Timestamp,
    move: dict[str, list[str]],
) -> Found:
    """The same as an analyst would write it."""
    deals = tables["opportunities"]
    for name, values in move.items():
        deals = deals[deals[name].isin(values)]
    won = stage_ids.index("won") if "won" in stage_ids else len(stage_ids) - 1
    deals = _reached(tables["stage_history"], deals, stage_ids, won)
    found: Found = {}
    for region, group in deals.groupby("region"):
        for k in range(won):
            reached = group[group["furthest"] >= k]
            if reached.empty:
                continue
            advanced = reached["furthest"] > k
            lost = ~advanced & reached["outcome"].str.startswith("lost")
            n, on, out = len(reached), int(advanced.sum()), int(lost.sum())
            amount = reached["amount"].fillna(0.0)
            end = reached[f"at_{k + 1}"].fillna(reached["closed_at"]).fillna(as_of)
            days = ((end - reached[f"at_{k}"]).dt.total_seconds() / 86_400).to_numpy()
            what = np.where(advanced, 1, np.where(lost, 2, 0))
            found[str(region), k] = (
                n, on, on + out, *_share(on, n), float(amount[advanced].sum() / amount.sum()),
                *_share(on, on + out), *_by_day(days, what),
            )  # fmt: skip
    return found


def _reached(
    history: pd.DataFrame, deals: pd.DataFrame, stage_ids: tuple[str, ...], won: int
) -> pd.DataFrame:
    """The deals with their furthest stage, and when they first stood in each or beyond."""
    position = {stage: k for k, stage in enumerate(stage_ids)}
    rows = history.merge(deals[["opportunity_id", "outcome", "closed_at"]], on="opportunity_id")
    rows["position"] = rows["stage"].map(position)
    closed = (
        deals.loc[deals["outcome"] == "won"].assign(position=won).rename(columns={"closed_at": "entered_at"})
    )
    rows = pd.concat([rows, closed[["opportunity_id", "position", "entered_at"]]], ignore_index=True)
    furthest = rows.groupby("opportunity_id")["position"].max().rename("furthest")
    deals = deals.merge(furthest, left_on="opportunity_id", right_index=True, how="left")
    deals["furthest"] = deals["furthest"].fillna(0).astype(int)
    first = [
        rows[rows["position"] >= k].groupby("opportunity_id")["entered_at"].min().rename(f"at_{k}")
        for k in range(won + 1)
    ]
    return deals.merge(pd.concat(first, axis=1), left_on="opportunity_id", right_index=True, how="left")


def _share(part: int, whole: int) -> tuple[float, float, float]:
    """A share with Wilson's interval."""
    from scipy.stats import binomtest

    if not whole:
        return float("nan"), float("nan"), float("nan")
    bounds = binomtest(part, whole).proportion_ci(CONFIDENCE_LEVEL, method="wilson")
    return part / whole, float(bounds.low), float(bounds.high)


def _by_day(days: np.ndarray, what: np.ndarray) -> tuple[float, ...]:
    """Aalen-Johansen at the horizon with the Greenwood-type variance and the log-log interval; lost and open."""
    from scipy.stats import norm

    times = pd.crosstab(days, what).reindex(columns=[0, 1, 2], fill_value=0)
    gone = times.sum(axis=1)
    risk = gone[::-1].cumsum()[::-1]
    events = times[[1, 2]].sum(axis=1)
    still = (1 - events / risk).cumprod()
    before = still.shift(fill_value=1.0)
    curves = times[[1, 2]].mul(before / risk, axis=0).cumsum()
    at = times.index <= HORIZON_DAYS
    if not at.any() or (days.max() < HORIZON_DAYS and still.iloc[-1] > 0):
        return (float("nan"),) * 5
    rate, lost = curves[at].iloc[-1]
    step, d, y = times[1][at] * before[at] / risk[at], events[at], risk[at]
    later = rate - curves[1][at]
    summand = step * (before[at] - step) / y - 2 * step * later / y
    summand += (later**2 * d / (y * (y - d))).where(y > d, 0.0)
    z = norm.ppf(0.5 + CONFIDENCE_LEVEL / 2)
    reach = np.exp(z * np.sqrt(summand.sum()) / abs((1 - rate) * np.log(1 - rate)))
    return rate, 1 - (1 - rate) ** (1 / reach), 1 - (1 - rate) ** reach, lost, 1 - rate - lost


def measured(work: Any, *given: Any) -> tuple[dict[str, float], Any]:
    """Run `work`; return its wall-clock and processor milliseconds, and its result."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work(*given)
    took = {"wall": (time.perf_counter() - wall) * 1e3, "compute": (time.process_time() - processor) * 1e3}
    return took, result


WAYS = ("funnelnb", "pandas and SciPy by hand", "funnelnb, deals in accounts")


def take_turns(book: fn.Book, with_accounts: fn.Book, moves_n: int) -> dict[str, list[dict[str, float]]]:
    """Let all ways make the same moves, check that they agree, return their times."""
    tables, stage_ids = dict(book.tables), book.playbook.stage_ids
    times: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for number, move in enumerate(itertools.islice(itertools.cycle(moves(book)), moves_n + 2)):
        mine_took, mine = measured(ours, book, move)
        hand_took, hand = measured(by_hand, tables, stage_ids, pd.Timestamp(book.as_of), move)
        accounts_took, _ = measured(ours, with_accounts, move)
        agree(mine, hand, move)
        if number >= 2:  # the first two moves load modules
            for way, took in zip(WAYS, (mine_took, hand_took, accounts_took), strict=True):
                times[way].append(took)
    return times


def agree(mine: Found, hand: Found, move: dict[str, list[str]]) -> None:
    """Stop unless all figures are equal; a share by day that one side withholds counts as not known."""
    for key in sorted({*mine, *hand}):
        for name, one, other in zip(FIGURES, mine[key], hand[key], strict=True):
            if not np.isclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True):
                raise SystemExit(f"the two ways differ for {move}: {key} {name}: {one} and {other}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deals", type=int, default=DEALS_N)
    parser.add_argument("--moves", type=int, default=15)
    given = parser.parse_args()
    sales = fn.simulate.simulate(fn.simulate.Floor(deals_n=given.deals), seed=7)
    tables = dict(sales.tables)
    with_accounts = fn.load(tables, playbook=sales.playbook, as_of=sales.as_of)
    tables["opportunities"] = tables["opportunities"].drop(columns="account_id")
    book = fn.load(tables, playbook=sales.playbook, as_of=sales.as_of)
    times = take_turns(book, with_accounts, given.moves)
    medians = {
        name: {clock: statistics.median(one[clock] for one in runs) for clock in ("compute", "wall")}
        for name, runs in times.items()
    }
    print("| way | compute ms | wall ms | x of funnelnb |")
    print("|---|---|---|---|")
    for name, one in medians.items():
        ratio = one["compute"] / medians["funnelnb"]["compute"]
        print(f"| {name} | {one['compute']:.1f} | {one['wall']:.1f} | {ratio:.1f} |")
    quick = medians["funnelnb"]["compute"] < SLIDER_MS
    print(f"{'met ' if quick else 'MISSED'} under {SLIDER_MS} ms of compute for {given.deals:,} deals")
    ratio = medians["pandas and SciPy by hand"]["compute"] / medians["funnelnb"]["compute"]
    print(f"{'met ' if ratio >= TIMES else 'MISSED'} {TIMES} times as fast as by hand")
    return 0 if quick and ratio >= TIMES else 1


if __name__ == "__main__":
    sys.exit(main())
