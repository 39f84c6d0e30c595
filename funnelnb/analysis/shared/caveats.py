"""Which caveats can an analysis attach, and with which facts?

Every note code of ``analysis`` is made here, so that the language files have one list to follow. All values
are plain numbers or text; names of groups are joined into one text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.note import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from funnelnb.analysis.shared.by_day import AtDay


CODES = (
    "calendar_years",  # calendar, from_year, to_year, first, last: business days not known for all the data
    "horizon_chosen",  # horizon_days, decided_share, decisions_n
    "horizon_undecided",  # horizon_days: nothing has been decided yet, so the longest that can be seen
    "horizon_capped",  # the same: the deals could not be watched longer
    "horizon_chosen_dated",  # the same, where more deals closed than those whose time is known
    "horizon_capped_dated",  # the same
    "horizon_unseen",  # groups, horizon_days: the share by then is not known
    "horizon_carried",  # horizon_days, groups: nobody was watched so long, nearly all were decided before
    "few_at_horizon",  # groups, horizon_days, min_n: it rests on few deals that were watched so long
    "late_entry",  # deals_n, of_n: deals that count only from when they came under observation
    "ended_before_records",  # deals_n, of_n: nobody could have seen others like them, so they do not count
    "early_risk_small",  # groups, min_n: too few deals under observation at young ages; the share is withheld
    "origin_undated",  # stage, origin: nobody dated the first, so the whole way is taken from the second
    "times_unknown",  # deals_n, of_n: not in any share by day
    "amount_unknown",  # deals_n, of_n
    "amount_at_close_only",  # lost or open deals carry no amount: shares of the amount are withheld
    "not_ended",  # deals_n, of_n: open, or left without a decision: their time is only known to be longer
    "open_deals",  # deals_n, of_n
    "left_undecided",  # deals_n, of_n
    "stages_stood_for",  # deals_n, of_n: ended at an unknown stage; deals whose stage is known stand for them
    "stages_not_known",  # deals_n, of_n: nobody can stand for them, so steps are not known
    "losses_undated",  # deals_n, of_n: shares won need no date of a loss, shares lost are estimated and bounded
    "closed_only",  # deals_n, open_n: open deals were left out of the data
    "only_wins",  # deals_n, open_n: no deal is lost and none could be
    "wins_alone",  # deals_n, open_n: no deal is lost or open although some must be
    "losses_never_set",  # deals_n, open_n: lost deals were never marked
    "nobody_decided",  # deals_n, open_n
    "no_wins",  # deals_n, open_n
    "few_accounts",  # accounts_n, effective_n
    "no_losses",  # deals_n: no deal is marked lost, so "decided" says nothing
    "too_few",  # groups, groups_n, min_n
    "after_sale_shown",  # stages: rows beyond won are not part of the overall rate
    "cohorts_immature",  # cohorts_n, of_n, horizon_days, trusted_from: when the last of them can be trusted
    "cohort_unknown",  # deals_n, of_n: without a date of creation they are in no cohort
    "one_group",  # nothing to compare
    "omnibus_not_rejected",  # p_value: no group is named because all may be alike
    "fit_flexible",  # rows_n, of_n, close_share: the generalised gamma, which was not asked for, comes close
    "fit_refuted",  # groups, level_rate, close_share: close to the data, yet refuted by many deals
    "never_unseen",  # rows_n, of_n: follow-up too short for a share that never ends
    "overdispersed",  # overdispersion
    "shrinkage_full",  # the groups do not differ more than chance: all are pulled to the whole
)
"""Every code made in ``analysis``, with the facts it carries."""

MISSING = "—"
"""How a group without a value is named in the facts of a note."""


def join(groups: Iterable[tuple[str, ...]]) -> str:
    """Return the names of `groups` as one text."""
    return ", ".join(" / ".join(value or MISSING for value in group) for group in groups)


def alike(omnibus_p_value: float, level: float, *, named: bool) -> tuple[Note, ...]:
    """Return a note that all groups may be alike, unless one is named or there are no two to compare."""
    if named or not omnibus_p_value > level:
        return ()
    return (Note("omnibus_not_rejected", {"p_value": omnibus_p_value}),)


def too_few(groups: Sequence[tuple[str, ...]]) -> tuple[Note, ...]:
    """Groups with fewer deals than a rate needs."""
    if not groups:
        return ()
    return (Note("too_few", {"groups": join(groups), "groups_n": len(groups), "min_n": TOO_FEW_N}),)


def partly(code: str, deals_n: float, of_n: float) -> tuple[Note, ...]:
    """Return a note that `deals_n` of `of_n` deals have some property, unless none has."""
    return (Note(code, {"deals_n": int(deals_n), "of_n": int(of_n)}),) if deals_n else ()


def timed(n: float, unknown_n: float, late_n: float, gone_n: float) -> tuple[Note, ...]:
    """Return notes on which of the deals have times: `n` have, `late_n` of them count only from some age on.

    Of `unknown_n` more the times are not known, and `gone_n` more ended before the records begin.
    """
    return (
        *partly("times_unknown", unknown_n, n + unknown_n),
        *partly("late_entry", late_n, n),
        *partly("ended_before_records", gone_n, n + unknown_n + gone_n),
    )


def no_losses(lost_n: float, n: float) -> tuple[Note, ...]:
    """Return a note if none of `n` deals is marked lost."""
    return (Note("no_losses", {"deals_n": int(n)}),) if n and not lost_n else ()


def named(code: str, groups: Sequence[tuple[str, ...]], **facts: float) -> tuple[Note, ...]:
    """Return a note about the groups named, unless there are none."""
    return (Note(code, {"groups": join(groups), **facts}),) if groups else ()


def at_horizon(days: Sequence[tuple[tuple[str, ...], AtDay]], horizon_days: float) -> tuple[Note, ...]:
    """Groups whose rate by the horizon is withheld, or rests on few deals that were watched so long."""
    small = [group for group, day in days if day.early_risk_small]
    unseen = [group for group, day in days if day.n and np.isnan(day.rate) and not day.early_risk_small]
    carried = [group for group, day in days if day.carried]
    few = [
        group
        for group, day in days
        if not np.isnan(day.rate) and not (_sure(day) or day.carried) and day.n >= TOO_FEW_N > day.at_risk_n
    ]
    notes = named("early_risk_small", small, min_n=TOO_FEW_N)
    notes += named("horizon_unseen", unseen, horizon_days=horizon_days)
    notes += named("horizon_carried", carried, horizon_days=horizon_days)
    return notes + named("few_at_horizon", few, horizon_days=horizon_days, min_n=TOO_FEW_N)


def _sure(day: AtDay) -> bool:
    """Whether the share rests on deals decided: all that were watched so long are, and they are half of all or more."""
    return day.settled and 2 * day.known_n >= day.n


LEFT_OUT = ("closed_only", "only_wins", "wins_alone")
"""Notes that say why nothing by day is given: deals were left out of the data."""
WITHHELD = (*LEFT_OUT, "nobody_decided", "stage_unknown", "stages_not_known")
"""Notes that say why a result may hold no deal although the data hold some."""
_OF_NOTHING = ("too_few", "one_group", "omnibus_not_rejected")


def without_false_reasons(notes: tuple[Note, ...], n: float) -> tuple[Note, ...]:
    """Leave out notes that give the wrong reason for what another note explains.

    Parameters
    ----------
    notes : tuple of Note
    n : int
        Deals behind the result.

    Notes
    -----
    What is withheld reaches an analysis as times that are not known. Counted there, that reads as deals without dates,
    as groups that are too small, or as nothing closed yet: all untrue.

    Examples
    --------
    >>> left_out, dates = Note("closed_only", {"deals_n": 260}), Note("times_unknown", {"deals_n": 260, "of_n": 260})
    >>> [note.code for note in without_false_reasons((left_out, dates), 260)]
    ['closed_only']
    """
    codes = {note.code for note in notes}
    if not codes & set(WITHHELD):
        return notes
    left_out = bool(codes & set(LEFT_OUT))

    def untrue(note: Note) -> bool:
        if note.code == "times_unknown":
            return bool(note.values["deals_n"] == note.values["of_n"]) and "created_unknown" not in codes
        if note.code in _OF_NOTHING:
            return not n
        return left_out and note.code in ("horizon_undecided", "target_few_rates", "propensity_untested")

    return tuple(note for note in notes if not untrue(note))


def day(when: np.datetime64) -> str:
    """Return the date of `when` as ISO text."""
    return str(when.astype("datetime64[D]"))
