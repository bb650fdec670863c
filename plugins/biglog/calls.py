"""Which service calls which, as far as a night's own lines, events and traces show it.

What lines share is looked for twice: once for the ids that two services know at all, then for the
lines that carry these. Of a large night only ids of one residue are looked at, whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from biglog.incidents.graph import weighed
from biglog.incidents.places import Places, named, places
from biglog.incidents.sharing import (
    SHARED,
    collected,
    field_ids,
    ids,
    of_several,
    shared_calls,
)
from biglog.records import Day, Dependency, History

LINES_LOOKED_AT = 1_000_000
MOST = 2_000
"""Calls of a night that are kept, the surest."""
LONGEST = 200
"""Characters of a service's name; what is longer is no name."""
UPSTREAM_FIELD = (
    r'"(?:upstream(?:_addr|_host|_cluster|_name)?|backend(?:_name|_addr)?|peer\.service'
    r'|(?:net|server)\.(?:peer\.name|address))":"([^"\\]{1,200})"'
)
UPSTREAM_HINTS = ['"upstream', '"backend', '"peer.service"', '"net.peer.name"', '"server.address"']


def night_calls(
    day: Day,
    history: History,
    events: Sequence[Path],
    lines: Sequence[Path] = (),
    traced: Iterable[Dependency] = (),
) -> tuple[Dependency, ...]:
    """Every call that the night shows, weighed, the surest first.

    ``events`` and ``lines`` are Parquet files of EVENTS and LINES, of all sources; ``traced`` is
    what traces say. Memory grows with services, and with ids that two of them share.
    """
    known = places(day, history)
    found = [
        *named(day, known),
        *shared_calls(shared_lines(events, lines)),
        *upstream_calls(lines, known),
        *traced,
    ]
    short = (one for one in found if max(len(one.caller), len(one.callee)) <= LONGEST)
    return weighed(short)[:MOST]


def shared_lines(events: Sequence[Path], lines: Sequence[Path] = ()) -> pl.DataFrame:
    """SHARED of the ids that two services or more carry, few lines each."""
    sizes = sum(pq.read_metadata(one).num_rows for one in events)
    step = max(1, -(-sizes // LINES_LOOKED_AT))
    fields = (pl.scan_parquet(path).select("service", "fields", at="timestamp") for path in lines)
    every = [*map(parameter_values, events), *map(field_ids, fields)]
    found = [ids(one, step) for one in every]
    if not found:
        return pl.DataFrame(schema=SHARED)
    return of_several(found).select(SHARED.names())


def parameter_values(path: Path) -> pl.LazyFrame:
    """What stands in place of a template's wildcards."""
    rows = pl.scan_parquet(path).select("service", at="timestamp", text="parameters")
    return rows.explode("text")


def upstream_calls(lines: Sequence[Path], known: Places) -> list[Dependency]:
    """Calls by proxies and clients that log the other side's address in a field of its own."""
    found = []
    for path in lines:
        fields = pl.col("fields")
        told = (
            pl.scan_parquet(path)
            .select("service", "timestamp", "fields")
            .filter(fields.str.contains_any(UPSTREAM_HINTS) & (pl.col("service") != ""))
            .group_by("service", address=fields.str.extract(UPSTREAM_FIELD))
            .agg(
                pl.len(),
                first_at=pl.col("timestamp").min(),
                last_at=pl.col("timestamp").max(),
            )
            .drop_nulls("address")
            .sort("service", "address")
        )
        for caller, address, count, first_at, last_at in collected(told).iter_rows():
            # A list of upstreams that were tried is written a, b : c.
            for callee in known.named(f"upstream {address}", caller)[:1]:
                found.append(
                    Dependency(caller, callee, {"upstream": (count, count)}, 0.0, first_at, last_at)
                )
    return found
