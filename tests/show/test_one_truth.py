"""Pages of one book agree: a figure with one name is one figure, parts add up, and prose says what the result holds."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections import defaultdict
from typing import Any

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.show.pages.brief import outputs
from funnelnb.show.tables.table import build
from funnelnb.show.text.words import words
from funnelnb.show.views.registry import finding_of, view_of
from tests.truth import worlds

LANGS = ("en", "zh")
ASKED = {
    "overview": fn.overview,
    "conversion": fn.conversion,
    "segments": lambda book: fn.segments(book, by="region"),
    "cohort": fn.cohort,
    "stuck": fn.stuck,
    "wander": fn.diagnosis.wander,
    "reverse": lambda book: fn.targets.reverse_funnel(book, wins=10),
    "quota": lambda book: fn.quota(
        book, until=str(book.as_of.astype("M8[D]") + np.timedelta64(90, "D")), amount=50_000
    ),
    "stage_targets": lambda book: fn.targets.stage_targets(
        book, until=str(book.as_of.astype("M8[D]") + np.timedelta64(90, "D")), amount=500_000
    ),
}


def gone_back() -> Any:
    """A floor on which every eighth deal goes one stage back a day after it moved on, and some losses lack a date."""
    given = worlds.export(worlds.draw(worlds.World(), 400, np.random.default_rng(5)), 500)
    tables = worlds.frames(worlds.undated_losses(given, 0.2, np.random.default_rng(6)))
    moved = tables["stage_history"]
    second = moved[moved["stage"] == worlds.STAGES[1]]
    back = second[second["opportunity_id"].str.extract(r"(\d+)")[0].astype(int) % 8 == 0].copy()
    back["stage"] = worlds.STAGES[0]
    back["entered_at"] = back["entered_at"] + np.timedelta64(1, "D")
    deals = tables["opportunities"].set_index("opportunity_id")
    still = back["opportunity_id"].map(deals["outcome"]) == "open"
    later = back["opportunity_id"].map(moved.groupby("opportunity_id")["entered_at"].max())
    back = back[still & (later < back["entered_at"])]
    assert len(back) > 2
    moved = type(moved)({name: [*moved[name], *back[name]] for name in moved})
    opportunities = tables["opportunities"].drop(columns="stage", errors="ignore")
    return fn.load(
        {"opportunities": opportunities, "stage_history": moved}, playbook=list(worlds.STAGES), currency="EUR"
    )


BOOKS = {"DACH": lambda: fn.sample().where(region="DACH"), "gone back": gone_back}


@functools.cache
def results(name: str) -> dict[str, Any]:
    book, made = BOOKS[name](), {}
    for asked, ask in ASKED.items():
        try:
            made[asked] = ask(book)
        except fn.core.errors.MissingDataError:
            continue
    assert len(made) >= 7, made.keys()
    return made


def whole(cell: str) -> int | None:
    text = cell.replace(",", "").replace("\u202f", "")
    return int(text) if re.fullmatch(r"-?\d+", text) else None


def grids(name: str, lang: str) -> Any:
    for asked, result in results(name).items():
        for table in view_of(result).tables:
            if table.shown(result):
                yield asked, table.name, build(table, result, lang)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", BOOKS)
def test_a_count_per_stage_has_one_name_and_one_value(name, lang):
    """Open deals in a stage now and open deals whose furthest stage it is are two figures: they have two names."""
    stage = words(lang).get("fields.stage.label")
    said = defaultdict(lambda: defaultdict(list))
    for asked, table, grid in grids(name, lang):
        heads = [head.label for head in grid.heads]
        keys = [row.cells[0] for row in grid.rows]
        if heads[:1] != [stage] or len(set(keys)) < len(keys):
            continue
        for row in grid.rows:
            for head, cell in zip(heads[1:], row.cells[1:], strict=True):
                if whole(cell) is not None:
                    said[head, row.cells[0]][whole(cell)].append(f"{asked}.{table}")
    assert len(said) > 20
    assert {key: dict(found) for key, found in said.items() if len(found) > 1} == {}


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", BOOKS)
def test_counts_in_prose_are_counts_of_the_result(name, lang):
    """No sentence and no brief names a number of deals that the result does not hold."""
    for asked, result in results(name).items():
        held = numbers(result)
        found = finding_of(result, lang)
        for text in (found.headline, found.detail):
            if asked == "stage_targets":
                continue  # deals needed are worked out, not counted
            for found_n in re.findall(
                r"(\d[\d,]*) (?:open |won |lost |closed )?deals?\b|(\d[\d,]*) 单", text
            ):
                n = int("".join(found_n).replace(",", ""))
                assert n in held, (asked, text, n)


def numbers(value: Any, depth: int = 4) -> set[int]:
    """Return every whole number that a result holds."""
    if isinstance(value, (bool, str)) or value is None:
        return set()
    if isinstance(value, (int, float, np.number)):
        return {round(float(value))} if np.isfinite(float(value)) else set()
    if dataclasses.is_dataclass(value) and depth:
        parts = (getattr(value, field.name) for field in dataclasses.fields(value))
        return set().union(*(numbers(one, depth - 1) for one in parts))
    if isinstance(value, (list, tuple)) and depth:
        return {len(value)}.union(*(numbers(one, depth - 1) for one in value))
    return set()


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", BOOKS)
def test_sums_on_a_page_add_up(name, lang):
    """Outcomes of a sentence are all deals; the rows of the way to the target are its sum; shares are all of them."""
    made = results(name)
    row = made["conversion"].overall[0]
    sentence = re.compile(
        r"(?<!\d)(?<!,)(\d[\d,]*) deals[^:\n]*: (\d[\d,]*) won, (\d[\d,]*) lost,? (?:and )?(\d[\d,]*) open"
        r"(?:[, and]* (\d+) closed)?"
        r"|(\d[\d,]*) 单[^:：]*[:：]赢单 (\d[\d,]*) 单[、，]输单 (\d[\d,]*) 单[、，]在途 (\d[\d,]*) 单"
        r"(?:[^0-9。]*(\d+) 单)?"
    )
    page = outputs(made["conversion"], lang=lang)[0][0]["text/plain"]
    page += "\n" + "\n".join(finding_of(result, lang).headline for result in made.values())
    found = [[int(one.replace(",", "")) for one in match if one] for match in sentence.findall(page)]
    assert len(found) >= 2
    for n, *parts in found:
        assert n == sum(parts)
    assert row.reached_n == row.advanced_n + row.here_n + row.lost_n + row.left_n
    for one in made["wander"].balance:
        ends = (one.advanced_n, one.skipped_n, one.back_n, one.lost_n, one.left_n, one.still_n)
        assert one.entered_n == sum(ends)
    assert sum(one.lost_n for one in made["wander"].balance) == row.lost_n
    assert sum(one.open_n for one in made["stuck"].stages) == made["stuck"].n == row.here_n
    assert [one.open_n for one in made["stuck"].stages] == [one.open_n for one in made["reverse"].rows][
        : len(made["stuck"].stages)
    ]


@pytest.mark.parametrize("name", ["gone back"])
def test_one_chance_for_one_target(name):
    """The target page and the quota reckon alike."""
    quota = results(name)["quota"]
    target = fn.target(BOOKS[name](), until=str(quota.until), amount=quota.target_amount)
    assert target.chance_rate == pytest.approx(quota.chance_rate)
    assert target.assured_amount == pytest.approx(quota.assured_amount)


@pytest.mark.parametrize("lang", LANGS)
def test_where_deals_are_lost_names_all_three(lang):
    """Weakest step, most deals and most money: each stands in the sentence, whatever else is said."""
    result = results("DACH")["conversion"]
    said = finding_of(result, lang)
    text = said.headline + said.detail
    steps = [row for row in result.steps if not row.after_sale]
    say = words(lang)
    for pick in (
        min(steps, key=lambda row: row.by_day_rate),
        max(steps, key=lambda row: row.lost_n),
        max(steps, key=lambda row: row.lost_amount),
    ):
        label = next(
            label
            for stage, label in zip(result.stage_ids, result.stage_labels, strict=True)
            if stage == pick.stage
        )
        assert getattr(label, say.lang) in text
