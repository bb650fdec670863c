"""Findings as rows: what was seen, what was expected, and why it is told, in the reader's words."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from biglog.records import ABSENT, Finding, Incident, Template
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
    "value_up": "⇑",
    "value_down": "⇓",
    "new_value": "≠",
}
EVIDENCE_ROWS = 12
UNTOLD = frozenset({"episodes", "also", "detector", "tests", "unit", "slot", "family", "verdicts"})
"""Evidence that is of use to programs only."""
LASTING = frozenset(
    {"gravity", "history_days", "days_seen", "last_date", "longest_pause_minutes", "family"}
)
"""Evidence that holds for every stretch of a finding; the rest is about its main one."""
AMOUNTS = frozenset({"value", "usual", "median"})  # in the unit that the evidence names
WORDS = frozenset({"new", "known"})  # of a closed set
COUNTS = frozenset(
    {"history_days", "days_seen", "days_absent", "windows", "values_seen", "nights_set_aside"}
)
SCALES = {
    "s": ((3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"), (1e-3, "milliseconds")),
    "byte": (
        (1024.0**3, "gigabytes"),
        (1024.0**2, "megabytes"),
        (1024.0, "kilobytes"),
        (1, "bytes"),
    ),
}
UNKNOWN = math.nan  # what was to be expected in a stretch that no detector judged by itself
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
    heeded: str = ""
    """How verdicts on earlier nights moved its score, or nothing."""


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
        count=observed(finding, voice),
        expected=usual(finding, voice),
        change=change(finding, voice),
        score=voice.number(round(100 * finding.score)),
        reason=reason,
        reason_tag=tag,
        evidence=evidence(finding.evidence, templates, voice),
        pattern=shape(pattern, limits.words) if pattern else None,
        example=example(finding, pattern, limits),
        heeded=heeded(finding.evidence.get("verdicts"), voice),
    )


def heeded(moved: Mapping[str, Any] | None, voice: Voice) -> str:
    """From which score to which, and like what people said; "" where no verdict moved it."""
    before, after = (round(100 * (moved or {}).get(name, 0.0)) for name in ("plain", "score"))
    if not moved or before == after:
        return ""
    said = [
        voice.say(
            "heeded.like",
            said=voice.count(f"heeded.{side}", moved[side]),
            nights=voice.join(sorted({v["night"] for v in moved["like"] if v["said"] == kind})),
        )
        for side, kind in (("dismissed", "dismiss"), ("confirmed", "confirm"))
        if moved[side]
    ]
    if moved["method"] == "regression":
        said.insert(0, voice.count("heeded.taught", moved["verdicts"]))
    return voice.say(
        "heeded.lowered" if after < before else "heeded.raised",
        before=voice.number(before),
        after=voice.number(after),
        why=voice.say("semicolon").join(said),
    )


def stretch(finding: Finding, incident: Incident) -> Finding:
    """The finding as it was in the incident's own time, where it came more than once that night.

    What the record says is about its main stretch; of another one only time and count are known.
    """
    spans = [
        (datetime.fromisoformat(start), datetime.fromisoformat(end), int(count))
        for start, end, count in finding.evidence.get("episodes") or ()
    ]
    own = [one for one in spans if meets(one[0], one[1], incident)]
    if not own or meets(finding.started_at, finding.ended_at, incident):
        return finding
    start, end, count = max(own, key=lambda one: (one[2], one[1] - one[0]))
    kept = {name: value for name, value in finding.evidence.items() if name in LASTING}
    if "minutes" in finding.evidence:
        kept["minutes"] = round((end - start).total_seconds() / 60)
    return replace(
        finding, started_at=start, ended_at=end, count=count, expected=UNKNOWN, evidence=kept
    )


def meets(start: datetime, end: datetime, incident: Incident) -> bool:
    return start <= incident.ended_at and end >= incident.started_at


def example(finding: Finding, pattern: str, limits: Limits) -> LineText | None:
    if finding.kind in ABSENT or not finding.example or not limits.chars:
        return None
    return line(finding.example, pattern, limits.chars)


def place(service: str, host: str, voice: Voice, *, form: str = "place.both") -> str:
    """``service on host``, or the one of them that is known."""
    service, host = shorten(service, 60), shorten(host, 60)
    if service and host:
        return voice.say(form, service=service, host=host)
    return service or host


def observed(finding: Finding, voice: Voice) -> str:
    """What was seen: lines, or the value in them."""
    told = inside(finding.evidence, voice)
    value = told.get("median") or told.get("value") or told.get("new")
    return value or voice.number(finding.count)


def usual(finding: Finding, voice: Voice) -> str:
    """What earlier nights had in its place."""
    told = inside(finding.evidence, voice)
    value = told.get("usual") or told.get("known")
    return value or ("" if math.isnan(finding.expected) else roughly(finding.expected, voice))


def roughly(expected: float, voice: Voice) -> str:
    """An expected count, to a tenth only where that is much of it."""
    return voice.number(round(expected, 1) if expected < 10 else round(expected))


def change(finding: Finding, voice: Voice) -> str:
    """How many times more or less than expected; a zero baseline is new, never infinite."""
    facts = finding.evidence
    if facts.get("usual"):
        return multiple(facts.get("median", facts.get("value", 0.0)) / facts["usual"], voice)
    if math.isnan(finding.expected):
        return ""
    if finding.kind == "new_template" or finding.expected <= 0:
        return voice.say("change.new") if finding.count else ""
    if finding.count == 0:
        return voice.say("change.gone")
    return multiple(finding.count / finding.expected, voice)


def multiple(times: float, voice: Voice) -> str:
    if times > MANY_TIMES:
        return voice.say("change.many", n=voice.number(MANY_TIMES))
    if times >= 1:
        return voice.say("change.times", n=rounded(times, voice))
    return voice.signed_percent(times - 1)


def rounded(times: float, voice: Voice) -> str:
    return voice.number(round(times, 1) if times < 10 else round(times))


def often(finding: Finding, voice: Voice) -> str:
    """A change of rate in the words of a title, where a bare ``×49`` could be taken for a count."""
    if math.isnan(finding.expected):
        return voice.say("often.rare" if finding.kind in ABSENT else "often.new")
    if finding.expected <= 0:
        return voice.say("often.new")
    times = finding.count / finding.expected
    if times > MANY_TIMES:
        return voice.say("often.many", n=voice.number(MANY_TIMES))
    if times >= 1:
        return voice.say("often.times", n=rounded(times, voice))
    if not times:
        return voice.say("often.gone")
    return voice.say("often.less", share=voice.whole_percent(times))


def sentence(finding: Finding, voice: Voice, limits: Limits) -> tuple[str, str]:
    """Why it is told, with its language: ours where we have words for the kind, else English."""
    known = {
        "place": place(finding.service, finding.host, voice, form="place.in_words")
        or shorten(finding.source, 60),
        "count": voice.number(finding.count),
        "what": voice.say(f"what.{counted(finding)}"),
        "when": voice.span(finding.started_at, finding.ended_at, finding.date),
        **({} if math.isnan(finding.expected) else awaited(finding, voice)),
        **proof(finding.evidence, voice),
    }
    forms = ("_none",) * (not finding.count) + ("_median", "_aside", "_full", "", "_part")
    for key in (f"reason.{finding.kind}{form}" for form in forms):
        if voice.knows(key) and voice.asks(key) <= set(known):
            return voice.say(key, **known), voice.tag
    return shorten(finding.reason, 2 * limits.words), "en"


def awaited(finding: Finding, voice: Voice) -> dict[str, str]:
    """The expected count, bare and in words."""
    number = roughly(finding.expected, voice)
    some = round(finding.expected, 1) > 0
    words = voice.say("usually.about", n=number) if some else voice.say("usually.none")
    return {"expected": number, "usually": words}


def counted(finding: Finding) -> str:
    """Which lines of its place a finding counts: of one kind, grave ones, or all."""
    if finding.template_id:
        return "such"
    return "grave" if str(finding.evidence.get("family", "")).startswith("grave ") else "lines"


def proof(facts: Mapping[str, Any], voice: Voice) -> dict[str, str]:
    """What the fuller sentences may quote of the evidence, written out."""
    words = inside(facts, voice)
    for name, value in facts.items():
        if name in ("minutes", "longest_pause_minutes") and isinstance(value, int | float):
            words[name] = voice.duration(60 * value)
        elif name == "likeness" and isinstance(value, int | float):
            words[name] = voice.percent(value)
        elif name in COUNTS and isinstance(value, int):
            words[name] = voice.number(value)
        elif name == "last_date" and value:
            words[name] = shorten(str(value), 10)
    return words


def inside(facts: Mapping[str, Any], voice: Voice) -> dict[str, str]:
    """Of a finding about values inside lines: the values and what they are compared with."""
    unit = str(facts.get("unit", ""))
    amounts = {
        name: amount(facts[name], unit, voice)
        for name in AMOUNTS & facts.keys()
        if unit and isinstance(facts[name], int | float)
    }
    words = {
        name: shorten(voice.join([f"“{shorten(str(one), 40)}”" for one in facts[name]]), 160)
        for name in WORDS & facts.keys()
        if isinstance(facts[name], list | tuple)
    }
    scope = f"among.{facts.get('scope')}"
    return amounts | words | ({"among": voice.say(scope)} if voice.knows(scope) else {})


def amount(value: float, unit: str, voice: Voice) -> str:
    """A value in a unit that people say it in, to three digits: 0.698 s is 698 ms."""
    if unit not in SCALES:
        number = voice.number(float(f"{value:.3g}"))
        return f"{number} %" if unit == "%" else number
    scale = SCALES[unit]
    size, name = next((one for one in scale if value >= one[0]), scale[-1])
    return voice.say(f"amount.{name}", n=voice.number(float(f"{value / size:.3g}")))


def evidence(
    facts: Mapping[str, Any], templates: Mapping[str, Template], voice: Voice
) -> tuple[tuple[str, str], ...]:
    """The numbers behind a finding, in the order of their names."""
    names = [name for name in sorted(facts) if name not in UNTOLD][:EVIDENCE_ROWS]
    told = inside(facts, voice)
    return tuple(
        (
            shorten(voice.label("evidence", name), 40),
            told.get(name) or fact(facts[name], templates, voice),
        )
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
