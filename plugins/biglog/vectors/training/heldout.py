"""Texts and pairs that no training saw: some to calibrate with, others to measure with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Protocol

import numpy as np
import numpy.typing as npt

from biglog.records import Vectors
from biglog.vectors.calibrate import Calibration, fit_calibration, text_fingerprint
from biglog.vectors.training import kinds as own
from biglog.vectors.training.kinds import Kind, fill_slots

_MOST_ASKED = 160  # kinds
_VAGUE = (
    "error",
    "错误",
    "failed",
    "失败",
    "warning",
    "告警",
    "exception",
    "异常",
    "info",
    "日志",
    "timeout",
    "超时",
)


class Pooling(Protocol):
    """What calibration needs of an encoder."""

    @property
    def weights(self) -> str: ...

    def pool(self, texts: Sequence[str]) -> Vectors: ...

    def readable(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]: ...


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts, and pairs of their numbers: of one kind, and of two kinds (alike in words or not)."""

    texts: tuple[str, ...]
    same: tuple[tuple[int, int], ...]
    hard: tuple[tuple[int, int], ...]
    easy: tuple[tuple[int, int], ...]


@cache
def label_pairs(part: str, *, seed: int = 5) -> Labelled:
    """Some kinds of one split against all kinds of their families, and against strangers.

    Every text of these families is embedded, which a large encoder takes a second for a dozen of.
    """
    rng = Random(seed)
    every = own.read_events()
    held = [kind for kind in every if own.split_of(kind) == part]
    asked = set(rng.sample(held, min(len(held), _MOST_ASKED)))
    families = {kind.family for kind in asked}
    kinds = [kind for kind in every if kind.family in families]
    chosen = own.choose_slots(own.read_slots(), rng)
    texts = [(fill_slots(text, chosen), kind) for kind in kinds for text in kind.texts]
    mine = [i for i, (_, kind) in enumerate(texts) if kind in asked]
    near: dict[str, list[int]] = defaultdict(list)  # all pairs of texts would be too many to try
    for place, (_, kind) in enumerate(texts):
        near[kind.family].append(place)
    pairs = [(i, j) for i in mine for j in near[texts[i][1].family]]
    same = [(i, j) for i, j in pairs if i < j and texts[i][1] is texts[j][1]]
    hard = [(i, j) for i, j in pairs if _rival(texts[i][1], texts[j][1])]
    easy = [(i, rng.randrange(len(texts))) for i in mine for _ in range(10)]
    easy = [(i, j) for i, j in easy if texts[i][1].family != texts[j][1].family]
    hard = rng.sample(hard, min(len(hard), 3 * len(same)))
    return Labelled(tuple(text for text, _ in texts), tuple(same), tuple(hard), tuple(easy))


def _rival(left: Kind, right: Kind) -> bool:
    return left.family == right.family and left.name != right.name


def calibrate_encoder(encoder: Pooling) -> Calibration:
    """Fitted on the kinds kept for calibration; half of the pairs of two kinds are rivals.

    A bare "error" is held to be a stranger to every event. Texts in a language that the model's
    vocabulary does not hold are left out.
    """
    found = label_pairs("calibrate")
    texts = [*found.texts, *_VAGUE]
    rng = Random(6)
    vague = [
        (len(found.texts) + i, j)
        for i in range(len(_VAGUE))
        for j in rng.sample(range(len(found.texts)), 20)
    ]
    other = [*found.hard, *found.easy[: len(found.hard)], *vague]
    kept, (same, different) = _used(texts, (found.same, other), encoder.readable(texts))
    return fit_calibration(
        encoder.pool(kept),
        same,
        different,
        weights=encoder.weights,
        background=text_fingerprint(kept),
        note="pairs of the events kept for calibration; probability under even odds",
    )


def _used(
    texts: Sequence[str],
    groups: Sequence[Sequence[tuple[int, int]]],
    readable: npt.NDArray[np.bool_],
) -> tuple[list[str], list[list[tuple[int, int]]]]:
    """The readable texts that some pair names, and the pairs by their new numbers."""
    clear = [[(i, j) for i, j in pairs if readable[i] and readable[j]] for pairs in groups]
    used = sorted({i for pairs in clear for pair in pairs for i in pair})
    place = {old: new for new, old in enumerate(used)}
    return [texts[i] for i in used], [[(place[i], place[j]) for i, j in p] for p in clear]
