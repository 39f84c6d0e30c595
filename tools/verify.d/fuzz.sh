#!/usr/bin/env bash
# Every property under Hypothesis with twenty times the usual examples, from the published seed.
set -euo pipefail
export FUNNELNB_HYPOTHESIS=fuzz
$PY -m pytest -n 2 --dist loadfile -q -m "hypothesis and not browser and not engine_spark" --hypothesis-seed="$FUNNELNB_SEED" tests "$@"
