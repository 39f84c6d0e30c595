"""What a notebook needs besides the analyses: opening the book its parameters name, and controls.

Nothing here computes: it passes parameters on and draws what comes back.
"""

from __future__ import annotations

from funnelnb.notebook.events import open_events
from funnelnb.notebook.page import attempt, comparison, open_book, pick
from funnelnb.notebook.short import in_short, reach

__all__ = ["attempt", "comparison", "in_short", "open_book", "open_events", "pick", "reach"]
