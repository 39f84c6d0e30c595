"""A small web shop with known truth: an event log for notebooks, tests and teaching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

STEPS = ("home", "search", "product", "cart", "payment", "purchase")
DEVICES = ("desktop", "mobile", "tablet")
CHANNELS = ("search engine", "newsletter", "advert", "direct")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopTruth:
    """What the log was made with.

    Attributes
    ----------
    users : int
    days : int
        Length of the log.
    chances : tuple of float
        Of going on from each step, for a visit on the desktop.
    mobile_odds : float
        Odds of going on from "search" on a mobile after the break, over those before.
    break_day : int
        Day from which the mobile search is broken.
    newsletter_odds : float
        Odds of going on from "product" for visitors from the newsletter, over the others.
    """

    users: int = 1500
    days: int = 84
    chances: tuple[float, ...] = (0.72, 0.62, 0.42, 0.55, 0.7)
    mobile_odds: float = 0.22
    break_day: int = 45
    newsletter_odds: float = 8.0


def shop(truth: ShopTruth | None = None, seed: int = 20_261_128) -> pd.DataFrame:
    """What did the visitors of a web shop do?

    Parameters
    ----------
    truth : ShopTruth, optional
    seed : int

    Returns
    -------
    DataFrame
        ``user_id``, ``event``, ``time``, ``device``, ``channel``, ``price``; sorted by time. About a third of
        the users visit more than once; windows of the last days are open.

    Examples
    --------
    >>> log = shop(ShopTruth(users=50))
    >>> sorted(log.columns)
    ['channel', 'device', 'event', 'price', 'time', 'user_id']
    """
    import pandas as pd

    truth = truth or ShopTruth()
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, str, float, str, str, float | None]] = []
    for number in range(truth.users):
        device = str(rng.choice(DEVICES, p=[0.5, 0.4, 0.1]))
        channel = str(rng.choice(CHANNELS, p=[0.4, 0.2, 0.25, 0.15]))
        day = float(rng.uniform(0, truth.days))
        for _ in range(1 + rng.geometric(0.7) - 1 if rng.random() < 0.35 else 1):
            rows += _visit(rng, truth, f"U{number:04d}", day, device, channel)
            day += float(rng.exponential(9))
    frame = pd.DataFrame(rows, columns=["user_id", "event", "day", "device", "channel", "price"])
    frame = frame[frame["day"] < truth.days].sort_values(["day", "user_id"], kind="stable", ignore_index=True)
    second = np.floor(frame.pop("day").to_numpy() * 86_400).astype("m8[s]")
    frame.insert(2, "time", np.datetime64("2026-04-06", "s") + second)
    return frame


def _visit(
    rng: np.random.Generator, truth: ShopTruth, user: str, day: float, device: str, channel: str
) -> list[tuple[str, str, float, str, str, float | None]]:
    """Return the events of one visit: the steps as far as it comes, and what else is looked at."""
    rows: list[tuple[str, str, float, str, str, float | None]] = []
    at = day
    for k, name in enumerate(STEPS):
        price = round(float(rng.lognormal(3.4, 0.8)), 2) if name == "purchase" else None
        rows.append((user, name, at, device, channel, price))
        if k == len(STEPS) - 1:
            break
        odds = truth.chances[k] / (1 - truth.chances[k])
        if name == "home" and device == "mobile" and day >= truth.break_day:
            odds *= truth.mobile_odds
        if name == "product" and channel == "newsletter":
            odds *= truth.newsletter_odds
        if rng.random() >= odds / (1 + odds):
            if rng.random() < 0.5:
                rows.append((user, str(rng.choice(["help", "contact"])), at + 0.002, device, channel, None))
            break
        at += float(rng.exponential(0.004)) if k < 3 else float(rng.exponential(0.9))
    return rows
