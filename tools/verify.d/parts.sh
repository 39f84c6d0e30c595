#!/usr/bin/env bash
# 200 messy texts, and 20 sets of files that belong together, read at once and in parts of 1 to 60 rows: the same tables, problems, notes and count of lines.
set -euo pipefail
$PY tools/cut.py "$@"
