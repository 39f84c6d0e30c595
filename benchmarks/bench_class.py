"""How much memory does one JupyterLab take for a whole class? Proportional set size of the server and all its kernels.

    python benchmarks/bench_class.py [learners [lesson]]

Starts a JupyterLab server on a course folder, a kernel for each learner, runs all cells of one lesson in every kernel (all
at once, as in a room), and leaves the kernels warm. The promise: 15 learners fit in 4 GB. Memory that processes share is
counted once (PSS), as a machine has it. Ends with 1 where the promise is broken.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import nbformat
from jupyter_client import BlockingKernelClient

ROOT = Path(__file__).resolve().parents[1]
PROMISED_MB = 4096
TOKEN = "class"


def pss_mb(pid: int) -> float:
    """Return the proportional set size of a process in MB; 0 when it has gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(one.split()[1]) for one in lines if one.startswith("Pss:")) / 1024


def family(pid: int) -> list[int]:
    """Return a process and all that it started."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def started(folder: Path, home: Path, port: int) -> subprocess.Popen[bytes]:
    """Start a server with settings of its own, and wait until it answers."""
    env = {**os.environ, "HOME": str(home), "JUPYTER_RUNTIME_DIR": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += [
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=None",
    ]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, env=env, cwd=folder, stdout=quiet, stderr=quiet)
    for _ in range(240):
        try:
            asked(port, "")
        except OSError:
            time.sleep(0.5)
        else:
            return server
    server.kill()
    raise SystemExit("JupyterLab does not answer")


def asked(port: int, path: str, data: bytes | None = None) -> dict[str, str]:
    """Ask the server's REST interface."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api{path}?token={TOKEN}", data)
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, str] = json.load(answer)
    return found


def learned(connection: Path, node: nbformat.NotebookNode, wrong: list[str]) -> None:
    """Run the cells of a lesson in one kernel."""
    client = BlockingKernelClient(connection_file=str(connection))
    client.load_connection_file()
    client.start_channels()
    for _ in range(120):
        try:
            client.wait_for_ready(timeout=300)
        except RuntimeError:  # no heartbeat yet
            time.sleep(2)
        else:
            break
    for cell in node.cells:
        if cell.cell_type == "code":
            reply = client.execute_interactive(cell.source, timeout=600, output_hook=lambda _: None)
            if reply["content"]["status"] != "ok":
                wrong.append(reply["content"].get("evalue", ""))
    client.stop_channels()
    wrong.remove("not finished")


def main(learners: int = 15, lesson: int = 4) -> int:
    """Measure, and say what it came to."""
    from funnelnb.teach import course

    with tempfile.TemporaryDirectory(prefix="funnelnb-") as made:
        home = Path(made) / "home"
        home.mkdir()
        folder = course.write(Path(made) / "course")
        node, port = nbformat.read(folder / course.file_of(lesson), as_version=4), 18_888 + os.getpid() % 1000
        server = started(folder, home, port)
        wrong: list[str] = []
        try:
            alone = sum(map(pss_mb, family(server.pid)))
            body = json.dumps({"name": "python3", "path": ""}).encode()
            kernels = [asked(port, "/kernels", body)["id"] for _ in range(learners)]
            wrong += ["not finished"] * learners
            work = [
                threading.Thread(target=learned, args=(home / f"kernel-{one}.json", node, wrong))
                for one in kernels
            ]
            for one in work:
                one.start()
            for one in work:
                one.join()
            whole = sum(map(pss_mb, family(server.pid)))
        finally:
            server.terminate()
            server.wait(timeout=60)
    each = (whole - alone) / learners
    print(
        f"lesson {lesson}: server {alone:.0f} MB, {learners} kernels {each:.0f} MB each, together {whole:.0f} MB"
    )
    for one in wrong:
        print("a cell failed:", one)
    return int(bool(wrong) or whole > PROMISED_MB)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
