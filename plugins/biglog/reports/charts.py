"""The geometry of the charts: every coordinate is worked out here, the templates only draw."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from biglog.records import Finding, HourCount, Night
from biglog.reports.limits import Limits
from biglog.reports.text import shorten
from biglog.reports.verdict import against
from biglog.reports.voice import Voice

HOURS = 24
STEP = 15  # width of an hour
LINES_TOP, AXIS, ERRORS_BOTTOM = 6, 66, 90
WIDTH, HEIGHT = HOURS * STEP, 106
HEAT_LEFT, HEAT_STEP, HEAT_ROW = 150, 24, 24
HEAT_SERVICES = 14
LEVELS = 4
CALM_SHARE = 0.02  # errors below this share of the peak do not fill their scale


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour; lines grow up from the axis, errors down."""

    x: int
    y: float
    height: float
    errors: float
    label: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """Lines and errors of one source, hour by hour, with the usual line count."""

    source: str
    total: str
    against: str
    peak: str
    errors: str
    bars: tuple[Bar, ...]
    usual: str
    """SVG path of the expected median, in steps."""
    ticks: tuple[tuple[int, str], ...]
    summary: str
    percent: int
    """Lines as a share of the busiest source, for the mail's bars."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One service in one hour."""

    x: int
    level: int
    count: str
    label: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One service over the hours."""

    y: int
    service: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Heat:
    """Findings by service and hour."""

    rows: tuple[HeatRow, ...]
    ticks: tuple[tuple[int, str], ...]
    width: int
    height: int
    summary: str
    hidden: str


def traffic(night: Night, voice: Voice, limits: Limits) -> tuple[Traffic, ...]:
    """One chart per source in the order of names; where there are too many, the oddest."""
    by_source: dict[str, list[HourCount]] = defaultdict(list)
    for hour in night.hourly:
        by_source[hour.source].append(hour)
    oddest = sorted(by_source, key=lambda name: (-oddness(by_source[name]), name))
    chosen = sorted(oddest[: limits.charts])
    busiest = max((lines_of(hours) for hours in by_source.values()), default=0)
    return tuple(chart(by_source[name], night.date, voice, busiest) for name in chosen)


def lines_of(hours: Sequence[HourCount]) -> int:
    return sum(hour.lines for hour in hours)


def oddness(hours: Sequence[HourCount]) -> float:
    """The largest distance of an hour from its median, as a share of the busiest hour."""
    peak = max((max(h.lines, h.expected or 0.0) for h in hours), default=0.0)
    gaps = [abs(h.lines - h.expected) for h in hours if h.expected is not None]
    return max(gaps, default=0.0) / peak if peak else 0.0


def chart(hours: Sequence[HourCount], date: str, voice: Voice, busiest: int) -> Traffic:
    peak = max(max(h.lines, h.expected or 0.0) for h in hours) or 1.0
    worst = max(max(h.errors for h in hours), CALM_SHARE * peak)
    known = [h for h in hours if h.expected is not None]
    usual = sum(h.expected or 0.0 for h in known)
    total, errors = lines_of(hours), sum(h.errors for h in hours)
    shown = [h for h in sorted(hours, key=lambda h: h.hour) if 0 <= h.hour < HOURS]
    source = shorten(hours[0].source, 40)
    return Traffic(
        source=source,
        total=voice.compact(total),
        against=against(lines_of(known) / usual, voice) if usual else "",
        peak=voice.compact(peak),
        errors=voice.count("count.errors", errors),
        bars=tuple(bar(h, (peak, worst), date, voice) for h in shown),
        usual=steps(shown, peak),
        ticks=ticks(date, voice, STEP, 0),
        summary=voice.say(
            "chart.summary",
            source=source,
            lines=voice.count("count.lines", total),
            errors=voice.count("count.errors", errors),
        ),
        percent=max(1, round(100 * total / busiest)) if busiest and total else 0,
    )


def bar(hour: HourCount, most: tuple[float, float], date: str, voice: Voice) -> Bar:
    peak, worst = most
    height = round((AXIS - LINES_TOP) * hour.lines / peak, 1)
    down = (ERRORS_BOTTOM - AXIS - 3) * hour.errors / worst
    usual = "" if hour.expected is None else voice.number(round(hour.expected))
    label = voice.say(
        "chart.hour" if usual else "chart.hour_alone",
        hour=clock(date, hour.hour, voice),
        lines=voice.count("count.lines", hour.lines),
        usual=usual,
        errors=voice.count("count.errors", hour.errors),
    )
    return Bar(
        x=hour.hour * STEP + 1,
        y=round(AXIS - height, 1),
        height=height,
        errors=round(max(down, 1.5), 1) if hour.errors else 0.0,
        label=label,
    )


def steps(hours: Sequence[HourCount], peak: float) -> str:
    """The expected median as an SVG path; an hour without one leaves a gap."""
    path, drawn = [], -2
    for hour in hours:
        if hour.expected is None:
            continue
        y = round(AXIS - (AXIS - LINES_TOP) * hour.expected / peak, 1)
        path.append(f"V{y}" if drawn == hour.hour - 1 else f"M{hour.hour * STEP} {y}")
        path.append(f"H{(hour.hour + 1) * STEP}")
        drawn = hour.hour
    return "".join(path)


def start(date: str) -> datetime:
    return datetime.fromisoformat(date).replace(tzinfo=UTC)


def clock(date: str, hour: int, voice: Voice) -> str:
    return voice.local(start(date) + timedelta(hours=hour)).strftime("%H:%M")


def ticks(date: str, voice: Voice, step: int, left: int) -> tuple[tuple[int, str], ...]:
    """A label every six hours."""
    return tuple((left + hour * step, clock(date, hour, voice)) for hour in range(0, HOURS, 6))


def heat(night: Night, voice: Voice) -> Heat | None:
    """Services by the findings they had in each hour; None on a night without findings."""
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for finding in night.findings:
        counts[finding.service or finding.host or finding.source].update(span(finding, night.date))
    ranked = sorted(
        counts,
        key=lambda name: (-max(counts[name].values(), default=0), -counts[name].total(), name),
    )
    ranked = [name for name in ranked if counts[name].total()]
    if not ranked:
        return None
    most = max(max(counts[name].values()) for name in ranked)
    rows = tuple(
        heat_row((name, counts[name]), (index, most), night.date, voice)
        for index, name in enumerate(ranked[:HEAT_SERVICES])
    )
    hidden = len(ranked) - HEAT_SERVICES
    return Heat(
        rows=rows,
        ticks=ticks(night.date, voice, HEAT_STEP, HEAT_LEFT),
        width=HEAT_LEFT + HOURS * HEAT_STEP,
        height=len(rows) * HEAT_ROW + 22,
        summary=voice.say("heat.summary", services=voice.count("count.services", len(ranked))),
        hidden=voice.count("hidden.services", hidden) if hidden > 0 else "",
    )


def span(finding: Finding, date: str) -> range:
    """The hours of the night a finding touches."""
    first = int((finding.started_at - start(date)).total_seconds() // 3600)
    last = int((finding.ended_at - start(date)).total_seconds() // 3600)
    return range(max(first, 0), min(max(last, first), HOURS - 1) + 1)


def heat_row(of: tuple[str, Counter[int]], at: tuple[int, int], date: str, voice: Voice) -> HeatRow:
    (name, counts), (index, most) = of, at
    service = shorten(name, 20)
    cells = tuple(
        Cell(
            x=HEAT_LEFT + hour * HEAT_STEP,
            level=1 + (LEVELS - 1) * (count - 1) // max(most - 1, 1),
            count=voice.number(count),
            label=voice.say(
                "heat.cell",
                service=service,
                hour=clock(date, hour, voice),
                findings=voice.count("count.findings", count),
            ),
        )
        for hour, count in sorted(counts.items())
        if count
    )
    return HeatRow(y=index * HEAT_ROW, service=service, cells=cells)
