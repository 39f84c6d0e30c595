"""How late are the closes that sellers promise, how often are they pushed, how do amounts change until then?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.shared.counts import level
from funnelnb.analysis.shared.result import Result
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import MissingDataError, ParameterError
from funnelnb.core.note import Note
from funnelnb.data.snapshots import Store
from funnelnb.stats.curves.survival import kaplan_meier
from funnelnb.stats.rates.proportion import normal_quantile, wilson

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseRow:
    """The first expected closes of one owner's deals, or of all.

    Attributes
    ----------
    group : tuple of str
        Empty for all.
    deal_n : int
        Deals with an expected close in a snapshot in which they were open.
    closed_n : int
    on_time_rate, on_time_ci_lower, on_time_ci_upper : float
        Of those whose first date is over: closed by then.
    late_days : float
        Median days from the first expected close to the close, deals still open counted as at least so late; infinite:
        not reached.
    pushed_mean_n : float
        Times a date was moved later, per deal.
    own_late_days, own_ci_lower, own_ci_upper : float
        Mean lateness of closed deals, pulled to that of all as far as there are few, with its interval.
    verdict : {"later", "earlier", "no_difference", "too_few"}
        Against all, by the interval.
    """

    group: tuple[str, ...]
    deal_n: int
    closed_n: int
    on_time_rate: float
    on_time_ci_lower: float
    on_time_ci_upper: float
    late_days: float
    pushed_mean_n: float
    own_late_days: float
    own_ci_lower: float
    own_ci_upper: float
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountRow:
    """How the amount of won deals changed from the first snapshot that shows them to the close.

    Attributes
    ----------
    deal_n : int
    same_rate : float
        Share whose amount did not change.
    q10_share, q50_share, q90_share : float
        Signed / first amount.
    whole_share : float
        Sum of signed / sum of first amounts.
    """

    deal_n: int
    same_rate: float
    q10_share: float
    q50_share: float
    q90_share: float
    whole_share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Promised(Result):
    """Expected closes and amounts against what came. `n` counts deals.

    Attributes
    ----------
    by : tuple of str
    snapshots_n : int
    rows : tuple of PromiseRow
        All first, then the latest.
    amounts : tuple of AmountRow
        Empty where too few won deals were seen while open.
    """

    by: tuple[str, ...]
    snapshots_n: int
    rows: tuple[PromiseRow, ...]
    amounts: tuple[AmountRow, ...]


def expected_closes(store: Store, *, confidence_level: float | None = None) -> Promised:
    """How late are the closes that sellers promise, and how do amounts change until the close?

    Parameters
    ----------
    store : Snapshots
        One export does not tell: it holds the last date only, mostly that of the close itself.
    confidence_level : float, optional

    Returns
    -------
    Promised

    Raises
    ------
    ParameterError
        `store` is no store of snapshots.
    MissingDataError
        Fewer than two snapshots, or none with expected closes.

    Notes
    -----
    A deal's promise is the first expected close that a snapshot shows while it is open, its owner the one of then.
    Deals still open after their date are at least so late (Kaplan-Meier). The owners' means are pulled to that of all
    by empirical Bayes (normal), and named only where the interval leaves that mean out.
    """
    if not isinstance(store, Store):
        raise ParameterError(
            f"expected_closes was given a value of type {type(store).__name__}",
            expected="a store of snapshots: one export holds the last date of each deal only",
            hint="fn.forecasts.expected_closes(fn.forecasts.snapshots('pipeline/'))",
        )
    dates = store.dates
    if len(dates) < 2:
        raise MissingDataError(
            f"{store.path}: the store holds {len(dates)} snapshot{'s' if len(dates) != 1 else ''}",
            expected="snapshots of at least two days",
            hint=f"funnelnb snapshot EXPORT --store {store.path}",
        )
    first = _first_seen(store, dates)
    latest = store.at(dates[-1])
    if first is None or not first["expected"].notna().any():
        raise MissingDataError(
            "no snapshot holds an expected close of an open deal",
            expected="a column expected_close_at",
            hint="map it in the settings",
        )
    confidence = level(confidence_level)
    told = _ends(first, latest)
    return Promised(
        n=len(told),
        method="promised",
        confidence_level=confidence,
        as_of=latest.as_of,
        currency=latest.currency,
        notes=(Note("promised_from", {"day": dates[0], "snapshots_n": len(dates)}),),
        by=("owner",),
        snapshots_n=len(dates),
        rows=_promise_rows(told, latest.as_of, confidence),
        amounts=_amount_rows(told),
    )


def _first_seen(store: Store, dates: tuple[str, ...]) -> pd.DataFrame | None:
    """Return what the first snapshot said of each deal while it was open, and how often its date moved later."""
    import pandas as pd

    found: pd.DataFrame | None = None
    for day in dates:
        deals = store.at(day).opportunities
        still = deals[deals["outcome"] == "open"].set_index("opportunity_id")
        blank = pd.Series(pd.NaT, index=still.index, dtype="datetime64[us]")
        now = pd.DataFrame({
            "expected": still.get("expected_close_at", blank),
            "amount": still.get("amount", np.nan),
            "owner": still["owner"].fillna("") if "owner" in still else "",
            "last": still.get("expected_close_at", blank),
            "pushed": 0,
        })  # fmt: skip
        now = now[now["expected"].notna()]
        if found is None:
            found = now
            continue
        again = now.index.intersection(found.index)
        found.loc[again, "pushed"] += (now.loc[again, "expected"] > found.loc[again, "last"]).astype(int)
        found.loc[again, "last"] = now.loc[again, "expected"]
        found = pd.concat([found, now.loc[now.index.difference(found.index)]])
    return found


def _ends(first: pd.DataFrame, latest: Any) -> pd.DataFrame:
    """Return the promises with how the deals stood at last; deals that vanished are left out."""
    import pandas as pd

    deals = latest.opportunities.set_index("opportunity_id")
    told = first[first.index.isin(deals.index)].copy()
    told["outcome"] = deals["outcome"].reindex(told.index)
    blank = pd.Series(pd.NaT, index=deals.index, dtype="datetime64[us]")
    told["closed"] = deals.get("closed_at", blank).reindex(told.index)
    told["signed"] = deals["amount"].reindex(told.index) if "amount" in deals else np.nan
    return told


def _promise_rows(
    told: pd.DataFrame, as_of: np.datetime64, confidence_level: float
) -> tuple[PromiseRow, ...]:
    end = told["closed"].fillna(as_of.astype("datetime64[us]"))
    late = (
        end.to_numpy().astype("datetime64[D]") - told["expected"].to_numpy().astype("datetime64[D]")
    ).astype(float)
    closed = (told["outcome"] != "open").to_numpy() & told["closed"].notna().to_numpy()
    owner = told["owner"].to_numpy(dtype=object)
    labels = [str(one) for one in sorted(set(owner)) if one]
    whole = float(late[closed].mean()) if closed.any() else float("nan")
    means, errors = [], []
    for label in labels:
        mine = late[closed & (owner == label)]
        means.append(float(mine.mean()) if mine.size else np.nan)
        errors.append(float(late[closed].var()) / mine.size if mine.size else np.inf)
    spread = _between(np.array(means), np.array(errors), whole)
    rows = [
        _promise((), np.ones(len(told), bool), told, late, closed, (whole, 0.0, 0.0), whole, confidence_level)
    ]
    for label, mean, error in zip(labels, means, errors, strict=True):
        pull = spread / (spread + error) if np.isfinite(error) else 0.0
        own = whole + pull * (np.nan_to_num(mean, nan=whole) - whole)
        sd = float(np.sqrt(spread * (1 - pull)))
        rows.append(
            _promise((label,), owner == label, told, late, closed, (own, sd, pull), whole, confidence_level)
        )
    return (rows[0], *sorted(rows[1:], key=lambda row: (-row.own_late_days, row.group)))


def _between(means: Floats, errors: Floats, whole: float) -> float:
    """Return the variance between owners beyond chance."""
    told = np.isfinite(means)
    if told.sum() < 2:
        return 0.0
    return max(float(((means[told] - whole) ** 2 - errors[told]).mean()), 0.0)


def _promise(
    group: tuple[str, ...], mine: NDArray[np.bool_], told: pd.DataFrame, late: Floats, closed: NDArray[np.bool_],
    own: tuple[float, float, float], whole: float, confidence_level: float,
) -> PromiseRow:  # fmt: skip
    days, over = late[mine], closed[mine]
    due = over | (days > 0)
    on_time = float((over & (days <= 0)).sum())
    lower, upper = wilson([on_time], [max(int(due.sum()), 1)], confidence_level)
    shift = float(-days.min()) + 1 if days.size else 0.0
    median = np.nan
    if days.size:
        median = float(kaplan_meier(days + shift, over).quantile(0.5).time[0]) - shift
    reach = normal_quantile(confidence_level) * own[1]
    verdict = "no_difference"
    if group and int(over.sum()) < TOO_FEW_N:
        verdict = "too_few"
    elif group and own[0] - reach > whole:
        verdict = "later"
    elif group and own[0] + reach < whole:
        verdict = "earlier"
    return PromiseRow(
        group=group,
        deal_n=int(mine.sum()),
        closed_n=int(over.sum()),
        on_time_rate=on_time / due.sum() if due.any() else float("nan"),
        on_time_ci_lower=float(lower[0]) if due.any() else float("nan"),
        on_time_ci_upper=float(upper[0]) if due.any() else float("nan"),
        late_days=median,
        pushed_mean_n=float(told["pushed"].to_numpy()[mine].mean()) if mine.any() else float("nan"),
        own_late_days=own[0],
        own_ci_lower=own[0] - reach,
        own_ci_upper=own[0] + reach,
        verdict=verdict,
    )


def _amount_rows(told: pd.DataFrame) -> tuple[AmountRow, ...]:
    won = told[(told["outcome"] == "won") & (told["amount"] > 0) & (told["signed"] > 0)]
    if len(won) < TOO_FEW_N:
        return ()
    ratio = (won["signed"] / won["amount"]).to_numpy(dtype=float)
    return (
        AmountRow(
            deal_n=len(won),
            same_rate=float((np.abs(ratio - 1) < 1e-9).mean()),
            q10_share=float(np.quantile(ratio, 0.1)),
            q50_share=float(np.quantile(ratio, 0.5)),
            q90_share=float(np.quantile(ratio, 0.9)),
            whole_share=float(won["signed"].sum() / won["amount"].sum()),
        ),
    )
