"""Messy sales floors: ties, skips, moves back, missing history, reopened deals, unknown and later dates."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from funnelnb.data.book import Book
from funnelnb.playbooks.model import Label, Playbook, Stage
from tests.data.reference import Recorded

EPOCH_S = 1_767_225_600  # 2026-01-01
OUTCOMES = ("open", "won", "lost_competitor", "lost_no_decision", "lost", "left")
BLANK = Label(en="", zh="")


def playbook(working: int = 3, after_sale: int = 1) -> Playbook:
    """A model with stages s0, s1, ..., won, after0, ..."""
    stages = [Stage(id=f"s{k}", label=BLANK) for k in range(working)]
    stages.append(Stage(id="won", label=BLANK, kind="won"))
    stages += [Stage(id=f"after{k}", label=BLANK, kind="after_sale") for k in range(after_sale)]
    return Playbook(id="test", label=BLANK, about=BLANK, source="", stages=tuple(stages))


def at(day: float | None) -> int | None:
    """Seconds of day `day`, counted from 2026-01-01."""
    return None if day is None else EPOCH_S + round(day * 86_400)


def frames(deals: list[Recorded], model: Playbook) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the canonical tables ``opportunities`` and ``stage_history`` of `deals`."""

    def times(values: list[int | None]) -> pd.Series:
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="Int64"), unit="s")).astype("datetime64[us]")

    ids = [f"d{k}" for k in range(len(deals))]
    opportunities = pd.DataFrame(
        {
            "opportunity_id": pd.Series(ids, dtype="str"),
            "created_at": times([deal.created for deal in deals]),
            "closed_at": times([deal.closed for deal in deals]),
            "outcome": pd.Series([deal.outcome for deal in deals], dtype="str"),
            "stage": pd.Series(
                [None if deal.stage is None else model.stage_ids[deal.stage] for deal in deals], dtype="str"
            ),
            "amount": pd.Series([deal.amount for deal in deals], dtype="float64"),
            "region": pd.Series([deal.region for deal in deals], dtype="str"),
            "team": pd.Series([deal.team for deal in deals], dtype="str"),
        }
    )
    rows = [(ids[k], stage, time) for k, deal in enumerate(deals) for time, stage in deal.rows]
    names = [stage if isinstance(stage, str) else model.stage_ids[stage] for _, stage, _ in rows]
    history = pd.DataFrame(
        {
            "opportunity_id": pd.Series([row[0] for row in rows], dtype="str"),
            "stage": pd.Series(names, dtype="str"),
            "entered_at": times([row[2] for row in rows]),
        }
    )
    return opportunities, history


def book(
    deals: list[Recorded], *, model: Playbook | None = None, as_of: int, observed_from: int | None = None
) -> Book:
    """Return the book of `deals`."""
    model = model or playbook()
    opportunities, history = frames(deals, model)
    return Book(
        tables={"opportunities": opportunities, "stage_history": history},
        playbook=model,
        as_of=np.datetime64(as_of, "s"),
        observed_from=None if observed_from is None else np.datetime64(observed_from, "s"),
    )


@st.composite
def messy_deals(draw: st.DrawFn, *, positions: int, most: int = 6) -> list[Recorded]:
    """Draw deals whose few possible days make ties, contradictions and late events frequent."""
    days = st.integers(0, 9)
    moment = st.one_of(st.none(), days.map(at))
    places = st.one_of(st.integers(0, positions - 1), st.sampled_from(["lost", "left"]))
    deal = st.builds(
        Recorded,
        created=moment,
        closed=moment,
        outcome=st.sampled_from(OUTCOMES),
        stage=st.one_of(st.none(), st.integers(0, positions - 1)),
        amount=st.sampled_from([None, -5.0, 0.0, 10.0, 0.1, 1e6]),
        rows=st.lists(st.tuples(days.map(at), places), max_size=6),
        region=st.sampled_from([None, "East", "West"]),
        team=st.sampled_from(["A", "B"]),
    )
    return draw(st.lists(deal, max_size=most))


def messy_floor(seed: int, deal_n: int, *, model: Playbook, seconds: bool = False) -> list[Recorded]:
    """Return many messy deals with a believable middle: most move forward, some do everything else."""
    rng = np.random.default_rng(seed)
    positions = len(model.stages)
    deals = []
    for _ in range(deal_n):
        created = None if rng.random() < 0.1 else _moment(rng, 0, 60, seconds)
        time, place = created or _moment(rng, 0, 60, seconds), int(rng.random() < 0.1)
        rows: list[tuple[int, int | str]] = []
        if rng.random() < 0.8:
            time += rng.choice([0, 0, 86_400, -86_400])
            for _ in range(rng.integers(1, 6)):
                rows.append((int(time), "lost" if rng.random() < 0.06 else int(place)))
                time += int(rng.exponential(8)) * 86_400 + (int(rng.integers(86_400)) if seconds else 0)
                place = int(np.clip(place + rng.choice([1, 1, 1, 2, -1, 0]), 0, positions - 1))
        outcome = str(rng.choice(OUTCOMES, p=[0.4, 0.25, 0.1, 0.1, 0.1, 0.05]))
        closed = None if outcome == "open" or rng.random() < 0.05 else int(time)
        stage = None if rng.random() < 0.3 else int(rng.integers(positions))
        amount = None if rng.random() < 0.1 else float(np.round(rng.lognormal(8, 1), 2))
        region = rng.choice(["East", "West", "North", "华东", ""])
        rows = [rows[k] for k in rng.permutation(len(rows))]
        deals.append(
            Recorded(
                created=created,
                closed=closed,
                outcome=outcome,
                stage=stage,
                amount=amount,
                rows=rows,
                region=str(region) or None,
                team=str(rng.choice(["A", "B"])),
            )
        )
    return deals


def _moment(rng: np.random.Generator, low: int, high: int, seconds: bool) -> int:
    day = EPOCH_S + 86_400 * int(rng.integers(low, high))
    return day + (int(rng.integers(86_400)) if seconds else 0)
