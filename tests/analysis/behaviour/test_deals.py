"""One set of definitions: deals read as events, and events as deals, give the same counts where they coincide."""

import funnelnb as fn
from funnelnb.data.events.deals import from_deals, furthest_steps, to_deals


def test_deals_as_events_reach_the_same_stages():
    book = fn.sample()
    log = from_deals(book)
    stages = list(book.playbook.stage_ids[: book.playbook.won + 1])
    by_events = fn.funnel(log, furthest_steps(stages), reuse=True, by="region")
    by_deals = fn.conversion(book, by="region", horizon_days=180)
    expected = {(row.group, row.stage): row.reached_n for row in by_deals.steps if not row.after_sale}
    won = {row.group: row.advanced_n for row in by_deals.overall}
    for row in by_events.steps:
        if row.step == stages[-1]:
            assert row.reached_n == won[row.group]
        else:
            assert row.reached_n == expected[row.group, row.step]


def test_events_as_deals_reach_the_same_stages():
    log = fn.notebook.open_events()
    playbook = fn.playbooks.load_playbook("ecommerce")
    book = fn.load(to_deals(log, playbook), playbook=playbook, as_of=str(log.as_of)[:19])
    by_deals = {row.stage: row.reached_n for row in fn.conversion(book, horizon_days=7).steps}
    names = ["home", "search", "product", "cart", "payment", "purchase"]
    by_events = [row.reached_n for row in fn.funnel(log, furthest_steps(names), reuse=True).steps]
    stages = ["home", "browse", "product_detail", "cart", "payment_started"]
    assert [by_deals[stage] for stage in stages] == by_events[:-1]
    assert (
        by_deals["order_created"] == by_deals["payment_started"]
    )  # no event of its own: skipped, so reached
    assert book.opportunities["outcome"].value_counts().to_dict()["won"] == by_events[-1]
