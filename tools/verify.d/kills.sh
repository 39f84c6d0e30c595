#!/usr/bin/env bash
# 200 random kills of run, server, worker and kernel with a published seed, and all that the tests stop or kill ten times over.
set -euo pipefail
$PY tools/kills.py
for round in 1 2 3 4 5 6 7 8 9 10; do
  $PY -m pytest -q -p no:cacheprovider tests/test_cli.py tests/batch -k "kill or stop or ctrl_c or too_long or cannot_start or without_an_answer" "$@"
done
echo "ten rounds"
