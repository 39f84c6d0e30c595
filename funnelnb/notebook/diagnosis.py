"""Controls over a diagnosis: from the matrix of symptoms down to the deals behind one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.analysis.diagnosis.drill import drill
from funnelnb.analysis.diagnosis.symptoms import Symptoms, symptoms
from funnelnb.notebook.controls import Live
from funnelnb.show import outputs

if TYPE_CHECKING:
    from funnelnb.analysis.diagnosis.drill import SymptomDetail
    from funnelnb.data.book import Book


class Diagnoser(Live):
    """A rule and a person, and the deals behind.

    Attributes
    ----------
    rule, person : widget
        Lists to choose from; the worst symptom is chosen first.
    found : Symptoms
    result : SymptomDetail
        What is shown now.
    """

    def __init__(self, found: Symptoms, lang: str | None) -> None:
        super().__init__(lang)
        self.found = found
        say = self._say
        worst = found.rows[0] if found.rows else None
        rules = {say.get(f"symptoms.names.{one.rule}"): one.rule for one in found.rules}
        people = {say.get("symptoms.everybody"): "", **{say.value(one): one for one in found.people}}
        self.rule = self._choice(say.get("symptoms.rule"), rules, worst.rule if worst else "")
        whom = worst.group[0] if worst and worst.group else ""
        self.person = self._choice(say.get("symptoms.person"), people, whom)
        self._offer(self.rule, self.person)
        self._redraw()

    result: SymptomDetail

    def _outputs(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        self.result = drill(self.found, self.rule.value, self.person.value)
        return outputs(self.result, self._say.lang)


def diagnose(found: Symptoms | Book, *, lang: str | None = None) -> Diagnoser:
    """Which deals are behind each symptom? Controls for the rule and the person.

    Parameters
    ----------
    found : Symptoms or Book
        What ``fn.diagnosis.symptoms`` returned; a book is diagnosed with the usual rules.
    lang : {"en", "zh"}, optional

    Returns
    -------
    Diagnoser
        Live in JupyterLab; in a static report it shows the worst symptom.
    """
    return Diagnoser(found if isinstance(found, Symptoms) else symptoms(found), lang)
