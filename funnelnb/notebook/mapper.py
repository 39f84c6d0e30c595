"""An export mapped with mouse and keyboard: columns, stages, a preview, what is wrong, and a button that keeps it."""

from __future__ import annotations

import contextlib
import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from funnelnb.core.errors import FunnelError
from funnelnb.data.by_hand import COLUMNS, MEANINGS, TELLING, HandMapping
from funnelnb.data.contract.settings import ROW_NUMBER
from funnelnb.data.keep import keep
from funnelnb.show.pages.proposal import proposal_text, settings_comments
from funnelnb.show.text.errors import error_text
from funnelnb.show.text.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from funnelnb.data.book import Book
    from funnelnb.data.recognise.stages import StageWord

WORDS_MOST = 60
"""So many stage words get a row of their own."""


class Mapper(widgets.VBox):
    """Controls that say what an export holds.

    Attributes
    ----------
    hand : HandMapping
        What is said so far; the controls only call it.
    columns : dict of str to Dropdown
        By column of the contract.
    meanings : dict of str to Dropdown
        By stage word.
    order : TagsInput
        The stages in order; they are dragged, or moved with the buttons.
    preview, problems, done : HTML
        The first ten deals, what stops the loading, and what was kept where.
    folder : Text
        Where it is kept.
    save : Button
    """

    def __init__(self, source: Any, *, mapping: Any, lang: str | None, folder: str) -> None:
        self._say = words(lang)
        self.hand = HandMapping(source, mapping)
        self.book: Book | None = None
        self._quiet = False
        self.columns: dict[str, widgets.Dropdown] = {}
        self.meanings: dict[str, widgets.Dropdown] = {}
        self._columns, self._stages = widgets.GridBox(), widgets.VBox()
        self.order = widgets.TagsInput(allow_duplicates=False)
        self.preview, self.problems, self.done = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.repair = widgets.Button(description=self._text("repair"), layout={"width": "max-content"})
        self.save = widgets.Button(description=self._text("save"), button_style="primary")
        name = Path(source).stem if isinstance(source, str | Path) else "export"
        self.folder = widgets.Text(value=folder or f"{name}-funnel", description=self._text("folder"))
        self.repair.on_click(self._repaired)
        self.save.on_click(self._saved)
        self.order.observe(self._arranged, "value")
        ask = widgets.HTML(self._text("order"))
        parts = (self._title("columns"), self._columns, self._title("stages"), ask, self.order,
                 self._stages, self._title("preview"), self.preview, self._title("problems"), self.problems,
                 self.repair, widgets.HBox([self.folder, self.save]), self.done)  # fmt: skip
        super().__init__(parts)
        self._offer()
        self._try()

    def _text(self, key: str, **facts: Any) -> str:
        return self._say.say(f"mapper.{key}", **facts)

    def _title(self, key: str) -> widgets.HTML:
        return widgets.HTML(f"<h4 style='margin:.6em 0 .2em'>{html.escape(self._text(key))}</h4>")

    # ---- the controls

    def _offer(self) -> None:
        """Make the controls anew from what is known."""
        sources = [(self._text("nothing"), ""), (self._text("numbered"), ROW_NUMBER)]
        for name, samples in self.hand.sources:
            sources.append((f"{name}  ({', '.join(samples)})"[:70] if samples else name, name))
        self.columns = {one: self._column(one, sources) for one in COLUMNS}
        self._columns.children = list(self.columns.values())
        self._columns.layout = {
            "grid_template_columns": "repeat(auto-fill, minmax(24em, 1fr))",
            "grid_gap": "2px 12px",
        }
        with self._silent():
            self._show_stages()

    def _column(self, column: str, sources: Sequence[tuple[str, str]]) -> widgets.Dropdown:
        options = [one for one in sources if one[1] != ROW_NUMBER or column == "opportunity_id"]
        at = self.hand.columns[column]
        control = widgets.Dropdown(
            options=options, value=at if at in [value for _, value in options] else "",
            description=self._text(f"column.{column}"), style={"description_width": "11em"}, layout={"width": "auto"},
        )  # fmt: skip
        control.observe(lambda change: self._said_column(column, change["new"]), "value")
        return control

    def _show_stages(self) -> None:
        """Show one row per stage word, and the order of the stages."""
        self.meanings = {}
        outcomes = [
            (one, self._word(one, MEANINGS[1:-1], outcome=True)) for one in self.hand.outcomes[:WORDS_MOST]
        ]
        rows = [(one, self._word(one, MEANINGS)) for one in self.hand.words[:WORDS_MOST]]
        self._stages.children = [row for _, row in (*rows, *outcomes)]
        self._show_order()

    def _show_order(self) -> None:
        stages = self.hand.stages[:WORDS_MOST]
        self.order.allowed_tags = []
        self.order.value = stages
        self.order.allowed_tags = stages

    @contextlib.contextmanager
    def _silent(self) -> Iterator[None]:
        """Change controls without taking it for what a hand did."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def _word(self, one: StageWord, meanings: Sequence[str], *, outcome: bool = False) -> widgets.HBox:
        options = [(self._say.get(f"recognise.meanings.{name}"), name) for name in meanings]
        chosen = widgets.Dropdown(
            options=options,
            value=one.meaning if one.meaning in meanings else meanings[0],
            layout={"width": "17em"},
        )
        chosen.observe(lambda change: self._said_word(one.word, change["new"], outcome=outcome), "value")
        self.meanings.setdefault(one.word, chosen)
        label = widgets.HTML(f"{html.escape(one.word)} <small>({self._say.numbers.count(one.n)})</small>",
                             layout={"width": "17em"})  # fmt: skip
        moves = [] if outcome else [self._mover(one.word, "up", -1), self._mover(one.word, "down", 1)]
        row = widgets.HBox([label, chosen, *moves])
        row.add_class("funnelnb-word")
        return row

    def _mover(self, word: str, way: str, step: int) -> widgets.Button:
        button = widgets.Button(
            icon=f"arrow-{way}", tooltip=self._text(way, word=word), layout={"width": "3em"}
        )
        button.on_click(lambda _: self._moved(word, step))
        return button

    # ---- what a hand does

    def _said_column(self, column: str, source: str) -> None:
        if self._quiet:
            return
        self.hand.say_column(column, source)
        with self._silent():
            for (
                name,
                control,
            ) in self.columns.items():  # in place: the control that is typed into keeps the focus
                at = self.hand.columns[name]
                control.value = at if at in [value for _, value in control.options] else ""
            if column in TELLING:
                self._show_stages()
        self._try()

    def _said_word(self, word: str, meaning: str, *, outcome: bool) -> None:
        if self._quiet or word not in [one.word for one in (*self.hand.words, *self.hand.outcomes)]:
            return
        if outcome:
            self.hand.say_outcome(word, meaning)
        else:
            self.hand.say_meaning(word, meaning)
            with self._silent():
                self._show_order()
        self._try()

    def _moved(self, word: str, step: int) -> None:
        stages = self.hand.stages
        if word in stages and 0 <= stages.index(word) + step < len(stages):
            self.hand.move(word, stages.index(word) + step)
            with self._silent():
                self._show_stages()
            self._try()

    def _arranged(self, change: Any) -> None:
        """Take the order over once no stage is missing: while one is dragged it may be."""
        if not self._quiet and sorted(change["new"]) == sorted(self.hand.stages[:WORDS_MOST]):
            self.hand.arrange(list(change["new"]))
            with self._silent():
                self._show_stages()
            self._try()

    def _repaired(self, _: Any) -> None:
        self.hand.repair()
        self._try()

    def _try(self) -> None:
        """Load the export as it is mapped, and show the first deals and what is wrong."""
        trial = self.hand.tried()
        self.book = trial.book
        frame = trial.deals.map(_cell)
        if trial.book is not None:
            frame = frame.rename(columns=lambda name: self._text(f"column.{name}"))
        self.preview.value = frame.to_html(index=False, escape=True, border=0) if len(frame) else ""
        told = [error_text(str(one), self._say) for one in trial.errors]
        if trial.book is not None and self.hand.lacks_win:
            told.append(self._text("no_win"))
        told += [] if told else [self._text("fits", n=len(trial.book.opportunities) if trial.book else 0)]
        self.problems.value = "".join(
            f"<pre style='white-space:pre-wrap'>{html.escape(one)}</pre>" for one in told
        )
        self.repair.disabled = trial.book is not None
        self.save.disabled = trial.book is None
        self.done.value = ""

    def _saved(self, _: Any) -> None:
        """Keep the settings and the tables."""
        if self.book is None:
            return
        folder = Path(self.folder.value.strip() or "export-funnel")
        source = self.hand.source
        name = Path(source).name if isinstance(source, str | Path) else "export"
        comments = settings_comments(self.hand.proposal, name, self._say.lang)
        try:
            document, agreed = self.hand.document(), self.hand.proposal.said.problems
            keep(self.book, folder, document, comments, problems={**agreed, **document.get("problems", {})})
        except FunnelError as error:
            self.done.value = f"<pre>{html.escape(error_text(str(error), self._say))}</pre>"
            return
        said = html.escape(self._text("kept", folder=str(folder), code=f'fn.load("{folder}")'))
        self.done.value = f"<p class='funnelnb-kept'>{said}</p>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Give JupyterLab the controls and everything else what was recognised, as text."""
        live = super()._repr_mimebundle_(**kwargs) or {}
        data = dict(live[0] if isinstance(live, tuple) else live)
        return {**data, "text/plain": proposal_text(self.hand.proposal, self._say.lang)}


def _cell(value: Any) -> str:
    """Return a value as a person reads it: dates without midnight, whole numbers without a point, gaps blank."""
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT
        return ""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return str(value).removesuffix(" 00:00:00")


def mapper(
    source: Any, *, mapping: Any = None, folder: str | Path | None = None, lang: str | None = None
) -> Mapper:
    """What does this export hold, said with mouse and keyboard?

    Parameters
    ----------
    source : path, frame or dict
        As for :func:`funnelnb.load`.
    mapping : path or dict, optional
        Settings to begin with.
    folder : path, optional
        Where settings and tables are kept; None: the name of the export with ``-funnel`` behind it.
    lang : {"en", "zh"}, optional
        None: the language in force.

    Returns
    -------
    Mapper
        What was recognised stands in the controls. Every change is tried at once: the first ten deals and everything
        that is wrong are shown. *Save* writes the canonical tables as Parquet and the settings that read them, and
        ``source-settings.toml`` for the next export of the kind.

    Raises
    ------
    SourceError, MappingError
        The files or settings cannot be read at all.

    Examples
    --------
    >>> import pandas as pd
    >>> deals = pd.DataFrame({"Ref": ["A", "B"], "Phase": ["Offer", "Won"], "On": ["2026-01-05", "2026-01-07"]})
    >>> mapper(deals).columns["stage"].value
    'Phase'
    """
    return Mapper(source, mapping=mapping, lang=lang, folder=str(folder or ""))
