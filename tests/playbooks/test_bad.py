"""Each possible mistake in a playbook gets its own message.

Every file in ``bad/`` is broken in one way and ends with the message it must cause (lines ``#>``; ``*``
stands for words that belong to the TOML reader of the Python version).
"""

import copy
import datetime
import math
import re
import tomllib
from pathlib import Path

import pytest

from funnelnb.core.errors import PlaybookError
from funnelnb.playbooks import SCHEMA_PATH, load_playbook, playbook_from_stages
from funnelnb.playbooks.load import _build

BAD = Path(__file__).parent / "bad"
FILES = sorted(path.stem for path in BAD.glob("*.toml"))


@pytest.mark.parametrize("name", FILES)
def test_message(name: str) -> None:
    path = BAD / f"{name}.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    expected = "\n".join(line[3:] for line in lines if line.startswith("#> "))
    with pytest.raises(PlaybookError) as caught:
        load_playbook(path)
    found = str(caught.value).replace(str(path), path.name)
    assert re.fullmatch(re.escape(expected).replace(r"\*", ".*"), found), found


def test_the_messages_differ() -> None:
    """No two kinds of mistake share a finding, once the names in it are taken out."""
    findings = {}
    for name in FILES:
        if name in {"empty_file", "many_mistakes", "stages_as_names"}:  # several mistakes in one file
            continue
        lines = (BAD / f"{name}.toml").read_text(encoding="utf-8").splitlines()
        told = tuple(line.replace(f"{name}.toml", "") for line in lines if line.startswith("#> "))
        assert told not in findings.values()
        findings[name] = told
    assert len(findings) >= 45


def test_all_mistakes_at_once() -> None:
    with pytest.raises(PlaybookError, match="has 7 mistakes") as caught:
        load_playbook(BAD / "many_mistakes.toml")
    assert str(caught.value).count("expected:") == str(caught.value).count("remedy:") == 7


def test_unknown_id_names_the_nearest() -> None:
    with pytest.raises(PlaybookError, match="there is no stage model 'seven-steps'") as caught:
        load_playbook("seven-steps")
    assert caught.value.hint == "did you mean 'seven_step'?"
    assert "weekly_report" in caught.value.expected
    with pytest.raises(PlaybookError) as caught:
        load_playbook("xyzzy")
    assert caught.value.hint == "write the path of your own file with .toml at the end"


def test_not_a_name_or_path() -> None:
    with pytest.raises(PlaybookError, match="found 3 as the stage model"):
        load_playbook(3)  # type: ignore[arg-type]


def test_missing_file(tmp_path: Path) -> None:
    (tmp_path / "our_team.toml").touch()
    with pytest.raises(PlaybookError, match=r"our_taem\.toml does not exist") as caught:
        load_playbook(tmp_path / "our_taem.toml")
    assert caught.value.hint == "did you mean 'our_team.toml'?"
    with pytest.raises(PlaybookError, match="does not exist") as caught:
        load_playbook(str(tmp_path / "no" / "such.toml"))
    assert "read from the folder in which you work" in caught.value.hint


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="is a folder"):
        load_playbook(tmp_path)


def test_other_encoding(tmp_path: Path) -> None:
    path = tmp_path / "gbk.toml"
    path.write_bytes('id = "own"\nlabel = { en = "Own", zh = "自有" }\n'.encode("gbk"))
    with pytest.raises(PlaybookError, match=r"is not UTF-8 text \(byte 40\)") as caught:
        load_playbook(path)
    assert caught.value.hint == "save it with the encoding UTF-8"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "the list is empty"),
        (["Visit", 7], "stage 2: found 7"),
        (["Visit", " - "], "stage 2: found ' - '"),
        (["Visit", "Offer", "visit"], "stage 3: 'visit' is already stage 1"),
        (["Visit", "Won", "Lost"], "stage 3: 'Lost' is an outcome, not a stage"),
        (["Visit", "Won", "成交"], "stage 3: '成交' is a second won stage, besides stage 2"),
        (["Won", "Referral"], "stage 1: there is no working stage"),
    ],
)
def test_list_of_stages(names: list[str], message: str) -> None:
    with pytest.raises(PlaybookError) as caught:
        playbook_from_stages(names, path="funnelnb.toml, key 'stages'")
    assert caught.value.found.startswith("funnelnb.toml, key 'stages'")
    assert message in caught.value.found
    assert caught.value.expected
    assert caught.value.hint


def test_list_of_stages_tells_all_mistakes() -> None:
    with pytest.raises(PlaybookError, match="stages has 2 mistakes"):
        playbook_from_stages(["Visit", "visit", "Lost"])


WHOLE = tomllib.loads("""
id = "own"
label = { en = "Own", zh = "自有" }
about = { en = "For us.", zh = "自用。" }
source = "us"
principles = [{ en = "Ask", zh = "多问" }]
outlook = { en = "Better", zh = "更好" }
cycle_months = [3, 24]
[[stages]]
id = "visit"
label = { en = "Visit", zh = "拜访" }
kind = "working"
win_weight = 0.1
win_weight_exit = 0.2
state = { en = "Visited", zh = "已拜访" }
purpose = { en = "Know", zh = "了解" }
goals = [{ en = "Closer", zh = "更近" }]
channels = [{ en = "Fair", zh = "展会" }]
if_unmet = "stay"
warning = { en = "Trouble", zh = "麻烦" }
find_out = [{ en = "Who?", zh = "谁？" }]
features = [{ en = "Met", zh = "见过" }]
entry = [{ id = "known", label = { en = "Known", zh = "认识" } }]
exit = [{ id = "met", label = { en = "Met", zh = "见面" }, required = false }]
roles = ["user"]
actions = [{ en = "Go", zh = "去" }]
questions = [{ label = { en = "Why?", zh = "为何？" }, role = "user" }]
next_step = { en = "Offer", zh = "报价" }
aliases = ["Meeting"]
[[stages]]
id = "done"
label = { en = "Done", zh = "完成" }
kind = "won"
[[remedies]]
problem = { en = "Few", zh = "少" }
label = { en = "More", zh = "多" }
stage = "visit"
[[edges]]
source = "done"
target = "visit"
kind = "referral"
label = { en = "Refers", zh = "介绍" }
[[endings]]
id = "gone"
label = { en = "Gone", zh = "流失" }
outcome = "lost"
aliases = ["Went away"]
""")
"""A playbook that uses every key of the schema."""

JUNK = [0, 1.5, math.nan, True, "", "x", [], [7], {}, {"id": 7}, datetime.date(2026, 6, 30)]


def _nodes(at: object, path: tuple = ()) -> list[tuple]:
    steps = at.items() if isinstance(at, dict) else enumerate(at) if isinstance(at, list) else ()
    return [
        *([path] if path else []),
        *(one for step, child in steps for one in _nodes(child, (*path, step))),
    ]


@pytest.mark.parametrize("path", _nodes(WHOLE), ids=lambda path: ".".join(map(str, path)))
def test_junk_anywhere_is_told_never_thrown(path: tuple) -> None:
    """Any value at any place gives a playbook or a PlaybookError, never another exception."""
    for junk in JUNK:
        raw = copy.deepcopy(WHOLE)
        at = raw
        for step in path[:-1]:
            at = at[step]
        was, at[path[-1]] = at[path[-1]], junk
        try:
            _build(raw, "own.toml")
        except PlaybookError as error:
            assert "own.toml" in str(error)
            assert "remedy" in str(error)
        else:
            kind = "number" if isinstance(was, int | float) and not isinstance(was, bool) else type(was)
            same = isinstance(junk, int | float) if kind == "number" else isinstance(junk, kind)
            assert same, f"{junk!r} was taken at {path}"


def test_whole_uses_every_key() -> None:
    """The playbook above is a fair target: it holds each key that the schema knows."""
    import json

    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    tables = [schema, *schema["definitions"].values()]
    keys = {key for table in tables for key in table.get("properties", {})}
    used = {step for path in _nodes(WHOLE) for step in path if isinstance(step, str)}
    assert used == keys
