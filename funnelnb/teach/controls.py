"""Controls to answer an exercise by mouse or keyboard; they only call the session."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipywidgets import VBox

    from funnelnb.teach.lesson import Question
    from funnelnb.teach.session import Session


def board(session: Session, exercise: str) -> VBox:
    """Return question, fields and buttons of one exercise; what was entered earlier stands in the fields.

    Parameters
    ----------
    session : Session
    exercise : str
    """
    import ipywidgets as widgets

    asked, words = session.question(exercise), session.words
    field, entered = _field(asked, session.progress.entered(exercise), words)
    said = widgets.HTML()

    def say(text: str, kind: str = "") -> None:
        said.value = f'<p role="status" class="{kind}">{html.escape(text)}</p>'

    def check(_: Any) -> None:
        verdict = session.check(exercise, entered())
        mark = "✓ " if verdict.right else ""
        say(mark + verdict.text, "right" if verdict.right else "wrong")

    buttons = []
    for name, call in (
        ("check", check),
        ("hint", lambda _: say(session.hint(exercise))),
        ("solution", lambda _: say(session.solution(exercise))),
    ):
        one = widgets.Button(
            description=words[f"{name}_button"], button_style="primary" if name == "check" else ""
        )
        one.on_click(call)
        buttons.append(one)
    for one in getattr(field, "children", (field,)):
        one.observe(lambda _: session.progress.draft(exercise, entered()), names="value")
    if session.progress.solved(exercise):
        say(words["solved_mark"])
    text = widgets.HTML(f"<p><b>{exercise}</b> {html.escape(asked.text)}</p>{asked.svg()}")
    return widgets.VBox([text, field, widgets.HBox(buttons), said])


def _field(asked: Question, before: str, words: Any) -> tuple[Any, Callable[[], str]]:
    """Return where to answer, and how to read what was entered there."""
    import ipywidgets as widgets

    from funnelnb.core.errors import ParameterError
    from funnelnb.teach.answers import as_choice

    wide = widgets.Layout(width="auto")
    style = {"description_width": "initial"}
    if asked.choices:
        radio = widgets.RadioButtons(options=list(asked.choices), value=None, layout=wide)
        if before in asked.choices:
            radio.value = before
        elif before:
            try:
                place = asked.variant.choices.index(as_choice(before, asked.variant.choices))
                radio.value = asked.choices[place]
            except ParameterError:
                pass
        return radio, lambda: radio.value or ""
    if asked.rows:
        parts = [one.strip() for one in before.split(";")]
        parts += [""] * (len(asked.rows) - len(parts))
        fields = [
            widgets.Text(value=part, description=row, style=style, continuous_update=False)
            for row, part in zip(asked.rows, parts, strict=False)
        ]
        return widgets.VBox(fields), lambda: "; ".join(one.value.strip() for one in fields)
    wider = widgets.Layout(width="100%" if asked.variant.formula else "300px")
    text = widgets.Text(
        value=before, description=words["answer_label"], style=style, layout=wider, continuous_update=False
    )
    return text, lambda: str(text.value)
