"""Extremely randomised trees (Geurts et al., 2006), kept as arrays and judged without pickles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from biglog.records import Labels, Scores

TREES = 60
LEAF = -1


@dataclass(frozen=True, slots=True)
class Forest:
    """All trees' nodes in one list; a child's number is its place there, LEAF for none."""

    roots: Labels
    left: Labels
    right: Labels
    column: Labels
    bar: Scores  # up to here a row goes left
    share: Scores  # of odd rows below the node, by weight

    def score(self, cells: csr_matrix) -> Scores:
        """0 to 1, high = odd: the trees' mean."""
        shares = [self.share[path[-1]] for path in self.paths(cells)]
        return np.asarray(np.mean(shares, axis=0), float)

    def paths(self, cells: csr_matrix) -> list[list[Labels]]:
        """For each tree the nodes of every row, step by step, the leaf last."""
        used = np.unique(self.column[self.left != LEAF])
        dense = cells[:, used].toarray().astype(np.float32)
        place = np.zeros(int(self.column.max(initial=0)) + 1, np.int64)
        place[used] = np.arange(len(used))
        rows = np.arange(cells.shape[0])
        return [self._walk(root, dense, place, rows) for root in self.roots.tolist()]

    def _walk(
        self, root: int, dense: npt.NDArray[np.float32], place: Labels, rows: Labels
    ) -> list[Labels]:
        node = np.full(len(rows), root, np.int64)
        steps = [node]
        while (inner := self.left[node] != LEAF).any():
            goes_left = dense[rows, place[np.where(inner, self.column[node], 0)]] <= self.bar[node]
            next_node = np.where(goes_left, self.left[node], self.right[node])
            node = np.where(inner, next_node, node)
            steps.append(node)
        return steps

    def push(self, row: csr_matrix) -> Scores:
        """What each column's splits on the row's paths added to its share, on the trees' mean."""
        pushes = np.zeros(row.shape[1])
        for path in self.paths(row):
            nodes = [int(step[0]) for step in path]
            for above, below in pairwise(nodes):
                if above != below:
                    pushes[self.column[above]] += self.share[below] - self.share[above]
        return pushes / len(self.roots)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        names = ("roots", "left", "right", "column", "bar", "share")
        return {name: getattr(self, name) for name in names}


def from_arrays(kept: Mapping[str, npt.NDArray[Any]]) -> Forest:
    return Forest(**dict(kept))


def fit_trees(
    cells: csr_matrix, odd: Labels, weights: Scores, *, scales: Scores, seed: int
) -> Forest:
    """Trees on the columns whose scale is not 0."""
    from sklearn.ensemble import ExtraTreesClassifier

    used = np.flatnonzero(scales)
    model = ExtraTreesClassifier(TREES, random_state=seed, n_jobs=1)
    model.fit(cells[:, used].astype(np.float32), odd, weights)
    return join([one.tree_ for one in model.estimators_], used)


def join(trees: list[Any], used: Labels) -> Forest:
    roots = np.cumsum([0, *[tree.node_count for tree in trees]])
    left, right, column, bar, share = [], [], [], [], []
    for root, tree in zip(roots[:-1], trees, strict=True):
        leaf = tree.children_left < 0
        left.append(np.where(leaf, LEAF, tree.children_left + root))
        right.append(np.where(leaf, LEAF, tree.children_right + root))
        column.append(used[np.where(leaf, 0, tree.feature)])
        bar.append(np.where(leaf, 0.0, tree.threshold))
        value = tree.value[:, 0, :]
        share.append(value[:, 1] / np.maximum(value.sum(axis=1), 1e-12))
    whole = [np.concatenate(one).astype(np.int64) for one in (left, right, column)]
    return Forest(
        roots=roots[:-1].astype(np.int64),
        left=whole[0],
        right=whole[1],
        column=whole[2],
        bar=np.concatenate(bar),
        share=np.concatenate(share),
    )
