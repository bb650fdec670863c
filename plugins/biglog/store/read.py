"""What was kept, read back as the nouns of ``biglog.records``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from datetime import date as Date
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, Engine, text

from biglog.errors import BadInput
from biglog.records import (
    COUNTS,
    Cause,
    Cluster,
    Coverage,
    Depending,
    Finding,
    History,
    HourCount,
    Incident,
    Mute,
    Night,
    Similar,
    Spot,
    StageInfo,
    Template,
    TemplateVectors,
    Variable,
    Vectors,
)
from biglog.store import copy
from biglog.store.text import text_sha

Rows = list[dict[str, Any]]
USUAL_NIGHTS = 28
TEMPLATE = (
    "template_id, pattern, model_text, version, example, name, pinned, aliases,"
    " coalesce(merged_into, '') AS merged_into"
)
COVERAGE = (
    "source, date::text AS date, state, files, bytes, lines, quarantined, format, first_at,"
    " last_at, reason"
)
STAGE = "stage, source, date::text AS date, rows_in, rows_out, skipped, seconds, note"
FINDING = (
    "finding_id, date::text AS date, kind, source, service, host, template_id, level, started_at,"
    " ended_at, score, count, expected, reason, evidence, example"
)
MICROSECONDS = "(extract(epoch FROM {0}) * 1000000)::bigint"
# Lines of a merged template count, in the past too, under the one that it went into.
COUNT_QUERY = (
    "SELECT source, date::text, "
    + MICROSECONDS.format("bucket")
    + ", service, host, level, coalesce(merged_into, template_id) AS template_id, count, "
    + MICROSECONDS.format("first_at")
    + ", "
    + MICROSECONDS.format("last_at")
    + " FROM biglog.template_count LEFT JOIN biglog.template USING (template_id)"
    " WHERE date = ANY(%s::date[])"
    " ORDER BY date, source, bucket, service, host, level, template_id"
)


def rows(connection: Connection, query: str, /, **parameters: Any) -> Rows:
    return [dict(one) for one in connection.execute(text(query), parameters).mappings()]


def templates(engine: Engine, *, source: str | None = None) -> dict[str, Template]:
    """The catalogue as it is now; with a source, what its lines have had, the eldest first.

    For a source, a template that was merged is left out and the one it went into is there.
    """
    query, order, given = f"SELECT {TEMPLATE} FROM biglog.template t", "template_id", {}
    if source is not None:
        query += (
            " WHERE merged_into IS NULL AND template_id IN"
            " (SELECT coalesce(m.merged_into, m.template_id) FROM biglog.template_seen s"
            " JOIN biglog.template m USING (template_id) WHERE s.source = :source)"
        )
        order, given = "first_seen, template_id", {"source": source}
    with engine.connect() as connection:
        found = rows(connection, f"{query} ORDER BY {order}", **given)
    return {one["template_id"]: template(one) for one in found}


def template(row: Mapping[str, Any]) -> Template:
    return Template(**{**row, "aliases": tuple(row["aliases"])})


def parts(engine: Engine) -> dict[str, tuple[Template, ...]]:
    """What split templates were split into, the narrowest first: a line belongs to the first."""
    found: dict[str, tuple[Template, ...]] = {}
    with engine.connect() as connection:
        query = f"SELECT split_from, {TEMPLATE} FROM biglog.template WHERE split_from IS NOT NULL"
        for row in rows(connection, f"{query} ORDER BY length(pattern) DESC, template_id"):
            parent = row.pop("split_from")
            found[parent] = (*found.get(parent, ()), template(row))
    return found


def variables(
    engine: Engine, template_id: str, *, source: str | None = None
) -> tuple[Variable, ...]:
    """What stood under the template's wildcards, a row a night, source and slot; latest first."""
    query = (
        "SELECT source, date::text AS date, template_id, slot, kind, values AS count,"
        ' distinct_values AS "distinct", top_values AS top, unit, numbers, minimum, maximum, mean,'
        " p50, p95, p99 FROM biglog.template_variable WHERE template_id = :id"
        " AND (CAST(:source AS text) IS NULL OR source = :source)"
        " ORDER BY biglog.template_variable.date DESC, source, slot"
    )
    with engine.connect() as connection:
        found = rows(connection, query, id=template_id, source=source)
    return tuple(Variable(**{**one, "top": tuple(map(tuple, one["top"]))}) for one in found)


def known_texts(engine: Engine, model_id: str) -> set[str]:
    """``text_sha`` of every text whose vector under that model is kept."""
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT text_sha FROM biglog.vector WHERE model_id = :model_id"),
            {"model_id": model_id},
        )
        return set(found.scalars())


def vectors(engine: Engine, model_id: str, template_ids: Iterable[str]) -> TemplateVectors:
    """Unit vectors of those templates that have one under the model, in the order asked."""
    with engine.connect() as connection:
        return vectors_of(connection, model_id, list(template_ids))


def text_vectors(engine: Engine, model_id: str, texts: Sequence[str]) -> dict[str, Vectors]:
    """Unit vectors of those texts that have one under the model, by text."""
    wanted = {text_sha(one): one for one in texts}
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT text_sha, halfvec_send(embedding) FROM biglog.vector"
                " WHERE model_id = :model_id AND text_sha = ANY(:wanted)"
            ),
            {"model_id": model_id, "wanted": list(wanted)},
        )
        packed = {one[0]: bytes(one[1]) for one in found}
        dim = dimension(connection, model_id)
    values = unpack(list(packed.values()), dim)
    return {wanted[sha]: row for sha, row in zip(packed, values, strict=True)}


def vectors_of(connection: Connection, model_id: str, wanted: Sequence[str]) -> TemplateVectors:
    found = connection.execute(
        text(
            "SELECT t.template_id, halfvec_send(v.embedding)"
            " FROM biglog.template t JOIN biglog.vector v USING (text_sha)"
            " WHERE v.model_id = :model_id AND t.template_id = ANY(:wanted)"
        ),
        {"model_id": model_id, "wanted": list(wanted)},
    )
    by_id = {one[0]: bytes(one[1]) for one in found}
    ids = tuple(one for one in dict.fromkeys(wanted) if one in by_id)
    dim = dimension(connection, model_id)
    return TemplateVectors(model_id, ids, unpack([by_id[one] for one in ids], dim))


def dimension(connection: Connection, model_id: str) -> int:
    """Numbers per vector of the model; 0 where it is not known."""
    query = "SELECT dim FROM biglog.embedding_model WHERE model_id = :model_id"
    return int(connection.execute(text(query), {"model_id": model_id}).scalar() or 0)


def unpack(packed: Sequence[bytes], dim: int) -> Vectors:
    """Rows from pgvector's binary ``halfvec``, made unit length again after the rounding."""
    if not packed:
        return np.empty((0, dim), np.float32)
    numbers = np.frombuffer(b"".join(packed), dtype=">f2").reshape(len(packed), dim + 2)
    values = numbers[:, 2:].astype(np.float32)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)


def counts(engine: Engine, dates: Iterable[str]) -> pa.Table:
    """COUNTS of those nights, all sources, sorted."""
    with engine.connect() as connection:
        return counts_of(connection, list(dates))


def counts_of(connection: Connection, dates: Sequence[str]) -> pa.Table:
    return copy.fetch(connection, COUNT_QUERY, (list(dates),), COUNTS)


def template_totals(engine: Engine, dates: Iterable[str]) -> dict[str, int]:
    """Lines per template over those nights, all sources."""
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT coalesce(merged_into, template_id), sum(count)"
                " FROM biglog.template_count LEFT JOIN biglog.template USING (template_id)"
                " WHERE date = ANY(CAST(:dates AS date[])) GROUP BY 1 ORDER BY 1"
            ),
            {"dates": list(dates)},
        )
        return {template_id: int(lines) for template_id, lines in found}


def coverage(engine: Engine, date: str) -> tuple[Coverage, ...]:
    with engine.connect() as connection:
        return coverage_of(connection, date)


def coverage_of(connection: Connection, date: str) -> tuple[Coverage, ...]:
    query = f"SELECT {COVERAGE} FROM biglog.coverage WHERE date = CAST(:date AS date)"
    return tuple(Coverage(**one) for one in rows(connection, f"{query} ORDER BY source", date=date))


def stages(engine: Engine, date: str) -> tuple[StageInfo, ...]:
    """What was done for the night, in the order in which it ended."""
    with engine.connect() as connection:
        return stages_of(connection, date)


def stages_of(connection: Connection, date: str) -> tuple[StageInfo, ...]:
    query = f"SELECT {STAGE} FROM biglog.stage_run WHERE date = CAST(:date AS date)"
    found = rows(connection, f"{query} ORDER BY finished_at, stage, source", date=date)
    return tuple(StageInfo(**one) for one in found)


def history(engine: Engine, date: str, days: int, model_id: str) -> History:
    """What the ``days`` nights before the date know; nothing of the date itself or later."""
    with engine.connect() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        covered = covered_before(connection, date, days)
        dates = tuple(sorted({one for found in covered.values() for one in found}))
        first_seen = first_seen_before(connection, date)
        return History(
            dates=dates,
            counts=counts_of(connection, dates),
            covered=covered,
            vectors=vectors_of(connection, model_id, sorted(first_seen)),
            first_seen=first_seen,
            incidents=incidents_between(connection, days_before(date, days), date),
            mutes=mutes(connection, end_of(date)),
        )


def end_of(date: str) -> datetime:
    return datetime.combine(Date.fromisoformat(date) + timedelta(days=1), time(), UTC)


def mutes(connection: Connection, at: datetime) -> dict[str, Mute]:
    """Incidents that are muted, or dismissed for good, at that time; the latest word counts."""
    found = connection.execute(
        text(
            "SELECT DISTINCT ON (target_id) target_id, author, note,"
            " coalesce((expires_at AT TIME ZONE 'UTC')::date::text, '')"
            " FROM biglog.feedback WHERE kind IN ('mute', 'dismiss') AND target = 'incident'"
            " AND created_at <= :at AND (expires_at IS NULL OR expires_at > :at)"
            " AND (withdrawn_at IS NULL OR withdrawn_at > :at)"
            " ORDER BY target_id, created_at DESC, feedback_id DESC"
        ),
        {"at": at},
    )
    return {target: Mute(author, note, until) for target, author, note, until in found}


def days_before(date: str, days: int) -> str:
    return (Date.fromisoformat(date) - timedelta(days=days)).isoformat()


def covered_before(connection: Connection, date: str, days: int) -> dict[str, frozenset[str]]:
    """Source to the nights on which it arrived; a night it arrived empty counts."""
    found = connection.execute(
        text(
            "SELECT source, array_agg(date::text) FROM biglog.coverage"
            " WHERE date >= CAST(:first AS date) AND date < CAST(:date AS date)"
            " AND state IN ('complete', 'empty') GROUP BY source ORDER BY source"
        ),
        {"first": days_before(date, days), "date": date},
    )
    return {source: frozenset(dates) for source, dates in found}


def first_seen_before(connection: Connection, date: str) -> dict[str, str]:
    found = connection.execute(
        text(
            "SELECT coalesce(merged_into, template_id), min(first_seen)::text"
            " FROM biglog.template WHERE first_seen < CAST(:date AS date) GROUP BY 1"
        ),
        {"date": date},
    )
    return {template_id: first for template_id, first in found}


def incidents_between(connection: Connection, first: str, last: str) -> tuple[Incident, ...]:
    """Incidents of the nights from the first up to, not with, the last; oldest night first."""
    found = rows(
        connection,
        "SELECT incident_id, date::text AS date, rank, title, severity, factors, state, day,"
        " services, hosts, started_at, ended_at, first_line, worst_line, causes,"
        " similar_events, runbooks, mute, depending,"
        " array(SELECT f.finding_id FROM biglog.incident_finding f"
        "  WHERE f.date = i.date AND f.incident_id = i.incident_id ORDER BY f.position)"
        "  AS finding_ids"
        " FROM biglog.incident i"
        " WHERE date >= CAST(:first AS date) AND date < CAST(:last AS date)"
        " ORDER BY i.date, rank, incident_id",
        first=first,
        last=last,
    )
    return tuple(incident(one) for one in found)


def latest_incident(engine: Engine, incident_id: str) -> Incident | None:
    """The incident as it was on its last night, None where there never was one."""
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT max(date)::text FROM biglog.incident WHERE incident_id = :id"),
            {"id": incident_id},
        ).scalar_one()
        nights = incidents_between(connection, found, days_before(found, -1)) if found else ()
    return next((one for one in nights if one.incident_id == incident_id), None)


def incident(row: Mapping[str, Any]) -> Incident:
    values = dict(row)
    values["similar"] = values.pop("similar_events")
    for name in ("services", "hosts", "finding_ids"):
        values[name] = tuple(values[name])
    kinds = {"causes": Cause, "similar": Similar, "runbooks": Similar, "depending": Depending}
    for name, kind in kinds.items():
        values[name] = tuple(kind(**one) for one in values[name])
    values["mute"] = Mute(**values["mute"]) if values["mute"] else None
    return Incident(**values)


def night(engine: Engine, date: str) -> Night:
    """All that the report says about the night. Raises BadInput where it was never published."""
    with engine.connect() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        head = published(connection, date)
        findings = findings_of(connection, date)
        clusters = clusters_of(connection, date)
        spots = spots_of(connection, date)
        return Night(
            date=date,
            coverage=coverage_of(connection, date),
            findings=findings,
            incidents=incidents_between(connection, date, days_before(date, -1)),
            clusters=clusters,
            spots=spots,
            templates=templates_of(connection, named(findings, clusters, spots)),
            stages=stages_of(connection, date),
            hourly=hourly_of(connection, date),
            history_days=head["history_days"],
            model_id=head["model_id"],
        )


def published(connection: Connection, date: str) -> Mapping[str, Any]:
    query = "SELECT history_days, model_id FROM biglog.night WHERE date = CAST(:date AS date)"
    found = rows(connection, query, date=date)
    if not found:
        last = connection.execute(text("SELECT max(date)::text FROM biglog.night")).scalar()
        raise BadInput(
            f"no night {date} was published (the latest is {last or 'none'}); "
            f"run biglog run --date {date}"
        )
    return found[0]


def nights(engine: Engine) -> tuple[str, ...]:
    """Every published night, oldest first."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT date::text FROM biglog.night ORDER BY date"))
        return tuple(found.scalars())


def findings_of(connection: Connection, date: str) -> tuple[Finding, ...]:
    query = f"SELECT {FINDING} FROM biglog.finding WHERE date = CAST(:date AS date)"
    found = rows(connection, f"{query} ORDER BY position, finding_id", date=date)
    return tuple(Finding(**one) for one in found)


CLUSTER = (
    "date::text AS date, label, title, medoid_id, template_ids, lines, identity,"
    " since::text AS since, joined_ids, left_ids"
)


def clusters_of(connection: Connection, date: str) -> tuple[Cluster, ...]:
    found = rows(
        connection,
        f"SELECT {CLUSTER} FROM biglog.cluster WHERE date = CAST(:date AS date)"
        " ORDER BY position, label",
        date=date,
    )
    return tuple(map(cluster, found))


def cluster(row: dict[str, Any]) -> Cluster:
    values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in row.items()}
    return Cluster(**values)


def earlier_clusters(engine: Engine, date: str, days: int = 30) -> tuple[Cluster, ...]:
    """Each cluster of so many days before the night, as it was last seen; by identity."""
    with engine.connect() as connection:
        found = rows(
            connection,
            f"SELECT DISTINCT ON (identity) {CLUSTER} FROM biglog.cluster"
            " WHERE date < CAST(:date AS date) AND date >= CAST(:date AS date) - :days"
            " ORDER BY identity, biglog.cluster.date DESC",
            date=date,
            days=days,
        )
    return tuple(map(cluster, found))


def spots_of(connection: Connection, date: str) -> tuple[Spot, ...]:
    query = (
        "SELECT template_id, x, y, label, lines FROM biglog.cluster_map"
        " WHERE date = CAST(:date AS date) ORDER BY template_id"
    )
    return tuple(Spot(**one) for one in rows(connection, query, date=date))


def earlier_places(engine: Engine, date: str) -> dict[str, tuple[float, float]]:
    """Where each template lay on the latest map before the night; nothing where there is none."""
    query = (
        "SELECT template_id, x, y FROM biglog.cluster_map WHERE date ="
        " (SELECT max(date) FROM biglog.cluster_map WHERE date < CAST(:date AS date))"
        " ORDER BY template_id"
    )
    with engine.connect() as connection:
        return {
            one["template_id"]: (one["x"], one["y"]) for one in rows(connection, query, date=date)
        }


def named(
    findings: Sequence[Finding], clusters: Sequence[Cluster], spots: Sequence[Spot]
) -> set[str]:
    members = {one for cluster in clusters for one in (*cluster.template_ids, cluster.medoid_id)}
    found = {one.template_id for one in findings} | {one.template_id for one in spots}
    return (members | found) - {""}


def templates_of(connection: Connection, wanted: Iterable[str]) -> dict[str, Template]:
    found = rows(
        connection,
        f"SELECT {TEMPLATE} FROM biglog.template WHERE template_id = ANY(:wanted)"
        " ORDER BY template_id",
        wanted=sorted(wanted),
    )
    return {one["template_id"]: template(one) for one in found}


# Earlier nights on which the source arrived count with zero for the hours in which it was silent.
HOURLY = """
WITH hour_count AS (
    SELECT date, source, extract(hour FROM bucket AT TIME ZONE 'UTC')::integer AS hour,
           sum(count) AS lines,
           sum(count) FILTER (WHERE level IN ('ERROR', 'CRITICAL')) AS errors
    FROM biglog.template_count
    WHERE date >= CAST(:first AS date) AND date <= CAST(:date AS date)
    GROUP BY 1, 2, 3
), usual AS (
    SELECT v.source, h.hour,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce(c.lines, 0)) AS expected
    FROM biglog.coverage v
    CROSS JOIN generate_series(0, 23) AS h (hour)
    LEFT JOIN hour_count c ON c.date = v.date AND c.source = v.source AND c.hour = h.hour
    WHERE v.date >= CAST(:first AS date) AND v.date < CAST(:date AS date)
      AND v.state IN ('complete', 'empty')
    GROUP BY 1, 2
), tonight AS (
    SELECT source FROM biglog.coverage WHERE date = CAST(:date AS date)
    UNION SELECT source FROM hour_count WHERE date = CAST(:date AS date)
)
SELECT t.source, h.hour, coalesce(c.lines, 0)::bigint AS lines,
       coalesce(c.errors, 0)::bigint AS errors, u.expected
FROM tonight t
CROSS JOIN generate_series(0, 23) AS h (hour)
LEFT JOIN hour_count c ON c.date = CAST(:date AS date) AND c.source = t.source AND c.hour = h.hour
LEFT JOIN usual u ON u.source = t.source AND u.hour = h.hour
ORDER BY t.source, h.hour
"""


def hourly_of(connection: Connection, date: str) -> tuple[HourCount, ...]:
    """24 rows per source of the night; expected is the median of up to 28 earlier nights."""
    first = days_before(date, USUAL_NIGHTS)
    return tuple(HourCount(**one) for one in rows(connection, HOURLY, date=date, first=first))
