"""The labelled rows most like a row: k nearest neighbours, by distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack

from biglog.records import Labels, Scores

NEIGHBOURS = 5
MOST_ROWS = 5_000
"""Distinct rows that are kept; of more, the odd ones first."""
AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Nearest:
    """Distinct labelled rows, and the share of each that was labelled odd, by weight."""

    rows: csr_matrix  # scaled
    share: Scores
    scales: Scores

    def score(self, cells: csr_matrix) -> Scores:
        """0 to 1, high = odd: the neighbours' share, the nearer the heavier."""
        found = [
            self._vote(*self.neighbours(cells[start : start + AT_ONCE]))
            for start in range(0, cells.shape[0], AT_ONCE)
        ]
        return np.concatenate(found) if found else np.zeros(0)

    def _vote(self, near: Labels, distance: Scores) -> Scores:
        closeness = 1.0 / np.maximum(distance, 1e-6)
        votes: Scores = (closeness * self.share[near]).sum(axis=1) / closeness.sum(axis=1)
        return votes

    def neighbours(self, cells: csr_matrix) -> tuple[Labels, Scores]:
        """The nearest kept rows of each row and their distances, nearest first."""
        scaled = csr_matrix(cells.multiply(self.scales))
        ours = np.asarray(scaled.multiply(scaled).sum(axis=1))
        theirs = np.asarray(self.rows.multiply(self.rows).sum(axis=1)).ravel()
        square = np.maximum(ours + theirs - 2.0 * (scaled @ self.rows.T).toarray(), 0.0)
        square[square < 1e-9] = 0.0
        near = np.argsort(square, axis=1, kind="stable")[:, :NEIGHBOURS]
        return near, np.sqrt(np.take_along_axis(square, near, axis=1))

    def push(self, row: csr_matrix) -> Scores:
        """How far each column moves the row from its nearest usual neighbour."""
        usual = np.flatnonzero(self.share < 0.5)
        if not len(usual):
            return np.zeros(row.shape[1])
        one = Nearest(self.rows[usual], self.share[usual], self.scales)
        near, _ = one.neighbours(row)
        away = row.multiply(self.scales).toarray() - one.rows[near[0, 0]].toarray()
        moved: Scores = away.ravel() ** 2
        return moved

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "data": self.rows.data,
            "indices": self.rows.indices.astype(np.int64),
            "indptr": self.rows.indptr.astype(np.int64),
            "share": self.share,
            "scales": self.scales,
        }


def from_arrays(kept: Mapping[str, npt.NDArray[Any]]) -> Nearest:
    shape = (len(kept["share"]), len(kept["scales"]))
    rows = csr_matrix((kept["data"], kept["indices"], kept["indptr"]), shape=shape)
    return Nearest(rows, kept["share"], kept["scales"])


def keep_rows(
    cells: csr_matrix, odd: Labels, weights: Scores, *, scales: Scores, seed: int
) -> Nearest:
    """The distinct rows, at most MOST_ROWS."""
    scaled = csr_matrix(cells.multiply(scales))
    scaled.eliminate_zeros()
    first: dict[bytes, int] = {}
    number = np.empty(len(odd), np.int64)
    for place in range(len(odd)):
        a, b = scaled.indptr[place], scaled.indptr[place + 1]
        key = scaled.indices[a:b].tobytes() + np.round(scaled.data[a:b], 9).tobytes()
        number[place] = first.setdefault(key, len(first))
    distinct = np.unique(number, return_index=True)[1]
    whole = np.bincount(number, weights)
    share = np.bincount(number, weights * odd) / np.maximum(whole, 1e-12)
    order = np.random.default_rng(seed).permutation(len(distinct))
    kept = order[np.argsort(-share[order], kind="stable")][:MOST_ROWS]
    return Nearest(csr_matrix(vstack([scaled[distinct[kept]]])), share[kept], scales)
