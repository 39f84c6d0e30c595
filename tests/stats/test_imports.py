"""The statistics load without SciPy (half a second) and without anything that knows tables."""

import subprocess
import sys
from pathlib import Path

import funnelnb.stats

CODE = """
import importlib, sys
for name in {names!r}:
    importlib.import_module("funnelnb.stats." + name)
print(sorted({{name.split(".")[0] for name in sys.modules}} & {{"scipy", "pandas", "narwhals", "altair"}}))
"""
FOLDER = Path(funnelnb.stats.__file__).parent
OWN = [
    ".".join(path.relative_to(FOLDER).with_suffix("").parts)
    for path in sorted(FOLDER.rglob("*.py"))
    if path.stem != "__init__"
]


def test_importing_statistics_loads_neither_scipy_nor_tables():
    assert len(OWN) > 20
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(names=OWN)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
