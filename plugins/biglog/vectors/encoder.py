"""The encoder: texts to centred unit vectors, and cosines to calibrated similarity."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biglog.errors import BadInput
from biglog.records import Scores, Vectors
from biglog.vectors import calibrate, checkpoint
from biglog.vectors.calibrate import Calibration

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer
    from transformers import BertModel

log = logging.getLogger(__name__)
MASKING_VERSION = "1"  # of the five log tokens in a template's model_text
POOLING = "masked-mean"
LONGEST = 150
_LOG_TOKEN = re.compile("|".join(map(re.escape, checkpoint.LOG_WORDS)))


def load_encoder(directory: Path, *, batch_size: int = 32) -> BertEncoder:
    """Any BERT-style directory as an encoder; nothing is fetched from outside the machine.

    A model without calibration.json is calibrated here, on the texts shipped with BigLog.
    """
    if not directory.is_dir():
        raise BadInput(
            f"{directory} is not a directory, expected a BERT-style model: name one under "
            "pretrained/"
        )
    config = checkpoint.read_config(directory)
    checkpoint.find_weights(directory)  # cheap checks first: the placeholder is the usual mistake
    tokenizer = checkpoint.read_tokenizer(directory, config)
    encoder = BertEncoder(directory, checkpoint.build_model(directory), tokenizer, batch_size)
    encoder.calibrate()
    return encoder


class BertEncoder:
    """A BERT, its tokenizer and its calibration; ``records.Encoder``."""

    def __init__(
        self, directory: Path, model: BertModel, tokenizer: Tokenizer, batch_size: int
    ) -> None:
        self.directory = directory
        self.model = model
        self.tokenizer = tokenizer
        self.batch_size = batch_size
        self.longest = min(LONGEST, int(model.config.max_position_embeddings))
        self.knows_log_tokens = tokenizer.token_to_id("[NUM]") is not None
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(self.longest)
        self.weights = checkpoint.fingerprint(directory, MASKING_VERSION, POOLING)
        self.calibration = Calibration(self.weights, "", (0.0,) * self.dim, 1.0, 0.0, 0, 0)

    @property
    def model_id(self) -> str:
        """Directory name and fingerprint; vectors of different ids must never be compared."""
        parts = (MASKING_VERSION, POOLING, self.calibration.background)
        return f"{self.directory.resolve().name}:{checkpoint.fingerprint(self.directory, *parts)}"

    @property
    def dim(self) -> int:
        return int(self.model.config.hidden_size)

    def calibrate(self) -> None:
        """Take the stored calibration if it is this model's; else fit one, kept if possible."""
        path = self.directory / calibrate.FILE
        stored = calibrate.read_calibration(path)
        if stored and stored.weights == self.weights and len(stored.mean) == self.dim:
            self.calibration = stored
            return
        from biglog.vectors.training.heldout import calibrate_encoder

        self.calibration = calibrate_encoder(self)
        try:
            calibrate.write_calibration(self.calibration, path)
        except OSError as error:
            log.warning(
                "%s cannot be written (%s): calibration is repeated at every load", path, error
            )

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit rows in the order of the texts, each independent of its batch mates."""
        return (
            self.calibration.centre(self.pool(texts))
            if texts
            else np.zeros((0, self.dim), np.float32)
        )

    def similarity(self, cosine: npt.NDArray[Any]) -> Scores:
        """Calibrated probability, 0 to 1, of "the same kind of event"; monotone in the cosine."""
        return self.calibration.similarity(cosine)

    def readable(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which texts ``encode`` accepts: those with a token that the vocabulary knows."""
        return np.array([self._is_readable(row) for row in self._tokenise(texts)], bool)

    def pool(self, texts: Sequence[str]) -> Vectors:
        """Mean token states of the texts, neither centred nor of unit length."""
        rows = self._tokenise(texts)
        for text, row in zip(texts, rows, strict=True):
            self._refuse_unreadable(text, row)
        pooled = np.empty((len(texts), self.dim), np.float32)
        for places in self._batches(rows):
            pooled[places] = self._forward([rows[place].ids for place in places])
        return pooled

    def _tokenise(self, texts: Sequence[str]) -> list[Encoding]:
        if not self.knows_log_tokens:
            texts = [
                _LOG_TOKEN.sub(lambda token: checkpoint.LOG_WORDS[token[0]], text) for text in texts
            ]
        whole = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        return list(self.tokenizer.encode_batch(whole))

    def _is_readable(self, row: Encoding) -> bool:
        unknown = self.tokenizer.token_to_id("[UNK]")
        frame = row.special_tokens_mask
        return any(i != unknown and not f for i, f in zip(row.ids, frame, strict=True))

    def _refuse_unreadable(self, text: str, row: Encoding) -> None:
        if not self._is_readable(row):
            got = (
                f"only characters unknown to {self.directory.name}"
                if text.strip()
                else "an empty text"
            )
            raise BadInput(
                f"cannot embed {text[:60]!r}: got {got}, expected a known word: leave it "
                "out or use a model whose vocabulary has its language"
            )

    def _batches(self, rows: Sequence[Encoding]) -> Iterator[list[int]]:
        """Row numbers, sorted by length: little padding, and small batches win on a processor."""
        order = sorted(range(len(rows)), key=lambda place: len(rows[place].ids))
        for start in range(0, len(order), self.batch_size):
            yield order[start : start + self.batch_size]

    def _forward(self, rows: Sequence[Sequence[int]]) -> Vectors:
        import torch

        width = max(map(len, rows))
        padding = self.tokenizer.token_to_id("[PAD]")
        ids = torch.tensor([[*row, *[padding] * (width - len(row))] for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
        with torch.inference_mode():
            states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask.unsqueeze(-1).float()
            mean = (states * weights).sum(1) / weights.sum(1)
        return np.asarray(mean.numpy(), np.float32)
