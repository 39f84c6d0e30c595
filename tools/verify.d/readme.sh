#!/usr/bin/env bash
# The commands of the README, typed unchanged: reports of every region in both languages, JupyterLab.
set -euo pipefail
FUNNELNB_VERIFY=1 $PY -m pytest -q tests/documents/test_readme.py "$@"
