"""Masked language modelling: which tokens are hidden, and how well they are guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from transformers import BertForMaskedLM

from biglog.vectors.training.loop import autocast
from biglog.vectors.training.tokenizer import SPECIAL

Ids = npt.NDArray[np.int64]
IGNORED = -100
_FRAME = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True, slots=True)
class Special:
    """Ids of a vocabulary: the frame, in _FRAME's order and never hidden; how many there are."""

    frame: tuple[int, ...]
    size: int

    @property
    def end(self) -> int:
        return self.frame[3]

    @property
    def mask(self) -> int:
        return self.frame[4]


def own_special(size: int) -> Special:
    """Of the vocabularies that this project trains."""
    return Special(tuple(map(SPECIAL.index, _FRAME)), size)


def special_of(tokenizer: Tokenizer) -> Special:
    """Of any BERT's vocabulary."""
    vocabulary = tokenizer.get_vocab()
    frame = tuple(vocabulary[name] for name in _FRAME)
    return Special(frame, len(vocabulary))


def hide_tokens(
    ids: Ids, rng: np.random.Generator, *, special: Special, share: float = 0.15
) -> tuple[Ids, Ids]:
    """(what the model sees, what it must guess): 80 % [MASK], 10 % random, 10 % left as they are.

    The log tokens are hidden and guessed like words; the frame and padding never are.
    """
    chosen = (rng.random(ids.shape) < share) & ~np.isin(ids, special.frame)
    labels = np.where(chosen, ids, IGNORED)
    draw = rng.random(ids.shape)
    seen = np.where(chosen & (draw < 0.8), special.mask, ids)
    noise = rng.integers(1, special.size, ids.shape)
    return np.where(chosen & (draw >= 0.8) & (draw < 0.9), noise, seen), labels


def pad(rows: Sequence[Sequence[int]]) -> Ids:
    """Rows of ids as one array, [PAD] at the end; few widths, as each costs torch a new kernel."""
    padded = np.zeros((len(rows), -8 * (-max(map(len, rows)) // 8)), np.int64)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return padded


def masked_loss(model: BertForMaskedLM, batch: tuple[Ids, Ids]) -> torch.Tensor:
    """Cross-entropy of the hidden tokens; only hidden places are scored, 8 times less work."""
    device = model.device
    seen, labels = (torch.from_numpy(part).to(device) for part in batch)
    with autocast(device):
        states = model.bert(seen, attention_mask=(seen != 0).long()).last_hidden_state
        scores = model.cls(states[labels != IGNORED])
    return torch.nn.functional.cross_entropy(scores.float(), labels[labels != IGNORED])
