#!/usr/bin/env bash
# Build the release into dist/ and try it as a stranger would. Usage: tools/release.sh
#   1. the changelog has the version, and it is not marked as "not released" (FUNNELNB_REHEARSAL=1 lets that pass)
#   2. source distribution and wheel are built without network, and hold what they must
#   3. the wheel is installed into a clean environment with the pinned packages, away from the checkout
#   4. there the command checks, reports and says its version
set -euo pipefail
cd "$(dirname "$0")/.."
py=.venv/bin/python

version=$($py -c 'import funnelnb; print(funnelnb.__version__)')
heading=$(grep -m1 '^## ' CHANGELOG.md)
case "$heading" in
  "## $version (not released)") [ "${FUNNELNB_REHEARSAL:-}" = 1 ] || { echo "CHANGELOG.md: '$heading'; write the date for '(not released)'" >&2; exit 1; } ;;
  "## $version ("*) ;;
  *) echo "CHANGELOG.md begins with '$heading'; expected '## $version (date)'" >&2; exit 1 ;;
esac

rm -rf dist
$py -m hatchling build -d dist
$py tools/release.py dist "$version"

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
$py -m venv "$room/env"
"$room/env/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/run.txt
"$room/env/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index dist/*.whl
"$room/env/bin/python" -m pip check
cd "$room"
export PATH="$room/env/bin:$PATH"
[ "$(funnelnb --version)" = "funnelnb $version" ]
funnelnb new work
cd work
funnelnb check
funnelnb report --by region --only DACH --jobs 1 --out out
test -s out/DACH.html
test -s out/index.html
python -c 'import funnelnb as fn; print(fn.conversion(fn.sample()).finding())'
cd "$OLDPWD"
echo "release $version: dist/ is built, installed in a clean environment and tried"
