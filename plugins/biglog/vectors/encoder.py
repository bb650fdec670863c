"""The encoder: texts to centred unit vectors, and cosines to calibrated similarity."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from biglog.errors import BadInput
from biglog.records import Scores, Vectors
from biglog.vectors import arithmetic, cache, calibrate, checkpoint
from biglog.vectors.arithmetic import Verdict
from biglog.vectors.calibrate import Calibration
from biglog.vectors.distinct import shard_of
from biglog.vectors.forward import Worker, find_devices
from biglog.vectors.int8 import find_ranges, is_supported, quantise
from biglog.vectors.layout import Layout, read_layout

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer
    from transformers import BertModel

log = logging.getLogger(__name__)
MASKING_VERSION = "1"  # of the five log tokens in a template's model_text
_LOG_TOKEN = re.compile("|".join(map(re.escape, checkpoint.LOG_WORDS)))


def load_encoder(directory: Path) -> BertEncoder:
    """Any BERT-style directory as an encoder; nothing is fetched from outside the machine.

    A model without calibration.json is calibrated here, on the texts shipped with BigLog.
    """
    layout = read_layout(directory)
    config = checkpoint.read_config(layout.model)
    checkpoint.find_weights(layout.model)  # cheap checks first: the placeholder is the usual one
    tokenizer = checkpoint.read_tokenizer(layout.model, config)
    files = checkpoint.digest_files(layout.model)
    model = checkpoint.build_model(layout.model, files)
    encoder = BertEncoder(layout, model, tokenizer, files=files)
    encoder.calibrate()
    encoder.settle()
    return encoder


class BertEncoder:
    """A BERT, its tokenizer and its calibration; ``records.Encoder``."""

    def __init__(
        self,
        layout: Layout,
        model: BertModel,
        tokenizer: Tokenizer,
        *,
        files: bytes = b"",
        devices: Sequence[str] = (),
    ) -> None:
        """A copy of the model on each device (every GPU, where none is named); the texts are
        shared out among them by their hash.
        """
        self.layout = layout
        self.model = model
        self.tokenizer = tokenizer
        self.longest = min(layout.longest, int(model.config.max_position_embeddings))
        self.knows_log_tokens = tokenizer.token_to_id("[NUM]") is not None
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(self.longest)
        self.files = files or checkpoint.digest_files(layout.model)
        self.weights = checkpoint.fingerprint(self.files, MASKING_VERSION, *layout.parts)
        self.calibration = Calibration(self.weights, "", (0.0,) * self.dim, 1.0, 0.0, 0, 0)
        self.verdict = Verdict(self.weights, "", arithmetic.EXACT)
        self.workers = [self._worker(one) for one in devices or find_devices()]

    def _worker(self, device: str) -> Worker:
        padding = int(self.tokenizer.token_to_id("[PAD]") or 0)
        model = self.model if device == "cpu" else deepcopy(self.model)
        return Worker(model, device, pooling=self.layout.pooling, padding=padding)

    @property
    def directory(self) -> Path:
        return self.layout.directory

    @property
    def model_id(self) -> str:
        """Directory name and fingerprint; vectors of different ids must never be compared."""
        parts = (MASKING_VERSION, *self.layout.parts, self.calibration.background)
        return f"{self.directory.resolve().name}:{checkpoint.fingerprint(self.files, *parts)}"

    @property
    def dim(self) -> int:
        return int(self.model.config.hidden_size)

    def calibrate(self) -> None:
        """Take the stored calibration if it is this model's; else fit one, kept if possible."""
        for path in cache.kept(self.directory, calibrate.FILE, self.weights):
            stored = calibrate.read_calibration(path)
            if stored and stored.weights == self.weights and len(stored.mean) == self.dim:
                self.calibration = stored
                return
        from biglog.vectors.training.heldout import calibrate_encoder

        fitted = self.calibration = calibrate_encoder(self)
        cache.keep(
            self.directory,
            calibrate.FILE,
            self.weights,
            lambda path: calibrate.write_calibration(fitted, path),
        )

    def settle(self) -> None:
        """Run in the fastest arithmetic that is as good as fp32 for this model, judged once."""
        kind = self.workers[0].device.partition(":")[0]
        if kind == "cpu" and not is_supported():
            return
        name = arithmetic.file_name(kind)
        found = (
            arithmetic.read_verdict(path, self.weights)
            for path in cache.kept(self.directory, name, self.weights)
        )
        self.verdict = next((one for one in found if one), None) or self._judge(kind)
        if self.verdict.arithmetic != arithmetic.EXACT:
            for worker in self.workers:
                worker.model = self._in(self.verdict, worker)

    def _judge(self, kind: str) -> Verdict:
        """By the texts kept for calibration; the verdict is kept if possible."""
        from biglog.vectors.training.heldout import label_pairs

        found = label_pairs("calibrate")
        texts, kinds = arithmetic.sample(found.texts, found.same)
        clear = self.readable(texts)
        rows = [one.ids for one, ok in zip(self._tokenise(texts), clear, strict=True) if ok]
        kinds = [one for one, ok in zip(kinds, clear, strict=True) if ok]
        first = self.workers[0]
        ranges = find_ranges(first.model, lambda: first.pool(rows)) if kind == "cpu" else {}
        exact = self.calibration.centre(first.pool(rows))
        draft = Verdict(self.weights, kind, arithmetic.TRIED[kind], ranges=ranges)
        other = Worker(
            self._in(draft, first), first.device, pooling=first.pooling, padding=first.padding
        )
        tried = self.calibration.centre(other.pool(rows))
        said = arithmetic.judge(exact, tried, kinds, weights=self.weights, device=kind)
        verdict = replace(said, ranges=ranges)
        log.info("%s: %s", self.directory.name, said)
        cache.keep(
            self.directory,
            arithmetic.file_name(kind),
            self.weights,
            lambda path: arithmetic.write_verdict(verdict, path),
        )
        return verdict

    def _in(self, verdict: Verdict, worker: Worker) -> BertModel:
        """A copy of the worker's model in the arithmetic of the verdict."""
        if verdict.arithmetic == "int8":
            return quantise(worker.model, verdict.ranges)
        return deepcopy(worker.model).half()

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
        ids = [row.ids for row in rows]
        if len(self.workers) == 1:
            return self.workers[0].pool(ids)
        return self._pool_in_shards(texts, ids)

    def _pool_in_shards(self, texts: Sequence[str], ids: Sequence[Sequence[int]]) -> Vectors:
        pooled = np.empty((len(texts), self.dim), np.float32)
        shards = np.array([shard_of(text, len(self.workers)) for text in texts], np.int64)
        places = [np.flatnonzero(shards == number).tolist() for number in range(len(self.workers))]
        with ThreadPoolExecutor(len(self.workers)) as threads:
            jobs = [
                threads.submit(worker.pool, [ids[place] for place in mine])
                for worker, mine in zip(self.workers, places, strict=True)
            ]
            for mine, job in zip(places, jobs, strict=True):
                pooled[mine] = job.result()
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
