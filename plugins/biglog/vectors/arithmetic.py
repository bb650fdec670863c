"""Which arithmetic a model is run in on a kind of device, judged once against fp32 and kept.

What passes is so near to fp32 that vectors of both may be compared: a page that runs without a GPU
searches what a GPU embedded. So the arithmetic is no part of a model's id; the judgement is what
stands in for that.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from biglog.records import Vectors

log = logging.getLogger(__name__)
TEXTS = 200
EXACT = "fp32"
TRIED = {"cpu": "int8", "cuda": "fp16"}
LEAST_COSINE = 0.999
MOST_LOST = 0.01
"""Of the share of texts whose nearest other text is of their own kind."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Cosines are of centred vectors to those in fp32; recalls are shares, 0 to 1."""

    weights: str  # fingerprint of the model that was judged
    device: str
    arithmetic: str
    cosine_mean: float = 1.0
    cosine_worst: float = 1.0
    recall_exact: float = 0.0
    recall_tried: float = 0.0
    texts: int = 0
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Of the inputs of the layers, for int8."""


def file_name(device: str) -> str:
    return f"arithmetic-{device}.json"


def sample(texts: Sequence[str], same: Sequence[tuple[int, int]]) -> tuple[list[str], list[int]]:
    """Texts that have others of their kind, and the number of the kind of each."""
    kind: dict[int, int] = {}
    for left, right in same:
        kind[right] = kind.setdefault(left, left)
    chosen = sorted(kind)[:TEXTS]
    return [texts[place] for place in chosen], [kind[place] for place in chosen]


def judge(
    exact: Vectors, tried: Vectors, kinds: Sequence[int], *, weights: str, device: str
) -> Verdict:
    """Whether centred rows may stand in for those in fp32; ``kinds`` says which are of one kind."""
    cosines = (exact * tried).sum(axis=1)
    recalls = [recall(rows, kinds) for rows in (exact, tried)]
    passes = (
        bool(np.isfinite(tried).all())
        and float(cosines.mean()) >= LEAST_COSINE
        and recalls[1] >= recalls[0] - MOST_LOST
    )
    return Verdict(
        weights,
        device,
        TRIED[device] if passes else EXACT,
        round(float(cosines.mean()), 6),
        round(float(cosines.min()), 6),
        round(recalls[0], 4),
        round(recalls[1], 4),
        len(exact),
    )


def recall(rows: Vectors, kinds: Sequence[int]) -> float:
    """Share of the rows whose nearest other row is of their kind."""
    cosines = np.nan_to_num(rows @ rows.T, nan=-2.0)
    np.fill_diagonal(cosines, -2.0)
    truth = np.asarray(kinds)
    return float((truth[cosines.argmax(axis=1)] == truth).mean())


def read_verdict(path: Path, weights: str) -> Verdict | None:
    """The kept verdict on that model; None where the file is of another, or damaged."""
    try:
        found = json.loads(path.read_text("utf-8"))
        spans = {name: (float(low), float(high)) for name, (low, high) in found["ranges"].items()}
        verdict = Verdict(**{**found, "ranges": spans})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        log.warning("%s cannot be read (%s): the arithmetic is judged anew", path, error)
        return None
    return verdict if verdict.weights == weights else None


def write_verdict(verdict: Verdict, path: Path) -> None:
    path.write_text(json.dumps(asdict(verdict), indent=1) + "\n", "utf-8")
