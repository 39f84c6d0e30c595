"""What every kind of result says of more than forty books, word for word, in both languages; each was read."""

from __future__ import annotations

import functools
import re

import pytest

from funnelnb.core.errors import FunnelError
from funnelnb.show.text.words import words
from funnelnb.show.views.registry import finding_of
from tests.show import books, golden

LANGS = ("en", "zh")


@functools.cache
def answers():
    """Ask every book every question once: {(book, question): result or refusal}."""
    found = {}
    for name in books.BOOKS:
        for question, ask in books.QUESTIONS.items():
            try:
                found[name, question] = ask(books.book(name))
            except FunnelError as error:
                found[name, question] = error
    for question, ask in (books.QUESTIONS | books.COMPANY_ONLY).items():
        found["the sample company, DACH", question] = ask(books.company())
    return found


def told(result, lang):
    if isinstance(result, FunnelError):
        return f"({type(result).__name__}) {result.found}" if lang == "en" else "（拒绝）"
    found = finding_of(result, lang)
    return words(lang).get("language.sentence").join(part for part in (found.headline, found.detail) if part)


@pytest.mark.parametrize("lang", LANGS)
def test_sentences_stand_as_they_were_read(lang):
    lines, last = [], ""
    for (name, question), result in answers().items():
        if name != last:
            lines += ["", f"== {name}"]
            last = name
        lines.append(f"[{question}] {told(result, lang)}")
    golden.check(f"sentences.{lang}.txt", "\n".join(lines).strip())


def test_there_are_forty_books_and_all_were_asked():
    assert len(books.BOOKS) >= 40
    assert sum(not isinstance(result, FunnelError) for result in answers().values()) > 500


@pytest.mark.parametrize("lang", LANGS)
def test_no_sentence_shows_what_is_not_known(lang):
    for key, result in answers().items():
        text = told(result, lang)
        plain = text.replace("{rate} 100% %s", "X")
        assert not re.search(r"\bnan\b|\binf\b|None(?! of)|[{}]|  |\. \.|。。|, ,|，，|\(\)|（）", plain), (
            key,
            text,
        )


def test_english_counts_agree_with_their_nouns():
    wrong = re.compile(r"\b1 (deals|wins|groups|stages|customers|days|leads|marks|closed deals|open deals)\b")
    for key, result in answers().items():
        text = told(result, "en")
        assert not wrong.search(text), (key, text)


def test_the_overview_adds_up():
    for (name, question), result in answers().items():
        if question == "overview" and not isinstance(result, FunnelError) and result.n:
            said = finding_of(result, "en").headline
            parts = [int(x.replace(",", "")) for x in re.findall(r"([\d,]+) (?:won|lost|open|closed)", said)]
            assert sum(parts) == result.n, (name, said)
