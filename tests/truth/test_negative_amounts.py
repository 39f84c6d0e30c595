"""A negative amount is in no sum: every answer is the one of a book in which that amount is not known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelnb.core.errors import FunnelError
from tests.test_extremes import FUNCTIONS, OPTIONS, deals, made

SHOWS_AS_RECORDED = {"customer"}
"""What lists the deals of one customer as they stand in the data."""


@pytest.fixture(scope="module")
def books():
    amounts = np.array([100.0 + 10 * place for place in range(24)])
    spoilt = np.arange(24) % 5 > 2
    return [made("book", deals(amount=np.where(spoilt, other, amounts))) for other in (-7.0, np.nan)]


def answer(book, name):
    try:
        return FUNCTIONS[name](book, **OPTIONS.get(name, {}))
    except FunnelError as error:
        return error


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - SHOWS_AS_RECORDED))
def test_a_negative_amount_counts_as_not_known(books, name):
    negative, unknown = (answer(book, name) for book in books)
    if isinstance(unknown, FunnelError):
        assert str(negative) == str(unknown)
        return
    if hasattr(unknown, "finding"):
        assert negative.finding("en") == unknown.finding("en")
    if hasattr(unknown, "to_frame"):
        pd.testing.assert_frame_equal(negative.to_frame(), unknown.to_frame())
