"""How sessions usually are, kept small: what a session's template counts are held against.

The same facts as in ``biglog.findings.sessions`` (having a template, having it so often, lacking
it), from figures that fit in a model's directory, and how often the whole count vector was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from biglog.findings.counts import MOST_ABSENT
from biglog.records import Labels, Scores

MOST_VECTORS = 200_000
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Usual:
    """Of reference sessions: how many have each template, how often, and which vectors came."""

    total: int
    having: Labels  # sessions with each known template
    tail_of: Labels  # template, count and unlikelihood of that count; sorted by the first two
    tail_at: Labels
    tail: Scores
    vectors: npt.NDArray[np.uint64]  # sorted hashes of count vectors, and how often each
    times: Labels

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "total": np.array([self.total]),
            "having": self.having,
            "tail_of": self.tail_of,
            "tail_at": self.tail_at,
            "tail": self.tail,
            "vectors": self.vectors.view(np.int64),
            "times": self.times,
        }


def from_arrays(kept: Mapping[str, npt.NDArray[Any]]) -> Usual:
    return Usual(
        total=int(kept["total"][0]),
        having=kept["having"],
        tail_of=kept["tail_of"],
        tail_at=kept["tail_at"],
        tail=kept["tail"],
        vectors=kept["vectors"].view(np.uint64),
        times=kept["times"],
    )


def learn_usual(counts: csr_matrix) -> Usual:
    """From the counts of reference sessions: one row a session, one column a known template."""
    having = np.bincount(counts.indices, minlength=counts.shape[1]).astype(np.int64)
    of, at, tail = rate_counts(counts)
    vectors, times = np.unique(hash_rows(counts), return_counts=True)
    kept = np.sort(np.argsort(-times, kind="stable")[:MOST_VECTORS])
    return Usual(counts.shape[0], having, of, at, tail, vectors[kept], times[kept].astype(np.int64))


def rate_counts(counts: csr_matrix) -> tuple[Labels, Labels, Scores]:
    """How unlikely each count of a template is among sessions that have it, its usual variation
    (twice the mean unlikelihood) taken off.
    """
    pairs = np.stack([counts.indices.astype(np.int64), counts.data.astype(np.int64)], axis=1)
    cells, had = np.unique(pairs, axis=0, return_counts=True)
    of, at = cells[:, 0], cells[:, 1]
    whole = np.bincount(of, had, minlength=counts.shape[1])[of]
    run = np.cumsum(had)
    first = np.searchsorted(of, of, "left")
    below = run - np.concatenate([[0], run])[first]
    rare = np.minimum(below, whole - below + had)
    unlikely = -np.log(np.clip(2.0 * (rare + 0.5) / (whole + 1), None, 1.0))
    mean = np.bincount(of, unlikely * had, minlength=counts.shape[1])[of] / whole
    return of, at, np.clip(unlikely - 2.0 * mean, 0.0, None)


def hash_rows(counts: csr_matrix) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each row's (column, count) cells, whatever their order."""
    with np.errstate(over="ignore"):
        cells = mix(counts.indices.astype(np.uint64) * _MIX + counts.data.astype(np.uint64))
        run = np.concatenate([np.zeros(1, np.uint64), np.cumsum(cells, dtype=np.uint64)])
        hashes: npt.NDArray[np.uint64] = run[counts.indptr[1:]] - run[counts.indptr[:-1]]
    return hashes


def mix(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """splitmix64's finaliser (Steele et al., 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class Facts:
    """The worst surprise (negative log of a share) of each kind, one a session."""

    present: Scores
    repeated: Scores
    missing: Scores
    vector: Scores
    missing_of: Labels  # the template most surely missing, -1 for none
    present_of: Labels  # the known template that the fewest have, -1 for none
    repeated_of: Labels  # the one whose count is the least likely, -1 for none

    @property
    def worst(self) -> Scores:
        return np.maximum(self.present + self.repeated, self.missing)


def facts(usual: Usual, counts: csr_matrix, unseen: Labels, own: Labels) -> Facts:
    """How each row stands against the usual.

    ``unseen`` says how many templates of a row were never there; ``own`` is 1 where the row is
    itself part of the usual, so that no session vouches for itself.
    """
    total = np.maximum(usual.total - own, 1)
    lengths = np.diff(counts.indptr)
    row_of = np.repeat(np.arange(counts.shape[0]), lengths)
    others = rarity(usual.having[counts.indices] - own[row_of], total[row_of])
    present, present_of = strongest(others, counts)
    present = np.where(unseen > 0, np.log(2.0 * (total + 1)), present)
    repeated, repeated_of = strongest(excess(usual, counts), counts)
    missing, missing_of = absent(usual, counts, own)
    vector = vector_rarity(usual, counts, own)
    vector = np.where(unseen > 0, np.log(2.0 * (total + 1)), vector)
    return Facts(present, repeated, missing, vector, missing_of, present_of, repeated_of)


def rarity(had: npt.NDArray[Any], total: npt.NDArray[Any]) -> Scores:
    """The surprise of what so many sessions of so many have; as if half of one more had it."""
    surprise: Scores = -np.log(np.clip((had + 0.5) / (total + 1), 1e-12, 1.0))
    return surprise


def largest(cells: Scores, counts: csr_matrix) -> Scores:
    """The largest cell of each row, 0 for an empty one."""
    found = np.zeros(counts.shape[0])
    np.maximum.at(found, np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr)), cells)
    return found


def strongest(cells: Scores, counts: csr_matrix) -> tuple[Scores, Labels]:
    """The largest cell of each row and its column, 0 and -1 where none is above 0."""
    found = largest(cells, counts)
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    which = np.full(counts.shape[0], -1, np.int64)
    hit = (cells > 0) & (cells == found[rows])
    which[rows[hit]] = counts.indices[hit]
    return found, which


def excess(usual: Usual, counts: csr_matrix) -> Scores:
    """Of each cell; a count never seen is as unlikely as the template's nearest seen beyond it."""
    if not len(usual.tail):
        return np.zeros(counts.nnz)
    span = int(max(usual.tail_at.max(), counts.data.max(initial=0))) + 2
    keys = usual.tail_of * span + usual.tail_at
    wanted = counts.indices.astype(np.int64) * span + counts.data.astype(np.int64)
    at = np.clip(np.searchsorted(keys, wanted), 0, len(keys) - 1)
    before = np.clip(at - 1, 0, None)
    at = np.where(usual.tail_of[at] == counts.indices, at, before)
    return np.where(usual.tail_of[at] == counts.indices, usual.tail[at], 0.0)


def absent(usual: Usual, counts: csr_matrix, own: Labels) -> tuple[Scores, Labels]:
    """The surprise of the most widespread template a row lacks, and which one it is."""
    lacking = (usual.total - usual.having + 0.5) / (usual.total + 1)
    wide = np.argsort(lacking, kind="stable")[:MOST_ABSENT]
    wide = wide[lacking[wide] < 0.5]
    found, which = np.zeros(counts.shape[0]), np.full(counts.shape[0], -1, np.int64)
    if not len(wide):
        return found, which
    has = counts[:, wide].toarray() > 0
    first = np.argmin(has, axis=1)
    lacks = ~has[np.arange(len(has)), first]
    template = wide[first]
    left = np.clip(usual.total - usual.having[template] - own, 0, None)
    surprise = rarity(left, np.maximum(usual.total - own, 1))
    return np.where(lacks, surprise, 0.0), np.where(lacks, template, -1)


def vector_rarity(usual: Usual, counts: csr_matrix, own: Labels) -> Scores:
    """Surprise of the whole count vector."""
    hashes = hash_rows(counts)
    times = np.zeros(counts.shape[0])
    if len(usual.vectors):
        at = np.clip(np.searchsorted(usual.vectors, hashes), 0, len(usual.vectors) - 1)
        times = np.where(usual.vectors[at] == hashes, usual.times[at], 0).astype(float)
    left = np.clip(times - own, 0, None)
    return rarity(left, np.maximum(usual.total - own, 1))
