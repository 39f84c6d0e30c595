#!/usr/bin/env bash
# 500 batch runs in one process with a fault in every other one: right or refused, nothing left behind, memory level.
set -euo pipefail
$PY tools/soak_runs.py --runs 500 --seed "$FUNNELNB_SEED" "$@"
