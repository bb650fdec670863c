"""The night's counts and those of the earlier nights on which each source arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import pyarrow as pa

from biglog.findings.gravity import weigh
from biglog.records import BUCKET_MINUTES, Day, Finding, FindingKind, History, identify

SLOTS = 24 * 60 // BUCKET_MINUTES


@dataclass(frozen=True, slots=True)
class Tally:
    """What every detector looks at. ``slot`` is the ten-minute window of the day, from 0."""

    tonight: pl.DataFrame
    past: pl.DataFrame
    days: pl.DataFrame  # source, days: covered earlier nights


def tally(day: Day, history: History) -> Tally:
    covered = pl.DataFrame(
        [(source, date) for source, dates in history.covered.items() for date in sorted(dates)],
        schema={"source": pl.String, "date": pl.String},
        orient="row",
    ).filter(pl.col("date").is_in(list(history.dates)) & (pl.col("date") < day.date))
    return Tally(
        tonight=weigh(slotted(day.counts), day.templates),
        past=weigh(
            slotted(history.counts).join(covered, on=["source", "date"], how="semi"), day.templates
        ),
        days=covered.group_by("source").agg(days=pl.col("date").n_unique().cast(pl.Int64)),
    )


def slotted(counts: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(counts)
    assert isinstance(frame, pl.DataFrame)
    minute = pl.col("bucket").dt.hour().cast(pl.Int64) * 60 + pl.col("bucket").dt.minute()
    return frame.with_columns(slot=minute // BUCKET_MINUTES)


def seasoned(tally: Tally, least: int) -> Tally:
    """Only the sources with at least so many covered earlier nights."""
    days = tally.days.filter(pl.col("days") >= least)
    return Tally(
        tonight=tally.tonight.join(days, on="source", how="semi"),
        past=tally.past.join(days, on="source", how="semi"),
        days=days,
    )


def key_of(row: Mapping[str, Any]) -> dict[str, str]:
    return {k: str(row.get(k) or "") for k in ("source", "service", "host", "template_id", "level")}


def finding(
    day: Day, kind: FindingKind, row: Mapping[str, Any], evidence: Mapping[str, Any]
) -> Finding:
    """The row (key, started_at, ended_at, score, count, expected, reason) as a finding."""
    key = key_of(row)
    template = day.templates.get(key["template_id"])
    return Finding(
        finding_id=identify(
            kind, key["source"], key["service"], key["host"], key["template_id"], day.date
        ),
        date=day.date,
        kind=kind,
        **key,
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        score=min(1.0, max(0.0, float(row["score"]))),
        count=int(row["count"]),
        expected=float(row["expected"]),
        reason=row["reason"],
        evidence=evidence,
        example=template.example if template else "",
    )


def span(started: datetime, ended: datetime) -> str:
    """The interval in words, to the minute."""
    if (ended - started).total_seconds() < 60:
        return f"at {started:%H:%M}"
    return f"between {started:%H:%M} and {ended:%H:%M}"


def times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def nights(count: int) -> str:
    return "the one earlier night" if count == 1 else f"the {count} earlier nights"
