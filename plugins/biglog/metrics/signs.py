"""The ways in which a point can be odd, each with how rare it is beside earlier points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from biglog.metrics.forecast import LONG, Expected
from biglog.metrics.tail import WARM, rarity
from biglog.metrics.windows import fading, later, middle
from biglog.records import Scores

SHIFTS = (4, 12, 48)
"""Points that a level must have been left for: short, medium and long shifts."""
SPREADS = (12, 48)
SMALLEST = 1e-3
"""Share of the level below which a difference means nothing."""
FACTOR = 0.05
"""Logarithm of a factor by which errors must grow to mean anything."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One way to be odd: how rare in decades, a row a time and a column a series."""

    decades: Scores
    words: str


@dataclass(frozen=True, slots=True)
class Measure:
    """What is larger where a point is odder; differences below ``floor`` mean nothing."""

    sizes: Scores
    floor: Scores
    words: str


def find_signs(values: Scores, expected: Expected) -> list[Sign]:
    """Every sign of every point; the last, of a value that is stuck, is silent most of the time."""
    measures = [*jumps(values, expected), *shifts(values, expected), *spreads(values, expected)]
    # One call: fitting tails costs as much for one column as for ten.
    rare = rarity(
        np.hstack([one.sizes for one in measures]), np.hstack([one.floor for one in measures])
    )
    parts = np.split(rare, len(measures), axis=1)
    found = [Sign(part, one.words) for part, one in zip(parts, measures, strict=True)]
    return [*found, stuck(values)]


def smallest(expected: Expected) -> Scores:
    return SMALLEST * np.nan_to_num(np.abs(expected.level))


def jumps(values: Scores, expected: Expected) -> Iterator[Measure]:
    """Off what was expected next, or off what is usual; up and down apart, as tails differ."""
    floor = smallest(expected)
    off = values - expected.next
    yield Measure(np.maximum(off, 0), floor, "far above what the points before led to expect")
    yield Measure(np.maximum(-off, 0), floor, "far below what the points before led to expect")
    off = values - expected.usual
    yield Measure(np.maximum(off, 0), floor, "far above what is usual")
    yield Measure(np.maximum(-off, 0), floor, "far below what is usual")


def shifts(values: Scores, expected: Expected) -> Iterator[Measure]:
    """The level, of this time of the day or of the period where that matters, is left for long."""
    off = values - expected.usual
    # A median of counts is 0 for long: that the next one is not says little by itself.
    floor = smallest(expected) + np.nan_to_num(later(fading(np.abs(off), LONG))) / 2
    for rows in SHIFTS:
        words = f"the last {rows} points have left their usual level"
        yield Measure(np.abs(middle(off, rows)), floor, words)


def spreads(values: Scores, expected: Expected) -> Iterator[Measure]:
    """Errors are larger than they were, by the median of their logarithms: one error is no sign."""
    error = np.abs(values - expected.next)
    # Counts are often expected exactly: no error is as small as a tenth of a usual one.
    error = np.log(error + smallest(expected) + later(fading(error, LONG)) / 10 + 1e-9)
    for rows in SPREADS:
        words = f"the last {rows} points vary more than before"
        yield Measure(middle(error, rows), np.full(values.shape, FACTOR), words)


def stuck(values: Scores) -> Sign:
    """The same value again and again, more than twice as often in a row as ever before.

    By chance a value that repeats the one before it in a share q of points does so n times with
    probability q^n.
    """
    same = np.zeros(values.shape)
    same[1:] = values[1:] == values[:-1]
    row = np.arange(len(values))[:, None]
    began = np.maximum.accumulate(np.where(same > 0, 0, row), axis=0)
    length = row - began
    ended = np.maximum(began - 1, 0)
    longest = np.take_along_axis(np.maximum.accumulate(length, axis=0), ended, 0)
    repeats = np.take_along_axis(np.cumsum(same, axis=0), ended, 0)
    odd = (length > 2 * longest + 2) & (began >= WARM)
    decades = -length * np.log10((repeats + 1) / (began + 2))
    return Sign(np.where(odd, decades, 0.0), "no longer changes as it used to")
