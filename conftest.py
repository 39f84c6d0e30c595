"""Every Markdown file runs: each ```python block is typed in, in order, and what stands behind >>> must come out.

A document has a folder of its own with the sample company as `exports/`, as a reader would have. A block that cannot
run says why in a comment before it: ``<!-- skip: next "reason" -->``.
"""

import os
import re
import shutil
import tempfile
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).resolve().parent


def enter(namespace):
    """Stand in a new folder that holds the sample company as an export."""
    namespace["_home"], folder = Path.cwd(), tempfile.mkdtemp(prefix="document-")
    namespace["_folder"] = folder
    shutil.copytree(ROOT / "data" / "sample", Path(folder) / "exports")
    os.chdir(folder)


def leave(namespace):
    """Go back, and leave nothing behind: no folder, no option."""
    import funnelnb as fn

    os.chdir(namespace["_home"])
    shutil.rmtree(namespace["_folder"])
    fn.options(lang="en")


def keep(example):
    """Write a ```toml block that begins with ``# name.toml`` to that file, for the blocks after it."""
    named = re.match(r"# (\w+\.toml)\n", example.parsed)
    if named:
        Path(named.group(1)).write_text(example.parsed, encoding="utf-8")


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=ELLIPSIS | NORMALIZE_WHITESPACE),
        CodeBlockParser("toml", keep),
        SkipParser(),
    ],
    patterns=["*.md"],
    setup=enter,
    teardown=leave,
).pytest()


TOGETHER = {
    f"tests/data/{name}.py": "tests with Spark"
    for name in ("test_engines", "test_clock", "events/test_spark")
}
"""Files that one worker runs, as what they share takes long to begin."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give each worker whole files, and files that share one Java machine to the same worker."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return TOGETHER.get(file, file)

    return Scheduling(config, log)
