"""Sales floors with known truth: for the sample data, for tests and for teaching."""

from funnelnb.simulate.dirty import DIRTY_KINDS, Dirty, Planted, dirty, texts, write_text_tables
from funnelnb.simulate.floor import Effect, Exit, Floor, Level, Owner, Segment, StageLaw, default_laws
from funnelnb.simulate.make import SalesFloor, setting_a, simulate
from funnelnb.simulate.truth import LognormalTruth, RunTruth, Truth

__all__ = [
    "DIRTY_KINDS",
    "Dirty",
    "Effect",
    "Exit",
    "Floor",
    "Level",
    "LognormalTruth",
    "Owner",
    "Planted",
    "RunTruth",
    "SalesFloor",
    "Segment",
    "StageLaw",
    "Truth",
    "default_laws",
    "dirty",
    "setting_a",
    "simulate",
    "texts",
    "write_text_tables",
]
