"""The address of the database, and the engine that every other module of the store takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import ArgumentError

from biglog.errors import BadInput, BigLogError, TryAgain
from biglog.store import embedded

DRIVER = "postgresql+psycopg2"
SCHEMES = ("postgres", "postgresql", DRIVER)
PGVECTOR = (0, 8, 0)
CONNECT_SECONDS = 10

# What the server says when a second attempt cannot help; a connection's error has no code.
REFUSALS = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "认证失败",
    "不存在",
)
# SQLSTATE classes and codes that may heal by themselves: connection, resources (disk full too),
# operator intervention, serialization failure, deadlock, lock timeout.
HEALING = ("08", "53", "57", "58", "40001", "40P01", "55P03")


def url(home: Path) -> str:
    """BIGLOG_DB_URL where it is set, else the URL of the server under the home, started."""
    given = os.environ.get("BIGLOG_DB_URL", "").strip()
    return normalise(given) if given else embedded.start(home)


def stop(home: Path, *, even_if_used: bool = False) -> bool:
    """Stop the server under the home; False where it is not running or somebody uses it."""
    return embedded.stop(home, even_if_used=even_if_used)


def normalise(given: str) -> str:
    """The URL with the driver named: a bare ``postgresql://`` means another one by default."""
    try:
        parsed = make_url(given)
    except ArgumentError as error:
        raise BadInput(f"BIGLOG_DB_URL is no URL; expected {SCHEMES[1]}://user@host/db") from error
    if parsed.drivername not in SCHEMES:
        raise BadInput(
            f"BIGLOG_DB_URL begins with {parsed.drivername}://; expected one of "
            f"{', '.join(f'{one}://' for one in SCHEMES)}"
        )
    return parsed.set(drivername=DRIVER).render_as_string(hide_password=False)


def engine(address: str, *, statement_timeout: float = 0) -> Engine:
    """An engine that raises TryAgain when the server is away and BadInput when it says no.

    ``statement_timeout`` is in seconds; 0 means none.
    """
    where = make_url(normalise(address))
    made = create_engine(
        where,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "biglog",
            "options": f"-c timezone=UTC -c statement_timeout={int(statement_timeout * 1000)}",
        },
    )
    event.listen(made, "do_connect", lambda _dialect, _record, _args, given: open_one(where, given))
    event.listen(made, "handle_error", explain, retval=True)
    return made


def open_one(where: URL, given: dict[str, Any]) -> Any:
    try:
        return psycopg2.connect(**given)
    except psycopg2.OperationalError as error:
        raise refusal(where, error) from error


def refusal(where: URL, error: psycopg2.OperationalError) -> BigLogError:
    """The failed connection in one sentence, without the password."""
    words = " ".join(str(error).split())
    shown = where.render_as_string(hide_password=True).partition("://")[2]
    if any(one in words for one in REFUSALS):
        return BadInput(f"PostgreSQL at {shown} refused: {words}; check BIGLOG_DB_URL")
    return TryAgain(
        f"PostgreSQL at {shown} does not answer: {words}; start it or check BIGLOG_DB_URL"
    )


def explain(context: ExceptionContext) -> BaseException | None:
    """TryAgain in the place of what may heal; every other error stays as it is."""
    return healing(context.original_exception, lost=context.is_disconnect)


def healing(error: BaseException, *, lost: bool = False) -> TryAgain | None:
    """TryAgain for a database error that a retry may heal, else None."""
    if not isinstance(error, psycopg2.Error):
        return None
    code = error.pgcode or ""
    broken = lost or isinstance(error, psycopg2.InterfaceError) or "closed" in str(error)
    if not code.startswith(HEALING) and not (broken and not code):
        return None
    words = " ".join(str(error).split()) or "the connection was lost"
    return TryAgain(f"PostgreSQL gave up on a statement: {words}; nothing was kept, try again")


def check_pgvector(connection: Connection) -> None:
    """Raises BadInput where the pgvector at hand is older than the searches need."""
    row = connection.execute(
        text(
            "SELECT coalesce(installed_version, default_version)"
            " FROM pg_available_extensions WHERE name = 'vector'"
        )
    ).scalar()
    wanted = ".".join(map(str, PGVECTOR))
    if row is None:
        raise BadInput(f"this PostgreSQL has no pgvector; install pgvector {wanted} or newer")
    if version_of(str(row)) < PGVECTOR:
        raise BadInput(
            f"pgvector {row} is too old, expected {wanted} or newer (iterative scans); "
            "upgrade it, then run ALTER EXTENSION vector UPDATE"
        )


def version_of(words: str) -> tuple[int, ...]:
    return tuple(int(part) for part in words.split(".")[:3] if part.isdigit())
