"""environment.yml can be installed: pip's resolver is asked about exactly its lines, without a network."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools import environment

LINES = [
    line.removeprefix("      - ")
    for line in environment.TARGET.read_text().splitlines()
    if line.startswith("      - ")
]


def test_it_follows_the_pins_and_the_pins_cover_the_project():
    assert environment.uncovered() == []
    assert environment.TARGET.read_text(encoding="utf-8") == environment.wanted()
    assert LINES[-1] == "."
    assert len(LINES) > 100


def test_a_bound_above_the_pins_is_told(monkeypatch):
    table = {"dependencies": ["pandas>=99", "scipy>=1.16", "nonsense-of-ours>=1"]}
    monkeypatch.setattr(environment, "project", lambda: table)
    assert [line.split("; ")[0] for line in environment.uncovered()] == [
        "pyproject.toml asks for pandas>=99",
        "pyproject.toml asks for nonsense-of-ours>=1",
    ]


def stand_in(folder: Path, name: str) -> None:
    """Write an empty wheel in place of a package that is left out on purpose (requirements/README.md)."""
    stem = name.replace("-", "_")
    with zipfile.ZipFile(folder / f"{stem}-99-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{stem}-99.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 99\n")
        wheel.writestr(
            f"{stem}-99.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{stem}-99.dist-info/RECORD", "")


def asked_of_pip(lines: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Ask pip what it would install for these lines, from nowhere but `folder`."""
    (folder / "asked.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "-r", "asked.txt"]
    alone = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
    return subprocess.run(command, env=alone, capture_output=True, text=True, check=False, cwd=folder)


def test_pip_resolves_it(tmp_path):
    """The environment of the tests has the pins: so nothing is left to install, and no two of them contradict."""
    left_out = (ROOT / "requirements" / "excludes.txt").read_text(encoding="utf-8").split()
    for name in left_out:
        stand_in(tmp_path, name)
    said = asked_of_pip(LINES[:-1], tmp_path)
    if "No module named pip" in said.stderr:
        pytest.skip("this environment has no pip")
    assert said.returncode == 0, said.stderr[-2000:]
    would = re.findall(r"Would install (.*)", said.stdout)
    assert would in ([], [" ".join(f"{name}-99" for name in left_out)])
    assert asked_of_pip([*LINES[:-1], "pandas<3"], tmp_path).returncode != 0, "a contradiction must be seen"


def test_the_version_stands_in_one_place():
    """pyproject.toml takes it from the package."""
    import funnelnb

    assert environment.project()["dynamic"] == ["version"]
    assert "version" not in environment.project()
    places = [
        path.name
        for path in ROOT.glob("*.toml")
        if f'"{funnelnb.__version__}"' in path.read_text(encoding="utf-8")
    ]
    assert places == []


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "funnelnb" / "py.typed").exists()
