"""Run a sales floor for four quarters: decide week by week, and see at the end what was luck and what was skill."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from funnelnb.core.check import number, one_of
from funnelnb.core.errors import ParameterError, SourceError
from funnelnb.show.text.words import words
from funnelnb.simulate import decisions as played
from funnelnb.simulate import year
from funnelnb.simulate.decisions import STAGES, Decision, Judged, deal_id, person_id
from funnelnb.simulate.year import GATES, LEAD, OPEN, QUADRANTS, QUARTER, WEEKS, WON
from funnelnb.teach.keep import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERSION = 1
FILE = "game.json"
COLUMNS = (
    "player", "won_amount", "usually", "luck", "skill", "forecast_error", "forecasts_held_n", "quotas_met_n",
)  # fmt: skip
"""Of a class list."""
_OUTCOMES = {year.WON: "won", year.LOST: "lost", year.LET_GO: "let_go", year.STALE: "stale"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What was said at the start of a quarter.

    Attributes
    ----------
    quarter : int
        1 to 4.
    quota, forecast : float
        Money that is demanded, and money that is expected.
    low, high : float
        Range that the result is expected in eight times out of ten.
    """

    quarter: int
    quota: float
    forecast: float
    low: float
    high: float


class Game:
    """A sales floor of one seed, at the start of one of its 52 weeks.

    Parameters
    ----------
    seed : int
        Not negative. The same seed and the same decisions give the same year.
    player : str
        Whose game it is, for the class list.

    Examples
    --------
    >>> game = Game(seed=3)
    >>> game.decide(weeks=13, hours={"A": 0.5, "B": 0.3}, scoop=6, let_go=8).week
    13
    >>> list(game.results()["quarter"])
    [1]
    """

    def __init__(self, seed: int = 1, player: str = "") -> None:
        self.seed = int(number("seed", seed, ge=0))
        self.player = str(player)
        self._truth = year.world([self.seed])
        self._state = year.begin(self._truth)
        self._decisions: list[Decision] = []
        self._promises: dict[int, Promise] = {}

    @property
    def week(self) -> int:
        """Weeks that have gone by, 0 to 52."""
        return self._state.week

    @property
    def quarter(self) -> int:
        """Quarter that is running, 1 to 4."""
        return min(self.week // QUARTER, 3) + 1

    @property
    def over(self) -> bool:
        """Whether the year has ended."""
        return self.week >= WEEKS

    # ---- what can be seen ----------------------------------------------------------------------------------

    def deals(self) -> pd.DataFrame:
        """Return the deals that are being worked on, the most valuable hour first.

        Returns
        -------
        pandas.DataFrame
            deal, person, quadrant, stage, amount (money), looks (chance as it looks, 0 to 1), weeks (without a step),
            hours (spent since the last step), worth (money an hour of work may bring, by what can be seen).
        """
        return self._listed(OPEN)

    def leads(self) -> pd.DataFrame:
        """Return the leads in the pool; a lead that nobody takes out within eight weeks is gone."""
        return self._listed(LEAD).drop(columns=["weeks", "hours", "stage"])

    def people(self) -> pd.DataFrame:
        """Return the people with their hours and how many deals each has in hand; what they can do is not shown."""
        hours = year.people_hours(self._truth, min(self.week, WEEKS - 1))
        mine = [
            int(((self._state.status == OPEN) & (self._truth.owner == k)).sum()) for k in range(hours.size)
        ]
        return pd.DataFrame(
            {"person": [person_id(k) for k in range(hours.size)], "hours": hours, "deals_n": mine}
        )

    def news(self, lang: str | None = None) -> list[str]:
        """Return what has happened on the floor so far, in plain sentences: newcomer, competitor, a deal that slips."""
        say, truth, state = words(lang), self._truth, self._state
        found = []
        if self.week > truth.rival[0]:
            found.append(say.say("game.rival", week=str(int(truth.rival[0]) + 1)))
        if self.week >= year.JOINS:
            found.append(
                say.say("game.joins", person=person_id(truth.law.people_n), week=str(year.JOINS + 1))
            )
        found += [
            say.say("game.slips", deal=deal_id(int(place)), week=str(int(state.still_until[0, place]) + 1))
            for place in np.flatnonzero((state.still_until[0] > self.week) & (state.status[0] == OPEN))
        ]
        return found

    def results(self) -> pd.DataFrame:
        """Return the quarters that have ended: money won, and what was promised."""
        won = self._state.won(self._truth.amount)[0]
        rows = []
        for q in range(self.week // QUARTER):
            promise = self._promises.get(q + 1)
            said = asdict(promise) if promise else {}
            rows.append(
                {
                    "quarter": q + 1,
                    "won_amount": float(won[q]),
                    **{name: said.get(name, np.nan) for name in ("quota", "forecast", "low", "high")},
                }
            )
        return pd.DataFrame(rows, columns=["quarter", "won_amount", "quota", "forecast", "low", "high"])

    def ended(self) -> pd.DataFrame:
        """Return the deals that have ended, with how and in which week."""
        status = self._state.status[0]
        frame = self._frame(np.flatnonzero(status >= WON))
        frame["outcome"] = [_OUTCOMES[int(one)] for one in status[status >= WON]]
        frame["week"] = self._state.ended[0][status >= WON] + 1
        return frame.drop(columns=["worth", "weeks", "hours"])

    def _listed(self, status: int) -> pd.DataFrame:
        frame = self._frame(np.flatnonzero(self._state.status[0] == status))
        return frame.sort_values(["worth", "deal"], ascending=[False, True], ignore_index=True)

    def _frame(self, rows: np.ndarray) -> pd.DataFrame:
        truth, state = self._truth, self._state
        stage = np.minimum(state.stage[0, rows], GATES - 1)
        return pd.DataFrame(
            {
                "deal": [deal_id(int(one)) for one in rows],
                "person": [person_id(int(one)) for one in truth.owner[0, rows]],
                "quadrant": [QUADRANTS[int(one)] for one in truth.quadrant[0, rows]],
                "stage": [STAGES[int(one)] for one in stage],
                "amount": truth.amount[0, rows],
                "looks": truth.marks[0, rows].round(2),
                "weeks": state.waits[0, rows],
                "hours": state.hours[0, rows].round(1),
                "worth": year.value_per_hour(truth, state)[0, rows].round(0),
            }
        )

    # ---- what is decided -----------------------------------------------------------------------------------

    def decide(self, *, weeks: int = 1, **decision: Any) -> Game:
        """Live through some weeks with one decision.

        Parameters
        ----------
        weeks : int
            1 to the end of the year.
        **decision
            Fields of :class:`~funnelnb.simulate.decisions.Decision`: hours, people, stages, order, first, scoop,
            let_go.

        Returns
        -------
        Game
            This one.

        Raises
        ------
        ParameterError
            The year is over, or the decision names something that does not exist. Nothing has happened then.
        """
        if self.over:
            raise ParameterError("the year is over", expected="at most 52 weeks", hint="see game.debrief()")
        most = WEEKS - self.week
        weeks = int(number("weeks", weeks, ge=1, le=most))
        decided = played.checked(_decision(decision), self._truth)
        for _ in range(weeks):
            self._live(decided)
        return self

    def _live(self, decided: Decision) -> None:
        self._state = year.live(self._truth, self._state, played.week_of(decided, self._truth, self._state))
        self._decisions.append(decided)

    def promise(
        self, *, quota: float, forecast: float, low: float | None = None, high: float | None = None
    ) -> Game:
        """Say what this quarter shall and will bring; once per quarter, in its first week.

        Parameters
        ----------
        quota, forecast : float
            Money.
        low, high : float, optional
            Range that holds the result eight times out of ten; None: the forecast itself.

        Raises
        ------
        ParameterError
            The quarter is under way, or the range does not hold the forecast.
        """
        if self.over or self.week % QUARTER:
            raise ParameterError(
                f"quarter {self.quarter} is under way", expected="a promise in the first week of a quarter"
            )
        for name, one in (("quota", quota), ("forecast", forecast)):
            number(name, one, ge=0)
        low, high = forecast if low is None else low, forecast if high is None else high
        if not low <= forecast <= high:
            raise ParameterError(f"the range {low:g} to {high:g} does not hold the forecast {forecast:g}")
        self._promises[self.quarter] = Promise(
            quarter=self.quarter,
            quota=float(quota),
            forecast=float(forecast),
            low=float(low),
            high=float(high),
        )
        return self

    def debrief(self, guesses: Mapping[str, float] | None = None) -> Debrief:
        """Tell luck from skill; only when the year is over.

        Parameters
        ----------
        guesses : Mapping of str to float, optional
            By quadrant, the chance to win a lead that one believes in: ``{"A": 0.3}``.

        Raises
        ------
        ParameterError
            The year is not over yet.
        """
        if not self.over:
            raise ParameterError(f"it is week {self.week + 1}", expected="a year that has ended")
        for name, one in (guesses or {}).items():
            one_of("guesses", name, QUADRANTS)
            number(f"guesses[{name!r}]", one, ge=0, le=1)
        return Debrief(
            player=self.player,
            seed=self.seed,
            judged=played.judge(self._truth, self._decisions),
            promises=tuple(self._promises[one] for one in sorted(self._promises)),
            truth=_chances(self._truth),
            guesses=dict(guesses or {}),
        )

    # ---- kept ----------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write the game as a readable file: seed, promises and decisions, from which the year follows."""
        document = {
            "game": VERSION,
            "player": self.player,
            "seed": self.seed,
            "promises": [asdict(one) for one in self._promises.values()],
            "decisions": [_plain(one) for one in self._decisions],
        }
        return write_text(Path(path), json.dumps(document, ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def read(cls, path: str | Path) -> Game:
        """Take a game up where it was saved.

        Raises
        ------
        SourceError
            The file is missing or is no saved game.
        """
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
            game = cls(document["seed"], document.get("player", ""))
            promises = [Promise(**one) for one in document["promises"]]
            for one in document["decisions"]:
                game._live(played.checked(_decision(one), game._truth))
        except OSError as error:
            raise SourceError(f"{path} cannot be read ({error.strerror})", expected="a saved game") from None
        except (ValueError, KeyError, TypeError, ParameterError) as error:
            raise SourceError(
                f"{path} is no saved game ({error})", expected="a file that game.save() wrote"
            ) from None
        game._promises = {one.quarter: one for one in promises}
        return game

    def where(self, lang: str | None = None) -> str:
        """Return where the game stands, in a sentence."""
        return words(lang).say(
            "game.where", seed=str(self.seed), week=str(min(self.week + 1, WEEKS)), quarter=str(self.quarter),
            deals_n=len(self.deals()), leads_n=len(self.leads()),
        )  # fmt: skip

    def __repr__(self) -> str:
        return self.where()


def _decision(given: Mapping[str, Any]) -> Decision:
    known = [one.name for one in fields(Decision)]
    for name in given:
        one_of("decision", name, known)
    lists: dict[str, Any] = {
        name: tuple(one) if isinstance(one, list) else one for name, one in given.items()
    }
    for name in ("first", "scoop", "let_go"):
        if isinstance(lists.get(name), str):
            lists[name] = (lists[name],)
    return Decision(**lists)


def _plain(decision: Decision) -> dict[str, Any]:
    """Return what differs from the defaults."""
    usual = Decision()
    return {
        one.name: getattr(decision, one.name)
        for one in fields(Decision)
        if getattr(decision, one.name) != getattr(usual, one.name)
    }


def _chances(truth: year.World) -> dict[str, float]:
    """Return the true chance to win a lead of each quadrant, those who will never buy included."""
    buys = truth.chance[0] * (truth.dies[0] > truth.arrives[0])
    return {name: float(buys[truth.quadrant[0] == k].mean()) for k, name in enumerate(QUADRANTS)}


# ---- the debrief -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Debrief:
    """Luck against skill, the truth behind the guesses, and how good the forecasts were.

    Attributes
    ----------
    player : str
    seed : int
    judged : Judged
        The result beside other luck and other rules.
    promises : tuple of Promise
    truth : Mapping of str to float
        By quadrant, the true chance to win a lead.
    guesses : Mapping of str to float
        What the player believed.
    """

    player: str
    seed: int
    judged: Judged
    promises: tuple[Promise, ...]
    truth: Mapping[str, float]
    guesses: Mapping[str, float]

    @property
    def forecast_error(self) -> float:
        """Mean absolute error of the forecasts as a part of what came; NaN without one."""
        errors = [
            abs(one.forecast - came) / came for one in self.promises if (came := self._came(one.quarter)) > 0
        ]
        return float(np.mean(errors)) if errors else float("nan")

    @property
    def forecasts_held_n(self) -> int:
        """Quarters whose result lay in the range that was given."""
        return sum(one.low <= self._came(one.quarter) <= one.high for one in self.promises)

    @property
    def quotas_met_n(self) -> int:
        """Quarters whose result reached the quota."""
        return sum(self._came(one.quarter) >= one.quota for one in self.promises)

    def _came(self, quarter: int) -> float:
        return float(self.judged.result[quarter - 1])

    def histogram(self, bars_n: int = 9) -> tuple[list[str], list[int]]:
        """Return how often the same decisions come to which result: middle of each bar in thousands, and years."""
        counts, edges = np.histogram(self.judged.others, bins=bars_n)
        return [f"{(a + b) / 2000:,.0f}" for a, b in itertools.pairwise(edges)], [int(one) for one in counts]

    def to_frame(self) -> pd.DataFrame:
        """Return the ways to run this floor: money in this very year, and on average over other luck."""
        own = {"way": "you", "this_year": self.judged.total, "usually": float(self.judged.others.mean())}
        rules = [
            {"way": name, "this_year": self.judged.rules[name], "usually": self.judged.rules_usually[name]}
            for name in self.judged.rules
        ]
        return pd.DataFrame([own, *rules]).sort_values("usually", ascending=False, ignore_index=True)

    def sentences(self, lang: str | None = None) -> list[str]:
        """Return what there is to say, in plain sentences."""
        say, judged = words(lang), self.judged
        low, high = np.quantile(judged.others, [0.1, 0.9])
        found = [
            say.say("game.result", amount=_money(judged.total), low=_money(low), high=_money(high)),
            say.say(
                "game.lucky" if judged.luck > 0 else "game.unlucky", amount=_money(abs(judged.luck)),
                share=f"{judged.better_share:.0%}",
            ),
            say.say(
                "game.skill", usually=_money(judged.others.mean()),
                largest=_money(judged.rules_usually["largest_first"]),
                value=_money(judged.rules_usually["value_first"]), best=_money(judged.rules_usually["near_best"]),
            ),
        ]  # fmt: skip
        if self.promises:
            found.append(
                say.say(
                    "game.forecasts", error=f"{self.forecast_error:.0%}", held_n=str(self.forecasts_held_n),
                    of_n=str(len(self.promises)), met_n=str(self.quotas_met_n),
                )
            )  # fmt: skip
        for name, guess in self.guesses.items():
            found.append(
                say.say("game.guess", quadrant=name, guess=f"{guess:.0%}", truth=f"{self.truth[name]:.0%}")
            )
        return found

    def __repr__(self) -> str:
        return "\n".join(self.sentences())


def _money(amount: float) -> str:
    return f"{amount:,.0f}"


def compare(games: Sequence[Debrief]) -> pd.DataFrame:
    """Who ran the same floor best, and who was only lucky?

    Parameters
    ----------
    games : sequence of Debrief
        Of one seed.

    Returns
    -------
    pandas.DataFrame
        player, won_amount (this year), usually (the same decisions, other luck), luck, skill (0: largest first, 1:
        one who knows everything), forecast_error, forecasts_held_n, quotas_met_n; the most skilful first.

    Raises
    ------
    ParameterError
        There is none, or their seeds differ.
    """
    if len({one.seed for one in games}) != 1:
        raise ParameterError(
            f"{len(games)} games of seeds {sorted({one.seed for one in games})}", expected="games of one seed"
        )
    rows = [
        {
            "player": one.player,
            "won_amount": one.judged.total,
            "usually": float(one.judged.others.mean()),
            "luck": one.judged.luck,
            "skill": one.judged.skill,
            "forecast_error": one.forecast_error,
            "forecasts_held_n": one.forecasts_held_n,
            "quotas_met_n": one.quotas_met_n,
        }
        for one in games
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).sort_values(
        ["skill", "player"], ascending=[False, True], ignore_index=True
    )
