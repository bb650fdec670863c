"""Faults: what breaks, where its lines show, and how it is mended."""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import configuration
import psutil
import psycopg2
import redis
from sandbox import HOSTS, write_hosts
from stack import Stack
from worker import app, send_campaign

NO_LIMIT = -1
SPARE = 8_000_000  # bytes; less than one invoice takes
SCANNED = (
    "/.env", "/.git/config", "/wp-login.php", "/wp-admin/setup-config.php", "/phpmyadmin/index.php",
    "/admin/config.php", "/cgi-bin/luci", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/solr/admin/info/system", "/actuator/env", "/server-status", "/backup.sql", "/.svn/entries",
    "/boaform/admin/formLogin", "/xmlrpc.php", "/static/../../etc/passwd", "/static/shell.php",
    "/static/.htaccess", "/manager/html", "/console/login/LoginForm.jsp", "/owa/auth/logon.aspx",
)  # fmt: skip
GUESSED = ("admin", "root", "test", "oracle", "ubuntu", "git", "postgres", "user", "pi", "deploy")


@contextmanager
def repeating(action: Callable[[], None], pause: float, *, threads: int = 1) -> Iterator[None]:
    """Do something again and again, in the background, until the block ends."""
    over = threading.Event()

    def loop() -> None:
        while not over.is_set():
            action()
            over.wait(random.uniform(0.6, 1.4) * pause)

    runners = [threading.Thread(target=loop, daemon=True) for _ in range(threads)]
    for runner in runners:
        runner.start()
    try:
        yield
    finally:
        over.set()
        for runner in runners:
            runner.join(5)


@contextmanager
def connections_exhausted(stack: Stack) -> Iterator[None]:
    held: list[object] = []

    def hold_one_more() -> None:
        with suppress(psycopg2.Error):
            held.append(connect_as("report"))

    with repeating(hold_one_more, 0.03, threads=2):
        yield
    for connection in held:
        connection.close()  # type: ignore[attr-defined]


@contextmanager
def deadlock(stack: Stack) -> Iterator[None]:
    def update(first: int, second: int) -> None:
        connection = connect_as("worker")
        with suppress(psycopg2.Error), connection.cursor() as cursor:
            cursor.execute("UPDATE products SET views = views + 1 WHERE id = %s", (first,))
            time.sleep(0.15)
            cursor.execute("UPDATE products SET views = views + 1 WHERE id = %s", (second,))
            connection.commit()
        connection.close()

    with repeating(lambda: update(7, 8), 0.25), repeating(lambda: update(8, 7), 0.25):
        yield


@contextmanager
def backend_killed(stack: Stack) -> Iterator[None]:
    def kill_one() -> None:
        backends = [child for child in stack.tree("postgresql") if "shop shop" in title(child)]
        for child in backends[:1]:
            child.kill()

    with repeating(kill_one, 1.0):
        yield


@contextmanager
def worker_killed(stack: Stack) -> Iterator[None]:
    def kill_all() -> None:
        for child in stack.tree("worker")[1:]:
            child.kill()

    with repeating(kill_all, 0.3):
        yield
    ensure_worker(stack)


@contextmanager
def upstream_down(stack: Stack) -> Iterator[None]:
    stack.running["shop_app2"].kill()
    yield
    stack.start("shop_app2")


@contextmanager
def upstream_timeout(stack: Stack) -> Iterator[None]:
    stack.signal("shop_app1", signal.SIGSTOP)
    yield
    stack.signal("shop_app1", signal.SIGCONT)


@contextmanager
def slow_query(stack: Stack) -> Iterator[None]:
    sql = (
        "SELECT a.customer_id, count(*), sum(b.total) FROM orders a JOIN orders b"
        " USING (customer_id) WHERE a.customer_id < %s GROUP BY 1 ORDER BY 3 DESC LIMIT 20"
    )

    def report() -> None:
        connection = connect_as("report")
        with connection.cursor() as cursor:
            cursor.execute(sql, (random.randint(200, 500),))
        connection.close()

    with repeating(report, 0.1):
        yield


@contextmanager
def lock_wait(stack: Stack) -> Iterator[None]:
    def hold() -> None:
        stack.sql("BEGIN", "LOCK TABLE products IN ACCESS EXCLUSIVE MODE", "SELECT pg_sleep(0.9)")

    with repeating(hold, 0.15):
        yield


@contextmanager
def statement_timeout(stack: Stack) -> Iterator[None]:
    stack.sql("ALTER ROLE worker SET statement_timeout = '4ms'")
    yield
    stack.sql("ALTER ROLE worker RESET statement_timeout")


@contextmanager
def disk_full(stack: Stack) -> Iterator[None]:
    with ballast(configuration.PGSPACE):
        yield


@contextmanager
def redis_disk_full(stack: Stack) -> Iterator[None]:
    with ballast(configuration.REDIS):
        save_snapshot()
        yield
    save_snapshot()
    ensure_worker(stack)


@contextmanager
def redis_memory_full(stack: Stack) -> Iterator[None]:
    server = redis.Redis("cache1")
    server.config_set("maxmemory", "1mb")
    yield
    server.config_set("maxmemory", "0")
    ensure_worker(stack)


@contextmanager
def redis_down(stack: Stack) -> Iterator[None]:
    stack.running["redis"].kill()
    yield
    stack.start("redis")
    ensure_worker(stack)


@contextmanager
def password_burst(stack: Stack) -> Iterator[None]:
    with repeating(lambda: try_ssh(random.choice(GUESSED), "203.0.113.177"), 0.15, threads=5):
        yield


@contextmanager
def database_password_burst(stack: Stack) -> Iterator[None]:
    def guess() -> None:
        user = random.choice(("postgres", "admin", "shop", "root"))
        with suppress(psycopg2.OperationalError):
            connect_as(user, password=f"guess{random.randrange(99)}").close()

    with repeating(guess, 0.08):
        yield


@contextmanager
def path_scan(stack: Stack) -> Iterator[None]:
    def probe() -> None:
        path = random.choice(SCANNED)
        agent = {"User-Agent": "Mozilla/5.0 (compatible; path-probe/0.9)"}
        ask("GET", path, source="198.51.100.213", headers=agent)

    with repeating(probe, 0.05):
        yield


@contextmanager
def oversize_upload(stack: Stack) -> Iterator[None]:
    def upload() -> None:
        ask("POST", "/cart/ffff", source="192.0.2.150", body="x" * 90_000)

    with repeating(upload, 0.12):
        yield


@contextmanager
def configuration_typo(stack: Stack) -> Iterator[None]:
    stack.stop("stock")
    configuration.write_stock_settings(port="82o0")
    command = "/srv/python/bin/python3.11 /srv/shop/stock.py 3.3.0"
    with repeating(lambda: stack.start("stock", command=command, wait=False), 0.6):
        yield
    configuration.write_stock_settings()
    stack.start("stock", command=command)


@contextmanager
def memory_limit(stack: Stack) -> Iterator[None]:
    def limit() -> None:
        ensure_worker(stack)
        for child in stack.tree("worker")[1:]:
            with suppress(psutil.Error):
                if child.rlimit(psutil.RLIMIT_AS)[0] == NO_LIMIT:
                    child.rlimit(psutil.RLIMIT_AS, (child.memory_info().vms + SPARE, NO_LIMIT))

    with repeating(limit, 0.3):
        yield
    stack.kill("worker")
    stack.start("worker")


@contextmanager
def component_silent(stack: Stack) -> Iterator[None]:
    stack.signal("worker", signal.SIGSTOP)
    yield
    stack.signal("worker", signal.SIGCONT)


@contextmanager
def queue_backlog(stack: Stack) -> Iterator[None]:
    def enqueue() -> None:
        send_campaign.delay(random.randint(1, 2000))

    for _ in range(120):
        enqueue()
    with repeating(enqueue, 0.04):
        yield
    app.control.purge()


@contextmanager
def missing_step(stack: Stack) -> Iterator[None]:
    mark = Path("/srv/spool/mails-paused")
    mark.touch()
    yield
    mark.unlink()


@contextmanager
def certificate_expired(stack: Stack) -> Iterator[None]:
    with changed_bank(stack, "/srv/tls/expired.pem 0"):
        yield


@contextmanager
def dependency_timeout(stack: Stack) -> Iterator[None]:
    with changed_bank(stack, "/srv/tls/bank.pem 2"):
        yield


@contextmanager
def name_resolution(stack: Stack) -> Iterator[None]:
    write_hosts(without=("stock1",))
    yield
    write_hosts()


@contextmanager
def mail_refused(stack: Stack) -> Iterator[None]:
    stack.stop("mail")
    yield
    stack.start("mail")


@contextmanager
def permission_denied(stack: Stack) -> Iterator[None]:
    stack.sql("REVOKE SELECT ON coupons FROM shop")
    yield
    stack.sql("GRANT SELECT ON coupons TO shop")


@contextmanager
def bad_migration(stack: Stack) -> Iterator[None]:
    stack.sql("ALTER TABLE coupons RENAME COLUMN percent TO rate")
    yield
    stack.sql("ALTER TABLE coupons RENAME COLUMN rate TO percent")


@contextmanager
def invalid_json(stack: Stack) -> Iterator[None]:
    def deliver() -> None:
        note = json.dumps({"sku": f"P{random.randint(1, 300):04d}", "quantity": 40})
        ask("POST", "/delivery", host="stock1:8200", body=note[: random.randint(1, len(note) - 1)])

    with repeating(deliver, 0.1):
        yield


@contextmanager
def deploy_shop(stack: Stack) -> Iterator[None]:
    """Harmless: each instance leaves nginx, restarts with a new version, comes back."""
    number = int(stack.versions["SHOP_VERSION"].split(".")[1]) + 1
    stack.versions["SHOP_VERSION"] = f"2.{number}.0"
    for host in ("app1", "app2"):
        configuration.write_upstream(without=host)
        stack.running["nginx"].send_signal(signal.SIGHUP)
        time.sleep(0.5)
        stack.restart(f"shop_{host}")
    configuration.write_upstream()
    stack.running["nginx"].send_signal(signal.SIGHUP)
    yield


@contextmanager
def restart_payments(stack: Stack) -> Iterator[None]:
    """Harmless: a planned restart of a fraction of a second."""
    stack.restart("payments")
    yield


def connect_as(user: str, *, password: str = "") -> psycopg2.extensions.connection:
    return psycopg2.connect(
        host="db1",
        dbname="shop",
        user=user,
        password=password or f"{user}-secret",
        connect_timeout=2,
    )


@contextmanager
def changed_bank(stack: Stack, arguments: str) -> Iterator[None]:
    stack.stop("bank")
    stack.start("bank", command=f"/srv/python/bin/python3.11 /srv/shop/bank.py {arguments}")
    yield
    stack.restart("bank")


@contextmanager
def ballast(folder: Path) -> Iterator[None]:
    """Fill a small file system to its last byte."""
    path = folder / "ballast"
    with suppress(OSError), path.open("wb", buffering=0) as target:
        while target.write(b"\0" * 4096):
            pass
    yield
    path.unlink()


def save_snapshot() -> None:
    with suppress(redis.RedisError):
        redis.Redis("cache1").bgsave()


def ensure_worker(stack: Stack) -> None:
    if stack.running["worker"].poll() is not None:
        stack.start("worker")


def title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def ask(
    method: str,
    path: str,
    *,
    host: str = "web1:80",
    source: str = "",
    body: str = "",
    headers: dict[str, str] | None = None,
) -> None:
    """One request whose answer nobody reads."""
    connection = HTTPConnection(host, timeout=2, source_address=(source, 0) if source else None)
    with suppress(OSError, HTTPException):
        connection.request(method, path, body or None, headers or {})
        connection.getresponse().read()
    connection.close()


def try_ssh(user: str, source: str, *, key: bool = False) -> None:
    """Log in once: with the deployment key, or with a wrong password."""
    wanted = "publickey" if key else "password"
    options = [
        f"PreferredAuthentications={wanted}", "StrictHostKeyChecking=no", "LogLevel=QUIET",
        "UserKnownHostsFile=/dev/null", "NumberOfPasswordPrompts=2", "ConnectTimeout=3",
    ]  # fmt: skip
    words = [word for option in options for word in ("-o", option)]
    command = ["ssh", "-F", "none", "-i", "/srv/ssh/user_key", "-b", source, *words]
    secret = {"SSH_ASKPASS": "/srv/ssh/password", "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [*command, f"{user}@{HOSTS['web1']}", "true"],
            env={**os.environ, **secret},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=10,
            check=False,
        )


@dataclass(frozen=True)
class Kind:
    """What a person would write about the fault: who is at fault, and where it shows."""

    inject: Callable[[Stack], AbstractContextManager[None]]
    service: str
    host: str
    source: str
    description: str

    def entered(self, stack: Stack) -> ExitStack:
        holder = ExitStack()
        holder.enter_context(self.inject(stack))
        return holder


DB, WEB, JOBS = ("postgresql", "db1"), ("nginx", "web1"), ("worker", "jobs1")
KINDS = {
    "connections_exhausted": Kind(connections_exhausted, *DB, "postgresql",
        "a reporting tool opens connections until max_connections is reached"),
    "deadlock": Kind(deadlock, *DB, "postgresql",
        "two jobs update the same two products in opposite order"),
    "backend_killed": Kind(backend_killed, *DB, "postgresql",
        "kill -9 on database backends; the server goes through crash recovery"),
    "worker_killed": Kind(worker_killed, *JOBS, "worker",
        "kill -9 on the worker's pool processes"),
    "upstream_down": Kind(upstream_down, "shop", "app2", "nginx_error",
        "the shop process on app2 is gone; nginx finds the connection refused"),
    "upstream_timeout": Kind(upstream_timeout, "shop", "app1", "nginx_error",
        "the shop process on app1 hangs; nginx waits in vain"),
    "slow_query": Kind(slow_query, *DB, "postgresql",
        "a reporting query joins the orders with themselves again and again"),
    "lock_wait": Kind(lock_wait, *DB, "postgresql",
        "an exclusive lock on products is held; statements wait behind it"),
    "statement_timeout": Kind(statement_timeout, *DB, "postgresql",
        "a statement_timeout far too small is set for the worker's role"),
    "disk_full": Kind(disk_full, *DB, "postgresql",
        "the volume of the audit table has no space left"),
    "redis_disk_full": Kind(redis_disk_full, "redis", "cache1", "shop_app1",
        "the volume of the snapshots is full; Redis refuses writes (MISCONF)"),
    "redis_memory_full": Kind(redis_memory_full, "redis", "cache1", "shop_app1",
        "maxmemory is reached; Redis refuses writes (OOM)"),
    "redis_down": Kind(redis_down, "redis", "cache1", "worker",
        "the Redis server is killed and stays away"),
    "password_burst": Kind(password_burst, "system", "web1", "syslog",
        "one address guesses passwords over ssh"),
    "database_password_burst": Kind(database_password_burst, *DB, "postgresql",
        "passwords of database roles are guessed"),
    "path_scan": Kind(path_scan, *WEB, "nginx_access",
        "a scanner asks for well known attack paths"),
    "oversize_upload": Kind(oversize_upload, *WEB, "nginx_error",
        "a client uploads bodies above client_max_body_size"),
    "configuration_typo": Kind(configuration_typo, "stock", "stock1", "stock",
        "after a deployment the configuration cannot be read; the service does not start"),
    "memory_limit": Kind(memory_limit, *JOBS, "worker",
        "the address space of the pool processes is limited; an invoice runs out of memory"
        " and the worker dies"),
    "component_silent": Kind(component_silent, *JOBS, "worker",
        "the worker is stopped (SIGSTOP): its lines cease and the queues grow"),
    "queue_backlog": Kind(queue_backlog, *JOBS, "worker",
        "a campaign fills the queue faster than the worker empties it"),
    "missing_step": Kind(missing_step, *JOBS, "worker",
        "mail tasks succeed without sending: the lines of the step in between are missing"),
    "certificate_expired": Kind(certificate_expired, "payments", "pay1", "payments",
        "the bank presents a certificate that has expired"),
    "dependency_timeout": Kind(dependency_timeout, "payments", "pay1", "payments",
        "the bank answers later than the payment service waits"),
    "name_resolution": Kind(name_resolution, "stock", "stock1", "shop_app1",
        "the name stock1 does not resolve any more"),
    "mail_refused": Kind(mail_refused, *JOBS, "worker",
        "the mail server is down; every mail is refused"),
    "permission_denied": Kind(permission_denied, *DB, "postgresql",
        "the shop's role has lost its right to read coupons"),
    "bad_migration": Kind(bad_migration, *DB, "postgresql",
        "a migration renames a column that the shop still asks for"),
    "invalid_json": Kind(invalid_json, "stock", "stock1", "stock",
        "a supplier sends delivery notes cut off in the middle"),
}  # fmt: skip
HARMLESS = {
    "deploy_shop": Kind(deploy_shop, "shop", "app1", "shop_app1",
        "a rolling deployment of the shop: a new version line, nothing breaks"),
    "restart_payments": Kind(restart_payments, "payments", "pay1", "payments",
        "a planned restart of the payment service"),
}  # fmt: skip
