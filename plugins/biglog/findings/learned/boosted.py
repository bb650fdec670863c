"""Gradient boosted trees (Friedman, 2001), kept as arrays and judged without pickles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from biglog.findings.learned.forest import LEAF, Forest
from biglog.records import Labels, Scores

TREES, DEPTH, RATE = 100, 3, 0.1
AT_A_LEAF = 10
"""Training rows that a leaf has at least."""
COLUMNS, ROWS = 0.3, 0.7
"""Shares of the columns that a split and of the rows that a tree looks at."""


@dataclass(frozen=True, slots=True)
class Boosted:
    """A node's ``share`` is what reaching it adds to the margin, whose sigmoid is the score."""

    forest: Forest
    bias: float

    def score(self, cells: csr_matrix) -> Scores:
        """0 to 1, high = odd."""
        added = [self.forest.share[path[-1]] for path in self.forest.paths(cells)]
        margin = np.clip(self.bias + np.sum(added, axis=0), -30.0, 30.0)
        return np.asarray(1.0 / (1.0 + np.exp(-margin)), float)

    def push(self, cells: csr_matrix) -> Scores:
        """What each column's splits on each row's paths added to its margin, a row a row."""
        pushes = np.zeros(cells.shape)
        rows = np.arange(cells.shape[0])
        for path in self.forest.paths(cells):
            for above, below in pairwise(path):
                added = self.forest.share[below] - self.forest.share[above]
                np.add.at(pushes, (rows, self.forest.column[above]), added)
        return pushes

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return self.forest.arrays() | {"bias": np.array([self.bias])}


def from_arrays(kept: Mapping[str, npt.NDArray[Any]]) -> Boosted:
    trees = {name: one for name, one in kept.items() if name != "bias"}
    return Boosted(Forest(**trees), float(kept["bias"][0]))


def fit_boosted(cells: csr_matrix, odd: Labels, weights: Scores, *, seed: int) -> Boosted:
    """Trees on all columns; ``odd`` holds both classes."""
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(
        n_estimators=TREES, max_depth=DEPTH, learning_rate=RATE, subsample=ROWS,
        max_features=COLUMNS, min_samples_leaf=AT_A_LEAF, random_state=seed,
    )  # fmt: skip
    model.fit(cells.astype(np.float32), odd, weights)
    prior = float(weights[odd == 1].sum() / weights.sum())
    trees = [one.tree_ for one in model.estimators_[:, 0]]
    return Boosted(joined(trees), float(np.log(prior / (1.0 - prior))))


def joined(trees: list[Any]) -> Forest:
    roots = np.cumsum([0, *[tree.node_count for tree in trees]])[:-1]
    leaf = [tree.children_left < 0 for tree in trees]
    parts = list(zip(roots.tolist(), trees, leaf, strict=True))
    return Forest(
        roots=roots.astype(np.int64),
        left=np.concatenate(
            [np.where(end, LEAF, one.children_left + at) for at, one, end in parts]
        ),
        right=np.concatenate(
            [np.where(end, LEAF, one.children_right + at) for at, one, end in parts]
        ),
        column=np.concatenate([np.where(end, 0, one.feature) for _, one, end in parts]),
        bar=np.concatenate([np.where(end, 0.0, one.threshold) for _, one, end in parts]),
        share=np.concatenate([RATE * values_of(one) for one in trees]),
    )


def values_of(tree: Any) -> Scores:
    """What each node adds: a leaf its value, an inner node the mean of the rows below it.

    The library keeps other numbers for inner nodes than the ones that its leaves were brought to.
    """
    values = tree.value[:, 0, 0].copy()
    rows = tree.weighted_n_node_samples
    left, right = tree.children_left, tree.children_right
    for node in np.flatnonzero(left != LEAF)[::-1].tolist():  # children come after their parent
        sides = [left[node], right[node]]
        values[node] = np.average(values[sides], weights=rows[sides])
    return np.asarray(values, float)
