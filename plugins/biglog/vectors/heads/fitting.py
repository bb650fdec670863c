"""Training until the validation rows say stop: the same steps for every network over vectors."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch

from biglog.records import Labels, Scores


@dataclass(frozen=True, slots=True)
class Part:
    """Labels and weights of rows in order of time; those from ``cut`` on validate."""

    odd: Labels
    weights: Scores
    cut: int

    def balanced(self) -> torch.Tensor:
        """Weights that make both classes of the training part weigh the same; 0 in the other."""
        weights = np.where(np.arange(len(self.odd)) < self.cut, self.weights, 0.0)
        sums = np.bincount(self.odd, weights, minlength=2)
        even = weights / np.maximum(sums[self.odd], 1e-12) * (self.cut / 2.0)
        return torch.from_numpy(even).float()

    def validating(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows that validate, and weights that make their classes even; else the same rows."""
        late = np.arange(self.cut, len(self.odd))
        if len(np.unique(self.odd[late])) < 2:
            late = np.arange(self.cut)
        sums = np.bincount(self.odd[late], self.weights[late], minlength=2)
        even = self.weights[late] / np.maximum(sums[self.odd[late]], 1e-12)
        return torch.from_numpy(late), torch.from_numpy(even).float()


@dataclass(frozen=True, slots=True)
class Stop:
    epochs: int
    patience: int  # epochs without a lower validation loss
    rate: float
    batch: int = 256


def fit_until(
    network: torch.nn.Module,
    margins: Callable[[torch.Tensor], torch.Tensor],
    part: Part,
    stop: Stop,
    seed: int,
) -> None:
    """Fit to the training part; the weights of the lowest validation loss are left in place."""
    odd, weights = torch.from_numpy(part.odd).float(), part.balanced()
    late, even = part.validating()
    optimiser = torch.optim.AdamW(network.parameters(), lr=stop.rate, weight_decay=0.01)
    shuffle = torch.Generator().manual_seed(seed)
    best, kept, waited = float("inf"), deepcopy(network.state_dict()), 0
    for _ in range(stop.epochs):
        network.train()
        for rows in torch.split(torch.randperm(part.cut, generator=shuffle), stop.batch):
            optimiser.zero_grad()
            torch.autograd.backward(step_loss(margins(rows), odd[rows], weights[rows]))
            optimiser.step()
        loss = validate(network, margins, late, odd, even, stop.batch)
        waited = 0 if loss < best - 1e-4 else waited + 1
        if loss < best:
            best, kept = loss, deepcopy(network.state_dict())
        if waited >= stop.patience:
            break
    network.load_state_dict(kept)
    network.eval()


def step_loss(margins: torch.Tensor, odd: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    losses = torch.nn.functional.binary_cross_entropy_with_logits(margins, odd, reduction="none")
    return (losses * weights).sum() / weights.sum().clamp(min=1e-9)


def validate(
    network: torch.nn.Module,
    margins: Callable[[torch.Tensor], torch.Tensor],
    late: torch.Tensor,
    odd: torch.Tensor,
    even: torch.Tensor,
    batch: int,
) -> float:
    network.eval()
    with torch.inference_mode():
        found = torch.cat([margins(rows) for rows in torch.split(late, batch)])
        return float(step_loss(found, odd[late], even))
