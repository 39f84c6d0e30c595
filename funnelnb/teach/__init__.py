"""For learners and trainers: eight lessons with checked exercises, and a sales floor to practise on.

``funnelnb course DIR`` makes a course folder; in its notebooks ``fn.teach.lesson(1)`` asks and checks.
``fn.teach.floor(seed=…)`` opens a floor; ``fn.teach.compare([...])`` compares the debriefs of a class, and
``fn.teach.results([...])`` what it has answered.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from funnelnb.teach.course import games, hardest, results
from funnelnb.teach.game import Debrief, Game, compare
from funnelnb.teach.session import Session, overview

if TYPE_CHECKING:
    from funnelnb.teach.gameboard import Board

__all__ = [
    "Debrief", "Game", "Session", "compare", "floor", "games", "hardest", "lesson", "overview", "play", "results",
]  # fmt: skip


def floor(seed: int = 1, player: str | None = None) -> Game:
    """Open a sales floor for four quarters of practice.

    Parameters
    ----------
    seed : int
        The same for a whole class: everybody meets the same customers and the same luck.
    player : str, optional
        Whose game it is.

    Returns
    -------
    Game

    Examples
    --------
    >>> import funnelnb as fn
    >>> game = fn.teach.floor(seed=3)
    >>> list(game.deals().columns)
    ['deal', 'person', 'quadrant', 'stage', 'amount', 'looks', 'weeks', 'hours', 'worth']
    """
    return Game(seed, player or "")


def play(
    folder: str = ".", seed: int | None = None, player: str | None = None, lang: str | None = None
) -> Board:
    """Play on a sales floor with controls, in a notebook; the game is kept in the folder after every step.

    Parameters
    ----------
    folder : str
        Course folder.
    seed : int, optional
        Of a new game. None: that of the course folder.
    player : str, optional
        None: the learner of the course folder.
    lang : {"en", "zh"}, optional
        None: that of the course folder.

    Returns
    -------
    ipywidgets.VBox
    """
    from funnelnb.core.options import language
    from funnelnb.teach.gameboard import Board
    from funnelnb.teach.session import settings_of

    known = settings_of(Path(folder))
    return Board(
        Path(folder),
        int(known.get("floor", 1)) if seed is None else seed,
        str(known.get("learner", "")) if player is None else player,
        language(lang or known.get("lang")),
    )


def lesson(number: int, folder: str = ".", lang: str | None = None) -> Session:
    """Take up a lesson where it was left.

    Parameters
    ----------
    number : int
        1 to 8.
    folder : str
        Course folder, made by ``funnelnb course``.
    lang : {"en", "zh"}, optional
        None: that of the folder.

    Returns
    -------
    Session
    """
    return Session(number, folder, lang)


def __dir__() -> list[str]:
    return __all__
