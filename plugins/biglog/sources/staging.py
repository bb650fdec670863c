"""Files of a partition that lie elsewhere, and the copies of them that are read."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from biglog import lake
from biglog.errors import TryAgain
from biglog.sources.rotation import age

KEPT_SECONDS = 7 * 86_400
"""A partition's copies that were not asked for in so long are removed."""
LONGEST = 200
"""Bytes of a file's name; file systems end at 255, and drafts add to it."""
MARKS = ".marks.json"


@dataclass(frozen=True, slots=True)
class Remote:
    """A file that lies elsewhere."""

    name: str
    size: int | None
    """Bytes that are read of it; a file that is still written to goes on growing."""
    mark: str
    """Changes when its content does: its ETag or the time it was written; empty where unknown."""

    @property
    def version(self) -> str:
        return f"{self.size} {self.mark}" if self.mark else ""


class Shelf(Protocol):
    """A place with files."""

    def find(self) -> tuple[Remote, ...]: ...

    def read(self, remote: Remote) -> Iterator[bytes]: ...


@contextmanager
def staging(home: Path, source: str, date: str) -> Iterator[Path]:
    """The partition's folder, for one process at a time. Raises TryAgain where another has it."""
    root = home / "staging" / f"source={source}"
    folder = root / f"date={date}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TryAgain(f"{folder} is being filled by another run; wait for its end") from error
        os.utime(folder)
        sweep(root)
        yield folder


def sweep(root: Path) -> None:
    """Remove partitions that nobody asked for lately."""
    for folder in root.glob("date=*"):
        if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def stage(shelf: Shelf, folder: Path) -> tuple[Path, ...]:
    """Copies of the shelf's files, oldest lines first; what is here unchanged is not read again."""
    marks = read_marks(folder)
    found = {place(folder, remote.name): remote for remote in shelf.find()}
    for target, remote in found.items():
        key = str(target.relative_to(folder))
        if not (target.exists() and remote.version and marks.get(key) == remote.version):
            lake.sweep(target.parent)
            fetch(shelf, remote, target)
            marks[key] = remote.version
            lake.write_json(folder / MARKS, dict[str, str], marks)
    forget(folder, found, marks)
    return tuple(sorted(found, key=age))


def read_marks(folder: Path) -> dict[str, str]:
    path = folder / MARKS
    return dict(lake.read_json(path, dict[str, str])) if path.exists() else {}


def fetch(shelf: Shelf, remote: Remote, target: Path) -> None:
    """The whole file or none of it. Raises TryAgain where fewer bytes came than were listed."""
    with lake.replacing(target) as draft, draft.open("wb") as out:
        for block in shelf.read(remote):
            out.write(block if remote.size is None else block[: remote.size - out.tell()])
            if out.tell() == remote.size:
                break
        came = out.tell()
        if remote.size is not None and came < remote.size:
            raise TryAgain(
                f"{remote.name} ended after {came} of its {remote.size} bytes; it was cut or "
                "replaced while it was read, and is fetched again on the next try"
            )


def forget(folder: Path, found: Mapping[Path, Remote], marks: Mapping[str, str]) -> None:
    """Remove copies of files that are no longer there."""
    for key in marks:
        if folder / key not in found:
            (folder / key).unlink(missing_ok=True)
    kept = {str(one.relative_to(folder)) for one in found}
    left = {key: mark for key, mark in marks.items() if key in kept}
    lake.write_json(folder / MARKS, dict[str, str], left)


def place(folder: Path, name: str) -> Path:
    """Where a remote name is kept: under the folder, whatever the name holds."""
    return folder.joinpath(*(plain(part) for part in name.split("/") if part))


def plain(part: str) -> str:
    """One remote name as a file name; other names give other file names."""
    if not part.strip("."):
        return part.replace(".", "%2E")
    safe = re.sub(r"[^\w.@+=,-]", lambda found: quote(found[0], safe="", errors="replace"), part)
    if len(os.fsencode(safe)) <= LONGEST:
        return safe
    digest = hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{digest}-{safe[-40:]}"
