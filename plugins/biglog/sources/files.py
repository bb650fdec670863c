"""Files on an object store, an SFTP server or any other file system that fsspec knows."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fsspec  # type: ignore[import-untyped]

from biglog.errors import BadInput, BigLogError, TryAgain
from biglog.sources.connection import Connection
from biglog.sources.staging import Remote

BLOCK = 4 << 20
FOLDERS = ("sftp", "ssh")
"""Where a path begins with a server, and a folder is more than the start of a name."""
CHANGING = re.compile(r"[*?\[{]")
MARKS = ("ETag", "etag", "md5", "version_id", "LastModified", "mtime", "created")
"""What file systems call the thing that changes with the content, the surest first."""
REFUSALS = {
    "builtins": ("ValueError",),
    "botocore.exceptions": (
        "NoCredentialsError",
        "PartialCredentialsError",
        "ParamValidationError",
    ),
    "paramiko.ssh_exception": ("AuthenticationException", "BadHostKeyException"),
}
FAILURES = {
    "builtins": ("OSError", "EOFError"),
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "aiohttp": ("ClientError",),
    "paramiko.ssh_exception": ("SSHException",),
}


@dataclass(frozen=True, slots=True)
class FileShelf:
    """The files that a URL with wildcards names."""

    url: str
    base: str
    """The bucket or folder that is there on any date."""
    system: Any

    def find(self) -> tuple[Remote, ...]:
        with spoken(self.url):
            found = self.system.glob(inside(self.url), detail=True)
            if not found:
                self.system.ls(self.base)  # says so where it is not there
        return tuple(
            Remote(name, row["size"], mark(row))
            for name, row in found.items()
            if row["type"] == "file" and not name.rpartition("/")[2].startswith(".")
        )

    def read(self, remote: Remote) -> Iterator[bytes]:
        with (
            spoken(self.url),
            self.system.open(remote.name, "rb", block_size=BLOCK) as file,
        ):
            if hasattr(file, "prefetch"):  # SFTP: one wait for all blocks, not one for each
                file.prefetch(remote.size)
            while block := file.read(BLOCK):
                yield block


def open_shelf(path: str, url: str, known: Connection) -> FileShelf:
    """The shelf of a source's path, filled with a date as the URL. Raises as ``spoken``."""
    scheme = url.partition("://")[0]
    with spoken(url):
        options = OPTIONS.get(scheme, other_options)(url, known)
        system = fsspec.filesystem(scheme, skip_instance_cache=True, **options)
    return FileShelf(url, base(path), system)


def inside(url: str) -> str:
    """The path as the file system writes it: with its bucket, but without a server."""
    scheme, _, rest = url.partition("://")
    return "/" + rest.partition("/")[2] if scheme in FOLDERS else rest


def base(path: str) -> str:
    """The folder before a source's first wildcard or date; of an object store, its bucket."""
    parts = inside(path).split("/")
    if path.partition("://")[0] in FOLDERS:
        cut = next((at for at, part in enumerate(parts) if CHANGING.search(part)), len(parts) - 1)
        return "/".join(parts[:cut]) or "/"
    return parts[0]


def mark(row: dict[str, Any]) -> str:
    return next((str(row[name]) for name in MARKS if row.get(name) is not None), "")


def s3_options(_: str, known: Connection) -> dict[str, Any]:
    """An Airflow connection of kind aws; without one, what boto finds: environment or role."""
    extra = known.extra
    wanted = {
        "key": known.login or extra.get("aws_access_key_id"),
        "secret": known.password or extra.get("aws_secret_access_key"),
        "token": extra.get("aws_session_token"),
        "endpoint_url": extra.get("endpoint_url"),
        "anon": bool(extra.get("anon", False)),
        "config_kwargs": extra.get("config_kwargs"),
    }
    client = {"region_name": extra.get("region_name"), "verify": extra.get("verify")}
    wanted["client_kwargs"] = {key: value for key, value in client.items() if value is not None}
    return {key: value for key, value in wanted.items() if value} | {"use_listings_cache": False}


def sftp_options(url: str, known: Connection) -> dict[str, Any]:
    """An Airflow connection of kind sftp or ssh. The server must be known: see docs/sources.md."""
    parts = urlsplit(url)
    extra = known.extra
    wanted = {
        "host": parts.hostname or known.host,
        "port": parts.port or known.port or 22,
        "username": parts.username or known.login,
        "password": known.password,
        "key_filename": extra.get("key_file"),
        "host_key_policy": host_keys(extra),
        "timeout": 30,
    }
    return {key: value for key, value in wanted.items() if value}


def host_keys(extra: Any) -> Any:
    """Accepts a server that known_hosts, or the connection's ``host_key``, names; no other."""
    import paramiko  # type: ignore[import-untyped]

    known = paramiko.HostKeys()
    path = Path(extra.get("known_hosts", "~/.ssh/known_hosts")).expanduser()
    if path.exists():
        known.load(str(path))
    given = " ".join(str(extra.get("host_key", "")).split()[:2])

    class KnownHosts(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
        def missing_host_key(self, _: Any, hostname: str, key: Any) -> None:
            shown = f"{key.get_name()} {key.get_base64()}"
            if known.check(hostname, key) or given in (shown, key.get_base64()):
                return
            raise BadInput(
                f"the SFTP server {hostname} is not known by its {key.get_name()} key; check it, "
                "then add it to known_hosts, or to the connection's extra as host_key"
            )

    return KnownHosts()


def other_options(_: str, known: Connection) -> dict[str, Any]:
    """Whatever else fsspec knows takes its own options, from the connection's extra."""
    return dict(known.extra)


OPTIONS: dict[str, Callable[[str, Connection], dict[str, Any]]] = {
    "s3": s3_options,
    "s3a": s3_options,
    "sftp": sftp_options,
    "ssh": sftp_options,
}


@contextmanager
def spoken(url: str) -> Iterator[None]:
    """What file systems raise, in words: nothing there, not allowed, or away for now."""
    try:
        yield
    except BigLogError:
        raise
    except ImportError as error:
        raise BadInput(f"{url}: reading it needs a package: {error}") from error
    except FileNotFoundError as error:
        raise BadInput(
            f"{url}: {error.args[-1]} is not there; create the bucket or folder, or correct path"
        ) from error
    except PermissionError as error:
        raise BadInput(
            f"{url}: not allowed ({error}); let the connection's user list and read it"
        ) from error
    except loaded(REFUSALS) as error:
        raise BadInput(f"{url}: refused ({error}); correct the connection") from error
    except loaded(FAILURES) as error:
        raise TryAgain(f"{url}: {error or type(error).__name__}; tried again later") from error


def loaded(named: Mapping[str, tuple[str, ...]]) -> tuple[type[Exception], ...]:
    """Error types by name, of the libraries that this process has loaded."""
    return tuple(
        getattr(sys.modules[module], name)
        for module, names in named.items()
        if module in sys.modules
        for name in names
    )
