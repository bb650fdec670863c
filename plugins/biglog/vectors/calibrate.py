"""What a cosine means: the background mean and the map from cosine to "the same kind of event"."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from biglog.errors import BadInput
from biglog.records import Scores, Vectors

FILE = "calibration.json"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Stored beside the model; ``weights`` tells whether it was fitted to this very model."""

    weights: str  # fingerprint of the model it was fitted to
    background: str  # fingerprint of the texts whose mean is taken off
    mean: tuple[float, ...]
    slope: float
    intercept: float
    same_pairs: int
    other_pairs: int
    note: str = ""

    def centre(self, pooled: npt.NDArray[Any]) -> Vectors:
        """Unit rows less the background mean, unit again."""
        rows = unit(np.asarray(pooled, np.float32)) - np.asarray(self.mean, np.float32)
        return unit(rows)

    def similarity(self, cosine: npt.NDArray[Any]) -> Scores:
        """Probability, 0 to 1, of one kind; it rises with the cosine and is 1 at cosine 1."""
        cosines = np.clip(np.asarray(cosine, np.float64), -1.0, 1.0)
        top = _logistic(np.float64(self.slope + self.intercept))
        return np.asarray(_logistic(self.slope * cosines + self.intercept) / top, np.float64)


def unit(rows: npt.NDArray[Any]) -> Vectors:
    """Rows of length one; a row of zeros stays."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)


def _logistic(values: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-values))


def fit_calibration(
    pooled: npt.NDArray[Any],
    same: Sequence[tuple[int, int]],
    other: Sequence[tuple[int, int]],
    *,
    weights: str,
    background: str,
    note: str = "",
) -> Calibration:
    """From pooled vectors of texts, and pairs of their row numbers of one kind and of two kinds.

    Both classes weigh the same, so the probability is that under even odds.
    """
    if not same or not other:
        raise BadInput(
            f"calibration got {len(same)} pairs of one kind and {len(other)} of two, expected "
            "some of each: give more texts"
        )
    rows = unit(pooled)
    mean = rows.mean(axis=0)
    centred = unit(rows - mean)
    cosines = np.concatenate([_cosines(centred, same), _cosines(centred, other)])
    truth = np.concatenate([np.ones(len(same)), np.zeros(len(other))])
    slope, intercept = fit_logistic(cosines, truth)
    return Calibration(
        weights=weights,
        background=background,
        mean=tuple(round(float(value), 7) for value in mean),
        slope=round(slope, 4),
        intercept=round(intercept, 4),
        same_pairs=len(same),
        other_pairs=len(other),
        note=note,
    )


def _cosines(rows: Vectors, pairs: Sequence[tuple[int, int]]) -> npt.NDArray[np.float64]:
    left, right = np.array(pairs).T
    return np.asarray((rows[left] * rows[right]).sum(axis=1), np.float64)


def fit_logistic(
    values: npt.NDArray[np.float64], truth: npt.NDArray[np.float64], *, ridge: float = 1e-3
) -> tuple[float, float]:
    """(slope, intercept) by Newton's method, both classes weighing the same; slope at least 1."""
    shares = np.where(truth > 0, 0.5 / truth.mean(), 0.5 / (1 - truth.mean())) / len(truth)
    design = np.stack([values, np.ones_like(values)], axis=1)
    found = np.zeros(2)
    for _ in range(50):
        said = _logistic(design @ found)
        slope_of_loss = design.T @ (shares * (said - truth)) + ridge * found * (1.0, 0.0)
        curve = (design * (shares * said * (1 - said))[:, None]).T @ design + ridge * np.eye(2)
        found = found - np.linalg.solve(curve, slope_of_loss)
    return max(float(found[0]), 1.0), float(found[1])


def text_fingerprint(texts: Sequence[str]) -> str:
    """First 16 hexadecimal digits of the texts' sha256."""
    return hashlib.sha256("\n".join(texts).encode("utf-8")).hexdigest()[:16]


def read_calibration(path: Path) -> Calibration | None:
    """The stored calibration; None when there is none."""
    if not path.exists():
        return None
    try:
        stored = json.loads(path.read_text("utf-8"))
        return Calibration(**{**stored, "mean": tuple(map(float, stored["mean"]))})
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(
            f"{path} is no calibration ({error}), expected the JSON that training writes: delete "
            "the file and it is made anew at the next load"
        ) from error


def write_calibration(calibration: Calibration, path: Path) -> None:
    path.write_text(json.dumps(asdict(calibration), ensure_ascii=False, indent=1) + "\n", "utf-8")
