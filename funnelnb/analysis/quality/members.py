"""Which deals stand behind the counts of faults?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnelnb.analysis.quality.findings import FINDINGS, Found, subject_of
from funnelnb.analysis.shared.members import FAULTS, Mask, Member, Query, behind

if TYPE_CHECKING:
    from collections.abc import Mapping


@behind("Harm")
def _harm(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    return {"n": asked.everybody(), "broken_n": FAULTS, "looked_n": FAULTS}


@behind("HarmRow")
def _fault(asked: Query, result: Any, row: Any) -> Mapping[str, Member]:
    def of(name: str) -> Mask:
        found: Found = asked.once(
            ("found", row.finding), lambda: FINDINGS[row.finding](subject_of(asked.book))
        )
        return asked.of_ids(asked.book.opportunities["opportunity_id"][getattr(found, name)])

    return {"deal_n": lambda: of("rows"), "of_n": lambda: of("of")}
