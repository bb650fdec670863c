"""Metric anomalies as rows and small curves, and those that an incident had beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import isfinite

from babel import numbers

from biglog.records import (
    Curve,
    Incident,
    Meanwhile,
    MetricAnomaly,
    MetricCoverage,
    MetricNight,
    Night,
)
from biglog.reports.limits import Limits
from biglog.reports.text import LineText, line, shorten
from biglog.reports.voice import Voice

STEP = 2  # width of a piece of the night
HEIGHT, MARGIN = 36, 3
NEAR = timedelta(minutes=10)
"""An anomaly so close to an incident is told beside it."""
# How the judge says why in English; the report says it in its own words.
SIGNS = (
    ("above_next", re.compile("far above what the points before led to expect")),
    ("below_next", re.compile("far below what the points before led to expect")),
    ("above_usual", re.compile("far above what is usual")),
    ("below_usual", re.compile("far below what is usual")),
    ("shift", re.compile(r"the last (?P<n>\d+) points have left their usual level")),
    ("spread", re.compile(r"the last (?P<n>\d+) points vary more than before")),
    ("stuck", re.compile("no longer changes as it used to")),
)


@dataclass(frozen=True, slots=True)
class Spark:
    """A night's curve: SVG paths of the values and of the usual, and where the anomaly is."""

    values: str
    usual: str
    left: int
    width: int
    summary: str


@dataclass(frozen=True, slots=True)
class MeanwhileRow:
    """A template that came far more often at the time of an anomaly."""

    pattern: LineText
    lines: str


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One anomaly, every number already written out."""

    rank: str
    source: str
    series: LineText
    when: str
    lasted: str
    value: str
    usual: str
    reason: str
    score: str
    spark: Spark | None
    incidents: tuple[str, ...]
    """Ranks of the incidents at that time."""
    meanwhile: tuple[MeanwhileRow, ...]


@dataclass(frozen=True, slots=True)
class MetricTable:
    """The night's metrics, or why nothing can be said of them."""

    summary: str
    gaps: tuple[str, ...]
    rows: tuple[MetricRow, ...]
    hidden: str
    empty: str


def table(night: Night, voice: Voice, limits: Limits) -> MetricTable | None:
    """None where no metrics are set up."""
    metrics = night.metrics
    if metrics is None:
        return None
    if not metrics.coverage:
        return MetricTable("", (), (), "", voice.say("empty.metrics_waiting", date=night.date))
    shown = metrics.anomalies[: limits.rows]
    hidden = sum(one.anomalies for one in metrics.coverage) - len(shown)
    return MetricTable(
        summary=summary(metrics.coverage, voice),
        gaps=tuple(words for one in metrics.coverage for words in gaps(one, voice)),
        rows=tuple(row(one, night, voice, limits) for one in shown),
        hidden=voice.count("hidden.anomalies", hidden) if hidden > 0 else "",
        empty="" if shown else voice.say(why_none(metrics)),
    )


def summary(coverage: Sequence[MetricCoverage], voice: Voice) -> str:
    return voice.say(
        "metrics.summary",
        sources=voice.count("count.sources", len(coverage)),
        series=voice.count("count.series", sum(one.series for one in coverage)),
        points=voice.count("count.points", sum(one.points for one in coverage)),
        judged=voice.number(sum(one.judged for one in coverage)),
    )


def gaps(one: MetricCoverage, voice: Voice) -> list[str]:
    """What did not come from a source, in words."""
    name = shorten(one.source, 63)
    words = []
    if one.state != "complete":
        state = voice.say(f"coverage.{one.state}")
        reason = voice.say("colon") + shorten(one.reason, 240) if one.reason else ""
        words.append(voice.say("metrics.gap", source=name, state=state) + reason)
    if one.gone:
        words.append(voice.say("metrics.gone", source=name, n=voice.number(one.gone)))
    return words


def why_none(metrics: MetricNight) -> str:
    """Nothing came, nothing could be judged, or nothing was odd."""
    if not any(one.points for one in metrics.coverage):
        return "empty.metrics_missing"
    return "empty.metrics" if any(one.judged for one in metrics.coverage) else "empty.metrics_first"


def row(one: MetricAnomaly, night: Night, voice: Voice, limits: Limits) -> MetricRow:
    seconds = (one.ended_at - one.started_at).total_seconds()
    near = (incident for incident in night.incidents if overlaps(one, incident))
    return MetricRow(
        rank=voice.number(one.rank),
        source=shorten(one.source, 63),
        series=line(one.series, "", limits.words),
        when=voice.span(one.started_at, one.ended_at, night.date),
        lasted=voice.duration(seconds) if seconds > 0 else "",
        value=amount(one.value, voice),
        usual="" if one.expected is None else amount(one.expected, voice),
        reason=told(one.reason, voice, limits),
        score=f"{one.score:.2f}",
        spark=spark(one, voice) if one.curve else None,
        incidents=tuple(voice.number(rank) for rank in sorted(each.rank for each in near)),
        meanwhile=tuple(said(each, voice, limits) for each in one.meanwhile),
    )


def said(one: Meanwhile, voice: Voice, limits: Limits) -> MeanwhileRow:
    words = voice.say(
        "metrics.lines" if one.spells == 1 else "metrics.lines_again",
        lines=voice.count("count.lines", one.lines),
        usual=voice.number(one.usual),
        rises=voice.number(one.rises),
        spells=voice.number(one.spells),
    )
    return MeanwhileRow(line(one.pattern or one.template_id, "", limits.words), words)


def overlaps(one: MetricAnomaly, incident: Incident) -> bool:
    return one.started_at <= incident.ended_at + NEAR and one.ended_at >= incident.started_at - NEAR


def beside(night: Night, incident: Incident, voice: Voice) -> str:
    """How many metrics were odd at an incident's time, and the oddest of them; "" for none."""
    found = (
        [one for one in night.metrics.anomalies if overlaps(one, incident)] if night.metrics else []
    )
    if not found:
        return ""
    first = min(found, key=lambda one: one.rank)
    usual = "" if first.expected is None else amount(first.expected, voice)
    words = voice.say(
        "metrics.strongest_usual" if usual else "metrics.strongest",
        series=shorten(first.series, 120),
        value=amount(first.value, voice),
        usual=usual,
        when=voice.span(first.started_at, first.ended_at, night.date),
    )
    return voice.count("metrics.beside", len(found)) + words


def amount(value: float, voice: Voice) -> str:
    """A number of any size with three digits or more that say something."""
    size = abs(value)
    if not isfinite(value) or size >= 1e15 or 0 < size < 1e-6:
        return f"{value:.3g}"
    if 0 < size < 1:
        return numbers.format_decimal(value, format="@##", locale=voice.babel)
    return voice.compact(value) if size >= 10_000_000 else voice.number(value)


def told(reason: str, voice: Voice, limits: Limits) -> str:
    """Why it is odd, in the reader's words; a sign we have no words for stays as it is."""
    clauses = reason[: 20 * limits.words].partition(": ")[2] or reason
    words = []
    for clause in clauses.split("; "):
        found = next(((name, m) for name, form in SIGNS if (m := form.fullmatch(clause))), None)
        known = voice.say(f"sign.{found[0]}", **found[1].groupdict()) if found else clause
        words.append(shorten(known, limits.words))
    return voice.say("semicolon").join(words)


def spark(one: MetricAnomaly, voice: Voice) -> Spark | None:
    """None where there is nothing that can be drawn."""
    curve = one.curve
    known = [v for v in (*curve.values, *curve.usual) if v is not None] if curve else []
    if curve is None or not known or not isfinite(max(known) - min(known)):
        return None
    low, high = min(known), max(known)
    return Spark(
        values=path(curve.values, low, high),
        usual=path(curve.usual, low, high),
        left=STEP * curve.first,
        width=STEP * (curve.last - curve.first + 1),
        summary=describe(one, curve, voice),
    )


def describe(one: MetricAnomaly, curve: Curve, voice: Voice) -> str:
    values = [value for value in curve.values if value is not None]
    return voice.say(
        "metrics.curve",
        series=shorten(one.series, 120),
        low=amount(min(values), voice),
        high=amount(max(values), voice),
    )


def path(values: Sequence[float | None], low: float, high: float) -> str:
    """An SVG path, with a gap where there is no value; a lone point is a short stroke."""
    drawn, pen = [], "M"
    for piece, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        share = (value - low) / (high - low) if high > low else 0.5
        y = round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)
        x = STEP * piece + STEP // 2
        drawn.append(f"{pen}{x} {y}" + ("h.1" if pen == "M" else ""))
        pen = "L"
    return "".join(drawn)
