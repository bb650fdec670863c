"""What a smaller model is worth beside the one it was made of."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from biglog.records import Vectors
from biglog.vectors import checkpoint
from biglog.vectors.encoder import BertEncoder, load_encoder
from biglog.vectors.layout import read_layout
from biglog.vectors.training.held_out_texts import read_crossing
from biglog.vectors.training.measure import held_crossing, readable_only

LEAST_FASTER = 1.05
"""Speeds nearer to each other than this are the same: timings vary by as much."""
MOST_LOST = 0.01
"""Of a recall; what loses more is not as good."""
PASSES = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """A model as it is used here; cosines are of its vectors to the original's in fp32."""

    model: str
    megabytes: float  # of its weights
    texts_per_second: float
    cosine_mean: float
    cosine_worst: float
    recall_1: float  # an engineer's Chinese to the log line, held-out texts
    recall_10: float


def compare(original: Path, smaller: Path, texts: Sequence[str] = ()) -> tuple[Measured, Measured]:
    """The original, then the smaller one; on ``texts`` for speed and cosines.

    Without any these are the held-out ones, which also the recalls are of.
    """
    texts = list(texts) or [text for pair in read_crossing() for text in pair]
    exact = as_fp32(original)
    texts = [text for text, ok in zip(texts, exact.readable(texts), strict=True) if ok]
    truth = exact.encode(texts)
    before, after = (measure(one, texts, truth) for one in (original, smaller))
    return before, after


def as_fp32(directory: Path) -> BertEncoder:
    """The model calibrated as ever, but not in the faster arithmetic that was found for it."""
    layout = read_layout(directory)
    config = checkpoint.read_config(layout.model)
    model = checkpoint.build_model(layout.model)
    encoder = BertEncoder(layout, model, checkpoint.read_tokenizer(layout.model, config))
    encoder.calibrate()
    return encoder


def measure(directory: Path, texts: Sequence[str], truth: Vectors) -> Measured:
    encoder = load_encoder(directory)
    cosines = (encoder.encode(texts) * truth).sum(axis=1)
    found = {
        figure.metric: figure.value
        for figure in held_crossing("", readable_only(encoder, encoder.encode))
    }
    return Measured(
        model=directory.resolve().name,
        megabytes=checkpoint.find_weights(encoder.layout.model).stat().st_size / 1e6,
        texts_per_second=len(texts) / quickest(encoder, texts),
        cosine_mean=float(cosines.mean()),
        cosine_worst=float(cosines.min()),
        recall_1=found["R@1"],
        recall_10=found["R@10"],
    )


def quickest(encoder: BertEncoder, texts: Sequence[str]) -> float:
    """Seconds of the quickest of a few passes: other work on the machine only adds to them."""
    spent = []
    for _ in range(PASSES):
        begun = time.perf_counter()
        encoder.encode(texts)
        spent.append(time.perf_counter() - begun)
    return min(spent)


def judge(before: Measured, after: Measured) -> str:
    """Whether the smaller model may take the original's place, in words."""
    faster = after.texts_per_second / before.texts_per_second
    share = after.megabytes / before.megabytes
    gain = f"{faster:.1f} times its speed, {share:.0%} of its size"
    lost = max(before.recall_1 - after.recall_1, before.recall_10 - after.recall_10)
    if lost > MOST_LOST:
        return (
            f"{after.model} is not as good as {before.model}: R@1 {before.recall_1:.3f} -> "
            f"{after.recall_1:.3f}, R@10 {before.recall_10:.3f} -> {after.recall_10:.3f}; {gain}"
        )
    if faster < LEAST_FASTER and share >= 1.0:
        return f"{after.model} is no better than {before.model}: {gain}"
    return f"{after.model} finds as much as {before.model}: {gain}"
