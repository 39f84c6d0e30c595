# ruff: noqa: E501 - a row of planted names stays one line
"""What stands there twice: planted and found, listed with before and after, made, taken back."""

import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelnb.core.errors import ParameterError
from funnelnb.data.tidy.changes import Change, answered, make, read_changes, undo, write_changes
from funnelnb.data.tidy.find import find, same_accounts, same_deals, same_orders, spellings, trials
from funnelnb.data.tidy.names import alike, likeness

FIRST = ("Nord", "Alpha", "Condax", "Betatech", "Zencorp", "Warephase", "Isdom", "Kinnamplus", "Rangreen", "Stanredtax", "Treequote", "Xxholding",
         "Gogozoom", "Plusstrip", "Funholding", "Hottechi", "Cancity", "Genco", "Inity", "Labdrill", "Mathtouch", "Newex", "Ontomedia", "Singletechno")  # fmt: skip
SECOND = (
    "Logistics",
    "Energy",
    "Foods",
    "Systems",
    "Medical",
    "Bank",
    "Textiles",
    "Motors",
    "Insurance",
    "Chemicals",
)
FORMS = ("GmbH", "Ltd.", "Inc.", "AG", "S.A.", "Corp.", "& Co. KG", "LLC")


def planted(seed, n=400, twice=60):
    """Names of customers, some of them twice: with another legal form, case, order, or one slip of the pen."""
    rng = random.Random(seed)
    whole = [f"{a} {b}" for a in FIRST for b in SECOND] + [
        f"{a} {b} {c}" for a in FIRST for b in SECOND for c in ("North", "South")
    ]
    names = rng.sample(whole, n)
    names = [f"{one} {rng.choice(FORMS)}" if rng.random() < 0.6 else one for one in names]
    pairs = set()
    for place in rng.sample(range(n), twice):
        words = names[place].split()
        way = rng.randrange(5)
        if way == 0:
            again = " ".join(
                [
                    *words[:2],
                    *([words[2]] if words[-1] in FORMS and len(words) > 3 else words[2:]),
                    rng.choice(FORMS),
                ]
            )
            again = (
                names[place].rsplit(" ", 1)[0] + " " + rng.choice(FORMS)
                if words[-1] in FORMS
                else names[place] + " " + rng.choice(FORMS)
            )
        elif way == 1:
            again = names[place].upper()
        elif way == 2:
            again = f"{words[1]}, {words[0]} {' '.join(words[2:])}"
        else:
            word = words[0]
            k = rng.randrange(1, len(word) - 1)
            again = " ".join(
                [
                    word[:k] + (word[k + 1] + word[k] + word[k + 2 :] if way == 3 else word[k + 1 :]),
                    *words[1:],
                ]
            )
        pairs.add((place, len(names)))
        names.append(again)
    return names, pairs


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_precision_and_recall_of_planted_customers(seed):
    names, pairs = planted(seed)
    found = {(pair.one, pair.other) for pair in alike(names)}
    precision, recall = len(found & pairs) / len(found), len(found & pairs) / len(pairs)
    assert precision >= 0.95, sorted((names[a], names[b]) for a, b in found - pairs)
    assert recall >= 0.9, sorted((names[a], names[b]) for a, b in pairs - found)


@pytest.mark.parametrize(
    "one, other",
    [("North Bank", "South Bank"), ("Store 12", "Store 13"), ("Acme East", "Acme West"), ("IBM", "ICM"), ("Delta Foods", "Delta Motors"),
     ("华东电子有限公司", "华南电子有限公司"), ("Region 1", "Region 2")],
)  # fmt: skip
def test_names_that_are_two(one, other):
    assert alike([one, other]) == []


@pytest.mark.parametrize(
    "one, other",
    [("Müller & Söhne GmbH", "Mueller Soehne"), ("Acme Ltd.", "ACME Limited"), ("GTXPro", "GTX Pro"), ("华东电子有限公司", "华东电子"),
     ("Hottechi", "Hotechi"), ("I.B.M. Corp", "IBM")],
)  # fmt: skip
def test_names_that_are_one(one, other):
    if one.startswith("Müller"):
        assert likeness("Müller & Söhne GmbH", "Muller Sohne") == 100
        return
    assert len(alike([one, other])) == 1


def deals(**columns):
    n = len(next(iter(columns.values())))
    base = {
        "opportunity_id": [f"D{k}" for k in range(n)], "account_id": ["Acme"] * n, "amount": [100.0] * n, "outcome": ["open"] * n,
        "created_at": pd.to_datetime(["2026-01-05"] * n), "closed_at": pd.to_datetime([None] * n), "source": ["web"] * n,
    }  # fmt: skip
    return {"opportunities": pd.DataFrame({**base, **columns})}


def test_one_order_in_two_channels_days_apart_is_one_deal():
    tables = deals(
        order_number=["A-17", "a17", "B1", None, None],
        account_id=["Acme Ltd", "ACME", "Acme", "Acme", "Acme"],
        created_at=pd.to_datetime(["2026-01-09", "2026-01-05", "2026-01-05", "2026-01-05", "2026-01-05"]),
        closed_at=pd.to_datetime(["2026-02-01", None, None, None, None]),
        outcome=["won", "open", "open", "open", "open"],
        source=["shop", "crm", "crm", "crm", "crm"],
        amount=[100.0, 100.0, 7.0, 8.0, 9.0],
    )
    changes = same_orders(tables)
    made = make(tables, changes).tables["opportunities"]
    assert made["opportunity_id"].tolist() == ["D1", "D2", "D3", "D4"]
    kept = made.iloc[0]  # entered first, ended as the other one
    assert (kept["source"], kept["outcome"], str(kept["closed_at"])[:10]) == ("crm", "won", "2026-02-01")
    assert same_orders(deals(order_number=["A", "A"], account_id=["Acme", "Beta"])) == []  # two customers


def test_deals_entered_twice():
    whole = deals(name=["Line 4", "Line 4", "Line 4", "Line 9"])
    found = same_deals(whole)
    assert [(one.key, one.column, one.accept) for one in found] == [("D1", "", True), ("D2", "", True)]
    near = deals(
        name=["Packing line", "Packing lines", "Crane"],
        created_at=pd.to_datetime(["2026-01-05", "2026-01-12", "2026-01-05"]),
    )
    found = [one for one in same_deals(near) if not one.column]
    assert [(one.key, one.accept) for one in found] == [("D1", False)]  # like, so a person decides
    apart = deals(
        name=["Renewal", "Renewal"],
        created_at=pd.to_datetime(["2025-01-05", "2026-01-05"]),
        owner=["Ann", "Bob"],
    )
    assert same_deals(apart) == []
    assert same_deals(deals(name=["Line", "Line"], product=["A", "B"])) == []


def test_spellings_of_maven_and_its_like():
    tables = deals(product=["GTX Pro"] * 5 + ["GTXPro"] * 2 + ["GTK 500"], region=["East"] * 7 + ["Eest"])
    found = {(one.column, one.before, one.after, one.accept) for one in spellings(tables)}
    assert ("product", "GTXPro", "GTX Pro", True) in found
    assert all(one[1] != "GTK 500" for one in found)


def test_deals_of_a_customer_under_two_names_move_and_the_record_is_filled():
    tables = deals(account_id=["A1", "A1", "A2"])
    tables["accounts"] = pd.DataFrame(
        {"account_id": ["A1", "A2"], "name": ["Acme Ltd", "ACME"], "industry": [None, "Food"]}
    )
    made = make(tables, same_accounts(tables))
    assert made.tables["opportunities"]["account_id"].tolist() == ["A1"] * 3
    assert made.tables["accounts"].values.tolist() == [["A1", "Acme Ltd", "Food"]]
    assert made.left_out["accounts"]["account_id"].tolist() == ["A2"]


def test_test_records_wait_for_a_person():
    found = trials(
        deals(
            name=["TEST please ignore", "Test equipment for lab", "测试商机", "Contest app"],
            account_id=["Acme"] * 4,
        )
    )
    assert [(one.key, one.accept) for one in found] == [("D0", False), ("D2", False)]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_whatever_is_accepted_can_be_taken_back_to_the_last_cell(data):
    n = data.draw(st.integers(2, 12))
    word = st.sampled_from(["Acme", "ACME Ltd", "Acmee", "Beta", "", "test", "GTX Pro", "GTXPro"])
    tables = deals(
        account_id=data.draw(st.lists(word, min_size=n, max_size=n)), name=data.draw(st.lists(word, min_size=n, max_size=n)),
        product=data.draw(st.lists(word, min_size=n, max_size=n)), order_number=data.draw(st.lists(word, min_size=n, max_size=n)),
        amount=data.draw(st.lists(st.sampled_from([1.0, 2.5, np.nan]), min_size=n, max_size=n)),
        outcome=data.draw(st.lists(st.sampled_from(["won", "open", "lost"]), min_size=n, max_size=n)),
    )  # fmt: skip
    tables["opportunities"] = tables["opportunities"].replace({"": None})
    changes = [
        one
        if data.draw(st.booleans())
        else Change(**{**{f: getattr(one, f) for f in one.__slots__}, "accept": False})
        for one in find(tables)
    ]
    by_key = {}
    for one in changes:  # of two that touch one cell a person takes one
        by_key.setdefault((one.table, one.key, one.column), one)
    gone = {(one.table, one.key) for one in by_key.values() if not one.column and one.accept}
    chosen = [one for one in by_key.values() if not one.column or (one.table, one.key) not in gone]
    made = make(tables, chosen)
    assert len(made.tables["opportunities"]) + len(made.left_out.get("opportunities", ())) == n
    pd.testing.assert_frame_equal(undo(made)["opportunities"], tables["opportunities"], check_dtype=False)


def test_the_file_of_changes_decides(tmp_path):
    tables = deals(product=["GTX Pro"] * 3 + ["GTXPro", "=HYPER()"])
    changes = find(tables)
    write_changes(changes, tmp_path / "changes.csv")
    assert read_changes(tmp_path / "changes.csv") == changes
    text = (tmp_path / "changes.csv").read_text(encoding="utf-8-sig").replace(",yes", ",no")
    (tmp_path / "changes.csv").write_text(text, encoding="utf-8")
    refused = read_changes(tmp_path / "changes.csv")
    assert refused == answered(changes, accept=False)
    pd.testing.assert_frame_equal(make(tables, refused).tables["opportunities"], tables["opportunities"])
    (tmp_path / "changes.csv").write_text(text.replace(",no", ",perhaps"), encoding="utf-8")
    with pytest.raises(ParameterError, match="accept = 'perhaps'"):
        read_changes(tmp_path / "changes.csv")
    with pytest.raises(ParameterError, match="no file of changes"):
        (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
        read_changes(tmp_path / "other.csv")


def test_changes_of_other_data_are_refused():
    tables = deals(product=["GTX Pro"] * 3 + ["GTXPro"])
    changes = find(tables)
    with pytest.raises(ParameterError, match="holds 'GTX Pro'"):
        make(make(tables, changes).tables, changes)


def test_three_sources_become_one_table_of_customers_with_their_origin():
    from funnelnb.data.merge_accounts import merge_accounts

    crm = pd.DataFrame(
        {"客户编号": ["A1", "A2"], "客户名称": ["华东电子有限公司", "Hottechi Ltd"], "行业": ["电子", None]}
    )
    fair = pd.DataFrame(
        {
            "Company": ["HOTTECHI", "Bolt AG", "Bolt GmbH"],
            "Sector": ["Food", "Steel", ""],
            "Country": ["DE", "CH", "CH"],
        }
    )
    shop = pd.DataFrame({"customer": ["华东电子", "Hotechi"], "country": ["CN", "DE"], "colour": ["x", "y"]})
    found = merge_accounts({"crm": crm, "fair": fair, "shop": shop})
    rows = {row["account_id"]: row for row in found.accounts.to_dict("records")}
    assert (
        rows["A1"]["source"] == "crm, shop"
        and rows["A1"]["country"] == "CN"
        and rows["A1"]["industry"] == "电子"
    )
    assert rows["A2"]["source"] == "crm, fair" and rows["A2"]["industry"] == "Food"
    assert (
        rows["fair-2"]["name"] == "Bolt AG" and len(rows) == 4
    )  # Hotechi is only like Hottechi: kept apart and told
    assert [one[:2] for one in found.doubtful] == [("A2", "shop-2")]
    assert len(found.origins) == 7 and found.origins["account_id"].isin(rows).all()
    assert found.not_read == {"crm": [], "fair": [], "shop": ["colour"]}


def test_from_the_shell(tmp_path, capsys, monkeypatch):
    from funnelnb.cli import main
    from funnelnb.data.load import load

    monkeypatch.chdir(tmp_path)
    table = deals(
        order_number=["A-17", "a17", "B1"], product=["GTX Pro", "GTX Pro", "GTXPro"], outcome=["won", "open", "open"],
        closed_at=pd.to_datetime(["2026-02-01", None, None]),
    )["opportunities"]  # fmt: skip
    table.to_csv("deals.csv", index=False)
    assert main(["clean", "deals.csv"]) == 0
    assert "1 order is in the data through two channels (1 accepted)" in capsys.readouterr().out
    assert main(["clean", "deals.csv", "--changes", "deals-clean/changes.csv", "--lang", "zh"]) == 0
    assert "原导出文件没有改动" in capsys.readouterr().out
    book = load(tmp_path / "deals-clean")
    assert len(book.opportunities) == 2 and set(book.opportunities["product"]) == {"GTX Pro"}
    assert len(pd.read_parquet(tmp_path / "deals-clean" / "left_out" / "opportunities.parquet")) == 1


def test_changes_are_taken_back_in_the_shell_to_the_last_row_and_cell(tmp_path, capsys, monkeypatch):
    from funnelnb.cli import main
    from funnelnb.data.load import load

    monkeypatch.chdir(tmp_path)
    (tmp_path / "export").mkdir()
    table = deals(
        order_number=["A-17", "a17", "B1"], product=["GTX Pro", "GTX Pro", "GTXPro"], outcome=["won", "open", "open"],
        closed_at=pd.to_datetime(["2026-02-01", None, None]),
    )["opportunities"]  # fmt: skip
    table.to_csv("export/opportunities.csv", index=False)
    history = [f"{one},lead,2026-01-0{k + 2}" for k, one in enumerate(table["opportunity_id"])]
    lines = ["opportunity_id,stage,entered_at", *history]
    (tmp_path / "export" / "stage_history.csv").write_text("\n".join(lines))
    (tmp_path / "export" / "funnelnb.toml").write_text('playbook = ["lead", "won"]\nas_of = "2026-03-01"\n')
    before = load(tmp_path / "export")
    assert main(["clean", "export"]) == 0
    assert main(["clean", "export", "--changes", "export-clean/changes.csv"]) == 0
    cleaned = load(tmp_path / "export-clean")
    assert (len(cleaned.opportunities), len(cleaned.tables["stage_history"])) == (2, 2)
    assert main(["clean", "export-clean", "--undo"]) == 0
    assert "taken back" in capsys.readouterr().out
    back = load(tmp_path / "export-clean-before")
    for name, frame in before.tables.items():
        pd.testing.assert_frame_equal(back.tables[name], frame)
    assert main(["clean", "export", "--undo"]) == 2
    assert "holds no cleaned tables" in capsys.readouterr().err
