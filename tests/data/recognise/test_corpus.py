"""Every shape of the corpus loads after agreeing to what is proposed, and every figure is right."""

import pytest

from funnelnb.data.load import load
from funnelnb.data.propose import propose
from tests.data.recognise.corpus import SHAPES
from tests.data.recognise.foreign import FOREIGN

ALL = {**SHAPES, **FOREIGN}


@pytest.fixture(scope="module", params=list(ALL))
def loaded(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    truth = ALL[request.param](folder)
    return load(folder, mapping=propose(folder)), truth


def test_outcomes(loaded):
    book, truth = loaded
    outcome = book.opportunities["outcome"]
    assert (
        len(outcome),
        (outcome == "won").sum(),
        outcome.str.startswith("lost").sum(),
        (outcome == "open").sum(),
        (outcome == "left").sum(),
    ) == (truth.n, truth.won, truth.lost, truth.open, truth.left)


def test_money(loaded):
    book, truth = loaded
    if truth.won_amount is not None:
        deals = book.opportunities
        assert deals.loc[deals["outcome"] == "won", "amount"].sum() == pytest.approx(truth.won_amount)


def test_stages_in_order(loaded):
    book, truth = loaded
    place = {label.en: k for k, label in enumerate(book.playbook.stage_labels)}
    assert [one for one in truth.stages if one in place] == list(truth.stages), place
    assert sorted(truth.stages, key=place.get) == list(truth.stages)


def test_dates(loaded):
    book, truth = loaded
    deals = book.opportunities
    if truth.created:
        assert deals["created_at"].notna().all()
    if truth.closed:
        assert deals.loc[deals["outcome"].isin(["won", "lost", "lost_competitor"]), "closed_at"].notna().all()
        assert deals.loc[deals["outcome"] == "open", "closed_at"].isna().all()


def test_regions_and_history(loaded):
    book, truth = loaded
    if truth.regions is not None:
        assert book.opportunities["region"].value_counts().to_dict() == truth.regions
    assert ("stage_history" in book.tables) >= truth.history
