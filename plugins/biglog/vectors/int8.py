"""A BERT's linear layers in 8-bit integers, with ranges fixed beforehand; its matrices on disk.

Ranges taken from each batch, as dynamic quantisation does, would make a text's vector depend on its
batch mates.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import BertModel

Range = tuple[float, float]
_SCALES = "_scales"
_LEVELS = 127  # of an input: with 8 bits, sums of pairs overflow on processors without VNNI


class Int8Linear(torch.nn.Module):
    """A linear layer: weights by channel, inputs by the range given, output in fp32."""

    def __init__(self, layer: torch.nn.Linear, seen: Range) -> None:
        super().__init__()
        weight = layer.weight.detach()
        scales = (weight.abs().amax(1) / 127).clamp(min=1e-12).double()
        zeros = torch.zeros(len(scales), dtype=torch.long)
        with warnings.catch_warnings():  # that a later torch drops this; torch is pinned
            warnings.filterwarnings("ignore", message=".*quantized tensor creation functions")
            whole = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        self.packed = torch.ops.quantized.linear_prepack(whole, layer.bias.detach())
        low, high = min(seen[0], 0.0), max(seen[1], 0.0)
        self.scale = max((high - low) / _LEVELS, 1e-12)
        self.zero = round(-low / self.scale)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        multiply = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32
        product: torch.Tensor = multiply(values, self.scale, self.zero, self.packed)
        return product


def is_supported() -> bool:
    """Whether this machine has the kernels: x86 with AVX2."""
    return "fbgemm" in torch.backends.quantized.supported_engines


def find_ranges(model: BertModel, run: Callable[[], object]) -> dict[str, Range]:
    """What each linear layer is given while ``run`` sends texts through the model."""
    with watching(model) as seen:
        run()
    return seen


def quantise(model: BertModel, ranges: Mapping[str, Range]) -> BertModel:
    """A copy whose linear layers compute in 8 bits, by the ranges that ``find_ranges`` gave."""
    copy = deepcopy(model)
    for name, span in ranges.items():
        parent, _, own = name.rpartition(".")
        layer = copy.get_submodule(name)
        setattr(copy.get_submodule(parent), own, Int8Linear(layer, span))
    return copy


@contextmanager
def watching(model: BertModel) -> Iterator[dict[str, Range]]:
    """The least and the largest input of each linear layer by its name, as far as they are seen."""
    seen: dict[str, Range] = {}

    def watch(name: str) -> Callable[..., None]:
        def look(_: torch.nn.Module, given: tuple[Any, ...]) -> None:
            low, high = (float(one) for one in torch.aminmax(given[0]))
            before = seen.get(name, (low, high))
            seen[name] = (min(low, before[0]), max(high, before[1]))

        return look

    hooks = [
        layer.register_forward_pre_hook(watch(name))
        for name, layer in model.named_modules()
        if isinstance(layer, torch.nn.Linear)
    ]
    try:
        yield seen
    finally:
        for one in hooks:
            one.remove()


def pack(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors as they are kept on disk: matrices in 8 bits with a scale a row, the rest as is.

    Linear layers lose nothing more when ``quantise`` packs what ``unpack`` gave: the scales are
    the same.
    """
    packed: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        if value.ndim != 2 or not value.is_floating_point():
            packed[name] = value.contiguous()
            continue
        scales = (value.float().abs().amax(1) / 127).clamp(min=1e-12)
        packed[name] = (value.float() / scales[:, None]).round().to(torch.int8)
        packed[name + _SCALES] = scales
    return packed


def unpack(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What ``pack`` was given, each number within half a step; other tensors as they are."""
    return {
        name: value.float() * state[name + _SCALES][:, None] if name + _SCALES in state else value
        for name, value in state.items()
        if not name.endswith(_SCALES)
    }
