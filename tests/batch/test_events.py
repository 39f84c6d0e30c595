"""Reports about an event log: the index counts actors as the funnel does, and mixed requests are refused."""

import re
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest
from markupsafe import Markup

import funnelnb as fn
from funnelnb.batch import body, digest, index, pages, plan
from funnelnb.batch.opened import opened
from funnelnb.core.errors import ParameterError
from funnelnb.show.text.words import load_pack, told_of

SHOP = Path(__file__).parents[2] / "data" / "sample" / "shop" / "events.csv"
STEPS = ["home", "search", "product", "cart", "payment", "purchase"]


def checked(tmp_path: Path, *, by: str = "device", notebooks: tuple[str, ...] = ("07_behaviour_funnel",)):
    request = plan.Request(data=(str(SHOP),), by=by, notebooks=notebooks, out=tmp_path / "out", lang="en")
    return request, plan.check_request(request)


def test_actors_are_counted_as_by_the_funnel(tmp_path: Path) -> None:
    request, known = checked(tmp_path, by="device,channel")
    book, horizon = opened(request, known, None)
    assert horizon == 7.0
    log = fn.events(SHOP)
    for name in ("device", "channel"):
        found = fn.funnel(log, STEPS, within="7d", by=name)
        deals = book.opportunities.groupby([name, "outcome"]).size()
        converted = {row.group: row for row in fn.conversion(book, by=name, horizon_days=7).overall}
        for row in found.overall:
            counts = [deals.get((row.group[0], one), 0) for one in ("won", "lost", "open")]
            assert counts == [row.advanced_n, row.dropped_n, row.running_n]
            assert converted[row.group].by_day_rate == pytest.approx(row.by_time_rate, abs=2e-3)
    reached = [row.reached_n for row in fn.funnel(log, STEPS, within="7d").steps]
    assert [row.reached_n for row in fn.conversion(book).steps] == reached[:-1]


def test_a_plan_has_a_report_for_each_value(tmp_path: Path) -> None:
    request, known = checked(tmp_path)
    made = plan.make(known, *opened(request, known, None))
    assert [job.value for job in made.jobs] == ["desktop", "mobile", "tablet"]
    assert {job.parameters["by"] for job in made.jobs} == {"device"}


def test_what_cannot_be_asked_together(tmp_path: Path) -> None:
    request, known = checked(tmp_path, notebooks=("07_behaviour_funnel", "01_conversion_by_segment"))
    with pytest.raises(ParameterError, match="07_behaviour_funnel is about an event log"):
        opened(request, known, None)
    request, known = checked(tmp_path, by="devise")
    with pytest.raises(ParameterError, match="the log has no such property") as caught:
        opened(request, known, None)
    assert "device" in caught.value.hint


@pytest.mark.parametrize(("lang", "words"), [("en", ("deal", " won")), ("zh", ("商机", "赢单", "单）"))])
def test_pages_about_people_say_nothing_of_deals(tmp_path: Path, lang: str, words: tuple[str, ...]) -> None:
    request, known = checked(tmp_path)
    made = replace(plan.make(known, *opened(request, known, None)), lang=lang)
    told = pages.headlines(made)
    now = digest.figures(made, told, {})
    with told_of(made.subject):
        page = index.index(made, {}, told, told={}, before=now, now=now)
        report = pages.report(made, made.jobs[0], body.Body(title="", html=Markup(), sections=()), told, None)
        lines = digest.compare({}, now, made).markdown
    for text in (page, report, lines):
        seen = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", text, flags=re.DOTALL).lower()
        assert not [one for one in words if one in seen]
    assert made.subject == "people"
    assert {"en": "through within 7 days", "zh": "7 天内走完的比率"}[lang] in page.lower()


def test_words_of_people_replace_words_that_there_are() -> None:
    def check(part: object, base: object, trail: str) -> None:
        if isinstance(part, dict):
            for key, value in part.items():
                assert isinstance(base, dict) and key in base, f"{trail}.{key}"
                check(value, base[key], f"{trail}.{key}")
        else:
            named = [{one for _, one, _, _ in Formatter().parse(str(text)) if one} for text in (part, base)]
            assert named[0] <= named[1], trail

    for lang in ("en", "zh"):
        pack = load_pack(lang)
        check(pack["subjects"]["people"], pack, lang)


def test_tables_of_people_say_people(tmp_path: Path) -> None:
    log = fn.events(SHOP)
    text = fn.funnel(log, "ecommerce", within="7d").text("en")
    assert "too few people" in text
    assert "deal" not in text
