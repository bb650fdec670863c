"""Severity words, numbers and HTTP statuses, as one of records.LEVELS."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import polars as pl

SPOKEN = {
    "TRACE": "trace trc vrb finest finer all 10 trace1 trace2 trace3 trace4",
    "DEBUG": "debug dbg debug1 debug2 debug3 debug4 debug5 fine verbose verb config 20 7 d "
    "ddebug subdebug debug+1 debug+2 debug+3",
    "INFO": "info inf information informational log message msg 30 6 i ok success "
    "info+1 info+2 info+3",
    "NOTICE": "notice note 5 n",
    "WARNING": "warn warning wrn 40 4 w caution deprecated warn+1 warn+2 warn+3",
    "ERROR": "error err eror severe failure failed 50 3 e error+1 error+2 error+3",
    "CRITICAL": "critical crit fatal panic emergency emerg alert 60 2 1 0 f c fault dpanic ftl "
    "error+4",
}
WORDS = {word: level for level, words in SPOKEN.items() for word in words.split()}
BY_SEVERITY = ("CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG")
REASONS = {str(one.value): one.phrase for one in HTTPStatus} | {
    # nginx's own
    "444": "No Response", "494": "Request Header Too Large", "495": "SSL Certificate Error",
    "496": "SSL Certificate Required", "497": "HTTP Request Sent to HTTPS Port",
    "499": "Client Closed Request",
}  # fmt: skip


def normalise(words: pl.Expr, own: Mapping[str, str]) -> pl.Expr:
    """A word's level: the format's own meaning first, then the usual one; null where unknown."""
    usual = words.str.to_lowercase().replace_strict(WORDS, default=None, return_dtype=pl.String)
    if not own:
        return usual
    return pl.coalesce(words.replace_strict(dict(own), default=None, return_dtype=pl.String), usual)


def of_status(status: pl.Expr) -> pl.Expr:
    """5xx is ERROR, 4xx WARNING, any other HTTP status INFO."""
    first = status.str.head(1)
    return (
        pl.when(first == "5")
        .then(pl.lit("ERROR"))
        .when(first == "4")
        .then(pl.lit("WARNING"))
        .when(status.is_not_null())
        .then(pl.lit("INFO"))
    )


def reason(status: pl.Expr) -> pl.Expr:
    """The reason phrase of an HTTP status, so that a template keeps the number's meaning."""
    return status.replace_strict(REASONS, default=None, return_dtype=pl.String)


def of_priority(priority: pl.Expr) -> pl.Expr:
    """The level in a syslog priority: its last three bits."""
    severity = priority.cast(pl.Int64, strict=False) % 8
    return severity.replace_strict(
        dict(enumerate(BY_SEVERITY)), default=None, return_dtype=pl.String
    )
