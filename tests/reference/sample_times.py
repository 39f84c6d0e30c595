"""Times of the sample company by plain loops over its files: python -m tests.reference.sample_times.

Writes sample_times.csv (span, days, outcome, n), which durations.R reads. Nothing of the package is used.
"""

import csv
import datetime
from collections import Counter, defaultdict
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
FILE = Path(__file__).with_name("sample_times.csv")
STAGES = (
    "find_opportunity", "qualify", "project_approved", "shortlist", "negotiation", "won", "implementation",
    "repeat_purchase",
)  # fmt: skip
TODAY = datetime.date(2026, 6, 30)


def rows_of(name):
    with (SAMPLE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def day(text):
    return datetime.date.fromisoformat(text) if text else None


def first_days(deal, visits):
    """First day at each stage or beyond it, for the stages that the deal got to."""
    places = sorted((day(row["entered_at"]), STAGES.index(row["stage"])) for row in visits)
    places.insert(0, (day(deal["created_at"]), 0))
    if deal["outcome"] == "won":
        places.append((day(deal["closed_at"]), STAGES.index("won")))
    furthest = max(place for _, place in places)
    return {k: min(at for at, place in places if place >= k) for k in range(furthest + 1)}


def span(deal, first, origin, target):
    """Days from the origin and how they ended: 1 went on, 2 lost, 0 open or left; None: never came there."""
    if origin not in first:
        return None
    if target in first:
        return (first[target] - first[origin]).days, 1
    if deal["outcome"] == "open":
        return (TODAY - first[origin]).days, 0
    return (day(deal["closed_at"]) - first[origin]).days, 2 if deal["outcome"].startswith("lost") else 0


def main():
    visits = defaultdict(list)
    for row in rows_of("stage_history.csv"):
        if row["stage"] in STAGES:
            visits[row["opportunity_id"]].append(row)
    won = STAGES.index("won")
    spans = {**{STAGES[k]: (k, k + 1) for k in range(won)}, "whole": (0, won)}
    counts = Counter()
    for deal in rows_of("opportunities.csv"):
        first = first_days(deal, visits[deal["opportunity_id"]])
        for name, ends in spans.items():
            found = span(deal, first, *ends)
            if found is not None:
                counts[(name, *found)] += 1
    lines = [
        "# made by sample_times.py, by plain loops, from data/sample as of 2026-06-30",
        "span,days,outcome,n",
    ]
    lines += [",".join(map(str, (*key, n))) for key, n in sorted(counts.items())]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
