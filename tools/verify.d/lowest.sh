#!/usr/bin/env bash
# The suite on the lowest versions that pyproject.toml allows.
set -euo pipefail
make --no-print-directory lowest
