"""What a series did one, two and three periods ago: a day, a week, and a period of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biglog.records import Scores

DAY = 86_400.0
PERIODS = 3
"""Earlier periods whose median is the expectation."""
SHORTEST = 4
LIKE = 0.3
"""Autocorrelation from which a lag is a period."""
FIRST = 64
"""Points from which a period is looked for, again at each doubling."""
MOST_LAGS = 20_000
EMPTY = 4
"""A grid of more times as many slots as there are points is not laid."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Values in slots of equal length; ``slot`` is the slot of each row."""

    slot: npt.NDArray[np.int64]
    values: Scores
    step: float

    def ago(self, period: Scores) -> Scores:
        """The median of the values one to PERIODS periods before each row.

        ``period`` is in slots, of a shape that broadcasts to rows by series; NaN: none. A value of
        this row or later is never looked at.
        """
        rows, series = len(self.slot), self.values.shape[1]
        lag = np.broadcast_to(period, (rows, series))
        known = lag >= SHORTEST
        column = np.arange(series)[None]
        found = np.full((PERIODS, rows, series), np.nan)
        for back in range(PERIODS):
            shift = np.where(known, lag, 0).astype(np.int64) * (back + 1)
            at = self.slot[:, None] - shift
            found[back] = np.where(
                known & (at >= 0), self.values[np.maximum(at, 0), column], np.nan
            )
        return middle_of(found)


def middle_of(values: Scores) -> Scores:
    """The median over the first axis without NaN; nanmedian is slow where that axis is short."""
    ordered = np.sort(values, axis=0)
    count = (~np.isnan(ordered)).sum(axis=0)
    low, high = (np.maximum(one, 0)[None] for one in ((count - 1) // 2, count // 2))
    high = np.minimum(high, np.maximum(count - 1, 0)[None])
    pair = (np.take_along_axis(ordered, one, 0)[0] for one in (low, high))
    return np.asarray(sum(pair) / 2)


def lay_grid(times: Scores, values: Scores) -> Grid | None:
    """None where the times have no common step, or are too sparse to have one."""
    apart = np.diff(times)
    if not (apart > 0).any():
        return None
    step = float(np.median(apart[apart > 0]))
    slot = np.round((times - times[0]) / step).astype(np.int64)
    if slot[-1] >= EMPTY * len(times) + 1000:
        return None
    laid = np.full((int(slot[-1]) + 1, values.shape[1]), np.nan)
    laid[slot] = values
    return Grid(slot, laid, step)


def calendar(grid: Grid) -> Iterator[Scores]:
    """What stood there at this time of the day, and of the week, before."""
    for period in (DAY, 7 * DAY):
        slots = round(period / grid.step)
        if SHORTEST <= slots < len(grid.values):
            yield grid.ago(np.array([[float(slots)]]))


def own_period(grid: Grid) -> Scores | None:
    """As calendar, by the period that each series itself had shown by then."""
    period = np.full((len(grid.slot), grid.values.shape[1]), np.nan)
    seen = FIRST
    while seen < len(grid.values):
        rows = (grid.slot >= seen) & (grid.slot < 2 * seen)
        past = grid.values[max(0, seen - 2 * MOST_LAGS) : seen]
        period[rows] = [strongest_lag(one) for one in past.T]
        seen *= 2
    return None if np.isnan(period).all() else grid.ago(period)


def strongest_lag(values: Scores) -> float:
    """The lag of most autocorrelation, past the first lag where there is none; else NaN."""
    known = ~np.isnan(values)
    if known.sum() < FIRST // 2:
        return np.nan
    low, high = np.quantile(values[known], [0.01, 0.99])
    centred = np.where(known, np.clip(values, low, high) - values[known].mean(), 0.0)
    power = np.abs(np.fft.rfft(centred, 2 * len(centred))) ** 2
    likeness = np.fft.irfft(power)[: len(values) // 2]
    if likeness[0] <= 0:
        return np.nan
    likeness = likeness / likeness[0]
    unlike = np.flatnonzero(likeness < 0)
    if not unlike.size or unlike[0] + 1 >= len(likeness):
        return np.nan
    best = unlike[0] + int(np.argmax(likeness[unlike[0] :]))
    return float(best) if best >= SHORTEST and likeness[best] > LIKE else np.nan
