"""Lines of requests around an incident: those with an id that several services speak of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from biglog.incidents.changed import AROUND, DAY
from biglog.incidents.localise import LINES
from biglog.incidents.sharing import field_ids, ids, occasions, of_several

TAKEN = ["id", "service", "at", "template_id", "line_id"]
LINES_LOOKED_AT = 200_000
"""Of more lines, only the ids of one residue are looked at, whole."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The Parquet files of one partition: EVENTS, and LINES with the same line ids."""

    events: Path
    lines: tuple[Path, ...] = ()


def traced_lines(
    tonight: Sequence[Recorded], before: Sequence[Recorded], start: datetime, end: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """LINES from start to end, and those of the time before and of the same time a night earlier.

    Memory is bounded by LINES_LOOKED_AT, reading by the hours looked at.
    """
    past = [
        requests(tonight, start - AROUND, start),
        requests(before, start - AROUND - DAY, end + AROUND - DAY),
    ]
    apart = [one.with_columns(pl.format("{}.{}", pl.lit(n), "trace")) for n, one in enumerate(past)]
    return requests(tonight, start, end), pl.concat(apart)


def requests(files: Sequence[Recorded], start: datetime, end: datetime) -> pl.DataFrame:
    """LINES of one window, by trace and time."""
    within = pl.col("timestamp").is_between(start, end, closed="left")
    lines = sum(
        pl.scan_parquet(one.events).filter(within).select(pl.len()).collect().item()
        for one in files
    )
    if not lines:
        return pl.DataFrame(schema=LINES)
    step = -(-lines // LINES_LOOKED_AT)
    found = [ids(part, step).select(TAKEN) for one in files for part in values(one, within)]
    # Files are read by several threads; lines of one moment keep the order they were logged in.
    ordered = of_several(found).unique().sort("at", "service", "line_id")
    return occasions(ordered).select(
        place="service",
        template_id="template_id",
        trace=pl.col("occasion").cast(pl.String),
        at=pl.col("at").dt.replace_time_zone(None).cast(pl.Datetime("ns")),
    )


def values(one: Recorded, within: pl.Expr) -> list[pl.LazyFrame]:
    """The lines with each ``text`` of their parameters, and each id that their fields name."""
    said = (
        pl.scan_parquet(one.events)
        .filter(within & (pl.col("service") != ""))
        .select("line_id", "service", "template_id", "parameters", at="timestamp")
    )
    known = said.drop("parameters")
    fields = [
        field_ids(pl.scan_parquet(path).filter(within).select("line_id", "fields")).join(
            known, on="line_id"
        )
        for path in one.lines
    ]
    return [said.rename({"parameters": "text"}).explode("text"), *fields]
