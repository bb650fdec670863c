"""One verdict on each point, from all the ways in which it can be odd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from biglog.metrics.forecast import expect
from biglog.metrics.signs import Sign, find_signs
from biglog.records import Scores

RARE = 3.5
"""Decades from which a point is anomalous: some three points in ten thousand of a steady series."""
INDEPENDENT = 3.0
"""What the signs together are worth in signs that know nothing of one another: jumps, shifts and
spreads (Brown, "A Method for Combining Non-Independent One-Sided Tests", Biometrics 1975)."""
TRIES = 4.0
"""What the best of the signs alone is discounted by."""
CELLS = 1_000_000
"""Points judged at a time."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Of every point, a row a time and a column a series."""

    scores: Scores
    anomalous: npt.NDArray[np.bool_]
    expected: Scores
    reasons: list[list[str]]  # by series; empty where not anomalous


def judge(times: Scores, values: Scores) -> Verdicts:
    """Judge each point by earlier points of its series only.

    ``times`` are seconds in any order, of equal times the earlier row first; ``values`` are NaN
    where missing, and such a point is never odd. Scores run from 0 to 1: one half is RARE decades.
    """
    order = np.argsort(times, kind="stable")
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    finite = np.where(np.isfinite(values), values, np.nan)[order]
    width = max(1, CELLS // max(1, len(times)))
    parts = [
        judge_ordered(times[order], finite[:, at : at + width])
        for at in range(0, values.shape[1], width)
    ]
    return Verdicts(
        scores=np.hstack([one.scores for one in parts])[back],
        anomalous=np.hstack([one.anomalous for one in parts])[back],
        expected=np.hstack([one.expected for one in parts])[back],
        reasons=[[told[row] for row in back] for one in parts for told in one.reasons],
    )


def judge_ordered(times: Scores, values: Scores) -> Verdicts:
    expected = expect(times, values)
    signs = find_signs(values, expected)
    decades = np.where(np.isnan(values), 0.0, combine([one.decades for one in signs]))
    anomalous = decades >= RARE
    usual = np.where(np.isnan(expected.usual), expected.next, expected.usual)
    spoken = list(say_why(values, usual, signs, anomalous))
    return Verdicts(decades / (decades + RARE), anomalous, usual, spoken)


def combine(signs: list[Scores]) -> Scores:
    """Decades of all signs together, or of the strongest alone, whichever is more.

    The last sign says nothing most of the time, and stands alone.
    """
    together = np.array(signs[:-1])
    worth = together.sum(axis=0) * (INDEPENDENT / len(together)) * np.log(10)
    share = np.maximum(special.gammaincc(INDEPENDENT, worth), 1e-300)
    alone = np.maximum(together.max(axis=0), signs[-1]) - np.log10(TRIES)
    return np.asarray(np.maximum(np.maximum(-np.log10(share), alone), 0.0))


def say_why(
    values: Scores, usual: Scores, signs: list[Sign], anomalous: npt.NDArray[np.bool_]
) -> Iterator[list[str]]:
    """The two strongest signs in words, with the value and what is usual."""
    for series in range(values.shape[1]):
        told = [""] * len(values)
        for row in np.flatnonzero(anomalous[:, series]):
            ranked = sorted(signs, key=lambda one: -one.decades[row, series])[:2]
            strong = [one for one in ranked if one.decades[row, series] >= 2] or ranked[:1]
            words = "; ".join(one.words for one in strong)
            value, middle = values[row, series], usual[row, series]
            told[row] = f"{value:.6g}, usual {middle:.6g}: {words}"
        yield told
