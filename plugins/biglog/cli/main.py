"""The `biglog` command: which commands there are, and what their exit codes mean.

0 done; 1 failed, a retry may help; 2 bad usage or bad input.
"""

from __future__ import annotations

import sys

import typer

from biglog import __version__
from biglog.cli import bench, database, doctor, files, knowledge, nights, planned
from biglog.cli.console import say
from biglog.errors import BadInput, BigLogError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="BigLog: a night's logs as a short, true account of what changed and what is wrong.\n\n"
    "Start with `biglog demo`, then point `sources.toml` at your own logs and `biglog run`.",
)


def show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"biglog {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _: bool = typer.Option(
        False, "--version", callback=show_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


for room in (files, nights, doctor, bench, planned):
    room.register(app)
app.add_typer(knowledge.app, name="kb")
app.add_typer(database.app, name="db")
app.add_typer(planned.metrics, name="metrics")


def main() -> None:
    """Run the command line; exits with the code the contract names."""
    try:
        app(standalone_mode=True)
    except BadInput as error:
        say(f"biglog: {error}")
        sys.exit(2)
    except BigLogError as error:
        say(f"biglog: {error}")
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main()
