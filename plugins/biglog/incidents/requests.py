"""Lines of requests around an incident: those with an id that several services speak of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from biglog.calls import DIGITS, ID, ID_FIELD, PLAIN, RARE
from biglog.incidents.changed import AROUND, DAY
from biglog.incidents.localise import LINES
from biglog.incidents.sharing import occasions

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
    found = [part for one in files for part in ids(one, within, step)]
    tallies = [collected(one.group_by("id", "service").len()) for one in found]
    shared = (
        pl.concat(tallies)
        .group_by("id")
        .agg(services=pl.col("service").n_unique(), lines=pl.col("len").sum())
        .filter((pl.col("services") > 1) & (pl.col("lines") <= RARE))
        .select("id")
    )
    kept = [collected(one.join(shared.lazy(), on="id", how="semi")) for one in found]
    # Files are read by several threads; lines of one moment keep the order they were logged in.
    ordered = pl.concat(kept).unique().sort("at", "service", "line_id")
    return occasions(ordered).select(
        place="service",
        template_id="template_id",
        trace=pl.col("occasion").cast(pl.String),
        at=pl.col("at").dt.replace_time_zone(None).cast(pl.Datetime("ns")),
    )


def collected(rows: pl.LazyFrame) -> pl.DataFrame:
    return rows.collect(engine="streaming")


def ids(one: Recorded, within: pl.Expr, step: int) -> list[pl.LazyFrame]:
    """The lines with what looks like an id, among their parameters and in fields of their own."""
    said = (
        pl.scan_parquet(one.events)
        .filter(within & (pl.col("service") != ""))
        .select("line_id", "service", "template_id", "parameters", at="timestamp")
    )
    values = said.rename({"parameters": "text"}).explode("text")
    known = said.drop("parameters")
    fields = [
        pl.scan_parquet(path)
        .filter(within & pl.col("fields").str.contains(ID_FIELD))
        .select("line_id", text=pl.col("fields").str.extract_all(ID_FIELD))
        .explode("text")
        .with_columns(pl.col("text").str.extract(r'"([^"]*)"$'))
        .join(known, on="line_id")
        for path in one.lines
    ]
    return [shaped(rows, step) for rows in (values, *fields)]


def shaped(rows: pl.LazyFrame, step: int) -> pl.LazyFrame:
    text = pl.col("text")
    is_id = text.str.contains(ID) & text.str.contains(DIGITS) & ~text.str.contains(PLAIN)
    return (
        rows.drop_nulls(["service", "at", "text"])
        .filter(text.str.len_bytes().is_between(8, 64) & is_id)
        .with_columns(id=text.hash())
        .filter(pl.col("id") % step == 0)
        .select("id", "service", "at", "template_id", "line_id")
    )
