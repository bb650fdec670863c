"""Files that have arrived for a partition, found by a source's glob."""

from __future__ import annotations

import os
import re
from datetime import date as Date
from pathlib import Path

from biglog.errors import BadInput
from biglog.settings import SourceSettings
from biglog.sources.rotation import age

PLACES = ("date", "yyyymmdd", "yyyy", "mm", "dd")
WILD = re.compile(r"[*?\[{]")


def find(source: SourceSettings, date: str) -> tuple[Path, ...]:
    """Files of the partition, oldest lines first; empty where nothing has arrived.

    Raises BadInput where the folder is missing or closed, or a match is not a file.
    """
    root, rest = split_root(Path(fill(source, date)))
    lasting, _ = split_root(Path(source.path))
    if not lasting.is_dir():
        raise BadInput(
            f"source {source.name}: the folder {lasting} does not exist; create it, or correct "
            f"path = {source.path!r} in sources.toml"
        )
    if not root.is_dir():
        return ()
    check_open(root, source)
    found = sorted(root.glob(rest), key=age) if rest else []
    return tuple(path for path in found if is_wanted(path, root, source))


def fill(source: SourceSettings, date: str) -> str:
    """The path with the partition's date in the places {date}, {yyyymmdd}, {yyyy}, {mm}, {dd}."""
    try:
        day = Date.fromisoformat(date)
    except ValueError as error:
        raise BadInput(f"date {date!r} is not a date; expected YYYY-MM-DD") from error
    values = {
        "date": f"{day:%Y-%m-%d}",
        "yyyymmdd": f"{day:%Y%m%d}",
        "yyyy": f"{day:%Y}",
        "mm": f"{day:%m}",
        "dd": f"{day:%d}",
    }
    unknown = [one for one in re.findall(r"\{(\w*)\}", source.path) if one not in PLACES]
    if unknown:
        known = ", ".join(f"{{{one}}}" for one in PLACES)
        raise BadInput(f"source {source.name}: path has {{{unknown[0]}}}; known places: {known}")
    return re.sub(r"\{(\w+)\}", lambda found: values[found.group(1)], source.path)


def split_root(pattern: Path) -> tuple[Path, str]:
    """What stands before a glob's first wildcard or date, and the rest; a plain file's folder and
    name.
    """
    parts = pattern.parts
    wild = [at for at, part in enumerate(parts) if WILD.search(part)]
    cut = wild[0] if wild else len(parts) - 1
    return Path(*parts[:cut]), "/".join(parts[cut:])


def check_open(root: Path, source: SourceSettings) -> None:
    if not os.access(root, os.R_OK | os.X_OK):
        raise BadInput(
            f"source {source.name}: the folder {root} may not be listed by this user; grant it "
            "read and execute permission"
        )


def is_wanted(path: Path, root: Path, source: SourceSettings) -> bool:
    """Whether a match is a file to read. Raises BadInput, in words, for what cannot be one."""
    if path.name.startswith("."):
        return False
    if not path.resolve().is_relative_to(root.resolve()):
        raise BadInput(
            f"source {source.name}: {path} is a link to {path.resolve()}, outside {root}; name "
            "that folder in sources.toml, or copy the file"
        )
    if path.is_symlink() and not path.exists():
        raise BadInput(f"source {source.name}: {path} is a link to nothing; remove or repair it")
    if path.is_dir():
        raise BadInput(
            f"source {source.name}: {path} is a directory, expected files; end path with /* to "
            "read the files in it"
        )
    if not path.is_file():
        raise BadInput(f"source {source.name}: {path} is no regular file (a pipe or a device?)")
    if not os.access(path, os.R_OK):
        raise BadInput(f"source {source.name}: {path} may not be read by this user; chmod +r it")
    return True
