"""The practice game: same decisions, same year; nothing is lost; luck and skill are told apart in both languages."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import funnelnb as fn
from funnelnb.core.errors import ParameterError, SourceError
from funnelnb.teach import Game, compare


@pytest.fixture(autouse=True, scope="module")
def _few_other_years() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("funnelnb.simulate.decisions.LUCKS_N", 6)
        yield


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


def test_what_happens_is_told_when_it_has_happened() -> None:
    game = fn.teach.floor(seed=5)
    assert game.news("en") == []
    slips = int(game._truth.slips[0])
    game.decide(weeks=slips + 1)
    assert any("slipped" in one for one in game.news("en"))
    game.decide(weeks=52 - game.week)
    told = game.news("zh")
    assert len(told) == 2
    assert f"第 {int(game._truth.rival[0]) + 1} 周" in told[0]


def test_controls_decide_as_code_does_and_keep_the_game(tmp_path: Path) -> None:
    board = fn.teach.play(str(tmp_path), seed=5, player="Ann", lang="en")
    board.promises["quota"].value = 400_000
    board.promises["forecast"].value = 350_000
    board.promise.click()
    board.shares["A"].value = 0.5
    board.who.value = "P2"
    board.shares["A"].value, board.shares["B"].value = 0.0, 1.0
    board.weights["negotiation"].value = 2.0
    board.scoop.value, board.let_go.value, board.weeks.value = 6, 8, 13
    board.live.click()
    coded = fn.teach.floor(seed=5)
    coded.promise(quota=400_000, forecast=350_000)
    coded.decide(
        weeks=13, hours={"A": 0.5}, people={"P2": {"B": 1.0}}, stages={"negotiation": 2.0}, scoop=6, let_go=8
    )
    assert board.game.results().equals(coded.results())
    again = fn.teach.play(str(tmp_path), lang="zh")  # a restarted kernel
    assert again.game.week == 13
    assert again.game.deals().equals(coded.deals())
    assert "第 14 周" in again._head.value
    again.shares["A"].value = again.shares["B"].value = 1.0
    again.live.click()
    assert "2.00" in again.said.value  # more hours than there are: a sentence, and nothing has happened
    assert again.game.week == 13


def test_the_end_of_the_year_is_debriefed_with_pictures(played: Game, tmp_path: Path) -> None:
    played.save(tmp_path / "game.json")
    board = fn.teach.play(str(tmp_path), lang="zh")
    board.debrief.click()
    shown = board._debriefed.value
    assert "<svg" in shown
    assert "事事都知道" in shown
    labels, counts = played.debrief().histogram()
    assert sum(counts) == 6
    assert len(labels) == len(counts)


def test_a_damaged_game_is_kept_and_told(tmp_path: Path) -> None:
    (tmp_path / "game.json").write_text("{")
    board = fn.teach.play(str(tmp_path), lang="en")
    assert "game-damaged-1.json" in board.said.value
    assert (tmp_path / "game-damaged-1.json").read_text() == "{"


def test_a_class_list_compares_players_of_one_seed_and_exports(played: Game, tmp_path: Path) -> None:
    for name, seed, order in (("=cmd", 5, "largest"), ("Bo", 6, "newest")):
        (tmp_path / name).mkdir()
        fn.teach.floor(seed=seed, player=name).decide(weeks=52, order=order).save(
            tmp_path / name / "game.json"
        )
    (tmp_path / "ann").mkdir()
    played.save(tmp_path / "ann" / "game.json")
    (tmp_path / "half").mkdir()
    fn.teach.floor(seed=5).decide(weeks=3).save(tmp_path / "half" / "game.json")
    table = fn.teach.games([tmp_path / one for one in ("ann", "=cmd", "Bo", "half")])
    assert list(table["seed"]) == [5, 5, 6]
    assert set(table["player"]) == {"Ann", "'=cmd", "Bo"}
    assert "won_amount" in table.to_csv(index=False)
