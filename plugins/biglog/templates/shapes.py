"""Shapes of contents, told apart by a hash of their bytes: lines are many, shapes are few.

One pass over the bytes does what ``mask.tidy`` and ``mask.collapse`` do to a text, but writes no
text: it hashes what they would write. Only one content of each shape is then made into a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biglog.columns import Bytes, Indices, Mask, Text
from biglog.kernels import number
from biglog.templates.extract import Spans
from biglog.templates.kernels import (
    BLANK,
    DIGIT,
    HEX,
    WORD,
    find_smallest,
    hash_shapes,
)
from biglog.threads import on_threads

Hashes = npt.NDArray[np.uint64]


def byte_classes() -> Bytes:
    """For each byte, the classes it belongs to."""
    table = np.zeros(256, np.uint8)
    table[list(b" \t\r\n\x0b\x0c")] |= BLANK
    table[list(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")] |= WORD
    table[list(b"0123456789abcdef")] |= HEX
    table[list(b"0123456789")] |= DIGIT
    return table


CLASSES = byte_classes()


@dataclass(frozen=True, slots=True)
class Grouped:
    """Rows by shape: the shape's number of each row, and the first row of each shape."""

    numbers: Indices
    first: Indices
    hashes: Hashes
    """Of each shape."""
    trimmed: Spans
    """The rows' texts without blanks at the ends."""
    untidy: Mask
    """Rows whose trimmed text ``mask.tidy`` would change."""


def group(texts: Text) -> Grouped:
    """The texts by shape, shapes numbered in order of their first row."""
    rows = len(texts)
    hashes, untidy = np.empty(rows, np.uint64), np.empty(rows, np.bool_)
    trimmed = Spans(texts.data, np.empty(rows, np.int64), np.empty(rows, np.int64))

    def work(first: int, last: int) -> None:
        hash_shapes(
            *(texts.data, texts.offsets, first, last, CLASSES),
            *(hashes, trimmed.start, trimmed.end, untidy),
        )

    on_threads(work, rows)
    numbers, first = number(hashes, rows)
    return Grouped(numbers, first, hashes[first], trimmed, untidy)


def smallest(texts: Text, numbers: Indices, wanted: Sequence[int]) -> Indices:
    """For each wanted number, a row whose text is the first in sorted order of those with it."""
    size = int(numbers.max(initial=-1)) + 1
    best = np.full(size, -1, np.int64)
    best[list(wanted)] = -2
    if wanted:
        find_smallest(texts.data, texts.offsets, numbers, best)
    return best[list(wanted)]
