"""Does every count of every result agree with its list, over every book told in words and hundreds of spoilt ones?

Run by ``make verify``: ``python -m tests.analysis.every_list``.
"""

from __future__ import annotations

import sys

from tests.analysis.test_deals import ASKED, DIAGNOSES, ON_SPOILT, ask, disagreements, spoilt, wrong_counts
from tests.show.books import BOOKS, book

SEEDS = range(300)


def main() -> int:
    faults: dict[str, object] = {}
    for name in BOOKS:
        given = ask(book, name)
        if given is not None and (found := wrong_counts(given, ASKED | DIAGNOSES)):
            faults[name] = found
    for seed in SEEDS:
        given = ask(spoilt, seed)
        for asked in ON_SPOILT if given is not None else ():
            result = ask(ASKED[asked], given)
            if (
                result is not None
                and getattr(result, "_asked", None) is not None
                and (wrong := disagreements(result))
            ):
                faults[f"spoilt {seed}, {asked}"] = wrong[:5]
    for name, one in faults.items():
        print(name, one)
    print(f"{len(BOOKS)} books and {len(SEEDS)} spoilt ones: {len(faults) or 'no'} fault(s)")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
