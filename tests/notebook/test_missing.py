"""Whatever the data lack, every notebook of the package runs to its end: a section is one sentence, no failure."""

import contextlib
import io
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from funnelnb.core import resources
from tests.conftest import ROOT

NOTEBOOKS = sorted(
    resources.notebook_folder("en").glob("0[0-68]*.ipynb")
)  # 07 is about event logs, not deals
KEPT = {
    "an id and a stage": ["opportunity_id", "stage"],
    "a region too": ["opportunity_id", "stage", "region"],
    "no segment": ["opportunity_id", "stage", "region", "amount", "created_at", "closed_at", "outcome"],
    "customers without need and intent": [
        "opportunity_id",
        "account_id",
        "stage",
        "region",
        "amount",
        "created_at",
        "closed_at",
        "outcome",
    ],
    "no dates": ["opportunity_id", "stage", "region", "segment", "amount", "outcome", "owner"],
}


@pytest.fixture(params=KEPT)
def poor(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the sample's deals with few columns, and no other table."""
    deals = pd.read_csv(resources.sample_folder() / "opportunities.csv", dtype=str)
    deals = deals.head(500)
    deals[KEPT[request.param]].to_csv(tmp_path / "opportunities.csv", index=False)
    if "account_id" in KEPT[request.param]:  # with moves between the first stages only
        customers = pd.read_csv(resources.sample_folder() / "accounts.csv", dtype=str)
        customers[["account_id", "name", "size"]].to_csv(tmp_path / "accounts.csv", index=False)
        moves = pd.read_csv(resources.sample_folder() / "stage_history.csv", dtype=str)
        early = moves["stage"].eq("find_opportunity")
        mine = moves["opportunity_id"].isin(deals["opportunity_id"])
        moves[early & mine].to_csv(tmp_path / "stage_history.csv", index=False)
    (tmp_path / "funnelnb.toml").write_text('playbook = "seven_step"\nas_of = "2026-06-30"\n')
    return tmp_path


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem[:2])
def test_a_notebook_runs_to_its_end_on_poor_data(path: Path, poor: Path) -> None:
    regional = "region" in (poor / "opportunities.csv").read_text().splitlines()[0]
    given = {"data": str(poor), "value": "DACH" if regional else ""}
    names = {"__name__": "__main__"}
    said = io.StringIO()
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            with contextlib.redirect_stdout(said):
                exec(compile(cell.source, path.stem, "exec"), names)
            if "parameters" in cell.metadata.get("tags", ()):
                names.update(given)
    if path.stem.startswith("03"):
        assert "This section is missing: no target: the data has no table 'targets'" in said.getvalue()


@pytest.mark.parametrize("source", sorted((ROOT / "notebooks/src").glob("*.py")), ids=lambda path: path.stem)
def test_both_languages_begin_with_the_same_parameters(source):
    """A default that differs (such as a column that not every export has) fails every report of one language."""
    defaults: dict[str, set[str]] = {}
    for name, value in re.findall(
        r"^(\w+): \w+ = ([^#\n]*?)\s*(?:#.*)?$", source.read_text(encoding="utf-8"), re.M
    ):
        defaults.setdefault(name, set()).add(value)
    assert {name: values for name, values in defaults.items() if len(values) > 1} == {}
