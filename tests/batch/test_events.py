"""Reports about an event log: the index counts actors as the funnel does, and mixed requests are refused."""

from pathlib import Path

import pytest

import funnelnb as fn
from funnelnb.batch import plan
from funnelnb.batch.opened import opened
from funnelnb.core.errors import ParameterError

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
