"""One stage model whole: every text of its file is shown, in order, in both languages."""

import tomllib
from pathlib import Path

import pytest

import funnelnb as fn
from funnelnb.core.errors import PlaybookError
from funnelnb.playbooks import SCHEMA_PATH, library, playbook_from_stages

LIBRARY = SCHEMA_PATH.parent / "library"
NOT_TEXT = {"id", "source", "aliases", "kind", "roles", "role", "outcome", "if_unmet", "target", "stage"}


def texts(raw: object, lang: str) -> list[str]:
    """Every text of a file in one language."""
    if isinstance(raw, dict):
        if set(raw) == {"en", "zh"}:
            return [raw[lang]]
        return [one for key, value in raw.items() if key not in NOT_TEXT for one in texts(value, lang)]
    return [one for value in raw for one in texts(value, lang)] if isinstance(raw, list) else []


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", library())
def test_nothing_of_the_file_is_left_out(name: str, lang: str) -> None:
    raw = tomllib.loads((LIBRARY / f"{name}.toml").read_text(encoding="utf-8"))
    shown = fn.playbook(name).text(lang)
    assert [one for one in texts(raw, lang) if one not in shown] == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_three_forms_say_the_same(lang: str) -> None:
    result = fn.playbook("seven_step")
    for one in result.rows:
        text = one.text_zh if lang == "zh" else one.text_en
        words = text.split()[0].strip("?.,？。")
        for form in (result.text(lang), result.html(lang), result.markdown(lang)):
            assert words in form
    assert result.html(lang) == result.html(lang)
    assert "<script" not in result.html(lang) and "http" not in result.html(lang)


def test_frame_has_a_row_for_each_text() -> None:
    frame = fn.playbook("behaviour").to_frame()
    assert len(frame) == fn.playbook("behaviour").rows.__len__()
    asked = frame[(frame["stage"] == "target") & (frame["aspect"] == "exit")]
    assert list(asked["text_zh"]) == ["已精准定位目标客户", "已搜集到客户名单"]


def test_roles_addressed_are_explained() -> None:
    text = fn.playbook("seven_step").text("zh")
    for told in ("公司老总、董事长", "从这项购买投资中，我们能得到什么回报？", "决策人"):
        assert told in text


def test_a_book_and_a_list_of_names_are_shown_too() -> None:
    assert fn.playbook(fn.sample()).model.id == fn.sample().playbook.id
    own = fn.playbook(playbook_from_stages(["Call", "Offer", "Won"]))
    assert "Offer" in own.text("en")


def test_text_from_a_file_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(
        'id = "own"\nlabel = { en = "<script>x</script>", zh = "<b>" }\n[[stages]]\nid = "call"\n'
        'label = { en = "<img src=x>", zh = "打" }\nactions = [{ en = "<i>go</i>", zh = "去" }]\n',
        encoding="utf-8",
    )
    html = fn.playbook(path).html("en")
    assert "<script>" not in html and "<img" not in html and "<i>" not in html


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(PlaybookError) as caught:
        fn.playbook("seven-steps")
    assert "seven_step" in caught.value.hint
