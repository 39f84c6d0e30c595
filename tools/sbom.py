"""Write which packages funnelnb runs on, with versions and licences, as a bill of materials in the CycloneDX format.

Usage: python tools/sbom.py build/sbom.json
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = "funnelnb"


def needed(name: str) -> list[str]:
    """Return the packages that `name` needs at run time and that are installed, itself first."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        one = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if one in found:
            continue
        try:
            requires = importlib.metadata.requires(one) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found[one] = None
        plain = (line for line in requires if "extra ==" not in line)
        waiting += [re.split(r"[ ;<>=!~\[(]", line, maxsplit=1)[0] for line in plain]
    return list(found)


def licence(name: str) -> str:
    """Return the licence that a package states, by its expression, its field or its classifiers."""
    known = importlib.metadata.metadata(name)
    stated = known.get("License-Expression") or ""
    classified = [
        line.split(" :: ")[-1] for line in known.get_all("Classifier") or [] if line.startswith("License ::")
    ]
    field = (known.get("License") or "").strip().splitlines()
    return stated or ", ".join(classified) or (field[0][:80] if field else "not stated")


def bill() -> dict[str, Any]:
    """Return the bill of materials."""
    parts = [
        {
            "type": "library",
            "name": name,
            "version": importlib.metadata.version(name),
            "purl": f"pkg:pypi/{name}@{importlib.metadata.version(name)}",
            "licenses": [{"license": {"name": licence(name)}}],
        }
        for name in sorted(needed(ROOT))
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": parts}


def main() -> int:
    """Write the bill to the path given."""
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    made = bill()
    draft = target.with_suffix(".tmp")
    draft.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(target)
    print(f"{target}: {len(made['components'])} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
