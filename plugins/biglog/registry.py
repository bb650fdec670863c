"""Which model is in use and which were before it, as a file; and the database's register of all."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from biglog import lake
from biglog.settings import PROJECT

if TYPE_CHECKING:
    from biglog.installation import Site


@dataclass(frozen=True, slots=True)
class InUse:
    """What is in use, and what was before it, the latest last; empty where nothing was chosen."""

    now: str = ""
    before: tuple[str, ...] = ()


def in_use(path: Path) -> InUse:
    """What the file says; nothing chosen, where there is none."""
    return lake.read_json(path, InUse) if path.exists() else InUse()


def take(path: Path, wanted: str) -> InUse:
    """Use this from now on; what is in use already changes nothing."""
    known = in_use(path)
    if wanted == known.now:
        return known
    return settle(path, InUse(wanted, (*known.before, known.now)))


def go_back(path: Path) -> InUse:
    """Use what was in use before; the file must name something that was."""
    known = in_use(path)
    return settle(path, InUse(known.before[-1], known.before[:-1]))


def settle(path: Path, chosen: InUse) -> InUse:
    lake.write_json(path, InUse, chosen)
    return chosen


def has_database(home: Path) -> bool:
    """Whether the register can be reached without making a database for it."""
    return bool(os.environ.get("BIGLOG_DB_URL")) or (home / "postgres").exists()


def open_register(home: Path) -> Site:
    """The site with its database, whose schema is brought up to date."""
    from biglog.installation import open_site
    from biglog.store.migrate import migrate

    site = open_site(home)
    migrate(site.engine, PROJECT / "sql")
    return site
