"""Rows in PostgreSQL's binary COPY format, built column by column with numpy."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg2
import pyarrow as pa
import pyarrow.csv as pcsv
from sqlalchemy import Connection

from biglog.records import Vectors
from biglog.store.connect import healing
from biglog.store.text import clean

Bytes = npt.NDArray[np.uint8]
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
EPOCH_MICROSECONDS = 946_684_800_000_000  # 2000-01-01 UTC, PostgreSQL's zero
EPOCH_DAYS = 10_957
ROWS_AT_A_TIME = 20_000  # bounds the index arrays, eight times the size of the data


@dataclass(frozen=True, slots=True)
class Column:
    """Values of one column: how many bytes each has, and all their bytes in order."""

    lengths: npt.NDArray[np.int64]
    data: Bytes

    def rows(self, start: int, stop: int) -> Column:
        first = int(self.lengths[:start].sum())
        last = first + int(self.lengths[start:stop].sum())
        return Column(self.lengths[start:stop], self.data[first:last])


def texts(values: Sequence[str]) -> Column:
    encoded = [clean(one).encode("utf-8") for one in values]
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
    return Column(lengths, np.frombuffer(b"".join(encoded), np.uint8))


def arrow_texts(values: pa.ChunkedArray) -> Column:
    """Text from Arrow without a Python string per row; NUL becomes ``?``."""
    one = values.combine_chunks().cast(pa.large_string())
    if isinstance(one, pa.ChunkedArray):
        one = pa.concat_arrays(one.chunks)
    _, offsets, data = one.buffers()
    bounds = np.frombuffer(offsets, np.int64)[one.offset : one.offset + len(one) + 1]
    raw = np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8)
    used = raw[bounds[0] : bounds[-1]].copy()
    used[used == 0] = ord("?")
    return Column(np.diff(bounds), used)


def fixed(values: npt.NDArray[Any]) -> Column:
    """Numbers of one width in network byte order: int8, int4, float8, timestamptz or date."""
    swapped = np.ascontiguousarray(values.astype(values.dtype.newbyteorder(">")))
    lengths = np.full(len(values), values.dtype.itemsize, np.int64)
    return Column(lengths, swapped.view(np.uint8).reshape(-1))


def times(values: pa.ChunkedArray) -> Column:
    microseconds = values.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    return fixed(microseconds - EPOCH_MICROSECONDS)


def dates(values: pa.ChunkedArray) -> Column:
    days = values.cast(pa.date32()).cast(pa.int32()).to_numpy()
    return fixed((days - EPOCH_DAYS).astype(np.int32))


def halfvecs(values: Vectors) -> Column:
    """pgvector's ``halfvec``: dimension, a reserved zero, then half-precision numbers."""
    count, dim = values.shape
    rows = np.zeros((count, dim + 2), dtype=">u2")
    rows[:, 0] = dim
    rows[:, 2:] = values.astype(">f2").view(">u2")
    return Column(np.full(count, 2 * (dim + 2), np.int64), rows.view(np.uint8).reshape(-1))


def load(connection: Connection, table: str, columns: dict[str, Column]) -> int:
    """COPY the columns into the table; returns how many rows."""
    count = len(next(iter(columns.values())).lengths)
    if count == 0:
        return 0
    body = io.BytesIO(b"".join(pieces(list(columns.values()), count)))
    command = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with translated(connection), cursor_of(connection) as cursor:
        cursor.copy_expert(command, body)
    return count


def pieces(columns: Sequence[Column], count: int) -> Iterator[bytes]:
    yield SIGNATURE
    for start in range(0, count, ROWS_AT_A_TIME):
        stop = min(start + ROWS_AT_A_TIME, count)
        yield rows_of([one.rows(start, stop) for one in columns])
    yield TRAILER


def rows_of(columns: Sequence[Column]) -> bytes:
    """Some rows: a two-byte field count, then four bytes of length and the bytes of each field."""
    total = np.sum([one.lengths + 4 for one in columns], axis=0) + 2
    begin = np.concatenate(([0], np.cumsum(total)[:-1]))
    out = np.zeros(int(total.sum()), np.uint8)
    scatter(out, begin, fixed(np.full(len(begin), len(columns), np.int16)))
    begin = begin + 2
    for one in columns:
        scatter(out, begin, fixed(one.lengths.astype(np.int32)))
        scatter(out, begin + 4, one)
        begin = begin + 4 + one.lengths
    return out.tobytes()


def scatter(out: Bytes, begin: npt.NDArray[np.int64], column: Column) -> None:
    """Write value i of the column at begin[i]."""
    ends = np.cumsum(column.lengths)
    shift = np.repeat(begin - (ends - column.lengths), column.lengths)
    out[shift + np.arange(len(shift))] = column.data


def fetch(connection: Connection, query: str, parameters: Sequence[Any], schema: pa.Schema) -> Any:
    """An Arrow table of the query's rows, by COPY; times come as microseconds since 1970."""
    body = io.BytesIO()
    with translated(connection), cursor_of(connection) as cursor:
        bound = cursor.mogrify(query, parameters).decode("utf-8")
        cursor.copy_expert(f"COPY ({bound}) TO STDOUT (FORMAT CSV)", body)
    if body.tell() == 0:
        return schema.empty_table()
    body.seek(0)
    plain = [pa.int64() if pa.types.is_timestamp(one.type) else one.type for one in schema]
    table = pcsv.read_csv(
        body,
        read_options=pcsv.ReadOptions(column_names=schema.names),
        parse_options=pcsv.ParseOptions(newlines_in_values=True),
        convert_options=pcsv.ConvertOptions(
            column_types=dict(zip(schema.names, plain, strict=True)), strings_can_be_null=False
        ),
    )
    return pa.table(
        [column.cast(one.type) for column, one in zip(table.columns, schema, strict=True)],
        schema=schema,
    )


@contextmanager
def cursor_of(connection: Connection) -> Iterator[Any]:
    """The driver's own cursor, in the connection's transaction."""
    cursor: Any = connection.connection.cursor()
    try:
        yield cursor
    finally:
        cursor.close()


@contextmanager
def translated(connection: Connection) -> Iterator[None]:
    """Database errors that bypass SQLAlchemy, told as the engine tells its own."""
    try:
        yield
    except psycopg2.Error as error:
        lost = bool(getattr(connection.connection.dbapi_connection, "closed", False))
        if lost:
            connection.invalidate(error)
        found = healing(error, lost=lost)
        if found is None:
            raise
        raise found from error
