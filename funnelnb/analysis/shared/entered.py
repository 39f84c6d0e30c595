"""When did each deal enter? The date by which deals belong to a period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnelnb.data.contract.clock import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from funnelnb.data.ledger.ledger import Ledger


def entered_s(ledger: Ledger) -> NDArray[np.int64]:
    """Return when each deal entered: created, else the first stage that is dated; UNKNOWN where neither is."""
    never = np.iinfo(np.int64).max
    reached = np.where(ledger.reached_s == UNKNOWN, never, ledger.reached_s).min(axis=1)
    first = np.where(reached == never, UNKNOWN, reached)
    return np.where(ledger.created_s != UNKNOWN, ledger.created_s, first)
