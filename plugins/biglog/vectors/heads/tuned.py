"""A head and a copy of the whole encoder that learn together (fine-tuning)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from biglog.records import Labels, Scores, Vectors
from biglog.samples import Kinds, Samples
from biglog.vectors import checkpoint
from biglog.vectors.encoder import BertEncoder
from biglog.vectors.heads import head
from biglog.vectors.heads.fitting import Part, Stop, fit_until
from biglog.vectors.heads.head import Head
from biglog.vectors.layout import read_layout

EPOCHS = 12
AT_ONCE = 32
BERT = "bert."


@dataclass(frozen=True, slots=True)
class Tuned:
    """The head, and the weights of the encoder that learnt with it."""

    head: Head
    encoder: Mapping[str, npt.NDArray[Any]]

    def score(self, samples: Samples, kinds: Kinds, base: BertEncoder) -> Scores:
        """0 to 1, high = odd. ``base`` is the encoder the copy began as."""
        return self.head.score(samples, replace(kinds, vectors=self.embed(kinds.texts, base)))

    def embed(self, texts: Sequence[str], base: BertEncoder) -> Vectors:
        network = Embedding(base)
        state = {name: torch.from_numpy(np.array(one)) for name, one in self.encoder.items()}
        network.bert.load_state_dict(state)
        network.eval()
        ids = [row.ids for row in base.tokenizer.encode_batch(list(texts))]
        with torch.inference_mode():
            parts = [network(ids[at : at + AT_ONCE]) for at in range(0, len(ids), AT_ONCE)]
        return np.asarray(torch.cat(parts).numpy())

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return self.head.arrays() | {BERT + name: one for name, one in self.encoder.items()}


def from_arrays(kept: Mapping[str, npt.NDArray[Any]]) -> Tuned:
    own = {name.removeprefix(BERT): kept[name] for name in kept if name.startswith(BERT)}
    rest = {name: kept[name] for name in kept if not name.startswith(BERT)}
    return Tuned(head.from_arrays(rest), own)


def fit_tuned(
    samples: Samples, kinds: Kinds, odd: Labels, base: BertEncoder, *, cut: int, seed: int
) -> Tuned:
    """A copy of the whole encoder trained with a head; ``base`` is left as it was."""
    torch.manual_seed(seed)
    network = Tuning(base, samples, kinds)
    stop = Stop(EPOCHS, patience=3, rate=3e-4, batch=64)
    fit_until(network, network.margins, Part(odd, samples.weights, cut), stop, seed)
    learnt = Head(plain(network.head), network.damping)
    return Tuned(learnt, plain(network.embedding.bert))


def plain(network: torch.nn.Module) -> dict[str, npt.NDArray[Any]]:
    return {name: one.detach().numpy() for name, one in network.state_dict().items()}


class Embedding(torch.nn.Module):
    """A trainable copy of an encoder: token ids to centred unit vectors, as the encoder's own."""

    def __init__(self, base: BertEncoder) -> None:
        super().__init__()
        self.bert = checkpoint.build_model(read_layout(base.directory).model)
        self.padding = int(base.tokenizer.token_to_id("[PAD]") or 0)
        self.mean = torch.tensor(base.calibration.mean)

    def forward(self, ids: Sequence[Sequence[int]]) -> torch.Tensor:
        width = max(map(len, ids))
        padded = torch.tensor([[*row, *[self.padding] * (width - len(row))] for row in ids])
        mask = torch.arange(width) < torch.tensor([len(row) for row in ids])[:, None]
        states = self.bert(input_ids=padded, attention_mask=mask.long()).last_hidden_state
        weights = mask.unsqueeze(-1).float()
        mean = (states * weights).sum(1) / weights.sum(1)
        unit = torch.nn.functional.normalize(mean, dim=1) - self.mean
        return torch.nn.functional.normalize(unit, dim=1)


class Tuning(torch.nn.Module):
    """Rows to margins; of each batch only the templates that it has are embedded."""

    def __init__(self, base: BertEncoder, samples: Samples, kinds: Kinds) -> None:
        super().__init__()
        self.embedding = Embedding(base)
        self.ids = [row.ids for row in base.tokenizer.encode_batch(list(kinds.texts))]
        self.damping = head.damping_of(samples, kinds.known)
        self.shares = head.share_matrix(samples, kinds.known, self.damping)
        self.lengths = torch.from_numpy(head.lengths(samples))
        self.head = head.build(base.dim + 1)

    def margins(self, rows: torch.Tensor) -> torch.Tensor:
        shares = self.shares[rows.numpy()]
        used = np.unique(shares.indices)
        part = torch.from_numpy(shares[:, used].toarray()).float()
        pooled = part @ self.embedding([self.ids[one] for one in used.tolist()])
        margins: torch.Tensor = self.head(torch.cat([pooled, self.lengths[rows]], dim=1)).ravel()
        return margins
