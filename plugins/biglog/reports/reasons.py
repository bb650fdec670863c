"""Findings as rows: what was seen, what was expected, and why it is told, in the reader's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from biglog.records import Finding, Template
from biglog.reports.limits import Limits
from biglog.reports.text import LineText, line, shape, shorten
from biglog.reports.voice import Voice

ICONS = {
    "new_template": "+",
    "returned_template": "↺",
    "distant": "◌",
    "stopped_template": "−",
    "silence": "−",
    "rate_up": "↑",
    "rate_down": "↓",
}
EVIDENCE_ROWS = 12
UNTOLD = frozenset({"episodes", "also", "detector", "tests"})  # of use to programs only
MANY_TIMES = 1000  # beyond it the exact multiple of a near-zero baseline says nothing


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding, every number already written out."""

    finding_id: str
    kind: str
    icon: str
    label: str
    place: str
    source: str
    level: str
    when: str
    count: str
    expected: str
    change: str
    score: str
    reason: str
    reason_tag: str
    """Language of the reason: a sentence we have no words for stays English."""
    evidence: tuple[tuple[str, str], ...]
    pattern: LineText | None
    example: LineText | None
    incident: str = ""
    """Rank of the incident it belongs to, or nothing."""


def row(
    finding: Finding, templates: Mapping[str, Template], voice: Voice, limits: Limits
) -> FindingRow:
    template = templates.get(finding.template_id)
    pattern = template.pattern if template else ""
    reason, tag = sentence(finding, voice, limits)
    return FindingRow(
        finding_id=shorten(finding.finding_id, 64),
        kind=finding.kind if finding.kind in ICONS else "other",
        icon=ICONS.get(finding.kind, "•"),
        label=shorten(voice.label("kind", finding.kind), 40),
        place=place(finding.service, finding.host, voice) or shorten(finding.source, 60),
        source=shorten(finding.source, 60),
        level=shorten(finding.level, 20),
        when=voice.span(finding.started_at, finding.ended_at, finding.date),
        count=voice.number(finding.count),
        expected=voice.number(round(finding.expected, 1)),
        change=change(finding, voice),
        score=voice.number(round(100 * finding.score)),
        reason=reason,
        reason_tag=tag,
        evidence=evidence(finding.evidence, templates, voice),
        pattern=shape(pattern, limits.words) if pattern else None,
        example=example(finding, pattern, limits),
    )


def example(finding: Finding, pattern: str, limits: Limits) -> LineText | None:
    if not finding.example or not limits.chars:
        return None
    return line(finding.example, pattern, limits.chars)


def place(service: str, host: str, voice: Voice, *, form: str = "place.both") -> str:
    """``service on host``, or the one of them that is known."""
    service, host = shorten(service, 60), shorten(host, 60)
    if service and host:
        return voice.say(form, service=service, host=host)
    return service or host


def change(finding: Finding, voice: Voice) -> str:
    """How many times more or less than expected; a zero baseline is new, never infinite."""
    if finding.kind == "new_template" or finding.expected <= 0:
        return voice.say("change.new") if finding.count else ""
    if finding.count == 0:
        return voice.say("change.gone")
    times = finding.count / finding.expected
    if times > MANY_TIMES:
        return voice.say("change.many", n=voice.number(MANY_TIMES))
    if times >= 1:
        n = round(times, 1) if times < 10 else round(times)
        return voice.say("change.times", n=voice.number(n))
    return voice.signed_percent(times - 1)


def sentence(finding: Finding, voice: Voice, limits: Limits) -> tuple[str, str]:
    """Why it is told, with its language: ours where we have words for the kind, else English."""
    known = {
        "place": place(finding.service, finding.host, voice, form="place.in_words")
        or shorten(finding.source, 60),
        "count": voice.number(finding.count),
        "expected": voice.number(round(finding.expected, 1)),
        "change": change(finding, voice),
        "when": voice.span(finding.started_at, finding.ended_at, finding.date),
        **proof(finding.evidence, voice),
    }
    for key in (f"reason.{finding.kind}_full", f"reason.{finding.kind}"):
        if voice.knows(key) and voice.asks(key) <= set(known):
            return voice.say(key, **known), voice.tag
    return shorten(finding.reason, 2 * limits.words), "en"


def proof(facts: Mapping[str, Any], voice: Voice) -> dict[str, str]:
    """What the fuller sentences may quote of the evidence, written out."""
    words: dict[str, str] = {}
    for name, value in facts.items():
        if name in ("minutes", "longest_pause_minutes") and isinstance(value, int | float):
            words[name] = voice.duration(60 * value)
        elif name == "likeness" and isinstance(value, int | float):
            words[name] = voice.percent(value)
        elif name in ("history_days", "days_seen", "days_absent") and isinstance(value, int):
            words[name] = voice.number(value)
        elif name == "last_date" and value:
            words[name] = shorten(str(value), 10)
    return words


def evidence(
    facts: Mapping[str, Any], templates: Mapping[str, Template], voice: Voice
) -> tuple[tuple[str, str], ...]:
    """The numbers behind a finding, in the order of their names."""
    names = [name for name in sorted(facts) if name not in UNTOLD][:EVIDENCE_ROWS]
    return tuple(
        (shorten(voice.label("evidence", name), 40), fact(facts[name], templates, voice))
        for name in names
    )


def fact(value: Any, templates: Mapping[str, Template], voice: Voice) -> str:
    if isinstance(value, bool):
        return voice.say("yes") if value else voice.say("no")
    if isinstance(value, int | float):
        tiny = 0 < abs(value) < 0.01
        return f"{value:.1e}" if tiny else voice.number(round(value, 2))
    if isinstance(value, str):
        return shorten(templates[value].pattern if value in templates else value, 160)
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return shorten(voice.join(list(value[:EVIDENCE_ROWS])), 160)
    return shorten(json.dumps(value, ensure_ascii=False, default=str), 160)
