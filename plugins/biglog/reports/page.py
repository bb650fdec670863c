"""Everything the report prints, section by section, with every number already written out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as Date

from biglog.errors import BadInput
from biglog.records import Night
from biglog.reports import cards, changes, charts, clustermap, metrics, sources
from biglog.reports import verdict as verdicts
from biglog.reports.limits import Limits
from biglog.reports.text import shorten
from biglog.reports.verdict import JUDGED_DAYS, Verdict
from biglog.reports.voice import Voice

STAGE_ROWS = 60


@dataclass(frozen=True, slots=True)
class Header:
    """Which night this is."""

    date: str
    day: str
    zone: str
    tag: str


@dataclass(frozen=True, slots=True)
class Incidents:
    """The cards, or why there is none."""

    cards: tuple[cards.Card, ...]
    hidden: str
    empty: str


@dataclass(frozen=True, slots=True)
class Charts:
    """Pictures of the night, or why there are none."""

    traffic: tuple[charts.Traffic, ...]
    hidden: str
    empty: str
    heat: charts.Heat | None
    legend_usual: bool
    """Whether any hour has a usual count to draw."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Groups of kinds of lines, or why there is none."""

    rows: tuple[sources.ClusterRow, ...]
    hidden: str
    empty: str
    map: clustermap.Map | None


@dataclass(frozen=True, slots=True)
class Footer:
    """How the report came about."""

    stages: tuple[sources.StageRow, ...]
    hidden: str
    seconds: str
    model_id: str
    version: str
    history: str


@dataclass(frozen=True, slots=True)
class Page:
    """The whole report."""

    header: Header
    verdict: Verdict
    incidents: Incidents
    metrics: metrics.MetricTable | None
    """None where no metrics are set up."""
    changes: tuple[changes.Table, ...]
    charts: Charts
    clusters: Clusters
    coverage: sources.SourceTable
    footer: Footer


def build(night: Night, voice: Voice, limits: Limits, *, version: str) -> Page:
    """The page of a night. Raises BadInput where its date is not YYYY-MM-DD."""
    return Page(
        header=header(night, voice),
        verdict=verdicts.verdict(night, voice),
        incidents=incidents(night, voice, limits),
        metrics=metrics.table(night, voice, limits),
        changes=changes.tables(night, voice, limits),
        charts=pictures(night, voice, limits),
        clusters=clusters(night, voice, limits),
        coverage=sources.source_table(night, voice, limits),
        footer=footer(night, voice, version),
    )


def header(night: Night, voice: Voice) -> Header:
    try:
        Date.fromisoformat(night.date)
    except ValueError as error:
        raise BadInput(f"night's date {night.date!r} is not YYYY-MM-DD") from error
    return Header(night.date, voice.day(night.date), str(voice.zone), voice.tag)


def incidents(night: Night, voice: Voice, limits: Limits) -> Incidents:
    shown = cards.cards(night, voice, limits)
    hidden = len(night.incidents) - len(shown)
    return Incidents(
        cards=shown,
        hidden=voice.count("hidden.incidents", hidden) if hidden else "",
        empty="" if shown else why_no_incident(night, voice),
    )


def why_no_incident(night: Night, voice: Voice) -> str:
    if not any(one.lines for one in night.coverage):
        return voice.say("empty.no_lines")
    if night.findings:
        return voice.count("empty.incidents_weak", len(night.findings))
    if night.history_days < JUDGED_DAYS:
        return voice.say("empty.incidents_first")
    return voice.say("empty.incidents")


def pictures(night: Night, voice: Voice, limits: Limits) -> Charts:
    drawn = charts.traffic(night, voice, limits)
    hidden = len({hour.source for hour in night.hourly}) - len(drawn)
    return Charts(
        traffic=drawn,
        hidden=voice.count("hidden.charts", hidden) if hidden else "",
        empty="" if drawn else why_nothing(night, voice, "empty.charts"),
        heat=charts.heat(night, voice),
        legend_usual=any(one.usual for one in drawn),
    )


def why_nothing(night: Night, voice: Voice, key: str) -> str:
    return voice.say(key if any(one.lines for one in night.coverage) else "empty.no_lines")


def clusters(night: Night, voice: Voice, limits: Limits) -> Clusters:
    rows = sources.clusters(night, voice, limits)
    hidden = len(night.clusters) - len(rows)
    return Clusters(
        rows=rows,
        hidden=voice.count("hidden.clusters", hidden) if hidden else "",
        empty="" if night.clusters else why_nothing(night, voice, "empty.clusters"),
        map=clustermap.draw(night, voice, limits),
    )


def footer(night: Night, voice: Voice, version: str) -> Footer:
    hidden = len(night.stages) - STAGE_ROWS
    return Footer(
        stages=tuple(sources.stage_row(one, voice) for one in night.stages[:STAGE_ROWS]),
        hidden=voice.count("hidden.stages", hidden) if hidden > 0 else "",
        seconds=voice.duration(sum(one.seconds for one in night.stages)),
        model_id=shorten(night.model_id, 80),
        version=version,
        history=voice.count("count.nights", night.history_days),
    )
