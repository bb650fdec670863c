"""Parameters: what stands under each wildcard of a line's template.

A value is the shortest text up to the next literal part of the pattern, from left to right; the
last literal part ends the line. Where a line is no instance of its pattern, its values are empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from biglog.columns import Bytes, Indices, Mask, Text
from biglog.templates.kernels import copy_spans, find_values, squeeze
from biglog.templates.mask import WILDCARD
from biglog.threads import on_threads


@dataclass(frozen=True, slots=True)
class Literals:
    """The literal parts of patterns: pattern k has parts ``first[k]`` to ``first[k + 1] - 1``."""

    text: Text
    first: Indices

    @property
    def slots(self) -> Indices:
        """How many wildcards each pattern has."""
        return np.diff(self.first) - 1


def literals(patterns: Sequence[str]) -> Literals:
    parts = [pattern.encode().split(WILDCARD.encode()) for pattern in patterns]
    flat = [part for one in parts for part in one]
    edges = np.cumsum([0, *map(len, flat)], dtype=np.int64)
    counts = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    return Literals(Text(np.frombuffer(b"".join(flat), np.uint8), edges), counts)


@dataclass(frozen=True, slots=True)
class Spans:
    """Pieces of a text's bytes, from ``start`` to before ``end``."""

    data: Bytes
    start: Indices
    end: Indices

    def __len__(self) -> int:
        return len(self.start)


def whole(texts: Text) -> Spans:
    return Spans(texts.data, texts.offsets[:-1], texts.offsets[1:])


def tidied(trimmed: Spans, untidy: Mask) -> Spans:
    """The texts, which have no blanks at the ends, as ``mask.tidy`` makes them."""
    rows = np.flatnonzero(untidy)
    if not len(rows):
        return trimmed
    data, end = trimmed.data.copy(), trimmed.end.copy()

    def work(first: int, last: int) -> None:
        squeeze(data, trimmed.start, end, rows, first, last)

    on_threads(work, len(rows))
    return Spans(data, trimmed.start, end)


def parameters(texts: Spans, numbers: Indices, patterns: Sequence[str]) -> pa.Array:
    """A list of values per text; numbers say which pattern each text is an instance of."""
    known = literals(patterns)
    edges = np.concatenate([[0], np.cumsum(known.slots[numbers])]).astype(np.int64)
    values = Spans(texts.data, np.zeros(edges[-1], np.int64), np.zeros(edges[-1], np.int64))

    def work(first: int, last: int) -> None:
        find_values(
            *(texts.data, texts.start, texts.end, numbers, first, last),
            *(known.text.data, known.text.offsets, known.first),
            *(edges, values.start, values.end),
        )

    on_threads(work, len(texts))
    return pa.ListArray.from_arrays(pa.array(edges.astype(np.int32)), narrow(gather(values)))


def gather(spans: Spans) -> Text:
    """The spans, copied one after the other."""
    edges = np.concatenate([[0], np.cumsum(spans.end - spans.start)]).astype(np.int64)
    data = np.empty(edges[-1], np.uint8)

    def work(first: int, last: int) -> None:
        copy_spans(spans.data, spans.start, spans.end, edges, first, last, data)

    on_threads(work, len(spans))
    return Text(data, edges)


def narrow(texts: Text) -> pa.Array:
    """The texts with 32-bit offsets, which is what the schemas name."""
    buffers = [None, pa.py_buffer(texts.offsets.astype(np.int32)), pa.py_buffer(texts.data)]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)
