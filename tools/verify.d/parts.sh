#!/usr/bin/env bash
# 200 messy texts read at once and in parts of 1 to 60 rows: the same tables, problems, notes and count of lines.
set -euo pipefail
$PY tools/cut.py "$@"
