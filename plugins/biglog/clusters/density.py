"""DBSCAN in memory that does not grow with how many neighbours a vector has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from biglog.records import Labels, Scores, Vectors

ROWS = 256  # compared with all others at a time: 13 MB of distances for 50,000 vectors
NOISE = -1
ROUNDED = 1e-6  # of a squared distance, so that the farthest one is within its own reach
Nearness = npt.NDArray[np.bool_]  # (rows of a portion, all rows)


def dbscan(vectors: Vectors, eps: float, min_samples: int) -> Labels:
    """Exactly scikit-learn's labels (Ester et al., 1996), but for ties of rounding at ``eps``.

    scikit-learn keeps every neighbour of every vector at once: gigabytes where 50,000 vectors lie
    close together. Here distances are worked out again instead, a few rows at a time.
    """
    every = np.arange(len(vectors))
    counts = [near.sum(axis=1) for _, near in neighbours(vectors, every, eps)]
    core = np.concatenate(counts) >= min_samples if counts else np.zeros(0, bool)
    if not core.any():
        return np.full(len(vectors), NOISE)
    first = np.where(core, every, len(vectors))
    for rows, near in neighbours(vectors, np.flatnonzero(core), eps):
        names, met = regions(near, first)
        here, there = np.nonzero(met)
        first = join(first, rows[here], names[there])
    found = first.copy()
    for rows, near in neighbours(vectors, np.flatnonzero(~core), eps):
        names, met = regions(near, first)
        found[rows] = np.where(met.any(axis=1), names[met.argmax(axis=1)], len(vectors))
    labels = np.unique(found, return_inverse=True)[1].reshape(-1)
    return np.where(found == len(vectors), NOISE, labels)


def neighbours(vectors: Vectors, rows: Labels, eps: float) -> Iterator[tuple[Labels, Nearness]]:
    """Some of the rows at a time, and which vectors are no farther than ``eps`` from each."""
    norms = np.einsum("ij,ij->i", vectors, vectors)
    # |a-b|^2 <= eps^2 is a.b - |b|^2/2 >= (|a|^2 - eps^2)/2: one product and one comparison.
    left = np.column_stack([vectors, np.ones(len(vectors), vectors.dtype)])
    right = np.column_stack([vectors, -norms / 2]).T
    least = (norms - eps * eps) / 2
    for at in range(0, len(rows), ROWS):
        some = rows[at : at + ROWS]
        yield some, left[some] @ right >= least[some, None]


def reach(vectors: Vectors, min_samples: int) -> Scores:
    """How far from each it has so many vectors around it, itself and one more at least."""
    norms = np.einsum("ij,ij->i", vectors, vectors)
    at = min(max(2, min_samples), len(vectors)) - 1
    parts = [
        np.partition(norms[some, None] - 2 * vectors[some] @ vectors.T + norms, at, axis=1)[:, at]
        for some in np.split(np.arange(len(vectors)), range(ROWS, len(vectors), ROWS))
    ]
    squares = np.maximum(np.concatenate(parts), 0.0) + ROUNDED
    found: Scores = np.sqrt(squares)
    return found


def regions(near: Nearness, first: Labels) -> tuple[Labels, Nearness]:
    """Regions by their first row, and which of them each row is near to: one pass over the table,
    however many neighbours there are.
    """
    order = np.argsort(first, kind="stable")
    names, starts = np.unique(first[order], return_index=True)
    met: Nearness = np.logical_or.reduceat(near[:, order], starts, axis=1)
    kept = names < len(first)  # the last are those that are in none
    return names[kept], met[:, kept]


def join(first: Labels, here: Labels, there: Labels) -> Labels:
    """First rows of regions after these pairs of rows turn out to be in one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(first)
    inside = np.flatnonzero(first < count)
    tails = np.concatenate([inside, here])
    heads = np.concatenate([first[inside], there])
    graph = coo_array((np.ones(len(tails), np.int8), (tails, heads)), shape=(count, count))
    _, parts = connected_components(graph, directed=False)
    smallest = np.full(count, count)
    np.minimum.at(smallest, parts, np.arange(count))
    return np.where(first < count, smallest[parts], count)
