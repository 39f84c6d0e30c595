"""From what a CRM calls stage and outcome to one stage, outcome and close per deal; histories in columns."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import MappingError
from funnelnb.data.clean.as_of import on_days
from funnelnb.data.clean.convert import Table
from funnelnb.data.contract.problems import shorten
from funnelnb.data.contract.tables import END_MARKS, HELPERS
from funnelnb.data.contract.whole import all_of, any_of
from funnelnb.data.parse.cells import as_arrow, no_text
from funnelnb.data.parse.values import among, from_arrow, look_up

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from funnelnb.data.contract.problems import Findings
    from funnelnb.data.contract.settings import Settings
    from funnelnb.data.read.raw import Raw
    from funnelnb.data.recognise.vocabulary import Vocabulary

MOST_WORDS = 100
"""So many unknown words of a column are reported one by one, the others together."""


def settle_deals(table: Table, words: Vocabulary, findings: Findings) -> None:
    """Bring stage, outcome and close of every deal into the contract's words.

    Parameters
    ----------
    table : Table
        ``opportunities``; changed in place.
    words : Vocabulary
    findings : Findings

    Notes
    -----
    A rule of the settings (``won_when`` …) decides, then the outcome column; where it is empty or absent, the flags
    ``is_won`` and ``is_closed``, then the stage. A lost deal keeps its working stage, if the stage column holds one.
    The close date of an open deal is what somebody expects: it goes to ``expected_close_at``.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    _drop_deleted(table, findings)
    frame = table.frame
    stage, told = _stages(table, words, findings)
    frame = table.frame
    stage, told = _rows(stage, frame), _rows(told, frame)
    outcome = _outcomes(table, words, findings)
    frame = table.frame
    stage, told = _rows(stage, frame), _rows(told, frame)
    given = _first(outcome, _from_flags(frame))
    if table.ruled is not None:
        ruled = table.ruled.reindex(frame.index)
        ruled = ruled.mask((ruled != "won") & (told == "won"))  # an archived win stays a win
        given = _first(ruled, given)
    contradictory = given.notna() & (given != "won") & (told == "won")
    if contradictory.any():
        rows = list(frame.index[contradictory])
        policy = findings.add(
            "stage_contradicts_outcome", file=table.file, rows=rows, column=table.source("stage"),
            value=str(frame["stage"][contradictory].iloc[0]) + " / " + str(given[contradictory].iloc[0]),
        )  # fmt: skip
        if policy == "drop":
            frame = frame[~contradictory]
            stage, told, given = stage.loc[frame.index], told.loc[frame.index], given.loc[frame.index]
        else:
            stage = stage.mask(contradictory)
    final = _first(given, told, "open")
    won = words.playbook.stage_ids[words.playbook.won]
    after = [one.id for one in words.playbook.stages if one.kind == "after_sale"]
    here = (final == "won") & ~stage.isin(after) if after else final == "won"
    if (here & (stage != won)).any():  # a missing stage is another one
        array = pc.if_else(pa.array(here, pa.bool_()), pa.scalar(won, pa.large_string()), as_arrow(stage))
        stage = from_arrow(array, stage)
    frame = frame.drop(columns=[name for name in HELPERS if name in frame])
    table.frame = frame.assign(stage=stage.astype("str"), outcome=final.astype("str"))
    _move_expected_close(table, findings)


def _rows(cells: pd.Series, frame: pd.DataFrame) -> pd.Series:
    """Return the cells of the rows that are still there."""
    return cells if len(cells) == len(frame) else cells.loc[frame.index]


def _first(column: pd.Series, *others: pd.Series | str) -> pd.Series:
    """Return the first word that is there, column after column; a text at the end stands for the rest."""
    import pyarrow as pa
    import pyarrow.compute as pc

    words = [
        pa.scalar(one, pa.large_string()) if isinstance(one, str) else as_arrow(one)
        for one in (column, *others)
    ]
    told = [one for one in words if not isinstance(one, pa.Array) or one.null_count < len(one)]
    if isinstance((told or words)[0], pa.Scalar):
        return from_arrow(pa.repeat(told[0], len(column)), column)
    return from_arrow(pc.coalesce(*(told or words[:1])), column)


def settle_history(table: Table, words: Vocabulary, findings: Findings) -> None:
    """Bring the stages of a history (or of gates) into the contract's words; ends are marked as such.

    Rows whose word stands for no stage (``[stages] "Wait" = ""``) are left out and counted.
    """
    said = table.frame["stage"].notna() if "stage" in table.frame else None
    stage, told = _stages(table, words, findings)
    marks = told.where(told != "won").str.replace(r"^lost.*", "lost", regex=True)
    frame = table.frame.reset_index(drop=True).set_index(table.frame.index)
    settled = stage.where(stage.notna(), marks)
    if len(settled) != len(frame):  # rows with unknown words have gone
        settled = settled.loc[settled.index.isin(frame.index)]
    table.frame = frame.assign(stage=settled.astype("str").array)
    if said is None or table.name != "stage_history":
        return
    parked = table.frame["stage"].isna() & said.loc[said.index.isin(frame.index)].to_numpy()
    if parked.any():
        findings.note("history_rows_without_stage", file=table.file, n=int(parked.sum()))
        table.frame = table.frame[~parked]


def with_first_stages(history: Table, deals: Table) -> None:
    """Add the stage in which a deal began, where a log of changes tells what the first change was from.

    The entry is dated with the creation of the deal; where that is not known, nothing is added.
    """
    import pandas as pd

    frame = history.frame
    if "old_stage" not in frame:
        return
    old = frame["old_stage"]
    history.frame = frame = frame.drop(columns="old_stage")
    if "created_at" not in deals.frame:
        return
    first = frame.sort_values("entered_at", kind="stable").drop_duplicates("opportunity_id").index
    rows = frame.loc[first].assign(stage=old.loc[first])
    created = look_up(rows["opportunity_id"], deals.frame["opportunity_id"], deals.frame["created_at"])
    rows = rows[rows["stage"].notna() & created.notna() & (created <= rows["entered_at"])]
    if len(rows):
        rows = rows.assign(entered_at=created.loc[rows.index])
        history.frame = pd.concat([rows.astype({"stage": "str"}), frame])


def wide_history(
    raw: Raw, deals: Table, settings: Settings, words: Vocabulary, findings: Findings
) -> Table | None:
    """Which history do the date columns of the deals hold (``stage_dates`` in the settings)?

    Returns
    -------
    Table or None
        ``stage_history`` with one row per deal and date, None if the settings name no such column.
    """
    import pandas as pd

    from funnelnb.data.clean.convert import read_table
    from funnelnb.data.recognise.columns import require_column

    said = settings.table("opportunities").stage_dates
    parts = []
    for stage, source in said.items():
        require_column(raw, source, f"[tables.opportunities.stage_dates] {stage}", settings.shown)
        meaning = words.stage(stage)
        if meaning is None:
            raise MappingError(
                f"{settings.shown}, [tables.opportunities.stage_dates] {stage!r} is not a stage",
                expected="one of " + ", ".join(words.playbook.stage_ids),
                hint=words.nearest_stage([stage]),
            )
        read = read_table(
            "stage_history", _only(raw, source), {"entered_at": source}, _plain(settings), findings
        )
        known = read.frame["entered_at"].dropna()
        ids = deals.frame["opportunity_id"].reindex(known.index)
        part = pd.DataFrame(
            {"opportunity_id": ids, "stage": meaning.stage or _mark(meaning.outcome), "entered_at": known}
        )
        parts.append(part[ids.notna()])
    if not parts:
        return None
    frame = pd.concat(parts).astype({"opportunity_id": "str", "stage": "str"})
    return Table("stage_history", raw.file, frame, {"opportunity_id": deals.source("opportunity_id")})


def close_from_history(deals: Table, history: Table | None, won: str, findings: Findings) -> None:
    """Take the close of decided deals without one from the end that their history marks."""
    import pandas as pd

    if history is None:
        return
    frame, rows = deals.frame, history.frame
    ends = rows[rows["stage"].isin((won, *END_MARKS))].sort_values("entered_at", ascending=False)
    closed = frame.get("closed_at", pd.Series(None, index=frame.index, dtype="datetime64[us]"))
    lacking = closed.isna() & ~frame["outcome"].isin(["open"])
    marked = look_up(frame["opportunity_id"], ends["opportunity_id"], ends["entered_at"]).where(lacking)
    found_n = int(marked.notna().sum())
    if found_n:
        findings.note("closed_from_history", n=found_n)
    if findings.over_all("closed from history", found_n > 0, any_of):
        deals.frame = frame.assign(closed_at=closed.where(~marked.notna(), marked))


def end_from_history(
    deals: pd.DataFrame, history: pd.DataFrame | None, stage_ids: Sequence[str], won: int, findings: Findings
) -> pd.DataFrame:
    """Return the deals with the end that their history tells of, where they are still marked as open.

    Parameters
    ----------
    deals, history : DataFrame
        Cut at the as-of date.
    stage_ids : sequence of str
        Of the playbook, in order.
    won : int
        Position of the won stage.
    findings : Findings
        Gets a note of how many deals there are.

    Notes
    -----
    As in the ledger: a history that stands at or beyond the won stage is a win when it first came there, one
    that ends with a mark is a loss or a withdrawal at that mark.
    """
    import pandas as pd

    if history is None:
        return deals
    place = {name: k for k, name in enumerate((*stage_ids, *END_MARKS))}
    ends = list(place)[won:]
    is_open = deals["outcome"] == "open"
    candidates = history["opportunity_id"][history["stage"].isin(ends)].drop_duplicates()
    candidates = candidates[among(candidates, deals["opportunity_id"][is_open])]
    if candidates.empty:
        return deals
    rows = history[among(history["opportunity_id"], candidates)]
    rows = rows.assign(place=rows["stage"].map(place)).sort_values(["entered_at", "place"])
    rows = rows[rows.groupby("opportunity_id")["place"].diff() != 0]
    last = rows.drop_duplicates("opportunity_id", keep="last")
    last = last[last["place"] >= won]
    first_won = rows[rows["place"].between(won, len(stage_ids) - 1)].drop_duplicates("opportunity_id")
    outcome = last["stage"].where(last["stage"].isin(END_MARKS), "won")
    ids = deals["opportunity_id"]
    told = look_up(ids, last["opportunity_id"], outcome).where(is_open)
    ended = told.notna()
    at = look_up(ids, last["opportunity_id"], last["entered_at"])
    at = at.mask(told == "won", look_up(ids, first_won["opportunity_id"], first_won["entered_at"]))
    if not ended.any():
        return deals
    findings.note("ended_by_history", n=int(ended.sum()), of_n=int(is_open.sum()))
    closed = deals.get("closed_at", pd.Series(None, index=deals.index, dtype="datetime64[us]"))
    stage = deals.get("stage", pd.Series(None, index=deals.index, dtype="str"))
    after = stage.isin(stage_ids[won:])
    return deals.assign(
        outcome=deals["outcome"].mask(ended, told).astype("str"),
        closed_at=closed.mask(ended, at),
        stage=stage.mask((told == "won") & ~after, stage_ids[won]).astype("str"),
    )


def end_close_days(deals: Table, history: Table | None, findings: Findings) -> None:
    """Read close dates without a time as the end of their day, where the other times have one.

    Otherwise a deal that was created and closed on one day would be closed before it was created.
    """
    import pandas as pd

    frame = deals.frame
    if "closed_at" not in frame:
        return
    others = [frame["created_at"]] if "created_at" in frame else []
    others += [history.frame["entered_at"]] if history is not None else []
    days = [on_days(one) for one in (frame["closed_at"], *others)]
    closes = findings.over_all("closes on whole days", days[0], all_of)
    if findings.over_all("all on whole days", all(days), all_of) or not closes:
        return
    findings.note("close_at_end_of_day", file=deals.file, column=deals.source("closed_at"))
    deals.frame = frame.assign(closed_at=frame["closed_at"] + pd.Timedelta(seconds=86399))


def _mark(outcome: str) -> str:
    return "lost" if outcome.startswith("lost") else outcome


def _only(raw: Raw, source: str) -> Raw:
    import dataclasses

    return dataclasses.replace(raw, frame=raw.frame[[source]], ragged=[], notes=[])


def _plain(settings: Settings) -> Settings:
    """Return the settings with those of the deals' table for a history that lies in the deals' file."""
    import dataclasses

    own = settings.table("opportunities")
    history = dataclasses.replace(
        own, columns={}, constants={}, joins=(), stage_dates={}, units={}, only={}, newest_by=""
    )
    return dataclasses.replace(settings, tables={**settings.tables, "stage_history": history})


def _drop_deleted(table: Table, findings: Findings) -> None:
    if "is_deleted" not in table.frame:
        return
    deleted = table.frame["is_deleted"].fillna(value=False).astype(bool)
    if not deleted.any():
        return
    if findings.settings.deleted == "keep":
        findings.note("deleted_rows_kept", file=table.file, n=int(deleted.sum()))
        return
    findings.note("deleted_rows_dropped", file=table.file, n=int(deleted.sum()))
    table.frame = table.frame[~deleted]
    of_n = findings.over_all("rows that may be deleted", len(deleted), operator.add)
    if findings.over_all("all deleted", bool(deleted.all()), all_of):
        findings.add(
            "nothing_left", file=table.file, column=table.source("is_deleted"),
            found=f"all {of_n} deals are marked as deleted",
            remedy='say deleted = "keep" in funnelnb.toml if they count all the same',
        )  # fmt: skip


def _stages(table: Table, words: Vocabulary, findings: Findings) -> tuple[pd.Series, pd.Series]:
    """Return the stage id and the outcome that the stage column tells, missing where it tells none."""
    frame = table.frame
    if "stage" not in frame:
        nothing = no_text(frame.index)
        return nothing, nothing
    known = {word: words.stage(word) for word in frame["stage"].dropna().unique()}
    unknown = sorted((word for word, meaning in known.items() if meaning is None), key=str)
    frame = _report_words("unknown_stage", table, "stage", unknown, words, findings)
    stages = {word: (one.stage or None) if one else None for word, one in known.items()}
    outcomes = {word: (one.outcome or None) if one else None for word, one in known.items()}
    return _map(frame["stage"], stages), _map(frame["stage"], outcomes)


def _map(cells: pd.Series, meaning: Mapping[str, Any]) -> pd.Series:
    """Map the words of a column by way of its distinct values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    coded = pc.dictionary_encode(as_arrow(cells))
    found = pa.array([meaning.get(word) for word in coded.dictionary.to_pylist()], pa.large_string())
    return from_arrow(pc.take(found, coded.indices), cells)


def _outcomes(table: Table, words: Vocabulary, findings: Findings) -> pd.Series:
    frame = table.frame
    if "outcome" not in frame:
        return no_text(frame.index)
    known = {word: words.outcome(word) for word in frame["outcome"].dropna().unique()}
    unknown = sorted((word for word, outcome in known.items() if outcome is None), key=str)
    frame = _report_words("unknown_outcome", table, "outcome", unknown, words, findings)
    return _map(frame["outcome"], known)


def _report_words(
    code: str, table: Table, column: str, unknown: list[str], words: Vocabulary, findings: Findings
) -> pd.DataFrame:
    """Report each unknown word with its rows, very many as one; drop rows if the settings say so; return the frame."""
    for word in unknown[:MOST_WORDS]:
        _report_word(code, table, column, [word], words, findings)
    if len(unknown) > MOST_WORDS:
        _report_word(code, table, column, unknown[MOST_WORDS:], words, findings)
    return table.frame


def _report_word(
    code: str, table: Table, column: str, several: list[str], words: Vocabulary, findings: Findings
) -> None:
    """Report unknown words with all their rows."""
    frame, word = table.frame, several[0]
    here = frame[column] == word if len(several) == 1 else frame[column].isin(several)
    place = "[stages]" if code == "unknown_stage" else "[outcomes]"
    shown = shorten(word)
    remedy = f'map it in funnelnb.toml: {place} "{shown}" = "…"'
    if code == "unknown_stage":
        remedy += f' ({words.nearest_stage([word])}), or if it means an end: [outcomes] "{shown}" = "lost"'
    policy = findings.add(
        code, file=table.file, rows=list(frame.index[here]), column=table.source(column),
        value=word if len(several) == 1 else f"{shown}, … (+{len(several) - 1:,})",
        keepable=table.name == "opportunities",
        expected=", ".join(words.playbook.stage_ids) if code == "unknown_stage" else "", remedy=remedy,
    )  # fmt: skip
    if policy == "drop" or table.name != "opportunities":
        table.frame = frame[~here]


def _from_flags(frame: pd.DataFrame) -> pd.Series:
    """Return the outcome that ``is_won`` and ``is_closed`` tell."""
    outcome = no_text(frame.index)
    if "is_won" not in frame and "is_closed" not in frame:
        return outcome
    if "is_closed" in frame:
        closed = frame["is_closed"]
        outcome[closed.eq(False).fillna(value=False).to_numpy(dtype=bool)] = "open"
        if "is_won" in frame:
            lost = closed.fillna(value=False) & frame["is_won"].eq(False)
            outcome[lost.fillna(value=False).to_numpy(dtype=bool)] = "lost"
    if "is_won" in frame:
        outcome[frame["is_won"].fillna(value=False).to_numpy(dtype=bool)] = "won"
    return outcome


def _move_expected_close(table: Table, findings: Findings) -> None:
    """Move the close date of open deals to where it belongs."""
    frame = table.frame
    if "closed_at" not in frame:
        return
    expected = (frame["outcome"] == "open") & frame["closed_at"].notna()
    if not expected.any():
        return
    dates = frame["closed_at"].where(expected)
    if "expected_close_at" in frame:
        dates = frame["expected_close_at"].where(frame["expected_close_at"].notna(), dates)
    findings.note(
        "close_of_open_deals", file=table.file, column=table.source("closed_at"), n=int(expected.sum())
    )
    table.frame = frame.assign(expected_close_at=dates, closed_at=frame["closed_at"].mask(expected))
