"""Airflow itself, all components: a night started by its REST API, the rest follow by asset."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from inbox import free_port
from small_nights import DATES, SOURCES, add_late, contents
from sqlalchemy import text

from biglog import settings
from biglog.cli import airflow_home as files
from biglog.settings import PROJECT
from biglog.store import connect, ledger, read

pytestmark = pytest.mark.airflow
READY_SECONDS = 240
NIGHT_SECONDS = 420


def environment(home, url, inbox):
    wanted = {
        "conn_type": "smtp", "host": "127.0.0.1", "port": inbox.port,
        "extra": {"disable_ssl": True, "disable_tls": True},
    }  # fmt: skip
    ours = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    return {
        **ours,
        "BIGLOG_HOME": str(home),
        "BIGLOG_DB_URL": url,
        "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(wanted),
    }


@pytest.fixture
def service(home, database_url, inbox):
    """`biglog up` over a home of three sources, ended as a person would: with Ctrl-C."""
    (home / "biglog.toml").write_text('[report]\nrecipients = ["ada@example.com"]\n')
    port = free_port()
    log = (home / "up.log").open("wb")
    child = subprocess.Popen(
        [sys.executable, "-m", "biglog.cli.main", "up", "--port", str(port)],
        env={**environment(home, database_url, inbox), "PYTHONPATH": str(PROJECT / "plugins")},
        stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(lambda: healthy(port), READY_SECONDS, lambda: (home / "up.log").read_text())
        yield Api(port, home)
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(60)
        log.close()
    assert not in_use(port), "Ctrl-C left a part of Airflow running"


def in_use(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def healthy(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/monitor/health") as answer:
            parts = json.load(answer)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
    return all(parts[one]["status"] == "healthy" for one in ("scheduler", "dag_processor"))


def wait_for(ready, seconds, explain):
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, explain()[-3000:]
        time.sleep(2)


class Api:
    """Airflow's REST API, as its admin."""

    def __init__(self, port, home):
        self.base, self.home = f"http://127.0.0.1:{port}", home
        passwords = next((home / "airflow").glob("simple_auth_manager_passwords*"))
        login = {"username": "admin", "password": json.loads(passwords.read_text())["admin"]}
        self.token = self.call("/auth/token", login)["access_token"]

    def call(self, path, body=None):
        headers = {"Content-Type": "application/json"}
        if hasattr(self, "token"):
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def runs(self, dag_id):
        return self.call(f"/api/v2/dags/{dag_id}/dagRuns")["dag_runs"]


def test_a_night_by_rest_and_the_rest_by_asset(service, home, database, inbox):
    wait_for(
        lambda: len(service.call("/api/v2/dags")["dags"]) >= 7,
        READY_SECONDS,
        lambda: str(service.call("/api/v2/importErrors")),
    )
    body = {"logical_date": None, "partition_key": DATES[0]}
    service.call("/api/v2/dags/ingest_logs/dagRuns", body)

    def mailed():
        return len(inbox.mails) == 1

    wait_for(mailed, NIGHT_SECONDS, lambda: (home / "up.log").read_text())
    for dag_id in ("ingest_logs", "analyse_logs", "report_logs"):
        wait_for(
            lambda one=dag_id: [r["state"] for r in service.runs(one)] == ["success"],
            60,
            lambda one=dag_id: str(service.runs(one)),
        )
        assert service.runs(dag_id)[0]["partition_key"] == DATES[0]
    night = read.night(database, DATES[0])
    assert {one.source for one in night.coverage} == set(SOURCES)
    assert (home / "reports" / DATES[0][:7] / f"{DATES[0]}.zh.html").exists()
    check_pages(service)
    add_late(home, night=DATES[1], day="02")
    backfill(service, DATES[1], DATES[2])

    def reported():
        return {one.date for one in ledger.reports(database)} == set(DATES)

    wait_for(reported, 2 * NIGHT_SECONDS, lambda: str(service.runs("ingest_logs")))
    check_late(service, database, inbox)


def check_late(service, database, inbox):
    """The first night was analysed and reported again for its late lines, and mailed once."""
    for dag_id in ("analyse_logs", "report_logs"):

        def twice(dag_id=dag_id):
            runs = [one for one in service.runs(dag_id) if one["partition_key"] == DATES[0]]
            return [one["state"] for one in runs] == ["success", "success"]

        wait_for(twice, NIGHT_SECONDS, lambda one=dag_id: str(service.runs(one)))
    assert sum(DATES[0] in mail["Subject"] for _, mail in inbox.mails) == 1
    known = read.templates(database)
    used = set(read.counts(database, [DATES[0]])["template_id"].to_pylist())
    assert any(known[one].pattern.startswith("Short read") for one in used)


def check_pages(service):
    page = urllib.request.Request(f"{service.base}/biglog/api/v1/reports")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(page)
    assert refused.value.code == 401
    assert service.call("/biglog/api/v1/reports")["total_entries"] >= 1


def backfill(service, first, last):
    """A range of nights, as docs/operations.md tells; both ends are included."""
    command = ["backfill", "create", "--dag-id", "ingest_logs"]
    command += ["--from-date", first, "--to-date", last]
    code = (
        "import os, pathlib, sys; from biglog.cli.airflow_home import environment; "
        "os.environ.update(environment(pathlib.Path(sys.argv[1]))); "
        "os.execv(sys.executable, [sys.executable, '-m', 'airflow', *sys.argv[2:]])"
    )
    ours = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(service.home), *command],
        env={**ours, "PYTHONPATH": str(PROJECT / "plugins")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def test_late_lines_in_process(home, database_url, database, inbox):
    add_late(home, night=DATES[1], day="02")
    env = {**environment(home, database_url, inbox), "PYTHONPATH": str(PROJECT / "plugins")}
    done = []
    for dates in (DATES[:2], DATES[1:2]):
        command = [sys.executable, "-c", NIGHTS_IN_PROCESS, *dates]
        ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr[-3000:]
        done.append(rows_of_first_night(database))
    assert "Short read while loading DB, record <*>." in {one.pattern for one in done[0]}
    assert done[0] == done[1], "a night was analysed again though no line of it had come"


def rows_of_first_night(database):
    query = """
        SELECT r.finished_at, t.pattern
        FROM biglog.stage_run r
        LEFT JOIN (biglog.template_count c JOIN biglog.template t USING (template_id))
          ON c.date = r.date AND t.pattern LIKE 'Short read%'
        WHERE r.date = CAST(:date AS date) AND r.stage = 'publish'
    """
    with database.connect() as connection:
        return connection.execute(text(query), {"date": DATES[0]}).all()


NIGHTS_IN_PROCESS = """
import sys
from biglog import settings
from biglog.cli import nights
known = settings.load()
with nights.airflow(known) as night:
    for date in sys.argv[1:]:
        night(date, [])
"""


def test_the_three_dags_run_twice_leave_the_same_rows(home, database_url, inbox):
    known = settings.load(home)
    engine = connect.engine(database_url)
    env = {**environment(home, database_url, inbox), "PYTHONPATH": str(PROJECT / "plugins")}
    command = [sys.executable, "-c", NIGHTS_IN_PROCESS, *DATES[:2]]
    rows = []
    for _ in range(2):
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (
            done.stderr[-3000:] + (home / "logs/run.log").read_text()[-3000:]
        )
        rows.append(contents(engine))
    assert rows[0] == rows[1]
    with engine.connect() as connection:
        nights = connection.execute(text("SELECT count(*) FROM biglog_report.reports")).scalar()
    assert nights == 2 * len(known.report.locales)
    engine.dispose()


def test_the_secrets_of_an_installation_are_its_own(home):
    once = files.environment(home)
    assert once["AIRFLOW__CORE__FERNET_KEY"] == files.environment(home)["AIRFLOW__CORE__FERNET_KEY"]
    assert (home / "airflow" / "jwt.key").stat().st_mode & 0o077 == 0
    assert once["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] == "False"
