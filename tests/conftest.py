"""Fixtures for the whole suite."""

import fcntl
import functools
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("laptop", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, max_examples=50
)  # the same examples every time
settings.register_profile("fuzz", deadline=None, max_examples=2000)  # tools/verify.sh fuzz
settings.load_profile(os.environ.get("FUNNELNB_HYPOTHESIS", "ci" if os.environ.get("CI") else "laptop"))

ROOT = Path(__file__).resolve().parents[1]

# Spark's own Python processes are to be this one, whichever test starts the JVM first.
os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable


def skip_or_fail(reason: str) -> None:
    """Skip with `reason` on a laptop; under CI a missing program or input is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"under CI nothing may be missing: {reason}", pytrace=False)
    pytest.skip(reason)


def wait_until(condition: Callable[[], object], what: str, seconds: float = 300) -> None:
    """Wait for what another process does; fail naming it when it does not come, however slow the machine."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            pytest.fail(f"waited {seconds:.0f} s in vain: {what}", pytrace=False)
        time.sleep(0.02)


MORE_PAGES = {"00", "05", "06", "08"}
"""Kinds of pages that the long tier looks at as well."""


@pytest.fixture(scope="session")
def warm_server() -> Iterator[str]:
    """Return the address of one server for all tests that do not try how a run starts its own; empty without fork."""
    from funnelnb.batch import forkserver

    with forkserver.started() as server:
        yield getattr(server, "address", "")


@pytest.fixture
def warm(warm_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs fork from a warm server, as under `funnelnb warm`; without this each starts its own."""
    from funnelnb.batch import forkserver

    monkeypatch.setenv(forkserver.ADDRESS, warm_server)


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that `make` fills once for all workers of this test run."""
    base = factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder, finished = base / name, base / f"{name}.finished"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            make(folder)
            finished.touch()
    return folder


@pytest.fixture(scope="session")
def sample_pages(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[[str], Path]:
    """Reports of one region of the sample company, every kind of page, made once in each language that is asked for."""

    def folder(lang: str) -> Path:
        from funnelnb.batch import forkserver
        from funnelnb.batch.notebooks import notebooks
        from funnelnb.batch.run import Progress, request_of, run

        def make(out: Path) -> None:
            wanted = {"01", "02", "03", "04"} | (MORE_PAGES if os.environ.get("FUNNELNB_VERIFY") else set())
            names = tuple(one.name for one in notebooks(lang) if one.name[:2] in wanted)
            asked, _ = request_of({
                "data": (str(ROOT / "data/sample"),), "by": "region", "lang": lang, "notebooks": names, "out": out,
                "only": ("DACH", "Iberia") if lang == "en" else ("DACH",),
            })  # fmt: skip
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv(forkserver.ADDRESS, request.getfixturevalue("warm_server"))
                assert run(asked, Progress()).outcome == "ok"

        return once(tmp_path_factory, f"pages-{lang}", make)

    return functools.cache(folder)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real inputs that are kept beside the project, never in it."""
    path = Path(os.environ.get("FUNNELNB_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        skip_or_fail(f"the real inputs are not at {path} (set FUNNELNB_SHARED_DATA)")
    return path
