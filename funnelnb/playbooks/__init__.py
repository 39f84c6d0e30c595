"""Level 1: stage models as data. Imports core only.

``library()`` lists the built-in models, ``load_playbook`` reads one of them or a user's file,
``playbook_from_stages`` makes one of a list of names.
"""

from funnelnb.playbooks.load import WON_STAGE, library, load_playbook, playbook_from_stages
from funnelnb.playbooks.model import Edge, Ending, Gate, Label, Playbook, Question, Remedy, Stage, fold
from funnelnb.playbooks.roles import BUYER_ROLES, ROLES, BuyerRole, role_named
from funnelnb.playbooks.validate import SCHEMA_PATH

__all__ = [
    "BUYER_ROLES",
    "ROLES",
    "SCHEMA_PATH",
    "WON_STAGE",
    "BuyerRole",
    "Edge",
    "Ending",
    "Gate",
    "Label",
    "Playbook",
    "Question",
    "Remedy",
    "Stage",
    "fold",
    "library",
    "load_playbook",
    "playbook_from_stages",
    "role_named",
]
