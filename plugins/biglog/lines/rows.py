"""Physical lines as typed rows: by the file's format, by others where it reads none, unwrapped."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import polars as pl

from biglog.lines.detect import (
    NOT_MIXED,
    SAMPLE,
    Detection,
    belongs,
    cover,
    none_of,
    read_kind,
    take,
)
from biglog.lines.formats import COLUMNS, Format, find_format, load_formats
from biglog.lines.join import follows
from biglog.lines.objects import cleaned, split_records
from biglog.lines.patterns import overlay, read_pattern
from biglog.lines.times import Clock, Instants, to_utc

# What joining and the reading of times need to know of a row, beside the columns of READ.
ROW = {
    "row": pl.Int64,  # which of the lines it is
    "raw": pl.String,
    "by": pl.String,  # format whose layouts read its timestamp
    "mode": pl.String,  # how a record that begins here may go on; null where none does
    "lane": pl.String,  # of several streams in one file, which
    "completes": pl.Boolean,  # whether it fills in the record above
    "aside": pl.Boolean,  # whether it is no record and belongs to none
}


def type_lines(lines: pl.Series, found: Detection, *, joined: bool) -> pl.DataFrame:
    """A row a line, or a row a record where a line holds several and they are to be joined."""
    form = find_format(found.format)
    if form.kind == "otlp":
        return type_records(lines, found, form, joined=joined)
    frame = by_format(lines, form, found)
    if found.mixed:
        frame = by_others(frame, form)
    return unwrap(frame, form, found.inner, joined=joined) if found.inner else frame


def by_format(lines: pl.Series, form: Format, found: Detection | None = None) -> pl.DataFrame:
    """What one format reads, with the lines that complete a record's head."""
    first, header = (found.first, found.header) if found else (0, None)
    frame = describe(read_kind(lines, form, first=first, header=header), lines, form)
    for pattern in form.completes:
        rest = frame["matched"].not_().arg_true()
        hits = read_pattern(lines.gather(rest), pattern, plainly(form))
        rows = rest.filter(hits["matched"])
        if len(rows):
            hits = describe(hits.filter("matched"), lines.gather(rows), form)
            hits = hits.with_columns(row=rows.cast(pl.Int64), **COMPLETING)
            frame = overlay(frame, hits, rows)
    return reopen(frame, form) if form.reopens else frame


def reopen(frame: pl.DataFrame, form: Format) -> pl.DataFrame:
    """Records whose first line is left out where it would say the same as that of the one above."""
    opens = pl.col("completes") & pl.col("raw").str.contains(form.completes[0])
    record = (pl.col("matched") & ~pl.col("attached")).cum_sum()
    counted = frame.with_columns(opens=opens, record=record)
    seen = pl.col("opens").cum_sum().over("record")
    again = pl.col("opens") & ((seen > 1) | (pl.col("record") == 0))
    return counted.with_columns(
        attached=pl.col("attached") & ~again,
        completes=pl.col("completes") & ~again,
        mode=pl.when(again).then(pl.lit(form.continuation)).otherwise("mode"),
    ).drop("opens", "record")


COMPLETING = {
    "attached": pl.lit(True),
    "completes": pl.lit(True),
    "mode": pl.lit(None, pl.String),
    "content": pl.when(pl.col("content") != "").then("content"),
}


def plainly(form: Format) -> Format:
    """The format for lines that are read by a pattern which names all that it gives."""
    return replace(form, status="", priority="", structured="", content="", attach_by="")


def describe(read: pl.DataFrame, lines: pl.Series, form: Format) -> pl.DataFrame:
    """What was read with the columns of ROW."""
    aside = lines.str.contains(form.aside) if form.aside else pl.lit(False)
    content = pl.col("content")
    if form.doubled:
        content = content.str.replace_all('""', '"', literal=True)
    return read.with_columns(
        row=pl.int_range(len(lines), dtype=pl.Int64, eager=True),
        raw=lines,
        content=content,
        by=pl.lit(form.name),
        mode=pl.when("matched").then(pl.lit(form.continuation)),
        lane=pl.lit(""),
        completes=pl.lit(False),
        aside=aside,
    ).with_columns(aside=pl.col("aside") & ~pl.col("matched"))


def by_others(frame: pl.DataFrame, form: Format) -> pl.DataFrame:
    """The lines that the main format leaves, by the formats that read them.

    A line is another format's only where that one finds a time or a level in it: prose with an
    equals sign is no logfmt. A time of day is one where the main format tells no more.
    """
    loose = (~frame["matched"] | (frame["by"] == "message")).arg_true()
    if not len(loose):
        return frame
    left = frame["raw"].gather(loose)
    rows = loose.filter(~belongs(left, form) & left.str.contains(r"\S"))
    for other in candidates(frame["raw"].gather(rows), form):
        lines = frame["raw"].gather(rows)
        read = by_format(lines, other)
        told = read["timestamp"].is_not_null() | read["level"].is_not_null()
        hits = read["matched"] & (told | bool(form.dateless and other.dateless))
        mine = read.with_columns(row=frame["row"].gather(rows), lane=frame["lane"].gather(rows))
        frame = overlay(frame, mine.filter(hits), rows.filter(hits))
        rows = rows.filter(~hits)
    return frame


def candidates(lines: pl.Series, form: Format) -> list[Format]:
    """The formats that read a sample of the lines, most lines first."""
    formats = {
        name: one
        for name, one in load_formats().items()
        if one.kind not in NOT_MIXED and not one.unwrap and name != form.name
    }
    sample = lines.gather_every(max(1, len(lines) // SAMPLE)).head(SAMPLE)
    if not len(sample):
        return []
    taken = take(sample, formats.values(), {})
    return [formats[name] for name in cover(taken, formats, ~none_of(sample))]


def type_records(lines: pl.Series, found: Detection, form: Format, *, joined: bool) -> pl.DataFrame:
    """Rows of lines that hold several records each; the first of each where lines are rows."""
    texts, rows = split_records(lines)
    if not joined:
        first = rows.is_first_distinct()
        texts, rows = texts.filter(first), rows.filter(first)
    plain = replace(form, mark="")
    frame = describe(read_kind(texts, plain, header=found.header), texts, form)
    return frame.with_columns(row=rows.cast(pl.Int64))


def unwrap(frame: pl.DataFrame, form: Format, inner: Detection, *, joined: bool) -> pl.DataFrame:
    """The lines inside a wrapper, read by their own format; what that leaves open is outside."""
    if joined and form.piece:
        frame = mend(frame, form)
    rows = (frame["matched"] & (frame["by"] == form.name)).arg_true()
    if not len(rows):
        return frame
    outer = frame[rows]
    inside = type_lines(outer["content"].fill_null(""), inner, joined=joined)
    both = combine(outer[inside["row"]], inside).select(frame.columns)
    return overlay(frame, both, rows.gather(inside["row"]))


def combine(outer: pl.DataFrame, inside: pl.DataFrame) -> pl.DataFrame:
    """Rows of a wrapper and of what it wraps as one. A line that could begin none is a record."""
    both = inside.with_columns(outer.select(pl.all().name.prefix("outer.")))
    said = [name for name in COLUMNS if name != "content"]
    begins = pl.col("matched") | ~rest_of_record()
    return both.select(
        *[pl.coalesce(name, f"outer.{name}").alias(name) for name in (*said, "zone")],
        pl.coalesce("content", "raw").alias("content"),
        merged("fields", "outer.fields").alias("fields"),
        begins.alias("matched"),
        pl.col("attached"),
        pl.coalesce("key", pl.lit("")).alias("key"),
        pl.col("outer.row").alias("row"),
        pl.col("raw"),
        pl.when(pl.col("timestamp").is_not_null()).then("by").otherwise("outer.by").alias("by"),
        pl.when(begins).then(pl.coalesce("mode", pl.lit("trace"))).alias("mode"),
        pl.col("outer.key").fill_null("").alias("lane"),
        pl.col("completes"),
        pl.col("aside"),
    )


def rest_of_record() -> pl.Expr:
    """Whether a line which its format does not read goes on with the record above it."""
    above = pl.col("mode").forward_fill().over("outer.key")
    return follows(above).fill_null(False)


def merged(one: str, other: str) -> pl.Expr:
    """The members of two JSON objects as one object."""
    both = pl.col(one).str.strip_suffix("}") + "," + pl.col(other).str.strip_prefix("{")
    return pl.coalesce(both, one, other)


def mend(frame: pl.DataFrame, form: Format) -> pl.DataFrame:
    """Lines that a wrapper cut into pieces, each as one: the pieces of a stream up to its last."""
    piece = frame["matched"] & pieces(frame["raw"], form)
    if not piece.any():
        return frame
    cut = frame.with_columns(piece=piece)
    cut = cut.with_columns(after=pl.col("piece").shift(1).over("key").fill_null(False))
    if form.kind == "json":
        cut = cut.with_columns(content=exactly(form))
    begun = pl.when(~pl.col("after")).then("row")
    cut = cut.with_columns(begun=begun.forward_fill().over("key"))
    whole = cut.group_by("key", "begun").agg(whole=pl.col("content").str.join(""))
    kept = cut.filter(~pl.col("after")).join(
        whole, on=["key", "begun"], how="left", nulls_equal=True, maintain_order="left"
    )
    whole_line = cleaned(pl.col("whole")) if form.kind == "json" else pl.col("whole")
    content = pl.when("matched").then(whole_line).otherwise("content")
    return kept.with_columns(content=content).select(frame.columns)


def pieces(lines: pl.Series, form: Format) -> pl.Series:
    """Which lines are a wrapper's that go on in the next of the same stream."""
    long = (lines.str.len_bytes() >= form.piece_bytes).arg_true()
    found = long.filter(lines.gather(long).str.contains(form.piece))
    return none_of(lines).scatter(found, True)


def exactly(form: Format) -> pl.Expr:
    """The content with the blanks at the end of a piece, which reading an object leaves out."""
    text = pl.col("raw").str.json_path_match(f"$.{form.keys['content'][0]}")
    return pl.when(pl.col("piece") | pl.col("after")).then(text).otherwise("content")


def read_times(records: pl.DataFrame, clock: Clock) -> Instants:
    """Each row's instant by the layouts of the format that read it, and the rules used."""
    names = records["by"].unique(maintain_order=True).to_list() or ["message"]
    if len(names) == 1:
        return times_by(records, str(names[0]), clock)
    rules: Counter[str] = Counter()
    parts = []
    for name in names:
        rows = (records["by"] == name).arg_true()
        read = times_by(records[rows], str(name), clock)
        rules.update(read.rules)
        parts.append(pl.DataFrame({"row": rows, "utc": read.utc}))
    return Instants(pl.concat(parts).sort("row")["utc"], rules)


def times_by(records: pl.DataFrame, name: str, clock: Clock) -> Instants:
    zones = records["zone"] if records["zone"].null_count() < len(records) else None
    return to_utc(records["timestamp"], find_format(name).time, clock=clock, zones=zones)
