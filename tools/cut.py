"""Is a text that is read in parts what a plain load makes of it, for messy texts of many seeds?

    python tools/cut.py [first] [last]

Made-up deals with quoted line breaks, repeated ids and headers, ragged and blank rows, totals and remarks below, two
styles of dates, years of the Buddhist era, decimal commas; in parts of 1 to 60 rows, beside a sample of some 30 lines.
Every tenth seed also with a history, contacts and targets, or as two texts of one shape, dealt out into shards of 3 kB.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.data.test_parts import compare, compare_together


def main() -> None:
    """Compare both ways for each seed."""
    first, last = map(int, sys.argv[1:] or ("0", "200"))
    seen: Counter[str] = Counter()
    several: Counter[str] = Counter()
    for seed in range(first, last):
        with tempfile.TemporaryDirectory() as folder:
            seen[compare(Path(folder), seed, (1, 8, 15, 22, 60)[seed % 5])] += 1
            if seed % 10 == 0:
                several[compare_together(Path(folder) / "several", seed, (7, 20, 60)[seed % 3])] += 1
    print(
        f"{sum(several.values())} sets of files that belong together: {several['tuple']} read, "
        f"{several['set'] + several['str']} refused, alike in parts and at once"
    )
    print(
        f"{last - first} texts: {seen['tuple']} read, {seen['set'] + seen['str']} refused, alike in parts and at once"
    )


if __name__ == "__main__":
    main()
