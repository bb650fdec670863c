"""Where each partition's files lie, and how one is replaced whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from biglog.errors import BadInput, TryAgain

T = TypeVar("T")
ABANDONED_SECONDS = 86_400


def lines(lake: Path, source: str, date: str) -> Path:
    return lake / "lines" / f"source={source}" / f"date={date}" / "part-0.parquet"


def late(lake: Path, source: str, date: str, *, night: str) -> Path:
    """Lines of ``date`` that only came with the files of another night, which owns them."""
    return lines(lake, source, date).with_name(f"late-{night}.parquet")


def parts(lake: Path, source: str, date: str) -> list[Path]:
    """Every file with lines of a partition: its own, then late ones, by the night they came."""
    own = lines(lake, source, date)
    return [one for one in (own, *sorted(own.parent.glob("late-*.parquet"))) if one.exists()]


def late_digests(lake: Path, date: str, sources: Collection[str]) -> dict[str, str]:
    """The late lines that a night has by now: SHA-256 of each file, by source and name."""
    return {
        f"{source}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for source in sources
        for path in parts(lake, source, date)
        if path.name.startswith("late-")
    }


def quarantine(lake: Path, source: str, date: str) -> Path:
    return lake / "quarantine" / f"source={source}" / f"date={date}" / "part-0.parquet"


def events(lake: Path, source: str, date: str) -> Path:
    return lake / "events" / f"source={source}" / f"date={date}" / "part-0.parquet"


def night(lake: Path, date: str, name: str) -> Path:
    """What the night's stages hand to each other: clusters, findings, incidents."""
    return lake / "nights" / f"date={date}" / f"{name}.json"


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary sibling to write to; it takes the target's place only when all went well.

    One rename is atomic on a POSIX file system, so a reader, or a run after kill -9, sees the old
    file or the new one. Raises TryAgain where the disk refuses.
    """
    writer = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"
    draft = target.with_name(f".{target.name}.{writer}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(target)
    except OSError as error:
        raise TryAgain(
            f"cannot write {target}: {error.strerror or error}; free space or fix the permission "
            "and run the partition again, the old one is untouched"
        ) from error
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def sweep(directory: Path) -> None:
    """Remove drafts that a killed run left in one partition's directory, and only those."""
    for draft in directory.glob(".*.tmp"):
        with suppress(FileNotFoundError):
            if is_abandoned(draft):
                draft.unlink()


def is_abandoned(draft: Path) -> bool:
    """Whether nobody writes it any more: its process is gone, or, elsewhere, it is a day old."""
    *host, pid, _, _ = draft.name.split(".")
    if ".".join(host).endswith(f".{socket.gethostname()}") and pid.isdigit():
        return not is_alive(int(pid))
    return time.time() - draft.stat().st_mtime > ABANDONED_SECONDS


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def write_json(path: Path, kind: type[T] | Any, value: T) -> None:
    with replacing(path) as draft:
        draft.write_bytes(TypeAdapter(kind).dump_json(value))


def read_json(path: Path, kind: type[T] | Any) -> T:
    """The value a stage left. Raises BadInput where that stage has not run."""
    try:
        value: T = TypeAdapter(kind).validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise BadInput(f"{path} is not there: run the stage that writes it first") from error
    except ValidationError as error:
        raise BadInput(
            f"{path} is of another version ({error.title}): run its night again"
        ) from error
    return value
