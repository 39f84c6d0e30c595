"""For learners and trainers: eight lessons with checked exercises, and a sales floor to practise on.

``funnelnb course DIR`` makes a course folder; in its notebooks ``fn.teach.lesson(1)`` asks and checks.
``fn.teach.floor(seed=…)`` opens a floor; ``fn.teach.compare([...])`` compares the debriefs of a class, and
``fn.teach.results([...])`` what it has answered.
"""

from funnelnb.teach.course import hardest, results
from funnelnb.teach.game import Debrief, Game, compare
from funnelnb.teach.session import Session, overview

__all__ = ["Debrief", "Game", "Session", "compare", "floor", "hardest", "lesson", "overview", "results"]


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
