"""The readers under a fuzzer that sees which lines an input reaches, and keeps what reaches new ones.

``python -m tests.fuzz.guided [seconds] [seed]`` needs the package atheris (``pip install "funnelnb[fuzz]"``). The first
byte of an input says which ending the file has, the rest is its content. Inputs that the structure-aware fuzzer makes
are the beginning.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from pathlib import Path

FORMS = (".csv", ".json", ".html", ".xml", ".sql", ".xlsx", ".zip", ".gz", ".parquet", ".txt")
LARGEST = 20_000


def first_inputs(folder: Path, seed: int, number: int = 300) -> None:
    """Write small inputs of every form."""
    from tests.fuzz.inputs import build

    for one in range(number):
        place = Path(tempfile.mkdtemp(dir=folder))
        _, source, _ = build(seed, one, place)
        if isinstance(source, Path) and source.is_file() and source.suffix in FORMS:
            content = source.read_bytes()
            if len(content) < LARGEST:
                (folder / f"{one}").write_bytes(bytes([FORMS.index(source.suffix)]) + content)
        shutil.rmtree(place, ignore_errors=True)


def main() -> None:
    """Run for so many seconds."""
    import atheris

    seconds, seed = (int(one) for one in [*sys.argv[1:3], *("60", "1")[len(sys.argv) - 1 :]])
    with atheris.instrument_imports(include=["funnelnb.data.read", "funnelnb.data.parse"]):
        from funnelnb.core.errors import SourceError
        from funnelnb.data.contract.limits import Limits
        from funnelnb.data.contract.settings import TableSettings
        from funnelnb.data.read.files import read
    from tests.fuzz.run import ours

    folder = Path(tempfile.mkdtemp(prefix="guided-"))
    corpus, place = folder / "corpus", folder / "one"
    corpus.mkdir()
    place.mkdir()
    first_inputs(corpus, seed)
    few = TableSettings(limits=Limits(unpacked_mb=20))

    def once(data: bytes) -> None:
        if len(data) < 2:
            return
        path = place / f"deals{FORMS[data[0] % len(FORMS)]}"
        path.write_bytes(data[1:])
        try:
            raw = read(path, "deals", few)
        except SourceError as error:
            if hidden := ours(error.__cause__):
                raise AssertionError(hidden) from error
        else:
            assert raw.lines is None or raw.lines.balanced
            assert len(set(raw.columns)) == len(raw.columns)

    random.seed(seed)
    limits = [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-max_len={LARGEST}",
        "-timeout=10",
        "-rss_limit_mb=2500",
    ]
    keep = f"-artifact_prefix={folder}/"
    atheris.Setup([sys.argv[0], str(corpus), *limits, keep], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
