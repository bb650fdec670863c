"""How rare a value is beside the values before it, in decades: 3 is one in a thousand.

The empirical tail up to a high quantile, a generalised Pareto tail beyond it (peaks over threshold:
Siffer et al., "Anomaly Detection in Streams with Extreme Value Theory", KDD 2017), fitted by
moments, again for each block of points, on what came before the block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biglog.records import Scores

WARM = 24
"""Earlier values without which nothing is called rare."""
MEMORY = 8192
"""Earlier values that are looked at."""
BEYOND = 0.02
"""Share of the earlier values that the tail is fitted to."""
FEWEST = 8
MOST_HEAVY = 0.5
"""Of the tail's index; a heavier one has no variance to fit by."""
TRUSTED = 4.0
"""Decades that the fitted tail may add to those that the number of values shows."""


def rarity(values: Scores, floor: Scores) -> Scores:
    """Decades of each value (rows are times, columns series), by the earlier rows of its column.

    Higher values are rarer, NaN where there is none; ``floor``, of the same shape, is the least
    scale of the tail. 0 where there is no value, or fewer than WARM before it.
    """
    decades = np.zeros(values.shape)
    for start, end in blocks(len(values)):
        tails = fit(values[max(0, start - MEMORY) : start], floor[start])
        decades[start:end] = tails.decades(values[start:end])
    return decades


def blocks(length: int) -> Iterator[tuple[int, int]]:
    """Each an eighth of what precedes it, so that fitting costs little and yet keeps up."""
    start = WARM
    while start < length:
        end = min(length, start + min(max(start // 8, 12), 1024))
        yield start, end
        start = end


@dataclass(frozen=True, slots=True)
class Tails:
    """One tail a series; ``ordered`` holds its values in order, NaN last."""

    ordered: Scores
    known: npt.NDArray[np.int64]
    beyond: npt.NDArray[np.int64]
    threshold: Scores
    scale: Scores
    index: Scores

    def decades(self, values: Scores) -> Scores:
        at_least = np.empty(values.shape)
        for series, count in enumerate(self.known):
            past = self.ordered[:count, series]
            at_least[:, series] = count - np.searchsorted(past, values[:, series], side="left")
        share = np.minimum((at_least + 0.5) / (self.known + 1), 1.0)
        excess = np.minimum(np.maximum(values - self.threshold, 0.0) / self.scale, 1e30)
        heavy = np.maximum(self.index, 1e-6)
        fall = np.log1p(heavy * excess) / heavy / np.log(10)
        fitted = fall - np.log10((self.beyond + 0.5) / (self.known + 1))
        seen = -np.log10(share)
        # What was seen is not rarer than that, whatever the fit says: counts have many ties.
        fitted = np.where(at_least > 0, np.minimum(fitted, seen), trust(fitted, seen))
        found = np.where(values > self.threshold, fitted, seen)
        silent = np.isnan(values) | (self.known < WARM)
        return np.where(silent, 0.0, np.maximum(found, 0.0))


def trust(fitted: Scores, seen: Scores) -> Scores:
    """Decades beyond what so many values can show count for less and less, TRUSTED at most."""
    more = np.maximum(fitted - seen, 0.0)
    return seen + TRUSTED * more / (more + TRUSTED)


def fit(past: Scores, floor: Scores) -> Tails:
    """The tail of each column; a fit to few values is taken for too narrow by a few of them."""
    ordered = np.sort(past, axis=0)
    known = (~np.isnan(ordered)).sum(axis=0)
    beyond = np.clip((known * BEYOND).astype(np.int64), FEWEST, np.maximum(known // 2, 1))
    threshold = np.take_along_axis(ordered, np.maximum(known - beyond - 1, 0)[None], 0)[0]
    rank = np.arange(beyond.max())[:, None]
    highest = np.take_along_axis(ordered, np.maximum(known - 1 - rank, 0), 0)
    excess = np.where(rank < beyond, highest - threshold, 0.0)
    mean = excess.sum(axis=0) / beyond
    variance = np.maximum((excess**2).sum(axis=0) / beyond - mean**2, 0.0)
    spread = np.where(variance > 0, variance, 1.0)
    index = np.where(variance > 0, np.clip((1 - mean**2 / spread) / 2, 0.0, MOST_HEAVY), 0.0)
    scale = np.fmax(mean * (1 - index), floor) * (1 + 4 / beyond)
    return Tails(ordered, known, beyond, threshold, np.fmax(scale, 1e-30), index)
