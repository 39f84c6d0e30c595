#!/usr/bin/env bash
# Faults are put into stats and the ledger one by one; the tests must notice. Score and survivors: docs/quality.md.
set -euo pipefail
$PY tools/mutation.py run "$@"
