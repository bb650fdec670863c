"""What a shell sees: messages on stderr, data on stdout or in the file that --out names."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars as pl
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from biglog.errors import BadInput

SUFFIXES = (".csv", ".parquet", ".jsonl")


def say(text: str) -> None:
    """One message to a person, on stderr, never styled by what a log line says."""
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(text)


def emit(value: Any) -> None:
    """One JSON value on stdout, in the language it was written in."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def progress() -> Progress:
    """A progress bar on stderr, shown only on a terminal."""
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def table(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """Rows on stdout as an aligned table; ``columns`` maps a key to its heading."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(*columns.values(), box=None, pad_edge=False, header_style="bold")
    for row in rows:
        grid.add_row(*(Text(str(row[key])) for key in columns))
    Console(highlight=False).print(grid)


def check_out(path: Path) -> Path:
    """The output path, its folder made. Raises BadInput for a suffix that names no format."""
    if path.suffix not in SUFFIXES:
        raise BadInput(
            f"--out {path}: got suffix {path.suffix!r}, expected one of {', '.join(SUFFIXES)}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


class Sheet:
    """A file of rows written batch by batch, in the format of its suffix; whole or not at all."""

    def __init__(self, out: Path) -> None:
        self.out = check_out(out)
        self.draft = out.with_name(f".{out.name}.tmp")
        self.rows = 0
        self.parquet: pq.ParquetWriter | None = None
        self.handle = self.draft.open("wb")

    def __enter__(self) -> Self:
        return self

    def write(self, batch: pl.DataFrame) -> None:
        if self.out.suffix == ".csv":
            batch.write_csv(self.handle, include_header=self.rows == 0)
        elif self.out.suffix == ".jsonl":
            batch.write_ndjson(self.handle)
        else:
            rows = batch.to_arrow()
            self.parquet = self.parquet or pq.ParquetWriter(
                self.handle, rows.schema, compression="zstd"
            )
            self.parquet.write_table(rows)
        self.rows += batch.height

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if self.parquet is not None:
            self.parquet.close()
        self.handle.close()
        if kind is None:
            self.draft.replace(self.out)
        else:
            self.draft.unlink()
