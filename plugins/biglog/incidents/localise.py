"""Which place a fault lies in, by how what each place says, and how long it takes, has changed.

Lines of the minutes in question are compared with earlier lines. What is odd about a place counts
as far as it is odd there alone: a fault makes its callers odd too, in many small ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

LINES = {"place": pl.String, "template_id": pl.String, "trace": pl.String, "at": pl.Datetime("ns")}
"""What is known of a line; ``trace`` is null where the line belongs to none."""
OFTEN = 5
"""Times that two templates followed one another from which their usual wait is known."""
SHORTEST = 0.05
"""Milliseconds; shorter waits are alike."""
NARROWEST = 0.3
"""Least distance, of logarithms, from the usual wait to a long one: a third more."""


@dataclass(frozen=True, slots=True)
class Suspected:
    """A place, how much speaks for it, and each sign's part of that."""

    place: str
    weight: float
    parts: Mapping[str, float]


def localise(
    now: pl.DataFrame, past: pl.DataFrame, others: Mapping[str, Mapping[str, float]]
) -> list[Suspected]:
    """Places by how likely the fault lies there, the likeliest first.

    ``now`` and ``past`` are LINES, of the same kind of places. ``others`` are further signs, of
    metrics for example: name, then place, then strength from 0, of any unit.
    """
    return rank({**unusual_words(now, past), "waits": long_waits(now, past), **others})


def rank(signs: Mapping[str, Mapping[str, float]]) -> list[Suspected]:
    """By the squares of each place's share of each sign: a sign that all show says nothing."""
    parts: dict[str, dict[str, float]] = {}
    for sign, strengths in signs.items():
        whole = sum(max(one, 0.0) for one in strengths.values())
        for place, strength in strengths.items():
            share = max(strength, 0.0) / whole if whole > 0 else 0.0
            parts.setdefault(place, {})[sign] = share**2
    found = [Suspected(place, sum(one.values()), one) for place, one in parts.items()]
    return sorted(found, key=lambda one: (-one.weight, one.place))


def unusual_words(now: pl.DataFrame, past: pl.DataFrame) -> dict[str, dict[str, float]]:
    """The template of each place that comes most too often, and most too rarely, for its lines.

    By deviance of a Poisson count, whose mean is the template's share of the place's earlier lines.
    """
    key = ["place", "template_id"]
    counts = (
        now.group_by(key)
        .len("now")
        .join(past.group_by(key).len("was"), on=key, how="full", coalesce=True)
        .fill_null(0)
        .with_columns(lines=pl.col("now").sum().over("place"), of=pl.col("was").sum().over("place"))
        .filter(pl.col("of") > 0)
    )
    mean = (pl.col("was") + 0.5) / (pl.col("of") + 1) * pl.col("lines")
    likely = pl.when(pl.col("now") > 0).then(pl.col("now") * (pl.col("now") / mean).log())
    deviance = 2 * (likely.otherwise(0.0) - (pl.col("now") - mean))
    judged = counts.with_columns(deviance=deviance, more=pl.col("now") > mean)
    return {
        name: most(judged.filter(pl.col("more") == more))
        for name, more in (("more of a line", True), ("less of a line", False))
    }


def most(judged: pl.DataFrame) -> dict[str, float]:
    return dict(judged.group_by("place").agg(pl.col("deviance").max()).iter_rows())


def long_waits(now: pl.DataFrame, past: pl.DataFrame) -> dict[str, float]:
    """How much longer than usual the steps of requests take that each place has part in.

    A step is from one line of a trace to the next. Its excess is the logarithm of the wait beside
    the median, in units of how far a usual long one (the ninth decile) is from that.
    """
    key = ["template_id", "then"]
    usual = (
        steps(past)
        .group_by(key)
        .agg(
            middle=pl.col("wait").median(),
            high=pl.col("wait").quantile(0.9),
            times=pl.len(),
        )
        .filter(pl.col("times") >= OFTEN)
    )
    reach = (pl.col("high") - pl.col("middle")).clip(NARROWEST)
    taken = (
        steps(now)
        .join(usual, on=key)
        .with_columns(excess=(pl.col("wait") - pl.col("middle")) / reach)
    )
    crossing = taken.filter(pl.col("place") != pl.col("to"))
    ends = pl.concat(
        [taken.select("place", "excess"), crossing.select(place="to", excess="excess")]
    )
    summed = ends.group_by("place").agg(pl.col("excess").sum() / pl.len().sqrt())
    return dict(summed.iter_rows())


def steps(lines: pl.DataFrame) -> pl.DataFrame:
    """Each line of a trace with the next: where that was said, what, and the wait's logarithm."""
    after = {
        name: pl.col(column).shift(-1).over("trace")
        for name, column in (("to", "place"), ("then", "template_id"), ("next", "at"))
    }
    waits = (pl.col("next") - pl.col("at")).dt.total_nanoseconds() / 1e6
    traced = lines.drop_nulls("trace").sort("trace", "at", maintain_order=True)
    return (
        traced.with_columns(**after)
        .drop_nulls("then")
        .with_columns(wait=waits.clip(SHORTEST).log())
    )
