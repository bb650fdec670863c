"""Physical lines to records: continuation lines become the body of the record above."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from biglog.lines.formats import Format

MAX_BODY = 2000
"""Lines one record may go on for; further ones are unreadable on their own."""
MAX_HELD = 20_000
"""Lines held back at a batch's end, so that the record that goes on there stays whole."""
INTERLEAVED = 64
"""Records whose attached lines may still come, where several processes write at once."""


@dataclass(frozen=True, slots=True)
class Joined:
    records: pl.DataFrame
    bad: pl.DataFrame


def goes_on(form: Format) -> bool:
    return form.continuation != "none" or bool(form.attach)


def split_tail(frame: pl.DataFrame, form: Format) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of finished records, and those of the last, which may go on in the next batch."""
    if not goes_on(form):
        return frame, frame.clear()
    heads = (frame["matched"] & ~frame["attached"]).arg_true()
    at = int(heads[-min(len(heads), INTERLEAVED if form.attach else 1)]) if len(heads) else 0
    if len(frame) - at > MAX_HELD or not len(heads):
        return frame, frame.clear()
    return frame.head(at), frame.slice(at)


def join(frame: pl.DataFrame, form: Format) -> Joined:
    """Records with their bodies, and the lines that belong to none. Blank lines are nothing."""
    if frame["matched"].all() and not frame["attached"].any():
        return Joined(frame.with_columns(body=pl.lit(None, pl.String)), frame.clear())
    placed = place(frame, form)
    head = pl.col("matched") & (~pl.col("attached") | pl.col("record").is_null())
    member = ~head & pl.col("record").is_not_null() & going(form)
    placed = placed.with_columns(head=head, member=member)
    many = pl.col("member").cast(pl.Int32).cum_sum().over("record") > MAX_BODY
    placed = placed.with_columns(member=pl.col("member") & ~many)
    blank = pl.col("raw").str.contains(r"^\s*$")
    bad = placed.filter(~pl.col("head") & ~pl.col("member") & ~blank)
    body = said(form).str.join("\n").alias("body")
    bodies = placed.filter("member").group_by("record", maintain_order=True).agg(body)
    records = placed.filter("head").with_columns(record=pl.col("row").cast(pl.Int64))
    return Joined(records.join(bodies, on="record", how="left", maintain_order="left"), bad)


def place(frame: pl.DataFrame, form: Format) -> pl.DataFrame:
    """Each row with the row number of the record it would belong to; null before the first."""
    rows = frame.with_row_index("row")
    own = pl.when(pl.col("matched") & ~pl.col("attached")).then(pl.col("row").cast(pl.Int64))
    rows = rows.with_columns(own=own)
    if not form.attach:
        return rows.with_columns(record=pl.col("own").forward_fill()).drop("own")
    # a DETAIL goes to its own process's record; what follows the DETAIL goes the same way
    same = pl.col("own").forward_fill().over("key")
    rows = rows.with_columns(target=pl.when(pl.col("matched")).then(same))
    rows = rows.with_columns(
        record=pl.when(pl.col("matched"))
        .then(pl.col("target"))
        .otherwise(pl.col("target").forward_fill())
    )
    return rows.drop("own", "target")


def going(form: Format) -> pl.Expr:
    """Whether a row may be part of a record's body."""
    if form.continuation == "none":
        return pl.col("attached")
    sound = ~pl.col("debris") & pl.col("raw").str.contains(r"\S")
    if form.continuation == "indent":
        sound &= pl.col("raw").str.contains(r"^[ \t]")
    return pl.col("attached") | (~pl.col("matched") & sound)


def said(form: Format) -> pl.Expr:
    """A body line's text: of an attached line, what begins with its label."""
    if not form.attach:
        return pl.col("raw")
    labels = "|".join(map(re.escape, form.attach))
    labelled = pl.col("raw").str.extract(rf"((?:{labels}):.*)$", 1)
    return pl.when(pl.col("attached")).then(labelled).otherwise(pl.col("raw"))
