"""The running services of a recording: how each is configured, started and stopped."""

import os
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import configuration
import psutil
import psycopg2
from sandbox import HOSTS, PGSQL, PYTHON, RAW, SHOP, SITE, host_command

AS = "setpriv --reuid {0} --regid {0} --clear-groups"


@dataclass(frozen=True)
class Service:
    """What runs where; ``log`` names the raw file that takes its stderr."""

    host: str
    command: str
    port: int
    log: str = ""
    stop: int = signal.SIGTERM
    stamped: bool = False


def _python(script: str) -> str:
    return f"{PYTHON} {SHOP}/{script}"


CELERY = f"{PYTHON} -m celery -A worker worker -Q orders,mails -c 2 -n jobs@jobs1 -l INFO"
SERVICES = {
    "postgresql": Service(
        "db1",
        f"{AS.format('postgres')} {PGSQL}/postgres -D {configuration.PGDATA}",
        5432,
        log="postgresql",
        stop=signal.SIGINT,
    ),
    "redis": Service("cache1", f"{AS.format('redis')} redis-server /srv/redis.conf", 6379),
    "bank": Service("bank1", _python("bank.py /srv/tls/bank.pem 0"), 8443),
    "mail": Service(
        "mail1", f"{PYTHON} -m aiosmtpd -n -l mail1:2525 -c aiosmtpd.handlers.Sink", 2525
    ),
    "payments": Service("pay1", _python("payments.py"), 8100, log="payments"),
    "stock": Service("stock1", _python("stock.py 3.2.0"), 8200, log="stock"),
    "worker": Service(
        "jobs1", f"{CELERY} --without-gossip --without-mingle --without-heartbeat", 0, log="worker"
    ),
    "shop_app1": Service("app1", _python("shop.py 8000"), 8000, log="shop_app1"),
    "shop_app2": Service("app2", _python("shop.py 8000"), 8000, log="shop_app2"),
    "nginx": Service("web1", "nginx -c /srv/nginx.conf", 80, log="nginx_error", stamped=True),
    "rsyslog": Service("web1", "rsyslogd -n -f /srv/rsyslog.conf -i /run/rsyslog.pid", 0),
    "sshd": Service("web1", "/usr/sbin/sshd -D -f /srv/ssh/sshd_config", 22),
}


@dataclass
class Stack:
    """All services of one recording."""

    versions: dict[str, str] = field(default_factory=lambda: {"SHOP_VERSION": "2.14.0"})
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def up(self) -> None:
        """Write every configuration, then start all services in order."""
        configuration.prepare()
        for name in SERVICES:
            self.start(name)
            if name == "postgresql":
                self._fill()

    def start(self, name: str, *, command: str = "", wait: bool = True) -> None:
        service = SERVICES[name]
        words = host_command(service.host, (command or service.command).split())
        self.running[name] = self._popen(service, words)
        if wait and service.port:
            wait_for_port(HOSTS[service.host], service.port)

    def stop(self, name: str) -> None:
        """End a service as its supervisor would, by force after five seconds."""
        process = self.running[name]
        if process.poll() is None:
            process.send_signal(SERVICES[name].stop)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                _kill_tree(process.pid)
                process.wait(5)

    def kill(self, name: str) -> None:
        _kill_tree(self.running[name].pid)
        self.running[name].wait(5)

    def restart(self, name: str) -> None:
        self.stop(name)
        self.start(name)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the service and all its children."""
        for process in self.tree(name):
            process.send_signal(number)

    def tree(self, name: str) -> list[psutil.Process]:
        parent = psutil.Process(self.running[name].pid)
        return [parent, *parent.children(recursive=True)]

    def down(self) -> None:
        for name in reversed(self.running):
            process = self.running[name]
            if process.poll() is None:
                _kill_tree(process.pid)

    def sql(self, *statements: str) -> None:
        """Run statements as the administrator, each in its own transaction."""
        connection = psycopg2.connect(host="/srv/pgsock", user="postgres", dbname="shop")
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()

    def _popen(self, service: Service, words: list[str]) -> subprocess.Popen[bytes]:
        target: Any = subprocess.DEVNULL
        if service.stamped:
            target = subprocess.PIPE
        elif service.log:
            target = (RAW / f"{service.log}.log").open("ab")
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=target,
            env=self._environment(),
            cwd="/srv/shop",
            start_new_session=True,
        )
        if service.stamped and process.stderr:
            path = RAW / f"{service.log}.log"
            threading.Thread(target=_stamp, args=(process.stderr, path), daemon=True).start()
        return process

    def _environment(self) -> dict[str, str]:
        quiet = {"PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1", "TZ": "UTC"}
        paths = {"PYTHONPATH": str(SITE), "PATH": os.environ["PATH"], "HOME": "/srv"}
        return {**quiet, **paths, "LC_ALL": "C.UTF-8", **self.versions}

    def _fill(self) -> None:
        command = [str(PGSQL / "createdb"), "-h", "/srv/pgsock", "-U", "postgres", "shop"]
        subprocess.run(command, check=True)
        self.sql(*configuration.SCHEMA)


def wait_for_port(host: str, port: int, *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, port), timeout=0.5).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"{host}:{port} did not open within {seconds} s; see {RAW}")


def _stamp(pipe: IO[bytes], path: Path) -> None:
    """Keep the arrival time before each line: nginx writes whole seconds only."""
    with path.open("ab", buffering=0) as raw:
        for line in pipe:
            raw.write(f"{time.time():.3f}\t".encode() + line)


def _kill_tree(pid: int) -> None:
    try:
        parent = psutil.Process(pid)
        for process in [*parent.children(recursive=True), parent]:
            process.kill()
    except psutil.NoSuchProcess:
        return
