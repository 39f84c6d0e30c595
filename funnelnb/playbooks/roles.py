"""Who takes part in a purchase? Buyer roles as data: who they usually are, what they care about and ask.

The words stand in ``roles.toml``, with every spelling by which data may call a role.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from funnelnb.playbooks.model import Label, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PATH = Path(__file__).parent / "roles.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyerRole:
    """One role in a purchase.

    Attributes
    ----------
    id : str
        snake_case; what playbooks name under ``roles``.
    label : Label
    who : Label
        Who that usually is.
    does : Label
        What that person does in the purchase.
    cares : Label
        What that person cares about.
    asks : Label
        What that person asks.
    may_say_yes, may_say_no : bool
        Whether the role alone can approve the purchase, or stop it.
    counts_for : tuple of str
        Roles that the field uses as another word for the same person: who has met this one has met those.
    aliases : tuple of str
        Other names by which data may call the role (compared without case, spaces and punctuation).
    """

    id: str
    label: Label
    who: Label
    does: Label
    cares: Label
    asks: Label
    may_say_yes: bool
    may_say_no: bool
    counts_for: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


def _role(name: str, raw: Mapping[str, Any]) -> BuyerRole:
    texts = {key: Label(**raw[key]) for key in ("label", "who", "does", "cares", "asks")}
    return BuyerRole(
        id=name,
        **texts,
        may_say_yes=raw["may_say_yes"],
        may_say_no=raw["may_say_no"],
        counts_for=tuple(raw.get("counts_for", ())),
        aliases=tuple(raw.get("aliases", ())),
    )


BUYER_ROLES: Mapping[str, BuyerRole] = MappingProxyType(
    {name: _role(name, raw) for name, raw in tomllib.loads(_PATH.read_text(encoding="utf-8")).items()}
)
"""Every buyer role (DOMAIN C5) by id."""

ROLES: Mapping[str, Label] = MappingProxyType({name: role.label for name, role in BUYER_ROLES.items()})
"""What the buyer roles are called in both languages."""

_NAMES: Mapping[str, str] = {
    fold(name): role.id
    for role in BUYER_ROLES.values()
    for name in (role.id, role.label.en, role.label.zh, *role.aliases)
}


def role_named(name: str) -> BuyerRole | None:
    """Which buyer role does this word mean?

    Parameters
    ----------
    name : str
        Id, label or alias in either language; case, spaces and punctuation do not matter.

    Returns
    -------
    BuyerRole or None
        None where the word is not known.

    Examples
    --------
    >>> role_named("决策人").id, role_named("技术选项人").id, role_named("购买人").id
    ('decision_maker', 'technical_gatekeeper', 'purchaser')
    """
    found = _NAMES.get(fold(name))
    return BUYER_ROLES[found] if found else None


def covered(met: Iterable[str]) -> frozenset[str]:
    """Return the role ids that count as met once people in the roles `met` have been met.

    Examples
    --------
    >>> sorted(covered(["purchaser"]))
    ['executor', 'purchaser']
    """
    known = list(met)
    return frozenset(known) | {other for one in known for other in BUYER_ROLES[one].counts_for}
