"""The rules of the ledger as narwhals expressions, for rows that stay where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any

import narwhals as nw

from funnelnb.core.errors import MissingDataError
from funnelnb.data.count.counts import ADVANCED, CENSORED, LOST_OUT
from funnelnb.data.count.held import materialised
from funnelnb.data.ledger.build import OUTCOMES, stage_places
from funnelnb.data.ledger.coded import UNRECORDED
from funnelnb.data.ledger.codes import LEFT, LEFT_DEAL, LOST, LOST_DEAL, OPEN_DEAL, STILL, WON_DEAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.playbooks.model import Playbook


# ---- Small narwhals expressions that mean the same in every engine -----------------------------------------

NONE = -(1 << 50)
"""A time that is not known; engines without missing integers keep it exactly even as a float."""

_EPOCH = datetime(1900, 1, 1)
_EPOCH_S = -2_208_988_800
SHIFT_S = 86_400 * (1 << 20)
"""Makes every time positive, so that all engines divide alike; whole days."""


def integer(value: int) -> nw.Expr:
    """Return a constant."""
    return nw.lit(value, dtype=nw.Int64)


def choose(condition: nw.Expr, then: nw.Expr | int, otherwise: nw.Expr | int) -> nw.Expr:
    """Return `then` where the condition holds, else `otherwise`."""
    one, other = (integer(x) if isinstance(x, int) else x for x in (then, otherwise))
    return nw.when(condition).then(one).otherwise(other)


def larger(one: nw.Expr, other: nw.Expr) -> nw.Expr:
    """Return the larger of two."""
    return choose(one > other, one, other)


def coded(name: str, codes: Mapping[str, int], missing: int) -> nw.Expr:
    """Return the code of each text of a column, `missing` where it has none."""
    column = nw.col(name).cast(nw.String)
    return reduce(lambda rest, one: choose(column == one[0], one[1], rest), codes.items(), integer(missing))


def seconds_of(frame: nw.LazyFrame[Any], name: str) -> nw.Expr:
    """Return a column of dates or wall-clock times as whole seconds since 1970-01-01, NONE where missing."""
    kind = frame.collect_schema()[name]
    column = nw.col(name)
    if isinstance(kind, nw.Date):
        column = column.cast(nw.Datetime("us"))
    elif not isinstance(kind, nw.Datetime):
        raise MissingDataError(f"the column {name!r} holds {kind}", expected="dates or times")
    # PySpark has no total_seconds, but reads an interval as its seconds; and a time written as a literal would
    # stand on the clock of the session there
    spark = frame.implementation.is_spark_like() if hasattr(frame, "implementation") else False
    if spark:
        whole = (column - nw.lit(str(_EPOCH)).cast(nw.Datetime("us"))).cast(nw.Int64)
    else:
        whole = (column - nw.lit(_EPOCH)).dt.total_seconds()
    return (whole + _EPOCH_S).fill_null(NONE).cast(nw.Int64)


def text_of(frame: nw.LazyFrame[Any], name: str) -> nw.Expr:
    """Return an attribute as text; a missing value is the empty string."""
    column = nw.col(name)
    if isinstance(frame.collect_schema()[name], nw.Boolean):
        text = nw.when(column).then(nw.lit("true")).otherwise(nw.lit("false"))
        return nw.when(column.is_null()).then(nw.lit("")).otherwise(text)
    return column.cast(nw.String).fill_null("")


# ---- The rules of the ledger as narwhals expressions, for rows that stay where they lie --------------------

_LARGE = 1 << 51
UNKNOWN_TIME, NOT_REACHED = 8, 9
"""Events beside those of TimeCounts: deals whose time is not known, and deals that never came to the origin."""

_GONE = -99  # no following stay

_MOMENTS = (
    "deal", "outcome", "amount", "known", "created_s", "closed_s", "undated", "has", "marks_n", "end_place",
    "furthest", "back", "ended_s",
)  # fmt: skip
"""What counting needs of the moments of each deal, beside its attributes and first times."""

By = Sequence[str | int]
"""What to group by: attributes, and for a position the period in which a deal first stood there or beyond."""


class _Owner:
    """Whatever an engine holds for it goes when it does."""


@dataclass(frozen=True, kw_only=True)
class Relations:
    """Canonical tables as lazy narwhals frames, and what is needed to read them.

    Attributes
    ----------
    opportunities : LazyFrame
    stage_history : LazyFrame or None
    playbook : Playbook
    as_of_s : int
    earlier : bool
        The data go on after the as-of date.
    attributes : tuple of str
        Columns that deals can be grouped by.
    """

    opportunities: nw.LazyFrame[Any]
    stage_history: nw.LazyFrame[Any] | None
    playbook: Playbook
    as_of_s: int
    earlier: bool = False
    attributes: tuple[str, ...] = ()

    @property
    def positions(self) -> int:
        """Number of stages."""
        return len(self.playbook.stages)

    @property
    def won(self) -> int:
        """Position of the won stage."""
        return self.playbook.won

    # -- what is recorded ------------------------------------------------------------------------------------

    def recorded(self) -> nw.LazyFrame[Any]:
        """Return one row per deal, coded, with its attributes as text ``attribute_0``, ``attribute_1``, ..."""
        frame = self.opportunities
        names = frame.collect_schema().names()
        places = {name: place for name, place in stage_places(self.playbook).items() if place >= 0}
        columns = {
            "created_s": seconds_of(frame, "created_at") if "created_at" in names else integer(NONE),
            "closed_s": seconds_of(frame, "closed_at") if "closed_at" in names else integer(NONE),
            "outcome": coded("outcome", OUTCOMES, OPEN_DEAL) if "outcome" in names else integer(OPEN_DEAL),
            "stage": coded("stage", places, UNRECORDED) if "stage" in names else integer(UNRECORDED),
            "amount": nw.col("amount").cast(nw.Float64) if "amount" in names else nw.lit(float("nan")),
        }
        texts = {f"attribute_{k}": text_of(frame, name) for k, name in enumerate(self.attributes)}
        frame = frame.select(nw.col("opportunity_id").alias("deal"), **columns, **texts)
        amount, is_open = nw.col("amount"), nw.col("outcome") == OPEN_DEAL
        known = (amount >= 0) & ~amount.is_nan() & ~amount.is_null()
        return frame.with_columns(
            closed_s=choose(is_open, NONE, nw.col("closed_s")),  # of an open deal it is a hope
            known=choose(known, 1, 0),
            amount=nw.when(known).then(amount).otherwise(nw.lit(0.0)),
        )

    def history(self) -> nw.LazyFrame[Any] | None:
        """Return the usable rows of the history: deal, entered_s, place (marks after all stages)."""
        if self.stage_history is None:
            return None
        codes = {LOST: self.positions, LEFT: self.positions + 1}
        places = {name: codes.get(place, place) for name, place in stage_places(self.playbook).items()}
        frame = self.stage_history
        return frame.select(
            nw.col("opportunity_id").alias("deal"),
            seconds_of(frame, "entered_at").alias("entered_s"),
            coded("stage", places, UNRECORDED).alias("place"),
        ).filter((nw.col("place") != UNRECORDED) & (nw.col("entered_s") != NONE))

    def seen(self) -> nw.LazyFrame[Any]:
        """Return the rows of the history up to the day of the data."""
        history = self.history()
        if history is None:
            nothing = self.recorded().select("deal", entered_s=nw.col("created_s"), place=nw.col("stage"))
            return nothing.filter(nw.col("place") < UNRECORDED)
        return history.filter(nw.col("entered_s") <= self.as_of_s)

    # -- deals -----------------------------------------------------------------------------------------------

    @cached_property
    def deals(self) -> nw.LazyFrame[Any]:
        """The deals that were there at the as-of date, outcomes settled, with what their history adds."""
        frame = self.recorded().join(self._spans(), on="deal", how="left")
        empty = {"end": NONE, "first": NONE, "last": NONE, "named": 0, "working_s": NONE, "marks_n": 0}
        frame = frame.with_columns(
            **{name: nw.col(name).fill_null(value).cast(nw.Int64) for name, value in empty.items()}
        )
        later = nw.col("closed_s") > self.as_of_s
        frame = frame.with_columns(
            outcome=choose(later, OPEN_DEAL, nw.col("outcome")),
            closed_s=choose(later, NONE, nw.col("closed_s")),
            has=nw.col("last") > NONE,
        )
        frame = frame.filter(nw.col("created_s") <= self.as_of_s)
        if self.earlier:
            dated = (nw.col("created_s") > NONE) | (nw.col("closed_s") > NONE) | (nw.col("end") > NONE)
            frame = frame.filter(dated)
            frame = frame.with_columns(
                stage=choose(nw.col("outcome") == OPEN_DEAL, UNRECORDED, nw.col("stage"))
            )
        undated = (nw.col("outcome") != OPEN_DEAL) & (nw.col("closed_s") == NONE)
        return materialised(
            self._with_ends(self._settled(frame.with_columns(undated=undated))),
            self._while_settling,
            self.opportunities,
        )

    @cached_property
    def _while_settling(self) -> _Owner:
        """Keeps the settled deals until their moments, which hold all of them, are there."""
        return _Owner()

    def _spans(self) -> nw.LazyFrame[Any]:
        """Return, for each deal with any row, its first and last one (time and stage in one number) and marks."""
        is_stage, working = nw.col("place") < self.positions, nw.col("place") < self.won
        order = (nw.col("entered_s") + SHIFT_S) * (self.positions + 2) + nw.col("place")
        frame = self.seen().with_columns(
            order=order,
            first=choose(is_stage, order, _LARGE),
            last=choose(is_stage, order, NONE),
            named=choose(nw.col("place") == self.won, 1, 0),
            working_s=choose(working, nw.col("entered_s"), NONE),
            marks_n=choose(is_stage, 0, 1),
        )
        return frame.group_by("deal").agg(
            nw.col("order").max().alias("end"),
            nw.col("first").min(),
            nw.col("last").max(),
            nw.col("named").max(),
            nw.col("working_s").max(),
            nw.col("marks_n").sum(),
        )

    def _settled(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Let the history decide outcomes that the deals leave open."""
        width = self.positions + 2
        frame = frame.with_columns(
            end_place=choose(nw.col("end") > NONE, nw.col("end") % width, UNRECORDED),
            end_s=choose(nw.col("end") > NONE, nw.col("end") // width - SHIFT_S, NONE),
            first_s=choose(nw.col("has"), nw.col("first") // width - SHIFT_S, NONE),
            last_s=choose(nw.col("has"), nw.col("last") // width - SHIFT_S, NONE),
            last_place=choose(nw.col("has"), nw.col("last") % width, nw.col("stage")),
        )
        marked, is_open = nw.col("end_place") >= self.positions, nw.col("outcome") == OPEN_DEAL
        mark = choose(nw.col("end_place") == self.positions, LOST_DEAL, LEFT_DEAL)
        settled = choose(marked & is_open, mark, nw.col("outcome"))
        frame = frame.with_columns(outcome=settled, was_open=is_open)
        over = (nw.col("outcome") == LOST_DEAL) | (nw.col("outcome") == LEFT_DEAL)
        dated = nw.col("closed_s") > NONE
        stands = (nw.col("last_place") >= self.won) & (nw.col("outcome") == OPEN_DEAL)
        return frame.with_columns(
            closed_s=choose(
                marked & over & (nw.col("was_open") | ~dated), nw.col("end_s"), nw.col("closed_s")
            ),
            outcome=choose(stands, WON_DEAL, nw.col("outcome")),
        )

    def _with_ends(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Say which stays follow from creation, closing and current stage, and when they began."""
        has, won = nw.col("has"), nw.col("outcome") == WON_DEAL
        dated = nw.col("closed_s") > NONE
        before = has & (nw.col("created_s") > NONE) & (nw.col("created_s") < nw.col("first_s"))
        short = has & won & (nw.col("last_place") < self.won)
        beyond = has & won & (nw.col("last_place") > self.won) & dated & (nw.col("named") == 0)
        earliest = choose(before, larger(nw.col("created_s"), nw.col("working_s")), nw.col("working_s"))
        least = choose(short, nw.col("last_s"), choose(has, earliest, nw.col("created_s")))
        at_stage = ~has & (nw.col("stage") > 0) & ~((nw.col("stage") == self.won) & won)
        blank = (nw.col("stage") == 0) | ((nw.col("stage") < 0) & ~won)
        return frame.with_columns(
            before=before,
            adds_won=short | beyond | (won & ~has),
            won_s=larger(nw.col("closed_s"), least),
            won_known=choose(dated, 1, 0),
            adds_first=~has & ((nw.col("created_s") > NONE) | blank),
            adds_stage=at_stage,
        )

    # -- stays -----------------------------------------------------------------------------------------------

    def rows(self) -> nw.LazyFrame[Any]:
        """Return the rows of the history and those added: deal, entered_s, place, known, has."""
        seen, deals = self.seen().filter(nw.col("place") < self.positions), self.deals
        beyond_won = (nw.col("stage") > self.won) & (nw.col("outcome") == WON_DEAL)
        stage_s = choose(beyond_won, nw.col("won_s"), nw.col("created_s"))
        created_known = choose(nw.col("created_s") > NONE, 1, 0)
        has = choose(nw.col("has"), 1, 0)
        first = deals.filter(nw.col("before") | nw.col("adds_first"))
        parts = [
            _row(seen, nw.col("entered_s"), nw.col("place"), _always(1), _always(1)),
            _row(first, nw.col("created_s"), _always(0), created_known, has),
            _row(deals.filter("adds_stage"), stage_s, nw.col("stage"), _always(0), has),
            _row(deals.filter("adds_won"), nw.col("won_s"), _always(self.won), nw.col("won_known"), has),
        ]
        return nw.concat(parts)

    @cached_property
    def stays(self) -> nw.LazyFrame[Any]:
        """The stays: rows of one stage in a row are one; `following` is the next stage or _GONE."""
        order: Any = {"order_by": ["entered_s", "place"]}
        rows = self.rows().with_columns(
            preceding=nw.col("place").shift(1).over("deal", **order).fill_null(_GONE)
        )
        rows = rows.filter(nw.col("preceding") != nw.col("place"))
        following = nw.col("place").shift(-1).over("deal", **order).fill_null(_GONE)
        rows = rows.with_columns(following=following.cast(nw.Int64))
        return materialised(
            rows.select("deal", "entered_s", "place", "known", "has", "following"), self, self.opportunities
        )

    # -- moments ---------------------------------------------------------------------------------------------

    @cached_property
    def moments(self) -> nw.LazyFrame[Any]:
        """One row per deal: furthest position, first time at each position or beyond, when and how it ended."""
        place, known = nw.col("place"), nw.col("known") == 1
        there = {
            k: known & ((place == k) | ((nw.col("has") == 1) & (place > k))) for k in range(self.positions)
        }
        reached = {f"reached_{k}": choose(flag, nw.col("entered_s"), _LARGE) for k, flag in there.items()}
        last = known & (nw.col("following") == _GONE)
        back = (place >= self.won) & (nw.col("following") >= 0) & (nw.col("following") < self.won)
        stays = self.stays.with_columns(
            order=(nw.col("entered_s") + SHIFT_S) * (self.positions + 2) + place,
            since_s=choose(last, nw.col("entered_s"), NONE),
            back=choose(back, 1, 0),
            **reached,
        )
        spans = stays.group_by("deal").agg(
            place.max().alias("furthest"),
            nw.col("order").min(),
            nw.col("since_s").max(),
            nw.col("back").max(),
            *(nw.col(name).min() for name in reached),
        )
        kept = [*_MOMENTS, *reached, *(f"attribute_{k}" for k in range(len(self.attributes)))]
        moments = materialised(
            self._finished(self.deals.join(spans, on="deal")).select(*kept), self, self.opportunities
        )
        for name in ("deals", "_while_settling"):
            self.__dict__.pop(name)
        return moments

    def _finished(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Mark first times as unknown where nothing tells them; say when each deal ended."""
        first_place = nw.col("order") % (self.positions + 2)
        headless = nw.col("has") & (nw.col("created_s") == NONE)
        columns = {}
        for k in range(self.positions):
            reached_s = nw.col(f"reached_{k}")
            lost = (reached_s == _LARGE) | (headless & (first_place > k))
            columns[f"reached_{k}"] = choose(lost, NONE, reached_s)
        since_s = choose(nw.col("since_s") == NONE, nw.col("created_s"), nw.col("since_s"))
        over = (nw.col("outcome") == LOST_DEAL) | (nw.col("outcome") == LEFT_DEAL)
        ended_s = choose(nw.col("closed_s") == NONE, NONE, larger(nw.col("closed_s"), since_s))
        return frame.with_columns(ended_s=choose(over, ended_s, self.as_of_s), **columns)

    # -- counts ----------------------------------------------------------------------------------------------

    def grouped(self, by: By) -> nw.LazyFrame[Any]:
        """Return the moments with the values ``by_0``, ``by_1``, ... to group by."""
        keys = {}
        for k, one in enumerate(by):
            if isinstance(one, str):
                keys[f"by_{k}"] = nw.col(f"attribute_{self.attributes.index(one)}")
                continue
            entry_s = nw.col(f"reached_{one}")
            entry_s = choose(entry_s == NONE, nw.col("created_s"), entry_s) if one == 0 else entry_s
            day = (entry_s + SHIFT_S) // 86_400 - SHIFT_S // 86_400
            keys[f"by_{k}"] = choose(entry_s == NONE, NONE, day)
        return self.moments.with_columns(**keys) if keys else self.moments

    def standings(self, by: By) -> nw.LazyFrame[Any]:
        """Return how many deals (and what amounts) there are of each furthest position and outcome, by group."""
        frame = self.grouped(by).with_columns(amount_sq=nw.col("amount") * nw.col("amount"))
        return frame.group_by(*_keys(by), "furthest", "outcome").agg(
            nw.len().alias("n"),
            nw.col("amount").sum(),
            nw.col("known").sum().alias("amount_n"),
            nw.col("amount_sq").sum(),
        )

    def moves(self, by: By) -> nw.LazyFrame[Any]:
        """Return how many stays (and what amount) went from each stage to each next one, by group."""
        deals = self.grouped(by).select("deal", "outcome", "amount", *_keys(by))
        stays = self.stays.select("deal", "place", "following").join(deals, on="deal")
        end = choose(nw.col("outcome") == LEFT_DEAL, LEFT, STILL)
        end = choose(nw.col("outcome") == LOST_DEAL, LOST, end)
        stays = stays.with_columns(following=choose(nw.col("following") == _GONE, end, nw.col("following")))
        counts = stays.group_by(*_keys(by), "place", "following")
        return counts.agg(nw.len().alias("n"), nw.col("amount").sum())

    def times(self, by: By, origin: int, target: int, observed_from_s: int | None) -> nw.LazyFrame[Any]:
        """Return how many deals (and what amount) have each time, entry and event, by group."""
        began, there = nw.col(f"reached_{origin}"), nw.col("furthest") >= origin
        advanced, lost = nw.col("furthest") >= target, nw.col("outcome") == LOST_DEAL
        frame = self.grouped(by).with_columns(
            end_s=choose(advanced, nw.col(f"reached_{target}"), nw.col("ended_s")),
            event=choose(advanced, ADVANCED, choose(lost, LOST_OUT, CENSORED)),
        )
        known = there & (began > NONE) & (nw.col("end_s") > NONE)
        entry = (
            integer(0) if observed_from_s is None else larger(integer(observed_from_s) - began, integer(0))
        )
        frame = frame.with_columns(
            time_s=choose(known, nw.col("end_s") - began, 0),
            entry_s=choose(known, entry, 0),
            event=choose(known, nw.col("event"), choose(there, UNKNOWN_TIME, NOT_REACHED)),
        )
        counts = frame.group_by(*_keys(by), "time_s", "entry_s", "event")
        return counts.agg(nw.len().alias("n"), nw.col("amount").sum())

    def fact_counts(self) -> nw.LazyFrame[Any]:
        """Return one row: of how many deals each of FACTS is true, and how many deals there are."""
        ended = choose(nw.col("outcome") == WON_DEAL, nw.col(f"reached_{self.won}"), nw.col("ended_s"))
        late = (nw.col("outcome") != OPEN_DEAL) & (nw.col("closed_s") > NONE) & (ended > nw.col("closed_s"))
        inner_marks = nw.col("marks_n") > choose(nw.col("end_place") >= self.positions, 1, 0)
        true = {
            "history_missing": ~nw.col("has"),
            "created_unknown": nw.col("created_s") == NONE,
            "closed_date_missing": nw.col("undated"),
            "closed_before_last_stage": late,
            "reopened": inner_marks | (nw.col("back") == 1),
            "amount_unknown": nw.col("known") == 0,
        }
        frame = self.moments.select(**{name: choose(flag, 1, 0) for name, flag in true.items()})
        return frame.select(nw.len().alias("deals_n"), *(nw.col(name).sum() for name in true))


def _keys(by: By) -> list[str]:
    return [f"by_{k}" for k in range(len(by))]


def _always(value: int) -> nw.Expr:
    """Return a constant as long as the frame, which a lone literal is not in every engine."""
    return choose(nw.col("deal").is_null(), value, value)


def _row(
    frame: nw.LazyFrame[Any], entered_s: nw.Expr, place: nw.Expr, known: nw.Expr, has: nw.Expr
) -> nw.LazyFrame[Any]:
    columns = {"entered_s": entered_s, "place": place, "known": known, "has": has}
    return frame.select("deal", **{name: column.cast(nw.Int64) for name, column in columns.items()})
