"""Many rounds in one process: does memory stay level, does each say the same? Usage: tools/soak.py [ROUNDS]"""

from __future__ import annotations

import gc
import hashlib
import sys
import tempfile
from pathlib import Path

import funnelnb as fn

ROOT = Path(__file__).resolve().parents[1]
WARM, MOST_MB = 20, 60


def resident_mb() -> float:
    """Return the memory that this process holds, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def one_round(folder: Path) -> str:
    """Load, ask, draw, export; return a hash of all that was said."""
    book = fn.load(ROOT / "data" / "sample")
    results = [
        fn.conversion(book, by="region"),
        fn.duration(book, stage="qualify", by="segment"),
        fn.segments(book, by="owner"),
        fn.call_list(book.where(region="DACH"), learn_from=book),
        fn.quota(book, period="2026-Q3"),
    ]
    said = [one.text(lang) for one in results for lang in ("en", "zh")]
    said += [str(one.chart().to_dict()) for one in results]
    fn.to_csv(results[0], folder / "out.csv")
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def main(rounds: int) -> int:
    """Run the rounds; return 1 if memory grew or an answer changed."""
    with tempfile.TemporaryDirectory() as folder:
        first = one_round(Path(folder))
        held = 0.0
        for number in range(1, rounds):
            if one_round(Path(folder)) != first:
                print(f"round {number} said something else than the first")
                return 1
            if number == min(WARM, rounds // 2):
                gc.collect()
                held = resident_mb()
        gc.collect()
        grown = resident_mb() - held
    print(f"{rounds} rounds, all equal; {held:.0f} MB after {min(WARM, rounds // 2)}, {grown:+.1f} MB since")
    return int(grown > MOST_MB)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
