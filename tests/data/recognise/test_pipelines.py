"""Several pipelines in one export: told with the stages of each, and one of them read alone."""

import pandas as pd
import pytest

from funnelnb.analysis.conversion.ideal import ideal_funnel
from funnelnb.analysis.shared.open_deals import learned_from
from funnelnb.core.errors import MappingError, MissingDataError
from funnelnb.data.count.tally import stage_counts
from funnelnb.data.load import load
from funnelnb.data.propose import propose
from funnelnb.notebook.page import pick


@pytest.fixture
def export(tmp_path):
    sales = [
        ["S1", "Demo", ""],
        ["S2", "Proposal", ""],
        ["S3", "Closed Won", "2026-03-01"],
        ["S4", "Closed Lost", "2026-03-02"],
    ]
    renewals = [["R1", "Renewal due", ""], ["R2", "Closed Won", "2026-03-03"]]
    rows = [[*one, name] for name, part in (("Sales", sales), ("Renewals", renewals)) for one in part]
    deals = pd.DataFrame(rows, columns=["Deal ID", "Stage", "Closed", "Pipeline"]).assign(
        Created="2026-01-05", Amount="10"
    )
    deals.to_csv(tmp_path / "deals.csv", index=False)
    log = [[one, stage, "2026-01-06"] for one, stage, _, _ in rows] + [
        ["S3", "Demo", "2026-01-05"],
        ["R2", "Renewal due", "2026-01-05"],
    ]
    pd.DataFrame(log, columns=["Deal ID", "New Stage", "Changed"]).to_csv(
        tmp_path / "history.csv", index=False
    )
    return tmp_path


def told(proposal, code):
    return next(dict(one.values) for one in proposal.notes if one.code == code)


def test_all_are_told_with_their_stages(export):
    names = told(propose(export), "several_pipelines")["names"]
    assert names == "Sales (4: Demo → Proposal), Renewals (2: Renewal due)"


def test_one_alone_has_its_own_stages_deals_and_history(export):
    settings = {"pipeline": "sales"}
    proposal = propose(export, mapping=settings)
    book = load(export, mapping=proposal)
    assert sorted(book.opportunities["opportunity_id"]) == ["S1", "S2", "S3", "S4"]
    assert [one.en for one in book.playbook.stage_labels] == ["Demo", "Proposal", "Closed Won"]
    assert set(book.tables["stage_history"]["opportunity_id"]) <= {"S1", "S2", "S3", "S4"}
    assert told(proposal, "pipeline_chosen") == {"name": "Sales", "n": 4, "of_n": 6}
    assert len(load(export, mapping=settings)) == 4


def test_the_pipelines_add_up_to_the_whole(export):
    parts = [
        load(export, mapping=propose(export, mapping={"pipeline": one})) for one in ("Sales", "Renewals")
    ]
    assert sum(map(len, parts)) == len(load(export, mapping=propose(export)))


def test_a_name_that_is_none_is_refused_with_the_nearest(export):
    with pytest.raises(MappingError, match="Sales"):
        propose(export, mapping={"pipeline": "Salse"})


def test_a_file_without_pipelines_says_so(tmp_path):
    (tmp_path / "deals.csv").write_text("Deal ID,Stage,Created\n1,Won,2026-01-05\n2,Demo,2026-01-05\n")
    with pytest.raises(MappingError, match="tells the pipeline"):
        propose(tmp_path, mapping={"pipeline": "Sales"})


def test_beside_no_recognition_it_says_what_to_write(export):
    with pytest.raises(MappingError, match="only ="):
        load(export, mapping={"pipeline": "Sales", "crm": "none"})


@pytest.fixture
def book():
    """Two processes that share one stage; by hand."""
    rows = [
        ("a", "Sales", "demo", "open"), ("b", "Sales", "offer", "open"), ("c", "Sales", "won", "won"),
        ("d", "Sales", "", "lost"), ("e", "Renewals", "reminder", "open"), ("f", "Renewals", "offer", "open"),
    ]  # fmt: skip
    deals = pd.DataFrame(rows, columns=["opportunity_id", "pipeline", "stage", "outcome"])
    deals["created_at"] = "2026-01-05"
    deals["closed_at"] = ["", "", "2026-02-01", "2026-02-01", "", ""]
    history = [("c", "demo", "2026-01-05"), ("c", "talk", "2026-01-08"), ("d", "talk", "2026-01-09")]
    log = pd.DataFrame(history, columns=["opportunity_id", "stage", "entered_at"])
    model = ["demo", "reminder", "talk", "offer", "never", "won"]
    return load({"opportunities": deals, "stage_history": log}, playbook=model, as_of="2026-03-01")


def test_each_pipeline_has_the_stages_that_its_deals_passed(book):
    assert book.in_pipeline("Sales").playbook.stage_ids == ("demo", "talk", "offer", "won")
    assert book.in_pipeline("Renewals").playbook.stage_ids == ("reminder", "offer", "won")
    assert book.where(pipeline="Sales").playbook is book.playbook
    assert [one.code for one in book.in_pipeline("Sales").notes].count("pipeline_stages") == 1


def test_a_deal_is_no_longer_counted_as_past_stages_of_others(book):
    counts = stage_counts(book.in_pipeline("Renewals").ledger)
    assert counts.reached_n.tolist() == [[2, 1, 0]]  # e in reminder, f in offer
    merged = stage_counts(book.where(pipeline="Renewals").ledger)
    assert merged.reached_n.tolist() == [[2, 2, 1, 1, 0, 0]]


def test_a_report_of_a_pipeline_picks_it_with_its_stages(book):
    picked = pick(book, "pipeline", "Renewals")
    assert picked.playbook.stage_ids == ("reminder", "offer", "won")
    assert pick(book, "pipeline", "").playbook is book.playbook
    assert learned_from(picked, book) is picked
    with pytest.raises(MissingDataError, match="stages of their own"):
        ideal_funnel(picked, book)


def test_a_named_stage_model_stays_whole():
    deals = pd.DataFrame(
        {"opportunity_id": ["a", "b"], "pipeline": ["x", "y"], "stage": ["quotation", "won"]}
    )
    deals = deals.assign(created_at="2026-01-05", closed_at=["", "2026-02-01"])
    whole = load(deals, playbook="weekly_report")
    assert whole.in_pipeline("x").playbook is whole.playbook
