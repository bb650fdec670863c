"""Planted faults in recorded days: which of them the nightly incidents name, at what rank.

Run: ``biglog bench incidents`` or ``python benchmarks/incidents.py [FOLDER]``; the folder holds
``sources.toml``, ``recorded/``, ``faults.csv`` and, where there are any, ``benign.csv``.

The days are gone through in order without a database; each night is judged against earlier nights
only, with the code and the defaults of the nightly run.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from biglog.calls import night_calls
from biglog.errors import BadInput
from biglog.findings.judge import judge
from biglog.incidents.bench import Fault, FaultScores, picture, read_faults, score_faults
from biglog.incidents.correlate import correlate
from biglog.lines.read import read
from biglog.records import (
    COUNTS,
    EVENTS,
    SUMMARIES,
    Clustering,
    Coverage,
    Day,
    Dependency,
    Encoder,
    Finding,
    History,
    Incident,
    Mined,
    Scores,
    Template,
    TemplateVectors,
    Variable,
)
from biglog.settings import PROJECT, Settings, SourceSettings, load_sources
from biglog.sources.landing import find
from biglog.templates.mine import mine
from biglog.templates.variables import Tally
from biglog.unusual import odd_values

EXAMPLES = PROJECT / "examples"


@dataclass
class Memory:
    """What the nights so far have left: the benchmark's stand-in for the database."""

    events: Path  # a folder for the night's events, a file a source
    catalogues: dict[str, dict[str, Template]] = field(default_factory=dict)
    counts: list[pa.Table] = field(default_factory=list)
    summaries: dict[str, list[pa.Table]] = field(default_factory=dict)
    dates: list[str] = field(default_factory=list)
    covered: dict[str, set[str]] = field(default_factory=dict)
    first_seen: dict[str, str] = field(default_factory=dict)
    incidents: list[Incident] = field(default_factory=list)
    dependencies: list[Dependency] = field(default_factory=list)
    vectors: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)

    @property
    def templates(self) -> dict[str, Template]:
        return {key: one for known in self.catalogues.values() for key, one in known.items()}


@dataclass(frozen=True)
class Result:
    """One night as the benchmark saw it."""

    day: Day
    history: History
    findings: tuple[Finding, ...]
    incidents: tuple[Incident, ...]


def run(recorded: Path, settings: Settings, encoder: Encoder | None = None) -> FaultScores:
    """Score all recorded nights of a folder."""
    incidents = {r.day.date: r.incidents for r in nights(recorded, settings, encoder)}
    benign = recorded / "benign.csv"
    harmless: tuple[Fault, ...] = read_faults(benign) if benign.exists() else ()
    return score_faults(incidents, read_faults(recorded / "faults.csv"), harmless)


def nights(recorded: Path, settings: Settings, encoder: Encoder | None) -> Iterator[Result]:
    """Every recorded night in order, judged against those before it."""
    sources = load_sources(recorded / "sources.toml")
    with tempfile.TemporaryDirectory() as folder:
        memory = Memory(Path(folder))
        for date in recorded_dates(recorded):
            counts, coverage = take_in(sources, date, settings, memory)
            yield judged(date, counts, coverage, settings, memory, encoder)


def recorded_dates(recorded: Path) -> list[str]:
    names = {p.name.split(".")[0] for p in (recorded / "recorded").glob("*/*.log*")}
    if not names:
        raise BadInput(f"{recorded}/recorded holds no days; expected SOURCE/YYYY-MM-DD.log.zst")
    return sorted(names)


def take_in(
    sources: tuple[SourceSettings, ...], date: str, settings: Settings, memory: Memory
) -> tuple[pa.Table, tuple[Coverage, ...]]:
    """A night's files to counts; the catalogues grow."""
    tables, coverage = [COUNTS.empty_table()], []
    for source in sources:
        files = find(source, date)
        parts = list(parsed(files, source, date, settings, memory)) if files else []
        lines = sum(int(t["count"].to_numpy().sum()) for t in parts)
        state = "complete" if lines else ("empty" if files else "missing")
        coverage.append(Coverage(source.name, date, state, files=len(files), lines=lines))  # type: ignore[arg-type]
        tables += parts
    return pa.concat_tables(tables), tuple(coverage)


def parsed(
    files: tuple[Path, ...], source: SourceSettings, date: str, settings: Settings, memory: Memory
) -> Iterator[pa.Table]:
    known = memory.catalogues.setdefault(source.name, {})
    tally = Tally.empty()
    with pq.ParquetWriter(memory.events / f"{source.name}.parquet", EVENTS) as writer:
        for batch in read(files, source, settings.lines):
            mined = mine(batch.lines["content"], known.values(), settings.templates)
            known.update({one.template_id: one for one in mined.templates})
            events = events_of(batch.lines, mined)
            tally.add(events)
            writer.write_table(events)
            yield counted(batch.lines, mined.template_ids, source.name, date)
    patterns = {key: one.pattern for key, one in known.items()}
    found = tally.summary(patterns, source.name, date)
    memory.summaries.setdefault(date, []).append(summed(found))


def events_of(lines: pa.Table, mined: Mined) -> pa.Table:
    kept = lines.select(["line_id", "timestamp", "level", "host", "service"])
    events = (
        kept.append_column("template_id", mined.template_ids)
        .append_column("parameters", mined.parameters)
        .append_column("count", lines["count"])
    )
    return events.cast(EVENTS)


def summed(variables: Sequence[Variable]) -> pa.Table:
    """SUMMARIES, as the database gives them."""
    rows = [
        {name: getattr(one, name) for name in SUMMARIES.names if name != "top"}
        | {"top": json.dumps(one.top) if one.distinct <= len(one.top) else ""}
        for one in variables
    ]
    return pa.Table.from_pylist(rows, schema=SUMMARIES)


def summaries(memory: Memory, dates: Sequence[str]) -> pa.Table:
    parts = [one for date in dates for one in memory.summaries.get(date, [])]
    return pa.concat_tables([SUMMARIES.empty_table(), *parts])


def counted(lines: pa.Table, template_ids: pa.Array, source: str, date: str) -> pa.Table:
    """COUNTS of a batch; a line without a time counts at the start of its night."""
    kept = lines.select(["timestamp", "service", "host", "level"])
    frame = pl.from_arrow(kept.append_column("template_id", template_ids))
    assert isinstance(frame, pl.DataFrame)
    midnight = pl.lit(date).str.to_datetime("%Y-%m-%d", time_zone="UTC", time_unit="us")
    frame = frame.with_columns(
        pl.col("timestamp").fill_null(midnight),
        pl.col("service", "host", "level").fill_null(""),
        source=pl.lit(source),
        date=pl.lit(date),
    )
    at = pl.col("timestamp")
    cells = frame.group_by(
        "source", "date", at.dt.truncate("10m").alias("bucket"), "service", "host", "level",
        "template_id",
    ).agg(count=pl.len().cast(pl.Int64), first_at=at.min(), last_at=at.max())  # fmt: skip
    return cells.select(COUNTS.names).sort(COUNTS.names).to_arrow().cast(COUNTS)


def judged(
    date: str,
    counts: pa.Table,
    coverage: tuple[Coverage, ...],
    settings: Settings,
    memory: Memory,
    encoder: Encoder | None,
) -> Result:
    """The night's findings and incidents; afterwards the night is part of the memory."""
    known = frozenset(memory.first_seen)
    tonight = frozenset(counts["template_id"].to_pylist())
    embed(tonight, memory, encoder)
    kept = memory.dates[-settings.detect.history_days :]
    files = {one.stem: one for one in sorted(memory.events.glob("*.parquet"))}
    values = odd_values(
        summaries(memory, [date]), summaries(memory, kept), memory.templates, files, date
    )
    vectors = told(tonight, memory, encoder)
    day = Day(date, counts, memory.templates, vectors, ALONE, coverage, values)
    history = History(
        dates=tuple(kept),
        counts=pa.concat_tables([COUNTS.empty_table(), *memory.counts[-len(kept) :]]),
        covered={source: frozenset(dates) for source, dates in memory.covered.items()},
        vectors=told(known, memory, encoder),
        first_seen=dict(memory.first_seen),
        incidents=tuple(memory.incidents),
        dependencies=tuple(memory.dependencies),
    )
    day = replace(day, dependencies=night_calls(day, history, list(files.values())))
    similarity = encoder.similarity if encoder else unlike
    findings = judge(day, history, settings.detect, similarity)
    incidents = correlate(findings, day, history, settings.incidents)
    remember(day, incidents, memory)
    return Result(day, history, findings, incidents)


ALONE = Clustering("none", (), np.zeros(0, np.int64), np.zeros(0, np.float64), None)


def unlike(cosine: np.ndarray[Any, Any]) -> Scores:
    return np.zeros(len(cosine), dtype=np.float64)


def embed(wanted: frozenset[str], memory: Memory, encoder: Encoder | None) -> None:
    new = sorted(key for key in wanted if key not in memory.vectors)
    if encoder is None or not new:
        return
    rows = encoder.encode([memory.templates[key].model_text for key in new])
    memory.vectors.update(zip(new, rows, strict=True))


def told(keys: frozenset[str], memory: Memory, encoder: Encoder | None) -> TemplateVectors:
    """Vectors of those templates, none where there is no encoder."""
    have = sorted(key for key in keys if key in memory.vectors)
    if encoder is None or not have:
        return TemplateVectors("none", (), np.zeros((0, 1), np.float32))
    values = np.stack([memory.vectors[key] for key in have])
    return TemplateVectors(encoder.model_id, tuple(have), values)


def remember(day: Day, incidents: tuple[Incident, ...], memory: Memory) -> None:
    memory.counts.append(day.counts)
    memory.dates.append(day.date)
    memory.incidents.extend(incidents)
    memory.dependencies.extend(day.dependencies)
    for one in day.coverage:
        if one.state == "complete":
            memory.covered.setdefault(one.source, set()).add(day.date)
    for key in sorted(set(day.counts["template_id"].to_pylist())):
        memory.first_seen.setdefault(key, day.date)


def default_encoder(settings: Settings) -> Encoder | None:
    """The shipped encoder, or none where it is not there."""
    from biglog.vectors.encoder import load_encoder

    load: Callable[[Path], Encoder] = load_encoder
    return load(settings.encoder) if settings.encoder.is_dir() else None


def show(results: Mapping[str, Result], console: Console) -> None:
    """Every night's incidents, one line each."""
    for date, result in results.items():
        console.print(f"[bold]{date}[/] {len(result.findings)} findings", highlight=False)
        for one in result.incidents:
            services = ", ".join(one.services)
            console.print(
                f"  {one.rank:>2} {one.severity:>3} {one.state:<8} {one.started_at:%H:%M}-"
                f"{one.ended_at:%H:%M} {services} | {one.title} ({len(one.finding_ids)})",
                markup=False,
                highlight=False,
            )


def main(recorded: Path = EXAMPLES) -> None:
    """Print every night's incidents and the table of faults."""
    settings = Settings(home=PROJECT / ".biglog")
    encoder = default_encoder(settings)
    console = Console(width=None if sys.stdout.isatty() else 200)
    results = {r.day.date: r for r in nights(recorded, settings, encoder)}
    show(results, console)
    benign = recorded / "benign.csv"
    scores = score_faults(
        {date: r.incidents for date, r in results.items()},
        read_faults(recorded / "faults.csv"),
        read_faults(benign) if benign.exists() else (),
    )
    console.print(picture(scores))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES)
