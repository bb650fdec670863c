"""How well hidden tokens of held-out texts are guessed, beside always guessing the commonest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from transformers import BertForMaskedLM

from biglog.vectors.training.loop import autocast
from biglog.vectors.training.mixing import Rows, split
from biglog.vectors.training.mlm import IGNORED, Ids, Special, hide_tokens, pad

_SEED = 11  # of what is hidden: the same places for every model of one vocabulary
_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Guessed:
    """Cross-entropy in nats (low = better) and the share guessed right, of the hidden tokens."""

    loss: float
    accuracy: float
    tokens: int


def hide_held(rows: Rows, special: Special, share: float) -> tuple[Ids, Ids]:
    """The held-out texts with the places hidden that are always hidden."""
    return hide_tokens(pad(rows), np.random.default_rng(_SEED), special=special, share=share)


def guess(model: BertForMaskedLM, held: tuple[Ids, Ids]) -> Guessed:
    """What the model makes of the hidden places; its mode of training is left as it was."""
    training = model.training
    model.eval()
    loss, right, tokens = 0.0, 0, 0
    with torch.inference_mode():
        for seen, labels in split(*held, _TOKENS):
            scores, wanted = _scores(model, seen, labels)
            loss += float(torch.nn.functional.cross_entropy(scores, wanted, reduction="sum"))
            right += int((scores.argmax(-1) == wanted).sum())
            tokens += len(wanted)
    model.train(training)
    return Guessed(loss / max(1, tokens), right / max(1, tokens), tokens)


def _scores(model: BertForMaskedLM, seen: Ids, labels: Ids) -> tuple[torch.Tensor, torch.Tensor]:
    ids, wanted = (torch.from_numpy(one).to(model.device) for one in (seen, labels))
    with autocast(model.device):
        states = model.bert(ids, attention_mask=(ids != 0).long()).last_hidden_state
        scores = model.cls(states[wanted != IGNORED])
    return scores.float(), wanted[wanted != IGNORED]


def guess_by_frequency(rows: Rows, held: tuple[Ids, Ids], special: Special) -> Guessed:
    """The same places guessed by how often each token is in the training texts alone."""
    counts = Counter(token for row in rows for token in row)
    weights = np.ones(special.size)
    for token, count in counts.items():
        weights[token] += count
    weights[list(special.frame)] = 1e-9
    shares = np.log(weights / weights.sum())
    wanted = held[1][held[1] != IGNORED]
    if not len(wanted):
        return Guessed(0.0, 0.0, 0)
    right = float((wanted == int(shares.argmax())).mean())
    return Guessed(float(-shares[wanted].mean()), right, len(wanted))
