#!/usr/bin/env bash
# Everything that must hold. Usage: tools/test.sh [quick|lowest|pythons]
#   (none)   all of the short tier; on the lowest versions that pyproject.toml allows a part of every room
#   quick    style, types and derived files only
#   lowest   the suite on the lowest versions that pyproject.toml allows, in an environment of its own
#   pythons  the suite on the oldest Python that pyproject.toml allows and the newest on this machine, likewise
set -euo pipefail
cd "$(dirname "$0")/.."
py=.venv/bin/python

# The rooms that run in an environment of their own, without browsers and engines.
rooms=(tests/core tests/playbooks tests/stats tests/data tests/analysis tests/show tests/batch/test_dask.py)

# Of each room what says most of it in little time, for every change: `make verify` runs the rooms whole.
few=(tests/core tests/playbooks tests/stats/test_{proportion,survival,incidence,lifetime,logistic,rank_test,months}.py
  tests/data/test_{book,dates,numbers,join,ids,count,sources,ledger_rules}.py
  tests/data/read/test_{delimited,forms}.py tests/data/recognise/test_pipelines.py
  tests/analysis/test_{conversion,segments,cohort,overview,target,mix,truth}.py tests/analysis/forecast/test_forecast.py
  tests/show/test_{charts,finding,export,word,number}.py
  "tests/notebook/test_notebooks.py::test_checked_outputs_are_what_comes_out[01_conversion_by_segment-en]"
  tests/batch/test_run.py::test_every_region_gets_a_page_and_an_executed_notebook)

# Run tests in environment $1, which is there; further arguments go to pytest.
there() {
  local room=$1
  shift
  "$room/bin/python" -m pytest -q -p no:cacheprovider -m "not engine_spark and not browser" "$@"
}

# Run the rooms in environment $1, made by Python $2 from the pins $3; further arguments go to pytest.
elsewhere() {
  local room=$1 python=$2 pins=$3
  shift 3
  [ -x "$room/bin/python" ] || "$python" -m venv "$room"
  "$room/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$pins"
  pwd >"$("$room/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/funnelnb-checkout.pth"
  "$room/bin/python" --version
  there "$room" -n 2 --dist loadfile "${@:-${rooms[@]}}"
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
  there .venv-lowest -n 2 --dist loadfile "${@:-${rooms[@]}}"
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

# Style, types and derived files, the documentation site and the lowest versions side by side, so that both cores are
# busy; then the tests on both. Of what takes longest the tests do not wait for the end.
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
quick >"$said/quick" 2>&1 &
checks=$!
there .venv-lowest "${few[@]}" >"$said/lowest" 2>&1 &
lowest=$!
site=0 checked=0 held=0 tests=0
$py -m tools.website || site=$?
wait $checks || checked=$?
cat "$said/quick"
if [ $site -eq 0 ] && [ $checked -eq 0 ]; then $py -m pytest -n 2 --dist loadfile || tests=$?; fi
wait $lowest || held=$?
echo "== on the lowest versions that pyproject.toml allows"
if [ $held -eq 0 ]; then tail -n 1 "$said/lowest"; else cat "$said/lowest"; fi
[ $site -eq 0 ] && [ $checked -eq 0 ] && [ $held -eq 0 ] && [ $tests -eq 0 ]
