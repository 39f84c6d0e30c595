"""Level 1: stage models as data. Imports core only.

``library()`` lists the built-in models, ``load_playbook`` reads one of them or a user's file,
``playbook_from_stages`` makes one of a list of names.
"""

from funnelnb.playbooks.load import WON_STAGE, library, load_playbook, playbook_from_stages
from funnelnb.playbooks.model import ROLES, Edge, Ending, Gate, Label, Playbook, Question, Stage, fold
from funnelnb.playbooks.validate import SCHEMA_PATH

__all__ = [
    "ROLES",
    "SCHEMA_PATH",
    "WON_STAGE",
    "Edge",
    "Ending",
    "Gate",
    "Label",
    "Playbook",
    "Question",
    "Stage",
    "fold",
    "library",
    "load_playbook",
    "playbook_from_stages",
]
