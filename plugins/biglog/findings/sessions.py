"""How odd each session is: how far its count vector lies from every usual one.

A session is the multiset of its templates. Landauer et al. (FSE 2024) found that new events and
unseen count vectors explain most labelled sessions; the distance here keeps that and grades it:
Bray-Curtis between count vectors, each template weighted by how rare it is among sessions, to the
nearest vector that is usual: frequent in the history, or with none in the file itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
MAX_USUAL = 2_000
"""The most frequent usual vectors are compared with; the rest lie near one of them."""
FREQUENT = 0.01
"""Share of sessions above which a vector is usual. A fault that repeats is rarer than this, and a
history nobody has cleaned holds such faults too, so the share is asked of the history as well."""
ANOMALOUS_DISTANCE = 0.2


@dataclass(frozen=True, slots=True)
class Profiles:
    """Distinct count vectors; row i belongs to keys[i] and was had by sessions[i] sessions."""

    keys: list[tuple[tuple[int, int], ...]]
    sessions: npt.NDArray[np.int64]


def score_sessions(
    lines: pl.DataFrame, history: pl.DataFrame | None, *, first: int = 0
) -> pl.DataFrame:
    """A row per session in order of appearance: session, score, anomalous, reason, events.

    Both frames have session, template_id and template, a row a line in order. ``first`` > 0 judges
    each session, and learns, on its first so many events only.
    """
    codes = template_codes(lines, history)
    today = counted(lines, codes, first)
    past = None if history is None else counted(history, codes, first)
    distinct = profiles(today)
    learnt = distinct if past is None else profiles(past)
    usual = frequent(learnt)
    weights = idf(learnt, len(codes))
    known = matrix(usual.keys, len(codes)) * weights
    here = matrix(distinct.keys, len(codes)) * weights
    distance, nearest = nearest_distance(here, known)
    patterns = dict(enumerate(codes["template"].to_list()))
    rows = [
        (key, graded(far), far >= ANOMALOUS_DISTANCE, explain(key, near, patterns, far))
        for key, far, near in zip(
            distinct.keys, distance, nearest_keys(usual, nearest), strict=True
        )
    ]
    return spread(today, rows)


def template_codes(lines: pl.DataFrame, history: pl.DataFrame | None) -> pl.DataFrame:
    """Distinct templates, sorted, so that a row's place is its code."""
    frames = [lines] if history is None else [lines, history]
    pairs = [one.select("template_id", "template").unique("template_id") for one in frames]
    return pl.concat(pairs).unique("template_id").sort("template_id")


def counted(lines: pl.DataFrame, codes: pl.DataFrame, first: int) -> pl.DataFrame:
    """A row per session: how often it has each template, as one key, and its events."""
    numbered = codes.select("template_id").with_row_index("code")
    rows = lines.select("session", "template_id").with_row_index("order")
    if first:
        rows = rows.filter(pl.int_range(pl.len()).over("session") < first)
    cells = (
        rows.join(numbered, on="template_id")
        .group_by("session", "code")
        .agg(pl.len().alias("n"), pl.col("order").min())
        .sort("session", "code")
    )
    return (
        cells.group_by("session", maintain_order=True)
        .agg("code", "n", pl.col("n").sum().alias("events"), pl.col("order").min())
        .sort("order")
    )


def profiles(sessions: pl.DataFrame) -> Profiles:
    grouped = sessions.group_by("code", "n").agg(pl.len().alias("had"), pl.col("order").min())
    ordered = grouped.sort("had", "order", descending=[True, False])
    keys = [
        tuple(zip(codes, counts, strict=True))
        for codes, counts in zip(ordered["code"].to_list(), ordered["n"].to_list(), strict=True)
    ]
    return Profiles(keys, ordered["had"].to_numpy().astype(np.int64))


def frequent(found: Profiles) -> Profiles:
    least = max(2.0, FREQUENT * float(found.sessions.sum()))
    kept = int((found.sessions >= least).sum()) or min(1, len(found.keys))
    return Profiles(found.keys[: min(kept, MAX_USUAL)], found.sessions[: min(kept, MAX_USUAL)])


def matrix(keys: list[tuple[tuple[int, int], ...]], width: int) -> Floats:
    """Dampened counts, a row a key: the tenth repetition says less than the first."""
    rows = np.zeros((len(keys), width))
    for place, key in enumerate(keys):
        for code, count in key:
            rows[place, code] = np.log1p(count)
    return rows


def idf(found: Profiles, width: int) -> Floats:
    """Weight of each template: 1 where every session has it, more the fewer do."""
    having = np.zeros(width)
    for key, sessions in zip(found.keys, found.sessions, strict=True):
        having[[code for code, _ in key]] += sessions
    total = max(1, int(found.sessions.sum()))
    weights: Floats = 1.0 + np.log((1.0 + total) / (1.0 + having))
    return weights


def nearest_distance(here: Floats, known: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Bray-Curtis distance, 0 to 1, to the nearest known row, and which row that is."""
    from scipy.spatial.distance import cdist

    if not len(known) or not len(here):
        return np.ones(len(here)), np.full(len(here), -1, dtype=np.int64)
    far = cdist(here, known, "braycurtis")
    return far.min(axis=1), far.argmin(axis=1).astype(np.int64)


def graded(distance: float) -> float:
    """0 for a usual vector, .5 at the threshold, towards 1 beyond."""
    return round(float(1.0 - 0.5 ** (distance / ANOMALOUS_DISTANCE)), 4)


def nearest_keys(
    usual: Profiles, nearest: npt.NDArray[np.int64]
) -> list[tuple[tuple[int, int], ...]]:
    return [usual.keys[place] if place >= 0 else () for place in nearest]


def explain(
    key: tuple[tuple[int, int], ...],
    near: tuple[tuple[int, int], ...],
    patterns: dict[int, str],
    distance: float,
) -> str:
    """How the session differs from the nearest usual one, the largest difference first."""
    if distance == 0.0:
        return "as usual"
    mine, theirs = dict(key), dict(near)
    gaps = sorted(
        ((mine.get(c, 0) - theirs.get(c, 0), c) for c in mine.keys() | theirs.keys()),
        key=lambda gap: (-abs(gap[0]), gap[1]),
    )
    said = [
        f"{mine.get(c, 0)} times (usually {theirs.get(c, 0)}): {patterns[c][:120]}"
        for gap, c in gaps
        if gap
    ]
    return "; ".join(said[:3])


def spread(
    sessions: pl.DataFrame, rows: list[tuple[tuple[tuple[int, int], ...], float, bool, str]]
) -> pl.DataFrame:
    """Each distinct vector's judgement to every session that has it."""
    judged = pl.DataFrame(
        {
            "code": [[code for code, _ in key] for key, *_ in rows],
            "n": [[count for _, count in key] for key, *_ in rows],
            "score": [score for _, score, *_ in rows],
            "anomalous": [bool(odd) for *_, odd, _ in rows],
            "reason": [reason for *_, reason in rows],
        },
        schema_overrides={
            "code": sessions.schema["code"],
            "n": sessions.schema["n"],
            "anomalous": pl.Boolean,
        },
    )
    joined = sessions.join(judged, on=["code", "n"], how="left").sort("order")
    return joined.select("session", "score", "anomalous", "reason", "events")
