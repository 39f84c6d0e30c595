"""How a run tells of its progress: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from funnelnb.batch.manifest import Entry

WORDS = {"ok": "ok", "failed": "FAILED"}


def printable(text: str) -> str:
    """Return `text` without characters that could steer a terminal: names come from data."""
    return "".join(one if one.isprintable() else "�" for one in text)


class Progress:
    """Tells of each finished report on `stream`; a bar below where that is a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self._bar: Any = None
        self._done_n = self._to_do_n = 0

    def begin(self, to_do_n: int, finished_n: int) -> None:
        """Say how many reports there are to make."""
        from tqdm import tqdm

        self._to_do_n, self._done_n = to_do_n, 0
        if finished_n:
            self._line(f"{finished_n} finished earlier and still good")
        if self.stream.isatty():
            self._bar = tqdm(total=to_do_n, unit="report", file=self.stream, leave=False, dynamic_ncols=True)

    def done(self, name: str, entry: Entry) -> None:
        """Say that a report is finished, and how it went."""
        self._done_n += 1
        line = f"[{self._done_n}/{self._to_do_n}] {printable(name)}  {WORDS[entry.status]}  {entry.seconds:.1f} s"
        if entry.failure is not None:
            line += f"\n    {printable(entry.failure.line())}"
        self._line(line)
        if self._bar is not None:
            self._bar.update()

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _line(self, line: str) -> None:
        if self._bar is not None:
            self._bar.write(line, file=self.stream)
        else:
            print(line, file=self.stream, flush=True)
