"""What diagnoses, forecasts, reports and checks of the data say of the same books, word for word, in both languages.

Here of a few books; the long tier (`tools/verify.d/sentences.sh`) asks all of them. Each sentence was read.
"""

from __future__ import annotations

import functools
import os
import re
from typing import Any

import pytest

import funnelnb as fn
from funnelnb.core.errors import FunnelError
from funnelnb.show.text.words import words
from funnelnb.show.views.registry import finding_of
from tests.show import books, golden

FULL = bool(os.environ.get("FUNNELNB_VERIFY") or os.environ.get("FUNNELNB_GOLDEN"))
FEW = ("ordinary, euro", "one open deal", "all lost", "amounts missing", "a name that is an attack")
ASKED: dict[str, Any] = {
    "symptoms": fn.diagnosis.symptoms,
    "change of bookings": fn.diagnosis.change,
    "change of the win rate": lambda b: fn.diagnosis.change(b, measure="win_rate"),
    "did it work": lambda b: fn.diagnosis.verdict(b, "2025-10-01"),
    "why lost": fn.diagnosis.why_lost,
    "wander": fn.diagnosis.wander,
    "sales": fn.diagnosis.sales_trend,
    "describe": fn.diagnosis.describe,
    "quarterly report": lambda b: fn.weekly_report(b, period="quarter"),
    "harm": lambda b: fn.harm(b, horizon_days=90),
    "forecast": lambda b: fn.forecast(b, period="2026-Q3", amount=400_000, record=False, draws=200),
    "velocity": fn.forecasts.velocity,
    "coverage": lambda b: fn.forecasts.coverage(b, "2026-Q3", amount=400_000),
}


@functools.cache
def answers() -> dict[tuple[str, str], Any]:
    """Ask the books every question once: {(book, question): result or refusal}."""
    found: dict[tuple[str, str], Any] = {}
    for name in books.BOOKS if FULL else FEW:
        for question, ask in ASKED.items():
            try:
                found[name, question] = ask(books.book(name))
            except FunnelError as error:
                found[name, question] = error
    return found


def told(result: Any, lang: str) -> str:
    if isinstance(result, FunnelError):
        return f"({type(result).__name__}) {result.found}" if lang == "en" else "（拒绝）"
    found = finding_of(result, lang)
    return words(lang).get("language.sentence").join(part for part in (found.headline, found.detail) if part)


def blocks(lang: str) -> dict[str, str]:
    made: dict[str, list[str]] = {}
    for (name, question), result in answers().items():
        made.setdefault(name, []).append(f"[{question}] {told(result, lang)}")
    return {name: f"== {name}\n" + "\n".join(lines) for name, lines in made.items()}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_sentences_stand_as_they_were_read(lang: str) -> None:
    file, mine = f"sentences_more.{lang}.txt", blocks(lang)
    if FULL:
        golden.check(file, "\n\n".join(mine.values()))
        return
    stored = (golden.FOLDER / file).read_text(encoding="utf-8").strip().split("\n\n")
    kept = {one.splitlines()[0].removeprefix("== "): one for one in stored}
    assert {name: kept[name] for name in mine} == mine


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_sentence_shows_what_is_not_known(lang: str) -> None:
    for key, result in answers().items():
        text = told(result, lang).replace("{rate} 100% %s", "X")
        assert not re.search(
            r"\bnan\b|\binf\b|NaT|None(?! of| needs)|[{}]|  |\. \.|。。|, ,|，，|\(\)|（）", text
        ), (key, text)
