"""``funnelnb new`` and ``funnelnb lab``: a working folder that works from any place."""

import os
import tomllib
from pathlib import Path

import nbformat
import pytest

import funnelnb as fn
from funnelnb import cli
from funnelnb.batch import workfolder
from funnelnb.core import resources
from funnelnb.core.errors import OutputError
from tests.batch.conftest import write_notebook


def funnelnb(*arguments: object) -> int:
    return cli.main([str(one) for one in arguments])


@pytest.fixture(autouse=True)
def _shelf(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a small notebook stand for those of the package."""
    shelf = tmp_path_factory.mktemp("shelf")
    for lang in resources.LANGUAGES:
        (shelf / lang).mkdir()
        write_notebook(shelf / lang / "01_small.ipynb")
    monkeypatch.setattr(resources, "notebook_folder", lambda lang: shelf / lang)


@pytest.mark.parametrize("lang", resources.LANGUAGES)
def test_new_makes_a_whole_folder(lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "a" / "work"
    assert funnelnb("new", target, "--lang", lang) == cli.OK
    assert "funnelnb report" in capsys.readouterr().out
    assert {path.name for path in target.iterdir()} == {"README.md", "data", "funnelnb.toml", "notebooks"}
    assert [path.name for path in target.parent.iterdir()] == ["work"]
    settings = tomllib.loads((target / "funnelnb.toml").read_text(encoding="utf-8"))
    assert (settings["data"], settings["language"]) == ("data/sample", lang)
    book, sample = fn.load(target), fn.sample()
    assert len(book.opportunities) == len(sample.opportunities)
    assert (book.playbook.id, book.as_of, book.currency) == (
        sample.playbook.id,
        sample.as_of,
        sample.currency,
    )
    assert {"en": "Look around", "zh": "先看一看"}[lang] in (target / "README.md").read_text(encoding="utf-8")


def test_its_notebooks_read_the_folders_own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = workfolder.make(tmp_path / "work", "en")
    node = nbformat.read(target / "notebooks" / "01_small.ipynb", as_version=4)
    cell = next(one for one in node.cells if "parameters" in one.metadata.get("tags", ()))
    scope: dict[str, str] = {}
    exec(cell.source, scope)
    monkeypatch.chdir(target / "notebooks")  # where JupyterLab starts a notebook's kernel
    assert len(fn.load(scope["data"]).opportunities) == len(fn.sample().opportunities)


def test_new_fills_an_empty_folder_even_the_one_you_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    workfolder.make(empty, "en")
    assert (empty / "funnelnb.toml").is_file()
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    inode = here.stat().st_ino
    assert funnelnb("new", ".") == cli.OK
    assert (here / "notebooks" / "01_small.ipynb").is_file()
    assert here.stat().st_ino == inode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "here"]


@pytest.mark.parametrize("kind", ["file", "full"])
def test_new_refuses_what_is_not_an_empty_folder(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "taken"
    if kind == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine.txt").write_text("mine")
    assert funnelnb("new", target) == cli.WRONG
    assert "is not an empty folder" in capsys.readouterr().err
    assert (target if kind == "file" else target / "mine.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_new_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workfolder, "_pointed", full)
    with pytest.raises(OutputError, match="No space left"):
        workfolder.make(tmp_path / "a" / "b" / "work", "en")
    assert list(tmp_path.iterdir()) == []


def test_lab_opens_the_folder_asked_for_this_one_or_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    monkeypatch.chdir(plain)
    assert workfolder.to_open(None) == resources.checkout()
    sample = resources.sample_folder()
    monkeypatch.setattr(resources, "checkout", lambda: None)
    monkeypatch.setattr(resources, "sample_folder", lambda: sample)
    made = workfolder.to_open(None)
    assert made == plain / "funnelnb-workbook"
    monkeypatch.chdir(made)
    assert workfolder.to_open(None) == made
    assert workfolder.to_open(plain) == plain
    with pytest.raises(OutputError, match="funnelnb new"):
        workfolder.to_open(tmp_path / "nowhere")


def test_lab_starts_jupyterlab_there_without_calling_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labapp = pytest.importorskip("jupyterlab.labapp")
    heard: list[list[str]] = []
    monkeypatch.setattr(labapp.LabApp, "launch_instance", lambda *, argv: heard.append(argv))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/somewhere/else")
    assert funnelnb("lab", tmp_path, "--no-browser", "--port", "9876", "--allow-root") == cli.OK
    first, *rest = os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert (first, len(rest)) == ("/somewhere/else", 1), "what the user names comes first"
    from jupyter_server.services.config.manager import ConfigManager

    defaults = ConfigManager(config_dir_name="labconfig").get("default_setting_overrides")
    assert defaults["@jupyterlab/apputils-extension:notification"] == {"fetchNews": "false"}, (
        "nobody is asked"
    )
    assert heard == [
        [
            f"--ServerApp.root_dir={tmp_path}",
            "--LabApp.default_url=/lab",  # no notebook there to open
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.news_url=None",
            "--no-browser",
            "--port=9876",
            "--allow-root",
        ]
    ]
