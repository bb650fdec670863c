"""How long a session takes, and its longest pause, against what sessions take.

Lengths of time are compared by their logarithm. Too short and too long both count; a pause counts
only where it is long.

Score: 1 less the share of learnt sessions as extreme; half of them have 1/2 or more. Odd only where
far beyond them. Without times all sessions are alike. Cost: a sort of the times where they do not
rise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.findings import calibrate
from biglog.findings.sessionparts import Part

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spans:
    """Of each session the seconds from its first event to its last, and its longest pause."""

    took: Floats
    pause: Floats


def spans(part: Part) -> Spans:
    """0 where times are not known."""
    timed = ~np.isnan(part.times)
    at, session = part.times[timed], part.session[timed]
    order = np.lexsort((at, session))
    at, session = at[order], session[order]
    took, pause = np.zeros(part.height), np.zeros(part.height)
    if len(at):
        first = np.flatnonzero(np.diff(session, prepend=-1))
        last = np.append(first[1:], len(at)) - 1
        took[session[first]] = at[last] - at[first]
        gaps = np.diff(at, prepend=at[:1])
        gaps[first] = 0.0
        pause[session[first]] = np.maximum.reduceat(gaps, first)
    return Spans(took, pause)


def joined(many: list[Spans]) -> Spans:
    took, pause = [one.took for one in many], [one.pause for one in many]
    return Spans(np.concatenate([[], *took]), np.concatenate([[], *pause]))


def strength(today: Spans, learnt: Spans) -> Floats:
    """How far a session is from the middle, in times of what learnt sessions are on that side."""
    took, pause = outside(today.took, learnt.took), outside(today.pause, learnt.pause)
    return np.asarray(np.maximum(np.abs(took), pause))


def told(today: Spans, middle: float) -> pl.Series:
    """In words; half of the learnt sessions take ``middle`` seconds."""
    rows = pl.DataFrame({"took": today.took, "pause": today.pause})
    return rows.select(
        pl.format(
            "takes {} s with a pause of {} s; half of the sessions take {} s",
            pl.col("took").round(3),
            pl.col("pause").round(3),
            pl.lit(middle),
        )
    ).to_series()


def median(learnt: Spans) -> float:
    return float(pl.Series(learnt.took).median() or 0.0)  # type: ignore[arg-type]


def outside(values: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """Distance from the median in log seconds; 1 is where the rarest of each side begin."""
    if not len(learnt):
        return np.zeros(len(values))
    share = [calibrate.RARE, 0.5, 1.0 - calibrate.RARE]
    low, middle, high = np.quantile(np.log1p(learnt), share, method="lower")
    away = np.log1p(values) - middle
    return np.asarray(away / np.maximum(np.where(away < 0, middle - low, high - middle), 1.0))
