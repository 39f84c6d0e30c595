"""What do the words of a column say about its rows: ends, stages, open deals, or nothing that is known?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from funnelnb.data.parse.values import as_text
from funnelnb.data.recognise.lexicon import listed, sense_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.data.read.raw import Raw

MANY_WORDS = 400
"""A column with more different words is neither a stage nor an outcome."""

ENDED = ("won", "lost", "lost_competitor", "lost_no_decision", "left")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the words of a column say about its rows.

    Attributes
    ----------
    source : str
    counts : Mapping of str to int
        Word = rows.
    ended, won, open, stages, unclear : float
        Shares of the filled rows.
    known_n : int
        Different words that are known.
    steps_n : int
        Different words that are known as working stages, however few deals stand there.
    """

    source: str
    counts: Mapping[str, int]
    ended: float
    won: float
    open: float
    stages: float
    unclear: float
    known_n: int
    steps_n: int = 0

    @property
    def as_outcome(self) -> bool:
        """Whether the words tell ends and nothing but ends."""
        return self.ended + self.open + self.unclear >= 0.9 and self.stages < 0.1 and len(self.counts) <= 25


def words_of(raw: Raw, source: str) -> Words | None:
    """What do the words of a column say? None if there are too many or none."""
    if raw.words.get(None) is not raw.frame:  # what was counted in other rows is forgotten
        raw.words = {None: raw.frame}
    if source not in raw.words:
        raw.words[source] = _counted(raw, source)
    return raw.words[source]


def _counted(raw: Raw, source: str) -> Words | None:
    counts = as_text(raw.frame[source]).value_counts()
    if not 0 < len(counts) <= MANY_WORDS:
        return None
    total = int(counts.sum())
    shares = dict.fromkeys(("ended", "won", "open", "stages", "unclear"), 0.0)
    known, steps = set[object](), set[object]()
    for word, n in counts.items():
        sense = sense_of(str(word))
        if sense.meaning:  # "Lead Acme" and "Lead Globex" are names that begin alike, and no two stages
            known.add(word if sense.meaning != "stage" or listed(str(word)) else sense.rank)
        if sense.meaning in ENDED:
            shares["ended"] += n / total
            shares["won"] += n / total if sense.meaning == "won" else 0.0
        elif sense.meaning in ("open", "parked"):
            shares["open"] += n / total
        elif sense.meaning == "unclear":
            shares["unclear"] += n / total
        elif sense.meaning == "stage":
            shares["stages"] += n / total
            steps.add(sense.rank)
    return Words(
        source=source, counts={str(word): int(n) for word, n in counts.items()}, known_n=len(known),
        steps_n=len(steps), **shares,
    )  # fmt: skip


def lacks_one_end(words: Words) -> bool:
    """Whether a column of outcomes holds one word that nobody knows beside words for open and for lost."""
    few = len(words.counts) <= 5 and len(words.counts) == words.known_n + 1
    return few and not words.stages and words.open > 0 and words.ended > 0 and not words.won


def both_ends(words: Words) -> bool:
    """Whether a column tells wins and losses and no stage, beside one or two words that nobody knows."""
    strange = len(words.counts) - words.known_n
    return 0 < strange <= 2 and len(words.counts) <= 5 and not words.stages and 0 < words.won < words.ended
