"""Every command of the README is typed as it stands there, in a folder as a reader has it.

What takes minutes is shortened here (one region, no second installation) and typed unchanged by the parts `fresh` and
`readme` of `tools/verify.sh`. The Python of the README is run by ``conftest.py``.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, wait_until

WHOLE = bool(os.environ.get("FUNNELNB_VERIFY"))
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [text for kind, text in FENCED.findall((ROOT / "README.md").read_text(encoding="utf-8")) if not kind]
LINES = [
    re.sub(r"\s+#.*", "", line).strip() for block in BLOCKS for line in block.splitlines() if line.strip()
]
REPORTS = [line for line in LINES if line.startswith("funnelnb report")]


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """A folder with an export, and an environment in which `funnelnb` is the command of this checkout."""
    home = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "data" / "sample", home / "exports")
    (home / "bin").mkdir()
    command = home / "bin" / "funnelnb"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m funnelnb "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    config = {"ServerApp": {"open_browser": False, "allow_root": True, "ip": "127.0.0.1"}}
    (home / "jupyter_server_config.json").write_text(json.dumps(config), encoding="utf-8")
    paths = {"PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    return home, {**os.environ, **paths, "JUPYTER_CONFIG_DIR": str(home), "HOME": str(home)}


def typed(line: str, reader: tuple[Path, dict[str, str]]) -> subprocess.CompletedProcess[str]:
    home, environment = reader
    return subprocess.run(
        ["bash", "-c", line], cwd=home, env=environment, capture_output=True, text=True, check=False
    )


def test_the_readme_has_the_commands_that_are_typed_here():
    """A new command is not forgotten: every line is of a kind that a test below types."""
    kinds = (
        r"make (report|test)",
        r"\. \.venv/bin/activate",
        r"funnelnb (--version|check|report|new|course) ?.*",
    )
    assert [line for line in LINES if not any(re.fullmatch(kind, line) for kind in kinds)] == []
    assert len(REPORTS) == 2
    assert [line.split()[1] for line in LINES if "funnelnb lab" in line] == ["new", "course"]
    assert "pip install ." in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_names_every_notebook_in_both_languages():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "notebooks" / "src").glob("*.py"):
        for lang in ("en", "zh"):
            assert f"| {path.stem[:2]} | " in text
            assert f"(notebooks/{lang}/{path.stem}.ipynb)" in text


@pytest.mark.parametrize("line", [one for one in LINES if one.startswith("make ")])
def test_two_commands_do_all_set_up(line):
    """Shown by make itself; `make test` is what runs this, `make report` is typed in a fresh clone (`fresh`)."""
    if shutil.which("make") is None:
        pytest.skip("no make on the PATH")
    said = subprocess.run(
        [*line.split(), "-n", "-B"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "tools/setup.sh run" in said
    assert ("tools/setup.sh dev" in said) == (line == "make test")


def test_the_command_that_setup_writes_works_from_anywhere(tmp_path):
    """`tools/setup.sh` puts it beside Python; here its text is put beside the Python of this environment."""
    text = (ROOT / "tools" / "setup.sh").read_text(encoding="utf-8")
    written = re.search(
        r"cat >\$room/bin/funnelnb <<'COMMAND'\n(.*?)^COMMAND$", text, re.MULTILINE | re.DOTALL
    )
    folder = tmp_path / "a folder with spaces" / ".venv" / "bin"
    folder.mkdir(parents=True)
    for name, content in (
        ("funnelnb", written.group(1)),
        ("python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'),
    ):
        (folder / name).write_text(content, encoding="utf-8")
        (folder / name).chmod(0o755)
    (tmp_path / "link").symlink_to(folder / "funnelnb")
    for command in (folder / "funnelnb", tmp_path / "link"):
        said = subprocess.run(
            [command, "--version"],
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert said.stdout.startswith("funnelnb ")


@pytest.mark.parametrize("line", [one for one in LINES if re.match(r"funnelnb (--version|check)", one)])
def test_short_commands(line, reader):
    said = typed(line, reader)
    assert said.returncode == 0, said.stderr
    assert said.stdout.strip()
    assert said.stderr == ""


@pytest.mark.parametrize("line", REPORTS)
def test_reports(line, reader):
    home, _ = reader
    shutil.rmtree(home / "reports", ignore_errors=True)
    said = typed(line if WHOLE else f"{line} --only DACH --jobs 1", reader)
    assert said.returncode == 0, said.stderr
    pages = {path.name for path in (home / "reports").glob("*.html")}
    assert pages >= {"index.html", "DACH.html"}
    assert len(pages) == (7 if WHOLE else 2)
    lang = "zh" if "--lang zh" in line else "en"
    assert f'lang="{lang}' in (home / "reports" / "DACH.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", [one for one in LINES if one.endswith("funnelnb lab") or " lab " in one])
def test_lines_that_end_in_jupyterlab(line, reader):
    """Typed whole; the server's own word says that it is there."""
    home, environment = reader
    folder = home / line.split()[2]
    shutil.rmtree(folder, ignore_errors=True)
    log = home / "lab.log"
    with log.open("w") as told:
        server = subprocess.Popen(
            ["bash", "-c", line], cwd=home, env=environment, stdout=told, stderr=told, start_new_session=True
        )
    try:
        wait_until(
            lambda: server.poll() is not None or "http://127.0.0.1:" in log.read_text(encoding="utf-8"),
            "JupyterLab's address",
        )
        assert server.poll() is None, log.read_text(encoding="utf-8")[-2000:]
        assert list(folder.rglob("*.ipynb"))
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def documents() -> list[Path]:
    own = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").rglob("*.md")]
    return [*own, *(ROOT / "requirements").glob("*.md"), *(ROOT / "funnelnb").rglob("*.md")]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(path):
    """As a forge shows them; pages that only the site has may be linked from documents of the site."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    made = re.compile(
        r"(notebooks|method|api)/\w+\.md|glossary\.md|(DECISIONS|ARCHITECTURE|CONTRIBUTING|CHANGELOG)\.md"
    )
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        target = link.split("#")[0]
        if (
            target
            and not re.match(r"[a-z]+:", target)
            and not (path.relative_to(ROOT).parts[0] == "docs" and made.fullmatch(target))
        ):
            assert (path.parent / target).exists(), f"{path.name}: {link}"


def test_the_long_checks_are_listed():
    """docs/quality.md names every part of `make verify` with what it says of itself."""
    text = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    parts = sorted((ROOT / "tools" / "verify.d").glob("*.sh"))
    assert len(parts) >= 10
    for part in parts:
        about = part.read_text(encoding="utf-8").splitlines()[1].removeprefix("# ")
        assert f"| `{part.stem}` | {about} |" in text
    assert (
        subprocess.run(
            ["bash", "tools/verify.sh", "nonsense"], cwd=ROOT, capture_output=True, check=False
        ).returncode
        == 2
    )
