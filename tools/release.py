"""Do the built distributions hold what they must? Usage: tools/release.py DIST VERSION"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = {".py", ".pyi", ".toml", ".typed", ".html", ".css", ".json", ".j2", ".svg", ".js"}


def wanted() -> set[str]:
    """Return what the wheel must hold: every file of the package that is tracked, and the workbook."""
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "funnelnb").rglob("*")
        if path.is_file() and path.suffix in CODE and "__pycache__" not in path.parts
    }
    workbook = {
        f"funnelnb/_workbook/notebooks/{lang}/{path.name}"
        for lang in ("en", "zh")
        for path in (ROOT / "notebooks" / lang).glob("*.ipynb")
    }
    sample = ROOT / "data" / "sample"
    data = {
        f"funnelnb/_workbook/sample/{path.relative_to(sample).as_posix()}"
        for path in sample.rglob("*")
        if path.is_file()
    }
    return package | workbook | data


def problems(dist: Path, version: str) -> list[str]:
    """Return what is missing in the wheel and the source distribution, or said wrongly of them."""
    wheel, source = dist / f"funnelnb-{version}-py3-none-any.whl", dist / f"funnelnb-{version}.tar.gz"
    found = [f"{path.name} was not built" for path in (wheel, source) if not path.exists()]
    if found:
        return found
    with zipfile.ZipFile(wheel) as opened:
        inside = set(opened.namelist())
        said = Parser().parsestr(opened.read(f"funnelnb-{version}.dist-info/METADATA").decode())
    found += [f"{wheel.name} lacks {name}" for name in sorted(wanted() - inside)]
    found += [
        f"{wheel.name} holds {name}"
        for name in sorted(inside)
        if name.startswith(("tests/", "tools/", "docs/"))
    ]
    if said["Version"] != version:
        found.append(f"{wheel.name} says version {said['Version']}")
    with tarfile.open(source) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    needed = {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "requirements/run.txt", "Makefile"}
    return found + [f"{source.name} lacks {name}" for name in sorted(needed - names)]


if __name__ == "__main__":
    told = problems(Path(sys.argv[1]), sys.argv[2])
    print("\n".join(told) or "wheel and source distribution hold what they must")
    sys.exit(bool(told))
