"""The honest funnel: evidence against claim by hand, a loop over the sample, no look-ahead, what is refused."""

from dataclasses import replace

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.core.errors import DataProblems, MissingDataError, ParameterError
from funnelnb.playbooks import load_playbook
from tests.analysis.desk import book, frame, open_deal, relabelled, shuffled

SEVEN = load_playbook("seven_step")
GATES = frame(
    "opportunity_id stage criterion met at",
    ("d00000", "qualify", "need_worth_solving", True, "2026-03-01"),
    ("d00000", "qualify", "roles_mapped", False, "2026-03-01"),
    ("d00000", "qualify", "money_possible", False, "2026-03-01"),
    ("d00001", "qualify", "roles_mapped", False, "2026-02-01"),
    ("d00001", "qualify", "roles_mapped", True, "2026-03-01"),
    ("d00001", "qualify", "money_possible", False, "2026-03-01"),
    ("d00002", "shortlist", "shortlisted", False, "2026-03-01"),
)


def small(gates=GATES):
    deals = (
        open_deal(3, amount=100.0, account_id="a"),
        open_deal(2, amount=50.0, account_id="a"),
        open_deal(3, amount=25.0, account_id="b"),
        open_deal(4, amount=None, account_id="b"),
    )
    return book(*deals, model=SEVEN, gates=gates)


def test_by_hand() -> None:
    result = fn.honest_funnel(small())
    deals = {deal.opportunity_id: deal for deal in result.deals}
    assert (deals["d00000"].supported_stage, deals["d00000"].stages_apart) == ("qualify", 2)
    assert deals["d00000"].missing == "roles_mapped", "what is only desirable holds nobody back"
    assert deals["d00001"].supported_stage == "project_approved", "the latest record counts"
    assert deals["d00002"].stages_apart == 0, "the purposes of the present stage need not be met yet"
    assert "shortlisted" in deals["d00002"].missing
    assert not deals["d00003"].checked
    assert (result.overclaimed_n, result.overclaimed_amount, result.checked_n) == (1, 100.0, 3)
    rows = {row.stage: row for row in result.rows}
    assert (rows["shortlist"].claimed_n, rows["shortlist"].supported_n) == (2, 1)
    assert rows["qualify"].supported_n == 1
    assert (rows["shortlist"].claimed_beyond_amount, rows["shortlist"].supported_beyond_amount) == (
        125.0,
        25.0,
    )
    assert rows["project_approved"].between_amount == 100.0
    assert rows["qualify"].between_amount == 0.0
    assert rows["negotiation"].unchecked_n == 1
    assert deals["d00000"].action_en == "Help the initiator make the case for a project."


def test_evidence_of_everything() -> None:
    result = fn.honest_funnel(small(), unrecorded="not_met")
    assert {deal.supported_stage for deal in result.deals} == {"find_opportunity"}
    assert result.overclaimed_n == 4


def test_the_sample_against_a_loop() -> None:
    sample = fn.sample()
    result = fn.honest_funnel(sample)
    required = {
        (stage.id, gate.id): gate.required
        for stage in sample.playbook.stages
        for gate in (*stage.entry, *stage.exit)
    }
    ids = sample.playbook.stage_ids
    failed = {}
    for row in sample.table("gates").itertuples():
        if not row.met and required[row.stage, row.criterion]:
            failed.setdefault(row.opportunity_id, set()).add(ids.index(row.stage))
    for deal in result.deals:
        claimed = ids.index(deal.stage)
        held = [k for k in failed.get(deal.opportunity_id, ()) if k < claimed]
        assert ids.index(deal.supported_stage) == min([claimed, *held])
    assert result.overclaimed_n > 0
    assert sum(row.claimed_n for row in result.rows) == len(result.deals)


def test_row_order_and_ids_do_not_matter() -> None:
    sample = fn.sample()
    first = fn.honest_funnel(sample)
    assert repr(fn.honest_funnel(shuffled(sample)).deals) == repr(first.deals)
    assert repr(fn.honest_funnel(relabelled(sample)).rows) == repr(first.rows)


def test_what_contradicts_itself_or_is_unknown_is_named() -> None:
    bad = frame(
        "opportunity_id stage criterion met at",
        ("d00000", "qualify", "roles_mapped", True, "2026-03-01"),
        ("d00000", "qualify", "roles_mapped", False, "2026-03-01"),
        ("d00001", "qualify", "role_mapped", True, "2026-03-01"),
    )
    with pytest.raises(DataProblems) as caught:
        fn.honest_funnel(small(bad))
    text = str(caught.value)
    assert "gates, row 3, column 'met'" in text
    assert "gates, row 4, column 'criterion'" in text
    assert "did you mean 'roles_mapped'" in text


def test_bad_parameters_and_missing_tables() -> None:
    with pytest.raises(ParameterError, match="unrecorded = 'no'"):
        fn.honest_funnel(small(), unrecorded="no")
    whole = small()
    bare = replace(whole, tables={k: v for k, v in whole.tables.items() if k != "gates"})
    with pytest.raises(MissingDataError, match="no table 'gates'"):
        fn.honest_funnel(bare)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_reads_in_words_and_draws(lang) -> None:
    for one in (fn.honest_funnel(small()), fn.honest_funnel(small(GATES.iloc[:0]))):
        assert one.finding(lang)
        assert "{" not in one.text(lang)
        assert one.chart("honest", lang).to_dict()
    assert np.isnan(fn.honest_funnel(small(GATES.iloc[:0])).overclaimed_amount)


def test_purposes_that_are_not_met_stay_or_fall_back() -> None:
    """DOMAIN A8: the first stage may only stay, a later one falls back; what nobody looked at says nothing."""
    model = load_playbook("behaviour")
    first, second, third = model.stages[:3]
    gates = frame(
        "opportunity_id stage criterion met at",
        ("d00000", first.id, first.exit[0].id, False, "2026-03-01"),
        ("d00001", third.id, third.exit[0].id, False, "2026-03-01"),
        ("d00002", third.id, third.exit[0].id, False, "2026-02-01"),
        ("d00002", third.id, third.exit[0].id, True, "2026-03-01"),
    )
    deals = (
        open_deal(0, amount=1.0),
        open_deal(2, amount=2.0),
        open_deal(2, amount=3.0),
        open_deal(2, amount=4.0),
    )
    result = fn.honest_funnel(book(*deals, model=model, gates=gates))
    found = {row.opportunity_id: (row.if_unmet, row.falls_to) for row in result.deals}
    assert found == {
        "d00000": ("stay", first.id),
        "d00001": ("fall_back", second.id),
        "d00002": ("", ""),
        "d00003": ("", ""),
    }
    assert (result.stay_n, result.fall_back_n) == (1, 1)
    assert sum(row.supported_n for row in result.rows) == 4 and result.overclaimed_n == 0
    text = result.text("zh")
    assert "只能原地逗留" in text and "只能倒退到" in text and "节外生枝" in text
    assert "falls back by one stage" in result.finding("en")
