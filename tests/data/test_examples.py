"""Every example in the docstrings of ledger and counts runs."""

import doctest
import importlib

import pytest

MODULES = ("calendar", "clock", "countries", "dates", "ledger", "scan", "tally")


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"funnelnb.data.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
