"""One partition of lines and its quarantine, replaced whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from biglog import lake
from biglog.errors import BadInput
from biglog.lines.read import Batch
from biglog.records import LINES, QUARANTINE
from biglog.settings import SourceSettings

GROUP = 100_000
"""Rows gathered before a row group is written: many small files make no small groups."""


@dataclass(frozen=True, slots=True)
class LinesInfo:
    """What a partition holds; ``quarantined`` counts lines that became no record."""

    lines: int
    quarantined: int
    bytes: int
    format: str
    encoding: str
    first_at: datetime | None
    last_at: datetime | None
    late: int
    """Lines kept here whose timestamp lies on another date."""


@dataclass(slots=True)
class Tally:
    """LinesInfo in the making."""

    start: datetime
    end: datetime
    lines: int = 0
    unread: int = 0
    bytes: int = 0
    late: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    formats: dict[str, int] = field(default_factory=dict)
    encodings: dict[str, int] = field(default_factory=dict)
    worst: tuple[str, str] = ("", "")

    def add(self, batch: Batch) -> None:
        self.lines += batch.lines.num_rows
        self.unread += batch.unread
        self.bytes += batch.bytes
        rows = batch.lines.num_rows
        self.formats[batch.format] = self.formats.get(batch.format, 0) + rows
        self.encodings[batch.encoding] = self.encodings.get(batch.encoding, 0) + rows
        if batch.unread and not self.worst[0]:
            row = batch.bad.slice(0, 1).to_pylist()[0]
            self.worst = (f"{row['file']} line {row['line_no']}: {row['sample']!r}", row["reason"])
        self.add_times(batch.lines["timestamp"])

    def add_times(self, times: pa.ChunkedArray) -> None:
        span = pc.min_max(times).as_py()
        if span["min"] is None:
            return
        self.first_at = min(filter(None, (self.first_at, span["min"])))
        self.last_at = max(filter(None, (self.last_at, span["max"])))
        if span["min"] < self.start or span["max"] >= self.end:
            early = pc.less(times, pa.scalar(self.start, times.type))
            after = pc.greater_equal(times, pa.scalar(self.end, times.type))
            self.late += pc.sum(pc.or_(early, after)).as_py() or 0

    def info(self) -> LinesInfo:
        return LinesInfo(
            lines=self.lines,
            quarantined=self.unread,
            bytes=self.bytes,
            format=", ".join(ranked(self.formats)),
            encoding=", ".join(ranked(self.encodings)),
            first_at=self.first_at,
            last_at=self.last_at,
            late=self.late,
        )


def ranked(counts: dict[str, int]) -> list[str]:
    return [name for name in sorted(counts, key=lambda one: (-counts[one], one)) if name]


def write_partition(
    batches: Iterable[Batch], directory: Path, source: SourceSettings, date: str
) -> LinesInfo:
    """Write the batches as the partition (source, date) of the lake in ``directory``.

    Raises BadInput where more lines than ``source.max_bad_share`` could not be read; then, as
    after a kill at any moment, the partition that was there stays as it was.
    """
    target = lake.lines(directory, source.name, date)
    aside = lake.quarantine(directory, source.name, date)
    lake.sweep(target.parent)
    lake.sweep(aside.parent)
    start, end = day_of(date, source.timezone)
    tally = Tally(start, end)
    # Leaving, the inner file is swapped in first: lines last, so that their being there is the sign
    # that the partition is done.
    with lake.replacing(target) as draft, lake.replacing(aside) as bad_draft:
        write_drafts(batches, draft, bad_draft, tally=tally)
        refuse_mostly_bad(tally, source)
    return tally.info()


def write_drafts(batches: Iterable[Batch], draft: Path, bad_draft: Path, *, tally: Tally) -> None:
    plain: dict[str, Any] = {"compression": "zstd", "compression_level": 1}
    with (
        pq.ParquetWriter(draft, LINES, use_dictionary=DICTIONARY, **plain) as lines,
        pq.ParquetWriter(bad_draft, QUARANTINE, **plain) as bad,
    ):
        waiting: list[pa.Table] = []
        for batch in batches:
            tally.add(batch)
            waiting.append(batch.lines)
            if batch.bad.num_rows:
                bad.write_table(batch.bad)
            if sum(one.num_rows for one in waiting) >= GROUP:
                lines.write_table(pa.concat_tables(waiting))
                waiting = []
        if waiting:
            lines.write_table(pa.concat_tables(waiting))


DICTIONARY = ["file", "level", "host", "service", "component"]
"""Columns with few distinct values; contents would only fill a dictionary and give it up."""


def refuse_mostly_bad(tally: Tally, source: SourceSettings) -> None:
    total = tally.lines + tally.unread
    if not total or tally.unread / total <= source.max_bad_share:
        return
    example, reason = tally.worst
    raise BadInput(
        f"source {source.name}: {tally.unread:,} of {total:,} lines "
        f"({tally.unread / total:.0%}) could not be read as {', '.join(ranked(tally.formats))}, "
        f"more than max_bad_share = {source.max_bad_share:.0%}; for example {example} ({reason}). "
        f"Name the right format in sources.toml (format = …), or raise max_bad_share"
    )


def day_of(date: str, zone: str) -> tuple[datetime, datetime]:
    """Start and end of a partition's day in the source's own zone; a day may have 23 hours."""
    start = datetime.fromisoformat(date).replace(tzinfo=ZoneInfo(zone))
    end = (start.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=ZoneInfo(zone))
    return start.astimezone(UTC), end.astimezone(UTC)
