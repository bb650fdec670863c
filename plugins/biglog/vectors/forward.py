"""Token ids through a BERT on one device, to one row a text."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from biglog.errors import TryAgain
from biglog.records import Vectors
from biglog.vectors.layout import CLS

if TYPE_CHECKING:
    import torch
    from transformers import BertModel

log = logging.getLogger(__name__)
# Tokens at a time, padding included. A processor gains nothing from more: what passes between the
# layers leaves its cache.
ON_PROCESSOR = 512
ON_GPU = 32_768


def find_devices() -> tuple[str, ...]:
    """Every GPU of the machine, else its processor."""
    import torch

    return tuple(f"cuda:{number}" for number in range(torch.cuda.device_count())) or ("cpu",)


def use_threads(count: int) -> None:
    """Of the processor, by everything torch does in this process."""
    import torch

    torch.set_num_threads(count)


class Worker:
    """A model on a device, and how many tokens at a time it has shown to have memory for.

    On a processor a batch holds texts of one length: nothing is padded, and a text's vector is the
    same to the last bit whatever its batch mates. A GPU is kept busy by larger, padded batches.
    """

    def __init__(self, model: BertModel, device: str, *, pooling: str, padding: int) -> None:
        self.model = model.to(device)
        self.device = device
        self.pooling = pooling
        self.padding = padding
        self.pads = device != "cpu"
        self.tokens = ON_PROCESSOR if device == "cpu" else ON_GPU

    def pool(self, rows: Sequence[Sequence[int]]) -> Vectors:
        """Pooled states in the order of the rows, each independent of its batch mates.

        Where memory runs out, the batch is halved and stays so. Raises TryAgain where it does
        for a single text.
        """
        pooled = np.empty((len(rows), int(self.model.config.hidden_size)), np.float32)
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]), reverse=True)
        start = 0
        while start < len(order):
            width = len(rows[order[start]])
            places = order[start : start + max(1, self.tokens // width)]
            if not self.pads:
                places = [place for place in places if len(rows[place]) == width]
            try:
                pooled[places] = self._forward([rows[place] for place in places], width)
            except RuntimeError as error:
                self._shrink(len(places), width, error)
            else:
                start += len(places)
        return pooled

    def _shrink(self, texts: int, width: int, error: RuntimeError) -> None:
        if not is_out_of_memory(error):
            raise error
        if texts == 1:
            raise TryAgain(
                f"{self.device} has no memory for one text of {width} tokens ({error}): end what "
                "else uses it, or choose a smaller model"
            ) from error
        self.tokens = texts // 2 * width
        log.warning(
            "%s is out of memory: %d tokens at a time from here on", self.device, self.tokens
        )
        if self.device != "cpu":
            import torch

            torch.cuda.empty_cache()

    def _forward(self, rows: Sequence[Sequence[int]], width: int) -> Vectors:
        import torch

        lengths = torch.tensor([len(row) for row in rows])
        ids = torch.tensor([[*row, *[self.padding] * (width - len(row))] for row in rows])
        mask = (torch.arange(width) < lengths[:, None]).long()
        with torch.inference_mode():
            given = {"input_ids": ids.to(self.device), "attention_mask": mask.to(self.device)}
            states = self.model(**given).last_hidden_state
            return np.asarray(self._pooled(states, given["attention_mask"]).cpu().numpy())

    def _pooled(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if self.pooling == CLS:
            return states[:, 0].float()
        weights = mask.unsqueeze(-1).float()
        return (states.float() * weights).sum(1) / weights.sum(1)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Of a GPU, or of the machine, which torch reports as a plain RuntimeError."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
