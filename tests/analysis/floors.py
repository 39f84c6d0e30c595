"""Deals written down one by one, and their counts made with plain loops: a second opinion."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from funnelnb.data.book import Book
from funnelnb.data.count.counts import ADVANCED, CENSORED, LOST_OUT, StageCounts, TimeCounts
from funnelnb.playbooks.model import Label, Playbook, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 86_400
EPOCH = np.datetime64("2026-01-01", "s")


def playbook(*ids: str, after: Sequence[str] = ()) -> Playbook:
    """A model with the working stages `ids`, then ``won``, then the after-sale stages `after`."""
    kinds = [*((one, "working") for one in ids), ("won", "won"), *((one, "after_sale") for one in after)]
    stages = tuple(Stage(id=one, label=Label(en=one, zh=one), kind=kind) for one, kind in kinds)
    return Playbook(
        id="test", label=Label(en="t", zh="t"), about=Label(en="t", zh="t"), source="", stages=stages
    )


@dataclass(frozen=True, kw_only=True)
class Deal:
    """One deal: entry day of each stage visited, in order; how and when it ended."""

    visits: tuple[tuple[int, float], ...]
    end: str = "open"
    closed: float | None = None
    amount: float | None = None
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def created(self) -> float:
        return self.visits[0][1]

    def reached(self, position: int, won: int) -> float | None:
        """First day at `position` or beyond."""
        days = [day for stage, day in self.visits if stage >= position]
        if self.end == "won" and won >= position:
            days.append(self.closed)
        return min(days) if days else None

    def furthest(self, won: int) -> int:
        return max([stage for stage, _ in self.visits] + ([won] if self.end == "won" else []))

    def as_of(self, day: float) -> Deal | None:
        """What was known of the deal on `day`."""
        if self.created > day:
            return None
        visits = tuple(visit for visit in self.visits if visit[1] <= day)
        if self.closed is not None and self.closed > day:
            return replace(self, visits=visits, end="open", closed=None)
        return replace(self, visits=visits)


@dataclass(frozen=True, kw_only=True)
class Floor:
    """A source that counts its own deals, with loops; times in days since EPOCH."""

    deals: tuple[Deal, ...]
    playbook: Playbook
    today: float
    observed_from: float | None = None
    currency: str = "CNY"
    notes: tuple[Any, ...] = ()

    @property
    def as_of(self) -> np.datetime64:
        return EPOCH + np.timedelta64(round(self.today * DAY), "s")

    @property
    def attributes(self) -> tuple[str, ...]:
        return tuple(sorted({name for deal in self.deals for name in deal.attributes}))

    def groups(self, by: Sequence[str]) -> dict[tuple[str, ...], list[Deal]]:
        found: dict[tuple[str, ...], list[Deal]] = defaultdict(list)
        for deal in self.deals:
            found[tuple(deal.attributes.get(name, "") for name in by)].append(deal)
        if not by:
            found.setdefault((), [])
        return dict(sorted(found.items()))

    def stage_counts(self, by: Sequence[str] = ()) -> StageCounts:
        groups, won = self.groups(by), self.playbook.won
        shape = (len(groups), len(self.playbook.stages))
        names = ("reached", "advanced", "here", "lost", "left")
        n = {name: np.zeros(shape, np.int64) for name in names}
        amount = {name: np.zeros(shape) for name in names}
        amount_n, reached_sq, decided_sq = np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape)
        for g, deals in enumerate(groups.values()):
            for deal in deals:
                for k in range(deal.furthest(won) + 1):
                    ended = {"lost": "lost", "left": "left"}.get(deal.end, "here")
                    part = "advanced" if deal.furthest(won) > k else ended
                    for name in ("reached", part):
                        n[name][g, k] += 1
                        amount[name][g, k] += deal.amount or 0.0
                    amount_n[g, k] += deal.amount is not None
                    reached_sq[g, k] += (deal.amount or 0.0) ** 2
                    decided_sq[g, k] += 0.0 if part in ("here", "left") else (deal.amount or 0.0) ** 2
        return StageCounts(
            by=tuple(by),
            groups=tuple(groups),
            stage_ids=self.playbook.stage_ids,
            won=won,
            deal_n=np.array([len(deals) for deals in groups.values()], np.int64),
            **{f"{name}_n": n[name] for name in names},
            **{f"{name}_amount": amount[name] for name in names},
            reached_amount_n=amount_n,
            reached_amount_sq=reached_sq,
            decided_amount_sq=decided_sq,
        )

    def time_counts(
        self, origin: int, target: int, by: Sequence[str] = (), calendar: None = None
    ) -> TimeCounts:
        cells: dict[tuple[int, float, float, int], list[float]] = defaultdict(lambda: [0, 0.0])
        groups, won = self.groups(by), self.playbook.won
        for g, deals in enumerate(groups.values()):
            for deal in deals:
                start, hit = deal.reached(origin, won), deal.reached(target, won)
                if start is None:
                    continue
                if hit is not None:
                    row = (hit - start, ADVANCED)
                elif deal.end == "lost":
                    row = (deal.closed - start, LOST_OUT)
                else:
                    row = ((deal.closed if deal.end == "left" else self.today) - start, CENSORED)
                entry = max(0.0, (self.observed_from or -1e9) - start)
                if entry and row[0] <= entry:
                    continue
                cells[g, row[0], entry, row[1]][0] += 1
                cells[g, row[0], entry, row[1]][1] += deal.amount or 0.0
        keys = sorted(cells)
        return TimeCounts(
            by=tuple(by),
            groups=tuple(groups),
            origin=origin,
            target=target,
            group=np.array([key[0] for key in keys], np.int32),
            time_s=np.array([round(key[1] * DAY) for key in keys], np.int64),
            entry_s=np.array([round(key[2] * DAY) for key in keys], np.int64),
            outcome=np.array([key[3] for key in keys], np.int8),
            n=np.array([cells[key][0] for key in keys], np.int64),
            amount=np.array([cells[key][1] for key in keys], np.float64),
            unknown_n=np.zeros(len(groups), np.int64),
        )

    def book(self) -> Book:
        """The same deals as a book of tables."""
        ids, history = self.playbook.stage_ids, []
        rows = []
        for number, deal in enumerate(self.deals):
            name = f"d{number:05d}"
            rows.append(
                {
                    "opportunity_id": name,
                    "created_at": when(deal.created),
                    "closed_at": when(deal.closed),
                    "outcome": deal.end,
                    "stage": ids[deal.furthest(self.playbook.won)],
                    "amount": np.nan if deal.amount is None else deal.amount,
                    **{key: deal.attributes.get(key) for key in self.attributes},
                }
            )
            history += [
                {"opportunity_id": name, "stage": ids[k], "entered_at": when(day)} for k, day in deal.visits
            ]
        return book_of(
            pd.DataFrame(rows), pd.DataFrame(history), self.playbook, self.as_of, self.observed_from
        )


def when(day: float | None) -> pd.Timestamp | None:
    return None if day is None else pd.Timestamp(EPOCH) + pd.Timedelta(seconds=round(day * DAY))


def book_of(
    deals: pd.DataFrame,
    history: pd.DataFrame | None,
    model: Playbook,
    as_of: Any,
    observed_from: float | None = None,
) -> Book:
    """A book of canonical tables."""
    deals, tables = deals.copy(), {}
    for name in deals.columns:
        if name in ("created_at", "closed_at"):
            deals[name] = pd.to_datetime(deals[name]).astype("datetime64[us]")
        elif name != "amount":
            deals[name] = deals[name].astype("str")
    tables["opportunities"] = deals
    if history is not None:
        history = history.astype({"opportunity_id": "str", "stage": "str"})
        tables["stage_history"] = history.assign(
            entered_at=pd.to_datetime(history["entered_at"]).astype("datetime64[us]")
        )
    late = None if observed_from is None else EPOCH + np.timedelta64(round(observed_from * DAY), "s")
    return Book(
        tables=tables,
        playbook=model,
        as_of=np.datetime64(as_of, "s"),
        currency="CNY",
        observed_from=late,
        name="test",
    )


def random_floor(seed: int, deal_n: int = 80, positions: int = 4, **changes: Any) -> Floor:
    """Deals with skips, moves back, losses, withdrawals and unknown amounts, in regions and sizes."""
    draw = np.random.default_rng(seed)
    model = playbook(*(f"s{k}" for k in range(positions)), after=("delivered",))
    deals = []
    for _ in range(deal_n):
        day, stage = float(draw.integers(0, 200)), int(draw.choice([0, 0, 0, 1]))
        visits, end, closed = [(stage, day)], "open", None
        for _ in range(8):
            day += float(draw.integers(0, 30))
            move = draw.choice(["on", "on", "on", "skip", "back", "lost", "stay", "left"])
            if move in ("lost", "left"):
                end, closed = str(move), day
                break
            if move == "stay":
                continue
            stage = max(0, stage + {"on": 1, "skip": 2, "back": -1}[str(move)])
            if stage >= positions:
                end, closed = "won", day
                if draw.random() < 0.5:
                    visits.append((positions, day))
                    visits.append((positions + 1, day + float(draw.integers(1, 9))))
                break
            visits.append((stage, day))
        amount = None if draw.random() < 0.1 else float(np.round(draw.lognormal(9, 1), 2))
        names = {
            "region": str(draw.choice(["East", "North", "West"])),
            "size": str(draw.choice(["large", "small"])),
        }
        deals.append(Deal(visits=tuple(visits), end=end, closed=closed, amount=amount, attributes=names))
    today = changes.pop("today", 180.0)
    known = tuple(one for one in (deal.as_of(today) for deal in deals) if one is not None)
    return Floor(deals=known, playbook=model, today=today, **changes)
