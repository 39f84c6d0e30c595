#!/usr/bin/env bash
# The suite on the lowest versions that pyproject.toml allows.
set -euo pipefail
bash tools/test.sh lowest
