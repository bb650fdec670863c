"""What Airflow's processes need to know to run BigLog on this machine."""

from __future__ import annotations

import base64
import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

from biglog import lake
from biglog.settings import PROJECT


def environment(home: Path) -> dict[str, str]:
    """Variables for every Airflow process; what the caller has set already wins.

    Airflow's own state lies in SQLite under the home: enough for one machine, and nothing to set
    up. ``docker-compose.yml`` has PostgreSQL for it.
    """
    root = home / "airflow"
    wanted = {
        "AIRFLOW_HOME": str(root),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__FERNET_KEY": kept(root / "fernet.key", length=32),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API_AUTH__JWT_SECRET": kept(root / "jwt.key", length=64),
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "21600",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "BIGLOG_HOME": str(home),
        "BIGLOG_SCHEDULE_START": first_night(root / "first-night"),
        "PYTHONPATH": str(PROJECT / "plugins"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    return {**wanted, **{k: v for k, v in os.environ.items() if k in wanted and k != "PATH"}}


def kept(path: Path, *, length: int) -> str:
    """A secret of this installation, of so many bytes: made once, readable by its owner alone."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with lake.replacing(path) as draft:
            draft.touch(mode=0o600)
            draft.write_text(base64.urlsafe_b64encode(secrets.token_bytes(length)).decode())
    return path.read_text()


def first_night(path: Path) -> str:
    """The moment this home was first used: the schedule starts there, past nights are run by hand.

    Kept, so that a service that was down catches up from there and from nowhere else. Not later
    than now: Airflow leaves the tasks of a run before its DAG's start undone, without a word.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with lake.replacing(path) as draft:
            draft.write_text(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}")
    return path.read_text()
