"""What from the past means the same as a vector: templates and incidents, nearest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, text

from biglog.errors import BadInput
from biglog.records import Match, Similar, Vectors
from biglog.store import copy
from biglog.store.read import Rows, dimension, rows

SEARCH_WIDTH = 100
"""``hnsw.ef_search``: candidates that a search by the index keeps."""

NEAREST = """
WITH nearest AS MATERIALIZED (
    SELECT t.template_id, t.pattern, t.example, t.last_seen,
           1 - ((v.embedding::halfvec({dim})) <=> CAST(:vector AS halfvec({dim}))) AS similarity
    FROM biglog.vector v
    JOIN biglog.template t ON t.text_sha = v.text_sha AND t.state <> 'merged'
    WHERE v.model_id = {model_id} AND EXISTS (
        SELECT FROM biglog.template_seen s
        WHERE s.template_id = t.template_id
          AND (CAST(:sources AS text[]) IS NULL OR s.source = ANY(CAST(:sources AS text[])))
          AND (CAST(:since AS date) IS NULL OR s.last_date >= CAST(:since AS date))
    )
    ORDER BY (v.embedding::halfvec({dim})) <=> CAST(:vector AS halfvec({dim}))
    LIMIT :limit
)
SELECT n.template_id, n.pattern, n.example, n.similarity,
       coalesce(c.source, seen.source) AS source, n.last_seen::text AS date,
       c.last_at, coalesce(c.lines, 0)::bigint AS lines
FROM nearest n
LEFT JOIN LATERAL (
    SELECT sum(count) AS lines, max(last_at) AS last_at,
           (array_agg(source ORDER BY last_at DESC, source))[1] AS source
    FROM biglog.template_count c
    WHERE c.template_id = n.template_id
      AND (CAST(:sources AS text[]) IS NULL OR c.source = ANY(CAST(:sources AS text[])))
      AND (CAST(:since AS date) IS NULL OR c.date >= CAST(:since AS date))
) c ON true
LEFT JOIN LATERAL (
    SELECT source FROM biglog.template_seen s WHERE s.template_id = n.template_id
      AND (CAST(:sources AS text[]) IS NULL OR s.source = ANY(CAST(:sources AS text[])))
    ORDER BY last_date DESC, source LIMIT 1
) seen ON true
ORDER BY n.similarity DESC, n.template_id
"""

# An order that no index gives, so that every vector is compared.
NEAREST_OF_ALL = NEAREST.replace(
    "ORDER BY (v.embedding::halfvec({dim})) <=> CAST(:vector AS halfvec({dim}))",
    "ORDER BY ((v.embedding::halfvec({dim})) <=> CAST(:vector AS halfvec({dim}))) + 0",
)

INCIDENTS = """
WITH latest AS MATERIALIZED (
    SELECT DISTINCT ON (incident_id) incident_id, date, title, state, day, severity, text_sha,
           causes #>> '{{0,reason}}' AS cause
    FROM biglog.incident
    WHERE date < CAST(:before AS date) AND NOT incident_id = ANY(:excluding)
    ORDER BY incident_id, date DESC
), near AS MATERIALIZED (
    SELECT l.*,
           1 - ((v.embedding::halfvec({dim})) <=> CAST(:vector AS halfvec({dim}))) AS similarity
    FROM latest l JOIN biglog.vector v ON v.text_sha = l.text_sha AND v.model_id = {model_id}
)
SELECT incident_id, date::text AS date, title, state, day, severity, cause, similarity FROM near
ORDER BY round(similarity::numeric, 2) DESC, date DESC, incident_id
LIMIT :limit
"""


def similar_templates(
    engine: Engine,
    model_id: str,
    vector: Vectors,
    *,
    limit: int = 10,
    sources: Sequence[str] | None = None,
    since: str | None = None,
) -> tuple[Match, ...]:
    """Stored templates nearest to the vector; similarity is the raw cosine, to be calibrated.

    ``limit`` rows come back whenever that many pass the filters: where the approximate index
    stops early, every vector is compared.
    """
    wanted = {
        "limit": limit,
        "sources": list(sources) if sources is not None else None,
        "since": since,
    }
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL hnsw.iterative_scan = strict_order"))
        connection.execute(text(f"SET LOCAL hnsw.ef_search = {SEARCH_WIDTH}"))
        found = search(connection, NEAREST, model_id, vector, wanted)
        if len(found) < limit:
            found = search(connection, NEAREST_OF_ALL, model_id, vector, wanted)
    return tuple(match(rank, one) for rank, one in enumerate(found, start=1))


def search(
    connection: Connection,
    query: str,
    model_id: str,
    vector: Vectors,
    wanted: Mapping[str, Any],
) -> Rows:
    """Run a query that names ``{dim}`` and ``{model_id}``: an index is found by literals only."""
    dim = dimension(connection, model_id)
    if dim == 0:
        return []
    check_query(vector, dim, model_id)
    with copy.cursor_of(connection) as cursor:
        literal = cursor.mogrify("%s", (model_id,)).decode("utf-8")
    statement = query.format(dim=dim, model_id=literal.replace(":", "\\:"))
    return rows(connection, statement, vector=literal_of(vector), **wanted)


def check_query(vector: Vectors, dim: int, model_id: str) -> None:
    if vector.shape != (dim,) or not np.isfinite(vector).all() or not vector.any():
        raise BadInput(
            f"expected {dim} finite numbers, not all zero, as model {model_id!r} gives; "
            f"got shape {vector.shape}"
        )


def literal_of(vector: Vectors) -> str:
    """pgvector's text form."""
    return "[" + ",".join(f"{one:.7g}" for one in vector.tolist()) + "]"


def match(rank: int, row: Mapping[str, Any]) -> Match:
    return Match(
        rank=rank,
        similarity=float(row["similarity"]),
        content=row["example"] or row["pattern"],
        file="",
        line_no=0,
        timestamp=row["last_at"],
        template=row["pattern"],
        template_id=row["template_id"],
        source=row["source"] or "",
        date=row["date"],
        count=int(row["lines"]),
    )


def similar_incidents(
    engine: Engine,
    model_id: str,
    vector: Vectors,
    before_date: str,
    limit: int = 5,
    *,
    excluding: Sequence[str] = (),
) -> tuple[Similar, ...]:
    """Incidents of earlier nights, each once as it last was: the most alike, then the latest.

    The vector is of ``incident_text``; name in ``excluding`` the incidents that still go on.
    """
    wanted = {"before": before_date, "limit": limit, "excluding": list(excluding)}
    with engine.begin() as connection:
        found = search(connection, INCIDENTS, model_id, vector, wanted)
    return tuple(past(one) for one in found)


def past(row: Mapping[str, Any]) -> Similar:
    return Similar(
        kind="incident",
        ref=row["incident_id"],
        title=row["title"],
        similarity=float(row["similarity"]),
        detail=row["cause"] or "",
        date=row["date"],
    )
