"""The same ledger counts four ways: funnelnb, and idiomatic pandas, Polars and DuckDB written by hand.

What all compute, by region: for every stage how many deals (and what amount) reached it and how they stand, and how
every stay in a stage ended. Rules: deals created before their first row stood in the first stage; a won deal enters
the won stage when it was closed; rows of one stage in a row are one stay; ties are ordered by stage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from funnelnb.data.count.tally import stage_counts, stay_counts
from funnelnb.data.ledger.build import from_frames
from funnelnb.playbooks.model import Label, Playbook, Stage

STAGES = ("lead", "contact", "needs", "proposal", "quote", "won")
WON = len(STAGES) - 1
REGIONS = ("Central", "East", "Export", "North", "South", "West")
POSITION = {stage: k for k, stage in enumerate(STAGES)}
KINDS = ("advanced", "skipped", "back", "lost", "left", "still")
STATES = ("open", "won", "lost", "left")
AS_OF = np.datetime64("2027-06-30", "s")
_BLANK = Label(en="", zh="")
PLAYBOOK = Playbook(
    id="bench",
    label=_BLANK,
    about=_BLANK,
    source="",
    stages=tuple(Stage(id=one, label=_BLANK, kind="won" if one == "won" else "working") for one in STAGES),
)

Counts = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class Way:
    """How to read the files and how to count."""

    read: Callable[[Path], tuple[Any, ...]]
    count: Callable[..., Counts]


def _paths(folder: Path) -> tuple[str, str]:
    return str(folder / "opportunities.parquet"), str(folder / "stage_history.parquet")


# --- funnelnb ---------------------------------------------------------------------------------------------------


def with_funnelnb(opportunities: Any, history: Any) -> Counts:
    ledger = from_frames(opportunities, history, playbook=PLAYBOOK, as_of=AS_OF, attributes=["region"])
    stages, stays = stage_counts(ledger, "region"), stay_counts(ledger, "region")
    result: Counts = {}
    for counts, names in (
        (stages, ("reached", "advanced", "here", "lost", "left")),
        (stays, ("entered", *KINDS)),
    ):
        for name in names:
            for unit in ("n", "amount"):
                table = getattr(counts, f"{name}_{unit}")
                label = f"{'stay' if counts is stays else 'stage'} {name} {unit}"
                result[label] = {group[0]: table[g].tolist() for g, group in enumerate(counts.groups)}
    return result


def _tables(
    cells: dict[tuple[str, int, str], tuple[int, float]], prefix: str, kinds: tuple[str, ...]
) -> Counts:
    """Bring {(region, position, kind): (n, amount)} into the common shape."""
    result: Counts = {}
    for which, unit in enumerate(("n", "amount")):
        for kind in kinds:
            table = {region: [0.0] * len(STAGES) for region in REGIONS}
            for (region, place, name), values in cells.items():
                if name == kind:
                    table[region][place] = values[which]
            result[f"{prefix} {kind} {unit}"] = table
    return result


def _shape(
    stays: dict[tuple[str, int, str], tuple[int, float]], deals: dict[tuple[str, int, str], tuple[int, float]]
) -> Counts:
    """Return all tables from how stays ended and from (furthest position, state) of deals."""
    result = _tables(stays, "stay", KINDS)
    by_state = _tables(deals, "state", STATES)
    for unit in ("n", "amount"):

        def add(*tables: dict[str, list[float]]) -> dict[str, list[float]]:
            return {
                region: [sum(x) for x in zip(*(t[region] for t in tables), strict=True)] for region in REGIONS
            }

        result[f"stay entered {unit}"] = add(*(result[f"stay {kind} {unit}"] for kind in KINDS))
        result[f"stage here {unit}"] = add(by_state[f"state open {unit}"], by_state[f"state won {unit}"])
        result[f"stage lost {unit}"] = by_state[f"state lost {unit}"]
        result[f"stage left {unit}"] = by_state[f"state left {unit}"]
        at = add(*(by_state[f"state {state} {unit}"] for state in STATES))
        reached = {region: np.cumsum(row[::-1])[::-1].tolist() for region, row in at.items()}
        result[f"stage reached {unit}"] = reached
        result[f"stage advanced {unit}"] = {region: [*row[1:], 0] for region, row in reached.items()}
    return result


# --- pandas -----------------------------------------------------------------------------------------------------


def read_pandas(folder: Path) -> tuple[Any, Any]:
    import pandas as pd

    opportunities, history = map(pd.read_parquet, _paths(folder))
    return opportunities, history


def with_pandas(opportunities: Any, history: Any) -> Counts:
    import pandas as pd

    rows = history.assign(place=history["stage"].map(POSITION))[["opportunity_id", "place", "entered_at"]]
    span = rows.groupby("opportunity_id")["entered_at"].agg(["min", "max"])
    deals = opportunities.join(span, on="opportunity_id")
    before = deals[deals["created_at"] < deals["min"]]
    wins = deals[deals["outcome"] == "won"]
    rows = pd.concat(
        [
            rows,
            before[["opportunity_id"]].assign(place=0, entered_at=before["created_at"]),
            wins[["opportunity_id"]].assign(place=WON, entered_at=wins[["closed_at", "max"]].max(axis=1)),
        ],
        ignore_index=True,
    ).sort_values(["opportunity_id", "entered_at", "place"])
    same_deal = rows["opportunity_id"] == rows["opportunity_id"].shift()
    rows = rows[~(same_deal & (rows["place"] == rows["place"].shift()))]
    rows["following"] = rows.groupby("opportunity_id")["place"].shift(-1)
    rows = rows.merge(opportunities[["opportunity_id", "region", "outcome", "amount"]], on="opportunity_id")
    rows["kind"] = np.select(
        [
            rows["following"] == rows["place"] + 1,
            rows["following"] > rows["place"] + 1,
            rows["following"] < rows["place"],
            rows["outcome"] == "lost",
            rows["outcome"] == "left",
        ],
        ["advanced", "skipped", "back", "lost", "left"],
        "still",
    )
    stays = rows.groupby(["region", "place", "kind"])["amount"].agg(["size", "sum"])
    furthest = rows.groupby("opportunity_id")["place"].max().rename("furthest")
    deals = opportunities.join(furthest, on="opportunity_id")
    ends = deals.groupby(["region", "furthest", "outcome"])["amount"].agg(["size", "sum"])
    return _shape(
        dict(zip(stays.index, stays.to_numpy().tolist())), dict(zip(ends.index, ends.to_numpy().tolist()))
    )


# --- Polars -----------------------------------------------------------------------------------------------------


def read_polars(folder: Path) -> tuple[Any, Any]:
    import polars as pl

    opportunities, history = map(pl.read_parquet, _paths(folder))
    return opportunities, history


def with_polars(opportunities: Any, history: Any) -> Counts:
    import polars as pl

    deals = opportunities.lazy()
    rows = history.lazy().select(
        "opportunity_id",
        pl.col("stage").replace_strict(POSITION, return_dtype=pl.Int8).alias("place"),
        "entered_at",
    )
    span = rows.group_by("opportunity_id").agg(
        pl.min("entered_at").alias("first"), pl.max("entered_at").alias("last")
    )
    spanned = deals.join(span, on="opportunity_id", how="left")
    before = spanned.filter(pl.col("created_at") < pl.col("first")).select(
        "opportunity_id", pl.lit(0, pl.Int8).alias("place"), pl.col("created_at").alias("entered_at")
    )
    wins = spanned.filter(pl.col("outcome") == "won").select(
        "opportunity_id",
        pl.lit(WON, pl.Int8).alias("place"),
        pl.max_horizontal("closed_at", "last").alias("entered_at"),
    )
    stays = (
        pl.concat([rows, before, wins])
        .sort("opportunity_id", "entered_at", "place")
        .filter(
            (pl.col("opportunity_id") != pl.col("opportunity_id").shift())
            .or_(pl.col("place") != pl.col("place").shift())
            .fill_null(value=True)
        )
        .with_columns(
            pl.when(pl.col("opportunity_id") == pl.col("opportunity_id").shift(-1))
            .then(pl.col("place").shift(-1))
            .alias("following")
        )
    )
    step = pl.col("following") - pl.col("place")
    ended = (
        stays.join(deals.select("opportunity_id", "region", "outcome", "amount"), on="opportunity_id")
        .with_columns(
            pl.when(step == 1)
            .then(pl.lit("advanced"))
            .when(step > 1)
            .then(pl.lit("skipped"))
            .when(step < 0)
            .then(pl.lit("back"))
            .when(pl.col("outcome").is_in(["lost", "left"]))
            .then(pl.col("outcome"))
            .otherwise(pl.lit("still"))
            .alias("kind"),
            pl.col("amount").fill_nan(0).fill_null(0),
        )
        .group_by("region", "place", "kind")
        .agg(pl.len(), pl.sum("amount"))
    )
    ends = (
        stays.group_by("opportunity_id")
        .agg(pl.max("place").alias("furthest"))
        .join(deals, on="opportunity_id")
        .group_by("region", "furthest", "outcome")
        .agg(pl.len(), pl.col("amount").fill_nan(0).fill_null(0).sum())
    )
    ended, ends = pl.collect_all([ended, ends])
    return _shape(_cells(ended.rows()), _cells(ends.rows()))


def _cells(rows: list[tuple[str, int, str, int, float]]) -> dict[tuple[str, int, str], tuple[int, float]]:
    return {(region, place, kind): (n, amount) for region, place, kind, n, amount in rows}


# --- DuckDB -----------------------------------------------------------------------------------------------------


def read_duckdb(folder: Path) -> tuple[Any, Any, Any]:
    import duckdb

    connection = duckdb.connect()
    for name, path in zip(("opportunities", "stage_history"), _paths(folder), strict=True):
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet('{path}')")
    return connection.table("opportunities"), connection.table("stage_history"), connection


def with_duckdb(opportunities: Any, history: Any, connection: Any) -> Counts:
    places = ", ".join(f"('{stage}', {k})" for k, stage in enumerate(STAGES))
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE stays AS
        WITH recorded AS (
            SELECT opportunity_id, place, entered_at
            FROM stage_history JOIN (VALUES {places}) AS stages(stage, place) USING (stage)
        ), span AS (
            SELECT opportunity_id, min(entered_at) AS first, max(entered_at) AS last FROM recorded GROUP BY ALL
        ), every AS (
            SELECT * FROM recorded
            UNION ALL
            SELECT opportunity_id, 0, created_at FROM opportunities JOIN span USING (opportunity_id)
            WHERE created_at < first
            UNION ALL
            SELECT opportunity_id, {WON}, greatest(closed_at, last)
            FROM opportunities JOIN span USING (opportunity_id) WHERE outcome = 'won'
        ), changed AS (
            SELECT * FROM every
            QUALIFY place IS DISTINCT FROM lag(place) OVER (PARTITION BY opportunity_id ORDER BY entered_at, place)
        )
        SELECT opportunity_id, place, lead(place) OVER (PARTITION BY opportunity_id ORDER BY entered_at, place) AS following
        FROM changed""")
    ended = connection.execute("""
        SELECT region, place,
            CASE WHEN following = place + 1 THEN 'advanced' WHEN following > place THEN 'skipped'
                 WHEN following < place THEN 'back' WHEN outcome IN ('lost', 'left') THEN outcome ELSE 'still' END AS kind,
            count(*), coalesce(sum(amount) FILTER (NOT isnan(amount)), 0)
        FROM stays JOIN opportunities USING (opportunity_id) GROUP BY ALL""").fetchall()
    ends = connection.execute("""
        WITH furthest AS (SELECT opportunity_id, max(place) AS furthest FROM stays GROUP BY ALL)
        SELECT region, furthest, outcome, count(*), coalesce(sum(amount) FILTER (NOT isnan(amount)), 0)
        FROM furthest JOIN opportunities USING (opportunity_id) GROUP BY ALL""").fetchall()
    return _shape(_cells(ended), _cells(ends))


def with_funnelnb_on_duckdb(opportunities: Any, history: Any, connection: Any) -> Counts:
    return with_funnelnb(opportunities, history)


WAYS = {
    "funnelnb on pandas": Way(read_pandas, with_funnelnb),
    "funnelnb on polars": Way(read_polars, with_funnelnb),
    "funnelnb on duckdb": Way(read_duckdb, with_funnelnb_on_duckdb),
    "pandas": Way(read_pandas, with_pandas),
    "polars": Way(read_polars, with_polars),
    "duckdb": Way(read_duckdb, with_duckdb),
}


def must_agree(name: str, counts: Counts, reference: Counts) -> None:
    """Raise unless counts are equal, amounts but for the order of summation."""
    if counts.keys() != reference.keys():
        raise AssertionError(f"{name} counts other things: {sorted(counts.keys() ^ reference.keys())}")
    for label, table in counts.items():
        for region in REGIONS:
            found, wanted = table[region], reference[label][region]
            same = (
                found == wanted if label.endswith(" n") else np.allclose(found, wanted, rtol=1e-9, atol=1e-6)
            )
            if not same:
                raise AssertionError(f"{name}: {label} in {region} is {found}, pandas says {wanted}")
