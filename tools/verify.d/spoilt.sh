#!/usr/bin/env bash
# 100,000 spoilt inputs from the published seed, and half an hour of inputs that follow the lines they reach (with atheris).
set -euo pipefail
$PY -m tests.fuzz.run 100000 "$FUNNELNB_SEED"
if $PY -c "import atheris" 2>/dev/null; then $PY -m tests.fuzz.guided 1800 "$FUNNELNB_SEED"; fi
