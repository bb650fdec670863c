"""Files made from a model once and used at every later load: beside it, else under the home."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from biglog.settings import home

log = logging.getLogger(__name__)


def places(directory: Path, name: str, key: str) -> tuple[Path, Path]:
    """Where the file of that name may lie; ``key`` is the fingerprint of what it was made from."""
    return directory / name, home() / "models" / key / name


def kept(directory: Path, name: str, key: str) -> Iterator[Path]:
    """The files of that name which are there, the one beside the model first."""
    return (path for path in places(directory, name, key) if path.is_file())


def keep(directory: Path, name: str, key: str, write: Callable[[Path], None]) -> Path | None:
    """Write the file, whole or not at all, where that is possible; None where it is nowhere."""
    for path in places(directory, name, key):
        draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(draft)
            draft.replace(path)
        except OSError as error:
            log.info("%s cannot be written: %s", path, error)
            draft.unlink(missing_ok=True)
        else:
            return path
    log.warning(
        "%s can be written neither beside the model nor under %s: it is made anew at every load",
        name,
        home(),
    )
    return None
