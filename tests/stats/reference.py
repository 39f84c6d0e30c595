"""Reading the stored output of other programs (tests/reference/*.R make it, *.csv hold it)."""

from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).resolve().parents[1] / "reference"


def reference(name: str) -> pd.DataFrame:
    """Read one table; the first line says which program and version made it."""
    return pd.read_csv(FOLDER / f"{name}.csv", comment="#")
