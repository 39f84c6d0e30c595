#!/usr/bin/env bash
# Large and odd books through every public function and every notebook: an answer or a refusal, no traceback, no warning.
set -euo pipefail
$PY tools/extremes.py "$@"
