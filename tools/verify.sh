#!/usr/bin/env bash
# The long checks, one file each in tools/verify.d/. Usage: tools/verify.sh [PART …]   (list: what there is)
#
# A part is a script that fails when something does not hold; its second line says what it checks. Its output goes to
# build/verify/PART.log. All parts are run, whatever fails; the last lines say which did. What is drawn by chance is
# drawn from FUNNELNB_SEED, which is printed, so that a failure can be had again.
set -uo pipefail
cd "$(dirname "$0")/.."
export FUNNELNB_SEED=${FUNNELNB_SEED:-20261128} PY=${PY:-.venv/bin/python}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}

about() { sed -n '2s/^# *//p' "tools/verify.d/$1.sh"; }
all=()
for path in tools/verify.d/*.sh; do all+=("$(basename "$path" .sh)"); done
if [ "${1:-}" = list ]; then
  for part in "${all[@]}"; do printf '  %-12s %s\n' "$part" "$(about "$part")"; done
  exit 0
fi
parts=("$@")
[ $# -gt 0 ] || parts=("${all[@]}")
for part in "${parts[@]}"; do
  [ -f "tools/verify.d/$part.sh" ] || { echo "there is no part $part; there are: ${all[*]}" >&2; exit 2; }
done

mkdir -p build/verify
failed=()
echo "seed $FUNNELNB_SEED"
for part in "${parts[@]}"; do
  began=$SECONDS
  if bash "tools/verify.d/$part.sh" >"build/verify/$part.log" 2>&1; then state="held"; else state="FAILED"; failed+=("$part"); fi
  printf '%-7s %-12s %5d s  %s\n' "$state" "$part" "$((SECONDS - began))" "$(tail -n 1 "build/verify/$part.log" | cut -c1-150)"
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "did not hold: ${failed[*]} (build/verify/PART.log says why)"
  exit 1
fi
echo "all ${#parts[@]} parts hold"
