"""A type checker sees every field of every result, and what it sees is what stands there."""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

import funnelnb as fn
import funnelnb.analysis
from funnelnb.analysis.shared.result import Result
from funnelnb.core.note import Note
from tests.architecture.public import public_functions

UNTYPED = re.compile(r"\bAny\b|\bobject\b|^(?:tuple|list|dict)$|dict\[str, Any\]")
QUESTIONS = {
    "ageing": fn.ageing,
    "assessment": fn.customers.assessment,
    "attained": fn.targets.attained,
    "before_after": lambda book: fn.targets.before_after(book, at="2025-10-01"),
    "call_list": fn.call_list,
    "cohort": lambda book: fn.cohort(book, every="quarter"),
    "conversion": lambda book: fn.conversion(book, by="region"),
    "customer": lambda book: fn.customer(book, "A0004"),
    "deal_mix": lambda book: fn.targets.deal_mix(book, amount=1e6),
    "distribution": lambda book: fn.distribution(book, stage="negotiation", runs=19),
    "duration": lambda book: fn.duration(book, by="region"),
    "fair_shares": lambda book: fn.targets.fair_shares(book, period="2026-Q3"),
    "honest_funnel": fn.customers.honest_funnel,
    "ideal_funnel": lambda book: fn.targets.ideal_funnel(book, [0.5] * 5),
    "integrity": fn.targets.integrity,
    "levels": fn.customers.levels,
    "levers": lambda book: fn.targets.levers(book, period="2026-Q3"),
    "man": fn.customers.money_authority_need,
    "overview": fn.overview,
    "playbook": fn.playbook,
    "propensity": fn.customers.propensity,
    "quadrant": fn.customers.quadrant,
    "quota": lambda book: fn.quota(book, by="region", period="2026-Q3"),
    "reverse_funnel": lambda book: fn.targets.reverse_funnel(book, wins=20, period="2026-Q4"),
    "roles": fn.customers.roles,
    "segments": lambda book: fn.segments(book, by="region"),
    "six_properties": fn.six_properties,
    "stage_targets": lambda book: fn.targets.stage_targets(book, period="2026-Q3"),
    "stuck": lambda book: fn.stuck(book, by="region"),
    "target": lambda book: fn.target(book, amount=5e6),
    "typed_funnel": lambda book: fn.typed_funnel([100, 50, 20], stages=["a", "b", "c"], before=[90, 50, 10]),
}


OF_ANY_RESULT = {"funnelnb.analysis.shared.deals", "funnelnb.analysis.shared.members"}
"""What lists the deals behind counts takes the rows and arguments of every question."""


def results_and_rows() -> list[type]:
    return [
        one
        for module in pkgutil.walk_packages(funnelnb.analysis.__path__, "funnelnb.analysis.")
        for one in vars(importlib.import_module(module.name)).values()
        if inspect.isclass(one) and dataclasses.is_dataclass(one) and one.__module__ == module.name
        if module.name not in OF_ANY_RESULT
    ]


def test_no_field_of_a_result_is_untyped():
    loose = [
        f"{one.__module__}.{one.__name__}.{field.name}: {field.type}"
        for one in results_and_rows()
        for field in dataclasses.fields(one)
        if UNTYPED.search(str(field.type))
    ]
    assert loose == []


def test_every_public_function_says_what_it_returns():
    assert [
        name
        for name, one in public_functions()
        if UNTYPED.search(str(inspect.signature(one).return_annotation)) and name != "fn.notebook.attempt"
    ] == []  # attempt returns what the analysis does that it is given


def kind_of(annotation: str) -> tuple[type, ...] | None:
    """Return the types that a plain annotation allows; None: one of ours, a tuple or an array."""
    plain = {
        "int": (int,),
        "float": (float, int),
        "str": (str,),
        "bool": (bool,),
        "np.datetime64": (np.datetime64,),
        "None": (type(None),),
    }
    parts = [one.strip() for one in annotation.split("|")]
    if not all(one in plain for one in parts):
        return None
    return tuple(kind for one in parts for kind in plain[one])


def mistyped(value: object, path: str) -> Iterator[str]:
    """Yield every field below a result whose value is not of the type that it says."""
    if isinstance(value, tuple | list):
        for place, one in enumerate(value):
            yield from mistyped(one, f"{path}[{place}]")
    if not dataclasses.is_dataclass(value) or isinstance(value, type | Note):
        return
    for field in dataclasses.fields(value):
        one, kinds = getattr(value, field.name), kind_of(str(field.type))
        if kinds is None:
            if str(field.type).startswith("NDArray") and not isinstance(one, np.ndarray):
                yield f"{path}.{field.name} is {type(one).__name__}, not {field.type}"
            yield from mistyped(one, f"{path}.{field.name}")
        elif type(one) not in kinds:
            yield f"{path}.{field.name} is {type(one).__name__}, not {field.type}"


@pytest.fixture(scope="module")
def book():
    return fn.sample().where(region="DACH")


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_value_is_of_the_type_that_its_field_says(book, name):
    result = QUESTIONS[name](book)
    assert isinstance(result, Result)
    assert list(dict.fromkeys(re.sub(r"\[\d+\]", "[…]", one) for one in mistyped(result, name))) == []
    assert all(isinstance(result.to_frame(table), pd.DataFrame) for table in result.tables)
