"""One public language: first slips are answered, every table has a frame, results and books show themselves."""

import inspect
from types import ModuleType

import pandas as pd
import pytest

import funnelnb as fn
from funnelnb.core.errors import MissingDataError, ParameterError
from tests.architecture.public import public_functions

FUNCTIONS = dict(public_functions())
CUSTOMERS_TOO = {"fn.customers.levels", "fn.customers.money_authority_need"}
NOT_GUARDED = {
    "fn.customer": "it takes a table of customers, or the path of one, too",
    "fn.customers.level_moves": "its first argument is a date or a book",
}
QUESTIONS = {
    name: one
    for name, one in FUNCTIONS.items()
    if next(iter(inspect.signature(one).parameters), "") == "book" and name not in NOT_GUARDED
}
OF_LOGS = {
    name: one
    for name, one in FUNCTIONS.items()
    if next(iter(inspect.signature(one).parameters), "") in ("events", "log")
}


@pytest.fixture(scope="module")
def book():
    return fn.sample()


def test_the_top_is_small_and_the_rest_stands_in_namespaces():
    spaces = [name for name in fn.__all__ if isinstance(getattr(fn, name), ModuleType)]
    assert len(fn.__all__) - len(spaces) <= 30
    assert set(dir(fn)) >= set(fn.__all__)
    spaces = [fn.customers, fn.targets, fn.data, fn.widgets, fn.notebook, fn.playbooks]
    for space in spaces:
        assert set(space.__all__) <= set(dir(space))
        assert all(getattr(space, name) is not None for name in space.__all__)


def test_names_of_the_first_version_still_answer_and_a_wrong_one_names_the_nearest():
    for name, home in fn._FORMER.items():
        space, own = home.split(".")
        assert getattr(fn, name) is getattr(getattr(fn, space), own)
        assert name not in dir(fn)
    with pytest.raises(AttributeError, match="did you mean 'conversion'"):
        _ = fn.convertion


def needed(function, value):
    """Return the other arguments that a function cannot do without, each with the same value."""
    others = list(inspect.signature(function).parameters.values())[1:]
    return {one.name: value for one in others if one.default is one.empty and one.kind is not one.VAR_KEYWORD}


def named(line):
    """Return the function that a line to write names."""
    found = fn
    for part in line.rpartition("fn.")[2].partition("(")[0].split("."):
        found = getattr(found, part)
    return found


GIVEN = {
    "frame": (pd.DataFrame({"a": [1]}), "given a DataFrame"),
    "path": ("exports/crm.csv", "fn.load('exports/crm.csv')"),
    "none": (None, "given None"),
    "number": (7, "given 7"),
}


def refused_by(name, kind):
    """Whether a function has no use for what is given; customers may come as a table, some need no book at all."""
    if kind in ("frame", "path"):
        return name not in CUSTOMERS_TOO
    first = next(iter(inspect.signature(QUESTIONS[name]).parameters.values()))
    return kind != "none" or "None" not in str(first.annotation)


WRONG = [(name, kind) for name in QUESTIONS for kind in GIVEN if refused_by(name, kind)]


@pytest.mark.parametrize(("name", "kind"), WRONG)
def test_what_is_no_book_is_answered_with_the_line_to_write(name, kind):
    function, (given, says) = QUESTIONS[name], GIVEN[kind]
    with pytest.raises(ParameterError) as refused:
        function(given, **needed(function, "qualify"))
    said = str(refused.value)
    assert says in said
    assert named(said.split("fn.load(")[1]) is function


@pytest.mark.parametrize("name", OF_LOGS)
@pytest.mark.parametrize(
    ("given", "says"),
    [
        (pd.DataFrame({"a": [1]}), "given a DataFrame"),
        ("logs/clicks.csv", "fn.events('logs/clicks.csv')"),
        (None, "given None"),
        (7, "given 7"),
    ],
    ids=["frame", "path", "none", "number"],
)
def test_what_is_no_log_is_answered_with_the_line_to_write(name, given, says):
    function = OF_LOGS[name]
    with pytest.raises(ParameterError) as refused:
        function(given, **needed(function, ["visit", "pay"]))
    said = str(refused.value)
    assert says in said
    assert named(said.split("fn.events(")[1]) is function


def test_a_book_is_no_log_and_says_so(book):
    with pytest.raises(ParameterError, match=r"funnel was given a book[\s\S]*fn\.events"):
        fn.funnel(book, ["visit", "pay"])


def test_a_scan_is_refused_where_the_deals_are_needed(book):
    scan = fn.data.Scan(
        book.opportunities, book.tables["stage_history"], playbook=book.playbook, as_of=book.as_of
    )
    with pytest.raises(ParameterError, match="given a scan, which only counts"):
        fn.call_list(scan)


def test_usual_slips_in_arguments_name_what_is_accepted(book):
    with pytest.raises(MissingDataError, match="'region'"):
        fn.conversion(book, by="amount")
    with pytest.raises(ParameterError, match="2026-Q3"):
        fn.target(book, amount=1, period="third quarter")
    with pytest.raises(ParameterError, match="negotiation"):
        fn.duration(book, stage="negotiate")
    with pytest.raises(ParameterError, match="without quotation marks"):
        fn.conversion(book, horizon_days="90")


@pytest.mark.parametrize("written", ["2026-Q3", "2026Q3", "Q3 2026", "q3/2026", "2026 Q3", "3Q2026"])
def test_a_quarter_is_understood_as_people_write_it(book, written):
    assert fn.quota(book, amount=1e6, period=written).period_name == "2026-Q3"


def test_former_parameter_names_still_answer(book):
    assert fn.cohort(book, period="year").rows == fn.cohort(book, every="year").rows
    assert fn.call_list(book, group_by="owner").group_by == fn.call_list(book, by="owner").group_by == "owner"
    assert fn.stuck(book, within_days=30).within_days == fn.stuck(book, horizon_days=30).within_days == 30


def test_every_table_of_a_result_has_a_frame(book):
    result = fn.duration(book)
    assert list(result.tables)[:3] == ["durations", "still", "dead"]
    assert len(result.tables["fits"]) == len(result.fits) > 0
    assert result.to_frame("curves").equals(result.tables["curves"])
    assert result.to_frame().equals(result.to_frame("durations"))
    with pytest.raises(ParameterError, match="did you mean 'fits'"):
        result.to_frame("fit")
    with pytest.raises(KeyError):
        result.tables["fit"]


def test_plain_python_shows_a_result_in_one_line(book):
    said = repr(fn.conversion(book, by="region"))
    assert "\n" not in said
    assert said.startswith("<Conversion by region: n = 4,000 as of 2026-06-30")
    assert len(said) < 250


def test_a_book_shows_itself(book, capsys):
    assert len(book) == 4000
    assert len(book.head(3)) == 3
    assert bool(book.where(region="DACH"))
    assert "<table" in book._repr_html_()
    fn.display(book)
    assert "won" in capsys.readouterr().out


def test_options_hold_for_a_block_only():
    with fn.options(lang="zh"), fn.options(confidence_level=0.8) as inner:
        assert (inner.lang, fn.options().confidence_level) == ("zh", 0.8)
    assert (fn.options().lang, fn.options().confidence_level) == ("en", 0.9)
    with pytest.raises(ZeroDivisionError), fn.options(lang="zh"):
        _ = 1 / 0
    assert fn.options().lang == "en"


def test_one_idea_has_one_parameter_name():
    """Names that once meant the same thing under another word are gone from every signature."""
    gone = {"group_by", "within_days", "segment_by"}
    for function in FUNCTIONS.values():
        assert not gone & set(inspect.signature(function).parameters)
