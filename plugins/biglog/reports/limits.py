"""How much of a night is shown, largest serving first: what is cut is always counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

PAGE_BYTES = 2_000_000
MAIL_BYTES = 80_000  # Gmail clips the HTML of a mail at about 102 KB


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is shown of each thing."""

    incidents: int = 10
    findings: int = 12
    """Findings of one incident."""
    rows: int = 40
    """Rows of one table of changes."""
    clusters: int = 24
    sources: int = 120
    charts: int = 12
    chars: int = 2000
    """Characters of one log line; 0 shows no example."""
    words: int = 240
    """Characters of a title, a sentence or a pattern."""


PAGE = (
    Limits(),
    Limits(findings=8, rows=25, chars=800),
    Limits(findings=4, rows=15, charts=8, chars=300, sources=60, clusters=12),
    Limits(findings=1, rows=8, charts=6, chars=120, sources=30, clusters=6, words=120),
)
MAIL = (
    Limits(findings=0, rows=6, clusters=0, sources=20, charts=12, chars=500, words=200),
    Limits(findings=0, rows=6, clusters=0, sources=12, charts=8, chars=160, words=160),
    Limits(findings=0, rows=5, clusters=0, sources=8, charts=8, chars=0, words=120),
    Limits(findings=0, rows=2, clusters=0, sources=6, charts=4, chars=0, words=80),
    Limits(findings=0, rows=0, clusters=0, sources=4, charts=0, chars=0, words=60),
)


def fit(write: Callable[[Limits], str], servings: Sequence[Limits], budget: int) -> str:
    """The largest serving whose text is within the budget of bytes, else the smallest."""
    for limits in servings:
        text = write(limits)
        if len(text.encode("utf-8")) <= budget:
            return text
    return text
