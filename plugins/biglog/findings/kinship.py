"""Which known template a new one is most like, by words and by meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from biglog.records import Day, History, Scores, TemplateVectors

SAME_WORDS = 0.7  # share of common words from which two patterns are kin
SAME_GRAVITY = 0.3  # a failure is no kin of the ordinary line it reads like
SAME_MEANING = 0.9  # calibrated similarity from which they are


@dataclass(frozen=True, slots=True)
class Kin:
    """A known template and how like it is, 0 to 1."""

    template_id: str
    pattern: str
    likeness: float
    common: float  # share of the earlier nights that had it


def kinship(
    rows: pl.DataFrame,
    past: pl.DataFrame,
    sides: tuple[Day, History],
    similarity: Callable[[np.ndarray[Any, Any]], Scores],
) -> dict[str, Kin]:
    """New template -> its nearest known kin no less grave; those without kin are left out."""
    day, history = sides
    fresh = rows.filter(pl.col("days_seen") == 0)
    gravity = dict(fresh.select("template_id", "gravity").sort("gravity").iter_rows())
    new = sorted(gravity)
    met = familiar(past)
    known = sorted(set(met) - set(new))
    found: dict[str, Kin] = {}
    for key, other, likeness in (
        *by_words(new, known, day),
        *by_meaning(new, day.vectors, history.vectors, similarity),
    ):
        if other not in met or other not in day.templates:
            continue
        common, grave = met[other]
        nearer = likeness > (found[key].likeness if key in found else 0.0)
        if nearer and grave >= gravity[key] - SAME_GRAVITY:
            found[key] = Kin(other, day.templates[other].pattern, likeness, common)
    return found


def familiar(past: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """Template -> the share of its source's nights that had it, and how grave it was."""
    nights = past.group_by("source").agg(all=pl.col("date").n_unique())
    seen = past.group_by("source", "template_id").agg(
        days=pl.col("date").n_unique(), gravity=pl.col("gravity").max()
    )
    rows = seen.join(nights, on="source").sort("days")
    return {r["template_id"]: (r["days"] / r["all"], r["gravity"]) for r in rows.to_dicts()}


def by_words(new: list[str], known: list[str], day: Day) -> Iterator[tuple[str, str, float]]:
    """Pairs that share most of their words; only patterns with a word in common are compared."""
    bags = {key: words(day.templates[key].pattern) for key in known if key in day.templates}
    holding: dict[str, list[str]] = {}
    for key, bag in bags.items():
        for word in bag:
            holding.setdefault(word, []).append(key)
    for key in new:
        bag = words(day.templates[key].pattern) if key in day.templates else frozenset()
        rarest = sorted((w for w in bag if w in holding), key=lambda w: len(holding[w]))[:3]
        for other in {o for word in rarest for o in holding[word]}:
            share = len(bag & bags[other]) / len(bag | bags[other])
            if share >= SAME_WORDS:
                yield key, other, share


def words(pattern: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d_]{2,}", pattern.lower()))


def by_meaning(
    new: list[str],
    tonight: TemplateVectors,
    known: TemplateVectors,
    similarity: Callable[[np.ndarray[Any, Any]], Scores],
) -> Iterator[tuple[str, str, float]]:
    """Pairs whose vectors mean the same kind of event."""
    for key, other, likeness in nearest(new, tonight, known, similarity):
        if likeness >= SAME_MEANING:
            yield key, other, likeness


def nearest(
    new: list[str],
    tonight: TemplateVectors,
    known: TemplateVectors,
    similarity: Callable[[np.ndarray[Any, Any]], Scores],
) -> list[tuple[str, str, float]]:
    """(new, nearest known, calibrated likeness); nothing where either side has no vectors."""
    rows = {key: i for i, key in enumerate(tonight.template_ids)}
    asked = [key for key in new if key in rows]
    others = [i for i, key in enumerate(known.template_ids) if key not in set(new)]
    if not asked or not others or tonight.model_id != known.model_id:
        return []
    cosine = tonight.values[[rows[key] for key in asked]] @ known.values[others].T
    best = cosine.argmax(axis=1)
    likeness = similarity(cosine[np.arange(len(asked)), best])
    return [
        (key, known.template_ids[others[int(at)]], float(like))
        for key, at, like in zip(asked, best, likeness, strict=True)
    ]
