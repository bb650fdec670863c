"""The methods that learn from features, by name, and which columns each looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from biglog.errors import BadInput
from biglog.findings.learned import forest, linear, nearest
from biglog.findings.learned.features import Space
from biglog.records import Labels, Scores


class Model(Protocol):
    """What was learnt; scores run from 0 to 1, high = odd."""

    def score(self, cells: csr_matrix) -> Scores: ...

    def push(self, row: csr_matrix) -> Scores:
        """What each column of one row adds to its oddness."""
        ...

    def arrays(self) -> dict[str, npt.NDArray[Any]]: ...


# How much each block of columns weighs before a method sees it; 0: it does not.
SCALES: dict[str, dict[str, float]] = {
    "lr": {"kinds": 1.0, "marks": 0.5, "standing": 0.3, "meaning": 0.3},
    "svm": {"kinds": 1.0, "marks": 0.5, "standing": 0.3, "meaning": 0.3},
    "tree": {"kinds": 1.0, "marks": 0.0, "standing": 1.0, "meaning": 0.0},
    "knn": {"kinds": 1.0, "marks": 0.0, "standing": 0.0, "meaning": 0.0},
}
LINE_SCALES: dict[str, dict[str, float]] = {
    "lr": {"kinds": 0.5, "marks": 1.0, "standing": 0.3, "meaning": 1.0},
    "svm": {"kinds": 0.5, "marks": 1.0, "standing": 0.3, "meaning": 1.0},
    "tree": {"kinds": 1.0, "marks": 1.0, "standing": 1.0, "meaning": 0.0},
    "knn": {"kinds": 0.3, "marks": 0.1, "standing": 0.15, "meaning": 1.0},
}
FITS: dict[str, Callable[..., Model]] = {
    "lr": linear.fit_lr,
    "svm": linear.fit_svm,
    "knn": nearest.keep_rows,
    "tree": forest.fit_trees,
}
"""From the simplest on: a tie goes to the earlier."""
READS: dict[str, Callable[[Mapping[str, npt.NDArray[Any]]], Model]] = {
    "lr": linear.from_arrays,
    "svm": linear.from_arrays,
    "knn": nearest.from_arrays,
    "tree": forest.from_arrays,
}


def scales_of(method: str, space: Space, columns: int) -> Scores:
    """One factor a column; linear methods also weigh kinds by their inverse frequency."""
    chosen = (LINE_SCALES if space.of_lines else SCALES)[method]
    scales = np.zeros(columns)
    for name, span in space.blocks.items():
        scales[span] = chosen[name]
    if method in ("lr", "svm"):
        scales[space.blocks["kinds"]] *= space.idf / max(float(space.idf.mean()), 1e-9)
    return scales


def fit(
    method: str, space: Space, cells: csr_matrix, odd: Labels, weights: Scores, *, seed: int
) -> Model:
    """A model of the rows, both classes weighing the same. Raises BadInput where one is missing."""
    if not 0 < int(odd.sum()) < len(odd):
        raise BadInput(
            f"every labelled row is {'odd' if len(odd) and odd.all() else 'normal'}, expected some "
            "of each: label more rows, or use --method auto"
        )
    scales = scales_of(method, space, cells.shape[1])
    return FITS[method](cells, odd, balanced(odd, weights), scales=scales, seed=seed)


def balanced(odd: Labels, weights: Scores) -> Scores:
    """The weights, each class's brought to half of the number of rows."""
    sums = np.bincount(odd, weights, minlength=2)
    return np.asarray(weights * (len(odd) / 2.0) / np.maximum(sums[odd], 1e-12), float)
