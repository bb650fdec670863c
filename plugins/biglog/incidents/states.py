"""Whether an incident is new, goes on, came back, or is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

from biglog.records import (
    ABSENT,
    Cause,
    Finding,
    FindingKind,
    History,
    Incident,
    IncidentState,
    identify,
)

SHARED = 0.5  # share of the smaller incident's findings that must be about the same thing
WORSE = 15  # points of severity by which a muted incident is heard again
UNBROKEN = timedelta(minutes=20)  # what pauses no longer than this over midnight goes on
LATE = timedelta(hours=2)  # what ended earlier than this before midnight was over that night


def remembered(
    causes: Sequence[Cause],
    findings: Sequence[Finding],
    started_at: datetime,
    history: History,
) -> tuple[IncidentState, Incident | None]:
    """The state, and the latest earlier incident about the same things where there is one."""
    services = [c.service for c in causes if c.service]
    for past in sorted(history.incidents, key=lambda i: (i.date, -i.rank), reverse=True):
        if past.state == "resolved" or list(past.services[:1]) != services[:1]:
            continue
        shared = known_then(past, findings)
        if not shared or len(shared) < SHARED * min(len(past.finding_ids), len(findings)):
            continue
        if unbroken(past, started_at) or same_lead(past.causes, causes, shared):
            return ("ongoing" if went_on(past, history) else "returned"), past
    return "new", None


def known_then(past: Incident, findings: Sequence[Finding]) -> list[Finding]:
    """Ids hold no text, so each finding is looked up under the id it would have had that night."""
    known = set(past.finding_ids)
    return [one for one in findings if known & earlier_ids(one, past.date)]


def same_lead(then: Sequence[Cause], now: Sequence[Cause], shared: Sequence[Finding]) -> bool:
    """What tells most at either likeliest place is shared: many faults have one consequence."""
    subjects = {one.template_id or one.service for one in shared}
    return {one.template_id or one.service for one in (*then[:1], *now[:1])} <= subjects


def unbroken(past: Incident, started_at: datetime) -> bool:
    """Over midnight time alone tells: what began a trouble may be said only once."""
    midnight = midnight_after(past.date)
    return max(midnight - past.ended_at, started_at - midnight) <= UNBROKEN


def earlier_ids(finding: Finding, date: str) -> set[str]:
    """Of every kind that it may have been: what comes and what fails to come are two things."""
    absent = finding.kind in ABSENT
    hosts = {finding.host, "", *map(str, finding.evidence.get("hosts", ()))}
    return {
        identify(kind, finding.source, finding.service, host, finding.template_id, date)
        for kind in get_args(FindingKind)
        if (kind in ABSENT) == absent
        for host in hosts
    }


def resolved(tonight: Sequence[Incident], history: History, date: str) -> list[Incident]:
    """Incidents of last night's end that tonight does not continue; their severity is 0."""
    alive = {one.incident_id for one in tonight}
    return [
        replace(past, date=date, state="resolved", severity=0, finding_ids=())
        for past in sorted(history.incidents, key=lambda i: i.rank)
        if past.state not in ("muted", "resolved")
        and past.incident_id not in alive
        and went_on(past, history)
    ]


def went_on(past: Incident, history: History) -> bool:
    """Whether it was the last night's and not over by its end."""
    last = history.dates[-1] if history.dates else ""
    return past.date == last and (past.state == "ongoing" or open_at_midnight(past))


def open_at_midnight(past: Incident) -> bool:
    return past.ended_at >= midnight_after(past.date) - LATE


def midnight_after(date: str) -> datetime:
    return datetime.fromisoformat(date).replace(tzinfo=UTC) + timedelta(days=1)


def heeded(incident: Incident, history: History) -> Incident:
    """The incident as people asked for it: muted, unless it is clearly worse than it was then."""
    mute = history.mutes.get(incident.incident_id)
    if mute is None:
        return incident
    before = [one.severity for one in history.incidents if one.incident_id == incident.incident_id]
    worse = bool(before) and incident.severity >= max(before) + WORSE
    return replace(incident, mute=mute, state=incident.state if worse else "muted")
