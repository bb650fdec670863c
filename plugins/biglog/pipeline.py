"""The stages of a night, in order, and running one: the only place that knows every room.

Rooms are imported when a stage runs, so that naming the stages costs nothing. Each stage reads what
an earlier one wrote, replaces its own partition whole, and says what it did in a StageInfo.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from biglog import lake
from biglog.errors import BadInput, BigLogError
from biglog.installation import Site, encoder
from biglog.metric_stages import judge_metrics, publish_metrics, read_metrics
from biglog.records import (
    COUNTS,
    EVENTS,
    Cluster,
    Clustering,
    Coverage,
    Day,
    Dependency,
    Finding,
    Incident,
    MetricNight,
    Night,
    Similar,
    Spot,
    StageInfo,
    Template,
    TemplateVectors,
    Vectors,
)
from biglog.settings import Settings, SourceSettings

if TYPE_CHECKING:
    from biglog.incidents.requests import Recorded
    from biglog.lines.lake import LinesInfo
    from biglog.store.ledger import Report
    from biglog.templates.catalogue import Catalogue
    from biglog.templates.variables import Tally

ALIKE = 0.8
"""Calibrated likeness from which a past incident is worth showing."""


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    scope: Literal["source", "night"]
    work: Callable[[Site, str, str], StageInfo]
    says: str


def run(name: str, site: Site, date: str, source: str = "") -> StageInfo:
    """Run one stage for one partition and keep what it did. Raises what the stage raises."""
    from biglog.store import write

    known = {one.name: one for one in (*STAGES, *METRIC_STAGES)}
    stage = known.get(name)
    if stage is None:
        raise BadInput(f"no stage {name!r}; stages: {', '.join(known)}")
    started = time.monotonic()
    done = stage.work(site, date, source)
    info = replace(done, seconds=round(time.monotonic() - started, 3))
    write.save_stage(site.engine, info)
    return info


# ingest_logs


def ingest(site: Site, date: str, source: str) -> StageInfo:
    """Files to typed lines and quarantine, with a coverage row whatever happens."""
    from biglog.lines.lake import write_partition
    from biglog.lines.read import read
    from biglog.sources.collect import collect
    from biglog.store import write

    one = site.settings.source(source)
    try:
        files = collect(one, date, site.settings.home, site.connect)
        if not files:
            reason = f"no file matches {Path(one.path).name} for {date}"
            write.save_coverage(site.engine, Coverage(source, date, "missing", reason=reason))
            return StageInfo("ingest", source, date, 0, 0, note=reason)
        done = write_partition(
            read(files, one, site.settings.lines, date=date), site.settings.lake, one, date
        )
    except BadInput as error:
        failed = Coverage(source, date, "failed", reason=str(error))
        write.save_coverage(site.engine, failed)
        raise
    write.save_coverage(site.engine, arrived(done, source, date, files=len(files)))
    lines = done.lines + sum(done.late.values())
    total = lines + done.quarantined
    return StageInfo("ingest", source, date, total, lines, done.quarantined, note=note_times(done))


def arrived(done: LinesInfo, source: str, date: str, *, files: int) -> Coverage:
    return Coverage(
        source=source,
        date=date,
        state="complete" if done.lines else "empty",
        files=files,
        bytes=done.bytes,
        lines=done.lines,
        quarantined=done.quarantined,
        format=done.format,
        first_at=done.first_at,
        last_at=done.last_at,
        reason=ONLY_OTHERS if done.left and not done.lines else "",
    )


ONLY_OTHERS = (
    "the files hold lines of other dates only: run the nights they are of, or write {date} into "
    "the path where each night has files of its own"
)


def note_times(done: LinesInfo) -> str:
    """By which rules the lines got their times, and where those of other dates went."""
    said = [f"{count:,} {rule}" for rule, count in done.times.items()]
    said += [f"{count:,} late for {date}" for date, count in done.late.items()]
    if done.left:
        said.append(f"{done.left:,} of other dates left to their own nights")
    if done.jumps:
        said.append(f"{done.jumps:,} whose clock is wrong, counted at the start of the night")
    return "times: " + ", ".join(said) if said else ""


def check(site: Site, date: str, _: str) -> StageInfo:
    """What arrived. Fails the night only when nothing at all can be analysed."""
    from biglog.store import read

    sources = read.coverage(site.engine, date)
    lines = sum(one.lines for one in sources)
    failed = [one for one in sources if one.state == "failed"]
    if failed and len(failed) == len(sources):
        raise BadInput(f"every source failed on {date}; the first says: {failed[0].reason}")
    absent = ", ".join(one.source for one in sources if one.state in ("missing", "failed"))
    notes = [f"absent: {absent}"] if absent else []
    if late := overdue(site, date):
        notes.append(f"late lines for {', '.join(late)}, to be analysed again")
    return StageInfo("check", "", date, lines, lines, note="; ".join(notes))


def overdue(site: Site, date: str) -> tuple[str, ...]:
    """Published nights whose lines that came with this one are not those they were published with.

    Oldest first. It looks at what is there, not at what has just been written: after a kill at any
    moment the next run of this night finds the same ones.
    """
    from biglog.store import read

    reach = max((one.late_days for one in site.settings.sources), default=0)
    published = set(read.nights(site.engine))
    day = datetime.fromisoformat(date)
    near = [f"{day + timedelta(days=off):%Y-%m-%d}" for off in range(-reach, reach + 1) if off]
    return tuple(one for one in near if one in published and is_overdue(site, one, night=date))


def is_overdue(site: Site, date: str, *, night: str) -> bool:
    sources = [one.name for one in site.settings.sources]
    now = lake.late_digests(site.settings.lake, date, sources)
    then = published_late(site, date)
    return any(
        now.get(name) != then.get(name)
        for name in now.keys() | then.keys()
        if name.endswith(f"/late-{night}.parquet")
    )


def published_late(site: Site, date: str) -> dict[str, str]:
    """The late lines that a night was published with."""
    path = lake.night(site.settings.lake, date, "late")
    return dict(lake.read_json(path, dict[str, str])) if path.exists() else {}


# analyse_logs


def parse(site: Site, date: str, source: str) -> StageInfo:
    """Lines to events and counts; new templates join the catalogue under its lock."""
    from biglog.store import read, write

    paths = lake.parts(site.settings.lake, source, date)
    events_path = lake.events(site.settings.lake, source, date)
    late, before = lake.late_digests(site.settings.lake, date, [source]), late_events(events_path)
    if not paths:
        events_path.unlink(missing_ok=True)
        write.replace_counts(site.engine, source, date, COUNTS.empty_table())
        return StageInfo("parse", source, date, 0, 0, note="no lines arrived")
    lake.sweep(events_path.parent)
    with write.catalogue_lock(site.engine), lake.replacing(events_path) as draft:
        catalogue, parts = known_templates(site, source), read.parts(site.engine)
        known = frozenset(catalogue.templates)
        done = write_events(draft, paths, catalogue, parts, site.settings, json.dumps(late))
        if catalogue.moved:  # what widened late covers the earliest line too, as in another run
            done = write_events(draft, paths, catalogue, parts, site.settings, json.dumps(late))
        found = done.templates
        write.merge_templates(
            site.engine, found.values(), source=source, date=date, merged=catalogue.merged
        )
    counts = count_events(events_path, source, date)
    patterns = {key: one.pattern for key, one in found.items()}
    write.replace_counts(
        site.engine, source, date, counts, done.tally.summary(patterns, source, date)
    )
    if late or before:
        recount(site, source, date, sum(counts["count"].to_pylist()))
    note = f"{len(found)} templates, {len(found.keys() - known)} new"
    return StageInfo("parse", source, date, done.rows, done.rows, note=note)


LATE = "biglog.late"
"""Key of the metadata of a night's events with the digests of the late lines among them."""


def recount(site: Site, source: str, date: str, lines: int) -> None:
    """Bring what is said to have arrived up to the lines that came late."""
    from biglog.store import read, write

    for one in read.coverage(site.engine, date):
        if one.source == source:
            state = "complete" if one.state == "empty" else one.state
            write.save_coverage(site.engine, replace(one, state=state, lines=lines))


@dataclass(frozen=True, slots=True)
class Written:
    """What the events of one partition were written from."""

    rows: int
    templates: dict[str, Template]
    tally: Tally


def known_templates(site: Site, source: str) -> Catalogue:
    """The catalogue as it is now, to be read under its lock only."""
    from biglog.store import read
    from biglog.templates.catalogue import Catalogue

    here = read.templates(site.engine, source=source)
    every = read.templates(site.engine)
    return Catalogue(here.values(), [one for key, one in every.items() if key not in here])


def write_events(
    draft: Path,
    paths: Sequence[Path],
    catalogue: Catalogue,
    parts: Mapping[str, Sequence[Template]],
    known: Settings,
    late: str,
) -> Written:
    """EVENTS of a partition's lines to the draft; the catalogue learns what is new."""
    from biglog.templates.variables import Tally

    found: dict[str, Template] = {}
    tally, rows = Tally.empty(), 0
    with pq.ParquetWriter(draft, EVENTS, compression="zstd") as writer:
        writer.add_key_value_metadata({LATE: late})
        for events, used in parse_batches(paths, catalogue, parts, known):
            found.update(used)
            rows += events.num_rows
            tally.add(events)
            writer.write_table(events)
    return Written(rows, found, tally)


def parse_batches(
    paths: Sequence[Path],
    catalogue: Catalogue,
    parts: Mapping[str, Sequence[Template]],
    known: Settings,
) -> Iterator[tuple[pa.Table, dict[str, Template]]]:
    """Batches of EVENTS with the templates they use; each batch sees what earlier ones found.

    Afterwards the catalogue has ``moved`` where the first batch would not come out the same.
    """
    from biglog.templates.correct import divide
    from biglog.templates.mine import mine

    size = known.lines.batch_lines
    batches = chain.from_iterable(pq.ParquetFile(one).iter_batches(size) for one in paths)
    for number, batch in enumerate(batches):
        lines = pa.Table.from_batches([batch])
        mined = mine(lines["content"], catalogue, known.templates)
        catalogue.add(mined.templates)
        catalogue.moved = catalogue.moved and number > 0
        mined = divide(lines["content"], mined, parts)
        kept = lines.select(["line_id", "timestamp", "level", "host", "service"])
        events = (
            kept.append_column("template_id", mined.template_ids)
            .append_column("parameters", mined.parameters)
            .append_column("count", lines["count"])
        )
        yield events.cast(EVENTS), {one.template_id: one for one in mined.templates}


def count_events(path: Path, source: str, date: str) -> pa.Table:
    """COUNTS of one partition. A line without a time, or with one that is days off because its
    clock is wrong, counts at the start of its night.
    """
    import polars as pl

    midnight = pl.lit(date).str.to_datetime("%Y-%m-%d", time_zone="UTC", time_unit="us")
    near = pl.col("timestamp").is_between(midnight.dt.offset_by("-1d"), midnight.dt.offset_by("2d"))
    at = pl.when(near).then("timestamp").otherwise(midnight)
    cells = (
        pl.scan_parquet(path)
        .group_by(
            at.dt.truncate("10m").alias("bucket"),
            *(pl.col(name).fill_null("") for name in ("service", "host", "level")),
            "template_id",
        )
        .agg(
            pl.col("count").sum(),
            at.min().alias("first_at"),
            at.max().alias("last_at"),
        )
        .with_columns(pl.lit(source).alias("source"), pl.lit(date).alias("date"))
        .select(COUNTS.names)
        .sort(COUNTS.names)
        .collect(engine="streaming")
    )
    return cells.to_arrow().cast(COUNTS)


def embed(site: Site, date: str, _: str) -> StageInfo:
    """Texts of the night's templates that this model has not embedded yet, to vectors."""
    from biglog.answers import embed_pieces, embed_texts

    texts = [one.model_text for one in night_templates(site, date).values()]
    done = embed_texts(site, texts)
    embed_pieces(site)  # runbooks, which another model has to read again
    return StageInfo("embed", "", date, len(texts), done, note=note_vectors(site))


def note_vectors(site: Site) -> str:
    """By which model, and what share of the truly nearest a search by the index finds."""
    from biglog.store import vector_index, write

    model = encoder(site.settings.encoder)
    if not write.index_vectors(site.engine, model.model_id):
        return f"model {model.model_id}, exact search"
    recall = vector_index.measure_recall(site.engine, model.model_id)
    return f"model {model.model_id}, HNSW index, recall at 10 {recall:.3f}"


def night_templates(site: Site, date: str) -> dict[str, Template]:
    """Templates of the lines that arrived for the night."""
    from biglog.store import read

    used = set(read.counts(site.engine, [date])["template_id"].to_pylist())
    every = read.templates(site.engine)
    return {key: one for key, one in every.items() if key in used}


def night_vectors(site: Site, templates: Mapping[str, Template]) -> TemplateVectors:
    from biglog.store import read

    model = encoder(site.settings.encoder)
    return read.vectors(site.engine, model.model_id, sorted(templates))


def cluster(site: Site, date: str, _: str) -> StageInfo:
    """Templates that mean alike, named by their own words."""
    from biglog.clusters.describe import describe
    from biglog.clusters.group import group
    from biglog.clusters.identity import carry_on
    from biglog.clusters.map import lay_out
    from biglog.store import read

    templates = night_templates(site, date)
    weights = read.template_totals(site.engine, [date])
    vectors = night_vectors(site, templates)
    grouped = group(vectors, weights, site.settings.clusters)
    described = describe(grouped, vectors, templates, weights, date)
    described = carry_on(described, read.earlier_clusters(site.engine, date))
    lake.write_json(
        lake.night(site.settings.lake, date, "clusters"), tuple[Cluster, ...], described
    )
    before = read.earlier_places(site.engine, date)
    spots = lay_out(vectors, grouped, weights, site.settings.clusters, before)
    lake.write_json(lake.night(site.settings.lake, date, "map"), tuple[Spot, ...], spots)
    lake.write_json(
        lake.night(site.settings.lake, date, "labels"),
        dict[str, tuple[int, float]],
        {
            key: (int(label), float(strength))
            for key, label, strength in zip(
                grouped.template_ids, grouped.labels, grouped.strengths, strict=True
            )
        },
    )
    return StageInfo("cluster", "", date, len(templates), len(described), note=grouped.note)


def night_clustering(site: Site, date: str) -> Clustering:
    """The clustering that the cluster stage left."""
    import numpy as np

    labels: dict[str, tuple[int, float]] = lake.read_json(
        lake.night(site.settings.lake, date, "labels"), dict[str, tuple[int, float]]
    )
    return Clustering(
        method=site.settings.clusters.method,
        template_ids=tuple(labels),
        labels=np.array([label for label, _ in labels.values()], dtype=np.int64),
        strengths=np.array([strength for _, strength in labels.values()], dtype=np.float64),
        silhouette=None,
    )


def night_day(site: Site, date: str) -> Day:
    """The night as the detectors see it, with the whole catalogue: a template that stopped is not
    among tonight's.
    """
    from biglog.store import read

    counts = read.counts(site.engine, [date])
    catalogue = read.templates(site.engine)
    used = set(counts["template_id"].to_pylist())
    return Day(
        date=date,
        counts=counts,
        templates=catalogue,
        vectors=night_vectors(site, {key: catalogue[key] for key in used & catalogue.keys()}),
        clustering=night_clustering(site, date),
        coverage=read.coverage(site.engine, date),
    )


@dataclass(frozen=True, slots=True)
class Basis:
    """What the night's findings rest on."""

    history_days: int
    model_id: str


def detect(site: Site, date: str, _: str) -> StageInfo:
    """What is new, odd or missing against earlier nights."""
    from biglog.findings.judge import heard, judge
    from biglog.quoted import with_lines
    from biglog.store import read
    from biglog.store.verdicts import verdicts_before

    model = encoder(site.settings.encoder)
    history = read.history(site.engine, date, site.settings.detect.history_days, model.model_id)
    if site.settings.detect.heed_verdicts:
        history = replace(history, verdicts=verdicts_before(site.engine, date))
    whole = night_day(site, date)
    day = replace(whole, values=night_values(site, whole, history.dates))
    judged = judge(day, history, site.settings.detect, model.similarity)
    found = with_lines(judged, event_files(site, day), day.templates)
    lake.write_json(lake.night(site.settings.lake, date, "findings"), tuple[Finding, ...], found)
    basis = Basis(len(history.dates), model.model_id)
    lake.write_json(lake.night(site.settings.lake, date, "basis"), Basis, basis)
    said = heard(found, day, history, model.similarity).note
    return StageInfo(
        "detect",
        "",
        date,
        day.counts.num_rows,
        len(found),
        note=f"against {len(history.dates)} earlier nights{f'; {said}' if said else ''}",
    )


def night_values(site: Site, day: Day, earlier: Sequence[str]) -> pa.Table:
    """ODD_VALUES of the night: its lines are read again only where a summary of them is odd."""
    from biglog.store.summaries import summaries
    from biglog.unusual import odd_values

    return odd_values(
        summaries(site.engine, [day.date]),
        summaries(site.engine, earlier),
        day.templates,
        event_files(site, day),
        day.date,
    )


def event_files(site: Site, day: Day) -> dict[str, Path]:
    """The events of each source that has lines that night, as far as the lake still has them."""
    arrived = [one.source for one in day.coverage if one.lines]
    files = {name: lake.events(site.settings.lake, name, day.date) for name in arrived}
    return {name: path for name, path in files.items() if path.exists()}


def correlate(site: Site, date: str, _: str) -> StageInfo:
    """Findings that belong together, with what is known of the like and of who calls whom."""
    from biglog.calls import night_calls
    from biglog.incidents.correlate import correlate as group_findings
    from biglog.incidents.requests import traced_lines
    from biglog.store import read
    from biglog.store.dependencies import earlier_dependencies, replace_dependencies

    model = encoder(site.settings.encoder)
    path = lake.night(site.settings.lake, date, "findings")
    findings: tuple[Finding, ...] = lake.read_json(path, tuple[Finding, ...])
    days = site.settings.detect.history_days
    history = read.history(site.engine, date, days, model.model_id)
    history = replace(history, dependencies=earlier_dependencies(site.engine, date, days))
    day, traces = night_day(site, date), night_traces(site, date)
    calls = night_calls(day, history, *night_files(site, date), traces.calls)
    replace_dependencies(site.engine, date, calls)
    day = replace(day, dependencies=calls)
    traced = partial(traced_lines, recorded(site, date), recorded(site, *history.dates[-1:]))
    grouped = group_findings(findings, day, history, site.settings.incidents, traced)
    known = with_past(site, grouped)
    lake.write_json(lake.night(site.settings.lake, date, "incidents"), tuple[Incident, ...], known)
    note = f"{len(calls)} calls between services{traces.said}"
    return StageInfo("correlate", "", date, len(findings), len(known), note=note)


def recorded(site: Site, *dates: str) -> list[Recorded]:
    """What there is of events and of lines, all sources."""
    from biglog.incidents.requests import Recorded

    base, names = site.settings.lake, [one.name for one in site.settings.sources]
    return [
        Recorded(lake.events(base, name, date), tuple(lake.parts(base, name, date)))
        for date in dates
        for name in names
        if lake.events(base, name, date).exists()
    ]


def night_files(site: Site, date: str) -> tuple[list[Path], list[Path]]:
    """The night's files of events and of lines, all sources."""
    names = [one.name for one in site.settings.sources]
    events = [lake.events(site.settings.lake, name, date) for name in names]
    lines = [path for name in names for path in lake.parts(site.settings.lake, name, date)]
    return [path for path in events if path.exists()], lines


@dataclass(frozen=True, slots=True)
class NightTraces:
    """The calls that the night's traces state, and what is to be said of reading them."""

    calls: tuple[Dependency, ...]
    said: str


def night_traces(site: Site, date: str) -> NightTraces:
    """Traces that cannot be read are told of in the stage's note: incidents come without them."""
    from biglog.lines.otlp_traces import read_traces
    from biglog.sources.collect import collect

    calls: list[Dependency] = []
    said = ""
    for one in site.settings.trace_sources:
        wanted = SourceSettings(one.name, one.path, connection=one.connection)
        try:
            files = collect(wanted, date, site.settings.home, site.connect)
            found = read_traces(files, site.settings.lines)
        except BadInput as error:
            said += f"; traces {one.name} were not read: {error}"
            continue
        calls += found.calls
        said += f"; traces {one.name}: {found.spans:,} spans"
        if found.skipped:
            said += f", {found.skipped:,} skipped ({found.reason})"
    return NightTraces(tuple(calls), said)


def with_past(site: Site, incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """The incidents with similar past ones and the runbooks to open; their vectors are kept, so
    that later nights find them.
    """
    from biglog.answers import asker, incident_vectors, runbooks
    from biglog.store import write

    if not incidents:
        return ()
    model = encoder(site.settings.encoder)
    vectors = incident_vectors(site, incidents)
    named = [
        (write.incident_text(one), vectors[one.incident_id])
        for one in incidents
        if one.incident_id in vectors
    ]
    write.save_vectors(site.engine, model.model_id, model.dim, named)
    ask = asker(site)
    return tuple(
        replace(
            one,
            similar=similar_past(site, one, vectors.get(one.incident_id)),
            runbooks=runbooks(ask, one),
        )
        for one in incidents
    )


def similar_past(site: Site, incident: Incident, vector: Vectors | None) -> tuple[Similar, ...]:
    """Incidents of earlier nights that are alike enough to show."""
    from biglog.answers import likeness
    from biglog.store import search

    if vector is None:
        return ()
    model = encoder(site.settings.encoder)
    near = search.similar_incidents(
        site.engine,
        model.model_id,
        vector,
        incident.date,
        limit=3,
        excluding=[incident.incident_id],
    )
    past = [replace(one, similarity=likeness(model, one.similarity)) for one in near]
    return tuple(one for one in past if one.similarity >= ALIKE)


def publish(site: Site, date: str, _: str) -> StageInfo:
    """The night into the database, in one transaction; all of it is ready, no model is needed."""
    from biglog.store import read, write

    base = site.settings.lake
    findings: tuple[Finding, ...] = lake.read_json(
        lake.night(base, date, "findings"), tuple[Finding, ...]
    )
    incidents: tuple[Incident, ...] = lake.read_json(
        lake.night(base, date, "incidents"), tuple[Incident, ...]
    )
    clusters: tuple[Cluster, ...] = lake.read_json(
        lake.night(base, date, "clusters"), tuple[Cluster, ...]
    )
    basis: Basis = lake.read_json(lake.night(base, date, "basis"), Basis)
    night = Night(
        date=date,
        coverage=read.coverage(site.engine, date),
        findings=findings,
        incidents=incidents,
        clusters=clusters,
        spots=lake.read_json(lake.night(base, date, "map"), tuple[Spot, ...]),
        templates={},
        history_days=basis.history_days,
        model_id=basis.model_id,
    )
    write.publish(site.engine, night)
    lake.write_json(lake.night(base, date, "late"), dict[str, str], late_night(site, date))
    rows = len(findings) + len(incidents) + len(clusters)
    return StageInfo("publish", "", date, rows, rows)


def late_night(site: Site, date: str) -> dict[str, str]:
    """The late lines among the events of a night, all sources."""
    events = [lake.events(site.settings.lake, one.name, date) for one in site.settings.sources]
    return {name: digest for one in events for name, digest in late_events(one).items()}


def late_events(path: Path) -> dict[str, str]:
    """The digests of the late lines that a file of events was made from."""
    metadata = pq.read_metadata(path).metadata if path.exists() else None
    return dict(json.loads((metadata or {}).get(LATE.encode(), "{}")))


# report_logs


def render(site: Site, date: str, _: str) -> StageInfo:
    """One self-contained page per language; the first language is also the one linked to."""
    from biglog.reports.render import render as page_of
    from biglog.store import ledger, read

    night = replace(read.night(site.engine, date), metrics=night_metrics(site, date))
    for locale in site.settings.report.locales:
        path = report_path(site.settings, date, locale)
        page = page_of(night, site.settings.report, locale)
        with lake.replacing(path) as draft:
            draft.write_text(page, "utf-8")
        ledger.save_report(site.engine, report_row(date, locale, path))
    done = len(site.settings.report.locales)
    return StageInfo("render", "", date, len(night.findings), done)


def night_metrics(site: Site, date: str) -> MetricNight | None:
    """What the metrics did, as far as it is known by now; None where no metrics are set up."""
    from biglog.store.metrics import metric_night

    if not site.settings.metric_sources:
        return None
    associate(site, date)
    return metric_night(site.engine, date)


def associate(site: Site, date: str) -> None:
    """Which lines came far more often while the night's metrics were odd: beside them, in tables.

    Metrics and logs of a night become known in any order, so this is done when they are told.
    """
    from biglog.metrics.meanwhile import meanwhile
    from biglog.store import metrics, read

    tonight = metrics.metric_anomalies(site.engine, date)
    wanted = site.settings.metrics
    day = datetime.fromisoformat(date)
    back = range(wanted.history_nights, 0, -1) if tonight else ()
    nights = [f"{day - timedelta(days=one):%Y-%m-%d}" for one in back]
    earlier = [one for night in nights for one in metrics.metric_anomalies(site.engine, night)]
    counts = read.counts(site.engine, [*nights, date] if tonight else [])
    found = meanwhile(tonight, earlier, counts, date, wanted.false_share)
    metrics.replace_meanwhile(site.engine, date, found)


def report_row(date: str, locale: str, path: Path) -> Report:
    from biglog.store.ledger import Report

    page = path.read_bytes()
    digest = hashlib.sha256(page).hexdigest()
    return Report(date, locale, str(path), digest, len(page))


def report_path(known: Settings, date: str, locale: str) -> Path:
    return known.reports / date[:7] / f"{date}.{locale}.html"


def send(site: Site, date: str, _: str) -> StageInfo:
    """The mail, once per night and recipient."""
    from biglog.reports.mail import due
    from biglog.store import read

    wanted = site.settings.report
    night = read.night(site.engine, date)
    if not due(night, wanted):
        return StageInfo("send", "", date, 0, 0, note=f"nothing to send (send = {wanted.send})")
    if wanted.recipients and site.smtp is None:
        raise BadInput(
            f"{len(wanted.recipients)} recipients but no Airflow connection 'smtp_default': add it "
            "under Admin, Connections (see docs/operations.md, Mail)"
        )
    sent = sum(mail_once(site, night, recipient) for recipient in wanted.recipients)
    skipped = len(wanted.recipients) - sent
    return StageInfo("send", "", date, len(wanted.recipients), sent, skipped)


def mail_once(site: Site, night: Night, recipient: str) -> bool:
    """Send the night's mail unless this recipient has it; True where it was sent now.

    The claim is given back only where the server surely did not take the mail.
    """
    from biglog.reports.mail import compose, deliver
    from biglog.store import ledger

    wanted = site.settings.report
    url = f"{wanted.base_url.rstrip('/')}/biglog/reports/{night.date}"
    message = compose(night, wanted, recipient=recipient, report_url=url)
    # Keyed by the night, not by its text: a night that is run again is not mailed again.
    delivery = ledger.Delivery(night.date, recipient, "night", str(message["Message-ID"]))
    if site.smtp is None or not ledger.claim(site.engine, delivery):
        return False
    try:
        deliver(message, site.smtp)
    except BigLogError:
        ledger.release(site.engine, delivery)
        raise
    ledger.mark_sent(site.engine, delivery)
    return True


# analyse_metrics


def refresh(site: Site, date: str, _: str) -> StageInfo:
    """The report once more where it was rendered before the night's metrics were known."""
    from biglog.store import ledger, read

    rendered = {one.date for one in ledger.reports(site.engine, limit=10_000)}
    if date not in rendered & set(read.nights(site.engine)):
        return StageInfo("refresh", "", date, 0, 0, note="no report yet; it will hold the metrics")
    return replace(render(site, date, ""), stage="refresh")


STAGES: tuple[Stage, ...] = (
    Stage("ingest", "source", ingest, "files to typed lines; the unreadable to quarantine"),
    Stage("check", "night", check, "what arrived, what is missing"),
    Stage("parse", "source", parse, "lines to templates and events"),
    Stage("embed", "night", embed, "new templates to vectors"),
    Stage("cluster", "night", cluster, "templates that mean alike"),
    Stage("detect", "night", detect, "what is new, odd or missing, and why"),
    Stage("correlate", "night", correlate, "findings that belong together"),
    Stage("publish", "night", publish, "the night into the database, in one transaction"),
    Stage("render", "night", render, "the report, a page per language"),
    Stage("send", "night", send, "the mail, once per recipient"),
)

METRIC_STAGES: tuple[Stage, ...] = (
    Stage("read_metrics", "source", read_metrics, "files of metrics to points"),
    Stage("judge_metrics", "source", judge_metrics, "points that are odd beside earlier ones"),
    Stage("publish_metrics", "night", publish_metrics, "the oddest into the database"),
    Stage("refresh", "night", refresh, "the report again, where it came first"),
)
