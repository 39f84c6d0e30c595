"""The two package options: set together, checked before anything changes, safe to read from any thread."""

from __future__ import annotations

import threading

import pytest

from funnelnb.core.errors import ParameterError
from funnelnb.core.options import language, options
from tests.show import made


@pytest.fixture(autouse=True)
def as_before():
    before = options()
    yield
    options(lang=before.lang, confidence_level=before.confidence_level)


def test_options_start_with_english_and_ninety_percent():
    assert (options().lang, options().confidence_level) == ("en", 0.90)


def test_the_language_in_force_is_used_where_none_is_named():
    english = made.company().text()
    options(lang="zh")
    assert made.company().text() == made.company().text("zh") != english
    assert made.company().text("en") == english
    assert language() == "zh"
    assert str(made.company()) == made.company().text("zh")


@pytest.mark.parametrize(
    "wrong", [{"lang": "zn"}, {"lang": "zh", "confidence_level": 90}, {"confidence_level": 0}]
)
def test_a_wrong_value_changes_nothing(wrong):
    before = options()
    with pytest.raises(ParameterError) as error:
        options(**wrong)
    assert options() == before
    assert error.value.expected


def test_the_nearest_language_is_named():
    with pytest.raises(ParameterError, match="'zn'") as error:
        options(lang="zn")
    assert "'en', 'zh'" in error.value.expected


def test_readers_never_see_half_a_change():
    pairs, seen, done = [("en", 0.8), ("zh", 0.95)], set(), threading.Event()
    options(lang="en", confidence_level=0.8)

    def read():
        while not done.is_set():
            now = options()
            seen.add((now.lang, now.confidence_level))

    reader = threading.Thread(target=read)
    reader.start()
    for k in range(400):
        options(lang=pairs[k % 2][0], confidence_level=pairs[k % 2][1])
    done.set()
    reader.join()
    assert seen <= set(pairs)
