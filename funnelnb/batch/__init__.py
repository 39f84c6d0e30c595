"""The per-region run: plan every job, execute the notebooks, write the pages. Only calls the layers below."""

from __future__ import annotations

from typing import Any


class PapermillEngine:
    """What papermill finds under the name ``funnelnb``: it loads every engine with itself, so this is light."""

    @staticmethod
    def _engine() -> Any:
        from importlib import import_module

        return import_module("funnelnb.batch.engine").FunnelEngine

    @classmethod
    def execute_notebook(cls, *arguments: Any, **given: Any) -> Any:
        """Run a notebook (see :class:`funnelnb.batch.engine.FunnelEngine`)."""
        return cls._engine().execute_notebook(*arguments, **given)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """Return the kernel that a notebook is run in."""
        return str(cls._engine().nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """Return the language that a notebook is written in."""
        return str(cls._engine().nb_language(nb, language))
