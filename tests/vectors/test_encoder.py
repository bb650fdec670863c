"""Vectors keep order, ignore their batch mates, and are refused where nothing can be read."""

from pathlib import Path

import numpy as np
import pytest

from biglog.errors import BadInput
from biglog.vectors.encoder import BertEncoder, load_encoder

TEXTS = [
    "connection refused by [IP]",
    "disk full",
    "job started at [TIMESTAMP] , user login from server [IP] : password refused " * 4,
    "数据库连接超时",
    "error",
]


def test_a_vector_does_not_depend_on_its_batch_mates(release: Path) -> None:
    encoder = load_encoder(release, batch_size=8)
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_nor_do_the_shipped_model_s(shipped: BertEncoder) -> None:
    together = shipped.encode(TEXTS)
    alone = np.concatenate([shipped.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_order_is_kept_over_batches(release: Path) -> None:
    encoder = load_encoder(release, batch_size=2)
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
