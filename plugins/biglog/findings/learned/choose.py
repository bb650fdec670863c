"""How good scores are, and from which score on a row is odd: measured on validation rows only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biglog.records import Labels, Scores

FEW_ODD = 5
"""With fewer odd rows in the validation part, an F1 there says nothing."""
USUAL_SHARE = 0.98
TIE = 0.005
"""Average precisions closer than this are the same: the simpler method is taken."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A threshold and how it was chosen."""

    value: float
    chosen_by: str


@dataclass(frozen=True, slots=True)
class Figures:
    """On validation rows, at the threshold; nan where there is nothing to measure."""

    rows: int
    odd: int
    average_precision: float
    f1: float
    precision: float
    recall: float


def average_precision(odd: Labels, scores: Scores, weights: Scores) -> float:
    from sklearn.metrics import average_precision_score

    if not len(odd) or not odd.any():
        return float("nan")
    return float(average_precision_score(odd, scores, sample_weight=weights))


def best_f1(odd: Labels, scores: Scores, weights: Scores) -> Bar:
    """The score from which on F1 is best, half way to the next lower one."""
    levels = np.unique(scores)
    at = np.searchsorted(levels, scores)
    odds = np.bincount(at, weights * odd, minlength=len(levels))[::-1].cumsum()[::-1]
    said = np.bincount(at, weights, minlength=len(levels))[::-1].cumsum()[::-1]
    f1 = 2.0 * odds / (said + odds[0])
    best = int(np.flatnonzero(f1 >= f1.max() - 1e-12)[-1])
    below = levels[best - 1] if best else 0.0
    return Bar(clip((levels[best] + below) / 2.0), "best F1 on the validation part")


def above_usual(scores: Scores, weights: Scores) -> Bar:
    """The score that USUAL_SHARE of rows not known to be odd do not pass, at least one half."""
    if not len(scores):
        return Bar(0.5, "one half: no row that is not odd")
    order = np.argsort(scores, kind="stable")
    run = np.cumsum(weights[order]) / weights.sum()
    value = float(scores[order][int(np.searchsorted(run, USUAL_SHARE - 1e-12))])
    words = f"a quantile ({USUAL_SHARE}) of the rows not known to be odd: too few odd ones"
    return Bar(clip(max(0.5, np.nextafter(value, 2.0))), words)


def clip(value: float) -> float:
    return float(min(max(value, 1e-6), 1.0 - 1e-6))


def measure(odd: Labels, scores: Scores, weights: Scores, bar: float) -> Figures:
    said = scores >= bar
    hits, flagged = float(weights[said & (odd > 0)].sum()), float(weights[said].sum())
    every = float(weights[odd > 0].sum())
    return Figures(
        rows=round(float(weights.sum())),
        odd=round(every),
        average_precision=round(average_precision(odd, scores, weights), 4),
        f1=round(2 * hits / max(flagged + every, 1e-12), 4),
        precision=round(hits / max(flagged, 1e-12), 4),
        recall=round(hits / max(every, 1e-12), 4),
    )


def first_of_the_best(found: dict[str, float]) -> str:
    """The first whose figure is within TIE of the best."""
    best = max(found.values())
    return next(name for name, value in found.items() if value >= best - TIE)
