#!/usr/bin/env bash
# 200 processes are killed while they append snapshots: nothing is lost and the store is readable after each.
set -euo pipefail
$PY - <<'CODE'
import tempfile
from pathlib import Path

from tests.data.store.test_store import killed_appends

with tempfile.TemporaryDirectory() as folder:
    print(f"{killed_appends(Path(folder), 200)} kills: nothing lost")
CODE
