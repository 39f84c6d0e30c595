"""Event logs with known truth."""

import numpy as np
import pandas as pd

from funnelnb.data.events.load import events

START = np.datetime64("2026-01-01")


def log_of(rows, **more):
    """An event log of (user, event, day[, property]) rows."""
    frame = pd.DataFrame(rows, columns=["user_id", "event", "day", *more.pop("properties", [])])
    frame["time"] = START + (frame.pop("day").to_numpy() * 86_400e6).astype("m8[us]")
    return events(frame, **more)


def arrivals(rng, n, *, span=30.0, chance=0.3, scale=2.0, within=7.0, device=None):
    """Visits over `span` days, of which a share pays after an exponential time, if within the window."""
    day = rng.uniform(0, span, n)
    pays = rng.random(n) < (chance if device is None else np.where(device == "a", chance, chance))
    wait = rng.exponential(scale, n)
    truth = chance * (1 - np.exp(-within / scale))
    rows = [(k, "visit", day[k]) for k in range(n)]
    rows += [(k, "pay", day[k] + wait[k]) for k in np.flatnonzero(pays) if day[k] + wait[k] <= span]
    return rows, truth
