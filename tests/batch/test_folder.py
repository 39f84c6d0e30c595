"""The output folder: whole files or none, never over a stranger's, refused at once when read-only or full."""

import errno
import os
import resource
import shutil
from pathlib import Path
from typing import Any

import pytest

from funnelnb.batch import folder
from funnelnb.core.errors import OutputError


def test_a_folder_is_made_with_its_parents_and_holds_only_what_was_written(tmp_path: Path) -> None:
    with folder.opened(tmp_path / "a" / "b") as out:
        out.write("华东.html", "x")
        assert out.read("华东.html") == b"x"
        assert out.read("none.html") is None
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["华东.html"]


def test_a_folder_that_nothing_was_written_to_is_gone_again(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), folder.opened(tmp_path / "a" / "b"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "sub" / "out"):
        with pytest.raises(OutputError, match="cannot be written to"), folder.opened(path):
            pytest.fail("was opened")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_read_only_folder_is_refused_at_once(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    if os.geteuid() == 0:  # root may write there: take a folder in which nobody can make a file
        locked = Path("/proc/self")
    for path in (locked, locked / "out"):
        with pytest.raises(OutputError, match="cannot be written to"), folder.opened(path):
            pytest.fail("was opened")


def test_a_full_disk_is_refused_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (folder.REPORT_BYTES // 2, before[1]))
    try:
        with pytest.raises(OutputError, match="cannot be written to"), folder.opened(tmp_path / "out"):
            pytest.fail("was opened")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_later_keeps_the_old_file_whole(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with folder.opened(tmp_path) as out:
        out.write("a.html", "old")
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        try:
            with pytest.raises(OutputError):
                out.write("a.html", "n" * 5000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert out.read("a.html") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


def test_too_little_room_is_told_in_megabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage: Any = shutil.disk_usage(tmp_path)._replace(free=3_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with folder.opened(tmp_path) as out:
        out.room_for(1)
        with pytest.raises(OutputError, match=r"room for 3 MB\n  expected: 200 MB for 100 reports"):
            out.room_for(100)


@pytest.mark.parametrize(
    ("name", "content", "ours"),
    [
        ("index.html", "<html>my own page</html>", False),
        ("index.html", '<meta name="generator" content="funnelnb 0.1.0">', True),
        ("manifest.json", '{"name": "my web app"}', False),
        ("manifest.json", '{"made_by": "funnelnb 0.1.0"}', True),
        ("East.ipynb", '{"metadata": {}}', False),
        ("East.ipynb", '{"metadata": {"funnelnb": {"key": 1}}}', True),
    ],
)
def test_a_strangers_file_is_never_written_over(tmp_path: Path, name: str, content: str, ours: bool) -> None:
    (tmp_path / name).write_text(content)
    with folder.opened(tmp_path) as out:
        if ours:
            out.strangers(["East.html", "East.ipynb"])
        else:
            with pytest.raises(OutputError, match=name):
                out.strangers(["East.html", "East.ipynb"])


@pytest.mark.parametrize("late", [False, True])
def test_without_room_for_temporary_files_it_says_where_and_what_to_do(
    late: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path if late else tmp_path / "none"))
    with (
        pytest.raises(OutputError, match=r"(?s)temporary files.*cannot be written to.*TMPDIR"),
        folder.scratch(),
    ):
        assert late
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []
