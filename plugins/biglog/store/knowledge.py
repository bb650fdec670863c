"""Knowledge entries: what they say now, every revision, and the pieces that searches rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from biglog.errors import BadInput
from biglog.records import Entry, Vectors
from biglog.store.read import Rows, rows
from biglog.store.search import search
from biglog.store.text import clean, text_sha
from biglog.store.write import LOCK

WRITTEN = ("title", "content", "category", "tags", "source", "language", "state")
COLUMNS = "entry_id, " + ", ".join(WRITTEN) + ", version, created_at, updated_at"
STATES = ("draft", "published", "archived")
MAX_POSITION = 16_383  # what a tsvector can hold
MAX_TOKEN_BYTES = 1_000
K1, B = 1.2, 0.75  # BM25's usual saturation and length weights


@dataclass(frozen=True, slots=True)
class Revision:
    """One saved state of an entry."""

    entry: Entry
    action: str  # create, update, delete, restore
    author: str
    comment: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an entry: its text, and its tokens in order as the caller cut them."""

    text: str
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry found one way, with its best piece; scores of different ways do not compare."""

    rank: int
    entry_id: str
    score: float
    chunk: str
    matched: tuple[str, ...] = ()


def create(engine: Engine, entry: Entry, *, author: str = "", comment: str = "") -> Entry:
    """Keep a new entry as version 1; an id that was deleted comes back with its next version.

    Raises BadInput where the id is in use.
    """
    check(entry)
    with engine.begin() as connection:
        known = locked(connection, entry.entry_id)
        if known is not None and known["deleted_at"] is None:
            raise BadInput(f"knowledge entry {entry.entry_id!r} exists; edit it or choose an id")
        version = int(known["version"]) + 1 if known is not None else 1
        action = "restore" if known is not None else "create"
        return put(connection, replace(entry, version=version), (action, author, comment))


def update(engine: Engine, entry: Entry, *, author: str = "", comment: str = "") -> Entry:
    """Save the entry as its next version; ``entry.version`` is the one that was read.

    Raises BadInput where somebody else saved in between.
    """
    check(entry)
    with engine.begin() as connection:
        current(connection, entry.entry_id, entry.version)
        changed = replace(entry, version=entry.version + 1)
        return put(connection, changed, ("update", author, comment))


def delete(
    engine: Engine, entry_id: str, version: int, *, author: str = "", comment: str = ""
) -> None:
    """Hide the entry from lists and searches; its revisions stay."""
    with engine.begin() as connection:
        row = current(connection, entry_id, version)
        gone = replace(entry_of(row), version=version + 1)
        put(connection, gone, ("delete", author, comment))
        connection.execute(
            text("DELETE FROM biglog.knowledge_chunk WHERE entry_id = :id"), {"id": entry_id}
        )


def show(engine: Engine, entry_id: str, *, version: int | None = None) -> Entry:
    """The entry, or an earlier version of it. Raises BadInput where there is none."""
    with engine.connect() as connection:
        if version is None:
            query = f"SELECT {COLUMNS} FROM biglog.knowledge_entry WHERE entry_id = :id"
            found = rows(connection, f"{query} AND deleted_at IS NULL", id=entry_id)
        else:
            found = revision_rows(connection, entry_id, version)
    if not found:
        what = f" version {version}" if version is not None else ""
        raise BadInput(f"there is no knowledge entry {entry_id!r}{what}")
    return entry_of(found[0])


def entries(
    engine: Engine,
    *,
    state: str | None = None,
    category: str | None = None,
    tag: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[Entry, ...]:
    """Entries that are not deleted, by title; each filter narrows."""
    with engine.connect() as connection:
        found = rows(
            connection,
            f"SELECT {COLUMNS} FROM biglog.knowledge_entry WHERE deleted_at IS NULL"
            " AND (CAST(:state AS text) IS NULL OR state = :state)"
            " AND (CAST(:category AS text) IS NULL OR category = :category)"
            " AND (CAST(:tag AS text) IS NULL OR :tag = ANY(tags))"
            " ORDER BY title, entry_id LIMIT :limit OFFSET :offset",
            state=state,
            category=category,
            tag=tag,
            limit=limit,
            offset=offset,
        )
    return tuple(entry_of(one) for one in found)


def existing(engine: Engine, entry_ids: Sequence[str]) -> frozenset[str]:
    """Those of the ids that are entries, not deleted."""
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT entry_id FROM biglog.knowledge_entry"
                " WHERE deleted_at IS NULL AND entry_id = ANY(:ids)"
            ),
            {"ids": list(entry_ids)},
        )
        return frozenset(found.scalars())


def revisions(engine: Engine, entry_id: str) -> tuple[Revision, ...]:
    """Everything that was ever saved under the id, the latest first."""
    with engine.connect() as connection:
        found = revision_rows(connection, entry_id, None)
    return tuple(
        Revision(entry_of(one), one["action"], one["author"], one["comment"], one["updated_at"])
        for one in found
    )


def revision_rows(connection: Connection, entry_id: str, version: int | None) -> Rows:
    names = ", ".join(WRITTEN)
    return rows(
        connection,
        f"SELECT entry_id, {names}, version, NULL AS created_at, saved_at AS updated_at, action,"
        " author, comment FROM biglog.knowledge_revision WHERE entry_id = :id"
        " AND (CAST(:version AS integer) IS NULL OR version = :version) ORDER BY version DESC",
        id=entry_id,
        version=version,
    )


def check(entry: Entry) -> None:
    if not entry.entry_id.strip() or not entry.title.strip():
        raise BadInput("a knowledge entry needs an id and a title")
    if entry.state not in STATES:
        raise BadInput(f"state {entry.state!r}; expected one of {', '.join(STATES)}")


def locked(connection: Connection, entry_id: str) -> Mapping[str, Any] | None:
    """The entry's row, deleted or not, held until the transaction ends; so is its absence."""
    connection.execute(LOCK, {"key": f"biglog:knowledge:{entry_id}"})
    query = f"SELECT {COLUMNS}, deleted_at FROM biglog.knowledge_entry WHERE entry_id = :id"
    found = rows(connection, query, id=entry_id)
    return found[0] if found else None


def current(connection: Connection, entry_id: str, version: int) -> Mapping[str, Any]:
    """The entry's row where it is at that version. Raises BadInput where it is not."""
    row = locked(connection, entry_id)
    if row is None or row["deleted_at"] is not None:
        raise BadInput(f"there is no knowledge entry {entry_id!r}")
    if row["version"] != version:
        raise BadInput(
            f"knowledge entry {entry_id!r} is at version {row['version']}, got {version}: "
            "somebody saved it since; read it again, then repeat your change"
        )
    return row


def put(connection: Connection, entry: Entry, revision: tuple[str, str, str]) -> Entry:
    action, author, comment = revision
    row = entry_row(entry)
    changes = ", ".join(f"{one} = excluded.{one}" for one in (*WRITTEN, "version", "deleted_at"))
    made = rows(
        connection,
        f"INSERT INTO biglog.knowledge_entry (entry_id, {', '.join(WRITTEN)}, version, deleted_at)"
        f" VALUES (:entry_id, {', '.join(f':{one}' for one in WRITTEN)}, :version,"
        "  CASE WHEN :action = 'delete' THEN now() END)"
        f" ON CONFLICT (entry_id) DO UPDATE SET {changes}, updated_at = now()"
        f" RETURNING {COLUMNS}",
        **row,
        action=action,
    )
    connection.execute(
        text(
            "INSERT INTO biglog.knowledge_revision"
            f" (entry_id, version, {', '.join(WRITTEN)}, action, author, comment)"
            f" VALUES (:entry_id, :version, {', '.join(f':{one}' for one in WRITTEN)},"
            "  :action, :author, :comment)"
        ),
        {**row, "action": action, "author": clean(author), "comment": clean(comment)},
    )
    return entry_of(made[0])


def entry_row(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {name: clean(getattr(entry, name)) for name in WRITTEN if name != "tags"}
    tags = [clean(one) for one in entry.tags]
    return {**row, "tags": tags, "entry_id": clean(entry.entry_id), "version": entry.version}


def entry_of(row: Mapping[str, Any]) -> Entry:
    names = ("entry_id", *WRITTEN, "version", "created_at", "updated_at")
    return Entry(**{**{name: row[name] for name in names}, "tags": tuple(row["tags"])})


def save_chunks(engine: Engine, entry_id: str, chunks: Sequence[Chunk]) -> None:
    """Put these pieces in the place of the entry's; keep their vectors with ``save_vectors``."""
    found = [
        {
            "entry_id": entry_id,
            "position": position,
            "text": clean(one.text),
            "text_sha": text_sha(one.text),
            "tokens": tsvector(one.tokens),
            "length": len(one.tokens),
        }
        for position, one in enumerate(chunks)
    ]
    with engine.begin() as connection:
        if locked(connection, entry_id) is None:
            raise BadInput(f"there is no knowledge entry {entry_id!r}")
        connection.execute(
            text("DELETE FROM biglog.knowledge_chunk WHERE entry_id = :id"), {"id": entry_id}
        )
        if found:
            connection.execute(
                text(
                    "INSERT INTO biglog.knowledge_chunk"
                    " (entry_id, position, text, text_sha, tokens, length) VALUES"
                    " (:entry_id, :position, :text, :text_sha, CAST(:tokens AS tsvector), :length)"
                ),
                found,
            )


def chunk_texts(engine: Engine) -> dict[str, str]:
    """``text_sha`` to text of every piece of every entry: what must have a vector."""
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT DISTINCT text_sha, text FROM biglog.knowledge_chunk")
        )
        return {sha: words for sha, words in found}


def cut(token: str) -> str:
    """The token as a lexeme can hold it."""
    return clean(token).encode("utf-8")[:MAX_TOKEN_BYTES].decode("utf-8", "ignore")


def quoted(token: str) -> str:
    """One token as a tsvector or tsquery literal; nothing in it is read as syntax."""
    return "'" + cut(token).replace("\\", "\\\\").replace("'", "''") + "'"


def tsvector(tokens: Sequence[str]) -> str:
    """The literal of the tokens with their positions; no text parser of the server is involved."""
    placed = [
        f"{quoted(one)}:{min(position, MAX_POSITION)}"
        for position, one in enumerate(tokens, start=1)
        if one
    ]
    return " ".join(placed)


# BM25 over the pieces that hold any of the terms; rare terms weigh more, unlike in ts_rank.
BY_TERMS = f"""
WITH piece AS (
    SELECT c.entry_id, c.position, c.text, c.length, c.tokens
    FROM biglog.knowledge_chunk c JOIN biglog.knowledge_entry e USING (entry_id)
    WHERE e.deleted_at IS NULL AND e.state = ANY(:states)
), total AS (
    SELECT count(*)::double precision AS pieces,
           greatest(avg(length), 1)::double precision AS usual
    FROM piece
), hit AS (
    SELECT p.entry_id, p.position, p.text, p.length, u.lexeme,
           cardinality(u.positions)::double precision AS often
    FROM piece p CROSS JOIN LATERAL unnest(p.tokens) AS u (lexeme, positions, weights)
    WHERE p.tokens @@ CAST(:query AS tsquery) AND u.lexeme = ANY(:terms)
), weight AS (
    SELECT lexeme, ln(1 + (t.pieces - count(*) + 0.5) / (count(*) + 0.5)) AS idf
    FROM hit CROSS JOIN total t GROUP BY lexeme, t.pieces
), scored AS (
    SELECT h.entry_id, h.position, h.text,
           array_agg(h.lexeme ORDER BY w.idf DESC, h.lexeme) AS matched,
           sum(w.idf * h.often * ({K1} + 1)
               / (h.often + {K1} * (1 - {B} + {B} * h.length / t.usual))) AS score
    FROM hit h JOIN weight w USING (lexeme) CROSS JOIN total t
    GROUP BY h.entry_id, h.position, h.text
), best AS (
    SELECT DISTINCT ON (entry_id) * FROM scored ORDER BY entry_id, score DESC, position
)
SELECT entry_id, score, text, matched FROM best ORDER BY score DESC, entry_id LIMIT :limit
"""


def candidates_by_terms(
    engine: Engine,
    tokens: Sequence[str],
    *,
    limit: int = 50,
    states: Sequence[str] = ("published",),
) -> tuple[Candidate, ...]:
    """Entries that hold any of the tokens, by BM25 of their best piece."""
    terms = sorted({cut(one) for one in tokens if one.strip()})
    if not terms:
        return ()
    with engine.connect() as connection:
        found = rows(
            connection,
            BY_TERMS,
            query=" | ".join(quoted(one) for one in terms),
            terms=terms,
            states=list(states),
            limit=limit,
        )
    return ranked(found)


BY_VECTOR = """
WITH near AS MATERIALIZED (
    SELECT c.entry_id, c.position, c.text,
           1 - ((v.embedding::halfvec({dim})) <=> CAST(:vector AS halfvec({dim}))) AS score
    FROM biglog.knowledge_chunk c
    JOIN biglog.knowledge_entry e USING (entry_id)
    JOIN biglog.vector v ON v.text_sha = c.text_sha AND v.model_id = {model_id}
    WHERE e.deleted_at IS NULL AND e.state = ANY(:states)
), best AS (
    SELECT DISTINCT ON (entry_id) * FROM near ORDER BY entry_id, score DESC, position
)
SELECT entry_id, score, text, ARRAY[]::text[] AS matched FROM best
ORDER BY score DESC, entry_id LIMIT :limit
"""


def candidates_by_vector(
    engine: Engine,
    model_id: str,
    vector: Vectors,
    *,
    limit: int = 50,
    states: Sequence[str] = ("published",),
) -> tuple[Candidate, ...]:
    """Entries nearest in meaning, by the cosine of their best piece; every piece is compared."""
    wanted = {"limit": limit, "states": list(states)}
    with engine.connect() as connection:
        return ranked(search(connection, BY_VECTOR, model_id, vector, wanted))


def ranked(found: Rows) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(rank, one["entry_id"], float(one["score"]), one["text"], tuple(one["matched"]))
        for rank, one in enumerate(found, start=1)
    )
