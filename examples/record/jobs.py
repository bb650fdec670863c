"""The routine of a day: backups, logins, statistics; none of it is a fault."""

import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import faults
import psycopg2
from kombu.exceptions import OperationalError
from sandbox import PGSQL
from stack import Stack
from worker import refresh_statistics

Job = Callable[[Stack], None]


def backup(stack: Stack) -> None:
    """Dump the database and say so through syslog."""
    note("backup", "dump of database shop started")
    command = [str(PGSQL / "pg_dump"), "-h", "db1", "-U", "backup", "-T", "orders", "shop"]
    dump = subprocess.run(
        command, env={"PGPASSWORD": "backup-secret"}, capture_output=True, check=False
    )
    note("backup", f"dump of database shop ended with status {dump.returncode},"
         f" {len(dump.stdout)} bytes")  # fmt: skip


def vacuum(stack: Stack) -> None:
    with suppress(psycopg2.Error):
        stack.sql("VACUUM ANALYZE products", "VACUUM ANALYZE audit_log", "CHECKPOINT")


def rotate(stack: Stack) -> None:
    note("logrotate", "rotating nginx logs")
    stack.running["nginx"].send_signal(signal.SIGUSR1)


def deploy_login(stack: Stack) -> None:
    faults.try_ssh(random.choice(("deploy", "ops")), "192.0.2.10", key=True)


def stray_login(stack: Stack) -> None:
    """The internet's ordinary knocking: one wrong guess."""
    user = random.choice((*faults.GUESSED, "ops"))
    faults.try_ssh(user, f"203.0.113.{random.randint(100, 250)}")


def stray_request(stack: Stack) -> None:
    """The ordinary crawler: one page that is not there."""
    path = random.choice(("/wp-login.php", "/.env", "/sitemap.xml", "/ads.txt", "/apple-icon.png"))
    faults.ask("GET", path, source=f"198.51.100.{random.randint(100, 250)}")


def statistics(stack: Stack) -> None:
    with suppress(OperationalError):
        refresh_statistics.delay()


def note(tag: str, text: str) -> None:
    subprocess.run(["logger", "-t", tag, "-p", "daemon.info", text], check=False)


DAILY: dict[Job, tuple[float, ...]] = {
    rotate: (0.1,),
    backup: (2.2, 14.2),
    vacuum: (3.5,),
}
EVERY_HOURS: dict[Job, float] = {
    deploy_login: 0.4,
    stray_login: 2.2,
    stray_request: 1.1,
    statistics: 0.25,
}


def keep(stack: Stack, job: Job, *, seconds: float) -> None:
    """Do a job for ever, at random moments about so many seconds apart."""

    def loop() -> None:
        while True:
            time.sleep(random.uniform(0.3, 1.7) * seconds)
            job(stack)

    threading.Thread(target=loop, daemon=True).start()
