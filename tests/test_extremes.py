"""Extreme books through every public function that takes one: an answer or a refusal of ours, never a warning."""

import datetime
import inspect
import warnings

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.analysis.shared.result import Result
from funnelnb.core.errors import DataProblems, FunnelError
from funnelnb.core.options import LISTS
from funnelnb.data.load import load
from funnelnb.playbooks.model import Gate, Label, Playbook, Stage
from funnelnb.show.pages.report import html, listed
from funnelnb.show.text.words import words

STAGES = ["lead", "offer", "won"]


def staged(names):
    """A playbook of these stages, the last of which wins; the second has a criterion to leave it."""
    words = {one: Label(en=one, zh=one) for one in (*names, "budget")}
    budget = (Gate(id="budget", label=words["budget"]),)
    stages = tuple(
        Stage(
            id=one,
            label=words[one],
            kind="won" if one == names[-1] else "working",
            exit=budget if k == 1 else (),
        )
        for k, one in enumerate(names)
    )
    nothing = Label(en="", zh="")
    return Playbook(id="own", label=nothing, about=nothing, source="", stages=stages)


EMOJI, RIGHT_TO_LEFT, NUL = "👩‍👩‍👧 team", "منطقة الشمال", "a\x00b"


def deals(n=24, **columns):
    """A table of ordinary deals with a few columns replaced."""
    rows = {
        "opportunity_id": [f"K{place}" for place in range(n)],
        "stage": ["won" if place % 3 == 0 else STAGES[place % 2] for place in range(n)],
        "outcome": [("won", "lost", "open")[place % 3] for place in range(n)],
        "owner": [("Ann", "Bo", "Cy")[place // 3 % 3] for place in range(n)],
        "region": [("North", "South")[place // 2 % 2] for place in range(n)],
        "amount": [float(100 + 10 * place) for place in range(n)],
        "created_at": [datetime.date(2025, 1, 1) + datetime.timedelta(days=place) for place in range(n)],
        "closed_at": [None if place % 3 == 2 else datetime.date(2025, 3, 1) + datetime.timedelta(days=place)
                      for place in range(n)],
    }  # fmt: skip
    return pd.DataFrame({**rows, **columns})


def company(table, stages=STAGES):
    """The tables beside a table of deals: customers, history, contacts, marks, gates, targets and costs."""
    n, first = len(table), table.iloc[0]
    ids = [f"A{place // 2}" for place in range(n)]
    table = table.assign(account_id=ids, product=[("Steel", "Wire")[place % 2] for place in range(n)])
    lost = table["outcome"] == "lost"
    table["outcome"] = table["outcome"].mask(lost & (np.arange(n) % 2 == 0), "lost_competitor")
    customers = pd.DataFrame({"account_id": list(dict.fromkeys(ids))})
    places = np.arange(len(customers))
    factors = ("solution_fit", "track_record", "opportunities")
    whole = pd.DataFrame({"period": ["2025", "2026-Q1"], "amount": [first.get("amount", 10.0), 500.0]})
    own = whole.assign(owner=first["owner"], region=first["region"])
    entered = pd.to_datetime(table["created_at"])
    path = ((stages[0], 0), (stages[1], 9), (stages[-1], 30))
    steps = [path[: 3 if one == stages[-1] else 2] for one in table["stage"]]
    return {
        "opportunities": table,
        "accounts": customers.assign(
            name=[("Alpha", "=1+1", EMOJI, "<b>")[place % 4] for place in places],
            money=[("yes", "no", "")[place % 3] for place in places],
            authority=[("yes", "no")[place % 2] for place in places],
            need="yes",
            intent=[("high", "medium", "low", "")[place % 4] for place in places],
        ),
        "stage_history": pd.DataFrame([
            {"opportunity_id": deal, "stage": stage, "entered_at": at + pd.Timedelta(days=days)}
            for deal, at, gone in zip(table["opportunity_id"], entered, steps, strict=True)
            for stage, days in gone
        ]),
        "contacts": customers.assign(role=[("decision_maker", "user", "")[place % 3] for place in places]),
        "assessments": pd.DataFrame([
            {"account_id": one, "factor": factor, "mark": "+-"[(place + k) % 2]}
            for place, one in enumerate(customers["account_id"])
            for k, factor in enumerate(factors)
        ]),
        "gates": pd.DataFrame({
            "opportunity_id": table["opportunity_id"], "stage": stages[1], "criterion": "budget",
            "met": [("yes", "no")[place % 2] for place in range(n)],
        }),
        "targets": own,
        "costs": whole.assign(region=first["region"]),
    }  # fmt: skip


def one_way(outcome):
    stage = "won" if outcome == "won" else "lead"
    closed = None if outcome == "open" else datetime.date(2025, 4, 1)
    return deals(outcome=[outcome] * 24, stage=[stage] * 24, closed_at=[closed] * 24)


BOOKS = {
    "one open deal": lambda: deals(1, outcome=["open"], stage=["lead"], closed_at=[None]),
    "one won deal": lambda: deals(1),
    "all open": lambda: one_way("open"),
    "all won": lambda: one_way("won"),
    "all lost": lambda: one_way("lost"),
    "no amounts": lambda: deals().drop(columns="amount"),
    "zero amounts": lambda: deals(amount=[0.0] * 24),
    "negative amounts": lambda: deals(amount=[-5.0] * 24),
    "one amount of 1e308": lambda: deals(amount=[1e308, *[10.0] * 23]),
    "amounts up to 1e145": lambda: deals(amount=[1e145, *[10.0] * 23]),
    "tiny amounts": lambda: deals(amount=[1e-140] * 24),
    "amounts too small to count with": lambda: deals(amount=[5e-324] * 24),
    "all on one day": lambda: deals(
        created_at=[datetime.date(2025, 3, 1)] * 24,
        closed_at=[None if place % 3 == 2 else datetime.date(2025, 3, 1) for place in range(24)],
    ),
    "centuries apart": lambda: deals(created_at=[datetime.date(1700 + 10 * place, 1, 1) for place in range(24)]),
    "200 groups": lambda: deals(400, region=[f"R{place % 200}" for place in range(400)]),
    "names of every sort": lambda: deals(
        region=[(EMOJI, RIGHT_TO_LEFT, "line\nbreak", "x" * 300, "<b>", "=1+1", "a,b", "\u202ereversed")[place % 8]
                for place in range(24)],
        owner=[("Ann", "ann", "ANN ", "Ａｎｎ", "", " ", "None", "#N/A")[place % 8] for place in range(24)],
    ),
    "a NUL in a name": lambda: deals(region=[NUL, *["North"] * 23]),
}  # fmt: skip

OPTIONS = {
    "segments": {"by": "region"},
    "target": {"amount": 1000.0, "until": "2026-06-30"},
    "quota": {"amount": 1000.0},
    "targets.ideal_funnel": {"ideal": {"lead": 0.5, "offer": 0.5}},
    "targets.levers": {"amount": 1000.0, "until": "2026-06-30"},
    "targets.deal_mix": {"amount": 1000.0},
    "targets.reverse_funnel": {"wins": 5},
    "targets.before_after": {"at": "2025-01-22"},
    "diagnosis.verdict": {"at": "2025-01-22"},
    "diagnosis.change": {"at": "2025-01-22"},
    "notebook.reach": {"horizon_days": 90.0},
    "customer": {"who": "A0"},
    "targets.fair_shares": {"period": "2026-Q1"},
    "targets.stage_targets": {"period": "2026-Q1"},
}
MORE = {"conversion": [{"by": "region"}], "duration": [{"by": "owner"}], "cohort": [{}], "overview": [{}]}
LEFT_OUT = {"customers.add_marks", "data.seen_as", "notebook.pick"}


def asked():
    """Every public function whose first parameter is a book, by its name."""
    for name in fn.__all__:
        place = getattr(fn, name)
        inside = {name: place}
        if inspect.ismodule(place):
            inside = {f"{name}.{one}": getattr(place, one, None) for one in getattr(place, "__all__", ())}
        for full, function in inside.items():
            if (
                not callable(function)
                or inspect.isclass(function)
                or full in LEFT_OUT
                or full.startswith("widgets.")
            ):
                continue
            try:
                first = next(iter(inspect.signature(function).parameters), "")
            except (TypeError, ValueError):
                continue
            if first == "book":
                yield full, function


@pytest.fixture(scope="module", params=BOOKS)
def book(request):
    table = BOOKS[request.param]()
    return made(request.param, table)


def made(name, table, stages=STAGES):
    """A book of a table of deals and of all that goes with them."""
    mapping = {
        "as_of_reason": "made up",
        "on_problem": "drop",
        "problems": {"bad_number": "keep"},
        "currency": "EUR",
    }
    return load(
        company(table, stages), playbook=staged(stages), as_of="2025-12-31", name=name, mapping=mapping
    )


FUNCTIONS = dict(asked())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_question_is_answered_or_refused(book, name, monkeypatch):
    monkeypatch.setenv(LISTS, "1")
    for options in (OPTIONS.get(name, {}), *MORE.get(name, ())):
        with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
            warnings.simplefilter("error")
            try:
                found = FUNCTIONS[name](book, **options)
            except FunnelError:
                continue
            for language in ("en", "zh"):
                for said in ("text", "finding"):
                    if hasattr(found, said):
                        assert getattr(found, said)(language)
            if isinstance(found, Result):
                assert html(found, "en")
                listed(found, words("en"))
            if hasattr(found, "to_frame"):
                found.to_frame()


def test_every_question_is_answered_for_an_ordinary_book():
    assert len(FUNCTIONS) >= 45
    book = made("ordinary", deals(48))
    for name, function in FUNCTIONS.items():
        assert function(book, **OPTIONS.get(name, {})), name


@pytest.mark.parametrize("cell", ["1e400", "9" * 400, "1e308", "1_10", "5e-324", "inf", "nan(1)"])
def test_numbers_that_cannot_be_counted_with_are_refused_with_row_and_value(cell):
    table = deals(amount=[*["10"] * 7, cell, *["12.5"] * 16])
    with pytest.raises(DataProblems) as error:
        load(table, playbook=STAGES, as_of="2025-12-31")
    problem = error.value.problems[0]
    assert (problem.row, problem.column, problem.value[:20]) == (9, "amount", cell[:20])
