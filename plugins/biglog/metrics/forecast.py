"""What each point is expected to be, by the forecast that had erred least until then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biglog.metrics.season import calendar, lay_grid, own_period
from biglog.metrics.windows import fading, held, later, middle
from biglog.records import Scores

LONG = 288
"""Points whose median is the level."""
TRIED = 12
"""Errors after which a forecast may be chosen,"""
LESS = 0.95
"""if they are smaller than of what was chosen by this factor."""
WANDERS = 0.5
"""A series has no level where a short median errs less than all else by this factor."""
SHORT = 24
"""Points of that median."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Forecasts of every point by earlier ones; NaN where there were none."""

    next: Scores  # the best one, which may follow the last values
    usual: Scores  # the best of those that do not: the level, or the seasons, if it has any
    level: Scores  # the median of the last LONG points


def expect(times: Scores, values: Scores) -> Expected:
    """``times`` are seconds, ascending; values a row a time and a column a series, NaN: missing."""
    level = later(middle(values, LONG))
    seasons = []
    grid = lay_grid(times, values)
    if grid is not None:
        own = own_period(grid)
        seasons = [*calendar(grid), *([] if own is None else [own])]
    near = [one + later(middle(values - one, 5)) for one in seasons]
    following = [later(held(values)), later(fading(values, 12)), *near]
    recent = later(middle(values, 5))
    usual = choose(values, level, seasons)
    usual = choose(values, usual, [later(middle(values, SHORT))], by=WANDERS)
    # Whether it wanders is not known yet.
    usual = np.where(np.isnan(erred(values, level)), np.nan, usual)
    return Expected(choose(values, recent, [*following, level, *seasons]), usual, level)


def choose(values: Scores, first: Scores, others: list[Scores], by: float = LESS) -> Scores:
    """At each point the forecast with the least mean error on the points before it.

    The first is left only for one whose error is smaller by the factor ``by``.
    """
    chosen = first.copy()
    least = erred(values, first)
    for other in others:
        wrong = erred(values, other)
        better = (wrong < by * least) & ~np.isnan(other)
        chosen = np.where(better, other, chosen)
        least = np.where(better, wrong, least)
    return chosen


def erred(values: Scores, forecast: Scores) -> Scores:
    """Mean absolute error before each point, recent ones weighing more; NaN until TRIED of them."""
    error = np.abs(values - forecast)
    tried = later(np.cumsum(~np.isnan(error), axis=0).astype(np.float64))
    return np.where(tried >= TRIED, later(fading(error, LONG // 2)), np.nan)
