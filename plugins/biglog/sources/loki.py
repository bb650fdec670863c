"""A partition's lines in Loki, as lines of JSON with their time and labels."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from biglog.errors import BadInput, TryAgain
from biglog.settings import SourceSettings
from biglog.sources.asking import Server
from biglog.sources.pulling import (
    SECOND,
    Page,
    await_end,
    iso,
    keyed,
    merge,
    moment,
    plan_of,
    pull,
    span,
)

TOO_LONG = re.compile(r"time range exceeds|too many (?:bytes|chunks)|too large")
TOO_MANY = re.compile(r"max entries limit[^()]{0,200}\([0-9]{1,18} > ([0-9]{1,18})\)")
ALIASES = {"detected_level": "level", "service_name": "service"}
"""Labels that Loki makes up itself, by the names that BigLog's reader knows."""


class TooLongError(Exception):
    """Loki refuses the time between start and end; half of it may do."""


class TooManyError(Exception):
    """Loki refuses so many lines at a time."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.most = int(found[1]) if (found := TOO_MANY.search(said)) else 0
        """How many it gives."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is read, and of whom."""

    server: Server
    path: str
    logql: str
    source: SourceSettings
    end: int

    @property
    def where(self) -> str:
        return f"source {self.source.name}: {self.server.where}{self.path}"


@dataclass(frozen=True, slots=True)
class Window:
    """How much is asked for at a time, in nanoseconds and in lines; smaller after a refusal."""

    length: int
    lines: int


def collect(server: Server, source: SourceSettings, path: str, date: str, folder: Path) -> Path:
    """The date's lines in order of time, in one file."""
    rest = path.partition("://")[2].partition("/")[2]
    prefix, brace, selector = rest.partition("{")
    logql = source.query or brace + selector
    if not logql or source.page_size < 1:
        raise BadInput(
            f"source {source.name}: {path} asks for nothing; write it behind the host, "
            'loki://host:3100/{app="shop"}, or as query in sources.toml'
        )
    start, end = span(date, source.timezone)
    await_end(end, server.patience)
    base = f"/{prefix.strip('/')}" if prefix.strip("/") else ""
    query = Query(server, f"{base}/loki/api/v1/query_range", logql, source, end)
    part = folder / ".lines"
    plan = plan_of(server.where, query.path, logql, source.tenant, start, end)
    pull(part, plan, start, partial(pages, query))
    return merge([part], folder / "lines.jsonl")


def pages(query: Query, start: int) -> Iterator[Page]:
    """Pages from a moment on. A full page may end between two lines of one nanosecond, so its last
    nanosecond is left for the next page, which begins with it.
    """
    window = Window(query.end - start, query.source.page_size)
    while start < query.end:
        try:
            page = ask_page(query, start, window)
        except TooLongError as error:
            window = shorter(window, query, error)
        except TooManyError as error:
            window = smaller(window, query, error)
        else:
            yield page
            start = page.until


def ask_page(query: Query, start: int, window: Window) -> Page:
    until = min(query.end, start + window.length)
    lines = ask(query, start, until, window.lines)
    if len(lines) < window.lines:
        return Page(lines, until)
    edge = moment(lines[-1])
    if edge == start:
        return Page(nanosecond(query, start, window.lines), start + 1)
    return Page([line for line in lines if moment(line) < edge], edge)


def shorter(window: Window, query: Query, error: TooLongError) -> Window:
    if window.length <= SECOND:
        raise BadInput(f"{query.where}: {error}; narrow the query") from error
    return replace(window, length=window.length // 2)


def smaller(window: Window, query: Query, error: TooManyError) -> Window:
    if not 0 < error.most < window.lines:
        raise BadInput(f"{query.where}: {error}; set a smaller page_size") from error
    return replace(window, lines=error.most)


def nanosecond(query: Query, at: int, lines: int) -> list[bytes]:
    """All lines of one nanosecond that fills a page: larger ones are tried, up to Loki's limit."""
    asked, most = lines, None
    while most is None or asked < most:
        asked = most or asked * 2
        try:
            found = ask(query, at, at + 1, asked)
        except TooManyError as error:
            asked, most = lines, error.most
        else:
            if len(found) < asked:
                return found
    raise BadInput(
        f"{query.where}: {asked} lines or more carry the time {iso(at)}, which is all that Loki "
        "gives at once; raise its max_entries_limit_per_query"
    )


def ask(query: Query, start: int, end: int, lines: int) -> list[bytes]:
    """Sorted lines from start up to, but without, end: the first ones where there are more."""
    answer = query.server.ask(
        "GET",
        query.path,
        params={
            "query": query.logql,
            "start": str(start),
            "end": str(end),
            "limit": str(lines),
            "direction": "forward",
        },
        headers={"X-Scope-OrgID": query.source.tenant} if query.source.tenant else None,
    )
    streams = understood(answer, query)
    return sorted(line for one in streams for line in lines_of(one["stream"], one["values"]))


def understood(answer: httpx.Response, query: Query) -> list[dict[str, Any]]:
    """The answer's streams. Raises what is too long or too many, or BadInput with the reason."""
    if answer.status_code >= 400:
        said = " ".join(answer.text[:300].split())
        if TOO_MANY.search(said):
            raise TooManyError(said)
        if TOO_LONG.search(said):
            raise TooLongError(said)
        raise BadInput(f"{query.where}: status {answer.status_code}: {said}; correct the query")
    try:
        data = answer.json()["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise TryAgain(f"{query.where}: the answer is not Loki's; is a proxy before it?") from error
    if data["resultType"] != "streams":
        raise BadInput(
            f"{query.where}: the query gives a {data['resultType']}, expected lines; leave out "
            "functions like rate() and count_over_time()"
        )
    return list(data["result"])


def lines_of(labels: Mapping[str, str], values: list[list[Any]]) -> Iterator[bytes]:
    """A stream's lines; those of one nanosecond stay in the order in which Loki has them."""
    made = {ALIASES[key]: value for key, value in labels.items() if key in ALIASES}
    named = made | {key: value for key, value in labels.items() if key not in ALIASES}
    stream = json.dumps(labels, sort_keys=True)
    for number, (stamp, text, *_) in enumerate(values):
        yield keyed(int(stamp), f"{stream} {number:>9}", record(named, int(stamp), text))


def record(labels: Mapping[str, str], stamp: int, text: str) -> dict[str, Any]:
    """Labels, time and line; the fields of a line that is JSON itself stand for the line."""
    try:
        fields = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        fields = None
    if isinstance(fields, dict):
        return {**labels, "time": iso(stamp), **fields}
    return {**labels, "time": iso(stamp), "message": text}
