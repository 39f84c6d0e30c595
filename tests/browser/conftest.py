"""A real Chromium, and a real JupyterLab to point it at."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, skip_or_fail

# A minute a language: part `course` of tools/verify.sh
collect_ignore = [] if os.environ.get("FUNNELNB_VERIFY") else ["test_course.py"]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def browser_path() -> str | None:
    """Where a Chromium is, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    """A headless Chromium; closed after each module, as while it is driven an event loop runs in this thread."""
    path = browser_path()
    if path is None:
        skip_or_fail("no Chromium on the PATH (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def offline_page(chromium) -> Iterator:
    """A page with the network off that records what it asked for and what it complained about."""
    context = chromium.new_context(offline=True, viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on(
        "console", lambda message: page.complaints.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(folder: Path, home: Path) -> Iterator[str]:
    """A JupyterLab on a folder, with settings of its own in `home`; its address."""
    port = free_port()
    env = {**os.environ, "HOME": str(home), "JUPYTER_CONFIG_DIR": str(home), "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        f"--port={port}",
        "--ip=127.0.0.1",
        "--allow-root",
    ]
    command += ["--IdentityProvider.token=secret", "--ServerApp.open_browser=False"]
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    log = (home / "lab.log").open("w")
    server = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
    try:
        for _ in range(120):
            if server.poll() is not None:
                pytest.fail(f"JupyterLab ended: {(home / 'lab.log').read_text()[-2000:]}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token=secret", timeout=2)
                break
            except OSError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A running JupyterLab on a folder made by `funnelnb new`: its address and the folder."""
    if browser_path() is None:
        skip_or_fail("no Chromium on the PATH (apt-get install chromium)")
    folder = tmp_path_factory.mktemp("lab") / "work"
    subprocess.run(
        [sys.executable, "-m", "funnelnb", "new", str(folder)], check=True, cwd=ROOT, capture_output=True
    )
    with serving(folder, tmp_path_factory.mktemp("home")) as address:
        yield address, folder
