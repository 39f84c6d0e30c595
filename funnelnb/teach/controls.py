"""Controls to answer an exercise by mouse or keyboard; they only call the session."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipywidgets import VBox

    from funnelnb.teach.session import Session


def board(session: Session, exercise: str) -> VBox:
    """Return question, field and buttons of one exercise; an earlier answer stands in the field.

    Parameters
    ----------
    session : Session
    exercise : str
    """
    import ipywidgets as widgets

    asked, words = session.question(exercise), session.words
    last = session.progress.last(exercise)
    said = widgets.HTML()
    wide = widgets.Layout(width="auto")
    field: Any
    if asked.choices:
        field = widgets.RadioButtons(options=list(asked.choices), value=None, layout=wide)
        if last in asked.choices:
            field.value = last
    else:
        field = widgets.Text(
            value=last, description=words["answer_label"], style={"description_width": "initial"}
        )

    def say(text: str, kind: str = "") -> None:
        said.value = f'<p role="status" class="{kind}">{html.escape(text)}</p>'

    def check(_: Any) -> None:
        verdict = session.check(exercise, field.value or "")
        say(verdict.text, "right" if verdict.right else "wrong")

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
    if session.progress.solved(exercise):
        say(words["solved_mark"])
    text = widgets.HTML(f"<p><b>{exercise}</b> {html.escape(asked.text)}</p>")
    return widgets.VBox([text, field, widgets.HBox(buttons), said])
