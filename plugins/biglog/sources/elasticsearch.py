"""A partition's documents in Elasticsearch or OpenSearch, as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from biglog.errors import BadInput, BigLogError, TryAgain
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

TIME = "@timestamp"
KEEP_ALIVE = "5m"
"""How long the cluster keeps a point in time between two pages."""
LARGEST_PAGE = 10_000
"""The cluster's own default limit, index.max_result_window."""
EXPIRED = "search_context_missing_exception"
STALE = 5
"""Points in time that may expire one after the other without a page between them."""
NANOS_FROM = 10**15
"""A sort value from here on is in nanoseconds: milliseconds get there in the year 33658."""


class ExpiredError(Exception):
    """The cluster has forgotten the point in time."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a cluster names points in time, and what breaks ties between equal timestamps in one."""

    open: str
    close: str
    id_key: str
    ties: Sequence[str]


DIALECTS = {
    "elasticsearch": Dialect("{index}/_pit", "_pit", "id", ("_shard_doc",)),
    # _shard_doc came with OpenSearch 3.3; _id alone is unique within one index only.
    "opensearch": Dialect(
        "{index}/_search/point_in_time", "_search/point_in_time", "pit_id", ("_id", "_index")
    ),
}


@dataclass(frozen=True, slots=True)
class Slice:
    """From one nanosecond up to, but without, another."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Index:
    """What is read, and of whom."""

    server: Server
    dialect: Dialect
    name: str
    source: SourceSettings

    @property
    def where(self) -> str:
        return f"source {self.source.name}: {self.server.where}/{self.name}"


def collect(server: Server, source: SourceSettings, path: str, date: str, folder: Path) -> Path:
    """The date's documents in order of time, in one file. Raises TryAgain where shards are missing:
    a part of the night is never taken for the whole.
    """
    scheme, _, rest = path.partition("://")
    name = rest.partition("/")[2].strip("/")
    if not name:
        raise BadInput(
            f"source {source.name}: {path} names no index; write {scheme}://host:9200/logs-*"
        )
    if not 1 <= source.page_size <= LARGEST_PAGE or source.slices < 1:
        raise BadInput(
            f"source {source.name}: page_size = {source.page_size}, slices = {source.slices}; "
            f"expected 1 to {LARGEST_PAGE} and at least 1"
        )
    index = Index(server, DIALECTS[scheme.partition("+")[0]], name, source)
    whole = span(date, source.timezone)
    await_end(whole[1], server.patience)
    slices = cut(whole, source.slices)
    parts = [folder / f".slice-{one.start}-{one.end}" for one in slices]
    with ThreadPoolExecutor(source.slices) as pool:
        list(pool.map(partial(pull_slice, index), slices, parts))
    return merge(parts, folder / "hits.jsonl")


def cut(whole: tuple[int, int], count: int) -> list[Slice]:
    """Equal parts of a time.

    Not the cluster's own ``slice``: which documents are in one depends on the shards of its point
    in time, so that it cannot go on in another one.
    """
    start, end = whole
    seconds = (end - start) // SECOND
    edges = [start + seconds * n // count * SECOND for n in range(count + 1)]
    return [Slice(*pair) for pair in pairwise(edges)]


def pull_slice(index: Index, slice: Slice, part: Path) -> None:
    plan = plan_of(index.server.where, index.name, index.source.query, slice)
    pull(part, plan, slice.start, lambda start: pages(index, Slice(start, slice.end)))


def pages(index: Index, left: Slice) -> Iterator[Page]:
    """Pages from a moment on; where a point in time expires, the next one goes on after the last
    whole page. The last timestamp of a page is kept back until all of it is here, so that going on
    needs no memory of single documents.
    """
    stale = 0
    while True:
        try:
            for page in snapshot(index, left):
                left, stale = replace(left, start=page.until), 0
                yield page
            return
        except ExpiredError:
            stale += 1
            if stale == STALE:
                raise TryAgain(
                    f"{index.where}: {STALE} points in time expired within one page each; "
                    "the cluster is too slow for now, or page_size too large"
                ) from None


def snapshot(index: Index, slice: Slice) -> Iterator[Page]:
    """Pages of one point in time."""
    held: list[bytes] = []
    after: list[Any] | None = None
    with point_in_time(index) as pit:
        while True:
            hits = search(index, pit, slice, after)
            lines = sorted([*held, *(line_of(hit, index) for hit in hits)])
            if len(hits) < index.source.page_size:
                yield Page(lines, slice.end)
                return
            after, edge = hits[-1]["sort"], moment(lines[-1])
            whole = [line for line in lines if moment(line) < edge]
            held = lines[len(whole) :]
            if whole:
                yield Page(whole, edge)


@contextmanager
def point_in_time(index: Index) -> Iterator[list[str]]:
    """The id of a point in time, which the cluster may change with each answer."""
    path = index.dialect.open.format(index=quote(index.name, safe=",*-_.+<>{}|"))
    answer = index.server.ask("POST", f"/{path}", params={"keep_alive": KEEP_ALIVE})
    opened = [str(understood(answer, index)[index.dialect.id_key])]
    try:
        yield opened
    finally:
        # It would expire by itself; to close it is a courtesy that must not hide what went wrong.
        with suppress(BigLogError):
            given = opened if index.dialect.id_key == "pit_id" else opened[0]
            index.server.ask(
                "DELETE", f"/{index.dialect.close}", json={index.dialect.id_key: given}
            )


def search(
    index: Index, pit: list[str], slice: Slice, after: list[Any] | None
) -> list[dict[str, Any]]:
    """One page of hits. Raises ExpiredError; TryAgain where a shard stays silent."""
    patience = index.server.patience
    body = question(index, pit[0], slice, after)
    for tried in range(patience.tries):
        answer = index.server.ask(
            "POST", "/_search", json=body, params={"allow_partial_search_results": "false"}
        )
        found = understood(answer, index)
        pit[0] = str(found.get("pit_id", pit[0]))
        if not (found.get("timed_out") or found["_shards"]["failed"]):
            return list(found["hits"]["hits"])
        patience.wait(tried, None)
    raise TryAgain(
        f"{index.where}: {found['_shards']['failed']} of {found['_shards']['total']} shards failed "
        f"or timed out on {patience.tries} tries; see the cluster's health, nothing partial is kept"
    )


def question(index: Index, pit: str, slice: Slice, after: list[Any] | None) -> dict[str, Any]:
    wanted: dict[str, Any] = {"gte": iso(slice.start), "lt": iso(slice.end)}
    must: list[Any] = [{"range": {TIME: wanted | {"format": "strict_date_optional_time_nanos"}}}]
    if index.source.query:
        must.append({"query_string": {"query": index.source.query}})
    body: dict[str, Any] = {
        "size": index.source.page_size,
        "query": {"bool": {"filter": must}},
        "pit": {"id": pit, "keep_alive": KEEP_ALIVE},
        # One unit for date and date_nanos alike.
        "sort": [
            {TIME: {"order": "asc", "numeric_type": "date_nanos", "unmapped_type": "date"}},
            *({tie: "asc"} for tie in index.dialect.ties),
        ],
        "track_total_hits": False,
    }
    if after is not None:
        body["search_after"] = after
    return body


def understood(answer: httpx.Response, index: Index) -> dict[str, Any]:
    """The answer's JSON. Raises ExpiredError, or BadInput with the cluster's own reason."""
    try:
        found = dict(answer.json())
    except (ValueError, TypeError) as error:
        raise TryAgain(
            f"{index.where}: status {answer.status_code} without an object of JSON; is that a "
            "cluster, or a proxy before one?"
        ) from error
    if EXPIRED in kinds(found):
        raise ExpiredError
    if answer.status_code >= 400:
        raise BadInput(f"{index.where}: status {answer.status_code}: {reason(found)}")
    return found


def kinds(found: Any) -> set[str]:
    """What went wrong, by the cluster's own names, in the whole answer or in some of its shards."""
    error = found.get("error", {})
    causes = [*error.get("root_cause", ()), error] if isinstance(error, dict) else []
    failures = found.get("_shards", {}).get("failures", ())
    return {
        str(one.get("type")) for one in [*causes, *(each.get("reason", {}) for each in failures)]
    }


def reason(found: Any) -> str:
    error = found.get("error", found)
    told = error.get("reason", error) if isinstance(error, dict) else error
    return f"{str(told)[:300]}; correct path or query in sources.toml"


def line_of(hit: dict[str, Any], index: Index) -> bytes:
    """A hit's own document, keyed by time and then by what stays the same in every answer."""
    if "_source" not in hit:
        raise BadInput(f"{index.where}: documents have no _source; BigLog reads logs from it")
    document = hit["_source"]
    offset = (document.get("log") or {}).get("offset") if isinstance(document, dict) else 0
    order = json.dumps([hit["_index"], f"{offset or 0:>20}", hit["_id"]])
    return keyed(nanoseconds(hit["sort"][0]), order, document)


def nanoseconds(value: Any) -> int:
    """A sort value as nanoseconds: clusters give a number in either unit, or a text."""
    if isinstance(value, str):
        whole, _, rest = value.rstrip("Z").partition(".")
        seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
        return seconds * 10**9 + int(rest.ljust(9, "0")[:9] or 0)
    return int(value) if value >= NANOS_FROM else int(value) * 10**6
