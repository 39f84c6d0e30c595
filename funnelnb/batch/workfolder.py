"""A working folder of one's own: notebooks, sample data, settings and a page that says how to begin."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from funnelnb.batch import notebooks
from funnelnb.core import resources
from funnelnb.core.errors import OutputError
from funnelnb.data.contract.settings import FILE_NAME

_STARTER = Path(__file__).parent / "starter"
_LAB_SETTINGS = Path(__file__).parents[1] / "notebook"
"""Its folder `labconfig` holds defaults for JupyterLab."""
_SKIP = (".*", "__pycache__")


def make(target: Path, lang: str) -> Path:
    """Make a working folder, whole or not at all.

    Parameters
    ----------
    target : pathlib.Path
        A path where nothing is, or an empty folder.
    lang : {"en", "zh"}
        Language of notebooks, settings and README.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    OutputError
        The folder is not empty or cannot be written to.
    SourceError
        The installation lacks notebooks or sample data.
    """
    target = target.expanduser().absolute()
    try:
        taken = target.exists() and (not target.is_dir() or any(target.iterdir()))
        if taken:
            raise OutputError(
                f"{target} is not an empty folder",
                expected="a new name or an empty folder",
                hint="choose another name; nothing was changed",
            )
        return _moved_into(target, lang)
    except OSError as error:
        raise OutputError(
            f"{target} cannot be made: {error.strerror or error}",
            expected="a place where folders can be made",
            hint="choose another place; nothing was changed",
        ) from None


def config_path() -> list[str]:
    """Return the folders from which JupyterLab takes settings: those already named, and ours behind them.

    Ours says that no news are fetched, so that JupyterLab does not ask; the user's own settings come before it.
    """
    given = [one for one in os.environ.get("JUPYTER_CONFIG_PATH", "").split(os.pathsep) if one]
    return [*given, str(_LAB_SETTINGS)]


def _moved_into(target: Path, lang: str) -> Path:
    """Fill a folder beside `target`, then give it its name in one step."""
    ancestors = [one for one in target.parents if not one.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".funnelnb-", suffix=".tmp", dir=target.parent))
    try:
        _fill(part, lang)
        part.chmod(0o755)
        if target.exists() and target.samefile(Path.cwd()):  # the shell stands in it: keep the folder itself
            for one in part.iterdir():
                one.rename(target / one.name)
        else:
            part.replace(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        for one in ancestors:
            with contextlib.suppress(OSError):
                one.rmdir()
        raise
    shutil.rmtree(part, ignore_errors=True)
    return target


def _fill(part: Path, lang: str) -> None:
    sample = resources.sample_folder()
    shutil.copytree(sample, part / "data" / "sample", ignore=shutil.ignore_patterns(FILE_NAME, *_SKIP))
    own = (_STARTER / FILE_NAME).with_suffix(f".{lang}.toml").read_text(encoding="utf-8")
    (part / FILE_NAME).write_text(own + _settings(sample / FILE_NAME), encoding="utf-8")
    shutil.copyfile(_STARTER / f"README.{lang}.md", part / "README.md")
    (part / "notebooks").mkdir()
    for path in sorted(resources.notebook_folder(lang).glob("*.ipynb")):
        (part / "notebooks" / path.name).write_text(_pointed(path), encoding="utf-8")


def _settings(path: Path) -> str:
    """Return the sample's settings without its head, to follow our own."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    kept = [line for line in lines if not line.startswith("#")]
    return "\n".join(["", *kept, ""])


def _pointed(path: Path) -> str:
    """Return a notebook whose data are those of the folder it is put into."""
    import nbformat

    node = notebooks.open_notebook(path).node()
    for cell in node.cells:
        if notebooks.TAG in cell.metadata.get("tags", ()):
            cell.source = re.sub(r'^data: str = ""', 'data: str = ".."', cell.source, flags=re.MULTILINE)
    return str(nbformat.writes(node)) + "\n"


def first_notebook(folder: Path, lang: str | None = None) -> str:
    """Return the notebook to begin with, as a path within the folder; empty where there is none."""
    for inside in ("notebooks", f"notebooks/{lang or 'en'}", "notebooks/en"):
        found = sorted((folder / inside).glob("*.ipynb"))
        if found:
            return found[0].relative_to(folder).as_posix()
    return ""


def to_open(folder: Path | None) -> Path:
    """Return the folder that JupyterLab should show.

    Parameters
    ----------
    folder : pathlib.Path or None
        As asked for; None: this folder if it holds a workbook, else the checkout, else a new workbook here.

    Raises
    ------
    OutputError
        The folder asked for is not there.
    """
    if folder is not None:
        if not folder.is_dir():
            raise OutputError(
                f"there is no folder {folder}", expected="a folder", hint=f"make one: funnelnb new {folder}"
            )
        return folder.resolve()
    here = Path.cwd()
    if (here / FILE_NAME).is_file() or (here / "notebooks").is_dir():
        return here
    root = resources.checkout()
    return root if root is not None else make(here / "funnelnb-workbook", "en")
