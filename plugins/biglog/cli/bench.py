"""`biglog bench`: what is measured, each with its command, from the checkout's benchmarks."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import typer

from biglog.errors import BadInput
from biglog.settings import PROJECT


def register(app: typer.Typer) -> None:
    app.add_typer(bench, name="bench")


bench = typer.Typer(no_args_is_help=True, help="Measure this checkout on known faults.")


@bench.callback()
def options() -> None:
    pass


@bench.command()
def incidents(
    recorded: Path = typer.Option(PROJECT / "examples", help="Recordings with faults.csv."),
) -> None:
    """For each known fault: was it named, at what rank; and the false incidents a night."""
    if not (recorded / "faults.csv").exists():
        raise BadInput(f"{recorded}: no faults.csv there; give a folder of recordings")
    sys.path.insert(0, str(PROJECT))
    importlib.import_module("benchmarks.incidents").main(recorded)
