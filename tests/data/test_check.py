"""The data check: each rule on data made to break it, and on data that do not; words for every note."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.data.check import CHECKS, check_data
from funnelnb.data.contract.problems import CODES
from funnelnb.data.recognise.stages import EVIDENCE

STAGES = ["lead", "offer", "won"]
ROOT = Path(__file__).resolve().parents[2]


def day(number):
    return str(np.datetime64("2026-01-01") + np.timedelta64(int(number), "D"))


def floor(deals_n=120, **changes):
    """Deals created one a day, decided after 20 to 29 days, the last still open; history complete."""
    k = np.arange(deals_n)
    last = deals_n + 28
    closes = k + 20 + k % 10
    still = k == deals_n - 1
    deals = pd.DataFrame({
        "opportunity_id": [f"d{n}" for n in k],
        "account_id": [f"A{n}" for n in k],
        "region": np.where(k % 2 == 0, "East", "West"),
        "amount": [str(1000 + n) for n in k],
        "outcome": np.where(still, "open", np.where(k % 3 == 0, "won", "lost")),
        "created_at": [day(n) for n in k],
        "closed_at": ["" if open_deal else day(close) for open_deal, close in zip(still, closes, strict=True)],
        "stage": np.where(still, "offer", np.where(k % 3 == 0, "won", "offer")),
    })  # fmt: skip
    history = pd.DataFrame({
        "opportunity_id": [f"d{n}" for n in np.repeat(k, 2)],
        "stage": ["lead", "offer"] * deals_n,
        "entered_at": [day(n + step) for n in k for step in (0, 5)],
    })  # fmt: skip
    for name, values in changes.items():
        deals[name] = values(deals) if callable(values) else values
    return {"opportunities": deals.astype("str"), "stage_history": history}, day(last)


def notes(data, until, **options):
    report = check_data(data, playbook=STAGES, as_of=until, **options)
    return {
        item.note.code: dict(item.note.values)
        for item in report.items
        if item.status not in ("passed", "unjudged")
    }, report


def test_sound_data_pass_every_check():
    found, report = notes(*floor())
    assert found == {}
    assert report.ok
    unjudged = {item.check for item in report.items if item.status == "unjudged"}
    assert unjudged == {"joins", "accounts"}, "nothing is joined, and there is no table of customers"
    assert report.passed_n + report.unjudged_n == len(CHECKS)
    assert report.n == 120


def test_what_cannot_be_judged_never_passes():
    """Three deals without dates, losses and customers: no line says that these are in order."""
    deals = pd.DataFrame(
        {"opportunity_id": ["a", "b", "c"], "stage": ["lead", "offer", "won"], "amount": [1, 2, 3]}
    )
    _, report = notes({"opportunities": deals}, "2026-01-01")
    passed = {item.check for item in report.items if item.status == "passed"}
    assert passed == {"spelling", "amounts", "stages"}
    for lang, word in (("en", "not judged"), ("zh", "未判断")):
        assert report.text(lang).count(word) >= report.unjudged_n == 9


def one(code, **changes):
    found, _ = notes(*floor(**changes))
    assert code in found, sorted(found)
    return found[code]


def test_values_spelled_differently():
    note = one(
        "spelled_differently",
        region=lambda deals: [
            "east " if n == 7 else "EAST" if n == 8 else v for n, v in enumerate(deals["region"])
        ],
    )
    assert (note["column"], note["names"], note["n"]) == ("region", "EAST, East, east", 61)


def test_suspected_duplicates():
    data, until = floor()
    copy = data["opportunities"].iloc[[3]].assign(opportunity_id="zz")
    data["opportunities"] = pd.concat([data["opportunities"], copy])
    found, _ = notes(data, until)
    assert (found["duplicates_suspected"]["n"], found["duplicates_suspected"]["names"]) == (1, "d3, zz")


def test_deals_without_account():
    blank = lambda deals: [value if n % 4 else "" for n, value in enumerate(deals["account_id"])]  # noqa: E731
    data, until = floor(account_id=blank)
    found, _ = notes(data, until)
    deals = data["opportunities"]
    missing = deals["account_id"] == ""
    assert found["closed_without_account"]["n"] == (missing & (deals["outcome"] != "open")).sum()
    assert ("open_without_account" in found) == (missing & (deals["outcome"] == "open")).any()


def test_unknown_accounts():
    data, until = floor()
    data["accounts"] = pd.DataFrame({"account_id": [f"A{n}" for n in range(118)]})
    found, _ = notes(data, until)
    assert found["account_unknown"] == {"n": 2, "names": "A118, A119"}


def test_missing_creation_dates():
    assert one("created_missing", created_at=lambda deals: ["", *deals["created_at"][1:]])["n"] == 1
    data, until = floor()
    data["opportunities"] = data["opportunities"].drop(columns="created_at")
    assert notes(data, until)[0]["created_absent"]["n"] == 120


def test_no_history_and_gaps_in_it():
    data, until = floor()
    history = data.pop("stage_history")
    assert "no_stage_history" in notes(data, until)[0]
    found, _ = notes({**data, "stage_history": history.iloc[10:]}, until)
    assert (found["deals_without_entry_dates"]["n"], found["deals_without_entry_dates"]["names"]) == (
        5,
        "offer, won",
    )


def test_a_result_tells_of_closes_that_mean_little():
    """What a check finds of an export stands on the results that speak of times, of its parts too; not on counts."""
    data, until = floor(deals_n=200)
    deals = data["opportunities"]
    first = day(100)
    known = (deals["closed_at"] == "") | (deals["closed_at"] >= first)
    older = deals[~known].assign(closed_at="", outcome="open", stage="offer")
    changed = pd.concat([deals[known], older])
    lost = (changed["outcome"].str.startswith("lost")) & (changed["closed_at"] != "")
    changed.loc[changed.index[lost][:40], "closed_at"] = day(150)
    found, _ = notes({**data, "opportunities": changed}, until)
    book = fn.load({**data, "opportunities": changed}, playbook=STAGES, as_of=until)
    told = {note.code: note.values for note in fn.conversion(book).notes}
    for code in ("closes_start_late", "bulk_close"):
        assert dict(told[code]) == dict(found[code])
    assert told["bulk_close"]["lost_n"] >= 40
    assert "bulk_close" not in {note.code for note in fn.overview(book).notes}


def test_closes_that_start_late():
    data, until = floor(deals_n=200)
    deals = data["opportunities"]
    first = day(100)
    known = (deals["closed_at"] == "") | (deals["closed_at"] >= first)
    older = deals[~known].assign(closed_at="", outcome="open", stage="offer")
    found, _ = notes({**data, "opportunities": pd.concat([deals[known], older])}, until)
    assert found["closes_start_late"]["first_close"] == first
    assert found["closes_start_late"]["first_start"] == "2026-01-01"
    assert found["open_older_than_any_close"]["n"] == len(older) == 75


def test_a_last_date_far_from_the_others():
    data, _ = floor()
    deals = data["opportunities"]
    deals.loc[5, "closed_at"] = "2033-02-01"  # for 2026
    report = check_data(data, playbook=STAGES)
    note = next(item.note for item in report.items if item.note.code == "last_record_alone")
    assert (note.values["day"], note.values["before"]) == ("2033-02-01", day(146))
    assert str(report.as_of)[:10] == "2033-02-01"


def test_deals_closed_on_their_first_day():
    note = one("zero_day_deals", closed_at=lambda deals: [*deals["created_at"][:7], *deals["closed_at"][7:]])
    assert note["n"] == 7


def test_bulk_closes():
    def bulk(deals):
        return [day(140) if n % 3 and n < 90 else close for n, close in enumerate(deals["closed_at"])]

    note = one("bulk_close", closed_at=bulk)
    assert (note["day"], note["n"], note["lost_n"]) == (day(140), 61, 61)  # one of them by itself


def test_amounts():
    assert one("amount_missing", amount=lambda deals: ["", *deals["amount"][1:]])["n"] == 1
    assert (
        one("lost_amounts_zero", amount=lambda d: np.where(d["outcome"] == "lost", "0", d["amount"]))["n"]
        > 50
    )
    note = one("one_large_deal", amount=lambda deals: ["1000000", *deals["amount"][1:]])
    assert note["name"] == "d0"
    assert 0.8 < note["part_share"] < 0.95
    assert one("no_amounts", amount="") == {}


def test_nothing_lost():
    assert one("nothing_lost", outcome="won", stage="won",
               closed_at=lambda d: [close or day(148) for close in d["closed_at"]]) == {"n": 120}  # fmt: skip


def test_expected_closes_in_the_past():
    data, until = floor()
    open_n = int((data["opportunities"]["outcome"] == "open").sum())
    data["opportunities"]["expected_close_at"] = day(100)
    assert notes(data, until)[0]["expected_close_passed"] == {"n": open_n, "of_n": open_n}


def test_stages_that_never_occur():
    data, until = floor()
    report = check_data(data, playbook=["lead", "demo", "offer", "won"], as_of=until)
    note = next(item.note for item in report.items if item.note.code == "stages_never_seen")
    assert note.values["names"] == "demo"


def test_problems_fail_and_the_rest_is_still_checked():
    data, until = floor(amount=lambda deals: ["1,2,3", *deals["amount"][1:]])
    report = check_data(data, playbook=STAGES, as_of=until)
    assert (report.ok, report.failed_n, report.n) == (False, 1, 119)
    assert report.items[0].status == "failed"
    text = report.text("en")
    assert "opportunities, row 2, column amount: not a number 1,2,3 (1 row)" in text


def test_undecidable_data_give_a_report_without_deals():
    data, until = floor(created_at="1/2/2026")
    report = check_data(data, playbook=STAGES, as_of=until)
    assert (report.ok, report.n) == (False, 0)
    assert np.isnat(report.as_of)
    assert 'date_order = "dmy"' in report.text("en")


def words(lang):
    folder = ROOT / "funnelnb" / "show" / "lang"
    paths = [
        folder / f"{name}.{lang}.toml"
        for name in ("notes_data", "reading", "recognise", "exports", "customer_columns")
    ]
    parts = [tomllib.loads(path.read_text(encoding="utf-8"))["notes"] for path in paths]
    for name, code in (
        ("cleaning", "cleaned"),
        ("forecast", "snapshot_older"),
        ("harm", "amounts_converted"),
    ):
        every = tomllib.loads((folder / f"{name}.{lang}.toml").read_text(encoding="utf-8"))["notes"]
        parts.append({code: every[code]})  # their other notes come from the analyses
    return {code: text for part in parts for code, text in part.items()}


def codes():
    """Every code that the sources of funnelnb.data can give a note."""
    found = {f"passed_{name}" for name in CHECKS}
    for code, known in CODES.items():
        found |= {f"{code}_dropped"} if "drop" in known.choices else set()
        found |= {f"{code}_kept"} if known.keep else set()
    found |= {f"dates_from_{kind}" for kind in ("excel_days", "unix_seconds", "unix_milliseconds")}
    found |= {
        "join_corrected",
        "join_unmatched",
        "join_unmatched_near",
        "unit_applied",
        "unit_divided",
        "factor_applied",
        "problem",
    }
    found |= {"join_would_lose", "join_would_lose_near", "join_would_lose_corrected"}
    found |= {"decimal_comma_found", "thousands_assumed"}
    found |= {f"rows_{kind}" for kind in ("short", "trailing", "joined", "delimiter")}
    found |= {f"{kind}_rows_left_out" for kind in ("total", "note", "header", "table")}
    found |= {"error_cells", "formulas_without_value", "unreadable_cells"}
    found |= {f"ask_lines_{kind}" for kind in ("add", "first")}
    found |= {f"ask_{kind}_unclear" for kind in ("thousands", "decimal")}
    found |= {f"ids_{kind}" for kind in ("matched", "nearly")}
    found |= {f"stages_ordered_by_{kind}" for kind in EVIDENCE if kind != "file"}
    for path in (
        ROOT / "funnelnb" / "data" / "propose.py",
        *(ROOT / "funnelnb" / "data" / "recognise").glob("*.py"),
    ):
        found |= {
            f"ask_{code}" for code in re.findall(r'\bask\(\s*"([a-z_]+)"', path.read_text(encoding="utf-8"))
        }
    for path in sorted((ROOT / "funnelnb" / "data").rglob("*.py")):
        if (
            path.parent.name in ("ledger", "count", "events") or path.stem == "seen_as"
        ) and path.stem != "dating":  # their notes are worded with the analyses
            continue
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'\b(?:Note|note)\(\s*"([a-z_]+)"', text))
    return found


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_note_has_words_and_no_words_are_left_over(lang):
    assert set(words(lang)) == codes()


def test_both_languages_name_the_same_facts():
    def facts(text):
        return {name.split(":")[0] for name in re.findall(r"{([^}]*)}", text)}

    english, chinese = words("en"), words("zh")
    assert {code: facts(text) for code, text in english.items()} == {
        code: facts(text) for code, text in chinese.items()
    }


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_line_of_a_report_is_a_sentence(lang):
    from funnelnb.show.text.words import words as language

    say = language(lang)
    data, until = floor(
        amount=lambda d: ["€1,000", *d["amount"][1:]], region=lambda d: ["east", *d["region"][1:]], account_id="",
        created_at=lambda d: ["", *d["created_at"][1:]], is_deleted=["yes", *["no"] * 119],
        closed_at=lambda d: ["9999-12-31", *d["closed_at"][1:]],
    )  # fmt: skip
    report = check_data(data, playbook=STAGES, as_of=until)
    for item in report.items:
        sentence = say.note(item.note)
        assert item.note.code not in sentence
        assert "{" not in sentence


def test_the_check_says_of_every_text_file_what_became_of_its_lines(tmp_path):
    path = tmp_path / "deals.csv"
    rows = [f"D{n},lead,North,{n},2025-03-01" for n in range(12)]
    lines = ["opportunity_id,stage,region,amount,created_at", *rows[:5], "", *rows[5:], "x,y", "Total,,,66,"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for options in ({"playbook": ["lead", "won"]}, {"playbook": ["lead", "won"], "mapping": {"crm": "none"}}):
        (told,) = [
            one.note.values
            for one in check_data(path, as_of="2025-06-01", **options).items
            if one.check == "lines"
        ]
        assert told["lines_n"] == len(lines)
        parts = ("rows_n", "header_n", "continuation_n", "other_n", "reported_n")
        assert [told[one] for one in parts] == [12, 1, 0, 2, 1]
