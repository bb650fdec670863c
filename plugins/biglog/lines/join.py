"""Physical lines to records: continuation lines become the body of the record above."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from biglog.lines.formats import GOING_ON, Format

MAX_BODY = 2000
"""Lines one record may go on for; further ones are unreadable on their own."""
MAX_HELD = 20_000
"""Lines held back at a batch's end, so that the record that goes on there stays whole."""
INTERLEAVED = 64
"""Records whose lines may still come, where several processes or streams write at once."""
FILLED = ("timestamp", "level", "host", "service", "component", "content")
"""Columns that a line below a record's first may fill in; a time that is there stays."""


@dataclass(frozen=True, slots=True)
class Joined:
    records: pl.DataFrame
    bad: pl.DataFrame


def goes_on(form: Format) -> bool:
    return form.continuation != "none" or bool(form.attach or form.completes) or form.unwrap


def split_tail(frame: pl.DataFrame, form: Format) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of finished records, and those of the last, which may go on in the next batch."""
    if not goes_on(form):
        return frame, frame.clear()
    heads = (frame["matched"] & ~frame["attached"]).arg_true()
    open_at_once = INTERLEAVED if form.attach or form.unwrap else 1
    at = int(heads[-min(len(heads), open_at_once)]) if len(heads) else 0
    if len(frame) - at > MAX_HELD or not len(heads):
        return frame, frame.clear()
    return frame.head(at), frame.slice(at)


def join(frame: pl.DataFrame, form: Format) -> Joined:
    """Records with their bodies, and the lines that belong to none. Blank lines are nothing."""
    if frame["matched"].all() and not frame["attached"].any():
        return Joined(frame.with_columns(body=pl.lit(None, pl.String)), frame.clear())
    placed = place(frame)
    head = pl.col("matched") & (~pl.col("attached") | pl.col("record").is_null())
    member = ~head & pl.col("record").is_not_null() & going(placed)
    placed = placed.with_columns(head=head, member=member)
    placed = placed.with_columns(member=placed["member"] & ~too_many(placed))
    nothing = pl.col("raw").str.contains(r"^\s*$") | pl.col("aside")
    bad = placed.filter(~pl.col("head") & ~pl.col("member")).filter(~nothing)
    records = placed.filter("head").with_columns(record=pl.col("at").cast(pl.Int64))
    if placed["completes"].any():
        placed, records = complete(placed, records)
    bodies = placed.filter("member").group_by("record", maintain_order=True)
    body = bodies.agg(said(form).str.join("\n").alias("body"))
    joined = records.join(body, on="record", how="left", maintain_order="left")
    # a left join with one row leaves that row's bytes under every null: kernels would read them
    filled = joined.with_columns(pl.col("body").fill_null(""))
    return Joined(filled.with_columns(body=pl.when(pl.col("body") != "").then("body")), bad)


def place(frame: pl.DataFrame) -> pl.DataFrame:
    """Each row with the row number of the record it would belong to; null before the first."""
    rows = frame.with_row_index("at")
    own = pl.when(pl.col("matched") & ~pl.col("attached")).then(pl.col("at").cast(pl.Int64))
    rows = rows.with_columns(own=own)
    if not frame["attached"].any():
        return rows.with_columns(record=in_lanes(pl.col("own").forward_fill(), rows)).drop("own")
    # a DETAIL goes to its own process's record; what follows the DETAIL goes the same way
    same = in_lanes(pl.col("own").forward_fill(), rows, "key")
    rows = rows.with_columns(target=pl.when(pl.col("matched")).then(same))
    below = in_lanes(pl.col("target").forward_fill(), rows)
    rows = rows.with_columns(record=pl.when("matched").then("target").otherwise(below))
    return rows.drop("own", "target")


def going(placed: pl.DataFrame) -> pl.Series:
    """Whether a row may be part of a record's body, by the format of the record above it."""
    mode = in_lanes(pl.col("mode").forward_fill(), placed)
    above = placed.select("at", "matched", "debris", "aside", "raw", mode=mode)
    sound = ~pl.col("debris") & ~pl.col("aside") & pl.col("raw").str.contains(r"\S")
    # most rows are matched: the text of the others alone is looked at
    good = above.filter(~pl.col("matched")).filter(sound & follows(pl.col("mode")))
    return placed["attached"].clone().scatter(good["at"], True)


def in_lanes(expr: pl.Expr, rows: pl.DataFrame, *keys: str) -> pl.Expr:
    """The expression in each lane, and key; grouping is slow, and most files have one lane."""
    lane = rows["lane"]
    within = keys if (lane == lane[0]).all() else ("lane", *keys)
    return expr.over(*within) if within else expr


def too_many(placed: pl.DataFrame) -> pl.Series:
    """Which members of a record come after as many as it may have."""
    members = placed.filter("member").select("at", nth=pl.int_range(pl.len()).over("record"))
    return placed["at"].is_in(members.filter(pl.col("nth") >= MAX_BODY)["at"].implode())


def follows(mode: pl.Expr) -> pl.Expr:
    """Whether an unread line goes on with a record of that mode."""
    indented = (mode == "indent") & pl.col("raw").str.contains(r"^[ \t]")
    traced = (mode == "trace") & pl.col("raw").str.contains(GOING_ON)
    return (mode == "any") | indented | traced


def complete(placed: pl.DataFrame, records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Records with what lines below their first fill in; lines that did so leave the body."""
    filling = pl.col("member") & pl.col("completes")
    inner = pl.col("fields").str.slice(1).str.head(-1)
    first = [pl.col(name).drop_nulls().first().alias(f"own.{name}") for name in FILLED]
    told = (
        placed.filter(filling)
        .group_by("record")
        .agg(*first, more=inner.drop_nulls().str.join(","))
        .with_columns(more=pl.when(pl.col("more") != "").then("more"))
    )
    joined = records.join(told, on="record", how="left", maintain_order="left")
    members = pl.concat_str(inner, "more", separator=",", ignore_nulls=True)
    below = {name: pl.coalesce(f"own.{name}", name) for name in FILLED}
    filled = joined.with_columns(
        **below | {"timestamp": pl.coalesce("timestamp", "own.timestamp")},
        fields=pl.when(members != "").then("{" + members + "}"),
    )
    speaks = filling & pl.col("content").is_not_null()
    again = speaks & (speaks.cast(pl.Int32).cum_sum().over("record") > 1)
    left = placed.with_columns(member=pl.col("member") & (~pl.col("completes") | again))
    return left, filled.select(records.columns)


def said(form: Format) -> pl.Expr:
    """A body line's text: of an attached line, what begins with its label."""
    if not form.attach:
        return pl.col("raw")
    labels = "|".join(map(re.escape, form.attach))
    labelled = pl.col("raw").str.extract(rf"((?:{labels}):.*)$", 1)
    return pl.when(pl.col("attached")).then(labelled).otherwise(pl.col("raw"))
