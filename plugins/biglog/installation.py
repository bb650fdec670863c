"""One installation: its settings, its database, its connections, and its encoder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from biglog import settings
from biglog.records import Encoder
from biglog.settings import Settings
from biglog.sources.connection import Connect, from_environment

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from biglog.reports.mail import SmtpSettings


@dataclass(frozen=True, slots=True)
class Site:
    """What every stage and every answer works with."""

    settings: Settings
    engine: Engine
    smtp: SmtpSettings | None = None
    connect: Connect = from_environment
    """Finds what a source's ``connection`` names."""


def open_site(
    home: Path | None = None,
    *,
    smtp: SmtpSettings | None = None,
    connect: Connect = from_environment,
) -> Site:
    """Settings and database of a home directory (BIGLOG_HOME where none is given)."""
    from biglog.store.connect import engine, url

    known = settings.load(home)
    return Site(known, engine(url(known.home)), smtp, connect)


@lru_cache(maxsize=2)
def encoder(directory: Path) -> Encoder:
    """The encoder of a directory, loaded once a process."""
    from biglog.vectors.encoder import load_encoder

    return load_encoder(directory)
