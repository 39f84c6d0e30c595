"""Does the chance to win hold out of time? Learned up to one day, tested on the deals created after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.entry import Design, Entry
from funnelnb.analysis.obtain import SECONDS_PER_DAY
from funnelnb.analysis.propensity_model import Cases, cases_of, fit
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.note import Note
from funnelnb.data.clock import UNKNOWN
from funnelnb.stats.calibration import Calibration, auc, calibration, gain, score

if TYPE_CHECKING:
    from funnelnb.data.ledger import Ledger

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEVER = np.datetime64("NaT", "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecasterRow:
    """How good one way to tell winners is, on deals created after it was learned.

    Attributes
    ----------
    forecaster : {"model", "base_rate", "amount", "recency"}
    brier, log_score : float
        Lower is better; NaN where the forecaster only ranks.
    auc : float
        Chance to rank a deal that is won above one that is not; 0.5 is a coin.
    """

    forecaster: str
    brier: float
    log_score: float
    auc: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRow:
    """Deals with about the same forecast, on deals created after the model was learned.

    Attributes
    ----------
    forecast_rate : float
    observed_rate, observed_ci_lower, observed_ci_upper : float
    case_n : float
        Effective number of deals.
    enough : bool
    """

    forecast_rate: float
    observed_rate: float
    observed_ci_lower: float
    observed_ci_upper: float
    case_n: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What the test on later deals found.

    Attributes
    ----------
    verdict, gain, gain_ci_lower, gain_ci_upper, calibration_error, split_at, train_n, test_n, forecasters, bins
        As in :class:`~funnelnb.analysis.propensity.Propensity`.
    notes : tuple of Note
        Says so where the record is too short to test anything.
    """

    verdict: str = "untested"
    gain: float = float("nan")
    gain_ci_lower: float = float("nan")
    gain_ci_upper: float = float("nan")
    calibration_error: float = float("nan")
    split_at: np.datetime64 = NEVER
    train_n: int = 0
    test_n: int = 0
    forecasters: tuple[ForecasterRow, ...] = ()
    bins: tuple[CalibrationRow, ...] = ()
    notes: tuple[Note, ...] = (Note("propensity_untested"),)


def validate(ledger: Ledger, start_s: Ints, facts: Entry, days: float, confidence_level: float) -> Validation:
    """Does a model learned from what was known on one day beat the base rate on deals created later?

    Parameters
    ----------
    ledger : Ledger
    start_s : ndarray of int64, shape (deals,)
        When each deal's clock starts.
    facts : Entry
        What is known of each deal at its entry.
    days : float
        The chance is to be won within so many days.
    confidence_level : float
    """
    split_s, last_s = _split(ledger, start_s, days)
    if split_s >= last_s:
        return Validation()
    train = cases_of(ledger, start_s, split_s, days)
    later = cases_of(ledger, start_s, ledger.as_of_s, days, split_s, last_s)
    model = fit(Design.learn(facts, train.rows), train)
    won_n = later.won.sum()
    if model is None or min(won_n, len(later.won) - won_n) < TOO_FEW_N:
        return Validation()
    forecast = model.rate(later.rows)
    base = np.full(len(later.rows), train.base_rate)
    mean, lower, upper = gain(forecast, base, later.won, later.weight, confidence_level)
    bins = calibration(
        forecast, later.won, later.weight, min(10, max(2, len(later.won) // 50)), confidence_level
    )
    return Validation(
        verdict="better" if lower > 0 else "worse" if upper < 0 else "no_better",
        gain=mean,
        gain_ci_lower=lower,
        gain_ci_upper=upper,
        calibration_error=bins.error,
        split_at=np.datetime64(split_s, "s").astype("datetime64[D]"),
        train_n=len(train.rows),
        test_n=len(later.rows),
        forecasters=_forecasters(ledger, start_s, forecast, base, later),
        bins=_calibration_rows(bins),
        notes=(),
    )


def _split(ledger: Ledger, start_s: Ints, days: float) -> tuple[int, int]:
    """Return the end of the day that the model is learned on, and the latest start that can be tested.

    The first is not before the second where the record is too short to test.
    """
    horizon_s = round(days * SECONDS_PER_DAY)
    last_s = ledger.as_of_s - horizon_s
    dated = start_s[start_s != UNKNOWN]
    if not dated.size:
        return last_s, last_s
    first_s = int(dated.min())
    split_s = first_s + max(round(1.2 * horizon_s), round(0.6 * (last_s - first_s)))
    return split_s - split_s % SECONDS_PER_DAY, last_s


def _calibration_rows(bins: Calibration) -> tuple[CalibrationRow, ...]:
    return tuple(
        CalibrationRow(
            forecast_rate=float(bins.forecast[b]),
            observed_rate=float(bins.observed[b]),
            observed_ci_lower=float(bins.ci_lower[b]),
            observed_ci_upper=float(bins.ci_upper[b]),
            case_n=float(bins.n[b]),
            enough=bool(bins.n[b] >= TOO_FEW_N),
        )
        for b in range(len(bins.n))
    )


def _forecasters(
    ledger: Ledger, start_s: Ints, forecast: Floats, base: Floats, cases: Cases
) -> tuple[ForecasterRow, ...]:
    rows = []
    for name, chance in (("model", forecast), ("base_rate", base)):
        found = score(chance, cases.won, cases.weight)
        rows.append(
            ForecasterRow(forecaster=name, brier=found.brier, log_score=found.log_score, auc=found.auc)
        )
    nan = float("nan")
    ranks = (("amount", np.nan_to_num(ledger.amount[cases.rows])), ("recency", start_s[cases.rows]))
    for name, rank in ranks:
        rows.append(
            ForecasterRow(forecaster=name, brier=nan, log_score=nan, auc=auc(rank, cases.won, cases.weight))
        )
    return tuple(rows)
