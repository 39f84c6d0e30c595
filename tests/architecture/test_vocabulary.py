"""One public language: `by`, `horizon_days`, `period`, `as_of` and `stage` mean the same in every public function.

A new function is walked with all others. Where it leaves out a word that others have, the reason stands here.
"""

import inspect
import re

import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.core.errors import FunnelError, ParameterError
from funnelnb.data.events.definition import FunnelRules
from tests.architecture.public import public_functions
from tests.conftest import ROOT

FUNCTIONS = dict(public_functions())
PARAMETERS = {name: dict(inspect.signature(function).parameters) for name, function in FUNCTIONS.items()}

# word -> what it is in every signature (a default of None is "not given")
MEANS = {
    "by": "str | Sequence[str] | None",
    "horizon_days": "float | None",
    "period": "str | None",
    "until": "Day | None",
    "as_of": "Day | None",
    "stage": "str | None",
    "origin_stage": "str | None",
    "confidence_level": "float | None",
    "calendar": "str | Calendar | None",
    "currency": "str | None",
    "timezone": "str | None",
    "lang": "str | None",
    "within": "Stretch | None",
}
# (function, word) -> what it is there, and why
OTHERWISE = {
    ("fn.segments", "by"): ("str | Sequence[str]", "the question is which groups differ: it must name them"),
    ("fn.six_properties", "by"): ("str | None", "an attribute, or a cut by time or size: one only"),
    ("fn.targets.attained", "by"): ("str | None", "whose targets the table holds: owner, team or region"),
    ("fn.behaviour.aarrr", "by"): ("str | None", "the one property that names the source"),
    ("fn.forecast", "by"): ("str | None", "one attribute: a total for each of its values"),
    ("fn.forecast", "period"): ("str | Sequence[str] | None", "one period, or several side by side"),
    ("fn.weekly_report", "by"): ("str | None", "whose figures stand beside all: one attribute"),
    ("fn.diagnosis.change", "by"): (
        "str | None",
        "the groups that take part in the change, or the two compared",
    ),
    ("fn.diagnosis.costs", "by"): (
        "str | None",
        "what the table of costs names: source, region, owner, team or period",
    ),
    ("fn.diagnosis.describe", "by"): ("str | None", "one attribute, or size"),
    ("fn.diagnosis.sales_trend", "by"): ("str | None", "one attribute: a curve for each of its values"),
    ("fn.diagnosis.symptoms", "by"): (
        "str | None",
        "whose symptoms: one attribute, the owner if none is named",
    ),
    ("fn.diagnosis.why_lost", "by"): ("str | None", "one attribute, besides stage and quarter"),
    ("fn.notebook.reach", "horizon_days"): ("float", "the horizon wanted"),
    ("fn.widgets.explore", "by"): ("str | None", "a control chooses one"),
    ("fn.widgets.explore_durations", "by"): ("str | None", "a control chooses one"),
    ("fn.widgets.explore_events", "by"): ("str | None", "a control chooses one"),
    ("fn.widgets.explore_forecast", "by"): ("str | None", "a control chooses one"),
    ("fn.notebook.open_events", "by"): ("str | None", "with value: which part of the log"),
    ("fn.notebook.pick", "by"): ("str", "with value: which part of the book"),
    ("fn.notebook.open_book", "as_of"): ("str | None", "a parameter of a notebook is text"),
    ("fn.duration", "within"): ("str | None", "the attribute within whose values groups are compared"),
    ("fn.widgets.explore_events", "within"): ("str | None", "one of the windows that the control offers"),
}
FORMER = {
    "group_by",
    "within_days",
    "segment_by",
    "segment",
    "attribute",
    "horizon",
    "date",
    "level",
    "language",
}

# What is asked of a book and is not divided into groups, and why.
WITHOUT_BY = {
    "fn.targets.before_after": "it compares two sides; take a part of the book with where()",
    "fn.behaviour.from_deals": "it reads deals as events",
    "fn.diagnosis.harm": "it says what faults in the data do to the whole",
    "fn.forecasts.coverage": "the pipeline against the target of the whole",
    "fn.forecasts.velocity": "the money of the whole per day",
    "fn.diagnosis.verdict": "it judges one change of the whole",
    "fn.diagnosis.wander": "it follows the ways of all deals",
    "fn.notebook.reach": "it says how far the data see",
    "fn.customer": "it is about one customer",
    "fn.customers.add_marks": "it adds to the book",
    "fn.customers.assessment": "it is about single customers",
    "fn.customers.honest_funnel": "it is about single deals against the stages they claim",
    "fn.customers.levels": "it is about single customers",
    "fn.customers.level_moves": "it is about single customers",
    "fn.customers.money_authority_need": "its groups are the eight classes",
    "fn.customers.propensity": "all attributes are weighed together; `attributes` chooses among them",
    "fn.customers.roles": "its groups are the roles",
    "fn.data.seen_as": "it reads the book by another model",
    "fn.targets.deal_mix": "its groups are the bands, which may be an attribute",
    "fn.notebook.comparison": "it chooses what to divide by",
    "fn.overview": "it says what the book holds",
    "fn.customers.quadrant": "its groups are the four quarters",
    "fn.targets.reverse_funnel": "it counts back from one number of wins",
    "fn.target": "the whole target; fair_shares and stage_targets divide it",
    "fn.targets.ideal_funnel": "it holds the whole funnel against an ideal",
    "fn.targets.integrity": "it tests what the records of the whole book can bear",
    "fn.targets.levers": "it asks which step of the whole funnel moves the most",
    "fn.widgets.assessment_sheet": "it is about one customer",
    "fn.widgets.prioritise": "it is about single customers",
    "fn.widgets.target_simulator": "it is about one target",
}


def asked_of_a_book(name: str) -> bool:
    first = next(iter(PARAMETERS[name].values()), None)
    return first is not None and first.name in ("book", "before")


def spelled(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_word_is_the_same_in_every_signature(name):
    wrong = []
    for key, one in PARAMETERS[name].items():
        means, why = OTHERWISE.get((name, key), (MEANS.get(key), ""))
        if means is None:
            continue
        if spelled(one.annotation) != means:
            wrong.append(f"{key}: {spelled(one.annotation)}, elsewhere {means}")
        if "None" in means and one.default not in (None, inspect.Parameter.empty) and not why:
            wrong.append(f"{key} = {one.default!r}: None alone is 'not given'")
    assert wrong == []
    assert not FORMER & set(PARAMETERS[name])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_none_alone_is_not_given(name):
    """No empty text, empty list or 0 stands for "nothing was said"."""
    stand_ins = {
        key: one.default
        for key, one in PARAMETERS[name].items()
        if one.default is not inspect.Parameter.empty
        and one.default in ("", (), [], {}, 0)
        and one.default is not False
    }
    assert stand_ins == {}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_is_explained(name):
    said = inspect.getdoc(FUNCTIONS[name]) or ""
    listed = re.findall(
        r"^([\w*][\w*, /]*?)(?: : .*)?$",
        said.partition("Parameters\n----------\n")[2].partition("\n\n")[0],
        re.M,
    )
    known = {word.strip(" *") for line in listed for word in line.split(",")}
    asked = {key for key, one in PARAMETERS[name].items()}
    if "Parameters\n-----" not in said:
        assert len(asked) <= 2, f"{name} does not explain {sorted(asked)}"
    else:
        assert {key for key in asked if key not in known and not re.search(rf"\b{key}\b", said)} == set()


def test_what_is_asked_of_a_book_is_divided_by_groups_or_says_why_not():
    without = {name for name in FUNCTIONS if asked_of_a_book(name) and "by" not in PARAMETERS[name]}
    assert without == set(WITHOUT_BY)


def test_the_rules_of_a_funnel_keep_the_words():
    kinds = inspect.get_annotations(FunnelRules)
    assert not FORMER & set(kinds)
    assert {"since", "until", "value", "credit", "rules", "order", "exclude", "hold", "per"} <= set(kinds)


# ---- The same slip is answered alike -----------------------------------------------------------------------

EXTRA = {  # what a function needs besides
    "fn.quota": {"period": "2026-Q3"},
    "fn.target": {"amount": 1e6},
    "fn.targets.reverse_funnel": {"wins": 5},
    "fn.targets.before_after": {"at": "2026-01-01"},
    "fn.targets.ideal_funnel": {"ideal": [0.5] * 5},
    "fn.targets.stage_targets": {"period": "2026-Q3"},
    "fn.targets.fair_shares": {"period": "2026-Q3"},
    "fn.targets.levers": {"period": "2026-Q3"},
    "fn.segments": {"by": "region"},
    "fn.diagnosis.change": {"at": "2026-01-01"},
}
OF_BOOKS = [name for name in FUNCTIONS if asked_of_a_book(name) or name == "fn.six_properties"]


def having(word: str) -> list[str]:
    return [name for name in OF_BOOKS if word in PARAMETERS[name] and ".notebook." not in name]


@pytest.fixture(scope="module")
def book():
    return fn.sample().where(region="DACH")


def call(name, book, **more):
    return FUNCTIONS[name](book, **(EXTRA.get(name, {}) | more))


@pytest.mark.parametrize("name", having("by"))
def test_by_an_attribute_that_is_not_there_names_those_that_are(book, name):
    with pytest.raises(FunnelError) as refused:
        call(name, book, by="regoin")
    said = str(refused.value)
    assert "by = 'regoin'" in said
    assert "'region'" in said


@pytest.mark.parametrize(
    "name", [one for one in having("by") if (one, "by") not in OTHERWISE or one == "fn.segments"]
)
def test_by_takes_one_attribute_or_a_list(book, name):
    named = call(name, book, by="owner")
    listed = call(name, book, by=["owner"])
    assert named.by == listed.by == ("owner",)
    with pytest.raises(ParameterError, match="by = "):
        call(name, book, by=["owner", "owner"])


@pytest.mark.parametrize("name", having("horizon_days"))
@pytest.mark.parametrize("given", [0, -5, "90", float("nan")], ids=str)
def test_horizon_days_is_a_number_of_days_above_0(book, name, given):
    with pytest.raises(ParameterError, match="horizon_days"):
        call(name, book, horizon_days=given)


@pytest.mark.parametrize("name", having("period"))
def test_a_period_is_a_month_a_quarter_or_a_year(book, name):
    with pytest.raises(ParameterError, match=r"2026-Q\d"):
        call(name, book, period="third quarter")


@pytest.mark.parametrize("name", [one for one in having("until") if one != "fn.target"])
def test_a_period_is_named_or_ended_not_both(book, name):
    with pytest.raises(ParameterError, match="one of them"):
        call(name, book, period="2026-Q4", until="2026-12-31")


@pytest.mark.parametrize("name", having("stage"))
def test_a_stage_that_is_not_there_names_the_nearest(book, name):
    with pytest.raises(ParameterError, match="did you mean 'negotiation'"):
        call(name, book, stage="negotation")


@pytest.mark.parametrize("name", having("origin_stage"))
def test_an_origin_stage_that_is_not_there_names_the_nearest(book, name):
    with pytest.raises(ParameterError, match="did you mean 'negotiation'"):
        call(name, book, origin_stage="negotation")


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if "as_of" in PARAMETERS[name]])
def test_as_of_is_a_day(name, tmp_path):
    log = tmp_path / "log.parquet"
    pd.DataFrame({"user_id": ["a"], "event": ["x"], "time": pd.to_datetime(["2026-05-01"])}).to_parquet(log)
    source = log if name in ("fn.events", "fn.behaviour.scan") else ROOT / "data" / "sample"
    given = {} if ".open_" in name else {"book": fn.sample()} if name == "fn.forecast" else {"source": source}
    given |= {"folder": tmp_path / "made"} if "folder" in PARAMETERS[name] else {}
    with pytest.raises(ParameterError, match="as_of = '2026-13-01'"):
        FUNCTIONS[name](**given, as_of="2026-13-01")
