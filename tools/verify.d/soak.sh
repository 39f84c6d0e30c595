#!/usr/bin/env bash
# Two hundred rounds of loading, asking and drawing in one process: memory stays level, answers stay equal.
set -euo pipefail
$PY tools/soak.py "$@"
