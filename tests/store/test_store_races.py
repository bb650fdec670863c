"""Two writers, killed writers, a server that goes away: whole partitions, plain errors."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest
from database import administer
from sqlalchemy import text
from two_nights import FIRST, FULL, PAID, SECOND, counts, fill, incident, night

from biglog.errors import BadInput, TryAgain
from biglog.store import connect, embedded, ledger, read, write

THOUSAND = counts(FIRST, *[(1, f"s{n}", "a1", "INFO", PAID, 1) for n in range(1_000)])
STALL = (
    "CREATE FUNCTION public.stall() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$",
    "CREATE TRIGGER stall BEFORE INSERT ON biglog.{table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION public.stall()",
)


def both(*calls):
    """Run them at once; returns what each gave."""
    ready = threading.Barrier(len(calls))

    def one(call):
        ready.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [done.result() for done in [pool.submit(one, call) for call in calls]]


def count(engine, table):
    with engine.connect() as connection:
        return connection.execute(text(f"SELECT count(*) FROM biglog.{table}")).scalar_one()


def test_two_writers_of_one_partition_leave_one_of_it(database):
    def put():
        return write.replace_counts(database, "shop", FIRST, THOUSAND)

    for _ in range(3):
        assert both(put, put) == [1_000, 1_000]
        assert count(database, "template_count") == 1_000


def test_two_publishers_and_two_merges_leave_one_night(database):
    whole = night(SECOND, incidents=(incident(SECOND),))
    both(
        lambda: write.publish(database, whole),
        lambda: write.publish(database, whole),
        lambda: write.merge_templates(database, [PAID, FULL], source="a", date=FIRST),
        lambda: write.merge_templates(database, [FULL, PAID], source="b", date=SECOND),
    )
    assert read.night(database, SECOND).incidents == whole.incidents
    assert set(read.templates(database)) == {PAID.template_id, FULL.template_id}


def kill_stalled(url):
    """End the server process of whoever sleeps in the trigger."""
    for _ in range(400):
        with psycopg2.connect(url.replace("+psycopg2", "")) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE wait_event = 'PgSleep' AND datname = current_database()"
            )
            if cursor.fetchall():
                return
        time.sleep(0.05)
    raise AssertionError("nobody stalled")


@pytest.mark.parametrize("table", ["template_count", "finding"])
def test_a_writer_killed_between_delete_and_commit_leaves_the_old_rows(
    database, database_url, table
):
    fill(database)
    before = (read.counts(database, [FIRST, SECOND]), read.night(database, SECOND))
    administer(database_url, *[one.format(table=table) for one in STALL])
    calls = {
        "template_count": lambda: write.replace_counts(database, "shop", FIRST, THOUSAND),
        "finding": lambda: write.publish(database, before[1]),
    }
    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(calls[table])
        kill_stalled(database_url)
        with pytest.raises(TryAgain, match="nothing was kept"):
            writer.result()

    assert read.counts(database, [FIRST, SECOND]).equals(before[0])
    assert read.night(database, SECOND) == before[1]


def test_the_catalogue_lock_lets_one_in_at_a_time(database):
    inside, most = [], []

    def visit():
        with write.catalogue_lock(database):
            inside.append(1)
            most.append(len(inside))
            write.merge_templates(database, [PAID], source="shop", date=FIRST)
            inside.pop()

    both(visit, visit, visit)
    assert most == [1, 1, 1]


def test_a_mail_is_claimed_once(database):
    mail = ledger.Delivery(FIRST, "ops@example.org", "ab" * 32, "<1@biglog>")
    assert sorted(both(*[lambda: ledger.claim(database, mail)] * 4)) == [False, False, False, True]

    ledger.mark_sent(database, mail)
    changed = ledger.Delivery(FIRST, "ops@example.org", "cd" * 32, "<2@biglog>")
    assert not ledger.claim(database, changed)
    assert ledger.claim(database, changed, resend=True)
    ledger.release(database, changed)
    (left,) = ledger.deliveries(database, FIRST)
    assert left.report_sha == "ab" * 32
    assert left.sent_at is not None


def test_a_released_claim_can_be_made_again(database):
    mail = ledger.Delivery(FIRST, "ops@example.org", "ab" * 32, "<1@biglog>")
    assert ledger.claim(database, mail)
    ledger.release(database, mail)
    assert ledger.claim(database, mail)


def test_a_slow_statement_ends_and_may_be_tried_again(database_url):
    engine = connect.engine(database_url, statement_timeout=0.1)
    with pytest.raises(TryAgain, match="statement timeout"), engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(5)"))
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("postgresql://u:secret@127.0.0.1:1/x", TryAgain, "does not answer"),
        ("postgres://u:secret@no-such-host.invalid/x", TryAgain, "no-such-host"),
    ],
)
def test_a_server_that_is_away_is_named_without_its_password(url, error, words):
    with pytest.raises(error, match=words) as caught:
        connect.engine(url).connect()
    assert "secret" not in str(caught.value)


def test_a_missing_database_or_user_is_bad_input(server):
    for wrong in (server.replace("/biglog?", "/nowhere?"), server.replace("postgres@", "nobody@")):
        with pytest.raises(BadInput, match="check BIGLOG_DB_URL"):
            connect.engine(wrong).connect()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_a_url_of_ones_own_wins(scheme, monkeypatch, tmp_path):
    monkeypatch.setenv("BIGLOG_DB_URL", f"{scheme}://me:p%40ss@db:5433/logs?sslmode=require")
    assert connect.url(tmp_path) == ("postgresql+psycopg2://me:p%40ss@db:5433/logs?sslmode=require")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", ["mysql://me@db/logs", "nonsense"])
def test_another_kind_of_url_is_bad_input(given, monkeypatch, tmp_path):
    monkeypatch.setenv("BIGLOG_DB_URL", given)
    with pytest.raises(BadInput, match="BIGLOG_DB_URL"):
        connect.url(tmp_path)


@pytest.mark.parametrize(("version", "fine"), [("0.8.0", True), ("0.10", True), ("0.7.4", False)])
def test_an_old_pgvector_is_refused(version, fine):
    assert (connect.version_of(version) >= connect.PGVECTOR) is fine


PLUGINS = Path(connect.__file__).parents[2]
START = (
    "import sys, pathlib; from biglog.store import connect;"
    " print(connect.url(pathlib.Path(sys.argv[1])))"
)


def test_the_embedded_server_serves_many_processes_and_outlives_them(monkeypatch, tmp_path):
    """Started three times at once, under a long path with a space; stopped only when unused."""
    monkeypatch.delenv("BIGLOG_DB_URL", raising=False)
    home = tmp_path / f"日志 {'x' * 120}"
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", START, str(home)],
            stdout=subprocess.PIPE, text=True, cwd="/", env={"PYTHONPATH": str(PLUGINS)},
        )
        for _ in range(3)
    ]  # fmt: skip
    urls = {one.communicate(timeout=120)[0].strip() for one in starters}
    assert urls == {connect.url(home)}
    assert len(str(embedded.sockets(home) / ".s.PGSQL.5432")) < 108

    engine = connect.engine(connect.url(home))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT current_database()")).scalar() == "biglog"
        assert connect.stop(home) is False
        assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()

    assert connect.stop(home, even_if_used=True) is True
    assert connect.stop(home) is False
    with pytest.raises(TryAgain):
        engine.connect()
    (embedded.data(home) / "postmaster.pid").write_text("1\n", "utf-8")  # a crash, a number reused
    assert connect.url(home) in urls
    connect.stop(home, even_if_used=True)
