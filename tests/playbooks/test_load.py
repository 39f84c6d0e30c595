"""Playbooks from files and from plain lists of names."""

import pickle
import re
from pathlib import Path

import pytest

from funnelnb.core.errors import PlaybookError
from funnelnb.playbooks import SCHEMA_PATH, WON_STAGE, fold, library, load_playbook, playbook_from_stages
from funnelnb.playbooks.validate import WON_NAMES

DOCS = Path(__file__).resolve().parents[2] / "docs" / "playbooks.md"

SMALL = """
id = "own"
label = { en = "Own", zh = "自有" }
[[stages]]
id = "visit"
label = { en = "Visit", zh = "拜访" }
"""


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "own.toml"
    path.write_text(text, encoding=encoding)
    return path


def test_the_smallest_file(tmp_path: Path) -> None:
    path = write(tmp_path, SMALL)
    playbook = load_playbook(path)
    assert playbook.stage_ids == ("visit", "won")
    assert playbook.stages[1] == WON_STAGE
    assert playbook.about == playbook.label
    assert playbook.source == ""
    assert playbook.path == str(path)
    assert not playbook.circulates
    assert load_playbook(str(path)) == playbook


def test_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert load_playbook(write(tmp_path, SMALL, "utf-8-sig")).id == "own"


def test_a_bare_file_name_is_read_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, SMALL)
    monkeypatch.chdir(tmp_path)
    assert load_playbook("own.toml").id == "own"
    assert load_playbook("./own.toml").id == "own"


def test_won_stage_is_added_before_the_after_sale_stages(tmp_path: Path) -> None:
    after = '[[stages]]\nid = "care"\nlabel = { en = "Care", zh = "维护" }\nkind = "after_sale"\n'
    playbook = load_playbook(write(tmp_path, SMALL + after))
    assert playbook.stage_ids == ("visit", "won", "care")
    assert playbook.won == 1


def test_added_won_stage_takes_no_name_of_the_users_own(tmp_path: Path) -> None:
    assert {fold(name) for name in ("won", "Won", "赢单", *WON_STAGE.aliases)} == WON_NAMES
    for name in ("won", "Win", "成单"):
        text = SMALL.replace('zh = "拜访" }\n', f'zh = "拜访" }}\naliases = ["{name}"]\n')
        with pytest.raises(PlaybookError, match="called like a win"):
            load_playbook(write(tmp_path, text))
    playbook = load_playbook(write(tmp_path, SMALL.replace('"Visit"', '"Winning"')))
    assert playbook.position("winning") == 0
    assert playbook.position("Win") == 1


def test_edges_may_lead_from_the_added_won_stage(tmp_path: Path) -> None:
    edge = '[[edges]]\nsource = "won"\ntarget = "visit"\nkind = "referral"\n'
    playbook = load_playbook(write(tmp_path, SMALL + edge + 'label = { en = "Refers", zh = "介绍" }\n'))
    assert playbook.circulates
    assert (playbook.edges[0].source, playbook.edges[0].target) == ("won", "visit")


def test_list_of_names() -> None:
    playbook = playbook_from_stages(["Prospecting", "First Visit!", "Closed Won", "After sales"], id="maven")
    assert playbook.id == "maven"
    assert playbook.stage_ids == ("prospecting", "first_visit", "closed_won", "after_sales")
    assert [stage.kind for stage in playbook.stages] == ["working", "working", "won", "after_sale"]
    assert [stage.label.en for stage in playbook.stages] == [
        "Prospecting",
        "First Visit!",
        "Closed Won",
        "After sales",
    ]
    assert [stage.win_weight for stage in playbook.stages] == [None, None, 1.0, None]
    assert playbook.position("FIRST  VISIT") == 1


def test_list_of_chinese_names_without_a_won_stage() -> None:
    playbook = playbook_from_stages(["初步接触", "需求 确认", "７５％"])
    assert playbook.stage_ids == ("初步接触", "需求_确认", "stage_75", "won")
    assert playbook.won == 3
    assert playbook.position("需求确认") == 1
    assert playbook.position("75 %") == 2
    assert playbook.position("赢单") == 3


@pytest.mark.parametrize("name", library())
def test_survives_pickling_and_hashes(name: str) -> None:
    """Jobs that run side by side receive the playbook by pickling."""
    playbook = load_playbook(name)
    again = pickle.loads(pickle.dumps(playbook))
    assert again == playbook
    assert hash(again) == hash(playbook)
    assert again.position("赢单") == playbook.won


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Closed Won", "closedwon"),
        ("Ａ／Ｂ类", "ab类"),
        ("Proposal/Price Quote", "proposal price-quote"),
        ("75 %", "７５％"),
    ],
)
def test_names_are_compared_folded(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_example_of_the_guide_loads(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    whole = next(block for block in blocks if "[[stages]]" in block and "#:schema" in block)
    playbook = load_playbook(write(tmp_path, whole))
    assert playbook.stage_ids == ("enquiry", "sample_sent", "trial_order", "won", "reorder")
    assert playbook.circulates
    assert playbook.ending("项目取消") is not None


def test_guide_names_every_key_and_every_model() -> None:
    import json

    text = DOCS.read_text(encoding="utf-8")
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    for table in [schema, *schema["definitions"].values()]:
        for key in table.get("properties", {}):
            assert f"`{key}`" in text, key
        for value in table.get("enum", []):
            assert f"`{value}`" in text, value
    for name in library():
        assert f"`{name}`" in text
