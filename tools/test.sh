#!/usr/bin/env bash
# Everything that must hold. Usage: tools/test.sh [quick]
set -euo pipefail
cd "$(dirname "$0")/.."
py=.venv/bin/python

$py -m ruff check .
$py -m ruff format --check .
$py -m mypy
$py tools/environment.py check
$py tools/sample.py check
$py tools/notebooks.py check
[ "${1:-}" = quick ] && exit 0

$py -m pytest -n 2 --dist loadfile
