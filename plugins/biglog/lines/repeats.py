"""Records that only repeat the one above them, as that one's count."""

from __future__ import annotations

import polars as pl

SAME = ("timestamp", "host", "service", "component", "level", "content", "body", "fields")
TOLD = r"^last message repeated ([0-9]{1,6}) times?$"
"""What syslog daemons write instead of the lines themselves."""
QUOTED = r"^message repeated ([0-9]{1,6}) times: \[ ?(.*?) ?\]$"
"""The same by rsyslog, which names the message."""


def count_repeats(records: pl.DataFrame) -> pl.DataFrame:
    """One row for equal neighbours, and for a record with syslog's word that it was repeated."""
    content = pl.col("content")
    quoted = content.str.extract(QUOTED, 1).cast(pl.Int64)
    above = pl.int_range(pl.len()) > 0
    told = pl.when(above).then(content.str.extract(TOLD).cast(pl.Int64))
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in SAME) & above
    return (
        records.with_columns(
            content=pl.coalesce(content.str.extract(QUOTED, 2), content),
            count=pl.coalesce(told, quoted, 1),
            record=(~same & told.is_null()).cum_sum(),
        )
        .group_by("record", maintain_order=True)
        .agg(pl.all().exclude("count").first(), pl.col("count").sum())
        .drop("record")
    )
