"""Who really buys? The chance to win by what is known at entry, tested on later deals before it is believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelnb.analysis.priority.entry import AMOUNT, AuditRow, Design, Entry, entry
from funnelnb.analysis.shared.cases import Cases, cases_of
from funnelnb.analysis.shared.counts import (
    SECONDS_PER_DAY,
    level,
    origin_of,
    source_notes,
    time_counts,
)
from funnelnb.analysis.shared.horizon import settle
from funnelnb.analysis.shared.judged import NO_RATE, unjudged
from funnelnb.analysis.shared.open_deals import open_deals
from funnelnb.analysis.shared.question import question
from funnelnb.analysis.shared.result import DealRows, Result, about
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.note import Note
from funnelnb.data.contract.clock import UNKNOWN
from funnelnb.stats.models.logistic import Logistic, logistic
from funnelnb.stats.rates.calibration import Calibration, auc, calibration, gain, score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.data.book import Book
    from funnelnb.data.ledger.ledger import Ledger
    from funnelnb.playbooks.model import Label


# ---- What is learned about winning from deals at their entry? The deals whose state is known --------------

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PropensityModel:
    """The attributes used, as columns, and the logistic model fitted to them."""

    design: Design
    fitted: Logistic

    def rate(self, rows: Ints) -> Floats:
        """Return the chance at entry of the deals at these places in the ledger."""
        return self.fitted.rate(self.design.columns(rows))


def fit(design: Design, cases: Cases) -> PropensityModel | None:
    """Return the model learned from `cases`; None where they do not tell anything."""
    won_n = cases.won.sum()
    if won_n < TOO_FEW_N or len(cases.won) - won_n < TOO_FEW_N or not design.names():
        return None
    columns = design.columns(cases.rows)
    return PropensityModel(design=design, fitted=logistic(columns, cases.won, cases.weight, design.block()))


# ---- Does the chance to win hold out of time? Learned up to one day, tested on the deals created after it --

NEVER = np.datetime64("NaT", "D")
HANDED_OVER = ("owner", "team")
"""Columns that hold who has a deal now; who had it at entry no export tells."""


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
        As in :class:`~funnelnb.analysis.priority.propensity.Propensity`.
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
    split_s, last_s = split_of(ledger, start_s, days)
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


def split_of(ledger: Ledger, start_s: Ints, days: float) -> tuple[int, int]:
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


# ---- Who really buys? The chance to win by what is known at entry -----------------------------------------

REASON_FACTOR = 1.1
"""An attribute is named as a reason when it changes the odds by more than this factor."""
REASONS_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One value of one attribute.

    Attributes
    ----------
    attribute, value : str
        The value of the amount is empty: its effect is per standard deviation of its logarithm.
    deal_n : int
        Deals with this value whose state at the horizon is known.
    raw_rate : float
        Share of them won by the horizon, censoring taken out.
    model_rate : float
        Chance of an otherwise average deal with this value; small groups are pulled to the average.
    odds_factor : float
        What the value multiplies the odds by.
    enough : bool
    """

    attribute: str
    value: str
    deal_n: int
    raw_rate: float
    model_rate: float
    odds_factor: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PropensityDeal:
    """The chance of one open deal, as it was at its entry.

    Attributes
    ----------
    opportunity_id, owner, region, stage : str
    deal_amount : float
    entry_rate : float
        Chance at entry to be won within the horizon.
    odds_factor : float
        Odds against those of an average deal.
    raises, lowers : str
        What makes it better, and worse, than average: ``attribute=value``, joined by "|", strongest first.
    customer : str
        What to call the customer: its name; else its id, the deal's name, or the deal's id.
    """

    opportunity_id: str
    owner: str
    region: str
    stage: str
    deal_amount: float
    entry_rate: float
    odds_factor: float
    raises: str
    lowers: str
    customer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Propensity(Result):
    """The chance to win by what is known at entry. `n` counts the deals that the final model learned from.

    Attributes
    ----------
    horizon_days : float
        The chance is to be won within so many days of creation.
    base_rate : float
        Chance of all deals together.
    verdict : {"better", "no_better", "worse", "untested"}
        The model against the base rate on later deals, by log score.
    gain, gain_ci_lower, gain_ci_upper : float
        Mean gain in log score per deal; NaN if untested.
    calibration_error : float
        Mean distance between forecast and outcome over the bins.
    split_at : numpy.datetime64
        The tested model saw nothing after this day; NaT if untested.
    train_n, test_n : int
        Deals it learned from, and deals created later on which it was tested.
    forecasters : tuple of ForecasterRow
    bins : tuple of CalibrationRow
    effects : tuple of EffectRow
        By attribute; strongest effect first.
    deals : tuple of PropensityDeal
        Open deals, best chance first.
    audit : tuple of AuditRow
        Every column and whether it may be used.
    stage_ids, stage_labels
        As in :class:`~funnelnb.analysis.conversion.conversion.Conversion`.
    """

    horizon_days: float
    base_rate: float
    verdict: str
    gain: float
    gain_ci_lower: float
    gain_ci_upper: float
    calibration_error: float
    split_at: np.datetime64
    train_n: int
    test_n: int
    forecasters: tuple[ForecasterRow, ...]
    bins: tuple[CalibrationRow, ...]
    effects: tuple[EffectRow, ...]
    deals: DealRows[PropensityDeal] = field()
    audit: tuple[AuditRow, ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


@question("customers")
def propensity(
    book: Book,
    *,
    attributes: Sequence[str] | None = None,
    horizon_days: float | None = None,
    confidence_level: float | None = None,
) -> Propensity:
    """Who really buys, by what is known at entry, and is that knowledge worth anything?

    Parameters
    ----------
    book : Book
    attributes : sequence of str, optional
        What the model may use (``"amount"`` among it or not); None: all that pass the audit.
    horizon_days : float, optional
        The chance is to be won within so many days; None: chosen as for ``fn.conversion``.
    confidence_level : float, optional
        Of the intervals and of the verdict; None: the package option.

    Returns
    -------
    Propensity

    Raises
    ------
    ParameterError
        An attribute that the book does not have, or that is known only after the entry.

    Notes
    -----
    - Only what is known at entry is used; the audit drops what is written later, filled in for one outcome
      only, or tells the outcome by itself.
    - Open deals are neither losses nor left out: each deal whose state at the horizon is known stands for
      those that were not watched so long (inverse probability of censoring). Deals taken out undecided are
      censored.
    - Where nobody dated the first stage, the clock starts at the first stage that is dated.
    - A logistic model whose attributes are pulled to nothing as far as the data demand
      (:func:`funnelnb.stats.models.logistic.logistic`).
    - Test: the model is learned from what was known on one day (`split_at`) and forecasts deals created after
      it. If it does not beat the base rate on these, the verdict says so, and the call list does not use it.

    References
    ----------
    Graf et al. (1999), doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5.
    Kaufman et al. (2012), doi:10.1145/2382577.2382579 (leakage).

    Checked against floors with known chances and floors without any difference:
    ``tests/analysis/test_propensity.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> fn.propensity(fn.sample(), horizon_days=180).verdict
    'better'
    """
    confidence = level(confidence_level)
    origin, ledger = origin_of(book, None), book.ledger
    horizon = settle(horizon_days, time_counts(book, origin.position, ledger.won))
    known, start_s = entry(book, attributes), ledger.reached_s[:, origin.position]
    if unjudged(book) in NO_RATE:  # deals that would tell are not in the data
        start_s = np.full_like(start_s, UNKNOWN)
    whole = cases_of(ledger, start_s, ledger.as_of_s, horizon.days)
    final = fit(Design.learn(known, whole.rows), whole)
    tested = validate(ledger, start_s, known, horizon.days, confidence) if final else Validation()
    told = (*source_notes(book), *origin.notes, *horizon.notes, *tested.notes)
    notes = (*told, *_notes(known.audit, ledger))
    return Propensity(
        n=len(whole.rows),
        method="propensity",
        confidence_level=confidence,
        notes=notes,
        horizon_days=horizon.days,
        base_rate=whole.base_rate,
        verdict=tested.verdict,
        gain=tested.gain,
        gain_ci_lower=tested.gain_ci_lower,
        gain_ci_upper=tested.gain_ci_upper,
        calibration_error=tested.calibration_error,
        split_at=tested.split_at,
        train_n=tested.train_n,
        test_n=tested.test_n,
        forecasters=tested.forecasters,
        bins=tested.bins,
        effects=_effects(final, whole) if final else (),
        deals=DealRows(_deals(book, final) if final else ()),
        audit=known.audit,
        **about(book),
    )


def _effects(model: PropensityModel, cases: Cases) -> tuple[EffectRow, ...]:
    columns = model.design.columns(cases.rows)
    average = model.fitted.log_odds(columns)
    centre = float((cases.weight * average).sum() / cases.weight.sum())
    means = (cases.weight[:, None] * columns).sum(axis=0) / cases.weight.sum()
    by_name: dict[str, float] = {}
    for (name, _), beta, mean in zip(model.design.names(), model.fitted.coefficient, means, strict=True):
        by_name[name] = by_name.get(name, 0.0) + float(beta * mean)
    rows = []
    for k, (name, value) in enumerate(model.design.names()):
        shift = float(model.fitted.coefficient[k]) - (0.0 if name == AMOUNT else by_name[name])
        mine = columns[:, k] > 0 if name != AMOUNT else np.ones(len(columns), dtype=bool)
        weight = cases.weight[mine]
        rows.append(
            EffectRow(
                attribute=name,
                value=value,
                deal_n=int(mine.sum()),
                raw_rate=float((weight * cases.won[mine]).sum() / weight.sum()),
                model_rate=1 / (1 + float(np.exp(-(centre + shift)))),
                odds_factor=float(np.exp(shift)),
                enough=bool(mine.sum() >= TOO_FEW_N),
            )
        )
    reach = {
        name: max(abs(np.log(row.odds_factor)) for row in rows if row.attribute == name) for name in by_name
    }
    return tuple(
        sorted(rows, key=lambda row: (-reach[row.attribute], row.attribute, -row.odds_factor, row.value))
    )


def _deals(book: Book, model: PropensityModel) -> tuple[PropensityDeal, ...]:
    deals = open_deals(book, some=True)
    if not len(deals):
        return ()
    columns = model.design.columns(deals.index)
    rate = model.fitted.rate(columns)
    parts = columns * model.fitted.coefficient
    names = model.design.names()
    order = list(dict.fromkeys(name for name, _ in names))
    which = [order.index(name) for name, _ in names]
    effect = np.zeros((len(deals), len(order)))
    np.add.at(effect.T, which, parts.T)
    effect -= effect.mean(axis=0)
    rows = []
    for d in range(len(deals)):
        values = {name: value for k, (name, value) in enumerate(names) if columns[d, k] != 0}
        raises, lowers = _reasons(order, effect[d], values)
        rows.append(
            PropensityDeal(
                opportunity_id=deals.opportunity_id[d],
                customer=deals.customer[d],
                owner=deals.owner[d],
                region=deals.region[d],
                stage=book.playbook.stage_ids[deals.position[d]],
                deal_amount=float(deals.amount[d]),
                entry_rate=float(rate[d]),
                odds_factor=float(np.exp(effect[d].sum())),
                raises=raises,
                lowers=lowers,
            )
        )
    return tuple(sorted(rows, key=lambda row: (-round(row.entry_rate, 12), row.opportunity_id)))


def _reasons(order: list[str], effect: Floats, values: dict[str, str]) -> tuple[str, str]:
    """Return what raises and what lowers the chance, strongest first."""
    least = np.log(REASON_FACTOR)
    told = sorted(
        ((float(effect[k]), name) for k, name in enumerate(order) if name in values),
        key=lambda one: (-abs(one[0]), one[1]),
    )
    up = [f"{name}={values[name]}" for size, name in told if size > least]
    down = [f"{name}={values[name]}" for size, name in told if size < -least]
    return " | ".join(up[:REASONS_MOST]), " | ".join(down[:REASONS_MOST])


def _notes(audit: tuple[AuditRow, ...], ledger: Ledger) -> tuple[Note, ...]:
    notes = []
    leaky = [row.column for row in audit if row.reason in ("filled_by_outcome", "tells_outcome")]
    leaky += [row.column for row in audit if row.reason == "known_later" and row.column in ledger.attributes]
    if leaky:
        notes.append(Note("columns_leak", {"columns": ", ".join(leaky)}))
    if any(row.column == AMOUNT and row.used for row in audit):
        notes.append(Note("amount_as_recorded"))
    if any(row.column in HANDED_OVER and row.used for row in audit):
        notes.append(Note("people_as_recorded"))
    if ledger.observed_from_s != UNKNOWN:
        notes.append(Note("deals_before_records_left_out"))
    return tuple(notes)
