"""Tab between quotation marks offers what the book at hand knows."""

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import funnelnb as fn
from funnelnb.notebook.completion import offers, register


@pytest.fixture(scope="module")
def book():
    return fn.sample()


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ('fn.conversion(book, by="re', ["region"]),
        ('fn.conversion(book, by=["region", "seg', ["segment"]),
        ('fn.conversion(\n    book,\n    by="own', ["owner"]),
        ('book.where(region="华', ["华东", "华北", "华南"]),
        ('book.where(region="DACH", segment="Key', ["Key account"]),
        ('fn.duration(book, stage="ne', ["negotiation"]),
        ('fn.load("x.csv", playbook="seven', ["seven_step"]),
        ("fn.conversion(book, horizon_days=", []),
        ('print("re', []),
        ('other(thing="re', []),
    ],
)
def test_what_is_offered(book, code, wanted):
    assert offers(code, {"book": book, "x": 1}) == wanted


def test_the_book_of_the_call_is_asked_before_any_other(book):
    names = {"mine": book.where(region="DACH"), "book": book}
    assert offers('mine.where(region="', names) == ["DACH"]
    assert len(offers('fn.conversion(book).where(region="', names)) == 6
    assert offers('fn.conversion(book, by="re', {}) == []


def test_ipython_offers_it_and_only_once(book):
    shell = InteractiveShell.instance()
    try:
        shell.user_ns["book"] = book
        register(shell)
        register(shell)
        with provisionalcompleter():
            code = 'x = 1\nbook.where(segment="Key a'
            found = [one.text for one in shell.Completer.completions(code, len(code))]
        assert found == ["Key account"]
    finally:
        InteractiveShell.clear_instance()
