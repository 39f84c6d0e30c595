"""docs/data.md says what the code does: tables, settings and problems are compared with their lists."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from funnelnb.data.contract.problems import CODES
from funnelnb.data.contract.settings import Settings, TableSettings, read_settings
from funnelnb.data.contract.tables import TABLES
from funnelnb.data.read.files import SUFFIXES
from funnelnb.data.recognise.columns import presets

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `?([a-z_]+)`? \| (.*) \|$", TEXT, flags=re.MULTILINE))


@pytest.mark.parametrize("table", TABLES)
def test_every_column_stands_in_its_row(table):
    shown = [f"**{one.name}**" if one.required else one.name for one in TABLES[table]]
    assert ROWS[table].split(", ") == shown


@pytest.mark.parametrize("code", CODES)
def test_every_problem_has_its_default_and_choices(code):
    default, choices = ROWS[code].split(" | ")
    known = CODES[code]
    assert default == ("stop" if known.fixed else "`on_problem`" if known.usual == "problem" else known.usual)
    assert tuple(re.sub(r" \([^)]*\)", "", choices).split(", ")) == known.choices


def test_the_settings_shown_are_complete_and_valid():
    shown = tomllib.loads(re.search(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL).group(1))
    settings = read_settings(shown)
    assert set(shown) == {one.name for one in dataclasses.fields(Settings)} - {"path"}
    own = {one.name for one in dataclasses.fields(TableSettings)} - {"decimal", "date_order", "limits"}
    assert set(shown["tables"]["opportunities"]) == own
    assert settings.table("opportunities").joins[0].on == {"Vertreter": "Name"}


def test_presets_and_endings_are_named():
    for name in presets():
        assert f"| `{name}` |" in TEXT
    for suffix in set(SUFFIXES) - {".pq", ".ddb", ".db"}:
        assert f"`{suffix}`" in TEXT
