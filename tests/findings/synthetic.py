"""Small made-up count tables: nothing here was recorded from a real system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from biglog.records import (
    COUNTS,
    Clustering,
    Coverage,
    Day,
    History,
    Template,
    TemplateVectors,
)

Row = tuple[str, str, str, str, str, int]  # HH:MM, service, host, level, template_id, count
NO_VECTORS = TemplateVectors("none", (), np.zeros((0, 3), dtype=np.float32))


def table(rows: Mapping[str, Sequence[Row]], source: str = "shop") -> pa.Table:
    """Counts of several dates; first and last moment are one minute inside the bucket."""
    out = []
    for date, lines in rows.items():
        for clock, service, host, level, template_id, count in lines:
            at = datetime.fromisoformat(f"{date}T{clock}:00").replace(tzinfo=UTC)
            out.append(
                {
                    "source": source,
                    "date": date,
                    "bucket": at,
                    "service": service,
                    "host": host,
                    "level": level,
                    "template_id": template_id,
                    "count": count,
                    "first_at": at + timedelta(minutes=1),
                    "last_at": at + timedelta(minutes=9 if count > 1 else 1),
                }
            )
    return pa.Table.from_pylist(out, schema=COUNTS)


def every(
    minutes: int, count: int, service: str, level: str, template_id: str, host: str = "app1"
) -> list[Row]:
    """The same count in every such window of a day, from midnight to midnight."""
    clocks = [f"{m // 60:02d}:{m % 60:02d}" for m in range(0, 24 * 60, minutes)]
    return [(clock, service, host, level, template_id, count) for clock in clocks]


def dates(count: int, last: str = "2026-03-09") -> tuple[str, ...]:
    end = datetime.fromisoformat(last)
    return tuple(f"{end - timedelta(days=n):%Y-%m-%d}" for n in range(count - 1, -1, -1))


def templates(patterns: Mapping[str, str]) -> dict[str, Template]:
    return {key: Template(key, text, text, example=text) for key, text in patterns.items()}


def night(
    rows: Sequence[Row],
    patterns: Mapping[str, str],
    date: str = "2026-03-10",
    vectors: TemplateVectors = NO_VECTORS,
) -> Day:
    return Day(
        date=date,
        counts=table({date: rows}),
        templates=templates(patterns),
        vectors=vectors,
        clustering=Clustering(
            "none", (), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float64), None
        ),
        coverage=(Coverage("shop", date, "complete"),),
    )


def past(
    nights: Mapping[str, Sequence[Row]],
    covered: Sequence[str] | None = None,
    vectors: TemplateVectors = NO_VECTORS,
) -> History:
    firsts: dict[str, str] = {}
    for date in sorted(nights):
        for row in nights[date]:
            firsts.setdefault(row[4], date)
    return History(
        dates=tuple(sorted(nights)),
        counts=table(nights),
        covered={"shop": frozenset(nights if covered is None else covered)},
        vectors=vectors,
        first_seen=firsts,
    )


def as_cosine(cosine: np.ndarray) -> np.ndarray:
    return np.clip(cosine, 0.0, 1.0)
