"""What many tests share: the database's fixtures, and an Airflow home of the session's own."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from database import database, database_url, empty_database, server  # noqa: F401

from biglog.cli.airflow_home import environment

# Airflow reads its settings when it is first imported, by whichever test that is: so they are set
# here, before any test module loads.
HOME = Path(tempfile.mkdtemp(prefix="biglog-tests-"))
for name in [one for one in os.environ if one.startswith(("AIRFLOW", "BIGLOG"))]:
    del os.environ[name]
os.environ.update(environment(HOME) | {"AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"})


@pytest.fixture(scope="session")
def airflow_home():
    """The home whose Airflow settings this process has; its SQLite is empty at first."""
    return HOME


def pytest_unconfigure():
    shutil.rmtree(HOME, ignore_errors=True)


def pytest_collection_modifyitems(items):
    """Whole nights first: a file of them takes minutes, and begun last it would run on alone."""
    items.sort(key=lambda item: "nights" not in item.path.parts)
