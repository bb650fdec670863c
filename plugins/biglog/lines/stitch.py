"""Lines that were cut, whole again before they are read: quoted newlines, a container's pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from biglog.lines.decode import Chunk
from biglog.lines.detect import Detection, read_kind
from biglog.lines.formats import Format
from biglog.lines.objects import pair_quotes
from biglog.lines.rows import pieces

TAIL = 256
"""Last lines of a block among which the pieces of an unfinished line are sought."""


def stitch(
    chunks: Iterator[Chunk], form: Format, found: Detection, *, max_line: int
) -> Iterator[Chunk]:
    """The chunks, cut so that no line goes on in the next; CSV records of several lines as one.

    What is held back for the next chunk is at most ``max_line`` bytes.
    """
    if form.kind == "csv" and found.header:
        yield from whole_chunks(chunks, lambda one: split_quoted(one, found, max_line))
    elif form.piece:
        yield from whole_chunks(chunks, lambda one: split_pieces(one, form, found, max_line))
    else:
        yield from chunks


Split = Callable[[Chunk], tuple[Chunk, int]]
"""A chunk with its lines made whole, and which of its physical lines may go on in the next one."""


def whole_chunks(chunks: Iterator[Chunk], split: Split) -> Iterator[Chunk]:
    held: Chunk | None = None
    for one in chunks:
        chunk = one if held is None else follow(held, one)
        made, at = split(chunk)
        held = cut(chunk, at, len(chunk.lines)) if at < len(chunk.lines) else None
        if at or held is None:
            yield made
    if held is not None:
        yield held


def follow(held: Chunk, chunk: Chunk) -> Chunk:
    """One chunk of two that follow each other."""
    debris = None
    if held.debris is not None or chunk.debris is not None:
        debris = pl.concat([debris_of(held), debris_of(chunk)])
    lines = pl.concat([held.lines, chunk.lines])
    notes = (*held.notes, *chunk.notes)
    return Chunk(lines, held.first_no, held.size + chunk.size, chunk.encoding, debris, notes)


def debris_of(chunk: Chunk) -> pl.Series:
    if chunk.debris is not None:
        return chunk.debris
    return pl.repeat(False, len(chunk.lines), eager=True)


def cut(chunk: Chunk, first: int, last: int) -> Chunk:
    """Some of a chunk's lines; its notes stay with its first."""
    debris = None if chunk.debris is None else chunk.debris.slice(first, last - first)
    return Chunk(
        lines=chunk.lines.slice(first, last - first),
        first_no=chunk.first_no + first,
        size=chunk.size * (last - first) // max(1, len(chunk.lines)),
        encoding=chunk.encoding,
        debris=debris,
        notes=() if first else chunk.notes,
    )


def split_quoted(chunk: Chunk, found: Detection, max_line: int) -> tuple[Chunk, int]:
    """Records whose quoted cells hold newlines as one line each."""
    if found.header is None:
        return chunk, len(chunk.lines)
    spans, at = pair_quotes(chunk.lines, found.header, max_bytes=max_line)
    left = chunk if at == len(chunk.lines) else cut(chunk, 0, at)
    return (joined(left, spans) if spans else left), at


def joined(chunk: Chunk, spans: list[tuple[int, int]]) -> Chunk:
    """The lines of each span, first and last included, as one."""
    record = np.ones(len(chunk.lines), np.int64)
    for first, last in spans:
        record[first + 1 : last + 1] = 0
    rows = pl.Series(np.flatnonzero(record))
    parts = pl.DataFrame({"line": chunk.lines, "debris": debris_of(chunk), "nth": record.cumsum()})
    whole = parts.group_by("nth", maintain_order=True).agg(
        pl.col("line").str.join("\n"), pl.col("debris").any()
    )
    debris = None if chunk.debris is None else whole["debris"]
    return replace(chunk, lines=whole["line"].alias("raw"), debris=debris, rows=rows)


def split_pieces(chunk: Chunk, form: Format, found: Detection, max_line: int) -> tuple[Chunk, int]:
    """The lines up to the first piece of a line that has no last piece yet in its stream."""
    size = len(chunk.lines)
    tail = chunk.lines.tail(TAIL)
    piece = pieces(tail, form)
    if not piece.any():
        return chunk, size
    read = read_kind(tail, form, first=found.first)
    rows = read.select("key", "matched", piece=piece, row=pl.int_range(pl.len()))
    rows = rows.filter("matched")
    ended = pl.when(~pl.col("piece")).then("row").max().over("key").fill_null(-1)
    first = rows.filter(pl.col("row") > ended)["row"].min()
    if not isinstance(first, int) or int(tail.slice(first).str.len_bytes().sum()) > max_line:
        return chunk, size
    at = size - len(tail) + first
    return (cut(chunk, 0, at) if at else chunk), at
