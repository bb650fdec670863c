"""Sums over what went before, for many series at once: rows are times, columns series."""

from __future__ import annotations

import numpy as np
import polars as pl

from biglog.records import Scores


def later(values: Scores, rows: int = 1) -> Scores:
    """The values ``rows`` earlier; NaN where there were none."""
    moved = np.full(values.shape, np.nan)
    moved[rows:] = values[:-rows]
    return moved


def middle(values: Scores, rows: int) -> Scores:
    """The median of the last ``rows``, this one included; what is missing is left out."""
    return over(values, pl.all().rolling_median(rows, min_samples=1))


def fading(values: Scores, span: int) -> Scores:
    """The exponentially weighted mean; where a value is missing, the mean stays."""
    faded = pl.all().ewm_mean(span=span, ignore_nulls=True, min_samples=1)
    return over(values, faded.forward_fill())


def held(values: Scores) -> Scores:
    """The last known value."""
    return over(values, pl.all().forward_fill())


def over(values: Scores, change: pl.Expr) -> Scores:
    frame = pl.from_numpy(values).with_columns(pl.all().fill_nan(None))
    changed = frame.select(change.cast(pl.Float64).fill_null(np.nan))
    return np.ascontiguousarray(changed.to_numpy())
