"""Floors and tolerances that several tests of the simulator share."""

from __future__ import annotations

import numpy as np

from funnelnb.simulate import Floor, Level, Owner, Segment

DAY = np.timedelta64(1, "D")


def plain_floor(**changes: object) -> Floor:
    """A floor on which all deals follow one law: what closed forms can be written for."""
    given: dict[str, object] = {
        "regions": {"East": Level()},
        "segments": {"All": Segment()},
        "products": {"Machine": Level()},
        "sources": {"web": Level()},
        "customer_types": {"new": Level()},
        "owners": {"Ann": Owner(region="East")},
        "size_effects": {},
        "account_sd": 0.0,
        "whole_days": False,
    }
    return Floor(**(given | changes))  # type: ignore[arg-type]


def four_sd(p: float, n: int) -> float:
    """Four standard errors of a share: a correct simulator exceeds this once in 16,000 looks."""
    return 4 * float(np.sqrt(p * (1 - p) / n))
