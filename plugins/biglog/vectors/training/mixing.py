"""Steps of masked language modelling that mix new texts with old ones, against forgetting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from transformers import BertForMaskedLM

from biglog.vectors.training.mlm import IGNORED, Ids, Special, hide_tokens, masked_loss, pad
from biglog.vectors.training.team import Team

Rows = Sequence[Sequence[int]]
_TOKENS = {"cpu": 4096, "cuda": 32_768}  # at a time, padding included; the rest is accumulated


class Pool:
    """Rows drawn without repeating one before all were drawn; the same for the same place."""

    def __init__(self, rows: Rows, seed: int) -> None:
        self.rows, self.seed = rows, seed
        self.epoch, self.order = -1, np.zeros(0, np.int64)

    def take(self, start: int, count: int) -> Iterator[Sequence[int]]:
        for place in range(start, start + count):
            if place // len(self.rows) != self.epoch:
                self.epoch = place // len(self.rows)
                rng = np.random.default_rng((self.seed, self.epoch))
                self.order = rng.permutation(len(self.rows))
            yield self.rows[self.order[place % len(self.rows)]]


class MixedBatches:
    """(what the model sees, what it must guess) of a step's texts: a share of them old ones."""

    def __init__(
        self,
        fresh: Rows,
        old: Rows,
        *,
        texts: int,
        rehearsal: float,
        special: Special,
        share: float,
        seed: int,
    ) -> None:
        self.old_texts = round(texts * rehearsal) if len(old) else 0
        self.new_texts = texts - self.old_texts
        self.fresh, self.old = Pool(fresh, seed), Pool(old, seed + 1)
        self.special, self.share, self.seed = special, share, seed

    def step(self, step: int) -> tuple[Ids, Ids]:
        rows = [
            *self.fresh.take(step * self.new_texts, self.new_texts),
            *self.old.take(step * self.old_texts, self.old_texts),
        ]
        rng = np.random.default_rng((self.seed, step, 2))
        return hide_tokens(pad(rows), rng, special=self.special, share=self.share)


class MixedLoss:
    """The loss of a step in parts that fit the memory; a process of several takes its share."""

    def __init__(self, model: BertForMaskedLM, batches: MixedBatches, team: Team) -> None:
        self.model, self.batches, self.team = model, batches, team

    def __call__(self, step: int) -> Iterator[torch.Tensor]:
        """Parts whose sum, averaged over the processes, is the mean over all hidden tokens."""
        seen, labels = self.batches.step(step)
        weight = self.team.size / max(1, int((labels != IGNORED).sum()))
        mine = slice(self.team.rank, None, self.team.size)
        for part, hidden in split(seen[mine], labels[mine], _TOKENS[self.model.device.type]):
            count = int((hidden != IGNORED).sum())
            if count:
                loss = masked_loss(self.model, (part, hidden))
                yield loss * count * weight


def split(seen: Ids, labels: Ids, tokens: int) -> Iterator[tuple[Ids, Ids]]:
    """Texts of like length together, cut to the longest of them, at most ``tokens`` at a time.

    None is much shorter than half of that: padding costs as much as words do.
    """
    lengths = (seen != 0).sum(axis=1)
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        width = max(8, -8 * (-int(lengths[order[start]]) // 8))
        places = order[start : start + max(1, tokens // width)]
        places = places[: max(1, int((2 * lengths[places] >= width - 8).sum()))]
        yield seen[places, :width], labels[places, :width]
        start += len(places)


def count_tokens(rows: Rows) -> int:
    return sum(map(len, rows))
