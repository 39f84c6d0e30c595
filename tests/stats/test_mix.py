"""The cheapest mix: enumeration and integer program against each other and against plain loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelnb.core.errors import ParameterError
from funnelnb.stats.totals.mix import Limit, Task, cheapest, cheapest_by_program, minimal, nearby, why_not


@st.composite
def tasks(draw):
    """Small tasks with every kind of limit."""
    bands = draw(st.integers(1, 3))

    def numbers(low, high):
        return tuple(float(draw(st.integers(low, high))) for _ in range(bands))

    limits = (Limit(name="hours", use=numbers(0, 5), capacity=float(draw(st.integers(3, 60)))),)
    return Task(
        target=float(draw(st.integers(10, 120))),
        amount=numbers(5, 40),
        effort=numbers(1, 15),
        limits=limits if draw(st.booleans()) else (),
        most_share=draw(st.sampled_from([1.0, 0.8, 0.6])),
        least_n=tuple(draw(st.integers(0, 2)) for _ in range(bands)) if draw(st.booleans()) else (),
        most_n=tuple(draw(st.integers(1, 8)) for _ in range(bands)) if draw(st.booleans()) else (),
    )


def allowed(task, counts):
    brought = np.array(counts) * task.amount
    return (
        brought.sum() >= task.target - 1e-9
        and all(np.dot(counts, limit.use) <= limit.capacity + 1e-9 for limit in task.limits)
        and brought.max() <= task.most_share * brought.sum() + 1e-9
        and all(np.array(counts) >= task.least)
        and (not task.most_n or all(np.array(counts) <= task.most_n))
    )


def every_mix(task, upto, without=""):
    """All mixes of up to `upto` deals in each band that the limits (but one) allow, shape (M, B)."""
    mixes = np.array(list(itertools.product(range(upto + 1), repeat=len(task.amount))))
    brought = mixes * np.array(task.amount)
    fits = (mixes >= task.least).all(axis=1)
    for limit in task.limits:
        if limit.name != without:
            fits &= mixes @ np.array(limit.use) <= limit.capacity + 1e-9
    if without != "most_share":
        fits &= brought.max(axis=1) <= task.most_share * brought.sum(axis=1) + 1e-9
    if task.most_n and without != "most_n":
        fits &= (mixes <= np.array(task.most_n)).all(axis=1)
    return mixes[fits]


@settings(deadline=None, max_examples=150)
@given(tasks())
def test_enumeration_equals_the_integer_program(task):
    one, other = cheapest(task), cheapest_by_program(task)
    assert (one is None) == (other is None)
    if one is not None:
        assert np.dot(one, task.effort) == pytest.approx(np.dot(other, task.effort))
        assert allowed(task, one)


@settings(deadline=None, max_examples=60)
@given(tasks())
def test_no_mix_of_all_is_cheaper(task):
    found = cheapest(task)
    every = every_mix(task, 25)
    every = every[every @ np.array(task.amount) >= task.target - 1e-9]
    if len(every):
        assert found is not None
        efforts = every @ np.array(task.effort)
        assert np.dot(found, task.effort) <= efforts.min() + 1e-9
        if np.dot(found, task.effort) >= efforts.min() - 1e-9 and max(found) <= 25:
            # of equally cheap ones the one with fewer deals
            assert sum(found) == every[efforts <= efforts.min() + 1e-9].sum(axis=1).min()


def test_all_mixes_of_the_case_are_listed_cheapest_first():
    task = Task(target=500, amount=(5, 20, 40, 75), effort=(2, 5, 9, 15))
    found = minimal(task)
    efforts = found @ np.array(task.effort)
    assert np.all(np.diff(efforts) >= -1e-9)
    assert len(np.unique(found, axis=0)) == len(found)
    brought = found @ np.array(task.amount)
    assert brought.min() >= 500
    # one small deal fewer and the target is missed, unless there is none left to leave out
    assert np.all((brought - 5 < 500) | (found[:, 0] == 0))
    expected = sum(1 for _ in itertools.product(range(26), range(14), range(8)))
    assert len(found) == expected


def test_twelve_bands_take_the_integer_program():
    amount = tuple(np.linspace(5, 150, 12))
    task = Task(
        target=5000,
        amount=amount,
        effort=tuple(2 + np.linspace(5, 150, 12) ** 0.8),
        limits=(Limit(name="hours", use=tuple(np.linspace(1, 12, 12)), capacity=900.0),),
        most_share=0.3,
        least_n=(1,) * 12,
    )
    assert minimal(task) is None
    assert allowed(task, cheapest(task))


def test_the_binding_limit_is_named_with_what_is_missing():
    task = Task(
        target=100,
        amount=(10.0, 30.0),
        effort=(1.0, 2.0),
        limits=(
            Limit(name="hours", use=(5.0, 10.0), capacity=20.0),
            Limit(name="meetings", use=(1.0, 1.0), capacity=50.0),
        ),
    )
    assert cheapest(task) is None
    found = why_not(task)
    assert found.best_amount == 60
    assert [(one.name, one.given, one.needed) for one in found.short] == [("hours", 20.0, 35.0)]


def test_a_concentration_that_cannot_be_met_names_the_share_that_could():
    task = Task(target=100, amount=(10.0, 30.0), effort=(1.0, 2.0), most_share=0.4)
    assert cheapest(task) is None
    (short,) = why_not(task).short
    assert short.name == "most_share"
    # no fewer than half of the total can come from the larger half
    assert short.needed == pytest.approx(0.5, abs=0.002)


SHORT = [
    {"limits": (Limit(name="hours", use=(5.0, 11.0, 14.0), capacity=40.0),)},
    {"most_n": (2, 1, 1)},
    {"most_n": (2, 1, 1), "limits": (Limit(name="hours", use=(5.0, 11.0, 14.0), capacity=999.0),)},
    {"most_share": 0.36, "limits": (Limit(name="hours", use=(1.0, 1.0, 1.0), capacity=9.0),)},
    {"most_share": 0.4, "most_n": (3, 9, 1)},
    {
        "least_n": (1, 0, 1),
        "limits": (
            Limit(name="hours", use=(4.0, 9.0, 3.0), capacity=30.0),
            Limit(name="trips", use=(0.0, 1.0, 2.0), capacity=3.0),
        ),
    },
    {"least_n": (0, 3, 0), "limits": (Limit(name="hours", use=(4.0, 9.0, 3.0), capacity=20.0),)},
]


@pytest.mark.parametrize("change", SHORT, ids=str)
def test_what_is_short_by_looking_at_every_mix(change):
    """The most that can be brought, and of each limit the least that would do if it alone were changed."""
    task = Task(**{"target": 130.0, "amount": (10.0, 17.0, 30.0), "effort": (2.0, 3.0, 5.0)} | change)
    assert cheapest(task) is None
    found = why_not(task)
    amount = np.array(task.amount)
    possible = every_mix(task, 15)
    if len(possible):
        assert found.best_amount == pytest.approx((possible @ amount).max())
        assert np.dot(found.best_n, amount) == pytest.approx(found.best_amount)
    else:
        assert np.isnan(found.best_amount)
        assert found.best_n == ()
    wanted = {}
    for name in [limit.name for limit in task.limits] + ["most_share", "most_n"]:
        free = every_mix(task, 15, without=name)
        free = free[free @ amount >= task.target]
        if not len(free):
            continue
        if name == "most_share" and task.most_share < 1:
            brought = free * amount
            wanted[name] = (task.most_share, (brought.max(axis=1) / brought.sum(axis=1)).min())
        elif name == "most_n" and task.most_n:
            wanted[name] = (sum(task.most_n), free.sum(axis=1).min())
        for limit in task.limits:
            if limit.name == name:
                wanted[name] = (limit.capacity, (free @ np.array(limit.use)).min())
    assert {one.name: one.given for one in found.short} == {k: given for k, (given, _) in wanted.items()}
    for one in found.short:
        needed = wanted[one.name][1]
        assert needed - 1e-9 <= one.needed <= needed + (0.0015 if one.name == "most_share" else 1e-9)


def test_a_share_that_is_met_exactly_is_met():
    """Half and half, in both orders of the bands, and where a dear third band would do without being exact."""
    for amount in ((10.0, 10.0), (10.0, 20.0), (20.0, 10.0), (10.0, 10.0, 10.0), (10.0, 20.0, 5.0)):
        task = Task(target=80, amount=amount, effort=(3.0, 2.0, 9.0)[: len(amount)], most_share=0.5)
        free = every_mix(task, 12)
        free = free[free @ np.array(amount) >= 80]
        assert np.dot(cheapest(task), task.effort) == pytest.approx((free @ np.array(task.effort)).min())


def test_the_most_of_each_band_is_that_of_its_tightest_limit():
    limits = (
        Limit(name="hours", use=(3.0, 0.0, 0.1), capacity=0.3),
        Limit(name="trips", use=(0.05, 0.0, 1.0), capacity=2.0),
    )
    task = Task(target=10, amount=(1.0, 1.0, 1.0), effort=(1.0, 1.0, 1.0), limits=limits)
    assert task.most.tolist() == [0, -1, 2]
    capped = Task(target=10, amount=(1.0,) * 3, effort=(1.0,) * 3, limits=limits, most_n=(5, 4, 1))
    assert capped.most.tolist() == [0, 4, 1]


def test_the_band_that_is_filled_up_is_the_one_with_the_widest_range():
    """Band 1 can only have 20 to 25 deals: six mixes, each without a deal of band 0 to spare."""
    task = Task(target=90, amount=(3.0, 2.0), effort=(1.0, 1.0), least_n=(0, 20), most_n=(40, 25))
    found = minimal(task)
    assert sorted(found[:, 1].tolist()) == list(range(20, 26))
    for first, second in found.tolist():
        assert first == -(-(90 - 2 * second) // 3)


def test_how_many_mixes_there_are_does_not_depend_on_where_their_range_begins():
    low = Task(target=90, amount=(3.0, 2.0, 1.0), effort=(1.0, 1.0, 1.0), most_n=(99, 20, 20))
    high = Task(
        target=90 + 1500, amount=low.amount, effort=low.effort, least_n=(0, 500, 500), most_n=(99, 520, 520)
    )
    assert (minimal(high) - [0, 500, 500]).tolist() == minimal(low).tolist()


def test_nearby_mixes_are_all_those_of_a_cube_around_the_centre():
    """Four bands: 13 to each side, since 27 cubed is the most below 20,000; the first is filled up to the target."""
    task = Task(target=900, amount=(5.0, 20.0, 4.0, 7.0), effort=(2.0, 5.0, 1.5, 3.0))
    found = nearby(task, [20.2, 21.9, 20, 30])
    cube = np.array(list(itertools.product(range(9, 36), range(7, 34), range(17, 44))))
    low = np.maximum(np.ceil((900 - cube @ np.array(task.amount[1:])) / 5), 7).astype(int)
    wanted = np.column_stack([low, cube])
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, wanted.tolist()))
    effort = found @ np.array(task.effort)
    assert (np.diff(effort) >= -1e-9).all()
    ties = np.isclose(np.diff(effort), 0)
    assert (np.diff(found.sum(axis=1))[ties] >= 0).all()
    assert nearby(task, [20.2, 21.9, 20, 30], keep=3).tolist() == found[:3].tolist()
    capped = Task(
        target=900, amount=task.amount, effort=task.effort, least_n=(0, 30, 0, 0), most_n=(99, 33, 9, 12)
    )
    within = nearby(capped, [20, 10, 200, 30])
    assert within.min(axis=0).tolist()[1:] == [30, 0, 0]
    assert within.max(axis=0).tolist()[1:] == [33, 9, 12]
    assert nearby(Task(target=12, amount=(5.0,), effort=(1.0,)), [4]).tolist() == [[3]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"target": 0}, "target = 0"),
        ({"effort": (1.0,)}, "effort has 1"),
        ({"effort": (1.0, 0.0)}, r"effort\[1\] = 0"),
        ({"amount": (0.0, 5.0)}, r"amount\[0\] = 0"),
        ({"most_share": 0}, "most_share = 0"),
        ({"least_n": (0, -1)}, r"least_n\[1\] = -1"),
        ({"limits": (Limit(name="hours", use=(1.0, 1.0), capacity=-3.0),)}, "capacity of hours = -3"),
        ({"limits": (Limit(name="hours", use=(1.0, -1.0), capacity=3.0),)}, r"use of hours\[1\] = -1"),
        ({"limits": (Limit(name="hours", use=(1.0,), capacity=3.0),)}, "use of hours has 1"),
        ({"most_n": (0, -1)}, r"most_n\[1\] = -1"),
        ({"most_share": 1.1}, "most_share = 1.1"),
        ({"target": float("inf")}, "target = inf"),
        ({"amount": (), "effort": ()}, "there is no band"),
    ],
)
def test_bad_input_is_named(change, says):
    with pytest.raises(ParameterError, match=says):
        Task(**{"target": 10, "amount": (1.0, 5.0), "effort": (1.0, 2.0)} | change)
