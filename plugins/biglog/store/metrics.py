"""What metric series did, night by night: what arrived of them, and what was odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from biglog.records import Curve, Meanwhile, MetricAnomaly, MetricCoverage, MetricNight
from biglog.store.read import rows
from biglog.store.text import to_json
from biglog.store.write import LOCK, insert, row_of, tidy

ANOMALY = text("""
INSERT INTO biglog.metric_anomaly (date, source, series, rank, started_at, ended_at, at, value,
    expected, score, points, reason, curve)
VALUES (CAST(:date AS date), :source, :series, :rank, :started_at, :ended_at, :at, :value,
    :expected, :score, :points, :reason, CAST(:curve AS jsonb))
""")

MEANWHILE = text("""
INSERT INTO biglog.metric_template (date, source, series, at, template_id, lines, usual, spells,
    rises, chance)
VALUES (CAST(:date AS date), :source, :series, :at, :template_id, :lines, :usual, :spells,
    :rises, :chance)
""")


def replace_metric_anomalies(
    engine: Engine,
    date: str,
    found: Sequence[MetricAnomaly],
    coverage: Sequence[MetricCoverage] = (),
) -> int:
    """Put these in the place of the night's anomalies and coverage; returns how many anomalies."""
    with engine.begin() as connection:
        connection.execute(LOCK, {"key": f"biglog:metrics:{date}"})
        for table in ("metric_anomaly", "metric_coverage"):
            connection.execute(
                text(f"DELETE FROM biglog.{table} WHERE date = CAST(:date AS date)"),
                {"date": date},
            )
        if found:
            connection.execute(ANOMALY, [tidy({**as_row(one), "date": date}) for one in found])
        insert(connection, "metric_coverage", [row_of(one) for one in coverage])
    return len(found)


def replace_meanwhile(
    engine: Engine, date: str, found: Sequence[tuple[MetricAnomaly, Sequence[Meanwhile]]]
) -> None:
    """Put these in the place of what the logs said while the night's metrics were odd.

    An anomaly that the night no longer has is left out: its metrics were published anew meanwhile.
    """
    with engine.begin() as connection:
        connection.execute(LOCK, {"key": f"biglog:metrics:{date}"})
        connection.execute(
            text("DELETE FROM biglog.metric_template WHERE date = CAST(:date AS date)"),
            {"date": date},
        )
        here = {(one.source, one.series, one.at) for one in anomalies_of(connection, date)}
        every = [
            row_of(said) | {"date": date, "source": one.source, "series": one.series, "at": one.at}
            for one, all_said in found
            if (one.source, one.series, one.at) in here
            for said in all_said
        ]
        if every:
            connection.execute(MEANWHILE, every)


def as_row(one: MetricAnomaly) -> dict[str, Any]:
    row = row_of(one) | {"started_at": one.started_at, "ended_at": one.ended_at}
    return row | {"curve": to_json(one.curve)}


def metric_anomalies(engine: Engine, date: str) -> tuple[MetricAnomaly, ...]:
    """The night's anomalies by rank; of equal rank in order of time."""
    with engine.connect() as connection:
        return anomalies_of(connection, date)


def metric_night(engine: Engine, date: str) -> MetricNight:
    """All that the report says about the night's metrics; nothing where it was not published."""
    with engine.connect() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        covered = rows(
            connection,
            "SELECT date::text AS date, source, state, series, points, judged, anomalies, gone,"
            " reason FROM biglog.metric_coverage WHERE date = CAST(:date AS date) ORDER BY source",
            date=date,
        )
        coverage = tuple(MetricCoverage(**one) for one in covered)
        return MetricNight(date, coverage, anomalies_of(connection, date))


def anomalies_of(connection: Connection, date: str) -> tuple[MetricAnomaly, ...]:
    found = rows(
        connection,
        "SELECT date::text AS date, series, at, value, expected, score, reason, source,"
        " at - started_at AS before, ended_at - at AS after, points, rank, curve"
        " FROM biglog.metric_anomaly WHERE date = CAST(:date AS date) ORDER BY rank, at, series",
        date=date,
    )
    said = meanwhile_of(connection, date)
    return tuple(
        MetricAnomaly(
            **{**one, "curve": curve(one["curve"])},
            meanwhile=tuple(said.get((one["source"], one["series"], one["at"]), ())),
        )
        for one in found
    )


def meanwhile_of(
    connection: Connection, date: str
) -> dict[tuple[str, str, datetime], list[Meanwhile]]:
    """By source, series and peak of the anomaly."""
    found = rows(
        connection,
        "SELECT source, series, at, template_id, lines, usual, spells, rises, chance,"
        " coalesce(pattern, '') AS pattern"
        " FROM biglog.metric_template LEFT JOIN biglog.template USING (template_id)"
        " WHERE date = CAST(:date AS date) ORDER BY chance, lines DESC, template_id",
        date=date,
    )
    by_anomaly: dict[tuple[str, str, datetime], list[Meanwhile]] = {}
    for one in found:
        key = one.pop("source"), one.pop("series"), one.pop("at")
        by_anomaly.setdefault(key, []).append(Meanwhile(**one))
    return by_anomaly


def curve(kept: Mapping[str, Any] | None) -> Curve | None:
    if not kept:
        return None
    return Curve(tuple(kept["values"]), tuple(kept["usual"]), kept["first"], kept["last"])
