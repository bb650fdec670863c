"""An LSTM over the vectors of a session's events in order (after LogRobust, Zhang et al., 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from biglog.records import Labels, Scores, Vectors
from biglog.samples import Kinds, Samples
from biglog.vectors.heads.fitting import Part, Stop, fit_until

HIDDEN = 32
LONGEST = 100
"""Events of a session that are read; of a longer one the first."""
EPOCHS = 12
AT_ONCE = 512


class Network(torch.nn.Module):
    """Events to a margin: both directions, the states' mean and largest, one linear layer."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(dim, HIDDEN, batch_first=True, bidirectional=True)
        self.out = torch.nn.Linear(4 * HIDDEN, 1)

    def forward(self, events: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = pack_padded_sequence(events, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        inside = (torch.arange(states.shape[1]) < lengths[:, None]).unsqueeze(-1)
        mean = (states * inside).sum(1) / lengths[:, None]
        largest = states.masked_fill(~inside, -1.0).amax(1)
        margins: torch.Tensor = self.out(torch.cat([mean, largest], dim=1)).ravel()
        return margins


@dataclass(frozen=True, slots=True)
class Sequence:
    """A trained network; it needs the encoder's vectors, none of its own."""

    state: dict[str, npt.NDArray[np.float32]]

    def score(self, samples: Samples, kinds: Kinds) -> Scores:
        """0 to 1, high = odd. Equal sessions are judged once."""
        rows = Runs.of(samples, kinds.vectors)
        network = Network(kinds.vectors.shape[1])
        network.load_state_dict({name: torch.from_numpy(one) for name, one in self.state.items()})
        network.eval()
        places, number = np.unique(
            rows.events.numpy(), axis=0, return_index=True, return_inverse=True
        )[1:]
        with torch.inference_mode():
            parts = torch.split(torch.from_numpy(places), AT_ONCE)
            margins = torch.cat([network(*rows.batch(one)) for one in parts])
        return np.asarray(torch.sigmoid(margins.double()).numpy())[number.ravel()]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return dict(self.state)


def from_arrays(kept: Mapping[str, npt.NDArray[Any]]) -> Sequence:
    return Sequence(dict(kept))


@dataclass(frozen=True, slots=True)
class Runs:
    """Sessions as padded runs of template numbers (-1), and the vectors they stand for."""

    events: torch.Tensor
    lengths: torch.Tensor
    vectors: torch.Tensor  # the last row is the padding's zeros

    @classmethod
    def of(cls, samples: Samples, vectors: Vectors) -> Runs:
        lengths = np.clip(np.diff(samples.starts), 1, LONGEST)
        wide = np.full((len(samples), int(lengths.max(initial=1))), -1, np.int64)
        column = np.arange(wide.shape[1])
        inside = column < np.minimum(np.diff(samples.starts), LONGEST)[:, None]
        wide[inside] = samples.events[(samples.starts[:-1, None] + column)[inside]]
        padded = np.vstack([vectors, np.zeros((1, vectors.shape[1]), np.float32)])
        return cls(torch.from_numpy(wide), torch.from_numpy(lengths), torch.from_numpy(padded))

    def batch(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        lengths = self.lengths[rows]
        return self.vectors[self.events[rows, : int(lengths.max())]], lengths


def fit_sequence(samples: Samples, kinds: Kinds, odd: Labels, *, cut: int, seed: int) -> Sequence:
    """The network on frozen vectors; rows from ``cut`` on decide when to stop."""
    torch.manual_seed(seed)
    rows = Runs.of(samples, kinds.vectors)
    network = Network(kinds.vectors.shape[1])
    stop = Stop(EPOCHS, patience=3, rate=5e-3, batch=128)
    part = Part(odd, samples.weights, cut)
    fit_until(network, lambda at: network(*rows.batch(at)), part, stop, seed)
    return Sequence({name: one.numpy() for name, one in network.state_dict().items()})
