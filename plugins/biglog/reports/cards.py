"""Incidents as cards: what is wrong, where, since when, and why we think so."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from biglog.records import BUCKET_MINUTES, Cause, Finding, Incident, Night, Similar
from biglog.reports import metrics, reasons
from biglog.reports.limits import Limits
from biglog.reports.past import retold
from biglog.reports.reasons import FindingRow
from biglog.reports.text import LineText, line, shape, shorten
from biglog.reports.verdict import ICONS, QUIET, Chip, band, some, title
from biglog.reports.voice import Voice

# How a candidate's evidence is put into English words; the report says it in its own.
CLAUSES = (
    ("timed", re.compile(r"it was odd first, from [\d:]+")),
    ("timed", re.compile(r"it fell silent at [\d:]+")),
    ("soon", re.compile("it was odd soon after the first")),
    ("symptoms", re.compile("it shows trouble of its own")),
    ("own", re.compile("it reports “(?P<what>[^”]+)” itself")),
    ("blames", re.compile("it blames (?P<name>.+)")),
    ("blamed", re.compile("(?P<by>.+) logs trouble with (?P<name>.+)")),
    ("depended", re.compile("(?P<name>.+), which depends on it, shows trouble")),
    (
        "dependents",
        re.compile(r"(?P<n>\d+) services that depend on it show trouble: (?P<names>.+)"),
    ),
    ("depends", re.compile("it depends on (?P<name>.+), which shows trouble too")),
    *(
        (
            way,
            re.compile(
                f"it says “(?P<what>[^”]+)” far more {way} than usual, "
                "and no other service is as odd in that"
            ),
        )
        for way in ("often", "rarely")
    ),
    ("waits", re.compile("requests wait longest at it, against their usual")),
)
CAUSES = 3
SIMILAR = 3
REACH = 6
FACTORS = 8
ALONE = 0.995


@dataclass(frozen=True, slots=True)
class CauseRow:
    """A candidate cause; never more than a candidate."""

    place: str
    confidence: str
    timing: str
    reason: str
    pattern: LineText | None


@dataclass(frozen=True, slots=True)
class Recalled:
    """A past incident or a runbook like this one."""

    title: str
    similarity: str
    detail: str
    date: str
    ref: str
    href: str


@dataclass(frozen=True, slots=True)
class Factor:
    """One thing severity is made of; percent is the width of its bar."""

    label: str
    value: str
    percent: int


@dataclass(frozen=True, slots=True)
class Card:
    """One incident."""

    anchor: str
    rank: str
    tone: str
    band: Chip
    state: Chip
    severity: str
    title: str
    services: str
    hosts: str
    when: str
    lasted: str
    mute: str  # who does not want to hear of it, and why; "" for all others
    metrics: str  # which metrics were odd at its time; "" for none
    depending: str  # services that call those of the incident; "" for none
    first: LineText | None
    worst: LineText | None
    factors: tuple[Factor, ...]
    causes: tuple[CauseRow, ...]
    similar: tuple[Recalled, ...]
    runbooks: tuple[Recalled, ...]
    findings: tuple[FindingRow, ...]
    findings_total: str
    findings_hidden: str
    incident_id: str
    sql: str


def cards(night: Night, voice: Voice, limits: Limits) -> tuple[Card, ...]:
    return tuple(card(night, one, voice, limits) for one in chosen(night, limits))


def chosen(night: Night, limits: Limits) -> list[Incident]:
    """The incidents that are shown, by rank, those that are muted or over last."""
    ordered = sorted(night.incidents, key=lambda i: (i.state in QUIET, i.rank, i.incident_id))
    return ordered[: limits.incidents]


def card(night: Night, incident: Incident, voice: Voice, limits: Limits) -> Card:
    findings = members(night, incident)
    own = replace(night, findings=tuple(findings))
    tone = QUIET.get(incident.state) or band(incident.severity)
    seconds = (incident.ended_at - incident.started_at).total_seconds()
    first = quoted(own, incident.first_line, limits)
    worst = quoted(own, incident.worst_line, limits)
    hidden = len(findings) - limits.findings
    return Card(
        anchor=f"incident-{incident.rank}",
        rank=voice.number(incident.rank),
        tone=tone,
        band=Chip(tone, ICONS[tone], voice.say(f"band.{tone}")),
        state=Chip(incident.state, "", state_words(incident, voice)),
        severity=voice.number(incident.severity),
        title=title(night, incident, voice, limits.words),
        services=some(incident.services, voice, 4),
        hosts=some(incident.hosts, voice, 4),
        when=voice.span(incident.started_at, incident.ended_at, night.date),
        lasted=voice.duration(seconds) if seconds > 0 else "",
        mute=mute_words(incident, voice, limits),
        metrics=metrics.beside(night, incident, voice),
        depending=depending(incident, voice),
        first=first,
        worst=None if incident.worst_line == incident.first_line else worst,
        factors=factors(incident, voice),
        causes=tuple(cause_row(own, one, voice, limits) for one in incident.causes[:CAUSES]),
        similar=tuple(recalled(one, voice, limits) for one in incident.similar[:SIMILAR]),
        runbooks=tuple(recalled(one, voice, limits) for one in incident.runbooks[:SIMILAR]),
        findings=tuple(
            reasons.row(one, night.templates, voice, limits) for one in findings[: limits.findings]
        ),
        findings_total=voice.count("count.findings", len(findings)),
        findings_hidden=voice.count("hidden.findings", hidden) if hidden > 0 else "",
        incident_id=shorten(incident.incident_id, 64),
        sql=query(incident.incident_id, night.date),
    )


def depending(incident: Incident, voice: Voice) -> str:
    """Who else depends on what is in trouble, and through whom."""
    names = [
        voice.say("reach.through", name=shorten(one.service, 60), by=shorten(one.through, 60))
        if one.through
        else one.service
        for one in incident.depending
    ]
    return voice.say("reach.also", names=some(names, voice, REACH)) if names else ""


def members(night: Night, incident: Incident) -> list[Finding]:
    """The incident's findings in the order of time."""
    own = set(incident.finding_ids)
    found = [reasons.stretch(one, incident) for one in night.findings if one.finding_id in own]
    return sorted(found, key=lambda f: (f.started_at, -f.score, f.finding_id))


def state_words(incident: Incident, voice: Voice) -> str:
    day = voice.number(incident.day)
    return voice.say(f"state.{incident.state}", day=day)


def mute_words(incident: Incident, voice: Voice, limits: Limits) -> str:
    """Who muted it, until when and why; that it is heard again where it got worse."""
    mute = incident.mute
    if mute is None:
        return ""
    end = voice.day(mute.until) if mute.until else voice.say("mute.withdrawn")
    who = voice.say("mute.by", who=shorten(mute.author, 60), until=end)
    why = voice.say("mute.why", note=shorten(mute.note, limits.words)) if mute.note else ""
    worse = "" if incident.state == "muted" else voice.say("mute.worse")
    return "".join((who, why, worse))


def quoted(own: Night, text: str, limits: Limits) -> LineText | None:
    """A line of the incident, with the variables of the template it came from."""
    if not text or not limits.chars:
        return None
    same = [one.template_id for one in own.findings if one.example == text]
    others = [one.template_id for one in own.findings if one.example != text]
    patterns = [own.templates[key].pattern for key in same + others if key in own.templates]
    for pattern in patterns:
        told = line(text, pattern, limits.chars)
        if any(piece.variable for piece in told.pieces):
            return told
    return line(text, "", limits.chars)


def factors(incident: Incident, voice: Voice) -> tuple[Factor, ...]:
    """What the severity is made of, strongest first."""
    ranked = sorted(incident.factors.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        Factor(shorten(voice.label("factor", name), 40), voice.whole_percent(share), percent(share))
        for name, share in ranked[:FACTORS]
        if percent(share)
    )


def percent(share: float) -> int:
    return round(100 * min(max(share, 0.0), 1.0))


def cause_row(own: Night, cause: Cause, voice: Voice, limits: Limits) -> CauseRow:
    template = own.templates.get(cause.template_id)
    return CauseRow(
        place=reasons.place(cause.service, cause.host, voice),
        confidence=suspicion(cause, voice),
        timing=timing(own, cause, voice),
        reason=told(cause.reason, voice, limits),
        pattern=shape(template.pattern, limits.words) if template else None,
    )


def suspicion(cause: Cause, voice: Voice) -> str:
    """Confidences share out one whole among the candidates: a lone one is not certain for that."""
    if cause.confidence >= ALONE:
        return voice.say("cause.alone")
    return voice.say("cause.share", n=voice.whole_percent(max(cause.confidence, 0.0)))


def timing(own: Night, cause: Cause, voice: Voice) -> str:
    """When the candidate's place first looked odd, and how long before everywhere else."""
    here = [one.started_at for one in own.findings if at_place(one, cause)]
    there = [one.started_at for one in own.findings if not at_place(one, cause)]
    if not here:
        return ""
    first = voice.clock(min(here), own.date)
    if not there or min(there) - min(here) < timedelta(minutes=BUCKET_MINUTES):
        return voice.say("cause.first_seen", time=first)
    ahead = voice.duration((min(there) - min(here)).total_seconds())
    return voice.say("cause.ahead", time=first, ahead=ahead)


def at_place(finding: Finding, cause: Cause) -> bool:
    """A candidate without a host is the service wherever it runs."""
    return finding.service == cause.service and cause.host in ("", finding.host)


def told(reason: str, voice: Voice, limits: Limits) -> str:
    """The reason's clauses in the reader's words; one we have no words for stays as it is.

    Clauses that tell a time are left to timing(), which tells it in the reader's zone.
    """
    clauses = reason[: 20 * limits.words].rstrip(".").partition(": ")[2] or reason
    words = []
    for clause in clauses.split("; "):
        name, found = next(
            ((name, found) for name, form in CLAUSES if (found := form.fullmatch(clause))),
            ("", None),
        )
        if found is None:
            words.append(shorten(clause, limits.words))
        elif name != "timed":
            values = {k: shorten(v, 60) for k, v in found.groupdict().items()}
            words.append(voice.say(f"clause.{name}", **values))
    return shorten(voice.say("semicolon").join(words), 2 * limits.words)


def recalled(one: Similar, voice: Voice, limits: Limits) -> Recalled:
    return Recalled(
        title=(
            retold(one.title, voice, limits.words)
            if one.kind == "incident"
            else shorten(one.title, limits.words)
        ),
        similarity=voice.percent(min(max(one.similarity, 0.0), 1.0)),
        detail=known_cause(one, voice, limits),
        date=shorten(one.date, 20),
        ref=shorten(one.ref, 120),
        href=link(one.ref),
    )


def known_cause(one: Similar, voice: Voice, limits: Limits) -> str:
    """What was told of it: of an incident its first cause, in the reader's words."""
    service, colon, _ = one.detail.partition(": ")
    if one.kind != "incident" or not colon:
        return shorten(one.detail, limits.words)
    return voice.say("clause.of", name=shorten(service, 60), words=told(one.detail, voice, limits))


def link(address: str) -> str:
    """The address where it is http or https, else nothing: no script hides behind a click."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    plain = address.isascii() and address.isprintable() and " " not in address
    return address if plain and parts.scheme in ("http", "https") and parts.netloc else ""


def query(incident_id: str, date: str) -> str:
    """SQL that shows the incident's findings."""
    return (
        "SELECT f.*\n"
        "FROM biglog_report.incident_findings AS i\n"
        "JOIN biglog_report.findings AS f USING (date, finding_id)\n"
        f"WHERE i.date = {literal(date)} AND i.incident_id = {literal(incident_id)}\n"
        "ORDER BY i.position;"
    )


def literal(text: str) -> str:
    """A single-quoted SQL literal of visible text."""
    return "'" + shorten(text, 64).replace("'", "''") + "'"
