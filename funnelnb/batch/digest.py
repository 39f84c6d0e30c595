"""What changed since the last run: few lines for e-mail or chat, and rules that a pipeline can fail on.

A rate is told as moved only where each estimate lies outside the other's interval: what chance explains is not
narrated. What newly needs attention is named: deals that stalled since, a target that became unlikely, problems that
the data did not have before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from funnelnb.core.errors import FunnelError
from funnelnb.core.options import options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from funnelnb.batch.pages import Headlines
    from funnelnb.batch.plan import Plan
    from funnelnb.show.text.words import Words

RULES = ("fell", "stalled", "target", "problems")
"""What a pipeline can fail on: a rate fell, deals newly stalled, a target newly at risk, new data problems."""

_NAMED_N = 10
"""So many deals are named; of more only the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What changed.

    Attributes
    ----------
    markdown : str
    sentences : Mapping of str to tuple of str
        The sentences of each rule, and of ``rose``.
    """

    markdown: str
    sentences: Mapping[str, tuple[str, ...]]

    def broken(self, rules: Iterable[str]) -> tuple[str, ...]:
        """Return what breaks the given rules, in words."""
        return tuple(sentence for rule in rules for sentence in self.sentences.get(rule, ()))


def figures(plan: Plan, headlines: Headlines, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of this run that the next one compares with.

    Parameters
    ----------
    plan : Plan
    headlines : Headlines
    known : Mapping
        Figures of the last run; what needs attention is taken from them where the data are the same.

    Returns
    -------
    dict
        ``data`` (its fingerprint), ``as_of``, ``horizon_days``, ``rates`` (by attribute and value: n, rate and its
        interval), ``counts`` (by the same: deals, won, lost), ``stalled`` (ids of deals), ``target`` (period, amount,
        chance), ``problems`` (codes of notes).
    """
    rates, counts = {}, {}
    for by, conversion in {"": headlines.whole, **headlines.parts}.items():
        for row in conversion.overall:
            name = f"{by}={row.group[0]}" if by else ""
            numbers = (row.by_day_rate, row.by_day_ci_lower, row.by_day_ci_upper)
            counts[name] = [int(row.reached_n), int(row.advanced_n), int(row.lost_n)]
            if row.enough and all(math.isfinite(one) for one in numbers):
                rates[name] = [int(row.reached_n), *(round(float(one), 6) for one in numbers)]
    same = known.get("data") == plan.book.fingerprint and known.get("stalled") is not None
    return {
        "data": plan.book.fingerprint,
        "as_of": str(plan.book.as_of)[:10],
        "horizon_days": plan.horizon_days,
        "rates": rates,
        "counts": counts,
        "stalled": known["stalled"] if same else _stalled(plan),
        "target": known["target"] if same else _target(plan),
        "problems": sorted({note.code for note in plan.book.notes}),
    }


def asked_elsewhere(
    plan: Plan,
    known: Mapping[str, Any],
    asked: dict[str, Any],
    confidence_level: float,
    *,
    cycle: bool = False,
) -> tuple[Headlines, dict[str, Any]]:
    """Return headlines and figures in a process that has everything imported, of the book that the run stored.

    Parameters
    ----------
    plan : Plan
        Without its book.
    known : Mapping
        As for :func:`figures`.
    asked : dict
        The words by which the book was stored (:mod:`funnelnb.data.prepared`).
    confidence_level : float
        The level in force where the answer is wanted.
    cycle : bool
        Whether the sales cycle of all deals is asked for, too.
    """
    from funnelnb.batch.pages import headlines
    from funnelnb.data.prepared import prepared

    book = prepared(asked)
    if book is None:
        raise LookupError("the run stored no such book")
    with options(confidence_level=confidence_level):
        whole = replace(plan, book=book)
        found = headlines(whole, cycle=cycle)
        return found, figures(whole, found, known)


def _stalled(plan: Plan) -> list[str]:
    from funnelnb.analysis.time.stuck import stuck

    try:
        return [row.opportunity_id for row in stuck(plan.book).deals if row.listed]
    except FunnelError:  # the data do not tell
        return []


def _target(plan: Plan) -> dict[str, Any] | None:
    from funnelnb.analysis.targets.target import target

    try:
        found = target(plan.book)
    except FunnelError:  # no target, or nothing to judge it by
        return None
    chance = float(found.chance_rate)
    return {
        "period": found.period_name,
        "amount": float(found.target_amount),
        "chance": round(chance, 4) if math.isfinite(chance) else None,
        "assurance": float(found.assurance_rate),
    }


def compare(before: Mapping[str, Any], now: Mapping[str, Any], plan: Plan) -> Digest:
    """Say what changed between two runs.

    Parameters
    ----------
    before, now : Mapping
        As :func:`figures` returns them; `before` may be empty.
    plan : Plan

    Returns
    -------
    Digest
    """
    from funnelnb.show.text.words import words

    say = words(plan.lang)
    title = say.say("digest.title", name=_text(plan.book.name), as_of=now["as_of"])
    sentences: dict[str, tuple[str, ...]] = {}
    if before:
        sentences = _moves(before, now, say)
        sentences["stalled"] = _newly_stalled(before, now, say)
        sentences["target"] = _at_risk(before, now, say)
        sentences["problems"] = _problems(before, now, say)
        since = say.say("digest.since", as_of=before["as_of"])
        quiet = [] if any(sentences.values()) else [say.get("digest.quiet")]
    else:
        since, quiet = say.get("digest.first"), _state(now, say)
    lines = [f"# {title}", "", since, ""]
    lines += [f"- {line}" for rule in ("fell", "rose", *RULES[1:]) for line in sentences.get(rule, ())]
    lines += [f"- {line}" for line in quiet]
    return Digest(markdown="\n".join(lines).rstrip() + "\n", sentences=sentences)


def _moves(before: Mapping[str, Any], now: Mapping[str, Any], say: Words) -> dict[str, tuple[str, ...]]:
    """Return the sentences about rates that moved by more than chance explains."""
    told: dict[str, list[str]] = {"fell": [], "rose": []}
    same = before.get("horizon_days") == now["horizon_days"]
    for name, (_, rate, lower, upper) in now["rates"].items() if same else ():
        if name not in before["rates"]:
            continue
        if not _moved(before["rates"][name], now["rates"][name]):
            continue
        rate_then = before["rates"][name][1]
        told["fell" if rate < rate_then else "rose"].append(
            say.say(
                "digest.fell" if rate < rate_then else "digest.rose",
                name=_named(name, say), horizon_days=now["horizon_days"], before=say.numbers.percent(rate_then),
                rate=say.numbers.percent(rate), lower=say.numbers.percent(lower), upper=say.numbers.percent(upper),
            )
        )  # fmt: skip
    return {rule: tuple(lines) for rule, lines in told.items()}


def _moved(then: Sequence[float], now: Sequence[float]) -> bool:
    """Return whether a rate moved by more than chance explains: each estimate lies outside the other's interval."""
    _, rate_then, lower_then, upper_then = then
    _, rate, lower, upper = now
    return not (lower_then <= rate <= upper_then or lower <= rate_then <= upper)


def change(before: Mapping[str, Any], now: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what changed of one region since the last run, as plain figures.

    Parameters
    ----------
    before, now : Mapping
        As :func:`figures` returns them; `before` may be empty.
    name : str
        Attribute and value, such as ``"region=DACH"``; empty: all deals.

    Returns
    -------
    dict
        ``changed`` (True), ``new_since``, ``won_since``, ``lost_since``, ``rate_since`` (a difference of rates) and
        ``clear_since``, as far as they are known; empty without an earlier run, or where it did not have this region.
    """
    if name not in before.get("counts", {}) or name not in now["counts"]:
        return {}
    moves = [b - a for a, b in zip(before["counts"][name], now["counts"][name], strict=True)]
    made: dict[str, Any] = {"changed": True}
    if min(moves) >= 0:  # fewer deals than then: another export, not a move
        made |= dict(zip(("new_since", "won_since", "lost_since"), moves, strict=True))
    same = before.get("horizon_days") == now["horizon_days"]
    if same and name in before["rates"] and name in now["rates"]:
        then, here = before["rates"][name], now["rates"][name]
        made |= {"rate_since": here[1] - then[1], "clear_since": _moved(then, here)}
    return made


def _newly_stalled(before: Mapping[str, Any], now: Mapping[str, Any], say: Words) -> tuple[str, ...]:
    new = sorted(set(now["stalled"]) - set(before["stalled"]))
    if not new:
        return ()
    more = " …" if len(new) > _NAMED_N else ""
    named = ", ".join(_text(one) for one in new[:_NAMED_N]) + more
    return (say.say("digest.stalled", n=len(new), names=named),)


def _at_risk(before: Mapping[str, Any], now: Mapping[str, Any], say: Words) -> tuple[str, ...]:
    """Return a sentence where the target's chance is below the assurance now and was not before."""
    target, then = now["target"], before["target"] or {}
    if not target or target["chance"] is None or target["chance"] >= target["assurance"]:
        return ()
    same = then.get("period") == target["period"] and then.get("amount") == target["amount"]
    if same and then.get("chance") is not None and then["chance"] < then["assurance"]:
        return ()
    wanted = {
        "chance": say.numbers.percent(target["chance"]),
        "assurance": say.numbers.level(target["assurance"]),
    }
    return (say.say("digest.target", period=_text(target["period"]), **wanted),)


def _problems(before: Mapping[str, Any], now: Mapping[str, Any], say: Words) -> tuple[str, ...]:
    new = [code for code in now["problems"] if code not in before["problems"]]
    return (say.say("digest.problems", n=len(new), names=", ".join(new)),) if new else ()


def _state(now: Mapping[str, Any], say: Words) -> list[str]:
    """Return where things stand, for a first run."""
    if "" not in now["rates"]:
        return [say.get("digest.unknown")]
    n, rate, lower, upper = now["rates"][""]
    numbers = {
        name: say.numbers.percent(one) for name, one in (("rate", rate), ("lower", lower), ("upper", upper))
    }
    said = [say.say("digest.state", n=n, horizon_days=now["horizon_days"], **numbers)]
    return said + ([say.say("digest.state_stalled", n=len(now["stalled"]))] if now["stalled"] else [])


def _named(name: str, say: Words) -> str:
    by, _, value = name.partition("=")
    attribute = say.attribute(by)
    named = attribute[:1].upper() + attribute[1:]
    return say.say("report.about", attribute=named, value=_text(value)) if by else say.group(())


def _text(text: str) -> str:
    """Return a name from data so that it stays text in Markdown and in a chat."""
    plain = "".join(one if one.isprintable() else "�" for one in text)
    return "".join(f"\\{one}" if one in "\\`*_[]<>#|!@" else one for one in plain)
