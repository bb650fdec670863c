"""How well predicted templates agree with true ones, by the measures of Loghub-2.0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from biglog.errors import BadInput


@dataclass(frozen=True, slots=True)
class Accuracy:
    """All from 0 to 1, 1 = perfect; the first two judge groups, the last two the text as well."""

    ga: float  # share of lines whose group is exactly the true group
    fga: float  # F1 of exact groups: every group counts once
    pa: float  # share of lines whose template is the true text
    fta: float  # F1 of templates: right text, and no line of another template under it


def accuracy(truth: Sequence[str], predicted: Sequence[str]) -> Accuracy:
    """Both sequences name a template per line. Raises BadInput when their lengths differ."""
    if len(truth) != len(predicted):
        raise BadInput(f"{len(predicted)} predictions for {len(truth)} lines; give one per line")
    if not truth:
        return Accuracy(ga=1.0, fga=1.0, pa=1.0, fta=1.0)
    pairs = Counter(zip(truth, predicted, strict=True))
    true_sizes, sizes = Counter(truth), Counter(predicted)
    exact = [n for (t, p), n in pairs.items() if n == true_sizes[t] == sizes[p]]
    equal = sum(n for (t, p), n in pairs.items() if t == p)
    pure = sum(1 for (t, p), n in pairs.items() if t == p and n == sizes[p])
    groups = len(true_sizes) + len(sizes)
    return Accuracy(
        ga=sum(exact) / len(truth),
        fga=2 * len(exact) / groups,
        pa=equal / len(truth),
        fta=2 * pure / groups,
    )
