"""How a distribution of days is shown: what was chosen and may be trusted, its quantiles, and what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnelnb.core.check import TOO_FEW_N
from funnelnb.show.tables.table import Column, Table, placeholders
from funnelnb.show.text.words import stage_name
from funnelnb.show.views.duration import days, family_words, interval, parameters, verdict_words
from funnelnb.show.views.registry import Finding, View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnelnb.analysis.time.distribution import Distribution
    from funnelnb.analysis.time.distribution_readings import DistributionRow, ParameterRow
    from funnelnb.analysis.time.fits import FitRow
    from funnelnb.show.text.words import Words


MOST_RANKS = 5
"""Families shown of one group; of many the best two."""


def _grouped(result: Any, _: Sequence[Any]) -> bool:
    return bool(result.by)


def _family(_: Any, row: Any, say: Words) -> str:
    if not getattr(row, "enough", True):
        return say.get("words.too_few")
    return family_words(row, say) if row.family else say.get("language.none")


def _trust(_: Any, row: DistributionRow, say: Words) -> str:
    return trust_words(row, say)


def trust_words(row: DistributionRow, say: Words) -> str:
    """Return whether the fit of a group may be trusted, or why there is none."""
    if not row.enough:
        return say.get("language.none")
    return say.get(f"distribution.trust.{row.trust}" if row.family else f"durations.verdicts.{row.verdict}")


def _known(field: str) -> Any:
    def keep(_: Any, rows: Sequence[Any]) -> bool:
        return any(not math.isnan(getattr(row, field)) for row in rows)

    return keep


def _days(stem: str) -> Column:
    def cell(_: Any, row: Any, say: Words) -> str:
        return interval(row, stem, say)

    return Column(field=f"{stem}_days", cell=cell)


def _plain_days(_: Any, row: Any, say: Words) -> str:
    return days(row.observed_days, say)


def _beyond(_: Any, row: Any, say: Words) -> str:
    return say.get("language.yes") if row.beyond else ""


def _any_beyond(_: Any, rows: Sequence[Any]) -> bool:
    return any(row.beyond for row in rows)


def _share(stem: str, **more: Any) -> Column:
    return Column(field=f"{stem}_share", lower=f"{stem}_ci_lower", upper=f"{stem}_ci_upper", **more)


def _parameter(_: Any, row: ParameterRow, say: Words) -> str:
    return say.get(f"distribution.parameters.{row.name}")


def _value(_: Any, row: ParameterRow, say: Words) -> str:
    if row.name.endswith("_share"):
        return say.numbers.interval(row.value, row.value_ci_lower, row.value_ci_upper)
    value, lower, upper = (f"{one:.4g}" for one in (row.value, row.value_ci_lower, row.value_ci_upper))
    return say.say("language.interval", value=value, lower=lower, upper=upper)


def _fit_parameters(_: Any, row: FitRow, say: Words) -> str:
    return parameters(row, say)


def _verdict(_: Any, row: FitRow, say: Words) -> str:
    return verdict_words(row, say)


def _of_usable(result: Distribution, rows: Sequence[Any]) -> list[Any]:
    """Return the rows of groups whose distribution may be used at all."""
    groups = {row.group for row in result.rows if row.family and row.trust != "no"}
    return [row for row in rows if row.group in groups]


def _usable(result: Distribution) -> bool:
    return bool(_of_usable(result, result.rows))


def _aicc(_: Any, row: FitRow, say: Words) -> str:
    return say.get("language.none") if math.isnan(row.aicc) else f"{row.aicc:,.1f}"


def _first(result: Distribution) -> list[FitRow]:
    most = 2 if result.by else MOST_RANKS
    return [row for row in result.fits if row.rank <= most]


def _median(_: Any, row: Any, say: Words) -> str:
    return interval(row, "median", say)


_GROUP = Column(field="group", keep=_grouped)
DISTRIBUTIONS = Table(
    name="distributions",
    rows=lambda result: result.rows,
    columns=(
        _GROUP,
        Column(field="n"),
        Column(field="closed_n"),
        Column(field="family", cell=_family),
        Column(field="median_days", cell=_median),
        _share("never", keep=_known("never_share")),
        Column(field="plateau_share", keep=_known("never_share")),
        _share("same_day", keep=_known("same_day_share")),
        Column(field="gap_share"),
        Column(field="p_value"),
        Column(field="trusted_days"),
        Column(field="trust", cell=_trust),
    ),
)
QUANTILES = Table(
    name="distribution_quantiles",
    rows=lambda result: result.quantiles,
    stub=2,
    shown=lambda result: bool(result.quantiles),
    columns=(
        _GROUP,
        Column(field="ended_share"),
        _days("fitted"),
        _days("observed"),
        Column(field="beyond", cell=_beyond, keep=_any_beyond),
    ),
)
REMAINING = Table(
    name="distribution_remaining",
    rows=lambda result: _of_usable(result, result.remaining),
    stub=2,
    shown=_usable,
    columns=(
        _GROUP,
        Column(field="age_days"),
        Column(field="watched_n"),
        _days("remaining"),
        Column(field="observed_days", cell=_plain_days),
        Column(field="within_30_rate", lower="within_30_ci_lower", upper="within_30_ci_upper"),
        Column(field="beyond", cell=_beyond, keep=_any_beyond),
    ),
)
PARAMETERS = Table(
    name="distribution_parameters",
    rows=lambda result: _of_usable(result, result.parameters),
    stub=2,
    shown=_usable,
    columns=(_GROUP, Column(field="name", cell=_parameter), Column(field="value", cell=_value)),
)
BEST = Table(
    name="distribution_best",
    rows=_first,
    shown=lambda result: bool(result.fits),
    columns=(
        _GROUP,
        Column(field="rank"),
        Column(field="family", cell=_family),
        Column(field="first_value", cell=_fit_parameters),
        Column(field="aicc", cell=_aicc),
        Column(field="behind"),
        Column(field="gap_share"),
        Column(field="verdict", cell=_verdict),
    ),
)


def _export(name: str) -> Table:
    return Table(
        name=f"distribution_{name}",
        rows=lambda result: getattr(result, name),
        shown=lambda _: False,
        columns=(),
    )


def subject(result: Distribution, say: Words) -> str:
    """Return what is timed, as the subject of a sentence."""
    if result.overall:
        return say.get("findings.durations.subject")
    return say.say("findings.durations.subject_stage", stage=stage_name(result, result.stage, say))


def distribution_finding(result: Distribution, say: Words) -> Finding:
    """Say which distribution was chosen, whether it may be used, and for what not."""
    unsaid = say.get("findings.distribution.unsaid")
    if not result.n:
        return Finding(headline=say.get("words.none_at_all"), detail="", unsaid=unsaid)
    made = _groups(result, say) if result.by else _whole(result, result.rows[0], say)
    return Finding(headline=made[0], detail=made[1], unsaid=unsaid)


def _whole(result: Distribution, row: DistributionRow, say: Words) -> tuple[str, str]:
    late = [one.fitted_days for one in result.quantiles][-1:]
    values = placeholders(result, say) | {
        "what": subject(result, say),
        "n": row.n,
        "family": family_words(row, say) if row.family else "",
        "median": days(row.median_days, say, unit=True),
        "late": days(late[0], say, unit=True) if late else "",
        "gap_share": row.gap_share,
        "gap_days": row.gap_days,
        "p": say.numbers.p_is(row.p_value),
        "trusted_days": row.trusted_days,
        "too_few_n": TOO_FEW_N,
    }
    if not row.enough:
        return say.say("findings.distribution.too_few", **values), ""
    if not row.family:
        why = say.get(f"durations.verdicts.{row.verdict}")
        return say.say("findings.distribution.refused", **values, why=why), ""
    key = "never_half" if row.trust == "describes" and math.isinf(row.median_days) else row.trust
    parts = [say.say(f"findings.distribution.use_{row.trust}", **values)]
    if row.never:
        never = say.numbers.interval(row.never_share, row.never_ci_lower, row.never_ci_upper)
        parts.insert(0, say.say("findings.distribution.never", never=never, plateau_share=row.plateau_share))
    return (
        say.say(f"findings.distribution.{key}", **values),
        say.get("language.sentence").join(parts),
    )


def _groups(result: Distribution, say: Words) -> tuple[str, str]:
    counts = {
        name: sum(row.trust == trust for row in result.rows if row.family)
        for name, trust in (("fine", "describes"), ("rough", "roughly"), ("not", "no"))
    }
    counts["refused"] = sum(row.verdict == "losses_undated" for row in result.rows)
    counts["unknown"] = len(result.rows) - sum(counts.values())
    why = say.get("durations.verdicts.losses_undated")
    parts = [
        say.say(f"findings.distribution.groups_{name}", **{f"{name}_n": n, "why": why})
        for name, n in counts.items()
        if n
    ]
    values = placeholders(result, say) | {"what": subject(result, say), "groups_n": len(result.rows)}
    headline = say.say("findings.distribution.groups", **values, parts=say.numbers.join(parts))
    return headline, say.get("findings.distribution.use_groups")


DISTRIBUTION_VIEW = View(
    tables=(
        DISTRIBUTIONS,
        QUANTILES,
        REMAINING,
        PARAMETERS,
        BEST,
        *(_export(name) for name in ("fits", "curves", "densities", "bins", "pairs")),
    ),
    finding=distribution_finding,
    charts={
        "fit": "distribution.distribution_fit",
        "density": "distribution.distribution_density",
        "quantiles": "distribution.distribution_quantiles",
    },
)
