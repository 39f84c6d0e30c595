#!/usr/bin/env bash
# Everything that must hold. Usage: tools/test.sh [quick|lowest|pythons]
#   quick    style, types and derived files only
#   lowest   the suite on the lowest versions that pyproject.toml allows, in an environment of its own
#   pythons  the suite on the oldest Python that pyproject.toml allows and the newest on this machine, likewise
set -euo pipefail
cd "$(dirname "$0")/.."
py=.venv/bin/python

# The rooms that run in an environment of their own, without browsers and engines.
rooms=(tests/core tests/playbooks tests/stats tests/data tests/analysis tests/show tests/batch/test_dask.py)

# Run the rooms in environment $1, made by Python $2 from the pins $3; further arguments go to pytest.
elsewhere() {
  local room=$1 python=$2 pins=$3
  shift 3
  [ -x "$room/bin/python" ] || "$python" -m venv "$room"
  "$room/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$pins"
  pwd >"$("$room/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/funnelnb-checkout.pth"
  "$room/bin/python" --version
  "$room/bin/python" -m pytest -n 2 --dist loadfile -q -m "not engine_spark and not browser" "${@:-${rooms[@]}}"
}

# Where Python 3.$1 is on this machine, or nothing.
python3_at() {
  local one
  for one in "python3.$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$1".*/bin/python; do
    "$one" -c "import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, $1))" >/dev/null 2>&1 && command -v "$one" && return
  done
}

if [ "${1:-}" = lowest ]; then
  shift
  elsewhere .venv-lowest $py requirements/lowest.txt "$@"
  exit
fi

if [ "${1:-}" = pythons ]; then
  shift
  oldest=$(sed -n 's/^requires-python = ">=3\.\([0-9]*\)".*/\1/p' pyproject.toml)
  newest=""
  for minor in 16 15 14 13 12; do
    [ -z "$newest" ] && [ "$minor" -gt "$oldest" ] && [ -n "$(python3_at $minor)" ] && newest=$minor
  done
  for minor in $oldest $newest; do
    python=$(python3_at "$minor")
    [ -n "$python" ] || { echo "Python 3.$minor is not on this machine" >&2; exit 2; }
    elsewhere ".venv-3.$minor" "$python" requirements/dev.txt "$@"
  done
  [ -n "$newest" ] || { echo "no Python newer than 3.$oldest is on this machine: only the oldest was tried" >&2; exit 2; }
  exit
fi

quick() {
  $py -m ruff check .
  $py -m ruff format --check .
  $py -m mypy
  $py tools/environment.py check
  $py tools/sample.py check
  $py tools/notebooks.py check
}

if [ "${1:-}" = quick ]; then
  quick
  exit
fi

# Style, types and derived files on one core, the documentation site on the other; then the tests on both.
said=$(mktemp)
trap 'rm -f "$said"' EXIT
quick >"$said" 2>&1 &
checks=$!
site=0
$py -m tools.website || site=$?
checked=0
wait $checks || checked=$?
cat "$said"
[ $site -eq 0 ] && [ $checked -eq 0 ] || exit 1
$py -m pytest -n 2 --dist loadfile
