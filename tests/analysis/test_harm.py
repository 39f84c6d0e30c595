# ruff: noqa: E501 - a table of made-up deals stays one block
"""The harm of faults: planted ones by hand, the interval against the spread, limits, and what is written."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from funnelnb.analysis.forecast.forecast import forecast
from funnelnb.analysis.quality import measures
from funnelnb.analysis.quality.findings import FINDINGS, subject_of
from funnelnb.analysis.quality.harm import harm
from funnelnb.batch.harm_report import as_json
from funnelnb.cli import main
from funnelnb.core.errors import ParameterError
from funnelnb.data.load import load, sample
from funnelnb.show.charts.harm import moves_data

DAY = pd.Timestamp("2026-01-01")


def frame(n=300, seed=1, zero=0.0):
    """Deals of which a share closes on its first day, always lost."""
    rng = np.random.default_rng(seed)
    created = DAY + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    same = rng.random(n) < zero
    days = np.where(same, 0, rng.integers(5, 60, n))
    won = ~same & (rng.random(n) < 0.4)
    closed = created + pd.to_timedelta(days, unit="D")
    is_open = ~same & (rng.random(n) < 0.2)
    return pd.DataFrame({
        "opportunity_id": [f"D{k}" for k in range(n)], "account_id": [f"A{k}" for k in range(n)], "created_at": created,
        "closed_at": pd.Series(closed).mask(is_open), "outcome": np.where(is_open, "open", np.where(won, "won", "lost")),
        "amount": rng.integers(1, 9, n) * 100.0,
    })  # fmt: skip


def book(deals, **options):
    return load(deals, playbook=["lead", "won"], as_of="2026-12-31", **options)


def row_of(result, finding):
    return next(one for one in result.rows if one.finding == finding)


def effect(result, finding, measure):
    return next(one for one in row_of(result, finding).effects if one.measure == measure)


def test_by_hand_what_zero_day_losses_do_to_the_win_rate():
    deals = frame(zero=0.1)
    found = harm(book(deals))
    closed = deals["outcome"] != "open"
    zero = closed & (deals["closed_at"] == deals["created_at"])
    won = (deals["outcome"] == "won").sum()
    as_is, mended = won / closed.sum(), won / (closed & ~zero).sum()
    one = effect(found, "zero_day", "win_rate")
    assert row_of(found, "zero_day").deal_n == zero.sum()
    assert (one.as_is, one.mended, one.shift) == pytest.approx((as_is, mended, mended - as_is))
    assert one.shift_ci_lower < one.shift < one.shift_ci_upper
    assert one.clear


def test_pipeline_by_hand():
    deals = frame()
    deals["expected_close_at"] = np.where(np.arange(len(deals)) % 3 == 0, "2026-11-01", "2027-03-01")
    is_open = deals["outcome"] == "open"
    deals.loc[deals.index[is_open][:4], "amount"] = np.nan
    found = harm(book(deals))
    late = is_open & (deals["expected_close_at"] == "2026-11-01")
    whole = deals.loc[is_open, "amount"].sum()
    passed = effect(found, "expected_passed", "pipeline_amount")
    assert passed.as_is == whole
    assert passed.mended == deals.loc[is_open & ~late, "amount"].sum()
    filled = effect(found, "amount_missing", "pipeline_amount")
    assert filled.mended == pytest.approx(whole + 4 * deals.loc[is_open, "amount"].mean())


def test_an_amount_in_another_currency_is_not_missing():
    deals = frame().assign(currency="EUR")
    is_open = deals.index[deals["outcome"] == "open"]
    deals.loc[is_open[:3], "currency"] = "USD"
    deals.loc[is_open[3:5], "amount"] = np.nan
    found = harm(book(deals, mapping={"problems": {"two_currencies": "keep"}}))
    assert row_of(found, "other_currency").deal_n == 3
    assert row_of(found, "amount_missing").examples == tuple(deals["opportunity_id"][is_open[3:5]])


def test_settings_of_limits_alone_leave_the_reading_to_the_proposal(tmp_path, capsys):
    deals = frame(n=60)
    deals.loc[deals.index[deals["outcome"] == "won"][:6], "closed_at"] = pd.NaT
    deals.to_csv(tmp_path / "deals.csv", index=False)
    (tmp_path / "limits.toml").write_text("[harm]\nundated_wins = 0.02\n")
    said = ["check", str(tmp_path / "deals.csv"), "--harm", "--mapping", str(tmp_path / "limits.toml")]
    assert main(said) == 5
    assert "exceeded" in capsys.readouterr().out


def test_each_planted_fault_is_found_with_its_deals():
    deals = frame(n=200)
    won = deals.index[deals["outcome"] == "won"]
    deals.loc[won[:3], "closed_at"] = pd.NaT
    deals["name"] = [f"Deal {k}" for k in range(len(deals))]
    deals.loc[5, "name"] = "TEST please ignore"
    deals.loc[len(deals)] = {**deals.loc[7].to_dict(), "opportunity_id": "D7-again"}
    total = {
        "opportunity_id": "TOTAL",
        "account_id": "all",
        "created_at": DAY,
        "outcome": "open",
        "name": "Total",
    }
    deals.loc[len(deals)] = {**total, "amount": deals["amount"].sum()}
    deals["currency"] = "EUR"
    settings = {"problems": {"won_without_closed_at": "keep"}}
    found = harm(book(deals, mapping=settings))
    assert {one.finding: one.examples for one in found.rows if one.deal_n < 5} == {
        "undated_wins": tuple(deals["opportunity_id"][won[:3]]), "total_row": ("TOTAL",), "test_deals": ("D5",),
        "entered_twice": ("D7-again",),
    }  # fmt: skip


def test_the_measures_are_those_of_the_analyses():
    import funnelnb as fn

    whole = sample()
    overall = fn.conversion(whole, horizon_days=180).overall[0]
    found = {name: one(whole, 0.9, 180.0) for name, one in measures.MEASURES.items()}
    assert found["won_within_rate"][:3] == pytest.approx(
        (overall.by_day_rate, overall.by_day_ci_lower, overall.by_day_ci_upper), abs=2e-3
    )
    assert found["won_within_rate"].value == pytest.approx(overall.by_day_rate, abs=1e-12)
    assert (
        found["cycle_days"].value == next(one for one in fn.duration(whole).rows if one.overall).median_days
    )
    assert found["win_rate"].value == pytest.approx(
        overall.advanced_n / (overall.advanced_n + overall.lost_n)
    )


def test_the_interval_covers_the_true_shift(monkeypatch):
    """Truth in closed form: 10 % of deals are lost at once; of the others 80 % are closed and 40 % of these won."""
    monkeypatch.setattr(measures, "MEASURES", {"win_rate": measures.win_rate})
    monkeypatch.setattr("funnelnb.analysis.quality.harm.MEASURES", {"win_rate": measures.win_rate})
    closed, won = 0.1 + 0.9 * 0.8, 0.9 * 0.8 * 0.4
    truth = won / (closed - 0.1) - won / closed
    hits = 0
    for seed in range(40):
        one = effect(
            harm(book(frame(n=250, seed=100 + seed, zero=0.1)), horizon_days=90), "zero_day", "win_rate"
        )
        hits += one.shift_ci_lower <= truth <= one.shift_ci_upper
    assert 31 <= hits <= 40  # 36 expected, three standard errors


def test_limits_and_their_errors():
    found = harm(book(frame(zero=0.1)), limits={"zero_day": 0.02, "undated_wins": 0.0})
    assert (found.broken_n, found.rows[0].finding, found.rows[0].broken) == (1, "zero_day", True)
    with pytest.raises(ParameterError, match="zero_day"):
        harm(book(frame()), limits={"zero_days": 0.1})
    with pytest.raises(ParameterError):
        harm(book(frame()), limits={"zero_day": 2})


def test_row_order_does_not_matter():
    deals = frame(zero=0.1)
    one, other = harm(book(deals)), harm(book(deals.sample(frac=1, random_state=3)))
    columns = ["as_is", "mended", "shift", "shift_ci_lower", "shift_ci_upper"]
    first, second = (
        np.array([[getattr(e, c) for c in columns] for e in found.effects]) for found in (one, other)
    )
    np.testing.assert_allclose(first, second, rtol=1e-9, equal_nan=True)


def test_from_the_shell(tmp_path, capsys):
    frame(zero=0.1).to_csv(tmp_path / "deals.csv", index=False)
    (tmp_path / "funnelnb.toml").write_text(
        'playbook = ["lead", "won"]\n[harm]\nzero_day = 0.02\n', encoding="utf-8"
    )
    page, content = tmp_path / "harm.html", tmp_path / "harm.json"
    assert (
        main(["check", str(tmp_path), "--harm", "--html", str(page), "--json", str(content), "--lang", "zh"])
        == 5
    )
    assert "超出限度" in capsys.readouterr().out
    told = json.loads(content.read_text(encoding="utf-8"))
    assert told["limits_exceeded"] == 1
    assert told["faults"][0]["fault"] == "zero_day"
    assert told["faults"][0]["effects"]["win_rate"]["shift"] > 0
    assert "创建当天结案" in page.read_text(encoding="utf-8")
    assert "<script" not in page.read_text(encoding="utf-8")


def test_other_currencies_are_converted_at_given_rates_or_kept_apart():
    deals = frame(n=60)
    deals["currency"] = ["USD" if k % 4 == 0 else "EUR" for k in range(len(deals))]
    apart = {"problems": {"two_currencies": "keep"}, "currency": "EUR"}
    found = harm(book(deals, mapping=apart))
    assert row_of(found, "other_currency").deal_n == 15
    assert row_of(found, "other_currency").effects == ()  # never added up
    rated = book(deals, mapping={"currency": "EUR", "rates": {"USD": 0.5}})
    wanted = deals["amount"].where(deals["currency"] == "EUR", deals["amount"] * 0.5)
    assert rated.opportunities["amount"].tolist() == wanted.tolist()
    assert [note.values["n"] for note in rated.notes if note.code == "amounts_converted"] == [15]


def test_the_forecast_moves_as_far_as_the_forecasts_of_both_books():
    deals = frame()
    deals["expected_close_at"] = np.where(np.arange(len(deals)) % 3 == 0, "2026-11-01", "2027-03-01")
    known = book(deals)
    is_open, late = deals["outcome"] == "open", deals["expected_close_at"] == "2026-11-01"
    moved = effect(harm(known), "expected_passed", "forecast_amount")
    assert moved.as_is == forecast(known, record=False).whole.expected_amount
    unknown = deals.assign(amount=deals["amount"].mask(is_open & late))  # their amounts are left out
    assert moved.mended == forecast(book(unknown), record=False).whole.expected_amount
    assert moved.shift_ci_lower < moved.shift < moved.shift_ci_upper
    few = book(deals[deals["outcome"] != "won"])
    assert np.isnan(measures.forecast_amount(few, 0.9, 90.0).value)


def undated(what, seed, n=14):
    """A small book in which three deals with an outcome have lost their date: the frame, and which they are."""
    rng = np.random.default_rng(seed)
    outcome = np.array(["won"] * 6 + ["lost"] * 5 + ["open"] * (n - 11))
    rng.shuffle(outcome)
    created = DAY + pd.to_timedelta(rng.integers(0, 150, n), unit="D")
    closed = pd.Series(created + pd.to_timedelta(rng.integers(3, 60, n), unit="D")).mask(outcome == "open")
    deals = pd.DataFrame({
        "opportunity_id": [f"D{k}" for k in range(n)], "created_at": created, "closed_at": closed, "outcome": outcome,
        "amount": 100.0,
    })  # fmt: skip
    rows = deals.index[outcome == what][:3]
    deals.loc[rows, "closed_at"] = pd.NaT
    return deals, rows


def in_june(deals):
    return load(
        deals, playbook=["lead", "won"], as_of="2026-06-30", mapping={"problems": {"won_without_closed_at": "keep"}}
    )  # fmt: skip


@pytest.mark.parametrize(("what", "finding"), [("lost", "undated_losses"), ("won", "undated_wins")])
def test_bounds_of_lacking_dates_against_every_combination_of_dates(what, finding, monkeypatch):
    watched = {name: measures.MEASURES[name] for name in ("win_rate", "won_within_rate", "cycle_days")}
    monkeypatch.setattr("funnelnb.analysis.quality.harm.MEASURES", watched)
    deals, rows = undated(what, seed=2)
    found = {one.measure: one for one in row_of(harm(in_june(deals), horizon_days=60), finding).effects}
    end = pd.Timestamp("2026-06-30")
    ways = [
        [created + share * (end - created) for share in (0, 0.5, 1)] for created in deals["created_at"][rows]
    ]
    values = {name: [] for name in watched}
    for dates in itertools.product(*ways):
        deals.loc[rows, "closed_at"] = list(dates)
        made = in_june(deals)
        for name, measure in watched.items():
            values[name].append(measure(made, 0.9, 60.0).value)
    for name, slack in (("win_rate", 1e-12), ("won_within_rate", 0.015), ("cycle_days", 1e-9)):
        one = found[name]
        assert one.least - slack <= min(values[name]) <= max(values[name]) <= one.most + slack, name
    assert (found["win_rate"].least, found["win_rate"].most) == (found["win_rate"].as_is,) * 2
    assert found["cycle_days"].least < found["cycle_days"].most
    assert np.isnan(found["cycle_days"].shift)


def test_bounds_are_said_shown_and_written():
    result = harm(in_june(undated("won", seed=2)[0]), horizon_days=60)
    one = effect(result, "undated_wins", "won_within_rate")
    said = result.finding("en").text if hasattr(result.finding("en"), "text") else str(result.finding("en"))
    assert "lies between" in said
    assert "介于" in str(result.finding("zh"))
    assert "to 42.9" in result.html("en")
    assert not moves_data(result)  # nothing to draw: a range is no shift
    told = as_json(result)["faults"]
    written = next(row for row in told if row["fault"] == "undated_wins")["effects"]["won_within_rate"]
    assert (written["least"], written["most"], written["mended"]) == (one.least, one.most, None)


def stages_of(deals, days):
    """A history in which each deal goes through three stages, the last one after so many days."""
    rows = [
        {
            "opportunity_id": one.opportunity_id,
            "stage": stage,
            "entered_at": one.created_at + pd.Timedelta(days=day),
        }
        for one in deals.itertuples()
        for stage, day in zip(("lead", "offer", "talk"), (0, 1, days), strict=True)
    ]
    return pd.DataFrame(rows)


def planted():
    """Of every kind of fault that only needs deals: how a book comes to have it, and the deals that then do."""
    deals = frame(n=120).assign(currency="EUR")
    ids = deals["opportunity_id"]
    won, lost, is_open = (deals.index[deals["outcome"] == one] for one in ("won", "lost", "open"))
    keep = {
        "problems": dict.fromkeys(
            ("won_without_closed_at", "closed_before_created", "two_currencies"), "keep"
        )
    }

    def changed(rows, **cells):
        made = deals.copy()
        for name, one in cells.items():
            made[name] = made.get(name, pd.Series(None, index=made.index, dtype=object))
            made.loc[rows, name] = one
        return book(made, mapping=keep)

    before = deals["created_at"] - pd.Timedelta(days=2)
    longest = (deals["closed_at"] - deals["created_at"]).max()
    older = (deals["outcome"] == "open") & (pd.Timestamp("2026-12-31") - deals["created_at"] > longest)
    closed = deals[(deals["closed_at"] < "2026-07-01")]
    late = frame(n=60, seed=2)
    late["opportunity_id"] = "early " + late["opportunity_id"]
    late["created_at"] = DAY - pd.Timedelta(days=400)
    late["closed_at"] = late["closed_at"].mask(late["closed_at"].notna(), DAY + pd.Timedelta(days=20))
    return {
        "undated_wins": (changed(won[:3], closed_at=pd.NaT), set(ids[won[:3]])),
        "undated_losses": (changed(lost[:4], closed_at=pd.NaT), set(ids[lost[:4]])),
        "closed_before_created": (changed(won[:2], closed_at=before[won[:2]]), set(ids[won[:2]])),
        "bulk_closed": (changed(lost[:30], closed_at=pd.Timestamp("2026-12-01")), set(ids[lost[:30]])),
        "zero_day": (changed(won[:5], closed_at=deals["created_at"][won[:5]]), set(ids[won[:5]])),
        "closed_only": (load(closed, playbook=["lead", "won"]), set(closed["opportunity_id"])),
        "plateau": (book(deals), set(ids[older])),
        "late_history": (book(pd.concat([late, deals])), set(late["opportunity_id"])),
        "expected_passed": (
            changed(is_open[:2], expected_close_at=pd.Timestamp("2026-06-01")), set(ids[is_open[:2]])
        ),
        "other_currency": (changed(won[:2], currency="USD"), set(ids[won[:2]])),
        "amount_missing": (changed(is_open[:2], amount=np.nan), set(ids[is_open[:2]])),
        "total_row": (changed(is_open[:1], amount=deals["amount"].drop(is_open[0]).sum()), {ids[is_open[0]]}),
        "test_deals": (changed(won[:1], name="TEST please ignore"), {ids[won[0]]}),
    }  # fmt: skip


def with_history():
    """The same for kinds that need a history or contacts."""
    deals = frame(n=60)
    ids = deals["opportunity_id"]
    won = deals.index[deals["outcome"] == "won"]
    whole = stages_of(deals, 3)
    whole = pd.concat([
        whole,
        pd.DataFrame({
            "opportunity_id": ids[won], "stage": "won", "entered_at": deals["closed_at"][won]
            + pd.to_timedelta(np.where(np.arange(len(won)) < 2, 20, 0), unit="D"),
        }),
    ])  # fmt: skip
    jump = whole[~(whole["opportunity_id"].isin(ids[won[:2]]) & whole["stage"].isin(["offer", "talk"]))]
    calls = pd.DataFrame({"opportunity_id": ids[:2], "owner": ["Ann", "Bob"], "at": DAY, "kind": "call"})
    model = ["lead", "offer", "talk", "won"]

    def opened(history, **more):
        tables = {"opportunities": deals.assign(owner="Ann"), "stage_history": history, **more}
        return load(tables, playbook=model, as_of="2026-12-31")

    return {
        "dated_back": (opened(whole), set(ids[won[:2]])),
        "jumped_to_won": (opened(jump), set(ids[won[:2]])),
        "changed_hands": (opened(whole, activities=calls), {ids[1]}),
    }


def test_every_kind_of_fault_is_found_on_a_book_that_has_it():
    """By hand: the deals that were spoilt, and no others."""
    told = {**planted(), **with_history()}
    for code, (spoilt, expected) in told.items():
        seen = subject_of(spoilt)
        found = FINDINGS[code](seen)
        assert set(seen.deals["opportunity_id"][found.rows]) == expected, code
        assert not (found.rows & ~found.of).any(), code
    assert set(told) | {"entered_twice"} == set(FINDINGS)  # the last one: test_each_planted_fault_is_found…


def test_closed_before_created_from_the_shell(tmp_path, capsys):
    deals = frame(n=80)
    won = deals.index[deals["outcome"] == "won"][:4]
    deals.loc[won, "closed_at"] = deals.loc[won, "created_at"] - pd.Timedelta(days=3)
    deals.to_csv(tmp_path / "deals.csv", index=False)
    (tmp_path / "limits.toml").write_text("[harm]\nclosed_before_created = 0.01\n")
    where = ["--mapping", str(tmp_path / "limits.toml"), "--json", str(tmp_path / "harm.json")]
    assert main(["check", str(tmp_path / "deals.csv"), "--harm", *where]) == 5
    row = next(one for one in json.loads((tmp_path / "harm.json").read_text())["faults"]
               if one["fault"] == "closed_before_created")  # fmt: skip
    closed = deals["outcome"] != "open"
    rates = [
        (deals["outcome"] == "won")[rows].sum() / rows.sum()
        for rows in (closed, closed & ~deals.index.isin(won))
    ]
    assert (row["deals"], row["of"], row["examples"]) == (4, closed.sum(), list(deals["opportunity_id"][won]))
    assert [row["effects"]["win_rate"][one] for one in ("as_is", "mended")] == pytest.approx(rates)
    assert set(row["effects"]) == {
        "win_rate",
        "won_within_rate",
        "cycle_days",
        "pipeline_amount",
        "forecast_amount",
    }
    assert "Closed before they were created" in capsys.readouterr().out


def test_a_currency_written_in_words_is_not_another_one():
    deals = frame(n=40).assign(currency=["美元" if k == 0 else "人民币" for k in range(40)])
    found = FINDINGS["other_currency"](
        subject_of(book(deals, mapping={"problems": {"two_currencies": "keep"}}))
    )
    assert found.rows.sum() == 1


def test_a_win_of_a_short_pipeline_has_not_jumped():
    """Two stages of the one pipeline stand in a model of five; each won deal went through all of its own."""
    stages = {"new": ["lead", "offer", "talk"], "renewal": ["reminder", "renew"]}
    deals = pd.DataFrame({
        "opportunity_id": [f"D{k}" for k in range(12)], "pipeline": ["new", "renewal"] * 6, "outcome": "won",
        "created_at": DAY, "closed_at": DAY + pd.Timedelta(days=40),
    })  # fmt: skip
    rows = [
        (one.opportunity_id, stage, DAY + pd.Timedelta(days=5 * k))
        for one in deals.itertuples() for k, stage in enumerate(stages[one.pipeline])
        if (one.opportunity_id, stage) not in {("D0", "offer"), ("D0", "talk")}
    ]  # fmt: skip
    log = pd.DataFrame(rows, columns=["opportunity_id", "stage", "entered_at"])
    model = ["lead", "reminder", "offer", "renew", "talk", "won"]
    seen = subject_of(
        load({"opportunities": deals, "stage_history": log}, playbook=model, as_of="2026-12-31")
    )
    found = FINDINGS["jumped_to_won"](seen)
    assert seen.deals["opportunity_id"][found.rows].tolist() == ["D0"]
    assert found.of.sum() == 6  # of the renewals nothing can be skipped
