"""How odd each session is, by detectors that each look at one side of it, and why.

A session is odd where a detector says so. The odd ones, and below them the rest, are ordered by
the harmonic mean of the shares of sessions that are as odd to each detector (Wilson, 2019): one
clear sign is not drowned by detectors that see nothing, though signs depend on each other.
"""

from __future__ import annotations

import polars as pl

from biglog.findings import counts, durations, nextevent, transitions

DETECTORS = {
    "counts": counts.judge,
    "transitions": transitions.judge,
    "next event": nextevent.judge,
    "duration": durations.judge,
}
GRADING = ("next event",)
"""Whose verdict does not count: healthy parallel writers come in an order of their own too."""
VOTING = tuple(name for name in DETECTORS if name not in GRADING)


def score_sessions(
    lines: pl.DataFrame, history: pl.DataFrame | None, *, first: int = 0
) -> pl.DataFrame:
    """A row per session in order of appearance: session, score, anomalous, reason, events.

    Both frames have session, template_id, template and, where known, timestamp, a row a line in
    order. ``first`` > 0 judges each session, and learns, on its first so many events only. A score
    of .5 is the threshold.
    """
    rated = by_detector(lines, history, first=first)
    return rated.select("session", *verdict(), "events")


def by_detector(
    lines: pl.DataFrame, history: pl.DataFrame | None, *, first: int = 0
) -> pl.DataFrame:
    """As score_sessions, before the detectors are joined: session, events, and of each detector
    "score NAME", "odd NAME" and "reason NAME".
    """
    here = beginnings(lines, first)
    past = None if history is None else beginnings(history, first)
    rated = here.group_by("session", maintain_order=True).agg(pl.len().alias("events"))
    for name, judge in DETECTORS.items():
        told = judge(here, past).select(
            "session", *(pl.col(one).alias(f"{one} {name}") for one in ("score", "odd", "reason"))
        )
        rated = rated.join(told, on="session", how="left", maintain_order="left")
    return rated


def beginnings(lines: pl.DataFrame, first: int) -> pl.DataFrame:
    """The first events of each session; all where ``first`` is 0."""
    if not first:
        return lines
    return lines.filter(pl.int_range(pl.len()).over("session") < first)


def verdict() -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Score, anomalous and reason from what the detectors say."""
    scores = [pl.col(f"score {name}") for name in DETECTORS]
    odd = pl.any_horizontal(f"odd {name}" for name in VOTING)
    share = len(scores) / pl.sum_horizontal(1.0 / (1.0 - one).clip(1e-9, 1.0) for one in scores)
    below = (1.0 - share) / 2
    score = pl.when(odd).then(0.5 + above(share) / 2).otherwise(below.clip(0.0, 0.4999))
    said = [pl.when(f"odd {name}").then(f"reason {name}") for name in VOTING]
    reason = pl.concat_str(said, separator="; ", ignore_nulls=True)
    usual = pl.col("reason counts").fill_null("as usual")
    return (
        score.round(4).alias("score"),
        odd.alias("anomalous"),
        pl.when(odd).then(reason).otherwise(usual).alias("reason"),
    )


def above(share: pl.Expr) -> pl.Expr:
    """Shares of sessions from 1 to 1 in a million on a line from 0 to 1."""
    return (-share.clip(1e-6, 1.0).log10() / 6.0).clip(0.0, 1.0)
