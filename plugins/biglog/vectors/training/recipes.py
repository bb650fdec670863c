"""What a training does: the model's size, its steps and rates, by name."""

from __future__ import annotations

from dataclasses import dataclass

from biglog.errors import BadInput


@dataclass(frozen=True, slots=True)
class Recipe:
    vocabulary: int = 12_000
    hidden: int = 256
    layers: int = 4
    heads: int = 4
    positions: int = 160
    longest: int = 64  # tokens of a text that are read in training
    texts: int = 256  # a step of masked language modelling
    mask_share: float = 0.15
    masked_rate: float = 5e-4  # at the top of the warm-up; then it falls linearly to zero
    pairs: int = 128  # a batch of contrast
    pair_rate: float = 4e-4
    masked_steps: int = 0
    pair_steps: int = 0
    beside: int = 32  # texts of masked modelling beside a batch of contrast, which forgets it
    warm_up: float = 0.05  # share of the steps
    weight_decay: float = 0.01
    clip: float = 1.0  # norm of the gradient
    dropout: float = 0.1
    begin: str = ""  # a model directory whose weights and vocabulary are taken over
    seed: int = 17


PRESETS = {
    # So small a model never learns its texts by heart; dropout would only slow it.
    "small": Recipe(masked_steps=1000, pair_steps=1000, dropout=0.0),
    # BERT-base as the published BigLog was pre-trained: masked language modelling alone.
    "biglog": Recipe(
        vocabulary=30_522,
        hidden=768,
        layers=12,
        heads=12,
        positions=150,
        longest=150,
        texts=512,
        masked_rate=2e-4,
        masked_steps=10_000,
    ),
}


def preset(name: str) -> Recipe:
    """The recipe of that name. Raises BadInput for another."""
    if name not in PRESETS:
        raise BadInput(f"recipe {name!r} is not known, expected one of {', '.join(PRESETS)}")
    return PRESETS[name]
