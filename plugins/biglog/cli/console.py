"""What a shell sees: messages on stderr, data on stdout or in the file that --out names."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from itertools import chain, takewhile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import polars as pl
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from typer.core import TyperCommand

from biglog.errors import BadInput

if TYPE_CHECKING:
    from typer import Context

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
        grid.add_row(*(Text(printable(row[key])) for key in columns))
    Console(highlight=False).print(grid)


def printable(value: object) -> str:
    """A value as text that tells a terminal nothing: log text may hold its commands."""
    return "".join(one if one.isprintable() else "?" for one in str(value))


class Lists(TyperCommand):
    """A command whose repeatable options also take a list: ``--in a.log b.log``.

    A list ends at the next option or at ``--``. Where that would leave the command with no
    argument of its own, the last of the list is that argument, as in ``match --in a.log TEXT``.
    """

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override]
        return super().parse_args(ctx, self.spread(args))

    def spread(self, args: list[str]) -> list[str]:
        """Each value of a list behind the option's own name; arguments last."""
        takes = {name: one for one in self.params for name in one.opts if name.startswith("-")}
        spoken: list[list[str]] = []
        alone: list[str] = []
        rest = list(args)
        while rest:
            word = rest.pop(0)
            option = takes.get(word)
            if word == "--":
                alone, rest = alone + rest, []
            elif option is None and is_value(word):
                alone.append(word)
            elif option is None or getattr(option, "is_flag", False):
                spoken.append([word])
            else:
                listed = len(list(takewhile(is_value, rest))) if repeats(option) else 1
                values, rest = rest[: max(1, listed)], rest[max(1, listed) :]
                spoken.append([word, *values])
        lists = [one for one in spoken if len(one) > 2]
        if lists and not alone:
            alone = [lists[-1].pop()]
        named = [one if len(one) < 3 else interleave(one) for one in spoken]
        return [*chain(*named), *(["--", *alone] if alone else [])]


def interleave(words: list[str]) -> list[str]:
    """An option's name and its values, as the name before each value."""
    return [part for value in words[1:] for part in (words[0], value)]


def is_value(word: str) -> bool:
    return not word.startswith("-") or word == "-"


def repeats(option: Any) -> bool:
    return bool(getattr(option, "multiple", False))


def check_out(
    path: Path, *, among: Iterable[Path] = (), suffixes: tuple[str, ...] = SUFFIXES
) -> Path:
    """The output path, its folder made; ``among`` are the inputs.

    Raises BadInput for a suffix that names no format, for a place that cannot be written, and
    where the output would replace an input.
    """
    if path.suffix not in suffixes:
        raise BadInput(
            f"--out {path}: got suffix {path.suffix!r}, expected one of {', '.join(suffixes)}"
        )
    if path.is_dir():
        raise BadInput(f"--out {path} is a directory, expected a file in it; add a name")
    if path.resolve() in {one.resolve() for one in among}:
        raise BadInput(f"--out {path} is also an input; give another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out {path}: its folder cannot be made ({error.strerror})") from error
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise BadInput(f"--out {path}: no permission to write in {path.parent}; choose another")
    return path


class Sheet:
    """A file of rows written batch by batch, in the format of its suffix; whole or not at all."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.draft = out.with_name(f".{out.name}.{os.getpid()}.tmp")
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
