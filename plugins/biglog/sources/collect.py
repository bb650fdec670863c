"""A partition's files, wherever its source is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from biglog.errors import BadInput
from biglog.settings import SourceSettings
from biglog.sources import elasticsearch, landing, loki
from biglog.sources.asking import Patience, reach
from biglog.sources.connection import Connect, Connection, from_environment
from biglog.sources.files import open_shelf
from biglog.sources.staging import stage, staging
from biglog.sources.web import WebShelf

STORES = {
    "elasticsearch": elasticsearch.collect,
    "opensearch": elasticsearch.collect,
    "loki": loki.collect,
}
WEB = ("http", "https")


def collect(
    source: SourceSettings,
    date: str,
    home: Path,
    connect: Connect = from_environment,
    patience: Patience | None = None,
) -> tuple[Path, ...]:
    """The partition's files, oldest lines first; empty where nothing has arrived.

    What lies elsewhere is copied to a staging folder under the home first. Raises BadInput for
    what cannot be found or is not allowed, TryAgain for a server that is away.
    """
    scheme, mark, rest = source.path.partition("://")
    if not mark:
        return landing.find(source, date)
    if scheme == "file":
        return landing.find(replace(source, path=rest), date)
    check_url(source)
    url = landing.fill(source, date)
    known = connect(source.connection) if source.connection else Connection()
    with staging(home, source.name, date) as folder:
        return fetch(source, url, date, folder, known, patience or Patience())


def check_url(source: SourceSettings) -> None:
    """Refuse a password in a URL: sources.toml is no place for it, and errors show URLs."""
    if urlsplit(source.path).password:
        raise BadInput(
            f"source {source.name}: path holds a password; move it to a connection and name that "
            "as connection in sources.toml (see docs/sources.md)"
        )


def fetch(
    source: SourceSettings,
    url: str,
    date: str,
    folder: Path,
    known: Connection,
    patience: Patience,
) -> tuple[Path, ...]:
    kind = url.partition("://")[0].removesuffix("+https")
    if kind not in (*STORES, *WEB):
        return stage(open_shelf(source.path, url, known), folder)
    with reach(url, known, patience) as server:
        if kind in WEB:
            return stage(WebShelf(url, server), folder)
        return (STORES[kind](server, source, url, date, folder),)
