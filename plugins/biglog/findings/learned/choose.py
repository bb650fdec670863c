"""How good scores are, and from which score on a row is odd: measured on validation rows only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biglog.findings.calibrate import MOST_ODD, RARE
from biglog.records import Labels, Scores

FEW_ODD = 5
"""With fewer odd rows in the validation part, an F1 there says nothing."""
ROUNDS = 1_000
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
    recall = above(levels, scores, weights * odd)
    flagged = above(levels, scores, weights)
    share = float(weights @ odd / weights.sum())
    return half_below(levels, f1_of(recall, flagged, share), "best F1 on the validation part")


def best_on_stream(
    odd: Labels, scores: Scores, weights: Scores, stream: Scores, mass: Scores
) -> Bar:
    """The score from which on F1 is best on rows as they come, half way to the next lower one.

    People label what they look for, so of the labelled rows more are odd than of the stream, the
    rows without a label. Only the recall is theirs; how many are flagged is counted on the stream,
    and so is the share of it that is odd: at no score that half of the odd rows reach can fewer be
    flagged than found, so the least flagged per found bounds it (Blanchard et al., 2010).
    """
    levels = np.unique(np.concatenate([scores, stream]))
    recall, flagged = above(levels, scores, weights * odd), above(levels, stream, mass)
    share = float((flagged / np.maximum(recall, 1e-12))[recall >= 0.5].min())
    share = max(share, 0.5 / len(stream))
    f1 = f1_of(recall, np.maximum(flagged, share * recall), share)
    words = f"best F1 on the validation part, were {share:.2%} odd, as without labels"
    return half_below(levels, f1, words)


def best_expected(scores: Scores, weights: Scores, *, labelled: int) -> Bar:
    """The score from which on F1 is best as expected of rows without a label.

    Scores are taken as probabilities under even odds, none surer than ``labelled`` rows of the
    rarer class allow (Laplace's rule); the share of odd rows is the most likely one (expectation
    maximisation; Saerens et al., 2002). Where that is more than can be odd, what is usual decides.
    """
    least = 1.0 / (labelled + 2)
    chances = np.clip(scores, least, 1.0 - least)
    odds = chances / (1.0 - chances)
    share = odd_share(odds, weights)
    if share > MOST_ODD:
        return above_usual(scores, weights)
    odd = odds * share / (odds * share + 1.0 - share)
    levels = np.unique(scores)
    recall, flagged = above(levels, scores, weights * odd), above(levels, scores, weights)
    words = f"best F1 expected of the rows without a label, {share:.2%} of them odd"
    return half_below(levels, f1_of(recall, flagged, share), words)


def as_many(scores: Scores, weights: Scores, share: float) -> Bar:
    """The score that most nearly such a share of the rows reach, half way to the next lower one."""
    levels = np.unique(scores)
    off = np.abs(np.log(np.maximum(above(levels, scores, weights), 1e-12) / share))
    return half_below(levels, -off, f"as many as of the labelled rows are odd, {share:.2%}")


def odd_share(odds: Scores, weights: Scores) -> float:
    """The most likely share of odd rows, of odds that an even share would give."""
    share = 0.5
    for _ in range(ROUNDS):
        before = share
        share = float(weights @ (odds * share / (odds * share + 1.0 - share)) / weights.sum())
        if abs(share - before) < 1e-9:
            break
    return max(share, 0.5 / len(odds))


def above(levels: Scores, scores: Scores, weights: Scores) -> Scores:
    """The share of the weight that lies at or above each level."""
    order = np.argsort(scores, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(weights[order])])
    share: Scores = 1.0 - below[np.searchsorted(scores[order], levels)] / max(below[-1], 1e-12)
    return share


def f1_of(recall: Scores, flagged: Scores, share: float) -> Scores:
    f1: Scores = 2.0 * share * recall / np.maximum(flagged + share, 1e-12)
    return f1


def half_below(levels: Scores, worth: Scores, chosen_by: str) -> Bar:
    """Half way below the highest of the levels that are worth most."""
    best = int(np.flatnonzero(worth >= worth.max() - 1e-12)[-1])
    below = levels[best - 1] if best else 0.0
    return Bar(clip((levels[best] + below) / 2.0), chosen_by)


def above_usual(scores: Scores, weights: Scores) -> Bar:
    """A score, one half at least, that all but RARE of the rows not known to be odd stay under."""
    if not len(scores):
        return Bar(0.5, "one half: no row that is not odd")
    order = np.argsort(scores, kind="stable")
    run = np.cumsum(weights[order]) / weights.sum()
    value = float(scores[order][int(np.searchsorted(run, 1.0 - RARE - 1e-12))])
    words = f"a quantile ({1.0 - RARE}) of the rows not known to be odd: too few labels"
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
