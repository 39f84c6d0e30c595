"""For learners: a sales floor to practise on.

``fn.teach.floor(seed=…)`` opens a floor; ``fn.teach.compare([...])`` compares the debriefs of a class.
"""

from funnelnb.teach.game import Debrief, Game, compare

__all__ = ["Debrief", "Game", "compare", "floor"]


def floor(seed: int = 1, player: str = "") -> Game:
    """Open a sales floor for four quarters of practice.

    Parameters
    ----------
    seed : int
        The same for a whole class: everybody meets the same customers and the same luck.
    player : str
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
    return Game(seed, player)


def __dir__() -> list[str]:
    return __all__
