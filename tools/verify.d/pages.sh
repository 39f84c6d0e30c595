#!/usr/bin/env bash
# Finished pages in both languages at three widths, light and dark, printed, by keyboard and with axe-core, in Chromium.
set -euo pipefail
FUNNELNB_VERIFY=1 $PY -m pytest -q tests/browser/test_pages.py "$@"
