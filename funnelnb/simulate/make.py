"""From a law to canonical tables: sales floors whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from funnelnb.core import check
from funnelnb.core.arrays import in_days
from funnelnb.playbooks.model import Label, Playbook, Stage
from funnelnb.simulate.deals import (
    DAY_S,
    LEFT,
    LOST,
    NEVER,
    WON,
    Deals,
    Paths,
    day_number,
    draw_deals,
    end_s,
    walk,
)
from funnelnb.simulate.draw import Draws, Floats, Ints
from funnelnb.simulate.floor import Floor
from funnelnb.simulate.truth import LognormalTruth, RunTruth

if TYPE_CHECKING:
    from collections.abc import Mapping

LOST_REASONS: Mapping[str, tuple[str, ...]] = {
    "lost_competitor": ("price", "product fit", "incumbent preferred", "delivery time"),
    "lost_no_decision": ("budget cut", "project stopped", "no sponsor"),
    "lost": ("no contact", "not qualified"),
}
"""What is recorded as the reason of a loss, by outcome."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SalesFloor:
    """A simulated sales floor.

    Attributes
    ----------
    tables : dict of str to pandas.DataFrame
        Canonical tables: ``opportunities`` and ``stage_history``.
    truth : RunTruth or LognormalTruth
    playbook : Playbook
    as_of : str
        ISO day to whose end everything is recorded.
    currency : str
    observed_from : str
        Deals that ended before are missing; empty: none is missing.
    seed : int
    """

    tables: dict[str, pd.DataFrame]
    truth: RunTruth | LognormalTruth
    playbook: Playbook
    as_of: str
    currency: str
    observed_from: str
    seed: int


def simulate(floor: Floor | None = None, seed: int = 1) -> SalesFloor:
    """What would a sales floor with this law export, and what is true of it?

    Parameters
    ----------
    floor : Floor, optional
        The law; default: a four-region floor on the seven-step playbook.
    seed : int
        Not negative. The same floor and seed give the same tables.

    Returns
    -------
    SalesFloor

    Examples
    --------
    >>> from funnelnb.simulate import Floor, simulate
    >>> sales = simulate(Floor(deals_n=200), seed=3)
    >>> len(sales.tables["opportunities"])
    200
    """
    floor = Floor() if floor is None else floor
    draws = Draws(int(check.number("seed", seed, ge=0)))
    until_s = end_s(floor)
    deals = draw_deals(floor, floor.deals_n, draws.child(1))
    paths = walk(floor, deals, draws.child(2), until_s)
    deals, paths = _with_referrals(floor, deals, paths, draws.child(3))
    tables = _tables(floor, deals, paths, draws.child(4))
    return SalesFloor(
        tables=tables,
        truth=RunTruth(floor),
        playbook=floor.playbook,
        as_of=floor.as_of,
        currency=floor.currency,
        observed_from=floor.observed_from,
        seed=seed,
    )


def _with_referrals(floor: Floor, deals: Deals, paths: Paths, draws: Draws) -> tuple[Deals, Paths]:
    """Let winners bring new deals, and those again, where the playbook has a referral edge."""
    if not any(edge.kind == "referral" for edge in floor.playbook.edges) or not floor.referral_share:
        return deals, paths
    parents, won_s = deals, np.where(paths.outcome == WON, paths.closed_s, NEVER)
    for generation in range(100):
        stream = draws.child(generation)
        bring = np.flatnonzero((won_s != NEVER) & (stream.uniform(len(parents)) < floor.referral_share))
        clock = won_s[bring] / DAY_S + 1 + floor.referral_days * stream.exponential(len(bring))
        bring, clock = bring[clock * DAY_S <= end_s(floor)], clock[clock * DAY_S <= end_s(floor)]
        if not len(bring):
            break
        children = _children(floor, parents.take(bring), clock, int(deals.account.max()) + 1, stream.child(1))
        lives = walk(floor, children, stream.child(2), end_s(floor))
        deals, paths = deals.append(children), _join(paths, lives)
        parents, won_s = children, np.where(lives.outcome == WON, lives.closed_s, NEVER)
    return _in_order(deals, paths)


def _children(floor: Floor, parents: Deals, clock: Floats, first_account: int, draws: Draws) -> Deals:
    """Draw referred deals: new accounts in the region of whoever referred them."""
    n = len(parents)
    drawn = draw_deals(floor, n, draws)
    changes: dict[str, Any] = {
        "region": parents.region,
        "owner": parents.owner,
        "account": first_account + np.arange(n),
        "clock": clock,
        "created_s": np.floor(clock).astype(np.int64) * DAY_S
        if floor.whole_days
        else (clock * DAY_S).astype(np.int64),
    }
    if "referral" in floor.sources:
        changes["source"] = np.full(n, floor.levels("source").index("referral"))
    if "new" in floor.customer_types:
        changes["customer_type"] = np.full(n, floor.levels("customer_type").index("new"))
    return replace(drawn, **changes)


def _join(first: Paths, second: Paths) -> Paths:
    shifted = {"deal": np.concatenate([first.deal, second.deal + len(first.outcome)])}
    others = ("stage", "at_s", "left_s", "outcome", "closed_s", "last")
    return Paths(**shifted, **{k: np.concatenate([getattr(first, k), getattr(second, k)]) for k in others})


def _in_order(deals: Deals, paths: Paths) -> tuple[Deals, Paths]:
    """Put deals in order of creation."""
    order = np.argsort(deals.clock, kind="stable")
    return deals.take(order), _pick(paths, order)


def _pick(paths: Paths, order: Ints) -> Paths:
    """Return the paths of the deals at `order`, renumbered."""
    new = np.full(len(paths.outcome), -1)
    new[order] = np.arange(len(order))
    rows = np.flatnonzero(new[paths.deal] >= 0)
    rows = rows[np.argsort(new[paths.deal[rows]], kind="stable")]
    return Paths(
        deal=new[paths.deal[rows]],
        stage=paths.stage[rows],
        at_s=paths.at_s[rows],
        left_s=paths.left_s[rows],
        outcome=paths.outcome[order],
        closed_s=paths.closed_s[order],
        last=paths.last[order],
    )


def _tables(floor: Floor, deals: Deals, paths: Paths, draws: Draws) -> dict[str, pd.DataFrame]:
    if floor.observed_from:
        start_s = day_number(floor.observed_from) * DAY_S
        kept = np.flatnonzero((paths.closed_s == NEVER) | (paths.closed_s >= start_s))
        deals, paths = deals.take(kept), _pick(paths, kept)
    ids = _ids("D", len(deals))
    outcome = _outcomes(floor, paths, draws.child(1))
    stages = np.array(floor.playbook.stage_ids, dtype=object)
    owner = _labels(floor.owners, deals.owner)
    teams = np.array([one.team for one in floor.owners.values()], dtype=object)
    opportunities = pd.DataFrame(
        {
            "opportunity_id": ids,
            "account_id": _ids("A", int(deals.account.max()) + 1 if len(deals) else 0)[deals.account],
            "owner": owner,
            "team": _text(teams[deals.owner]),
            "region": _labels(floor.regions, deals.region),
            "segment": _labels(floor.segments, deals.segment),
            "product": _labels(floor.products, deals.product),
            "source": _labels(floor.sources, deals.source),
            "customer_type": _labels(floor.customer_types, deals.customer_type),
            "amount": np.where(deals.amount_known, deals.amount, np.nan),
            "currency": pd.array(np.full(len(deals), floor.currency, dtype=object), dtype="str"),
            "created_at": _time(deals.created_s),
            "closed_at": _time(paths.closed_s),
            "outcome": outcome,
            "lost_reason": _reasons(outcome, draws.child(2)),
            "stage": _text(stages[paths.last]),
            "expected_close_at": _expected(floor, deals, paths, draws.child(3)),
        }
    )
    history = pd.DataFrame(
        {
            "opportunity_id": ids[paths.deal],
            "stage": _text(stages[paths.stage]),
            "entered_at": _time(paths.at_s),
        }
    )
    return {"opportunities": opportunities, "stage_history": history}


def _outcomes(floor: Floor, paths: Paths, draws: Draws) -> Any:
    """Return canonical outcomes: who a loss goes to depends on the stage it came from."""
    laws = [floor.law(stage) for stage in floor.playbook.stage_ids]
    competitor = np.array([law.competitor_share for law in laws])[paths.last]
    nobody = np.array([law.no_decision_share for law in laws])[paths.last]
    u = draws.uniform(len(paths.last))
    kind = np.where(u < competitor, 4, np.where(u < competitor + nobody, 5, LOST))
    names = np.array(["open", "won", "lost", "left", "lost_competitor", "lost_no_decision"], dtype=object)
    return _text(names[np.where(paths.outcome == LOST, kind, paths.outcome)])


def _reasons(outcome: Any, draws: Draws) -> Any:
    found = np.asarray(outcome, dtype=object)
    result = np.full(len(found), None, dtype=object)
    u = draws.uniform(len(found))
    for name, reasons in LOST_REASONS.items():
        rows = found == name
        result[rows] = np.array(reasons, dtype=object)[(u[rows] ** 1.5 * len(reasons)).astype(np.int64)]
    return _text(result)


def _expected(floor: Floor, deals: Deals, paths: Paths, draws: Draws) -> Any:
    """Return when the owner expects to sign: hopeful guesses, put off for most deals that are overdue."""
    n = len(deals)
    guess = deals.created_s // DAY_S + 30 + np.floor(60 * draws.exponential(n)).astype(np.int64)
    today = day_number(floor.as_of)
    put_off = (paths.closed_s == NEVER) & (guess < today) & (draws.uniform(n) < 0.7)
    guess = np.where(put_off, today + 7 + np.floor(60 * draws.exponential(n)).astype(np.int64), guess)
    won = paths.outcome == WON
    guess = np.where(won, np.maximum(paths.closed_s // DAY_S, deals.created_s // DAY_S), guess)
    return _time(guess * DAY_S)


def _ids(prefix: str, n: int) -> Any:
    """Return n ids such as ``D0001``: the same width, so that they sort."""
    width = len(str(n))
    return pd.array([f"{prefix}{k:0{width}d}" for k in range(1, n + 1)], dtype="str")


def _labels(levels: Mapping[str, Any], codes: Ints) -> Any:
    return pd.array(list(levels), dtype="str").take(codes)


def _text(values: np.ndarray) -> Any:
    return pd.array(values, dtype="str")


def _time(seconds: Ints) -> Any:
    """Return pandas times; NEVER becomes a missing time."""
    safe = np.where(seconds == NEVER, 0, seconds).astype("datetime64[s]").astype("datetime64[us]")
    return np.where(seconds == NEVER, np.datetime64("NaT", "us"), safe)


def setting_a(seed: int, deals_n: int = 1_200, as_of_day: int = 365) -> SalesFloor:
    """What does one year of a simple floor look like when a third of its deals is still open?

    Deals are created evenly over 365 days from 2025-01-01; 30 % are won in the end. Days to win are
    lognormal(median 45, sigma 0.6), days to loss lognormal(90, 0.6). All is seen up to day `as_of_day`.

    Parameters
    ----------
    seed : int
    deals_n : int
    as_of_day : int
        Day of the snapshot, counted from the first day; 365 leaves the late deals open.

    Returns
    -------
    SalesFloor
        Times in whole seconds; the truth in closed form.

    Examples
    --------
    >>> from funnelnb.simulate import setting_a
    >>> round(setting_a(1).truth.won_by(180), 3)
    0.297
    """
    draws = Draws(int(check.number("seed", seed, ge=0)), 365)
    truth = LognormalTruth(won_share=0.3, won_median_days=45.0, lost_median_days=90.0, sigma=0.6)
    start_s = day_number("2025-01-01") * DAY_S
    created = np.sort(draws.child(1).uniform(deals_n)) * 365
    won = draws.child(2).uniform(deals_n) < truth.won_share
    median = np.where(won, truth.won_median_days, truth.lost_median_days)
    ends = created + median * np.exp(truth.sigma * draws.child(3).normal(deals_n))
    created_s = start_s + np.floor(created * DAY_S).astype(np.int64)
    closed_s = start_s + np.floor(ends * DAY_S).astype(np.int64)
    seen = closed_s < start_s + as_of_day * DAY_S
    kept = np.flatnonzero(created_s < start_s + as_of_day * DAY_S)
    outcome = np.where(~seen, 0, np.where(won, WON, LOST))
    closed_s = np.where(seen, closed_s, NEVER)
    last_day = np.datetime64("2025-01-01", "D") + in_days(as_of_day - 1)
    return SalesFloor(
        tables=_plain_tables(created_s[kept], closed_s[kept], outcome[kept]),
        truth=truth,
        playbook=two_stages(),
        as_of=str(last_day),
        currency="",
        observed_from="",
        seed=seed,
    )


def two_stages() -> Playbook:
    """Return the smallest playbook: in work, won."""
    return Playbook(
        id="two_stages",
        label=Label(en="Two stages", zh="两阶段"),
        about=Label(en="The smallest funnel, for checking estimators", zh="最小的漏斗,用于检验估计方法"),
        source="funnelnb.simulate",
        stages=(
            Stage(id="in_work", label=Label(en="in work", zh="跟进中")),
            Stage(id="won", label=Label(en="won", zh="成交"), kind="won", win_weight=1.0),
        ),
    )


def _plain_tables(created_s: Ints, closed_s: Ints, outcome: Ints) -> dict[str, pd.DataFrame]:
    ids = _ids("D", len(created_s))
    names = np.array(["open", "won", "lost"], dtype=object)
    won = outcome == WON
    opportunities = pd.DataFrame(
        {
            "opportunity_id": ids,
            "created_at": _time(created_s),
            "closed_at": _time(closed_s),
            "outcome": _text(names[outcome]),
            "stage": _text(np.where(won, "won", "in_work").astype(object)),
        }
    )
    history = pd.DataFrame(
        {
            "opportunity_id": ids.take(np.concatenate([np.arange(len(ids)), np.flatnonzero(won)])),
            "stage": _text(np.array(["in_work"] * len(ids) + ["won"] * int(won.sum()), dtype=object)),
            "entered_at": _time(np.concatenate([created_s, closed_s[won]])),
        }
    )
    return {"opportunities": opportunities, "stage_history": history}


__all__ = ["LEFT", "LOST_REASONS", "SalesFloor", "setting_a", "simulate", "two_stages"]
