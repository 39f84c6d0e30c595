#!/usr/bin/env bash
# The simulated coverages that are published are simulated again, from their published seeds, and must come out the same.
set -euo pipefail
kept=$(mktemp -d)
cp tests/reference/coverage*.csv "$kept"
put_back() { cp "$kept"/coverage*.csv tests/reference/; rm -rf "$kept"; }
trap put_back EXIT
for script in tests/reference/coverage*.py; do
  name=$(basename "$script" .py)
  $PY -m "tests.reference.$name" >/dev/null
  # The first line names versions; the figures are what must be equal.
  diff <(tail -n +2 "$kept/$name.csv") <(tail -n +2 "tests/reference/$name.csv")
  echo "$name: equal"
done
