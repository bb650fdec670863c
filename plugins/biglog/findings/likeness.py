"""How alike two findings are: by kind, by what they are about, by place, level and size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from biglog.records import Day, Finding, History, Scores, Vectors

FAMILIES = {
    "new_template": "new",
    "returned_template": "new",
    "distant": "new",
    "rate_up": "more",
    "rate_down": "less",
    "silence": "less",
    "stopped_template": "less",
    "value_up": "value",
    "value_down": "value",
    "new_value": "value",
}
SAME_FAMILY = 0.7
OTHER_SERVICE, OTHER_SOURCE = 0.8, 0.6
OTHER_LEVEL = 0.85
SAME_GRAVITY = 0.3  # a failure is not like the ordinary line that it reads like
GROWN = 4.0  # a finding this many times as large as another one, or smaller, is still alike


@dataclass(frozen=True, slots=True)
class Meaning:
    """Unit vectors of templates, and what their cosine says."""

    at: dict[str, int]  # template id -> row
    values: Vectors
    similarity: Callable[[np.ndarray[Any, Any]], Scores]


def meaning(
    template_ids: Iterable[str],
    day: Day,
    history: History,
    similarity: Callable[[np.ndarray[Any, Any]], Scores],
) -> Meaning:
    """Of those templates that have a vector tonight or had one before."""
    wanted = frozenset(template_ids)
    at: dict[str, int] = {}
    kept: list[Vectors] = []
    for one in (day.vectors, history.vectors):
        for key, row in zip(one.template_ids, one.values, strict=True):
            if key in wanted and key not in at:
                at[key] = len(kept)
                kept.append(row)
    values = np.stack(kept) if kept else np.zeros((0, 1), np.float32)
    return Meaning(at, values, similarity)


def likeness(found: Sequence[Finding], others: Sequence[Finding], known: Meaning) -> Scores:
    """0 to 1, one row a finding, one column an other; 1 is the same again and no larger."""
    place = placed(found, others)
    level = np.where(equal("level", found, others), 1.0, OTHER_LEVEL)
    return kinds(found, others) * about(found, others, known) * place * level * size(found, others)


def equal(name: str, found: Sequence[Finding], others: Sequence[Finding]) -> np.ndarray[Any, Any]:
    mine, theirs = (np.array([getattr(f, name) for f in some], str) for some in (found, others))
    return np.asarray(mine[:, None] == theirs[None, :])


def kinds(found: Sequence[Finding], others: Sequence[Finding]) -> Scores:
    mine, theirs = (np.array([FAMILIES[f.kind] for f in some], str) for some in (found, others))
    family = np.where(mine[:, None] == theirs[None, :], SAME_FAMILY, 0.0)
    return np.where(equal("kind", found, others), 1.0, family)


def placed(found: Sequence[Finding], others: Sequence[Finding]) -> Scores:
    """What is about a whole service or source is alike in the same place only."""
    source, service = equal("source", found, others), equal("service", found, others)
    whole = np.array([not f.template_id for f in found], bool)[:, None]
    other = np.where(source, OTHER_SERVICE, OTHER_SOURCE)
    return np.where(source & service, 1.0, np.where(whole, 0.0, other))


def about(found: Sequence[Finding], others: Sequence[Finding], known: Meaning) -> Scores:
    """1 for the same template, or for none on both sides; else how alike the templates mean."""
    same = equal("template_id", found, others)
    mine, theirs = (np.array([known.at.get(f.template_id, -1) for f in some], np.int64)
                    for some in (found, others))  # fmt: skip
    both = (mine[:, None] >= 0) & (theirs[None, :] >= 0)
    if not both.any():
        return same.astype(np.float64)
    cosine = known.values[mine] @ known.values[theirs].T
    alike = np.asarray(known.similarity(cosine.ravel())).reshape(cosine.shape)
    return np.where(same, 1.0, np.where(both & equally_grave(found, others), alike, 0.0))


def equally_grave(found: Sequence[Finding], others: Sequence[Finding]) -> np.ndarray[Any, Any]:
    mine, theirs = (np.array([float(f.evidence.get("gravity", 0.2)) for f in some])
                    for some in (found, others))  # fmt: skip
    return np.asarray(np.abs(mine[:, None] - theirs[None, :]) <= SAME_GRAVITY + 1e-9)


def size(found: Sequence[Finding], others: Sequence[Finding]) -> Scores:
    """1 where not clearly larger than the other was, falling with how many times larger it is."""
    mine, theirs = (np.array([1.0 + abs(f.count - f.expected) for f in some])
                    for some in (found, others))  # fmt: skip
    return np.asarray(np.minimum(1.0, GROWN * theirs[None, :] / mine[:, None]))
