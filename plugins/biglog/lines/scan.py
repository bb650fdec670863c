"""Lines as the spans of a pattern's groups, read by its scanner program, with their texts at hand.

Where a column has few distinct texts, what is made of it is made once a text, not once a line.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from biglog import columns
from biglog.columns import Bytes, Indices, Mask, Text
from biglog.kernels import number
from biglog.lines import kernels
from biglog.lines.program import Program
from biglog.threads import on_threads

INLINE = 12
"""Bytes of a text that Arrow keeps in the view itself, where no kernel looks for them."""
REPEATED = 3
"""Rows a distinct text must stand for, on average, for work on distinct texts to be worth it."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """For each line whether it fits, and the span of each group: -1 where it took no part."""

    data: Bytes
    groups: tuple[str, ...]
    fits: npt.NDArray[np.uint8]
    starts: Indices  # (groups, lines)
    ends: Indices

    @property
    def matched(self) -> Mask:
        return np.asarray(self.fits == kernels.YES)

    @property
    def unsure(self) -> Indices:
        """Rows that only a regex engine can judge."""
        return np.flatnonzero(self.fits == kernels.UNSURE)

    def without(self, rows: Mask) -> Scanned:
        """The same where these rows fit no longer."""
        wrong = rows & self.matched
        fits = np.where(wrong, kernels.NO, self.fits).astype(np.uint8)
        starts, ends = (np.where(wrong, -1, one) for one in (self.starts, self.ends))
        return Scanned(self.data, self.groups, fits, starts, ends)

    def column(self, name: str, rows: Indices | None = None) -> pl.Series:
        """A group's text in all rows, or in the given ones; null where it took no part."""
        at = self.groups.index(name)
        starts, ends = self.starts[at], self.ends[at]
        if rows is not None:
            starts, ends = starts[rows], ends[rows]
        return spans_to_series(self.data, starts, ends).alias(name)

    def distinct(self, names: list[str]) -> tuple[Indices, Indices]:
        """Each row's number among the distinct texts of these groups, and a row for each of them.

        Both are empty where the texts are too many.
        """
        hashes = np.zeros(len(self.fits), np.uint64)
        for name in names:
            starts, ends = self.starts[self.groups.index(name)], self.ends[self.groups.index(name)]

            def work(first: int, last: int, starts: Indices = starts, ends: Indices = ends) -> None:
                kernels.hash_spans(self.data, starts, ends, first, last, hashes)

            on_threads(work, len(hashes))
        numbers, rows = number(hashes, len(hashes) // REPEATED)
        return numbers, rows


def scan(lines: pl.Series, program: Program) -> Scanned:
    if placed := find_in_place(lines):
        scanned = scan_spans(*placed, program)
        rows = np.flatnonzero((placed[2] - placed[1] <= INLINE) & (placed[2] > placed[1]))
        few = scan_copy(lines.gather(rows), program) if len(rows) else scanned
        if not len(rows) or (few.fits == kernels.NO).all():
            scanned.fits[rows] = kernels.NO
            scanned.starts[:, rows] = scanned.ends[:, rows] = -1
            return scanned
    return scan_copy(lines, program)


def scan_copy(lines: pl.Series, program: Program) -> Scanned:
    text = columns.from_series(lines)
    return scan_spans(text.data, text.offsets[:-1], text.offsets[1:], program)


def find_in_place(lines: pl.Series) -> tuple[Bytes, Indices, Indices] | None:
    """The bytes that texts are views of, and where in them each begins and ends; None where they
    are views of several buffers. What is said of a text that is kept inline is not so.
    """
    if lines.n_chunks() != 1 or lines.null_count():
        return None
    array = lines.to_arrow(compat_level=pl.CompatLevel.newest())
    buffers: list[pa.Buffer] = array.buffers() if array.type == pa.string_view() else []
    if len(buffers) != 3:
        return None
    views = np.frombuffer(buffers[1], np.int32).reshape(-1, 4)
    views = views[array.offset : array.offset + len(array)]
    sizes = views[:, 0].astype(np.int64)
    starts = np.where(sizes > INLINE, views[:, 3], 0).astype(np.int64)
    return np.frombuffer(buffers[2], np.uint8), starts, starts + sizes


def scan_spans(data: Bytes, begins: Indices, stops: Indices, program: Program) -> Scanned:
    size = len(begins)
    fits = np.empty(size, np.uint8)
    starts, ends = (np.empty((len(program.groups), size), np.int64) for _ in range(2))

    def work(first: int, last: int) -> None:
        kernels.scan_rows(data, begins, stops, first, last, program.tables, fits, starts, ends)

    on_threads(work, size)
    return Scanned(data, program.groups, fits, starts, ends)


def spans_to_series(data: Bytes, starts: Indices, ends: Indices) -> pl.Series:
    """Spans of bytes as texts that stay where they are; null where the start is negative."""
    views = np.empty((len(starts), 4), np.uint32)

    def work(first: int, last: int) -> None:
        kernels.write_views(data, starts, ends, first, last, views)

    on_threads(work, len(starts))
    buffers = [validity(starts >= 0), pa.py_buffer(views), pa.py_buffer(data)]
    made = pa.Array.from_buffers(pa.string_view(), len(starts), buffers)
    return pl.Series("", pl.from_arrow(made))


def validity(present: Mask) -> pa.Buffer | None:
    return None if present.all() else pa.py_buffer(np.packbits(present, bitorder="little"))


def objects(scanned: Scanned, names: Sequence[str], absent: Sequence[str]) -> pl.Series | pl.Expr:
    """A line's texts of these groups as a JSON object; null where none says anything."""
    if not names:
        return pl.lit(None, pl.String)
    at = [scanned.groups.index(name) for name in names]
    keys = joined([json.dumps(name, ensure_ascii=False) + ':"' for name in names])
    words = joined(absent)
    starts, ends = scanned.starts, scanned.ends
    # Every byte escaped, every key there; of memory that is not written to, none is taken.
    size = sum(int(ends[one].sum() - starts[one].sum()) for one in at)
    most = (len(keys.data) + 4 * len(at)) * len(scanned.fits) + 2 * size
    edges, out = np.zeros(len(scanned.fits) + 1, np.int64), np.empty(most, np.uint8)
    known = (keys.data, keys.offsets, words.data, words.offsets)
    kernels.write_objects(scanned.data, np.array(at), starts, ends, *known, edges, out)
    return text_series(Text(out[: edges[-1]], edges), np.diff(edges) > 0)


def joined(texts: Sequence[str]) -> Text:
    encoded = [one.encode() for one in texts]
    edges = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return Text(np.frombuffer(b"".join(encoded), np.uint8), edges)


def text_series(text: Text, present: Mask) -> pl.Series:
    """The texts as a column, null where not present."""
    buffers = [validity(present), pa.py_buffer(text.offsets), pa.py_buffer(text.data)]
    made = pa.Array.from_buffers(pa.large_string(), len(text), buffers)
    return pl.Series("", pl.from_arrow(made))


def evaluate(expression: pl.Expr, scanned: Scanned) -> pl.Series | pl.Expr:
    """An expression of the groups and ``matched``, once for each distinct text of its groups."""
    roots = expression.meta.root_names()
    names = [one for one in scanned.groups if one in roots]
    if not names:
        return expression
    if expression.meta.is_column():
        return scanned.column(names[0])
    numbers, rows = scanned.distinct(names)
    everywhere = not len(rows)
    matched = scanned.matched if everywhere else scanned.matched[rows]
    parts = [scanned.column(one, None if everywhere else rows) for one in names]
    made = pl.DataFrame([*parts, pl.Series("matched", matched)]).select(expression).to_series()
    return made if everywhere else made.gather(numbers)
