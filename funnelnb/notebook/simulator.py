"""Sliders over a target: amount, assurance, sizes, rates, days; what is needed follows at once."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from funnelnb.analysis.shared.question import question
from funnelnb.analysis.targets.mix import deal_mix
from funnelnb.analysis.targets.reverse import reverse_funnel
from funnelnb.core.errors import ParameterError
from funnelnb.notebook.controls import Live
from funnelnb.playbooks import load_playbook
from funnelnb.show import outputs, panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.targets.mix import DealMix
    from funnelnb.analysis.targets.reverse import ReverseFunnel
    from funnelnb.data.book import Book

PRESETS = {
    "case": {
        "amount": 500_000.0, "bands": (10_000, 30_000, 50_000), "counts": (61, 30, 12, 5), "means": None,
        "rates": (0.25, 0.50, 0.75), "stages": ("A", "B", "C", "D"), "currency": "CNY",
    },
}  # fmt: skip
"""Starting points that need no data: the worked case (DOMAIN E1, E2)."""

_LEAST_RATE = 0.01


class TargetSimulator(Live):
    """Sliders over a target, and what they ask for.

    Attributes
    ----------
    amount, assurance, size, stretch : widget
        Target, chance wanted, sizes in percent of history's, and how far a band may exceed history's proportions.
    rates : tuple of widget
        Share that gets through each step.
    picture : ipywidgets.Output
        Words and charts of :attr:`mix` and :attr:`funnel`.
    mix : DealMix
    funnel : ReverseFunnel
        What is shown now.
    """

    def __init__(self, history: dict[str, Any], lang: str | None) -> None:
        super().__init__(lang)
        self._history = history
        self.mix: DealMix
        self.funnel: ReverseFunnel
        amount = float(history["amount"])
        self.amount = self._slider("amount", amount, amount / 4, amount * 3, amount / 40, ",.0f")
        self.assurance = self._slider("assurance", 0.8, 0.5, 0.95, 0.05, ".0%")
        self.size = self._slider("size", 1.0, 0.5, 2.0, 0.05, ".0%")
        self.stretch = self._slider("stretch", 1.5, 1.1, 4.0, 0.1, ".1f")
        names = [self._stage(name) for name in history["stages"][:-1]]
        self.rates = tuple(
            self._slider("", max(float(rate), _LEAST_RATE), _LEAST_RATE, 1.0, 0.01, ".0%", label=name)
            for name, rate in zip(names, history["rates"], strict=True)
        )
        self._offer(self.amount, self.assurance, self.size, self.stretch, *self.rates)
        self._redraw()

    def _slider(
        self, name: str, value: float, low: float, high: float, step: float, form: str, *, label: str = ""
    ) -> widgets.FloatSlider:
        return widgets.FloatSlider(
            value=value, min=low, max=high, step=step, readout_format=form, continuous_update=False,
            description=label or self._say.get(f"targets.simulator.{name}"),
            style={"description_width": "initial"}, layout={"width": "24em"},
        )  # fmt: skip

    def _stage(self, name: Any) -> str:
        return name if isinstance(name, str) else str(name[self._say.lang])

    def parameters(self) -> dict[str, Any]:
        """Return the chosen state as arguments of ``fn.targets.deal_mix`` and ``fn.targets.reverse_funnel``."""
        edges = [float(edge) * self.size.value for edge in self._history["bands"]]
        least = [0.0, *edges]  # equal amounts lie on the bound, their mean may miss it by a rounding
        means = [
            max(float(one) * self.size.value, low)
            for one, low in zip(self._history["means"], least, strict=True)
        ]
        return {
            "amount": self.amount.value,
            "assurance": round(self.assurance.value, 4),
            "stretch": self.stretch.value,
            "bands": edges,
            "counts": [int(n) for n in self._history["counts"]],
            "means": means,
            "rates": [round(slider.value, 4) for slider in self.rates],
            "currency": self._history["currency"],
        }

    def _outputs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        state = self.parameters()
        rates = state.pop("rates")
        stages = [self._stage(name) for name in self._history["stages"]]
        self.mix = deal_mix(**state)
        self.funnel = reverse_funnel(
            wins=self.mix.required_n, rates=rates, stages=stages, assurance=state["assurance"]
        )
        mix = outputs(self.mix, self._say.lang, chart="chance", table=False, still=False)
        return mix + outputs(self.funnel, self._say.lang, chart="reverse", table=False, still=False)

    def _still(self) -> str:
        mix = panel(self.mix, self._say.lang, "chance", table=False)
        return mix + panel(self.funnel, self._say.lang, "reverse", table=False)

    def _finding(self) -> str:
        return f"{self.mix.finding(self._say.lang)}\n{self.funnel.finding(self._say.lang)}"


@question("widgets")
def target_simulator(
    book: Book | None = None,
    *,
    preset: str = "case",
    amount: float | None = None,
    horizon_days: float | None = None,
    lang: str | None = None,
) -> TargetSimulator:
    """What if the target, the sizes or the rates were others?

    Parameters
    ----------
    book : Book, optional
        Whose history is the starting point; None takes `preset`.
    preset : str
        A starting point that needs no data: ``"case"`` (the worked case), or a playbook with win weights, whose
        steps then follow from the weights (from 25 % to 50 % a half gets through).
    amount : float, optional
        Target at first; None takes the preset's, or ten times history's mean.
    horizon_days : float, optional
        Age by which a step of the book counts.
    lang : {"en", "zh"}, optional
        None: the language in force.

    Returns
    -------
    TargetSimulator
        ``.parameters()`` gives the chosen state for a batch run.

    Raises
    ------
    ParameterError
        There is no such preset, or the playbook gives no win weights.
    """
    history = _preset(preset) if book is None else _own(book, horizon_days)
    if amount is not None:
        history["amount"] = amount
    if history["means"] is None:
        history["means"] = _means(history)
    return TargetSimulator(history, lang)


def _preset(name: str) -> dict[str, Any]:
    """Return a starting point without data: a named one, or the case with the steps of a playbook's weights."""
    if name in PRESETS:
        return dict(PRESETS[name])
    playbook = load_playbook(name)
    weighed = [one for one in playbook.stages[: playbook.won + 1] if one.win_weight]
    if len(weighed) < 2:
        raise ParameterError(
            f"preset = {name!r}: its stages have no win weights",
            expected="'case', or a stage model with win weights",
        )
    rates = [float(a.win_weight or 0) / float(b.win_weight or 1) for a, b in itertools.pairwise(weighed)]
    return dict(PRESETS["case"]) | {"rates": rates, "stages": [one.label for one in weighed]}


def _means(history: dict[str, Any]) -> Sequence[float]:
    found = deal_mix(amount=history["amount"], bands=history["bands"], counts=history["counts"])
    return [row.mean_amount for row in found.bands]


def _own(book: Book, horizon_days: float | None) -> dict[str, Any]:
    """Return a book's own history: quarters of its won deals, and the share that gets through each step."""
    from funnelnb.analysis.conversion.conversion import conversion

    found = deal_mix(book, amount=1.0)
    steps = [step for step in conversion(book, horizon_days=horizon_days).steps if not step.after_sale]
    rates = [step.decided_rate if np.isnan(step.by_day_rate) else step.by_day_rate for step in steps]
    mean = sum(row.mean_amount * row.history_share for row in found.bands)
    return {
        "amount": float(f"{10 * mean:.1g}"),
        "bands": [row.lower_amount for row in found.bands[1:]],
        "counts": [row.history_n for row in found.bands],
        "means": [row.mean_amount for row in found.bands],
        "rates": rates,
        "stages": [one.label for one in book.playbook.stages[: book.playbook.won + 1]],
        "currency": book.currency,
    }
