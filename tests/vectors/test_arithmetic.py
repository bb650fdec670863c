"""A faster arithmetic is used where it is as good as fp32, and nowhere else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biglog.records import Vectors
from biglog.vectors.arithmetic import Verdict, judge, read_verdict, write_verdict
from biglog.vectors.calibrate import unit
from biglog.vectors.encoder import BertEncoder, load_encoder
from biglog.vectors.int8 import find_ranges, quantise

KINDS = [0, 0, 1, 1, 2, 2]
EXACT = np.repeat(np.eye(3, 8, dtype=np.float32), 2, axis=0)
TEXTS = ["disk full", "user login failed", "job started by server", "error", "timeout : memory"]


def judged(tried: Vectors) -> Verdict:
    return judge(EXACT, tried, KINDS, weights="w", device="cpu")


def test_what_is_near_and_finds_as_well_passes() -> None:
    verdict = judged(EXACT)
    assert (verdict.arithmetic, verdict.cosine_worst) == ("int8", 1.0)
    assert verdict.recall_exact == verdict.recall_tried == 1.0


def test_what_is_far_off_is_refused() -> None:
    verdict = judged(unit(EXACT + 0.05))
    assert verdict.cosine_mean < 0.999
    assert verdict.recall_tried == 1.0
    assert verdict.arithmetic == "fp32"


def test_what_finds_less_is_refused() -> None:
    exact = unit(np.array([[1, 0.0100], [1, 0.0110], [1, -0.01], [1, -0.011]], np.float32))
    tried = exact[[0, 2, 1, 3]]
    verdict = judge(exact, tried, [0, 0, 1, 1], weights="w", device="cpu")
    assert verdict.cosine_mean > 0.999
    assert verdict.recall_tried < verdict.recall_exact
    assert verdict.arithmetic == "fp32"


def test_what_overflows_is_refused() -> None:
    tried = EXACT.copy()
    tried[0, 0] = np.nan
    assert judged(tried).arithmetic == "fp32"


def test_a_verdict_is_kept_and_used_again(release: Path) -> None:
    first = load_encoder(release).verdict
    path = release / "arithmetic-cpu.json"
    assert read_verdict(path, first.weights) == first
    assert read_verdict(path, "another model's") is None
    write_verdict(replace(first, arithmetic="fp32"), path)
    again = load_encoder(release)
    assert again.verdict.arithmetic == "fp32"
    assert again.workers[0].model is again.model


def test_a_damaged_verdict_is_made_anew(release: Path) -> None:
    first = load_encoder(release).verdict
    (release / "arithmetic-cpu.json").write_text('{"arithmetic": "int2"}')
    assert load_encoder(release).verdict == first


def test_the_verdict_changes_no_model_s_id(release: Path) -> None:
    encoder = load_encoder(release)
    path = release / "arithmetic-cpu.json"
    other = "fp32" if encoder.verdict.arithmetic == "int8" else "int8"
    write_verdict(replace(encoder.verdict, arithmetic=other), path)
    assert load_encoder(release).model_id == encoder.model_id


def test_the_shipped_model_is_as_good_in_8_bits(shipped: BertEncoder) -> None:
    worker = shipped.workers[0]
    verdict = shipped.verdict
    assert verdict.arithmetic == "int8"
    assert verdict.cosine_mean > 0.999
    assert verdict.cosine_worst > 0.997
    fast = shipped.encode(TEXTS)
    kept, worker.model = worker.model, shipped.model
    try:
        cosines = (fast * shipped.encode(TEXTS)).sum(axis=1)
        assert cosines.mean() > 0.999
        assert cosines.min() > 0.997
    finally:
        worker.model = kept


@pytest.mark.parametrize("mates", [1, 2, 5])
def test_8_bits_do_not_depend_on_batch_mates(release: Path, mates: int) -> None:
    encoder = load_encoder(release)
    (worker,) = encoder.workers
    ranges = find_ranges(encoder.model, lambda: encoder.pool(TEXTS))
    worker.model = quantise(encoder.model, ranges)
    together = encoder.encode(TEXTS * mates)[: len(TEXTS)]
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
