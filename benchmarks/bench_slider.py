"""From a moved slider to new figures on 8,800 deals: funnelnb against the same by hand in pandas and SciPy.

    python benchmarks/bench_slider.py            # the table of benchmarks/README.md

A move picks a part of the deals (two of three segments, two of three sources) and asks how they convert, step
by step and overall, by region. By hand that is a filter, group-bys for the shares so far and decided, and an
empirical distribution for the share by day; funnelnb adds intervals, amounts, the competing loss, curves and
loss points. Both take turns in one process on the same tables; the shares must be equal, or there is no
table. The target is compute: processor time, which other programs on the machine disturb least.
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

SLIDER_MS = 50
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


def ours(book: fn.Book, move: dict[str, list[str]]) -> dict[tuple[str, int], tuple[int, int, int]]:
    """Reached, advanced and decided of each region and step."""
    result = fn.conversion(book.where(**move), by="region", horizon_days=HORIZON_DAYS)
    position = {stage: k for k, stage in enumerate(result.stage_ids)}
    return {
        (row.group[0], position[row.stage]): (row.reached_n, row.advanced_n, row.decided_n)
        for row in result.steps
        if not row.after_sale
    }


def by_hand(
    tables: dict[str, pd.DataFrame],
    stage_ids: tuple[str, ...],
    as_of: pd.Timestamp,
    move: dict[str, list[str]],
) -> dict[tuple[str, int], tuple[int, int, int]]:
    """The same, and SciPy's distribution of the time to the next stage with all others censored."""
    from scipy.stats import CensoredData, ecdf

    deals = tables["opportunities"]
    for name, values in move.items():
        deals = deals[deals[name].isin(values)]
    won = stage_ids.index("won") if "won" in stage_ids else len(stage_ids) - 1
    position = {stage: k for k, stage in enumerate(stage_ids)}
    rows = tables["stage_history"].merge(
        deals[["opportunity_id", "region", "outcome", "created_at", "closed_at"]], on="opportunity_id"
    )
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
    deals = deals.merge(pd.concat(first, axis=1), left_on="opportunity_id", right_index=True, how="left")
    found = {}
    for region, group in deals.groupby("region"):
        for k in range(won):
            reached = group[group["furthest"] >= k]
            if reached.empty:
                continue
            advanced = reached["furthest"] > k
            unsettled = ~advanced & ~reached["outcome"].str.startswith(
                "lost"
            )  # open, or left without a decision
            found[str(region), k] = (len(reached), int(advanced.sum()), int(len(reached) - unsettled.sum()))
            end = reached[f"at_{k + 1}"].fillna(reached["closed_at"]).fillna(as_of)
            days = ((end - reached[f"at_{k}"]).dt.total_seconds() / 86_400).to_numpy()
            keep = days >= 0
            sample = CensoredData(uncensored=days[keep & advanced], right=days[keep & ~advanced.to_numpy()])
            ecdf(sample).cdf.evaluate(HORIZON_DAYS)
    return found


def measured(work: Any, *given: Any) -> tuple[dict[str, float], Any]:
    """Run `work`; return its wall-clock and processor milliseconds, and its result."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work(*given)
    took = {"wall": (time.perf_counter() - wall) * 1e3, "compute": (time.process_time() - processor) * 1e3}
    return took, result


def take_turns(book: fn.Book, moves_n: int) -> dict[str, list[dict[str, float]]]:
    """Let both ways make the same moves, check that they agree, return their times."""
    tables, stage_ids = dict(book.tables), book.playbook.stage_ids
    times: dict[str, list[dict[str, float]]] = {"funnelnb": [], "pandas and SciPy by hand": []}
    for number, move in enumerate(itertools.islice(itertools.cycle(moves(book)), moves_n + 2)):
        mine_took, mine = measured(ours, book, move)
        hand_took, hand = measured(by_hand, tables, stage_ids, pd.Timestamp(book.as_of), move)
        if mine != hand:
            other = sorted(set(mine.items()) ^ set(hand.items()))[:5]
            raise SystemExit(f"the two ways differ for {move}: {other}")
        if number >= 2:  # the first two moves load modules
            times["funnelnb"].append(mine_took)
            times["pandas and SciPy by hand"].append(hand_took)
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deals", type=int, default=DEALS_N)
    parser.add_argument("--moves", type=int, default=15)
    given = parser.parse_args()
    sales = fn.simulate.simulate(fn.simulate.Floor(deals_n=given.deals), seed=7)
    book = fn.load(dict(sales.tables), playbook=sales.playbook, as_of=sales.as_of)
    times = take_turns(book, given.moves)
    medians = {
        name: {clock: statistics.median(one[clock] for one in runs) for clock in ("compute", "wall")}
        for name, runs in times.items()
    }
    print("| way | compute ms | wall ms | x of funnelnb |")
    print("|---|---|---|---|")
    for name, one in medians.items():
        ratio = one["compute"] / medians["funnelnb"]["compute"]
        print(f"| {name} | {one['compute']:.1f} | {one['wall']:.1f} | {ratio:.1f} |")
    met = medians["funnelnb"]["compute"] < SLIDER_MS
    print(f"{'met ' if met else 'MISSED'} under {SLIDER_MS} ms of compute for {given.deals:,} deals")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
