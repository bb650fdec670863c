"""Columns of text as bytes and offsets: the form that byte kernels read and write."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Text:
    """UTF-8 texts, one after the other: row i is ``data[offsets[i]:offsets[i + 1]]``."""

    data: Bytes
    offsets: Indices

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def row(self, at: int) -> str:
        return bytes(self.data[self.offsets[at] : self.offsets[at + 1]]).decode("utf-8", "replace")

    def to_arrow(self) -> pa.Array:
        """The texts as large_string, without a copy."""
        buffers = [None, pa.py_buffer(self.offsets), pa.py_buffer(self.data)]
        return pa.Array.from_buffers(pa.large_string(), len(self), buffers)

    def to_series(self, name: str = "") -> pl.Series:
        return pl.Series(name, pl.from_arrow(self.to_arrow()))


def from_arrow(texts: pa.Array | pa.ChunkedArray) -> Text:
    """The texts of an Arrow column; nulls are empty texts. One copy of the offsets at most."""
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    if isinstance(whole, pa.ChunkedArray):  # combining no chunks, or too much for one
        whole = pa.concat_arrays([one.cast(pa.large_string()) for one in whole.chunks])
    if whole.type not in (pa.string(), pa.large_string()):
        whole = whole.cast(pa.large_string())
    width = np.int32 if whole.type == pa.string() else np.int64
    _, places, data = whole.buffers()
    if places is None or not len(whole):
        return Text(np.zeros(0, np.uint8), np.zeros(1, np.int64))
    offsets = np.frombuffer(places, width)[whole.offset : whole.offset + len(whole) + 1]
    raw = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return Text(raw, offsets.astype(np.int64))


def from_series(texts: pl.Series) -> Text:
    """The texts of a polars column; nulls are empty texts."""
    # filled here: a null of a text view may stand for bytes that Arrow would copy out
    whole = texts.fill_null("") if texts.null_count() else texts
    return from_arrow(whole.to_arrow(compat_level=pl.CompatLevel.oldest()))
