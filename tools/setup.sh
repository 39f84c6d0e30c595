#!/usr/bin/env bash
# Set up .venv, or .venv-lowest, with pinned, hash-checked packages. Usage: tools/setup.sh run|dev|lowest
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-run}
room=.venv
[ "$kind" = lowest ] && room=.venv-lowest

python=""
for candidate in python3.11 python3.12 python3.13 python3; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "found:    no Python 3.11 or newer on the PATH" >&2
  echo "expected: python3.11 (or newer)" >&2
  echo "remedy:   apt-get install python3" >&2
  exit 2
fi

if ! [ -x $room/bin/python ] || ! $room/bin/python -m pip --version >/dev/null 2>&1; then
  rm -rf $room
  if ! "$python" -m venv $room >/dev/null 2>&1; then
    # Debian keeps venv's pip in a package of its own.
    rm -rf $room
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      echo "installing Debian's python3-venv"
      apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
      "$python" -m venv $room
    else
      echo "found:    $python cannot make a virtual environment" >&2
      echo "expected: the module venv with pip" >&2
      echo "remedy:   sudo apt-get install python3-venv" >&2
      exit 2
    fi
  fi
fi

echo "installing the pinned packages (requirements/$kind.txt)"
lazy=()
[ "$kind" = lowest ] && lazy=(--no-compile)  # its tests import a part of it
$room/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes "${lazy[@]}" -r "requirements/$kind.txt"
if [ "$kind" = dev ]; then
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
else
  # The checkout itself, importable and with its command, without needing a build tool.
  site=$($room/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  pwd >"$site/funnelnb-checkout.pth"
  # Relative to itself, so that a path with spaces or a link to it does no harm.
  cat >$room/bin/funnelnb <<'COMMAND'
#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/python" -m funnelnb "$@"
COMMAND
  chmod +x $room/bin/funnelnb
fi
touch "$room/$kind.stamp"
