"""Which notebooks are there, and what does each take?"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from funnelnb.batch import parameters
from funnelnb.core import resources
from funnelnb.core.errors import ParameterError, SourceError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    """A notebook that can be run per region.

    Attributes
    ----------
    name : str
        File name without ending, such as ``"01_conversion_by_segment"``.
    path : pathlib.Path
    title : str
        Its first heading.
    parameters : Mapping of str to Parameter
    fingerprint : str
        Hash of the file: a changed notebook is run again.
    own : bool
        True for a notebook that came with the package.
    """

    name: str
    path: Path
    title: str
    parameters: Mapping[str, parameters.Parameter]
    fingerprint: str
    own: bool

    def node(self) -> NotebookNode:
        """Return a fresh copy of the notebook, to be changed freely."""
        return _read(self.path)

    def blank(self) -> NotebookNode:
        """Return a fresh copy without anything that an earlier run left in it.

        A notebook is stored with the outputs of whatever data it was last run on. None of that may ever stand
        in a report about other data, not even below a cell that fails or is skipped.
        """
        node = _read(self.path)
        node.metadata.pop("widgets", None)  # the stored state of controls holds figures, too
        for cell in node.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
                cell.metadata.pop("execution", None)
        return node


def notebooks(lang: str = "en") -> tuple[Notebook, ...]:
    """Which notebooks come with the package?

    Parameters
    ----------
    lang : {"en", "zh"}
        Edition.

    Returns
    -------
    tuple of Notebook
        In the order of their numbers.
    """
    paths = sorted(resources.notebook_folder(lang).glob("*.ipynb"))
    return tuple(open_notebook(path, own=True) for path in paths)


def default(lang: str = "en") -> str:
    """Return the name of the notebook that is run when none is named: the first of the package."""
    paths = sorted(resources.notebook_folder(lang).glob("*.ipynb"))
    if not paths:
        raise ParameterError(
            f"there is no notebook in {resources.notebook_folder(lang)}",
            expected="the notebooks that come with the package",
            hint="name one: --notebook FILE.ipynb",
        )
    return paths[0].stem


def find(name: str, lang: str = "en") -> Notebook:
    """Return the notebook that `name` means.

    Parameters
    ----------
    name : str
        Name (``"01_conversion_by_segment"``), number (``"01"`` or ``"1"``), name without number, or a path.
    lang : {"en", "zh"}
        Edition, for a notebook of the package.

    Returns
    -------
    Notebook

    Raises
    ------
    ParameterError
        There is no such notebook; the message names the nearest.
    """
    if name.endswith(".ipynb") or "/" in name or "\\" in name:
        return open_notebook(Path(name))
    paths = {path.stem: path for path in sorted(resources.notebook_folder(lang).glob("*.ipynb"))}
    for stem, path in paths.items():
        number, _, words = stem.partition("_")
        if name in {stem, number, words, number.lstrip("0")}:
            return open_notebook(path, own=True)
    raise ParameterError(
        f"there is no notebook {name!r}",
        expected="a notebook's name (see `funnelnb list`) or the path of an .ipynb file",
        hint=nearest(name, [*paths, *(stem.partition("_")[2] for stem in paths)]),
    )


def open_notebook(path: Path, *, own: bool = False) -> Notebook:
    """Read what a notebook file says about itself.

    Parameters
    ----------
    path : pathlib.Path
    own : bool
        Whether it comes with the package.

    Returns
    -------
    Notebook

    Raises
    ------
    ParameterError
        The file is missing, not a notebook, or not a Python notebook.
    """
    node = _read(path)
    language = node.metadata.get("kernelspec", {}).get("language", "python").casefold()
    if language != "python":
        raise ParameterError(f"notebook {path} is written in {language}", expected="a Python notebook")
    return Notebook(
        name=path.stem,
        path=path.resolve(),
        title=_title(node) or path.stem,
        parameters=parameters.read(node),
        fingerprint=hashlib.sha256(path.read_bytes()).hexdigest()[:16],
        own=own,
    )


def _title(node: NotebookNode) -> str:
    text = "\n".join(cell.source for cell in node.cells if cell.cell_type == "markdown")
    return next((line[2:].strip() for line in text.splitlines() if line.startswith("# ")), "")


def _read(path: Path) -> NotebookNode:
    import nbformat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an older notebook without cell ids is fine
            return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        folder = path.parent
        known = [one.name for one in folder.glob("*.ipynb")] if folder.is_dir() else []
        raise ParameterError(
            f"there is no notebook file {path}", expected="an .ipynb file", hint=nearest(path.name, known)
        ) from None
    except OSError as error:
        raise SourceError(
            f"notebook {path} cannot be read: {error.strerror}", expected="a readable file"
        ) from None
    except Exception as error:
        raise ParameterError(
            f"{path} is not a Jupyter notebook: {str(error).splitlines()[0]}",
            expected="a notebook in format 4",
            hint="open it in JupyterLab and save it again",
        ) from None
