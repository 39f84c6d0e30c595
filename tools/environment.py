"""Write or check environment.yml, which is derived from the pins, and check that the pins cover pyproject.toml.

Conda gives Python and pip, pip the pinned packages: the same versions as `make report` installs, and a set that pip
itself can be asked about without a network (tests/test_environment.py). Usage: tools/environment.py write|check
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "environment.yml"
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)\s*(;[^\\]*)?", re.MULTILINE)


def project() -> dict[str, object]:
    """Return the table ``[project]``."""
    table: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def pins(name: str = "run") -> dict[str, tuple[str, str]]:
    """Return version and marker of every package that `requirements/<name>.txt` pins."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return {canonicalize_name(one): (version, marker.strip()) for one, version, marker in _PIN.findall(text)}


def wanted() -> str:
    """Return the content environment.yml must have."""
    lines = [
        "# Derived from requirements/run.txt by `make lock` (tools/environment.py write). Do not edit.",
        "name: funnelnb",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - python{project()['requires-python']}",
        "  - pip",
        "  - pip:",
        *(
            f"      - {name}=={version}{' ' + marker if marker else ''}"
            for name, (version, marker) in pins().items()
        ),
        "      - .",
    ]
    return "\n".join(lines) + "\n"


def uncovered() -> list[str]:
    """Return the requirements of the project that the pins do not have, or have in a version that is too old."""
    pinned = pins()
    found = []
    for line in project()["dependencies"]:  # type: ignore[attr-defined]
        asked = Requirement(line)
        version = pinned.get(canonicalize_name(asked.name), ("", ""))[0]
        if not version or version not in asked.specifier:
            found.append(
                f"pyproject.toml asks for {line}; requirements/run.txt has {version or 'nothing'}; remedy: make lock"
            )
    return found


def main(command: str) -> int:
    """Write the file, or say whether it is what it must be."""
    if command == "write":
        TARGET.write_text(wanted(), encoding="utf-8")
        return 0
    found = uncovered()
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != wanted():
        found.append("environment.yml differs from the pins; remedy: python tools/environment.py write")
    print("\n".join(found) or "environment.yml follows the pins, the pins cover pyproject.toml")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "check"))
