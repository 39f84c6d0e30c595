#!/usr/bin/env bash
# The README's first command in a fresh clone: everything is set up, reports are there, and so is the command.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
git clone --quiet . "$room/clone"
cd "$room/clone"
env -u PYTHONPATH make report
test -s reports/index.html
cd /
"$room/clone/.venv/bin/funnelnb" --version
. "$room/clone/.venv/bin/activate"
funnelnb --version
