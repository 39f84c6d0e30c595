"""Targets: exact chances against a simulation of a million draws, in one run.

Run: python benchmarks/bench_targets.py [--json FILE]

Each line gives the time of the package (median of many calls), the time of a NumPy simulation of 10^6 draws that
answers the same question, their ratio, the error of both against a lattice 64 times as fine, and whether the limits
hold. The simulation is written the fast way: sums by chunks. For the
cheapest mix it is a search of 10^6 random mixes, and for the leads one number of leads only: there the ratio is given
without a limit.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from funnelnb.stats.totals import assurance, compound, mix
from funnelnb.stats.totals.size import between, mixture

DRAWS = 1_000_000
LOWER, UPPER = np.array([0, 10e3, 30e3, 50e3]), np.array([10e3, 30e3, 50e3, 100e3])
SHARE = np.array([61, 30, 12, 5]) / 108
BANDS = [between(low, high) for low, high in zip(LOWER, UPPER, strict=True)]
HISTORY = mixture(SHARE, BANDS)
TARGET, DEALS = 500e3, 38


def seconds(call, least=0.6, most=400):
    """Median time of a call; enough of them to be sure."""
    call()
    taken, start = [], time.perf_counter()
    while time.perf_counter() - start < least and len(taken) < most:
        before = time.perf_counter()
        call()
        taken.append(time.perf_counter() - before)
    return float(np.median(taken))


def draw(rng, deals, draws):
    """Totals of `draws` plans of `deals` deals of history's sizes."""
    band = rng.choice(4, size=(draws, deals), p=SHARE)
    return (LOWER[band] + (UPPER - LOWER)[band] * rng.random((draws, deals))).sum(axis=1)


def simulated_chance(rng, deals=DEALS):
    """Chance of the target with so many deals, by simulation."""
    hits = sum(int((draw(rng, deals, 50_000) >= TARGET).sum()) for _ in range(DRAWS // 50_000))
    return hits / DRAWS


def simulated_chances(rng, most=100):
    """Chance with 1 to `most` deals: running sums of the same draws."""
    hits = np.zeros(most)
    for _ in range(DRAWS // 20_000):
        band = rng.choice(4, size=(20_000, most), p=SHARE)
        sizes = LOWER[band] + (UPPER - LOWER)[band] * rng.random((20_000, most))
        hits += (np.cumsum(sizes, axis=1) >= TARGET).sum(axis=0)
    return hits / DRAWS


def simulated_required(rng, assurance=0.8):
    """Smallest number of deals, from the running sums (up to 64 deals)."""
    return int(np.argmax(simulated_chances(rng, 64) >= assurance)) + 1


def exact():
    """Chances with 1 to 100 deals on a lattice 64 times as fine."""
    laid = compound.lattice_for([HISTORY], TARGET, 1 << 14, 100)
    spectrum = compound.transform(compound.on_lattice(HISTORY, laid))
    power, found = np.ones_like(spectrum), []
    for n in range(1, 101):
        power = power * spectrum
        mass = compound.inverse(power, laid.length)
        found.append(compound.chance_on(mass[None, :], laid, np.array([n]), np.zeros(1))[0][0])
    return np.array(found)


def simulated_mix(rng, task):
    """Cheapest of a million mixes drawn at random that reach the target."""
    top = np.ceil(task.target / np.array(task.amount)).astype(int)
    counts = np.stack([rng.integers(0, one + 1, DRAWS) for one in top], axis=1)
    effort = np.where(counts @ np.array(task.amount) >= task.target, counts @ np.array(task.effort), np.inf)
    return float(effort.min())


def rows():
    """Measure everything; one dict per line."""
    rng = np.random.default_rng(1)
    truth = exact()
    made = []

    def add(name, limit_ms, ours, theirs, our_error, their_error, error_limit=1e-5, faster=500):
        fast = seconds(ours)
        start = time.perf_counter()
        answer = theirs()
        slow = time.perf_counter() - start
        made.append(
            {
                "what": name,
                "ms": 1e3 * fast,
                "limit_ms": limit_ms,
                "simulation_ms": 1e3 * slow,
                "ratio": slow / fast,
                "error": our_error(),
                "simulation_error": their_error(answer),
                "holds": bool(1e3 * fast < limit_ms and our_error() <= error_limit and slow / fast >= faster),
            }
        )

    required = int(np.argmax(truth >= 0.8)) + 1
    add(
        "P(total >= target), 38 deals, 4 bands", 1,
        lambda: compound.chance_of_n(HISTORY, DEALS, TARGET),
        lambda: simulated_chance(rng),
        lambda: abs(compound.chance_of_n(HISTORY, DEALS, TARGET).value - truth[DEALS - 1]),
        lambda answer: abs(answer - truth[DEALS - 1]),
    )  # fmt: skip
    add(
        "required number of deals", 2,
        lambda: compound.required_n(HISTORY, TARGET, 0.8),
        lambda: simulated_required(rng),
        lambda: abs(compound.required_n(HISTORY, TARGET, 0.8) - required),
        lambda answer: abs(answer - required),
    )  # fmt: skip
    add(
        "all numbers of deals 1..100", 10,
        lambda: compound.chances(HISTORY, TARGET, 100),
        lambda: simulated_chances(rng),
        lambda: float(np.abs(compound.chances(HISTORY, TARGET, 100)[0][1:] - truth).max()),
        lambda answer: float(np.abs(answer - truth).max()),
    )  # fmt: skip
    task = mix.Task(target=500e3, amount=(5e3, 20e3, 40e3, 75e3), effort=(8, 20, 45, 90))
    best = float(np.dot(mix.cheapest_by_program(task), task.effort))
    add(
        "cheapest mix, 4 bands", 1,
        lambda: mix.cheapest(task),
        lambda: simulated_mix(rng, task),
        lambda: abs(float(np.dot(mix.cheapest(task), task.effort)) - best),
        lambda answer: abs(answer - best), faster=0,
    )  # fmt: skip
    wide = mix.Task(
        target=5e6, amount=tuple(np.linspace(5e3, 150e3, 12)), effort=tuple(2 + np.linspace(5, 150, 12) ** 0.8),
        limits=(mix.Limit(name="hours", use=tuple(np.linspace(1, 12, 12)), capacity=900.0),),
        most_share=0.3, least_n=(1,) * 12,
    )  # fmt: skip
    wide_best = float(np.dot(mix.cheapest_by_program(wide), wide.effort))
    add(
        "cheapest mix, 12 bands", 1000,
        lambda: mix.cheapest(wide),
        lambda: simulated_mix(rng, wide),
        lambda: abs(float(np.dot(mix.cheapest(wide), wide.effort)) - wide_best),
        lambda answer: abs(answer - wide_best), faster=0,
    )  # fmt: skip
    steps = ([30, 18, 9], [120, 30, 18])
    chance = assurance.step_chance(*steps, 20, 377)

    def simulated_leads():
        rate = np.prod([rng.beta(k + 0.5, n - k + 0.5, DRAWS) for k, n in zip(*steps, strict=True)], axis=0)
        return float(np.mean(rng.binomial(377, rate) >= 20))

    add(
        "leads for 20 wins through 3 measured steps", 100,
        lambda: assurance.required_leads(*steps, 20, 0.8),
        simulated_leads,
        lambda: 0.0, lambda answer: abs(answer - chance), faster=0,
    )  # fmt: skip
    return made


def main() -> int:
    """Print the table; exit 1 if a limit does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found = rows()
    print(f"{'':44}{'ours ms':>9}{'limit':>7}{'10^6 draws ms':>15}{'ratio':>8}{'error':>10}{'its error':>11}")
    for row in found:
        print(
            f"{row['what']:44}{row['ms']:9.3f}{row['limit_ms']:7.0f}{row['simulation_ms']:15.0f}{row['ratio']:8.0f}"
            f"{row['error']:10.1e}{row['simulation_error']:11.1e}{'' if row['holds'] else '   MISSED'}"
        )
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0 if all(row["holds"] for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
