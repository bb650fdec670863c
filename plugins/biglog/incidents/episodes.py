"""When and where each finding happened: one episode per stretch of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from biglog.records import ABSENT, Finding

CHRONIC = 4  # a finding with more episodes than this is one long affair
MINOR = 0.2  # an episode with a smaller share of the main one's lines starts nothing of its own


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of a finding; ``main`` is the one the finding itself names."""

    finding: Finding
    started_at: datetime
    ended_at: datetime
    count: int
    main: bool
    gravity: float

    @property
    def minutes(self) -> float:
        """Never less than the ten minutes that counts resolve."""
        return max(10.0, (self.ended_at - self.started_at).total_seconds() / 60)


def episodes(findings: Iterable[Finding]) -> list[Episode]:
    """All episodes, the earliest first; equal starts in the order of finding ids."""
    every = [one for finding in findings for one in split(finding)]
    return sorted(every, key=lambda e: (e.started_at, e.ended_at, e.finding.finding_id))


def split(finding: Finding) -> list[Episode]:
    told = finding.evidence.get("episodes") or []
    spans = [(datetime.fromisoformat(a), datetime.fromisoformat(b), int(n)) for a, b, n in told]
    if len(spans) < 2:
        return [episode(finding, finding.started_at, finding.ended_at, finding.count)]
    if len(spans) > CHRONIC:
        first, last = min(s[0] for s in spans), max(s[1] for s in spans)
        return [episode(finding, first, last, sum(s[2] for s in spans))]
    kept = [s for s in spans if s[2] >= MINOR * finding.count or s[0] == finding.started_at]
    return [episode(finding, *one) for one in kept]


def episode(finding: Finding, started: datetime, ended: datetime, count: int) -> Episode:
    return Episode(
        finding=finding,
        started_at=started,
        ended_at=max(started, ended),
        count=count,
        main=finding.kind == "silence" or started <= finding.started_at <= ended,
        gravity=float(finding.evidence.get("gravity", 0.2)),
    )


def overlap(one: Episode, other: Episode) -> float:
    """Shared share of the longer one, 0 to 1."""
    ended, started = min(one.ended_at, other.ended_at), max(one.started_at, other.started_at)
    shared = max(0.0, (ended - started).total_seconds() / 60)
    return min(1.0, shared / max(one.minutes, other.minutes))


def subject(finding: Finding) -> tuple[str, str, bool]:
    """What came, or failed to come, wherever that ran: lines of a service, or all of its lines."""
    return finding.service or finding.source, finding.template_id, finding.kind in ABSENT


def specific(finding: Finding) -> bool:
    """That a place's errors rose says little; a line of it, or its silence, tells which trouble."""
    return bool(finding.template_id) or finding.kind == "silence"


def lead(group: Sequence[Episode]) -> Episode:
    """The strongest that tells which trouble this is, where any does."""
    return max(
        group,
        key=lambda e: (
            specific(e.finding),
            e.finding.score * e.gravity,
            e.finding.finding_id,
        ),
    )
