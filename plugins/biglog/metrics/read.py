"""Metric series of a CSV file: a time and a value a row, or a value for each of several series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from biglog.errors import BadInput
from biglog.records import Scores

Clock = Callable[[pl.Series], pl.Series]
"""Texts to UTC times, null where a text is none."""
SEPARATORS = ",;\t"
TIMES = ("timestamp", "time", "datetime", "date", "ts", "@timestamp")
"""Names of the column of times; where none is there, it is the first."""
NUMBERS = 0.5
"""Share of the texts of a column that must be numbers for it to be a series."""
EXPECTED = "expected a CSV of timestamp,value, or timestamp,m1,m2,…"


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, in its order."""

    stamps: pl.Series  # the texts, as they stand in the file
    times: Scores  # seconds since 1970
    names: tuple[str, ...]
    values: Scores  # a row a line, a column a name; NaN where there is no number
    skipped: tuple[str, ...]  # columns that hold no numbers
    unread: int  # texts that are no number, in columns of numbers


def read_table(path: Path, clock: Clock) -> Table:
    """Raises BadInput where there is no series, or a row without a time that can be read."""
    cells = read_cells(path)
    head = [str(one or "").strip() for one in cells.row(0)]
    if clock(pl.Series([head[0]]))[0] is not None:
        names = ["timestamp", *(["value"] if len(head) == 2 else range(1, len(head)))]
        head, first_line = [str(one) for one in names], 1
    else:
        cells, first_line = cells[1:], 2
    if len(head) < 2 or cells.is_empty():
        what = f"{cells.height} rows of {len(head)} columns"
        raise BadInput(f"{path}: got {what}, {EXPECTED}, with at least one row below the names")
    twice = sorted({one for one in head if head.count(one) > 1})
    if twice:
        raise BadInput(f"{path}: two columns are named {twice[0]!r}; names must be unique")
    cells.columns = head
    stamp = next((one for one in head if one.lower() in TIMES), head[0])
    times = read_times(cells[stamp], clock, path, first_line)
    series = {one: read_numbers(cells[one]) for one in head if one != stamp}
    kept = [one for one in series if is_series(cells[one], series[one])]
    if not kept:
        raise BadInput(f"{path}: no column but {stamp!r} holds numbers, {EXPECTED}")
    return Table(
        stamps=cells[stamp].alias("timestamp"),
        times=times,
        names=tuple(kept),
        values=np.column_stack([series[one] for one in kept]),
        skipped=tuple(one for one in series if one not in kept),
        unread=sum(count_unread(cells[one], series[one]) for one in kept),
    )


def read_cells(path: Path) -> pl.DataFrame:
    """Every cell as text, names included."""
    with path.open("rb") as file:
        first = file.readline(1_000_000).decode("utf-8", errors="replace")
    separator = max(SEPARATORS, key=first.count)
    try:
        return pl.read_csv(
            path, has_header=False, infer_schema=False, separator=separator, encoding="utf8-lossy"
        )
    except pl.exceptions.PolarsError as error:
        words = " ".join(str(error).split())[:200]
        raise BadInput(f"{path} is no CSV file ({words}); {EXPECTED}") from error


def read_times(stamps: pl.Series, clock: Clock, path: Path, first_line: int) -> Scores:
    """Seconds since 1970."""
    times = clock(stamps.str.strip_chars())
    if times.null_count():
        row = int(times.is_null().arg_true()[0])
        raise BadInput(
            f"{path} line {row + first_line}: got {stamps[row]!r} as a time, expected one like "
            f"2026-11-02 10:00:00, with or without a zone, or epoch seconds; {EXPECTED}"
        )
    return np.asarray(times.cast(pl.Datetime("us", "UTC")).cast(pl.Int64).to_numpy() / 1e6)


def read_numbers(texts: pl.Series) -> Scores:
    """NaN for what is no finite number."""
    numbers = texts.str.strip_chars().cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    return np.where(np.isfinite(numbers), numbers, np.nan)


def is_series(texts: pl.Series, numbers: Scores) -> bool:
    """A column without any number is no series, nor is one of mostly other texts."""
    read = int((~np.isnan(numbers)).sum())
    return read > 0 and read >= NUMBERS * (read + count_unread(texts, numbers))


def count_unread(texts: pl.Series, numbers: Scores) -> int:
    """Texts that are neither a number nor a usual way to say that there is none."""
    plain = texts.str.strip_chars().str.to_lowercase().fill_null("")
    blank = plain.str.contains(r"^(|-|nan|null|none|n/?a|[+-]?inf(inity)?)$").to_numpy()
    return int((np.isnan(numbers) & ~blank).sum())


def before(history: Table, table: Table) -> Table:
    """The rows of the history that are earlier than every row of the table, for its series.

    A series without a history has no values there. Raises BadInput where nothing is earlier, or
    no series is in both.
    """
    early = history.times < table.times.min()
    if not early.any():
        raise BadInput("--history has no row before the first time of FILE; give an earlier file")
    alone = len(history.names) == len(table.names) == 1
    names = table.names if alone else history.names
    shared = [one for one in table.names if one in names]
    if not shared:
        got, wanted = (", ".join(one.names[:5]) for one in (history, table))
        raise BadInput(f"--history has none of FILE's series: got {got}, expected {wanted}")
    values = np.full((int(early.sum()), len(table.names)), np.nan)
    for column, name in enumerate(table.names):
        if name in shared:
            values[:, column] = history.values[early, names.index(name)]
    return Table(history.stamps.filter(early), history.times[early], table.names, values, (), 0)
