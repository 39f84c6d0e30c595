#!/usr/bin/env bash
# Everything that must hold. Usage: tools/test.sh [quick|lowest]
#   quick   style, types and derived files only
#   lowest  the suite on the lowest versions that pyproject.toml allows, in an environment of its own
set -euo pipefail
cd "$(dirname "$0")/.."
py=.venv/bin/python

if [ "${1:-}" = lowest ]; then
  shift
  low=.venv-lowest/bin/python
  [ -x "$low" ] || $py -m venv .venv-lowest
  $low -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/lowest.txt
  pwd >"$($low -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/funnelnb-checkout.pth"
  rooms=(tests/core tests/playbooks tests/stats tests/data tests/analysis tests/show)
  exec $low -m pytest -n 2 --dist loadfile -m "not engine_spark and not browser" "${@:-${rooms[@]}}"
fi

$py -m ruff check .
$py -m ruff format --check .
$py -m mypy
$py tools/environment.py check
$py tools/sample.py check
$py tools/notebooks.py check
[ "${1:-}" = quick ] && exit 0

$py -m tools.website
$py -m pytest -n 2 --dist loadfile
