"""The target simulator: sliders call the public functions, and the state can be carried away."""

from functools import cache

import pytest

import funnelnb as fn
from funnelnb.core.errors import FunnelError
from tests.test_extremes import deals, made


@cache
def sample():
    return fn.sample()


def test_the_worked_case_is_a_preset():
    simulator = fn.target_simulator(lang="en")
    assert simulator.mix.required_n == 37
    assert [slider.value for slider in simulator.rates] == [0.25, 0.5, 0.75]
    assert [row.plug_in_n for row in simulator.funnel.rows] == [
        row.plug_in_n for row in fn.targets.reverse_funnel(wins=37, rates=[0.25, 0.5, 0.75]).rows
    ]


def test_every_slider_changes_the_answer():
    simulator = fn.target_simulator(lang="en")
    before = simulator.mix.required_n, simulator.funnel.rows[0].needed_n
    simulator.size.value = 2.0
    assert simulator.mix.required_n < before[0]
    simulator.size.value = 1.0
    simulator.assurance.value = 0.95
    assert simulator.mix.required_n > before[0]
    simulator.assurance.value = 0.8
    simulator.rates[0].value = 0.5
    assert simulator.funnel.rows[0].needed_n < before[1]
    simulator.amount.value = 250_000
    assert simulator.mix.target_amount == 250_000


def test_the_state_is_what_the_functions_take():
    simulator = fn.target_simulator(sample(), lang="zh")
    simulator.amount.value = 750_000
    state = simulator.parameters()
    rates = state.pop("rates")
    assert fn.targets.deal_mix(**state).required_n == simulator.mix.required_n
    again = fn.targets.reverse_funnel(
        wins=simulator.mix.required_n, rates=rates, assurance=state["assurance"]
    )
    assert [row.needed_n for row in again.rows] == [row.needed_n for row in simulator.funnel.rows]
    assert state["currency"] == "EUR"


def test_a_static_report_shows_the_chosen_state():
    simulator = fn.target_simulator(lang="en")
    shown = simulator._repr_mimebundle_()
    assert "<svg" in shown["text/html"]
    assert "takes 37 deals of typical size" in shown["text/plain"]


def test_what_cannot_be_done_is_said_where_the_chart_stood():
    simulator = fn.target_simulator(lang="en")
    simulator._history = simulator._history | {"counts": [0, 0, 0, 0]}
    simulator.amount.value = 400_000
    assert "counts are all 0" in simulator.picture.outputs[0]["data"]["text/plain"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_stages_are_called_as_the_playbook_calls_them(lang):
    simulator = fn.target_simulator(sample(), lang=lang)
    assert simulator.rates[0].description == sample().playbook.stages[0].label[lang]


def test_a_playbook_with_weights_is_a_preset():
    simulator = fn.target_simulator(preset="product_funnel", lang="en")
    assert [slider.value for slider in simulator.rates] == pytest.approx([0.5, 2 / 3, 0.75])
    with pytest.raises(FunnelError, match="no win weights"):
        fn.target_simulator(preset="telesales")
    with pytest.raises(FunnelError):
        fn.target_simulator(preset="no such thing")


def test_equal_amounts_are_a_band_of_one_size():
    book = made("equal", deals(48, amount=[10.1] * 48))
    shown = fn.target_simulator(book, amount=500)
    shown.size.value = 0.95
    assert shown.mix.required_n * 9.595 >= 500 > (shown.mix.required_n - 1) * 9.595
