#!/usr/bin/env bash
# Renew the pinned, hashed requirements (all platforms, no index addresses) and environment.yml. Needs uv.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v uv >/dev/null || { echo "uv is needed: pip install uv" >&2; exit 2; }
compile=(uv pip compile pyproject.toml --python-version 3.11 --universal --generate-hashes --quiet
  --no-header --no-annotate --excludes requirements/excludes.txt)
"${compile[@]}" --extra dev -o requirements/dev.txt
"${compile[@]}" -c requirements/dev.txt -o requirements/run.txt
"${compile[@]}" --extra duckdb --extra polars --extra database --extra dask --extra word --extra slides --extra test --resolution lowest-direct -o requirements/lowest.txt
.venv/bin/python tools/environment.py write
