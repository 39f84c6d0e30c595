"""File names of reports: inside the folder, one per value, readable where that is safe."""

import unicodedata
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelnb.batch.folder import NOTEBOOK_MARK, STEM_BYTES, stems

NASTY = [
    "../x",
    "..",
    ".",
    "",
    "  ",
    "/etc/passwd",
    "C:\\x",
    "华东/上海",
    "CON",
    "aux.txt",
    "LPT1",
    "nul",
    "-rf",
]
NASTY += ["~", "$(rm -r)", "a<b>", "index", "Manifest", "%2e%2e", "East@x", "a\x00b", "a\nb", "\ud800"]
NASTY += ["x" * 300, "中" * 300]


def test_plain_names_stay_as_they_are() -> None:
    assert stems(["East", "华东", "North & South", "naïve"]) == {
        one: one for one in ["East", "华东", "North & South", "naïve"]
    }


@pytest.mark.parametrize("value", NASTY)
def test_a_nasty_name_stays_in_the_folder(value: str, tmp_path: Path) -> None:
    stem = stems([value])[value]
    path = tmp_path / f"{stem}.html"
    path.write_text("x")  # a real file system takes it
    assert path.resolve().parent == tmp_path.resolve()
    assert list(tmp_path.iterdir()) == [path]
    assert not PureWindowsPath(f"{stem}.html").is_reserved()
    assert stem.casefold() not in {"index", "manifest"}


def test_names_that_differ_by_case_or_unicode_form_get_different_files() -> None:
    values = ["East", "east", "EAST", "Ｅａｓｔ", "é", "e\u0301", "straße", "STRASSE"]
    found = stems(values)
    assert len({unicodedata.normalize("NFKC", one).casefold() for one in found.values()}) == len(values)


def test_a_value_that_imitates_a_hashed_stem_meets_nobody() -> None:
    victim = stems(["../x"])["../x"]
    assert stems([victim, "../x"])[victim] != victim


def test_a_stem_does_not_depend_on_the_order_of_values() -> None:
    assert stems(NASTY) == stems(NASTY[::-1])


@given(st.lists(st.text(max_size=200), max_size=12))
def test_any_text_gives_distinct_portable_stems(values: list[str]) -> None:
    found = stems(values)
    assert set(found) == set(values)
    folded = {unicodedata.normalize("NFKC", one).casefold() for one in found.values()}
    assert len(folded) == len(set(values))
    for stem in found.values():
        assert not set(stem) & set('/\\:*?"<>|\0\n' + NOTEBOOK_MARK)
        assert stem.strip(" .-~") not in {"", ".", ".."}
        assert len(f"{stem}{NOTEBOOK_MARK}{'n' * 60}.html".encode()) <= 255
        assert len(stem.encode()) <= STEM_BYTES + 9
