"""The settings file: every mistyped key or impossible value is an error with file, key and the nearest name."""

import pytest

from funnelnb.core.errors import MappingError
from funnelnb.data.contract.settings import Join, Settings, TableSettings, read_settings

FULL = """
data = "exports"
playbook = "seven_step"
as_of = 2026-06-30
observed_from = "2025-01-01"
currency = "EUR"
timezone = "Europe/Berlin"
date_order = "dmy"
decimal = ","
language = "zh"
horizon_days = 180
confidence_level = 0.9
by = "region"
crm = "hubspot"
on_problem = "drop"
amount_known = "at_close"
zero_amount = "unknown"
deleted = "keep"

[problems]
bad_date = "keep"

[stages]
"Quali" = "qualify"

[outcomes]
"Gewonnen" = "won"

[values.product]
"GTXPro" = "GTX Pro"

[tables.opportunities]
file = "deals.xlsx"
sheet = "Export"
header_row = 3
skip_rows = [4, 5]
columns = { opportunity_id = "Nr", amount = "Wert" }
attributes = { series = "Serie" }
units = { amount = "k€", expected_amount = 1000 }
constants = { currency = "EUR" }
stage_dates = { qualify = "Qualifiziert am" }

[[tables.opportunities.joins]]
file = "people.csv"
on = "Person"
columns = { region = "Gebiet" }

[[tables.opportunities.joins]]
file = "prices.xlsx"
sheet = "Prices"
on = { Artikel = "Nr" }
columns = { expected_amount = "Preis" }

[tables.stage_history]
file = "history.csv"
encoding = "cp1252"
delimiter = ";"
decimal = "."
date_order = "mdy"
"""


def write(folder, text):
    path = folder / "funnelnb.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_can_be_said(tmp_path):
    settings = read_settings(write(tmp_path, FULL))
    assert (settings.data, settings.playbook, settings.as_of, settings.observed_from) == (
        "exports", "seven_step", "2026-06-30", "2025-01-01",
    )  # fmt: skip
    assert (settings.horizon_days, settings.confidence_level, settings.language, settings.by) == (
        180,
        0.9,
        "zh",
        "region",
    )
    deals = settings.table("opportunities")
    assert deals.columns == {"opportunity_id": "Nr", "amount": "Wert"}
    assert (deals.header_row, deals.skip_rows, deals.units["expected_amount"]) == (3, (4, 5), 1000)
    assert deals.joins == (
        Join(file="people.csv", on={"Person": "Person"}, columns={"region": "Gebiet"}),
        Join(file="prices.xlsx", sheet="Prices", on={"Artikel": "Nr"}, columns={"expected_amount": "Preis"}),
    )
    assert settings.table("accounts") == TableSettings()
    assert settings.shown == "funnelnb.toml"


def test_nothing_said_means_defaults():
    assert read_settings(None) == Settings()
    assert read_settings({}) == Settings()


def test_a_list_of_stages_is_a_playbook():
    assert read_settings({"playbook": ["a", "won"]}).playbook == {"stages": ["a", "won"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('curency = "EUR"', "unknown key 'curency'.*did you mean 'currency'"),
        ("[tables.oportunities]", r"unknown key 'oportunities' in \[tables\].*did you mean 'opportunities'"),
        ('[tables.opportunities]\ncolums = {}', r"unknown key 'colums' in \[tables.opportunities\].*'columns'"),
        ('[tables.opportunities.columns]\nammount = "x"', r"unknown key 'ammount' in \[tables.*columns\].*'amount'"),
        ("[tables.opportunities]\nheader_row = 0", "header_row = 0.*a row number"),
        ('[tables.opportunities]\nskip_rows = "4"', "skip_rows = '4'.*a list of row numbers"),
        ('[tables.opportunities]\nunits = { amount = true }', "units.amount = True.*a number, or a unit"),
        ('date_order = "dym"', "date_order = 'dym'.*one of"),
        ('decimal = ";"', "decimal = ';'"),
        ('language = "de"', "language = 'de'"),
        ('timezone = "Asia/Beijing"', "timezone = 'Asia/Beijing'.*a time zone"),
        ("horizon_days = true", "horizon_days = True.*a number"),
        ('on_problem = "ignore"', "on_problem = 'ignore'"),
        ("currency = 5", "currency = 5.*text in quotes"),
        ("playbook = 5", "playbook = 5.*an id, a path, or a list of stages"),
        ('[outcomes]\n"Gewonnen" = "win"', "outcomes.Gewonnen = 'win'.*did you mean 'won'"),
        ('[problems]\nbad_dat = "drop"', "unknown key 'bad_dat'.*did you mean 'bad_date'"),
        ('[[tables.opportunities.joins]]\nfile = "a"\ncolumns = {region = "R"}', "joins.on = None"),
        ('[[tables.opportunities.joins]]\non = "a"', "file, on and columns"),
        ('[values.prodct]\na = "b"', "unknown key 'prodct' in .values.*did you mean 'product'"),
        ("horizon_days = -1", "horizon_days = -1.*a number > 0"),
        ("confidence_level = 90", "confidence_level = 90.*< 1"),
        ('[playbook]\nstage = ["a"]', "unknown key 'stage' in .playbook.*did you mean 'stages'"),
        ('stages = "x"', "stages = 'x'.*a table of name = value"),
        ("currency = ", "not valid TOML"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(MappingError, match=f"(?s)funnelnb.toml.*{message}"):
        read_settings(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(MappingError, match="cannot be read"):
        read_settings(tmp_path / "none.toml")


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = tmp_path / "funnelnb.toml"
    path.write_bytes(b"\xef\xbb\xbfcurrency = 'EUR'\n")
    assert read_settings(path).currency == "EUR"
