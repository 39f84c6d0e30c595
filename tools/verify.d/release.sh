#!/usr/bin/env bash
# A rehearsal of the release: built, installed in a clean environment, tried.
set -euo pipefail
FUNNELNB_REHEARSAL=1 bash tools/release.sh
