"""The kernel against the reference that goes row by row, on small logs full of ties and repeats."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelnb.data.events.attempts import choose
from funnelnb.data.events.definition import BETWEEN, Choice, Definition, Exclusion, Step
from funnelnb.data.events.walk import (
    COMPARED_MOST,
    LAST,
    NEVER,
    Groups,
    Rows,
    _any_matched,
    _any_one_by_one,
    _sorted_columns,
    walk,
)
from tests.data.events import reference

LETTERS = "ABCDX"


def steps_of(text):
    """Steps from words such as ``A B/C D?``: alternatives, optional (?), anchored (!) and first-ever (*) steps."""
    made = []
    for word in text.split():
        names = word.rstrip("?!*").split("/")
        made.append(
            Step(
                choices=tuple(Choice(event=n) for n in names),
                label=word,
                optional=word.endswith("?"),
                anchored=word.endswith("!"),
                first_ever=word.endswith("*"),
            )
        )
    return tuple(made)


def rows_of(logs, definition):
    """Rows of several units' logs, each a list of (time, letter); and the same for the reference."""
    strict = definition.order == "strict"
    unit, time, mask, bad, plain = [], [], [], [], {}
    for number, log in enumerate(logs):
        ordered = sorted(log, key=lambda one: one[0])
        plain[number] = []
        seen = set()
        for at, letter in ordered:
            m = sum(
                1 << k for k, s in enumerate(definition.steps) if any(c.event == letter for c in s.choices)
            )
            b = sum(
                1 << j for j, e in enumerate(definition.exclude) if any(c.event == letter for c in e.choices)
            )
            if m or b or strict:
                unit.append(number), time.append(at), mask.append(m), bad.append(b)
                again = sum(1 << k for k in seen if definition.steps[k].first_ever and m >> k & 1)
                seen |= {k for k in range(len(definition.steps)) if m >> k & 1}
                plain[number].append((at, m - again, b))
    rows = Rows(
        unit=np.array(unit, np.int64), time=np.array(time, np.int64),
        mask=np.array(mask, np.uint32), bad=np.array(bad, np.uint32),
    )  # fmt: skip
    return rows, plain


def counted(rows, definition, as_of):
    """The kernel's counts in the reference's form."""
    units = choose(walk(rows, definition), as_of)
    times = [[None if t == NEVER else int(t) for t in row] for row in units.time]
    return {
        "reached": (units.time != NEVER).sum(axis=0).tolist(),
        "running": int(units.running.sum()),
        "void": units.void_n,
        "units": sorted(zip(units.unit.tolist(), times, units.running.tolist(), strict=False), key=repr),
    }


def compare(logs, definition, as_of=8):
    rows, plain = rows_of(logs, definition)
    expected = reference.count(plain, definition, as_of)
    expected["units"] = sorted(expected["units"], key=repr)
    assert counted(rows, definition, as_of) == expected


LOG = st.lists(st.tuples(st.integers(0, 6), st.sampled_from(LETTERS)), max_size=8)
FUNNELS = (
    "A B C",
    "A B",
    "A A B",
    "A B A C",
    "A/B B C",
    "A B? C",
    "A B? C? D",
    "A B C?",
    "A B B",
    "A",
    "A* B",
    "A B* C",
    "A* A B",
    "A/B* B C",
)
ANCHORED = ("A! B C D!", "A B! C", "A! B! C", "A B C! D", "A B! C/D")


@st.composite
def definitions(draw):
    steps = steps_of(draw(st.sampled_from(FUNNELS + ANCHORED)))
    order = draw(st.sampled_from(("ordered", "strict", "any")))
    if any(one.anchored for one in steps):
        order = "any"
    if any(one.optional for one in steps) and order == "any":
        order = "ordered"
    required = [k for k, one in enumerate(steps) if not one.optional]
    exclude = ()
    if len(required) > 1 and draw(st.booleans()):
        ends = sorted(draw(st.lists(st.sampled_from(required), min_size=2, max_size=2, unique=True)))
        if order == "any":
            ends = [0, len(steps) - 1]
        scope = draw(st.sampled_from(("attempt", "onward", "actor")))
        letter = draw(st.sampled_from("XD"))
        exclude = (Exclusion(choices=(Choice(event=letter),), after=ends[0], before=ends[1], scope=scope),)
    gap = draw(st.sampled_from((None, None, 1, 2, 3))) if order != "any" else None
    long = draw(st.sampled_from((None, 1, 2, 4)))
    return Definition(
        steps=steps, order=order, exclude=exclude,
        within_us=gap * max(len(required) - 1, 1) if gap and long is None else long,
        gap_us=gap, edge=draw(st.sampled_from(("in", "out"))),
        attempt=draw(st.sampled_from(("best", "first", "every", "start"))),
        ties=draw(st.sampled_from(("either", "either", "after", "row"))),
        reuse=draw(st.booleans()),
        repeats=draw(st.sampled_from(("harmless", "harmless", "stop"))),
        between=draw(st.sampled_from(BETWEEN)),
        begin=draw(st.sampled_from(("any", "first"))),
    )  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(LOG, min_size=1, max_size=12), definitions())
def test_the_kernel_counts_as_the_reference(logs, definition):
    compare(logs, definition)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(1, 31)), min_size=1, max_size=40),
    st.sampled_from((None, 2, 5)),
    st.integers(2, 5),
    st.booleans(),
)
def test_halls_condition_finds_the_growing_matching(events, within, count, apart):
    """Any order, rows that are several steps: all starts at once against a matching that grows row by row."""
    if apart:  # no row serves a step of both halves
        events = [(unit, at, mask & 0b00011 or mask) for unit, at, mask in events]
    events.sort()
    mask = np.array([one[2] & ((1 << count) - 1) for one in events], np.uint32)
    rows = Rows(
        unit=np.array([one[0] for one in events], np.int64),
        time=np.array([one[1] for one in events], np.int64),
        mask=mask,
        bad=np.zeros(len(mask), np.uint32),
    )
    steps = tuple(Step(choices=(Choice(event=str(k)),), label=str(k)) for k in range(count))
    definition = Definition(steps=steps, order="any", within_us=within)
    groups = Groups(rows, definition)
    start = np.flatnonzero(groups.mask)
    found = _any_matched(groups, definition, start)
    assert found.tolist() == _any_one_by_one(groups, definition, start).tolist()


def test_many_columns_are_sorted_as_few_are():
    rng = np.random.default_rng(4)
    for count in (1, 2, 5, COMPARED_MOST, COMPARED_MOST + 1, 30):
        table = rng.integers(0, 9, (count, 50))
        table[table == 8] = LAST
        expected = np.sort(table, axis=0).T
        expected[expected == LAST] = -1
        assert _sorted_columns(list(table.copy())).tolist() == expected.tolist()
