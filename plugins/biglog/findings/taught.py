"""A logistic regression from what is known of a finding to whether people confirm it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from biglog.records import Finding, FindingKind, Labels, Scores

KINDS = get_args(FindingKind)
COLUMNS = (
    "score", "gravity", "lines", "excess", "hour_sin", "hour_cos", "judged_before",
    "like_confirmed", "like_dismissed", *KINDS,
)  # fmt: skip


def columns(
    findings: Sequence[Finding],
    scores: Sequence[float] | Scores,
    confirmed: Scores,
    dismissed: Scores,
) -> Scores:
    """One row a finding, one column each of COLUMNS; ``confirmed`` and ``dismissed`` are how much
    like verdicts weigh that were known when the finding was made.
    """
    plain = np.asarray(scores, np.float64)
    turn = np.array([2 * np.pi * (f.started_at.hour + f.started_at.minute / 60) / 24
                     for f in findings])  # fmt: skip
    own = [
        logit(plain),
        np.array([float(f.evidence.get("gravity", 0.2)) for f in findings]),
        np.log1p([max(f.count, 0) for f in findings]),
        np.log1p([abs(f.count - f.expected) for f in findings]),
        np.sin(turn),
        np.cos(turn),
        (confirmed + dismissed > 0).astype(np.float64),
        np.log1p(confirmed),
        np.log1p(dismissed),
    ]
    kinds = [np.array([float(f.kind == kind) for f in findings]) for kind in KINDS]
    return np.stack([*own, *kinds], axis=1)


def logit(shares: Scores) -> Scores:
    kept = np.clip(shares, 0.01, 0.99)
    return np.asarray(np.log(kept / (1.0 - kept)))


def sigmoid(odds: Scores) -> Scores:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -50, 50))))


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients on standardised columns, and how its log odds become calibrated ones."""

    middle: Scores
    scale: Scores
    weights: Scores
    offset: float
    slope: float = 1.0
    shift: float = 0.0  # after the slope; the log odds of confirming at all are taken off

    def parts(self, cells: Scores) -> Scores:
        """What each column adds to the calibrated log odds; rows as given."""
        return np.asarray(self.slope * (cells - self.middle) / self.scale * self.weights)

    def belief(self, cells: Scores) -> Scores:
        """One half where people are as likely to confirm as they are on the whole."""
        return sigmoid(self.parts(cells).sum(axis=1) + self.slope * self.offset + self.shift)


@dataclass(frozen=True, slots=True)
class Taught:
    """``tested`` saw the earlier verdicts only; ``whole`` all, calibrated as the later ones say."""

    tested: Fit
    whole: Fit

    def parts(self, cells: Scores) -> Scores:
        return self.whole.parts(cells)

    def belief(self, cells: Scores) -> Scores:
        return self.whole.belief(cells)


def learn(
    cells: Scores, true: Labels, weights: Scores, later: np.ndarray[Any, Any]
) -> Taught | None:
    """Fitted on the earlier rows, calibrated on the later (Platt, 1999), then fitted on all.

    None where the later rows contradict what the earlier ones taught.
    """
    first = fit(cells[~later], true[~later], weights[~later])
    raw = first.parts(cells[later]).sum(axis=1) + first.offset
    slope, shift = calibrate(raw, true[later], weights[later])
    if slope <= 0:
        return None
    share = float(weights[later] @ true[later] / weights[later].sum())
    shift -= float(logit(np.array([share]))[0])
    whole = fit(cells, true, weights)
    return Taught(*(replace(one, slope=slope, shift=shift) for one in (first, whole)))


def fit(cells: Scores, true: Labels, weights: Scores) -> Fit:
    from sklearn.linear_model import LogisticRegression

    middle = np.average(cells, axis=0, weights=weights)
    spread = np.sqrt(np.average((cells - middle) ** 2, axis=0, weights=weights))
    scale = np.where(spread > 1e-9, spread, 1.0)
    made = LogisticRegression(C=1.0, max_iter=1_000)
    made.fit((cells - middle) / scale, true, sample_weight=weights)
    return Fit(middle, scale, made.coef_[0], float(made.intercept_[0]))


def calibrate(raw: Scores, true: Labels, weights: Scores) -> tuple[float, float]:
    """Slope and shift of the log odds; with few rows the slope stays small."""
    from sklearn.linear_model import LogisticRegression

    made = LogisticRegression(C=1.0, max_iter=1_000)
    made.fit(raw[:, None], true, sample_weight=weights)
    return float(made.coef_[0, 0]), float(made.intercept_[0])
