#!/usr/bin/env bash
# False alarms and power of the diagnosis are simulated again from their published seeds and must come out the same.
set -euo pipefail
kept=$(mktemp)
cp tests/reference/diagnosis.csv "$kept"
put_back() { cp "$kept" tests/reference/diagnosis.csv; rm -f "$kept"; }
trap put_back EXIT
$PY -m tests.reference.diagnosis
# The first line names versions; the figures are what must be equal.
diff <(tail -n +2 "$kept") <(tail -n +2 tests/reference/diagnosis.csv)
