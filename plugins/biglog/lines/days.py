"""Dates of lines that tell a time of day alone: from the file's name or age, turned at midnight."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.lines.decode import read_chunks
from biglog.lines.formats import Format, load_formats
from biglog.lines.parts import Part
from biglog.settings import LineSettings

Ints = npt.NDArray[np.int64]

LATE = 2 * 3600
"""Seconds that a line may be older than the one above: out of order, or a clock set back."""
WHOLE = 24 * 3600
MOST_TURNS = 4000
"""Midnights in one file, ten years of them, above which its times are taken to be in no order."""
CLOCK = r"^(?:\d+ +)?[\[(]?(\d\d):([0-5]\d):([0-5]\d)"
DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])"
    r"(?!\d(?!\d{3}(?:\d\d)?(?!\d)))"
)
BY_NAME, BY_AGE = "assumed date of the file's name", "assumed date of the file's age"


@dataclass(frozen=True, slots=True)
class Days:
    """Which day each line of one file is of."""

    first: date
    """Of the first line."""
    turns: Ints
    """Lines, numbered from 1, at which the day is another than above."""
    after: Ints
    """Days since the first, from each of these lines on."""
    rule: str

    def dated(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows that tell a time of day, with date and time for a timestamp."""
        clock = pl.coalesce(
            pl.when(pl.col("by") == form.name).then(
                pl.col("fields").str.json_path_match(f"$.{form.dateless}")
            )
            for form in dateless()
        )
        at = np.searchsorted(self.turns, rows["line_no"].to_numpy(), side="right")
        since = pl.Series(np.concatenate((np.zeros(1, np.int64), self.after))[at])
        days = (pl.lit(self.first) + pl.duration(days=pl.lit(since))).cast(pl.String)
        told = pl.concat_str(days, pl.lit(" "), clock)
        return rows.with_columns(timestamp=pl.coalesce("timestamp", told))


def dateless() -> list[Format]:
    """The formats whose lines tell a time of day alone."""
    return [form for form in load_formats().values() if form.dateless]


def find_days(part: Part, zone: str, limits: LineSettings) -> Days | None:
    """The days of a file's lines; None where no line tells a time, or where they are in no order.

    The name's date is that of the first line, the file's age (its last change) that of the last.
    A name of the day after the age's, as rotation gives, gives way to it; else the name decides.
    """
    turns: list[tuple[int, int]] = []
    last: int | None = None
    for numbers, seconds in clocks(part, limits):
        steps = np.diff(seconds, prepend=seconds[0] if last is None else last)
        rows = np.flatnonzero((steps < -LATE) | (steps > WHOLE - LATE))
        turns += [(int(numbers[row]), 1 if steps[row] < 0 else -1) for row in rows]
        last = int(seconds[-1])
        if len(turns) > MOST_TURNS:
            return None
    if last is None:
        return None
    at, after = np.array([turn[0] for turn in turns], np.int64), np.cumsum([t[1] for t in turns])
    end, named = last_day(part.modified, last, zone), date_in(part.name)
    if named is not None and named != end + timedelta(days=1):
        return Days(named, at, after.astype(np.int64), BY_NAME)
    whole = timedelta(days=sum(step for _, step in turns))
    return Days(end - whole, at, after.astype(np.int64), BY_AGE)


def clocks(part: Part, limits: LineSettings) -> Iterator[tuple[Ints, Ints]]:
    """Block by block the numbers of the lines that begin with a time of day, and its seconds."""
    for chunk in read_chunks(part, max_line=limits.max_line_bytes, batch=limits.batch_lines):
        told = chunk.lines.str.extract_groups(CLOCK).struct.unnest().cast(pl.Int64)
        hour, minute, second = told.iter_columns()
        rows = (hour < 24).fill_null(False).arg_true().to_numpy()
        if rows.size:
            seconds = ((hour * 60 + minute) * 60 + second).gather(pl.Series(rows)).to_numpy()
            yield chunk.first_no + rows.astype(np.int64), seconds


def last_day(modified: float, last: int, zone: str) -> date:
    """The date of the last line, by when its file was changed last."""
    then = datetime.fromtimestamp(modified, ZoneInfo(zone))
    of_day = (then.hour * 60 + then.minute) * 60 + then.second
    return then.date() - timedelta(days=int(last > of_day + LATE))


def date_in(name: str) -> date | None:
    """The last whole date in a file's path."""
    for found in reversed(list(DATE.finditer(name))):
        try:
            return date(int(found[1]), int(found[3]), int(found[4]))
        except ValueError:
            continue
    return None
