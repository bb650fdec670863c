"""`biglog db`: the schema's migrations, and what state they are in."""

from __future__ import annotations

import typer

from biglog import settings
from biglog.cli.console import emit, say, table
from biglog.settings import PROJECT

app = typer.Typer(no_args_is_help=True, help="The database's schema.")


@app.command()
def migrate() -> None:
    """Apply what is new under sql/, in order, each file in its own transaction.

    Running it again changes nothing. Example: `biglog db migrate`
    """
    from biglog.store import connect
    from biglog.store import migrate as migrations

    engine = connect.engine(connect.url(settings.home()))
    applied = migrations.migrate(engine, PROJECT / "sql")
    for one in applied:
        say(f"applied {one.name}")
    say(f"{len(applied)} applied; the schema is up to date")


@app.command()
def status(as_json: bool = typer.Option(False, "--json", help="One JSON line a file.")) -> None:
    """Which migrations are applied, waiting, or changed since.

    Example: `biglog db status --json`
    """
    from biglog.store import connect
    from biglog.store import migrate as migrations

    engine = connect.engine(connect.url(settings.home()))
    rows = [
        {"name": one.name, "state": one.state, "applied_at": one.applied_at or ""}
        for one in migrations.status(engine, PROJECT / "sql")
    ]
    if as_json:
        for row in rows:
            emit(row)
        return
    table(rows, {"name": "file", "state": "state", "applied_at": "applied at"})
