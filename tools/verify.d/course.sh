#!/usr/bin/env bash
# The course: 1,000 practice floors under four rules give the published figures again, and all lessons run in both languages with the solutions.
set -euo pipefail
kept=$(mktemp -d)
cp funnelnb/teach/lessons/figures.toml "$kept/figures.toml"
put_back() { cp "$kept/figures.toml" funnelnb/teach/lessons/figures.toml; rm -rf "$kept"; }
trap put_back EXIT
$PY -m tests.reference.course >/dev/null
diff "$kept/figures.toml" funnelnb/teach/lessons/figures.toml
for lang in en zh; do
  $PY -m funnelnb course "$kept/$lang" --lang "$lang" --for trainer
  $PY -m funnelnb course "$kept/$lang" --check
done
