"""Altair without what it does over and over: the same specifications in half the time.

Altair checks every piece of a chart against its schema as soon as it is made, and for a channel given as text or value
(``y="b:N"``) it searches the schemas of all its classes. The charts of this package are checked by its tests, and a
channel of a known name needs no search.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from altair.utils import core, schemapi

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def sooner() -> Iterator[None]:
    """Make what is drawn inside without checks and searches; an Altair that is built otherwise draws as it does."""
    channels: Any = getattr(core, "_ChannelCache", None)
    search = getattr(channels, "_wrap_in_channel", None)
    if search is None or not hasattr(schemapi, "debug_mode"):
        yield
        return

    def known(self: Any, given: Any, name: str) -> Any:
        made = self.name_to_channel.get(name, {})
        if isinstance(given, str) and "field" in made:
            return made["field"](shorthand=given)
        if isinstance(given, dict) and list(given) == ["value"] and "value" in made:
            return made["value"](**given)
        return search(self, given, name)

    channels._wrap_in_channel = known  # noqa: SLF001 - nothing public lies between text and search
    try:
        with schemapi.debug_mode(False):
            yield
    finally:
        channels._wrap_in_channel = search  # noqa: SLF001 - as above
