"""What a simulated sales floor is: its law, as frozen data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from funnelnb.core import check
from funnelnb.core.errors import ParameterError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from funnelnb.playbooks.model import Playbook

CAUSES = ("advance", "skip", "back", "recycle", "lose", "leave")
"""Ways out of a stage, in the order in which the generator codes them."""

ATTRIBUTES = ("region", "segment", "product", "source", "customer_type", "owner")
"""Attributes that an :class:`Effect` can name and a truth can be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """One way out of a stage: a Weibull hazard that competes with the others.

    Attributes
    ----------
    days : float
        Scale, in days: if this were the only way out, 63.2 % of the deals would have taken it by then.
    shape : float
        Below 1 the hazard falls with time in stage, above 1 it rises, at 1 it is constant.
    """

    days: float
    shape: float = 1.0

    def __post_init__(self) -> None:
        check.number("days", self.days, gt=0)
        check.number("shape", self.shape, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLaw:
    """How deals leave one stage; a missing way out cannot be taken.

    Attributes
    ----------
    advance, lose, skip, back, recycle, leave : Exit or None
        To the next stage; to a loss; past the next stage; to the stage before; along the playbook's recycle
        edge; out of the pipeline undecided (withdrawn, merged). From the won stage on only `advance` and
        `leave` are used, and `leave` ends the story quietly.
    competitor_share, no_decision_share : float
        Shares of the losses from this stage that go to ``lost_competitor`` and ``lost_no_decision``; the
        rest is plainly ``lost``.
    """

    advance: Exit | None = None
    lose: Exit | None = None
    skip: Exit | None = None
    back: Exit | None = None
    recycle: Exit | None = None
    leave: Exit | None = None
    competitor_share: float = 0.4
    no_decision_share: float = 0.4

    def __post_init__(self) -> None:
        check.number("competitor_share", self.competitor_share, ge=0, le=1)
        check.number("no_decision_share", self.no_decision_share, ge=0, le=1 - self.competitor_share)

    @classmethod
    def from_shares(
        cls,
        median_days: float,
        *,
        shape: float = 1.2,
        competitor_share: float = 0.4,
        no_decision_share: float = 0.4,
        **shares: float,
    ) -> StageLaw:
        """Return the law under which half of the stays end within `median_days` and exits have given shares.

        Parameters
        ----------
        median_days : float
            Median length of a stay, in days.
        shape : float
            Weibull shape that all exits share, so that where a deal goes does not depend on when.
        competitor_share, no_decision_share : float
            As in :class:`StageLaw`.
        **shares : float
            Share of stays that end by each of :data:`CAUSES`; they add to 1.

        Notes
        -----
        With scale s = median / (ln 2)^(1/shape), an exit of share p gets the scale s p^(-1/shape).

        Examples
        --------
        >>> law = StageLaw.from_shares(20, shape=1.0, advance=0.75, lose=0.25)
        >>> round(law.lose.days / law.advance.days, 6)
        3.0
        """
        unknown = set(shares) - set(CAUSES)
        if unknown:
            raise ParameterError(
                f"unknown exit {sorted(unknown)[0]!r}", expected=f"one of {', '.join(CAUSES)}"
            )
        if not math.isclose(sum(shares.values()), 1.0, abs_tol=1e-9):
            raise ParameterError(
                f"the shares add to {sum(shares.values()):g}", expected="shares that add to 1"
            )
        scale = check.number("median_days", median_days, gt=0) / math.log(2) ** (1 / shape)
        exits = {
            cause: Exit(days=scale * share ** (-1 / shape), shape=shape)
            for cause, share in shares.items()
            if share > 0
        }
        return cls(competitor_share=competitor_share, no_decision_share=no_decision_share, **exits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One value of an attribute.

    Attributes
    ----------
    share : float
        Relative frequency (shares of one attribute need not add to 1).
    amount_factor : float
        Multiplies the median amount.
    """

    share: float = 1.0
    amount_factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One customer segment: amounts are lognormal.

    Attributes
    ----------
    share : float
    amount_median : float
        In the floor's currency.
    amount_sigma : float
        Standard deviation of the logarithm.
    """

    share: float = 1.0
    amount_median: float = 40_000.0
    amount_sigma: float = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """One sales person.

    Attributes
    ----------
    region, team : str
    share : float
        Relative frequency of new deals within the region.
    """

    region: str
    team: str = ""
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What being something does to the hazards: ratios that multiply them.

    Attributes
    ----------
    attribute, value : str
        Deals with this value of one of :data:`ATTRIBUTES`.
    stage : str
        Stage id in which it holds; empty: in every stage before the won stage.
    advance, lose, back : float
        Hazard ratios; `advance` holds for skipping ahead too.
    pace : float
        Multiplies every hazard: below 1 all is slower, with the same destinations.
    """

    attribute: str
    value: str
    stage: str = ""
    advance: float = 1.0
    lose: float = 1.0
    back: float = 1.0
    pace: float = 1.0

    def __post_init__(self) -> None:
        check.one_of("attribute", self.attribute, ATTRIBUTES)
        for name in ("advance", "lose", "back", "pace"):
            check.number(name, getattr(self, name), gt=0)

    def ratio(self, cause: str) -> float:
        """Return the hazard ratio for one of :data:`CAUSES`."""
        own = {"advance": self.advance, "skip": self.advance, "lose": self.lose, "back": self.back}
        return own.get(cause, 1.0) * self.pace


def _library(name: str) -> Playbook:
    from funnelnb.playbooks import load_playbook

    return load_playbook(name)


def default_laws(playbook: Playbook) -> dict[str, StageLaw]:
    """Return a plausible law for every stage of `playbook`.

    Early stages filter more, late stages less; a few deals skip, move back or withdraw. Stages with a
    recycle edge send some deals along it; after-sale stages are reached by most winners.
    """
    won, ids = playbook.won, playbook.stage_ids
    recycling = {edge.source for edge in playbook.edges if edge.kind == "recycle"}
    laws = {}
    for position, stage in enumerate(ids):
        if position >= won:
            laws[stage] = (
                StageLaw.from_shares(30, advance=0.7, leave=0.3) if position + 1 < len(ids) else StageLaw()
            )
            continue
        late = position / max(1, won - 1)
        shares = {"lose": 0.30 - 0.15 * late, "leave": 0.01}
        shares |= {"skip": 0.04} if position + 2 <= won else {}
        shares |= {"back": 0.05} if position else {}
        shares |= {"recycle": 0.08} if stage in recycling else {}
        competitor = 0.2 + 0.5 * late
        laws[stage] = StageLaw.from_shares(
            12 + 10 * late,
            shape=1.2,
            competitor_share=competitor,
            no_decision_share=0.9 - competitor,
            advance=1 - sum(shares.values()),
            **shares,
        )
    return laws


_REGIONS = {"East": 0.35, "North": 0.25, "South": 0.2, "West": 0.2}
_DEFAULT_OWNERS = {
    f"{region} {letter}": Owner(region=region, team=f"{region} team")
    for region in _REGIONS
    for letter in "ABC"
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The law of a sales floor: everything that decides how its deals come and go.

    Attributes
    ----------
    playbook : Playbook
        Default: the library's ``seven_step``.
    laws : Mapping of str to StageLaw
        By stage id; stages not named follow :func:`default_laws`.
    effects : tuple of Effect
    regions, products, sources, customer_types : Mapping of str to Level
    segments : Mapping of str to Segment
    segment_mix : Mapping of str to Mapping
        Segment shares of single regions, where they differ from the general ones.
    owners : Mapping of str to Owner
        Every region needs one.
    deals_n : int
        Deals created from `starts` to `as_of` (referred deals come on top).
    starts, as_of : str
        First day of creation, and the day (ISO) up to whose end everything is recorded.
    observed_from : str
        Deals that ended before this day are missing (late history); empty: none is missing.
    season : tuple of 12 float
        Relative creation rate by calendar month.
    region_season : Mapping of str to tuple of 12 float
        For single regions, instead of `season`.
    growth : float
        Creation rate grows by this share per year.
    size_effects : Mapping of str to float
        Log hazard ratio per standard deviation of log amount within the segment, by cause.
    account_sd : float
        Standard deviation of an account's own log hazard ratio of advancing: deals of one account are alike.
    deals_per_account : float
        Mean number of deals of an existing customer; a new customer has one.
    amount_step : float
        Amounts are rounded to this.
    amount_missing_share : float
        Share of deals whose amount is not recorded.
    referral_share, referral_days : float
        Where the playbook has a referral edge: winners who bring a new deal, and the mean delay in days.
    currency : str
    whole_days : bool
        Dates only; otherwise whole seconds. In both, a move back takes effect at least one unit after the
        stay began, so that events of one day (second) always go forward.
    weekends : bool
        Whether anything happens on Saturdays and Sundays; if not, it is recorded on Monday.
    """

    playbook: Playbook = field(default_factory=lambda: _library("seven_step"))
    laws: Mapping[str, StageLaw] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()
    regions: Mapping[str, Level] = field(
        default_factory=lambda: {k: Level(share=v) for k, v in _REGIONS.items()}
    )
    segments: Mapping[str, Segment] = field(
        default_factory=lambda: {
            "Large": Segment(share=0.2, amount_median=120_000.0, amount_sigma=0.8),
            "Medium": Segment(share=0.35, amount_median=40_000.0),
            "Small": Segment(share=0.45, amount_median=12_000.0, amount_sigma=0.6),
        }
    )
    segment_mix: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    products: Mapping[str, Level] = field(
        default_factory=lambda: {"Machine": Level(), "Service": Level(amount_factor=0.5)}
    )
    sources: Mapping[str, Level] = field(
        default_factory=lambda: {"fair": Level(), "web": Level(share=2.0), "referral": Level(share=0.5)}
    )
    customer_types: Mapping[str, Level] = field(
        default_factory=lambda: {"new": Level(share=0.6), "existing": Level(share=0.4)}
    )
    owners: Mapping[str, Owner] = field(default_factory=lambda: _DEFAULT_OWNERS)
    deals_n: int = 4_000
    starts: str = "2024-07-01"
    as_of: str = "2026-06-30"
    observed_from: str = ""
    season: tuple[float, ...] = (1.0, 0.8, 1.1, 1.0, 1.0, 1.1, 0.9, 0.8, 1.1, 1.1, 1.1, 0.9)
    region_season: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    growth: float = 0.0
    size_effects: Mapping[str, float] = field(default_factory=lambda: {"advance": -0.10, "lose": 0.05})
    account_sd: float = 0.15
    deals_per_account: float = 3.0
    amount_step: float = 100.0
    amount_missing_share: float = 0.0
    referral_share: float = 0.15
    referral_days: float = 60.0
    currency: str = "EUR"
    whole_days: bool = True
    weekends: bool = True

    def __post_init__(self) -> None:
        check.number("deals_n", self.deals_n, ge=1)
        check.number("deals_per_account", self.deals_per_account, ge=1)
        check.number("amount_missing_share", self.amount_missing_share, ge=0, lt=1)
        check.number("referral_share", self.referral_share, ge=0, lt=1)
        if check.timestamp("starts", self.starts) > check.timestamp("as_of", self.as_of):
            raise ParameterError(f"starts = {self.starts!r}", expected=f"a day up to as_of {self.as_of}")
        for seasons in (self.season, *self.region_season.values()):
            if len(seasons) != 12 or min(seasons) <= 0:
                raise ParameterError(f"season = {seasons!r}", expected="12 positive numbers, January first")
        self._check_names()

    def _check_names(self) -> None:
        ids = self.playbook.stage_ids
        for stage in [*self.laws, *(effect.stage for effect in self.effects if effect.stage)]:
            check.one_of("stage", stage, ids)
        for effect in self.effects:
            check.one_of(effect.attribute, effect.value, self.levels(effect.attribute))
        empty = [
            region for region in self.regions if all(one.region != region for one in self.owners.values())
        ]
        if empty:
            raise ParameterError(
                f"region {empty[0]!r} has no owner", expected="at least one owner per region"
            )
        for name, one in self.owners.items():
            if one.region not in self.regions:
                raise ParameterError(
                    f"owner {name!r} works in {one.region!r}",
                    expected="a region of the floor",
                    hint=nearest(one.region, self.regions),
                )

    def levels(self, attribute: str) -> tuple[str, ...]:
        """Return the values that `attribute` can take, in the floor's order."""
        check.one_of("attribute", attribute, ATTRIBUTES)
        return tuple(getattr(self, attribute + "s"))

    def law(self, stage: str) -> StageLaw:
        """Return the law of one stage."""
        return self.laws[stage] if stage in self.laws else default_laws(self.playbook)[stage]
