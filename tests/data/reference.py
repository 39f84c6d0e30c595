"""The rules of the ledger as a plain loop over one deal at a time: the second opinion on every count.

Written from the rules, not from the code: nothing here is vectorised, sorted by keys or coded.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

MARKS = ("lost", "left")


@dataclass
class Recorded:
    """One deal as the tables tell of it; times are whole seconds, None where missing."""

    created: int | None = None
    closed: int | None = None
    outcome: str = "open"
    stage: int | None = None
    amount: float | None = None
    rows: list[tuple[int, int | str]] = field(default_factory=list)
    region: str | None = None
    team: str | None = None


@dataclass
class Read:
    """What can be said of a deal at the as-of date."""

    visits: list[tuple[int, int | None]]
    outcome: str
    closed: int | None
    reached: list[int | None]
    followed: list[int | str]
    left: list[int | None]
    amount: float
    won: int = 99
    unplaced: bool = False

    @property
    def furthest(self) -> int:
        place = max(stage for stage, _ in self.visits)
        return place if self.outcome == "won" else min(place, self.won - 1)


def read_all(deals: list[Recorded], *, as_of: int, won: int, positions: int) -> list[Read | None]:
    """Return what is known of each deal at `as_of`; None if it was not there yet."""
    times = [time for deal in deals for time in (deal.created, *(row[0] for row in deal.rows))]
    times += [deal.closed for deal in deals if deal.outcome != "open"]
    earlier = any(time is not None and time > as_of for time in times)
    return [read(deal, as_of=as_of, won=won, positions=positions, earlier=earlier) for deal in deals]


def read(deal: Recorded, *, as_of: int, won: int, positions: int, earlier: bool) -> Read | None:
    """Return what is known of `deal` at `as_of`; `earlier`: anything in the data is later than that."""
    created, outcome, stage = deal.created, deal.outcome, deal.stage
    closed = None if outcome == "open" else deal.closed  # of an open deal it is a hope
    if created is not None and created > as_of:
        return None
    seen = [row for row in deal.rows if row[0] <= as_of]
    closed_later = closed is not None and closed > as_of
    if closed_later:
        outcome = "open"
    if earlier and created is None and not seen and (closed is None or closed_later):
        return None
    if outcome == "open":
        closed = None
        stage = None if earlier else stage
    outcome = "lost" if outcome.startswith("lost") else outcome
    if _still_moved(deal, outcome, closed, as_of):
        outcome, stage = "open", None

    order = {**{k: k for k in range(positions)}, "lost": positions, "left": positions + 1}
    seen.sort(key=lambda row: (row[0], order[row[1]]))
    if seen and seen[-1][1] in MARKS:
        if outcome == "open":
            outcome, closed = str(seen[-1][1]), seen[-1][0]
        elif outcome in MARKS and closed is None:
            closed = seen[-1][0]
    entries = [(place, time) for time, place in seen if place not in MARKS]
    build = _from_history if entries else _without_history
    visits, reached, outcome, closed = build(entries, created, closed, outcome, stage, won, positions)
    _take_back(visits, reached, outcome, won, positions)
    found = _finish(visits, reached, outcome, closed, bool(entries), deal.amount)
    found.won = won
    found.unplaced = not entries and stage is None and found.outcome != "won" and won > 1
    return found


def _take_back(visits, reached, outcome, won, positions):
    """A win that was taken back is none; of several wins the last one counts."""
    if outcome != "won" and max(place for place, _ in visits) >= won:
        reached[won:] = [None] * (positions - won)
    pairs = list(itertools.pairwise(visits))
    if outcome == "won" and any(a >= won > b for (a, _), (b, _) in pairs):
        reached[won] = [time for (a, _), (b, time) in pairs if a < won <= b][-1]


def _still_moved(deal, outcome, closed, as_of):
    """Whether a deal that ended nobody knows when moved on after `as_of`."""
    return outcome in MARKS and closed is None and any(t > as_of and p not in MARKS for t, p in deal.rows)


def _from_history(entries, created, closed, outcome, stage, won, positions):
    if created is not None and created < entries[0][1]:
        entries = [(0, created), *entries]
    if outcome == "open" and entries[-1][0] >= won:
        outcome = "won"
    if outcome == "won" and entries[-1][0] < won:
        entries = [*entries, (won, None if closed is None else max(closed, entries[-1][1]))]
    elif outcome == "won" and closed is not None and won not in [place for place, _ in entries]:
        working = [time for place, time in entries if place < won]
        entries = sorted([*entries, (won, max([closed, *working]))], key=lambda one: (one[1], one[0]))
    visits = []
    for place, time in entries:
        if not visits or visits[-1][0] != place:
            visits.append((place, time))
    reached = []
    for k in range(positions):
        times = [time for place, time in visits if place >= k]
        headless = created is None and visits[0][0] > k
        reached.append(times[0] if times and not headless else None)
    return visits, reached, outcome, closed


def _without_history(entries, created, closed, outcome, stage, won, positions):
    if outcome == "open" and stage is not None and stage >= won:
        outcome = "won"
    if closed is not None and created is not None:
        closed = max(closed, created)
    won_at = closed if outcome == "won" else None
    places = []
    if created is not None or stage == 0 or (stage is None and outcome != "won"):
        places.append(0)
    if stage is not None:
        places.append(stage)
    if outcome == "won":
        places.append(won)
    visits = []
    for place in sorted(set(places)):
        time = created if place == 0 else won_at if place == won else None
        visits.append((place, time))
    reached = [None] * positions
    for place, time in visits:
        reached[place] = time
    return visits, reached, outcome, closed


def _finish(visits, reached, outcome, closed, has_history, amount):
    end = {"open": "still", "won": "still"}.get(outcome, outcome)
    followed = [place for place, _ in visits[1:]] + [end]
    left = []
    for k, (place, _) in enumerate(visits[:-1]):
        jump = followed[k] - place > 1
        left.append(None if jump and not has_history else visits[k + 1][1])
    over = outcome in MARKS and closed is not None
    last = visits[-1][1]
    left.append((closed if last is None else max(closed, last)) if over else None)
    return Read(
        visits=visits,
        outcome=outcome,
        closed=left[-1],
        reached=reached,
        followed=followed,
        left=left,
        amount=amount if amount is not None and amount >= 0 else 0.0,
    )


def stage_table(deals: list[Read], positions: int) -> dict[str, list[float]]:
    """Return reached, advanced, here, lost, left per position, by count and by amount."""
    table: dict[str, list[float]] = defaultdict(lambda: [0] * positions)
    for name in ("reached", "advanced", "here", "lost", "left"):
        table[f"{name}_n"], table[f"{name}_amount"] = [0] * positions, [0] * positions
    table["unplaced_n"], table["unplaced_amount"] = [0] * 4, [0] * 4
    for deal in deals:
        if deal.unplaced:
            code = {"lost": 2, "left": 3}.get(deal.outcome, 0)
            table["unplaced_n"][code] += 1
            table["unplaced_amount"][code] += deal.amount
            table["reached_n"][0] += 1
            table["reached_amount"][0] += deal.amount
            table["reached_amount_sq"][0] += deal.amount**2
            table["decided_amount_sq"][0] += deal.amount**2 if deal.outcome == "lost" else 0
            continue
        for k in range(deal.furthest + 1):
            kind = (
                "advanced"
                if k < deal.furthest
                else {"lost": "lost", "left": "left"}.get(deal.outcome, "here")
            )
            for name in ("reached", kind):
                table[f"{name}_n"][k] += 1
                table[f"{name}_amount"][k] += deal.amount
            table["reached_amount_sq"][k] += deal.amount**2
            table["decided_amount_sq"][k] += 0 if kind in ("here", "left") else deal.amount**2
    return table


def stay_table(deals: list[Read], positions: int) -> dict[str, list[float]]:
    """Return how every stay ended, per position, by count and by amount."""
    table: dict[str, list[float]] = defaultdict(lambda: [0] * positions)
    for deal in deals:
        for (place, _), following in zip(deal.visits, deal.followed, strict=True):
            kind = following
            if isinstance(following, int):
                kind = "back" if following < place else "advanced" if following == place + 1 else "skipped"
            for name in ("entered", kind):
                table[f"{name}_n"][place] += 1
                table[f"{name}_amount"][place] += deal.amount
    return table


def time_rows(
    deals: list[Read], origin: int, target: int, *, as_of: int, observed_from: int | None = None
) -> tuple[dict[tuple[int, int, int], list[float]], int]:
    """Return {(time, entry, outcome): [n, amount]} and the number of deals whose time is not known."""
    rows: dict[tuple[int, int, int], list[float]] = defaultdict(lambda: [0, 0.0])
    unknown = 0
    for deal in deals:
        if deal.furthest < origin:
            continue
        began, end, event = deal.reached[origin], as_of, 0
        last = max([time for _, time in deal.visits if time is not None], default=None)
        if deal.furthest >= target:
            end, event = deal.reached[target], 1
        elif deal.outcome == "lost":
            end, event = deal.closed, 2
        elif deal.outcome == "left":
            end = deal.closed
        if end is None and deal.furthest < target and began is not None:
            end, event = max(began, last or began), 3 if deal.outcome == "lost" else 0
        if began is None or end is None:
            unknown += 1
            continue
        entry = 0 if observed_from is None else max(0, observed_from - began)
        if entry and end - began <= entry:
            continue
        cell: Any = rows[end - began, entry, event]
        cell[0] += 1
        cell[1] += deal.amount
    return rows, unknown
