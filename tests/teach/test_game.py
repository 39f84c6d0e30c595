"""The practice game: same decisions, same year; nothing is lost; luck and skill are told apart in both languages."""

import re
from pathlib import Path

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.core.errors import ParameterError, SourceError
from funnelnb.teach import Game, compare


@pytest.fixture(autouse=True)
def _few_other_years(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("funnelnb.simulate.decisions.LUCKS_N", 30)


@pytest.fixture(scope="module")
def played() -> Game:
    game = fn.teach.floor(seed=5, player="Ann")
    game.promise(quota=400_000, forecast=350_000, low=200_000, high=500_000)
    game.decide(weeks=13, hours={"A": 0.5, "B": 0.3}, scoop=6, let_go=8)
    game.decide(weeks=39, order="value", let_go=8)
    return game


def test_same_seed_and_decisions_give_the_same_year(played: Game) -> None:
    again = fn.teach.floor(seed=5)
    again.decide(weeks=13, hours={"A": 0.5, "B": 0.3}, scoop=6, let_go=8).decide(weeks=39, let_go=8)
    np.testing.assert_array_equal(again.results()["won_amount"], played.results()["won_amount"])


def test_what_can_be_seen_says_nothing_of_the_truth() -> None:
    game = fn.teach.floor(seed=5)
    for frame in (game.deals(), game.leads(), game.people()):
        assert not {"chance", "dies", "need", "ability"} & set(frame.columns)
    assert set(game.deals()["deal"]).isdisjoint(game.leads()["deal"])


def test_a_mistake_changes_nothing() -> None:
    game = fn.teach.floor(seed=5)
    before = game.deals()
    for wrong in ({"hours": {"Z": 1}}, {"scoops": 3}, {"weeks": 60}, {"first": ["D9999"]}):
        with pytest.raises(ParameterError):
            game.decide(**wrong)
    assert game.week == 0
    assert game.deals().equals(before)


def test_a_promise_is_made_at_the_start_of_a_quarter_only(played: Game) -> None:
    game = fn.teach.floor(seed=5).decide(weeks=2)
    with pytest.raises(ParameterError, match="under way"):
        game.promise(quota=1, forecast=1)
    with pytest.raises(ParameterError, match="hold"):
        fn.teach.floor(seed=5).promise(quota=1, forecast=5, low=6, high=7)
    first = played.results().iloc[0]
    assert (first["quota"], first["forecast"]) == (400_000, 350_000)


def test_the_debrief_waits_for_the_end() -> None:
    with pytest.raises(ParameterError, match="week 1"):
        fn.teach.floor(seed=5).debrief()


def test_deals_and_money_add_up(played: Game) -> None:
    ended = played.ended()
    assert ended.loc[ended["outcome"] == "won", "amount"].sum() == played.results()["won_amount"].sum()
    assert len(ended) + len(played.deals()) + len(played.leads()) == played._truth.law.deals_n


def test_a_saved_game_goes_on_where_it_was(played: Game, tmp_path: Path) -> None:
    half = fn.teach.floor(seed=5, player="Ann").decide(weeks=20, hours={"A": 0.5}, let_go=["D0003"])
    path = half.save(tmp_path / "game.json")
    read = Game.read(path)
    assert (read.week, read.player) == (20, "Ann")
    assert read.deals().equals(half.deals())
    np.testing.assert_array_equal(
        read.decide(weeks=32).results()["won_amount"], half.decide(weeks=32).results()["won_amount"]
    )
    assert Game.read(played.save(path)).results().equals(played.results())


@pytest.mark.parametrize(
    "content", ["", "{}", '{"seed": 1, "promises": [], "decisions": [{"order": "x"}]}', "[1]"]
)
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "game.json"
    path.write_text(content)
    with pytest.raises(SourceError, match="no saved game"):
        Game.read(path)
    with pytest.raises(SourceError, match="cannot be read"):
        Game.read(tmp_path / "missing.json")


def test_the_debrief_says_the_same_in_both_languages(played: Game) -> None:
    told = played.debrief({"A": 0.5})
    assert told.truth["A"] < 1
    assert told.quotas_met_n in {0, 1}
    english, chinese = (told.sentences(lang) for lang in ("en", "zh"))
    assert len(english) == len(chinese) == 5
    for one, other in zip(english, chinese, strict=True):
        assert sorted(re.findall(r"\d+(?:,\d{3})*%?", one)) == sorted(re.findall(r"\d+(?:,\d{3})*%?", other))
    assert not re.search(r"[A-Za-z]{2,}", "".join(chinese))


def test_a_class_is_ranked_by_skill_not_by_luck(played: Game) -> None:
    other = fn.teach.floor(seed=5, player="Bo").decide(weeks=52, order="newest")
    table = compare([other.debrief(), played.debrief()])
    assert list(table["player"]) == ["Ann", "Bo"]
    assert table["luck"].sum() == pytest.approx((table["won_amount"] - table["usually"]).sum())
    with pytest.raises(ParameterError, match="one seed"):
        compare([played.debrief(), fn.teach.floor(seed=6).decide(weeks=52).debrief()])
