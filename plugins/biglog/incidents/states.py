"""Whether an incident is new, goes on, came back, or is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

from biglog.records import Finding, FindingKind, History, Incident, IncidentState, identify

SHARED = 1 / 3  # share of the smaller incident's findings that must be about the same thing


def remembered(
    services: Sequence[str], findings: Sequence[Finding], history: History
) -> tuple[IncidentState, Incident | None]:
    """The state, and the latest earlier incident about the same things where there is one."""
    for past in sorted(history.incidents, key=lambda i: (i.date, -i.rank), reverse=True):
        if past.state == "resolved" or not set(past.services) & set(services):
            continue
        if same_things(past, findings):
            last = history.dates[-1] if history.dates else ""
            return ("ongoing" if past.date == last else "returned"), past
    return "new", None


def same_things(past: Incident, findings: Sequence[Finding]) -> bool:
    """Ids hold no text, so each finding is looked up under the id it would have had that night."""
    known = set(past.finding_ids)
    shared = sum(bool(known & earlier_ids(one, past.date)) for one in findings)
    return shared > 0 and shared >= SHARED * min(len(known), len(findings))


def earlier_ids(finding: Finding, date: str) -> set[str]:
    hosts = {finding.host, "", *map(str, finding.evidence.get("hosts", ()))}
    return {
        identify(kind, finding.source, finding.service, host, finding.template_id, date)
        for kind in get_args(FindingKind)
        for host in hosts
    }


def resolved(tonight: Sequence[Incident], history: History, date: str) -> list[Incident]:
    """Last night's incidents that tonight does not continue; severity 0, at this midnight."""
    last = history.dates[-1] if history.dates else ""
    alive = {one.incident_id for one in tonight}
    midnight = datetime.fromisoformat(date).replace(tzinfo=UTC)
    return [
        replace(
            past,
            date=date,
            state="resolved",
            severity=0,
            finding_ids=(),
            started_at=min(past.started_at, midnight),
            ended_at=min(past.ended_at, midnight),
        )
        for past in sorted(history.incidents, key=lambda i: i.rank)
        if past.date == last and past.state != "resolved" and past.incident_id not in alive
    ]
