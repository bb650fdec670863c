"""Templates that nearly every earlier night had and this one has not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from biglog.findings.chance import at_most, strength
from biglog.findings.expect import NIGHT, expected, sums
from biglog.findings.silence import ALWAYS, arrived
from biglog.findings.tally import Tally, finding, nights, seasoned, tally
from biglog.records import Day, Finding, History

KEY = ["source", "service", "template_id"]
FEWEST_DAYS = 3
DOUBTFUL = 1e-3


@dataclass(frozen=True, slots=True)
class Stopped:
    """Only where the source arrived; a service that is gone altogether is one finding."""

    min_history_days: int = 2
    name: str = "stopped"

    def find(self, day: Day, history: History) -> list[Finding]:
        least = max(FEWEST_DAYS, self.min_history_days)
        counted = arrived(seasoned(tally(day, history), least))
        if counted.past.is_empty():
            return []
        rows = gone(counted)
        return [stopped(row, day, rows.height) for row in rows.iter_rows(named=True)]


def gone(counted: Tally) -> pl.DataFrame:
    """Keys of nearly every earlier night without a line tonight, with the chance of that."""
    seen = sums(counted.tonight, KEY, NIGHT)
    known = expected(seen, counted, KEY, NIGHT).join(seen, on=KEY, how="anti")
    steady = known.filter(pl.col("days_seen") >= ALWAYS * pl.col("days")).join(
        about(counted), on=KEY
    )
    alive = counted.tonight.select("source", "service").unique()
    steady = steady.join(alive, on=["source", "service"], how="semi")
    p = at_most(pl.repeat(0, steady.height, eager=True), steady["mean"], steady["variance"])
    steady = steady.with_columns(p=pl.Series("p", p, dtype=pl.Float64))
    return steady.filter(pl.col("p") < DOUBTFUL).sort(KEY)


def about(counted: Tally) -> pl.DataFrame:
    hosts = pl.col("host").unique()
    return (
        counted.past.sort("gravity", "level", descending=True)
        .group_by(KEY, maintain_order=True)
        .agg(
            pl.col("level").first(),
            pl.col("gravity").first(),
            host=pl.when(hosts.len() == 1).then(hosts.first()).otherwise(pl.lit("")),
            first_slot=pl.col("slot").min(),
            last_slot=pl.col("slot").max(),
        )
    )


def stopped(row: Mapping[str, Any], day: Day, tests: int) -> Finding:
    midnight = datetime.fromisoformat(day.date).replace(tzinfo=UTC)
    said = {
        **row,
        "started_at": midnight + timedelta(minutes=10 * row["first_slot"]),
        "ended_at": midnight + timedelta(minutes=10 * (row["last_slot"] + 1)),
        "count": 0,
        "expected": row["mean"],
        "score": 0.9 * strength(row["p"]) * row["days_seen"] / (row["days"] + 2),
        "reason": f"Not seen at all, though {row['days_seen']} of {nights(row['days'])} had it, "
        f"about {row['mean']:,.3g} times a night.",
    }
    proof = {
        "detector": "stopped",
        "observed": 0,
        "expected": round(row["mean"], 3),
        "p": row["p"],
        "tests": tests,
        "gravity": min(row["gravity"], 0.3),
        "history_days": row["days"],
        "days_seen": row["days_seen"],
    }
    return finding(day, "stopped_template", said, proof)
