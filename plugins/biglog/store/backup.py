"""Copies of everything kept, and the end of what is too old to keep."""

from __future__ import annotations

import os
import subprocess
from datetime import date as Date
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import ProgrammingError

from biglog.errors import BadInput, TryAgain
from biglog.store import connect, embedded

SCHEMAS = ("biglog", "biglog_report")
INCIDENT_DAYS = 730  # incidents are what later nights are compared with; they are few and small


def backup(address: str, path: Path) -> int:
    """Write one compressed, consistent copy of both schemas; returns its size in bytes.

    The file appears whole or not at all.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    growing = path.with_name(f".{path.name}.{os.getpid()}")
    wanted = [f"--schema={one}" for one in SCHEMAS]
    try:
        # Grants are left out: the role may not exist elsewhere, and migrating sets them again.
        tool(address, "pg_dump", "-Fc", "--no-owner", "--no-acl", *wanted, "-f", str(growing))
        growing.replace(path)
    finally:
        growing.unlink(missing_ok=True)
    return path.stat().st_size


def restore(path: Path, address: str) -> None:
    """Fill an empty database from a copy, in one transaction; then migrate it.

    Raises BadInput where the database holds BigLog's tables already.
    """
    if not path.is_file():
        raise BadInput(f"there is no backup at {path}")
    engine = connect.engine(address)
    try:
        prepare(engine)
    finally:
        engine.dispose()
    tool(address, "pg_restore", "--single-transaction", "--no-owner", "--no-acl", str(path))


def prepare(engine: Engine) -> None:
    with engine.begin() as connection:
        connect.check_pgvector(connection)
        if connection.execute(text("SELECT to_regnamespace('biglog')")).scalar() is not None:
            raise BadInput(
                f"database {engine.url.database!r} holds BigLog's tables already; "
                "restore into an empty one"
            )
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))


def tool(address: str, name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs; the password goes by the environment, not the list."""
    where = make_url(connect.normalise(address))
    target = ["--dbname", str(where.database)] if name == "pg_restore" else []
    given = {
        "PGHOST": where.query.get("host") or where.host,
        "PGPORT": where.query.get("port") or where.port,
        "PGUSER": where.username,
        "PGPASSWORD": where.password,
        "PGDATABASE": where.database,
        "PGSSLMODE": where.query.get("sslmode"),
    }
    environment = {key: str(value) for key, value in given.items() if value}
    done = subprocess.run(
        [str(embedded.binaries() / name), "--no-password", *target, *arguments],
        env={**os.environ, **environment, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[-500:]
        raise TryAgain(f"{name} failed on database {where.database!r}: {said}")


def prove(engine: Engine, path: Path) -> dict[str, int]:
    """Restore a copy into a scratch database and compare; returns rows per table.

    Raises BadInput where a table has other rows than here, or where this role may not create a
    database; the scratch database is dropped whatever happens.
    """
    name = f"biglog_proof_{os.getpid()}"
    address = engine.url.set(database=name).render_as_string(hide_password=False)
    administer(engine, f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        restore(path, address)
        scratch = connect.engine(address)
        found = row_counts(scratch)
        scratch.dispose()
    finally:
        administer(engine, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    wanted = row_counts(engine)
    wrong = [
        f"{one}: {found.get(one)} of {wanted[one]}"
        for one in wanted
        if found.get(one) != wanted[one]
    ]
    if wrong:
        raise BadInput(f"{path} restores other rows than are here: {'; '.join(wrong[:3])}")
    return found


def administer(engine: Engine, statement: str) -> None:
    """Run what no transaction may hold. Raises BadInput where the role may not."""
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
    except ProgrammingError as error:
        raise BadInput(
            f"a backup is proved in a scratch database, and {engine.url.username!r} may not make "
            f"one: {error.orig}; grant it CREATEDB"
        ) from error


def row_counts(engine: Engine) -> dict[str, int]:
    """Rows per private table."""
    with engine.connect() as connection:
        names = connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'biglog' ORDER BY tablename")
        ).scalars()
        return {
            one: int(connection.execute(text(f'SELECT count(*) FROM biglog."{one}"')).scalar_one())
            for one in list(names)
        }


# A finding that a kept incident points to stays as long as the incident does.
OLD = {
    "template_count": "date < CAST(:before AS date)",
    "template_variable": "date < CAST(:before AS date)",
    "stage_run": "date < CAST(:before AS date)",
    "coverage": "date < CAST(:before AS date)",
    "metric_anomaly": "date < CAST(:before AS date)",
    "metric_coverage": "date < CAST(:before AS date)",
    "cluster": "date < CAST(:before AS date)",
    "cluster_map": "date < CAST(:before AS date)",
    "incident": "date < CAST(:long_before AS date)",
    "finding": (
        "date < CAST(:before AS date) AND NOT EXISTS (SELECT FROM biglog.incident_finding i"
        " WHERE i.date = finding.date AND i.finding_id = finding.finding_id)"
    ),
    "night": (
        "date < CAST(:before AS date) AND NOT EXISTS"
        " (SELECT FROM biglog.incident i WHERE i.date = night.date)"
    ),
    "dependency": "date < CAST(:before AS date)",
    "upload": "date < CAST(:before AS date) AND state IN ('done', 'failed')",
}


def retention(
    engine: Engine, keep_days: int, *, today: str, keep_incident_days: int = INCIDENT_DAYS
) -> dict[str, int]:
    """Delete nights older than ``keep_days``; returns rows deleted by table.

    The catalogue of templates, knowledge, feedback, reports and mails stays: it is what makes a
    line known, and what was promised to people.
    """
    if keep_days < 1:
        raise BadInput(f"keep_days is {keep_days}; expected 1 or more")
    before = Date.fromisoformat(today) - timedelta(days=keep_days)
    long_before = Date.fromisoformat(today) - timedelta(days=max(keep_days, keep_incident_days))
    cutoff = {"before": before.isoformat(), "long_before": long_before.isoformat()}
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        gone = {table: forget(connection, table, cutoff) for table in OLD}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in OLD:
            connection.execute(text(f"VACUUM (ANALYZE) biglog.{table}"))
    return gone


def forget(connection: Connection, table: str, cutoff: dict[str, str]) -> int:
    condition = OLD[table]
    used = {name: cutoff[name] for name in cutoff if f":{name} " in condition}
    return connection.execute(text(f"DELETE FROM biglog.{table} WHERE {condition}"), used).rowcount
