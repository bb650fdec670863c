"""How likely a count is, given how such counts behaved before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from biglog.records import Scores

Numbers = npt.ArrayLike
SMALLEST = 1e-300


def at_least(observed: Numbers, mean: Numbers, variance: Numbers) -> Scores:
    """P(X >= observed) of a negative binomial with that mean and variance."""
    seen, size, odds = shape(observed, mean, variance)
    tail = special.betainc(np.maximum(seen, 1.0), size, odds)
    return bounded(np.where(seen <= 0, 1.0, tail))


def at_most(observed: Numbers, mean: Numbers, variance: Numbers) -> Scores:
    """P(X <= observed) of a negative binomial with that mean and variance."""
    seen, size, odds = shape(observed, mean, variance)
    return bounded(special.betainc(size, np.maximum(seen, 0.0) + 1.0, 1.0 - odds))


def shape(observed: Numbers, mean: Numbers, variance: Numbers) -> tuple[Scores, Scores, Scores]:
    """Observed, size and odds as arrays; a variance below the mean becomes (nearly) Poisson."""
    middle = np.maximum(np.asarray(mean, dtype=np.float64), 1e-9)
    excess = np.asarray(variance, dtype=np.float64) - middle
    size = np.clip(middle**2 / np.maximum(excess, 1e-6 * middle), 1e-6, 1e7)
    return np.asarray(observed, dtype=np.float64), size, middle / (size + middle)


def bounded(p: Scores) -> Scores:
    return np.asarray(np.clip(np.nan_to_num(p, nan=1.0), SMALLEST, 1.0), dtype=np.float64)


def strength(p: float) -> float:
    """A p-value as a score: 1e-2 is one half, 1e-6 three quarters, 1e-18 nine tenths."""
    decades = -float(np.log10(max(p, SMALLEST)))
    return decades / (decades + 2.0)


def discoveries(p: Numbers, tests: int, rate: float) -> npt.NDArray[np.bool_]:
    """Which p-values stand when ``rate`` of those kept may be false (Benjamini and Hochberg, 1995).

    ``tests`` counts all tests made, those whose p-values were not kept included.
    """
    values = np.asarray(p, dtype=np.float64)
    if not values.size:
        return np.zeros(0, dtype=np.bool_)
    ordered = np.sort(values)
    bar = rate * np.arange(1, values.size + 1) / max(tests, values.size)
    passed = np.flatnonzero(ordered <= bar)
    return values <= (ordered[passed[-1]] if passed.size else -1.0)
