# ruff: noqa: E501
"""The kinds of trouble that public exports have most often: what is proposed, asked, told and refused."""

import tomllib

import pytest

from funnelnb.core.errors import MappingError
from funnelnb.data.contract.settings import read_settings
from funnelnb.data.load import load
from funnelnb.data.propose import propose
from funnelnb.data.recognise.write import as_toml
from tests.data.recognise.corpus import SHAPES, day, deals, write

HEAD = ["Deal ID", "Stage", "Amount", "Created", "Closed"]


def export(folder, word, header=HEAD):
    write(
        folder / "deals.csv",
        header,
        [[d.id, word(d), d.amount, day(d.created), day(d.closed)] for d in deals()],
    )
    return folder


def codes(proposal):
    return [one.code for one in proposal.questions]


def test_a_last_stage_closed_is_asked_never_taken(tmp_path):
    export(tmp_path, lambda d: d.stage if d.outcome == "open" else "Closed")
    with pytest.raises(MappingError, match="won or lost") as error:
        load(tmp_path)
    assert '[outcomes] "Closed" = "left"' in str(error.value)
    found = propose(tmp_path)
    assert codes(found) == ["closed_not_told"]
    assert found.document["outcomes"] == {"Closed": "left"}  # to agree counts no deal as won or lost
    (tmp_path / "funnelnb.toml").write_text('[outcomes]\n"Closed" = "lost"\n', encoding="utf-8")
    book = load(tmp_path)  # one line answers it, the rest is recognised
    assert (book.opportunities["outcome"] == "lost").sum() == sum(d.outcome != "open" for d in deals())


def test_a_win_without_a_word_for_it_is_asked(tmp_path):
    export(tmp_path, lambda d: "Harvested" if d.outcome == "won" else d.word())
    found = propose(tmp_path)
    assert codes(found) == ["won_unknown"]
    assert found.document["outcomes"] == {"Harvested": "won"}
    with pytest.raises(MappingError, match="Harvested"):
        load(tmp_path)


def test_unknown_stages_in_no_order_are_asked(tmp_path):
    names = {"Qualification": "Zeta", "Needs Analysis": "Kappa", "Proposal": "Theta", "Negotiation": "Omega"}
    export(tmp_path, lambda d: d.word() if d.outcome != "open" else names[d.stage])
    assert codes(propose(tmp_path)) == ["order_unknown"]


def test_settings_never_switch_recognition_off(tmp_path):
    export(tmp_path, lambda d: d.word())
    book = load(tmp_path, mapping={"tables": {"opportunities": {"columns": {"opportunity_id": "Deal ID"}}}})
    assert {"amount", "created_at", "closed_at", "stage"} <= set(book.opportunities)
    with pytest.raises(MappingError, match="no stage model is named"):
        load(tmp_path, mapping={"crm": "none"})


def test_a_wrong_guess_is_corrected_by_one_line(tmp_path):
    write(tmp_path / "deals.csv", ["Deal ID", "Stage", "Value", "Net", "Created", "Closed"],
          [[d.id, d.word(), d.amount, d.amount // 2, day(d.created), day(d.closed)] for d in deals()])  # fmt: skip
    book = load(tmp_path, mapping={"tables": {"opportunities": {"columns": {"amount": "Net"}}}})
    assert book.opportunities["amount"].sum() == sum(d.amount // 2 for d in deals())


def test_row_and_column_order_do_not_matter(tmp_path):
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    rows = [[d.id, d.word(), d.amount, day(d.created), day(d.closed)] for d in deals()]
    write(tmp_path / "a" / "deals.csv", HEAD, rows)
    write(tmp_path / "b" / "deals.csv", HEAD[::-1], [row[::-1] for row in rows[::-1]])
    one, two = load(tmp_path / "a"), load(tmp_path / "b")
    assert one.playbook.stage_ids == two.playbook.stage_ids
    first, second = (
        book.opportunities.sort_values("opportunity_id").reset_index(drop=True) for book in (one, two)
    )
    assert first.equals(second[first.columns])


def test_what_is_not_read_is_listed(tmp_path):
    write(
        tmp_path / "deals.csv",
        [*HEAD, "Shoe size"],
        [[d.id, d.word(), d.amount, day(d.created), day(d.closed), 42] for d in deals()],
    )
    assert propose(tmp_path).unread() == {"deals.csv": ["Shoe size"]}


def test_problems_of_the_data_get_a_proposal_with_their_number(tmp_path):
    rows = [[d.id, d.word(), d.amount, day(d.created), day(d.closed)] for d in deals()]
    rows[3][2] = "a lot"
    rows[5][3] = "some day"
    won = next(k for k, d in enumerate(deals()) if d.outcome == "won" and k > 5)
    rows[won][4] = ""
    write(tmp_path / "deals.csv", HEAD, rows)
    found = propose(tmp_path)
    assert {(one.code, one.policy, one.problem.rows_n) for one in found.repairs} == {
        ("bad_number", "keep", 1), ("bad_date", "keep", 1), ("won_without_closed_at", "keep", 1)}  # fmt: skip
    assert len(load(tmp_path, mapping=found).opportunities) == len(rows)


@pytest.mark.parametrize("shape", ["many_spellings", "leads_and_bookings", "odoo_archived", "salesforce_field_history", "event_log",
                                   "won_and_lost_time", "with_joinable_files", "several_currencies", "no_dates"])  # fmt: skip
def test_the_written_settings_load_as_they_stand(shape, tmp_path):
    data, plain = tmp_path / "data", tmp_path / "plain"
    data.mkdir(), plain.mkdir()
    SHAPES[shape](data)
    found = propose(data)
    text = as_toml(found.document, {"": ["a comment"]})
    assert read_settings(tomllib.loads(text)) == read_settings(found.document)
    expected = load(data, mapping=found)
    (data / "funnelnb.toml").write_text(text, encoding="utf-8")
    book = load(data)
    assert book.opportunities.equals(expected.opportunities)
    assert book.playbook.stage_ids == expected.playbook.stage_ids


def test_a_settings_file_beside_is_not_for_another_file(tmp_path):
    export(tmp_path, lambda d: d.word())
    write(
        tmp_path / "other.csv",
        HEAD,
        [["X1", "Lead", 5, "2026-01-01", ""], ["X2", "Closed Won", 5, "2026-01-01", "2026-01-02"]],
    )
    (tmp_path / "funnelnb.toml").write_text(
        'data = "deals.csv"\nplaybook = ["Offer", "Won"]\n', encoding="utf-8"
    )
    assert load(tmp_path / "other.csv").playbook.stage_ids == ("lead", "closed_won")


# ---- real exports, where they are there -------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_maven_without_settings(shared_data):
    book = load(shared_data / "maven_crm")
    table = book.opportunities
    won = table["outcome"] == "won"
    assert table["outcome"].value_counts().to_dict() == {"won": 4238, "lost": 2473, "open": 2089}
    assert table.loc[won, "amount"].sum() == 10_005_534
    cycle = (
        table.loc[table["outcome"] != "open", "closed_at"]
        - table.loc[table["outcome"] != "open", "created_at"]
    ).dt.days
    assert round(cycle.mean(), 2) == 47.99
    assert table.loc[won].groupby("region")["amount"].sum().to_dict() == {
        "Central": 3_346_293,
        "East": 3_090_594,
        "West": 3_568_647,
    }
    assert book.playbook.stage_ids == ("prospecting", "engaging", "won")


@pytest.mark.realdata
def test_olist_leads_and_wins_in_two_files(shared_data):
    found = propose(shared_data / "olist_marketing")
    assert found.questions == []
    table = load(shared_data / "olist_marketing", mapping=found).opportunities
    assert len(table) == 8000
    assert (table["outcome"] == "won").sum() == 842
    assert round((table.loc[table["source"] == "paid_search", "outcome"] == "won").mean(), 4) == 0.1230
    days = (table["closed_at"] - table["created_at"]).dt.total_seconds() / 86400
    # 555 wins within 30 days of all 842; the one dated before its lead has no known beginning
    assert ((days < 31).sum(), days.notna().sum()) == (554, 841)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "asked", "outcomes", "told"),
    [
        ("hubspot", "stage_column_blank", {"open": 44}, ("open_ended_dates", "_fivetran_end", "2050-01-01")),
        ("salesforce", "all_deleted", {"won": 5, "lost": 4, "open": 1}, ("open_ended_dates", "_fivetran_end", "9999-12-31")),
        ("chinese", "no_dates", {"open": 4}, ("instruction_row_dropped", 2, None)),
    ],
)  # fmt: skip
def test_other_real_exports_load_with_the_proposal(name, asked, outcomes, told, shared_data):
    found = propose(shared_data / name)
    assert [one.code for one in found.questions] == [asked]
    book = load(shared_data / name, mapping=found)
    assert book.opportunities["outcome"].value_counts().to_dict() == outcomes
    notes = [one.values for one in book.notes if one.code == told[0]]
    assert any(told[1] in (one.get("column"), one.get("row")) for one in notes)
    assert told[2] is None or any(str(one["example"]).startswith(told[2]) for one in notes)
    if name == "chinese":  # 预计金额（万元）
        assert book.opportunities["amount"].tolist()[:3] == [6_800_000, 5_200_000, 3_500_000]


def test_parquet_by_pattern_and_duckdb_of_any_schema(tmp_path):
    import duckdb
    import pandas as pd

    frame = pd.DataFrame([[d.id, d.word(), d.amount, d.created, d.closed] for d in deals()], columns=HEAD)
    (tmp_path / "parts").mkdir()
    frame[:70].to_parquet(tmp_path / "parts" / "deals_2025.parquet")
    frame[70:].to_parquet(tmp_path / "parts" / "deals_2026.parquet")
    assert len(load(tmp_path / "parts" / "deals_*.parquet").opportunities) == len(frame)
    assert len(load(tmp_path / "parts").opportunities) == len(frame)
    with duckdb.connect(str(tmp_path / "store.duckdb")) as connection:
        connection.execute("CREATE SCHEMA crm")
        connection.execute("CREATE TABLE crm.pipeline AS SELECT * FROM frame")
        connection.execute("CREATE TABLE notes AS SELECT 'x' AS colour, 'y' AS taste")
    assert len(load(tmp_path / "store.duckdb").opportunities) == len(frame)


def lost_zeros(history_ids, deal_ids):
    deals = "".join(
        f"{one},{'Won' if n % 2 else 'Proposal'},2025-01-0{n + 1}\n" for n, one in enumerate(deal_ids)
    )
    rows = "".join(f"{one},Qualification,2025-01-0{n + 1}\n" for n, one in enumerate(history_ids))
    rows += "".join(f"{one},Proposal,2025-02-0{n + 1}\n" for n, one in enumerate(history_ids))
    return "Deal ID,Stage,Created Date\n" + deals, "Deal ID,Stage,Entered at\n" + rows


@pytest.mark.parametrize(
    ("history_ids", "deal_ids"),
    [
        (["17", "204", "1003", "8", "95"], ["00017", "00204", "01003", "00008", "00095"]),
        (["17.0", "204.0", "1003.0", "8.0", "95.0"], ["17", "204", "1003", "8", "95"]),
        (["00017", "00204", "01003", "00008", "00095"], ["17", "204", "1003", "8", "95"]),
    ],
)
def test_ids_that_lost_their_zeros_in_one_table_are_matched_and_told(tmp_path, history_ids, deal_ids):
    for name, text in zip(("deals.csv", "stage_history.csv"), lost_zeros(history_ids, deal_ids), strict=True):
        (tmp_path / name).write_text(text)
    found = propose(tmp_path)
    book = load(tmp_path, mapping=found)
    assert sorted(book.opportunities["opportunity_id"]) == sorted(deal_ids)
    assert set(book.tables["stage_history"]["opportunity_id"]) == set(deal_ids)
    (note,) = [one for one in book.notes if one.code == "ids_matched"]
    assert note.values["n"] == 5
    assert "history_unknown_deal" not in {one.code for one in book.notes}


def test_ids_that_may_be_two_deals_are_not_matched(tmp_path):
    from funnelnb.data.recognise.relate import near_numbers

    assert near_numbers(["7", "8"], ["07", "007", "08"]) == {"8": "08"}
    assert near_numbers(["7", "07"], ["007"]) == {}
