"""The night in one sentence, with the few numbers that stand behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biglog.records import Coverage, Finding, Incident, Night
from biglog.reports.past import retold
from biglog.reports.reasons import counted, often, proof, stretch
from biglog.reports.text import VARIABLE, shorten
from biglog.reports.voice import Voice

BANDS = ((80, "critical"), (60, "high"), (40, "medium"), (0, "low"))
ICONS = {
    "critical": "▲",
    "high": "◆",
    "medium": "●",
    "low": "○",
    "muted": "–",
    "ok": "✓",
    "gap": "!",
}
QUIET = {"muted": "muted", "resolved": "ok"}  # state: tone of what asks for nothing
WARM_DAYS = 14  # fewer earlier nights than this and the reader is told so
JUDGED_DAYS = 2  # fewer than this and there is no usual rate to compare with
SUBJECT_CHARS = 150
GAPS_NAMED = 3
KIND_GROUPS = (
    ("new", ("new_template", "returned_template", "distant")),
    ("stopped", ("stopped_template", "silence")),
    ("rate", ("rate_up", "rate_down")),
    ("value", ("value_up", "value_down", "new_value")),
)


@dataclass(frozen=True, slots=True)
class Chip:
    """A word with a tone and an icon, so that colour never speaks alone."""

    tone: str
    icon: str
    label: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of the night, with what it is compared to."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The top of the page."""

    tone: str
    sentence: str
    lead: str
    """The first incident in words, or what stands in for one."""
    gaps: str
    chips: tuple[Chip, ...]
    facts: tuple[Fact, ...]
    since: tuple[Chip, ...]
    """What became of incidents since the night before."""
    notice: str


def verdict(night: Night, voice: Voice) -> Verdict:
    return Verdict(
        tone=tone(night),
        sentence=headline(night, voice),
        lead=lead(night, voice),
        gaps=gaps(night, voice),
        chips=bands(night, voice),
        facts=facts(night, voice),
        since=states(night, voice),
        notice=warm_up(night, voice),
    )


def tone(night: Night) -> str:
    """The worst thing to say: an incident's band, else a gap in what was read, else ok."""
    open_ones = active(night)
    if open_ones:
        return band(max(one.severity for one in open_ones))
    return "gap" if broken(night) or not night.coverage else "ok"


def active(night: Night) -> list[Incident]:
    """Incidents that are neither over nor muted, by rank."""
    return sorted((i for i in night.incidents if i.state not in QUIET), key=lambda i: i.rank)


def band(severity: int) -> str:
    return next(name for floor, name in BANDS if severity >= floor or floor == 0)


def broken(night: Night) -> list[Coverage]:
    return [one for one in night.coverage if one.state in ("missing", "failed")]


def headline(night: Night, voice: Voice) -> str:
    """The verdict in a few words."""
    if active(night):
        return voice.count("verdict.incidents", len(active(night)))
    if not night.coverage:
        return voice.say("verdict.no_sources")
    if len(broken(night)) == len(night.coverage):
        return voice.say("verdict.nothing_arrived")
    return voice.say("verdict.quiet_in_part" if broken(night) else "verdict.quiet")


def lead(night: Night, voice: Voice) -> str:
    """What the headline is about: the first incident, or how much was read without finding any."""
    if active(night):
        return about(night, active(night)[0], voice, 160)
    lines = sum(one.lines for one in night.coverage)
    if not lines:
        return voice.say("verdict.no_lines")
    arrived = sum(one.state in ("complete", "empty") for one in night.coverage)
    return voice.say(
        "verdict.read",
        lines=voice.count("count.lines", lines),
        sources=voice.count("count.sources", arrived),
    )


def about(night: Night, incident: Incident, voice: Voice, limit: int) -> str:
    """An incident in one clause: what, where, since when."""
    what = title(night, incident, voice, limit)
    finding = telling(night, incident)
    first = [finding.host] if finding and finding.host else []
    hosts = first + [host for host in incident.hosts if host not in first]
    where = voice.say("verdict.on", hosts=some(hosts, voice, 1)) if any(hosts) else ""
    since = voice.say("verdict.since", time=voice.clock(incident.started_at, night.date))
    return f"{what}{where}{since}"


def title(night: Night, incident: Incident, voice: Voice, limit: int) -> str:
    """What the record's title tells, in the reader's words.

    That title is English and tells times in UTC; it stands in where no finding is left.
    """
    finding = telling(night, incident)
    if finding is None or not voice.knows(f"title.{finding.kind}"):
        return retold(incident.title, voice, limit) or shorten(incident.incident_id, limit)
    template = night.templates.get(finding.template_id)
    seconds = (finding.ended_at - finding.started_at).total_seconds()
    values = {
        **proof(finding.evidence, voice),
        "service": shorten(finding.service or finding.host or finding.source, 40),
        "often": often(finding, voice),
        "what": voice.say("what.grave" if counted(finding) == "grave" else "what.lines"),
        "lasted": voice.duration(seconds),
    }
    key = f"title.{finding.kind}"
    if template is None or not voice.asks(key) <= {*values, "template"}:
        return voice.say(f"{key}_plain", **values)
    room = max(limit - len(voice.say(key, template="", **values)), 24)
    what = shorten(template.pattern.replace(VARIABLE, "…"), room)
    return voice.say(key, template=what, **values)


def telling(night: Night, incident: Incident) -> Finding | None:
    """The finding that the record's title tells of; none where the incident is over."""
    told = incident.finding_ids[:1]
    return next((stretch(f, incident) for f in night.findings if f.finding_id in told), None)


def some(names: Sequence[str], voice: Voice, most: int = 3) -> str:
    """The first names, the rest counted."""
    shown = [shorten(name, 60) for name in names if name]
    text = voice.join(shown[:most])
    more = len(shown) - most
    if more <= 0:
        return text
    return voice.say("more", names=text, n=voice.number(more), all=voice.number(len(shown)))


def gaps(night: Night, voice: Voice) -> str:
    """Sources that are missing or failed, by name; empty where all arrived."""
    clauses = []
    for state in ("missing", "failed"):
        names = [one.source for one in broken(night) if one.state == state]
        if names:
            clauses.append(voice.say(f"gap.{state}", names=some(names, voice, GAPS_NAMED)))
    return voice.say("semicolon").join(clauses)


def subject(night: Night, voice: Voice) -> str:
    """The mail's subject: the verdict in words, with no line break, 150 characters at most."""
    head = f"[BigLog {night.date}] {headline(night, voice)}"
    missing = gaps(night, voice)
    tail = f"{voice.say('semicolon')}{missing}" if missing else ""
    room = SUBJECT_CHARS - len(head) - len(tail) - 2
    if room < 24:
        return shorten(f"{head}{tail}", SUBJECT_CHARS)
    if active(night):
        spare = room
        while len(clause := about(night, active(night)[0], voice, spare)) > room and spare > 24:
            spare -= 8
    else:
        clause = lead(night, voice)
    return shorten(f"{head}{voice.say('colon')}{shorten(clause, room)}{tail}", SUBJECT_CHARS)


def bands(night: Night, voice: Voice) -> tuple[Chip, ...]:
    """How many open incidents each band has, worst first."""
    severities = [band(one.severity) for one in active(night)]
    found = [name for _, name in BANDS if name in severities]
    return tuple(
        Chip(name, ICONS[name], f"{voice.say(f'band.{name}')} {severities.count(name)}")
        for name in found
    )


def states(night: Night, voice: Voice) -> tuple[Chip, ...]:
    """What became of incidents since the night before."""
    all_states = [one.state for one in night.incidents]
    return tuple(
        Chip(state, "", voice.count(f"since.{state}", all_states.count(state)))
        for state in ("new", "ongoing", "returned", "muted", "resolved")
        if state in all_states
    )


def facts(night: Night, voice: Voice) -> tuple[Fact, ...]:
    lines = sum(one.lines for one in night.coverage)
    bad = sum(one.quarantined for one in night.coverage)
    errors = sum(hour.errors for hour in night.hourly)
    arrived = sum(one.state in ("complete", "empty") for one in night.coverage)
    share = f"{voice.number(arrived)} / {voice.number(len(night.coverage))}"
    unread = voice.say("fact.unread", share=voice.percent(bad / (lines + bad))) if bad else ""
    if not lines:
        unread = voice.say("fact.nothing_read")
    return (
        Fact(voice.say("fact.lines"), voice.compact(lines), against_median(night, voice)),
        Fact(voice.say("fact.errors"), voice.compact(errors), error_share(errors, lines, voice)),
        Fact(voice.say("fact.findings"), voice.number(len(night.findings)), kinds(night, voice)),
        Fact(voice.say("fact.sources"), share, unread or voice.say("fact.all_read")),
    )


def error_share(errors: int, lines: int, voice: Voice) -> str:
    return voice.say("fact.of_lines", share=voice.percent(errors / lines)) if lines else ""


def against_median(night: Night, voice: Voice) -> str:
    """Lines against the sum of the hourly medians, over the hours that have one."""
    if not night.hourly:
        return ""
    known = [hour for hour in night.hourly if hour.expected is not None]
    usual = sum(hour.expected or 0.0 for hour in known)
    if usual <= 0:
        return voice.say("fact.no_median")
    seen = sum(hour.lines for hour in known)
    return against(seen / usual, voice)


def against(ratio: float, voice: Voice) -> str:
    """A count against the usual one, in whole percent."""
    change = round(100 * (ratio - 1))
    if not change:
        return voice.say("change.as_usual")
    return voice.say("change.against", change=voice.signed_percent(change / 100))


def kinds(night: Night, voice: Voice) -> str:
    """How many findings are new, stopped, or changed in rate."""
    counts = [
        (group, len([one for one in night.findings if one.kind in members]))
        for group, members in KIND_GROUPS
    ]
    return voice.say("dot").join(
        voice.say(f"fact.kinds_{group}", n=voice.number(count)) for group, count in counts if count
    )


def warm_up(night: Night, voice: Voice) -> str:
    """What a short history cannot tell yet; empty from the fourteenth night on."""
    if night.history_days >= WARM_DAYS:
        return ""
    key = "warm.first" if night.history_days < JUDGED_DAYS else "warm.few"
    days, needed = voice.number(night.history_days), voice.number(WARM_DAYS)
    return voice.say(key, days=days, needed=needed)
