"""Linear models of features: logistic regression and a linear support vector machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from biglog.records import Labels, Scores


@dataclass(frozen=True, slots=True)
class Linear:
    """A weight a column; the margin's sigmoid is the score."""

    weights: Scores
    bias: float
    centre: Scores  # of the rows not odd, so that a reason says what differs from them

    def score(self, cells: csr_matrix) -> Scores:
        """0 to 1, high = odd."""
        margin = np.clip(cells @ self.weights + self.bias, -30.0, 30.0)
        scores: Scores = 1.0 / (1.0 + np.exp(-margin))
        return scores

    def push(self, row: csr_matrix) -> Scores:
        """How much each column pushes the row's margin above that of the usual row."""
        pushes: Scores = self.weights * (row.toarray().ravel() - self.centre)
        return pushes

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "weights": self.weights,
            "bias": np.array([self.bias]),
            "centre": self.centre,
        }


def from_arrays(kept: Mapping[str, npt.NDArray[Any]]) -> Linear:
    return Linear(kept["weights"], float(kept["bias"][0]), kept["centre"])


def fit_lr(cells: csr_matrix, odd: Labels, weights: Scores, *, scales: Scores, seed: int) -> Linear:
    """Logistic regression; ``scales`` multiply the columns, as a prior of what matters."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1.0, max_iter=500, random_state=seed)
    model.fit(cells.multiply(scales).tocsr(), odd, weights)
    return unscaled(cells, odd, weights, model.coef_.ravel() * scales, float(model.intercept_[0]))


def fit_svm(
    cells: csr_matrix, odd: Labels, weights: Scores, *, scales: Scores, seed: int
) -> Linear:
    """A linear support vector machine; the score of the margin's edges is .12 and .88."""
    from sklearn.svm import LinearSVC

    model = LinearSVC(C=1.0, random_state=seed, max_iter=5_000)
    model.fit(cells.multiply(scales).tocsr(), odd, weights)
    double = 2.0 * model.coef_.ravel() * scales
    return unscaled(cells, odd, weights, double, 2.0 * float(np.ravel(model.intercept_)[0]))


def unscaled(
    cells: csr_matrix, odd: Labels, weights: Scores, coefficients: Scores, bias: float
) -> Linear:
    usual = np.where(odd == 0, weights, 0.0)
    centre = np.asarray(cells.T @ (usual / usual.sum())).ravel()
    return Linear(np.asarray(coefficients, float), bias, centre)
