"""A night's incidents, ranked: few, each with its findings, place, severity and state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from biglog.incidents.causes import causes
from biglog.incidents.changed import Traced, changed, nothing
from biglog.incidents.episodes import Episode, episodes
from biglog.incidents.graph import reach
from biglog.incidents.group import Ties, group, ties
from biglog.incidents.places import places, text_of
from biglog.incidents.severity import factors, severity
from biglog.incidents.states import heeded, remembered, resolved
from biglog.incidents.words import said, telling, title
from biglog.records import Day, Finding, History, Incident, identify
from biglog.settings import IncidentSettings

KEY_TEMPLATES = 5


def correlate(
    findings: Sequence[Finding],
    day: Day,
    history: History,
    settings: IncidentSettings,
    traced: Traced = nothing,
) -> tuple[Incident, ...]:
    """The night's incidents: the most severe first, the muted, those of last night now over.

    ``traced`` is asked once for each.
    """
    every = episodes(findings)
    known = ties(every, day, history, places(day, history))
    groups = group(every, settings.gap_minutes, known)
    found = [heeded(incident(one, day, history, known, traced), history) for one in groups]
    kept = [
        one
        for one, own in zip(found, groups, strict=True)
        if max(one.severity, unheeded(own)) >= settings.min_severity
    ]
    kept.sort(key=lambda i: (i.state == "muted", -i.severity, i.started_at, i.incident_id))
    active = distinct(kept[: settings.max_incidents])
    over = resolved(active, history, day.date)[: settings.max_incidents - len(active)]
    return tuple(replace(one, rank=at) for at, one in enumerate([*active, *over], start=1))


def unheeded(group: Sequence[Episode]) -> int:
    """Severity as if nobody had judged anything: verdicts alone must not hide an incident."""
    return severity(factors([replace(e, finding=as_found(e.finding)) for e in group]))


def as_found(finding: Finding) -> Finding:
    moved = finding.evidence.get("verdicts")
    return replace(finding, score=moved["plain"]) if moved else finding


def incident(
    group: Sequence[Episode], day: Day, history: History, known: Ties, traced: Traced
) -> Incident:
    """One group of episodes as an incident, not yet ranked."""
    findings = list({e.finding.finding_id: e.finding for e in group}.values())
    texts = {f.finding_id: text_of(f, day) for f in findings}
    suspects = causes(group, known, texts, changed(group, day, history, traced))
    services = tuple(c.service for c in suspects if c.service)
    started_at = min(e.started_at for e in group)
    state, past = remembered(suspects, findings, started_at, history)
    values = factors(group)
    told = telling(group, services)
    return Incident(
        incident_id=past.incident_id if past else name(day.date, findings),
        date=day.date,
        rank=0,
        title=title(told, day),
        severity=severity(values),
        factors=values,
        state=state,
        day=past.day + 1 if past and state == "ongoing" else 1,
        services=services,
        hosts=hosts(group),
        started_at=started_at,
        ended_at=max(e.ended_at for e in group),
        finding_ids=tuple(sorted(texts, key=lambda one: one != told.finding.finding_id)),
        first_line=first_said(group),
        worst_line=said(told.finding) or first_said(group),
        causes=suspects,
        depending=reach(services, known.graph),
    )


def name(date: str, findings: Sequence[Finding]) -> str:
    """An id of the first night and the strongest subjects; a rerun gives the same."""
    strong = sorted(findings, key=lambda f: (-f.score, f.finding_id))[:KEY_TEMPLATES]
    return identify(date, *sorted(f.template_id or f"{f.source}/{f.service}" for f in strong))


def distinct(found: Sequence[Incident]) -> list[Incident]:
    """Incidents with the same subjects twice in one night get ids by their order in time."""
    seen: dict[str, int] = {}
    named: dict[int, Incident] = {}
    for at in sorted(range(len(found)), key=lambda i: (found[i].started_at, i)):
        one = found[at]
        again = seen.get(one.incident_id, 0)
        seen[one.incident_id] = again + 1
        named[at] = (
            replace(one, incident_id=identify(one.incident_id, str(again))) if again else one
        )
    return [named[at] for at in range(len(found))]


def hosts(group: Sequence[Episode]) -> tuple[str, ...]:
    """Hosts by how much was odd there."""
    weight: dict[str, float] = {}
    for e in group:
        own = [e.finding.host] if e.finding.host else list(e.finding.evidence.get("hosts", ()))
        for host in own:
            weight[host] = weight.get(host, 0.0) + e.finding.score * e.gravity / len(own)
    return tuple(sorted(weight, key=lambda h: (-weight[h], h)))


def first_said(group: Sequence[Episode]) -> str:
    """The earliest line of the group that was really written; empty where it is all silence."""
    return next(filter(None, (said(e.finding) for e in group)), "")
