"""Fixtures for tests that need PostgreSQL: one embedded server, a fresh migrated database each.

Import ``server`` and ``database`` into a room's ``conftest.py``; pytest finds them there.
"""

import os
import shutil
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from biglog.store import connect, embedded
from biglog.store.migrate import migrate

SQL = Path(__file__).parents[1] / "sql"
TEMPLATE = "biglog_template"


def address(server, name):
    """The server's URL with another database."""
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def administer(server, *statements):
    engine = connect.engine(server)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for one in statements:
            connection.execute(text(one))
    engine.dispose()


@pytest.fixture(scope="session")
def server():
    """URL of a running server whose database ``biglog_template`` is migrated."""
    home = Path(tempfile.mkdtemp(prefix="biglog-test-"))
    url = embedded.start(home)
    administer(
        url,
        "ALTER SYSTEM SET fsync = off",
        "ALTER SYSTEM SET full_page_writes = off",
        "SELECT pg_reload_conf()",
        f"CREATE DATABASE {TEMPLATE}",
    )
    engine = connect.engine(address(url, TEMPLATE))
    migrate(engine, SQL)
    engine.dispose()
    yield url
    embedded.stop(home, even_if_used=True)
    shutil.rmtree(home, ignore_errors=True)


@contextmanager
def fresh(server, template=TEMPLATE):
    """URL of a new database like the template, dropped afterwards."""
    name = f"test_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield address(server, name)
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(server):
    """URL of a fresh migrated database, dropped afterwards."""
    with fresh(server) as url:
        yield url


@pytest.fixture
def database(database_url):
    """An engine on a fresh migrated database."""
    engine = connect.engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def empty_database(server):
    """An engine on a database that was never migrated."""
    with fresh(server, "template0") as url:
        engine = connect.engine(url)
        yield engine
        engine.dispose()
