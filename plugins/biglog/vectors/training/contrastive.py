"""Contrast: texts of one kind are pulled together, and all others of the batch pushed away."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import torch
from tokenizers import Tokenizer
from transformers import BertForMaskedLM, BertModel

from biglog.vectors.training.kinds import Kind
from biglog.vectors.training.loop import autocast
from biglog.vectors.training.mlm import pad
from biglog.vectors.training.recipes import Recipe
from biglog.vectors.training.sampling import Pair, Sampler

_LONGEST = 48  # tokens
_CHUNK = 64  # texts
_BORDER = 0.5  # cosine
_STEEPNESS = 12.0


class PairLoss:
    """The contrast of the batch that belongs to a step."""

    def __init__(
        self,
        kinds: Sequence[Kind],
        terms: dict[str, tuple[str, ...]],
        recipe: Recipe,
        model: BertForMaskedLM,
        tokenizer: Tokenizer,
    ) -> None:
        self.sampler = Sampler(kinds, terms, Random(recipe.seed))
        self.recipe, self.model, self.tokenizer = recipe, model, tokenizer

    def __call__(self, step: int) -> torch.Tensor:
        self.sampler.rng.seed(f"{self.recipe.seed}:{step}")
        pairs = self.sampler.batch(self.recipe.pairs)
        return contrast_loss(self.model.bert, self.tokenizer, pairs)


def contrast_loss(
    model: BertModel, tokenizer: Tokenizer, pairs: Sequence[Pair], *, temperature: float = 0.05
) -> torch.Tensor:
    """InfoNCE over both sides of the batch, and the judgement of every pair by itself.

    InfoNCE ranks within a batch; only the second makes one cosine mean the same everywhere, which a
    threshold needs. Texts of the same kind are not taken as negatives.
    """
    texts = [pair.left for pair in pairs] + [pair.right for pair in pairs]
    turned = [place for place, pair in enumerate(pairs) if pair.opposite]
    vectors = pooled(model, tokenizer, texts + [pairs[place].opposite for place in turned])
    cosines = vectors[: len(texts)] @ vectors.T
    device, count = cosines.device, len(pairs)
    opposite = of_own_pair(turned, count).to(device)
    alike = torch.cat([same_kind(pairs, texts).to(device), ~opposite], dim=1)
    rival = torch.cat([rivals(pairs).to(device), opposite], dim=1)
    partner = torch.cat([torch.arange(count, 2 * count), torch.arange(count)]).to(device)
    scores = (cosines / temperature).masked_fill(alike, float("-inf"))
    ranking = torch.nn.functional.cross_entropy(scores, partner)
    return ranking + judgement_loss(cosines, partner, alike, rival)


def of_own_pair(turned: Sequence[int], count: int) -> torch.Tensor:
    """True where a row meets the opposite of its own pair; to all others that may say anything."""
    owner = torch.tensor(turned, dtype=torch.long)
    return (torch.arange(2 * count) % count)[:, None] == owner[None]


def judgement_loss(
    cosines: torch.Tensor, partner: torch.Tensor, alike: torch.Tensor, rival: torch.Tensor
) -> torch.Tensor:
    """Logistic loss of "one kind" with even odds at a cosine of .5; partners weigh half, rivals
    and strangers a quarter each."""
    right = cosines.gather(1, partner[:, None])
    other = torch.nn.functional.softplus(_STEEPNESS * (cosines - _BORDER))
    free = ~alike.scatter(1, partner[:, None], True)
    shares = [(free & rival, 0.25), (free & ~rival, 0.25)]
    loss = 0.5 * torch.nn.functional.softplus(_STEEPNESS * (_BORDER - right)).mean()
    for chosen, share in shares:
        if chosen.any():
            loss = loss + share * other[chosen].mean()
    return loss


def rivals(pairs: Sequence[Pair]) -> torch.Tensor:
    """True where two rows were drawn together, as kinds that are easily confused."""
    groups = torch.tensor([pair.group for pair in pairs] * 2)
    return groups[:, None] == groups


def pooled(model: BertModel, tokenizer: Tokenizer, texts: Sequence[str]) -> torch.Tensor:
    """Unit vectors of the texts in their order; several passes by length, for less padding."""
    rows = [row.ids[:_LONGEST] for row in tokenizer.encode_batch(list(texts))]
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    parts = [order[start : start + _CHUNK] for start in range(0, len(order), _CHUNK)]
    means = torch.cat([_means(model, [rows[place] for place in part]) for part in parts])
    back = torch.tensor(order, device=means.device).argsort()
    return torch.nn.functional.normalize(means[back], dim=-1)


def _means(model: BertModel, rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """The mean over the tokens of each row."""
    ids = torch.from_numpy(pad(rows)).to(model.device)
    mask = (ids != 0).long()
    with autocast(model.device):
        states = model(ids, attention_mask=mask).last_hidden_state
    weights = mask.unsqueeze(-1).float()
    mean: torch.Tensor = (states.float() * weights).sum(1) / weights.sum(1)
    return mean


def same_kind(pairs: Sequence[Pair], texts: Sequence[str]) -> torch.Tensor:
    """True where two rows must not repel each other: itself, its kind's others, equal texts."""
    kinds = [pair.kind for pair in pairs] * 2
    code = {kind: number for number, kind in enumerate(dict.fromkeys(kinds))}
    said = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    by_kind = torch.tensor([code[kind] for kind in kinds])
    by_text = torch.tensor([said[text] for text in texts])
    alike = (by_kind[:, None] == by_kind) | (by_text[:, None] == by_text)
    rows = torch.arange(len(texts))
    alike[rows, (rows + len(pairs)) % len(texts)] = False  # the partner is what must be found
    return alike
