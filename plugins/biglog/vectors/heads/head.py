"""A small head over pooled vectors; the encoder that made them stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix

from biglog.records import Labels, Scores, Vectors
from biglog.samples import Kinds, Samples
from biglog.vectors.heads.fitting import Part, Stop, fit_until

HIDDEN = 64
EPOCHS = 200
AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class Head:
    """Two layers over a row's mean template vector and its length."""

    state: dict[str, npt.NDArray[np.float32]]
    damping: Scores  # weight of a known template in the mean; later ones weigh the most

    def score(self, samples: Samples, kinds: Kinds) -> Scores:
        """0 to 1, high = odd."""
        return self.judge(pooled(samples, kinds, kinds.vectors, self.damping))

    def judge(self, rows: npt.NDArray[np.float32]) -> Scores:
        network = build(rows.shape[1])
        network.load_state_dict({name: torch.from_numpy(one) for name, one in self.state.items()})
        with torch.inference_mode():
            margins = [
                network(torch.from_numpy(rows[start : start + AT_ONCE])).ravel()
                for start in range(0, len(rows), AT_ONCE)
            ]
        joined = torch.cat(margins) if margins else torch.zeros(0)
        return np.asarray(torch.sigmoid(joined.double()).numpy())

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {**self.state, "damping": self.damping}


def from_arrays(kept: Mapping[str, npt.NDArray[Any]]) -> Head:
    return Head({name: kept[name] for name in kept if name != "damping"}, kept["damping"])


def build(width: int) -> torch.nn.Sequential:
    return torch.nn.Sequential(
        torch.nn.Linear(width, HIDDEN), torch.nn.GELU(), torch.nn.Linear(HIDDEN, 1)
    )


def damping_of(samples: Samples, known: int) -> Scores:
    """Inverse frequency of each known template over the rows."""
    has = share_matrix(samples, known, np.ones(known)) > 0
    having = np.asarray(has.sum(axis=0)).ravel()
    return np.asarray(np.log((1.0 + len(samples)) / (1.0 + having)) + 1.0)


def share_matrix(samples: Samples, columns: int, damping: Scores) -> csr_matrix:
    """What share of each row's mean each template has; rows sum to 1."""
    parts = np.ones(len(samples.events)), samples.events, samples.starts
    # A copy: summing sorts the columns in place, and the events' order is theirs.
    counts = csr_matrix(parts, shape=(len(samples), columns), copy=True)
    counts.sum_duplicates()
    counts.data = np.log1p(counts.data) * damping[counts.indices]
    whole = np.maximum(np.asarray(counts.sum(axis=1)), 1e-9)
    return csr_matrix(counts.multiply(1.0 / whole))


def pooled(
    samples: Samples, kinds: Kinds, vectors: Vectors, damping: Scores
) -> npt.NDArray[np.float32]:
    """The mean vector of each row and the logarithm of its length."""
    later = np.full(len(kinds.ids) - len(damping), damping.max(initial=1.0))
    shares = share_matrix(samples, len(kinds.ids), np.concatenate([damping, later]))
    return np.hstack([shares @ vectors, lengths(samples)]).astype(np.float32)


def lengths(samples: Samples) -> npt.NDArray[np.float32]:
    return np.log1p(np.diff(samples.starts))[:, None].astype(np.float32)


def fit_head(samples: Samples, kinds: Kinds, odd: Labels, *, cut: int, seed: int) -> Head:
    """A head on frozen vectors; rows from ``cut`` on decide when to stop (all where none is)."""
    torch.manual_seed(seed)
    damping = damping_of(samples, kinds.known)
    rows = torch.from_numpy(pooled(samples, kinds, kinds.vectors, damping))
    network = build(rows.shape[1])
    stop = Stop(EPOCHS, patience=20, rate=3e-3)
    part = Part(odd, samples.weights, cut)
    fit_until(network, lambda at: network(rows[at]).ravel(), part, stop, seed)
    return Head({name: one.numpy() for name, one in network.state_dict().items()}, damping)
