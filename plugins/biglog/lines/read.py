"""Batches of typed lines, and of lines that could not be read, from files of raw text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from biglog.lines.archives import parts
from biglog.lines.days import Days, dateless, find_days
from biglog.lines.decode import Chunk, Note, read_chunks
from biglog.lines.detect import Detection, detect
from biglog.lines.formats import COLUMNS, Format, find_format
from biglog.lines.join import goes_on, join, split_tail
from biglog.lines.nearest import find_nearest
from biglog.lines.parts import Part
from biglog.lines.redact import Redaction
from biglog.lines.repeats import count_repeats
from biglog.lines.rows import read_times, type_lines
from biglog.lines.stitch import stitch
from biglog.lines.times import Clock, end_of_reach
from biglog.records import LINES, QUARANTINE, TIMES
from biglog.settings import LineSettings, SourceSettings
from biglog.threads import ahead

__all__ = ["Batch", "Detection", "detect", "read"]

EXPLAINED = 200
"""Bad lines of a batch whose reason says where reading stopped."""
NEAR = 5
"""Formats among which the nearest to a bad line is sought."""


@dataclass(frozen=True, slots=True)
class Batch:
    lines: pa.Table
    bad: pa.Table
    bytes: int
    unread: int
    """Lines that became no record. ``bad`` may hold more: notes on lines that were kept."""
    format: str
    encoding: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How one file is read."""

    part: Part
    form: Format
    found: Detection
    clock: Clock
    source: SourceSettings
    settings: LineSettings
    joined: bool
    days: Days | None = None
    """Where lines tell a time of day alone, their dates."""

    @property
    def redaction(self) -> Redaction:
        return Redaction(self.source.redact, self.source.name)


def read(
    files: Sequence[Path],
    source: SourceSettings,
    settings: LineSettings,
    *,
    joined: bool = True,
    date: str | None = None,
) -> Iterator[Batch]:
    """The files' records in order, in batches; line_id counts on over files.

    With ``joined=False`` every physical line is a row: one that cannot be read has its whole text
    as content and no timestamp. ``date`` is the partition's, for timestamps without a year;
    without it the file's own age decides. An archive's members are files of their own, the oldest
    first. Raises BadInput for a file that cannot be opened.
    """
    count = 0
    for part in (one for path in files for one in parts(path, settings)):
        plan = make_plan(part, source, settings, joined=joined, date=date)
        for batch in read_file(plan):
            ids = pa.array(np.arange(count, count + batch.lines.num_rows))
            count += batch.lines.num_rows
            yield replace(batch, lines=batch.lines.set_column(0, LINES.field(0), ids))


def make_plan(
    part: Part, source: SourceSettings, settings: LineSettings, *, joined: bool, date: str | None
) -> Plan:
    found = detect(part, max_line=settings.max_line_bytes, only=source.format)
    form = find_format(found.format)
    latest = end_of_reach(date, part.modified)
    clock = Clock(source.timezone, latest)
    days = find_days(part, source.timezone, settings) if form.dateless else None
    return Plan(part, form, found, clock, source, settings, joined, days)


@dataclass(frozen=True, slots=True)
class Piece:
    """Typed rows, with what reading them noted; records are whole in it."""

    frame: pl.DataFrame
    notes: Sequence[Note]
    size: int
    encoding: str


def read_file(plan: Plan) -> Iterator[Batch]:
    """Blocks are typed, and their batches made, on all cores; order is kept."""
    limits = plan.settings
    chunks = read_chunks(plan.part, max_line=limits.max_line_bytes, batch=limits.batch_lines)
    if plan.joined:
        chunks = stitch(chunks, plan.form, plan.found, max_line=limits.max_line_bytes)
    typed = ahead(lambda one: Piece(parse(one, plan), one.notes, one.size, one.encoding), chunks)
    yield from ahead(lambda one: make_batch(one, plan), whole_records(typed, plan))


def whole_records(typed: Iterable[Piece], plan: Plan) -> Iterator[Piece]:
    """The pieces cut so that no record goes on in the next one."""
    if not (plan.joined and goes_on(plan.form)):
        yield from (one for one in typed if len(one.frame) or one.notes)
        return
    held, size, encoding = None, 0, ""
    for one in typed:
        size, encoding = size + one.size, one.encoding
        frame = one.frame if held is None else pl.concat([held, one.frame])
        frame, held = split_tail(frame, plan.form)
        if len(frame) or one.notes:
            yield Piece(frame, one.notes, size, encoding)
            size = 0
    if held is not None and len(held):
        yield Piece(held, (), size, encoding)


def parse(chunk: Chunk, plan: Plan) -> pl.DataFrame:
    """One row a record or a physical line: what was read in it, its number and its text."""
    frame = type_lines(chunk.lines, plan.found, joined=plan.joined)
    debris = chunk.debris if chunk.debris is not None else pl.lit(False)
    if isinstance(debris, pl.Series) and len(frame) != len(debris):
        debris = debris.gather(frame["row"])
    place = frame["row"] if chunk.rows is None else chunk.rows.gather(frame["row"])
    frame = frame.with_columns(line_no=chunk.first_no + place, debris=debris)
    if plan.form.kind == "csv" and plan.found.header and chunk.first_no == 1 and len(frame):
        frame = skip_header(frame, plan)
    return frame if plan.days is None else plan.days.dated(frame)


def skip_header(frame: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """The line that names a CSV's columns is no record; where every line is a row, its text is."""
    row = int(frame["raw"].str.contains(r"\S").arg_true()[0])
    if plan.joined:
        return frame.slice(row + 1)
    names = (*COLUMNS, "fields")
    here = pl.int_range(pl.len()) == row
    return frame.with_columns(pl.when(~here).then(pl.col(name)).alias(name) for name in names)


def make_batch(piece: Piece, plan: Plan) -> Batch:
    if plan.joined:
        done = join(piece.frame, plan.form)
        records, bad = done.records, done.bad
    else:
        records = piece.frame.with_columns(body=pl.lit(None, pl.String))
        bad = piece.frame.clear()
    return Batch(
        lines=line_table(records, plan),
        bad=bad_table(bad, piece.notes, plan),
        bytes=piece.size,
        unread=len(bad) + plan.joined * sum(one.lost for one in piece.notes),
        format=plan.form.name,
        encoding=piece.encoding,
    )


def line_table(records: pl.DataFrame, plan: Plan) -> pa.Table:
    """LINES, whose metadata says by which rules their times were read."""
    clean = plan.redaction.clean
    content = pl.select(pl.coalesce(records["content"], records["raw"])).to_series()
    times = read_times(records, plan.clock)
    if plan.days is not None:
        dated = records["by"].is_in([form.name for form in dateless()])
        times.rules[plan.days.rule] += int((dated & times.utc.is_not_null()).sum())
    columns: dict[str, pl.Series | pl.Expr] = {
        "line_id": pl.int_range(len(records), eager=True),
        "file": pl.lit(plan.part.name),
        "line_no": records["line_no"],
        "timestamp": times.utc,
        "level": records["level"],
        "host": filled(records["host"], plan.source.host),
        "service": filled(records["service"], plan.source.service),
        "component": records["component"].str.strip_chars(),
        "content": clean(content),
        "body": clean(records["body"]),
        "fields": clean(records["fields"]),
    }
    frame = records.select(**columns, count=pl.lit(1, pl.Int64))
    if plan.joined and plan.source.duplicates == "count":
        frame = count_repeats(frame)
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    return table.cast(LINES).replace_schema_metadata({TIMES: json.dumps(times.rules)})


def filled(column: pl.Series, usual: str) -> pl.Series:
    return column.fill_null(usual) if usual else column


def bad_table(bad: pl.DataFrame, notes: Sequence[Note], plan: Plan) -> pa.Table:
    """What could not be read and why, with a cut and redacted sample."""
    if not len(bad) and not notes:
        return QUARANTINE.empty_table()
    length = plan.settings.max_sample_chars
    texts = pl.concat([bad["raw"], pl.Series("raw", [one.sample for one in notes], pl.String)])
    # redacted before it is cut, so that no half of a secret is left at the end
    samples = plan.redaction.clean(texts.str.head(length + 4000)).str.head(length)
    numbers = [*bad["line_no"].to_list(), *(one.line_no for one in notes)]
    reasons = [*reasons_of(bad, plan), *(one.reason for one in notes)]
    columns = [[plan.part.name] * len(numbers), numbers, reasons, samples.to_list()]
    return pa.table(columns, schema=QUARANTINE)


def reasons_of(bad: pl.DataFrame, plan: Plan) -> list[str]:
    near = near_formats(plan)
    made = []
    for at, (raw, debris) in enumerate(bad.select("raw", "debris").iter_rows()):
        reason = f"not {plan.form.name}"
        if debris:
            reason += ": holds control characters or bytes that are no text"
        elif at < EXPLAINED and (found := find_nearest(raw, near)):
            reason = found.tell(plan.form.name)
        made.append(reason)
    return made


def near_formats(plan: Plan) -> list[Format]:
    """The file's format, and others that read lines of its sample: what a bad line may be."""
    read = (name for name, share in plan.found.tried[:NEAR] if share > 0)
    names = dict.fromkeys([plan.form.name, *plan.found.others, *read])
    return [find_format(name) for name in names if name != "message"]
