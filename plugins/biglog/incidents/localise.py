"""Which place a fault lies in, by how what each place says, and how long it takes, has changed.

Lines of the minutes in question are compared with earlier lines. What is odd about a place counts
as far as it is odd there alone: a fault makes its callers odd too, in many small ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

LINES = pl.Schema(
    [
        ("place", pl.String()),
        ("template_id", pl.String()),
        ("trace", pl.String()),
        ("at", pl.Datetime("ns")),
    ]
)
"""What is known of a line; ``trace`` is null where the line belongs to none."""
OFTEN = 5
"""Times that two templates followed one another from which their usual wait is known."""
SHORTEST = 0.05
"""Milliseconds; shorter waits are alike."""
NARROWEST = 0.3
"""Least distance, of logarithms, from the usual wait to a long one: a third more."""
DOUBT = 10.0
"""Weight (a root of the number of steps) of the belief that a place adds nothing."""
MORE, LESS = "more of a line", "less of a line"


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
    words = unusual_words(tally(now), tally(past))
    return rank({**words, "waits": long_waits(now, past), **others})


def rank(signs: Mapping[str, Mapping[str, float]]) -> list[Suspected]:
    """By the squares of each place's share of each sign: a sign that all show says nothing."""
    parts: dict[str, dict[str, float]] = {}
    for sign, strengths in signs.items():
        for place, share in shares(strengths).items():
            parts.setdefault(place, {})[sign] = share**2
    found = [Suspected(place, sum(one.values()), one) for place, one in parts.items()]
    return sorted(found, key=lambda one: (-one.weight, one.place))


def shares(strengths: Mapping[str, float]) -> dict[str, float]:
    """Each place's part of the whole sign, 0 to 1."""
    whole = sum(max(one, 0.0) for one in strengths.values())
    return {place: max(one, 0.0) / (whole or 1.0) for place, one in strengths.items()}


def tally(lines: pl.DataFrame) -> pl.DataFrame:
    """How many ``lines`` each place has of each template."""
    return lines.group_by("place", "template_id").len("lines")


def unusual_words(now: pl.DataFrame, past: pl.DataFrame) -> dict[str, dict[str, float]]:
    """How odd the oddest template of each place is, of those that come more and that come less."""
    judged = oddest(now, past)
    return {
        name: dict(judged.filter(pl.col("more") == more).select("place", "deviance").iter_rows())
        for name, more in ((MORE, True), (LESS, False))
    }


def oddest(now: pl.DataFrame, past: pl.DataFrame) -> pl.DataFrame:
    """The template of each place that comes most too often, and most too rarely, for its lines.

    ``now`` and ``past`` are as of ``tally``. By deviance of a Poisson count, whose ``mean`` is the
    template's share of the place's earlier lines; ``more`` says which way it is odd.
    """
    key = ["place", "template_id"]
    counts = (
        now.rename({"lines": "now"})
        .join(past.rename({"lines": "was"}), on=key, how="full", coalesce=True)
        .fill_null(0)
        .with_columns(lines=pl.col("now").sum().over("place"), of=pl.col("was").sum().over("place"))
        .filter(pl.col("of") > 0)
    )
    mean = (pl.col("was") + 0.5) / (pl.col("of") + 1) * pl.col("lines")
    likely = pl.when(pl.col("now") > 0).then(pl.col("now") * (pl.col("now") / mean).log())
    deviance = 2 * (likely.otherwise(0.0) - (pl.col("now") - mean))
    return (
        counts.with_columns(mean=mean, deviance=deviance, more=pl.col("now") > mean)
        .sort("deviance", "template_id", descending=[True, False])
        .unique(["place", "more"], keep="first", maintain_order=True)
        .select(*key, "now", "was", "mean", "deviance", "more")
    )


def long_waits(now: pl.DataFrame, past: pl.DataFrame) -> dict[str, float]:
    """How much longer than usual requests wait at each place, by how sure that is.

    A step from one place to another is slow by the sum of what either adds, and which of them it is
    shows in their other steps. What each adds is found by least squares (ridge regression: Hoerl
    and Kennard 1970), so that a place is not suspected for its neighbour's delay.
    """
    pairs = (
        excesses(now, past)
        .group_by("place", "to")
        .agg(pl.col("excess").mean(), weight=pl.len().sqrt())
        .sort("place", "to")
    )
    places = sorted({*pairs["place"], *pairs["to"]})
    at = {place: column for column, place in enumerate(places)}
    ends = np.zeros((len(pairs), len(places)))
    for row, (place, to) in enumerate(pairs.select("place", "to").iter_rows()):
        ends[row, [at[place], at[to]]] = 1.0
    weighted = ends.T * pairs["weight"].to_numpy()
    spread = np.linalg.inv(weighted @ ends + DOUBT * np.eye(len(places)))
    added = spread @ (weighted @ pairs["excess"].to_numpy())
    return dict(zip(places, (added / np.sqrt(np.diag(spread))).tolist(), strict=True))


def excesses(now: pl.DataFrame, past: pl.DataFrame) -> pl.DataFrame:
    """The steps of requests with their ``excess``: the logarithm of the wait beside its median, in
    units of how far a usual long one (the ninth decile) is from that.
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
    excess = (pl.col("wait") - pl.col("middle")) / reach
    return steps(now).join(usual, on=key).with_columns(excess=excess)


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
