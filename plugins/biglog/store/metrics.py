"""Points of metric series that were odd, night by night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from biglog.store.read import rows
from biglog.store.write import LOCK, insert, row_of


@dataclass(frozen=True, slots=True)
class MetricAnomaly:
    """One odd point of one series."""

    date: str
    series: str
    at: datetime
    value: float
    expected: float | None
    score: float
    reason: str


def replace_metric_anomalies(engine: Engine, date: str, found: Sequence[MetricAnomaly]) -> int:
    """Put these points in the place of the night's; returns how many."""
    with engine.begin() as connection:
        connection.execute(LOCK, {"key": f"biglog:metrics:{date}"})
        connection.execute(
            text("DELETE FROM biglog.metric_anomaly WHERE date = CAST(:date AS date)"),
            {"date": date},
        )
        insert(connection, "metric_anomaly", [{**row_of(one), "date": date} for one in found])
    return len(found)


def metric_anomalies(engine: Engine, date: str) -> tuple[MetricAnomaly, ...]:
    """The night's odd points in order of time."""
    with engine.connect() as connection:
        found = rows(
            connection,
            "SELECT date::text AS date, series, at, value, expected, score, reason"
            " FROM biglog.metric_anomaly WHERE date = CAST(:date AS date) ORDER BY at, series",
            date=date,
        )
    return tuple(MetricAnomaly(**one) for one in found)
