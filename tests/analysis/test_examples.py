"""The examples in the docstrings run and say what they print."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["cohort", "conversion", "horizon", "segments"])
def test_examples(name):
    result = doctest.testmod(importlib.import_module(f"funnelnb.analysis.{name}"))
    assert result.attempted >= 2
    assert result.failed == 0
