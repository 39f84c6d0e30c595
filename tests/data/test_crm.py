"""Exports of CRMs are recognised by their headers; the real seeds and the Chinese template load."""

import pandas as pd
import pytest

from funnelnb.core.errors import DataProblems, MappingError
from funnelnb.data.contract.tables import OUTCOMES, TABLES, column
from funnelnb.data.load import load
from funnelnb.data.recognise.columns import presets, recognise

HEADERS = {
    "salesforce": ["Opportunity ID", "Opportunity Name", "Opportunity Owner", "Account Name", "Stage", "Amount",
                   "Close Date", "Created Date", "Lead Source", "Type", "Probability (%)"],
    "hubspot": ["Record ID", "Deal Name", "Deal Stage", "Close Date", "Deal owner", "Amount", "Create Date",
                "Pipeline", "Associated Company", "Deal probability"],
    "pipedrive": ["Deal - ID", "Deal - Title", "Deal - Owner", "Deal - Value", "Deal - Currency", "Deal - Stage",
                  "Deal - Status", "Deal - Deal created", "Deal - Deal closed on", "Deal - Lost reason"],
    "dynamics": ["(Do Not Modify) Opportunity", "Topic", "Potential Customer", "Est. Close Date", "Est. Revenue",
                 "Actual Revenue", "Status", "Pipeline Phase", "Created On", "Owner"],
    "zoho": ["Record Id", "Deal Name", "Deal Owner", "Account Name", "Stage", "Amount", "Closing Date",
             "Created Time", "Reason For Loss", "Lead Source"],
    "chinese": ["商机名称", "客户名称", "商机金额", "商机阶段", "商机状态", "负责人", "创建时间", "预计成交日期"],
    "plain": ["Deal", "Customer", "Sales Rep", "Deal Stage", "Close Value", "Close Date", "Created", "Region"],
}  # fmt: skip


@pytest.mark.parametrize("crm", HEADERS)
def test_headers_are_recognised(crm):
    found = recognise(HEADERS[crm])
    assert found is not None
    assert found.id == crm


def test_other_headers_are_not():
    assert recognise(["apples", "pears", "amount"]) is None


@pytest.mark.parametrize("crm", presets())
def test_presets_keep_to_the_contract(crm):
    preset = presets()[crm]
    assert preset.label
    for table, columns in preset.columns.items():
        assert table in TABLES
        for name, words in columns.items():
            assert column(table, name) is not None, name
            assert words
    assert set(preset.outcomes.values()) <= set(OUTCOMES)


def test_an_unknown_crm_names_the_nearest():
    with pytest.raises(MappingError, match="did you mean 'salesforce'"):
        load(pd.DataFrame({"a": ["1"]}), playbook=["a", "won"], mapping={"crm": "salesforc"})


def test_a_recognised_export_loads_and_says_so():
    deals = pd.DataFrame(
        [["1", "A", "Ann", "Acme", "Offer", "5", "2026-05-01", "2026-01-01", "Web", "New", "50"],
         ["2", "B", "Bob", "Acme", "Closed Won", "7", "2026-02-01", "2026-01-01", "Web", "New", "100"],
         ["3", "C", "Bob", "Beta", "Closed Lost", "9", "2026-02-02", "2026-01-01", "Fair", "New", "0"]],
        columns=HEADERS["salesforce"],
    )  # fmt: skip
    book = load(deals, playbook=["Lead", "Offer"])
    table = book.opportunities
    assert table["outcome"].tolist() == ["open", "won", "lost"]
    assert table["owner"].tolist() == ["Ann", "Bob", "Bob"]
    assert table["probability"].tolist() == [0.5, 1, 0]
    assert str(table["expected_close_at"][0])[:10] == "2026-05-01"
    assert "crm_recognised" in {note.code for note in book.notes}


def test_settings_win_over_the_preset():
    deals = pd.DataFrame(
        [["1", "A", "Offer", "5", "6"]], columns=["Record ID", "Deal Name", "Deal Stage", "Amount", "Net"]
    )
    book = load(deals, playbook=["Offer"], as_of="2026-01-01",
                mapping={"crm": "hubspot", "tables": {"opportunities": {"columns": {"amount": "Net"}}}})  # fmt: skip
    assert book.opportunities["amount"].tolist() == [6]


def test_crm_none_reads_only_the_contracts_names():
    with pytest.raises(DataProblems, match="opportunity_id"):
        load(
            pd.DataFrame([["1", "Offer"]], columns=["Record ID", "Deal Stage"]),
            playbook=["Offer"],
            mapping={"crm": "none"},
        )


def test_dynamics_codes_and_revenues():
    deals = pd.DataFrame(
        [["g1", "A", "Acme", "2026-06-01", "", "1000", "", "Open", "2-Develop", "2026-01-01", "Ann"],
         ["g2", "B", "Acme", "2026-03-01", "2026-02-01", "900", "950", "Won", "4-Close", "2026-01-01", "Ann"]],
        columns=["(Do Not Modify) Opportunity", "Topic", "Potential Customer", "Est. Close Date", "Actual Close Date",
                 "Est. Revenue", "Actual Revenue", "Status", "Pipeline Phase", "Created On", "Owner"],
    )  # fmt: skip
    table = load(deals, playbook=["Qualify", "Develop", "Propose", "Close"]).opportunities
    assert table["amount"].tolist() == [1000, 950]
    assert table["stage"].tolist() == ["develop", "won"]


@pytest.mark.realdata
def test_the_chinese_template(shared_data):
    folder = shared_data / "chinese"
    stages = ["线索", "立项", "报价", "签约跟进"]
    for source in (folder, next(folder.glob("*.xlsx"))):
        book = load(source, playbook=stages, as_of="2026-06-30")
        deals = book.opportunities
        assert deals["amount"].tolist() == [6_800_000, 5_200_000, 3_500_000, 2_800_000]
        assert book.currency == "CNY"
        assert deals["stage"].tolist() == ["报价", "签约跟进", "立项", "线索"]
        assert (deals["outcome"] == "open").all()
        assert deals["expected_close_at"].astype("str").tolist()[:2] == ["2026-05-30", "2026-03-31"]
        notes = {note.code: note.values for note in book.notes}
        assert (notes["instruction_row_dropped"]["row"], notes["unit_applied"]["factor_n"]) == (2, 10_000)
        assert "ids_from_rows" in notes
        assert notes["crm_recognised"]["crm"].startswith("Chinese")


@pytest.mark.realdata
def test_the_salesforce_seed(shared_data):
    """Ten deals, all deleted; seven closed on their day of creation; one truly closed before it."""
    mapping = {
        "playbook": ["proposal", "won"],
        "deleted": "keep",
        "outcomes": {"GavUFuuf4DrnQAoiRGlWpQ==": "won", "tXi3M8u3iPxq0ggxTSxMKw==": "lost"},
        "stages": {"9RN9J3tlxr89gDctReax5w==": "proposal"},
    }
    with pytest.raises(DataProblems) as error:
        load(shared_data / "salesforce", mapping=mapping)
    assert [(one.row, one.rows_n, one.value) for one in error.value.problems] == [
        (6, 1, "2018-12-07 < 2018-12-19")
    ]
    book = load(
        shared_data / "salesforce", mapping={**mapping, "problems": {"closed_before_created": "keep"}}
    )
    deals = book.opportunities
    assert deals["outcome"].value_counts().to_dict() == {"won": 5, "lost": 4, "open": 1}
    assert deals["opportunity_id"].str.len().eq(18).all()
    assert len(book.table("stage_history")) == 10
    notes = {note.code: note.values for note in book.notes}
    assert notes["open_ended_dates"]["example"] == "9999-12-31"
    assert notes["open_ended_dates"]["n"] == 8
    assert notes["deleted_rows_kept"]["n"] == 10
    with pytest.raises(DataProblems, match="all 10 deals are marked as deleted"):
        load(shared_data / "salesforce", mapping={**mapping, "deleted": "drop"})


@pytest.mark.realdata
def test_the_hubspot_seed(shared_data):
    """44 deals without a stage; a stage history of fourteen other deals, open until 2050."""
    mapping = {
        "playbook": ["a", "b", "c"],
        "stages": {"f66ca9bc5a02c2f1513ce83f0a0e117d": "a", "09a969da1d61b38bd3746f0f49c1475a": "b",
                   "6e81db225a3757a3fc20cc9b1b3d9e1b": "c"},
    }  # fmt: skip
    with pytest.raises(DataProblems) as error:
        load(shared_data / "hubspot", mapping=mapping)
    assert [(one.file, one.rows_n) for one in error.value.problems] == [("deal_stage_data.csv", 14)]
    book = load(shared_data / "hubspot", mapping={**mapping, "problems": {"history_unknown_deal": "drop"}})
    assert len(book.opportunities) == 44
    assert (book.opportunities["outcome"] == "open").all()
    notes = {note.code: note.values for note in book.notes}
    assert (notes["open_ended_dates"]["n"], notes["open_ended_dates"]["example"]) == (14, "2050-01-01")
