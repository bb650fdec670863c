"""Commands that are named in the contract and not built yet: they say what they will need."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import typer

from biglog.errors import BadInput

metrics = typer.Typer(no_args_is_help=True, help="Metric anomalies (not built yet).")


def refuse(command: str, needs: str) -> NoReturn:
    raise BadInput(f"`biglog {command}` is not built yet. It will need {needs}.")


@metrics.command("detect")
def metrics_detect(
    file: Path = typer.Argument(..., help="CSV: timestamp,value or timestamp,m1,m2,…"),
    out: Path = typer.Option(..., help="Results, .csv, .parquet or .jsonl."),
    history: Path | None = typer.Option(None, help="CSV of earlier points."),
) -> None:
    """Odd points of metric series (not built yet).

    Example: `biglog metrics detect cpu.csv --out odd.csv`
    """
    refuse("metrics detect", "FILE.csv with timestamp,value, and --out OUT")
