"""The runbooks to open for an incident: few, and none rather than a wrong one."""

from __future__ import annotations

from biglog.knowledge.search import MAX_QUERY, Index, search
from biglog.records import Encoder, Similar

FLOOR = 0.3
"""Below this share of an incident's words nothing is suggested."""


def runbooks(
    text: str, index: Index, *, encoder: Encoder | None = None, limit: int = 3, floor: float = FLOOR
) -> tuple[Similar, ...]:
    """The entries that answer an incident's text, best first; empty where none comes near."""
    if not text.strip():
        return ()
    hits = search(text[:MAX_QUERY], index, encoder=encoder, top=limit)
    return tuple(
        Similar(
            kind="knowledge",
            ref=hit.entry.entry_id,
            title=hit.entry.title,
            similarity=hit.score,
            detail=", ".join(hit.matched),
        )
        for hit in hits
        if hit.score >= floor
    )
