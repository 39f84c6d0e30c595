"""Which rules does a diagnosis follow? Thresholds from a file, each of them open to change."""

from __future__ import annotations

import functools
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from funnelnb.core import check
from funnelnb.core.errors import ParameterError, nearest

FILE = Path(__file__).with_name("rules.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The thresholds of one rule; what each measures stands beside it in ``rules.toml``.

    Attributes
    ----------
    on : bool
    tolerated : float
        The bound of what is healthy: the null hypothesis of the rule's test.
    alarm : float
        What must be seen for the rule to speak at all.
    least_n : float
        Fewest cases for a judgement.
    window_days : float
        How far back cases count; 0: the state of today.
    """

    on: bool = True
    tolerated: float = 0.0
    alarm: float = 0.0
    least_n: float = 0.0
    window_days: float = 0.0


_KEYS = tuple(Limits.__dataclass_fields__)


@functools.cache
def usual_rules() -> Mapping[str, Limits]:
    """Return the rules as they stand in ``rules.toml``.

    Examples
    --------
    >>> usual_rules()["few_opportunities"].alarm
    15
    """
    content = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return MappingProxyType({name: Limits(**values) for name, values in content.items()})


def rules_of(given: Mapping[str, Any] | str | os.PathLike[str] | None) -> Mapping[str, Limits]:
    """Return the rules, with what `given` changes.

    Parameters
    ----------
    given : Mapping of rule to (Mapping of key to value), path of a settings file with ``[diagnosis.<rule>]``, or None

    Raises
    ------
    ParameterError
        A rule or key is not known, or a value cannot be; the nearest name is told.

    Examples
    --------
    >>> rules_of({"few_opportunities": {"alarm": 10}})["few_opportunities"].alarm
    10.0
    """
    usual = dict(usual_rules())
    if given is None:
        return usual
    if not isinstance(given, Mapping | str | os.PathLike):
        raise ParameterError(
            f"rules is a {type(given).__name__}",
            expected="a mapping of rules to their limits, or the path of a settings file",
            hint="to look for some symptoms alone, give their names as only=",
        )
    if not isinstance(given, Mapping):
        from funnelnb.data.contract.settings import read_settings

        return rules_of(read_settings(str(given)).diagnosis)
    for name, changes in given.items():
        if name not in usual:
            raise ParameterError(
                f"rules name {name!r}", expected="one of " + ", ".join(usual), hint=nearest(str(name), usual)
            )
        if not isinstance(changes, Mapping):
            raise ParameterError(
                f"rules: {name} = {changes!r}", expected='a table of values, such as {"alarm": 10}'
            )
        usual[name] = replace(usual[name], **{key: _value(name, key, one) for key, one in changes.items()})
    return usual


def _value(rule: str, key: str, value: Any) -> Any:
    if key not in _KEYS:
        raise ParameterError(
            f"rules: {rule} has no {key!r}", expected="one of " + ", ".join(_KEYS), hint=nearest(key, _KEYS)
        )
    if key == "on":
        if not isinstance(value, bool):
            raise ParameterError(f"rules: {rule}.on = {value!r}", expected="true or false")
        return value
    return check.number(f"rules: {rule}.{key}", value, ge=0, lt=1e9)
