"""Controls for JupyterLab: each changes an argument, calls the public function again and shows what comes back."""

from funnelnb.notebook.diagnosis import diagnose
from funnelnb.notebook.events import explore_events
from funnelnb.notebook.explore import explore, explore_durations
from funnelnb.notebook.foreseeing import explore_forecast
from funnelnb.notebook.mapper import mapper
from funnelnb.notebook.priorities import assessment_sheet, prioritise
from funnelnb.notebook.simulator import target_simulator

__all__ = [
    "assessment_sheet",
    "diagnose",
    "explore",
    "explore_durations",
    "explore_events",
    "explore_forecast",
    "mapper",
    "prioritise",
    "target_simulator",
]


def __dir__() -> list[str]:
    return __all__
