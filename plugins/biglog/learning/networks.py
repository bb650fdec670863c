"""Torch methods by name: made, read again, and asked for scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from biglog.errors import BadInput
from biglog.records import Encoder, Labels, Scores
from biglog.samples import Kinds, Samples

NETWORKS = ("lstm", "head", "finetune")


def make(
    method: str, samples: Samples, kinds: Kinds, odd: Labels, model: Encoder, *, cut: int, seed: int
) -> Any:
    if method == "lstm":
        from biglog.vectors.heads.sequence import fit_sequence

        return fit_sequence(samples, kinds, odd, cut=cut, seed=seed)
    if method == "head":
        from biglog.vectors.heads.head import fit_head

        return fit_head(samples, kinds, odd, cut=cut, seed=seed)
    from biglog.vectors.heads.tuned import fit_tuned

    return fit_tuned(samples, kinds, odd, needs_bert(model), cut=cut, seed=seed)


def needs_bert(model: Encoder) -> Any:
    if not hasattr(model, "tokenizer"):
        raise BadInput(f"--method finetune trains a BERT, got {model.model_id}; use --method head")
    return model


def read(method: str, kept: Mapping[str, npt.NDArray[Any]]) -> Any:
    from biglog.vectors.heads import head, sequence, tuned

    reads = {"lstm": sequence.from_arrays, "head": head.from_arrays, "finetune": tuned.from_arrays}
    return reads[method](kept)


def score(network: Any, samples: Samples, kinds: Kinds, model: Encoder) -> Scores:
    if hasattr(network, "embed"):
        return np.asarray(network.score(samples, kinds, needs_bert(model)))
    return np.asarray(network.score(samples, kinds))
