"""`biglog doctor`: is everything in order here, and what a file is read as."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer

from biglog import __version__, settings
from biglog.cli.console import emit, table
from biglog.errors import BigLogError
from biglog.settings import PROJECT, Settings

PACKAGES = ("apache-airflow", "torch", "transformers", "polars", "pyarrow", "pgvector")
LEAST_DISK = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    says: str


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    files: list[Path] = typer.Argument(None, help="Explain what these files are read as."),
    as_json: bool = typer.Option(False, "--json", help="One JSON line a check."),
) -> None:
    """Is everything in order? With files: what each is read as, and what else was tried.

    Exits with 1 when a check fails. Examples: `biglog doctor`; `biglog doctor app.log`
    """
    if files:
        explain_files(files, as_json=as_json)
        return
    checks = list(site_checks())
    rows = [{"": "ok" if one.ok else "!!", "check": one.name, "says": one.says} for one in checks]
    if as_json:
        for one in checks:
            emit({"check": one.name, "ok": one.ok, "says": one.says})
    else:
        table(rows, {"": "", "check": "check", "says": "says"})
    if not all(one.ok for one in checks):
        raise typer.Exit(1)


def explain_files(files: list[Path], *, as_json: bool) -> None:
    """What each file is read as. Exits with 1 where one is of no known format."""
    from biglog.cli import explain
    from biglog.offline import check_files

    check_files(files)
    told = [explain.explain_file(path) for path in files]
    for one in told:
        if as_json:
            emit(explain.as_row(one))
        else:
            explain.show(one)
    if not all(one.ok for one in told):
        raise typer.Exit(1)


def site_checks() -> Iterator[Check]:
    """Each check by itself: one that fails does not hide the next."""
    yield Check("biglog", True, f"{__version__} on Python {platform.python_version()}")
    yield from (package(name) for name in PACKAGES)
    yield guarded("settings", lambda: tell_settings(settings.load()))
    yield guarded("database", tell_database)
    yield guarded("migrations", tell_migrations)
    yield guarded("encoder", tell_encoder)
    yield disk(settings.home())


def package(name: str) -> Check:
    try:
        return Check(name, True, version(name))
    except PackageNotFoundError:
        return Check(name, False, "not installed; run `make setup`")


def guarded(name: str, work: Callable[[], str]) -> Check:
    try:
        return Check(name, True, work())
    except BigLogError as error:
        return Check(name, False, str(error))


def tell_settings(known: Settings) -> str:
    count = len(known.sources)
    return f"home {known.home}, {count} sources in {settings.sources_file(known.home)}"


def tell_database() -> str:
    from biglog.store import connect

    engine = connect.engine(connect.url(settings.home()))
    with engine.connect() as connection:
        connect.check_pgvector(connection)
    return f"{engine.url.render_as_string(hide_password=True)}, pgvector new enough"


def tell_migrations() -> str:
    from biglog.errors import BadInput
    from biglog.store import connect, migrate

    engine = connect.engine(connect.url(settings.home()))
    waiting = [
        one.name for one in migrate.status(engine, PROJECT / "sql") if one.state != "applied"
    ]
    if waiting:
        raise BadInput(f"{len(waiting)} not applied, first {waiting[0]}; run `biglog db migrate`")
    return "up to date"


def tell_encoder() -> str:
    from biglog.installation import encoder

    model = encoder(settings.load().encoder)
    return f"{model.model_id}, {model.dim} numbers a text"


def disk(home: Path) -> Check:
    place = next(one for one in (home, *home.parents) if one.exists())
    free = shutil.disk_usage(place).free
    return Check("disk", free > LEAST_DISK, f"{free / 1024**3:.1f} GiB free at {place}")
