"""An error says what was found, what is accepted and what to type, on the surface where it is read."""

from __future__ import annotations

import pytest

from funnelnb.core.errors import Advice, ParameterError, nearest, speak_to


@pytest.fixture
def in_the_shell():
    speak_to("shell")
    yield
    speak_to("python")


def test_in_the_shell_an_error_speaks_of_options(in_the_shell: None) -> None:
    error = ParameterError(
        "as_of = '2026-13-01'",
        expected="a date",
        hint=Advice("as_of='2026-06-30'", typed="--as-of 2026-06-30"),
    )
    assert str(error) == "--as-of '2026-13-01'\n  expected: a date\n  remedy:   --as-of 2026-06-30"
    assert str(ParameterError("weights = 3")) == "weights = 3"


def test_in_python_it_speaks_of_arguments() -> None:
    error = ParameterError(
        "as_of = '2026-13-01'", hint=Advice("as_of='2026-06-30'", typed="--as-of 2026-06-30")
    )
    assert str(error) == "as_of = '2026-13-01'\n  remedy:   as_of='2026-06-30'"


def test_names_that_were_listed_are_not_listed_again() -> None:
    error = ParameterError(
        "by = 'x'", expected="one of 'owner', 'region'", hint=nearest("x", ["owner", "region"])
    )
    assert str(error) == "by = 'x'\n  expected: one of 'owner', 'region'"
    told = ParameterError("no notebook 'x'", expected="a name", hint=nearest("x", ["a1", "b2"]))
    assert str(told).endswith("remedy:   known: a1, b2")
