"""Kinds of tables that public exports of other people brought up: one small input of our own for each."""

import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.data.propose import propose
from funnelnb.data.recognise.stages import Evidence, plan
from tests.data.recognise.test_evidence_over_words import asked, figures

DAYS = [f"2025-03-{day:02d}" for day in range(1, 31)]
STEPS = ["Lead", "Demo", "Offer"]


def columns(source):
    return propose(source).document["tables"]["opportunities"]["columns"]


def stages(source):
    return list(propose(source).stages.stages)


def csv(path, *rows):
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_reason_on_all_its_deals_makes_a_word_lost_and_is_asked():
    made = pd.DataFrame({
        "ID": range(9), "Data": DAYS[:9], "Valor vendido": [90] * 4 + [0] * 5, "Valor ofertado": [70] * 9,
        "Resultado": ["Fechado"] * 4 + ["Não fechado"] * 3 + ["Sem interesse", "Proposta não enviada"],
        "Motivo da perda": [None] * 4 + ["preço", "prazo", "preço", "prazo", "preço"],
    })  # fmt: skip
    assert figures(made)[:5] == (9, 4, 5, 0, 360)
    assert "word_unclear" in asked(made)


def test_a_reason_leaves_open_what_a_list_calls_open():
    made = pd.DataFrame({
        "ID": range(6), "Created": DAYS[:6], "Status": ["Open", "Won", "Won", "Lost", "Lost", "Open"],
        "Lost reason": ["budget", None, None, "price", "price", "no time"],
    })  # fmt: skip
    assert figures(made)[:4] == (6, 2, 2, 2)


def test_a_word_that_denies_is_never_the_win_for_want_of_another():
    made = pd.DataFrame(
        {"id": range(8), "created": DAYS[:8], "status": ["open"] * 3 + ["lost"] * 3 + ["not x"] * 2}
    )
    assert figures(made)[1] == 0


def test_closed_without_any_other_end_is_no_win():
    made = pd.DataFrame({"id": range(8), "created": DAYS[:8], "status": ["active"] * 5 + ["closed"] * 3})
    assert figures(made)[1:4] == (0, 0, 5)
    assert asked(made) == {"closed_not_told"}


def test_a_header_that_stands_again_with_cells_lost_is_left_out(tmp_path):
    rows = [f"N{k},{STEPS[k % 3]},{k}00,{DAYS[k]}" for k in range(9)]
    rows[4:4] = ["x,Stage,Amount,Created", ",Stage,Amount,Created"]
    book = fn.load(csv(tmp_path / "deals.csv", "Name,Stage,Amount,Created", *rows), playbook=[*STEPS, "Won"])
    assert book.describe()["deal_n"] == 9


def test_a_deal_called_as_two_headers_stays(tmp_path):
    rows = ["Stage,Stage,100,2025-03-01", "b,Demo,100,2025-03-02", "c,Lead,100,2025-03-03"]
    made = csv(tmp_path / "deals.csv", "Name,Stage,Amount,Created", *rows)
    assert len(propose(made).deals.raw.frame) == 3


def test_amounts_go_with_the_currency_that_is_called_like_them():
    made = pd.DataFrame({
        "Opportunity Name": list("abcd"), "Stage": ["Won", "Lost", "Demo", "Won"], "Created Date": DAYS[:4],
        "Amount Currency": ["EUR", "GBP", "EUR", "GBP"], "Amount": [100, 200, 300, 400],
        "Amount (converted) Currency": ["USD"] * 4, "Amount (converted)": [110, 260, 330, 520],
    })  # fmt: skip
    assert (columns(made)["amount"], columns(made)["currency"]) == (
        "Amount (converted)",
        "Amount (converted) Currency",
    )
    assert figures(made)[4] == 630
    alone = made.drop(columns="Amount (converted)")
    assert columns(alone)["currency"] == "Amount Currency"


def test_an_import_in_several_currencies_loads_again(tmp_path):
    made = pd.DataFrame({
        "id": [1, 2, 3], "stage": ["Won", "Lost", "Demo"], "created": DAYS[:3], "amount": [100, 50, 70],
        "currency": ["EUR", "EUR", "USD"],
    })  # fmt: skip
    made.to_csv(tmp_path / "deals.csv", index=False)
    assert fn_import(tmp_path / "deals.csv", tmp_path / "out") == 0
    assert fn.load(tmp_path / "out").describe()["won_amount"] == 100


def fn_import(source, out):
    from funnelnb.cli import main

    return main(["import", str(source), "--yes", "--out", str(out)])


def test_the_date_of_the_close_is_no_step_between_dates_of_steps():
    made = pd.DataFrame({
        "deal_id": range(6), "create_date": DAYS[:6], "is_closed": [True] * 4 + [False] * 2,
        "is_closed_won": [True] * 3 + [False] * 3, "close_date": [*DAYS[20:24], None, None],
        "date_entered_pitch": DAYS[6:12], "date_entered_trial": [*DAYS[12:17], None],
    })  # fmt: skip
    assert stages(made) == ["pitch", "trial"]
    assert columns(made)["closed_at"] == "close_date"


def test_a_firm_does_not_tell_deals_apart():
    made = pd.DataFrame(
        {"AccountId": ["a1", "a2", "a3"], "StageName": ["Won", "Lost", "Demo"], "Created": DAYS[:3]}
    )
    assert columns(made)["account_id"] == "AccountId"
    assert columns(made)["opportunity_id"] == "#row"


def test_codes_and_promised_days_are_neither_amounts_nor_creations():
    made = pd.DataFrame({
        "quote_id": range(6), "quote_status": ["accepted"] * 4 + ["open"] * 2, "promised_delivery": DAYS[:6],
        "house": [34878363, 35040352, 35073131, 34878363, 34674607, 35040352],
    })  # fmt: skip
    assert not {"amount", "created_at"} & set(columns(made))
    priced = made.assign(
        **{"Estimated $": [10.5, 20.5, 30.5, 40.5, 50.5, 60.5], "Hours": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]}
    )
    assert columns(priced)["amount"] == "Estimated $"


def test_stages_that_say_how_it_closed_are_none_where_the_outcome_says_lost():
    words = {"Demo": 4, "Closed-NoFit": 1, "Not relevant": 2, "Offer": 3}
    told = {
        "Closed-NoFit": {"lost": 1},
        "Not relevant": {"lost": 2},
        "Demo": {"open": 4},
        "Offer": {"open": 3},
    }
    found = plan(Evidence(counts=words, probability={}, outcomes=told), outcome_told=True)
    assert found.stages == ("Demo", "Offer")


def test_the_last_stage_is_not_proposed_as_won_where_its_deals_are_lost():
    words = {"A. Lead": 4, "B. Demo": 3, "O. Not relevant": 2}
    found = plan(Evidence(counts=words, probability={}, outcomes={}), outcome_told=False)
    assert not any(one.meaning == "won" for one in found.words)


def test_known_names_are_in_their_order_though_some_are_unknown():
    words = {"Shipping check": 2, "Xyz": 3, "Negotiation": 1, "Lead": 1, "Quux": 1, "Proposal": 1}
    found = plan(Evidence(counts=words, probability={}, outcomes={}), outcome_told=True)
    known = [one for one in found.stages if one in ("Lead", "Proposal", "Negotiation")]
    assert (known, found.order_sure) == (["Lead", "Proposal", "Negotiation"], False)


def test_a_customer_is_won_in_other_languages():
    made = pd.DataFrame(
        {
            "ID": range(5),
            "Etapa": ["Proposta", "Cliente", "Cliente", "Perdido", "Proposta"],
            "Criado em": DAYS[:5],
        }
    )
    assert figures(made)[:4] == (5, 2, 1, 2)


def test_an_amount_in_the_currency_of_the_house_has_no_other_currency():
    made = pd.DataFrame({
        "deal_id": range(5), "stage": ["Won", "Won", "Lost", "Demo", "Demo"], "created": DAYS[:5],
        "currency": ["NOK", "SEK", "DKK", "NOK", "SEK"], "amount_local": [900, 800, 700, 600, 500],
        "amount_eur": [90.5, 80.5, 100.5, 60.5, 50.5],
    })  # fmt: skip
    assert columns(made)["amount"] == "amount_eur"
    assert columns(made)["currency"] == ""
    assert figures(made)[4] == 171
    house = pd.DataFrame({"Record ID": range(4), "Amount in company currency": ["$1,000.00"] * 4})
    assert (
        columns(house.assign(**{"Deal Stage": ["closedwon"] * 4}))["amount"] == "Amount in company currency"
    )


LOG = pd.DataFrame({
    "row": [f"R{k}" for k in range(14)],
    "deal_id": ["a", "a", "a", "b", "b", "c", "c", "c", "d", "d", "e", "e", "e", "e"],
    "stage": ["Lead", "Demo", "Won", "Lead", "Lost", "Lead", "Demo", "Demo", "Lead", "Lost", "Lead",
        "Demo", "Demo", "Won"],
    "close_date": [DAYS[12]] * 5 + [DAYS[13]] * 5 + [DAYS[14]] * 4, "changed_date": DAYS[:14],
})  # fmt: skip


@pytest.mark.parametrize("header", ["changed_date", "Moved", "mmm"])
def test_a_log_is_one_by_the_ids_of_its_deals(header):
    found = columns(LOG.rename(columns={"changed_date": header}))
    assert found["opportunity_id"] == "deal_id"
    assert "created_at" not in found


def test_the_owner_is_who_sells():
    made = pd.DataFrame({
        "deal": ["p", "q", "r"], "stage": ["Won", "Lost", "Demo"], "technical_owner": ["Ada", "Bo", "Cy"],
        "ae_name": ["Di", "Ed", "Flo"],
    })  # fmt: skip
    assert columns(made)["owner"] == "ae_name"


def test_numbers_beside_the_stages_order_them_and_deals_that_all_ended_were_at_stages():
    made = pd.DataFrame({
        "Codigo": range(12), "EtapaAtual": [2, 2, 2, 2, 2, 2, 3, 3, 1, 4, 4, 4], "DataInicial": DAYS[:12],
        "NomeEtapa": ["Quux"] * 6 + ["Zorg"] * 2 + ["Ypsilon"] + ["Fechamento"] * 3,
        "Status": ["Perdido"] * 9 + ["Ganho"] * 3, "MotivoPerda": ["preço"] * 9 + [None] * 3,
    })  # fmt: skip
    assert stages(made) == ["Ypsilon", "Quux", "Zorg", "Fechamento"]
    assert "order_unclear" not in asked(made)
    assert columns(made)["lost_reason"] == "MotivoPerda"


def test_dates_called_alike_are_stages_though_no_deal_is_at_one():
    made = pd.DataFrame({
        "deal_id": range(6), "stage": ["Qualified", "Qualified", "Proposal", "Won", "Lost", "Won"],
        "created_at": DAYS[:6], "qualified_at": DAYS[6:12], "proposal_at": [None, None, *DAYS[12:16]],
        "negotiation_at": [None] * 3 + DAYS[16:19],
    })  # fmt: skip
    assert stages(made) == ["Qualified", "Proposal", "negotiation"]
    assert figures(made)[:4] == (6, 2, 1, 3)


def test_telephones_scores_and_days_of_changes_are_no_amounts_chances_and_creations():
    made = pd.DataFrame({
        "id": range(5), "status": ["new", "Won", "Lost", "new", "Won"], "meddpicc_confidence": [75, 40, 62, 50, 58],
        "phone": ["+79991234567", "+79134442010", "+79135550241", "+79136668000", "+79131102231"],
        "status_changed_at": DAYS[:5],
    })  # fmt: skip
    assert not {"amount", "probability", "created_at"} & set(columns(made))
