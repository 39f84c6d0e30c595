"""The practice game with controls: decide, live through some weeks, see what came of it. Everything is kept at once."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from funnelnb.core.errors import FunnelError, SourceError
from funnelnb.show.charts.sketch import sketch
from funnelnb.show.text.words import words
from funnelnb.simulate.decisions import ORDERS, STAGES, person_id
from funnelnb.simulate.year import QUADRANTS, QUARTER, WEEKS
from funnelnb.teach.game import FILE, Game

if TYPE_CHECKING:
    from pathlib import Path

_ROWS = 15
_WIDE = {"description_width": "initial"}


class Board(widgets.VBox):
    """A game with its controls.

    Parameters
    ----------
    folder : pathlib.Path
        The game is kept there as ``game.json`` after every step, and taken up from there.
    seed : int
    player : str
    lang : str

    Attributes
    ----------
    game : Game
    """

    def __init__(self, folder: Path, seed: int, player: str, lang: str) -> None:
        self._path, self._lang, self._say = folder / FILE, lang, words(lang)
        self.game, notice = _taken_up(self._path, seed, player, self._say)
        self._by_person: dict[str, dict[str, float]] = {}
        self._head, self._tables = widgets.HTML(), widgets.HTML()
        self.said = widgets.HTML(_status(notice))
        self._make_promise()
        self._make_decision()
        self._make_end()
        self._parts = widgets.VBox()
        super().__init__([self._head, self._parts, self.said, self._tables])
        self._show()

    def _word(self, key: str, **facts: str) -> str:
        return self._say.say(f"game.table.{key}", **facts)

    # ---- the controls --------------------------------------------------------------------------------------

    def _make_promise(self) -> None:
        self.promises = {
            name: widgets.FloatText(value=0, description=self._word(name), style=_WIDE)
            for name in ("quota", "forecast", "low", "high")
        }
        self.promise = widgets.Button(description=self._word("promise_now"))
        self.promise.on_click(lambda _: self._do(self._promise))

    def _make_decision(self) -> None:
        people = [person_id(k) for k in range(len(self.game.people()))]
        self.who = widgets.Dropdown(
            options=[(self._word("everybody"), ""), *((one, one) for one in people)],
            description=self._word("who"), style=_WIDE,
        )  # fmt: skip
        self.shares = {
            one: self._part(self._word("set_aside", quadrant=one), 0.0, 1.0, 0.05) for one in QUADRANTS
        }
        self.weights = {one: self._part(self._word(one), 1.0, 3.0, 0.25) for one in STAGES}
        self.order = widgets.Dropdown(
            options=[(self._word(f"by_{one}"), one) for one in ORDERS],
            description=self._word("order"), style=_WIDE, layout=widgets.Layout(width="420px"),
        )  # fmt: skip
        self.first, self.scoop_these, self.let_go_these = (
            widgets.SelectMultiple(
                description=self._word(name), style=_WIDE, layout=widgets.Layout(width="420px")
            )
            for name in ("first", "scoop_these", "let_go_these")
        )
        self.scoop, self.let_go = self._whole("scoop", 7, 0, 20), self._whole("let_go", 8, 0, 20)
        self.weeks = self._whole("weeks", 1, 1, QUARTER)
        self.live = widgets.Button(description=self._word("live"), button_style="primary")
        self.live.on_click(lambda _: self._do(self._live))
        self.who.observe(self._other_person, names="value")

    def _make_end(self) -> None:
        self.guesses = {
            one: self._part(self._word("set_aside", quadrant=one), 0.2, 1.0, 0.05) for one in QUADRANTS
        }
        self.debrief = widgets.Button(description=self._word("debrief"), button_style="primary")
        self.debrief.on_click(lambda _: self._do(self._debrief))
        self._debriefed = widgets.HTML()

    def _part(self, label: str, value: float, most: float, step: float) -> Any:
        return widgets.FloatSlider(
            value=value, min=0, max=most, step=step, description=label, style=_WIDE,
            readout_format=".0%" if most == 1 else ".2f", layout=widgets.Layout(width="420px"),
        )  # fmt: skip

    def _whole(self, key: str, value: int, least: int, most: int) -> Any:
        return widgets.IntSlider(
            value=value, min=least, max=most, description=self._word(key), style=_WIDE,
            layout=widgets.Layout(width="560px"),
        )  # fmt: skip

    # ---- what is decided -----------------------------------------------------------------------------------

    def _own_shares(self) -> dict[str, float]:
        return {name: one.value for name, one in self.shares.items() if one.value}

    def _other_person(self, change: Any) -> None:
        """Keep the shares of the person that was shown, and show the other's."""
        self._by_person[change["old"]] = self._own_shares()
        mine = self._by_person.get(change["new"], self._by_person.get("", {}))
        for name, one in self.shares.items():
            one.value = mine.get(name, 0.0)

    def _promise(self) -> str:
        given = {name: float(one.value) for name, one in self.promises.items()}
        given["low"] = given["low"] or given["forecast"]
        given["high"] = given["high"] or given["forecast"]
        self.game.promise(**given)
        return self._word("promised", quarter=str(self.game.quarter))

    def _live(self) -> str:
        self._by_person[self.who.value] = self._own_shares()
        everybody = self._by_person.get("", {})
        self.game.decide(
            weeks=min(self.weeks.value, WEEKS - self.game.week),
            hours=everybody,
            people={name: one for name, one in self._by_person.items() if name and one != everybody},
            stages={name: one.value for name, one in self.weights.items() if one.value != 1},
            order=self.order.value,
            first=tuple(self.first.value),
            scoop=tuple(self.scoop_these.value) or self.scoop.value,
            let_go=tuple(self.let_go_these.value) or self.let_go.value,
        )
        return ""

    def _debrief(self) -> str:
        told = self.game.debrief({name: one.value for name, one in self.guesses.items()})
        labels, counts = told.histogram()
        ways = told.to_frame()
        ways["way"] = [self._say.get(f"game.ways.{one}") for one in ways["way"]]
        picture = sketch("bar", labels, {"": counts}, title=self._word("years"), percent=False, width=520)
        lines = "".join(f"<p>{html.escape(one)}</p>" for one in told.sentences(self._lang))
        self._debriefed.value = lines + self._table(ways) + picture
        return ""

    def _do(self, call: Any) -> None:
        """Do what a button says; a mistake is told in a sentence and changes nothing."""
        try:
            text = call()
            self.game.save(self._path)
            text = f"{text} {self._word('saved', file=FILE)}".strip()
        except FunnelError as error:
            self.said.value = _status(str(error))
            return
        self.said.value = _status(text)
        self._show()

    # ---- what is shown -------------------------------------------------------------------------------------

    def _show(self) -> None:
        game = self.game
        news = "".join(f"<li>{html.escape(one)}</li>" for one in game.news(self._lang))
        self._head.value = f"<p><b>{html.escape(game.where(self._lang))}</b></p><ul>{news}</ul>"
        deals, leads = game.deals(), game.leads()
        self.first.options = self.let_go_these.options = list(deals["deal"])
        self.scoop_these.options = list(leads["deal"])
        self.first.value = self.let_go_these.value = self.scoop_these.value = ()
        tables = [("results", game.results()), ("deals", deals), ("leads", leads), ("people", game.people())]
        self._tables.value = "".join(
            f"<h4>{html.escape(self._word(name))} ({len(one)})</h4>{self._table(one)}"
            for name, one in tables
            if len(one)
        )
        self._parts.children = self._ending() if game.over else self._deciding()

    def _deciding(self) -> tuple[Any, ...]:
        people = widgets.VBox([self.who, *self.shares.values()])
        rest = widgets.VBox([*self.weights.values(), self.order, self.first])
        pool = widgets.VBox([self.scoop, self.scoop_these, self.let_go, self.let_go_these])
        titles = [self._word("hours"), self._word("stages"), self._word("leads")]
        parts = [people, rest, pool]
        if self.game.week % QUARTER == 0:
            parts.insert(0, widgets.VBox([*self.promises.values(), self.promise]))
            titles.insert(0, self._word("promise"))
        folded = widgets.Accordion(children=parts, titles=titles, selected_index=0)
        return folded, widgets.HBox([self.weeks, self.live])

    def _ending(self) -> tuple[Any, ...]:
        over = widgets.HTML(
            f"<p>{html.escape(self._word('over'))}</p><p>{html.escape(self._word('guess'))}</p>"
        )
        return over, *self.guesses.values(), self.debrief, self._debriefed

    def _table(self, frame: Any) -> str:
        shown = frame.head(_ROWS).copy()
        if "stage" in shown:
            shown["stage"] = [self._word(one) for one in shown["stage"]]
        whole = {"amount", "worth", "won_amount", "quota", "forecast", "low", "high", "this_year", "usually"}
        for name in whole & set(shown.columns):
            shown[name] = ["" if one != one else f"{one:,.0f}" for one in shown[name]]  # noqa: PLR0124 - NaN
        shown.columns = [self._say.get(f"game.columns.{one}") for one in shown.columns]
        return str(shown.to_html(index=False, border=0))


def _status(text: str) -> str:
    return f'<p role="status">{html.escape(text)}</p>' if text else ""


def _taken_up(path: Path, seed: int, player: str, say: Any) -> tuple[Game, str]:
    """Return the kept game, or a new one; a file that cannot be read is kept under another name."""
    if not path.exists():
        return Game(seed, player), ""
    try:
        return Game.read(path), ""
    except SourceError:
        number = 1
        while (other := path.with_name(f"game-damaged-{number}.json")).exists():
            number += 1
        path.rename(other)
        return Game(seed, player), say.say("game.table.damaged", aside=other.name)
