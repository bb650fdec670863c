"""The `biglog` command: which commands there are, and what their exit codes mean.

0 done; 1 failed, a retry may help; 2 bad usage or bad input.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

import typer

from biglog import __version__
from biglog.cli import (
    bench,
    database,
    doctor,
    encoders,
    files,
    knowledge,
    learned,
    metrics,
    nights,
    templates,
)
from biglog.cli.console import say
from biglog.errors import BadInput, BigLogError

# typer carries its own click, and shows only some of its errors.
USAGE: type[typer.BadParameter] = typer.BadParameter.__bases__[0]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="BigLog: a night's logs as a short, true account of what changed and what is wrong.\n\n"
    "Start with `biglog demo`, then point `sources.toml` at your own logs and `biglog run`.\n\n"
    "Exit codes: 0 done, 1 failed, 2 bad usage or bad input.",
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


for room in (files, nights, encoders, learned, doctor, bench):
    room.register(app)
app.add_typer(knowledge.app, name="kb")
app.add_typer(database.app, name="db")
app.add_typer(templates.app, name="templates")
app.add_typer(metrics.app, name="metrics")


def main() -> None:
    """Run the command line; exits with the code the contract names."""
    signal.signal(signal.SIGTERM, stop)
    try:
        sys.exit(code_of(app(standalone_mode=False, prog_name="biglog")))
    except USAGE as error:
        sys.exit(refuse(error))
    except BadInput as error:
        say(f"biglog: {error}")
        sys.exit(2)
    except BigLogError as error:
        say(f"biglog: {error}")
        sys.exit(1)
    except typer.Abort:
        sys.exit(1)
    except BrokenPipeError:
        # What is left in the buffer has nowhere to go; the exit would complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        say(
            f"biglog: {error.filename or 'the system'}: {error.strerror or error}; nothing was kept"
        )
        sys.exit(1)


def code_of(result: object) -> int:
    return result if isinstance(result, int) else 0


def refuse(error: typer.BadParameter) -> int:
    """One line about wrong usage; a command given alone shows its help instead."""
    words = " ".join(error.format_message().split())
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        where = error.ctx.command_path if error.ctx else "biglog"
        say(f"{where}: {words.rstrip('.')}; see `{where} --help`")
    return 2


def stop(_number: int, _frame: FrameType | None) -> None:
    """Leave as after Ctrl-C, so that what is half written is taken away."""
    raise SystemExit(143)


if __name__ == "__main__":
    main()
