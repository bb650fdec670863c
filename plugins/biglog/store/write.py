"""What the stages write; every write replaces its partition, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Engine, text

from biglog.errors import BadInput
from biglog.records import (
    COUNTS,
    Cluster,
    Coverage,
    Finding,
    Incident,
    Night,
    StageInfo,
    Template,
    Variable,
    Vectors,
)
from biglog.store import copy
from biglog.store.text import clean, text_sha, to_json

CATALOGUE = "biglog:catalogue"
MINER = "biglog"  # the author of what no person decided
WAIT_SECONDS = 900
ROWS_AT_A_TIME = 50_000
VARIABLES_AT_A_TIME = 5_000
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


def save_coverage(engine: Engine, coverage: Coverage) -> None:
    """What arrived from the source that night; a second call replaces the first."""
    upsert(engine, "coverage", ("date", "source"), row_of(coverage), stamp="saved_at")


def save_stage(engine: Engine, info: StageInfo) -> None:
    """What the stage did; the latest run of the partition stays."""
    upsert(engine, "stage_run", ("date", "stage", "source"), row_of(info), stamp="finished_at")


def upsert(
    engine: Engine, table: str, key: Sequence[str], row: dict[str, Any], *, stamp: str
) -> None:
    names = list(row)
    changes = [f"{name} = excluded.{name}" for name in names if name not in key]
    statement = text(
        f"INSERT INTO biglog.{table} ({', '.join(names)}) VALUES ({', '.join(map(bound, names))})"
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {', '.join(changes)},"
        f" {stamp} = clock_timestamp()"
    )
    with engine.begin() as connection:
        connection.execute(statement, tidy(row))


def row_of(record: Any) -> dict[str, Any]:
    """The record's fields by name, as they are; ``asdict`` would copy what is inside."""
    return {one.name: getattr(record, one.name) for one in fields(record)}


def bound(name: str) -> str:
    return "CAST(:date AS date)" if name == "date" else f":{name}"


def tidy(row: dict[str, Any]) -> dict[str, Any]:
    return {name: clean(one) if isinstance(one, str) else one for name, one in row.items()}


@contextmanager
def catalogue_lock(engine: Engine) -> Iterator[None]:
    """One miner at a time: read the catalogue, mine, merge. Raises TryAgain after 15 minutes.

    It is held by a connection of its own, so it ends with the process whatever happens.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text(f"SET lock_timeout = '{WAIT_SECONDS}s'"))
        connection.execute(
            text("SELECT pg_advisory_lock(hashtextextended(:key, 0))"), {"key": CATALOGUE}
        )
        yield


ARRIVING_TEMPLATES = text("""
CREATE TEMPORARY TABLE arriving_template (
    template_id text, pattern text, model_text text, text_sha text, version integer, example text
) ON COMMIT DROP
""")
MERGE = text("""
INSERT INTO biglog.template AS old
    (template_id, pattern, model_text, text_sha, version, example, first_seen, last_seen)
SELECT template_id, pattern, model_text, text_sha, version, example,
       CAST(:date AS date), CAST(:date AS date)
FROM arriving_template
ON CONFLICT (template_id) DO UPDATE SET
    first_seen = least(old.first_seen, excluded.first_seen),
    last_seen = greatest(old.last_seen, excluded.last_seen),
    example = coalesce(nullif(old.example, ''), excluded.example)
""")
# A pattern that is new to a known id becomes its next version; one recorded before changes nothing,
# so that a night that is run again cannot take the catalogue back.
WIDEN = text("""
UPDATE biglog.template AS old
SET pattern = new.pattern, model_text = new.model_text, text_sha = new.text_sha,
    version = greatest(old.version + 1, new.version)
FROM arriving_template new
WHERE old.template_id = new.template_id AND old.pattern <> new.pattern AND NOT old.pinned
AND NOT EXISTS (
    SELECT FROM biglog.template_version v
    WHERE v.template_id = new.template_id AND v.pattern = new.pattern
)
""")
RECORD = text("""
INSERT INTO biglog.template_version (template_id, version, pattern, model_text, date)
SELECT t.template_id, t.version, t.pattern, t.model_text, CAST(:date AS date)
FROM biglog.template t JOIN arriving_template USING (template_id)
ON CONFLICT (template_id, version) DO NOTHING
""")
SEEN = text("""
INSERT INTO biglog.template_seen AS old (template_id, source, first_date, last_date)
SELECT template_id, :source, CAST(:date AS date), CAST(:date AS date) FROM arriving_template
ON CONFLICT (template_id, source) DO UPDATE SET
    first_date = least(old.first_date, excluded.first_date),
    last_date = greatest(old.last_date, excluded.last_date)
""")


# Flat: what was merged into a younger one follows it.
ABSORB = text("""
UPDATE biglog.template t SET state = 'merged', merged_into = :elder
WHERE (template_id = :younger OR merged_into = :younger) AND template_id <> :elder AND NOT pinned
""")
NOTE = text("""
INSERT INTO biglog.template_edit (template_id, action, detail, before, author)
SELECT template_id, 'merge', 'into ' || :elder, jsonb_build_object(
    template_id, jsonb_build_object('state', state, 'merged_into', merged_into)), :author
FROM biglog.template
WHERE template_id = :younger AND NOT pinned AND merged_into IS DISTINCT FROM :elder
""")


def merge_templates(
    engine: Engine,
    templates: Iterable[Template],
    *,
    source: str,
    date: str,
    merged: Mapping[str, str] | None = None,
) -> None:
    """Add what the partition's lines were instances of; ids, first and last sight are kept.

    Call it inside ``catalogue_lock`` where the templates were mined against the catalogue.
    ``merged`` has the younger templates that the miner found to be an elder one.
    """
    found = list({one.template_id: one for one in templates}.values())
    if not found:
        return
    with engine.begin() as connection:
        connection.execute(LOCK, {"key": "biglog:merge"})
        connection.execute(ARRIVING_TEMPLATES)
        copy.load(connection, "arriving_template", template_columns(found))
        connection.execute(MERGE, {"date": date})
        connection.execute(WIDEN)
        connection.execute(RECORD, {"date": date})
        connection.execute(SEEN, {"source": source, "date": date})
        for younger, elder in (merged or {}).items():
            pair = {"younger": younger, "elder": elder}
            connection.execute(NOTE, {**pair, "author": MINER})
            connection.execute(ABSORB, pair)


def template_columns(templates: Sequence[Template]) -> dict[str, copy.Column]:
    names = ("template_id", "pattern", "model_text", "example")
    columns = {name: copy.texts([getattr(one, name) for one in templates]) for name in names}
    columns["text_sha"] = copy.texts([text_sha(one.model_text) for one in templates])
    columns["version"] = copy.fixed(np.array([one.version for one in templates], np.int32))
    return columns


def save_vectors(
    engine: Engine, model_id: str, dim: int, rows: Iterable[tuple[str, Sequence[float] | Vectors]]
) -> int:
    """Keep the vectors of texts; a text known under that model is left alone. Returns how many."""
    added = 0
    left = iter(rows)
    with engine.begin() as connection:
        register_model(connection, model_id, dim)
        while batch := list(islice(left, ROWS_AT_A_TIME)):
            added += save_batch(connection, model_id, dim, batch)
    return added


def register_model(connection: Connection, model_id: str, dim: int) -> None:
    """Raises BadInput where the model is known with another dimension."""
    row = {"model_id": model_id, "dim": dim}
    connection.execute(
        text(
            "INSERT INTO biglog.embedding_model (model_id, name, dim)"
            " VALUES (:model_id, :model_id, :dim) ON CONFLICT DO NOTHING"
        ),
        row,
    )
    known = connection.execute(
        text("SELECT dim FROM biglog.embedding_model WHERE model_id = :model_id"), row
    ).scalar_one()
    if known != dim:
        raise BadInput(
            f"model {model_id!r} gives {known} numbers a text, got {dim}; "
            "a changed model needs another model_id"
        )


def save_batch(
    connection: Connection, model_id: str, dim: int, batch: Sequence[tuple[str, Any]]
) -> int:
    values = np.asarray([vector for _, vector in batch], dtype=np.float32)
    check_vectors(values, dim)
    columns = {
        "text_sha": copy.texts([text_sha(one) for one, _ in batch]),
        "text": copy.texts([one for one, _ in batch]),
        "embedding": copy.halfvecs(values),
    }
    connection.execute(
        text(
            "CREATE TEMPORARY TABLE IF NOT EXISTS arriving"
            " (text_sha text, text text, embedding halfvec) ON COMMIT DROP"
        )
    )
    copy.load(connection, "arriving", columns)
    done = connection.execute(
        text(
            "INSERT INTO biglog.vector (model_id, text_sha, text, embedding)"
            " SELECT :model_id, text_sha, text, embedding FROM arriving ON CONFLICT DO NOTHING"
        ),
        {"model_id": model_id},
    )
    connection.execute(text("TRUNCATE arriving"))
    return done.rowcount


def check_vectors(values: Vectors, dim: int) -> None:
    if values.ndim != 2 or values.shape[1] != dim:
        raise BadInput(f"vectors have shape {values.shape}, expected rows of {dim} numbers")
    if not np.isfinite(values).all() or (np.abs(values).max(axis=1) == 0).any():
        raise BadInput("a vector is zero or not finite; the encoder failed on that text")


def index_vectors(engine: Engine, model_id: str, *, minimum: int = 20_000) -> bool:
    """Build the approximate index of a model with that many vectors; True where it is there then.

    Below that, an exact scan takes a few milliseconds and is never wrong. Writers of vectors wait.
    """
    with engine.begin() as connection:
        row = connection.execute(
            text(
                "SELECT m.dim, (SELECT count(*) FROM biglog.vector v WHERE v.model_id = m.model_id)"
                " FROM biglog.embedding_model m WHERE m.model_id = :model_id"
            ),
            {"model_id": model_id},
        ).one_or_none()
        if row is None or row[1] < minimum:
            return False
        connection.execute(LOCK, {"key": f"biglog:index:{model_id}"})
        connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.exec_driver_sql(index_statement(connection, model_id, int(row[0])))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE biglog.vector"))
    return True


def index_statement(connection: Connection, model_id: str, dim: int) -> str:
    return (
        f"CREATE INDEX IF NOT EXISTS {index_name(model_id, dim)} ON biglog.vector"
        f" USING hnsw ((embedding::halfvec({dim})) halfvec_cosine_ops)"
        f" WHERE model_id = {literal_of_model(connection, model_id)}"
    )


def index_name(model_id: str, dim: int) -> str:
    return f"vector_{text_sha(model_id)[:12]}_{dim}"


def literal_of_model(connection: Connection, model_id: str) -> str:
    """For statements that go to the driver as they are: an index is found by literals only."""
    with copy.cursor_of(connection) as cursor:
        return str(cursor.mogrify("%s", (model_id,)).decode("utf-8")).replace("%", "%%")


def replace_counts(
    engine: Engine,
    source: str,
    date: str,
    counts: pa.Table,
    variables: Sequence[Variable] = (),
) -> int:
    """Put these counts and variables in the place of the partition's; returns how many counts."""
    table = counts.select(COUNTS.names)
    check_partition(table, source, date)
    columns = {
        name: copy.arrow_texts(table[name])
        for name in ("source", "service", "host", "level", "template_id")
    }
    columns |= {name: copy.times(table[name]) for name in ("bucket", "first_at", "last_at")}
    columns |= {"date": copy.dates(table["date"]), "count": copy.fixed(table["count"].to_numpy())}
    partition = {"source": source, "date": date}
    with engine.begin() as connection:
        connection.execute(LOCK, {"key": f"biglog:counts:{source}:{date}"})
        connection.execute(
            text(
                "DELETE FROM biglog.template_count"
                " WHERE source = :source AND date = CAST(:date AS date)"
            ),
            partition,
        )
        replace_variables(connection, source, date, variables)
        return copy.load(connection, "biglog.template_count", columns)


VARIABLES = """
INSERT INTO biglog.template_variable (source, date, template_id, slot, kind, values,
    distinct_values, top_values, unit, numbers, minimum, maximum, mean, p50, p95, p99)
SELECT source, date, template_id, slot, kind, count, "distinct", top, unit, numbers, minimum,
    maximum, mean, p50, p95, p99
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given (source text, date date, template_id text,
    slot integer, kind text, count bigint, "distinct" bigint, top jsonb, unit text,
    numbers bigint, minimum double precision, maximum double precision, mean double precision,
    p50 double precision, p95 double precision, p99 double precision)
"""


def replace_variables(
    connection: Connection, source: str, date: str, variables: Sequence[Variable]
) -> None:
    connection.execute(
        text(
            "DELETE FROM biglog.template_variable"
            " WHERE source = :source AND date = CAST(:date AS date)"
        ),
        {"source": source, "date": date},
    )
    for start in range(0, len(variables), VARIABLES_AT_A_TIME):
        rows = [row_of(one) for one in variables[start : start + VARIABLES_AT_A_TIME]]
        connection.execute(text(VARIABLES), {"rows": to_json(rows)})


def check_partition(counts: pa.Table, source: str, date: str) -> None:
    """Raises BadInput where a row belongs to another partition: it would never be replaced."""
    for name, wanted in (("source", source), ("date", date)):
        others = [one for one in pc.unique(counts[name]).to_pylist() if one != wanted]
        if others:
            raise BadInput(f"counts of {source} {date} hold a row with {name} {others[0]!r}")


def publish(engine: Engine, night: Night) -> None:
    """Put the night's findings, incidents and clusters in the place of what was published before.

    The incidents' vectors, kept by text, survive; coverage and stages were saved as they happened.
    """
    with engine.begin() as connection:
        connection.execute(LOCK, {"key": f"biglog:night:{night.date}"})
        connection.execute(
            text("DELETE FROM biglog.night WHERE date = CAST(:date AS date)"), {"date": night.date}
        )
        insert(
            connection,
            "night",
            [
                {
                    "date": night.date,
                    "history_days": night.history_days,
                    "model_id": night.model_id,
                }
            ],
        )
        insert(connection, "cluster", [cluster_row(*one) for one in enumerate(night.clusters)])
        places = [row_of(one) | {"date": night.date} for one in night.spots]
        insert(connection, "cluster_map", places)
        insert(connection, "finding", [finding_row(*one) for one in enumerate(night.findings)])
        insert(connection, "incident", [incident_row(one) for one in night.incidents])
        insert(connection, "incident_finding", [r for one in night.incidents for r in links(one)])


JSON_COLUMNS = ("evidence", "factors", "causes", "similar_events", "runbooks", "depending")


def insert(connection: Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    values = [
        f"CAST(:{name} AS jsonb)" if name in JSON_COLUMNS else bound(name) for name in rows[0]
    ]
    statement = f"INSERT INTO biglog.{table} ({', '.join(rows[0])}) VALUES ({', '.join(values)})"
    connection.execute(text(statement), [tidy(row) for row in rows])


def cluster_row(position: int, cluster: Cluster) -> dict[str, Any]:
    row = row_of(cluster)
    lists = {name: list(one) for name, one in row.items() if isinstance(one, tuple)}
    return {**row, **lists, "position": position}


def finding_row(position: int, finding: Finding) -> dict[str, Any]:
    return {**row_of(finding), "position": position, "evidence": to_json(finding.evidence)}


def incident_row(incident: Incident) -> dict[str, Any]:
    row = row_of(incident)
    del row["finding_ids"], row["similar"]
    return {
        **row,
        "services": [clean(one) for one in incident.services],
        "hosts": [clean(one) for one in incident.hosts],
        "factors": to_json(incident.factors),
        "causes": to_json(incident.causes),
        "similar_events": to_json(incident.similar),
        "runbooks": to_json(incident.runbooks),
        "depending": to_json(incident.depending),
        "mute": to_json(incident.mute) if incident.mute else None,
        "text_sha": text_sha(incident_text(incident)),
    }


def incident_text(incident: Incident) -> str:
    """What an incident means, for the encoder: its title and its lines."""
    return "\n".join((incident.title, incident.first_line, incident.worst_line))


def links(incident: Incident) -> list[dict[str, Any]]:
    return [
        {
            "date": incident.date,
            "incident_id": incident.incident_id,
            "finding_id": finding_id,
            "position": position,
        }
        for position, finding_id in enumerate(incident.finding_ids)
    ]
