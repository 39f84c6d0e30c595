"""What a learner has answered: one readable file, written after every answer, never lost."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from funnelnb.teach.keep import write_text

VERSION = 3
FILE = "progress.json"
_LONGEST = 500


@dataclass(slots=True, kw_only=True)
class Progress:
    """One learner's answers.

    Attributes
    ----------
    path : pathlib.Path
    learner : str
    seed : int
        Which variants this learner gets.
    answers : dict of str to list
        For each exercise the tries in order: ``{"answer": "38", "right": true, "code": "", "at": "2026-11-28T10:00"}``.
    drafts : dict of str to str
        What stands in the field of an exercise and was not checked yet.
    notice : str
        ``"damaged"`` or ``"newer"`` where an unreadable file was set aside; its name is in `aside`.
    aside : str
    """

    path: Path
    learner: str = ""
    seed: int = 1
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)
    notice: str = ""
    aside: str = ""

    def draft(self, exercise: str, answer: Any) -> None:
        """Note what was entered, and write the file if that is new."""
        text = str(answer)[:_LONGEST]
        if text != self.entered(exercise):
            self.drafts[exercise] = text
            self.save()

    def entered(self, exercise: str) -> str:
        """Return what was entered last, checked or not; empty before the first."""
        return self.drafts.get(exercise, self.last(exercise))

    def add(self, exercise: str, answer: Any, *, right: bool, code: str) -> None:
        """Note a try and write the file."""
        at = datetime.datetime.now().astimezone().isoformat(timespec="minutes")
        self.answers.setdefault(exercise, []).append(
            {"answer": str(answer)[:_LONGEST], "right": right, "code": code, "at": at}
        )
        self.drafts.pop(exercise, None)
        self.save()

    def solved(self, exercise: str) -> bool:
        """Whether any try was right."""
        return any(one["right"] for one in self.answers.get(exercise, ()))

    def last(self, exercise: str) -> str:
        """Return the last answer as it was written; empty before the first."""
        tries = self.answers.get(exercise)
        return tries[-1]["answer"] if tries else ""

    def save(self) -> None:
        """Write the file in one step."""
        document = {
            "progress": VERSION, "learner": self.learner, "seed": self.seed, "answers": self.answers,
            "drafts": self.drafts,
        }  # fmt: skip
        write_text(self.path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def read(folder: str | Path = ".", learner: str = "", seed: int = 1) -> Progress:
    """Return the progress kept in a folder, or a new one.

    A file that cannot be understood is renamed, never written over.

    Parameters
    ----------
    folder : str or pathlib.Path
    learner : str
    seed : int
        For a new file.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return Progress(path=path, learner=learner, seed=seed)
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        version = int(document["progress"])
        if version > VERSION:
            return _aside(path, "newer", learner, seed)
        answers = _tries(document["answers"], version)
        return Progress(
            path=path, learner=str(document.get("learner", learner)), seed=int(document.get("seed", seed)),
            answers=answers, drafts={str(name): str(one) for name, one in document.get("drafts", {}).items()},
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        return _aside(path, "damaged", learner, seed)


def _tries(answers: dict[str, Any], version: int) -> dict[str, list[dict[str, Any]]]:
    """Return the tries; version 1 kept only the last answer of each exercise, 2 no drafts."""
    if version == 1:
        return {
            name: [{"answer": str(one["answer"]), "right": bool(one["right"]), "code": "", "at": ""}]
            for name, one in answers.items()
        }
    return {
        str(name): [
            {"answer": str(one["answer"]), "right": bool(one["right"]), "code": str(one.get("code", "")),
             "at": str(one.get("at", ""))}
            for one in tries
        ]
        for name, tries in answers.items()
    }  # fmt: skip


def _aside(path: Path, notice: str, learner: str, seed: int) -> Progress:
    """Keep a file that cannot be read under another name, and begin anew."""
    number = 1
    while (other := path.with_name(f"progress-{notice}-{number}.json")).exists():
        number += 1
    path.rename(other)
    return Progress(path=path, learner=learner, seed=seed, notice=notice, aside=other.name)
