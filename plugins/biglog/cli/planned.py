"""Commands that are named in the contract and not built yet: they say what they will need."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import typer

from biglog.errors import BadInput

metrics = typer.Typer(no_args_is_help=True, help="Metric anomalies (not built yet).")


def register(app: typer.Typer) -> None:
    app.command()(train)
    app.command()(predict)


def refuse(command: str, needs: str) -> NoReturn:
    raise BadInput(f"`biglog {command}` is not built yet. It will need {needs}.")


def train(
    files: list[Path] = typer.Argument(..., help="Log files."),
    labels: Path = typer.Option(..., help="CSV: session,label or line_no,label with 0/1."),
    model: Path = typer.Option(..., help="Directory to keep the model in."),
    lines: bool = typer.Option(False, "--lines", help="Labels are per line."),
    session: str = typer.Option("", help="Regular expression whose first group is the session."),
    method: str = typer.Option("auto", help="auto, lr, svm, tree, knn, lstm, head, finetune."),
) -> None:
    """Learn from labelled lines or sessions (not built yet).

    Example: `biglog train app.log --labels labels.csv --lines --model models/app`
    """
    refuse("train", "FILE…, --labels CSV, --lines or --session REGEX, and --model DIR")


def predict(
    files: list[Path] = typer.Argument(..., help="Log files."),
    model: Path = typer.Option(..., help="Directory of a trained model."),
    out: Path = typer.Option(..., help="Results, .csv, .parquet or .jsonl."),
) -> None:
    """Judge lines or sessions by a trained model (not built yet).

    Example: `biglog predict today.log --model models/app --out odd.csv`
    """
    refuse("predict", "FILE…, --model DIR of a trained model, and --out OUT")


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
