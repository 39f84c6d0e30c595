"""What is public: every function at the top and in the namespaces, under the name that people type."""

import inspect
import types
from collections.abc import Callable, Iterator

import funnelnb as fn


def public_functions() -> Iterator[tuple[str, Callable[..., object]]]:
    """Yield name and function, each once, at the first place that shows it."""
    waiting: list[tuple[str, object]] = [("fn", fn)]
    seen: set[int] = set()
    for prefix, space in waiting:
        for name in space.__all__:
            one = getattr(space, name)
            if isinstance(one, types.ModuleType):
                waiting.append((f"{prefix}.{name}", one))
            elif inspect.isfunction(one) and id(one) not in seen:
                seen.add(id(one))
                yield f"{prefix}.{name}", one
