"""One partition of lines with its quarantine and what it holds of other dates, replaced whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from biglog import lake
from biglog.errors import BadInput
from biglog.lines.read import Batch
from biglog.records import LINES, QUARANTINE, TIMES
from biglog.settings import SourceSettings
from biglog.threads import behind

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
    late: Mapping[str, int]
    """Lines of other dates, which were put into their own partitions."""
    left: int
    """Lines of other dates in files that every night reads: their own nights take them."""
    jumps: int
    """Lines kept here though their clock shows a date out of reach."""
    times: Mapping[str, int]
    """Lines by the rule that gave them their time."""


@dataclass(frozen=True, slots=True)
class Day:
    """A partition's date in the source's own zone, where a day may have 23 hours."""

    date: str
    zone: str
    reach: int
    """Days before and after it whose lines are put into their own partitions."""
    nightly: bool = True
    """Whether its files are its own; what other nights read too is not put there twice."""

    @property
    def span(self) -> tuple[datetime, datetime]:
        start = datetime.fromisoformat(self.date).replace(tzinfo=ZoneInfo(self.zone))
        end = (start.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=ZoneInfo(self.zone))
        return start.astimezone(UTC), end.astimezone(UTC)

    def distances(self, times: pa.ChunkedArray) -> pl.Series:
        """Days from this one to each time's; 0 where there is no time."""
        dates = pl.Series(times).dt.convert_time_zone(self.zone).dt.date()
        return (dates - date.fromisoformat(self.date)).dt.total_days().fill_null(0)

    def near(self, days: pl.Series) -> pl.Series:
        """Which distances are other dates, and no wrong clock."""
        back = self.reach if self.nightly or not self.reach else ROTATED_DAYS
        return (days != 0) & days.is_between(-back, self.reach)

    def plus(self, days: int) -> str:
        return (date.fromisoformat(self.date) + timedelta(days=days)).isoformat()


ROTATED_DAYS = 400
"""How far back a set of rotated files that every night reads may go."""


@dataclass(slots=True)
class Tally:
    """LinesInfo in the making."""

    lines: int = 0
    unread: int = 0
    bytes: int = 0
    left: int = 0
    jumps: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    late: Counter[str] = field(default_factory=Counter)
    times: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    encodings: Counter[str] = field(default_factory=Counter)
    worst: tuple[str, str] = ("", "")

    def add(self, batch: Batch) -> None:
        """What a batch says of itself."""
        rows = batch.lines.num_rows
        self.unread += batch.unread
        self.bytes += batch.bytes
        self.formats[batch.format] += rows
        self.encodings[batch.encoding] += rows
        self.times.update(json.loads((batch.lines.schema.metadata or {}).get(TIMES.encode(), "{}")))
        if batch.unread and not self.worst[0]:
            row = batch.bad.slice(0, 1).to_pylist()[0]
            self.worst = (f"{row['file']} line {row['line_no']}: {row['sample']!r}", row["reason"])

    def add_own(self, lines: pa.Table, *, jumps: pa.Table) -> None:
        """Lines that stay in the partition; those whose clock jumped say nothing of its span."""
        self.lines += records(lines) + records(jumps)
        self.jumps += records(jumps)
        span = pc.min_max(lines["timestamp"]).as_py()
        if span["min"] is not None:
            self.first_at = min(filter(None, (self.first_at, span["min"])))
            self.last_at = max(filter(None, (self.last_at, span["max"])))

    def info(self) -> LinesInfo:
        return LinesInfo(
            lines=self.lines,
            quarantined=self.unread,
            bytes=self.bytes,
            format=", ".join(ranked(self.formats)),
            encoding=", ".join(ranked(self.encodings)),
            first_at=self.first_at,
            last_at=self.last_at,
            late=dict(sorted(self.late.items())),
            left=self.left,
            jumps=self.jumps,
            times=dict(self.times.most_common()),
        )


def records(lines: pa.Table) -> int:
    """How many records the lines stand for."""
    return pc.sum(lines["count"]).as_py() or 0


def ranked(counts: Mapping[str, int]) -> list[str]:
    return [name for name in sorted(counts, key=lambda one: (-counts[one], one)) if name]


def write_partition(
    batches: Iterable[Batch], directory: Path, source: SourceSettings, date: str
) -> LinesInfo:
    """Write the batches as the partition (source, date) of the lake in ``directory``.

    Lines of a date not more than ``source.late_days`` away go into that date's partition, as a
    file that this one owns. Raises BadInput where more lines than ``source.max_bad_share`` could
    not be read; then, as after a kill at any moment, the partition that was there stays as it was.
    """
    day = Day(date, source.timezone, source.late_days, source.nightly)
    tally = Tally()
    # Leaving, the last file is swapped in first: lines last, so that their being there is the sign
    # that the partition is done.
    with ExitStack() as stack:
        drafts = Drafts(directory, source.name, day, stack)
        lines = drafts.open(lake.lines(directory, source.name, date), LINES)
        stack.enter_context(withdrawing(drafts))
        bad = drafts.open(lake.quarantine(directory, source.name, date), QUARANTINE)
        write_drafts(batches, drafts, lines, bad, tally=tally)
        refuse_mostly_bad(tally, source)
        lines.add_key_value_metadata({TIMES: json.dumps(tally.times)})
    return tally.info()


@dataclass(frozen=True, slots=True)
class Drafts:
    """The files of one run in the making."""

    directory: Path
    source: str
    day: Day
    stack: ExitStack
    late: dict[str, pq.ParquetWriter] = field(default_factory=dict)
    """Writers of lines of other dates, by date."""

    def open(self, target: Path, schema: pa.Schema) -> pq.ParquetWriter:
        lake.sweep(target.parent)
        draft = self.stack.enter_context(lake.replacing(target))
        writer = pq.ParquetWriter(
            draft,
            schema,
            use_dictionary=[name for name in DICTIONARY if name in schema.names],
            column_encoding=dict.fromkeys(set(RISING) & set(schema.names), "DELTA_BINARY_PACKED"),
            write_statistics=[name for name in schema.names if name not in LONG],
            write_batch_size=TOGETHER,
            compression="zstd",
            compression_level=1,
        )
        return self.stack.enter_context(writer)

    def write_late(self, date: str, lines: pa.Table) -> None:
        if date not in self.late:
            target = lake.late(self.directory, self.source, date, night=self.day.date)
            self.late[date] = self.open(target, LINES)
        self.late[date].write_table(lines)


@contextmanager
def withdrawing(drafts: Drafts) -> Iterator[None]:
    """Once all else is in place, remove late lines of an earlier run that are no longer there."""
    yield
    own = lake.late(drafts.directory, drafts.source, "*", night=drafts.day.date)
    for path in drafts.directory.glob(str(own.relative_to(drafts.directory))):
        if path.parent.name.removeprefix("date=") not in drafts.late:
            path.unlink()


def write_drafts(
    batches: Iterable[Batch],
    drafts: Drafts,
    lines: pq.ParquetWriter,
    bad: pq.ParquetWriter,
    *,
    tally: Tally,
) -> None:
    waiting: list[pa.Table] = []
    with behind(lines.write_table) as write:
        for batch in batches:
            tally.add(batch)
            waiting.append(keep_own(batch.lines, drafts, tally))
            if batch.bad.num_rows:
                bad.write_table(batch.bad)
            if sum(one.num_rows for one in waiting) >= GROUP:
                write(pa.concat_tables(waiting))
                waiting = []
        if waiting:
            write(pa.concat_tables(waiting))


def keep_own(lines: pa.Table, drafts: Drafts, tally: Tally) -> pa.Table:
    """The lines that stay; those of another date within reach are written to its partition."""
    day = drafts.day
    start, end = day.span
    span = pc.min_max(lines["timestamp"]).as_py()
    if span["min"] is None or start <= span["min"] <= span["max"] < end:
        tally.add_own(lines, jumps=lines.slice(0, 0))
        return lines
    days = day.distances(lines["timestamp"])
    near = day.near(days)
    counted = lines.select(["timestamp", "count"])
    if day.nightly:
        put_late(lines, days.set(~near, 0), drafts, tally)
    else:
        tally.left += records(counted.filter(near.to_arrow()))
    jumps = counted.filter((~near & (days != 0)).to_arrow())
    tally.add_own(counted.filter((days == 0).to_arrow()), jumps=jumps)
    return lines.filter((~near).to_arrow()) if near.any() else lines


def put_late(lines: pa.Table, days: pl.Series, drafts: Drafts, tally: Tally) -> None:
    """Each line that is days away into the partition of its date."""
    for distance in days.filter(days != 0).unique().sort():
        date = drafts.day.plus(distance)
        moved = lines.filter((days == distance).to_arrow())
        drafts.write_late(date, number_late(moved, drafts.day.date))
        tally.late[date] += records(moved)


LATE_IDS = 1 << 32
"""Ids of late lines begin here for each day since 1970 of the night that brought them."""


def number_late(lines: pa.Table, night: str) -> pa.Table:
    """Late lines with ids that no other line of the partition they go to can have."""
    days = (date.fromisoformat(night) - date(1970, 1, 1)).days
    ids = pc.add(lines["line_id"], days * LATE_IDS)
    return lines.set_column(0, LINES.field(0), ids)


DICTIONARY = ["file", "level", "host", "service", "component", "count"]
"""Columns with few distinct values; contents would only fill a dictionary and give it up."""
LONG = ("content", "body", "fields", "sample")
"""Columns of free text, of which no reader asks for the least and the greatest."""
TOGETHER = 16_384
"""Values of a column that are written at a time; the usual thousand makes more calls than gain."""
RISING = ("line_id", "line_no", "timestamp")
"""Columns of numbers close to the one before, whose differences take a byte or two."""


def refuse_mostly_bad(tally: Tally, source: SourceSettings) -> None:
    total = tally.lines + tally.late.total() + tally.left + tally.unread
    if not total or tally.unread / total <= source.max_bad_share:
        return
    example, reason = tally.worst
    raise BadInput(
        f"source {source.name}: {tally.unread:,} of {total:,} lines "
        f"({tally.unread / total:.0%}) could not be read as {', '.join(ranked(tally.formats))}, "
        f"more than max_bad_share = {source.max_bad_share:.0%}; for example {example} ({reason}). "
        f"Name the right format in sources.toml (format = …), or raise max_bad_share"
    )
