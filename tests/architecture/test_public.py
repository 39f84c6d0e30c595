"""The public surface: what `import funnelnb` offers, and what it costs."""

import subprocess
import sys

import funnelnb as fn


def test_every_public_name_is_there() -> None:
    missing = [name for name in fn.__all__ if getattr(fn, name, None) is None]
    assert not missing


def test_public_names_are_documented() -> None:
    assert [name for name in fn.__all__ if not getattr(fn, name).__doc__] == []


def test_import_loads_no_heavy_package() -> None:
    """`import funnelnb` stays cheap because these are loaded on first use only."""
    heavy = {"pandas", "scipy", "altair", "pandera", "numpy", "narwhals"}
    code = f"import sys, funnelnb; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
