"""Where the notebooks and the sample data lie: in the checkout, or packed into the installed package.

A checkout keeps them where people edit them (``notebooks/``, ``data/sample/``); the built wheel carries the
same files under ``funnelnb/_workbook/``. This is the only place that knows.
"""

from __future__ import annotations

from pathlib import Path

from funnelnb.core.errors import SourceError

LANGUAGES = ("en", "zh")
"""Languages that everything a reader sees exists in."""

_PACKAGE = Path(__file__).resolve().parents[1]


def checkout() -> Path | None:
    """Return the root of the source checkout the package runs from, or None when it is installed."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "notebooks").is_dir() else None


def notebook_folder(lang: str) -> Path:
    """Return the folder that holds the notebooks in `lang`.

    Parameters
    ----------
    lang : {"en", "zh"}

    Returns
    -------
    pathlib.Path

    Raises
    ------
    SourceError
        When the installation holds no notebooks.
    """
    return _find(f"notebooks/{lang}", f"_workbook/notebooks/{lang}", f"the notebooks ({lang})")


def sample_folder() -> Path:
    """Return the folder of the sample CRM export.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    SourceError
        When the installation holds no sample data.
    """
    return _find("data/sample", "_workbook/sample", "the sample data")


def _find(in_checkout: str, in_package: str, what: str) -> Path:
    root = checkout()
    candidates = [_PACKAGE / in_package]
    if root is not None:
        candidates.insert(0, root / in_checkout)
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise SourceError(
        f"{what} are not in this installation",
        expected=f"a folder {candidates[0]}",
        hint="install the package again: pip install --force-reinstall funnelnb",
    )
