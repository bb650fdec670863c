"""The schema's history: numbered SQL files applied once each, views rebuilt when they change."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg2
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from biglog.errors import BadInput
from biglog.store.connect import check_pgvector
from biglog.store.copy import cursor_of, translated

NUMBERED = re.compile(r"(\d{3})_([a-z][a-z0-9_]*)\.sql")
LOCK = "SELECT pg_advisory_lock(hashtextextended('biglog:migrate', 0))"
UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('biglog:migrate', 0))"
LEDGER = """
CREATE SCHEMA IF NOT EXISTS biglog;
CREATE TABLE IF NOT EXISTS biglog.migration (
    version integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    seconds double precision NOT NULL
);
CREATE TABLE IF NOT EXISTS biglog.view_file (
    version integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
"""


@dataclass(frozen=True, slots=True)
class Script:
    """One SQL file; its name carries its number, and for a view the view's own name."""

    version: int
    name: str
    path: Path
    sql: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What migrate did; notices are the server's words, such as a role it may not create."""

    name: str
    seconds: float
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MigrationState:
    """Where one file stands: applied, pending, changed since, or unknown to this version."""

    name: str
    state: str
    applied_at: datetime | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    version: int
    name: str
    sha256: str
    applied_at: datetime
    seconds: float | None


def migrate(engine: Engine, directory: Path) -> tuple[Applied, ...]:
    """Bring the database to the directory's state; what is there already is left alone.

    Raises BadInput for a changed or unknown migration, and for one that fails.
    """
    numbered = scripts(directory)
    views = scripts(directory / "views")
    with locked(engine) as connection:
        with connection.begin():
            check_pgvector(connection)
            run(connection, "the ledger of migrations", LEDGER)
        done = [apply(connection, one) for one in pending(connection, numbered)]
        done += rebuild(connection, views)
        done += grant(connection, directory / "grants.sql")
    return tuple(done)


def status(engine: Engine, directory: Path) -> tuple[MigrationState, ...]:
    """Every migration and view file in order, with its state; changes nothing."""
    found: list[MigrationState] = []
    with engine.connect() as connection:
        for table, folder in (("migration", directory), ("view_file", directory / "views")):
            found += states(scripts(folder), records(connection, table))
    return tuple(found)


def states(files: Sequence[Script], known: Mapping[int, Record]) -> list[MigrationState]:
    found = [state_of(one, known.get(one.version)) for one in files]
    strange = sorted(set(known) - {one.version for one in files})
    found += [
        MigrationState(known[v].name, "unknown", known[v].applied_at, known[v].seconds)
        for v in strange
    ]
    return found


def state_of(script: Script, record: Record | None) -> MigrationState:
    if record is None:
        return MigrationState(script.path.name, "pending")
    same = record.sha256 == script.sha256
    name = "applied" if same else "changed"
    return MigrationState(script.path.name, name, record.applied_at, record.seconds)


def scripts(folder: Path) -> tuple[Script, ...]:
    """The folder's numbered files in order. Raises BadInput where two share a number."""
    found: dict[int, Script] = {}
    for path in sorted(folder.glob("*.sql")):
        match = NUMBERED.fullmatch(path.name)
        if match is None:
            if path.name != "grants.sql":
                raise BadInput(f"{path}: expected a name like 001_what_it_does.sql")
            continue
        script = read_script(path, int(match[1]), match[2])
        if script.version in found:
            raise BadInput(f"{path} and {found[script.version].path.name} have one number")
        found[script.version] = script
    return tuple(found.values())


def read_script(path: Path, version: int, name: str) -> Script:
    sql = path.read_text("utf-8").replace("\r\n", "\n")
    return Script(version, name, path, sql, hashlib.sha256(sql.encode()).hexdigest())


@contextmanager
def locked(engine: Engine) -> Iterator[Connection]:
    """A connection of its own that alone may migrate."""
    with engine.connect() as connection:
        connection.detach()  # its settings must not come back through the pool
        with connection.begin():
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text(LOCK))
        try:
            yield connection
        finally:
            if not connection.invalidated:
                with connection.begin():
                    connection.execute(text(UNLOCK))


def records(connection: Connection, table: str) -> dict[int, Record]:
    """What the ledger says, by number; nothing where there is no ledger yet."""
    if (
        connection.execute(text("SELECT to_regclass(:t)"), {"t": f"biglog.{table}"}).scalar()
        is None
    ):
        return {}
    seconds = "seconds" if table == "migration" else "NULL"
    columns = f"version, name, sha256, applied_at, {seconds}"
    rows = connection.execute(text(f"SELECT {columns} FROM biglog.{table} ORDER BY version"))
    return {row[0]: Record(*row) for row in rows}


def pending(connection: Connection, files: Sequence[Script]) -> list[Script]:
    """What is still to apply. Raises BadInput where the past does not fit the files."""
    with connection.begin():
        known = records(connection, "migration")
    last = max(known, default=0)
    by_version = {one.version: one for one in files}
    for version, record in known.items():
        check_past(record, by_version.get(version))
    late = [one for one in files if one.version < last and one.version not in known]
    if late:
        raise BadInput(f"{late[0].path.name} comes before {last:03d}, already applied; renumber it")
    return [one for one in files if one.version > last]


def check_past(record: Record, script: Script | None) -> None:
    label = f"{record.version:03d}_{record.name}"
    if script is None:
        raise BadInput(
            f"the database has migration {label}, which this version does not know; "
            "install the newer version of BigLog that made it"
        )
    if script.sha256 != record.sha256:
        raise BadInput(
            f"{script.path.name} was changed after it was applied on {record.applied_at:%Y-%m-%d}; "
            "restore the file and write a new migration instead"
        )


def apply(connection: Connection, script: Script) -> Applied:
    """The script and its record in one transaction: both or neither."""
    began = time.monotonic()
    with connection.begin():
        notices = run(connection, script.path.name, script.sql)
        seconds = time.monotonic() - began
        connection.execute(
            text(
                "INSERT INTO biglog.migration (version, name, sha256, seconds)"
                " VALUES (:version, :name, :sha256, :seconds)"
            ),
            {
                "version": script.version,
                "name": script.name,
                "sha256": script.sha256,
                "seconds": seconds,
            },
        )
    return Applied(script.path.name, seconds, notices)


def rebuild(connection: Connection, files: Sequence[Script]) -> list[Applied]:
    """Drop and make all views again where any file changed, with the grants they had.

    All of them, because a view may read another; without CASCADE, which would drop views that
    people built on ours.
    """
    with connection.begin():
        known = records(connection, "view_file")
        if [(v, r.sha256) for v, r in known.items()] == [(f.version, f.sha256) for f in files]:
            return []
        grants = granted(connection)
        for version in sorted(known, reverse=True):
            drop_view(connection, known[version].name)
        connection.execute(text("DELETE FROM biglog.view_file"))
        done = [make_view(connection, one) for one in files]
        for statement in grants:
            run(connection, "the grants on views", statement)
    return done


def drop_view(connection: Connection, name: str) -> None:
    statement = f'DROP VIEW IF EXISTS biglog_report."{name}"'
    try:
        connection.execute(text(statement))
    except DBAPIError as error:
        raise BadInput(
            f"biglog_report.{name} cannot be replaced: {said(error.orig or error)}; "
            "drop what you built on it, migrate, then build it again"
        ) from error


def make_view(connection: Connection, script: Script) -> Applied:
    began = time.monotonic()
    notices = run(connection, f"views/{script.path.name}", script.sql)
    connection.execute(
        text("INSERT INTO biglog.view_file (version, name, sha256) VALUES (:v, :n, :s)"),
        {"v": script.version, "n": script.name, "s": script.sha256},
    )
    return Applied(f"views/{script.path.name}", time.monotonic() - began, notices)


def granted(connection: Connection) -> list[str]:
    """GRANT statements for what others may do with our views now; only for views that remain."""
    rows = connection.execute(
        text(
            "SELECT format('DO $g$ BEGIN IF to_regclass(%L) IS NOT NULL"
            " THEN GRANT %s ON %s TO %s%s; END IF; END $g$',"
            " v.oid::regclass, a.privilege_type, v.oid::regclass,"
            " CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,"
            " CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)"
            " FROM pg_class v CROSS JOIN LATERAL aclexplode(v.relacl) a"
            " WHERE v.relnamespace = to_regnamespace('biglog_report') AND v.relkind = 'v'"
            " AND a.grantee <> v.relowner"
        )
    )
    return [row[0] for row in rows]


def grant(connection: Connection, path: Path) -> list[Applied]:
    """The rights of the reading role, set right every time; reported where the server warns."""
    if not path.exists():
        return []
    began = time.monotonic()
    with connection.begin():
        notices = run(connection, path.name, path.read_text("utf-8"))
    return [Applied(path.name, time.monotonic() - began, notices)] if notices else []


def run(connection: Connection, name: str, sql: str) -> tuple[str, ...]:
    """Run a whole script as it is; returns the server's warnings.

    By the driver's own cursor, since SQLAlchemy reads and drops what the server says on the way.
    Raises BadInput with the server's words.
    """
    with cursor_of(connection) as cursor:
        cursor.connection.notices.clear()
        try:
            with translated(connection):
                cursor.execute(sql)
        except psycopg2.Error as error:
            raise BadInput(f"{name} failed: {said(error)}; nothing of it was applied") from error
        return tuple(one.strip() for one in cursor.connection.notices if one.startswith("WARNING"))


def said(error: BaseException) -> str:
    return " ".join(str(error).split())
