"""What many tests share: the database's fixtures, and an Airflow home of the session's own."""

import os

import pytest
from database import database, database_url, empty_database, server  # noqa: F401


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory):
    """Airflow's settings for this process, before anything imports Airflow; its SQLite is empty."""
    from biglog.cli.airflow_home import environment

    home = tmp_path_factory.mktemp("home")
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"
    os.environ.update(environment(home))
    return home
