"""Vectors keep order, ignore their batch mates, and are refused where nothing can be read."""

from pathlib import Path

import numpy as np
import pytest
import torch

from biglog.errors import BadInput, TryAgain
from biglog.vectors.distinct import shard_of
from biglog.vectors.encoder import BertEncoder, load_encoder

TEXTS = [
    "connection refused by [IP]",
    "disk full",
    "job started at [TIMESTAMP] , user login from server [IP] : password refused " * 4,
    "数据库连接超时",
    "error",
]


def test_a_vector_does_not_depend_on_its_batch_mates(release: Path) -> None:
    encoder = load_encoder(release)
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_nor_do_the_shipped_model_s(shipped: BertEncoder) -> None:
    together = shipped.encode(TEXTS)
    alone = np.concatenate([shipped.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_order_is_kept_over_batches(release: Path) -> None:
    encoder = load_encoder(release)
    encoder.workers[0].tokens = 20
    texts = [TEXTS[i] for i in (2, 0, 4, 1, 3, 0, 2)]
    rows = encoder.encode(texts)
    np.testing.assert_allclose(rows[0], rows[6], atol=1e-5)
    np.testing.assert_allclose(rows[1], rows[5], atol=1e-5)
    np.testing.assert_allclose(rows[3], encoder.encode([TEXTS[1]])[0], atol=1e-5)


def test_rows_are_unit_float32_and_none_is_fine(release: Path) -> None:
    encoder = load_encoder(release)
    rows = encoder.encode(TEXTS)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert encoder.encode([]).shape == (0, 32)


@pytest.mark.parametrize("text", ["", "  \t", "漢漢", "\x00"])
def test_what_nobody_can_read_is_refused(release: Path, text: str) -> None:
    encoder = load_encoder(release)
    with pytest.raises(BadInput, match=r"cannot embed .* expected a known word"):
        encoder.encode(["disk full", text])
    assert encoder.readable(["disk full", text]).tolist() == [True, False]


def test_a_text_of_log_tokens_only_is_read(release: Path) -> None:
    assert load_encoder(release).encode(["[CODE]"]).shape == (1, 32)


def test_a_text_longer_than_the_positions_is_cut(release: Path) -> None:
    assert load_encoder(release).encode(["disk full " * 400]).shape == (1, 32)


def test_lone_surrogates_do_not_crash(release: Path) -> None:
    assert load_encoder(release).encode(["disk full \ud800"]).shape == (1, 32)


class OutOfMemory(torch.nn.Module):
    """A model that has memory for so many tokens at a time, and counts what it was given."""

    def __init__(self, model: torch.nn.Module, tokens: int) -> None:
        super().__init__()
        self.model, self.config, self.tokens = model, model.config, tokens
        self.given: list[int] = []

    def forward(self, input_ids: torch.Tensor, **given: torch.Tensor):
        self.given.append(input_ids.numel())
        if input_ids.numel() > self.tokens:
            raise torch.OutOfMemoryError("simulated")
        return self.model(input_ids=input_ids, **given)


@pytest.mark.parametrize("pads", [False, True])
def test_a_simulated_lack_of_memory_halves_the_batch_and_goes_on(release: Path, pads: bool) -> None:
    encoder = load_encoder(release)
    texts = [*TEXTS, *(f"disk full error {word}" for word in "timeout server job user".split())] * 6
    wanted = encoder.encode(texts)
    (worker,) = encoder.workers
    model = worker.model = OutOfMemory(worker.model, tokens=160)
    worker.pads = pads
    np.testing.assert_allclose(encoder.encode(texts), wanted, atol=1e-5 if not pads else 1e-2)
    refused = [tokens for tokens in model.given if tokens > 160]
    assert refused
    model.given.clear()
    encoder.encode(texts)
    assert not [tokens for tokens in model.given if tokens > 160]  # it was learnt


def test_one_text_too_many_for_a_simulated_memory_may_be_tried_again(release: Path) -> None:
    encoder = load_encoder(release)
    encoder.workers[0].model = OutOfMemory(encoder.model, tokens=3)
    with pytest.raises(TryAgain, match="no memory for one text of 4 tokens"):
        encoder.encode(["disk full"])


def test_another_error_of_the_model_is_not_taken_for_a_lack_of_memory(release: Path) -> None:
    encoder = load_encoder(release)
    encoder.workers[0].padding = 10**9
    encoder.workers[0].pads = True
    with pytest.raises((RuntimeError, IndexError)):
        encoder.encode(TEXTS)


@pytest.mark.parametrize("workers", [2, 3])
def test_several_workers_give_what_one_gives(release: Path, workers: int) -> None:
    one = load_encoder(release)
    several = BertEncoder(one.layout, one.model, one.tokenizer, devices=["cpu"] * workers)
    several.calibrate()
    several.settle()
    texts = TEXTS * 4
    assert len({shard_of(text, workers) for text in texts}) > 1
    np.testing.assert_allclose(several.encode(texts), one.encode(texts), atol=1e-5)
    assert several.model_id == one.model_id


def test_padded_batches_of_several_lengths_are_masked(release: Path) -> None:
    encoder = load_encoder(release)
    (worker,) = encoder.workers
    worker.model = encoder.model
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    worker.pads = True
    np.testing.assert_allclose(encoder.encode(TEXTS), alone, atol=1e-5)
