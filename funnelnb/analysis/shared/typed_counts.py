"""How does a funnel convert whose counts are typed in, without a CRM? The weekly report's six numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from funnelnb.analysis.shared.counts import level
from funnelnb.analysis.shared.result import Result
from funnelnb.core import check
from funnelnb.core.check import TOO_FEW_N
from funnelnb.core.errors import ParameterError, nearest
from funnelnb.core.note import Note
from funnelnb.playbooks import library, load_playbook
from funnelnb.playbooks.model import Label, Playbook
from funnelnb.stats.rates.compare import newcombe
from funnelnb.stats.rates.proportion import wilson

if TYPE_CHECKING:
    import os

Counts = Sequence[float] | Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedStep:
    """One step, or the whole way, of typed counts.

    Attributes
    ----------
    stage, next_stage : str
    overall : bool
        True for the row from the first stage to the last.
    reached_n, advanced_n, gone_n : int
        reached = advanced + gone; who is gone may be lost or still on the way: typed counts do not say.
    step_rate, step_ci_lower, step_ci_upper : float
        advanced / reached, with Wilson's interval.
    from_first_rate, from_first_ci_lower, from_first_ci_upper : float
        advanced / first stage.
    before_n : int
        Reached in the counts before; 0 where none were typed.
    before_rate : float
    difference, difference_ci_lower, difference_ci_upper : float
        Step rate less that before; NaN without.
    verdict : {"", "up", "down", "not_separable"}
        Whether the interval of the difference leaves out 0; empty without counts before.
    weakest : bool
        The lowest step rate of all steps, and below the next one beyond chance.
    enough : bool
    """

    stage: str
    next_stage: str
    overall: bool
    reached_n: int
    advanced_n: int
    gone_n: int
    step_rate: float
    step_ci_lower: float
    step_ci_upper: float
    from_first_rate: float
    from_first_ci_lower: float
    from_first_ci_upper: float
    before_n: int
    before_rate: float
    difference: float
    difference_ci_lower: float
    difference_ci_upper: float
    verdict: str
    weakest: bool
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedRemedy:
    """A remedy that the stage model holds, with the figure it is about.

    Attributes
    ----------
    stage : str
        Empty for the whole funnel.
    stage_n : int
        Who reached the stage.
    step_rate : float
        Who went on from there; for the whole funnel, from first to last.
    problem_en, problem_zh, remedy_en, remedy_zh : str
    """

    stage: str
    stage_n: int
    step_rate: float
    problem_en: str
    problem_zh: str
    remedy_en: str
    remedy_zh: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TypedFunnel(Result):
    """A funnel of typed counts. `n` is the count of the first stage.

    Attributes
    ----------
    steps : tuple of TypedStep
        In order; the last row is the whole way.
    remedies : tuple of TypedRemedy
        What the stage model says of its weaknesses; empty where it says nothing.
    outlook_en, outlook_zh : str
        What a report by this model closes with.
    reached : tuple of int
        The counts, one per stage.
    stage_ids : tuple of str
    stage_labels : tuple of Label
    """

    steps: tuple[TypedStep, ...]
    remedies: tuple[TypedRemedy, ...]
    outlook_en: str
    outlook_zh: str
    reached: tuple[int, ...]
    stage_ids: tuple[str, ...]
    stage_labels: tuple[Label, ...]


def typed_funnel(
    counts: Counts,
    *,
    before: Counts | None = None,
    playbook: str | os.PathLike[str] | Playbook | None = None,
    stages: Sequence[str] | None = None,
    confidence_level: float | None = None,
) -> TypedFunnel:
    """How does a funnel convert whose counts are typed in, and has it changed?

    Parameters
    ----------
    counts : sequence of int, or mapping of stage to int
        How many reached each stage, first stage first, the win last; at least two.
    before : the same, optional
        Counts of an earlier week or of before a change.
    playbook : str, path or Playbook, optional
        Stage model that names the stages up to the win; None: the weekly report where six counts are typed and no
        `stages` are named.
    stages : sequence of str, optional
        Names of the stages, instead of a playbook.
    confidence_level : float, optional

    Returns
    -------
    TypedFunnel

    Raises
    ------
    ParameterError
        The counts rise from one stage to the next, are no whole numbers, or do not fit the stages.

    Notes
    -----
    Step rate = reached the next stage / reached this one, Wilson's interval; from the first stage the same against
    the first count. Change against `before`: Newcombe's interval of the difference. Typed counts cannot tell who is
    lost from who is still on the way, nor how old they are: rates say "so far".

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953. Newcombe (1998),
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Checked against the weekly report 100, 80, 40, 20, 10, 5: ``tests/analysis/test_typed_counts.py``.

    Examples
    --------
    >>> import funnelnb as fn
    >>> week = fn.typed_funnel([100, 80, 40, 20, 10, 5])
    >>> [row.step_rate for row in week.steps]
    [0.8, 0.5, 0.5, 0.5, 0.5, 0.05]
    """
    confidence = level(confidence_level)
    ids, labels, model = named_stages(counts, playbook, stages)
    reached = typed("counts", counts, ids)
    earlier = typed("before", before, ids) if before is not None else None
    steps = _steps(ids, reached, earlier, confidence)
    outlook = model.outlook if model else None
    return TypedFunnel(
        n=reached[0],
        method="typed_funnel",
        confidence_level=confidence,
        as_of=np.datetime64("NaT", "s"),
        currency="",
        notes=(Note("typed_so_far"),),
        steps=steps,
        remedies=_remedies(model, ids, reached),
        outlook_en=outlook.en if outlook else "",
        outlook_zh=outlook.zh if outlook else "",
        reached=reached,
        stage_ids=ids,
        stage_labels=labels,
    )


def named_stages(
    counts: Counts,
    playbook: str | os.PathLike[str] | Playbook | None,
    stages: Sequence[str] | None,
) -> tuple[tuple[str, ...], tuple[Label, ...], Playbook | None]:
    """Return ids and labels of as many stages as there are counts, and the model they are of.

    Raises
    ------
    ParameterError
        Both a playbook and stages are given, or their number is not that of the counts.
    """
    if playbook is not None and stages is not None:
        raise ParameterError("both playbook and stages", expected="one of them, to name the stages")
    if stages is not None:
        _fits(len(counts), len(stages), "stages", ", ".join(stages))
        return tuple(stages), tuple(Label(en=name, zh=name) for name in stages), None
    if playbook is None and len(counts) != 6:
        if isinstance(counts, Mapping):
            return named_stages(counts, None, tuple(map(str, counts)))
        fitting = [name for name in library() if load_playbook(name).won + 1 == len(counts)]
        raise ParameterError(
            f"{len(counts)} counts and no names of stages",
            expected="six counts (the weekly report), or playbook=, or stages=",
            hint=f"playbook={fitting[0]!r} has {len(counts)} stages" if fitting else 'stages=["…", "…"]',
        )
    if playbook is None:
        playbook = "weekly_report"
    model = playbook if isinstance(playbook, Playbook) else load_playbook(playbook)
    mine = model.stages[: model.won + 1]
    _fits(len(counts), len(mine), f"playbook {model.id!r}", ", ".join(one.id for one in mine))
    return tuple(one.id for one in mine), tuple(one.label for one in mine), model


def _fits(counts_n: int, stages_n: int, what: str, names: str) -> None:
    if counts_n < 2 or counts_n != stages_n:
        raise ParameterError(
            f"{counts_n} counts for the {stages_n} stages of {what}",
            expected=f"one count for each of: {names}" if stages_n > 1 else "at least two stages",
        )


def typed(name: str, counts: Counts, ids: tuple[str, ...]) -> tuple[int, ...]:
    """Return typed counts in the order of the stages, checked.

    Raises
    ------
    ParameterError
        A count is no whole number, rises from one stage to the next, or belongs to a stage that there is not.
    """
    if isinstance(counts, Mapping):
        for stage in counts:
            if str(stage) not in ids:
                raise ParameterError(
                    f"{name} names {stage!r}",
                    expected="one of " + ", ".join(ids),
                    hint=nearest(str(stage), ids),
                )
        missing = [stage for stage in ids if stage not in counts]
        if missing:
            raise ParameterError(
                f"{name} has no count for {', '.join(missing)}", expected="one count per stage"
            )
        counts = [counts[stage] for stage in ids]
    found = check.whole_numbers(name, list(counts))
    if len(found) != len(ids):
        raise ParameterError(
            f"{name} has {len(found)} counts", expected=f"{len(ids)}: one per stage ({', '.join(ids)})"
        )
    for k in range(1, len(found)):
        if found[k] > found[k - 1]:
            raise ParameterError(
                f"{name}: {found[k]} reached {ids[k]!r}, but only {found[k - 1]} the stage before",
                expected="counts of all who ever reached each stage, which cannot rise",
                hint="add those who went further to each count",
            )
    if not found[0]:
        raise ParameterError(f"{name}: nobody reached {ids[0]!r}", expected="at least one in the first stage")
    return found


def _steps(
    ids: tuple[str, ...],
    reached: tuple[int, ...],
    before: tuple[int, ...] | None,
    confidence_level: float,
) -> tuple[TypedStep, ...]:
    pairs = [(k, k + 1) for k in range(len(ids) - 1)] + [(0, len(ids) - 1)]
    weakest = _weakest(reached, confidence_level)
    return tuple(
        _step(ids, reached, before, k, j, confidence_level, whole=place == len(pairs) - 1, weakest=weakest)
        for place, (k, j) in enumerate(pairs)
    )


def _weakest(reached: tuple[int, ...], confidence_level: float) -> int:
    """Return the step with the lowest rate if it lies below the next lowest beyond chance, else -1."""
    rates = [reached[k + 1] / reached[k] if reached[k] else np.inf for k in range(len(reached) - 1)]
    order = np.argsort(rates, kind="stable")
    if len(order) < 2 or not np.isfinite(rates[order[1]]):
        return -1
    low, other = int(order[0]), int(order[1])
    _, upper = newcombe(reached[low + 1], reached[low], reached[other + 1], reached[other], confidence_level)
    return low if upper < 0 else -1


def _step(
    ids: tuple[str, ...],
    reached: tuple[int, ...],
    before: tuple[int, ...] | None,
    k: int,
    j: int,
    confidence_level: float,
    *,
    whole: bool,
    weakest: int,
) -> TypedStep:
    n, good, first = reached[k], reached[j], reached[0]
    lower, upper = wilson(good, n, confidence_level)
    first_lower, first_upper = wilson(good, first, confidence_level)
    return TypedStep(
        stage=ids[k],
        next_stage=ids[j],
        overall=whole,
        reached_n=n,
        advanced_n=good,
        gone_n=n - good,
        step_rate=good / n if n else float("nan"),
        step_ci_lower=float(lower),
        step_ci_upper=float(upper),
        from_first_rate=good / first,
        from_first_ci_lower=float(first_lower),
        from_first_ci_upper=float(first_upper),
        **_change((good, n), (before[j], before[k]) if before is not None else None, confidence_level),
        weakest=not whole and k == weakest,
        enough=n >= TOO_FEW_N,
    )


class _Change(TypedDict):
    """What has changed since before."""

    before_n: int
    before_rate: float
    difference: float
    difference_ci_lower: float
    difference_ci_upper: float
    verdict: str


def _change(now: tuple[int, int], before: tuple[int, int] | None, confidence_level: float) -> _Change:
    """Return what has changed from `before` to `now`, each as (went on, reached)."""
    nan = float("nan")
    if before is None or not now[1] or not before[1]:
        return {
            "before_n": before[1] if before else 0,
            "before_rate": before[0] / before[1] if before and before[1] else nan,
            "difference": nan,
            "difference_ci_lower": nan,
            "difference_ci_upper": nan,
            "verdict": "",
        }
    low, high = newcombe(*now, *before, confidence_level)
    return {
        "before_n": before[1],
        "before_rate": before[0] / before[1],
        "difference": now[0] / now[1] - before[0] / before[1],
        "difference_ci_lower": float(low),
        "difference_ci_upper": float(high),
        "verdict": "up" if low > 0 else "down" if high < 0 else "not_separable",
    }


def _remedies(
    model: Playbook | None, ids: tuple[str, ...], reached: tuple[int, ...]
) -> tuple[TypedRemedy, ...]:
    rows = []
    for one in model.remedies if model else ():
        k = ids.index(one.stage) if one.stage in ids else 0
        last = len(ids) - 1
        target = last if not one.stage or k == last else k + 1
        rows.append(
            TypedRemedy(
                stage=one.stage,
                stage_n=reached[k],
                step_rate=reached[target] / reached[k] if reached[k] else float("nan"),
                problem_en=one.problem.en,
                problem_zh=one.problem.zh,
                remedy_en=one.label.en,
                remedy_zh=one.label.zh,
            )
        )
    return tuple(rows)
