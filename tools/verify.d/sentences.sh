#!/usr/bin/env bash
# What diagnoses, forecasts, reports and checks of the data say of more than forty books, word for word in both languages.
set -euo pipefail
FUNNELNB_VERIFY=1 $PY -m pytest -q tests/show/test_sentences_more.py "$@"
