"""Runs a way in a process of its own, and packages that need other versions in an environment of their own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
OTHERS = HERE / "others.txt"
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def others() -> Path | None:
    """Return the Python that has the packages of others.txt, made on first use; None, and why, if that fails."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "funnelnb-benchmarks" / hashlib.sha256(OTHERS.read_bytes()).hexdigest()[:12]
    python, done = folder / "bin" / "python", folder / "done"
    if done.exists():
        return python
    print(f"making an environment of {OTHERS.name} in {folder}", file=sys.stderr)
    try:
        venv.create(folder, with_pip=True, clear=True)
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", OTHERS]
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
        print(f"without lifelines and scikit-survival: {OTHERS.name} cannot be installed: {' '.join(reason)}")
        return None
    done.touch()
    return python


def run(script: str, *arguments: str, python: Path | None = None) -> dict[str, Any]:
    """Run a script of this folder with one thread and return the JSON that it prints last."""
    command = [python or sys.executable, HERE / script, *arguments]
    finished = subprocess.run(
        command, check=False, capture_output=True, text=True, env=os.environ | _ONE_THREAD, cwd=ROOT
    )
    if finished.returncode:
        raise SystemExit(f"{script} {' '.join(arguments)} failed:\n{finished.stderr}")
    return json.loads(finished.stdout.splitlines()[-1])
