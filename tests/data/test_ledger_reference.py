"""The ledger of random messy histories against a plain loop, and what must hold for every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from funnelnb.core import arrays
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.data.ledger import build as kernel
from funnelnb.data.ledger import coded
from funnelnb.data.ledger.build import ledger_of
from funnelnb.data.ledger.codes import FACTS, LEFT, LOST, STILL
from tests.data.floors import at, book, frames, messy_deals, messy_floor, playbook
from tests.data.reference import Read, Recorded, read_all

if TYPE_CHECKING:
    from funnelnb.data.ledger.ledger import Ledger

MODELS = [playbook(3, 1), playbook(1, 0), playbook(4, 2), playbook(2, 0)]
AS_OF = st.integers(-1, 10).map(at)
OUTCOMES = ("open", "won", "lost", "left")


def observed(ledger: Ledger) -> list[Read]:
    """Read the ledger back, deal by deal, in the words of the reference."""
    ends = {LOST: "lost", STILL: "still", LEFT: "left"}

    def moments(times: np.ndarray) -> list[int | None]:
        return [None if time == UNKNOWN else int(time) for time in times]

    deals = []
    for k in range(len(ledger.outcome)):
        rows = slice(ledger.start[k], ledger.start[k + 1])
        outcome = OUTCOMES[ledger.outcome[k]]
        deals.append(
            Read(
                visits=list(zip(ledger.stage[rows].tolist(), moments(ledger.entered_s[rows]), strict=True)),
                outcome=outcome,
                closed=moments(ledger.closed_s[k : k + 1])[0] if outcome in {"lost", "left"} else None,
                reached=moments(ledger.reached_s[k]),
                followed=[ends.get(following, following) for following in ledger.next[rows].tolist()],
                left=moments(ledger.left_s[rows]),
                amount=float(ledger.amount[k]) if ledger.amount[k] >= 0 else 0.0,
                won=ledger.won,
                unplaced=bool(ledger.is_true("stage_unknown")[k]),
            )
        )
        assert ledger.furthest[k] == deals[-1].furthest
        assert (ledger.deal[rows] == k).all()
    return deals


def expected(deals: list[Recorded], model, as_of: int) -> list[Read]:
    read = read_all(deals, as_of=as_of, won=model.won, positions=len(model.stages))
    return [one for one in read if one is not None]


@pytest.mark.parametrize(
    "model", MODELS, ids=lambda model: f"{model.won}+{len(model.stages) - model.won - 1}"
)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), as_of=AS_OF)
def test_ledger_is_what_a_plain_loop_says(model, data: st.DataObject, as_of: int) -> None:
    deals = data.draw(messy_deals(positions=len(model.stages)))
    assert observed(ledger_of(book(deals, model=model, as_of=as_of))) == expected(deals, model, as_of)


@pytest.mark.parametrize("seed", range(4))
def test_ledger_of_a_large_floor(seed: int) -> None:
    model = MODELS[seed]
    deals = messy_floor(seed, 3000, model=model, seconds=seed % 2 == 1)
    as_of = at(70)
    ledger = ledger_of(book(deals, model=model, as_of=as_of))
    assert observed(ledger) == expected(deals, model, as_of)
    shares = [np.mean(ledger.outcome == k) for k in range(4)]
    assert min(shares) > 0.005  # the floor has deals of every kind


@settings(max_examples=60, deadline=None)
@given(deals=messy_deals(positions=5), as_of=AS_OF, seed=st.integers(0, 99))
def test_order_of_rows_and_deals_does_not_matter(deals: list[Recorded], as_of: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(deals))
    moved = [deals[k] for k in order]
    for deal in moved:
        deal.rows = [deal.rows[k] for k in rng.permutation(len(deal.rows))]
    model = playbook()
    assert observed(ledger_of(book(moved, as_of=as_of))) == expected(moved, model, as_of)
    before, after = (ledger_of(book(one, as_of=as_of)) for one in (deals, moved))
    assert sorted(map(repr, observed(before))) == sorted(map(repr, observed(after)))


@settings(max_examples=60, deadline=None)
@given(deals=messy_deals(positions=5), as_of=AS_OF)
def test_the_future_changes_nothing(deals: list[Recorded], as_of: int) -> None:
    """Deals, rows and closes added after the as-of date leave the ledger of an earlier day as it is."""
    late = as_of + 1
    # a deal that ended nobody knows when and still moves afterwards had not ended: that much the future does tell
    assume(all(deal.closed is not None or not deal.outcome.startswith(("lost", "left")) for deal in deals))
    before = ledger_of(book([*deals, Recorded(created=late)], as_of=as_of))
    for deal in deals:
        deal.rows = [*deal.rows, (late, 2)]
        if deal.outcome == "open":
            deal.outcome, deal.closed, deal.stage = "won", late, 3
    more = [
        *deals,
        Recorded(created=late),
        Recorded(created=late, closed=late, outcome="won", rows=[(late, 1)]),
    ]
    assert observed(ledger_of(book(more, as_of=as_of))) == observed(before)


@settings(max_examples=60, deadline=None)
@given(deals=messy_deals(positions=5), as_of=AS_OF, seed=st.integers(0, 99))
def test_restricted_ledger_is_that_of_the_deals_alone(deals: list[Recorded], as_of: int, seed: int) -> None:
    later = Recorded(created=as_of + 1)  # in both, the data go on after the as-of date
    whole = ledger_of(book([*deals, later], as_of=as_of))
    keep = np.random.default_rng(seed).random(len(whole.outcome)) < 0.5
    chosen = whole.restrict(keep)
    ids = set(whole.deal_ids[keep])
    alone = ledger_of(book([*(deal for k, deal in enumerate(deals) if f"d{k}" in ids), later], as_of=as_of))
    assert observed(chosen) == observed(alone)
    for name in ("region", "team"):
        for left, right in zip(chosen.attributes[name].codes, alone.attributes[name].codes, strict=True):
            assert chosen.attributes[name].labels[left] == alone.attributes[name].labels[right]
        assert chosen.attributes[name].labels == alone.attributes[name].labels
    told, wanted = (
        {one.code: dict(one.values) | {"examples": ""} for one in of.notes if one.code in FACTS}
        for of in (chosen, alone)
    )
    assert told == wanted
    assert chosen.deal_ids.tolist() == [one for one in whole.deal_ids if one in ids]
    assert chosen.start[-1] == len(chosen.deal)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_blocks_and_threads_do_not_show(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = playbook(4, 2)
    floor = book(messy_floor(11, 300, model=model), model=model, as_of=at(50))
    whole = ledger_of(floor)
    monkeypatch.setattr(kernel, "BLOCK", size)
    monkeypatch.setattr(coded, "_MANY", size)
    monkeypatch.setattr(arrays, "workers", lambda: 3)  # cores, whether the machine has them or not
    monkeypatch.setattr(kernel, "workers", lambda: 3)
    monkeypatch.setattr(coded, "workers", lambda: 3)
    parts = ledger_of(floor)
    assert observed(parts) == observed(whole)
    assert parts.notes == whole.notes
    for name in ("deal", "start", "closed_s", "reached_s", "facts", "outcome"):
        assert np.array_equal(getattr(parts, name), getattr(whole, name)), name


def test_repeating_a_row_changes_nothing() -> None:
    deals = messy_floor(7, 500, model=playbook())
    before = observed(ledger_of(book(deals, as_of=at(70))))
    for deal in deals:
        deal.rows = [*deal.rows, *deal.rows[:1]]
    assert observed(ledger_of(book(deals, as_of=at(70)))) == before


def test_attributes_of_dropped_deals_are_dropped() -> None:
    deals = [
        Recorded(created=at(1), region="East"),
        Recorded(created=at(9), region="West"),
        Recorded(created=at(1)),
    ]
    ledger = ledger_of(book(deals, as_of=at(5)))
    assert ledger.deal_ids.tolist() == ["d0", "d2"]
    assert ledger.attributes["region"].labels == ("", "East")
    assert ledger.attributes["region"].codes.tolist() == [1, 0]
    assert set(ledger.attributes) == {"region", "team"}
    assert frames(deals, playbook())[0].shape[1] == 8
