"""Values of a night's lines that lie outside what earlier nights had in the same places.

The summaries that every night leaves say which places to look at; on most nights there are few, and
only the lines of their templates are read again, batch by batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from biglog.findings.usual import FEW_WORDS, STATUS, SUSPECTS, WORD, suspects
from biglog.parameters import places, sizes
from biglog.records import BUCKET_MINUTES, ODD_VALUES, Template
from biglog.templates.mask import WILDCARD

BATCH = 100_000
LONGEST = 2_000
"""Characters kept of an example, as of a template's own."""
READ = ["timestamp", "level", "host", "service", "template_id", "parameters", "count"]
PLACE = ["source", "template_id", "slot", "way"]
CELL = [*PLACE, "service", "host", "level", "bucket"]


def odd_values(
    tonight: pa.Table,
    past: pa.Table,
    templates: Mapping[str, Template],
    events: Mapping[str, Path],
    date: str,
) -> pa.Table:
    """ODD_VALUES of a night, from SUMMARIES of it and of earlier nights, and its events by source.

    Memory grows with places and ten-minute windows, not with lines.
    """
    now, then = frame(tonight), frame(past)
    used = set(now["template_id"].unique()) & templates.keys()
    patterns = {key: templates[key].pattern for key in sorted(used)}
    found = suspects(now, then, named_places(patterns))
    tables = [
        told(seen(events[source], mine, date), mine, patterns)
        for (source,), mine in found.group_by("source", maintain_order=True)
        if source in events
    ]
    return pa.concat_tables([ODD_VALUES.empty_table(), *tables])


def frame(table: pa.Table) -> pl.DataFrame:
    found = pl.from_arrow(table)
    assert isinstance(found, pl.DataFrame)
    return found


def named_places(patterns: Mapping[str, str]) -> pl.DataFrame:
    """Places that are no ids: template_id, slot, field, factor, and the template's width."""
    widths = pl.DataFrame(
        [(key, pattern.count(WILDCARD)) for key, pattern in patterns.items()],
        schema={"template_id": pl.String, "width": pl.Int64},
        orient="row",
    )
    named = places(patterns).select(pl.col("id").alias("template_id"), "slot", "field", "factor")
    return named.join(widths, on="template_id")


def seen(path: Path, mine: pl.DataFrame, date: str) -> pl.DataFrame:
    """The windows of one source's events with values outside, by CELL."""
    kept = pl.DataFrame()
    for lines in batches(path, mine):
        found = cells(outside(lines, mine), date)
        kept = together(pl.concat([kept, found])) if kept.height else found
    return kept


def batches(path: Path, mine: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Lines of the templates that are looked at."""
    wanted = mine["template_id"].unique()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH, columns=READ):
            lines = frame(pa.Table.from_batches([batch]))
            yield lines.filter(pl.col("template_id").is_in(wanted.implode()))


def outside(lines: pl.DataFrame, mine: pl.DataFrame) -> pl.DataFrame:
    """A row per line and place with a value past its limit, or not of its set."""
    rows = lines.join(mine, on="template_id").with_columns(
        value=pl.col("parameters").list.get(pl.col("slot") - 1, null_on_oob=True)
    )
    rows = rows.with_columns(number=sizes(pl.col("value")) * pl.col("factor"))
    shape = pl.col("value").str.contains(WORD) | pl.col("value").str.contains(STATUS)
    way = pl.col("way")
    return rows.filter(
        pl.when(way == "new")
        .then(shape & ~pl.col("value").is_in(pl.col("known")))
        .when(way == "down")
        .then((pl.col("number") > 0) & (pl.col("number") < pl.col("limit")))
        .otherwise(pl.col("number") > pl.col("limit"))
    )


def cells(rows: pl.DataFrame, date: str) -> pl.DataFrame:
    """Lines outside, counted in windows; one without a usable time is at the start of the night."""
    midnight = pl.lit(date).str.to_datetime("%Y-%m-%d", time_zone="UTC", time_unit="us")
    near = pl.col("timestamp").is_between(midnight.dt.offset_by("-1d"), midnight.dt.offset_by("2d"))
    at = pl.when(near).then("timestamp").otherwise(midnight)
    new = pl.col("way") == "new"
    lines = rows.with_columns(
        pl.col("service", "host", "level").fill_null(""),
        bucket=at.dt.truncate(f"{BUCKET_MINUTES}m"),
        first_at=at,
        last_at=at,
        number=pl.when(~new).then("number"),
        texts=pl.when(new).then(pl.concat_list("value")).otherwise(pl.lit([], pl.List(pl.String))),
    )
    return together(lines)


def together(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per CELL, with the values that are farthest out."""
    far = (
        pl.when(pl.col("way") == "down").then(-pl.col("number")).otherwise("number").fill_null(0.0)
    )
    return rows.group_by(CELL).agg(
        pl.col("first_at").min(),
        pl.col("last_at").max(),
        pl.col("count").sum(),
        pl.col("number", "parameters").sort_by(far, "first_at").last(),
        pl.col("texts").explode().drop_nulls().unique().sort().head(FEW_WORDS + 1),
    )


def told(found: pl.DataFrame, mine: pl.DataFrame, patterns: Mapping[str, str]) -> pa.Table:
    """ODD_VALUES, sorted: the windows with what is known of their places."""
    rows = found.join(mine.select(*SUSPECTS), on=PLACE).sort(CELL)
    examples = [
        filled(patterns[key], values)
        for key, values in rows["template_id", "parameters"].iter_rows()
    ]
    whole = rows.with_columns(pl.Series("example", examples, dtype=pl.String))
    return whole.select(ODD_VALUES.names).to_arrow().cast(ODD_VALUES)


def filled(pattern: str, values: list[str]) -> str:
    """The beginning of the line that a template and its values were made from, blanks tidied."""
    first, *rest = pattern.split(WILDCARD)
    line = first + "".join(value + part for value, part in zip(values, rest, strict=True))
    return line[:LONGEST]
