"""Sales floors with known truth: for the sample data, for tests and for teaching."""

from funnelnb.simulate.floor import Effect, Exit, Floor, Level, Owner, Segment, StageLaw, default_laws
from funnelnb.simulate.make import SalesFloor, setting_a, simulate
from funnelnb.simulate.truth import LognormalTruth, RunTruth, Truth

__all__ = [
    "Effect",
    "Exit",
    "Floor",
    "Level",
    "LognormalTruth",
    "Owner",
    "RunTruth",
    "SalesFloor",
    "Segment",
    "StageLaw",
    "Truth",
    "default_laws",
    "setting_a",
    "simulate",
]
