"""Airflow's own login, BigLog's app mounted as the API server mounts it, and a real database."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from database import database, database_url, server  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def airflow(airflow_home):
    """Airflow's metadata tables and its login, in this process."""
    from airflow.api_fastapi.app import init_auth_manager
    from airflow.utils.db import initdb

    initdb()
    return init_auth_manager()


@pytest.fixture(scope="session")
def token(airflow):
    """A login token for a role."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    def make(role):
        return airflow.generate_jwt(SimpleAuthManagerUser(username=role.lower(), role=role))

    return make


@pytest.fixture
def site(database, tmp_path):  # noqa: F811
    from biglog.installation import Site
    from biglog.settings import EmbedSettings, Settings

    no_model = EmbedSettings(model=str(tmp_path / "no-model"))
    return Site(Settings(home=tmp_path, embed=no_model), database)


@pytest.fixture
def app(airflow, site):
    from biglog.web.app import create_app

    return create_app(lambda: site)


@pytest.fixture
def call(app, token):
    """A caller with a role, or nobody: ``call("OP").get("/api/v1/version")``."""
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    parent = FastAPI()
    parent.mount("/biglog", app)

    def make(role=None, **headers):
        login = {"Authorization": f"Bearer {token(role)}"} if role else {}
        client = TestClient(parent, raise_server_exceptions=False, headers={**login, **headers})
        client.base_url = client.base_url.join("/biglog")
        return client

    return make
