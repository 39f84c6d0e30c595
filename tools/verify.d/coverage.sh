#!/usr/bin/env bash
# Branch coverage of the package by the whole suite, at least what pyproject.toml asks for; pages in build/coverage.
set -euo pipefail
$PY -m pytest -n 2 --dist loadfile -q --cov --cov-report=html:build/coverage --cov-report=json:build/coverage.json --cov-report= "$@"
$PY -m coverage report --skip-covered --sort=cover | tail -n 60
