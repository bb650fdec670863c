"""New templates that mean something far from everything known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from biglog.findings.kinship import nearest
from biglog.findings.novelty import shorten, unfamiliar
from biglog.findings.tally import finding, span, tally, times
from biglog.records import Day, Finding, History, Scores

FAR = 0.3  # calibrated similarity to the nearest known template, below which it is far


@dataclass(frozen=True, slots=True)
class Distance:
    """Mild alone; beside a new template's finding it adds weight."""

    similarity: Callable[[np.ndarray[Any, Any]], Scores]
    name: str = "distance"

    def find(self, day: Day, history: History) -> list[Finding]:
        rows = unfamiliar(tally(day, history), history, day.date)
        fresh = rows.filter((pl.col("days_seen") == 0) & ~pl.col("known"))
        near = {
            key: (other, like)
            for key, other, like in nearest(
                sorted(set(fresh["template_id"])), day.vectors, history.vectors, self.similarity
            )
            if like < FAR
        }
        return [
            distant(row, *near[row["template_id"]], day)
            for row in fresh.iter_rows(named=True)
            if row["template_id"] in near
        ]


def distant(row: dict[str, Any], other: str, likeness: float, day: Day) -> Finding:
    known = shorten(day.templates[other].pattern) if other in day.templates else other
    said = {
        **row,
        "host": row["hosts"][0] if len(row["hosts"]) == 1 else "",
        "score": 0.55 * (1 - likeness / FAR) * row["days"] / (row["days"] + 0.7),
        "expected": 0.0,
        "reason": f"Seen {times(row['count'])} {span(row['started_at'], row['ended_at'])}; the "
        f"nearest known line, “{known}”, means the same with probability {likeness:.2f} only.",
    }
    proof = {
        "detector": "distance",
        "nearest": other,
        "likeness": round(likeness, 4),
        "gravity": row["gravity"],
        "history_days": row["days"],
        "hosts": list(row["hosts"]),
    }
    return finding(day, "distant", said, proof)
