"""Where a source is reached and who asks, as Airflow keeps it: a connection."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from biglog.errors import BadInput

PREFIXES = ("BIGLOG_CONN_", "AIRFLOW_CONN_")


@dataclass(frozen=True, slots=True)
class Connection:
    """Secrets stay out of its repr, so that no log line or error shows them."""

    host: str = ""
    port: int | None = None
    login: str = ""
    password: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


Connect = Callable[[str], Connection]


def from_environment(name: str) -> Connection:
    """The connection that BIGLOG_CONN_<NAME>, else AIRFLOW_CONN_<NAME>, holds as a URI or as JSON.

    Raises BadInput where neither is set, or what is set cannot be read.
    """
    variables = [f"{prefix}{name.upper()}" for prefix in PREFIXES]
    known = next((one for one in variables if os.environ.get(one)), None)
    if known is None:
        raise BadInput(
            f"no connection named {name!r}: set {variables[0]} to a URI or JSON, or add it in "
            "Airflow under Admin, Connections"
        )
    try:
        return parse(os.environ[known])
    except (ValueError, TypeError, AttributeError):
        # Neither the text nor the parser's message: both may hold the password.
        raise BadInput(
            f"{known} is not a connection; expected kind://login:password@host:port/?extra=… or "
            '{"host": …, "login": …, "password": …}'
        ) from None


def parse(text: str) -> Connection:
    """Airflow's two ways of writing a connection. Raises ValueError for anything else."""
    if text.lstrip().startswith("{"):
        return from_json(json.loads(text))
    parts = urlsplit(text)
    if not parts.scheme:
        raise ValueError("no scheme")
    extra: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
    extra |= json.loads(extra.pop("__extra__", "{}"))
    return Connection(
        host=unquote(parts.hostname or ""),
        port=parts.port,
        login=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        extra=extra,
    )


def from_json(row: Mapping[str, Any]) -> Connection:
    extra = row.get("extra") or {}
    return Connection(
        host=str(row.get("host") or ""),
        port=int(row["port"]) if row.get("port") else None,
        login=str(row.get("login") or ""),
        password=str(row.get("password") or ""),
        extra=dict(json.loads(extra) if isinstance(extra, str) else extra),
    )
