"""What do the words for stages and outcomes mean? Settings first, then the playbook, then common words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from funnelnb.core.errors import MappingError, nearest
from funnelnb.data.contract.tables import OUTCOMES
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from funnelnb.data.contract.settings import Settings
    from funnelnb.data.recognise.columns import Preset
    from funnelnb.playbooks.model import Playbook


COMMON: Mapping[str, tuple[str, ...]] = {
    "open": (
        "open",
        "in progress",
        "active",
        "ongoing",
        "on hold",
        "进行中",
        "跟进中",
        "未结束",
        "已搁置",
        "搁置",
        "暂停",
    ),
    "won": ("won", "win", "closed won", "赢单", "已赢单", "成交", "已成交", "成单"),
    "lost_competitor": ("lost to competitor", "lost competitor", "竞争失败", "输给竞争对手"),
    "lost_no_decision": (
        "lost no decision",
        "no decision",
        "cancelled",
        "canceled",
        "客户取消",
        "项目取消",
        "停止采购",
    ),
    "lost": ("lost", "closed lost", "lose", "输单", "已输单", "丢单", "失单", "战败"),
    "left": (
        "left",
        "invalid",
        "merged",
        "withdrawn",
        "duplicate",
        "无效",
        "已无效",
        "作废",
        "已合并",
        "撤回",
    ),
}
"""Outcome = words that mean it in most systems (compared without case, spaces and punctuation)."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word means.

    Attributes
    ----------
    stage : str
        Id of a stage; empty if the word names none.
    outcome : str
        Canonical outcome; empty if the word names a working stage.
    """

    stage: str = ""
    outcome: str = ""


class Vocabulary:
    """All words known for one book.

    Parameters
    ----------
    playbook : Playbook
    settings : Settings
    preset : Preset or None

    Raises
    ------
    MappingError
        If ``[stages]`` names a stage that the stage model does not have.
    """

    def __init__(self, playbook: Playbook, settings: Settings, preset: Preset | None = None) -> None:
        self.playbook = playbook
        self._outcomes: dict[str, str] = {}
        for outcome, words in COMMON.items():
            self._add_outcomes(dict.fromkeys(words, outcome))
        if preset is not None:
            self._add_outcomes(preset.outcomes)
        for ending in playbook.endings:
            names = (ending.id, ending.label.en, ending.label.zh, *ending.aliases)
            self._add_outcomes(dict.fromkeys(names, ending.outcome))
        self._said_outcomes = {fold(word): outcome for word, outcome in settings.outcomes.items()}
        self._said_stages: dict[str, str] = {}
        for word, stage in {**(preset.stages if preset else {}), **settings.stages}.items():
            position = playbook.position(stage) if stage else None
            if stage and position is None:
                if word not in settings.stages:
                    continue
                raise MappingError(
                    f"{settings.shown}, [stages] {word!r} = {stage!r}: {playbook.id} has no such stage",
                    expected="one of " + ", ".join(playbook.stage_ids),
                    hint=nearest(stage, playbook.stage_ids),
                )
            self._said_stages[fold(word)] = playbook.stage_ids[position] if position is not None else ""

    def _add_outcomes(self, words: Mapping[str, str]) -> None:
        self._outcomes.update({fold(word): outcome for word, outcome in words.items()})

    def stage(self, word: str) -> Meaning | None:
        """Return what a word in a stage column means, None if nobody knows it."""
        key = fold(word)
        if key in self._said_stages:
            return self._at(self._said_stages[key])
        if key in self._said_outcomes:
            return self._ended(self._said_outcomes[key])
        position = self.playbook.position(word)
        if position is not None:
            return self._at(self.playbook.stage_ids[position])
        outcome = self._outcomes.get(key, "")
        return self._ended(outcome) if outcome and outcome != "open" else None

    def outcome(self, word: str) -> str | None:
        """Return the outcome that a word in an outcome column means, None if nobody knows it."""
        key = fold(word)
        known = {fold(one): one for one in OUTCOMES}
        found = self._said_outcomes.get(key) or known.get(key) or self._outcomes.get(key)
        if found:
            return found
        meaning = self.stage(word)
        return (meaning.outcome or "open") if meaning else None

    def _at(self, stage: str) -> Meaning:
        """Return the meaning of standing at `stage`: won from the won stage on."""
        position = self.playbook.position(stage) if stage else None
        won = position is not None and position >= self.playbook.won
        return Meaning(stage, "won" if won else "")

    def _ended(self, outcome: str) -> Meaning:
        won = self.playbook.stage_ids[self.playbook.won] if outcome == "won" else ""
        return Meaning(won, "" if outcome == "open" else outcome)

    def nearest_stage(self, words: Iterable[str]) -> str:
        """Return a hint that names the known stage most like the first of `words`."""
        labels = [
            name for stage in self.playbook.stages for name in (stage.id, stage.label.en, stage.label.zh)
        ]
        return nearest(next(iter(words), ""), dict.fromkeys(labels))
