"""Published counts of two public data sets, and the break in one of them."""

from pathlib import Path

import pytest

import funnelnb as fn

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
PAGES = ["home_page", "search_page", "payment_page", "payment_confirmation_page"]
SHOP = ["product_view", "add_to_cart", "cart", "shipping_details", "payment_details", "purchase"]


def source(name):
    if (DATA / name).exists():
        return DATA / name
    pytest.skip(f"the folder shared/data/{name} is not there")
    return None


@pytest.fixture(scope="module")
def pages():
    return fn.events(source("takehome_funnel"))


@pytest.fixture(scope="module")
def shop():
    return fn.events(source("ecom_events") / "ecom.csv.gz")


def reached(result):
    return [row.reached_n for row in result.steps]


def test_page_tables_load_as_one_log(pages):
    assert len(pages) == 90_400 + 45_200 + 6_030 + 452
    assert pages.whole_days


def test_page_funnel_whole_and_by_device(pages):
    assert reached(fn.funnel(pages, PAGES, within="1d")) == [90_400, 45_200, 6_030, 452]
    by = fn.funnel(pages, PAGES, within="1d", by="device")
    assert reached(by) == [60_200, 30_100, 3_010, 150, 30_200, 15_100, 3_020, 302]


def test_shop_funnel_in_both_orders(shop):
    assert reached(fn.funnel(shop, SHOP)) == [598, 517, 429, 329, 222, 114]
    assert reached(fn.funnel(shop, SHOP, order="any")) == [598, 522, 489, 441, 390, 328]


def test_the_mobile_break_is_found_without_being_told(pages):
    found = fn.behaviour.trend(pages, PAGES, within="1d", every="day", step=1, by="device").breaks
    assert [(one.group, one.period, one.period_lower, one.period_upper) for one in found] == [
        (("Mobile",), "2015-03-01", "2015-03-01", "2015-03-01")
    ]
    assert found[0].before_rate == pytest.approx(0.8, abs=0.005)
    assert found[0].after_rate == pytest.approx(0.2, abs=0.005)


def test_devices_differ_and_so_do_the_dates(pages):
    groups = fn.behaviour.compare(pages, PAGES, within="1d", by="device")
    assert {row.group[0]: row.verdict for row in groups.rows} == {"Mobile": "higher", "Desktop": "lower"}
    dates = fn.behaviour.compare(pages.where(device="Mobile"), PAGES, within="1d", at="2015-03-01", step=1)
    assert [round(row.rate, 3) for row in dates.rows] == [0.8, 0.2]


def test_actors_stand_behind_every_bar(shop):
    result = fn.funnel(shop, SHOP, within="7d")
    for row in result.steps[:-1]:
        for status in ("reached", "advanced", "running", "dropped"):
            assert len(result.actors(row.step, status)) == getattr(row, f"{status}_n")


def test_a_stage_model_finds_its_events(shop):
    result = fn.funnel(shop, "ecommerce", within="30d")
    assert [row.step for row in result.steps] == [
        "home", "browse", "product_detail", "cart", "order_created", "payment_started", "payment_completed",
        "repurchase",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "tool"), [("amplitude_event_data", "Amplitude"), ("mixpanel_event", "Mixpanel")]
)
def test_exports_are_recognised_by_their_headers(name, tool):
    log = fn.events(source("event_exports") / f"{name}.csv")
    assert {note.values["tool"] for note in log.notes if note.code == "events_recognised"} == {tool}
    assert len(log.actors) == 3
