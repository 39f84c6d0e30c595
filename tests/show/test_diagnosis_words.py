"""What a diagnosis and the weekly report say of the sample company, and what their charts draw: stored, and read."""

from __future__ import annotations

import csv
import functools
import io

import pytest

import funnelnb as fn
from funnelnb.show.charts import diagnosis as charts
from funnelnb.show.text.words import words
from funnelnb.show.views.registry import finding_of
from tests.show import golden

LANGS = ("en", "zh")


@functools.cache
def answers():
    whole = fn.sample()
    book = whole.where(region="DACH")
    found = {
        "symptoms": fn.symptoms(book, learn_from=whole),
        "change": fn.diagnosis.change(book, before="2026-Q1", after="2026-Q2"),
        "why lost": fn.diagnosis.why_lost(book),
        "wander": fn.diagnosis.wander(book),
        "describe": fn.diagnosis.describe(book),
        "sales trend": fn.diagnosis.sales_trend(book),
        "costs": fn.diagnosis.costs(whole, by="source"),
        "verdict": fn.diagnosis.verdict(book, "2026-01-01", measure="orders"),
        "breaks": fn.diagnosis.breaks([10, 12, 9, 11, 25, 22, 27, 24]),
    }
    kept = fn.weekly_report(book, period="2026-05", learn_from=whole).kept()
    found["monthly report"] = fn.weekly_report(book, period="2026-06", learn_from=whole, since=kept)
    return found


@pytest.mark.parametrize("lang", LANGS)
def test_sentences_of_a_diagnosis_stand_as_they_were_read(lang):
    say = words(lang)
    lines = []
    for name, result in answers().items():
        found = finding_of(result, lang)
        told = say.get("language.sentence").join(one for one in (found.headline, found.detail) if one)
        lines += [f"[{name}] {told}", ""]
    golden.check(f"diagnosis.{lang}.txt", "\n".join(lines))
    golden.check(f"report.{lang}.txt", fn.brief(answers()["monthly report"], lang))


@pytest.mark.parametrize(
    ("name", "make", "of"),
    [
        ("matrix", charts.symptom_matrix_data, "symptoms"),
        ("waterfall", charts.waterfall_data, "change"),
        ("control", charts.control_data, "sales trend"),
        ("sales_bars", charts.sales_bars_data, "sales trend"),
        ("reasons", charts.reasons_data, "why lost"),
        ("arcs", charts.arcs_data, "wander"),
    ],
)
def test_charts_of_a_diagnosis_draw_what_was_read(name, make, of):
    rows = make(answers()[of])
    out = io.StringIO()
    table = csv.DictWriter(out, fieldnames=list(dict.fromkeys(key for row in rows for key in row)))
    table.writeheader()
    for row in rows:
        table.writerow({key: f"{one:.6g}" if isinstance(one, float) else one for key, one in row.items()})
    golden.check(f"chart_diagnosis_{name}.csv", out.getvalue().replace("\r\n", "\n"))
