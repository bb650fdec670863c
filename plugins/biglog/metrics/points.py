"""The points of one night of a source: its files read, what is of another night left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from biglog.errors import BadInput
from biglog.metrics.prometheus import read_matrix
from biglog.metrics.read import Clock, read_table
from biglog.records import identify
from biglog.settings import MetricSource

LONGEST = 300
"""Characters of a series' name: it is a key of the database, whose keys have a limit."""
PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"BZh")


@dataclass(frozen=True, slots=True)
class Arrived:
    """What the files of a night held."""

    points: pl.DataFrame  # POINTS
    read: int  # values in the files, those of other nights included
    unread: int  # of those: without a number
    others: int  # of those: of other nights


@dataclass(frozen=True, slots=True)
class Span:
    """From midnight to midnight in a source's zone, in seconds since 1970."""

    start: float
    end: float


def night_of(source: MetricSource, date: str) -> Span:
    """Raises BadInput where the date is none."""
    try:
        day = Date.fromisoformat(date)
    except ValueError as error:
        raise BadInput(f"date {date!r} is not a date; expected YYYY-MM-DD") from error
    ends = (day, day + timedelta(days=1))
    zone = ZoneInfo(source.timezone)
    return Span(*(datetime.combine(one, time(), zone).timestamp() for one in ends))


def read_night(paths: Sequence[Path], source: MetricSource, date: str, clock: Clock) -> Arrived:
    """The night's points in all of the files; of two of a series and a time, the later file's.

    Raises BadInput for a file that cannot be read as the source's format, and where two files
    have different values for one time of a series that has no name.
    """
    night = night_of(source, date)
    every = [
        one.with_columns(file=pl.lit(number))
        for number, path in enumerate(paths)
        for one in read_file(path, source, clock)
    ]
    frame = pl.concat(every) if every else blank()
    known = frame.filter(pl.col("value").is_not_null())
    inside = known.filter((pl.col("seconds") >= night.start) & (pl.col("seconds") < night.end))
    check_nameless(inside, source, paths)
    at = (pl.col("seconds") * 1e6).round().cast(pl.Int64).cast(pl.Datetime("us", "UTC"))
    kept = (
        inside.select("series", at.alias("at"), "value")
        .unique(["series", "at"], keep="last", maintain_order=True)
        .sort("series", "at")
    )
    return Arrived(
        points=kept,
        read=frame.height,
        unread=frame.height - known.height,
        others=known.height - inside.height,
    )


def blank() -> pl.DataFrame:
    kinds = {"series": pl.String, "seconds": pl.Float64, "value": pl.Float64, "file": pl.Int32}
    return pl.DataFrame(schema=kinds)


def read_file(path: Path, source: MetricSource, clock: Clock) -> Iterator[pl.DataFrame]:
    """``series``, ``seconds`` and ``value``, null where there is no number."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(PACKED):
        raise BadInput(f"{path} is packed; metrics are read from plain files: unpack it first")
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    json = source.format == "prometheus" or (source.format == "auto" and begins in (b"{", b"["))
    frames = read_matrix(path) if json else read_columns(path, clock)
    for frame in frames:
        yield frame.with_columns(pl.col("series").replace(rename(frame["series"], source)))


def read_columns(path: Path, clock: Clock) -> Iterator[pl.DataFrame]:
    """A frame a series; one that is called ``value`` alone in its file has no name."""
    table = read_table(path, clock)
    if table.skipped and len(set(table.times.tolist())) < len(table.times):
        raise BadInput(
            f"{path}: several rows of one time, and text in {table.skipped[0]!r}: a file with a "
            "series a row is not read; write a column for each series: timestamp,m1,m2,…"
        )
    alone = table.names == ("value",)
    for name, values in zip(table.names, table.values.T, strict=True):
        yield pl.DataFrame(
            {
                "series": pl.repeat("" if alone else name, len(values), eager=True),
                "seconds": table.times,
                "value": values,
            }
        ).with_columns(pl.col("value").fill_nan(None))


def rename(names: pl.Series, source: MetricSource) -> dict[str, str]:
    """A name that people, a page and the database can hold, for each."""
    return {one: plain(one) or source.name for one in names.unique()}


def plain(name: str) -> str:
    """Printable, and not longer than LONGEST; a name that was cut stays another than its kin."""
    shown = "".join(one if one.isprintable() else "\ufffd" for one in name).strip()
    if len(shown) <= LONGEST and shown == name.strip():
        return shown
    return f"{shown[: LONGEST - 18]}…{identify(name)}"


def check_nameless(inside: pl.DataFrame, source: MetricSource, paths: Sequence[Path]) -> None:
    """Two files of timestamp,value would become one series of both."""
    several = (
        inside.filter(pl.col("series") == source.name)
        .group_by("seconds")
        .agg(pl.col("file").sort(), values=pl.col("value").n_unique())
        .filter((pl.col("file").list.n_unique() > 1) & (pl.col("values") > 1))
    )
    if several.height:
        first, *_, last = (paths[one].name for one in several["file"][0])
        raise BadInput(
            f"metrics {source.name}: {first} and {last} have different values for the same times "
            "of a column named value; name the column of each file by its series"
        )
