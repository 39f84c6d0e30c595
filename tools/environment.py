"""Write or check environment.yml, which is derived from pyproject.toml."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "environment.yml"

# Where conda's name differs from the name on the Python package index.
CONDA_NAME = {"vl-convert-python": "vl-convert-python", "duckdb": "python-duckdb"}


def conda_line(requirement: str) -> str:
    """Return a requirement such as ``pandera[pandas]>=0.32`` as conda writes it."""
    match = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:\[[^]]*\])?\s*(.*)", requirement)
    if match is None:
        raise ValueError(f"cannot read the requirement {requirement!r}")
    name, bound = match.groups()
    return f"  - {CONDA_NAME.get(name, name)}{bound}"


def wanted() -> str:
    """Return the content environment.yml must have."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [
        "# Derived from pyproject.toml by `make lock` (tools/environment.py write). Do not edit.",
        "name: funnelnb",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - python{project['requires-python']}",
        *(conda_line(requirement) for requirement in project["dependencies"]),
        "  - pip",
        "  - pip:",
        "      - .",
    ]
    return "\n".join(lines) + "\n"


def main(command: str) -> int:
    """Write the file, or say whether it is what it must be."""
    if command == "write":
        TARGET.write_text(wanted(), encoding="utf-8")
        return 0
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != wanted():
        print("environment.yml differs from pyproject.toml; remedy: python tools/environment.py write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "check"))
