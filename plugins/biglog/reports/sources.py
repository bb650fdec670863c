"""What arrived and what could not be read, source by source, and what each stage did with it."""

from __future__ import annotations

from dataclasses import dataclass

from biglog.records import Cluster, Coverage, Night, StageInfo
from biglog.reports.limits import Limits
from biglog.reports.text import LineText, shape, shorten
from biglog.reports.verdict import Chip, some
from biglog.reports.voice import Voice

WORTH_SAYING = 0.005  # a smaller share of unreadable lines is only counted
ORDER = {"failed": 0, "missing": 1, "empty": 2, "complete": 3}
TONES = {
    "complete": Chip("ok", "✓", ""),
    "empty": Chip("medium", "○", ""),
    "missing": Chip("critical", "▲", ""),
    "failed": Chip("critical", "✕", ""),
}


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source."""

    name: str
    state: Chip
    lines: str
    bytes: str
    unread: str
    unread_share: str
    format: str
    when: str
    reason: str


@dataclass(frozen=True, slots=True)
class SourceTable:
    """Every source that was expected, those with trouble first."""

    summary: str
    rows: tuple[SourceRow, ...]
    hidden: str
    late: str


@dataclass(frozen=True, slots=True)
class StageRow:
    """What one stage did."""

    stage: str
    source: str
    rows_in: str
    rows_out: str
    skipped: str
    seconds: str
    note: str


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """Kinds of lines that mean alike."""

    title: str
    lines: str
    templates: str
    since: str  # the night on which it was first seen, and how its members changed
    medoid: LineText | None


def source_table(night: Night, voice: Voice, limits: Limits) -> SourceTable:
    ordered = sorted(night.coverage, key=lambda c: (ORDER[c.state], c.source))
    arrived = [one for one in night.coverage if one.state in ("complete", "empty")]
    hidden = len(ordered) - limits.sources
    return SourceTable(
        summary=voice.say(
            "coverage.summary",
            arrived=voice.number(len(arrived)),
            expected=voice.count("count.sources", len(night.coverage)),
            lines=voice.count("count.lines", sum(one.lines for one in night.coverage)),
            unread=voice.count("count.unread", sum(one.quarantined for one in night.coverage)),
        ),
        rows=tuple(source_row(one, voice) for one in ordered[: limits.sources]),
        hidden=voice.count("hidden.sources", hidden) if hidden > 0 else "",
        late=late(night, voice),
    )


def source_row(one: Coverage, voice: Voice) -> SourceRow:
    look = TONES[one.state]
    share = one.quarantined / max(one.lines + one.quarantined, 1)
    when = voice.span(one.first_at, one.last_at, one.date) if one.first_at and one.last_at else ""
    return SourceRow(
        name=shorten(one.source, 63),
        state=Chip(look.tone, look.icon, voice.say(f"coverage.{one.state}")),
        lines=voice.number(one.lines),
        bytes=size(one.bytes, voice),
        unread=voice.number(one.quarantined),
        unread_share=voice.percent(share) if share >= WORTH_SAYING else "",
        format=shorten(one.format, 40),
        when=when,
        reason=shorten(one.reason, 240),
    )


def size(count: int, voice: Voice) -> str:
    value, units = float(count), ["B", "KB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{voice.number(round(value, 1) if value < 10 else round(value))} {units[0]}"


def late(night: Night, voice: Voice) -> str:
    """Sources whose last line is well before the last line of the others: data may still come."""
    ends = {one.source: one.last_at for one in night.coverage if one.last_at and one.lines}
    if len(ends) < 2:
        return ""
    newest = max(ends.values())
    behind = sorted(name for name, at in ends.items() if (newest - at).total_seconds() > 2 * 3600)
    return voice.say("coverage.late", names=some(behind, voice, 5)) if behind else ""


def clusters(night: Night, voice: Voice, limits: Limits) -> tuple[ClusterRow, ...]:
    """The night's clusters, largest first."""
    ordered = sorted(night.clusters, key=lambda c: (-c.lines, c.label))
    return tuple(cluster_row(one, night, voice, limits) for one in ordered[: limits.clusters])


def cluster_row(one: Cluster, night: Night, voice: Voice, limits: Limits) -> ClusterRow:
    medoid = night.templates.get(one.medoid_id)
    return ClusterRow(
        title=shorten(one.title, limits.words),
        lines=voice.number(one.lines),
        templates=voice.number(len(one.template_ids)),
        since=since(one, voice),
        medoid=shape(medoid.pattern, limits.words) if medoid else None,
    )


def since(one: Cluster, voice: Voice) -> str:
    if one.since in ("", one.date):
        return voice.say("page.since_tonight") if one.since else ""
    changes = [f"+{len(one.joined_ids)}"] if one.joined_ids else []
    changes += [f"−{len(one.left_ids)}"] if one.left_ids else []
    if not changes:
        return one.since
    return voice.say("page.since_changed", day=one.since, changes=" ".join(changes))


def stage_row(one: StageInfo, voice: Voice) -> StageRow:
    return StageRow(
        stage=shorten(voice.label("stage", one.stage), 40),
        source=shorten(one.source, 63),
        rows_in=voice.number(one.rows_in),
        rows_out=voice.number(one.rows_out),
        skipped=voice.number(one.skipped),
        seconds=voice.number(round(one.seconds, 2)),
        note=shorten(one.note, 160),
    )
