"""Altair without what it does over and over: the same specifications in a third of the time.

Altair checks every piece of a chart against its schema as soon as it is made, and for a channel given as text or value
(``y="b:N"``) it searches the schemas of all its classes. The charts of this package are checked by its tests, and a
channel of a known name needs no search. Each chart that goes into a larger one is copied to its last axis, and put
together anew, on every level; a copy of the charts alone is enough, as nothing below them is ever changed.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from altair import TopLevelMixin
from altair.utils import core, schemapi

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def sooner() -> Iterator[None]:
    """Make what is drawn inside without checks and searches; an Altair that is built otherwise draws as it does."""
    channels: Any = getattr(core, "_ChannelCache", None)
    search = getattr(channels, "_wrap_in_channel", None)
    copy = schemapi.SchemaBase.copy
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
    schemapi.SchemaBase.copy = near
    try:
        with schemapi.debug_mode(False):
            yield
    finally:
        schemapi.SchemaBase.copy = copy
        channels._wrap_in_channel = search  # noqa: SLF001 - as above


def near(self: Any, deep: Any = True, ignore: Any = None) -> Any:
    """Return a copy as :meth:`SchemaBase.copy` does, in which only charts are copied and none is put together anew."""
    del ignore  # what is not a chart is never copied
    made = object.__new__(type(self))
    made.__dict__.update(self.__dict__)
    kept = dict(self._kwds)
    if deep is True:
        kept = {name: _inner(one) for name, one in kept.items()}
    elif deep:
        for name in deep:
            one = kept.get(name, schemapi.Undefined)
            if isinstance(one, schemapi.SchemaBase):
                one = one.copy(deep=False)
            kept[name] = one.copy() if isinstance(one, (list, dict)) else one
    made.__dict__["_kwds"] = kept
    return made


def _inner(one: Any) -> Any:
    if isinstance(one, TopLevelMixin):
        return near(one)
    return [_inner(each) for each in one] if isinstance(one, list) else one
