"""How long a session takes, and its longest pause, against what sessions take.

Lengths of time are compared by their logarithm. Too short and too long both count; a pause counts
only where it is long.

Score: 1 less the share of learnt sessions as extreme; half of them have 1/2 or more. Odd only where
far beyond them. Without times all sessions are alike. Cost: a group-by and a sort of the sessions.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from biglog.findings import calibrate


def judge(here: pl.DataFrame, past: pl.DataFrame | None) -> pl.DataFrame:
    """Per session: session, score, odd and reason. Both have session and timestamp, in order."""
    today = spans(here)
    learnt = today if past is None else spans(past)
    middle = learnt["took"].median() or 0.0
    return calibrate.judged(extremes(today, learnt), extremes(learnt, learnt)).with_columns(
        pl.format(
            "takes {} s with a pause of {} s; half of the sessions take {} s",
            today["took"].round(3),
            today["pause"].round(3),
            pl.lit(middle),
        ).alias("reason")
    )


def spans(lines: pl.DataFrame) -> pl.DataFrame:
    """Seconds from the first event of a session to its last, and its longest pause."""
    if "timestamp" not in lines.columns:
        lines = lines.with_columns(pl.lit(None, pl.Datetime("us", "UTC")).alias("timestamp"))
    at = pl.col("timestamp").dt.epoch("us") / 1e6
    took, pause = (at.max() - at.min()).alias("took"), at.sort().diff().max().alias("pause")
    by_session = lines.group_by("session", maintain_order=True).agg(took, pause)
    return by_session.fill_null(0.0)


def extremes(today: pl.DataFrame, learnt: pl.DataFrame) -> pl.DataFrame:
    """How far a session is from the middle, in times of what learnt sessions are on that side."""
    took = outside(today["took"].to_numpy(), learnt["took"].to_numpy())
    pause = outside(today["pause"].to_numpy(), learnt["pause"].to_numpy())
    strength = np.maximum(np.abs(took), pause)
    return today.select(
        "session", pl.Series("strength", strength, dtype=pl.Float64), pl.lit("").alias("said")
    )


def outside(values: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """Distance from the median in log seconds; 1 is where the rarest of each side begin."""
    if not len(learnt):
        return np.zeros(len(values))
    share = [calibrate.RARE, 0.5, 1.0 - calibrate.RARE]
    low, middle, high = np.quantile(np.log1p(learnt), share, method="lower")
    away = np.log1p(values) - middle
    return np.asarray(away / np.maximum(np.where(away < 0, middle - low, high - middle), 1.0))
