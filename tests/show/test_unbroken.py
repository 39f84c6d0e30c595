"""Figures that no line may break: in mark-up, and in the titles of pictures."""

from __future__ import annotations

from html import escape

import pytest

from funnelnb.show.charts import theme
from funnelnb.show.text.unbroken import spans, unbroken
from funnelnb.show.text.words import words

KEPT = (
    "EUR 1.32 M", "EUR 747,230", "CNY 12 bn", "29.1 %", "25.7–33.0 %", "67 days", "12 business days", "3.4 h",
    "30 September 2026", "2026-Q3", "132 万欧元", "1.32 亿元", "8.6 万 XYZ", "99.9%", "0.3 个百分点", "5 个工作日",
    "2026 年 9 月 30 日", "38 单", "n = 697", "p < 0.001", "−810,600 EUR",
)  # fmt: skip


@pytest.mark.parametrize("figure", KEPT)
def test_a_figure_is_one_piece_wherever_it_stands(figure: str) -> None:
    for before, after in (("", ""), ("It is ", ", or so"), ("约（", "）。"), ("<b>", "</b>")):
        assert f'<span class="f">{escape(figure)}</span>' in unbroken(f"{before}{escape(figure)}{after}")


@pytest.mark.parametrize(
    "text", ["12 of 37 deals", "In 4 of the last 6", "2026-06-30", "D3217", "1,135", "A 12"]
)
def test_what_has_no_unit_is_left_alone(text: str) -> None:
    assert spans(text) == []


def test_marks_scripts_pictures_and_names_are_left_as_they_are() -> None:
    held = (
        '<p title="29.1 %">x</p><script>"EUR 1 M"</script><svg><text>EUR 1 M</text></svg><bdi>EUR 1 M</bdi>'
        '<title>EUR 1 M</title><span class="f">EUR 1 M</span>'
    )
    assert unbroken(held) == held


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("pixels", range(60, 420, 24))
def test_the_title_of_a_picture_breaks_no_figure_at_any_width(lang: str, pixels: int) -> None:
    """Every amount, day and date that the language writes, in a sentence that is wrapped as titles are."""
    numbers = words(lang).numbers
    figures = [
        numbers.amount(1.3234e6, "EUR"), numbers.amount(747230.0, "CNY"), numbers.amount(2.5e9, "USD"),
        numbers.percent(0.291), numbers.days(67.0), numbers.points(-0.03), numbers.long_date("2026-09-30"),
    ]  # fmt: skip
    text = (" and " if lang == "en" else "，共").join(figures)
    lines = theme.wrap(text, pixels, 15, bold=True)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for figure in figures:
        assert any(figure in line for line in lines)
